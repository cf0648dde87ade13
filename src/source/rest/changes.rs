//! What a driver answered now, held against what is known of its application: what has left the lists of what runs, and how what came takes
//! the place of what was there. Asks for nothing itself.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{
    Application, Executor, ExecutorMetric, Job, JobStatus, MemorySample, SqlExecution, Stage, StageKey, StageStatus,
};

/// Jobs and stages that are asked for one by one; for more of them the whole list is.
const ONE_BY_ONE: usize = 6;

/// What has left the lists of what runs, so that its end must be asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Missing {
    pub jobs: BTreeSet<u32>,
    pub stages: BTreeSet<u32>,
    /// Too much, or something that was never seen running: only the whole lists tell.
    pub everything: bool,
}

impl Missing {
    /// Holds what is known against what runs now.
    pub fn of(application: &Application, executors: &[Executor], jobs: &[Job], live: &[Arc<Stage>]) -> Missing {
        let runs: BTreeSet<u32> = jobs.iter().map(|job| job.id).collect();
        let lives: BTreeSet<StageKey> = live.iter().map(|stage| stage.key).collect();
        let open = |stage: &&Arc<Stage>| matches!(stage.status, StageStatus::Active | StageStatus::Pending);
        let ran = |job: &&Job| job.status == JobStatus::Running;
        let gone_jobs: BTreeSet<u32> = application.jobs.iter().filter(ran).map(|job| job.id).collect();
        let gone_jobs: BTreeSet<u32> = gone_jobs.difference(&runs).copied().collect();
        let open_stages = application.stages.iter().filter(open).map(|stage| stage.key);
        let gone_stages: BTreeSet<u32> = open_stages
            .filter(|key| !lives.contains(key))
            .map(|key| key.id)
            .collect();
        // Ids count up: one that was jumped over came and went between two looks.
        let last_job = application.jobs.last().map(|job| job.id);
        let next_job = last_job.map_or(0, |id| id.saturating_add(1));
        let new_jobs = (next_job..).zip(runs.iter().copied().filter(|id| *id >= next_job));
        let jumped = new_jobs.into_iter().any(|(expected, id)| expected != id);
        // So did stages, when tasks ended that no known stage can have had.
        let tasks = |executors: &[Executor]| {
            executors
                .iter()
                .map(|executor| u64::from(executor.total_tasks))
                .sum::<u64>()
        };
        let idle = gone_stages.is_empty() && lives.is_empty() && !application.stages.iter().any(|stage| open(&stage));
        let unseen = idle && tasks(executors) != tasks(&application.executors);
        Missing {
            everything: jumped || unseen || gone_jobs.len() + gone_stages.len() > ONE_BY_ONE,
            jobs: gone_jobs,
            stages: gone_stages,
        }
    }
}

/// Task attempts that a stage counts.
pub(super) fn counted(stage: &Stage) -> usize {
    let counts = [
        stage.active_tasks,
        stage.complete_tasks,
        stage.failed_tasks,
        stage.killed_tasks,
    ];
    counts.into_iter().map(|count| count as usize).sum()
}

/// Whether a stage attempt says the same as before; its tasks are compared by whether they were fetched anew.
pub(super) fn is_same(a: &Stage, b: &Stage) -> bool {
    let without = |stage: &Stage| Stage {
        tasks: Arc::default(),
        ..stage.clone()
    };
    Arc::ptr_eq(&a.tasks, &b.tasks) && without(a) == without(b)
}

pub(super) fn put_job(application: &mut Application, job: Job) {
    match application.jobs.binary_search_by_key(&job.id, |known| known.id) {
        Ok(at) => application.jobs[at] = job,
        Err(at) => application.jobs.insert(at, job),
    }
}

/// Brings a stage attempt up to date. Tasks that were fetched stay until they are fetched anew, which those of a stage that has ended
/// since then must be.
pub(super) fn put_stage(application: &mut Application, stage: &Stage) {
    let known = application.stage(stage.key);
    let mut stage = stage.clone();
    if let Some(known) = known {
        stage.tasks = known.tasks.clone();
        // Told of stages that run alone.
        stage.excluded_executors = known.excluded_executors.clone();
        let over = |stage: &Stage| matches!(stage.status, StageStatus::Complete | StageStatus::Failed);
        if !over(&stage) || (over(known) && counted(known) == counted(&stage)) {
            stage.tasks_read = known.tasks_read;
        }
    }
    match application.stages.binary_search_by_key(&stage.key, |known| known.key) {
        Ok(at) => application.stages[at] = Arc::new(stage),
        Err(at) => application.stages.insert(at, Arc::new(stage)),
    }
}

