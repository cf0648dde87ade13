//! Every recorded application of the corpus through the whole diagnosis: a planted fault is found first, where it was planted;
//! a healthy twin has nothing to warn of; what a finding promised came true where the fix was run; core time adds up; the simulator
//! reproduces what was recorded. Prints the tables (`cargo test --test corpus -- --nocapture`), and writes them into docs/corpus.md
//! (`cargo test --test corpus -- --ignored write_tables`).
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::path::{Path, PathBuf};

use serde::Deserialize;
use skewer::diagnosis::{Diagnosis, Finding, Release, Severity, Thresholds, diagnose, unknown_settings};
use skewer::model::{Application, TaskMeasure};
use skewer::schedule::Simulator;
use skewer::source::{Choice, Progress, Source};

#[derive(Deserialize)]
struct Case {
    name: String,
    path: PathBuf,
    planted: Option<String>,
    twin: Option<String>,
    /// The twin is the same application with what the finding advises done.
    #[serde(default)]
    fix: bool,
    /// Rules that the planted fault truly breaks as well.
    #[serde(default)]
    also: Vec<String>,
}

/// Faults that cost something else than time, or a time that nothing recorded tells: found at any severity.
const WITHOUT_SAVING: [&str; 9] = [
    "aqe-off",
    "data-incomplete",
    "driver-memory",
    "executor-sizing",
    "idle-executors",
    "memory-headroom",
    "serializer",
    "speculation-waste",
    "spill",
];

/// The document that holds the tables.
const DOCUMENT: &str = "docs/corpus.md";

fn corpus() -> Vec<(Case, Application)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let list = std::fs::read_to_string(fixtures.join("corpus.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_str(&list).unwrap();
    let open = |case: Case| {
        let source = Source::parse(&fixtures.join(&case.path).to_string_lossy()).unwrap();
        let application = source.open(&Choice::default(), &Progress::default()).unwrap();
        (case, application)
    };
    cases.into_iter().map(open).collect()
}

fn diagnosed(application: &Application) -> Diagnosis {
    diagnose(application, &Thresholds::default())
}

fn told(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let saving = finding
            .saving_ms
            .map_or("no estimate".into(), |saving| format!("{saving} ms"));
        format!(
            "\n    {:8} {saving:>11} {:6} {}",
            finding.severity.name(),
            finding.confidence.name(),
            finding.title
        )
    };
    findings.iter().map(line).collect()
}

