//! A comparison as plain text of so many columns.

use super::stages::{StagePair, StageWork};
use super::{Change, Comparison, Run};
use crate::diagnosis::Finding;
use crate::model::Unit;
use crate::report::page::{Page, cut};
use crate::report::phrases;
use crate::schedule::TimeAccount;
use crate::units;

/// Stages that are told.
const STAGES: usize = 10;
/// A stage is told when it takes so much longer or shorter, ms, at least…
const LEAST_MS: u64 = 500;
/// …and this share of the longer run.
const LEAST_SHARE: f64 = 0.01;
/// Of settings longer than this only the words that differ are told, bytes.
const LONG_VALUE: usize = 100;
/// Columns of a setting's value that are shown.
const SHOWN_VALUE: usize = 200;

/// Columns that the three numbers of a row take, and the indent before its name.
const NUMBERS: usize = 45;
/// Columns of a row's name at most.
const NAME: usize = 48;

pub fn text(comparison: &Comparison<'_>, width: usize) -> String {
    let mut page = Page::of_width(width);
    for (name, run) in [("A  ", comparison.a), ("B  ", comparison.b)] {
        let [title, outcome, _] = phrases::header(run.application);
        page.wrapped(name, &title);
        page.wrapped("   ", &outcome);
    }
    totals(&mut page, comparison);
    time(&mut page, comparison);
    stages(&mut page, comparison);
    findings(&mut page, comparison);
    settings(&mut page, comparison);
    page.into_text()
}

fn totals(page: &mut Page, comparison: &Comparison<'_>) {
    page.heading("In all", "");
    page.line(&row(page.width(), ["", "A", "B", "change"]));
    let both_zero = |change: &&Change| change.a == Some(0.0) && change.b == Some(0.0);
    for change in comparison.totals.iter().filter(|change| !both_zero(change)) {
        page.line(&change_row(page.width(), change));
    }
}

fn time(page: &mut Page, comparison: &Comparison<'_>) {
    let parts = |run: Run<'_>| {
        run.diagnosis
            .time
            .as_ref()
            .map(|time: &TimeAccount| time.core_ms.parts())
    };
    let (Some(a), Some(b)) = (parts(comparison.a), parts(comparison.b)) else {
        return;
    };
    page.heading("Where the core time went", "");
    page.line(&row(page.width(), ["", "A", "B", "change"]));
    for ((what, a), (_, b)) in a.into_iter().zip(b).filter(|((_, a), (_, b))| *a > 0 || *b > 0) {
        let change = Change {
            what,
            unit: Unit::Millis,
            a: Some(a as f64),
            b: Some(b as f64),
        };
        page.line(&change_row(page.width(), &change));
    }
}

fn stages(page: &mut Page, comparison: &Comparison<'_>) {
    let wall = [comparison.a, comparison.b]
        .iter()
        .filter_map(|run| run.application.wall_ms())
        .max()
        .unwrap_or(0);
    let least = LEAST_MS.max((wall as f64 * LEAST_SHARE) as u64);
    let differ = || {
        comparison
            .stages
            .iter()
            .filter(|pair| pair.longer_ms().unsigned_abs() >= least)
    };
    let note = if differ().count() > STAGES {
        format!("{STAGES} of {}", differ().count())
    } else {
        String::new()
    };
    page.heading("Stages that take longer or shorter", &note);
    if differ().next().is_none() {
        page.line(&format!("  None by more than {}.", units::duration(least)));
    }
    for pair in differ().take(STAGES) {
        one_stage(page, pair);
    }
}

fn one_stage(page: &mut Page, pair: &StagePair) {
    let duration = |stage: &Option<StageWork>| match stage {
        None => "not there".to_owned(),
        Some(stage) => stage.duration_ms.map_or("n/a".to_owned(), units::duration),
    };
    let id = |stage: &Option<StageWork>| stage.as_ref().map_or("-".to_owned(), |stage| stage.id.to_string());
    let ids = if id(&pair.a) == id(&pair.b) {
        id(&pair.a)
    } else {
        format!("{} / {}", id(&pair.a), id(&pair.b))
    };
    let name = pair.b.as_ref().or(pair.a.as_ref()).map_or("", |stage| &stage.name);
    let mut label = format!("stage {ids}: {name}");
    // The line tells more than the operation.
    if let Some((_, line)) = name
        .rsplit_once(" at ")
        .filter(|_| width_of(&label) > name_room(page.width()))
    {
        label = format!("stage {ids}: {line}");
    }
    let (a, b, longer) = (duration(&pair.a), duration(&pair.b), longer(pair.longer_ms()));
    page.line(&row(page.width(), [&label, &a, &b, &longer]));
    if !pair.changes.is_empty() {
        let words: Vec<String> = pair.changes.iter().map(phrase).collect();
        page.wrapped("      ", &words.join(" · "));
    }
}

