//! The look at what would be if: the stage on more or fewer slots, in other partitions, its largest task split, by the
//! schedule simulator. Worked out when it is looked at for the first time.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::model::{Application, Stage, TaskMeasure, TaskMetric, TaskStatus, quantile_index};
use crate::schedule::{Change, Simulator, Slots, list_schedule, slot_times};
use crate::tui::line::{Align, pad, put};
use crate::tui::panel::panel;
use crate::tui::screen::Context;
use crate::tui::theme::Role;
use crate::units;

use super::panels::line;

/// Columns of what is changed, and of each time.
const NAME: usize = 38;
const TIME: usize = 10;

/// With more tasks than this in the application it takes too long, beside the loop too.
const MOST: u64 = 3_000_000;

/// One supposition and what it gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhatIf {
    /// What is changed.
    pub name: String,
    /// The stage then takes, ms.
    pub stage_ms: Option<u64>,
    /// The application then takes, ms; absent where the simulator cannot tell.
    pub application_ms: Option<u64>,
}

/// All suppositions, the run as it was first; empty where nothing can be simulated.
pub fn suppose(application: &Application, stage: &Stage) -> Vec<WhatIf> {
    if application.task_count() > MOST {
        return Vec::new();
    }
    let durations: Vec<u64> = slot_times(stage).into_iter().map(|(_, held)| held).collect();
    let (Some(slots), Some(simulator)) = (Slots::of(application), Simulator::new(application)) else {
        return Vec::new();
    };
    let count = u64::from(slots.during(stage));
    if durations.is_empty() || count == 0 {
        return Vec::new();
    }
    let wall = application.wall_ms();
    let recorded = stage.duration_ms();
    let as_it_was = makespan(&durations, count);
    // The simulated lengths are scaled by how well the recorded one is met.
    let scaled =
        |ms: u64| recorded.map(|recorded| (ms as f64 * recorded as f64 / as_it_was.max(1) as f64).round() as u64);
    let with_tasks = |name: String, tasks: Vec<u64>| {
        let stage_ms = scaled(makespan(&tasks, count));
        let saved = simulator.saving_ms(&[Change::Tasks(stage.key, tasks)]);
        WhatIf {
            name,
            stage_ms,
            application_ms: wall.map(|wall| wall.saturating_sub(saved)),
        }
    };
    let with_slots = |name: String, slots: u64| {
        let small = |slots: u64| u32::try_from(slots).unwrap_or(u32::MAX);
        WhatIf {
            name,
            stage_ms: scaled(makespan(&durations, slots.max(1))),
            application_ms: simulator.wall_ms(&[Change::Slots(small(slots), small(count))]),
        }
    };
    let work = Work::of(stage, &durations);
    let split = |parts: u64| {
        let name = format!("the largest task split in {parts}");
        with_tasks(name, work.largest_split(&durations, parts))
    };
    let even = |times: u64| {
        let name = format!(
            "{} even partitions ({times} for each slot)",
            units::count(count * times)
        );
        with_tasks(name, work.even(count * times))
    };
    let noun = |slots: u64| if slots == 1 { "slot" } else { "slots" };
    let half = count.div_ceil(2);
    // What people ask for first stands first: a small screen shows nine.
    let mut all = vec![
        WhatIf {
            name: "as it ran".to_owned(),
            stage_ms: recorded,
            application_ms: wall,
        },
        split(2),
        split(4),
        with_tasks("every task at the mean".to_owned(), work.balanced(durations.len())),
        even(2),
        with_slots(format!("{half} {} (half the executors)", noun(half)), half),
        with_slots(format!("{} slots (twice executors or cores)", count * 2), count * 2),
    ];
    if let Some(kept) = without_retries(stage) {
        all.insert(4, with_tasks("without its failed attempts".to_owned(), kept));
    }
    if let Some(bounds) = simulator.bounds() {
        let longest = durations.iter().copied().max().unwrap_or(0);
        let total = durations.iter().fold(0_u64, |sum, ms| sum.saturating_add(*ms));
        for (name, stage_ms, application_ms) in [
            ("at best, with any number of slots", longest, bounds.critical_path_ms),
            ("at best, on these slots", total / count, bounds.work_ms),
        ] {
            all.push(WhatIf {
                name: name.to_owned(),
                stage_ms: scaled(stage_ms),
                application_ms: Some(application_ms),
            });
        }
    }
    all.extend([split(8), even(1), even(4)]);
    all
}

/// A stage's tasks without the attempts that failed; `None` where none did.
fn without_retries(stage: &Stage) -> Option<Vec<u64>> {
    let failed = |row: usize| stage.tasks.status(row) == TaskStatus::Failed;
    let all = slot_times(stage);
    let kept: Vec<u64> = all
        .iter()
        .filter(|(row, _)| !failed(*row))
        .map(|(_, held)| *held)
        .collect();
    (kept.len() < all.len()).then_some(kept)
}

