//! `jdbc-single-partition`: a database table comes through one connection, in one task.

use super::context::Context;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Severity};
use super::plan_tree::PlanOperator;
use super::queries::Query;
use super::{Draft, Matter, Rule, partition_count, partitions, scan, too_few_tasks};
use crate::model::{Stage, TaskMetric, Unit};
use crate::units;

pub const RULE: Rule = Rule {
    name: "jdbc-single-partition",
    about: "A plan scans a JDBC table in one partition (numPartitions=1), and the stage that does has one task. Saving: its work in N equal \
            partitions (see the advice for N), each with the task's fixed cost; the application replayed by list scheduling. The database \
            is taken to serve N connections as fast as one.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    let queries = context.queries().iter();
    queries.flat_map(|query| examine(context, query)).collect()
}

/// Scans of a JDBC table in one partition (`JDBCRelation.toString`).
fn scans<'q, 'a>(query: &'q Query<'a>) -> impl Iterator<Item = &'q PlanOperator<'a>> {
    let single = |operator: &&PlanOperator<'_>| {
        operator.name.starts_with("Scan JDBCRelation(") && operator.name.contains("[numPartitions=1]")
    };
    query.tree.operators.iter().filter(single)
}

/// The stage that reads such a scan: it reads no shuffle and has one task. With several scans, the longest.
fn stage<'a>(context: &Context<'_>, query: &Query<'a>) -> Option<&'a Stage> {
    let single = query.leaf_stages().filter(|stage| stage.num_tasks == 1);
    single.max_by_key(|stage| context.stage_ms(stage))
}

/// Whether this rule tells of a stage: it needs no second word about too few tasks.
pub fn explains(context: &Context<'_>, of: &Stage) -> bool {
    let mut queries = context.queries().iter().filter(|query| Some(query.sql.id) == of.sql);
    queries.any(|query| scans(query).next().is_some() && stage(context, query).is_some_and(|stage| stage.key == of.key))
}

fn examine(context: &Context<'_>, query: &Query<'_>) -> Option<Draft> {
    let operator = scans(query).next()?;
    let stage = stage(context, query).filter(|stage| context.matters(stage))?;
    let slots = context.slots.during(stage);
    let rows = partitions::rows(stage);
    let count = partition_count::suggest(context, stage);
    if rows.is_empty() || count.partitions <= 1 {
        return None;
    }
    let even = too_few_tasks::evenly(context, stage, &rows, count.partitions);
    let what = format!(
        "with {} connections instead of one, each reading an equal part",
        count.partitions
    );
    let saving = context.saving_of_tasks(stage, even, &what, Confidence::Medium);
    let table = table(operator);
    let mut place = context.place(stage);
    place.tasks = rows.first().map(|row| stage.tasks.id(*row)).into_iter().collect();
    let mut evidence = vec![
        Evidence::of(
            "partitions of the JDBC scan",
            1.0,
            Unit::Count,
            "task slots of the executors alive",
        )
        .against(f64::from(slots)),
        Evidence::of(
            "stage duration",
            context.stage_ms(stage) as f64,
            Unit::Millis,
            "wall time of the application",
        )
        .against(context.wall_ms as f64),
    ];
    if let Some(records) = stage
        .totals
        .get(TaskMetric::InputRecords)
        .filter(|records| *records > 0)
    {
        evidence.push(Evidence::of(
            "rows read",
            records as f64,
            Unit::Records,
            "through one connection",
        ));
    }
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "JDBC table {table} read by a single task in {}, {} there",
                context.name(stage),
                units::counted(u64::from(slots), "slot")
            ),
            place,
            evidence,
            cause: format!(
                "Without partitionColumn Spark asks the database one query for all of {table} and reads it through one connection: one task, however \
                 large the table; the other slots wait, and what follows in the stage is done by that task too."
            ),
            advice: advice(operator, table, count.partitions, &count.because),
            saving_ms: Some(saving.ms),
            saving_note: saving.note,
            confidence: saving.confidence,
        },
        matter: Matter::Saving,
    })
}

/// `Scan JDBCRelation(orders) [numPartitions=1]` gives `orders`.
fn table<'a>(operator: &PlanOperator<'a>) -> &'a str {
    let inside = operator
        .name
        .strip_prefix("Scan JDBCRelation(")
        .and_then(|rest| rest.rsplit_once(") ["))
        .map(|(table, _)| table);
    inside.unwrap_or("(name not recorded)")
}

/// The column to cut the table by: a number, date or timestamp, best one that is named as a key.
fn column<'a>(operator: &PlanOperator<'a>) -> Option<&'a str> {
    const DIVIDES: [&str; 8] = [
        "bigint",
        "int",
        "smallint",
        "decimal",
        "double",
        "date",
        "timestamp",
        "timestamp_ntz",
    ];
    let fields = operator.field("ReadSchema").and_then(scan::fields)?;
    let divides = |kind: &str| DIVIDES.contains(&kind.split('(').next().unwrap_or(kind));
    let mut columns = fields
        .into_iter()
        .filter(|(_, kind)| divides(kind))
        .map(|(name, _)| name);
    let first = columns.clone().next();
    columns.find(|name| name.to_lowercase().ends_with("id")).or(first)
}

