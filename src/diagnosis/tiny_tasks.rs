//! `tiny-tasks`: so many, so short tasks that starting them costs more than what they do.

use super::alike::{self, Found};
use super::context::Context;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Severity};
use super::{Draft, Matter, Rule, adaptive, partition_count, partitions, statistics};
use crate::model::{Stage, TaskMeasure, TaskMetric, Unit};
use crate::units;

pub const RULE: Rule = Rule {
    name: "tiny-tasks",
    about: "The median task takes less than 100 ms, or scheduling and deserialization take 30% of that, over at least 4 \
            tasks a slot and 100 in all. Saving: the tasks' own work in N partitions (see the advice for N), each with the stage's median \
            scheduling and deserialization once; the application replayed by list scheduling.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    let stages = context.stages_that_matter();
    let found = stages.filter_map(|stage| examine(context, stage)).collect();
    alike::fold(context, found)
}

/// What a stage's tasks cost to start, and what they do.
struct Overhead {
    tasks: u64,
    median_ms: u64,
    /// What all tasks do, ms.
    work_ms: u64,
    /// Median of a task's scheduling and deserialization.
    each_ms: u64,
    /// What each task does, in order of index, ms.
    work: Vec<u64>,
}

impl Overhead {
    fn of(stage: &Stage) -> Option<Overhead> {
        let tasks = &*stage.tasks;
        let rows = partitions::rows(stage);
        let starting = |row: &usize| {
            let parts = [
                tasks.measure(*row, TaskMeasure::SchedulerDelay),
                tasks.metric(*row, TaskMetric::ExecutorDeserializeTime),
            ];
            statistics::total(parts.into_iter().flatten())
        };
        let durations: Vec<u64> = rows.iter().map(|row| tasks.duration_ms(*row).unwrap_or(0)).collect();
        let starts: Vec<u64> = rows.iter().map(starting).collect();
        let median_ms = statistics::median(durations.clone())?;
        let each_ms = statistics::median(starts.clone())?.min(median_ms);
        // What a task takes to start beyond the usual (the first on its slot loads classes) would not go away.
        let work: Vec<u64> = durations
            .iter()
            .zip(&starts)
            .map(|(all, start)| all - (*start).min(each_ms.saturating_mul(2)).min(*all))
            .collect();
        Some(Overhead {
            tasks: rows.len() as u64,
            median_ms,
            each_ms,
            work_ms: statistics::total(work.iter().copied()),
            work,
        })
    }

    /// Neighbours merged up to an equal share of the work; what is larger stays as it is.
    fn merged(&self, partitions: u64) -> Vec<u64> {
        let share = (self.work_ms / partitions.max(1)).max(1);
        let mut merged: Vec<u64> = Vec::new();
        for work in &self.work {
            match merged.last_mut() {
                Some(last) if last.saturating_add(*work) <= share => *last += work,
                _ => merged.push(*work),
            }
        }
        merged
            .into_iter()
            .map(|work| work.saturating_add(self.each_ms))
            .collect()
    }
}

fn examine<'a>(context: &Context<'_>, stage: &'a Stage) -> Option<Found<'a>> {
    let thresholds = context.thresholds;
    let slots = u64::from(context.slots.during(stage)).max(1);
    let overhead = Overhead::of(stage)?;
    let share = overhead.each_ms as f64 / overhead.median_ms.max(1) as f64;
    let tiny = overhead.median_ms < thresholds.tiny_median_ms || share >= thresholds.tiny_starting_share;
    if !tiny
        || overhead.tasks < thresholds.tiny_least_tasks
        || (overhead.tasks as f64) < thresholds.tiny_tasks_a_slot * slots as f64
        || stage.key.attempt > 0
    {
        return None;
    }
    let count = partition_count::suggest(context, stage);
    if count.partitions >= overhead.tasks {
        return None;
    }
    let what = format!(
        "with {} tasks instead of {}",
        count.partitions,
        units::count(overhead.tasks)
    );
    let merged = overhead.merged(count.partitions);
    let saving = context.saving_of_tasks(stage, merged.clone(), &what, Confidence::Medium);
    let title = format!(
        "Tiny tasks in {}: {} of {} each (median) on {slots} slots; coalesce({})",
        context.name(stage),
        units::count(overhead.tasks),
        units::duration(overhead.median_ms),
        count.partitions
    );
    let draft = Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title,
            place: context.place(stage),
            evidence: vec![
                Evidence {
                    metric: "tasks".into(),
                    value: overhead.tasks as f64,
                    unit: Unit::Count,
                    baseline: Some(slots as f64),
                    note: "task slots".into(),
                },
                Evidence {
                    metric: "median task duration".into(),
                    value: overhead.median_ms as f64,
                    unit: Unit::Millis,
                    baseline: Some(thresholds.tiny_median_ms as f64),
                    note: "below this, starting a task costs about as much as it does".into(),
                },
                Evidence {
                    metric: "scheduling and deserialization".into(),
                    value: share,
                    unit: Unit::Share,
                    baseline: None,
                    note: "of the median task's time".into(),
                },
            ],
            cause: format!(
                "The driver starts tasks one after another, and each costs it and the executor some {} before it does anything; {} \
                 tasks do so little each that this is most of what is waited for.",
                units::duration(overhead.each_ms),
                units::count(overhead.tasks)
            ),
            advice: advice(context, stage, overhead.tasks, count.partitions, &count.because),
            saving_ms: Some(saving.ms),
            saving_note: saving.note,
            confidence: saving.confidence,
        },
        matter: Matter::Saving,
    };
    Some(Found {
        stage,
        remedy: count.partitions.to_string(),
        tasks: merged,
        what,
        at_most: Confidence::Medium,
        draft,
    })
}

