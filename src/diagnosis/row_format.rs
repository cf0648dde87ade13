//! `row-format`: the input is text (CSV, JSON, XML), parsed row by row each time it is read.

use super::context::Context;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Severity};
use super::plan_tree::PlanOperator;
use super::queries::Query;
use super::scan;
use super::{Draft, Matter, Rule, statistics};
use crate::model::{Stage, TaskMetric, TasksRead, Unit};
use crate::schedule::{Calibration, Change, slot_times};
use crate::units;

pub const RULE: Rule = Rule {
    name: "row-format",
    about: "A stage reads CSV, JSON or XML, at least 1 GiB of it or for at least a tenth of wall time. Saving: its tasks without four \
            fifths of what parsing their bytes takes at 20 MiB/s a core (no more than four fifths of the task), and without all of it in the stages that \
            read the same input only to infer its schema; the application replayed by list scheduling. Why: Armbrust et al. 2015, \
            Spark SQL (columnar storage, pruning, predicate pushdown).",
    check,
};

const FORMATS: [(&str, &str); 3] = [("Scan csv", "CSV"), ("Scan json", "JSON"), ("Scan xml", "XML")];

/// What a columnar file spares of the parsing.
const SPARED_SHARE: f64 = 0.8;

fn check(context: &Context<'_>) -> Vec<Draft> {
    let queries = context.queries().iter();
    queries.filter_map(|query| examine(context, query)).collect()
}

/// A text scan of a plan, and the name of its format.
fn text_scan<'q, 'a>(query: &'q Query<'a>) -> Option<(&'q PlanOperator<'a>, &'static str)> {
    let format = |operator: &PlanOperator<'_>| FORMATS.iter().find(|(start, _)| operator.name.starts_with(start));
    query
        .tree
        .operators
        .iter()
        .find_map(|operator| Some((operator, format(operator)?.1)))
}

fn examine(context: &Context<'_>, query: &Query<'_>) -> Option<Draft> {
    let (operator, format) = text_scan(query)?;
    let node = query.nodes(operator.name).next();
    let named = node.and_then(|node| query.stage_of(node));
    let stage = named.or_else(|| {
        query
            .leaf_stages()
            .max_by_key(|stage| stage.totals.get(TaskMetric::InputBytes))
    })?;
    let bytes = stage.totals.get(TaskMetric::InputBytes).filter(|bytes| *bytes > 0)?;
    let thresholds = context.thresholds;
    let inference = inference(context, query, stage, bytes);
    let reading = inference.iter().copied().chain([stage]);
    let spent = statistics::total(reading.map(|stage| context.stage_ms(stage)));
    if bytes < thresholds.row_format_bytes && (spent as f64) < context.wall_ms as f64 * thresholds.row_format_share {
        return None;
    }
    let mut changes = vec![Change::Tasks(stage.key, without_parsing(context, stage, SPARED_SHARE))];
    changes.extend(
        inference
            .iter()
            .map(|stage| Change::Tasks(stage.key, without_parsing(context, stage, 1.0))),
    );
    let error = Calibration::of_stage(stage, &context.slots).map_or(1.0, |calibration| calibration.error());
    let what = if inference.is_empty() {
        "with a fifth of the time that parsing takes".to_owned()
    } else {
        format!(
            "with a fifth of the time that parsing takes, and without {} that only infers the schema",
            inference
                .iter()
                .map(|stage| context.name(stage))
                .collect::<Vec<_>>()
                .join(", ")
        )
    };
    let saving = context.saving(&changes, &what, error, Confidence::Medium);
    let path = scan::location(operator).unwrap_or("the input");
    let mut evidence = vec![
        Evidence::of(
            "input",
            bytes as f64,
            Unit::Bytes,
            format!("{format} read by {}", context.name(stage)),
        ),
        Evidence::of(
            "time of the stages that read it",
            spent as f64,
            Unit::Millis,
            "wall time of the application",
        )
        .against(context.wall_ms as f64),
    ];
    if let (Some(records), Some(run)) = (
        stage.totals.get(TaskMetric::InputRecords),
        stage.totals.get(TaskMetric::ExecutorRunTime).filter(|run| *run > 0),
    ) {
        let note = format!(
            "{} of run time for it, {}/s a core",
            units::duration(run),
            units::bytes(bytes.saturating_mul(1_000) / run)
        );
        evidence.push(Evidence::of("records parsed", records as f64, Unit::Records, note));
    }
    for stage in &inference {
        evidence.push(Evidence::of(
            context.name(stage),
            context.stage_ms(stage) as f64,
            Unit::Millis,
            "reads the input once more, to infer the schema",
        ));
    }
    let again = if inference.is_empty() {
        ""
    } else {
        ", once more to infer the schema"
    };
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "{} of {format} parsed in {}{again}",
                units::bytes(bytes),
                context.name(stage)
            ),
            place: context.place(stage),
            evidence,
            cause: format!(
                "{format} has no columns to skip and no statistics to skip rows by: all of {path} is read, split and converted, whatever the \
                 query needs of it."
            ),
            advice: advice(operator, format, path, !inference.is_empty()),
            saving_ms: Some(saving.ms),
            saving_note: saving.note,
            confidence: saving.confidence,
        },
        matter: Matter::Saving,
    })
}