/// How the planted fault of an entry was found, and what else was told.
struct Row {
    name: String,
    planted: String,
    /// From 1; among all findings.
    rank: Option<usize>,
    severity: &'static str,
    /// Other rules at warning or above: (rule, whether the planted fault truly breaks it).
    others: Vec<(&'static str, bool)>,
    healthy: bool,
    titles: String,
}

impl Row {
    fn of(case: &Case, application: &Application) -> Row {
        let findings = diagnosed(application).findings;
        let planted = case.planted.as_deref();
        let enough =
            |finding: &&Finding| finding.severity >= Severity::Warning || WITHOUT_SAVING.contains(&finding.rule);
        let at = findings
            .iter()
            .position(|finding| Some(finding.rule) == planted && enough(&finding));
        let others = findings
            .iter()
            .filter(|finding| finding.severity >= Severity::Warning && Some(finding.rule) != planted);
        Row {
            name: case.name.clone(),
            planted: planted.unwrap_or("nothing").to_owned(),
            rank: at.map(|at| at + 1),
            severity: at.map_or("", |at| findings[at].severity.name()),
            others: others
                .map(|finding| (finding.rule, case.also.iter().any(|rule| rule == finding.rule)))
                .collect(),
            healthy: planted.is_none(),
            titles: told(&findings),
        }
    }
}

/// What was promised where the fix was run too.
struct Promise {
    name: String,
    rule: String,
    wall_ms: u64,
    promised_ms: u64,
    measured_ms: u64,
}

impl Promise {
    fn off(&self) -> f64 {
        self.promised_ms.abs_diff(self.measured_ms) as f64 / self.measured_ms.max(1) as f64
    }
}

fn promises(corpus: &[(Case, Application)]) -> Vec<Promise> {
    let of = |(case, application): &(Case, Application)| {
        let rule = case.planted.as_deref().filter(|_| case.fix)?;
        let (_, twin) = corpus.iter().find(|(twin, _)| Some(&twin.name) == case.twin.as_ref())?;
        let findings = diagnosed(application).findings;
        let finding = findings.iter().find(|finding| finding.rule == rule)?;
        let wall_ms = application.wall_ms()?;
        Some(Promise {
            name: case.name.clone(),
            rule: rule.to_owned(),
            wall_ms,
            promised_ms: wall_ms.saturating_sub(finding.saving_ms?),
            measured_ms: twin.wall_ms()?,
        })
    };
    corpus.iter().filter_map(of).collect()
}

/// Entries that are held to something: a planted fault, or the twin of one without it.
fn rows(corpus: &[(Case, Application)]) -> Vec<Row> {
    let held = corpus
        .iter()
        .filter(|(case, _)| case.planted.is_some() || case.twin.is_some());
    held.map(|(case, application)| Row::of(case, application)).collect()
}

struct Totals {
    recall: f64,
    precision: f64,
    first: f64,
}

fn totals(rows: &[Row]) -> Totals {
    let planted: Vec<&Row> = rows.iter().filter(|row| !row.healthy).collect();
    let share = |count: usize, of: usize| count as f64 / of.max(1) as f64;
    let found = planted.iter().filter(|row| row.rank.is_some()).count();
    let first = planted.iter().filter(|row| row.rank == Some(1)).count();
    let wrong: usize = rows
        .iter()
        .map(|row| row.others.iter().filter(|(_, true_too)| !true_too).count())
        .sum();
    let right: usize = rows
        .iter()
        .map(|row| row.others.iter().filter(|(_, true_too)| *true_too).count())
        .sum();
    Totals {
        recall: share(found, planted.len()),
        precision: share(found + right, found + right + wrong),
        first: share(first, planted.len()),
    }
}

fn document(corpus: &[(Case, Application)]) -> String {
    use std::fmt::Write as _;
    let rows = rows(corpus);
    let totals = totals(&rows);
    let percent = |share: f64| format!("{:.0}%", share * 100.0);
    let mut out = String::from(
        "# What is found in the recorded applications\n\nMade by `cargo test --test corpus -- --ignored write_tables` from \
         `tests/fixtures`; a test holds it to what the program finds. Each application was run by real Spark with a fault planted in it \
         (`tests/spark/apps`), and once more without.\n\n## Planted and found\n\n\"Others\" are findings at warning or above that are \
         not the planted fault; those in brackets are true as well, being what the fault does. Faults that cost no time (memory held, \
         executors idle), or a time that nothing recorded tells, are told as info.\n\nThese shares say that program and recordings \
         fit, not how it does on applications nobody has seen: the rules were mended on these recordings, several of which were made \
         again until they held their fault (gc-pressure, streaming-lag, idle-executors, cache-evicted), and spill is told from an amount \
         that its recording reaches.\n\n| application | planted | rank | severity | others |\n|---|---|---|---|---|\n",
    );
    for row in &rows {
        let rank = match (row.rank, row.healthy) {
            (Some(rank), _) => rank.to_string(),
            (None, true) => String::new(),
            (None, false) => "missed".into(),
        };
        let others = row.others.iter().map(|(rule, true_too)| {
            if *true_too {
                format!("({rule})")
            } else {
                (*rule).to_owned()
            }
        });
        let others: Vec<String> = others.collect();
        let _ = writeln!(
            out,
            "| {} | {} | {rank} | {} | {} |",
            row.name,
            row.planted,
            row.severity,
            others.join(", ")
        );
    }
    let _ = write!(
        out,
        "\nRecall {}, precision {} (of findings at warning or above and of those counted as found), the planted fault first in {}.\n\n## \
         Promised and measured\n\nWhere the twin is the same application with the fault mended: the wall time that the finding promised \
         beside that of the twin. Both ran on one machine, which others used as well: those of \
         cache-evicted, driver-bound, gc-pressure, jdbc, large-broadcast, recomputed, slow-start and speculation-waste on two cores with \
         ten to twenty processes waiting for them, each pair but jdbc one right after the other. Run once more, large-broadcast was off \
         by 4% and recomputed by 46%: a single pair says little.\n\n| application | rule | wall time | promised | \
         measured | off by |\n|---|---|---|---|---|---|\n",
        percent(totals.recall),
        percent(totals.precision),
        percent(totals.first)
    );
    let seconds = |ms: u64| format!("{:.1} s", ms as f64 / 1000.0);
    let promises = promises(corpus);
    for promise in &promises {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} |",
            promise.name,
            promise.rule,
            seconds(promise.wall_ms),
            seconds(promise.promised_ms),
            seconds(promise.measured_ms),
            percent(promise.off())
        );
    }
    let near = promises.iter().filter(|promise| promise.off() <= 0.25).count();
    let errors = errors(corpus);
    let _ = write!(
        out,
        "\n{near} of {} within 25%.\n\n## The simulator\n\nThe unchanged application replayed, over all {} recordings: off by {:.1}% \
         at the median, {:.1}% at worst ({}).\n",
        promises.len(),
        errors.len(),
        errors[errors.len() / 2].0 * 100.0,
        errors[errors.len() - 1].0 * 100.0,
        errors[errors.len() - 1].1
    );
    out
}

