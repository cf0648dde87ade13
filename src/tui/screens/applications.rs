//! The applications that the source offers, a row an attempt. Enter opens one.

use std::borrow::Cow;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::model::{ApplicationEntry, AttemptEntry};
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::line::Piece;
use crate::tui::panel::{below, panel};
use crate::tui::screen::{Context, Screen};
use crate::tui::table::{Column, Key, Rows, Table};
use crate::tui::theme::Role;
use crate::tui::when;
use crate::units;

const COLUMNS: &[Column] = &[
    Column::text("Started", 15, 1),
    Column::number("Duration", 8, 0),
    Column::text("Status", 12, 0),
    Column::text("User", 10, 3),
    Column::text("Name", 12, 0).growing(),
    Column::text("Id", 23, 0).growing().ending(),
    Column::text("Spark", 7, 2),
];

/// The list.
#[derive(Debug)]
pub struct Applications {
    table: Table,
}

impl Default for Applications {
    /// The list, the newest first.
    fn default() -> Applications {
        Applications {
            table: Table::new(COLUMNS, Some((0, true))),
        }
    }
}

struct Listed<'a> {
    cx: &'a Context<'a>,
    /// Application and attempt of a row.
    rows: Vec<(&'a ApplicationEntry, &'a AttemptEntry)>,
}

impl<'a> Listed<'a> {
    fn of(cx: &'a Context<'a>) -> Listed<'a> {
        let attempts = |entry: &'a ApplicationEntry| entry.attempts.iter().map(move |attempt| (entry, attempt));
        Listed {
            cx,
            rows: cx.listing.applications.iter().flat_map(attempts).collect(),
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
        (true, _) => (format!("{} completed", cx.glyphs.pick("✓", "+")), Role::Good),
        (false, false) => (format!("{} running", cx.glyphs.pick("▶", ">")), Role::Running),
        (false, true) => (format!("{} incomplete", cx.glyphs.pick("…", ".")), Role::Warning),
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
        let (entry, attempt) = self.rows[row];
        format!("{}/{}", entry.id, attempt.attempt.as_deref().unwrap_or(""))
    }

    fn cell(&self, row: usize, column: usize) -> Piece<'_> {
        let (entry, attempt) = self.rows[row];
        let text = match column {
            0 => attempt
                .start_ms
                .map_or("n/a".into(), |at| when::moment(at, self.cx.now_ms, self.cx.zone).into()),
            1 => {
                let taken = duration_ms(attempt, self.cx).map_or("n/a".to_owned(), units::duration);
                let open = if attempt.completed || is_silent(attempt, self.cx) {
                    ""
                } else {
                    self.cx.glyphs.pick("…", "+")
                };
                Cow::Owned(taken + open)
            }
            2 => {
                let (text, role) = status(attempt, self.cx);
                return (text.into(), role);
            }
            3 => attempt.user.as_deref().unwrap_or("").into(),
            4 => entry.name.as_str().into(),
            5 => return (id(entry, attempt), Role::Dim),
            _ => attempt.spark_version.as_deref().unwrap_or("").into(),
        };
        (text, Role::Text)
    }

    fn key(&self, row: usize, column: usize) -> Key<'_> {
        let (entry, attempt) = self.rows[row];
        match column {
            0 => Key::time(attempt.start_ms),
            1 => Key::number(duration_ms(attempt, self.cx)),
            2 => Key::Text(status(attempt, self.cx).0.into()),
            3 => attempt
                .user
                .as_deref()
                .map_or(Key::Absent, |user| Key::Text(user.into())),
            4 => Key::Text(entry.name.as_str().into()),
            5 => Key::Text(id(entry, attempt)),
            _ => attempt
                .spark_version
                .as_deref()
                .map_or(Key::Absent, |version| Key::Text(version.into())),
        }
    }

    fn search(&self, row: usize, into: &mut String) {
        let (entry, attempt) = self.rows[row];
        for part in [&entry.name, &entry.id, attempt.user.as_deref().unwrap_or("")] {
            into.push_str(part);
            into.push(' ');
        }
    }
}

impl Screen for Applications {
    fn title(&self, _: &Context<'_>) -> String {
        "Applications".to_owned()
    }

    fn status(&self, cx: &Context<'_>) -> String {
        format!("{} applications", units::count(cx.listing.applications.len() as u64))
    }

    fn update(&mut self, action: Action, cx: &Context<'_>) -> Vec<Effect> {
        let rows = Listed::of(cx);
        if self.table.update(action, &rows) || action != Action::Enter {
            return Vec::new();
        }
        let chosen = self.table.selected().and_then(|row| rows.rows.get(row));
        let open = |(entry, attempt): &(&ApplicationEntry, &AttemptEntry)| Effect::Open {
            id: entry.id.clone(),
            attempt: attempt.attempt.clone(),
        };
        chosen.map(open).into_iter().collect()
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let inside = panel(area, "Applications", &self.table.summary(cx.glyphs), buf, cx);
        self.table.render(inside, buf, &Listed::of(cx), cx);
    }

    fn fit(&mut self, area: Rect, _: &Context<'_>) {
        self.table.fit(below(area).height);
    }

    fn height(&self, _: u16, _: &Context<'_>) -> usize {
        1 + self.table.height()
    }

    fn rows(&self) -> usize {
        self.table.len()
    }

    fn actions(&self) -> &'static [Action] {
        &[
            Action::Enter,
            Action::Filter,
            Action::Sort,
            Action::Reload,
            Action::Copy,
        ]
    }

    fn back(&mut self, cx: &Context<'_>) -> bool {
        self.table.back(&Listed::of(cx))
    }

    fn typing(&self) -> bool {
        self.table.typing()
    }

    fn refresh(&mut self, cx: &Context<'_>) {
        self.table.refresh(&Listed::of(cx));
    }

    fn copy(&self, cx: &Context<'_>) -> Option<(String, String)> {
        let rows = Listed::of(cx);
        let (entry, _) = rows.rows.get(self.table.selected()?)?;
        Some(("application id".to_owned(), entry.id.clone()))
    }
}
