//! Where the time went: every core-millisecond of the executors has exactly one owner, so the parts add up to what was
//! available. One sweep over time; the overview and the report show the answer.

use crate::model::{Application, Stage, StageStatus, TaskMeasure, TaskMetric, TaskStatus, TaskTable};

use super::slots::Slots;

macro_rules! owners {
    ($($field:ident $label:literal;)*) => {
        /// Core time by owner, ms.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct CoreMs {
            $(#[doc = $label] pub $field: u64,)*
        }

        impl CoreMs {
            /// Every owner as (label, core ms), tasks' work first, then idle time.
            pub fn parts(&self) -> Vec<(&'static str, u64)> {
                vec![$(($label, self.$field)),*]
            }

            fn from_parts(parts: [u64; Owner::COUNT]) -> CoreMs {
                let [$($field),*] = parts;
                CoreMs { $($field),* }
            }
        }
    };
}

owners! {
    compute "compute";
    gc "gc";
    shuffle_fetch_wait "shuffle fetch wait";
    shuffle_write "shuffle write";
    deserialize "deserialize";
    result_serialize "result serialize";
    scheduler_delay "scheduler delay";
    getting_result "getting result";
    idle_driver "idle: driver";
    idle_too_few_tasks "idle: too few tasks";
    idle_tail "idle: last tasks";
    idle_scheduling "idle: scheduling";
}

/// Places in an array of owners, in the order of [`CoreMs`].
#[derive(Clone, Copy)]
enum Owner {
    Compute,
    Gc,
    ShuffleFetchWait,
    ShuffleWrite,
    Deserialize,
    ResultSerialize,
    SchedulerDelay,
    GettingResult,
    IdleDriver,
    IdleTooFewTasks,
    IdleTail,
    IdleScheduling,
}

impl Owner {
    const COUNT: usize = 12;
}

/// An application's core time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeAccount {
    /// Start to end, ms.
    pub wall_ms: u64,
    /// Σ over executors of cores × life, ms.
    pub core_ms_available: u64,
    /// Who owned it; adds up to `core_ms_available`.
    pub core_ms: CoreMs,
}

impl TimeAccount {
    /// Accounts for an application's core time; `None` when it has no start or end.
    pub fn of(application: &Application) -> Option<TimeAccount> {
        let slots = Slots::of(application)?;
        let mut sweep = Sweep::new(&slots, application);
        let idle = sweep.run();
        let mut owned = [0.0; Owner::COUNT];
        owned[Owner::IdleDriver as usize] = idle.driver;
        owned[Owner::IdleTooFewTasks as usize] = idle.too_few;
        owned[Owner::IdleTail as usize] = idle.tail;
        owned[Owner::IdleScheduling as usize] = idle.scheduling;
        let mut shares = sweep.owned.iter();
        for stage in &application.stages {
            for row in 0..stage.tasks.len() {
                let share = shares.next().copied().unwrap_or(0.0);
                split_task(&stage.tasks, row, share, &mut owned);
            }
        }
        let available = slots.core_ms();
        Some(TimeAccount {
            wall_ms: application.wall_ms()?,
            core_ms_available: available,
            core_ms: CoreMs::from_parts(round_to(available, owned)),
        })
    }

    /// Share of the core time in which tasks ran.
    pub fn at_work(&self) -> Option<f64> {
        let idle = self.core_ms.idle_driver
            + self.core_ms.idle_too_few_tasks
            + self.core_ms.idle_tail
            + self.core_ms.idle_scheduling;
        (self.core_ms_available > 0).then(|| 1.0 - idle as f64 / self.core_ms_available as f64)
    }
}

