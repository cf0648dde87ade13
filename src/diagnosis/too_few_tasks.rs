//! `too-few-tasks`: a stage that takes much of the application has fewer tasks than slots, or a few enormous ones.

use super::alike::{self, Found};
use super::context::Context;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Severity};
use super::partition_count::{self, PartitionCount};
use super::partitions;
use super::query_plan::{QueryPlan, Single};
use super::{Draft, Matter, Rule, adaptive, jdbc_single_partition, skewed_partition, statistics};
use crate::model::{Stage, TaskMeasure, TaskMetric, Unit};
use crate::units;

pub const RULE: Rule = Rule {
    name: "too-few-tasks",
    about: "A stage that takes at least 5 s and 5% of wall time has fewer tasks than slots, or reads at least 512 MiB a task while \
            a quarter of the slots' time is idle. Saving: its work in N equal partitions (see the advice for N), each with the \
            stage's fixed cost a task and, for first tasks on a slot, the warm-up; the application replayed by list scheduling.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    let long = context.thresholds.too_few_least_ms as f64;
    let least = long.max(context.wall_ms as f64 * context.thresholds.too_few_stage_share);
    let candidates = context
        .stages_that_matter()
        .filter(|stage| context.stage_ms(stage) as f64 >= least);
    let found: Vec<Found<'_>> = candidates.filter_map(|stage| examine(context, stage)).collect();
    alike::fold(context, found)
}

fn examine<'a>(context: &Context<'_>, stage: &'a Stage) -> Option<Found<'a>> {
    let slots = context.slots.during(stage);
    let rows = partitions::rows(stage);
    let tasks = u64::from(stage.num_tasks).max(rows.len() as u64);
    // A stage that stopped half-way, or reruns a few lost partitions, tells nothing of how it was partitioned.
    if rows.is_empty() || (rows.len() as u64) < tasks || stage.key.attempt > 0 {
        return None;
    }
    let few = tasks < u64::from(slots);
    let large = !few && has_large_partitions_and_idle_slots(context, stage, slots, tasks);
    // Splitting evenly does not mend skew: that is another finding. So is a table read through one connection.
    if !(few || large) || jdbc_single_partition::explains(context, stage) || skewed_partition::is_skewed(context, stage)
    {
        return None;
    }
    let longest = rows.iter().copied().max_by_key(|row| stage.tasks.duration_ms(*row))?;
    if stage.tasks.duration_ms(longest)? < context.thresholds.too_few_least_ms {
        return None;
    }
    let count = partition_count::suggest(context, stage);
    if count.partitions <= tasks {
        return None;
    }
    let even = evenly(context, stage, &rows, count.partitions);
    let sure = if records(stage).is_some_and(|records| records >= 100 * count.partitions) {
        Confidence::High
    } else {
        // Whether so few rows (or rows that nobody counted) can be divided is not known.
        Confidence::Medium
    };
    let single = single_partition(context, stage, tasks);
    // Those can be divided only by computing something else.
    let sure = match single {
        Some(Single::Window | Single::Aggregate | Single::Limit) => sure.min(Confidence::Medium),
        _ => sure,
    };
    let what = format!(
        "with {} equal tasks instead of {}",
        count.partitions,
        units::count(tasks)
    );
    let saving = context.saving_of_tasks(stage, even.clone(), &what, sure);
    let of = if tasks == 1 {
        "1 task"
    } else {
        &format!("{} tasks", units::count(tasks))
    };
    let remedy = match single {
        Some(single) => single.short().to_owned(),
        None => format!("repartition({})", count.partitions),
    };
    let title = format!(
        "Too few tasks in {}: {of} for {slots} slots; {remedy}",
        context.name(stage)
    );
    let mut place = context.place(stage);
    place.tasks = vec![stage.tasks.id(longest)];
    let draft = Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title,
            place,
            evidence: evidence(context, stage, slots, tasks, longest),
            cause: cause(context, stage, tasks, single),
            advice: advice(context, stage, tasks, &count, single),
            saving_ms: Some(saving.ms),
            saving_note: saving.note,
            confidence: saving.confidence,
        },
        matter: Matter::Saving,
    };
    Some(Found {
        stage,
        remedy: format!("{of} {remedy}"),
        tasks: even,
        what,
        at_most: sure,
        draft,
    })
}

