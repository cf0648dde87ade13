//! A running application, followed over REST. A driver is asked at a set pace for what can have changed, in three requests: executors, the
//! jobs that run, the stages that run or wait; whatever left those lists is asked for once more, by its id. Tasks are fetched when their
//! stage has ended, and of a stage that runs only while it is small or looked at: a list of tasks costs the driver much. Of a history
//! server only the application's entry is asked, and the application again when that has changed.

use std::collections::BTreeSet;
use std::time::Duration;

use super::changes::{Missing, counted, is_same, put_job, put_sql, put_stage, sample_memory};
use super::http::{Want, block_on};
use super::json::ExecutorSummary;
use super::trouble::Trouble;
use super::{ALL, Server, convert, path, stages};
use crate::model::{
    Application, ApplicationStatus, JobStatus, Loss, LossKind, Stage, StageKey, StageStatus, TasksRead,
};
use crate::source::pace::Pace;
use crate::source::target::{Choice, LoadedStage};
use crate::source::{Phase, Progress, Shown, SourceError};

/// How often a driver is asked, unless the user says otherwise.
const REFRESH: Duration = Duration::from_secs(3);

/// How often a history server is asked at most: it looks at its logs no more often (`spark.history.fs.update.interval`).
const SERVER_REFRESH: Duration = Duration::from_secs(10);

/// Failures in a row to connect, a second apart, after which a driver is taken for ended.
const GONE: u32 = 3;

/// The longest pause after other failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Tasks of a running stage that are fetched also while nobody looks at it.
const SMALL: u32 = 2_000;

/// Stages whose tasks are fetched between two looks at most.
const STAGES_A_TURN: usize = 3;

impl Server {
    /// Follows a driver to its end, and gives the last state.
    ///
    /// # Errors
    /// [`SourceError::Cancelled`] alone: what fails otherwise is tried again.
    pub(super) fn follow_driver(
        &self,
        mut application: Application,
        progress: &Progress,
    ) -> Result<Application, SourceError> {
        let refresh = progress.refresh().unwrap_or(REFRESH);
        let mut pace = Pace::steady(refresh, refresh);
        let mut tasks = Pace::steady(Duration::ZERO, refresh);
        let (mut gone, mut failed) = (0, 0_u32);
        progress.enter(Phase::Following, self.label.clone(), 0);
        progress.looked();
        sample_memory(&mut application, &[]);
        progress.show(Shown::Current(application.clone()));
        loop {
            if self.fetch_tasks(&mut application, &mut tasks, progress)? {
                progress.show(Shown::Current(application.clone()));
            }
            let pause = match (gone, failed) {
                (0, 0) => pace.left(),
                (0, failed) => Duration::from_secs(1 << failed.min(5)).min(LONGEST_PAUSE),
                _ => Duration::from_secs(1),
            };
            progress.rest(pause)?;
            let before = application.clone();
            let polled = pace.take(|| block_on(async { Ok(self.poll(&mut application, progress).await) }))?;
            if polled.is_err() {
                // Half a look is none.
                application = before;
            }
            match polled {
                Ok(changed) => {
                    (gone, failed) = (0, 0);
                    progress.looked();
                    if changed {
                        progress.show(Shown::Current(application.clone()));
                    }
                }
                Err(Trouble::Cancelled) => return Err(SourceError::Cancelled),
                // Its port is free, or another application has it by now.
                Err(Trouble::Connect(_)) => gone += 1,
                Err(Trouble::Status { status, .. }) if status.as_u16() == 404 => gone += 1,
                Err(_) => failed += 1,
            }
            if gone >= GONE {
                return Ok(ended(application));
            }
        }
    }

