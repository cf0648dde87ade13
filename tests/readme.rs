//! The front page tells what the program does: keys and commands.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end so"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use skewer::tui::keymap::Keymap;

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")
}

fn readme() -> String {
    fs::read_to_string(path()).unwrap()
}

/// The keys as the table of the front page has them.
fn keys() -> String {
    let keymap = Keymap::new(&BTreeMap::new()).unwrap();
    let mut table = String::from("| key | does | name in the config file |\n|---|---|---|\n");
    for binding in keymap.bindings() {
        let keys: Vec<String> = binding.keys.iter().map(|key| format!("`{}`", key.label())).collect();
        table.push_str(&format!(
            "| {} | {} | `{}` |\n",
            keys.join(" "),
            binding.help,
            binding.name
        ));
    }
    table
}

/// `UPDATE_README=1 cargo test --test readme` writes the table anew.
#[test]
fn the_keys_are_those_of_the_keymap() {
    let (readme, table) = (readme(), keys());
    if std::env::var_os("UPDATE_README").is_some() {
        let start = readme.find("| key | does |").expect("the table's head");
        let end = start + readme[start..].find("\n\n").expect("an empty line after the table") + 1;
        fs::write(path(), format!("{}{table}{}", &readme[..start], &readme[end..])).unwrap();
        return;
    }
    assert!(
        readme.contains(&table),
        "UPDATE_README=1 cargo test --test readme writes this table:\n\n{table}"
    );
}

#[test]
fn every_command_is_named() {
    let readme = readme();
    let help = assert_cmd::Command::new(env!("CARGO_BIN_EXE_skewer"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let commands = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty());
    let names: Vec<&str> = commands
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(names.len() > 4, "{help}");
    for name in names {
        assert!(
            readme.contains(&format!("skewer {name}")),
            "README.md does not name the command {name}"
        );
    }
}
