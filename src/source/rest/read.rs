//! One application over REST, all but the tasks of its stages: few requests, the first of which may wait for the server's replay.

use std::future::Future;
use std::time::{Duration, Instant};

use super::http::{self, Want};
use super::json::EnvironmentInfo;
use super::trouble::Trouble;
use super::{ALL, Server, convert, stages, storage};
use crate::model::{Application, ApplicationEntry, ApplicationStatus, AttemptEntry, Loss, LossKind, Origin};
use crate::source::lenient::{Field, read};
use crate::source::{Phase, Progress, SourceError};

impl Server {
    /// Reads an application over REST, all but the tasks of its stages.
    pub(super) async fn read(
        &self,
        entry: &ApplicationEntry,
        attempt: &AttemptEntry,
        path: &[&str],
        progress: &Progress,
    ) -> Result<Application, SourceError> {
        let at = |end: &[&'static str]| [path, end].concat();
        // The first answer waits until the server has replayed the log: nothing else is asked meanwhile.
        let jobs_path = at(&["jobs"]);
        let loading = format!("{} is loading this application", self.label);
        let text = waiting(progress, &loading, self.text(&jobs_path, &[], Want::Replayed, progress)).await?;
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
            at(&["storage", "rdd"]),
            at(&["allmiscellaneousprocess"]),
        ];
        let [stages, executors, environment, sql, storage, processes] = &paths;
        let all_sql = [
            ("details", "false"),
            ("planDescription", "false"),
            ("offset", "0"),
            ("length", ALL),
        ];
        let (stages_text, executors_text, environment_text, sql_text, storage_text, processes_text) = tokio::try_join!(
            self.text(stages, &[("details", "false")], Want::Replayed, progress),
            self.text(executors, &[], Want::Replayed, progress),
            self.text(environment, &[], Want::Replayed, progress),
            async { Ok(self.text(sql, &all_sql, Want::Replayed, progress).await) },
            async { Ok(self.text(storage, &[], Want::Replayed, progress).await) },
            async { Ok(self.text(processes, &[], Want::Replayed, progress).await) },
        )?;
        application.stages = stages::stages(
            self.parsed(stages, &stages_text, '[')?,
            self.parsed(stages, &stages_text, '[')?,
        );
        application.executors = convert::executors(self.parsed(executors, &executors_text, '[')?);
        let info: EnvironmentInfo<'_> = self.parsed(environment, &environment_text, '{')?;
        application.resource_profiles = convert::profiles(&info.profiles);
        application.environment = convert::environment(info);
        match sql_text {
            Ok(text) => application.sql = convert::sql(self.parsed(sql, &text, '[')?),
            Err(SourceError::Cancelled) => return Err(SourceError::Cancelled),
            // Servers before Spark 3.1, and drivers without SQL, have none.
            Err(_) => {}
        }
        match storage_text {
            Ok(text) => application.storage = storage::storage(self.parsed(storage, &text, '[').unwrap_or_default()),
            Err(SourceError::Cancelled) => return Err(SourceError::Cancelled),
            // What is cached matters to few: the application is read without it.
            Err(_) => {}
        }
        match processes_text {
            Ok(text) => {
                application.processes = convert::processes(self.parsed(processes, &text, '[').unwrap_or_default());
            }
            Err(SourceError::Cancelled) => return Err(SourceError::Cancelled),
            // Servers before Spark 3.3 know none.
            Err(_) => {}
        }
        convert::link(&mut application);
        convert::settle(&mut application);
        let driver = attempt.is_told_by_driver();
        application.status = match driver {
            true => ApplicationStatus::Running,
            false => Application::outcome(attempt.completed, &application.jobs),
        };
        application.losses = convert::forgotten(&application);
        if !attempt.completed {
            application.losses.push(Loss {
                kind: LossKind::InProgress,
                count: 1,
                detail: match driver {
                    true => "the application is running".to_owned(),
                    false => "the application has no end: it runs, or was killed".to_owned(),
                },
            });
        }
        Ok(application)
    }

    /// The text of a JSON document.
    pub(super) async fn text(
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
    pub(super) fn parsed<'a, T: Field<'a>>(
        &self,
        path: &[&str],
        text: &'a str,
        begins: char,
    ) -> Result<T, SourceError> {
        let unexpected = |why: String| self.http.error(&self.http.url(path, &[]), &Trouble::Unexpected(why));
        let value = read(text).map_err(|error| unexpected(http::json_words(&error, text.as_bytes())))?;
        if text.trim_start().starts_with(begins) {
            Ok(value)
        } else {
            Err(unexpected("got other JSON than Spark's REST API gives".to_owned()))
        }
    }
}

/// Waits for an answer and says, until its first byte, for how long.
pub(super) async fn waiting<T>(progress: &Progress, what: &str, work: impl Future<Output = T>) -> T {
    let since = Instant::now();
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(Duration::from_secs(1)) => {
                if progress.seen().bytes == 0 {
                    let seconds = since.elapsed().as_secs();
                    progress.enter(Phase::Waiting, format!("{what}, {seconds} s"), 0);
                }
            }
        }
    }
}
