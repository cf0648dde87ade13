//! `small-files-written`: a write leaves hundreds of small files, and pays for each.

use super::context::Context;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Severity};
use super::queries::Query;
use super::{Draft, Matter, Rule};
use crate::model::{PlanNode, Stage, TaskMetric, Unit};
use crate::schedule::{Calibration, Change, slot_times};
use crate::units;

pub const RULE: Rule = Rule {
    name: "small-files-written",
    about: "A write of more than 100 files that average less than 16 MiB (number of written files, written output). Saving: its tasks without what opening and closing \
            the files too many takes, 20 ms each (at most nine tenths of a task), and the job's commit without their share; less a shuffle of the rows by what they \
            are partitioned by, at 100 MiB/s a core and end; the application replayed by list scheduling. It is told even where it costs little: whoever reads them pays again.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for query in context.queries() {
        drafts.extend(query.nodes("Execute ").filter_map(|node| examine(context, query, node)));
    }
    drafts
}

fn examine(context: &Context<'_>, query: &Query<'_>, node: &PlanNode) -> Option<Draft> {
    let thresholds = context.thresholds;
    let files = node
        .total("number of written files")
        .filter(|files| *files > thresholds.written_files_least as f64)?;
    let bytes = node.total("written output")?;
    let average = bytes / files;
    if average >= thresholds.small_file_bytes as f64 {
        return None;
    }
    let stage = writing_stage(query)?;
    let parts = node.total("number of dynamic part").filter(|parts| *parts > 0.0);
    // One file for each value of the partition columns, or as many as the bytes fill.
    let wanted = parts
        .unwrap_or(1.0)
        .max((bytes / thresholds.partition_bytes.max(1) as f64).ceil())
        .max(1.0);
    if wanted >= files / 2.0 {
        return None;
    }
    let too_many = files - wanted;
    let rows = slot_times(stage);
    let each = too_many * thresholds.file_write_ms as f64 / rows.len().max(1) as f64;
    let shuffle = bytes * 2.0 * 1_000.0 / thresholds.shuffle_bytes_per_second.max(1) as f64 / rows.len().max(1) as f64;
    let less = |(_, held): &(usize, u64)| {
        let spared = each.min(*held as f64 * 0.9) - shuffle;
        (*held as f64 - spared).max(0.0) as u64
    };
    let mut changes = vec![Change::Tasks(stage.key, rows.iter().map(less).collect())];
    let commit = node.total("job commit time").unwrap_or(0.0);
    if let Some(job) = stage.jobs.last() {
        changes.push(Change::AfterJob(*job, (commit * too_many / files) as u64));
    }
    let error = Calibration::of_stage(stage, &context.slots).map_or(1.0, |calibration| calibration.error());
    let what = format!(
        "with {} to open, close and commit instead of {}",
        units::counted(wanted as u64, "file"),
        units::count(files as u64)
    );
    let saving = context.saving(&changes, &what, error, Confidence::Medium);
    let path = path(query).unwrap_or("the output");
    let columns = partition_columns(query);
    let mut evidence = vec![
        Evidence::of("number of written files", files, Unit::Count, "as many would do").against(wanted),
        Evidence::of("average size", average, Unit::Bytes, "what a file should have at least")
            .against(thresholds.small_file_bytes as f64),
        Evidence::of(
            "tasks that write",
            rows.len() as f64,
            Unit::Count,
            format!(
                "{} each",
                units::counted((files / rows.len().max(1) as f64).round() as u64, "file")
            ),
        ),
    ];
    if let Some(parts) = parts {
        evidence.push(Evidence::of(
            "partitions written to",
            parts,
            Unit::Count,
            "each task writes a file for every one that it has rows of",
        ));
    }
    for (name, note) in [
        ("task commit time", "all tasks"),
        ("job commit time", "the driver, after the last task"),
    ] {
        evidence.extend(
            node.total(name)
                .filter(|ms| *ms > 0.0)
                .map(|ms| Evidence::of(name, ms, Unit::Millis, note)),
        );
    }
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "{} files of {} each written to {path} in {}",
                units::count(files as u64),
                units::bytes(average as u64),
                context.name(stage)
            ),
            place: context.place(stage),
            evidence,
            cause: if parts.is_some() {
                format!(
                    "Every task has rows of many values of {}, and writes a file of its own for each of them.",
                    if columns.is_empty() {
                        "the partition columns".into()
                    } else {
                        columns.join(", ")
                    }
                )
            } else {
                "Every task writes at least one file of its own, and there are more tasks than the rows fill files."
                    .into()
            },
            advice: advice(&columns, path, parts.is_some(), wanted as u64),
            saving_ms: Some(saving.ms),
            saving_note: saving.note,
            confidence: saving.confidence,
        },
        matter: Matter::Hazard,
    })
}

/// The stage that wrote most.
fn writing_stage<'a>(query: &Query<'a>) -> Option<&'a Stage> {
    let written = |stage: &&Stage| stage.totals.get(TaskMetric::OutputRecords).unwrap_or(0);
    let stage = query.stages.iter().copied().max_by_key(|stage| written(stage))?;
    (written(&stage) > 0).then_some(stage)
}

/// `Arguments: file:/data/sales, false, [shop#4], Parquet, …` of the command that writes.
fn arguments<'a>(query: &Query<'a>) -> Option<&'a str> {
    let command = query.tree.of_kind("Execute").map(|(_, operator)| operator).next()?;
    command.field("Arguments")
}

