//! `skewed-partition`: a few tasks take many times as long as the others because they have many times as much to do.

use super::context::Context;
use super::finding::{Confidence, Evidence, Finding, Severity};
use super::partitions::{self, Size};
use super::skew_advice::{self, SkewSizes};
use super::{Draft, Matter, Rule, statistics};
use crate::model::{Stage, TaskMetric, TaskTable, Unit};
use crate::schedule::slot_times;
use crate::units;

pub const RULE: Rule = Rule {
    name: "skewed-partition",
    about: "A task takes at least 3× the median duration of its stage and has at least 3× the median bytes or records (medians \
            of the partitions that have any data; one successful attempt each). Saving: each such task split in as many parts as \
            it is times the median, at most two waves of the slots, a part keeping the stage's fixed cost a task (intercept of \
            duration on size); the application replayed by list scheduling.",
    check,
};

/// No key is salted by more: the other side is copied as often.
const MOST_PARTS: u64 = 1_000;
/// Tasks named in a finding at most.
const NAMED: usize = 10;

fn check(context: &Context<'_>) -> Vec<Draft> {
    context
        .stages_that_matter()
        .filter_map(|stage| examine(context, stage))
        .collect()
}

/// Whether a stage has this fault.
pub fn is_skewed(context: &Context<'_>, stage: &Stage) -> bool {
    Skew::find(context, stage).is_some()
}

struct Skew {
    /// Rows of the skewed tasks, the longest first.
    rows: Vec<usize>,
    size: Size,
    /// Partitions with data.
    partitions: usize,
    median_ms: u64,
    median_size: u64,
    correlation: Option<f64>,
    fixed_ms: f64,
}

impl Skew {
    /// By bytes if they show it, else by records.
    fn find(context: &Context<'_>, stage: &Stage) -> Option<Skew> {
        [Size::Bytes, Size::Records]
            .into_iter()
            .find_map(|size| Skew::by(context, stage, size))
    }

    fn by(context: &Context<'_>, stage: &Stage, size: Size) -> Option<Skew> {
        let (tasks, thresholds) = (&*stage.tasks, context.thresholds);
        // Empty partitions would make every other one look large.
        let filled: Vec<(usize, u64, u64)> = partitions::rows(stage)
            .into_iter()
            .map(|row| (row, size.of(tasks, row), tasks.duration_ms(row).unwrap_or(0)))
            .filter(|(_, size, _)| *size > 0)
            .collect();
        if filled.len() < thresholds.skew_least_tasks {
            return None;
        }
        let median_size = statistics::median(filled.iter().map(|(_, size, _)| *size).collect())?;
        let median_ms = statistics::median(filled.iter().map(|(_, _, duration)| *duration).collect())?.max(1);
        let skewed = |(_, size, duration): &&(usize, u64, u64)| {
            *duration as f64 >= thresholds.skew_duration_ratio * median_ms as f64
                && *size as f64 >= thresholds.skew_size_ratio * median_size as f64
        };
        let mut rows: Vec<usize> = filled.iter().filter(skewed).map(|(row, ..)| *row).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(tasks.duration_ms(*row)));
        let pairs: Vec<(u64, u64)> = filled.iter().map(|(_, size, duration)| (*size, *duration)).collect();
        (!rows.is_empty()).then(|| Skew {
            rows,
            size,
            partitions: filled.len(),
            median_ms,
            median_size,
            correlation: statistics::rank_correlation(&pairs),
            fixed_ms: statistics::fixed_cost(&pairs).min(median_ms as f64),
        })
    }

    fn ratio(&self, tasks: &TaskTable, row: usize) -> f64 {
        self.size.of(tasks, row) as f64 / self.median_size.max(1) as f64
    }

    /// Parts that bring a task down to the median, as far as the slots can use them.
    fn parts(&self, tasks: &TaskTable, row: usize, slots: u32) -> u64 {
        let wanted = self.ratio(tasks, row).ceil() as u64;
        wanted.min(u64::from(slots.max(1)) * 2).clamp(2, MOST_PARTS)
    }

    /// The stage's tasks with the skewed ones split.
    fn split(&self, stage: &Stage, slots: u32) -> Vec<u64> {
        let mut tasks = Vec::new();
        for (row, held) in slot_times(stage) {
            if self.rows.contains(&row) {
                let parts = self.parts(&stage.tasks, row, slots);
                let each = (held as f64 - self.fixed_ms).max(0.0) / parts as f64 + self.fixed_ms;
                tasks.extend((0..parts).map(|_| each.round() as u64));
            } else {
                tasks.push(held);
            }
        }
        tasks
    }

    fn shown(&self, size: u64) -> String {
        match self.size {
            Size::Bytes => units::bytes(size),
            Size::Records => format!("{} records", units::count(size)),
        }
    }
}

