//! `large-broadcast`: one side of a join goes whole through the driver into every executor, and is large.

use super::context::Context;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Place, Severity};
use super::queries::{Query, collects_broadcast};
use super::{Draft, Matter, Rule};
use crate::model::{Job, PlanNode, TaskMetric, Unit};
use crate::schedule::{Change, slot_times};
use crate::units;

pub const RULE: Rule = Rule {
    name: "large-broadcast",
    about: "A BroadcastExchange of at least 128 MiB (data size), or whose collecting, building and broadcasting on the driver take at least 5% of wall time; or a \
            query that failed with \"Not enough memory to build and broadcast\". Saving: without the time to build and to broadcast, and without the job that \
            collects bringing its rows to the driver; less what shuffling both sides costs instead, at 100 MiB/s of uncompressed rows a core and end: \
            the other side is written and read, this one is serialized either way and read once rather than by every executor; the application \
            replayed.",
    check,
};

pub(super) const TOO_LITTLE_MEMORY: &str = "Not enough memory to build and broadcast";

fn check(context: &Context<'_>) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = failed(context).into_iter().collect();
    for query in context.queries() {
        drafts.extend(
            query
                .nodes("BroadcastExchange")
                .filter_map(|node| examine(context, query, node)),
        );
    }
    drafts
}

/// The times that the driver spends on a broadcast, ms.
struct Times {
    collect: f64,
    build: f64,
    broadcast: f64,
}

fn examine(context: &Context<'_>, query: &Query<'_>, node: &PlanNode) -> Option<Draft> {
    let thresholds = context.thresholds;
    let bytes = node.total("data size")?;
    let time = |name| node.total(name).unwrap_or(0.0);
    let times = Times {
        collect: time("time to collect"),
        build: time("time to build"),
        broadcast: time("time to broadcast"),
    };
    let spent = times.collect + times.build + times.broadcast;
    let is_large = bytes >= thresholds.large_broadcast_bytes as f64;
    if !is_large && spent < context.wall_ms as f64 * thresholds.large_broadcast_share {
        return None;
    }
    // A few rows that took long took long to compute, not to broadcast.
    if !is_large && (times.build + times.broadcast) * 4.0 < spent && bytes < (10 << 20) as f64 {
        return None;
    }
    let executors = context
        .application
        .executors
        .iter()
        .filter(|executor| !executor.is_driver())
        .count()
        .max(1);
    let job = collecting_job(context, query, node);
    let large = streamed_bytes(query, node);
    let saving = job.map(|job| {
        let stage = query
            .stages
            .iter()
            .filter(|stage| stage.jobs.contains(&job.id))
            .max_by_key(|stage| stage.key);
        let mut changes = vec![
            Change::AfterJob(job.id, (times.build + times.broadcast) as u64),
            Change::JobTail(job.id, 0),
        ];
        // Both sides through a shuffle: spread over the tasks of the stage that collected.
        let moved = (2.0 * large.unwrap_or(bytes) + bytes - bytes * executors as f64).max(0.0);
        let shuffled = moved * 1_000.0 / thresholds.shuffle_bytes_per_second.max(1) as f64;
        if let Some(stage) = stage {
            let rows = slot_times(stage);
            let each = (shuffled / rows.len().max(1) as f64) as u64;
            let serializes = |row| {
                stage
                    .tasks
                    .metric(row, TaskMetric::ResultSerializationTime)
                    .unwrap_or(0)
            };
            let tasks = rows
                .iter()
                .map(|(row, held)| held.saturating_sub(serializes(*row)).saturating_add(each));
            changes.push(Change::Tasks(stage.key, tasks.collect()));
        }
        let what = "with both sides shuffled instead of one broadcast";
        context.saving(&changes, what, 0.0, Confidence::Low)
    });
    let size = units::bytes(bytes as u64);
    let rows = node.total("number of output rows");
    let mut evidence = vec![
        Evidence::of(
            "data size of the broadcast",
            bytes,
            Unit::Bytes,
            "a broadcast this large is worth a second thought",
        )
        .against(thresholds.large_broadcast_bytes as f64),
        Evidence::of(
            "time to collect",
            times.collect,
            Unit::Millis,
            "computing the rows and bringing them to the driver",
        ),
        Evidence::of(
            "time to build",
            times.build,
            Unit::Millis,
            "the hash table, on the driver, one thread",
        ),
        Evidence::of(
            "time to broadcast",
            times.broadcast,
            Unit::Millis,
            "cutting it into blocks and handing out the first",
        ),
    ];
    if let Some(rows) = rows {
        evidence.push(Evidence::of(
            "rows broadcast",
            rows,
            Unit::Records,
            "every executor holds all of them",
        ));
    }
    let place = Place {
        jobs: job.map(|job| job.id).into_iter().collect(),
        sql: Some(query.sql.id),
        ..Place::default()
    };
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "Broadcast of {size} in SQL {}: the driver takes {} to collect and build it",
                query.sql.id,
                units::duration(spent as u64)
            ),
            place,
            evidence,
            cause: format!(
                "The driver collects one side of the join, builds a hash table of it and sends that to {} executor{}; nothing of the join runs meanwhile, and driver and \
                 executors hold {size} each. {}",
                executors,
                if executors == 1 { "" } else { "s" },
                why(context, bytes)
            ),
            advice: advice(context, bytes),
            saving_ms: saving.as_ref().map(|saving| saving.ms),
            confidence: saving.as_ref().map_or(Confidence::Low, |saving| saving.confidence),
            saving_note: saving.map_or("The job that collects it was not found.".into(), |saving| saving.note),
        },
        matter: if is_large { Matter::Hazard } else { Matter::Saving },
    })
}

