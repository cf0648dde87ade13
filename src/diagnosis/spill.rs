//! `spill`: tasks had to write what they work on to disk because it did not fit in their memory.

use super::context::Context;
use super::executor_memory;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Severity};
use super::partitions::{self, Size};
use super::{Draft, Matter, Rule, partition_count, skewed_partition, statistics};
use crate::model::{Stage, TaskMetric, Unit};
use crate::schedule::slot_times;
use crate::units;

pub const RULE: Rule = Rule {
    name: "spill",
    about: "Tasks spilled to disk, and those that did take at least 10% of the stage's task time. Saving: where enough tasks of the \
            stage did not spill, the others at those tasks' time a byte, the application replayed; else none: what spilling cost \
            cannot be told from what the task did, and only 256 MiB and more is told.",
    check,
};

/// So many tasks of each sort make a comparison.
const COMPARABLE: usize = 4;

fn check(context: &Context<'_>) -> Vec<Draft> {
    context
        .stages_that_matter()
        .filter_map(|stage| examine(context, stage))
        .collect()
}

fn examine(context: &Context<'_>, stage: &Stage) -> Option<Draft> {
    let tasks = &*stage.tasks;
    let disk = stage
        .totals
        .get(TaskMetric::DiskBytesSpilled)
        .filter(|bytes| *bytes > 0)?;
    // A skewed partition spills for its size: that finding says so.
    if skewed_partition::is_skewed(context, stage) {
        return None;
    }
    let rows = partitions::rows(stage);
    let time = |rows: &[usize]| statistics::total(rows.iter().filter_map(|row| tasks.duration_ms(*row)));
    let spills = |row: &usize| tasks.metric(*row, TaskMetric::DiskBytesSpilled).unwrap_or(0) > 0;
    let (spilling, others): (Vec<usize>, Vec<usize>) = rows.iter().partition(|row| spills(row));
    let share = time(&spilling) as f64 / time(&rows).max(1) as f64;
    if share < context.thresholds.spill_time_share {
        return None;
    }
    let count = partition_count::suggest(context, stage);
    if count.partitions <= rows.len() as u64 {
        return None;
    }
    let usual = (spilling.len() >= COMPARABLE && others.len() >= COMPARABLE)
        .then(|| rate(stage, &others))
        .flatten();
    let (saving_ms, saving_note, confidence) = match usual {
        Some(rate) => {
            let relieved = slot_times(stage).into_iter().map(|(row, held)| {
                let fair = (Size::Bytes.of(tasks, row) as f64 * rate) as u64;
                if spilling.contains(&row) { held.min(fair) } else { held }
            });
            let saving = context.saving_of_tasks(stage, relieved.collect(), "without spilling", Confidence::Medium);
            (Some(saving.ms), saving.note, saving.confidence)
        }
        None => (
            None,
            "Too few tasks of the stage did without spilling to tell what it cost.".to_owned(),
            Confidence::Low,
        ),
    };
    if saving_ms.is_none() && disk < context.thresholds.spill_bytes {
        return None;
    }
    let size = |metric: &str, value: u64, note: &str| Evidence {
        metric: metric.into(),
        value: value as f64,
        unit: Unit::Bytes,
        baseline: None,
        note: note.into(),
    };
    let per_task = executor_memory::per_task(context, stage);
    let memory = stage.totals.get(TaskMetric::MemoryBytesSpilled).unwrap_or(0);
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "Spill in {}: {} of {} wrote {} to disk; {} partitions would fit",
                context.name(stage),
                spilling.len(),
                units::counted(rows.len() as u64, "task"),
                units::bytes(disk),
                count.partitions
            ),
            place: context.place(stage),
            evidence: vec![
                size("disk spill", disk, "serialized, as written"),
                size("memory spill", memory, "the same data in memory"),
                size(
                    "execution and storage memory a task",
                    per_task,
                    "(heap − 300 MiB) × spark.memory.fraction / tasks an executor",
                ),
                Evidence {
                    metric: "time in spilling tasks".into(),
                    value: share,
                    unit: Unit::Share,
                    baseline: None,
                    note: "of the stage's task time".into(),
                },
            ],
            cause: format!(
                "A partition's data take more than the {} that a task may count on, so it is sorted in pieces on disk and merged.",
                units::bytes(per_task)
            ),
            advice: advice(context, stage, &count),
            saving_ms,
            saving_note,
            confidence,
        },
        matter: if saving_ms.is_none() {
            Matter::Hazard
        } else {
            Matter::Saving
        },
    })
}

