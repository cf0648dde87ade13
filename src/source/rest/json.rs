//! Spark's REST answers as they come (`org.apache.spark.status.api.v1`), field for field; what is missing or odd is absent.

use std::borrow::Cow;
use std::fmt;

use jiff::fmt::strtime;

use crate::model::{ExecutorMetric, ExecutorPeaks, MetricValues};
use crate::source::lenient::{Field, Key, Lenient, Pairs, record};
use crate::source::resources::Requests;

/// A date as Spark's REST API writes it, epoch ms; dates before 1970 stand for "none".
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::source) struct Time(pub Option<i64>);

impl<'de> Field<'de> for Time {
    fn text(text: Cow<'de, str>) -> Self {
        // `2015-02-03T16:42:40.000GMT`: no RFC 3339 for its zone.
        let parse = || {
            let stem = text.strip_suffix("GMT").or_else(|| text.strip_suffix('Z'))?;
            let time = strtime::parse("%Y-%m-%dT%H:%M:%S%.f", stem).ok()?.to_datetime().ok()?;
            let millis = time
                .to_zoned(jiff::tz::TimeZone::UTC)
                .ok()?
                .timestamp()
                .as_millisecond();
            (millis >= 0).then_some(millis)
        };
        Time(parse())
    }

    fn whole(millis: u64) -> Self {
        Time(i64::try_from(millis).ok())
    }
}

/// Metrics that are zero throughout, as the server sends for what has none, become absent: what ran has at least a time or a result.
pub(super) fn measured(values: MetricValues) -> MetricValues {
    if values.iter().any(|value| value > Some(0)) {
        values
    } else {
        MetricValues::default()
    }
}

/// An object from a word to a count, such as `killedTasksSummary`.
#[derive(Debug, Default)]
pub(in crate::source) struct Counts(pub Vec<(String, u32)>);

impl<'de> Field<'de> for Counts {
    fn object<A: serde::de::MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
        let mut counts = Vec::new();
        while let Some((Key(key), Lenient(count))) = entries.next_entry::<Key<'de>, Lenient<Option<u32>>>()? {
            counts.push((crate::text::clean(&key).into_owned(), count.unwrap_or(0)));
        }
        Ok(Counts(counts))
    }
}

/// `ExecutorMetrics`; absent where nothing was measured, for which the server sends zeros.
#[derive(Default)]
pub(in crate::source) struct Peaks(pub Option<ExecutorPeaks>);

impl fmt::Debug for Peaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Field<'de> for Peaks {
    fn object<A: serde::de::MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
        let mut peaks = ExecutorPeaks::default();
        while let Some((Key(key), Lenient(value))) = entries.next_entry::<Key<'de>, Lenient<Option<u64>>>()? {
            let metric = ExecutorMetric::ALL.iter().find(|metric| metric.name() == key);
            if let (Some(metric), Some(value)) = (metric, value) {
                peaks.raise(*metric, value);
            }
        }
        let measured = ExecutorMetric::ALL.iter().any(|metric| peaks.get(*metric) > Some(0));
        Ok(Peaks(measured.then_some(peaks)))
    }
}

record! {
    /// `ApplicationInfo`.
    ApplicationInfo {
        id: Option<Cow<'de, str>> = "id",
        name: Option<Cow<'de, str>> = "name",
        attempts: Vec<AttemptInfo<'de>> = "attempts",
    }
}

record! {
    /// `ApplicationAttemptInfo`.
    AttemptInfo {
        attempt: Option<Cow<'de, str>> = "attemptId",
        start: Time = "startTime",
        end: Time = "endTime",
        last_updated: Time = "lastUpdated",
        duration: Option<u64> = "duration",
        user: Option<Cow<'de, str>> = "sparkUser",
        completed: Option<bool> = "completed",
        spark_version: Option<Cow<'de, str>> = "appSparkVersion",
    }
}