/// What asked for it.
fn why(context: &Context<'_>, bytes: f64) -> String {
    let limit = context
        .application
        .environment
        .spark_bytes(THRESHOLD, 1)
        .unwrap_or(10 << 20);
    if bytes > limit as f64 {
        format!(
            "{THRESHOLD} allows {}: a hint (broadcast) asked for it, or Spark took it for smaller than it is.",
            units::bytes(limit)
        )
    } else {
        format!("{THRESHOLD} allows {}.", units::bytes(limit))
    }
}

const THRESHOLD: &str = "spark.sql.autoBroadcastJoinThreshold";

/// The job that collected a broadcast. With several, the one that took as long.
fn collecting_job<'a>(context: &Context<'a>, query: &Query<'_>, node: &PlanNode) -> Option<&'a Job> {
    let collect = node.total("time to collect")?;
    let is_broadcast = |job: &&Job| job.sql == Some(query.sql.id) && collects_broadcast(job);
    let off = |job: &&Job| job.duration_ms().map_or(u64::MAX, |ms| ms.abs_diff(collect as u64));
    context.application.jobs.iter().filter(is_broadcast).min_by_key(off)
}

/// Bytes of the other side, where something counted them; rows × the width of a broadcast row else.
fn streamed_bytes(query: &Query<'_>, node: &PlanNode) -> Option<f64> {
    let graph = query.graph?;
    let (_, join) = graph.edges.iter().find(|(from, _)| *from == node.id)?;
    let mut at = graph.inputs(*join).find(|input| input.id != node.id)?;
    let width = node.total("data size")? / node.total("number of output rows")?.max(1.0);
    for _ in 0..6 {
        if at.name.starts_with("Scan")
            && let Some(size) = at.total("size of files read")
        {
            return Some(size);
        }
        if let Some(rows) = at.total("number of output rows") {
            // No wider than what was worth broadcasting.
            return Some(rows * width.min(64.0));
        }
        at = graph.inputs(at.id).next()?;
    }
    None
}

/// A query that failed for it.
fn failed(context: &Context<'_>) -> Option<Draft> {
    let application = context.application;
    let said = |text: Option<&str>| text.is_some_and(|text| text.contains(TOO_LITTLE_MEMORY));
    let sql = application.sql.iter().find(|sql| said(sql.error.as_deref()));
    let job = application.jobs.iter().find(|job| said(job.failure.as_deref()));
    if sql.is_none() && job.is_none() {
        return None;
    }
    let place = Place {
        jobs: job.map(|job| job.id).into_iter().collect(),
        sql: sql.map(|sql| sql.id).or_else(|| job.and_then(|job| job.sql)),
        ..Place::default()
    };
    let heap = application
        .environment
        .spark("spark.driver.memory")
        .unwrap_or("1g")
        .to_owned();
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!("A query failed: not enough memory to build and broadcast a table (driver heap {heap})"),
            place,
            evidence: Vec::new(),
            cause: "The driver collects one side of the join and builds a hash table of it in its own heap, which was too small.".into(),
            advice: advice(context, 0.0),
            saving_ms: None,
            saving_note: "It failed: what it would have taken is not known.".into(),
            confidence: Confidence::High,
        },
        matter: Matter::Failure,
    })
}

