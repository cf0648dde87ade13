//! A running application, followed over REST. A driver is asked at a set pace for what can have changed, in three requests: executors, the
//! jobs that run, the stages that run or wait; whatever left those lists is asked for once more, by its id. Tasks are fetched when their
//! stage has ended, and of a stage that runs only while it is small or looked at: a list of tasks costs the driver much. Of a history
//! server only the application's entry is asked, and the application again when that has changed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::http::{Want, block_on};
use super::json::ExecutorSummary;
use super::trouble::Trouble;
use super::{ALL, Server, convert, path, stages};
use crate::model::{
    Application, ApplicationStatus, Executor, ExecutorMetric, Job, JobStatus, Loss, LossKind, MemorySample, Stage,
    StageKey, StageStatus, TasksRead,
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

/// Jobs and stages that are asked for one by one; for more of them the whole list is.
const ONE_BY_ONE: usize = 6;

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

/// What has left the lists of what runs, so that its end must be asked for.
#[derive(Debug, PartialEq, Eq)]
struct Missing {
    jobs: BTreeSet<u32>,
    stages: BTreeSet<u32>,
    /// Too much, or something that was never seen running: only the whole lists tell.
    everything: bool,
}

impl Missing {
    /// Holds what is known against what runs now.
    fn of(application: &Application, executors: &[Executor], jobs: &[Job], live: &[Arc<Stage>]) -> Missing {
        let runs: BTreeSet<u32> = jobs.iter().map(|job| job.id).collect();
        let lives: BTreeSet<StageKey> = live.iter().map(|stage| stage.key).collect();
        let open = |stage: &&Arc<Stage>| matches!(stage.status, StageStatus::Active | StageStatus::Pending);
        let ran = |job: &&Job| job.status == JobStatus::Running;
        let gone_jobs: BTreeSet<u32> = application.jobs.iter().filter(ran).map(|job| job.id).collect();
        let gone_jobs: BTreeSet<u32> = gone_jobs.difference(&runs).copied().collect();
        let open_stages = application.stages.iter().filter(open).map(|stage| stage.key);
        let gone_stages: BTreeSet<u32> = open_stages
            .filter(|key| !lives.contains(key))
            .map(|key| key.id)
            .collect();
        // Ids count up: one that was jumped over came and went between two looks.
        let last_job = application.jobs.last().map(|job| job.id);
        let next_job = last_job.map_or(0, |id| id.saturating_add(1));
        let new_jobs = (next_job..).zip(runs.iter().copied().filter(|id| *id >= next_job));
        let jumped = new_jobs.into_iter().any(|(expected, id)| expected != id);
        // So did stages, when tasks ended that no known stage can have had.
        let tasks = |executors: &[Executor]| {
            executors
                .iter()
                .map(|executor| u64::from(executor.total_tasks))
                .sum::<u64>()
        };
        let idle = gone_stages.is_empty() && lives.is_empty() && !application.stages.iter().any(|stage| open(&stage));
        let unseen = idle && tasks(executors) != tasks(&application.executors);
        Missing {
            everything: jumped || unseen || gone_jobs.len() + gone_stages.len() > ONE_BY_ONE,
            jobs: gone_jobs,
            stages: gone_stages,
        }
    }
}

/// An answer, or `None` for what the driver has dropped since (`spark.ui.retainedJobs`, `retainedStages`).
fn kept(answer: Result<String, Trouble>) -> Result<Option<String>, Trouble> {
    match answer {
        Err(Trouble::Status { status, .. }) if status.as_u16() == 404 => Ok(None),
        answer => answer.map(Some),
    }
}

/// Task attempts that a stage counts.
fn counted(stage: &Stage) -> usize {
    let counts = [
        stage.active_tasks,
        stage.complete_tasks,
        stage.failed_tasks,
        stage.killed_tasks,
    ];
    counts.into_iter().map(|count| count as usize).sum()
}

/// Whether a stage attempt says the same as before; its tasks are compared by whether they were fetched anew.
fn is_same(a: &Stage, b: &Stage) -> bool {
    let without = |stage: &Stage| Stage {
        tasks: Arc::default(),
        ..stage.clone()
    };
    Arc::ptr_eq(&a.tasks, &b.tasks) && without(a) == without(b)
}

fn put_job(application: &mut Application, job: Job) {
    match application.jobs.binary_search_by_key(&job.id, |known| known.id) {
        Ok(at) => application.jobs[at] = job,
        Err(at) => application.jobs.insert(at, job),
    }
}

/// Brings a stage attempt up to date. Tasks that were fetched stay until they are fetched anew, which those of a stage that has ended
/// since then must be.
fn put_stage(application: &mut Application, stage: &Stage) {
    let known = application.stage(stage.key);
    let mut stage = stage.clone();
    if let Some(known) = known {
        stage.tasks = known.tasks.clone();
        let over = |stage: &Stage| matches!(stage.status, StageStatus::Complete | StageStatus::Failed);
        if !over(&stage) || (over(known) && counted(known) == counted(&stage)) {
            stage.tasks_read = known.tasks_read;
        }
    }
    match application.stages.binary_search_by_key(&stage.key, |known| known.key) {
        Ok(at) => application.stages[at] = Arc::new(stage),
        Err(at) => application.stages.insert(at, Arc::new(stage)),
    }
}

/// Takes the executions as they are now; plans that were fetched stay.
fn put_sql(application: &mut Application, mut sql: Vec<crate::model::SqlExecution>) {
    let known = std::mem::take(&mut application.sql);
    for execution in &mut sql {
        if let Ok(at) = known.binary_search_by_key(&execution.id, |known| known.id) {
            execution.plan = execution.plan.take().or_else(|| known[at].plan.clone());
        }
    }
    application.sql = sql;
}

/// Adds what the executors' memory was found to be to their series. A driver tells the peaks so far, and storage memory in use.
fn sample_memory(application: &mut Application, known: &[Executor]) {
    let now = Timestamp::now().as_millisecond();
    let start = application.start_ms.unwrap_or(now);
    for executor in &mut application.executors {
        if let Some(known) = known.iter().find(|known| known.id == executor.id) {
            executor.memory = known.memory.clone();
        }
        let peak = |metric| executor.peaks.get(metric).unwrap_or(0);
        let heap = peak(ExecutorMetric::JVMHeapMemory);
        if !executor.active || heap == 0 {
            continue;
        }
        let sample = MemorySample {
            // Its clock may be ahead of ours.
            time_ms: now.max(executor.added_ms.unwrap_or(start)),
            heap,
            off_heap: peak(ExecutorMetric::JVMOffHeapMemory),
            execution: peak(ExecutorMetric::OnHeapExecutionMemory)
                .saturating_add(peak(ExecutorMetric::OffHeapExecutionMemory)),
            storage: executor.memory_used,
            rss: executor.peaks.rss().unwrap_or(0),
        };
        executor.memory.push(sample);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: u32, status: JobStatus) -> Job {
        Job {
            id,
            status,
            ..Job::default()
        }
    }

    fn stage(id: u32, status: StageStatus) -> Arc<Stage> {
        Arc::new(Stage {
            key: StageKey { id, attempt: 0 },
            status,
            ..Stage::default()
        })
    }

    #[test]
    fn only_what_left_the_lists_is_asked_for() {
        let application = Application {
            jobs: vec![job(0, JobStatus::Succeeded), job(1, JobStatus::Running)],
            stages: vec![
                stage(0, StageStatus::Complete),
                stage(1, StageStatus::Active),
                stage(2, StageStatus::Pending),
            ],
            ..Application::default()
        };
        let still = [job(1, JobStatus::Running)];
        let missing = Missing::of(&application, &[], &still, &[stage(2, StageStatus::Active)]);
        assert_eq!((missing.jobs.len(), missing.everything), (0, false));
        assert_eq!(missing.stages.into_iter().collect::<Vec<_>>(), [1]);
        let next = [job(2, JobStatus::Running)];
        let missing = Missing::of(&application, &[], &next, &[]);
        assert_eq!(
            (missing.jobs.into_iter().collect::<Vec<_>>(), missing.everything),
            (vec![1], false)
        );
        let jumped = [job(3, JobStatus::Running)];
        assert!(Missing::of(&application, &[], &jumped, &[]).everything);
    }

    #[test]
    fn tasks_that_ended_without_a_stage_being_seen_are_noticed() {
        let application = Application {
            stages: vec![stage(0, StageStatus::Complete)],
            ..Application::default()
        };
        let ran = Executor {
            total_tasks: 7,
            ..Executor::default()
        };
        assert!(Missing::of(&application, &[ran], &[], &[]).everything);
        assert!(!Missing::of(&application, &[], &[], &[]).everything);
    }

    #[test]
    fn a_stage_that_ended_has_its_tasks_fetched_anew_once() {
        let mut application = Application::default().with_stage(Stage {
            tasks_read: TasksRead::Yes,
            ..Stage::clone(&stage(1, StageStatus::Active))
        });
        put_stage(&mut application, &stage(1, StageStatus::Active));
        assert_eq!(application.stages[0].tasks_read, TasksRead::Yes);
        put_stage(&mut application, &stage(1, StageStatus::Complete));
        assert_eq!(application.stages[0].tasks_read, TasksRead::No);
        application = application.with_stage(Stage {
            tasks_read: TasksRead::Yes,
            ..Stage::clone(&stage(1, StageStatus::Complete))
        });
        put_stage(&mut application, &stage(1, StageStatus::Complete));
        assert_eq!(application.stages[0].tasks_read, TasksRead::Yes);
    }
}
