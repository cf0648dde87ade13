//! The real binary on recorded applications: reports in every form, tables, exit statuses, pipes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end so"
)]

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use skewer::diagnosis::RULES;

/// skewer without a config file, in a locale that shows UTF-8.
fn skewer() -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_skewer"));
    command
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env("XDG_CACHE_HOME", "/dev/null")
        .env("LC_ALL", "C.UTF-8")
        .env_remove("SKEWER_CONFIG");
    command
}

fn fixtures() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// What skewer prints for these arguments, when it ends well and has nothing to complain of.
fn printed(arguments: &[&str]) -> String {
    let done = skewer().args(arguments).assert().success();
    let output = done.get_output();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn parsed(arguments: &[&str]) -> Value {
    serde_json::from_str(&printed(arguments)).unwrap()
}

/// The recorded applications: name, path of the event log, application id, the rule whose fault was planted.
fn corpus() -> Vec<(String, String, String, Option<String>)> {
    let rows: Value = serde_json::from_str(&fs::read_to_string(fixtures().join("corpus.json")).unwrap()).unwrap();
    let text = |row: &Value, field: &str| row[field].as_str().unwrap_or_default().to_owned();
    rows.as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let path = fixtures().join(text(row, "path")).to_str().unwrap().to_owned();
            (
                text(row, "name"),
                path,
                text(row, "appId"),
                row["planted"].as_str().map(str::to_owned),
            )
        })
        .collect()
}

fn log(name: &str) -> String {
    corpus().into_iter().find(|(known, ..)| known == name).unwrap().1
}

#[test]
fn every_json_report_keeps_the_contract() {
    const HEADER: [&str; 17] = [
        "id",
        "name",
        "attempt",
        "sparkVersion",
        "user",
        "status",
        "startTimeMs",
        "endTimeMs",
        "wallMs",
        "jobs",
        "failedJobs",
        "stages",
        "failedStages",
        "tasks",
        "failedTasks",
        "executors",
        "lostExecutors",
    ];
    const PARTS: [&str; 12] = [
        "compute",
        "gc",
        "shuffleFetchWait",
        "shuffleWrite",
        "deserialize",
        "resultSerialize",
        "schedulerDelay",
        "gettingResult",
        "idleDriver",
        "idleTooFewTasks",
        "idleTail",
        "idleScheduling",
    ];
    let fields = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    for (name, path, id, _) in corpus() {
        let report = parsed(&["report", &path, "--format", "json"]);
        assert_eq!(report["schema"], "skewer.report/1", "{name}");
        assert_eq!(report["source"], "log", "{name}");
        assert_eq!(fields(&report["application"]), HEADER, "{name}");
        assert_eq!(report["application"]["id"], id.as_str(), "{name}");
        assert!(report["application"]["tasks"].as_u64().unwrap() > 0, "{name}");
        let time = &report["time"];
        assert_eq!(fields(&time["coreMs"]), PARTS, "{name}");
        let available = time["coreMsAvailable"].as_f64().unwrap();
        let sum: f64 = PARTS.iter().map(|part| time["coreMs"][part].as_f64().unwrap()).sum();
        assert!(
            (sum - available).abs() <= available * 0.02,
            "{name}: parts {sum}, available {available}"
        );
        for finding in report["findings"].as_array().unwrap() {
            let known = [
                "rule",
                "severity",
                "title",
                "where",
                "evidence",
                "cause",
                "advice",
                "savingMs",
                "confidence",
            ];
            assert!(
                known.iter().all(|field| finding.get(field).is_some()),
                "{name}: {finding}"
            );
            assert!(!finding["evidence"].as_array().unwrap().is_empty(), "{name}: {finding}");
            assert!(!finding["advice"].as_array().unwrap().is_empty(), "{name}: {finding}");
        }
    }
}

#[test]
fn every_text_report_fits_a_hundred_columns_also_in_ascii() {
    for (name, path, id, _) in corpus() {
        let report = printed(&["report", &path]);
        let longest = report.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(longest <= 100, "{name}: a line of {longest} columns");
        for part in [
            id.as_str(),
            "Where the time went",
            "What to fix first",
            "Longest stages",
        ] {
            assert!(report.contains(part), "{name}: no {part}");
        }
        assert!(printed(&["report", &path, "--ascii"]).is_ascii(), "{name}");
        let page = printed(&["report", &path, "--format", "markdown"]);
        assert!(
            page.starts_with("# ") && page.contains("\n## What to fix first\n"),
            "{name}"
        );
    }
}

#[test]
fn planted_faults_fail_a_gate_and_healthy_twins_pass_it() {
    for (name, path, _, planted) in corpus() {
        let mut command = skewer();
        command.args(["report", &path, "--format", "json", "--fail-on", "warning"]);
        let output = command.output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = report["findings"].as_array().unwrap();
        let serious = findings.iter().any(|finding| finding["severity"] != "info");
        assert_eq!(output.status.code(), Some(i32::from(serious)), "{name}");
        if let Some(rule) = planted {
            // The recordings are ahead of the rules.
            if !RULES.iter().any(|known| known.name == rule) {
                continue;
            }
            assert!(
                findings.iter().any(|finding| finding["rule"] == rule.as_str()),
                "{name}: no {rule}"
            );
        }
    }
}

