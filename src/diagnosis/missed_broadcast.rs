//! `missed-broadcast`: both sides of a join are shuffled and sorted although one would have fitted into every executor.

use super::context::Context;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Severity};
use super::plan_tree::{PlanOperator, plain_name};
use super::queries::Query;
use super::{Draft, Matter, Rule, adaptive, scan, statistics};
use crate::model::{PlanNode, Stage, TaskMetric, Unit};
use crate::schedule::{Calibration, Change, slot_times};
use crate::units;

pub const RULE: Rule = Rule {
    name: "missed-broadcast",
    about: "A SortMergeJoin or ShuffledHashJoin with one side of at most 100 MiB at run time (data size of its exchange), that the join's type \
            allows to broadcast, and the other side at least four times that. Saving: the stage that shuffles the larger side and the join's \
            stage without that shuffle: without writing, fetch wait and sort time, and without what its bytes take to serialize at both ends at \
            100 MiB/s of uncompressed rows a core; less fetching the small side to the driver and out again at 100 MiB/s; the application \
            replayed by list scheduling.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for query in context.queries() {
        let joins = ["SortMergeJoin", "ShuffledHashJoin"]
            .into_iter()
            .flat_map(|kind| query.nodes(kind));
        drafts.extend(joins.filter_map(|join| examine(context, query, join)));
    }
    drafts
}

/// A side of a join: its exchange and what went through it.
struct Side<'a> {
    exchange: &'a PlanNode,
    /// Rows as they lie in memory, bytes.
    bytes: f64,
    rows: f64,
}

/// The sides of a join, left first; `None` where one is not shuffled for it.
fn sides<'a>(query: &Query<'a>, join: &PlanNode) -> Option<[Side<'a>; 2]> {
    let graph = query.graph?;
    let mut inputs: Vec<&PlanNode> = graph.inputs(join.id).collect();
    inputs.sort_by_key(|node| node.id);
    let side = |node: &'a PlanNode| {
        let mut at = node;
        // Sort, AQEShuffleRead, ShuffleQueryStage.
        for _ in 0..4 {
            if at.name == "Exchange" {
                return Some(Side {
                    exchange: at,
                    bytes: at.total("data size")?,
                    rows: at.total("shuffle records written")?,
                });
            }
            let is_passed_on =
                ["Sort", "AQEShuffleRead", "CustomShuffleReader", "ShuffleQueryStage"].contains(&at.name.as_str());
            at = if is_passed_on {
                graph.inputs(at.id).next()?
            } else {
                return None;
            };
        }
        None
    };
    let [left, right] = inputs.as_slice() else { return None };
    Some([side(left)?, side(right)?])
}

/// Which sides a join of this type may broadcast (`JoinSelection`): left, right.
fn may_broadcast(kind: &str) -> (bool, bool) {
    match kind {
        "Inner" | "InnerLike" | "Cross" => (true, true),
        "LeftOuter" | "LeftSemi" | "LeftAnti" => (false, true),
        "RightOuter" => (true, false),
        kind if kind.starts_with("ExistenceJoin") => (false, true),
        _ => (false, false),
    }
}

/// The plan's text of a join node, when it has as many joins as the graph: the n-th of the one is the n-th of the other.
fn operator<'q, 'a>(query: &'q Query<'a>, join: &PlanNode) -> Option<&'q PlanOperator<'a>> {
    let kind = join.name.split(' ').next()?;
    let texts: Vec<&PlanOperator<'a>> = query.tree.of_kind(kind).map(|(_, operator)| operator).collect();
    let mut nodes: Vec<&PlanNode> = query.nodes(kind).collect();
    nodes.sort_by_key(|node| node.id);
    let at = nodes.iter().position(|node| node.id == join.id)?;
    if texts.len() == nodes.len() {
        texts.get(at).copied()
    } else {
        None
    }
}

