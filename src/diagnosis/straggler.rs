//! `straggler`: a few tasks take many times as long as the others although they have no more to do.

use std::collections::BTreeSet;

use super::context::Context;
use super::finding::{Advice, Confidence, Evidence, Finding, Severity};
use super::partitions::{self, Size};
use super::{Draft, Matter, Rule, statistics};
use crate::model::{Stage, TaskMeasure, TaskMetric, TaskTable, Unit};
use crate::schedule::slot_times;
use crate::units;

pub const RULE: Rule = Rule {
    name: "straggler",
    about: "A task takes at least 5 s and 3× the median of its stage and of the tasks launched in its wave, with at most 1.5× the median \
            bytes (records where no bytes are recorded). The first task on each slot is left out (class loading), and so are \
            stages whose sizes are not recorded. Saving: those tasks at the median; the application replayed by list scheduling.",
    check,
};

/// Tasks named in a finding at most.
const NAMED: usize = 10;

fn check(context: &Context<'_>) -> Vec<Draft> {
    let stages: Vec<&Stage> = context.stages_that_matter().collect();
    if stages.is_empty() {
        return Vec::new();
    }
    let first = context.first_on_slots();
    stages
        .into_iter()
        .filter_map(|stage| examine(context, stage, first))
        .collect()
}

struct Stragglers {
    /// Rows, the longest first.
    rows: Vec<usize>,
    all: Vec<usize>,
    median_ms: u64,
    size: Size,
    median_size: u64,
}

fn find(context: &Context<'_>, stage: &Stage, first: &BTreeSet<u64>) -> Option<Stragglers> {
    let (tasks, thresholds) = (&*stage.tasks, context.thresholds);
    let duration = |row: usize| tasks.duration_ms(row).unwrap_or(0);
    let mut all = partitions::rows(stage);
    if all.len() < thresholds.straggler_least_tasks {
        return None;
    }
    // Without a size nobody can tell a straggler from a task with more to do.
    let size = [Size::Bytes, Size::Records].into_iter().find(|size| {
        let sized = all.iter().filter(|row| size.of(tasks, **row) > 0).count();
        sized * 2 > all.len()
    })?;
    let median_size = statistics::median(all.iter().map(|row| size.of(tasks, *row)).collect())?;
    let median_ms = statistics::median(all.iter().map(|row| duration(*row)).collect())?.max(1);
    all.sort_by_key(|row| tasks.launch_ms(*row));
    let wave = (context.slots.during(stage) as usize).max(1);
    let mut rows = Vec::new();
    for (at, wave) in all.chunks(wave).enumerate() {
        let usual = statistics::median(wave.iter().map(|row| duration(*row)).collect()).unwrap_or(0);
        // The first wave loads the stage's code and data: too few to compare with each other say nothing.
        if at == 0 && wave.len() < thresholds.straggler_least_tasks {
            continue;
        }
        let against = if wave.len() < thresholds.straggler_least_tasks {
            median_ms
        } else {
            usual.max(median_ms)
        };
        rows.extend(wave.iter().copied().filter(|row| {
            duration(*row) >= thresholds.straggler_least_ms
                && duration(*row) as f64 >= thresholds.straggler_duration_ratio * against as f64
                && size.of(tasks, *row) as f64 <= thresholds.straggler_size_ratio * median_size as f64
                && !first.contains(&tasks.id(*row))
        }));
    }
    rows.sort_by_key(|row| std::cmp::Reverse(duration(*row)));
    (!rows.is_empty()).then_some(Stragglers {
        rows,
        all,
        median_ms,
        size,
        median_size,
    })
}

fn examine(context: &Context<'_>, stage: &Stage, first: &BTreeSet<u64>) -> Option<Draft> {
    let found = find(context, stage, first)?;
    let tasks = &*stage.tasks;
    let worst = *found.rows.first()?;
    let capped = slot_times(stage)
        .into_iter()
        .map(|(row, held)| {
            if found.rows.contains(&row) {
                held.min(found.median_ms)
            } else {
                held
            }
        })
        .collect();
    let what = match found.rows.len() {
        1 => format!("with task {} at the median", tasks.index(worst)),
        n => format!("with {n} tasks at the median"),
    };
    let saving = context.saving_of_tasks(stage, capped, &what, Confidence::Medium);
    let duration = tasks.duration_ms(worst).unwrap_or(0);
    let reason = Reason::of(tasks, worst, &found.all);
    let mut place = context.place(stage);
    place.tasks = found.rows.iter().take(NAMED).map(|row| tasks.id(*row)).collect();
    place.executor = Some(tasks.executor(worst).to_string());
    place.host = Some(tasks.host(worst).to_string());
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "Straggler in {}: task {} took {}, {} the median, on {} with no more data{}",
                context.name(stage),
                tasks.index(worst),
                units::duration(duration),
                units::times(duration as f64 / found.median_ms as f64),
                tasks.host(worst),
                reason.map(|reason| format!("; {}", reason.short())).unwrap_or_default()
            ),
            place,
            evidence: evidence(&found, tasks, worst, reason),
            cause: cause(&found, tasks, reason),
            advice: advice(context, &found, tasks, reason),
            saving_ms: Some(saving.ms),
            saving_note: saving.note,
            confidence: saving.confidence,
        },
        matter: Matter::Saving,
    })
}

