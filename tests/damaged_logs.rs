//! A real log whose lines hold odd values, stand in another order, are doubled or gone: whatever becomes of it, it is diagnosed and
//! reported, within bounds. The same logs on every run. What is wrong with the bytes is tried beside the reader.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end so"
)]

use std::io::Read;

use skewer::diagnosis::{Thresholds, diagnose};
use skewer::model::Application;
use skewer::report;
use skewer::source::{Choice, Progress, Source};

/// Damaged logs that are tried.
const ROUNDS: u64 = 300;

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// The lines of a recorded log with a failed job, the longest left out.
fn recorded() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/logs/failed-job-3.5.zstd");
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    zstd::stream::read::Decoder::new(file)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    text.lines()
        .filter(|line| line.len() < 6_000)
        .map(str::to_owned)
        .collect()
}

const ODD: [&str; 12] = [
    "-1",
    "0",
    "18446744073709551615",
    "9223372036854775807",
    "-9223372036854775808",
    "1e308",
    "-1e308",
    "99999999999999999999999",
    "null",
    "\"NaN\"",
    "[]",
    "{\"a\":[{}]}",
];

/// The line with every so many of its numbers exchanged.
fn odd_numbers(line: &str, dice: &mut Dice, one_in: usize) -> String {
    let mut odd = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find("\":") {
        let (before, after) = rest.split_at(at + 2);
        odd.push_str(before);
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-').len();
        if digits > 0 && dice.below(one_in) == 0 {
            odd.push_str(ODD[dice.below(ODD.len())]);
            rest = &after[digits..];
        } else {
            rest = after;
        }
    }
    odd + rest
}

/// The line without some of its fields: under another name they are not looked for.
fn fields_gone(line: &str, dice: &mut Dice) -> String {
    let parts: Vec<&str> = line.split(",\"").collect();
    let marked = parts.iter().map(|part| {
        if dice.below(12) == 0 {
            format!("~{part}")
        } else {
            (*part).to_owned()
        }
    });
    marked.collect::<Vec<_>>().join(",\"")
}

fn damaged(lines: &[String], dice: &mut Dice) -> (String, Vec<String>) {
    let mut lines = lines.to_vec();
    let what = match dice.below(7) {
        0 => {
            let one_in = [200, 30, 5][dice.below(3)];
            lines = lines.iter().map(|line| odd_numbers(line, dice, one_in)).collect();
            "odd numbers"
        }
        1 => {
            lines = lines.iter().map(|line| fields_gone(line, dice)).collect();
            "fields gone"
        }
        2 => {
            for _ in 0..20 {
                let (a, b) = (dice.below(lines.len()), dice.below(lines.len()));
                lines.swap(a, b);
            }
            "out of order"
        }
        3 => {
            for at in (1..lines.len()).rev() {
                lines.swap(at, dice.below(at + 1));
            }
            "shuffled"
        }
        4 => {
            for _ in 0..30 {
                let line = lines[dice.below(lines.len())].clone();
                lines.insert(dice.below(lines.len()), line);
            }
            "doubled"
        }
        5 => {
            let keep = dice.below(100);
            lines.retain(|_| dice.below(100) < keep);
            "lost"
        }
        _ => {
            lines = lines
                .iter()
                .map(|line| odd_numbers(&fields_gone(line, dice), dice, 40))
                .collect();
            lines.reverse();
            "everything at once"
        }
    };
    (what.to_owned(), lines)
}

fn report_all(application: &Application) -> String {
    let diagnosis = diagnose(application, &Thresholds::default());
    let harmed = application.losses.iter().any(|loss| loss.kind.harms_findings());
    let told = diagnosis
        .findings
        .iter()
        .any(|finding| finding.rule == "data-incomplete");
    assert_eq!(
        harmed, told,
        "what is missing is a finding, and nothing else is: {:?}",
        application.losses
    );
    report::text(application, &diagnosis, true)
        + &report::markdown(application, &diagnosis)
        + &report::json(application, &diagnosis).to_string()
}

#[test]
fn whatever_its_lines_hold_a_log_is_reported() {
    let lines = recorded();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let mut dice = Dice(3);
    let mut opened = 0;
    for round in 0..ROUNDS {
        let (what, lines) = damaged(&lines, &mut dice);
        std::fs::write(&path, lines.join("\n")).unwrap();
        let Ok(source) = Source::parse(path.to_str().unwrap()) else {
            continue;
        };
        match source.open(&Choice::default(), &Progress::default()) {
            Ok(application) => {
                opened += 1;
                let printed = report_all(&application);
                assert!(printed.len() < 4 << 20, "{round}, {what}: {} bytes", printed.len());
            }
            Err(error) => assert!(!error.to_string().contains('\n'), "{round}, {what}: {error}"),
        }
    }
    assert!(opened > ROUNDS / 2, "{opened} of {ROUNDS} were read");
}