fn examine(context: &Context<'_>, query: &Query<'_>, join: &PlanNode) -> Option<Draft> {
    let [left, right] = sides(query, join)?;
    let operator = operator(query, join)?;
    let (left_may, right_may) = may_broadcast(operator.field("Join type")?);
    let (small, large, is_left) = if left.bytes < right.bytes {
        (left, right, true)
    } else {
        (right, left, false)
    };
    let may = if is_left { left_may } else { right_may };
    let most = context.thresholds.missed_broadcast_bytes as f64;
    if !may || small.bytes > most || large.bytes < 4.0 * small.bytes || small.rows <= 0.0 {
        return None;
    }
    // Which stages: that which wrote the larger exchange, and that which joins.
    let map = query.stage_of(large.exchange)?;
    let joining = joining_stage(query, &small, &large)?;
    let map_key = map.key;
    let spared = Spared::of(context, join, query, &large);
    let mut error = 0.0_f64;
    for stage in [map, joining] {
        error = error.max(Calibration::of_stage(stage, &context.slots).map_or(1.0, |calibration| calibration.error()));
    }
    let mut changes = vec![
        Change::Tasks(
            map_key,
            without(map, spared.map_ms, |row| {
                map.tasks.metric(row, TaskMetric::ShuffleWriteBytes).unwrap_or(0)
            }),
        ),
        Change::Tasks(
            joining.key,
            without(joining, spared.join_ms, |row| map_share(joining, row)),
        ),
    ];
    // What the driver does with the small side comes first and holds everything up.
    let broadcast_ms = (small.bytes * 1_000.0 / context.thresholds.shuffle_bytes_per_second.max(1) as f64) as u64;
    if broadcast_ms > 0
        && let Some(Change::Tasks(_, tasks)) = changes.first_mut()
        && let Some(first) = tasks.first_mut()
    {
        *first = first.saturating_add(broadcast_ms);
    }
    let what = "with the smaller side broadcast: without the larger side's shuffle and sort";
    let saving = context.saving(&changes, what, error, Confidence::Medium);
    let keys = |label: &str| operator.field(label).map(names).unwrap_or_default();
    let (small_keys, large_keys) = if is_left {
        (keys("Left keys"), keys("Right keys"))
    } else {
        (keys("Right keys"), keys("Left keys"))
    };
    let table = table_below(query, operator, is_left);
    let size = units::bytes(small.bytes as u64);
    let kind = operator.kind();
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "{kind} on {} in {} shuffles {} to meet {size}: broadcast the smaller side",
                large_keys.join(", "),
                context.name(joining),
                units::bytes(large.bytes as u64)
            ),
            place: context.place(joining),
            evidence: evidence(context, &small, &large, &spared, map),
            cause: why(context, &size, small.bytes),
            advice: advice(context, &small, table, &small_keys),
            saving_ms: Some(saving.ms),
            saving_note: saving.note,
            confidence: saving.confidence,
        },
        matter: Matter::Saving,
    })
}

/// The stage that reads both exchanges: it reads as many records as both wrote.
fn joining_stage<'a>(query: &Query<'a>, small: &Side<'_>, large: &Side<'_>) -> Option<&'a Stage> {
    let both = small.rows + large.rows;
    let off = |stage: &&Stage| {
        let read = stage.totals.get(TaskMetric::ShuffleReadRecords).unwrap_or(0) as f64;
        (read - both).abs()
    };
    let stage = query.stages.iter().copied().min_by(|a, b| off(a).total_cmp(&off(b)))?;
    // Part of it may be read again by a rerun, or not at all by a limit.
    (off(&stage) <= both * 0.01).then_some(stage)
}

/// What the larger side's shuffle costs at both ends, all tasks, ms.
struct Spared {
    map_ms: u64,
    join_ms: u64,
    sort_ms: u64,
}

impl Spared {
    fn of(context: &Context<'_>, join: &PlanNode, query: &Query<'_>, large: &Side<'_>) -> Spared {
        let serialize = (large.bytes * 1_000.0 / context.thresholds.shuffle_bytes_per_second.max(1) as f64) as u64;
        let sorts = query.graph.into_iter().flat_map(|graph| graph.inputs(join.id));
        let sort_ms: f64 = sorts
            .filter(|node| node.name == "Sort")
            .filter_map(|node| node.total("sort time"))
            .sum();
        let write_ms = large.exchange.total("shuffle write time").unwrap_or(0.0);
        let fetch_ms = large.exchange.total("fetch wait time").unwrap_or(0.0);
        Spared {
            map_ms: serialize.saturating_add(write_ms as u64),
            join_ms: serialize.saturating_add(sort_ms as u64).saturating_add(fetch_ms as u64),
            sort_ms: sort_ms as u64,
        }
    }
}

fn map_share(stage: &Stage, row: usize) -> u64 {
    stage.tasks.metric(row, TaskMetric::ShuffleReadRecords).unwrap_or(0)
}