fn examine(context: &Context<'_>, stage: &Stage) -> Option<Draft> {
    let skew = Skew::find(context, stage)?;
    let tasks = &*stage.tasks;
    let worst = *skew.rows.first()?;
    let slots = context.slots.during(stage);
    let parts = skew.parts(tasks, worst, slots);
    let what = match skew.rows.len() {
        1 => format!("with task {} split in {parts}", tasks.index(worst)),
        n => format!("with {n} tasks split, the longest in {parts}"),
    };
    let saving = context.saving_of_tasks(stage, skew.split(stage, slots), &what, Confidence::High);
    let size = skew.size.of(tasks, worst);
    let title = format!(
        "Skewed partition in {}: task {} read {}, {} the median",
        context.name(stage),
        tasks.index(worst),
        skew.shown(size),
        units::times(skew.ratio(tasks, worst))
    );
    let mut place = context.place(stage);
    place.tasks = skew.rows.iter().take(NAMED).map(|row| tasks.id(*row)).collect();
    place.executor = Some(tasks.executor(worst).to_string());
    place.host = Some(tasks.host(worst).to_string());
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title,
            place,
            evidence: evidence(&skew, tasks, worst),
            cause: cause(context, stage, &skew),
            advice: skew_advice::advice(
                context,
                stage,
                &SkewSizes {
                    by: skew.size,
                    largest: size,
                    median: skew.median_size,
                    parts,
                },
            ),
            saving_ms: Some(saving.ms),
            saving_note: saving.note,
            confidence: saving.confidence,
        },
        matter: Matter::Saving,
    })
}

fn evidence(skew: &Skew, tasks: &TaskTable, worst: usize) -> Vec<Evidence> {
    let index = tasks.index(worst);
    let duration = tasks.duration_ms(worst).unwrap_or(0);
    let of_median = |times: f64| {
        format!(
            "{} the median of {} partitions with data",
            units::times(times),
            skew.partitions
        )
    };
    let mut evidence = vec![
        Evidence {
            metric: format!("duration of task {index}"),
            value: duration as f64,
            unit: Unit::Millis,
            baseline: Some(skew.median_ms as f64),
            note: of_median(duration as f64 / skew.median_ms as f64),
        },
        Evidence {
            metric: format!("partition size of task {index}"),
            value: skew.size.of(tasks, worst) as f64,
            unit: skew.size.measure().unit(),
            baseline: Some(skew.median_size as f64),
            note: of_median(skew.ratio(tasks, worst)),
        },
    ];
    if let Some(spilled) = tasks
        .metric(worst, TaskMetric::DiskBytesSpilled)
        .filter(|bytes| *bytes > 0)
    {
        evidence.push(Evidence {
            metric: format!("disk spill of task {index}"),
            value: spilled as f64,
            unit: Unit::Bytes,
            baseline: None,
            note: "the partition does not fit in the task's memory".into(),
        });
    }
    evidence
}

/// Whether duration follows size, in words.
fn follows(correlation: Option<f64>) -> String {
    match correlation {
        Some(correlation) if correlation >= 0.5 => {
            format!("Durations follow sizes (rank correlation {correlation:.2}). ")
        }
        Some(correlation) => format!(
            "Durations of the others do not follow their sizes (rank correlation {correlation:.2}), which differ little. "
        ),
        None => String::new(),
    }
}