record! {
    /// `JobData`.
    JobData {
        id: Option<u32> = "jobId",
        name: Option<Cow<'de, str>> = "name",
        description: Option<Cow<'de, str>> = "description",
        submission: Time = "submissionTime",
        completion: Time = "completionTime",
        stage_ids: Vec<Option<u32>> = "stageIds",
        job_group: Option<Cow<'de, str>> = "jobGroup",
        job_tags: Vec<Option<Cow<'de, str>>> = "jobTags",
        status: Option<Cow<'de, str>> = "status",
        num_tasks: Option<u32> = "numTasks",
        active_tasks: Option<u32> = "numActiveTasks",
        completed_tasks: Option<u32> = "numCompletedTasks",
        skipped_tasks: Option<u32> = "numSkippedTasks",
        failed_tasks: Option<u32> = "numFailedTasks",
        killed_tasks: Option<u32> = "numKilledTasks",
        completed_indices: Option<u32> = "numCompletedIndices",
        active_stages: Option<u32> = "numActiveStages",
        completed_stages: Option<u32> = "numCompletedStages",
        skipped_stages: Option<u32> = "numSkippedStages",
        failed_stages: Option<u32> = "numFailedStages",
        killed_summary: Counts = "killedTasksSummary",
    }
}

record! {
    /// `ExecutorSummary`.
    ExecutorSummary {
        id: Option<Cow<'de, str>> = "id",
        host_port: Option<Cow<'de, str>> = "hostPort",
        active: Option<bool> = "isActive",
        total_cores: Option<u32> = "totalCores",
        max_tasks: Option<u32> = "maxTasks",
        added: Time = "addTime",
        removed: Time = "removeTime",
        remove_reason: Option<Cow<'de, str>> = "removeReason",
        excluded: Option<bool> = "isBlacklisted" | "isExcluded",
        excluded_in_stages: Vec<Option<u32>> = "blacklistedInStages" | "excludedInStages",
        resource_profile: Option<u32> = "resourceProfileId",
        active_tasks: Option<u32> = "activeTasks",
        failed_tasks: Option<u32> = "failedTasks",
        completed_tasks: Option<u32> = "completedTasks",
        total_tasks: Option<u32> = "totalTasks",
        total_duration: Option<u64> = "totalDuration",
        total_gc: Option<u64> = "totalGCTime",
        total_input: Option<u64> = "totalInputBytes",
        total_shuffle_read: Option<u64> = "totalShuffleRead",
        total_shuffle_write: Option<u64> = "totalShuffleWrite",
        rdd_blocks: Option<u32> = "rddBlocks",
        memory_used: Option<u64> = "memoryUsed",
        disk_used: Option<u64> = "diskUsed",
        max_memory: Option<u64> = "maxMemory",
        memory: MemoryMetrics<'de> = "memoryMetrics",
        peaks: Peaks = "peakMemoryMetrics",
    }
}

record! {
    /// `MemoryMetrics`.
    MemoryMetrics {
        on_heap: Option<u64> = "totalOnHeapStorageMemory",
        off_heap: Option<u64> = "totalOffHeapStorageMemory",
    }
}

record! {
    /// `ApplicationEnvironmentInfo`.
    EnvironmentInfo {
        runtime: RuntimeInfo<'de> = "runtime",
        spark: Pairs<'de> = "sparkProperties",
        hadoop: Pairs<'de> = "hadoopProperties",
        system: Pairs<'de> = "systemProperties",
        metrics: Pairs<'de> = "metricsProperties",
        classpath: Pairs<'de> = "classpathEntries",
        profiles: Vec<ProfileInfo<'de>> = "resourceProfiles",
    }
}

record! {
    /// `ResourceProfileInfo`.
    ProfileInfo {
        id: Option<u32> = "id",
        executor: Requests<'de> = "executorResources",
        task: Requests<'de> = "taskResources",
    }
}