fn findings(page: &mut Page, comparison: &Comparison<'_>) {
    page.heading("Findings", "");
    let found = &comparison.findings;
    if found.gone.is_empty() && found.came.is_empty() && found.stayed.is_empty() {
        page.line("  None in either.");
    }
    let told = |finding: &Finding| match finding.saving_ms {
        Some(ms) => format!(
            "{} · {} (gives back {})",
            finding.severity.name(),
            finding.title,
            units::duration(ms)
        ),
        None => format!("{} · {}", finding.severity.name(), finding.title),
    };
    for finding in &found.came {
        page.wrapped("  came    ", &told(finding));
    }
    for finding in &found.gone {
        page.wrapped("  gone    ", &told(finding));
    }
    for (_, finding) in &found.stayed {
        page.wrapped("  stayed  ", &told(finding));
    }
}

fn settings(page: &mut Page, comparison: &Comparison<'_>) {
    if comparison.settings.is_empty() {
        return;
    }
    page.heading("Settings that differ", "");
    for setting in &comparison.settings {
        let (a, b) = match (&setting.a, &setting.b) {
            (Some(a), Some(b)) if a.len().max(b.len()) > LONG_VALUE => (words_missing(a, b), words_missing(b, a)),
            (a, b) => {
                let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not set)".to_owned());
                (value(a), value(b))
            }
        };
        page.wrapped(
            "  ",
            &format!("{}: {} → {}", setting.name, cut(&a, SHOWN_VALUE), cut(&b, SHOWN_VALUE)),
        );
    }
}

/// The words of a long value that another lacks, such as the options of a virtual machine.
fn words_missing(value: &str, other: &str) -> String {
    let lacks = |word: &&str| !other.split_whitespace().any(|known| known == *word);
    let words: Vec<&str> = value.split_whitespace().filter(lacks).collect();
    if words.is_empty() {
        "(nothing more)".to_owned()
    } else {
        format!("… {}", words.join(" "))
    }
}

fn width_of(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

/// Cells of a row's name in a page of so many.
fn name_room(width: usize) -> usize {
    width.saturating_sub(NUMBERS + 4).min(NAME - 2)
}

fn row(width: usize, [what, a, b, change]: [&str; 4]) -> String {
    let room = name_room(width);
    let what = cut(what, room);
    let fill = " ".repeat((room + 2).saturating_sub(width_of(&what)));
    format!("  {what}{fill} {a:>12} {b:>12} {change:>16}")
}

fn change_row(width: usize, change: &Change) -> String {
    let value = |value: Option<f64>| value.map_or("n/a".to_owned(), |value| phrases::value(value, change.unit));
    let difference = match (change.a, change.b) {
        (Some(a), Some(b)) if change.unit == Unit::Millis => longer((b - a) as i64),
        (Some(a), Some(b)) if a != b => format!(
            "{}{}",
            if b > a { "+" } else { "-" },
            units::count((b - a).abs() as u64)
        ),
        _ => String::new(),
    };
    row(width, [change.what, &value(change.a), &value(change.b), &difference])
}

/// `+8.4s`, `-350 ms`, nothing where nothing changed.
fn longer(ms: i64) -> String {
    match ms {
        0 => String::new(),
        1.. => format!("+{}", units::duration(ms.unsigned_abs())),
        _ => format!("-{}", units::duration(ms.unsigned_abs())),
    }
}

/// `longest task 1.1s → 16.5s`.
fn phrase(change: &Change) -> String {
    let value = |value: Option<f64>| value.map_or("n/a".to_owned(), |value| phrases::value(value, change.unit));
    format!("{} {} → {}", change.what, value(change.a), value(change.b))
}