/// How long tasks take on so many slots, ms.
fn makespan(durations: &[u64], slots: u64) -> u64 {
    let end = list_schedule(durations, 0, &[(0, i64::try_from(slots).unwrap_or(i64::MAX))]);
    end.and_then(|end| u64::try_from(end).ok()).unwrap_or(0)
}

/// What a stage's tasks do in all, and what each of them costs for being a task.
struct Work {
    total_ms: u64,
    fixed_ms: u64,
}

impl Work {
    fn of(stage: &Stage, durations: &[u64]) -> Work {
        let overheads = [
            TaskMeasure::SchedulerDelay,
            TaskMeasure::Metric(TaskMetric::ExecutorDeserializeTime),
            TaskMeasure::Metric(TaskMetric::ResultSerializationTime),
        ];
        let median = |measure| {
            let sorted = stage.tasks.sorted(measure);
            quantile_index(0.5, sorted.len())
                .and_then(|at| sorted.get(at))
                .copied()
                .unwrap_or(0)
        };
        let fixed_ms = overheads.into_iter().map(median).sum();
        Work {
            total_ms: durations.iter().map(|ms| ms.saturating_sub(fixed_ms)).sum(),
            fixed_ms,
        }
    }

    fn even(&self, partitions: u64) -> Vec<u64> {
        vec![self.total_ms / partitions.max(1) + self.fixed_ms; usize::try_from(partitions).unwrap_or(0)]
    }

    fn balanced(&self, tasks: usize) -> Vec<u64> {
        let count = tasks.max(1);
        vec![self.total_ms / count as u64 + self.fixed_ms; count]
    }

    fn largest_split(&self, durations: &[u64], parts: u64) -> Vec<u64> {
        let mut tasks = durations.to_vec();
        if let Some((at, longest)) = durations.iter().copied().enumerate().max_by_key(|(_, ms)| *ms) {
            let part = longest.saturating_sub(self.fixed_ms) / parts + self.fixed_ms;
            tasks.splice(at..=at, (0..parts).map(|_| part));
        }
        tasks
    }
}

/// Draws the suppositions.
pub fn render(all: &[WhatIf], area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let inner = panel(area, "What if", "simulated", buf, cx);
    let Some(first) = all.first() else {
        return line(
            "cannot be simulated: no ended task, no slots, no times, or too many tasks",
            inner,
            0,
            Role::Dim,
            buf,
            cx,
        );
    };
    let head = ["stage", "", "app", ""]
        .map(|name| pad(name, TIME, Align::Right))
        .concat();
    put(
        buf,
        inner,
        inner.x,
        inner.y,
        &(pad("", NAME.min(usize::from(inner.width / 2)), Align::Left) + &head),
        cx.style(Role::Header),
    );
    for (what_if, y) in all.iter().zip(inner.top() + 1..inner.bottom()) {
        let name = pad(&what_if.name, NAME.min(usize::from(inner.width / 2)), Align::Left);
        let mut x = put(buf, inner, inner.x, y, &name, cx.style(Role::Text));
        for (now, then) in [
            (first.stage_ms, what_if.stage_ms),
            (first.application_ms, what_if.application_ms),
        ] {
            let time = then.map_or("n/a".to_owned(), units::duration);
            let (change, role) = change(now, then);
            x = put(buf, inner, x, y, &pad(&time, TIME, Align::Right), cx.style(Role::Text));
            x = put(buf, inner, x, y, &pad(&change, TIME, Align::Right), cx.style(role));
        }
    }
}

/// How much shorter or longer.
fn change(now: Option<u64>, then: Option<u64>) -> (String, Role) {
    match (now, then) {
        (Some(now), Some(then)) if then < now => (format!("-{}", units::duration(now - then)), Role::Good),
        (Some(now), Some(then)) if then > now => (format!("+{}", units::duration(then - now)), Role::Warning),
        _ => (String::new(), Role::Dim),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::sample::Sample;

    #[test]
    fn splitting_the_one_long_task_is_what_helps() {
        let mut durations = vec![1_000; 7];
        durations.push(16_000);
        let application = Sample::cluster(2, 2).stage("join", &durations).application();
        let all = suppose(&application, &application.stages[0]);
        let stage = |name: &str| {
            all.iter()
                .find(|what_if| what_if.name.contains(name))
                .unwrap()
                .stage_ms
                .unwrap()
        };
        assert!(stage("split in 4") < stage("as it ran") / 2, "{all:?}");
        assert!(
            stage("8 slots") >= stage("any number of slots") && stage("split in 8") <= stage("split in 2"),
            "{all:?}"
        );
        assert!(stage("every task at the mean") < stage("as it ran"), "{all:?}");
        assert!(all.iter().all(|what_if| what_if.application_ms.is_some()), "{all:?}");
        assert!(all.iter().all(|what_if| !what_if.name.contains("failed")), "{all:?}");
        let application_ms = |at: usize| all[at].application_ms.unwrap();
        assert!(application_ms(2) < application_ms(0));
    }

    #[test]
    fn what_cannot_be_simulated_is_empty() {
        let application = Application::default();
        assert!(suppose(&application, &Stage::default()).is_empty());
    }
}
