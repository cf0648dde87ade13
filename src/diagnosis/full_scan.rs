//! `full-scan`: a partitioned table is read whole, and a filter drops most of the rows right after.

use super::context::Context;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Severity};
use super::plan_tree::{PlanOperator, without_ids};
use super::queries::Query;
use super::{Draft, Matter, Rule, scan};
use crate::model::{PlanNode, TaskMetric, Unit};
use crate::schedule::slot_times;
use crate::units;

pub const RULE: Rule = Rule {
    name: "full-scan",
    about: "A scan of a table partitioned by columns (it counts the partitions it read, two or more) has no partition filter, and the filter \
            behind it keeps at most a quarter of the rows (number of output rows of both). Saving: the scan's stage with only that share \
            of its work, the rows being taken to lie in as few partitions; the application replayed by list scheduling.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    let queries = context.queries().iter();
    queries
        .flat_map(|query| {
            query
                .nodes("Scan ")
                .filter_map(|node| examine(context, query, node))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn examine(context: &Context<'_>, query: &Query<'_>, node: &PlanNode) -> Option<Draft> {
    let partitions = node.total("number of partitions read").filter(|count| *count >= 2.0)?;
    let read = node.total("number of output rows").filter(|rows| *rows > 0.0)?;
    let operator = operator(query, node)?;
    if has_partition_filter(operator) {
        return None;
    }
    let kept = rows_kept(query, node)?;
    let share = (kept / read).clamp(0.0, 1.0);
    if share > context.thresholds.full_scan_kept_share {
        return None;
    }
    let stage = query.stage_of(node).or_else(|| {
        query
            .leaf_stages()
            .max_by_key(|stage| stage.totals.get(TaskMetric::InputRecords))
    })?;
    if !context.matters(stage) {
        return None;
    }
    let tasks = slot_times(stage);
    let left = ((tasks.len() as f64 * share).ceil() as usize).clamp(1, tasks.len().max(1));
    // Files are packed into tasks anew: that share of all the work, in as few tasks.
    let total = super::statistics::total(tasks.iter().map(|(_, held)| *held));
    let each = (total as f64 * share / left as f64) as u64;
    let what = format!(
        "with {} of the scan's work, which a partition filter would leave",
        units::percent(share)
    );
    let saving = context.saving_of_tasks(stage, vec![each; left], &what, Confidence::Medium);
    let table = scan::of_what(operator).unwrap_or(&node.name).to_owned();
    let condition = condition(query, operator);
    let mut evidence = vec![
        Evidence::of(
            "rows kept by the filter",
            kept,
            Unit::Records,
            "rows that the scan read",
        )
        .against(read),
        Evidence::of(
            "partitions read",
            partitions,
            Unit::Count,
            "PartitionFilters is empty: all of them",
        ),
    ];
    if let Some(bytes) = node.total("size of files read") {
        let spared = units::bytes((bytes * (1.0 - share)) as u64);
        evidence.push(Evidence::of(
            "size of files read",
            bytes,
            Unit::Bytes,
            format!("{spared} of it for rows that are dropped"),
        ));
    }
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "All {} partitions of {table} read in {} to keep {} of the rows",
                units::count(partitions as u64),
                context.name(stage),
                units::percent(share)
            ),
            place: context.place(stage),
            evidence,
            cause: match &condition {
                Some(condition) => format!(
                    "The query filters by `{condition}`. That names no partition column in a form that Spark can evaluate before it reads, so every \
                     partition is listed, opened and read."
                ),
                None => "The query filters behind the scan, by nothing that Spark can hold against partitions before it reads.".into(),
            },
            advice: advice(operator, &table, condition.as_deref()),
            saving_ms: Some(saving.ms),
            saving_note: saving.note,
            confidence: saving.confidence,
        },
        matter: Matter::Saving,
    })
}

/// The tree's operator for a scan node: of the same name, read of as many places as there are.
fn operator<'q, 'a>(query: &'q Query<'a>, node: &PlanNode) -> Option<&'q PlanOperator<'a>> {
    let mut alike = query
        .tree
        .operators
        .iter()
        .filter(|operator| operator.name.trim() == node.name.trim());
    let (first, second) = (alike.next(), alike.next());
    // Two scans of one name cannot be told apart over REST.
    first.filter(|_| second.is_none())
}

fn has_partition_filter(operator: &PlanOperator<'_>) -> bool {
    operator
        .field("PartitionFilters")
        .is_some_and(|filters| filters != "[]")
}

/// Rows behind the filter that a scan feeds; `None` when nothing filters them.
fn rows_kept(query: &Query<'_>, node: &PlanNode) -> Option<f64> {
    let graph = query.graph?;
    let mut at = node.id;
    for _ in 0..3 {
        let (_, next) = graph.edges.iter().find(|(from, _)| *from == at)?;
        let next = graph.node(*next)?;
        match next.name.as_str() {
            "Filter" => return next.total("number of output rows"),
            "ColumnarToRow" | "Project" => at = next.id,
            _ => return None,
        }
    }
    None
}

