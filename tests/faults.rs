//! The table of faults in `tests/README.md` names tests that exist: it cannot rot.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end so"
)]

use std::fs;
use std::path::Path;

/// The rows of the table: the fault's number, and each file and test that hold it.
fn rows() -> Vec<(u32, Vec<(String, String)>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("tests/README.md")).unwrap();
    let row = |line: &str| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        let number = cells.next()?.parse().ok()?;
        let tests = cells.nth(1)?.split(", ").map(|named| {
            let (file, test) = named
                .trim_matches('`')
                .split_once("::")
                .unwrap_or_else(|| panic!("{number}: {named}"));
            (file.to_owned(), test.to_owned())
        });
        Some((number, tests.collect()))
    };
    text.lines()
        .filter(|line| line.starts_with("| "))
        .filter_map(row)
        .collect()
}

#[test]
fn every_fault_has_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rows = rows();
    for (number, tests) in &rows {
        for (file, test) in tests {
            let source =
                fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("fault {number}: {file}: {error}"));
            let at = source
                .find(&format!("fn {test}()"))
                .unwrap_or_else(|| panic!("fault {number}: {file} has no {test}"));
            let before: Vec<&str> = source[..at].lines().rev().take(3).collect();
            assert!(
                before.iter().any(|line| line.contains("test]")),
                "fault {number}: {test} is no test"
            );
        }
    }
    let numbers: Vec<u32> = rows.iter().map(|(number, _)| *number).collect();
    let expected: Vec<u32> = (1..=52).chain(54..=56).collect();
    assert_eq!(numbers, expected, "every fault has one row, in order");
}
