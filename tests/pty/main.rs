//! The program itself in a pseudo-terminal: what a person sees and types, the files it leaves, and the terminal after it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end so"
)]

mod terminal;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rustix::process::Signal;
use terminal::Terminal;

const ESC: &str = "\u{1b}";

#[test]
fn demo_to_stage_to_task_and_back_export_and_quit() {
    let mut terminal = Terminal::start(&["demo", "skewed-join"], (80, 24));
    terminal.wait_for("Where the time went");
    terminal.wait_for("Skewed partition");
    terminal.keys("4");
    terminal.wait_for("── Stages (");
    terminal.wait_until_quiet();
    let list = terminal.text();
    terminal.keys("\r");
    terminal.wait_for("Quantiles");
    terminal.wait_for("› Stage ");
    terminal.keys("\r");
    terminal.wait_for("› Task ");
    terminal.wait_for("Shuffle read size");
    terminal.keys(ESC);
    terminal.wait_for("Quantiles");
    terminal.keys("e");
    terminal.wait_for("written: ");
    terminal.keys(ESC);
    terminal.wait_for("── Stages (");
    // The list is where it was left.
    terminal.wait_for(&list);
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);
    terminal.assert_restored();

    let files = terminal.files();
    assert_eq!(files.len(), 1, "{files:?}");
    let name = files[0].file_name().unwrap().to_string_lossy().into_owned();
    assert!(name.starts_with("skewer-app-") && name.contains("-stage_"), "{name}");
    assert_eq!(fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&files[0]).unwrap();
    assert!(text.starts_with("demo skewed-join › skewed-join (app-"), "{text}");
    for part in [
        "completed",
        "── Quantiles ",
        "── Locality",
        "── Tasks (16)",
        "13.0",
        "0.0",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(
        !text.contains(ESC) && text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
}

#[test]
fn findings_report_and_copy() {
    let mut terminal = Terminal::start(&["demo", "skewed-join"], (140, 45));
    terminal.wait_for("Where the time went");
    terminal.keys("2");
    terminal.wait_for("What to change");
    terminal.keys("y");
    terminal.wait_for("advice sent to the terminal's clipboard");
    assert!(terminal.sent("\u{1b}]52;c;"));
    terminal.keys("E");
    terminal.wait_for("written: ");
    terminal.keys("\u{3}");
    assert_eq!(terminal.exit(), 0);
    terminal.assert_restored();
    let text = fs::read_to_string(&terminal.files()[0]).unwrap();
    assert!(text.contains("What to fix first"), "{text}");
}

#[test]
fn twenty_columns_by_five_say_so_and_a_larger_window_helps() {
    let mut terminal = Terminal::start(&["demo", "skewed-join"], (20, 5));
    terminal.wait_for("too small");
    terminal.resize(80, 24);
    terminal.wait_for("Where the time went");
    terminal.resize(20, 5);
    terminal.wait_for("too small");
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);
    terminal.assert_restored();
}

#[test]
fn ascii_and_no_colour_are_kept_to() {
    let mut terminal = Terminal::start_with(&["demo", "--ascii"], (80, 24), &[("NO_COLOR", "1")]);
    terminal.wait_for("Where the time went");
    terminal.keys("4");
    terminal.wait_for("-- Stages (");
    assert!(terminal.text().is_ascii(), "{}", terminal.text());
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);
    assert!(terminal.raw().is_ascii());
    for colour in ["[31m", "[38;", "[38:", "[48;"] {
        assert!(!terminal.sent(&format!("\u{1b}{colour}")), "{colour}");
    }
}

#[test]
fn an_idle_screen_sends_nothing() {
    let terminal = Terminal::start(&["demo", "skewed-join"], (80, 24));
    terminal.wait_for("Where the time went");
    terminal.wait_until_quiet();
    let before = terminal.raw().len();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(terminal.raw().len(), before);
}

/// A server that takes connections and never answers.
fn silent_server() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

#[test]
fn loading_can_be_stopped_and_left() {
    let (_listener, url) = silent_server();
    let mut terminal = Terminal::start(&[&url], (80, 24));
    terminal.wait_for("Listing the applications of");
    terminal.wait_for("Esc stops it");
    terminal.keys("\u{3}");
    assert_eq!(terminal.exit(), 0);
    terminal.assert_restored();

    let mut terminal = Terminal::start(&[&url, "--app", "app-1"], (80, 24));
    terminal.wait_for("Opening app-1");
    terminal.keys(ESC);
    terminal.wait_for("stopped: Opening app-1");
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);
    terminal.assert_restored();
}

#[test]
fn a_server_that_refuses_is_one_line_on_a_restored_terminal() {
    // The port was ours a moment ago: nobody listens there now.
    let (listener, url) = silent_server();
    drop(listener);
    let mut terminal = Terminal::start(&[&url], (120, 24));
    assert_eq!(terminal.exit(), 3);
    terminal.assert_restored();
    let said = terminal.text();
    assert!(said.contains("skewer: ") && said.contains("127.0.0.1"), "{said}");
}

#[test]
fn signals_end_it_with_the_terminal_restored() {
    for (signal, status) in [
        (Signal::TERM, 143),
        (Signal::HUP, 129),
        (Signal::INT, 130),
        (Signal::QUIT, 131),
    ] {
        let mut terminal = Terminal::start(&["demo", "skewed-join"], (80, 24));
        terminal.wait_for("Where the time went");
        terminal.signal(signal);
        assert_eq!(terminal.exit(), status, "{signal:?}");
        terminal.assert_restored();
    }
}

#[test]
fn it_stops_and_goes_on_when_the_shell_says_so() {
    let mut terminal = Terminal::start(&["demo", "skewed-join"], (80, 24));
    terminal.wait_for("Where the time went");
    for stop in ["key", "signal"] {
        if stop == "key" {
            terminal.keys("\u{1a}");
        } else {
            terminal.signal(Signal::TSTP);
        }
        terminal.wait_until(|screen| !screen.alternate_screen(), "left");
        terminal.wait_until_stopped();
        terminal.signal(Signal::CONT);
        terminal.wait_until(|screen| screen.alternate_screen(), "entered again");
        terminal.wait_for("Where the time went");
    }
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);
    terminal.assert_restored();
}

#[test]
fn it_ends_when_the_terminal_is_gone_without_a_signal() {
    let mut terminal = Terminal::start_unsignalled(&["demo", "skewed-join"]);
    terminal.wait_for("Where the time went");
    terminal.hang_up();
    assert_eq!(terminal.exit(), 129);
}
