//! The rows of the list of applications: an application with its latest attempt, and below it its attempts where it is unfolded.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::model::{ApplicationEntry, AttemptEntry};
use crate::source::Choice;
use crate::tui::line::Piece;
use crate::tui::screen::Context;
use crate::tui::table::{Column, Key, Rows};
use crate::tui::theme::Role;
use crate::tui::when;
use crate::units;

/// Its columns.
pub const COLUMNS: &[Column] = &[
    Column::text("", 1, 0),
    Column::text("Started", 15, 1),
    Column::number("Duration", 8, 0),
    Column::text("Status", 9, 0),
    Column::text("User", 10, 3),
    Column::text("Name", 15, 0).growing(),
    Column::text("Id", 10, 0).growing().ending(),
    Column::text("Spark", 7, 4),
    Column::number("Att.", 4, 2),
];

/// The column of the start, by which they are sorted first.
pub const STARTED: usize = 1;

/// A row: an application with its latest attempt, or below it one of its attempts.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    /// The application.
    pub entry: &'a ApplicationEntry,
    attempt: &'a AttemptEntry,
    /// The latest attempt, by which rows that belong together are sorted.
    latest: &'a AttemptEntry,
    /// Whether it is an attempt below its application.
    pub child: bool,
}

impl Row<'_> {
    /// What Enter opens.
    pub fn choice(&self) -> Choice {
        Choice {
            app: Some(self.entry.id.clone()),
            attempt: self.attempt.attempt.clone(),
        }
    }
}

/// The rows.
pub struct Listed<'a> {
    cx: &'a Context<'a>,
    /// In the order of the listing.
    pub rows: Vec<Row<'a>>,
    unfolded: &'a BTreeSet<String>,
    marked: &'a [Choice],
}

impl<'a> Listed<'a> {
    /// Those of the listing, with the attempts of what is unfolded.
    pub fn of(cx: &'a Context<'a>, unfolded: &'a BTreeSet<String>, marked: &'a [Choice]) -> Listed<'a> {
        let of_entry = |entry: &'a ApplicationEntry| {
            // Attempts without a start keep the server's order: the latest first.
            let latest = entry.attempts.iter().rev().max_by_key(|attempt| attempt.start_ms);
            let row = move |(attempt, child)| {
                latest.map(|latest| Row {
                    entry,
                    attempt,
                    latest,
                    child,
                })
            };
            let shown = entry.attempts.len() > 1 && unfolded.contains(&entry.id);
            let below = entry.attempts.iter().filter(move |_| shown);
            let own = latest.map(|latest| (latest, false)).into_iter();
            own.chain(below.map(|attempt| (attempt, true))).filter_map(row)
        };
        Listed {
            cx,
            rows: cx.listing.applications.iter().flat_map(of_entry).collect(),
            unfolded,
            marked,
        }
    }
}

/// The id, with the attempt behind it where there is one: as in the web interface's addresses.
fn id<'a>(entry: &'a ApplicationEntry, attempt: &AttemptEntry) -> Cow<'a, str> {
    match &attempt.attempt {
        Some(attempt) => format!("{}/{attempt}", entry.id).into(),
        None => entry.id.as_str().into(),
    }
}

/// An attempt without an end whose log has not grown for so long is taken for one that was killed, ms. Servers never say.
const SILENCE: i64 = 10 * 60 * 1_000;

/// Whether an attempt without an end gave no sign of life lately.
fn is_silent(attempt: &AttemptEntry, cx: &Context<'_>) -> bool {
    attempt
        .last_updated_ms
        .is_some_and(|at| cx.now_ms.saturating_sub(at) > SILENCE)
}

fn status(attempt: &AttemptEntry, cx: &Context<'_>) -> (String, Role) {
    match (attempt.completed, is_silent(attempt, cx)) {
        (true, _) => (format!("{} done", cx.glyphs.pick("✓", "+")), Role::Good),
        (false, false) => (format!("{} running", cx.glyphs.pick("▶", ">")), Role::Running),
        (false, true) => (format!("{} no end", cx.glyphs.pick("…", ".")), Role::Warning),
    }
}