    /// Follows an application without an end on a history server, until it has one.
    ///
    /// # Errors
    /// As [`Server::open`] where it is read again.
    pub(super) fn follow_listed(
        &self,
        mut application: Application,
        mut known: Option<i64>,
        choice: &Choice,
        progress: &Progress,
    ) -> Result<Application, SourceError> {
        let refresh = progress.refresh().unwrap_or(SERVER_REFRESH).max(SERVER_REFRESH);
        let mut pace = Pace::steady(refresh, refresh);
        progress.looked();
        progress.show(Shown::Current(application.clone()));
        loop {
            progress.enter(Phase::Following, self.label.clone(), 0);
            progress.rest(pace.left())?;
            let changed = pace.take(|| -> Result<_, SourceError> {
                // A server that does not answer for a while is asked again; the age of what is shown tells.
                let (entry, attempt) = match block_on(self.chosen(choice, progress)) {
                    Err(SourceError::Cancelled) => return Err(SourceError::Cancelled),
                    Err(_) => return Ok(None),
                    Ok(found) => found,
                };
                progress.looked();
                if attempt.last_updated_ms == known && !attempt.completed {
                    return Ok(None);
                }
                known = attempt.last_updated_ms;
                let read = self.read_once(&entry, &attempt, progress)?;
                Ok(Some((read, attempt.completed)))
            })?;
            match changed {
                Some((read, true)) => return Ok(read),
                Some((read, false)) => {
                    application = read;
                    progress.show(Shown::Current(application.clone()));
                }
                None => {}
            }
        }
    }

    /// Asks for what can have changed; says whether something has.
    async fn poll(&self, application: &mut Application, progress: &Progress) -> Result<bool, Trouble> {
        let id = application.id.clone();
        let attempt = application.attempt.clone();
        let root = path(&id, attempt.as_deref());
        let at = |end: &'static str| [root.as_slice(), &[end]].concat();
        let (running, waiting) = (
            [("status", "running")],
            [("status", "active"), ("status", "pending"), DETAILS],
        );
        let (executors, jobs, live) = tokio::try_join!(
            self.document(at("allexecutors"), &[], progress),
            self.document(at("jobs"), &running, progress),
            self.document(at("stages"), &waiting, progress),
        )?;
        let executors: Vec<ExecutorSummary<'_>> = self.understood(&executors)?;
        let executors = convert::executors(executors);
        let jobs = convert::jobs(self.understood(&jobs)?);
        let live = stages::stages(self.understood(&live)?, self.understood(&live)?);
        let before = application.clone();
        let missing = Missing::of(application, &executors, &jobs, &live);
        let known = std::mem::replace(&mut application.executors, executors);
        for job in jobs {
            put_job(application, job);
        }
        for stage in live {
            put_stage(application, &stage);
        }
        if missing.everything {
            let (jobs, all) = tokio::try_join!(
                self.document(at("jobs"), &[], progress),
                self.document(at("stages"), &[DETAILS], progress),
            )?;
            for job in convert::jobs(self.understood(&jobs)?) {
                put_job(application, job);
            }
            for stage in stages::stages(self.understood(&all)?, self.understood(&all)?) {
                put_stage(application, &stage);
            }
        } else {
            for id in &missing.jobs {
                let id = id.to_string();
                let of_job = [root.as_slice(), &["jobs", &id]].concat();
                if let Some(text) = kept(self.document(of_job, &[], progress).await)? {
                    for job in convert::jobs(vec![self.understood(&text)?]) {
                        put_job(application, job);
                    }
                }
            }
            // A stage can have come and gone between two looks: its job names it.
            let named = application
                .jobs
                .iter()
                .filter(|job| job.status == JobStatus::Running || missing.jobs.contains(&job.id))
                .flat_map(|job| job.stage_ids.iter().copied());
            let known: BTreeSet<u32> = application.stages.iter().map(|stage| stage.key.id).collect();
            let unseen: BTreeSet<u32> = named.filter(|id| !known.contains(id)).collect();
            for id in missing.stages.union(&unseen) {
                let id = id.to_string();
                let of_stage = [root.as_slice(), &["stages", &id]].concat();
                if let Some(text) = kept(self.document(of_stage, &[DETAILS], progress).await)? {
                    for stage in stages::stages(self.understood(&text)?, self.understood(&text)?) {
                        put_stage(application, &stage);
                    }
                }
            }
        }
        let sql_runs = before.sql.iter().any(|sql| sql.completion_ms.is_none());
        if sql_runs || before.jobs != application.jobs {
            let all = [DETAILS, ("planDescription", "false"), ("offset", "0"), ("length", ALL)];
            match self.document(at("sql"), &all, progress).await {
                Ok(text) => put_sql(application, convert::sql(self.understood(&text)?)),
                Err(Trouble::Cancelled) => return Err(Trouble::Cancelled),
                // Drivers without SQL have none.
                Err(_) => {}
            }
        }
        convert::link(application);
        convert::settle(application);
        let ran = |application: &Application| (application.jobs.clone(), application.sql.clone());
        let changed = ran(&before) != ran(application)
            || known != application.executors
            || before.stages.len() != application.stages.len()
            || before
                .stages
                .iter()
                .zip(&application.stages)
                .any(|(a, b)| !is_same(a, b));
        sample_memory(application, &known);
        Ok(changed)
    }

