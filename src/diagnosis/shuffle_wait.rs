//! `shuffle-wait`: tasks spend much of their time waiting for shuffle blocks.

use std::collections::BTreeMap;

use super::context::Context;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Severity};
use super::{Draft, Matter, Rule, partition_count};
use crate::model::{Stage, TaskMetric, Unit, parse_bytes};
use crate::schedule::slot_times;
use crate::units;

pub const RULE: Rule = Rule {
    name: "shuffle-wait",
    about: "Waiting for shuffle blocks (fetchWaitTime) takes at least 20% of a stage's executor run time. Saving: each task without \
            its wait but for a twentieth of its time; the application replayed by list scheduling.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    context
        .stages_that_matter()
        .filter_map(|stage| examine(context, stage))
        .collect()
}

/// What waiting usually takes of run time at most.
const USUAL_SHARE: f64 = 0.05;

/// Settings that bound how much is fetched at once: (name, Spark's own value or `None` for no bound, unit of a bare number).
const BOUNDS: [(&str, Option<u64>); 3] = [
    ("spark.reducer.maxBlocksInFlightPerAddress", None),
    ("spark.reducer.maxReqsInFlight", None),
    ("spark.reducer.maxSizeInFlight", Some(48 << 20)),
];

fn examine(context: &Context<'_>, stage: &Stage) -> Option<Draft> {
    let tasks = &*stage.tasks;
    let total = |metric| stage.totals.get(metric).unwrap_or(0);
    let (wait, run) = (
        total(TaskMetric::ShuffleFetchWaitTime),
        total(TaskMetric::ExecutorRunTime),
    );
    let share = wait as f64 / run.max(1) as f64;
    if share < context.thresholds.shuffle_wait_share {
        return None;
    }
    let without = slot_times(stage).into_iter().map(|(row, held)| {
        let run = tasks.metric(row, TaskMetric::ExecutorRunTime).unwrap_or(0);
        let fair = (run as f64 * USUAL_SHARE) as u64;
        let wait = tasks.metric(row, TaskMetric::ShuffleFetchWaitTime).unwrap_or(0);
        held.saturating_sub(wait.saturating_sub(fair))
    });
    let what = format!(
        "without waiting for shuffle blocks for more than {} of run time",
        units::percent(USUAL_SHARE)
    );
    let saving = context.saving_of_tasks(stage, without.collect(), &what, Confidence::Medium);
    let remote = total(TaskMetric::ShuffleRemoteBlocksFetched);
    let blocks = remote.saturating_add(total(TaskMetric::ShuffleLocalBlocksFetched));
    let bytes = total(TaskMetric::ShuffleRemoteBytesRead).saturating_add(total(TaskMetric::ShuffleLocalBytesRead));
    let block = bytes / blocks.max(1);
    let small = blocks > 0 && block < context.thresholds.shuffle_small_block_bytes;
    let tight = tight(context);
    let mut place = context.place(stage);
    let waiting = waiting(stage);
    place.executor = waiting.first().map(|(executor, _)| executor.clone());
    let mut evidence = vec![
        Evidence {
            metric: "waiting for shuffle blocks, all tasks".into(),
            value: wait as f64,
            unit: Unit::Millis,
            baseline: Some(run as f64),
            note: format!("{} of executor run time", units::percent(share)),
        },
        Evidence {
            metric: "size of a shuffle block".into(),
            value: block as f64,
            unit: Unit::Bytes,
            baseline: Some(context.thresholds.shuffle_small_block_bytes as f64),
            note: format!(
                "{} blocks in all, {} of them from other executors",
                units::count(blocks),
                units::count(remote)
            ),
        },
    ];
    evidence.extend(waiting.iter().take(3).map(|(executor, share)| Evidence {
        metric: format!("waiting on executor {executor}"),
        value: *share,
        unit: Unit::Share,
        baseline: Some(context.thresholds.shuffle_wait_share),
        note: "of its run time in this stage".into(),
    }));
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "Waiting for shuffle blocks in {}: {} of executor run time, {} blocks of {}",
                context.name(stage),
                units::percent(share),
                units::count(blocks),
                units::bytes(block)
            ),
            place,
            evidence,
            cause: cause(&tight, small),
            advice: advice(context, stage, &tight, small, bytes),
            saving_ms: Some(saving.ms),
            saving_note: saving.note,
            confidence: saving.confidence,
        },
        matter: Matter::Saving,
    })
}

/// By executor the share of its run time in a stage that it waited, the most first.
fn waiting(stage: &Stage) -> Vec<(String, f64)> {
    let tasks = &*stage.tasks;
    let mut by_executor: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for row in 0..tasks.len() {
        let (wait, run) = by_executor.entry(tasks.executor(row)).or_default();
        *wait = wait.saturating_add(tasks.metric(row, TaskMetric::ShuffleFetchWaitTime).unwrap_or(0));
        *run = run.saturating_add(tasks.metric(row, TaskMetric::ExecutorRunTime).unwrap_or(0));
    }
    let share = |(executor, (wait, run)): (&str, (u64, u64))| (executor.to_owned(), wait as f64 / run.max(1) as f64);
    let mut shares: Vec<(String, f64)> = by_executor.into_iter().map(share).collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    shares
}

