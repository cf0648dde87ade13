//! `recomputed`: several queries compute the same part of their plans again from the same input.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::context::Context;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Severity};
use super::plan_tree::{PlanOperator, PlanTree, without_ids};
use super::queries::Query;
use super::{Draft, Matter, Rule, scan};
use crate::model::{Stage, TaskMetric, Unit};
use crate::schedule::{Calibration, Change, slot_times};

pub const RULE: Rule = Rule {
    name: "recomputed",
    about: "The plans of two or more SQL executions share a part that is more than reading a columnar table (an aggregate, join, sort, window, Python \
            function, or text to parse), word for word but for the ids of columns, from the same input, none of it cached; and the stages that \
            computed it had as many tasks and read and wrote as many records each time. Saving: every time but the first, those stages in a twentieth of \
            their time (what is in common only in part: of the shortest of them); the application replayed by list scheduling.",
    check,
};

/// What of a task stays when it reads the cache instead.
const LEFT_SHARE: f64 = 0.05;

/// Operators that adaptive execution puts around others: they compute nothing.
const WRAPPERS: [&str; 8] = [
    "ShuffleQueryStage",
    "BroadcastQueryStage",
    "ResultQueryStage",
    "AQEShuffleRead",
    "CustomShuffleReader",
    "AdaptiveSparkPlan",
    "InputAdapter",
    "TableCacheQueryStage",
];

/// Operators that only read, choose and hand on.
const LIGHT: [&str; 6] = ["Scan", "FileScan", "BatchScan", "Range", "ColumnarToRow", "Filter"];

/// Where a part is found: which query, and the place of its topmost operator.
type Occurrence = (usize, usize);

/// A part of a plan.
#[derive(Clone, Copy, Default)]
struct Part {
    signature: u64,
    operators: usize,
    has_input: bool,
    is_cached: bool,
    is_work: bool,
    shuffles: bool,
}

fn check(context: &Context<'_>) -> Vec<Draft> {
    let queries: Vec<&Query<'_>> = context
        .queries()
        .iter()
        .filter(|query| !query.stages.is_empty())
        .collect();
    let parts: Vec<Vec<Part>> = queries.iter().map(|query| parts(&query.tree)).collect();
    let mut by_signature: BTreeMap<(Reverse<usize>, u64), Vec<Occurrence>> = BTreeMap::new();
    for (query, parts) in parts.iter().enumerate() {
        for (place, part) in parts.iter().enumerate() {
            let is_wrapper = queries
                .get(query)
                .and_then(|query| query.tree.operators.get(place))
                .is_none_or(is_wrapper);
            if part.has_input && part.is_work && !part.is_cached && !is_wrapper {
                by_signature
                    .entry((Reverse(part.operators), part.signature))
                    .or_default()
                    .push((query, place));
            }
        }
    }
    // The largest first; what lies inside a part that was told is not told again.
    let mut told: BTreeSet<Occurrence> = BTreeSet::new();
    let mut drafts = Vec::new();
    for ((_, _), places) in by_signature {
        let places: Vec<Occurrence> = places.into_iter().filter(|place| !told.contains(place)).collect();
        let mut of: Vec<usize> = places.iter().map(|(query, _)| *query).collect();
        of.dedup();
        if of.len() < 2 {
            continue;
        }
        for (query, place) in &places {
            if let Some(tree) = queries.get(*query).map(|query| &query.tree) {
                told.extend(tree.below(*place, |_| false).into_iter().map(|below| (*query, below)));
            }
        }
        let shuffles = places
            .first()
            .and_then(|(query, place)| parts.get(*query)?.get(*place))
            .is_some_and(|part| part.shuffles);
        let same: Vec<&Query<'_>> = of.iter().filter_map(|query| queries.get(*query).copied()).collect();
        let first = places
            .first()
            .and_then(|(query, place)| Some((*queries.get(*query)?, *place)));
        drafts.extend(first.and_then(|(query, place)| examine(context, &same, query, place, shuffles)));
    }
    drafts
}

/// Operators that read a cache, and the cache.
const CACHES: [&str; 2] = ["InMemoryTableScan", "InMemoryRelation"];

fn is_wrapper(operator: &PlanOperator<'_>) -> bool {
    WRAPPERS.contains(&operator.kind())
}