/// How long it took; how long it has been running, where it has no end yet; until its last sign of life, where it was killed.
fn duration_ms(attempt: &AttemptEntry, cx: &Context<'_>) -> Option<u64> {
    if attempt.completed {
        return attempt.duration_ms;
    }
    let until = attempt
        .last_updated_ms
        .filter(|_| is_silent(attempt, cx))
        .unwrap_or(cx.now_ms);
    u64::try_from(until.saturating_sub(attempt.start_ms?)).ok()
}

impl Rows for Listed<'_> {
    fn count(&self) -> usize {
        self.rows.len()
    }

    fn id(&self, row: usize) -> String {
        let Row {
            entry, attempt, child, ..
        } = self.rows[row];
        if child {
            return format!("{}/{}", entry.id, attempt.attempt.as_deref().unwrap_or(""));
        }
        entry.id.clone()
    }

    fn cell(&self, row: usize, column: usize) -> Piece<'_> {
        let Row {
            entry, attempt, child, ..
        } = self.rows[row];
        let text = match column {
            0 if !self.marked.is_empty() && self.marked.contains(&self.rows[row].choice()) => {
                return (self.cx.glyphs.pick("◆", "*").into(), Role::Outlier);
            }
            0 => "".into(),
            1 => attempt
                .start_ms
                .map_or("n/a".into(), |at| when::moment(at, self.cx.now_ms, self.cx.zone).into()),
            2 => {
                let taken = duration_ms(attempt, self.cx).map_or("n/a".to_owned(), units::duration);
                let open = if attempt.completed || is_silent(attempt, self.cx) {
                    ""
                } else {
                    self.cx.glyphs.pick("…", "+")
                };
                Cow::Owned(taken + open)
            }
            3 => {
                let (text, role) = status(attempt, self.cx);
                return (text.into(), role);
            }
            4 => attempt.user.as_deref().unwrap_or("").into(),
            5 if child => {
                let branch = self.cx.glyphs.pick("└─ attempt", "`- attempt");
                let name = attempt.attempt.as_deref().unwrap_or("");
                return (format!("{branch} {name}").into(), Role::Text);
            }
            5 => entry.name.as_str().into(),
            6 => return (id(entry, attempt), Role::Dim),
            7 => attempt.spark_version.as_deref().unwrap_or("").into(),
            _ => match entry.attempts.len() {
                0 | 1 => return ("1".into(), Role::Dim),
                _ if child => "".into(),
                count if self.unfolded.contains(&entry.id) => {
                    format!("{count} {}", self.cx.glyphs.pick("▾", "-")).into()
                }
                count => format!("{count} {}", self.cx.glyphs.pick("▸", "+")).into(),
            },
        };
        (text, Role::Text)
    }

    fn key(&self, row: usize, column: usize) -> Key<'_> {
        // Attempts stay below their application: it lends them its key, and equal keys keep their order.
        let Row {
            entry, latest: attempt, ..
        } = self.rows[row];
        match column {
            0 => Key::Absent,
            1 => Key::time(attempt.start_ms),
            2 => Key::number(duration_ms(attempt, self.cx)),
            // Those that run come first.
            3 => Key::Number(match (attempt.completed, is_silent(attempt, self.cx)) {
                (false, false) => 0.0,
                (false, true) => 1.0,
                (true, _) => 2.0,
            }),
            4 => attempt
                .user
                .as_deref()
                .map_or(Key::Absent, |user| Key::Text(user.into())),
            5 => Key::Text(entry.name.as_str().into()),
            6 => Key::Text(id(entry, attempt)),
            7 => attempt
                .spark_version
                .as_deref()
                .map_or(Key::Absent, |version| Key::Text(version.into())),
            _ => Key::Number(entry.attempts.len() as f64),
        }
    }

    fn search(&self, row: usize, into: &mut String) {
        let Row {
            entry, latest: attempt, ..
        } = self.rows[row];
        for part in [&entry.name, &entry.id, attempt.user.as_deref().unwrap_or("")] {
            into.push_str(part);
            into.push(' ');
        }
    }
}
