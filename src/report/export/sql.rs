//! SQL executions as Spark's `ExecutionData`: the plan as text, without its graph.

use super::columns::{Column, always, date, free_text, maybe};
use crate::model::{Application, JobStatus, SqlExecution};

/// A SQL execution and the application that its jobs are looked up in.
pub struct Row<'a> {
    execution: &'a SqlExecution,
    application: &'a Application,
}

pub fn rows(application: &Application) -> impl Iterator<Item = Row<'_>> {
    application
        .sql
        .iter()
        .map(move |execution| Row { execution, application })
}

pub fn columns<'a>() -> Vec<Column<Row<'a>>> {
    vec![
        always("id", |row: &Row<'a>| row.execution.id),
        always("status", |row: &Row<'a>| row.execution.status.name()),
        free_text("description", |row: &Row<'a>| Some(&row.execution.description)),
        free_text("planDescription", |row: &Row<'a>| row.execution.plan.as_deref()),
        maybe("submissionTime", |row: &Row<'a>| {
            row.execution.submission_ms.and_then(date)
        }),
        maybe("duration", |row: &Row<'a>| row.execution.duration_ms()),
        always("runningJobIds", |row: &Row<'a>| row.jobs(JobStatus::Running)),
        always("successJobIds", |row: &Row<'a>| row.jobs(JobStatus::Succeeded)),
        always("failedJobIds", |row: &Row<'a>| row.jobs(JobStatus::Failed)),
    ]
}

impl Row<'_> {
    fn jobs(&self, status: JobStatus) -> Vec<u32> {
        let stands = |id: &u32| self.application.job(*id).is_some_and(|job| job.status == status);
        self.execution.jobs.iter().copied().filter(stands).collect()
    }
}
