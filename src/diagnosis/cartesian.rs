//! `cartesian`: a join without an equality, which holds every row of the one side against every row of the other.

use super::context::Context;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Severity};
use super::plan_tree::{PlanOperator, without_ids};
use super::queries::Query;
use super::{Draft, Matter, Rule};
use crate::model::{PlanNode, Stage, TaskMetric, Unit};
use crate::schedule::slot_times;
use crate::units;

pub const RULE: Rule = Rule {
    name: "cartesian",
    about: "A CartesianProduct or BroadcastNestedLoopJoin compares at least a hundred times as many pairs of rows as both sides have rows, and \
            ten million or more. Saving: its stage with only what its tasks took to start and what the rows of both sides and of the result take \
            to read, hash and join by a key, at 200,000 rows a second and core; the application replayed by list scheduling.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for query in context.queries() {
        let joins = ["CartesianProduct", "BroadcastNestedLoopJoin"]
            .into_iter()
            .flat_map(|kind| query.nodes(kind));
        drafts.extend(joins.filter_map(|join| examine(context, query, join)));
    }
    drafts
}

/// Rows that come out of a node or, where it counts none, of what feeds it alone.
fn rows(query: &Query<'_>, node: &PlanNode) -> Option<f64> {
    let graph = query.graph?;
    let mut at = node;
    for _ in 0..6 {
        if let Some(rows) = at.total("number of output rows") {
            return Some(rows);
        }
        let mut inputs = graph.inputs(at.id);
        let (first, second) = (inputs.next(), inputs.next());
        at = first.filter(|_| second.is_none())?;
    }
    None
}

fn examine(context: &Context<'_>, query: &Query<'_>, join: &PlanNode) -> Option<Draft> {
    let inputs: Vec<&PlanNode> = query.graph?.inputs(join.id).collect();
    let [left, right] = inputs.as_slice() else { return None };
    let (left, right) = (rows(query, left)?, rows(query, right)?);
    let pairs = left * right;
    let thresholds = context.thresholds;
    if pairs < thresholds.cartesian_pairs as f64 || pairs < thresholds.cartesian_ratio * (left + right) {
        return None;
    }
    let stage = query
        .stage_of(join)
        .or_else(|| longest(context, query))
        .filter(|stage| context.matters(stage))?;
    let out = join.total("number of output rows");
    let times = slot_times(stage);
    let rows_each = (left + right + out.unwrap_or(0.0)) / times.len().max(1) as f64;
    let joins = rows_each * 1_000.0 / thresholds.cartesian_hashed_rows_per_second.max(1) as f64;
    let tasks = times.into_iter().map(|(row, held)| {
        let runs = stage.tasks.metric(row, TaskMetric::ExecutorRunTime).unwrap_or(held);
        held.min(held.saturating_sub(runs).saturating_add(joins as u64))
    });
    let what = "with rows looked up by a key instead of every pair compared";
    let saving = context.saving_of_tasks(stage, tasks.collect(), what, Confidence::Medium);
    let kind = join.name.split(' ').next().unwrap_or(&join.name);
    let operator = query.tree.of_kind(kind).map(|(_, operator)| operator).next();
    let condition = operator.and_then(condition);
    let mut evidence = vec![
        Evidence::of("pairs of rows compared", pairs, Unit::Count, "rows of both sides").against(left + right),
        Evidence::of(
            "rows of the smaller side",
            left.min(right),
            Unit::Records,
            "rows of the larger side",
        )
        .against(left.max(right)),
    ];
    if let Some(out) = out {
        let share = units::percent(out / pairs.max(1.0));
        evidence.push(Evidence::of(
            "rows out of the join",
            out,
            Unit::Records,
            format!("{share} of the pairs match"),
        ));
    }
    if let Some(run) = stage.totals.get(TaskMetric::ExecutorRunTime).filter(|run| *run > 0) {
        evidence.push(Evidence::of(
            "run time of the stage, all tasks",
            run as f64,
            Unit::Millis,
            format!(
                "{} pairs a second and core",
                units::count((pairs * 1_000.0 / run as f64) as u64)
            ),
        ));
    }
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "{kind} in {}: {} × {} rows, {} pairs compared",
                context.name(stage),
                units::count(left as u64),
                units::count(right as u64),
                units::count(pairs as u64)
            ),
            place: context.place(stage),
            evidence,
            cause: match &condition {
                Some(condition) => format!(
                    "The join's condition is `{condition}`. It holds no equality of a column of one side with a column of the other, so Spark can neither hash nor \
                     sort, and tries every pair."
                ),
                None => "The join has no condition: every row meets every row.".into(),
            },
            advice: advice(condition.as_deref(), stage, context),
            saving_ms: Some(saving.ms),
            saving_note: saving.note,
            confidence: saving.confidence,
        },
        matter: Matter::Saving,
    })
}

fn longest<'a>(context: &Context<'_>, query: &Query<'a>) -> Option<&'a Stage> {
    query.stages.iter().copied().max_by_key(|stage| context.stage_ms(stage))
}

/// A join's condition without ids, short enough to read; `None` where there is none.
fn condition(operator: &PlanOperator<'_>) -> Option<String> {
    let plain = without_ids(operator.field("Join condition")?);
    let short: String = plain.chars().take(200).collect();
    (plain != "None").then(|| {
        if short.len() < plain.len() {
            format!("{short}…")
        } else {
            plain
        }
    })
}

