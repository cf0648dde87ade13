//! An application: one immutable snapshot, shared behind `Arc`.

use std::sync::Arc;

use super::environment::Environment;
use super::executors::Executor;
use super::jobs::{Job, JobStatus};
use super::losses::Loss;
use super::resources::{MiscellaneousProcess, ResourceProfile};
use super::sql::SqlExecution;
use super::stages::{Stage, StageKey, StageStatus};
use super::storage::CachedRdd;
use super::streaming::StreamingQuery;

/// How an application came out, as far as the source tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ApplicationStatus {
    /// It ended, and its last job succeeded.
    Completed,
    /// It ended, and its last job failed.
    Failed,
    /// A live driver says that it runs.
    Running,
    /// No end was recorded: it runs, or was killed.
    #[default]
    Incomplete,
}

impl ApplicationStatus {
    /// The word in reports and on screens.
    pub const fn name(self) -> &'static str {
        match self {
            ApplicationStatus::Completed => "completed",
            ApplicationStatus::Failed => "failed",
            ApplicationStatus::Running => "running",
            ApplicationStatus::Incomplete => "incomplete",
        }
    }
}

/// Where an application was read from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Origin {
    /// An event log, replayed here.
    #[default]
    Log,
    /// Spark's REST API.
    Rest,
}

impl Origin {
    /// The word in reports and on screens.
    pub const fn name(self) -> &'static str {
        match self {
            Origin::Log => "log",
            Origin::Rest => "rest",
        }
    }
}

/// Everything known of one attempt of an application.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Application {
    /// Application id.
    pub id: String,
    /// Name given by its author.
    pub name: String,
    /// Attempt id; only YARN's cluster mode has one.
    pub attempt: Option<String>,
    /// Spark's version.
    pub spark_version: Option<String>,
    /// Who ran it.
    pub user: Option<String>,
    /// How it came out.
    pub status: ApplicationStatus,
    /// Start, epoch ms.
    pub start_ms: Option<i64>,
    /// End, epoch ms; absent when none was recorded.
    pub end_ms: Option<i64>,
    /// Time of the last thing that was recorded, epoch ms.
    pub last_ms: Option<i64>,
    /// Jobs by id.
    pub jobs: Vec<Job>,
    /// Stage attempts by (id, attempt).
    pub stages: Vec<Arc<Stage>>,
    /// Executors, the driver among them, in order of appearance.
    pub executors: Vec<Executor>,
    /// Processes beside driver and executors, in order of appearance.
    pub processes: Vec<MiscellaneousProcess>,
    /// Resource profiles by id.
    pub resource_profiles: Vec<ResourceProfile>,
    /// SQL executions by id.
    pub sql: Vec<SqlExecution>,
    /// Persisted RDDs by id, those that were unpersisted later among them.
    pub storage: Vec<CachedRdd>,
    /// Runs of streaming queries, in order of their start.
    pub streaming: Vec<StreamingQuery>,
    /// Properties.
    pub environment: Environment,
    /// Where it was read from.
    pub origin: Origin,
    /// What is missing.
    pub losses: Vec<Loss>,
}

impl Application {
    /// Start to end (or to the last thing recorded), ms.
    pub fn wall_ms(&self) -> Option<u64> {
        let end = self.end_ms.or(self.last_ms)?;
        u64::try_from(end.checked_sub(self.start_ms?)?).ok()
    }

    /// A stage attempt.
    pub fn stage(&self, key: StageKey) -> Option<&Arc<Stage>> {
        let at = self.stages.binary_search_by_key(&key, |stage| stage.key).ok()?;
        self.stages.get(at)
    }

    /// A job.
    pub fn job(&self, id: u32) -> Option<&Job> {
        let at = self.jobs.binary_search_by_key(&id, |job| job.id).ok()?;
        self.jobs.get(at)
    }

    /// An executor, or the driver.
    pub fn executor(&self, id: &str) -> Option<&Executor> {
        self.executors.iter().find(|executor| &*executor.id == id)
    }

