//! Every key of the keymap on every view: none does nothing in silence, none ends the program that should not.

use std::collections::BTreeMap;
use std::thread;

use skewer::tui::action::Action;
use skewer::tui::keymap::Keymap;

use crate::terminal::Terminal;

/// The views by the keys that lead there: every tab that there is or will be, and what is opened from them.
const VIEWS: &[&[&str]] = &[
    &["1"],
    &["2"],
    &["3"],
    &["4"],
    &["5"],
    &["6"],
    &["7"],
    &["8"],
    &["9"],
    &["4", "\r"],
    &["4", "\r", "\r"],
    &["3", "\r"],
    &["5", "\r"],
    &["1", "?"],
];

/// The bytes that a terminal sends for a key, by its name in the config file.
fn bytes(key: &str) -> String {
    let named = match key {
        "up" => "\x1b[A",
        "down" => "\x1b[B",
        "right" => "\x1b[C",
        "left" => "\x1b[D",
        "home" => "\x1b[H",
        "end" => "\x1b[F",
        "pgup" => "\x1b[5~",
        "pgdn" => "\x1b[6~",
        "f1" => "\x1bOP",
        "enter" => "\r",
        "esc" => "\x1b",
        "backspace" => "\x7f",
        "tab" => "\t",
        "backtab" => "\x1b[Z",
        "space" => " ",
        other => match other.strip_prefix("ctrl-").and_then(|letter| letter.bytes().next()) {
            Some(letter) => return char::from(letter & 0x1f).to_string(),
            None => {
                assert_eq!(
                    other.chars().count(),
                    1,
                    "{other}: say in this test what a terminal sends for it"
                );
                other
            }
        },
    };
    named.to_owned()
}

/// Every key but those that end or stop the program, which have tests of their own.
fn keys() -> Vec<(String, String)> {
    let keymap = Keymap::new(&BTreeMap::new()).unwrap();
    let ends = [Action::Quit, Action::QuitAndPrint, Action::QuitAtOnce, Action::Suspend];
    let lasting = keymap
        .bindings()
        .iter()
        .filter(|binding| !ends.contains(&binding.action));
    let keys = lasting.flat_map(|binding| binding.keys.iter().map(move |key| (binding.name, key.spelled())));
    keys.map(|(name, key)| (format!("{key} ({name})"), bytes(&key)))
        .collect()
}

#[test]
fn every_key_on_every_view_does_something_or_says_that_it_does_not() {
    let walkers: Vec<_> = VIEWS.iter().map(|way| (way, thread::spawn(|| silent(way)))).collect();
    let silent: Vec<String> = walkers
        .into_iter()
        .map(|(way, walker)| (way, walker.join().unwrap()))
        .filter(|(_, silent)| !silent.is_empty())
        .map(|(way, silent)| format!("{way:?}: {}", silent.join(", ")))
        .collect();
    assert!(
        silent.is_empty(),
        "keys that do nothing in silence\n{}",
        silent.join("\n")
    );
}

/// The keys that do nothing in silence on a view.
fn silent(way: &[&str]) -> Vec<String> {
    let mut terminal = Terminal::start(&["demo", "skewed-join"], (80, 24));
    terminal.wait_for("Where the time went");
    let mut silent = Vec::new();
    for (name, bytes) in keys() {
        // Out of what the key before opened, typed or showed, then the way.
        let mut back = 0;
        // The second says of a key that was told of once: there was nothing to go back to already.
        let at_the_start =
            |text: String| text.contains("nothing to go back to") || text.contains("Esc (back): nothing to do");
        while !at_the_start(terminal.text()) {
            terminal.cost("\x1b");
            back += 1;
            assert!(
                back < 20,
                "no way back from {way:?}, before {name}\n{}",
                terminal.text()
            );
        }
        way.iter().for_each(|key| {
            terminal.cost(key);
        });
        let before = terminal.text();
        let cost = terminal.cost(&bytes);
        let says = [
            "nothing to do here",
            "no further that way",
            "has no meaning",
            "nothing to go back to",
        ];
        if cost == 0 && !says.iter().any(|word| before.contains(word)) {
            silent.push(name);
        }
    }
    terminal.keys("\x1b\x1b");
    terminal.cost("\x03");
    assert_eq!(terminal.exit(), 0);
    terminal.assert_restored();
    silent
}
