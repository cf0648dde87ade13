//! Jobs: what one action of the user's code ran.

/// Where a job stands (Spark's `JobExecutionStatus`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobStatus {
    /// No end seen.
    #[default]
    Running,
    /// Ended well.
    Succeeded,
    /// Ended with a failure.
    Failed,
    /// A status this version of skewer does not know.
    Unknown,
}

impl JobStatus {
    /// Spark's own spelling.
    pub const fn name(self) -> &'static str {
        match self {
            JobStatus::Running => "RUNNING",
            JobStatus::Succeeded => "SUCCEEDED",
            JobStatus::Failed => "FAILED",
            JobStatus::Unknown => "UNKNOWN",
        }
    }

    /// The status that Spark spells so; anything else is `Unknown`.
    pub fn parse(name: &str) -> JobStatus {
        use JobStatus::*;
        [Running, Succeeded, Failed]
            .into_iter()
            .find(|status| status.name() == name)
            .unwrap_or(Unknown)
    }
}

/// A job (REST's `JobData`). Counts are what Spark's `AppStatusListener` keeps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Job {
    /// Job id.
    pub id: u32,
    /// Short name: the call site of its last stage.
    pub name: String,
    /// `spark.job.description`.
    pub description: Option<String>,
    /// Submission, epoch ms.
    pub submission_ms: Option<i64>,
    /// Completion, epoch ms.
    pub completion_ms: Option<i64>,
    /// Ids of its stages, in Spark's order.
    pub stage_ids: Vec<u32>,
    /// `spark.jobGroup.id`.
    pub job_group: Option<String>,
    /// Job tags (Spark 3.5 and later).
    pub job_tags: Vec<String>,
    /// Where it stands.
    pub status: JobStatus,
    /// Why it failed, in the driver's words; the event log alone tells.
    pub failure: Option<String>,
    /// SQL execution that it runs for.
    pub sql: Option<u64>,
    /// Tasks of all its stages.
    pub num_tasks: u32,
    /// Running tasks.
    pub active_tasks: u32,
    /// Tasks that succeeded.
    pub completed_tasks: u32,
    /// Tasks of skipped stages.
    pub skipped_tasks: u32,
    /// Task attempts that failed.
    pub failed_tasks: u32,
    /// Task attempts that were killed.
    pub killed_tasks: u32,
    /// Distinct (stage, index) that succeeded.
    pub completed_indices: u32,
    /// Running stages.
    pub active_stages: u32,
    /// Stages that completed.
    pub completed_stages: u32,
    /// Stages that were skipped.
    pub skipped_stages: u32,
    /// Stage attempts that failed.
    pub failed_stages: u32,
    /// Killed task attempts by reason.
    pub killed_summary: Vec<(String, u32)>,
}

impl Job {
    /// Submission to completion, ms; absent when either is.
    pub fn duration_ms(&self) -> Option<u64> {
        u64::try_from(self.completion_ms?.checked_sub(self.submission_ms?)?).ok()
    }
}
