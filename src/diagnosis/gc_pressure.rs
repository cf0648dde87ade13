//! `gc-pressure`: executors spend much of their tasks' time on garbage collection.

use std::collections::BTreeMap;

use super::context::Context;
use super::executor_memory;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Severity};
use super::{Draft, Matter, Rule, partition_count};
use crate::model::{Stage, TaskMetric, Unit};
use crate::schedule::slot_times;
use crate::units;

pub const RULE: Rule = Rule {
    name: "gc-pressure",
    about: "Garbage collection takes at least 10% of executor run time (the share that Spark's own Executors page marks) in a stage \
            of at least 5% of wall time. Saving: each task's garbage collection beyond 5% of its run time left out; the \
            application replayed by list scheduling.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    let least = context.wall_ms as f64 * context.thresholds.gc_stage_share;
    let stages = context
        .stages_that_matter()
        .filter(|stage| context.stage_ms(stage) as f64 >= least);
    stages.filter_map(|stage| examine(context, stage)).collect()
}

fn examine(context: &Context<'_>, stage: &Stage) -> Option<Draft> {
    let thresholds = context.thresholds;
    let tasks = &*stage.tasks;
    let (gc, run) = (
        stage.totals.get(TaskMetric::JvmGcTime)?,
        stage.totals.get(TaskMetric::ExecutorRunTime)?,
    );
    let share = gc as f64 / run.max(1) as f64;
    if share < thresholds.gc_share {
        return None;
    }
    let relieved = slot_times(stage).into_iter().map(|(row, held)| {
        let run = tasks.metric(row, TaskMetric::ExecutorRunTime).unwrap_or(0);
        let fair = (run as f64 * thresholds.gc_healthy_share) as u64;
        held.saturating_sub(
            tasks
                .metric(row, TaskMetric::JvmGcTime)
                .unwrap_or(0)
                .saturating_sub(fair),
        )
    });
    let what = format!(
        "with garbage collection at {} of run time",
        units::percent(thresholds.gc_healthy_share)
    );
    let saving = context.saving_of_tasks(stage, relieved.collect(), &what, Confidence::Medium);
    let worst = worst_executor(stage);
    let mut place = context.place(stage);
    place.executor = worst.as_ref().map(|(executor, _)| executor.clone());
    let mut evidence = vec![Evidence {
        metric: "garbage collection, all tasks".into(),
        value: gc as f64,
        unit: Unit::Millis,
        baseline: Some(run as f64),
        note: format!("{} of executor run time", units::percent(share)),
    }];
    if let Some((executor, share)) = worst {
        evidence.push(Evidence {
            metric: format!("on executor {executor}"),
            value: share,
            unit: Unit::Share,
            baseline: Some(thresholds.gc_share),
            note: "the worst executor in this stage".into(),
        });
    }
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "Garbage collection in {}: {} of executor run time",
                context.name(stage),
                units::percent(share)
            ),
            place,
            evidence,
            cause: format!(
                "The heap ({}) is nearly full of what {} at once and cached data hold, so the JVM collects again and again and each \
                 task waits.",
                units::bytes(executor_memory::heap(context.application)),
                tasks_at_once(context, stage)
            ),
            advice: advice(context, stage),
            saving_ms: Some(saving.ms),
            saving_note: saving.note,
            confidence: saving.confidence,
        },
        matter: Matter::Saving,
    })
}

fn tasks_at_once(context: &Context<'_>, stage: &Stage) -> String {
    match executor_memory::tasks_an_executor(context, stage) {
        1 => "one task".into(),
        tasks => format!("{tasks} tasks"),
    }
}

fn worst_executor(stage: &Stage) -> Option<(String, f64)> {
    let tasks = &*stage.tasks;
    let mut by_executor: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for row in 0..tasks.len() {
        let (gc, run) = by_executor.entry(tasks.executor(row)).or_default();
        *gc = gc.saturating_add(tasks.metric(row, TaskMetric::JvmGcTime).unwrap_or(0));
        *run = run.saturating_add(tasks.metric(row, TaskMetric::ExecutorRunTime).unwrap_or(0));
    }
    let shares = by_executor
        .into_iter()
        .map(|(executor, (gc, run))| (executor, gc as f64 / run.max(1) as f64));
    let worst = shares.max_by(|a, b| a.1.total_cmp(&b.1))?;
    Some((worst.0.to_owned(), worst.1))
}

fn advice(context: &Context<'_>, stage: &Stage) -> Vec<Advice> {
    let heap = executor_memory::heap(context.application);
    let tasks = tasks_at_once(context, stage);
    let count = partition_count::suggest(context, stage)
        .partitions
        .max(u64::from(stage.num_tasks) * 2);
    let mut advice = vec![
        Advice {
            text: format!("Give the heap half as much again: it has {} for {tasks} at once.", units::bytes(heap)),
            config: vec![("spark.executor.memory".into(), executor_memory::setting(heap.saturating_add(heap / 2)))],
            ..Advice::default()
        },
        Advice {
            text: format!("Or give each task less: {count} partitions instead of {}.", stage.num_tasks),
            config: Vec::new(),
            code: Code {
                python: format!("df = df.repartition({count})"),
                scala: format!("val smaller = df.repartition({count})"),
                sql: format!("SELECT /*+ REPARTITION({count}) */ … FROM …"),
            },
        },
        Advice {
            text: "What is cached should be cached serialized (one object a partition instead of one a row); rows of objects in RDDs \
                   cost far more heap than DataFrames."
                .into(),
            config: Vec::new(),
            code: Code {
                scala: "rdd.persist(StorageLevel.MEMORY_ONLY_SER)".into(),
                ..Code::default()
            },
        },
    ];
    if heap >= 32 << 30 {
        advice.push(Advice {
            text: "On a heap this large, give G1 larger regions.".into(),
            config: vec![(
                "spark.executor.extraJavaOptions".into(),
                "-XX:+UseG1GC -XX:G1HeapRegionSize=32m".into(),
            )],
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

    fn collecting(gc: u64) -> Sample {
        Sample::cluster(2, 2).stage_with("a", &[10_000; 16], move |_, task| {
            task.metrics.set(TaskMetric::JvmGcTime, Some(gc));
        })
    }

    #[test]
    fn a_stage_that_collects_garbage_is_told() {
        let findings = findings(&collecting(3_000).application(), &Thresholds::default());
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            finding.title,
            "Garbage collection in stage 0 (a): 30% of executor run time"
        );
        // 2.5 s of 10 s in each of four waves.
        assert_eq!(
            (finding.saving_ms, finding.severity),
            (Some(10_000), Severity::Critical)
        );
    }

    #[test]
    fn usual_garbage_is_not() {
        assert!(findings(&collecting(900).application(), &Thresholds::default()).is_empty());
    }
}
