//! From what the command line and the config file say to a source and the application meant in it.

use std::path::{Path, PathBuf};

use color_eyre::eyre;
use etcetera::BaseStrategy;
use skewer::model::{Application, Origin};
use skewer::source::{Choice, MAX_LOG, Options, Progress, Source, SourceError};

use super::progress::warn;
use super::{Context, UsageError};
use crate::cli::{Pick, ReadFrom};

/// A source, and which of its applications.
pub struct Target {
    pub source: Source,
    pub choice: Choice,
    read_from: ReadFrom,
}

impl Target {
    /// A recorded application that is built in; the first when none is named.
    pub fn demo(case: Option<&str>) -> eyre::Result<Target> {
        let first = skewer::source::demo::CASES.first().map_or("", |case| case.name);
        let source = Source::demo(case.unwrap_or(first))?;
        Ok(Target {
            source,
            choice: Choice::default(),
            read_from: ReadFrom::Auto,
        })
    }

    /// The application that is meant without a list to choose from, if there is one.
    pub fn at_once(&self) -> Option<Choice> {
        (self.choice.app.is_some() || self.source.choice().is_some()).then(|| self.choice.clone())
    }

    /// Reads the application that is meant.
    pub fn open(&self, progress: &Progress) -> Result<Application, SourceError> {
        let application = self.source.open(&self.choice, progress)?;
        if self.read_from == ReadFrom::Log && application.origin == Origin::Rest {
            let why = "the server did not give the event log; raise --max-log, or allow --source rest".to_owned();
            let url = self.source.label().to_owned();
            return Err(SourceError::Server { url, why });
        }
        Ok(application)
    }

    /// Reads it with the tasks of all its stages.
    pub fn open_with_tasks(&self, progress: &Progress) -> Result<Application, SourceError> {
        self.source.load_all_tasks(self.open(progress)?, progress)
    }

    /// Reads it with the plans of all its SQL executions.
    pub fn open_with_plans(&self, progress: &Progress) -> Result<Application, SourceError> {
        self.source.load_plans(self.open(progress)?, progress)
    }
}

impl Context {
    /// The target that is named, or the default server.
    pub fn target(&self, target: Option<&str>, pick: &Pick) -> eyre::Result<Target> {
        let default = self.config.default_target();
        let (address, app) = match (target, default) {
            (Some(id), Some(server)) if is_application_id(id) => (server, Some(id.to_owned())),
            (Some(target), _) => (self.config.resolve(target), None),
            (None, Some(server)) => (server, None),
            (None, None) => {
                let why = "no TARGET given, and the config file names no default server; try `skewer demo`, or `skewer --help`";
                return Err(UsageError(why.to_owned()).into());
            }
        };
        let read_from = self.global.source;
        // A server without room for a log is asked over REST.
        let max_log = if read_from == ReadFrom::Rest {
            0
        } else {
            self.global.max_log.unwrap_or(MAX_LOG)
        };
        let cache = if self.global.no_cache { None } else { cache_folder() };
        let connection = self.connection(address, target)?;
        let source = Source::with(
            address,
            &Options {
                max_log,
                cache,
                connection,
            },
        )?;
        if source.is_unchecked() {
            warn("the server's certificate is not checked (--insecure): what answers may be another server");
        }
        let meant = source.choice().cloned().unwrap_or_default();
        let choice = Choice {
            app: pick.app.clone().or(app).or(meant.app),
            attempt: pick.attempt.clone().or(meant.attempt),
        };
        Ok(Target {
            source,
            choice,
            read_from,
        })
    }
}

/// Where listings of folders are kept: `$XDG_CACHE_HOME/skewer`.
fn cache_folder() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.cache_dir().join("skewer"))
}

/// Whether a target is an application's id rather than a path: so begin the ids that YARN, standalone, Kubernetes and local mode give.
fn is_application_id(target: &str) -> bool {
    let begins = ["application_", "app-", "spark-", "local-"]
        .iter()
        .any(|start| target.starts_with(start));
    begins && !target.contains('/') && !Path::new(target).exists()
}