fn advice(context: &Context<'_>, stage: &Stage, tasks: u64, n: u64, because: &str) -> Vec<Advice> {
    let site = context.call_site(stage);
    let environment = &context.application.environment;
    let total = |metric| stage.totals.get(metric).unwrap_or(0);
    let shuffled = total(TaskMetric::ShuffleReadRecords) > 0;
    let sql = stage.sql.is_some();
    let mut advice = Vec::new();
    if sql && shuffled {
        let mut config = Vec::new();
        let mut text = format!("Use {n} shuffle partitions. {n}: {because}.");
        if adaptive::is_on(context.application) {
            // AQE merges small partitions by itself unless told to keep the parallelism.
            config.push((
                "spark.sql.adaptive.coalescePartitions.parallelismFirst".to_owned(),
                "false".to_owned(),
            ));
            text = format!("Let AQE merge the small partitions to its advisory size. {text}");
        } else if adaptive::version(context.application).is_none_or(|version| version >= (3, 0)) {
            config.push(("spark.sql.adaptive.enabled".to_owned(), "true".to_owned()));
            text = format!("Let AQE merge the small partitions: spark.sql.adaptive.enabled is off. {text}");
        }
        config.push(("spark.sql.shuffle.partitions".to_owned(), n.to_string()));
        advice.push(Advice {
            text,
            config,
            ..Advice::default()
        });
    }
    let was = environment
        .spark_number("spark.default.parallelism")
        .filter(|set| *set == tasks as f64);
    if !sql && was.is_some() {
        advice.push(Advice {
            text: format!("spark.default.parallelism is {tasks}."),
            config: vec![("spark.default.parallelism".into(), n.to_string())],
            ..Advice::default()
        });
    }
    let source = if total(TaskMetric::InputBytes) > 0 {
        " Many small files are read in one task each: compact them, or let a task take several (spark.sql.files.openCostInBytes)."
    } else {
        ""
    };
    advice.push(Advice {
        text: format!(
            "Merge the partitions before the work at {}; coalesce moves no data. {n}: {because}.{source}",
            site.line_or_unknown()
        ),
        config: Vec::new(),
        code: Code {
            python: if sql {
                format!("df = df.coalesce({n})")
            } else {
                format!("rdd = rdd.coalesce({n})")
            },
            scala: if sql {
                format!("val fewer = df.coalesce({n})")
            } else {
                format!("val fewer = rdd.coalesce({n})")
            },
            sql: if sql {
                format!("SELECT /*+ COALESCE({n}) */ … FROM …")
            } else {
                String::new()
            },
        },
    });
    advice
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Thresholds, findings};
    use crate::schedule::sample::Sample;

    #[test]
    fn starting_thousands_of_tasks_costs_more_than_their_work() {
        let sample = Sample::cluster(2, 2)
            .gap(1_000)
            .stage_with("count at /apps/a.py:3", &[20; 4_000], |_, task| {
                task.metrics.set(TaskMetric::ExecutorRunTime, Some(8));
                task.metrics.set(TaskMetric::ExecutorDeserializeTime, Some(2));
            });
        let findings = findings(&sample.application(), &Thresholds::default());
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            finding.title,
            "Tiny tasks in stage 0 (count at a.py:3): 4,000 of 20 ms each (median) on 4 slots; coalesce(8)"
        );
        // 20 s become 2 waves of 8 × 4000 / 8 + 12 ms.
        assert_eq!(finding.saving_ms, Some(20_000 - 2 * 4_012));
        assert!(finding.advice[0].code.python.contains("rdd.coalesce(8)"));
    }

    #[test]
    fn a_few_short_tasks_are_no_fault() {
        let sample = Sample::cluster(2, 2).gap(20_000).stage("a", &[50; 64]);
        assert!(findings(&sample.application(), &Thresholds::default()).is_empty());
    }
}