    /// The same application with one stage attempt replaced or added.
    pub fn with_stage(&self, stage: Stage) -> Application {
        let mut changed = self.clone();
        match changed.stages.binary_search_by_key(&stage.key, |known| known.key) {
            Ok(at) => changed.stages[at] = Arc::new(stage),
            Err(at) => changed.stages.insert(at, Arc::new(stage)),
        }
        changed
    }

    /// A SQL execution.
    pub fn execution(&self, id: u64) -> Option<&SqlExecution> {
        let at = self.sql.binary_search_by_key(&id, |execution| execution.id).ok()?;
        self.sql.get(at)
    }

    /// Replaces a SQL execution by what is known of it now; one that is not here stays away.
    pub fn put_sql(&mut self, execution: SqlExecution) {
        if let Ok(at) = self.sql.binary_search_by_key(&execution.id, |known| known.id) {
            self.sql[at] = execution;
        }
    }

    /// The stage attempts that ran: neither skipped nor still waiting.
    pub fn ran_stages(&self) -> impl Iterator<Item = &Arc<Stage>> {
        self.stages
            .iter()
            .filter(|stage| !matches!(stage.status, StageStatus::Skipped | StageStatus::Pending))
    }

    /// Task attempts that a stage counts or holds, over all stages.
    pub fn task_count(&self) -> u64 {
        let of = |stage: &Arc<Stage>| {
            let counted = [
                stage.active_tasks,
                stage.complete_tasks,
                stage.failed_tasks,
                stage.killed_tasks,
            ];
            counted
                .into_iter()
                .map(u64::from)
                .sum::<u64>()
                .max(stage.tasks.len() as u64)
        };
        self.stages.iter().map(of).sum()
    }

    /// Whether it ran on its driver alone (`local`, `local[*]`): the driver is then the executor.
    pub fn is_local(&self) -> bool {
        match self.environment.spark("spark.master") {
            Some(master) => master == "local" || master.starts_with("local["),
            None => !self.executors.iter().any(|executor| !executor.is_driver()),
        }
    }

    /// The status of an application that ended (or not) with these jobs.
    pub fn outcome(ended: bool, jobs: &[Job]) -> ApplicationStatus {
        let last = jobs
            .iter()
            .filter(|job| job.status != JobStatus::Running)
            .max_by_key(|job| (job.completion_ms, job.id));
        match (ended, last.map(|job| job.status)) {
            (false, _) => ApplicationStatus::Incomplete,
            (true, Some(JobStatus::Failed)) => ApplicationStatus::Failed,
            (true, _) => ApplicationStatus::Completed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_replaced_where_it_stood() {
        let key = |id, attempt| StageKey { id, attempt };
        let stage = |key, name: &str| Stage {
            key,
            name: name.into(),
            ..Stage::default()
        };
        let one = Application::default()
            .with_stage(stage(key(3, 0), "a"))
            .with_stage(stage(key(1, 1), "b"));
        let two = one.with_stage(stage(key(3, 0), "c"));
        assert_eq!(
            two.stages.iter().map(|stage| stage.name.as_str()).collect::<Vec<_>>(),
            ["b", "c"]
        );
        assert_eq!(two.stage(key(1, 1)).map(|stage| stage.name.as_str()), Some("b"));
        assert_eq!(two.stage(key(1, 0)), None);
        assert_eq!(one.stages.len(), 2);
    }

    #[test]
    fn the_last_job_decides_the_outcome() {
        let job = |id, completion, status| Job {
            id,
            completion_ms: Some(completion),
            status,
            ..Job::default()
        };
        let jobs = [job(0, 10, JobStatus::Failed), job(1, 20, JobStatus::Succeeded)];
        assert_eq!(Application::outcome(true, &jobs), ApplicationStatus::Completed);
        assert_eq!(Application::outcome(true, &jobs[..1]), ApplicationStatus::Failed);
        assert_eq!(Application::outcome(false, &jobs), ApplicationStatus::Incomplete);
    }
}