/// The condition of the filter above a scan, without ids, short enough to read.
fn condition(query: &Query<'_>, operator: &PlanOperator<'_>) -> Option<String> {
    let mut place = query
        .tree
        .operators
        .iter()
        .position(|known| known.number == operator.number)?;
    for _ in 0..3 {
        place = query.tree.above(place)?;
        let above = query.tree.operators.get(place)?;
        if above.kind() == "Filter" {
            let plain = without_ids(above.field("Condition")?);
            let short: String = plain.chars().take(160).collect();
            return Some(if short.len() < plain.len() {
                format!("{short}…")
            } else {
                plain
            });
        }
    }
    None
}

fn advice(operator: &PlanOperator<'_>, table: &str, condition: Option<&str>) -> Vec<Advice> {
    let columns = scan::partition_columns(operator);
    let column = columns.first().copied();
    let by = column.unwrap_or("partition_column");
    let which = match column {
        Some(column) => format!("{column}, which {table} is partitioned by"),
        None => format!("the column that {table} is partitioned by (SHOW PARTITIONS names it)"),
    };
    let also = condition.map_or(String::new(), |_| " besides the condition there is".into());
    vec![
        Advice {
            text: format!(
                "Filter by {which}{also}: compare the bare column with constants. A function around it, a cast, or a condition on another column with the same \
                 meaning prunes nothing."
            ),
            config: Vec::new(),
            code: Code {
                python: format!("df = df.where(F.col(\"{by}\") == \"…\")"),
                scala: format!("val wanted = df.where(col(\"{by}\") === \"…\")"),
                sql: format!("SELECT … FROM {table} WHERE {by} = '…' AND …"),
            },
        },
        Advice {
            text: "If the value comes out of another table, join on the partition column: dynamic partition pruning then reads only what matches.".into(),
            config: vec![("spark.sql.optimizer.dynamicPartitionPruning.enabled".into(), "true".into())],
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

    fn application(kept: &str, partitions: Option<&str>, filters: &str) -> Application {
        let sample = Sample::cluster(2, 2)
            .stage("collect at /apps/a.py:5", &[10_000; 20])
            .application();
        let time = in_stage("1.0 s", 0);
        let mut scan = node(
            3,
            "Scan parquet ",
            &[
                ("number of output rows", "1,000"),
                ("size of files read", "10.0 GiB"),
                ("scan time", &time),
            ],
        );
        if let Some(count) = partitions {
            scan.metrics
                .push(node(0, "", &[("number of partitions read", count)]).metrics.remove(0));
        }
        let nodes = vec![
            node(1, "Filter", &[("number of output rows", kept)]),
            node(2, "ColumnarToRow", &[]),
            scan,
        ];
        let plan = format!(
            "== Physical Plan ==\n* Filter (3)\n+- * ColumnarToRow (2)\n   +- Scan parquet  (1)\n\n\n(1) Scan parquet \nOutput [2]: [at#1, day#2]\nLocation: \
             InMemoryFileIndex [file:/data/visits]\n{filters}ReadSchema: struct<at:string>\n\n(3) Filter [codegen id : 1]\nCondition : (to_date(at#1) = 2024-03-11)\n"
        );
        with_query(
            sample,
            &[0],
            &plan,
            PlanGraph {
                nodes,
                edges: vec![(3, 2), (2, 1)],
            },
        )
    }

    #[test]
    fn a_filter_that_prunes_no_partition_is_told_with_the_column_that_would() {
        let findings = told(&RULE, &application("50", Some("30"), ""));
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            finding.title,
            "All 30 partitions of /data/visits read in stage 0 (collect at a.py:5) to keep 5.0% of the rows"
        );
        // Of five waves of 10 s one task is left.
        assert_eq!(finding.saving_ms, Some(40_000));
        assert!(
            finding.cause.contains("(to_date(at) = 2024-03-11)"),
            "{}",
            finding.cause
        );
        assert!(
            finding.advice[0].code.python.contains("F.col(\"day\")"),
            "{:?}",
            finding.advice
        );
    }

    #[test]
    fn pruned_and_unpartitioned_tables_and_filters_that_keep_most_are_left_alone() {
        assert!(
            told(
                &RULE,
                &application("50", Some("30"), "PartitionFilters: [(day#2 = 2024-03-11)]\n")
            )
            .is_empty()
        );
        assert!(told(&RULE, &application("50", Some("1"), "")).is_empty());
        assert!(told(&RULE, &application("50", None, "")).is_empty());
        assert!(told(&RULE, &application("600", Some("30"), "")).is_empty());
    }

    #[test]
    fn without_rows_nothing_is_said() {
        let mut application = application("50", Some("30"), "");
        application.sql[0].graph = None;
        assert!(told(&RULE, &application).is_empty());
    }
}