#[test]
fn planted_faults_are_found_first_and_healthy_twins_are_left_alone() {
    let corpus = corpus();
    let rows = rows(&corpus);
    let mut wrong = Vec::new();
    for row in &rows {
        println!(
            "{}: planted {}, rank {:?}{}",
            row.name, row.planted, row.rank, row.titles
        );
        let false_alarms = row.others.iter().filter(|(_, true_too)| !true_too);
        wrong.extend(false_alarms.map(|(rule, _)| format!("{}: {rule}", row.name)));
        if row.rank.is_none() && !row.healthy {
            wrong.push(format!("{}: {} missed", row.name, row.planted));
        }
    }
    println!("{}", document(&corpus));
    let totals = totals(&rows);
    assert!(totals.recall >= 0.95, "{wrong:#?}");
    assert!(totals.precision >= 0.95, "{wrong:#?}");
    assert!(totals.first >= 0.90, "{wrong:#?}");
    let alarmed = rows
        .iter()
        .filter(|row| row.healthy && row.others.iter().any(|(_, true_too)| !true_too));
    let alarmed: Vec<&str> = alarmed.map(|row| row.name.as_str()).collect();
    assert!(alarmed.is_empty(), "healthy twins are warned of: {alarmed:?}");
}

#[test]
fn planted_faults_are_found_where_they_were_planted() {
    for (case, application) in corpus() {
        let findings = diagnosed(&application).findings;
        let found = findings
            .iter()
            .find(|finding| Some(finding.rule) == case.planted.as_deref());
        if let Some(problem) = found.and_then(|finding| misplaced(&application, finding)) {
            panic!("{}: {problem}", case.name);
        }
    }
}

#[test]
fn promises_come_true() {
    let promises = promises(&corpus());
    let near = promises.iter().filter(|promise| promise.off() <= 0.25).count();
    assert!(promises.len() >= 10, "{}", promises.len());
    assert!(near * 10 >= promises.len() * 8, "{near} of {}", promises.len());
}

