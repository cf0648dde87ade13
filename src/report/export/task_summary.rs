//! Quantiles of each stage attempt's successful tasks, as Spark's `TaskMetricDistributions`.

use std::sync::Arc;

use super::columns::{Column, always, maybe};
use crate::model::{Application, Stage, TaskMeasure, TaskMetric as M};

/// The quantiles that are exported.
const QUANTILES: [f64; 6] = [0.0, 0.25, 0.5, 0.75, 0.95, 1.0];

type Row = Arc<Stage>;

/// The stage attempts with a successful task: for the others Spark's server answers that there is nothing to tell.
pub fn rows(application: &Application) -> impl Iterator<Item = &Row> {
    application
        .stages
        .iter()
        .filter(|stage| stage.tasks.successful().next().is_some())
}

pub fn columns() -> Vec<Column<Row>> {
    let mut columns = vec![
        always("stageId", |stage: &Row| stage.key.id),
        always("attemptId", |stage: &Row| stage.key.attempt),
        always("quantiles", |_: &Row| QUANTILES.to_vec()),
    ];
    columns.extend(MEASURES.iter().map(|(name, measure)| {
        maybe(*name, |stage: &Row| {
            let values = stage.tasks.quantiles(*measure, &QUANTILES)?;
            // Spark's quantiles are doubles throughout.
            Some(values.into_iter().map(|value| value as f64).collect::<Vec<f64>>())
        })
    }));
    columns
}

const fn metric(metric: M) -> TaskMeasure {
    TaskMeasure::Metric(metric)
}

/// REST's names of the distributions and what they are of.
const MEASURES: &[(&str, TaskMeasure)] = &[
    ("duration", TaskMeasure::Duration),
    ("executorDeserializeTime", metric(M::ExecutorDeserializeTime)),
    ("executorDeserializeCpuTime", metric(M::ExecutorDeserializeCpuTime)),
    ("executorRunTime", metric(M::ExecutorRunTime)),
    ("executorCpuTime", metric(M::ExecutorCpuTime)),
    ("resultSize", metric(M::ResultSize)),
    ("jvmGcTime", metric(M::JvmGcTime)),
    ("resultSerializationTime", metric(M::ResultSerializationTime)),
    ("gettingResultTime", TaskMeasure::GettingResultTime),
    ("schedulerDelay", TaskMeasure::SchedulerDelay),
    ("peakExecutionMemory", metric(M::PeakExecutionMemory)),
    ("memoryBytesSpilled", metric(M::MemoryBytesSpilled)),
    ("diskBytesSpilled", metric(M::DiskBytesSpilled)),
    ("inputMetrics.bytesRead", metric(M::InputBytes)),
    ("inputMetrics.recordsRead", metric(M::InputRecords)),
    ("outputMetrics.bytesWritten", metric(M::OutputBytes)),
    ("outputMetrics.recordsWritten", metric(M::OutputRecords)),
    ("shuffleReadMetrics.readBytes", TaskMeasure::ShuffleReadBytes),
    ("shuffleReadMetrics.readRecords", metric(M::ShuffleReadRecords)),
    (
        "shuffleReadMetrics.remoteBlocksFetched",
        metric(M::ShuffleRemoteBlocksFetched),
    ),
    (
        "shuffleReadMetrics.localBlocksFetched",
        metric(M::ShuffleLocalBlocksFetched),
    ),
    ("shuffleReadMetrics.fetchWaitTime", metric(M::ShuffleFetchWaitTime)),
    ("shuffleReadMetrics.remoteBytesRead", metric(M::ShuffleRemoteBytesRead)),
    (
        "shuffleReadMetrics.remoteBytesReadToDisk",
        metric(M::ShuffleRemoteBytesReadToDisk),
    ),
    ("shuffleReadMetrics.totalBlocksFetched", TaskMeasure::ShuffleReadBlocks),
    (
        "shuffleReadMetrics.remoteReqsDuration",
        metric(M::ShuffleRemoteReqsDuration),
    ),
    (
        "shuffleReadMetrics.shufflePushReadMetricsDist.corruptMergedBlockChunks",
        metric(M::PushCorruptMergedBlockChunks),
    ),
    (
        "shuffleReadMetrics.shufflePushReadMetricsDist.mergedFetchFallbackCount",
        metric(M::PushMergedFetchFallbackCount),
    ),
    (
        "shuffleReadMetrics.shufflePushReadMetricsDist.remoteMergedBlocksFetched",
        metric(M::PushRemoteMergedBlocksFetched),
    ),
    (
        "shuffleReadMetrics.shufflePushReadMetricsDist.localMergedBlocksFetched",
        metric(M::PushLocalMergedBlocksFetched),
    ),
    (
        "shuffleReadMetrics.shufflePushReadMetricsDist.remoteMergedChunksFetched",
        metric(M::PushRemoteMergedChunksFetched),
    ),
    (
        "shuffleReadMetrics.shufflePushReadMetricsDist.localMergedChunksFetched",
        metric(M::PushLocalMergedChunksFetched),
    ),
    (
        "shuffleReadMetrics.shufflePushReadMetricsDist.remoteMergedBytesRead",
        metric(M::PushRemoteMergedBytesRead),
    ),
    (
        "shuffleReadMetrics.shufflePushReadMetricsDist.localMergedBytesRead",
        metric(M::PushLocalMergedBytesRead),
    ),
    (
        "shuffleReadMetrics.shufflePushReadMetricsDist.remoteMergedReqsDuration",
        metric(M::PushRemoteMergedReqsDuration),
    ),
    ("shuffleWriteMetrics.writeBytes", metric(M::ShuffleWriteBytes)),
    ("shuffleWriteMetrics.writeRecords", metric(M::ShuffleWriteRecords)),
    ("shuffleWriteMetrics.writeTime", metric(M::ShuffleWriteTime)),
];
