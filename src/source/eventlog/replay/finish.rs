//! The end of a replay: the live state becomes the application. What an ended application left open is closed here, so that nothing in it
//! runs for ever.

use std::collections::HashSet;
use std::sync::Arc;

use super::Replay;
use super::jobs::LiveJob;
use super::stages::LiveStage;
use crate::model::{
    Application, ExecutorMetric, Job, JobStatus, Loss, LossKind, SqlStatus, Stage, StageStatus, TaskStatus, TaskTable,
    TasksRead,
};

impl Replay {
    /// The application, or `None` when the log told of none. `fallback_id` names one whose log lacks its start.
    pub(in crate::source::eventlog) fn finish(mut self, fallback_id: &str) -> Option<Application> {
        if !self.begun {
            return None;
        }
        let ended = self.app.end_ms.is_some();
        if self.app.id.is_empty() {
            self.app.id = fallback_id.to_owned();
        }
        if self.app.name.is_empty() {
            self.app.name = self.app.id.clone();
        }
        if self.app.start_ms.is_none() {
            let jobs = self.jobs.iter().filter_map(|job| job.job.submission_ms);
            let executors = self.executors.iter().filter_map(|executor| executor.added_ms);
            self.app.start_ms = jobs.chain(executors).min();
        }
        self.rows_without_end(ended);
        if !ended {
            let detail = "the log has no end: the application runs, or was killed".into();
            self.note(LossKind::InProgress, 1, detail);
        }
        let (end, last) = (self.app.end_ms, self.app.last_ms);
        let mut app = self.app;
        app.stages = self
            .stages
            .into_iter()
            .map(|live| Arc::new(stage(live, ended)))
            .collect();
        app.stages.sort_by_key(|stage| stage.key);
        app.jobs = self.jobs.into_iter().map(|live| job(live, ended)).collect();
        app.jobs.sort_by_key(|job| job.id);
        let failed: HashSet<u32> = app
            .jobs
            .iter()
            .filter(|job| job.status == JobStatus::Failed)
            .map(|job| job.id)
            .collect();
        app.sql = self
            .sql
            .into_iter()
            .map(|live| (live.failed, live.execution))
            .map(|(error, mut sql)| {
                let ended = sql.completion_ms.is_some();
                sql.status = match (ended, error || sql.jobs.iter().any(|job| failed.contains(job))) {
                    (_, true) => SqlStatus::Failed,
                    (true, false) => SqlStatus::Completed,
                    (false, false) => SqlStatus::Running,
                };
                sql
            })
            .collect();
        app.sql.sort_by_key(|sql| sql.id);
        app.executors = self.executors;
        // Spark's block manager of last resort is no executor (`AppStatusStore.executorList`).
        app.executors.retain(|executor| &*executor.id != "fallback");
        for executor in &mut app.executors {
            if ended {
                executor.active_tasks = 0;
            }
            if !executor.is_driver() {
                continue;
            }
            // `AppStatusStore.replaceDriverGcTime`: the driver's own time is the application's.
            let wall = app
                .start_ms
                .zip(end.or(last))
                .and_then(|(start, end)| u64::try_from(end.checked_sub(start)?).ok());
            executor.total_duration_ms = wall.unwrap_or(executor.total_duration_ms);
            if let Some(gc) = executor.peaks.get(ExecutorMetric::TotalGCTime) {
                executor.total_gc_ms = gc;
            }
        }
        app.status = Application::outcome(ended, &app.jobs);
        Some(app)
    }

    /// Gives a row to every task that was launched and did not end, and notes those whose end must have been lost.
    fn rows_without_end(&mut self, ended: bool) {
        let mut running: Vec<_> = std::mem::take(&mut self.running_tasks).into_iter().collect();
        running.sort_unstable_by_key(|(id, _)| *id);
        let mut lost = 0;
        for (id, launched) in running {
            let at = launched.stage;
            let over = ended || !matches!(self.stages[at].stage.status, StageStatus::Active | StageStatus::Pending);
            let status = if over { TaskStatus::Unknown } else { TaskStatus::Running };
            lost += u64::from(over);
            let task = launched.task(id, status);
            self.stages[at].tasks.push(&task);
        }
        if lost > 0 {
            let detail = format!("{lost} tasks have no end event although their stage ended: Spark lost events");
            self.note(LossKind::MissingEnds, lost, detail);
        }
    }

    fn note(&mut self, kind: LossKind, count: u64, detail: String) {
        self.lose(Loss { kind, count, detail });
    }
}

fn stage(live: LiveStage, ended: bool) -> Stage {
    let mut stage = live.stage;
    stage.completed_indices = live.completed.len();
    stage.tasks_read = TasksRead::Yes;
    stage.tasks = Arc::new(in_order(live.tasks));
    if ended {
        stage.active_tasks = 0;
        stage.status = match stage.status {
            // Its end was lost, but all its tasks are there.
            StageStatus::Active if stage.num_tasks > 0 && stage.completed_indices >= stage.num_tasks => {
                let tasks = &stage.tasks;
                stage.completion_ms = (0..tasks.len()).filter_map(|row| tasks.finish_ms(row)).max();
                StageStatus::Complete
            }
            StageStatus::Active => StageStatus::Unknown,
            StageStatus::Pending if stage.tasks.is_empty() => StageStatus::Skipped,
            StageStatus::Pending => StageStatus::Unknown,
            known => known,
        };
    }
    stage
}

/// The table in order of launch, which is that of the ids: rows came in the order of their ends.
fn in_order(mut tasks: TaskTable) -> TaskTable {
    let mut rows: Vec<usize> = (0..tasks.len()).collect();
    if rows.is_sorted_by_key(|row| tasks.id(*row)) {
        tasks.shrink();
        return tasks;
    }
    rows.sort_unstable_by_key(|row| tasks.id(*row));
    let mut sorted = TaskTable::default();
    for task in rows.into_iter().filter_map(|row| tasks.task(row)) {
        sorted.push(&task);
    }
    sorted.shrink();
    sorted
}

fn job(live: LiveJob, ended: bool) -> Job {
    let mut job = live.job;
    let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
    job.completed_stages = count(live.completed_stages.len());
    job.skipped_stages = count(live.skipped_stages.len());
    job.completed_indices = live
        .completed
        .values()
        .fold(0, |sum, indices| indices.len().saturating_add(sum));
    if ended {
        job.active_tasks = 0;
        job.active_stages = 0;
        if job.status == JobStatus::Running {
            job.status = JobStatus::Unknown;
        }
    }
    job
}
