//! SQL executions: what one query or write ran.

use std::sync::Arc;

use super::plan::PlanGraph;

/// Where a SQL execution stands (REST's `SQLExecutionStatus`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SqlStatus {
    /// No end seen.
    #[default]
    Running,
    /// Ended well.
    Completed,
    /// Ended with an error, or one of its jobs failed.
    Failed,
}

impl SqlStatus {
    /// Spark's own spelling.
    pub const fn name(self) -> &'static str {
        match self {
            SqlStatus::Running => "RUNNING",
            SqlStatus::Completed => "COMPLETED",
            SqlStatus::Failed => "FAILED",
        }
    }
}

/// One SQL execution.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SqlExecution {
    /// Execution id.
    pub id: u64,
    /// Description: the call site or the user's own.
    pub description: String,
    /// Where it stands.
    pub status: SqlStatus,
    /// Start, epoch ms.
    pub submission_ms: Option<i64>,
    /// End, epoch ms.
    pub completion_ms: Option<i64>,
    /// Its jobs, ascending.
    pub jobs: Vec<u32>,
    /// The physical plan as Spark prints it, the last one where adaptive execution changed it.
    pub plan: Option<Arc<str>>,
    /// The same plan as a graph, with the metrics of its nodes.
    pub graph: Option<Arc<PlanGraph>>,
    /// The plan before adaptive execution changed it; absent where it never did, and over REST.
    pub initial_graph: Option<Arc<PlanGraph>>,
    /// The execution that started this one (a command's query, a subquery); absent for its own root, and over REST before 4.3.
    pub root: Option<u64>,
    /// Id of the query, which all its executions share (Spark 4.1 and later).
    pub query_id: Option<String>,
    /// Settings that the session had changed (Spark 3.4 and later; over REST 4.3 and later).
    pub modified_configs: Vec<(String, String)>,
    /// Why it failed, as the log tells (Spark 3.4 and later; over REST 4.3 and later).
    pub error: Option<String>,
}

impl SqlExecution {
    /// Start to end, ms; absent when either is.
    pub fn duration_ms(&self) -> Option<u64> {
        u64::try_from(self.completion_ms?.checked_sub(self.submission_ms?)?).ok()
    }
}
