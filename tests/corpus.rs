//! Every recorded application of the corpus through the whole diagnosis: a planted fault is found first, where it was planted;
//! a healthy twin has nothing to warn of; core time adds up; the simulator reproduces what was recorded. Prints a table
//! (`cargo test --test corpus -- --nocapture`).
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};

use serde::Deserialize;
use skewer::diagnosis::{Diagnosis, Finding, RULES, Severity, Thresholds, diagnose};
use skewer::model::{Application, TaskMeasure};
use skewer::schedule::Simulator;
use skewer::source::{Choice, Progress, Source};

#[derive(Deserialize)]
struct Case {
    name: String,
    path: PathBuf,
    planted: Option<String>,
    twin: Option<String>,
    /// Rules that the application truly breaks beside what was planted.
    #[serde(default)]
    also: Vec<String>,
}

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

#[test]
fn planted_faults_are_found_first_and_healthy_twins_are_left_alone() {
    let mut wrong = Vec::new();
    let mut false_alarms = vec![0; RULES.len()];
    for (case, application) in corpus() {
        let findings = diagnosed(&application).findings;
        println!(
            "{}: planted {}{}",
            case.name,
            case.planted.as_deref().unwrap_or("nothing"),
            told(&findings)
        );
        let first = findings.first();
        match (&case.planted, &case.twin) {
            (Some(planted), _) => {
                if !first.is_some_and(|first| first.rule == planted && first.severity >= Severity::Warning) {
                    wrong.push(format!("{}: {planted} is not first", case.name));
                } else if let Some(problem) = misplaced(&application, &findings[0]) {
                    wrong.push(format!("{}: {problem}", case.name));
                }
            }
            (None, Some(_)) => {
                let alarms = findings.iter().filter(|finding| finding.severity >= Severity::Warning);
                for finding in alarms.filter(|finding| !case.also.iter().any(|rule| rule == finding.rule)) {
                    false_alarms[RULES.iter().position(|rule| rule.name == finding.rule).unwrap()] += 1;
                    wrong.push(format!("{}: false alarm: {}", case.name, finding.title));
                }
            }
            (None, None) => {}
        }
    }
    for (rule, count) in RULES.iter().zip(false_alarms) {
        println!("{:20} false alarms on healthy applications: {count}", rule.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
        if let Some((_, rule)) = expected.iter().find(|(name, _)| case.name.starts_with(name)) {
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

#[test]
fn the_unchanged_application_is_reproduced() {
    let mut errors = Vec::new();
    for (case, application) in corpus() {
        let calibration = Simulator::new(&application).unwrap().calibration();
        println!(
            "{}: {calibration:?} off by {:.2}%",
            case.name,
            calibration.error() * 100.0
        );
        errors.push(calibration.error());
    }
    errors.sort_by(f64::total_cmp);
    let (median, worst) = (errors[errors.len() / 2], errors[errors.len() - 1]);
    println!("median {:.2}%, worst {:.2}%", median * 100.0, worst * 100.0);
    assert!(median <= 0.05, "{errors:?}");
    assert!(worst <= 0.25, "{errors:?}");
}
