//! Tasks: a row in their stage's table each, and what they add to stage, jobs and executor.

use std::borrow::Cow;
use std::sync::Arc;

use foldhash::HashSet;

use super::executors::raise_stage;
use super::failure;
use super::stages::bump;
use super::{Lacking, Replay, need};
use crate::model::{
    FailureKind, Locality, MetricValues, StageKey, StageStatus, Task, TaskFailure, TaskMetric, TaskStatus,
};
use crate::source::eventlog::event::{TaskEnd, TaskInfo, TaskStart};

/// A task attempt that was launched and has not ended.
#[derive(Clone)]
pub(super) struct Launched {
    /// Place of its stage attempt.
    pub stage: usize,
    /// Whether the stage was live then, so that the launch was counted.
    pub counted: bool,
    pub index: u32,
    pub attempt: u32,
    pub partition: Option<u64>,
    pub launch_ms: i64,
    pub executor: Arc<str>,
    pub host: Arc<str>,
    pub locality: Locality,
    pub speculative: bool,
}

impl Launched {
    /// The task as it is while nothing of its end is known.
    pub fn task(self, id: u64) -> Task {
        Task {
            id,
            index: self.index,
            attempt: self.attempt,
            partition: self.partition,
            launch_ms: self.launch_ms,
            duration_ms: None,
            result_fetch_ms: None,
            executor: self.executor,
            host: self.host,
            locality: self.locality,
            status: TaskStatus::Running,
            speculative: self.speculative,
            failure: None,
            metrics: MetricValues::default(),
        }
    }
}

/// How a task's end counts (`AppStatusListener.onTaskEnd`).
#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    Completed,
    Failed,
    Killed,
}

impl Replay {
    pub(super) fn task_start(&mut self, event: &TaskStart<'_>) -> Result<(), Lacking> {
        let id = need(event.task.id)?;
        let key = key_of(event.stage, event.attempt)?;
        let known = self.ended_tasks.as_ref().is_some_and(|ended| ended.contains(&id));
        if known || self.running_tasks.contains_key(&id) {
            return Ok(());
        }
        let stage = self.stage_place(key);
        let launched = self.launched(stage, &event.task, None);
        self.saw(launched.launch_ms);
        if launched.counted {
            let of_stage = &mut self.stages[stage].stage;
            bump(&mut of_stage.active_tasks, true);
            let first = of_stage.first_task_launched_ms.unwrap_or(i64::MAX);
            of_stage.first_task_launched_ms = Some(first.min(launched.launch_ms));
            self.jobs_active_tasks(stage, true);
        }
        if let Some(executor) = self.executor(&launched.executor) {
            bump(&mut executor.active_tasks, true);
            bump(&mut executor.total_tasks, true);
        }
        self.running_tasks.insert(id, launched);
        Ok(())
    }

