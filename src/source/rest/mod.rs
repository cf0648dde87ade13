//! A history server over HTTP: its applications; one of them by its event log, or where that is refused by Spark's REST API.
//! Called by [`Source`](super::Source). Everything blocks the caller; the requests run on threads of their own.

mod address;
mod convert;
mod http;
mod json;
mod logs;
mod stages;
mod tasks;
#[cfg(test)]
mod tests;
mod trouble;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;

pub use address::{Address, without_login};
use http::{Http, Patience, Want, block_on};
use trouble::Trouble;

use super::lenient::{Field, read};
use super::target::{Choice, LoadedStage};
use super::{Phase, Progress, SourceError, eventlog};
use crate::model::{
    Application, ApplicationEntry, AttemptEntry, Listing, Loss, LossKind, Origin, Stage, StageStatus, TasksRead,
};

/// All of a list: the server reads the parameter as a Java `int`.
const ALL: &str = "2147483647";
/// Stages whose tasks are fetched at once.
const STAGES_AT_ONCE: usize = 3;
/// What REST never tells, for the reader.
const NOT_CARRIED: &str = "executors' memory over time, the stages' parents and why jobs failed are not recorded there";

/// A history server (or a live driver), of which applications are asked.
pub struct Server {
    http: Http,
    label: String,
    max_log: u64,
}