/// Takes the executions as they are now; plans that were fetched stay.
pub(super) fn put_sql(application: &mut Application, mut sql: Vec<SqlExecution>) {
    let known = std::mem::take(&mut application.sql);
    for execution in &mut sql {
        if let Ok(at) = known.binary_search_by_key(&execution.id, |known| known.id) {
            execution.plan = execution.plan.take().or_else(|| known[at].plan.clone());
        }
    }
    application.sql = sql;
}

/// Adds what the executors' memory was found to be to their series. A driver tells the peaks so far, and storage memory in use.
pub(super) fn sample_memory(application: &mut Application, known: &[Executor]) {
    let now = Timestamp::now().as_millisecond();
    let start = application.start_ms.unwrap_or(now);
    for executor in &mut application.executors {
        if let Some(known) = known.iter().find(|known| known.id == executor.id) {
            executor.memory = known.memory.clone();
        }
        let peak = |metric| executor.peaks.get(metric).unwrap_or(0);
        let heap = peak(ExecutorMetric::JVMHeapMemory);
        if !executor.active || heap == 0 {
            continue;
        }
        let sample = MemorySample {
            // Its clock may be ahead of ours.
            time_ms: now.max(executor.added_ms.unwrap_or(start)),
            heap,
            off_heap: peak(ExecutorMetric::JVMOffHeapMemory),
            execution: peak(ExecutorMetric::OnHeapExecutionMemory)
                .saturating_add(peak(ExecutorMetric::OffHeapExecutionMemory)),
            storage: executor.memory_used,
            rss: executor.peaks.rss().unwrap_or(0),
        };
        executor.memory.push(sample);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TasksRead;

    fn job(id: u32, status: JobStatus) -> Job {
        Job {
            id,
            status,
            ..Job::default()
        }
    }

    fn stage(id: u32, status: StageStatus) -> Arc<Stage> {
        Arc::new(Stage {
            key: StageKey { id, attempt: 0 },
            status,
            ..Stage::default()
        })
    }

    #[test]
    fn only_what_left_the_lists_is_asked_for() {
        let application = Application {
            jobs: vec![job(0, JobStatus::Succeeded), job(1, JobStatus::Running)],
            stages: vec![
                stage(0, StageStatus::Complete),
                stage(1, StageStatus::Active),
                stage(2, StageStatus::Pending),
            ],
            ..Application::default()
        };
        let still = [job(1, JobStatus::Running)];
        let missing = Missing::of(&application, &[], &still, &[stage(2, StageStatus::Active)]);
        assert_eq!((missing.jobs.len(), missing.everything), (0, false));
        assert_eq!(missing.stages.into_iter().collect::<Vec<_>>(), [1]);
        let next = [job(2, JobStatus::Running)];
        let missing = Missing::of(&application, &[], &next, &[]);
        assert_eq!(
            (missing.jobs.into_iter().collect::<Vec<_>>(), missing.everything),
            (vec![1], false)
        );
        let jumped = [job(3, JobStatus::Running)];
        assert!(Missing::of(&application, &[], &jumped, &[]).everything);
    }

    #[test]
    fn tasks_that_ended_without_a_stage_being_seen_are_noticed() {
        let application = Application {
            stages: vec![stage(0, StageStatus::Complete)],
            ..Application::default()
        };
        let ran = Executor {
            total_tasks: 7,
            ..Executor::default()
        };
        assert!(Missing::of(&application, &[ran], &[], &[]).everything);
        assert!(!Missing::of(&application, &[], &[], &[]).everything);
    }

    #[test]
    fn a_stage_that_ended_has_its_tasks_fetched_anew_once() {
        let mut application = Application::default().with_stage(Stage {
            tasks_read: TasksRead::Yes,
            ..Stage::clone(&stage(1, StageStatus::Active))
        });
        put_stage(&mut application, &stage(1, StageStatus::Active));
        assert_eq!(application.stages[0].tasks_read, TasksRead::Yes);
        put_stage(&mut application, &stage(1, StageStatus::Complete));
        assert_eq!(application.stages[0].tasks_read, TasksRead::No);
        application = application.with_stage(Stage {
            tasks_read: TasksRead::Yes,
            ..Stage::clone(&stage(1, StageStatus::Complete))
        });
        put_stage(&mut application, &stage(1, StageStatus::Complete));
        assert_eq!(application.stages[0].tasks_read, TasksRead::Yes);
    }
}
