//! Stage attempts as Spark's `StageData` with `details=false`: the sums of their tasks.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::columns::{Column, always, counts, date, free_text, maybe};
use super::executors::peaks;
use crate::model::{Accumulator, Stage, TaskMetric};
use crate::redact;

type Row = Arc<Stage>;

pub fn columns() -> Vec<Column<Row>> {
    let mut columns = vec![
        always("status", |stage: &Row| stage.status.name()),
        always("stageId", |stage: &Row| stage.key.id),
        always("attemptId", |stage: &Row| stage.key.attempt),
        always("numTasks", |stage: &Row| stage.num_tasks),
        always("numActiveTasks", |stage: &Row| stage.active_tasks),
        always("numCompleteTasks", |stage: &Row| stage.complete_tasks),
        always("numFailedTasks", |stage: &Row| stage.failed_tasks),
        always("numKilledTasks", |stage: &Row| stage.killed_tasks),
        always("numCompletedIndices", |stage: &Row| stage.completed_indices),
        maybe("submissionTime", |stage: &Row| stage.submission_ms.and_then(date)),
        maybe("firstTaskLaunchedTime", |stage: &Row| {
            stage.first_task_launched_ms.and_then(date)
        }),
        maybe("completionTime", |stage: &Row| stage.completion_ms.and_then(date)),
        free_text("failureReason", |stage: &Row| stage.failure_reason.as_deref()),
    ];
    for metric in TaskMetric::ALL {
        // REST lists the sum of both reads between them and the records.
        if *metric == TaskMetric::ShuffleReadRecords {
            columns.push(maybe("shuffleReadBytes", shuffle_read_bytes));
        }
        columns.push(maybe(metric.stage_rest_name(), |stage: &Row| stage.totals.get(*metric)));
    }
    columns.extend([
        free_text("name", |stage: &Row| Some(&stage.name)),
        free_text("description", |stage: &Row| stage.description.as_deref()),
        free_text("details", |stage: &Row| Some(&stage.details)),
        always("schedulingPool", |stage: &Row| stage.scheduling_pool.clone()),
        always("rddIds", |stage: &Row| stage.rdd_ids.clone()),
        always("killedTasksSummary", |stage: &Row| counts(&stage.killed_summary)),
        always("resourceProfileId", |stage: &Row| stage.resource_profile),
        maybe("peakExecutorMetrics", |stage: &Row| {
            stage.peak_executor_metrics.as_ref().map(|p| Value::Object(peaks(p)))
        }),
        always("accumulatorUpdates", accumulators),
        maybe("excludedExecutors", |stage: &Row| {
            let ids: Vec<&str> = stage.excluded_executors.iter().map(|id| &**id).collect();
            (!ids.is_empty()).then(|| json!(ids))
        }),
        maybe("isShufflePushEnabled", |stage: &Row| stage.push_shuffle),
        maybe("shuffleMergersCount", |stage: &Row| stage.push_shuffle_mergers),
    ]);
    columns
}

/// The user's accumulators (`AccumulableInfo`).
fn accumulators(stage: &Row) -> Value {
    let one = |one: &Accumulator| {
        let mut object = Map::new();
        object.insert("id".to_owned(), one.id.into());
        for (name, text) in [("name", &one.name), ("value", &one.value)] {
            if let Some(text) = text {
                object.insert(name.to_owned(), redact::text(text).into_owned().into());
            }
        }
        Value::Object(object)
    };
    stage.accumulators.iter().map(one).collect()
}

fn shuffle_read_bytes(stage: &Row) -> Option<u64> {
    let total = |metric: TaskMetric| stage.totals.get(metric);
    let (remote, local) = (
        total(TaskMetric::ShuffleRemoteBytesRead)?,
        total(TaskMetric::ShuffleLocalBytesRead)?,
    );
    Some(remote.saturating_add(local))
}