fn cause(context: &Context<'_>, stage: &Stage, skew: &Skew) -> String {
    let tasks = &*stage.tasks;
    let many = match skew.rows.len() {
        1 => "One partition holds".to_owned(),
        n => format!("{n} of {} partitions hold up to", skew.partitions),
    };
    let most = skew.rows.iter().map(|row| skew.ratio(tasks, *row)).fold(0.0, f64::max);
    let most = units::times(most);
    let hosts: std::collections::BTreeSet<&str> = skew.rows.iter().map(|row| &**tasks.host(*row)).collect();
    let hosts: Vec<&str> = hosts.into_iter().take(3).collect();
    let end = if partitions::reads_files(stage) {
        "The data come so from the input: one file or split is far larger than the others.".to_owned()
    } else {
        let by = skew_advice::shuffled_by(context, stage).map(|columns| format!(" ({})", columns.join(", ")));
        format!(
            "Rows with the same key{} go to the same partition, so one key, or a few, are far more frequent than the others.",
            by.unwrap_or_default()
        )
    };
    format!(
        "{many} {} the data of the median ({}); the stage waits for it while the other slots stand idle (of {} slots; \
         on {}). {}{end}",
        most,
        skew.shown(skew.median_size),
        context.slots.during(stage),
        hosts.join(", "),
        follows(skew.correlation),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Thresholds, findings};
    use crate::schedule::sample::Sample;

    const MIB: u64 = 1 << 20;

    /// Tasks of a second for each 10 MiB, and one with `times` as much.
    fn skewed(times: u64) -> Sample {
        let mut durations = vec![1_000; 32];
        durations[5] = 1_000 * times;
        Sample::cluster(4, 2)
            .gap(5_000)
            .stage_with("join at /apps/etl.py:88", &durations, move |index, task| {
                let bytes = if index == 5 { 10 * MIB * times } else { 10 * MIB };
                task.metrics.set(TaskMetric::ShuffleRemoteBytesRead, Some(bytes));
            })
    }

    #[test]
    fn the_skewed_task_is_named_with_what_splitting_gives_back() {
        let findings = findings(&skewed(40).application(), &Thresholds::default());
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!((finding.rule, finding.severity), (RULE.name, Severity::Critical));
        assert_eq!(finding.place.tasks, [5]);
        assert_eq!(
            finding.title,
            "Skewed partition in stage 0 (join at etl.py:88): task 5 read 400 MiB, 40× the median"
        );
        // 71 task-seconds on 8 slots take 9 s; as recorded it was 40 s.
        let saving = finding.saving_ms.unwrap();
        assert!((30_000..=31_500).contains(&saving), "{saving}");
        assert_eq!(finding.confidence, Confidence::High);
        assert!(
            finding.advice[0].code.python.contains("randrange(16)"),
            "{:?}",
            finding.advice[0]
        );
    }

    #[test]
    fn a_sql_stage_is_told_which_setting_stops_aqe() {
        let mut application = skewed(40).set("spark.sql.adaptive.enabled", "false").application();
        let mut stage = (*application.stages[0]).clone();
        stage.sql = Some(3);
        application = application.with_stage(stage);
        let findings = findings(&application, &Thresholds::default());
        let aqe = &findings[0].advice[0];
        assert!(aqe.text.contains("spark.sql.adaptive.enabled is off"), "{}", aqe.text);
        assert_eq!(aqe.config[0].0, "spark.sql.adaptive.enabled");
        assert_eq!(findings[0].place.sql, Some(3));
    }

    #[test]
    fn a_slow_task_of_usual_size_is_no_skew() {
        let durations: Vec<u64> = (0..32).map(|index| if index == 5 { 40_000 } else { 1_000 }).collect();
        let sample = Sample::cluster(4, 2).stage_with("a", &durations, |_, task| {
            task.metrics.set(TaskMetric::ShuffleRemoteBytesRead, Some(10 * MIB));
        });
        assert!(findings(&sample.application(), &Thresholds::default()).is_empty());
    }

    #[test]
    fn empty_partitions_do_not_make_the_others_skewed() {
        // Five equal keys in 200 partitions.
        let durations: Vec<u64> = (0..200).map(|index| if index < 5 { 9_000 } else { 20 }).collect();
        let sample = Sample::cluster(1, 4).stage_with("a", &durations, |index, task| {
            let bytes = if index < 5 { 100 * MIB } else { 0 };
            task.metrics.set(TaskMetric::ShuffleRemoteBytesRead, Some(bytes));
        });
        assert!(findings(&sample.application(), &Thresholds::default()).is_empty());
    }

    #[test]
    fn skew_in_records_alone_is_skew() {
        let durations: Vec<u64> = (0..32).map(|index| if index == 5 { 40_000 } else { 1_000 }).collect();
        let sample = Sample::cluster(4, 2).stage_with("a", &durations, |index, task| {
            let records = if index == 5 { 4_000_000 } else { 100_000 };
            task.metrics.set(TaskMetric::ShuffleReadRecords, Some(records));
        });
        let findings = findings(&sample.application(), &Thresholds::default());
        assert!(
            findings[0]
                .title
                .ends_with("task 5 read 4.0 million records, 40× the median"),
            "{}",
            findings[0].title
        );
    }
}
