//! The import rule of the house: each folder of `src` names only what stands below it (see `src/lib.rs`).
//! Text is what is read, so paths made of `super::super::` and macros go unseen.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end so"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// A folder or file of `src`, and what it may name after `crate::`.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("units", &[]),
    ("text", &[]),
    ("redact", &[]),
    ("source", &["model", "text"]),
    ("schedule", &["model"]),
    ("diagnosis", &["model", "schedule", "units"]),
    ("report", &["model", "schedule", "diagnosis", "units", "text", "redact"]),
    (
        "tui",
        &[
            "model",
            "source",
            "schedule",
            "diagnosis",
            "report",
            "units",
            "text",
            "redact",
            "config",
            "settings",
        ],
    ),
];

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The folder or file directly under `src` that a path belongs to.
fn top(path: &Path) -> String {
    let first = path.components().next().unwrap().as_os_str().to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// What the code names after `crate::`, also inside `use crate::{a, b::c}`; comment lines are left out.
fn named(source: &str) -> Vec<String> {
    let code: Vec<&str> = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let mut names = Vec::new();
    for rest in code.join("\n").split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(group) => names.extend(group_heads(group)),
            None => names.push(head(rest)),
        }
    }
    names
}

/// The identifier at the start of a path.
fn head(path: &str) -> String {
    path.trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

/// The first identifiers of a `{…}` group's members.
fn group_heads(group: &str) -> Vec<String> {
    let (mut depth, mut members, mut member) = (0, Vec::new(), String::new());
    for c in group.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => members.push(std::mem::take(&mut member)),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                member.push(c);
            }
        }
    }
    members.push(member);
    members
        .iter()
        .map(|member| head(member))
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn folders_name_only_what_stands_below_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    assert!(files.len() > 10, "the source files were not found");
    let mut violations = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap();
        let own = top(relative);
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == own) else {
            continue;
        };
        for name in named(&fs::read_to_string(&file).unwrap()) {
            let known =
                ALLOWED.iter().any(|(folder, _)| *folder == name) || ["cli", "commands"].contains(&name.as_str());
            if known && name != own && !allowed.contains(&name.as_str()) {
                violations.push(format!("{}: {own} must not name {name}", relative.display()));
            }
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn names_are_found_in_every_form_of_use() {
    let source = "use crate::model::Stage;\nuse crate::{units, tui::{a, b}};\n// crate::report\nfn f() { crate::text::clean(\"\"); }";
    assert_eq!(named(source), ["model", "units", "tui", "text"]);
}
