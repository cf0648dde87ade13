//! What the user names on the command line, taken for what it is: a history server, an event log, a folder of them, a recorded
//! application. Called by the commands and the screens; everything here blocks, so not from async code.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::demo::Case;
use super::error::SourceError;
use super::eventlog;
use super::progress::Progress;
use super::rest::{Address, Connection, Landing, Server, note_forgotten_executors, without_login};
use super::store::{self, Files, Store};
use crate::model::{Application, Listing, Loss, Origin, SqlExecution, Stage, StageKey};
use crate::text::clean_line;

/// Bytes of an event log that are downloaded at most, unless the user says otherwise.
pub const MAX_LOG: u64 = 2 << 30;

/// Which application to open; `None` where there is no choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Application id.
    pub app: Option<String>,
    /// Attempt id.
    pub attempt: Option<String>,
}

/// A stage with its tasks, and what of them is missing.
#[derive(Clone, Debug, PartialEq)]
pub struct LoadedStage {
    /// The stage attempt, its tasks filled.
    pub stage: Stage,
    /// What the source no longer has.
    pub loss: Option<Loss>,
    /// Its SQL execution with the plan, where that came along.
    pub sql: Option<SqlExecution>,
}

impl LoadedStage {
    /// The application with this stage's tasks in it.
    pub fn into_application(self, application: &Application) -> Application {
        let mut changed = application.with_stage(self.stage);
        if let Some(sql) = self.sql {
            changed.put_sql(sql);
        }
        if let Some(loss) = self.loss
            && !changed.losses.contains(&loss)
        {
            changed.losses.push(loss);
        }
        if changed.origin == Origin::Rest {
            note_forgotten_executors(&mut changed);
        }
        changed
    }
}

/// How targets are read.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of an event log that are downloaded from a server at most.
    pub max_log: u64,
    /// Folder in which listings of logs are kept, so that the next one is quick; `None`: nowhere.
    pub cache: Option<PathBuf>,
    /// How servers are spoken to.
    pub connection: Connection,
}

impl Default for Options {
    /// Logs of up to [`MAX_LOG`], nothing kept.
    fn default() -> Self {
        Options {
            max_log: MAX_LOG,
            cache: None,
            connection: Connection::default(),
        }
    }
}

/// Event logs in a store.
struct Logs {
    store: Box<dyn Store>,
    path: PathBuf,
    cache: Option<PathBuf>,
}

/// Where applications come from. Clones share connections.
#[derive(Clone)]
pub struct Source {
    place: Place,
    label: String,
    choice: Option<Choice>,
    landing: Option<Landing>,
    unchecked: bool,
}

#[derive(Clone)]
enum Place {
    Server(Arc<Server>),
    Files(Arc<Logs>),
    Demo(&'static Case),
    /// Standard input: an event log that can be read once.
    Input,
}

impl Source {
    /// Takes a target for what it is. Looks at the file system, never at the network.
    ///
    /// # Errors
    /// [`SourceError::BadTarget`] for what skewer does not read, [`SourceError::File`] for what is not there.
    pub fn parse(target: &str) -> Result<Source, SourceError> {
        Source::with(target, &Options::default())
    }

    /// [`Source::parse`] with other options.
    ///
    /// # Errors
    /// As [`Source::parse`].
    pub fn with(target: &str, options: &Options) -> Result<Source, SourceError> {
        let bad = |why: &str| SourceError::BadTarget {
            target: clean_line(&without_login(target)),
            why: why.to_owned(),
        };
        match target.split_once("://") {
            Some(("http" | "https" | "HTTP" | "HTTPS", _)) => {
                let address = Address::parse(target).map_err(|why| bad(&why))?;
                let choice = address.app.clone().map(|app| Choice {
                    app: Some(app),
                    attempt: address.attempt.clone(),
                });
                Ok(Source {
                    label: address.label(),
                    choice,
                    place: Place::Server(Arc::new(Server::new(&address, options.max_log, &options.connection)?)),
                    unchecked: options.connection.insecure && address.base.scheme() == "https",
                    landing: address.landing,
                })
            }
            Some(("file", path)) => Source::of_path(Path::new(path), options),
            Some((scheme, rest)) => match store::of(scheme, rest) {
                Some(store) => Ok(Source::of_store(store.map_err(|why| bad(&why))?, target, options)),
                None => Err(bad(&format!(
                    "skewer does not read {}:// addresses; give a history server's URL, or a copy of the event log",
                    clean_line(scheme)
                ))),
            },
            None if target.is_empty() => Err(bad("no target given")),
            None if target == "-" => Ok(Source {
                place: Place::Input,
                label: "standard input".to_owned(),
                choice: Some(Choice::default()),
                landing: None,
                unchecked: false,
            }),
            None => Source::of_path(Path::new(target), options),
        }
    }

