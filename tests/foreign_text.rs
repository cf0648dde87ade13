//! Text that Spark only passes on: secrets in it reach no output, and it cannot steer a terminal.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end so"
)]

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

/// What skewer prints for these arguments when it ends well.
fn printed(arguments: &[&str]) -> String {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_skewer"));
    command
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env("XDG_CACHE_HOME", "/dev/null")
        .env("LC_ALL", "C.UTF-8");
    let done = command.args(arguments).assert().success();
    String::from_utf8(done.get_output().stdout.clone()).unwrap()
}

/// Everything that skewer prints of one log, under the arguments that printed it.
fn outputs(path: &str) -> Vec<(String, String)> {
    let mut all: Vec<Vec<&str>> = vec![vec!["apps", path], vec!["compare", path, path]];
    for format in ["text", "markdown", "json"] {
        all.push(vec!["report", path, "--format", format]);
    }
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
        for format in ["csv", "json"] {
            all.push(vec!["export", path, "--table", table, "--format", format]);
        }
    }
    all.into_iter()
        .map(|arguments| (arguments.join(" "), printed(&arguments)))
        .collect()
}

fn write_log(path: &Path, events: &[Value]) -> String {
    let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
    fs::write(path, lines).unwrap();
    path.to_str().unwrap().to_owned()
}

/// An application of one failed task, in which `text` stands wherever a person or a library may write.
fn log_with(text: &str) -> Vec<Value> {
    let stage = |failure: Option<&str>| {
        let mut info = json!({
            "Stage ID": 0, "Stage Attempt ID": 0, "Stage Name": text, "Number of Tasks": 1, "RDD Info": [], "Parent IDs": [],
            "Details": text, "Submission Time": 2_000, "Accumulables": []
        });
        if let Some(failure) = failure {
            info["Completion Time"] = json!(8_000);
            info["Failure Reason"] = json!(failure);
        }
        info
    };
    vec![
        json!({ "Event": "SparkListenerLogStart", "Spark Version": "3.5.1" }),
        json!({
            "Event": "SparkListenerApplicationStart", "App Name": text, "App ID": "app-1", "Timestamp": 1_000, "User": text
        }),
        json!({
            "Event": "SparkListenerExecutorAdded", "Timestamp": 1_500, "Executor ID": "1",
            "Executor Info": { "Host": "host-1", "Total Cores": 2, "Log Urls": {} }
        }),
        json!({
            "Event": "SparkListenerJobStart", "Job ID": 0, "Submission Time": 2_000, "Stage Infos": [stage(None)], "Stage IDs": [0],
            "Properties": { "spark.job.description": text, "spark.jobGroup.id": text }
        }),
        json!({ "Event": "SparkListenerStageSubmitted", "Stage Info": stage(None), "Properties": {} }),
        json!({
            "Event": "SparkListenerTaskEnd", "Stage ID": 0, "Stage Attempt ID": 0, "Task Type": "ResultTask",
            "Task End Reason": {
                "Reason": "ExceptionFailure", "Class Name": "java.lang.RuntimeException", "Description": text, "Stack Trace": [],
                "Full Stack Trace": text
            },
            "Task Info": {
                "Task ID": 0, "Index": 0, "Attempt": 0, "Launch Time": 2_000, "Executor ID": "1", "Host": "host-1",
                "Locality": "PROCESS_LOCAL", "Speculative": false, "Getting Result Time": 0, "Finish Time": 7_000, "Failed": true,
                "Killed": false, "Accumulables": []
            }
        }),
        json!({ "Event": "SparkListenerStageCompleted", "Stage Info": stage(Some(text)) }),
        json!({
            "Event": "SparkListenerJobEnd", "Job ID": 0, "Completion Time": 8_000,
            "Job Result": { "Result": "JobFailed", "Exception": { "Message": text, "Stack Trace": [] } }
        }),
        json!({
            "Event": "SparkListenerExecutorRemoved", "Timestamp": 8_000, "Executor ID": "1", "Removed Reason": text
        }),
        json!({ "Event": "SparkListenerApplicationEnd", "Timestamp": 9_000 }),
    ]
}

#[test]
fn secrets_reach_no_output() {
    let folder = tempfile::tempdir().unwrap();
    let mut events = log_with("cannot read jdbc:postgresql://h/db?user=u&password=hunter2 with AKIAIOSFODNN7EXAMPLE");
    events.insert(
        1,
        json!({
            "Event": "SparkListenerEnvironmentUpdate", "JVM Information": {},
            "Spark Properties": {
                "spark.hadoop.fs.s3a.secret.key": "hunter2",
                "spark.driver.extraJavaOptions": "-Ddb.password=hunter2",
                "spark.key.id": "AKIAIOSFODNN7EXAMPLE"
            },
            "System Properties": { "sun.java.command": "job.py --token hunter2 https://u:hunter2@host/" },
            "Hadoop Properties": { "fs.azure.account.key.x": "hunter2" }, "Metrics Properties": {}, "Classpath Entries": {}
        }),
    );
    let path = write_log(&folder.path().join("app-1"), &events);
    for (arguments, output) in outputs(&path) {
        assert!(
            !output.contains("hunter2") && !output.contains("AKIAIOSFODNN7EXAMPLE"),
            "{arguments}: {output}"
        );
    }
}

#[test]
fn foreign_text_cannot_steer_a_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let evil = "\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}1m\u{202e}back\r\u{8}wards | <b> `x`";
    let path = write_log(&folder.path().join("app-1"), &log_with(evil));
    let steers =
        |c: char| c != '\n' && (c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'));
    for (arguments, output) in outputs(&path) {
        assert!(
            !output.contains(steers),
            "{arguments}: {:?}",
            output.chars().find(|c| steers(*c))
        );
    }
    let report = printed(&["report", &path]);
    assert!(report.contains("^[]0;title^G"), "what was there is shown: {report}");
    assert!(report.lines().all(|line| line.chars().count() <= 100), "{report}");
    assert!(
        printed(&["report", &path, "--format", "markdown"]).contains("\\<b\\>"),
        "markup is no markup"
    );
}
