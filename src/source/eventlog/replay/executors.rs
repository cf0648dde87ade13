//! Executors: when they came and went, and their memory over time; what they were to have, and the processes beside them.

use std::sync::Arc;

use super::stages::LiveStage;
use super::{Lacking, Replay, line, need};
use crate::model::{
    Executor, ExecutorMetric, ExecutorPeaks, MemorySample, MiscellaneousProcess, ResourceProfile, StageKey,
};
use crate::source::eventlog::event::{
    BlockManagerAdded, Excluded, ExecutorAdded, ExecutorMetricsUpdate, ExecutorRemoved, ProcessAdded,
    ResourceProfileAdded, StageExecutorMetrics,
};
use crate::text;

impl Replay {
    pub(super) fn profile_added(&mut self, event: &ResourceProfileAdded<'_>) -> Result<(), Lacking> {
        let id = need(event.id)?;
        let profile = ResourceProfile {
            id,
            executor: event.executor.requests(),
            task: event.task.requests(),
        };
        let cpus = profile.task.iter().find(|request| request.name == "cpus");
        if let Some(cpus) = cpus.and_then(|cpus| cpus.amount) {
            // A task takes whole cores.
            self.profile_cpus.insert(id, cpus as u32);
        }
        let profiles = &mut self.app.resource_profiles;
        match profiles.binary_search_by_key(&id, |known| known.id) {
            Ok(at) => profiles[at] = profile,
            Err(at) => profiles.insert(at, profile),
        }
        Ok(())
    }

    pub(super) fn process_added(&mut self, event: ProcessAdded<'_>) -> Result<(), Lacking> {
        let id = text::clean_line(&need(event.id)?);
        if let Some(time) = event.time {
            self.saw(time);
        }
        let processes = &mut self.app.processes;
        let at = *self.process_at.entry(id.clone()).or_insert_with(|| {
            processes.push(MiscellaneousProcess {
                id,
                added_ms: event.time,
                ..MiscellaneousProcess::default()
            });
            processes.len() - 1
        });
        let process = &mut processes[at];
        process.host_port = line(event.details.host_port).unwrap_or_default();
        process.total_cores = event.details.cores;
        process.active = true;
        Ok(())
    }

    pub(super) fn executor_added(&mut self, event: ExecutorAdded<'_>) -> Result<(), Lacking> {
        let id = need(event.id)?;
        let profile = event.info.profile.unwrap_or(0);
        let task_cpus = self.profile_cpus.get(&profile).copied().or(self.task_cpus);
        let executor = self.arrived(&id, event.time);
        executor.total_cores = event.info.cores;
        // `maxTasks` as the listener has it in a replay: cores by the cores that a task of the profile takes.
        executor.max_tasks = event
            .info
            .cores
            .and_then(|cores| cores.checked_div(task_cpus.unwrap_or(1)));
        executor.resource_profile = profile;
        if executor.host_port.is_empty() {
            executor.host_port = event.info.host.map(|host| text::clean_line(&host)).unwrap_or_default();
        }
        Ok(())
    }

    pub(super) fn block_manager_added(&mut self, event: BlockManagerAdded<'_>) -> Result<(), Lacking> {
        let id = need(event.id.executor)?;
        let executor = self.arrived(&id, event.time);
        if let Some(host) = event.id.host {
            let host = text::clean_line(&host);
            executor.host_port = event.id.port.map_or(host.clone(), |port| format!("{host}:{port}"));
        }
        executor.max_memory = event.max_memory.unwrap_or(0);
        executor.max_on_heap = event.max_on_heap;
        executor.max_off_heap = event.max_off_heap;
        Ok(())
    }

    /// The executor of this id, now there: new, or known (its two events come in either order), or back again.
    fn arrived(&mut self, id: &str, time: Option<i64>) -> &mut Executor {
        if let Some(time) = time {
            self.saw(time);
        }
        let id = self.names.get(id);
        let at = *self.executor_at.entry(id.clone()).or_insert_with(|| {
            self.executors.push(Executor {
                id: id.clone(),
                added_ms: time,
                ..Executor::default()
            });
            self.executors.len() - 1
        });
        let executor = &mut self.executors[at];
        executor.active = true;
        executor.removed_ms = None;
        executor.remove_reason = None;
        executor
    }

    pub(super) fn executor_removed(&mut self, event: ExecutorRemoved<'_>) -> Result<(), Lacking> {
        let id = need(event.id)?;
        if let Some(time) = event.time {
            self.saw(time);
        }
        let Some(at) = self.executor_at.get(&*id).copied() else {
            return Ok(());
        };
        let executor = &mut self.executors[at];
        if executor.active {
            executor.active = false;
            executor.removed_ms = event.time;
            executor.remove_reason = line(event.reason);
            self.storage.executor_gone(&id);
        }
        Ok(())
    }

    pub(super) fn executor_excluded(&mut self, event: Excluded<'_>, excluded: bool) -> Result<(), Lacking> {
        let id = need(event.executor)?;
        if let Some(executor) = self.executor(&id) {
            executor.excluded = excluded;
        }
        Ok(())
    }