    /// One of the recorded applications built in.
    ///
    /// # Errors
    /// [`SourceError::BadTarget`] names the cases there are.
    pub fn demo(case: &str) -> Result<Source, SourceError> {
        let case = Case::named(case)?;
        Ok(Source {
            place: Place::Demo(case),
            label: format!("demo {}", case.name),
            choice: Some(Choice::default()),
            landing: None,
            unchecked: false,
        })
    }

    fn of_path(path: &Path, options: &Options) -> Result<Source, SourceError> {
        let metadata = path.metadata();
        // A log that was in progress may have been renamed meanwhile.
        let may_be = path.extension().is_some_and(|extension| extension == "inprogress");
        metadata
            .map(drop)
            .or_else(|error| if may_be { Ok(()) } else { Err(error) })
            .map_err(|error| SourceError::of_path(path, &error))?;
        Ok(Source {
            label: clean_line(&path.display().to_string()),
            choice: eventlog::holds_one(&Files, path, &Progress::default()).then(Choice::default),
            landing: None,
            unchecked: false,
            place: Place::Files(Arc::new(Logs {
                store: Box::new(Files),
                path: path.to_owned(),
                cache: options.cache.clone(),
            })),
        })
    }

    /// Without a look at the network, whether it is one log or many is told by its name.
    fn of_store(store: Box<dyn Store>, target: &str, options: &Options) -> Source {
        Source {
            unchecked: false,
            label: clean_line(target),
            choice: eventlog::names_one(target).then(Choice::default),
            landing: None,
            place: Place::Files(Arc::new(Logs {
                store,
                path: PathBuf::from(target),
                cache: options.cache.clone(),
            })),
        }
    }

    /// A short name for titles: `host:port`, a path. Without credentials.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The one application that the target itself means, to be opened without asking; `None`: list them.
    pub fn choice(&self) -> Option<&Choice> {
        self.choice.as_ref()
    }

    /// The page that the target's link showed.
    pub fn landing(&self) -> Option<&Landing> {
        self.landing.as_ref()
    }

    /// Whether the server's certificate is not checked, as the user wished: to be shown wherever its data are.
    pub fn is_unchecked(&self) -> bool {
        self.unchecked
    }

    /// The applications that can be opened.
    ///
    /// # Errors
    /// When the place cannot be reached or read.
    pub fn list(&self, progress: &Progress) -> Result<Listing, SourceError> {
        match &self.place {
            Place::Server(server) => server.list(progress),
            Place::Files(logs) => eventlog::list(&*logs.store, &logs.path, logs.cache.as_deref(), progress),
            Place::Demo(case) => case.list(progress),
            Place::Input => Ok(Listing::of(&self.open(&Choice::default(), progress)?)),
        }
    }

    /// Reads one application. Over REST its stages come without their tasks: [`Source::load_tasks`].
    ///
    /// # Errors
    /// When it cannot be reached or read, when there is no such application, or when there are several and none was chosen.
    pub fn open(&self, choice: &Choice, progress: &Progress) -> Result<Application, SourceError> {
        match &self.place {
            Place::Server(server) => server.open(choice, progress),
            Place::Files(logs) => {
                let (app, attempt) = (choice.app.as_deref(), choice.attempt.as_deref());
                eventlog::open(&*logs.store, &logs.path, app, attempt, progress)
            }
            Place::Demo(case) => case.open(progress),
            Place::Input => {
                let input = BufReader::with_capacity(1 << 18, std::io::stdin());
                eventlog::open_stream(&self.label, 0, input, progress)
            }
        }
    }

    /// Reads a stage's tasks, unless they are there already.
    ///
    /// # Errors
    /// When the server cannot be reached or answers something else.
    pub fn load_tasks(
        &self,
        application: &Application,
        key: StageKey,
        progress: &Progress,
    ) -> Result<LoadedStage, SourceError> {
        let Some(stage) = application.stage(key) else {
            return Err(SourceError::Application(format!(
                "stage {key}: not in this application"
            )));
        };
        match &self.place {
            Place::Server(server) => server.load_tasks(application, stage, progress),
            _ => Ok(LoadedStage {
                stage: Stage::clone(stage),
                loss: None,
                sql: None,
            }),
        }
    }