record! {
    /// `ProcessSummary`.
    ProcessSummary {
        id: Option<Cow<'de, str>> = "id",
        host_port: Option<Cow<'de, str>> = "hostPort",
        active: Option<bool> = "isActive",
        total_cores: Option<u32> = "totalCores",
        added: Time = "addTime",
        removed: Time = "removeTime",
    }
}

record! {
    /// `RuntimeInfo`.
    RuntimeInfo {
        java_home: Option<Cow<'de, str>> = "javaHome",
        java_version: Option<Cow<'de, str>> = "javaVersion",
        scala_version: Option<Cow<'de, str>> = "scalaVersion",
    }
}

record! {
    /// `ExecutionData` of a SQL execution.
    ExecutionData {
        id: Option<u64> = "id",
        status: Option<Cow<'de, str>> = "status",
        description: Option<Cow<'de, str>> = "description",
        plan: Option<Cow<'de, str>> = "planDescription",
        submission: Time = "submissionTime",
        duration: Option<u64> = "duration",
        running: Vec<Option<u32>> = "runningJobIds",
        succeeded: Vec<Option<u32>> = "successJobIds",
        failed: Vec<Option<u32>> = "failedJobIds",
        nodes: Vec<NodeData<'de>> = "nodes",
        edges: Vec<EdgeData<'de>> = "edges",
        query: Option<Cow<'de, str>> = "queryId",
        error: Option<Cow<'de, str>> = "errorMessage",
        root: Option<u64> = "rootExecutionId",
        configs: Pairs<'de> = "modifiedConfigs",
    }
}

record! {
    /// `RDDStorageInfo`.
    RddData {
        id: Option<u32> = "id",
        name: Option<Cow<'de, str>> = "name",
        partitions: Option<u32> = "numPartitions",
        cached_partitions: Option<u32> = "numCachedPartitions",
        level: Option<Cow<'de, str>> = "storageLevel",
        memory: Option<u64> = "memoryUsed",
        disk: Option<u64> = "diskUsed",
        distribution: Vec<RddOn<'de>> = "dataDistribution",
        blocks: Vec<RddBlock<'de>> = "partitions",
    }
}

record! {
    /// `RDDDataDistribution`.
    RddOn {
        address: Option<Cow<'de, str>> = "address",
        memory: Option<u64> = "memoryUsed",
        remaining: Option<u64> = "memoryRemaining",
        disk: Option<u64> = "diskUsed",
    }
}

record! {
    /// `RDDPartitionInfo`.
    RddBlock {
        name: Option<Cow<'de, str>> = "blockName",
        level: Option<Cow<'de, str>> = "storageLevel",
        memory: Option<u64> = "memoryUsed",
        disk: Option<u64> = "diskUsed",
        executors: Vec<Option<Cow<'de, str>>> = "executors",
    }
}

record! {
    /// `Node` of a plan.
    NodeData {
        id: Option<u64> = "nodeId",
        name: Option<Cow<'de, str>> = "nodeName",
        codegen: Option<u64> = "wholeStageCodegenId",
        metrics: Vec<NodeMetric<'de>> = "metrics",
        description: Option<Cow<'de, str>> = "desc",
    }
}

record! {
    /// `Metric` of a node.
    NodeMetric {
        name: Option<Cow<'de, str>> = "name",
        value: Option<Cow<'de, str>> = "value",
    }
}

record! {
    /// `SparkPlanGraphEdge`.
    EdgeData {
        from: Option<u64> = "fromId",
        to: Option<u64> = "toId",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_read_as_spark_writes_them() {
        let time = |text: &'static str| Time::text(Cow::Borrowed(text)).0;
        assert_eq!(time("2015-02-03T16:42:40.000GMT"), Some(1_422_981_760_000));
        assert_eq!(time("2026-11-21T09:25:28.106GMT"), Some(1_795_253_128_106));
        assert_eq!(time("1969-12-31T23:59:59.999GMT"), None);
        assert_eq!(time("yesterday"), None);
        assert_eq!(time(""), None);
    }
}
