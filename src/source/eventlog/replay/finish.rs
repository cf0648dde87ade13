//! The end of a replay: the live state becomes the application. Jobs and stages that an ended application left open because their own
//! ends were lost are closed here; counters stay as Spark's listener has them.

use std::collections::HashSet;
use std::sync::Arc;

use super::Replay;
use super::jobs::LiveJob;
use super::stages::LiveStage;
use crate::model::{
    Application, ExecutorMetric, Job, JobStatus, Loss, LossKind, SqlStatus, Stage, StageStatus, TasksRead,
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
        self.rows_without_end();
        self.lost_ends();
        if let Some(loss) = self.missing_events() {
            self.lose(loss);
        }
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
            .map(|live| (live.failed, live.finish(&self.sql_stages)))
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

    /// Gives a row to every task that was launched and did not end.
    fn rows_without_end(&mut self) {
        let mut running: Vec<_> = std::mem::take(&mut self.running_tasks).into_iter().collect();
        running.sort_unstable_by_key(|(id, _)| *id);
        for (id, launched) in running {
            let stage = launched.stage;
            let task = launched.task(id);
            self.stages[stage].tasks.push(&task);
        }
    }

    /// Notes the tasks whose ends must have been lost: a stage is complete only when each of its tasks has succeeded. Stages with several
    /// attempts are left out, as a late task of one attempt can serve another.
    fn lost_ends(&mut self) {
        let complete = self.stages.iter().filter(|live| {
            let once = self
                .attempts
                .get(&live.stage.key.id)
                .is_some_and(|attempts| attempts.len() == 1);
            once && live.stage.status == StageStatus::Complete
        });
        let lost_of = |live: &LiveStage| u64::from(live.stage.num_tasks.saturating_sub(live.completed.len()));
        let lost: Vec<(u64, u32)> = complete
            .map(|live| (lost_of(live), live.stage.key.id))
            .filter(|(lost, _)| *lost > 0)
            .collect();
        if let Some((_, first)) = lost.first() {
            let count = lost.iter().map(|(lost, _)| lost).sum();
            let detail = format!(
                "{count} tasks of {} completed stages have no end event, the first is stage {first}: Spark dropped events",
                lost.len()
            );
            self.note(LossKind::MissingEnds, count, detail);
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
    // Rows came in the order of the tasks' ends; that of the ids is the order of launch.
    let mut tasks = live.tasks;
    tasks.sort_by_id();
    tasks.shrink();
    stage.tasks = Arc::new(tasks);
    if ended {
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

fn job(live: LiveJob, ended: bool) -> Job {
    let mut job = live.written.clone().unwrap_or_else(|| live.as_it_stands());
    if ended && job.status == JobStatus::Running {
        job.status = JobStatus::Unknown;
    }
    job
}
