//! The events of a log as Spark's `JsonProtocol` writes them, as far as the model needs them. Text is borrowed
//! from the line. Knows nothing of what follows from an event.

use std::borrow::Cow;

use super::query_event::{
    QueryEnded, QueryProgress, QueryStarted, SqlDriverUpdates, SqlEnd, SqlMetricsAdded, SqlReplanned, SqlStart,
};
use super::task_metrics::{Metrics, Peaks};
use crate::source::accumulators::Accumulable;
use crate::source::lenient::{Field, Pairs, record};
use crate::source::resources::Requests;

pub(super) type Text<'de> = Option<Cow<'de, str>>;

/// One event.
#[derive(Debug)]
pub(super) enum Event<'de> {
    LogStart(LogStart<'de>),
    ApplicationStart(ApplicationStart<'de>),
    ApplicationEnd(ApplicationEnd<'de>),
    EnvironmentUpdate(EnvironmentUpdate<'de>),
    ResourceProfileAdded(ResourceProfileAdded<'de>),
    ExecutorAdded(ExecutorAdded<'de>),
    ExecutorRemoved(ExecutorRemoved<'de>),
    /// An executor was excluded (`true`) or taken back.
    ExecutorExcluded(Excluded<'de>, bool),
    /// Every executor of a host was excluded (`true`) or taken back.
    NodeExcluded(Excluded<'de>, bool),
    /// An executor, or every executor of a host, was excluded for one stage attempt.
    ExcludedForStage(Excluded<'de>),
    ProcessAdded(ProcessAdded<'de>),
    BlockManagerAdded(BlockManagerAdded<'de>),
    BlockUpdated(BlockUpdated<'de>),
    UnpersistRdd(UnpersistRdd<'de>),
    JobStart(JobStart<'de>),
    JobEnd(JobEnd<'de>),
    StageSubmitted(StageSubmitted<'de>),
    StageCompleted(StageCompleted<'de>),
    TaskStart(TaskStart<'de>),
    TaskEnd(Box<TaskEnd<'de>>),
    StageExecutorMetrics(StageExecutorMetrics<'de>),
    ExecutorMetricsUpdate(ExecutorMetricsUpdate<'de>),
    SqlStart(SqlStart<'de>),
    SqlReplanned(SqlReplanned<'de>),
    SqlMetricsAdded(SqlMetricsAdded<'de>),
    SqlDriverUpdates(SqlDriverUpdates<'de>),
    SqlEnd(SqlEnd<'de>),
    QueryStarted(QueryStarted<'de>),
    QueryProgress(Box<QueryProgress<'de>>),
    QueryEnded(QueryEnded<'de>),
}

record! {
    /// Any event, for its name.
    Named { event: Text<'de> = "Event", }
}

record! {
    /// The first line of a log.
    LogStart { version: Text<'de> = "Spark Version", }
}

record! {
    /// The application registered.
    ApplicationStart {
        name: Text<'de> = "App Name",
        id: Text<'de> = "App ID",
        time: Option<i64> = "Timestamp",
        user: Text<'de> = "User",
        attempt: Text<'de> = "App Attempt ID",
    }
}

record! {
    /// The application ended.
    ApplicationEnd { time: Option<i64> = "Timestamp", }
}

record! {
    /// All properties.
    EnvironmentUpdate {
        jvm: Pairs<'de> = "JVM Information",
        spark: Pairs<'de> = "Spark Properties",
        hadoop: Pairs<'de> = "Hadoop Properties",
        system: Pairs<'de> = "System Properties",
        metrics: Pairs<'de> = "Metrics Properties",
        classpath: Pairs<'de> = "Classpath Entries",
    }
}

record! {
    /// A resource profile.
    ResourceProfileAdded {
        id: Option<u32> = "Resource Profile Id",
        executor: Requests<'de> = "Executor Resource Requests",
        task: Requests<'de> = "Task Resource Requests",
    }
}

record! {
    /// An executor came.
    ExecutorAdded {
        time: Option<i64> = "Timestamp",
        id: Text<'de> = "Executor ID",
        info: ExecutorInfo<'de> = "Executor Info",
    }
}

record! {
    /// What an executor brings.
    ExecutorInfo {
        host: Text<'de> = "Host",
        cores: Option<u32> = "Total Cores",
        profile: Option<u32> = "Resource Profile Id",
    }
}

record! {
    /// An executor went.
    ExecutorRemoved {
        time: Option<i64> = "Timestamp",
        id: Text<'de> = "Executor ID",
        reason: Text<'de> = "Removed Reason",
    }
}

record! {
    /// The excluded events of executors and nodes; SQL-style keys, as these classes have no writer of their own.
    Excluded {
        time: Option<i64> = "time",
        executor: Text<'de> = "executorId",
        host: Text<'de> = "hostId",
        stage: Option<u32> = "stageId",
        attempt: Option<u32> = "stageAttemptId",
    }
}

record! {
    /// A process beside driver and executors came.
    ProcessAdded {
        time: Option<i64> = "time",
        id: Text<'de> = "processId",
        details: ProcessDetails<'de> = "info",
    }
}

record! {
    /// Where it is.
    ProcessDetails {
        host_port: Text<'de> = "hostPort",
        cores: Option<u32> = "cores",
    }
}

record! {
    /// A block manager registered: an executor's, or the driver's.
    BlockManagerAdded {
        id: BlockManagerId<'de> = "Block Manager ID",
        time: Option<i64> = "Timestamp",
        max_memory: Option<u64> = "Maximum Memory",
        max_on_heap: Option<u64> = "Maximum Onheap Memory",
        max_off_heap: Option<u64> = "Maximum Offheap Memory",
    }
}

record! {
    /// A block manager's address.
    BlockManagerId {
        executor: Text<'de> = "Executor ID",
        host: Text<'de> = "Host",
        port: Option<u32> = "Port",
    }
}

record! {
    /// A block was stored, moved or dropped (only with `spark.eventLog.logBlockUpdates.enabled`).
    BlockUpdated { info: BlockInfo<'de> = "Block Updated Info", }
}

record! {
    /// The block and where it lies now.
    BlockInfo {
        manager: BlockManagerId<'de> = "Block Manager ID",
        block: Text<'de> = "Block ID",
        level: StorageLevel<'de> = "Storage Level",
        memory: Option<u64> = "Memory Size",
        disk: Option<u64> = "Disk Size",
    }
}

record! {
    /// Where a block or RDD is kept.
    StorageLevel {
        disk: Option<bool> = "Use Disk",
        memory: Option<bool> = "Use Memory",
        off_heap: Option<bool> = "Use Off Heap",
        deserialized: Option<bool> = "Deserialized",
        replication: Option<u32> = "Replication",
    }
}

record! {
    /// A cached RDD was given up.
    UnpersistRdd { id: Option<u32> = "RDD ID", }
}

record! {
    /// A job was submitted.
    JobStart {
        id: Option<u32> = "Job ID",
        time: Option<i64> = "Submission Time",
        stages: Vec<StageInfo<'de>> = "Stage Infos",
        stage_ids: Vec<Option<u32>> = "Stage IDs",
        properties: Properties<'de> = "Properties",
    }
}

record! {
    /// The few properties of a job or stage that are asked for.
    Properties {
        description: Text<'de> = "spark.job.description",
        group: Text<'de> = "spark.jobGroup.id",
        tags: Text<'de> = "spark.job.tags",
        sql: Text<'de> = "spark.sql.execution.id",
        pool: Text<'de> = "spark.scheduler.pool",
    }
}

record! {
    /// A job ended.
    JobEnd {
        id: Option<u32> = "Job ID",
        time: Option<i64> = "Completion Time",
        result: JobResult<'de> = "Job Result",
    }
}

record! {
    /// How a job ended.
    JobResult {
        result: Text<'de> = "Result",
        exception: Exception<'de> = "Exception",
    }
}

record! {
    /// What failed a job.
    Exception { message: Text<'de> = "Message", }
}

record! {
    /// A stage attempt was submitted.
    StageSubmitted {
        info: StageInfo<'de> = "Stage Info",
        properties: Properties<'de> = "Properties",
    }
}

record! {
    /// A stage attempt ended.
    StageCompleted { info: StageInfo<'de> = "Stage Info", }
}

record! {
    /// A stage attempt.
    StageInfo {
        id: Option<u32> = "Stage ID",
        attempt: Option<u32> = "Stage Attempt ID",
        name: Text<'de> = "Stage Name",
        tasks: Option<u32> = "Number of Tasks",
        rdds: Vec<RddInfo<'de>> = "RDD Info",
        parents: Vec<Option<u32>> = "Parent IDs",
        details: Text<'de> = "Details",
        submitted: Option<i64> = "Submission Time",
        completed: Option<i64> = "Completion Time",
        failure: Text<'de> = "Failure Reason",
        profile: Option<u32> = "Resource Profile Id",
        push: Option<bool> = "Shuffle Push Enabled",
        mergers: Option<u32> = "Shuffle Push Mergers Count",
        accumulables: Vec<Accumulable<'de>> = "Accumulables",
    }
}

record! {
    /// An RDD of a stage.
    RddInfo {
        id: Option<u32> = "RDD ID",
        name: Text<'de> = "Name",
        partitions: Option<u32> = "Number of Partitions",
        level: StorageLevel<'de> = "Storage Level",
    }
}

record! {
    /// A task attempt was launched.
    TaskStart {
        stage: Option<u32> = "Stage ID",
        attempt: Option<u32> = "Stage Attempt ID",
        task: TaskInfo<'de> = "Task Info",
    }
}

record! {
    /// A task attempt ended.
    TaskEnd {
        stage: Option<u32> = "Stage ID",
        attempt: Option<u32> = "Stage Attempt ID",
        reason: EndReason<'de> = "Task End Reason",
        task: TaskInfo<'de> = "Task Info",
        peaks: Peaks = "Task Executor Metrics",
        metrics: Metrics = "Task Metrics",
    }
}

record! {
    /// A task attempt.
    TaskInfo {
        id: Option<u64> = "Task ID",
        index: Option<u32> = "Index",
        attempt: Option<u32> = "Attempt",
        partition: Option<u64> = "Partition ID",
        launched: Option<i64> = "Launch Time",
        executor: Text<'de> = "Executor ID",
        host: Text<'de> = "Host",
        locality: Text<'de> = "Locality",
        speculative: Option<bool> = "Speculative",
        fetching: Option<i64> = "Getting Result Time",
        finished: Option<i64> = "Finish Time",
        failed: Option<bool> = "Failed",
        killed: Option<bool> = "Killed",
        accumulables: Accumulables<'de> = "Accumulables",
    }
}

/// What a task added to accumulators, as it stands in the line: the inside of the array. It is cut out before the line is parsed, and read
/// only where a plan asks for it.
#[derive(Default)]
pub(super) struct Accumulables<'de>(pub &'de [u8]);

/// An array that was not cut out is not in Spark's form.
impl Field<'_> for Accumulables<'_> {}

impl std::fmt::Debug for Accumulables<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(self.0))
    }
}

record! {
    /// Why a task attempt ended; which fields are there depends on `reason`.
    EndReason {
        reason: Text<'de> = "Reason",
        class: Text<'de> = "Class Name",
        description: Text<'de> = "Description",
        stack: Vec<Frame<'de>> = "Stack Trace",
        full_stack: Text<'de> = "Full Stack Trace",
        manager: Option<BlockManagerId<'de>> = "Block Manager Address",
        shuffle: Option<u64> = "Shuffle ID",
        map: Signed = "Map ID",
        map_index: Signed = "Map Index",
        reduce: Option<u64> = "Reduce ID",
        message: Text<'de> = "Message",
        executor: Text<'de> = "Executor ID",
        by_application: Option<bool> = "Exit Caused By App",
        loss: Text<'de> = "Loss Reason",
        kill: Text<'de> = "Kill Reason",
        job: Option<u64> = "Job ID",
        partition: Option<u64> = "Partition ID",
        attempt: Option<u64> = "Attempt Number",
    }
}

/// A number that means something below zero too.
#[derive(Debug, Default)]
pub(super) struct Signed(pub Option<i64>);

impl Field<'_> for Signed {
    fn whole(value: u64) -> Self {
        Signed(i64::try_from(value).ok())
    }

    fn negative(value: i64) -> Self {
        Signed(Some(value))
    }
}

/// `None` where the driver knew no address (`null`).
impl<'de> Field<'de> for Option<BlockManagerId<'de>> {
    fn object<A: serde::de::MapAccess<'de>>(entries: A) -> Result<Self, A::Error> {
        Field::object(entries).map(Some)
    }
}

record! {
    /// A frame of a stack trace.
    Frame {
        class: Text<'de> = "Declaring Class",
        method: Text<'de> = "Method Name",
        file: Text<'de> = "File Name",
        line: Option<u32> = "Line Number",
    }
}

record! {
    /// An executor's peaks over a stage (only with `spark.eventLog.logStageExecutorMetrics`).
    StageExecutorMetrics {
        executor: Text<'de> = "Executor ID",
        stage: Option<u32> = "Stage ID",
        attempt: Option<u32> = "Stage Attempt ID",
        peaks: Peaks = "Executor Metrics",
    }
}

record! {
    /// A heartbeat; Spark logs the driver's alone.
    ExecutorMetricsUpdate {
        executor: Text<'de> = "Executor ID",
        updates: Vec<StagePeaks<'de>> = "Executor Metrics Updated",
    }
}

record! {
    /// Peaks since the last heartbeat, for one stage.
    StagePeaks { peaks: Peaks = "Executor Metrics", }
}