/// The stage's work in equal parts: its time less each task's fixed cost, that cost added to every part.
pub fn evenly(context: &Context<'_>, stage: &Stage, rows: &[usize], partitions: u64) -> Vec<u64> {
    let first = context.first_on_slots();
    let tasks = &*stage.tasks;
    let (mut work, mut fixed) = (0_u64, 0_u64);
    for row in rows {
        let held = tasks.duration_ms(*row).unwrap_or(0);
        let held = held.saturating_sub(tasks.measure(*row, TaskMeasure::GettingResultTime).unwrap_or(0));
        let cost = [
            tasks.metric(*row, TaskMetric::ExecutorDeserializeTime),
            tasks.measure(*row, TaskMeasure::SchedulerDelay),
            first.contains(&tasks.id(*row)).then_some(context.thresholds.warm_up_ms),
        ];
        let cost = statistics::total(cost.into_iter().flatten()).min(held);
        work = work.saturating_add(held - cost);
        fixed = fixed.saturating_add(cost);
    }
    let each = (work / partitions.max(1)).saturating_add(fixed / (rows.len() as u64).max(1));
    vec![each; usize::try_from(partitions).unwrap_or(0)]
}

fn has_large_partitions_and_idle_slots(context: &Context<'_>, stage: &Stage, slots: u32, tasks: u64) -> bool {
    let thresholds = context.thresholds;
    let bytes = stage.bytes_read().unwrap_or(0) / tasks.max(1);
    let held = statistics::total((0..stage.tasks.len()).filter_map(|row| stage.tasks.duration_ms(row)));
    let room = context.stage_ms(stage).saturating_mul(u64::from(slots)).max(1);
    bytes >= thresholds.large_partition_bytes
        && 1.0 - held as f64 / room as f64 >= thresholds.large_partition_idle_share
}

/// Records that the stage read; `None` when none were counted.
fn records(stage: &Stage) -> Option<u64> {
    let total = |metric| stage.totals.get(metric).unwrap_or(0);
    let sum = total(TaskMetric::InputRecords).saturating_add(total(TaskMetric::ShuffleReadRecords));
    (sum > 0).then_some(sum)
}

fn evidence(context: &Context<'_>, stage: &Stage, slots: u32, tasks: u64, longest: usize) -> Vec<Evidence> {
    let mut evidence = vec![
        Evidence {
            metric: "tasks".into(),
            value: tasks as f64,
            unit: Unit::Count,
            baseline: Some(f64::from(slots)),
            note: "task slots of the executors alive".into(),
        },
        Evidence {
            metric: "stage duration".into(),
            value: context.stage_ms(stage) as f64,
            unit: Unit::Millis,
            baseline: Some(context.wall_ms as f64),
            note: "wall time of the application".into(),
        },
        Evidence {
            metric: format!("duration of task {}", stage.tasks.index(longest)),
            value: stage.tasks.duration_ms(longest).unwrap_or(0) as f64,
            unit: Unit::Millis,
            baseline: None,
            note: "the longest task".into(),
        },
    ];
    if let Some(bytes) = stage.bytes_read().filter(|bytes| *bytes > 0) {
        evidence.push(Evidence {
            metric: "bytes read a task".into(),
            value: (bytes / tasks.max(1)) as f64,
            unit: Unit::Bytes,
            baseline: Some(context.thresholds.partition_bytes as f64),
            note: "what a partition should hold".into(),
        });
    }
    if let Some(spilled) = stage
        .totals
        .get(TaskMetric::DiskBytesSpilled)
        .filter(|bytes| *bytes > 0)
    {
        evidence.push(Evidence {
            metric: "disk spill".into(),
            value: spilled as f64,
            unit: Unit::Bytes,
            baseline: None,
            note: "the partitions do not fit in the tasks' memory".into(),
        });
    }
    evidence
}

/// What put all rows into the one partition of a stage behind a shuffle, where the plan tells.
fn single_partition(context: &Context<'_>, stage: &Stage, tasks: u64) -> Option<Single> {
    if tasks > 1 || !partitions::reads_shuffle(stage) {
        return None;
    }
    QueryPlan::of(context, stage)?.single_partition()
}

/// What made the partitions so few, as far as the stage tells.
fn cause(context: &Context<'_>, stage: &Stage, tasks: u64, single: Option<Single>) -> String {
    let environment = &context.application.environment;
    let is_setting = |key: &str| environment.spark_number(key) == Some(tasks as f64);
    let shuffles = partitions::reads_shuffle(stage);
    let why = if let Some(single) = single {
        single.sentence().to_owned()
    } else if shuffles && stage.sql.is_some() && is_setting("spark.sql.shuffle.partitions") {
        format!("spark.sql.shuffle.partitions is {tasks}.")
    } else if stage.sql.is_none() && is_setting("spark.default.parallelism") {
        format!("spark.default.parallelism is {tasks}.")
    } else if shuffles && tasks == 1 {
        "All rows were sent to one partition: coalesce(1) or repartition(1), a window without PARTITION BY, a global limit or \
         sort, or an aggregate that cannot be done in parts."
            .into()
    } else if shuffles && stage.sql.is_some() && adaptive::is_on(context.application) {
        "Adaptive query execution merged small shuffle partitions, or the query asks for that number (coalesce, repartition).".into()
    } else if shuffles {
        "The shuffle before it was given that number of partitions (the operation's numPartitions, coalesce, repartition).".into()
    } else if tasks == 1 {
        "The input came as one partition: one file that cannot be split (gzip), a JDBC table read without partitionColumn, one \
         slice, or coalesce(1)."
            .into()
    } else {
        "The input came in that many partitions: few files or splits, few slices, or coalesce.".into()
    };
    let slots = context.slots.during(stage);
    format!("{why} The other slots (of {slots}) have nothing to do while it runs.")
}