/// A stage's tasks with so much time less in all, by their share of a size; none below a tenth of what it was.
fn without(stage: &Stage, spared_ms: u64, size: impl Fn(usize) -> u64) -> Vec<u64> {
    let rows = slot_times(stage);
    let all = statistics::total(rows.iter().map(|(row, _)| size(*row))).max(1);
    let less = |(row, held): &(usize, u64)| {
        let own = spared_ms as f64 * size(*row) as f64 / all as f64;
        held.saturating_sub(own as u64).max(held / 10)
    };
    rows.iter().map(less).collect()
}

/// `[customer_id#34L, region#41L]` gives the names.
fn names(list: &str) -> Vec<String> {
    let inside = list.trim().trim_start_matches('[').trim_end_matches(']');
    inside.split(", ").map(|name| plain_name(name).to_owned()).collect()
}

/// The one table that a join's side scans.
fn table_below<'a>(query: &Query<'a>, join: &PlanOperator<'a>, is_left: bool) -> Option<&'a str> {
    let place = *join.inputs.get(usize::from(!is_left))?;
    let below = query.tree.below(place, |_| false);
    let mut scans = below
        .into_iter()
        .filter_map(|place| query.tree.operators.get(place))
        .filter(|operator| operator.kind() == "Scan");
    let (first, second) = (scans.next(), scans.next());
    first.filter(|_| second.is_none()).and_then(scan::of_what)
}

const THRESHOLD: &str = "spark.sql.autoBroadcastJoinThreshold";

/// What kept Spark from it.
fn why(context: &Context<'_>, size: &str, bytes: f64) -> String {
    let environment = &context.application.environment;
    let because = match (environment.spark(THRESHOLD).map(str::trim), environment.spark_bytes(THRESHOLD, 1)) {
        (Some(set), _) if set.starts_with('-') || set == "0" => format!("{THRESHOLD} is {set}: broadcasts are switched off."),
        (_, limit) if bytes > limit.unwrap_or(10 << 20) as f64 => {
            format!("{THRESHOLD} allows {}.", units::bytes(limit.unwrap_or(10 << 20)))
        }
        _ => "Spark took it for larger when it planned: it had no statistics of the table, or could not tell how much the filters leave.".into(),
    };
    format!(
        "One side has {size} of rows, which every executor could hold; then the other would stay where it is. Instead both are shuffled by the key and \
         sorted. {because}"
    )
}

fn evidence(context: &Context<'_>, small: &Side<'_>, large: &Side<'_>, spared: &Spared, map: &Stage) -> Vec<Evidence> {
    let mut evidence = vec![
        Evidence::of(
            "smaller side",
            small.bytes,
            Unit::Bytes,
            "what may be broadcast at most",
        )
        .against(context.thresholds.missed_broadcast_bytes as f64),
        Evidence::of(
            "rows of the smaller side",
            small.rows,
            Unit::Records,
            "rows of the larger side",
        )
        .against(large.rows),
        Evidence::of(
            "larger side, uncompressed",
            large.bytes,
            Unit::Bytes,
            format!("shuffled from {}", context.name(map)),
        ),
    ];
    if spared.sort_ms > 0 {
        evidence.push(Evidence::of(
            "sort time, all tasks",
            spared.sort_ms as f64,
            Unit::Millis,
            "a hash join sorts nothing",
        ));
    }
    evidence
}