#[test]
fn every_setting_named_exists_in_the_application_s_spark() {
    for (case, application) in corpus() {
        let release = Release::of(&application);
        for finding in diagnosed(&application).findings {
            let unknown = unknown_settings(&finding, &release);
            assert!(unknown.is_empty(), "{}: {}: {unknown:?}", case.name, finding.rule);
        }
    }
}

#[test]
fn the_document_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT);
    let known = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        known == document(&corpus()),
        "run cargo test --test corpus -- --ignored write_tables"
    );
}

#[test]
#[ignore = "writes the document"]
fn write_tables() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT);
    std::fs::write(path, document(&corpus())).unwrap();
}

#[test]
fn what_failed_is_told_first() {
    let expected = [
        ("failed-job", "failed-tasks"),
        ("lost-executor", "lost-executors"),
        ("in-progress", "data-incomplete"),
    ];
    let mut checked = 0;
    for (case, application) in corpus() {
        let healthy = case.name.contains("healthy");
        if let Some((_, rule)) = expected
            .iter()
            .find(|(name, _)| case.name.starts_with(name) && !healthy)
        {
            let findings = diagnosed(&application).findings;
            assert_eq!(
                findings.first().map(|finding| finding.rule),
                Some(*rule),
                "{}{}",
                case.name,
                told(&findings)
            );
            checked += 1;
        }
    }
    assert!(checked >= expected.len());
}

/// Each planted fault is by far the heaviest thing in its application: the stage named must be the one where most time was
/// spent, for skew the task the longest in it; for a collect the one with the largest results.
fn misplaced(application: &Application, finding: &Finding) -> Option<String> {
    use skewer::model::TaskMetric::ResultSize;
    let longest_task = |stage: &skewer::model::Stage| stage.tasks.sorted(TaskMeasure::Duration).last().copied();
    let expected = match finding.rule {
        "collect-to-driver" => application
            .stages
            .iter()
            .max_by_key(|stage| stage.totals.get(ResultSize))?,
        "skewed-partition" | "too-few-tasks" | "straggler" => {
            application.stages.iter().max_by_key(|stage| longest_task(stage))?
        }
        _ => return None,
    };
    if finding.place.stage != Some(expected.key) {
        return Some(format!(
            "names stage {:?}, planted in {}",
            finding.place.stage, expected.key
        ));
    }
    let row = expected.tasks.row_of(*finding.place.tasks.first()?)?;
    let named = expected.tasks.duration_ms(row);
    (finding.rule == "skewed-partition" && named != longest_task(expected)).then(|| "names another task".into())
}

#[test]
fn core_time_adds_up_in_every_application() {
    for (case, application) in corpus() {
        let time = diagnosed(&application).time.unwrap();
        let sum: u64 = time.core_ms.parts().iter().map(|(_, part)| part).sum();
        println!(
            "{}: {} of wall, at work {:?}, {:?}",
            case.name,
            time.wall_ms,
            time.at_work(),
            time.core_ms
        );
        assert_eq!(sum, time.core_ms_available, "{}", case.name);
        assert!(time.core_ms_available > 0 && time.core_ms.compute > 0, "{}", case.name);
    }
}

/// How far the unchanged applications are off when replayed, the best first.
fn errors(corpus: &[(Case, Application)]) -> Vec<(f64, String)> {
    let error = |(case, application): &(Case, Application)| {
        (
            Simulator::new(application).unwrap().calibration().error(),
            case.name.clone(),
        )
    };
    let mut errors: Vec<(f64, String)> = corpus.iter().map(error).collect();
    errors.sort_by(|a, b| a.0.total_cmp(&b.0));
    errors
}

#[test]
fn the_unchanged_application_is_reproduced() {
    let errors = errors(&corpus());
    let (median, worst) = (errors[errors.len() / 2].0, errors[errors.len() - 1].0);
    println!("median {:.2}%, worst {:.2}%: {errors:?}", median * 100.0, worst * 100.0);
    assert!(median <= 0.05, "{errors:?}");
    assert!(worst <= 0.15, "{errors:?}");
}