fn advice(
    context: &Context<'_>,
    stage: &Stage,
    tasks: u64,
    count: &PartitionCount,
    single: Option<Single>,
) -> Vec<Advice> {
    let n = count.partitions;
    let at = context.call_site(stage).line_or_unknown().to_owned();
    let (sql, shuffles) = (stage.sql.is_some(), partitions::reads_shuffle(stage));
    if let Some(Single::Window) = single {
        return vec![window(&at, count)];
    }
    let frame = Code {
        python: format!("df = df.repartition({n})"),
        scala: format!("val spread = df.repartition({n})"),
        sql: format!("SELECT /*+ REPARTITION({n}) */ … FROM …"),
    };
    let rdd = Code {
        python: format!("rdd = rdd.repartition({n})"),
        scala: format!("val spread = rdd.repartition({n})"),
        sql: String::new(),
    };
    let one = tasks == 1 && shuffles;
    let text = if one {
        format!(
            "Let {n} tasks share the work before {at}: drop coalesce(1)/repartition(1), or use {n}; give a window its PARTITION \
             BY. {n}: {}.",
            count.because
        )
    } else {
        format!(
            "Spread the rows over {n} partitions before the work at {at}. {n}: {}.",
            count.because
        )
    };
    let mut advice = vec![Advice {
        text,
        config: Vec::new(),
        code: if sql { frame } else { rdd },
    }];
    if shuffles && sql && !one {
        let mut config = vec![("spark.sql.shuffle.partitions".to_owned(), n.to_string())];
        if adaptive::is_on(context.application) {
            config.push((
                "spark.sql.adaptive.coalescePartitions.minPartitionNum".to_owned(),
                n.to_string(),
            ));
        }
        advice.push(Advice {
            text: "Or for every shuffle of the application, by setting.".into(),
            config,
            ..Advice::default()
        });
    }
    if !shuffles && let Some(bytes) = stage.totals.get(TaskMetric::InputBytes).filter(|bytes| *bytes >= n) {
        let size = (bytes / n).max(1 << 20) >> 20;
        advice.push(Advice {
            text: "Or read splittable files (Parquet, ORC, uncompressed or bzip2 text; not gzip) in smaller splits; a JDBC table \
                   with partitionColumn, lowerBound, upperBound and numPartitions."
                .into(),
            config: vec![("spark.sql.files.maxPartitionBytes".into(), format!("{size}m"))],
            ..Advice::default()
        });
    }
    if one {
        advice.push(Advice {
            text: format!(
                "If one output file is needed, write {n} first and merge them in a second, light job: coalesce(1) otherwise makes \
                 one task do everything since the last shuffle."
            ),
            ..Advice::default()
        });
    }
    advice
}