/// Every part of a plan, by the place of its topmost operator.
fn parts(tree: &PlanTree<'_>) -> Vec<Part> {
    let mut parts = vec![Part::default(); tree.operators.len()];
    // What feeds an operator stands behind it.
    for (place, operator) in tree.operators.iter().enumerate().rev() {
        let inputs: Vec<Part> = operator
            .inputs
            .iter()
            .filter_map(|input| parts.get(*input))
            .copied()
            .collect();
        if is_wrapper(operator) && inputs.len() == 1 {
            if let (Some(part), Some(input)) = (parts.get_mut(place), inputs.first()) {
                *part = *input;
            }
            continue;
        }
        let kind = operator.kind();
        let mut hasher = DefaultHasher::new();
        operator.name.trim().hash(&mut hasher);
        for line in &operator.lines {
            // `Input` repeats what the operators below say.
            if !line.starts_with("Input") {
                let line = line.split(", [plan_id=").next().unwrap_or(line);
                without_ids(line).hash(&mut hasher);
            }
        }
        inputs.iter().for_each(|input| input.signature.hash(&mut hasher));
        let any = |of: fn(&Part) -> bool| inputs.iter().any(of);
        let is_text = operator.name.starts_with("Scan csv")
            || operator.name.starts_with("Scan json")
            || operator.name.starts_with("Scan JDBC");
        let exchange = kind.ends_with("Exchange");
        if let Some(part) = parts.get_mut(place) {
            *part = Part {
                signature: hasher.finish(),
                operators: 1 + inputs.iter().map(|input| input.operators).sum::<usize>(),
                has_input: any(|part| part.has_input)
                    || (operator.inputs.is_empty() && kind != "LocalTableScan" && kind != "OneRowRelation"),
                is_cached: any(|part| part.is_cached) || CACHES.contains(&kind),
                is_work: any(|part| part.is_work)
                    || is_text
                    || !(LIGHT.contains(&kind) || kind == "Project" || kind == "Execute"),
                shuffles: any(|part| part.shuffles) || exchange,
            };
        }
    }
    // What a cache is filled from stands in the plan of everyone who reads the cache.
    for (place, operator) in tree.operators.iter().enumerate() {
        if CACHES.contains(&operator.kind()) {
            for below in tree.below(place, |_| false) {
                if let Some(part) = parts.get_mut(below) {
                    part.is_cached = true;
                }
            }
        }
    }
    parts
}

/// How a stage's work is known again: tasks, records read and written.
fn work(stage: &Stage) -> [u64; 4] {
    let total = |metric| stage.totals.get(metric).unwrap_or(0);
    [
        u64::from(stage.num_tasks),
        total(TaskMetric::InputRecords),
        total(TaskMetric::ShuffleReadRecords),
        total(TaskMetric::ShuffleWriteRecords),
    ]
}

fn held(stage: &Stage) -> u64 {
    super::statistics::total(slot_times(stage).into_iter().map(|(_, held)| held))
}