    /// Fetches tasks that are worth it by now; says whether it did.
    fn fetch_tasks(
        &self,
        application: &mut Application,
        pace: &mut Pace,
        progress: &Progress,
    ) -> Result<bool, SourceError> {
        let wanted = progress.wanted();
        let mut keys: Vec<(bool, Option<u64>, StageKey)> = Vec::new();
        let due = pace.is_due();
        for stage in &application.stages {
            let ended = matches!(stage.status, StageStatus::Complete | StageStatus::Failed);
            let first = wanted == Some(stage.key);
            let fetch = match (stage.status, stage.tasks_read) {
                (_, TasksRead::No) if ended && stage.num_tasks > 0 => true,
                (StageStatus::Active, _) if due && (first || stage.num_tasks <= SMALL) => {
                    stage.tasks.len() < counted(stage) || stage.active_tasks > 0
                }
                _ => false,
            };
            if fetch {
                keys.push((first, stage.duration_ms(), stage.key));
            }
        }
        keys.sort_by_key(|(first, duration, _)| std::cmp::Reverse((*first, *duration)));
        keys.truncate(STAGES_A_TURN);
        if keys.is_empty() {
            return Ok(false);
        }
        let fetched: Vec<Result<LoadedStage, SourceError>> = pace.take(|| {
            let fetch = |(_, _, key): &(bool, Option<u64>, StageKey)| self.fresh_tasks(application, *key, progress);
            keys.iter().map(fetch).collect()
        });
        progress.enter(Phase::Following, self.label.clone(), 0);
        let mut any = false;
        for loaded in fetched {
            match loaded {
                Err(SourceError::Cancelled) => return Err(SourceError::Cancelled),
                // The next turn tries again.
                Err(_) => {}
                Ok(loaded) => {
                    any = true;
                    *application = loaded.into_application(application);
                }
            }
        }
        Ok(any)
    }

    fn fresh_tasks(
        &self,
        application: &Application,
        key: StageKey,
        progress: &Progress,
    ) -> Result<LoadedStage, SourceError> {
        let stage = application.stage(key).map(|stage| Stage {
            tasks_read: TasksRead::No,
            ..Stage::clone(stage)
        });
        self.load_tasks(application, &stage.unwrap_or_default(), progress)
    }

    async fn document(&self, path: Vec<&str>, query: &[(&str, &str)], progress: &Progress) -> Result<String, Trouble> {
        let bytes = self
            .http
            .document(&self.http.url(&path, query), Want::Json, progress)
            .await?;
        Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    fn understood<'a, T: crate::source::lenient::Field<'a>>(&self, text: &'a str) -> Result<T, Trouble> {
        crate::source::lenient::read(text).map_err(|_| Trouble::Unexpected("what it answers is no JSON".to_owned()))
    }
}

/// Stages without their tasks, SQL executions without their nodes.
const DETAILS: (&str, &str) = ("details", "false");

/// An answer, or `None` for what the driver has dropped since (`spark.ui.retainedJobs`, `retainedStages`).
fn kept(answer: Result<String, Trouble>) -> Result<Option<String>, Trouble> {
    match answer {
        Err(Trouble::Status { status, .. }) if status.as_u16() == 404 => Ok(None),
        answer => answer.map(Some),
    }
}

/// The last state of an application whose driver is gone.
fn ended(mut application: Application) -> Application {
    application.status = ApplicationStatus::Incomplete;
    application.losses.retain(|loss| loss.kind != LossKind::InProgress);
    application.losses.push(Loss {
        kind: LossKind::InProgress,
        count: 1,
        detail: "the driver no longer answers: the application ended; a history server has all of it".to_owned(),
    });
    application
}