fn advice(context: &Context<'_>, small: &Side<'_>, table: Option<&str>, keys: &[String]) -> Vec<Advice> {
    let name = table
        .and_then(|table| table.rsplit(['/', '.']).next())
        .filter(|name| !name.is_empty())
        .unwrap_or("small");
    let on = keys
        .iter()
        .map(|key| format!("\"{key}\""))
        .collect::<Vec<_>>()
        .join(", ");
    // Half as much again: it may grow.
    let limit = ((small.bytes * 1.5) as u64).div_ceil(1 << 20).max(10);
    let mut config = vec![(THRESHOLD.to_owned(), format!("{limit}m"))];
    if adaptive::is_on(context.application)
        && adaptive::version(context.application).is_none_or(|version| version >= (3, 2))
    {
        config.push((
            "spark.sql.adaptive.autoBroadcastJoinThreshold".into(),
            format!("{limit}m"),
        ));
    }
    vec![
        Advice {
            text: format!(
                "Broadcast {} ({} rows, {}).",
                table.unwrap_or("the smaller side"),
                units::count(small.rows as u64),
                units::bytes(small.bytes as u64)
            ),
            config: Vec::new(),
            code: Code {
                python: format!("large.join(F.broadcast({name}), [{on}])"),
                scala: format!("large.join(broadcast({name}), Seq({on}))"),
                sql: format!("SELECT /*+ BROADCAST({name}) */ … FROM large JOIN {name} ON …"),
            },
        },
        Advice {
            text: format!(
                "Or let Spark decide so for every join: the driver and each executor then hold up to {limit} MiB for each of them."
            ),
            config,
            ..Advice::default()
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::sample::{in_stage, node, told, with_query};
    use crate::model::{Application, PlanGraph};
    use crate::schedule::sample::Sample;

    fn application(small: &str, kind: &str) -> Application {
        let sample = Sample::cluster(2, 2)
            .stage_with("collect at /apps/a.py:5", &[5_000; 8], |_, task| {
                task.metrics.set(TaskMetric::ShuffleWriteBytes, Some(10 << 20));
            })
            .stage_with("collect at /apps/a.py:5", &[5_000; 8], |_, task| {
                task.metrics.set(TaskMetric::ShuffleReadRecords, Some(126));
            })
            .application();
        let (written, sorted) = (in_stage("1.6 GiB", 0), in_stage("8.0 s", 1));
        let large = [
            ("data size", written.as_str()),
            ("shuffle records written", "1,000"),
            ("shuffle write time", "800 ms"),
        ];
        let nodes = vec![
            node(0, "SortMergeJoin", &[("number of output rows", "1,000")]),
            node(1, "Sort", &[("sort time", &sorted)]),
            node(2, "Exchange", &large),
            node(3, "Sort", &[("sort time", "10 ms")]),
            node(4, "Exchange", &[("data size", small), ("shuffle records written", "8")]),
        ];
        let plan = format!(
            "== Physical Plan ==\n* SortMergeJoin {kind} (7)\n:- * Sort (3)\n:  +- Exchange (2)\n:     +- Range (1)\n+- * Sort (6)\n   +- Exchange (5)\n      \
             +- Scan parquet shop.customers (4)\n\n\n(4) Scan parquet shop.customers\nOutput [1]: [id#2]\n\n(7) SortMergeJoin [codegen id : 5]\nLeft keys [1]: [customer_id#1L]\nRight keys [1]: [id#2]\n\
             Join type: {kind}\nJoin condition: None\n"
        );
        let edges = vec![(1, 0), (2, 1), (3, 0), (4, 3)];
        with_query(sample, &[0, 1], &plan, PlanGraph { nodes, edges })
            .with_setting("spark.sql.autoBroadcastJoinThreshold", "-1")
    }

    trait WithSetting {
        fn with_setting(self, key: &str, value: &str) -> Self;
    }

    impl WithSetting for Application {
        fn with_setting(mut self, key: &str, value: &str) -> Self {
            self.environment.spark.push((key.into(), value.into()));
            self
        }
    }

    #[test]
    fn a_small_side_that_was_shuffled_is_broadcast_instead() {
        let findings = told(&RULE, &application("40.0 MiB", "Inner"));
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            finding.title,
            "SortMergeJoin on customer_id in stage 1 (collect at a.py:5) shuffles 1.6 GiB to meet 40.0 MiB: broadcast the smaller side"
        );
        // 16.4 s at either end, 0.8 s written, 8 s sorted, of 8 tasks in two waves each; 0.4 s for the broadcast.
        assert_eq!(finding.saving_ms, Some(9_994));
        assert!(finding.cause.contains("is -1"), "{}", finding.cause);
        assert!(
            finding.advice[0].code.sql.contains("BROADCAST(customers)"),
            "{:?}",
            finding.advice
        );
        assert_eq!(finding.advice[1].config[0].1, "60m");
    }

    #[test]
    fn sides_that_may_not_or_cannot_be_broadcast_are_left_alone() {
        assert!(told(&RULE, &application("40.0 MiB", "RightOuter")).is_empty());
        assert!(told(&RULE, &application("40.0 MiB", "FullOuter")).is_empty());
        assert!(told(&RULE, &application("101.0 MiB", "Inner")).is_empty());
    }

    #[test]
    fn without_sizes_nothing_is_said() {
        let mut application = application("40.0 MiB", "Inner");
        application.sql[0].graph = None;
        assert!(told(&RULE, &application).is_empty());
    }
}