fn examine(
    context: &Context<'_>,
    same: &[&Query<'_>],
    query: &Query<'_>,
    place: usize,
    shuffles: bool,
) -> Option<Draft> {
    let (first, again) = same.split_first()?;
    let mut changes = Vec::new();
    let mut error = 0.0_f64;
    let mut worst: Option<&Stage> = None;
    let mut times: BTreeMap<u64, u64> = BTreeMap::new();
    for query in again {
        let mut of_first: Vec<&Stage> = first.stages.clone();
        for stage in &query.stages {
            let [tasks, input, read, written] = work(stage);
            let alike = |known: &&Stage| {
                let known = work(known);
                // Behind a shuffle in common all of the stage is; else it reads the same and goes its own way.
                if shuffles {
                    known == [tasks, input, read, written]
                } else {
                    known[..3] == [tasks, input, read]
                }
            };
            // Records tell stages apart: a stage without any says nothing. What reads a shuffle may do other things behind it.
            let counts = if shuffles {
                written > 0 && (input > 0 || read > 0)
            } else {
                input > 0 && read == 0
            };
            let Some(at) = of_first.iter().position(|known| counts && alike(known)) else {
                continue;
            };
            let known = of_first.swap_remove(at);
            let (before, now) = (held(known), held(stage));
            let common = if shuffles {
                1.0
            } else {
                (before.min(now) as f64 / now.max(1) as f64).min(1.0)
            };
            let left = 1.0 - common * (1.0 - LEFT_SHARE);
            let tasks = slot_times(stage)
                .into_iter()
                .map(|(_, held)| (held as f64 * left) as u64);
            changes.push(Change::Tasks(stage.key, tasks.collect()));
            error =
                error.max(Calibration::of_stage(stage, &context.slots).map_or(1.0, |calibration| calibration.error()));
            let time = times.entry(query.sql.id).or_default();
            *time = time.saturating_add(context.stage_ms(stage));
            times.entry(first.sql.id).or_default();
            if worst.is_none_or(|worst| context.stage_ms(worst) < context.stage_ms(stage)) {
                worst = Some(stage);
            }
        }
    }
    let worst = worst?;
    let often = times.len();
    let saving = context.saving(
        &changes,
        "reading the common part from a cache every time but the first",
        error,
        Confidence::Medium,
    );
    let scans: Vec<&str> = query
        .tree
        .below(place, |_| false)
        .into_iter()
        .filter_map(|place| query.tree.operators.get(place))
        .filter(|operator| operator.kind() == "Scan")
        .filter_map(scan::of_what)
        .collect();
    let from = scans
        .first()
        .map_or("the same input".to_owned(), |table| (*table).to_owned());
    let top = query.tree.operators.get(place)?;
    let ids: Vec<String> = times.keys().map(u64::to_string).collect();
    let mut finding_place = context.place(worst);
    finding_place.jobs = same
        .iter()
        .flat_map(|query| query.stages.iter().flat_map(|stage| stage.jobs.iter().copied()))
        .collect();
    finding_place.jobs.sort_unstable();
    finding_place.jobs.dedup();
    let mut evidence = vec![Evidence::of(
        "times computed",
        often as f64,
        Unit::Count,
        format!("SQL {}", ids.join(", ")),
    )];
    for (sql, ms) in times.iter().filter(|(_, ms)| **ms > 0) {
        let description = same
            .iter()
            .find(|query| query.sql.id == *sql)
            .map_or("", |query| query.sql.description.as_str());
        let description: String = description.lines().next().unwrap_or("").chars().take(60).collect();
        evidence.push(Evidence::of(
            format!("again in SQL {sql}"),
            *ms as f64,
            Unit::Millis,
            description,
        ));
    }
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "The same {} of {from} computed {often} times: SQL {}",
                what_is(top),
                ids.join(", ")
            ),
            place: finding_place,
            evidence,
            cause: format!(
                "The plans share a part up to {} that reads {from}; a DataFrame is a recipe, and each action follows it from the start. Nothing of that part is \
                 cached.",
                top.name.trim()
            ),
            advice: advice(context, worst, same, &from),
            saving_ms: Some(saving.ms),
            saving_note: format!("{} What it costs to fill the cache is not counted.", saving.note),
            confidence: saving.confidence,
        },
        matter: Matter::Saving,
    })
}

