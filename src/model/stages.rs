//! Stages: one entry per stage attempt, with its tasks.

use std::fmt;
use std::sync::Arc;

use super::executors::ExecutorPeaks;
use super::metrics::MetricValues;
use super::resources::Accumulator;
use super::tasks::TaskTable;

/// A stage attempt's name in the application: `stage.attempt`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StageKey {
    /// Stage id.
    pub id: u32,
    /// Attempt of the stage, from 0.
    pub attempt: u32,
}

impl fmt::Display for StageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.id, self.attempt)
    }
}

/// Where a stage attempt stands (REST's `StageStatus`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StageStatus {
    /// Waits for its parents.
    #[default]
    Pending,
    /// Submitted, not completed.
    Active,
    /// All its tasks succeeded.
    Complete,
    /// It failed; `failure_reason` says why.
    Failed,
    /// Its job ended without it: its output was there already.
    Skipped,
    /// A status this version of skewer does not know.
    Unknown,
}

impl StageStatus {
    /// Spark's own spelling.
    pub const fn name(self) -> &'static str {
        match self {
            StageStatus::Pending => "PENDING",
            StageStatus::Active => "ACTIVE",
            StageStatus::Complete => "COMPLETE",
            StageStatus::Failed => "FAILED",
            StageStatus::Skipped => "SKIPPED",
            StageStatus::Unknown => "UNKNOWN",
        }
    }

    /// The status that Spark spells so; anything else is `Unknown`.
    pub fn parse(name: &str) -> StageStatus {
        use StageStatus::*;
        [Pending, Active, Complete, Failed, Skipped]
            .into_iter()
            .find(|status| status.name() == name)
            .unwrap_or(Unknown)
    }
}

/// Whether a stage's tasks have been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TasksRead {
    /// Not asked for yet (REST is lazy).
    #[default]
    No,
    /// All of them that the source has.
    Yes,
}

/// One attempt of a stage (REST's `StageData`). Counts and totals are what Spark's `AppStatusListener` keeps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stage {
    /// Id and attempt.
    pub key: StageKey,
    /// Short name: the call site, such as `count at job.py:12`.
    pub name: String,
    /// Description set by the user or by SQL.
    pub description: Option<String>,
    /// The long call site: stack frames, a line each.
    pub details: String,
    /// Scheduling pool.
    pub scheduling_pool: String,
    /// Where it stands.
    pub status: StageStatus,
    /// Why it failed, when it did.
    pub failure_reason: Option<String>,
    /// Number of tasks Spark planned.
    pub num_tasks: u32,
    /// Running task attempts.
    pub active_tasks: u32,
    /// Task attempts that succeeded.
    pub complete_tasks: u32,
    /// Task attempts that failed.
    pub failed_tasks: u32,
    /// Task attempts that were killed.
    pub killed_tasks: u32,
    /// Distinct task indices that succeeded.
    pub completed_indices: u32,
    /// Killed attempts by reason.
    pub killed_summary: Vec<(String, u32)>,
    /// Submission, epoch ms.
    pub submission_ms: Option<i64>,
    /// Launch of its first task, epoch ms.
    pub first_task_launched_ms: Option<i64>,
    /// Completion, epoch ms.
    pub completion_ms: Option<i64>,
    /// Stages whose output it reads. Empty over REST, which does not tell.
    pub parents: Vec<u32>,
    /// RDDs computed in it, descending as Spark lists them.
    pub rdd_ids: Vec<u32>,
    /// Resource profile.
    pub resource_profile: u32,
    /// Jobs that contain it.
    pub jobs: Vec<u32>,
    /// SQL execution that it runs for.
    pub sql: Option<u64>,
    /// Sums of the tasks' metrics.
    pub totals: MetricValues,
    /// Highest executor metrics while it ran.
    pub peak_executor_metrics: Option<ExecutorPeaks>,
    /// Executors that were excluded for it after failures. REST tells them only while the stage runs.
    pub excluded_executors: Vec<Arc<str>>,
    /// The user's accumulators as it left them, by id.
    pub accumulators: Vec<Accumulator>,
    /// Whether push-based shuffle was on for it.
    pub push_shuffle: Option<bool>,
    /// Number of push-based shuffle mergers.
    pub push_shuffle_mergers: Option<u32>,
    /// Whether `tasks` is filled.
    pub tasks_read: TasksRead,
    /// Its task attempts.
    pub tasks: Arc<TaskTable>,
}

impl Stage {
    /// Submission to completion, ms; absent when either is.
    pub fn duration_ms(&self) -> Option<u64> {
        u64::try_from(self.completion_ms?.checked_sub(self.submission_ms?)?).ok()
    }

    /// Sum over its tasks of input and shuffle read, bytes.
    pub fn bytes_read(&self) -> Option<u64> {
        use super::metrics::TaskMetric::{InputBytes, ShuffleLocalBytesRead, ShuffleRemoteBytesRead};
        let parts = [InputBytes, ShuffleRemoteBytesRead, ShuffleLocalBytesRead];
        let known: Vec<u64> = parts.iter().filter_map(|metric| self.totals.get(*metric)).collect();
        (!known.is_empty()).then(|| known.into_iter().fold(0, u64::saturating_add))
    }
}