#[test]
fn applications_of_a_folder_are_listed() {
    let folder = fixtures().join("logs");
    let folder = folder.to_str().unwrap();
    let text = printed(&["apps", folder]);
    let rows = parsed(&["apps", folder, "--format", "json"]);
    for (name, _, id, _) in corpus() {
        assert!(text.contains(&id), "{name}: {id} is not in the text");
        assert!(
            rows.as_array().unwrap().iter().any(|row| row["id"] == id.as_str()),
            "{name}: {id} is not in the JSON"
        );
    }
    let (_, _, id, _) = corpus().into_iter().next().unwrap();
    let report = parsed(&["report", folder, "--app", &id, "--format", "json"]);
    assert_eq!(report["application"]["id"], id.as_str());
}

#[test]
fn tables_have_spark_s_names_and_agree_with_each_other() {
    let path = log("skewed-join-3.5");
    let stages = parsed(&["export", &path, "--table", "stages", "--format", "json"]);
    let tasks = parsed(&["export", &path, "--table", "tasks", "--format", "json"]);
    let summaries = parsed(&["export", &path, "--table", "task-summary", "--format", "json"]);
    let tasks = tasks.as_array().unwrap();
    for stage in stages
        .as_array()
        .unwrap()
        .iter()
        .filter(|stage| stage["status"] == "COMPLETE")
    {
        let own: Vec<&Value> = tasks
            .iter()
            .filter(|task| task["stageId"] == stage["stageId"])
            .collect();
        let sum: u64 = own
            .iter()
            .map(|task| task["taskMetrics"]["executorRunTime"].as_u64().unwrap())
            .sum();
        assert_eq!(stage["executorRunTime"], sum, "stage {}", stage["stageId"]);
        assert_eq!(stage["numCompleteTasks"], own.len(), "stage {}", stage["stageId"]);
        let longest = own.iter().map(|task| task["duration"].as_u64().unwrap()).max().unwrap();
        let summary = summaries
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["stageId"] == stage["stageId"])
            .unwrap();
        assert_eq!(summary["duration"][5].as_f64(), Some(longest as f64));
        assert_eq!(summary["quantiles"].as_array().unwrap().len(), 6);
    }
    let date = stages[0]["submissionTime"].as_str().unwrap();
    assert!(date.len() == 26 && date.ends_with("GMT"), "{date}");
    for table in [
        "applications",
        "jobs",
        "stages",
        "tasks",
        "task-summary",
        "executors",
        "sql",
        "environment",
    ] {
        let csv = printed(&["export", &path, "--table", table]);
        let mut rows = csv::Reader::from_reader(csv.as_bytes());
        let width = rows.headers().unwrap().len();
        assert!(width > 1, "{table}");
        let count = rows
            .records()
            .map(|row| assert_eq!(row.unwrap().len(), width, "{table}"))
            .count();
        assert!(count > 0, "{table} is empty");
    }
}

#[test]
fn a_closed_pipe_ends_quietly() {
    for arguments in [
        ["export", "--table", "tasks"].as_slice(),
        &["report", "--format", "text"],
        &["report", "--format", "json"],
    ] {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_skewer"))
            .args(arguments)
            .arg(log("skewed-join-3.5"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn without_a_terminal_the_report_is_printed() {
    let path = log("one-partition-3.5");
    assert_eq!(printed(&[&path]), printed(&["report", &path]));
    assert!(printed(&["demo"]).contains("What to fix first"));
}

#[test]
fn an_event_log_on_standard_input_is_read() {
    let path = log("one-partition-3.5");
    let piped = skewer()
        .args(["report", "-"])
        .write_stdin(fs::read(&path).unwrap())
        .assert()
        .success();
    assert_eq!(
        String::from_utf8_lossy(&piped.get_output().stdout),
        printed(&["report", &path])
    );
}

#[test]
fn every_rule_explains_itself() {
    for rule in RULES {
        let text = printed(&["report", "--explain", rule.name]);
        assert!(text.starts_with(rule.name) && text.lines().count() > 2, "{text}");
        assert!(text.contains("least_saving_ms = 1000:"), "{text}");
    }
    let unknown = skewer().args(["report", "--explain", "bad-luck"]).assert().code(2);
    assert!(String::from_utf8_lossy(&unknown.get_output().stderr).contains("skewed-partition"));
}

#[test]
fn completions_and_manual_are_there() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(printed(&["completions", shell]).contains("skewer"), "{shell}");
    }
    let manual = printed(&["man"]);
    assert!(
        manual.contains(".TH skewer") && manual.contains("Exit status"),
        "{manual}"
    );
}