fn advice(context: &Context<'_>, bytes: f64) -> Vec<Advice> {
    let limit = context
        .application
        .environment
        .spark_bytes(THRESHOLD, 1)
        .unwrap_or(10 << 20);
    let mut advice = vec![Advice {
        text: "Let both sides be shuffled: take the broadcast hint out (or ask for a merge join).".into(),
        config: Vec::new(),
        code: Code {
            python: "large.join(other.hint(\"merge\"), \"key\")  # instead of F.broadcast(other)".into(),
            scala: "large.join(other.hint(\"merge\"), \"key\")  // instead of broadcast(other)".into(),
            sql: "SELECT /*+ MERGE(other) */ … FROM large JOIN other ON …".into(),
        },
    }];
    if bytes <= limit as f64 || limit > 10 << 20 {
        advice.push(Advice {
            text: "Or lower the size up to which Spark broadcasts by itself; Spark's own is 10 MiB.".into(),
            config: vec![(THRESHOLD.into(), "10m".into())],
            ..Advice::default()
        });
    }
    advice.push(Advice {
        text: "Or make it smaller before: only the columns that the join and what follows need, only the rows that can match.".into(),
        config: Vec::new(),
        code: Code {
            python: "F.broadcast(other.select(\"key\", …).where(…))".into(),
            scala: "broadcast(other.select(\"key\", …).where(…))".into(),
            sql: "SELECT /*+ BROADCAST(o) */ … FROM large JOIN (SELECT key, … FROM other WHERE …) o ON …".into(),
        },
    });
    advice
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::sample::{in_stage, node, told, with_query};
    use crate::diagnosis::{Thresholds, findings};
    use crate::model::{Application, PlanGraph};
    use crate::schedule::sample::Sample;

    fn application(size: &str, build: &str) -> Application {
        let sample = Sample::cluster(2, 2)
            .stage("broadcast exchange", &[2_000; 8])
            .job_tail(1_000)
            .gap(6_000)
            .stage("collect at /apps/a.py:5", &[5_000; 8])
            .application();
        let broadcast = node(
            2,
            "BroadcastExchange",
            &[
                ("data size", size),
                ("number of output rows", "1,000,000"),
                ("time to collect", "5.0 s"),
                ("time to build", build),
            ],
        );
        let nodes = vec![
            node(0, "BroadcastHashJoin", &[]),
            node(1, "Range", &[("number of output rows", "1,000")]),
            broadcast,
        ];
        let plan = "== Physical Plan ==\nBroadcastHashJoin (1)\n\n";
        let mut application = with_query(
            sample,
            &[0, 1],
            plan,
            PlanGraph {
                nodes,
                edges: vec![(1, 0), (2, 0)],
            },
        );
        application.jobs[0].description = Some("broadcast exchange (runId 1)".into());
        application
    }

    #[test]
    fn a_broadcast_that_the_driver_takes_long_to_build_is_told() {
        let findings = told(&RULE, &application("200.0 MiB", "5.0 s"));
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            finding.title,
            "Broadcast of 200 MiB in SQL 0: the driver takes 10.0s to collect and build it"
        );
        // 5 s to build and the job's tail of 1 s; the other side is small, and this one is read by both executors as it is.
        assert_eq!(finding.saving_ms, Some(6_000));
    }

    #[test]
    fn a_small_broadcast_is_no_fault() {
        assert!(told(&RULE, &application("8.0 MiB", "10 ms")).is_empty());
    }

    #[test]
    fn a_query_that_failed_for_its_broadcast_is_told_first() {
        let mut application = application("8.0 MiB", "10 ms");
        application.sql[0].error = Some(
            "org.apache.spark.SparkException: Not enough memory to build and broadcast the table to all worker nodes."
                .into(),
        );
        let findings = findings(&application, &Thresholds::default());
        assert_eq!(
            (findings[0].rule, findings[0].severity),
            (RULE.name, Severity::Critical)
        );
    }

    #[test]
    fn without_metrics_nothing_is_said() {
        let mut application = application("200.0 MiB", "5.0 s");
        application.sql[0].graph = None;
        assert!(told(&RULE, &application).is_empty());
        let _ = in_stage("", 0);
    }
}
