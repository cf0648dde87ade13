//! What a key costs on the line, in bytes: they are the same on every machine.

use crate::terminal::Terminal;

/// A large usual terminal with all colours, the dearest case.
fn start(target: &str) -> Terminal {
    let size = (120, 40);
    let colours = [("COLORTERM", "truecolor")];
    let terminal = Terminal::start_with(&["demo", target], size, &colours);
    terminal.wait_for("Where the time went");
    terminal
}

/// A move in a list; with the panel of what is chosen; with the whole text of another finding.
const MOVE: usize = 700;
const MOVE_WITH_PANEL: usize = 1_300;
const MOVE_WITH_TEXT: usize = 2_500;
const PAGE: usize = 8_000;

#[test]
fn a_move_a_page_and_a_screen_keep_to_their_bytes() {
    let mut dear = Vec::new();
    let mut terminal = start("skewed-join");
    let mut hold = |what: String, cost: usize, limit: usize| {
        if cost > limit {
            dear.push(format!("{what}: {cost} bytes of {limit}"));
        }
    };
    hold("the first screen".to_owned(), terminal.raw().len(), PAGE);
    let tabs = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
    for view in tabs
        .iter()
        .map(|tab| vec![*tab])
        .chain([vec!["4", "\r"], vec!["4", "\r", "\r"], vec!["1", "?"]])
    {
        for key in &view {
            let cost = terminal.cost(key);
            // On a slow machine a screen may come late: it is not to be taken for the next key's.
            terminal.wait_until_quiet();
            hold(format!("{view:?}, {key:?}"), cost, PAGE);
        }
        for key in ["j", "j", "k"] {
            let cost = terminal.cost(key);
            let limit = match view.last() {
                Some(&"2") => MOVE_WITH_TEXT,
                Some(&("1" | "3" | "5" | "6")) => MOVE_WITH_PANEL,
                _ => MOVE,
            };
            hold(format!("{key} in {view:?}"), cost, limit);
        }
        for key in ["\x04", "\x15", "G", "g", "v"] {
            let cost = terminal.cost(key);
            hold(format!("{key:?} in {view:?}"), cost, PAGE);
        }
        for _ in 1..view.len() {
            terminal.cost("\x1b");
        }
    }
    assert!(dear.is_empty(), "{}", dear.join("\n"));
}

#[test]
fn a_long_list_that_scrolls_costs_no_more_than_one_that_does_not() {
    let mut terminal = start("skewed-join");
    terminal.keys("8");
    terminal.wait_for("spark.app.id");
    terminal.keys(&"j".repeat(60));
    // The cursor stands in the last row of the list.
    let at_the_end = |screen: &vt100::Screen| screen.rows(0, 120).nth(38).is_some_and(|row| row.starts_with('▸'));
    terminal.wait_until(at_the_end, "the end of the list");
    terminal.wait_until_quiet();
    for key in ["j", "j"] {
        let cost = terminal.cost(key);
        assert!((1..=MOVE).contains(&cost), "{key}: {cost} bytes");
    }
    // Up again, until the list scrolls the other way.
    terminal.keys(&"k".repeat(40));
    let at_the_begin = |screen: &vt100::Screen| screen.rows(0, 120).nth(4).is_some_and(|row| row.starts_with('▸'));
    terminal.wait_until(at_the_begin, "the begin of the list");
    terminal.wait_until_quiet();
    for key in ["k", "k"] {
        let cost = terminal.cost(key);
        assert!((1..=MOVE).contains(&cost), "{key}: {cost} bytes");
    }
}

#[test]
fn a_key_is_one_frame_and_one_that_changes_nothing_twice_is_none() {
    let mut terminal = start("skewed-join");
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