/// Divides a task's core time among what it did. Each part is capped by what is left of the task.
fn split_task(tasks: &TaskTable, row: usize, share: f64, owned: &mut [f64; Owner::COUNT]) {
    let duration = tasks.duration_ms(row).unwrap_or(0) as f64;
    if share <= 0.0 || duration <= 0.0 || !tasks.has_metrics(row) {
        owned[Owner::Compute as usize] += share;
        return;
    }
    let scale = share / duration;
    let millis = |metric| tasks.metric(row, metric).unwrap_or(0) as f64;
    let mut left = duration;
    let mut give = |owner: Owner, wanted: f64, within: &mut f64| {
        let part = wanted.min(*within).min(left).max(0.0);
        left -= part;
        *within -= part;
        owned[owner as usize] += part * scale;
    };
    let mut whole = f64::MAX;
    let measured = |measure| tasks.measure(row, measure).unwrap_or(0) as f64;
    give(Owner::SchedulerDelay, measured(TaskMeasure::SchedulerDelay), &mut whole);
    give(
        Owner::GettingResult,
        measured(TaskMeasure::GettingResultTime),
        &mut whole,
    );
    give(
        Owner::Deserialize,
        millis(TaskMetric::ExecutorDeserializeTime),
        &mut whole,
    );
    give(
        Owner::ResultSerialize,
        millis(TaskMetric::ResultSerializationTime),
        &mut whole,
    );
    // What follows lies inside the run time.
    let mut run = millis(TaskMetric::ExecutorRunTime);
    give(Owner::Gc, millis(TaskMetric::JvmGcTime), &mut run);
    give(
        Owner::ShuffleFetchWait,
        millis(TaskMetric::ShuffleFetchWaitTime),
        &mut run,
    );
    give(
        Owner::ShuffleWrite,
        millis(TaskMetric::ShuffleWriteTime) / 1e6,
        &mut run,
    );
    owned[Owner::Compute as usize] += left * scale;
}

/// Whole milliseconds that add up to `total`, each part within 1 of its share (largest remainder).
fn round_to(total: u64, parts: [f64; Owner::COUNT]) -> [u64; Owner::COUNT] {
    let sum: f64 = parts.iter().sum();
    let scale = if sum > 0.0 { total as f64 / sum } else { 0.0 };
    let exact = parts.map(|part| part.max(0.0) * scale);
    let mut whole = exact.map(|part| part.floor() as u64);
    let mut order: Vec<usize> = (0..Owner::COUNT).collect();
    order.sort_by(|a, b| exact[*b].fract().total_cmp(&exact[*a].fract()));
    let missing = total.saturating_sub(whole.iter().fold(0, |sum, part| u64::saturating_add(sum, *part)));
    for at in order
        .into_iter()
        .cycle()
        .take(usize::try_from(missing).unwrap_or(0).min(Owner::COUNT))
    {
        whole[at] += 1;
    }
    whole
}

#[derive(Clone, Copy)]
enum Change {
    Cores(i64),
    /// A stage becomes active with so many tasks to do.
    Submit(i64),
    /// A stage is no longer active: tasks planned, tasks left undone.
    Leave(i64, i64),
}

#[derive(Default)]
struct Idle {
    driver: f64,
    too_few: f64,
    tail: f64,
    scheduling: f64,
}

/// What happens, in order of time. Apart, as there are three for each of a million tasks.
struct Sweep {
    changes: Vec<(i64, Change)>,
    /// Tasks, by their place in the order of stages and rows.
    launches: Vec<(i64, u32)>,
    finishes: Vec<(i64, u32)>,
    /// Partitions done.
    done: Vec<i64>,
    end_ms: i64,
    cpus: f64,
    /// Core time owned by each task, in the order of stages and rows; until a task ends, minus the clock at its launch.
    owned: Vec<f64>,
}

