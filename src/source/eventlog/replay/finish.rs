//! The live state becomes the application: as it stands while events still come, and in the end, when jobs and stages that an ended
//! application left open because their own ends were lost are closed; counters stay as Spark's listener has them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Replay;
use super::jobs::LiveJob;
use super::stages::LiveStage;
use crate::model::{
    Application, ExecutorMetric, Job, JobStatus, Loss, LossKind, SqlStatus, Stage, StageStatus, Task, TaskTable,
    TasksRead,
};

/// Tasks of a stage under way that a snapshot of a log still being read brings up to date; with more, the rows shown before stay until
/// the stage ends. Bounds what snapshots cost in time and memory, and what a screen has to sort meanwhile.
const FRESH_ROWS: usize = 1 << 17;

/// A stage as the last snapshot showed it: as long as nothing about it changes, snapshots share it.
pub(super) struct Shown {
    stage: Arc<Stage>,
    /// All rows were in it.
    whole: bool,
}

impl Shown {
    /// Whether the stage attempt is still as it was shown. Names and properties change with its status alone.
    fn is_fresh(&self, live: &LiveStage) -> bool {
        let (then, now) = (&self.stage, &live.stage);
        let counts = |stage: &Stage| {
            [
                stage.num_tasks,
                stage.active_tasks,
                stage.complete_tasks,
                stage.failed_tasks,
                stage.killed_tasks,
            ]
        };
        let peaks = |stage: &Stage| stage.peak_executor_metrics.clone().unwrap_or_default();
        self.whole
            && !live.live
            && then.status == now.status
            && counts(then) == counts(now)
            && then.tasks.len() == live.tasks.len()
            && (then.submission_ms, then.completion_ms) == (now.submission_ms, now.completion_ms)
            && (then.jobs.len(), then.sql) == (now.jobs.len(), now.sql)
            && peaks(then) == peaks(now)
    }
}

impl Replay {
    /// The application, or `None` when the log told of none. `fallback_id` names one whose log lacks its start.
    pub(in crate::source::eventlog) fn finish(mut self, fallback_id: &str) -> Option<Application> {
        if !self.begun {
            return None;
        }
        let ended = self.has_ended();
        self.rows_without_end();
        let losses = self.open_losses();
        self.app.losses.extend(losses);
        let mut app = std::mem::take(&mut self.app);
        app.stages = std::mem::take(&mut self.stages)
            .into_iter()
            .map(|live| Arc::new(stage(live, ended)))
            .collect();
        app.jobs = self.jobs.iter().map(|live| job(live, ended)).collect();
        app.executors = std::mem::take(&mut self.executors);
        Some(self.assembled(app, fallback_id))
    }

    /// The application as far as it is known while more events come, or `None` while nothing of it is. `whole`: all that was written has
    /// been read; then what is missing is told, and no row is left out.
    pub(in crate::source::eventlog) fn snapshot(&mut self, fallback_id: &str, whole: bool) -> Option<Application> {
        if !self.begun {
            return None;
        }
        let mut running: HashMap<usize, Vec<Task>> = HashMap::new();
        for (id, launched) in &self.running_tasks {
            let task = launched.clone().task(*id);
            running.entry(launched.stage).or_default().push(task);
        }
        let mut app = self.app.clone();
        if whole {
            app.losses.extend(self.open_losses());
        }
        for (at, live) in self.stages.iter_mut().enumerate() {
            let running = running.remove(&at).unwrap_or_default();
            app.stages.push(as_it_stands(live, running, whole));
        }
        app.jobs = self.jobs.iter().map(|live| job(live, false)).collect();
        app.executors.clone_from(&self.executors);
        Some(self.assembled(app, fallback_id))
    }