fn path<'a>(query: &Query<'a>) -> Option<&'a str> {
    let first = arguments(query)?.split(',').next()?.trim();
    let path = first.strip_prefix("file:").unwrap_or(first);
    path.contains('/').then_some(path)
}

fn partition_columns(query: &Query<'_>) -> Vec<String> {
    let list = arguments(query).and_then(|text| text.split(", ").nth(2)?.strip_prefix('['));
    // More than one column stands behind further commas.
    let rest = arguments(query)
        .and_then(|text| text.split_once('['))
        .map_or("", |(_, rest)| rest);
    let inside = list.and(rest.split(']').next()).unwrap_or("");
    inside
        .split(',')
        .map(|name| super::plan_tree::plain_name(name).to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

fn advice(columns: &[String], path: &str, partitioned: bool, wanted: u64) -> Vec<Advice> {
    let mut advice = Vec::new();
    let quoted = columns
        .iter()
        .map(|column| format!("\"{column}\""))
        .collect::<Vec<_>>()
        .join(", ");
    let plain = columns.join(", ");
    if partitioned && !columns.is_empty() {
        advice.push(Advice {
            text: format!(
                "Bring the rows of each {plain} into one task before the write: {} files then. A value with very many rows gets one large file; add a second column (or a \
                 random one) to spread it.",
                units::count(wanted)
            ),
            config: Vec::new(),
            code: Code {
                python: format!("df.repartition({quoted}).write.partitionBy({quoted}).parquet(\"{path}\")"),
                scala: format!("df.repartition({}).write.partitionBy({quoted}).parquet(\"{path}\")", columns.iter().map(|c| format!("col(\"{c}\")")).collect::<Vec<_>>().join(", ")),
                sql: format!("INSERT OVERWRITE … SELECT /*+ REPARTITION({plain}) */ … FROM …"),
            },
        });
        advice.push(Advice {
            text: "Or let AQE choose the tasks by size: a rebalance merges small partitions and splits large ones."
                .into(),
            config: vec![("spark.sql.adaptive.enabled".into(), "true".into())],
            code: Code {
                python: format!("df.hint(\"rebalance\", {quoted}).write.partitionBy({quoted}).parquet(\"{path}\")"),
                scala: format!(
                    "df.hint(\"rebalance\", {}).write.partitionBy({quoted}).parquet(\"{path}\")",
                    columns
                        .iter()
                        .map(|c| format!("col(\"{c}\")"))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
                sql: format!("INSERT OVERWRITE … SELECT /*+ REBALANCE({plain}) */ … FROM …"),
            },
        });
    } else {
        advice.push(Advice {
            text: format!("Write from {wanted} tasks: coalesce keeps the rows where they are; repartition shuffles, and keeps the work before it parallel."),
            config: Vec::new(),
            code: Code {
                python: format!("df.coalesce({wanted}).write.parquet(\"{path}\")"),
                scala: format!("df.coalesce({wanted}).write.parquet(\"{path}\")"),
                sql: format!("INSERT OVERWRITE … SELECT /*+ COALESCE({wanted}) */ … FROM …"),
            },
        });
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::sample::{node, told, with_query};
    use crate::model::{Application, PlanGraph};
    use crate::schedule::sample::Sample;

    fn application(files: &str, output: &str, parts: &str) -> Application {
        let sample = Sample::cluster(2, 2)
            .stage_with("parquet at /apps/a.py:5", &[10_000; 8], |_, task| {
                task.metrics.set(TaskMetric::OutputRecords, Some(1_000))
            })
            .gap(3_000)
            .application();
        let metrics = [
            ("number of written files", files),
            ("written output", output),
            ("number of dynamic part", parts),
            ("job commit time", "2.0 s"),
        ];
        let command = node(0, "Execute InsertIntoHadoopFsRelationCommand", &metrics);
        let plan = "== Physical Plan ==\nExecute InsertIntoHadoopFsRelationCommand (2)\n+- WriteFiles (1)\n\n\n(2) Execute InsertIntoHadoopFsRelationCommand\n\
                    Arguments: file:/data/sales, false, [shop#4, day#5], Parquet, [path=sales], ErrorIfExists, [a]\n";
        with_query(
            sample,
            &[0],
            plan,
            PlanGraph {
                nodes: vec![command],
                edges: Vec::new(),
            },
        )
    }

    #[test]
    fn a_file_of_every_task_for_every_partition_is_told() {
        let findings = told(&RULE, &application("1,600", "16.0 MiB", "100"));
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            finding.title,
            "1,600 files of 10.2 KiB each written to /data/sales in stage 0 (parquet at a.py:5)"
        );
        // 1,500 files too many are 3.75 s a task, in two waves, 40 ms of shuffle taken off; and 15/16 of the commit.
        assert_eq!(finding.saving_ms, Some(2 * 3_710 + 1_875));
        assert!(finding.advice[0].code.python.contains("repartition(\"shop\", \"day\")"));
    }

    #[test]
    fn a_file_a_partition_and_large_files_are_left_alone() {
        assert!(told(&RULE, &application("150", "16.0 MiB", "100")).is_empty());
        assert!(told(&RULE, &application("90", "16.0 MiB", "0")).is_empty());
        assert!(told(&RULE, &application("1,600", "160.0 GiB", "100")).is_empty());
    }

    #[test]
    fn without_the_command_s_metrics_nothing_is_said() {
        let mut application = application("1,600", "16.0 MiB", "100");
        application.sql[0].graph = None;
        assert!(told(&RULE, &application).is_empty());
    }
}