/// What a part makes, in a word or two.
fn what_is(top: &PlanOperator<'_>) -> &'static str {
    match top.kind() {
        kind if kind.ends_with("Aggregate") => "aggregate",
        kind if kind.ends_with("Join") => "join",
        "Exchange" => "shuffle",
        "Window" => "window",
        "BatchEvalPython" | "ArrowEvalPython" => "Python function",
        _ => "part",
    }
}

fn advice(context: &Context<'_>, stage: &Stage, same: &[&Query<'_>], from: &str) -> Vec<Advice> {
    let at = context.call_site(stage).line_or_unknown().to_owned();
    let last = same
        .last()
        .map_or(String::new(), |query| format!("SQL {}", query.sql.id));
    vec![
        Advice {
            text: format!(
                "Cache the DataFrame made of {from} before its first action, and release it after the last one that needs it ({last}, {at}). It is filled by the \
                 first action; MEMORY_AND_DISK, the default, keeps on disk what does not fit."
            ),
            config: Vec::new(),
            code: Code {
                python: "common = common.cache()\n…\ncommon.unpersist()".into(),
                scala: "common.cache()\n…\ncommon.unpersist()".into(),
                sql: "CACHE TABLE common AS SELECT …;\n…\nUNCACHE TABLE common".into(),
            },
        },
        Advice {
            text: "If it is too large to cache, or other applications need it too, write it once and read it back."
                .into(),
            config: Vec::new(),
            code: Code {
                python: "common.write.parquet(\"/path/of/common\")\ncommon = spark.read.parquet(\"/path/of/common\")"
                    .into(),
                scala: "common.write.parquet(\"/path/of/common\")\nval again = spark.read.parquet(\"/path/of/common\")"
                    .into(),
                sql: "CREATE TABLE common USING parquet AS SELECT …".into(),
            },
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::sample::told;
    use crate::model::{Application, SqlExecution};
    use crate::schedule::sample::Sample;

    fn plan(above: &str, ids: &str, leaf: &str) -> String {
        format!(
            "== Physical Plan ==\nAdaptiveSparkPlan (9)\n+- == Final Plan ==\n   {above} (6)\n   +- ShuffleQueryStage (5), Statistics(sizeInBytes=1.0 B)\n      \
             +- Exchange (4)\n         +- * HashAggregate (3)\n            +- {leaf} (1)\n\n\n(1) {leaf}\nOutput [1]: [user{ids}]\nLocation: InMemoryFileIndex [file:/data/events]\n\n\
             (3) HashAggregate [codegen id : 1]\nKeys [1]: [user{ids}]\n\n(4) Exchange\nArguments: hashpartitioning(user{ids}, 4), ENSURE_REQUIREMENTS, [plan_id={above}]\n\n\
             (6) {above}\nOutput [1]: [x{ids}]\n"
        )
    }

    fn application(second: &str, rows: u64) -> Application {
        let records = |count: u64| {
            move |_: usize, task: &mut crate::model::Task| {
                task.metrics.set(TaskMetric::InputRecords, Some(count));
                task.metrics.set(TaskMetric::ShuffleWriteRecords, Some(10));
            }
        };
        let mut application = Sample::cluster(2, 2)
            .stage_with("count at /apps/a.py:5", &[10_000; 8], records(1_000))
            .stage_with("collect at /apps/a.py:6", &[8_000; 8], records(rows))
            .application();
        let first = plan("Sort", "#1L", "Scan parquet ");
        for (id, text) in [(0, first.as_str()), (1, second)] {
            application.sql.push(SqlExecution {
                id,
                plan: Some(text.into()),
                ..SqlExecution::default()
            });
            let mut stage = (*application.stages[id as usize]).clone();
            stage.sql = Some(id);
            application = application.with_stage(stage);
        }
        application
    }

    #[test]
    fn the_same_part_from_the_same_input_is_cached_instead() {
        let findings = told(&RULE, &application(&plan("Project", "#77", "Scan parquet "), 1_000));
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            finding.title,
            "The same shuffle of /data/events computed 2 times: SQL 0, 1"
        );
        // Two waves of 8 s, a twentieth of which stays.
        assert_eq!(finding.saving_ms, Some(15_200));
        assert!(finding.advice[0].text.contains("/apps/a.py:6"));
    }

    #[test]
    fn other_input_other_rows_and_cached_parts_are_left_alone() {
        let other = plan("Project", "#77", "Scan parquet ").replace("/data/events", "/data/others");
        assert!(told(&RULE, &application(&other, 1_000)).is_empty());
        assert!(told(&RULE, &application(&plan("Project", "#77", "Scan parquet "), 999)).is_empty());
        let cached = plan("Project", "#77", "InMemoryTableScan");
        let mut both = application(&cached, 1_000);
        both.sql[0].plan = Some(plan("Sort", "#1L", "InMemoryTableScan").into());
        assert!(told(&RULE, &both).is_empty());
        // The plan goes on below the cache, to what it is filled from.
        let filled = |above: &str, ids: &str| {
            let below = "InMemoryTableScan (8)\n               +- InMemoryRelation (7)\n                  +- * HashAggregate (2)\n                     \
                         +- Scan parquet  (1)\n";
            plan(above, ids, "Scan parquet ").replacen("Scan parquet  (1)\n", below, 1)
        };
        both = application(&filled("Project", "#77"), 1_000);
        both.sql[0].plan = Some(filled("Sort", "#1L").into());
        assert!(told(&RULE, &both).is_empty());
    }

    #[test]
    fn plans_without_stages_say_nothing() {
        let mut application = application(&plan("Project", "#77", "Scan parquet "), 1_000);
        application.stages.clear();
        assert!(told(&RULE, &application).is_empty());
    }
}
