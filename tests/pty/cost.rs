//! What a key costs on the line, in bytes: they are the same on every machine.

use std::thread;

use crate::terminal::Terminal;

/// A large usual terminal with all colours, the dearest case.
fn start(target: &[&str], begins: &str) -> Terminal {
    let size = (120, 40);
    let colours = [("COLORTERM", "truecolor")];
    let terminal = Terminal::start_with(target, size, &colours);
    terminal.wait_for(begins);
    terminal
}

fn demo() -> Terminal {
    start(&["demo", "skewed-join"], "Where the time went")
}

/// A step of the cursor; what tells of its row and is drawn when it rests; a page, or another screen.
const STEP: usize = 600;
const RESTED: usize = 2_500;
const PAGE: usize = 8_000;

/// A target, what it begins with, and the ways to its views: keys with commas between.
type Case = (&'static [&'static str], &'static str, &'static [&'static str]);

const LOGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/logs");

/// Every view, each where it has rows and something to tell of them.
const CASES: &[Case] = &[
    (
        &["demo", "skewed-join"],
        "Where the time went",
        &["1", "2", "3", "4", "5", "6", "8", "1,?"],
    ),
    (
        &["demo", "skewed-join"],
        "Where the time went",
        &["4,\r", "4,\r,v", "4,\r,v,v", "4,\r,v,v,v", "4,\r,\r"],
    ),
    (
        &["demo", "skewed-join"],
        "Where the time went",
        &["3,\r", "5,\r", "5,\r,\r", "5,\r,v", "5,\r,v,v"],
    ),
    (
        &["streaming-4"],
        "Where the time went",
        &["9", "9,\r", "9,\r,v", "9,G,\r,v,v", "3", "5"],
    ),
    (&["cached-4"], "Where the time went", &["7", "7,\r", "6"]),
    (
        &["failed-job-4"],
        "Where the time went",
        &["1", "2", "3", "5", "4,\r", "4,\r,v", "4,\r,v,v,v"],
    ),
    (&["query-plans-4"], "Where the time went", &["4", "5", "5,\r", "6"]),
    (&[""], "applications", &["", " ,j, ,\r"]),
];

#[test]
fn a_step_a_page_and_a_screen_keep_to_their_bytes() {
    let cases: Vec<_> = CASES.iter().map(|case| thread::spawn(|| dear(*case))).collect();
    let dear: Vec<String> = cases.into_iter().flat_map(|case| case.join().unwrap()).collect();
    assert!(dear.is_empty(), "{}", dear.join("\n"));
}

/// What costs more in a case's views than it may.
fn dear((target, begins, ways): Case) -> Vec<String> {
    let log = match target {
        ["demo", ..] => String::new(),
        [""] => LOGS.to_owned(),
        [log, ..] => format!("{LOGS}/eventlog_v2_{log}"),
        [] => unreachable!("a case has a target"),
    };
    let arguments = if log.is_empty() { target } else { &[log.as_str()] };
    let mut terminal = start(arguments, begins);
    terminal.wait_until_quiet();
    let mut dear = Vec::new();
    let mut hold = |what: &str, key: &str, cost: usize, limit: usize| {
        if cost > limit {
            dear.push(format!("{target:?} {what:?}, {key:?}: {cost} bytes of {limit}"));
        }
    };
    hold("the beginning", "", terminal.largest_frame(), PAGE);
    for way in ways {
        let keys: Vec<&str> = way.split(',').filter(|key| !key.is_empty()).collect();
        for key in &keys {
            let (at_once, later) = terminal.frame(key);
            hold(way, key, at_once + later, PAGE);
        }
        for key in ["j", "j", "k", "j", "k", "k"] {
            let (at_once, later) = terminal.frame(key);
            hold(way, key, at_once, STEP);
            hold(way, key, later, RESTED);
        }
        for key in ["\x04", "\x15", "G", "g"] {
            let (at_once, later) = terminal.frame(key);
            hold(way, key, at_once + later, PAGE);
        }
        for _ in &keys {
            terminal.frame("\x1b");
        }
    }
    dear
}

#[test]
fn another_theme_is_another_screen() {
    let mut terminal = demo();
    terminal.wait_until_quiet();
    terminal.frame("t");
    for key in ["j", "j", "j", "k"] {
        let (at_once, later) = terminal.frame(key);
        assert!((STEP..PAGE).contains(&at_once), "{key:?}: {at_once} bytes");
        assert_eq!(later, 0, "no half of a theme");
    }
}

#[test]
fn a_panel_that_is_behind_comes_when_the_cursor_rests_and_nothing_after_it() {
    let mut terminal = demo();
    terminal.frame("2");
    let explained = terminal.text();
    let (at_once, later) = terminal.frame("j");
    assert!(at_once > 0 && later > at_once, "{at_once} bytes, then {later}");
    assert_ne!(terminal.text(), explained);
    // What does something else than to step leaves nothing behind.
    terminal.keys("jk3");
    terminal.wait_for("── Jobs (");
    terminal.wait_until_quiet();
    let jobs = terminal.text();
    terminal.frame("\u{c}");
    assert_eq!(terminal.text(), jobs);
    terminal.frame("2");
    let (at_once, later) = terminal.frame("k");
    assert!(at_once > 0 && later > at_once, "{at_once} bytes, then {later}");
    assert_eq!(terminal.text(), explained);
}

#[test]
fn a_long_list_that_scrolls_costs_no_more_than_one_that_does_not() {
    let mut terminal = demo();
    terminal.keys("8");
    terminal.wait_for("spark.app.id");
    terminal.keys(&"j".repeat(60));
    // The cursor stands in the last row of the list, above the panel of the chosen value.
    let at_the_end = |screen: &vt100::Screen| screen.rows(0, 120).nth(33).is_some_and(|row| row.starts_with('▸'));
    terminal.wait_until(at_the_end, "the end of the list");
    terminal.wait_until_quiet();
    for key in ["j", "j"] {
        let (at_once, later) = terminal.frame(key);
        assert!(
            (1..=STEP).contains(&at_once) && later <= STEP,
            "{key}: {at_once} bytes, then {later}"
        );
    }
    // Up again, until the list scrolls the other way.
    terminal.keys(&"k".repeat(40));
    let at_the_begin = |screen: &vt100::Screen| screen.rows(0, 120).nth(4).is_some_and(|row| row.starts_with('▸'));
    terminal.wait_until(at_the_begin, "the begin of the list");
    terminal.wait_until_quiet();
    for key in ["k", "k"] {
        let (at_once, later) = terminal.frame(key);
        assert!(
            (1..=STEP).contains(&at_once) && later <= STEP,
            "{key}: {at_once} bytes, then {later}"
        );
    }
}

#[test]
fn a_key_is_one_frame_and_one_that_changes_nothing_twice_is_none() {
    let mut terminal = demo();
    terminal.cost("4");
    let frames = |terminal: &Terminal| count(&terminal.raw(), b"\x1b[?2026h");
    let before = frames(&terminal);
    terminal.cost("j");
    assert_eq!(frames(&terminal), before + 1);
    // The first says that there is nothing to do, the second has nothing to add.
    terminal.cost("4");
    terminal.wait_for("nothing to do here");
    assert_eq!(terminal.cost("4"), 0);
}

fn count(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).filter(|window| *window == what).count()
}