    pub(super) fn node_excluded(&mut self, event: Excluded<'_>, excluded: bool) -> Result<(), Lacking> {
        let host = need(event.host)?;
        let there = self
            .executors
            .iter_mut()
            .filter(|executor| executor.active && !executor.is_driver());
        for executor in there.filter(|executor| executor.host() == host) {
            executor.excluded = excluded;
        }
        Ok(())
    }

    /// One executor, or all of a host's, gets no more tasks of a stage. Newer versions of Spark write the event under its old name too.
    pub(super) fn excluded_for_stage(&mut self, event: Excluded<'_>) -> Result<(), Lacking> {
        let key = StageKey {
            id: need(event.stage)?,
            attempt: event.attempt.unwrap_or(0),
        };
        let meant = |executor: &&mut Executor| match (&event.executor, &event.host) {
            (Some(id), _) => *executor.id == **id,
            (None, Some(host)) => !executor.is_driver() && executor.host() == &**host,
            (None, None) => false,
        };
        need(event.executor.as_ref().or(event.host.as_ref()))?;
        let there = self.executors.iter_mut().filter(|executor| executor.active);
        let mut ids = Vec::new();
        for executor in there.filter(meant) {
            insert(&mut executor.excluded_in_stages, key.id);
            ids.push(executor.id.clone());
        }
        if let Some(live) = self.live_stage(key) {
            for id in ids {
                insert(&mut live.stage.excluded_executors, id);
            }
        }
        Ok(())
    }

    /// A stage attempt ended: nobody is excluded for it any more.
    pub(super) fn excluded_no_more(&mut self, at: usize) {
        let stage = &self.stages[at].stage;
        for id in &stage.excluded_executors {
            if let Some(executor) = self.executor_at.get(id).and_then(|at| self.executors.get_mut(*at)) {
                executor.excluded_in_stages.retain(|excluded| *excluded != stage.key.id);
            }
        }
    }

    /// The executor of this id, if it is there: what comes after its end no longer counts for it.
    pub(super) fn executor(&mut self, id: &str) -> Option<&mut Executor> {
        let at = *self.executor_at.get(id)?;
        self.executors.get_mut(at).filter(|executor| executor.active)
    }

    /// An executor's peaks at the end of a stage.
    pub(super) fn stage_executor_metrics(&mut self, event: StageExecutorMetrics<'_>) -> Result<(), Lacking> {
        let (id, stage) = (need(event.executor)?, need(event.stage)?);
        let key = StageKey {
            id: stage,
            attempt: event.attempt.unwrap_or(0),
        };
        let time = self.app.last_ms;
        // These come when the stage ends; its executors may be gone by then.
        if let Some(at) = self.executor_at.get(&*id) {
            observe(&mut self.executors[*at], &event.peaks.0, time);
        }
        if let Some(stage) = self.live_stage(key) {
            raise_stage(stage, &event.peaks.0);
        }
        Ok(())
    }

    pub(super) fn heartbeat(&mut self, event: ExecutorMetricsUpdate<'_>) -> Result<(), Lacking> {
        let id = need(event.executor)?;
        let time = self.app.last_ms;
        if let Some(executor) = self.executor(&id) {
            for update in &event.updates {
                observe(executor, &update.peaks.0, time);
            }
        }
        Ok(())
    }

    /// An executor's metrics at the end of a task.
    pub(super) fn task_peaks(&mut self, id: &Arc<str>, peaks: &ExecutorPeaks, time: Option<i64>) {
        if let Some(executor) = self.executor(id) {
            observe(executor, peaks, time);
        }
    }
}

/// Adds to a list in order what is not in it.
fn insert<T: Ord>(list: &mut Vec<T>, value: T) {
    if let Err(at) = list.binary_search(&value) {
        list.insert(at, value);
    }
}

/// Takes metrics as peaks and as a sample of the memory over time.
fn observe(executor: &mut Executor, seen: &ExecutorPeaks, time: Option<i64>) {
    if seen.is_empty() {
        return;
    }
    executor.peaks.merge(seen);
    let of = |metric| seen.get(metric).unwrap_or(0);
    let both = |on, off| of(on).saturating_add(of(off));
    let heap = of(ExecutorMetric::JVMHeapMemory);
    // All zero: the task was shorter than Spark's sampling.
    let Some(time_ms) = time.filter(|_| heap > 0) else {
        return;
    };
    executor.memory.push(MemorySample {
        time_ms,
        heap,
        off_heap: of(ExecutorMetric::JVMOffHeapMemory),
        execution: both(
            ExecutorMetric::OnHeapExecutionMemory,
            ExecutorMetric::OffHeapExecutionMemory,
        ),
        storage: both(
            ExecutorMetric::OnHeapStorageMemory,
            ExecutorMetric::OffHeapStorageMemory,
        ),
        rss: seen.rss().unwrap_or(0),
    });
}

/// Raises a stage's peaks.
pub(super) fn raise_stage(stage: &mut LiveStage, seen: &ExecutorPeaks) {
    if !seen.is_empty() {
        stage.stage.peak_executor_metrics.get_or_insert_default().merge(seen);
    }
}