    /// Reads the plan of a SQL execution, as text and as graph, unless it is there already. [`Application::put_sql`] puts it into the
    /// application.
    ///
    /// # Errors
    /// When there is no such execution, or the user stops it; a server that has no plan is no failure.
    pub fn load_sql(
        &self,
        application: &Application,
        id: u64,
        progress: &Progress,
    ) -> Result<SqlExecution, SourceError> {
        let Some(execution) = application.execution(id) else {
            return Err(SourceError::Application(format!(
                "SQL execution {id}: not in this application"
            )));
        };
        match &self.place {
            Place::Server(server) => server.load_sql(application, execution, progress),
            _ => Ok(execution.clone()),
        }
    }

    /// Reads the plans of all SQL executions that lack them.
    ///
    /// # Errors
    /// When the user stops it.
    pub fn load_plans(&self, application: Application, progress: &Progress) -> Result<Application, SourceError> {
        match &self.place {
            Place::Server(server) => server.load_plans(application, progress),
            _ => Ok(application),
        }
    }

    /// Reads the tasks of every stage that lacks them: a report needs all.
    ///
    /// # Errors
    /// As [`Source::load_tasks`].
    pub fn load_all_tasks(&self, application: Application, progress: &Progress) -> Result<Application, SourceError> {
        match &self.place {
            Place::Server(server) => server.load_all_tasks(application, progress),
            _ => Ok(application),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/logs");

    #[test]
    fn a_pasted_link_names_the_application_and_the_stage() {
        let source =
            Source::parse("http://me:secret@history:18080/x/history/app-1/2/stages/stage/?id=3&attempt=1").unwrap();
        assert_eq!(source.label(), "history:18080/x");
        let choice = source.choice().unwrap();
        assert_eq!(
            (choice.app.as_deref(), choice.attempt.as_deref()),
            (Some("app-1"), Some("2"))
        );
        assert_eq!(source.landing(), Some(&Landing::Stage(StageKey { id: 3, attempt: 1 })));
        let root = Source::parse("http://history:18080").unwrap();
        assert_eq!((root.choice(), root.landing()), (None, None));
    }

    #[test]
    fn what_cannot_be_read_is_refused_in_one_line() {
        let cases = [
            ("ftp://host/log", 2, "skewer does not read ftp:// addresses"),
            ("webhdfs:///logs", 2, "write webhdfs://namenode:9870/path"),
            ("http://me:secret@", 2, "is no URL"),
            ("", 2, "no target"),
            ("/no/such/log", 3, "no such file or folder"),
            ("history:18080", 3, "a server is written http://host:18080"),
        ];
        for (target, status, words) in cases {
            let error = Source::parse(target).err().unwrap();
            let text = error.to_string();
            assert!(
                text.contains(words) && !text.contains("secret") && !text.contains('\n'),
                "{text}"
            );
            assert_eq!(error.exit_status(), status, "{text}");
        }
    }

    #[test]
    fn a_folder_is_listed_and_one_of_it_opened() {
        let (source, progress) = (Source::parse(LOGS).unwrap(), Progress::default());
        assert_eq!(source.choice(), None);
        let listing = source.list(&progress).unwrap();
        assert!(listing.applications.len() > 6);
        let id = listing.applications[0].id.clone();
        let choice = Choice {
            app: Some(id.clone()),
            attempt: None,
        };
        assert_eq!(source.open(&choice, &progress).unwrap().id, id);
        let unclear = source.open(&Choice::default(), &progress).unwrap_err();
        assert_eq!(unclear.exit_status(), 2);
    }

    #[test]
    fn a_log_is_opened_without_asking_and_its_tasks_are_there() {
        let source = Source::parse(&format!("file://{LOGS}/skewed-join-3.5.zstd")).unwrap();
        assert_eq!(source.choice(), Some(&Choice::default()));
        let progress = Progress::default();
        let application = source.open(&Choice::default(), &progress).unwrap();
        let ran = application.ran_stages().next().unwrap();
        let loaded = source.load_tasks(&application, ran.key, &progress).unwrap();
        assert!(loaded.loss.is_none() && !loaded.stage.tasks.is_empty());
        assert_eq!(loaded.into_application(&application), application);
        let sql = source.load_sql(&application, 1, &progress).unwrap();
        assert!(sql.graph.is_some_and(|graph| graph.nodes.len() > 10));
        assert!(source.load_sql(&application, 99, &progress).is_err());
        let nowhere = StageKey { id: 9_999, attempt: 0 };
        assert!(source.load_tasks(&application, nowhere, &progress).is_err());
    }
}