/// A part of a task's time, ms.
type Part = fn(&TaskTable, usize) -> Option<u64>;

/// On what a straggler spent the time that others did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Gc,
    FetchWait,
    SchedulerDelay,
    Deserialization,
    ShuffleWrite,
    /// Neither computing nor anything that Spark measures: disk, network, locks, a busy host.
    Waiting,
    Computing,
}

#[derive(Clone, Copy)]
struct Reason {
    kind: Kind,
    excess_ms: u64,
}

impl Reason {
    /// The part with the largest excess over the median task's, when it makes half the difference.
    fn of(tasks: &TaskTable, row: usize, all: &[usize]) -> Option<Reason> {
        let parts: [(Kind, Part); 7] = [
            (Kind::Gc, |tasks, row| tasks.metric(row, TaskMetric::JvmGcTime)),
            (Kind::FetchWait, |tasks, row| {
                tasks.metric(row, TaskMetric::ShuffleFetchWaitTime)
            }),
            (Kind::SchedulerDelay, |tasks, row| {
                tasks.measure(row, TaskMeasure::SchedulerDelay)
            }),
            (Kind::Deserialization, |tasks, row| {
                tasks.metric(row, TaskMetric::ExecutorDeserializeTime)
            }),
            (Kind::ShuffleWrite, |tasks, row| {
                Some(tasks.metric(row, TaskMetric::ShuffleWriteTime)? / 1_000_000)
            }),
            (Kind::Waiting, |tasks, row| {
                let cpu = tasks.metric(row, TaskMetric::ExecutorCpuTime)? / 1_000_000;
                let measured = [TaskMetric::JvmGcTime, TaskMetric::ShuffleFetchWaitTime];
                let measured = statistics::total(measured.into_iter().filter_map(|metric| tasks.metric(row, metric)));
                Some(
                    tasks
                        .metric(row, TaskMetric::ExecutorRunTime)?
                        .saturating_sub(cpu.saturating_add(measured)),
                )
            }),
            (Kind::Computing, |tasks, row| {
                Some(tasks.metric(row, TaskMetric::ExecutorCpuTime)? / 1_000_000)
            }),
        ];
        let usual = |of: Part| statistics::median(all.iter().filter_map(|row| of(tasks, *row)).collect()).unwrap_or(0);
        let more = usual(|tasks, row| tasks.duration_ms(row));
        let difference = tasks.duration_ms(row)?.saturating_sub(more);
        let excess = parts
            .into_iter()
            .filter_map(|(kind, of)| Some((kind, of(tasks, row)?.saturating_sub(usual(of)))));
        let (kind, excess_ms) = excess.max_by_key(|(_, excess)| *excess)?;
        (excess_ms >= difference / 2).then_some(Reason { kind, excess_ms })
    }

    fn short(self) -> String {
        let time = units::duration(self.excess_ms);
        match self.kind {
            Kind::Gc => format!("{time} more in garbage collection"),
            Kind::FetchWait => format!("{time} more waiting for shuffle blocks"),
            Kind::SchedulerDelay => format!("{time} more scheduler delay"),
            Kind::Deserialization => format!("{time} more to deserialize the task"),
            Kind::ShuffleWrite => format!("{time} more writing shuffle files"),
            Kind::Waiting => format!("{time} more neither computing nor collecting garbage"),
            Kind::Computing => format!("{time} more CPU time"),
        }
    }
}

fn evidence(found: &Stragglers, tasks: &TaskTable, worst: usize, reason: Option<Reason>) -> Vec<Evidence> {
    let index = tasks.index(worst);
    let duration = tasks.duration_ms(worst).unwrap_or(0);
    let size = found.size.of(tasks, worst);
    let times = |value: u64, median: u64| format!("{} the median", units::times(value as f64 / median.max(1) as f64));
    let mut evidence = vec![
        Evidence {
            metric: format!("duration of task {index}"),
            value: duration as f64,
            unit: Unit::Millis,
            baseline: Some(found.median_ms as f64),
            note: times(duration, found.median_ms),
        },
        Evidence {
            metric: format!("partition size of task {index}"),
            value: size as f64,
            unit: found.size.measure().unit(),
            baseline: Some(found.median_size as f64),
            note: times(size, found.median_size),
        },
    ];
    if let Some(reason) = reason {
        evidence.push(Evidence {
            metric: "what it has that others do not".into(),
            value: reason.excess_ms as f64,
            unit: Unit::Millis,
            baseline: None,
            note: reason.short(),
        });
    }
    evidence
}