impl Server {
    /// The server at this address; does not connect yet.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(address: Address, max_log: u64) -> Result<Server, SourceError> {
        Server::patient(address, max_log, Patience::default())
    }

    fn patient(address: Address, max_log: u64, patience: Patience) -> Result<Server, SourceError> {
        Ok(Server {
            label: address.label(),
            http: Http::new(&address, patience)?,
            max_log,
        })
    }

    /// The applications that it lists.
    ///
    /// # Errors
    /// When it cannot be reached or answers something else.
    pub fn list(&self, progress: &Progress) -> Result<Listing, SourceError> {
        block_on(self.listing(progress))
    }

    async fn listing(&self, progress: &Progress) -> Result<Listing, SourceError> {
        progress.enter(Phase::Waiting, self.label.clone(), 0);
        let text = self.text(&["applications"], &[], Want::Json, progress).await?;
        let infos: Vec<json::ApplicationInfo<'_>> = self.parsed(&["applications"], &text, '[')?;
        let mut applications: Vec<ApplicationEntry> = infos.into_iter().filter_map(convert::entry).collect();
        applications
            .sort_by_key(|entry| std::cmp::Reverse(entry.attempts.first().and_then(|attempt| attempt.start_ms)));
        Ok(Listing {
            applications,
            losses: Vec::new(),
        })
    }

    /// Reads one application: its event log, or what REST tells.
    ///
    /// # Errors
    /// When the server cannot be reached, or has no such application.
    pub fn open(&self, choice: &Choice, progress: &Progress) -> Result<Application, SourceError> {
        let (entry, attempt) = block_on(self.chosen(choice, progress))?;
        let path = path(&entry.id, attempt.attempt.as_deref());
        let refused = match block_on(self.log(&path, progress))? {
            Ok(zip) => match eventlog::open_zip(zip, Path::new(&self.label), attempt.attempt.as_deref(), progress) {
                Ok(application) => return Ok(application),
                Err(SourceError::Cancelled) => return Err(SourceError::Cancelled),
                Err(error) => error.to_string(),
            },
            Err(trouble) => trouble.why(),
        };
        let mut application = block_on(self.read(&entry, &attempt, &path, progress))?;
        application.losses.push(Loss {
            kind: LossKind::NotCarried,
            count: 1,
            detail: format!("read over REST, for its event log could not be had ({refused}): {NOT_CARRIED}"),
        });
        Ok(application)
    }

    /// The application and attempt that the user means.
    async fn chosen(
        &self,
        choice: &Choice,
        progress: &Progress,
    ) -> Result<(ApplicationEntry, AttemptEntry), SourceError> {
        let entry = match &choice.app {
            Some(id) if matches!(id.as_str(), "" | "." | "..") => {
                return Err(SourceError::Application(format!("{id:?} is no application id")));
            }
            Some(id) => {
                progress.enter(Phase::Waiting, self.label.clone(), 0);
                let path = ["applications", id];
                let text = self.text(&path, &[], Want::Json, progress).await?;
                let info: json::ApplicationInfo<'_> = self.parsed(&path, &text, '{')?;
                convert::entry(info)
            }
            None => {
                let mut listed = self.listing(progress).await?.applications;
                if listed.len() > 1 {
                    return Err(several(&self.label, &listed));
                }
                listed.pop()
            }
        };
        let Some(entry) = entry else {
            return Err(SourceError::Application(format!(
                "{}: no application there",
                self.label
            )));
        };
        let attempt = match &choice.attempt {
            None => entry.attempts.first(),
            wanted => entry.attempts.iter().find(|attempt| attempt.attempt == *wanted),
        };
        match attempt.cloned() {
            Some(attempt) => Ok((entry, attempt)),
            None => Err(no_attempt(&entry)),
        }
    }

    /// The zip of the event log, or why there is none; the outer error ends the whole reading.
    async fn log(&self, path: &[&str], progress: &Progress) -> Result<Result<std::fs::File, Trouble>, SourceError> {
        let url = self.http.url(&[path, &["logs"]].concat(), &[]);
        progress.enter(Phase::Waiting, self.label.clone(), 0);
        match logs::download(&self.http, &url, &self.label, self.max_log, progress).await {
            Err(trouble @ (Trouble::Cancelled | Trouble::Connect(_))) => Err(self.http.error(&url, &trouble)),
            done => Ok(done),
        }
    }

    /// Reads an application over REST, all but the tasks of its stages.
    async fn read(
        &self,
        entry: &ApplicationEntry,
        attempt: &AttemptEntry,
        path: &[&str],
        progress: &Progress,
    ) -> Result<Application, SourceError> {
        let at = |end: &[&'static str]| [path, end].concat();
        // The first answer waits until the server has replayed the log: nothing else is asked meanwhile.
        let jobs_path = at(&["jobs"]);
        let text = self
            .loading(progress, self.text(&jobs_path, &[], Want::Replayed, progress))
            .await?;
        let mut application = Application {
            id: entry.id.clone(),
            name: entry.name.clone(),
            attempt: attempt.attempt.clone(),
            spark_version: attempt.spark_version.clone(),
            user: attempt.user.clone(),
            start_ms: attempt.start_ms,
            end_ms: attempt.end_ms,
            origin: Origin::Rest,
            jobs: convert::jobs(self.parsed(&jobs_path, &text, '[')?),
            ..Application::default()
        };
        progress.enter(Phase::Downloading, self.label.clone(), 0);
        let paths = [
            at(&["stages"]),
            at(&["allexecutors"]),
            at(&["environment"]),
            at(&["sql"]),
        ];
        let [stages, executors, environment, sql] = &paths;
        let all_sql = [
            ("details", "false"),
            ("planDescription", "false"),
            ("offset", "0"),
            ("length", ALL),
        ];
        let (stages_text, executors_text, environment_text, sql_text) = tokio::try_join!(
            self.text(stages, &[("details", "false")], Want::Replayed, progress),
            self.text(executors, &[], Want::Replayed, progress),
            self.text(environment, &[], Want::Replayed, progress),
            async { Ok(self.text(sql, &all_sql, Want::Replayed, progress).await) },
        )?;
        application.stages = stages::stages(
            self.parsed(stages, &stages_text, '[')?,
            self.parsed(stages, &stages_text, '[')?,
        );
        application.executors = convert::executors(self.parsed(executors, &executors_text, '[')?);
        application.environment = convert::environment(self.parsed(environment, &environment_text, '{')?);
        match sql_text {
            Ok(text) => application.sql = convert::sql(self.parsed(sql, &text, '[')?),
            Err(SourceError::Cancelled) => return Err(SourceError::Cancelled),
            // Servers before Spark 3.1, and drivers without SQL, have none.
            Err(_) => {}
        }
        convert::link(&mut application);
        convert::settle(&mut application);
        application.status = Application::outcome(attempt.completed, &application.jobs);
        application.losses = convert::forgotten(&application);
        if !attempt.completed {
            application.losses.push(Loss {
                kind: LossKind::InProgress,
                count: 1,
                detail: "the application has no end: it runs, or was killed".to_owned(),
            });
        }
        Ok(application)
    }

    /// A stage with its tasks.
    ///
    /// # Errors
    /// When the server cannot be reached or answers something else.
    pub fn load_tasks(
        &self,
        application: &Application,
        stage: &Stage,
        progress: &Progress,
    ) -> Result<LoadedStage, SourceError> {
        progress.enter(Phase::FetchingTasks, format!("stage {}", stage.key), 0);
        block_on(self.loading(progress, self.stage(application, stage, progress)))
    }

    async fn stage(
        &self,
        application: &Application,
        stage: &Stage,
        progress: &Progress,
    ) -> Result<LoadedStage, SourceError> {
        let mut stage = stage.clone();
        let mut loss = None;
        let never_ran = matches!(stage.status, StageStatus::Skipped | StageStatus::Pending);
        if stage.tasks_read == TasksRead::No && application.origin == Origin::Rest && !never_ran {
            let (id, attempt) = (stage.key.id.to_string(), stage.key.attempt.to_string());
            let of_app = path(&application.id, application.attempt.as_deref());
            let path = [of_app.as_slice(), &["stages", &id, &attempt, "taskList"]].concat();
            let url = self.http.url(&path, &[("offset", "0"), ("length", ALL)]);
            let table = tasks::fetch(&self.http, &url, progress)
                .await
                .map_err(|trouble| self.http.error(&url, &trouble))?;
            loss = forgotten_tasks(&stage, table.len() as u64);
            stage.tasks = Arc::new(table);
        }
        stage.tasks_read = TasksRead::Yes;
        Ok(LoadedStage { stage, loss })
    }

    /// Fills in the tasks of every stage. A stage that cannot be read is named among the losses.
    ///
    /// # Errors
    /// When the server cannot be reached any more.
    pub fn load_all_tasks(
        &self,
        mut application: Application,
        progress: &Progress,
    ) -> Result<Application, SourceError> {
        progress.enter(Phase::FetchingTasks, self.label.clone(), 0);
        let loaded = block_on(async {
            let missing = application
                .stages
                .iter()
                .filter(|stage| stage.tasks_read == TasksRead::No);
            let fetched = missing.map(|stage| async { (stage.key, self.stage(&application, stage, progress).await) });
            let fetched: Vec<_> = futures_util::stream::iter(fetched)
                .buffer_unordered(STAGES_AT_ONCE)
                .collect()
                .await;
            progress.check().map(|()| fetched)
        })?;
        let mut losses = Vec::new();
        for (key, result) in loaded {
            match result {
                Ok(LoadedStage { stage, loss }) => {
                    if let Ok(at) = application.stages.binary_search_by_key(&key, |known| known.key) {
                        application.stages[at] = Arc::new(stage);
                    }
                    losses.extend(loss.map(|loss| (key, loss)));
                }
                Err(error) => losses.push((
                    key,
                    Loss {
                        kind: LossKind::Unreadable,
                        count: 1,
                        detail: format!("the tasks of stage {key}: {error}"),
                    },
                )),
            }
        }
        losses.sort_by_key(|(key, _)| *key);
        application.losses.extend(losses.into_iter().map(|(_, loss)| loss));
        convert::settle(&mut application);
        Ok(application)
    }

    /// The text of a JSON document.
    async fn text(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        want: Want,
        progress: &Progress,
    ) -> Result<String, SourceError> {
        let url = self.http.url(path, query);
        let bytes = self.http.document(&url, want, progress).await;
        let bytes = bytes.map_err(|trouble| self.http.error(&url, &trouble))?;
        Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    /// A JSON document as what it should be; `begins` with a bracket or a brace.
    fn parsed<'a, T: Field<'a>>(&self, path: &[&str], text: &'a str, begins: char) -> Result<T, SourceError> {
        let unexpected = |why: String| self.http.error(&self.http.url(path, &[]), &Trouble::Unexpected(why));
        let value = read(text).map_err(|error| unexpected(http::json_words(&error, text.as_bytes())))?;
        if text.trim_start().starts_with(begins) {
            Ok(value)
        } else {
            Err(unexpected("got other JSON than Spark's REST API gives".to_owned()))
        }
    }

    /// Waits for an answer and says for how long.
    async fn loading<T>(&self, progress: &Progress, work: impl Future<Output = T>) -> T {
        let since = Instant::now();
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(Duration::from_secs(1)) => {
                    let seen = progress.seen();
                    if seen.bytes == 0 {
                        let seconds = since.elapsed().as_secs();
                        let what = format!("history server {} is loading this application, {seconds} s", self.label);
                        progress.enter(Phase::Waiting, what, 0);
                    }
                }
            }
        }
    }
}

/// The API path of an application's attempt.
fn path<'a>(app: &'a str, attempt: Option<&'a str>) -> Vec<&'a str> {
    ["applications", app].into_iter().chain(attempt).collect()
}

/// What the server dropped of a stage's tasks.
fn forgotten_tasks(stage: &Stage, kept: u64) -> Option<Loss> {
    let counts = [
        stage.active_tasks,
        stage.complete_tasks,
        stage.failed_tasks,
        stage.killed_tasks,
    ];
    let counted: u64 = counts.into_iter().map(u64::from).sum();
    (kept < counted).then(|| Loss {
        kind: LossKind::ServerForgot,
        count: counted - kept,
        detail: format!(
            "stage {}: the server kept {kept} of {counted} tasks (spark.ui.retainedTasks)",
            stage.key
        ),
    })
}

fn several(label: &str, listed: &[ApplicationEntry]) -> SourceError {
    let newest: Vec<&str> = listed.iter().take(5).map(|entry| entry.id.as_str()).collect();
    let more = if listed.len() > newest.len() { ", …" } else { "" };
    SourceError::Application(format!(
        "{label} has {} applications; choose one with --app: {}{more}",
        listed.len(),
        newest.join(", ")
    ))
}

fn no_attempt(entry: &ApplicationEntry) -> SourceError {
    let known: Vec<&str> = entry
        .attempts
        .iter()
        .filter_map(|attempt| attempt.attempt.as_deref())
        .collect();
    let known = match known.as_slice() {
        [] => "it has no attempt ids; leave --attempt out".to_owned(),
        ids => format!("it has {}", ids.join(", ")),
    };
    SourceError::Application(format!("{}: no such attempt; {known}", entry.id))
}
