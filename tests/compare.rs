//! Two recorded runs of the same program held against each other: a planted fault and its healthy twin.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end so"
)]

use serde_json::Value;

fn compared(a: &str, b: &str, more: &[&str]) -> String {
    let log = |name: &str| format!("{}/tests/fixtures/logs/{name}", env!("CARGO_MANIFEST_DIR"));
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_skewer"));
    command.env("XDG_CONFIG_HOME", "/nonexistent").env("LC_ALL", "C.UTF-8");
    let done = command
        .arg("compare")
        .args([log(a), log(b)])
        .args(more)
        .assert()
        .success();
    String::from_utf8(done.get_output().stdout.clone()).unwrap()
}

#[test]
fn the_skew_is_gone_in_the_healthy_twin() {
    let (skewed, healthy) = ("skewed-join-3.5.zstd", "skewed-join-healthy-3.5.zstd");
    let json: Value = serde_json::from_str(&compared(skewed, healthy, &["--format", "json"])).unwrap();
    assert_eq!(json["schema"], "skewer.compare/1");
    assert_eq!(json["findings"]["gone"][0]["rule"], "skewed-partition");
    let first = &json["stages"][0];
    let skewed_stage = &json["findings"]["gone"][0]["where"]["stage"];
    assert_eq!(&first["a"]["stage"], skewed_stage, "the skewed stage changed most");
    assert!(first["longerMs"].as_i64().unwrap() < -1_000, "{first}");
    let changes = first["changes"].as_array().unwrap();
    assert!(
        changes.iter().any(|change| change["what"] == "longest task"),
        "{changes:?}"
    );

    let text = compared(skewed, healthy, &[]);
    assert!(text.contains("  gone    ") && text.contains("longest task"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    let back = compared(healthy, skewed, &["--ascii"]);
    assert!(back.contains("  came    ") && back.is_ascii(), "{back}");
}

#[test]
fn a_run_is_like_itself() {
    for name in [
        "one-partition-3.5.zstd",
        "eventlog_v2_lost-executor-4",
        "failed-job-3.5.zstd",
    ] {
        let json: Value = serde_json::from_str(&compared(name, name, &["--format", "json"])).unwrap();
        assert!(
            json["stages"]
                .as_array()
                .unwrap()
                .iter()
                .all(|stage| stage["longerMs"] == 0),
            "{name}"
        );
        assert!(
            json["stages"]
                .as_array()
                .unwrap()
                .iter()
                .all(|stage| stage["changes"] == Value::Array(vec![])),
            "{name}"
        );
        assert_eq!(json["findings"]["gone"], Value::Array(vec![]), "{name}");
        assert_eq!(json["findings"]["came"], Value::Array(vec![]), "{name}");
        assert_eq!(json["settings"], Value::Array(vec![]), "{name}");
    }
}