impl Sweep {
    fn new(slots: &Slots, application: &Application) -> Sweep {
        let tasks = application.stages.iter().map(|stage| stage.tasks.len()).sum();
        let mut sweep = Sweep {
            changes: Vec::new(),
            launches: Vec::with_capacity(tasks),
            finishes: Vec::with_capacity(tasks),
            done: Vec::new(),
            end_ms: slots.end_ms,
            cpus: f64::from(slots.task_cpus),
            owned: vec![0.0; tasks],
        };
        for span in &slots.spans {
            sweep.changes.push((span.from_ms, Change::Cores(i64::from(span.cores))));
            sweep
                .changes
                .push((span.until_ms, Change::Cores(-i64::from(span.cores))));
        }
        let mut task = 0;
        for stage in &application.stages {
            sweep.stage(stage, slots);
            for row in 0..stage.tasks.len() {
                let launch = stage.tasks.launch_ms(row).clamp(slots.start_ms, slots.end_ms);
                let finish = stage
                    .tasks
                    .finish_ms(row)
                    .unwrap_or_else(|| lost_at(slots, &stage.tasks, row));
                sweep.launches.push((launch, task));
                sweep.finishes.push((finish.clamp(launch, slots.end_ms), task));
                task += 1;
            }
        }
        // What happens at one moment may come in any order: no time passes between.
        sweep.changes.sort_by_key(|(time, _)| *time);
        sweep.launches.sort_unstable();
        sweep.finishes.sort_unstable();
        sweep.done.sort_unstable();
        sweep
    }

    /// When a stage had how many tasks to do.
    fn stage(&mut self, stage: &Stage, slots: &Slots) {
        let (Some(from), false) = (stage.submission_ms, stage.status == StageStatus::Skipped) else {
            return;
        };
        let tasks = &stage.tasks;
        let from = from.clamp(slots.start_ms, slots.end_ms);
        let planned = i64::from(stage.num_tasks);
        let end = stage.completion_ms.unwrap_or(slots.end_ms).clamp(from, slots.end_ms);
        // A partition is done at its first success; a speculative twin that ends later changes nothing.
        let mut done: Vec<(u32, i64)> = (0..tasks.len())
            .filter(|row| tasks.status(*row) == TaskStatus::Success)
            .filter_map(|row| Some((tasks.index(row), tasks.finish_ms(row)?.clamp(from, end))))
            .collect();
        done.sort_unstable();
        done.dedup_by_key(|(index, _)| *index);
        self.changes.push((from, Change::Submit(planned)));
        done.truncate(usize::try_from(planned).unwrap_or(0));
        let left = planned - i64::try_from(done.len()).unwrap_or(planned);
        let last = done.iter().map(|(_, finish)| *finish).max();
        self.done.extend(done.iter().map(|(_, finish)| *finish));
        // With its last task a stage is over, even if its completion was recorded later.
        let over = last.filter(|_| left == 0).unwrap_or(end);
        self.changes.push((over, Change::Leave(planned, left)));
    }

    fn run(&mut self) -> Idle {
        let mut idle = Idle::default();
        let mut changes = self.changes.iter().peekable();
        let mut launches = self.launches.iter().peekable();
        let mut finishes = self.finishes.iter().peekable();
        let mut dones = self.done.iter().peekable();
        // `clock` is the core time that one task which ran all along would own by now.
        let (mut now, mut clock) = (None, 0.0_f64);
        let (mut cores, mut running, mut planned, mut undone) = (0_i64, 0_i64, 0_i64, 0_i64);
        loop {
            let next = [
                changes.peek().map(|(time, _)| *time),
                launches.peek().map(|(time, _)| *time),
                finishes.peek().map(|(time, _)| *time),
                dones.peek().map(|time| **time),
            ];
            let Some(time) = next.into_iter().flatten().min() else {
                return idle;
            };
            let step = time.min(self.end_ms).saturating_sub(now.unwrap_or(time)) as f64;
            if step > 0.0 {
                let wanted = running as f64 * self.cpus;
                let busy = wanted.min(cores as f64);
                if running > 0 {
                    clock += step * busy / running as f64;
                }
                let free = (cores as f64 - busy).max(0.0);
                if undone <= 0 {
                    idle.driver += free * step;
                } else {
                    let waiting = ((undone - running).max(0) as f64 * self.cpus).min(free);
                    idle.scheduling += waiting * step;
                    let once_filled = planned as f64 * self.cpus >= cores as f64;
                    *(if once_filled { &mut idle.tail } else { &mut idle.too_few }) += (free - waiting) * step;
                }
                now = Some(time);
            }
            now = now.or(Some(time));
            while let Some((_, change)) = changes.next_if(|(at, _)| *at == time) {
                match change {
                    Change::Cores(change) => cores += change,
                    Change::Submit(tasks) => {
                        planned += tasks;
                        undone += tasks;
                    }
                    Change::Leave(tasks, left) => {
                        planned -= tasks;
                        undone -= left;
                    }
                }
            }
            while let Some((_, task)) = launches.next_if(|(at, _)| *at == time) {
                running += 1;
                self.owned[*task as usize] -= clock;
            }
            while let Some((_, task)) = finishes.next_if(|(at, _)| *at == time) {
                running -= 1;
                self.owned[*task as usize] += clock;
            }
            while dones.next_if(|at| **at == time).is_some() {
                undone -= 1;
            }
        }
    }
}

