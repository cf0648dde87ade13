//! Stages as Spark's REST API lists them (`StageData`), into the model.

use std::borrow::Cow;
use std::sync::Arc;

use super::json::{Counts, Peaks, Time, measured};
use crate::model::{MetricValues, Stage, StageKey, StageStatus, TaskMetric, TasksRead};
use crate::source::accumulators::{self, Accumulable};
use crate::source::lenient::{Field, Key, Lenient, record};
use crate::text::{clean, clean_line};

record! {
    /// `StageData` without the sums of task metrics.
    StageData {
        id: Option<u32> = "stageId",
        attempt: Option<u32> = "attemptId",
        status: Option<Cow<'de, str>> = "status",
        name: Option<Cow<'de, str>> = "name",
        description: Option<Cow<'de, str>> = "description",
        details: Option<Cow<'de, str>> = "details",
        pool: Option<Cow<'de, str>> = "schedulingPool",
        failure: Option<Cow<'de, str>> = "failureReason",
        num_tasks: Option<u32> = "numTasks",
        active_tasks: Option<u32> = "numActiveTasks",
        complete_tasks: Option<u32> = "numCompleteTasks",
        failed_tasks: Option<u32> = "numFailedTasks",
        killed_tasks: Option<u32> = "numKilledTasks",
        completed_indices: Option<u32> = "numCompletedIndices",
        killed_summary: Counts = "killedTasksSummary",
        submission: Time = "submissionTime",
        first_task: Time = "firstTaskLaunchedTime",
        completion: Time = "completionTime",
        rdd_ids: Vec<Option<u32>> = "rddIds",
        resource_profile: Option<u32> = "resourceProfileId",
        peaks: Peaks = "peakExecutorMetrics",
        push_shuffle: Option<bool> = "isShufflePushEnabled",
        mergers: Option<u32> = "shuffleMergersCount",
        accumulators: Vec<Accumulable<'de>> = "accumulatorUpdates",
    }
}

/// The sums of task metrics in `StageData`.
#[derive(Default)]
pub(super) struct Totals(MetricValues);

impl<'de> Field<'de> for Totals {
    fn object<A: serde::de::MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
        let mut totals = MetricValues::default();
        while let Some((Key(key), Lenient(value))) = entries.next_entry::<Key<'de>, Lenient<Option<u64>>>()? {
            if let Some(metric) = TaskMetric::ALL.iter().find(|metric| stage_name(**metric) == key) {
                totals.set(*metric, value);
            }
        }
        Ok(Totals(totals))
    }
}

/// The field of `StageData` that holds the sum of a task metric.
fn stage_name(metric: TaskMetric) -> &'static str {
    use TaskMetric::*;
    match metric {
        InputBytes => "inputBytes",
        InputRecords => "inputRecords",
        OutputBytes => "outputBytes",
        OutputRecords => "outputRecords",
        ShuffleRemoteBlocksFetched => "shuffleRemoteBlocksFetched",
        ShuffleLocalBlocksFetched => "shuffleLocalBlocksFetched",
        ShuffleFetchWaitTime => "shuffleFetchWaitTime",
        ShuffleRemoteBytesRead => "shuffleRemoteBytesRead",
        ShuffleRemoteBytesReadToDisk => "shuffleRemoteBytesReadToDisk",
        ShuffleLocalBytesRead => "shuffleLocalBytesRead",
        ShuffleReadRecords => "shuffleReadRecords",
        ShuffleRemoteReqsDuration => "shuffleRemoteReqsDuration",
        PushCorruptMergedBlockChunks => "shuffleCorruptMergedBlockChunks",
        PushMergedFetchFallbackCount => "shuffleMergedFetchFallbackCount",
        PushRemoteMergedBlocksFetched => "shuffleMergedRemoteBlocksFetched",
        PushLocalMergedBlocksFetched => "shuffleMergedLocalBlocksFetched",
        PushRemoteMergedChunksFetched => "shuffleMergedRemoteChunksFetched",
        PushLocalMergedChunksFetched => "shuffleMergedLocalChunksFetched",
        PushRemoteMergedBytesRead => "shuffleMergedRemoteBytesRead",
        PushLocalMergedBytesRead => "shuffleMergedLocalBytesRead",
        PushRemoteMergedReqsDuration => "shuffleMergedRemoteReqsDuration",
        ShuffleWriteBytes => "shuffleWriteBytes",
        ShuffleWriteTime => "shuffleWriteTime",
        ShuffleWriteRecords => "shuffleWriteRecords",
        // The others stand under their own name.
        own => own.rest_name(),
    }
}

/// Stages in the order of the model; those without an id are left out.
pub(super) fn stages(list: Vec<StageData<'_>>, totals: Vec<Totals>) -> Vec<Arc<Stage>> {
    let mut stages: Vec<Arc<Stage>> = list
        .into_iter()
        .zip(totals)
        .filter_map(|(data, totals)| stage(data, totals))
        .map(Arc::new)
        .collect();
    stages.sort_by_key(|stage| stage.key);
    stages.dedup_by_key(|stage| stage.key);
    stages
}

fn stage(data: StageData<'_>, Totals(totals): Totals) -> Option<Stage> {
    let line = |text: Option<Cow<'_, str>>| text.map(|text| clean_line(&text));
    Some(Stage {
        key: StageKey {
            id: data.id?,
            attempt: data.attempt.unwrap_or(0),
        },
        name: line(data.name).unwrap_or_default(),
        description: line(data.description),
        details: data.details.map(|text| clean(&text).into_owned()).unwrap_or_default(),
        scheduling_pool: line(data.pool).unwrap_or_default(),
        status: StageStatus::parse(data.status.as_deref().unwrap_or_default()),
        failure_reason: data.failure.map(|text| clean(&text).into_owned()),
        num_tasks: data.num_tasks.unwrap_or(0),
        active_tasks: data.active_tasks.unwrap_or(0),
        complete_tasks: data.complete_tasks.unwrap_or(0),
        failed_tasks: data.failed_tasks.unwrap_or(0),
        killed_tasks: data.killed_tasks.unwrap_or(0),
        completed_indices: data.completed_indices.unwrap_or(0),
        killed_summary: data.killed_summary.0,
        submission_ms: data.submission.0,
        first_task_launched_ms: data.first_task.0,
        completion_ms: data.completion.0,
        parents: Vec::new(),
        rdd_ids: data.rdd_ids.into_iter().flatten().collect(),
        resource_profile: data.resource_profile.unwrap_or(0),
        jobs: Vec::new(),
        sql: None,
        totals: measured(totals),
        peak_executor_metrics: data.peaks.0,
        excluded_executors: Vec::new(),
        accumulators: accumulators::of_user(data.accumulators),
        push_shuffle: data.push_shuffle,
        push_shuffle_mergers: data.mergers,
        tasks_read: TasksRead::No,
        tasks: Arc::default(),
    })
}
