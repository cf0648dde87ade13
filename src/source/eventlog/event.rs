//! The events of a log as Spark's `JsonProtocol` writes them, as far as the model needs them. Recognised by their name, which
//! Spark writes first; an event of another name is none of ours. Text is borrowed from the line. Knows nothing of what follows from an event.

use std::borrow::Cow;

use super::task_metrics::{Metrics, Peaks};
use crate::source::lenient::{self, Field, Pairs, record};

type Text<'de> = Option<Cow<'de, str>>;

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
    SqlEnd(SqlEnd<'de>),
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
        task: TaskResources<'de> = "Task Resource Requests",
    }
}

record! {
    /// What a task of a profile asks for.
    TaskResources { cpus: Amount<'de> = "cpus", }
}

record! {
    /// How much of a resource; Spark writes a decimal number.
    Amount { amount: Decimal = "Amount", }
}

/// A number that may have a fraction, rounded down.
#[derive(Debug, Default)]
pub(super) struct Decimal(pub Option<u32>);

impl Field<'_> for Decimal {
    fn whole(value: u64) -> Self {
        Decimal(u32::try_from(value).ok())
    }

    fn decimal(value: f64) -> Self {
        Decimal((0.0..1e9).contains(&value).then_some(value as u32))
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
    }
}

record! {
    /// An RDD of a stage.
    RddInfo {
        id: Option<u32> = "RDD ID",
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

record! {
    /// A SQL execution began.
    SqlStart {
        id: Option<u64> = "executionId",
        description: Text<'de> = "description",
        time: Option<i64> = "time",
    }
}

record! {
    /// A SQL execution ended; the error is empty when it ended well.
    SqlEnd {
        id: Option<u64> = "executionId",
        time: Option<i64> = "time",
        error: Text<'de> = "errorMessage",
    }
}

/// The event of a line; `None` for events that the model does not need. `room` is a buffer to work in.
///
/// # Errors
/// Where the line is no JSON object, or one without an event name.
pub(super) fn parse<'de>(line: &'de str, room: &'de mut String) -> Result<Option<Event<'de>>, Broken> {
    let Some(name) = name(line)? else { return Err(Broken) };
    // Events outside Spark's core are named with their package.
    let short = name.rsplit_once('.').map_or(&*name, |(_, short)| short);
    use Event::{ExecutorExcluded, NodeExcluded};
    Ok(Some(match short {
        "SparkListenerTaskStart" => Event::TaskStart(lenient::read(line)?),
        "SparkListenerTaskEnd" => Event::TaskEnd(Box::new(lenient::read(without_accumulables(line, room))?)),
        "SparkListenerStageSubmitted" => Event::StageSubmitted(lenient::read(line)?),
        "SparkListenerStageCompleted" => Event::StageCompleted(lenient::read(line)?),
        "SparkListenerJobStart" => Event::JobStart(lenient::read(line)?),
        "SparkListenerJobEnd" => Event::JobEnd(lenient::read(line)?),
        "SparkListenerLogStart" => Event::LogStart(lenient::read(line)?),
        "SparkListenerApplicationStart" => Event::ApplicationStart(lenient::read(line)?),
        "SparkListenerApplicationEnd" => Event::ApplicationEnd(lenient::read(line)?),
        "SparkListenerEnvironmentUpdate" => Event::EnvironmentUpdate(lenient::read(line)?),
        "SparkListenerResourceProfileAdded" => Event::ResourceProfileAdded(lenient::read(line)?),
        "SparkListenerExecutorAdded" => Event::ExecutorAdded(lenient::read(line)?),
        "SparkListenerExecutorRemoved" => Event::ExecutorRemoved(lenient::read(line)?),
        "SparkListenerExecutorExcluded" | "SparkListenerExecutorBlacklisted" => {
            ExecutorExcluded(lenient::read(line)?, true)
        }
        "SparkListenerExecutorUnexcluded" | "SparkListenerExecutorUnblacklisted" => {
            ExecutorExcluded(lenient::read(line)?, false)
        }
        "SparkListenerNodeExcluded" | "SparkListenerNodeBlacklisted" => NodeExcluded(lenient::read(line)?, true),
        "SparkListenerNodeUnexcluded" | "SparkListenerNodeUnblacklisted" => NodeExcluded(lenient::read(line)?, false),
        "SparkListenerBlockManagerAdded" => Event::BlockManagerAdded(lenient::read(line)?),
        "SparkListenerBlockUpdated" => Event::BlockUpdated(lenient::read(line)?),
        "SparkListenerUnpersistRDD" => Event::UnpersistRdd(lenient::read(line)?),
        "SparkListenerStageExecutorMetrics" => Event::StageExecutorMetrics(lenient::read(line)?),
        "SparkListenerExecutorMetricsUpdate" => Event::ExecutorMetricsUpdate(lenient::read(line)?),
        "SparkListenerSQLExecutionStart" => Event::SqlStart(lenient::read(line)?),
        "SparkListenerSQLExecutionEnd" => Event::SqlEnd(lenient::read(line)?),
        _ => return Ok(None),
    }))
}

/// A task's end without its accumulables, which are half of the line and not needed: cutting them out is several times faster than
/// parsing over them. Where Spark's own order of fields is not found the line stays as it is. The marks cannot be found inside a string,
/// as quotes are escaped there.
fn without_accumulables<'de>(line: &'de str, room: &'de mut String) -> &'de str {
    let after = |from: usize, mark: &str| {
        let at = memchr::memmem::find(line.as_bytes().get(from..)?, mark.as_bytes())?;
        Some(from + at)
    };
    let cut = || {
        let info = after(0, ",\"Task Info\":{")?;
        let from = after(info, ",\"Accumulables\":[")?;
        let to = after(from, "]},\"Task Executor Metrics\":").or_else(|| after(from, "]},\"Task Metrics\":"))?;
        Some((line.get(..from)?, line.get(to + 1..)?))
    };
    let Some((before, rest)) = cut() else { return line };
    room.clear();
    room.push_str(before);
    room.push_str(rest);
    room
}

/// A line that is no event.
#[derive(Debug)]
pub(super) struct Broken;

impl From<serde_json::Error> for Broken {
    fn from(_: serde_json::Error) -> Self {
        Broken
    }
}

/// The event's name: from the first bytes, as Spark writes it there; else the whole line is searched for it.
fn name(line: &str) -> Result<Text<'_>, Broken> {
    if let Some(rest) = line.strip_prefix("{\"Event\":\"")
        && let Some(end) = memchr::memchr2(b'"', b'\\', rest.as_bytes())
        && rest.as_bytes().get(end) == Some(&b'"')
    {
        return Ok(rest.get(..end).map(Cow::Borrowed));
    }
    let named: Named<'_> = lenient::read(line)?;
    Ok(named.event)
}
