//! What a Spark application is: jobs, stages, tasks in columns, executors with their memory over time. Plain data in Spark's
//! own words; knows no JSON, no network and no screen. Times are epoch milliseconds, durations milliseconds, sizes bytes; CPU
//! times and the shuffle write time are nanoseconds, as Spark has them. What a source did not carry is absent, never zero.

mod application;
mod column;
mod environment;
mod executors;
mod jobs;
mod listing;
mod losses;
mod measure;
mod metrics;
mod plan;
mod resources;
mod sql;
mod stages;
mod storage;
mod streaming;
mod task_labels;
mod tasks;

pub use application::{Application, ApplicationStatus, Origin};
pub use column::Column;
pub use environment::{Environment, parse_bytes, parse_millis};
pub use executors::{DRIVER, Executor, ExecutorMetric, ExecutorPeaks, MemorySample, MemorySeries};
pub use jobs::{Job, JobStatus};
pub use listing::{ApplicationEntry, AttemptEntry, Listing};
pub use losses::{Loss, LossKind};
pub use measure::TaskMeasure;
pub use metrics::{MetricValues, TaskMetric, Unit, quantile_index};
pub use plan::{PlanGraph, PlanMetric, PlanNode};
pub use resources::{Accumulator, MiscellaneousProcess, ResourceProfile, ResourceRequest};
pub use sql::{SqlExecution, SqlStatus};
pub use stages::{Stage, StageKey, StageStatus, TasksRead};
pub use storage::{CachedBlock, CachedOn, CachedRdd};
pub use streaming::{StreamingBatch, StreamingQuery, StreamingSource};
pub use task_labels::{FailureKind, Locality, TaskStatus};
pub use tasks::{Task, TaskFailure, TaskTable};