/// Settings that bound fetching more tightly than Spark does: (name, value, Spark's own value in words).
fn tight(context: &Context<'_>) -> Vec<(&'static str, String, String)> {
    let environment = &context.application.environment;
    let of = |(name, usual): (&'static str, Option<u64>)| {
        let set = environment.spark(name)?;
        let value = parse_bytes(set, if usual.is_some() { 1 << 20 } else { 1 })?;
        let least = usual.unwrap_or(64);
        let unset = usual.map_or_else(|| "2147483647".to_owned(), |usual| format!("{}m", usual >> 20));
        (value < least).then(|| (name, set.to_owned(), unset))
    };
    BOUNDS.into_iter().filter_map(of).collect()
}

fn cause(tight: &[(&'static str, String, String)], small: bool) -> String {
    if let Some((name, value, _)) = tight.first() {
        return format!(
            "{name} is {value}: so little is fetched at once that each task waits for one answer after the other{}.",
            if small {
                ", and the blocks are small and many"
            } else {
                ""
            }
        );
    }
    if small {
        "The blocks are small and many (one for each map task and partition): each costs a request whatever its size."
            .into()
    } else {
        "The executors that serve the blocks, their disks or the network are slower than the tasks that read them."
            .into()
    }
}

fn advice(
    context: &Context<'_>,
    stage: &Stage,
    tight: &[(&'static str, String, String)],
    small: bool,
    bytes: u64,
) -> Vec<Advice> {
    let mut advice = Vec::new();
    if !tight.is_empty() {
        advice.push(Advice {
            text: "Leave these to Spark's own values.".into(),
            config: tight
                .iter()
                .map(|(name, _, usual)| ((*name).to_owned(), usual.clone()))
                .collect(),
            ..Advice::default()
        });
    }
    if small {
        let fewer = bytes
            .div_ceil(context.thresholds.partition_bytes.max(1))
            .max(u64::from(context.slots.during(stage)));
        let count = partition_count::suggest(context, stage).partitions.min(fewer.max(1));
        advice.push(Advice {
            text: format!(
                "Have fewer and larger blocks: {count} partitions hold the {} that are shuffled here, and fewer map tasks before.",
                units::bytes(bytes)
            ),
            config: if stage.sql.is_some() {
                vec![("spark.sql.shuffle.partitions".into(), count.to_string())]
            } else {
                Vec::new()
            },
            code: Code {
                python: format!("df = df.coalesce({count})  # before the shuffle"),
                scala: format!("val fewer = df.coalesce({count})  // before the shuffle"),
                sql: format!("SELECT /*+ COALESCE({count}) */ … FROM …"),
            },
        });
    }
    if advice.is_empty() || !small {
        advice.push(Advice {
            text: "Let more be in flight, and let the serving side answer with more threads.".into(),
            config: vec![
                ("spark.reducer.maxSizeInFlight".into(), "96m".into()),
                ("spark.shuffle.io.serverThreads".into(), "64".into()),
            ],
            ..Advice::default()
        });
        advice.push(Advice {
            text: "On YARN, push-based shuffle merges blocks where they are read.".into(),
            config: vec![("spark.shuffle.push.enabled".into(), "true".into())],
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

    fn waiting_for(wait: u64) -> Sample {
        Sample::cluster(2, 2).stage_with("a", &[4_000; 16], move |_, task| {
            task.metrics.set(TaskMetric::ShuffleFetchWaitTime, Some(wait));
            task.metrics.set(TaskMetric::ShuffleRemoteBlocksFetched, Some(1_000));
            task.metrics.set(TaskMetric::ShuffleRemoteBytesRead, Some(4 << 20));
        })
    }

    fn told(sample: Sample) -> Vec<Finding> {
        let mut findings = findings(&sample.application(), &Thresholds::default());
        findings.retain(|finding| finding.rule == RULE.name);
        findings
    }

    #[test]
    fn waiting_is_told_with_what_holds_it_up() {
        let findings = told(waiting_for(2_200).set("spark.reducer.maxBlocksInFlightPerAddress", "1"));
        assert_eq!(
            findings[0].title,
            "Waiting for shuffle blocks in stage 0 (a): 55% of executor run time, 16,000 blocks of 4.1 KiB"
        );
        // 2.0 s of 4 s in each of four waves.
        assert_eq!(findings[0].saving_ms, Some(8_000));
        assert!(
            findings[0]
                .cause
                .starts_with("spark.reducer.maxBlocksInFlightPerAddress is 1")
        );
    }

    #[test]
    fn a_little_waiting_is_not() {
        assert!(told(waiting_for(300)).is_empty());
    }
}