    /// What an event says of a launch; `before` is what its start said, whose names are its own as a rule.
    fn launched(&mut self, stage: usize, info: &TaskInfo<'_>, before: Option<&Launched>) -> Launched {
        let live = &self.stages[stage];
        let otherwise = live.stage.submission_ms.or(self.app.last_ms).unwrap_or(0);
        let counted = live.live;
        let mut name = |name: &Option<Cow<'_, str>>, before: Option<&Arc<str>>| {
            let name = name.as_deref().unwrap_or_default();
            match before {
                Some(before) if **before == *name => before.clone(),
                _ => self.names.get(name),
            }
        };
        Launched {
            stage,
            counted,
            index: info.index.unwrap_or(0),
            attempt: info.attempt.unwrap_or(0),
            partition: info.partition,
            launch_ms: info.launched.unwrap_or(otherwise),
            executor: name(&info.executor, before.map(|launch| &launch.executor)),
            host: name(&info.host, before.map(|launch| &launch.host)),
            locality: info.locality.as_deref().map(Locality::parse).unwrap_or_default(),
            speculative: info.speculative.unwrap_or(false),
        }
    }

    pub(super) fn task_end(&mut self, event: &TaskEnd<'_>) -> Result<(), Lacking> {
        let id = need(event.task.id)?;
        let key = key_of(event.stage, event.attempt)?;
        let kind = failure::kind(&event.reason);
        let launch = self.running_tasks.remove(&id);
        let was_launched = launch.is_some();
        if !was_launched && kind == Some(FailureKind::Resubmitted) {
            return self.resubmitted(key, &event.task);
        }
        if !was_launched && !self.ended_tasks().insert(id) {
            return Ok(());
        }
        if was_launched && let Some(ended) = &mut self.ended_tasks {
            ended.insert(id);
        }
        let stage = launch
            .as_ref()
            .map_or_else(|| self.stage_place(key), |launch| launch.stage);
        // The end repeats all that the launch said; where it does not, the launch is believed.
        let mut task = match launch {
            Some(launch) if event.task.launched.is_none() || event.task.executor.is_none() => launch,
            Some(launch) => Launched {
                counted: launch.counted,
                ..self.launched(stage, &event.task, Some(&launch))
            },
            None => Launched {
                counted: true,
                ..self.launched(stage, &event.task, None)
            },
        };
        task.index = event.task.index.unwrap_or(task.index);
        let counted = task.counted;
        let outcome = match kind {
            None => Outcome::Completed,
            Some(FailureKind::Killed | FailureKind::CommitDenied) => Outcome::Killed,
            Some(_) => Outcome::Failed,
        };
        let mut task = task.task(id);
        task.status = status(&event.task, outcome);
        task.duration_ms = duration(&event.task, task.launch_ms);
        task.result_fetch_ms = event
            .task
            .fetching
            .filter(|time| *time > 0)
            .and_then(|time| u64::try_from(time.checked_sub(task.launch_ms)?).ok());
        task.metrics = event.metrics.0;
        task.failure = kind.map(|kind| TaskFailure {
            kind,
            message: self.names.message(&failure::message(&event.reason)),
        });
        if let Some(time) = event.task.finished {
            self.saw(time);
        }
        self.task_count += 1;
        if counted {
            self.count_for_stage(stage, &task, outcome, was_launched);
            raise_stage(&mut self.stages[stage], &event.peaks.0);
        }
        self.count_for_executor(&task, outcome, was_launched);
        self.sql_task(key, &task, event.task.accumulables.0);
        self.task_peaks(&task.executor, &event.peaks.0, event.task.finished);
        Arc::make_mut(&mut self.stages[stage].tasks).push(&task);
        Ok(())
    }

    /// A task that had succeeded lost its output with its executor: another failure, but the task's row stays as it was.
    fn resubmitted(&mut self, key: StageKey, info: &TaskInfo<'_>) -> Result<(), Lacking> {
        if let Some(at) = self.stage_at.get(&key).copied().filter(|at| self.stages[*at].live) {
            let stage = &mut self.stages[at];
            bump(&mut stage.stage.failed_tasks, true);
            for job in &stage.jobs {
                bump(&mut self.jobs[*job].job.failed_tasks, true);
            }
        }
        if let Some(executor) = info.executor.as_deref().and_then(|id| self.executor(id)) {
            // Not its time once more: Spark 4.3 mended that.
            bump(&mut executor.failed_tasks, true);
        }
        Ok(())
    }

    fn count_for_stage(&mut self, at: usize, task: &Task, outcome: Outcome, was_launched: bool) {
        let live = &mut self.stages[at];
        let stage = &mut live.stage;
        stage.totals.add(&task.metrics);
        if was_launched {
            bump(&mut stage.active_tasks, false);
        }
        let killed = task
            .failure
            .as_ref()
            .map(|failure| &*failure.message)
            .unwrap_or_default();
        match outcome {
            Outcome::Completed => {
                bump(&mut stage.complete_tasks, true);
                live.completed.insert(task.index);
            }
            Outcome::Failed => bump(&mut stage.failed_tasks, true),
            Outcome::Killed => {
                bump(&mut stage.killed_tasks, true);
                count_reason(&mut stage.killed_summary, killed);
            }
        }
        if stage.active_tasks == 0 && matches!(stage.status, StageStatus::Complete | StageStatus::Failed) {
            live.live = false;
        }
        for job in &live.jobs {
            let live_job = &mut self.jobs[*job];
            let job = &mut live_job.job;
            match outcome {
                Outcome::Completed => {
                    bump(&mut job.completed_tasks, true);
                    live_job.completed.entry(stage.key.id).or_default().insert(task.index);
                }
                Outcome::Failed => bump(&mut job.failed_tasks, true),
                Outcome::Killed => {
                    bump(&mut job.killed_tasks, true);
                    count_reason(&mut job.killed_summary, killed);
                }
            }
        }
        if was_launched {
            self.jobs_active_tasks(at, false);
        }
        let live = &self.stages[at];
        for job in live.jobs.iter().filter(|_| !live.live) {
            let job = &mut self.jobs[*job];
            if job.written.is_some() {
                job.write();
            }
        }
    }

    fn count_for_executor(&mut self, task: &Task, outcome: Outcome, was_launched: bool) {
        let Some(executor) = self.executor(&task.executor) else {
            return;
        };
        if was_launched {
            bump(&mut executor.active_tasks, false);
        }
        match outcome {
            Outcome::Completed => bump(&mut executor.completed_tasks, true),
            Outcome::Failed => bump(&mut executor.failed_tasks, true),
            Outcome::Killed => {}
        }
        let of = |metric| task.metrics.get(metric).unwrap_or(0);
        let add = |sum: &mut u64, value: u64| *sum = sum.saturating_add(value);
        add(&mut executor.total_duration_ms, task.duration_ms.unwrap_or(0));
        add(&mut executor.total_gc_ms, of(TaskMetric::JvmGcTime));
        add(&mut executor.total_input_bytes, of(TaskMetric::InputBytes));
        add(&mut executor.total_shuffle_read, of(TaskMetric::ShuffleLocalBytesRead));
        add(&mut executor.total_shuffle_read, of(TaskMetric::ShuffleRemoteBytesRead));
        add(&mut executor.total_shuffle_write, of(TaskMetric::ShuffleWriteBytes));
    }

    /// The ids of all tasks that ended. Asked for only when an end has no launch: then it must be told from a doubled end.
    fn ended_tasks(&mut self) -> &mut HashSet<u64> {
        let stages = &self.stages;
        self.ended_tasks.get_or_insert_with(|| {
            let tables = stages.iter().map(|stage| &stage.tasks);
            tables
                .flat_map(|tasks| (0..tasks.len()).map(|row| tasks.id(row)))
                .collect()
        })
    }
}