/// The host of all stragglers, where others ran the stage too.
fn one_host(found: &Stragglers, tasks: &TaskTable) -> Option<String> {
    let host = tasks.host(*found.rows.first()?);
    let all = found.rows.len() > 1 && found.rows.iter().all(|row| tasks.host(*row) == host);
    (all && found.all.iter().any(|row| tasks.host(*row) != host)).then(|| host.to_string())
}

fn cause(found: &Stragglers, tasks: &TaskTable, reason: Option<Reason>) -> String {
    let why = match reason.map(|reason| reason.kind) {
        Some(Kind::Gc) => "Its executor was collecting garbage.",
        Some(Kind::FetchWait) => "It waited for shuffle blocks of other hosts.",
        Some(Kind::SchedulerDelay) => "The driver was slow to start it or to take its result, or the network was.",
        Some(Kind::Deserialization) => "Its executor was slow to load the task's code.",
        Some(Kind::ShuffleWrite) => "Its disk was slow.",
        Some(Kind::Waiting) => {
            "It waited for something that Spark does not measure: a disk, a service it calls, a lock, or a host that others keep busy."
        }
        Some(Kind::Computing) => "It computed longer on no more data: some rows cost more than others.",
        None => "No single part of it explains the difference.",
    };
    match one_host(found, tasks) {
        Some(host) => format!("{why} All {} stragglers ran on {host}.", found.rows.len()),
        None => why.to_owned(),
    }
}

fn advice(context: &Context<'_>, found: &Stragglers, tasks: &TaskTable, reason: Option<Reason>) -> Vec<Advice> {
    let mut advice = Vec::new();
    if let Some(host) = one_host(found, tasks) {
        advice.push(Advice {
            text: format!("Look at {host} (disk, other load), and keep tasks away from it until it is mended."),
            ..Advice::default()
        });
    }
    let computing = reason.is_some_and(|reason| reason.kind == Kind::Computing);
    if !computing && context.application.environment.spark_bool("spark.speculation") != Some(true) {
        let setting = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        advice.push(Advice {
            text: "Let Spark start a second copy of a task that takes far longer than the others and take whichever ends first \
                   (only where running a task twice does no harm)."
                .into(),
            config: vec![
                setting("spark.speculation", "true"),
                setting("spark.speculation.multiplier", "3"),
                setting("spark.speculation.quantile", "0.9"),
            ],
            ..Advice::default()
        });
    }
    if computing {
        let index = found.rows.first().map_or(0, |row| tasks.index(*row));
        advice.push(Advice {
            text: format!(
                "A second copy would take as long: look at the rows of partition {index} for what makes them dear."
            ),
            ..Advice::default()
        });
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Thresholds, findings};
    use crate::schedule::sample::Sample;

    fn slow(at: usize, millis: u64) -> Sample {
        let durations: Vec<u64> = (0..40).map(|index| if index == at { millis } else { 1_000 }).collect();
        Sample::cluster(4, 2).stage_with("a", &durations, move |index, task| {
            task.metrics.set(TaskMetric::ShuffleRemoteBytesRead, Some(10 << 20));
            let gc = if index == at { millis - 1_000 } else { 10 };
            task.metrics.set(TaskMetric::JvmGcTime, Some(gc));
        })
    }

    #[test]
    fn a_task_slow_for_its_garbage_is_a_straggler() {
        let findings = findings(&slow(36, 20_000).application(), &Thresholds::default());
        let finding = findings.iter().find(|finding| finding.rule == RULE.name).unwrap();
        assert_eq!(
            finding.title,
            "Straggler in stage 0 (a): task 36 took 20.0s, 20× the median, on host-3 with no more data; 19.0s more in garbage \
             collection"
        );
        assert_eq!(
            (finding.place.tasks.as_slice(), finding.saving_ms),
            ([36_u64].as_slice(), Some(19_000))
        );
    }

    #[test]
    fn the_first_task_on_a_slot_is_none() {
        let findings = findings(&slow(3, 12_000).application(), &Thresholds::default());
        assert!(findings.iter().all(|finding| finding.rule != RULE.name), "{findings:?}");
    }
}
