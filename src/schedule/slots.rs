//! Cores and task slots over time, out of the executors' coming and going. The base of the account of core time, of the
//! simulator and of every rule that asks how many tasks could run at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Application, Executor, Stage};

/// One executor's life. In local mode the driver is the executor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Executor id.
    pub executor: Arc<str>,
    /// When it came, epoch ms.
    pub from_ms: i64,
    /// When it went, or the application's end, epoch ms.
    pub until_ms: i64,
    /// Its cores.
    pub cores: u32,
    /// Its resource profile.
    pub profile: u32,
}

/// The executors of an application as lives with cores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slots {
    /// Executors that had cores, in the application's order.
    pub spans: Vec<Span>,
    /// `spark.task.cpus`.
    pub task_cpus: u32,
    /// The application's start, epoch ms.
    pub start_ms: i64,
    /// The application's end, or the last thing recorded, epoch ms.
    pub end_ms: i64,
}

impl Slots {
    /// The slots of an application; `None` when it has no start or no end to count between.
    pub fn of(application: &Application) -> Option<Slots> {
        let start_ms = application.start_ms?;
        let end_ms = application
            .end_ms
            .or(application.last_ms)
            .filter(|end| *end >= start_ms)?;
        // Moments too far apart to subtract are no moments.
        end_ms.checked_sub(start_ms)?;
        let task_cpus = task_cpus(application);
        let local = application.is_local();
        let mut spans = Vec::new();
        let mut seen: Option<BTreeMap<Arc<str>, Seen>> = None;
        for executor in application.executors.iter().filter(|e| e.is_driver() == local) {
            let cores = recorded_cores(executor).unwrap_or_else(|| {
                let seen = seen.get_or_insert_with(|| seen_on_executors(application, end_ms));
                seen.get(&executor.id)
                    .map_or(0, |seen| seen.most.saturating_mul(task_cpus))
            });
            let from_ms = executor.added_ms.unwrap_or(start_ms).clamp(start_ms, end_ms);
            let until_ms = executor.removed_ms.unwrap_or(end_ms).clamp(from_ms, end_ms);
            if cores > 0 {
                spans.push(Span {
                    executor: executor.id.clone(),
                    from_ms,
                    until_ms,
                    cores,
                    profile: executor.resource_profile,
                });
            }
        }
        if spans.is_empty() {
            // Old logs name executors in their tasks alone: what ran at once tells how many cores there were.
            for (executor, seen) in seen_on_executors(application, end_ms) {
                spans.push(Span {
                    executor,
                    from_ms: seen.first_ms.clamp(start_ms, end_ms),
                    until_ms: end_ms,
                    cores: seen.most.saturating_mul(task_cpus),
                    profile: 0,
                });
            }
        }
        Some(Slots {
            spans,
            task_cpus,
            start_ms,
            end_ms,
        })
    }

    /// Core time available: the sum of cores × life, ms.
    pub fn core_ms(&self) -> u64 {
        let of = |span: &Span| {
            u64::try_from(span.until_ms.saturating_sub(span.from_ms))
                .unwrap_or(0)
                .saturating_mul(u64::from(span.cores))
        };
        self.spans.iter().map(of).fold(0, u64::saturating_add)
    }

    /// Tasks that an executor of so many cores runs at once.
    pub fn tasks_on(&self, cores: u32) -> u32 {
        cores / self.task_cpus.max(1)
    }

    /// The executors alive for some of the time between two moments; one that lives at a moment counts.
    pub fn alive(&self, from_ms: i64, until_ms: i64) -> impl Iterator<Item = &Span> {
        self.spans.iter().filter(move |span| {
            span.from_ms <= until_ms && span.until_ms > from_ms.min(span.until_ms.saturating_sub(1))
        })
    }

    /// Task slots of the executors alive while a stage ran.
    pub fn during(&self, stage: &Stage) -> u32 {
        let from = stage.submission_ms.unwrap_or(self.start_ms);
        let until = stage.completion_ms.unwrap_or(self.end_ms);
        let slots = self.alive(from, until).map(|span| self.tasks_on(span.cores));
        slots.fold(0, u32::saturating_add)
    }

    /// Every change of the number of task slots: (epoch ms, slots won or lost), in order of time.
    pub fn steps(&self) -> Vec<(i64, i64)> {
        Slots::steps_of(self, |_| true)
    }

