//! Measures of a task: what is recorded, and what Spark computes from it.

use super::metrics::{TaskMetric, Unit};

/// A number that every task has: a recorded metric, or one computed from several as Spark does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskMeasure {
    /// Finish minus launch (REST's `duration`), ms.
    Duration,
    /// `max(0, duration − run time − deserialization − result serialization − getting result)` (`AppStatusUtils`), ms.
    SchedulerDelay,
    /// `launch + duration − result fetch start` (`AppStatusUtils`), ms.
    GettingResultTime,
    /// Remote plus local bytes.
    ShuffleReadBytes,
    /// Remote plus local blocks.
    ShuffleReadBlocks,
    /// What the task had to work on: input plus shuffle read, bytes. The "partition size" of the screens and rules.
    PartitionBytes,
    /// Input records plus shuffle records.
    PartitionRecords,
    /// A recorded metric.
    Metric(TaskMetric),
}

impl TaskMeasure {
    /// The unit of its values.
    pub const fn unit(self) -> Unit {
        match self {
            TaskMeasure::Duration | TaskMeasure::SchedulerDelay | TaskMeasure::GettingResultTime => Unit::Millis,
            TaskMeasure::ShuffleReadBytes | TaskMeasure::PartitionBytes => Unit::Bytes,
            TaskMeasure::ShuffleReadBlocks => Unit::Count,
            TaskMeasure::PartitionRecords => Unit::Records,
            TaskMeasure::Metric(metric) => metric.unit(),
        }
    }

    /// The name a person reads.
    pub const fn label(self) -> &'static str {
        match self {
            TaskMeasure::Duration => "Duration",
            TaskMeasure::SchedulerDelay => "Scheduler delay",
            TaskMeasure::GettingResultTime => "Getting result time",
            TaskMeasure::ShuffleReadBytes => "Shuffle read size",
            TaskMeasure::ShuffleReadBlocks => "Shuffle read blocks",
            TaskMeasure::PartitionBytes => "Partition size",
            TaskMeasure::PartitionRecords => "Partition records",
            TaskMeasure::Metric(metric) => metric.label(),
        }
    }
}