fn advice(operator: &PlanOperator<'_>, table: &str, n: u64, because: &str) -> Vec<Advice> {
    let by = column(operator).unwrap_or("id");
    let known = if column(operator).is_some() {
        "of the columns that the query reads"
    } else {
        "an evenly spread number or date"
    };
    let bounds = format!("SELECT min({by}), max({by}) FROM {table}");
    vec![
        Advice {
            text: format!(
                "Read {table} in {n} ranges of {by} ({known}; take one that has an index). lowerBound and upperBound only set the ranges' width, no \
                 row is left out: `{bounds}` tells them. {n}: {because}; not more than the database bears."
            ),
            config: Vec::new(),
            code: Code {
                python: format!(
                    "spark.read.format(\"jdbc\").options(url=…, dbtable=\"{table}\", partitionColumn=\"{by}\", lowerBound=…, upperBound=…, numPartitions={n}, fetchsize=10000).load()"
                ),
                scala: format!(
                    "spark.read.format(\"jdbc\").options(Map(\"url\" -> …, \"dbtable\" -> \"{table}\", \"partitionColumn\" -> \"{by}\", \"lowerBound\" -> …, \"upperBound\" -> …, \"numPartitions\" -> \"{n}\", \"fetchsize\" -> \"10000\")).load()"
                ),
                sql: format!(
                    "CREATE TEMPORARY VIEW t USING jdbc OPTIONS (url '…', dbtable '{table}', partitionColumn '{by}', lowerBound '…', upperBound '…', numPartitions '{n}', fetchsize '10000')"
                ),
            },
        },
        Advice {
            text: "Whatever the number, set fetchsize: 0, the default, leaves it to the driver, and some load every row at once (MySQL, PostgreSQL \
                   with autocommit), others ten a round trip (Oracle)."
                .into(),
            ..Advice::default()
        },
        Advice {
            text: format!(
                "If no column divides the rows, give `predicates`: one condition a partition; or spread the rows behind the read with repartition({n}), so \
                 that at least the rest of the work is shared."
            ),
            config: Vec::new(),
            code: Code {
                python: format!("spark.read.jdbc(url, \"{table}\", predicates=[\"…\", \"…\"], properties=…)"),
                scala: format!("spark.read.jdbc(url, \"{table}\", Array(\"…\", \"…\"), properties)"),
                sql: String::new(),
            },
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Thresholds, findings};
    use crate::model::{Application, SqlExecution};
    use crate::schedule::sample::Sample;

    fn application(partitions: u32, tasks: &[u64]) -> Application {
        let mut application = Sample::cluster(4, 2)
            .stage("warm-up", &[2_000; 16])
            .stage_with("collect at /apps/a.py:5", tasks, |_, task| {
                task.metrics.set(TaskMetric::InputRecords, Some(1_000_000));
            })
            .application();
        let mut stage = (*application.stages[1]).clone();
        stage.sql = Some(0);
        let name = format!("Scan JDBCRelation(shop.orders) [numPartitions={partitions}]");
        let plan = format!(
            "== Physical Plan ==\n* Project (2)\n+- * {name} (1)\n\n\n(1) {name} [codegen id : 1]\nOutput [2]: [NOTE#1, ORDER_ID#2L]\n\
             ReadSchema: struct<NOTE:string,AMOUNT:int,ORDER_ID:bigint>\n"
        );
        application.sql.push(SqlExecution {
            plan: Some(plan.into()),
            ..SqlExecution::default()
        });
        application.with_stage(stage)
    }

    #[test]
    fn a_table_read_by_one_task_is_read_in_ranges_instead() {
        let findings = findings(&application(1, &[64_000]), &Thresholds::default());
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            (finding.rule, finding.title.as_str()),
            (
                RULE.name,
                "JDBC table shop.orders read by a single task in stage 1 (collect at a.py:5), 8 slots there"
            )
        );
        // 64 s in 16 parts on 8 slots take 8 s.
        assert_eq!(finding.saving_ms, Some(56_000));
        assert!(finding.advice[0].code.python.contains("partitionColumn=\"ORDER_ID\""));
        assert!(finding.advice[0].code.python.contains("numPartitions=16"));
    }

    #[test]
    fn ranges_and_short_reads_are_left_alone() {
        let none = |application: &Application| {
            findings(application, &Thresholds::default())
                .iter()
                .all(|finding| finding.rule != RULE.name)
        };
        assert!(none(&application(8, &[8_000; 8])));
        assert!(none(&application(1, &[500])));
    }

    #[test]
    fn a_plan_without_a_schema_still_gets_advice() {
        let mut application = application(1, &[64_000]);
        let plan = "== Physical Plan ==\nScan JDBCRelation((select 1) x) [numPartitions=1] (1)\n\n";
        application.sql[0].plan = Some(plan.into());
        let findings = findings(&application, &Thresholds::default());
        assert!(
            findings[0].title.contains("JDBC table (select 1) x read"),
            "{}",
            findings[0].title
        );
    }
}
