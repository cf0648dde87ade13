//! What skewer cannot read: one line on stderr that names the thing and says what to do, the right exit status, nothing on stdout.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end so"
)]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

fn skewer() -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_skewer"));
    command
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env("XDG_CACHE_HOME", "/dev/null")
        .env("LC_ALL", "C.UTF-8")
        .env_remove("SKEWER_CONFIG")
        .timeout(std::time::Duration::from_secs(60));
    command
}

/// The one line that skewer says when it gives up with `status`.
fn complaint(arguments: &[&str], status: i32) -> String {
    let done = skewer().args(arguments).assert().code(status);
    let output = done.get_output();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{arguments:?}");
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(said.lines().count(), 1, "{arguments:?}: {said}");
    assert!(said.starts_with("skewer: "), "{arguments:?}: {said}");
    said
}

fn complains_of(arguments: &[&str], status: i32, words: &[&str]) {
    let said = complaint(arguments, status);
    for word in words {
        assert!(said.contains(word), "{arguments:?}: no `{word}` in: {said}");
    }
}

/// A server on a loopback port that answers every request alike, for as long as the test runs.
fn server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}

fn written(folder: &Path, name: &str, content: &[u8]) -> String {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn files_that_are_no_event_logs() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    complains_of(&["report", "/no/such/log"], 3, &["/no/such/log"]);
    complains_of(&["report", empty.to_str().unwrap()], 3, &["empty"]);
    let text = written(folder.path(), "notes", b"These are notes.\nNo event here.\n");
    complains_of(&["report", &text], 3, &["notes"]);
    let nothing = written(folder.path(), "nothing", b"");
    complains_of(&["report", &nothing], 3, &["nothing"]);
    let start = written(
        folder.path(),
        "start",
        b"{\"Event\":\"SparkListenerLogStart\",\"Spark Version\":\"3.5.1\"}\n",
    );
    complains_of(&["report", &start], 3, &["start", "no application"]);
    let binary = written(
        folder.path(),
        "binary",
        &(0..=255).cycle().take(10_000).collect::<Vec<u8>>(),
    );
    complains_of(&["report", &binary], 3, &["binary"]);
}

#[test]
fn a_port_where_nobody_listens() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = format!("127.0.0.1:{port}");
    for command in ["apps", "report"] {
        complains_of(&[command, &format!("http://{place}")], 3, &[&place]);
    }
}

#[test]
fn servers_that_answer_something_else() {
    let cases = [
        (
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 14\r\nConnection: close\r\n\r\nunknown app: x",
            "unknown app: x",
        ),
        (
            "HTTP/1.1 401 Unauthorized\r\nContent-Type: text/html\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            "401",
        ),
        (
            "HTTP/1.1 500 Server Error\r\nContent-Type: text/html\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>",
            "500",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>",
            "text/html",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\nConnection: close\r\n\r\n[{\"id\": \"",
            "127.0.0.1",
        ),
        ("this is not HTTP at all\r\n\r\n", "127.0.0.1"),
    ];
    // Together: some are tried again for a while before skewer gives up.
    thread::scope(|scope| {
        for (answer, words) in cases {
            for command in ["apps", "report"] {
                scope.spawn(move || {
                    let address = server(answer);
                    complains_of(&[command, &address], 3, &[words, address.trim_start_matches("http://")]);
                });
            }
        }
    });
}

#[test]
fn command_lines_that_make_no_sense() {
    complains_of(&["report"], 2, &["no TARGET", "skewer demo"]);
    complains_of(&["demo", "no-such-case"], 2, &["no-such-case", "skewed-join"]);
    complains_of(&["report", "ftp://host/log"], 2, &["ftp"]);
    complains_of(&["/logs", "report"], 2, &["/logs", "before the command"]);
    let unknown = skewer().args(["report", "--format", "yaml", "x"]).assert().code(2);
    assert!(String::from_utf8_lossy(&unknown.get_output().stderr).contains("yaml"));
}

#[test]
fn an_application_that_is_not_there() {
    let logs = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/logs");
    complains_of(&["report", logs, "--app", "application_0_0"], 2, &["application_0_0"]);
    complains_of(&["report", logs], 2, &["--app"]);
}

#[test]
fn config_files_that_are_broken() {
    let folder = tempfile::tempdir().unwrap();
    let broken = written(folder.path(), "broken.toml", b"theme = 'x'\nascii = 'maybe'\n");
    complains_of(&["--config", &broken, "demo"], 2, &["broken.toml, line 2"]);
    complains_of(&["--config", "/no/such.toml", "demo"], 2, &["/no/such.toml"]);
    for (name, value) in [
        ("skew_least_tasks", "2.5"),
        ("skew_size_ratio", "1e30"),
        ("idle_share", "-1"),
    ] {
        let text = format!("[thresholds]\n{name} = {value}\n");
        let wrong = written(folder.path(), "wrong.toml", text.as_bytes());
        complains_of(&["--config", &wrong, "demo"], 2, &["wrong.toml", name]);
    }
    let unknown = written(
        folder.path(),
        "unknown.toml",
        b"them = 'x'\n[thresholds]\nskew_ratio = 4\n",
    );
    let done = skewer().args(["--config", &unknown, "demo"]).assert().success();
    let output = done.get_output();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        said.contains("`them` is not a setting") && said.contains("no threshold is named skew_ratio"),
        "{said}"
    );
    assert!(!output.stdout.is_empty());
}

#[test]
fn a_name_in_the_config_file_stands_for_its_server() {
    let folder = tempfile::tempdir().unwrap();
    let log = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/logs/one-partition-3.5.zstd"
    );
    let config = written(
        folder.path(),
        "config.toml",
        format!("server = 'it'\n[servers.it]\nurl = '{log}'\n").as_bytes(),
    );
    let named = skewer().args(["--config", &config, "report", "it"]).assert().success();
    let default = skewer().args(["--config", &config, "report"]).assert().success();
    assert_eq!(named.get_output().stdout, default.get_output().stdout);
}
