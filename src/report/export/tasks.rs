//! Task attempts as Spark's `TaskData`, with the stage attempt that they belong to. Read out of the columns one at a time.

use super::columns::{Column, always, date, free_text, maybe};
use crate::model::{Application, Stage, TaskMeasure, TaskMetric};

/// A task attempt: a row of its stage's table.
pub struct Row<'a> {
    stage: &'a Stage,
    row: usize,
}

/// Every task attempt, stage by stage.
pub fn rows(application: &Application) -> impl Iterator<Item = Row<'_>> {
    application
        .stages
        .iter()
        .flat_map(|stage| (0..stage.tasks.len()).map(move |row| Row { stage, row }))
}

pub fn columns<'a>() -> Vec<Column<Row<'a>>> {
    let mut columns = vec![
        always("stageId", |t: &Row<'a>| t.stage.key.id),
        always("stageAttemptId", |t: &Row<'a>| t.stage.key.attempt),
        always("taskId", |t: &Row<'a>| t.stage.tasks.id(t.row)),
        always("index", |t: &Row<'a>| t.stage.tasks.index(t.row)),
        always("attempt", |t: &Row<'a>| t.stage.tasks.attempt(t.row)),
        maybe("partitionId", |t: &Row<'a>| t.stage.tasks.partition(t.row)),
        maybe("launchTime", |t: &Row<'a>| date(t.stage.tasks.launch_ms(t.row))),
        maybe("resultFetchStart", |t: &Row<'a>| {
            t.stage.tasks.result_fetch_start_ms(t.row).and_then(date)
        }),
        maybe("duration", |t: &Row<'a>| t.stage.tasks.duration_ms(t.row)),
        always("executorId", |t: &Row<'a>| t.stage.tasks.executor(t.row).to_string()),
        always("host", |t: &Row<'a>| t.stage.tasks.host(t.row).to_string()),
        always("status", |t: &Row<'a>| t.stage.tasks.status(t.row).name()),
        always("taskLocality", |t: &Row<'a>| t.stage.tasks.locality(t.row).name()),
        always("speculative", |t: &Row<'a>| t.stage.tasks.speculative(t.row)),
        free_text("errorMessage", |t: &Row<'a>| {
            t.stage.tasks.failure(t.row).map(|f| &*f.message)
        }),
    ];
    columns.extend(
        TaskMetric::ALL
            .iter()
            .map(|metric| maybe(name(*metric), |t: &Row<'a>| t.stage.tasks.metric(t.row, *metric))),
    );
    columns.push(maybe("schedulerDelay", |t: &Row<'a>| {
        t.stage.tasks.measure(t.row, TaskMeasure::SchedulerDelay)
    }));
    columns.push(maybe("gettingResultTime", |t: &Row<'a>| {
        t.stage.tasks.measure(t.row, TaskMeasure::GettingResultTime)
    }));
    columns
}

/// The path of a metric in a task's row.
fn name(metric: TaskMetric) -> String {
    match metric.group() {
        "" => format!("taskMetrics.{}", metric.rest_name()),
        "shufflePushReadMetrics" => {
            format!(
                "taskMetrics.shuffleReadMetrics.shufflePushReadMetrics.{}",
                metric.rest_name()
            )
        }
        group => format!("taskMetrics.{group}.{}", metric.rest_name()),
    }
}