/// When a task without an end stopped holding its core: when its executor went.
fn lost_at(slots: &Slots, tasks: &TaskTable, row: usize) -> i64 {
    let executor = tasks.executor(row);
    let span = slots.spans.iter().find(|span| span.executor == *executor);
    span.map_or(slots.end_ms, |span| span.until_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::sample::Sample;

    fn account(sample: Sample) -> TimeAccount {
        let account = TimeAccount::of(&sample.application()).unwrap();
        let sum: u64 = account.core_ms.parts().iter().map(|(_, part)| part).sum();
        assert_eq!(sum, account.core_ms_available);
        account
    }

    #[test]
    fn free_cores_are_told_apart() {
        // 4 slots: 1 s driver; 5 tasks (tail of 1 task, 1 s); 2 tasks (too few, 1 s); 1 s driver.
        let sample = Sample::cluster(2, 2)
            .gap(1_000)
            .stage("a", &[1_000; 5])
            .stage("b", &[1_000; 2])
            .gap(1_000);
        let account = account(sample);
        assert_eq!(account.wall_ms, 5_000);
        assert_eq!(account.core_ms_available, 20_000);
        assert_eq!(account.core_ms.compute, 7_000);
        assert_eq!(account.core_ms.idle_driver, 8_000);
        assert_eq!(account.core_ms.idle_tail, 3_000);
        assert_eq!(account.core_ms.idle_too_few_tasks, 2_000);
        assert_eq!(account.core_ms.idle_scheduling, 0);
    }

    #[test]
    fn a_task_s_time_is_split_and_never_more_than_the_task() {
        let sample = Sample::cluster(1, 1).stage_with("a", &[1_000], |_, task| {
            task.metrics.set(TaskMetric::ExecutorRunTime, Some(800));
            task.metrics.set(TaskMetric::ExecutorDeserializeTime, Some(100));
            task.metrics.set(TaskMetric::JvmGcTime, Some(300));
            task.metrics.set(TaskMetric::ShuffleFetchWaitTime, Some(9_999));
            task.metrics.set(TaskMetric::ShuffleWriteTime, Some(50_000_000));
        });
        let parts = account(sample).core_ms;
        assert_eq!((parts.deserialize, parts.gc, parts.scheduler_delay), (100, 300, 100));
        assert_eq!(
            (parts.shuffle_fetch_wait, parts.shuffle_write, parts.compute),
            (500, 0, 0)
        );
    }

    #[test]
    fn tasks_beyond_the_cores_share_them() {
        // Two tasks recorded at once on one core (a clock's jitter, or a lost executor's removal).
        let sample = Sample::cluster(1, 1).stage_with("a", &[1_000, 1_000], |_, task| task.launch_ms = Sample::START);
        let account = account(sample.lasting(1_000));
        assert_eq!(account.core_ms.compute, 1_000);
    }

    #[test]
    fn a_running_task_owns_its_core_to_the_end() {
        let sample = Sample::cluster(1, 1).stage_with("a", &[1_000], |_, task| {
            task.duration_ms = None;
            task.status = TaskStatus::Running;
        });
        let account = account(sample.lasting(3_000));
        assert_eq!(account.core_ms.compute, 3_000);
    }
}