fn key_of(stage: Option<u32>, attempt: Option<u32>) -> Result<StageKey, Lacking> {
    Ok(StageKey {
        id: need(stage)?,
        attempt: attempt.unwrap_or(0),
    })
}

/// Where a task stands: as its own flags say (`TaskInfo.status`), else as its end reason does.
fn status(info: &TaskInfo<'_>, outcome: Outcome) -> TaskStatus {
    match (info.failed, info.killed, outcome) {
        (Some(true), _, _) => TaskStatus::Failed,
        (_, Some(true), _) => TaskStatus::Killed,
        (Some(false), _, _) | (_, _, Outcome::Completed) => TaskStatus::Success,
        (_, _, Outcome::Killed) => TaskStatus::Killed,
        (_, _, Outcome::Failed) => TaskStatus::Failed,
    }
}

/// Finish minus launch; absent where a clock ran backwards.
fn duration(info: &TaskInfo<'_>, launched: i64) -> Option<u64> {
    let finished = info.finished.filter(|time| *time > 0)?;
    u64::try_from(finished.checked_sub(launched)?).ok()
}

fn count_reason(summary: &mut Vec<(String, u32)>, reason: &str) {
    match summary.iter_mut().find(|(known, _)| known == reason) {
        Some((_, count)) => bump(count, true),
        None => summary.push((reason.to_owned(), 1)),
    }
}
