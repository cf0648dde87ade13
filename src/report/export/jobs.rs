//! Jobs as Spark's `JobData`.

use super::columns::{Column, always, counts, date, free_text, maybe};
use crate::model::Job;

pub fn columns() -> Vec<Column<Job>> {
    vec![
        always("jobId", |job: &Job| job.id),
        free_text("name", |job: &Job| Some(&job.name)),
        free_text("description", |job: &Job| job.description.as_deref()),
        maybe("submissionTime", |job: &Job| job.submission_ms.and_then(date)),
        maybe("completionTime", |job: &Job| job.completion_ms.and_then(date)),
        always("stageIds", |job: &Job| job.stage_ids.clone()),
        free_text("jobGroup", |job: &Job| job.job_group.as_deref()),
        always("jobTags", |job: &Job| job.job_tags.clone()),
        always("status", |job: &Job| job.status.name()),
        always("numTasks", |job: &Job| job.num_tasks),
        always("numActiveTasks", |job: &Job| job.active_tasks),
        always("numCompletedTasks", |job: &Job| job.completed_tasks),
        always("numSkippedTasks", |job: &Job| job.skipped_tasks),
        always("numFailedTasks", |job: &Job| job.failed_tasks),
        always("numKilledTasks", |job: &Job| job.killed_tasks),
        always("numCompletedIndices", |job: &Job| job.completed_indices),
        always("numActiveStages", |job: &Job| job.active_stages),
        always("numCompletedStages", |job: &Job| job.completed_stages),
        always("numSkippedStages", |job: &Job| job.skipped_stages),
        always("numFailedStages", |job: &Job| job.failed_stages),
        always("killedTasksSummary", |job: &Job| counts(&job.killed_summary)),
    ]
}
