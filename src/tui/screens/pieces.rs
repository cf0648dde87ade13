//! What many lists have in common: cells, what they say when they are empty, what they can do.

use std::borrow::Cow;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::diagnosis::{Finding, Severity};
use crate::tui::action::Action;
use crate::tui::line::{self, Piece};
use crate::tui::screen::Context;
use crate::tui::theme::Role;
use crate::tui::when;
use crate::units;

/// What a list can do whose rows open something and can be copied.
pub const LIST: &[Action] = &[
    Action::Enter,
    Action::Filter,
    Action::Sort,
    Action::Copy,
    Action::Export,
];

/// A value that may not have been recorded.
pub fn known<T>(value: Option<T>, write: impl Fn(T) -> String) -> Piece<'static> {
    value.map_or((Cow::Borrowed("n/a"), Role::Dim), |value| {
        (Cow::Owned(write(value)), Role::Text)
    })
}

/// A number that may not have been recorded; a zero is not worth looking at.
pub fn recorded(value: Option<u64>, write: fn(u64) -> String) -> Piece<'static> {
    match value {
        Some(0) => (Cow::Borrowed("0"), Role::Dim),
        value => known(value, write),
    }
}

/// What mending a finding gives back: time, or where something failed its result.
pub fn gives_back(finding: &Finding) -> Piece<'static> {
    match finding.saving_ms {
        Some(ms) => (units::duration(ms).into(), Role::Good),
        // What is critical and saves no time has failed something.
        None if finding.severity == Severity::Critical => ("the result".into(), Role::Good),
        None => ("no estimate".into(), Role::Dim),
    }
}

/// A moment of the day, epoch ms.
pub fn clock(at: Option<i64>, cx: &Context<'_>) -> Piece<'static> {
    let text = at.map_or(Cow::Borrowed("n/a"), |at| when::clock(at, cx.zone).into());
    (text, Role::Text)
}

/// Says why a list, or a part of it, is empty.
pub fn nothing(why: &str, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let lines = line::wrap(why, usize::from(area.width.saturating_sub(4)));
    for (text, y) in lines.iter().zip(area.top()..area.bottom()) {
        line::put(buf, area, area.x.saturating_add(2), y, text, cx.style(Role::Dim));
    }
}