    /// What the parts of an application follow from each other.
    fn assembled(&self, mut app: Application, fallback_id: &str) -> Application {
        if app.id.is_empty() {
            app.id = fallback_id.to_owned();
        }
        if app.name.is_empty() {
            app.name = app.id.clone();
        }
        if app.start_ms.is_none() {
            let jobs = app.jobs.iter().filter_map(|job| job.submission_ms);
            let executors = app.executors.iter().filter_map(|executor| executor.added_ms);
            app.start_ms = jobs.chain(executors).min();
        }
        app.stages.sort_by_key(|stage| stage.key);
        app.jobs.sort_by_key(|job| job.id);
        let failed: HashSet<u32> = app
            .jobs
            .iter()
            .filter(|job| job.status == JobStatus::Failed)
            .map(|job| job.id)
            .collect();
        let executions = self
            .sql
            .iter()
            .map(|live| (live.failed, live.shown(&self.sql_stages)))
            .map(|(error, mut sql)| {
                let ended = sql.completion_ms.is_some();
                sql.status = match (ended, error || sql.jobs.iter().any(|job| failed.contains(job))) {
                    (_, true) => SqlStatus::Failed,
                    (true, false) => SqlStatus::Completed,
                    (false, false) => SqlStatus::Running,
                };
                sql
            });
        app.sql = executions.collect();
        app.storage = self.cached_rdds(&app);
        app.streaming = self.streaming.shown();
        app.sql.sort_by_key(|sql| sql.id);
        // Spark's block manager of last resort is no executor (`AppStatusStore.executorList`).
        app.executors.retain(|executor| &*executor.id != "fallback");
        let wall = app.wall_ms();
        for executor in &mut app.executors {
            if !executor.is_driver() {
                continue;
            }
            // `AppStatusStore.replaceDriverGcTime`: the driver's own time is the application's.
            executor.total_duration_ms = wall.unwrap_or(executor.total_duration_ms);
            if let Some(gc) = executor.peaks.get(ExecutorMetric::TotalGCTime) {
                executor.total_gc_ms = gc;
            }
        }
        app.status = Application::outcome(app.end_ms.is_some(), &app.jobs);
        app
    }

    /// Gives a row to every task that was launched and did not end.
    fn rows_without_end(&mut self) {
        let mut running: Vec<_> = std::mem::take(&mut self.running_tasks).into_iter().collect();
        running.sort_unstable_by_key(|(id, _)| *id);
        for (id, launched) in running {
            let stage = launched.stage;
            let task = launched.task(id);
            Arc::make_mut(&mut self.stages[stage].tasks).push(&task);
        }
    }

    /// What is missing at the end of what has been read.
    fn open_losses(&self) -> Vec<Loss> {
        let in_progress = (!self.has_ended()).then(|| Loss {
            kind: LossKind::InProgress,
            count: 1,
            detail: "the log has no end: the application runs, or was killed".into(),
        });
        let lost = self.lost_ends().into_iter().chain(self.missing_events());
        lost.chain(in_progress).collect()
    }

    /// The tasks whose ends must have been lost: a stage is complete only when each of its tasks has succeeded. Stages with several
    /// attempts are left out, as a late task of one attempt can serve another.
    fn lost_ends(&self) -> Option<Loss> {
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
        let (_, first) = lost.first()?;
        let count = lost.iter().map(|(lost, _)| lost).sum();
        let detail = format!(
            "{count} tasks of {} completed stages have no end event, the first is stage {first}: Spark dropped events",
            lost.len()
        );
        Some(Loss {
            kind: LossKind::MissingEnds,
            count,
            detail,
        })
    }
}

/// A stage attempt while events still come, shared with the snapshot before where nothing changed.
fn as_it_stands(live: &mut LiveStage, running: Vec<Task>, whole: bool) -> Arc<Stage> {
    if let Some(shown) = live.shown.as_ref().filter(|shown| shown.is_fresh(live)) {
        return shown.stage.clone();
    }
    let rows = live.tasks.len() + running.len();
    let before = live.shown.as_ref().map(|shown| shown.stage.tasks.clone());
    let (tasks, whole) = match before.filter(|_| live.live && !whole && rows > FRESH_ROWS) {
        Some(before) => (before, false),
        None if !live.live && running.is_empty() => {
            live.tasks = ordered(std::mem::take(&mut live.tasks));
            (live.tasks.clone(), true)
        }
        None => {
            let mut table = TaskTable::clone(&live.tasks);
            for task in &running {
                table.push(task);
            }
            (ordered(Arc::new(table)), true)
        }
    };
    let stage = Arc::new(Stage {
        completed_indices: live.completed.len(),
        tasks_read: TasksRead::Yes,
        tasks,
        ..live.stage.clone()
    });
    live.shown = Some(Shown {
        stage: stage.clone(),
        whole,
    });
    stage
}

fn stage(live: LiveStage, ended: bool) -> Stage {
    let mut stage = live.stage;
    stage.completed_indices = live.completed.len();
    stage.tasks_read = TasksRead::Yes;
    stage.tasks = ordered(live.tasks);
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

/// The table in order of launch, which is that of the ids: rows came in the order of their ends.
fn ordered(mut tasks: Arc<TaskTable>) -> Arc<TaskTable> {
    // One that a snapshot shares has been put in order for it.
    if let Some(own) = Arc::get_mut(&mut tasks) {
        own.sort_by_id();
        own.shrink();
    }
    tasks
}

fn job(live: &LiveJob, ended: bool) -> Job {
    let mut job = live.written.clone().unwrap_or_else(|| live.as_it_stands());
    if ended && job.status == JobStatus::Running {
        job.status = JobStatus::Unknown;
    }
    job
}