    /// The resource profiles of the executors, ascending; one at least.
    pub fn profiles(&self) -> Vec<u32> {
        let mut profiles: Vec<u32> = self.spans.iter().map(|span| span.profile).collect();
        profiles.sort_unstable();
        profiles.dedup();
        if profiles.is_empty() { vec![0] } else { profiles }
    }

    fn steps_of(&self, wanted: impl Fn(&Span) -> bool) -> Vec<(i64, i64)> {
        let mut steps = Vec::with_capacity(self.spans.len() * 2);
        for span in self.spans.iter().filter(|span| wanted(span)) {
            let slots = i64::from(self.tasks_on(span.cores));
            steps.push((span.from_ms, slots));
            steps.push((span.until_ms, -slots));
        }
        steps.sort_unstable();
        steps
    }

    /// [`Slots::steps`] without the executors' leaving at or after `last_ms`, the end of the last task: those left because the
    /// work was over, and would have stayed had it taken longer.
    pub fn steps_of_work(&self, last_ms: i64) -> Vec<(i64, i64)> {
        let mut steps = self.steps();
        steps.retain(|(time, change)| *change > 0 || *time < last_ms);
        steps
    }

    /// The same of the executors of one resource profile.
    pub fn steps_of_profile(&self, profile: u32, last_ms: i64) -> Vec<(i64, i64)> {
        let mut steps = self.steps_of(|span| span.profile == profile);
        steps.retain(|(time, change)| *change > 0 || *time < last_ms);
        steps
    }
}

/// `spark.task.cpus`, 1 unless set.
fn task_cpus(application: &Application) -> u32 {
    application
        .environment
        .spark_number("spark.task.cpus")
        .map_or(1, |cpus| cpus as u32)
        .max(1)
}

fn recorded_cores(executor: &Executor) -> Option<u32> {
    executor.total_cores.filter(|cores| *cores > 0)
}

/// What the tasks of an executor tell of it.
struct Seen {
    first_ms: i64,
    most: u32,
}

/// The first launch and the most tasks at once of every executor that ran any.
fn seen_on_executors(application: &Application, end_ms: i64) -> BTreeMap<Arc<str>, Seen> {
    let mut edges: BTreeMap<Arc<str>, Vec<(i64, i32)>> = BTreeMap::new();
    for stage in &application.stages {
        let tasks = &stage.tasks;
        for row in 0..tasks.len() {
            let finish = tasks.finish_ms(row).unwrap_or(end_ms);
            let of = edges.entry(tasks.executor(row).clone()).or_default();
            of.push((tasks.launch_ms(row), 1));
            of.push((finish.max(tasks.launch_ms(row)), -1));
        }
    }
    let seen = |mut edges: Vec<(i64, i32)>| {
        // Ends sort before starts of the same moment: the slot was handed on.
        edges.sort_unstable();
        let first_ms = edges.first().map_or(0, |(time, _)| *time);
        let (mut now, mut most) = (0_i32, 0_i32);
        for (_, change) in edges {
            now += change;
            most = most.max(now);
        }
        Seen {
            first_ms,
            most: most.unsigned_abs().max(1),
        }
    };
    edges.into_iter().map(|(executor, of)| (executor, seen(of))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::sample::Sample;

    #[test]
    fn cores_count_while_their_executor_lives() {
        let slots = Slots::of(&Sample::cluster(2, 4).lasting(10_000).application()).unwrap();
        assert_eq!(slots.core_ms(), 80_000);
        assert_eq!(slots.steps().first(), Some(&(Sample::START, 4)));
        let mut application = Sample::cluster(2, 4).lasting(10_000).application();
        application.executors[1].removed_ms = Some(Sample::START + 2_500);
        assert_eq!(Slots::of(&application).unwrap().core_ms(), 10_000 + 40_000);
    }

    #[test]
    fn executors_known_by_their_tasks_alone_still_count() {
        let mut application = Sample::cluster(2, 4)
            .lasting(10_000)
            .stage("a", &[1_000; 8])
            .application();
        application.executors.clear();
        application.environment.spark = vec![("spark.master".into(), "yarn".into())];
        let slots = Slots::of(&application).unwrap();
        assert_eq!(slots.spans.iter().map(|span| span.cores).collect::<Vec<_>>(), [4, 4]);
    }
}