/// The median of duration a byte, ms.
fn rate(stage: &Stage, rows: &[usize]) -> Option<f64> {
    // In picoseconds, to keep to whole numbers.
    let of = |row: &usize| {
        let bytes = Size::Bytes.of(&stage.tasks, *row);
        (bytes > 0).then(|| {
            stage
                .tasks
                .duration_ms(*row)
                .map(|ms| (ms as f64 * 1e9 / bytes as f64) as u64)
        })?
    };
    let rates: Vec<u64> = rows.iter().filter_map(of).collect();
    (rates.len() >= COMPARABLE)
        .then(|| statistics::median(rates))
        .flatten()
        .map(|rate| rate as f64 / 1e9)
}

fn advice(context: &Context<'_>, stage: &Stage, count: &partition_count::PartitionCount) -> Vec<Advice> {
    let n = count.partitions;
    let heap = executor_memory::heap(context.application);
    let sql = stage.sql.is_some();
    vec![
        Advice {
            text: format!(
                "Give each task less: {n} partitions instead of {}. {n}: {}.",
                stage.num_tasks, count.because
            ),
            config: if sql {
                vec![("spark.sql.shuffle.partitions".into(), n.to_string())]
            } else {
                Vec::new()
            },
            code: Code {
                python: if sql {
                    format!("df = df.repartition({n})")
                } else {
                    format!("rdd = rdd.repartition({n})")
                },
                scala: if sql {
                    format!("val smaller = df.repartition({n})")
                } else {
                    format!("val smaller = rdd.repartition({n})")
                },
                sql: if sql {
                    format!("SELECT /*+ REPARTITION({n}) */ … FROM …")
                } else {
                    String::new()
                },
            },
        },
        Advice {
            text: format!("Or give executors more memory: the heap has {}.", units::bytes(heap)),
            config: vec![(
                "spark.executor.memory".into(),
                executor_memory::setting(heap.saturating_mul(2)),
            )],
            ..Advice::default()
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Thresholds, findings};
    use crate::schedule::sample::Sample;

    fn spilling(each: u64, tasks: usize) -> Sample {
        let durations: Vec<u64> = (0..16).map(|index| if index < tasks { 9_000 } else { 4_000 }).collect();
        Sample::cluster(2, 2).stage_with("a", &durations, move |index, task| {
            task.metrics.set(TaskMetric::ShuffleRemoteBytesRead, Some(200 << 20));
            task.metrics.set(TaskMetric::ShuffleReadRecords, Some(1_000_000));
            let spilled = if index < tasks { each } else { 0 };
            task.metrics.set(TaskMetric::DiskBytesSpilled, Some(spilled));
            task.metrics.set(TaskMetric::MemoryBytesSpilled, Some(spilled * 4));
        })
    }

    #[test]
    fn what_spilling_cost_is_told_by_those_that_did_not() {
        let findings = findings(&spilling(100 << 20, 8).application(), &Thresholds::default());
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert!(
            finding
                .title
                .starts_with("Spill in stage 0 (a): 8 of 16 tasks wrote 800 MiB to disk;"),
            "{}",
            finding.title
        );
        // Two waves of 9 s at 4 s.
        let saving = finding.saving_ms.unwrap();
        assert!((9_990..=10_010).contains(&saving), "{saving}");
    }

    #[test]
    fn without_a_comparison_only_much_is_told() {
        assert!(findings(&spilling(1 << 20, 16).application(), &Thresholds::default()).is_empty());
        let findings = findings(&spilling(100 << 20, 16).application(), &Thresholds::default());
        assert_eq!(
            (findings[0].rule, findings[0].severity, findings[0].saving_ms),
            (RULE.name, Severity::Info, None)
        );
    }
}
