//! `many-small-files`: a scan spends its time opening files that hold next to nothing.

use super::context::Context;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Severity};
use super::queries::Query;
use super::{Draft, Matter, Rule, statistics};
use crate::model::{PlanNode, Unit};
use crate::schedule::slot_times;
use crate::units;

pub const RULE: Rule = Rule {
    name: "many-small-files",
    about: "A scan reads at least 1,000 files of under 16 MiB on average (number and size of files read). Saving: its stage in as many tasks as its bytes fill at \
            128 MiB each (one wave at least), which keep what the bytes take at 20 MiB/s a core (half of the task time at most) and the \
            usual cost of starting a task; the application replayed by list scheduling.",
    check,
};

/// The replay is not given more.
const MOST_TASKS: u64 = 100_000;

fn check(context: &Context<'_>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for query in context.queries() {
        drafts.extend(query.nodes("Scan ").filter_map(|node| examine(context, query, node)));
    }
    drafts
}

fn examine(context: &Context<'_>, query: &Query<'_>, node: &PlanNode) -> Option<Draft> {
    let thresholds = context.thresholds;
    let files = node
        .total("number of files read")
        .filter(|files| *files >= thresholds.small_files_least as f64)?;
    let size = node.total("size of files read")?;
    let average = size / files;
    if average >= thresholds.small_file_bytes as f64 {
        return None;
    }
    let stage = query
        .stage_of(node)
        .or_else(|| query.leaf_stages().max_by_key(|stage| stage.num_tasks))?;
    if !context.matters(stage) {
        return None;
    }
    let rows = slot_times(stage);
    let work = statistics::total(rows.iter().map(|(_, held)| *held));
    let starting = |row: usize| {
        use crate::model::{TaskMeasure, TaskMetric};
        let tasks = &stage.tasks;
        let parts = [
            tasks.metric(row, TaskMetric::ExecutorDeserializeTime),
            tasks.measure(row, TaskMeasure::SchedulerDelay),
        ];
        statistics::total(parts.into_iter().flatten())
    };
    let each = statistics::median(rows.iter().map(|(row, _)| starting(*row)).collect()).unwrap_or(0);
    let by_bytes = (size * 1_000.0 / thresholds.file_bytes_per_second.max(1) as f64) as u64;
    let left = by_bytes.min(work / 2);
    let slots = u64::from(context.slots.during(stage)).clamp(1, MOST_TASKS);
    let tasks = ((size / thresholds.partition_bytes.max(1) as f64).ceil() as u64).clamp(slots, MOST_TASKS);
    let tasks = tasks.div_ceil(slots) * slots;
    let change = vec![(left / tasks).saturating_add(each); usize::try_from(tasks).unwrap_or(0)];
    let what = format!(
        "with the same bytes in {} and no more files than that",
        units::counted(tasks, "task")
    );
    let saving = context.saving_of_tasks(stage, change, &what, Confidence::Medium);
    let table = node.name.trim_start_matches("Scan ").trim();
    let path = query
        .tree
        .operators
        .iter()
        .find(|operator| operator.name.trim() == node.name.trim())
        .and_then(super::scan::of_what)
        .unwrap_or(table);
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "{} files of {} each read in {}",
                units::count(files as u64),
                units::bytes(average as u64),
                context.name(stage)
            ),
            place: context.place(stage),
            evidence: vec![
                Evidence::of("number of files read", files, Unit::Count, format!("from {path}")),
                Evidence::of("average size", average, Unit::Bytes, "what a file should have at least").against(thresholds.small_file_bytes as f64),
                Evidence::of("size of files read", size, Unit::Bytes, format!("would be {} of 128 MiB", units::counted((size / (128 << 20) as f64).ceil() as u64, "file"))),
                Evidence::of("task time a file", work as f64 / files, Unit::Millis, "opening, reading the footer, closing, and its rows"),
            ],
            cause: "Each file is listed, opened and its footer read before its first row; that costs the same however few rows follow. Spark counts every file as \
                    spark.sql.files.openCostInBytes (4 MiB) more than it holds when it packs them into tasks."
                .into(),
            advice: advice(path, size),
            saving_ms: Some(saving.ms),
            saving_note: saving.note,
            confidence: saving.confidence,
        },
        matter: Matter::Saving,
    })
}

fn advice(path: &str, size: f64) -> Vec<Advice> {
    let files = (size / (128 << 20) as f64).ceil().max(1.0) as u64;
    vec![
        Advice {
            text: format!(
                "Compact {path} into {files} file{} once, and have whoever writes it write fewer (see small-files-written). Delta and Iceberg do it with OPTIMIZE and \
                 rewrite_data_files.",
                if files == 1 { "" } else { "s" }
            ),
            config: Vec::new(),
            code: Code {
                python: format!("spark.read.parquet(\"{path}\").repartition({files}).write.parquet(\"{path}-compacted\")"),
                scala: format!("spark.read.parquet(\"{path}\").repartition({files}).write.parquet(\"{path}-compacted\")"),
                sql: format!("CREATE TABLE compacted USING parquet AS SELECT /*+ REPARTITION({files}) */ * FROM parquet.`{path}`"),
            },
        },
        Advice {
            text: "Until then pack more files into a task: it saves starting tasks, not opening files. (On AWS Glue the option groupFiles: inPartition does it.)".into(),
            config: vec![
                ("spark.sql.files.openCostInBytes".into(), "1048576".into()),
                ("spark.sql.files.maxPartitionBytes".into(), "256m".into()),
            ],
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

    fn application(files: &str, size: &str) -> Application {
        let sample = Sample::cluster(2, 2)
            .stage("collect at /apps/a.py:5", &[2_000; 40])
            .application();
        let time = in_stage("1.0 s", 0);
        let scan = node(
            1,
            "Scan parquet ",
            &[
                ("number of files read", files),
                ("size of files read", size),
                ("scan time", &time),
            ],
        );
        let plan = "== Physical Plan ==\nScan parquet  (1)\n\n\n(1) Scan parquet \nLocation: InMemoryFileIndex [file:/data/readings]\n";
        with_query(
            sample,
            &[0],
            plan,
            PlanGraph {
                nodes: vec![scan],
                edges: Vec::new(),
            },
        )
    }

    #[test]
    fn thousands_of_tiny_files_are_told() {
        let findings = told(&RULE, &application("3,000", "60.0 MiB"));
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            finding.title,
            "3,000 files of 20.5 KiB each read in stage 0 (collect at a.py:5)"
        );
        // 20 s of work on 4 slots; 60 MiB take 3 s of one core.
        assert_eq!(finding.saving_ms, Some(20_000 - 750));
        assert!(finding.advice[0].code.python.contains("repartition(1)"));
    }

    #[test]
    fn few_files_and_large_files_are_left_alone() {
        assert!(told(&RULE, &application("999", "60.0 MiB")).is_empty());
        assert!(told(&RULE, &application("3,000", "60.0 GiB")).is_empty());
    }

    #[test]
    fn without_the_scan_s_metrics_nothing_is_said() {
        let mut application = application("3,000", "60.0 MiB");
        application.sql[0].graph = None;
        assert!(told(&RULE, &application).is_empty());
    }
}