/// Repartitioning is no help there: the window itself asks for one partition.
fn window(at: &str, count: &PartitionCount) -> Advice {
    Advice {
        text: format!(
            "Give the window at {at} a PARTITION BY, of at least {} groups ({}). If the order must be one over all rows, number them \
             within parts and add each part's offset, or rank after filtering down to what is needed.",
            count.partitions, count.because
        ),
        config: Vec::new(),
        code: Code {
            python: "Window.partitionBy(\"group\").orderBy(\"column\")".into(),
            scala: "Window.partitionBy(\"group\").orderBy(\"column\")".into(),
            sql: "… OVER (PARTITION BY group ORDER BY column)".into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Thresholds, findings};
    use crate::model::StageKey;
    use crate::schedule::sample::Sample;

    fn warm() -> Sample {
        Sample::cluster(4, 4).stage("warm-up", &[2_000; 32])
    }

    fn single(sample: Sample, duration: u64, bytes: u64) -> Sample {
        sample.stage_with("save at /apps/etl.py:9", &[duration], move |_, task| {
            task.metrics.set(TaskMetric::ShuffleRemoteBytesRead, Some(bytes));
            task.metrics.set(TaskMetric::ShuffleReadRecords, Some(10_000_000));
        })
    }

    #[test]
    fn a_single_task_that_dominates_is_split_over_the_slots() {
        let application = single(warm(), 64_000, 6 << 30).application();
        let findings = findings(&application, &Thresholds::default());
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!((finding.rule, finding.severity), (RULE.name, Severity::Critical));
        assert_eq!(
            finding.title,
            "Too few tasks in stage 1 (save at etl.py:9): 1 task for 16 slots; repartition(48)"
        );
        // 64 s of work on 16 slots take 4 s.
        assert_eq!(finding.saving_ms, Some(64_000 - 3 * 1_333));
        assert!(finding.advice[0].code.python.contains("repartition(48)"));
    }

    #[test]
    fn the_runs_of_one_line_are_one_finding() {
        let application = single(
            single(single(warm(), 64_000, 6 << 30), 80_000, 6 << 30),
            70_000,
            6 << 30,
        );
        // Another line keeps its own.
        let application = application.stage_with("save at /apps/etl.py:12", &[90_000], |_, task| {
            task.metrics.set(TaskMetric::ShuffleReadRecords, Some(10_000_000));
        });
        let findings = findings(&application.application(), &Thresholds::default());
        let [alike, other] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            alike.title,
            "Too few tasks in 3 stages (save at etl.py:9): 1 task for 16 slots; repartition(48)"
        );
        // 64, 80 and 70 s of work take 3 × 1,333, 1,666 and 1,458 ms instead.
        assert_eq!(alike.saving_ms, Some(214_000 - 3 * (1_333 + 1_666 + 1_458)));
        let stages = |ids: &[u32]| {
            ids.iter()
                .map(|id| StageKey { id: *id, attempt: 0 })
                .collect::<Vec<_>>()
        };
        assert_eq!(
            (alike.place.stage, &alike.place.alike),
            (Some(stages(&[2])[0]), &stages(&[3, 1]))
        );
        assert!(alike.place.is_in(stages(&[3])[0]) && !alike.place.is_in(stages(&[4])[0]));
        let listed = alike
            .evidence
            .iter()
            .find(|evidence| evidence.metric == "stages alike")
            .unwrap();
        assert!(
            listed.value == 3.0 && listed.note.starts_with("stages 1, 2, 3, 3m 34s in all"),
            "{listed:?}"
        );
        assert!(other.title.contains("stage 4 (save at etl.py:12)") && other.place.alike.is_empty());
    }

    #[test]
    fn a_window_without_partitions_is_named() {
        let mut application = single(warm(), 64_000, 6 << 30).application();
        let mut stage = (*application.stages[1]).clone();
        stage.sql = Some(0);
        application.sql.push(crate::model::SqlExecution {
            plan: Some("(3) Exchange\nArguments: SinglePartition, X\n\n(4) Sort\n\n(5) Window\n".into()),
            ..Default::default()
        });
        let findings = findings(&application.with_stage(stage), &Thresholds::default());
        assert!(
            findings[0]
                .title
                .ends_with("1 task for 16 slots; a window without PARTITION BY"),
            "{}",
            findings[0].title
        );
        assert!(findings[0].advice[0].code.sql.contains("PARTITION BY"));
    }

    #[test]
    fn a_short_single_task_is_no_fault() {
        assert!(findings(&single(warm(), 4_000, 1 << 20).application(), &Thresholds::default()).is_empty());
    }

    #[test]
    fn the_first_task_s_warm_up_is_not_the_stage_s_fault() {
        // A schema inference at the start: one task of 5.5 s, most of it class loading.
        let sample = single(Sample::cluster(2, 2), 5_500, 1 << 20).stage("b", &[20_000; 8]);
        assert!(
            findings(&sample.application(), &Thresholds::default())
                .iter()
                .all(|f| f.severity == Severity::Info)
        );
    }

    #[test]
    fn enough_tasks_are_enough() {
        let sample = Sample::cluster(2, 2).stage("a", &[10_000; 4]);
        assert!(findings(&sample.application(), &Thresholds::default()).is_empty());
    }

    #[test]
    fn enormous_partitions_with_idle_slots_are_too_few() {
        let sample = warm().stage_with("a", &[30_000; 17], |_, task| {
            task.metrics.set(TaskMetric::ShuffleRemoteBytesRead, Some(1 << 30));
            task.metrics.set(TaskMetric::ShuffleReadRecords, Some(1_000_000));
        });
        let findings = findings(&sample.application(), &Thresholds::default());
        assert!(
            findings[0].title.ends_with("17 tasks for 16 slots; repartition(144)"),
            "{}",
            findings[0].title
        );
    }
}