fn advice(condition: Option<&str>, stage: &Stage, context: &Context<'_>) -> Vec<Advice> {
    let at = context.call_site(stage).line_or_unknown().to_owned();
    let Some(condition) = condition else {
        return vec![Advice {
            text: format!(
                "Give the join at {at} a condition with an equality; a missing `ON` (or a join key lost on the way) is the usual reason."
            ),
            config: Vec::new(),
            code: Code {
                python: "left.join(right, \"key\")".into(),
                scala: "left.join(right, Seq(\"key\"))".into(),
                sql: "SELECT … FROM left JOIN right ON left.key = right.key".into(),
            },
        }];
    };
    let mut advice = vec![Advice {
        text: format!(
            "Add an equality to the join at {at} that every match fulfils, and keep `{condition}` beside it if it says more: a prefix of fixed length, a rounded \
             number, a day, a grid cell."
        ),
        config: Vec::new(),
        code: Code {
            python: "left.join(right, (F.substring(\"a\", 1, 4) == F.col(\"b\")) & (…))".into(),
            scala: "left.join(right, substring(col(\"a\"), 1, 4) === col(\"b\") && (…))".into(),
            sql: "SELECT … FROM left JOIN right ON substring(left.a, 1, 4) = right.b AND (…)".into(),
        },
    }];
    if condition.contains(" OR ") {
        advice.push(Advice {
            text: "A condition of alternatives is the union of one join for each: every one has its equality.".into(),
            config: Vec::new(),
            code: Code {
                python: "left.join(right, \"a\").union(left.join(right, \"b\")).distinct()".into(),
                scala: "left.join(right, Seq(\"a\")).union(left.join(right, Seq(\"b\"))).distinct()".into(),
                sql: "SELECT … FROM left JOIN right USING (a) UNION SELECT … FROM left JOIN right USING (b)".into(),
            },
        });
    }
    if [" >= ", " <= ", " < ", " > "]
        .iter()
        .any(|compares| condition.contains(compares))
    {
        advice.push(Advice {
            text: "For a range, cut it into buckets (by day, by thousand): explode each range into the buckets that it touches, and join on the bucket with \
                   the comparison beside it."
                .into(),
            config: Vec::new(),
            code: Code {
                python: "ranges.withColumn(\"bucket\", F.explode(F.sequence(F.floor(F.col(\"low\") / 1000), F.floor(F.col(\"high\") / 1000))))".into(),
                scala: "ranges.withColumn(\"bucket\", explode(sequence(floor(col(\"low\") / 1000), floor(col(\"high\") / 1000))))".into(),
                sql: "SELECT *, explode(sequence(floor(low / 1000), floor(high / 1000))) AS bucket FROM ranges".into(),
            },
        });
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::sample::{in_stage, node, told, with_query};
    use crate::model::{Application, PlanGraph};
    use crate::schedule::sample::Sample;

    fn application(left: &str, right: &str) -> Application {
        let sample = Sample::cluster(2, 2)
            .stage("collect at /apps/a.py:5", &[10_000; 8])
            .application();
        let time = in_stage("1.0 s", 0);
        let nodes = vec![
            node(0, "HashAggregate", &[("time in aggregation build", &time)]),
            node(1, "BroadcastNestedLoopJoin", &[("number of output rows", "5,000")]),
            node(2, "Project", &[]),
            node(3, "Range", &[("number of output rows", left)]),
            node(4, "BroadcastExchange", &[("number of output rows", right)]),
        ];
        let plan = "== Physical Plan ==\n* BroadcastNestedLoopJoin Inner BuildRight (3)\n:- Range (1)\n+- BroadcastExchange (2)\n\n\n(3) BroadcastNestedLoopJoin \n\
                    Join type: Inner\nJoin condition: (StartsWith(number#1, prefix#2) OR (a#3 > b#4))\n";
        with_query(
            sample,
            &[0],
            plan,
            PlanGraph {
                nodes,
                edges: vec![(1, 0), (2, 1), (3, 2), (4, 1)],
            },
        )
    }

    #[test]
    fn a_join_of_every_row_with_every_row_is_told_with_its_condition() {
        let findings = told(&RULE, &application("100,000", "2,000"));
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            finding.title,
            "BroadcastNestedLoopJoin in stage 0 (collect at a.py:5): 100,000 × 2,000 rows, 200.0 million pairs compared"
        );
        // 107,000 rows at 200,000 a second, in two waves of an eighth each.
        assert_eq!(finding.saving_ms, Some(20_000 - 2 * 66));
        assert!(
            finding.cause.contains("StartsWith(number, prefix)"),
            "{}",
            finding.cause
        );
        assert_eq!(finding.advice.len(), 3);
    }

    #[test]
    fn a_single_row_joined_to_all_is_no_fault() {
        assert!(told(&RULE, &application("10,000,000", "1")).is_empty());
        assert!(told(&RULE, &application("900", "1,000")).is_empty());
    }

    #[test]
    fn without_rows_nothing_is_said() {
        let mut application = application("100,000", "2,000");
        application.sql[0].graph = None;
        assert!(told(&RULE, &application).is_empty());
    }
}