/// Stages that read the same input before, for its schema alone: named after the reader, in no scan's plan.
fn inference<'a>(context: &Context<'a>, query: &Query<'_>, scan: &Stage, bytes: u64) -> Vec<&'a Stage> {
    let is_reader = |stage: &Stage| {
        matches!(
            context.call_site(stage).operation.as_str(),
            "csv" | "json" | "load" | "xml"
        )
    };
    // A header line more or less, or one file of many.
    let alike = |stage: &Stage| {
        stage
            .totals
            .get(TaskMetric::InputBytes)
            .is_some_and(|read| read.abs_diff(bytes) <= bytes / 10)
    };
    let stages = context.application.ran_stages().map(|stage| &**stage);
    stages
        .filter(|stage| stage.tasks_read == TasksRead::Yes && !stage.tasks.is_empty() && stage.key < scan.key)
        .filter(|stage| stage.sql != Some(query.sql.id) && alike(stage) && is_reader(stage))
        .collect()
}

/// A stage's tasks without a share of what parsing their bytes takes.
fn without_parsing(context: &Context<'_>, stage: &Stage, share: f64) -> Vec<u64> {
    let rate = context.thresholds.row_format_bytes_per_second.max(1);
    let shortened = |(row, held): (usize, u64)| {
        let bytes = stage.tasks.metric(row, TaskMetric::InputBytes).unwrap_or(0);
        let parsing = (bytes.saturating_mul(1_000) / rate).min(held);
        held.saturating_sub((parsing as f64 * share) as u64)
    };
    slot_times(stage).into_iter().map(shortened).collect()
}

fn advice(operator: &PlanOperator<'_>, format: &str, path: &str, inferred: bool) -> Vec<Advice> {
    let lower = format.to_lowercase();
    let schema = operator
        .field("ReadSchema")
        .and_then(scan::ddl)
        .unwrap_or_else(|| "…".into());
    let mut advice = Vec::new();
    advice.push(Advice {
        text: format!(
            "Have {path} written as Parquet (or ORC), or convert it once and read that from then on: only the columns that are needed are read, and row \
             groups that a filter rules out are skipped."
        ),
        config: Vec::new(),
        code: Code {
            python: format!("spark.read.{lower}(\"{path}\", schema=…).write.parquet(\"{path}.parquet\")\ndf = spark.read.parquet(\"{path}.parquet\")"),
            scala: format!("spark.read.schema(…).{lower}(\"{path}\").write.parquet(\"{path}.parquet\")\nval df = spark.read.parquet(\"{path}.parquet\")"),
            sql: format!("CREATE TABLE converted USING parquet AS SELECT * FROM {lower}.`{path}`"),
        },
    });
    if inferred {
        advice.push(Advice {
            text: format!("Say the schema instead of having it inferred: the input is then read once. The columns that this query reads: {schema}."),
            config: Vec::new(),
            code: Code {
                python: format!("df = spark.read.schema(\"{schema}\").{lower}(\"{path}\")"),
                scala: format!("val df = spark.read.schema(\"{schema}\").{lower}(\"{path}\")"),
                sql: format!("CREATE TABLE t ({schema}) USING {lower} LOCATION '{path}'"),
            },
        });
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Thresholds, findings};
    use crate::model::{Application, SqlExecution};
    use crate::schedule::sample::Sample;

    fn application(format: &str, mib_a_task: u64) -> Application {
        let reads = move |_: usize, task: &mut crate::model::Task| {
            task.metrics.set(TaskMetric::InputBytes, Some(mib_a_task << 20));
            task.metrics.set(TaskMetric::InputRecords, Some(1_000_000));
        };
        let mut application = Sample::cluster(2, 2)
            .stage_with("csv at /apps/a.py:4", &[8_000; 8], reads)
            .stage_with("collect at /apps/a.py:5", &[10_000; 8], reads)
            .application();
        let mut stage = (*application.stages[1]).clone();
        stage.sql = Some(0);
        let plan = format!(
            "== Physical Plan ==\n* Project (2)\n+- Scan {format}  (1)\n\n\n(1) Scan {format} \nOutput [2]: [a#1L, b#2]\nLocation: InMemoryFileIndex [file:/data/t]\n\
             ReadSchema: struct<a:bigint,b:string>\n"
        );
        application.sql.push(SqlExecution {
            plan: Some(plan.into()),
            ..SqlExecution::default()
        });
        application.with_stage(stage)
    }

    #[test]
    fn csv_that_takes_the_time_is_told_with_its_inference() {
        let findings = findings(&application("csv", 100), &Thresholds::default());
        let finding = findings.iter().find(|finding| finding.rule == RULE.name).unwrap();
        assert_eq!(
            finding.title,
            "800 MiB of CSV parsed in stage 1 (collect at a.py:5), once more to infer the schema"
        );
        // 100 MiB take 5 s: 4 s of them go, in two waves, and all 5 s of those that infer the schema.
        assert_eq!(finding.saving_ms, Some(8_000 + 10_000));
        assert!(
            finding.advice[1].code.sql.contains("a BIGINT, b STRING"),
            "{:?}",
            finding.advice
        );
    }

    #[test]
    fn columnar_input_and_a_little_text_are_left_alone() {
        let none = |application: &Application| {
            findings(application, &Thresholds::default())
                .iter()
                .all(|finding| finding.rule != RULE.name)
        };
        assert!(none(&application("parquet", 100)));
        let little = Sample::cluster(2, 2).stage("a", &[100_000; 8]).application();
        let mut text = application("csv", 0);
        text.start_ms = little.start_ms;
        assert!(none(&text));
    }
}
