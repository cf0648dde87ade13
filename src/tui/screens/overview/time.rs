//! Where the time went: one bar divided among the owners of core time, and its legend.

use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget};

use crate::tui::line::put;
use crate::tui::panel::panel;
use crate::tui::screen::Context;
use crate::tui::theme::Role;
use crate::tui::widgets::bar::{self, Fill, Segment, StackedBar};
use crate::units;

use super::facts::Facts;

/// Every owner of core time: pattern and role, in the order of `CoreMs::parts`. No two share a pattern, so that they differ
/// without colour too.
const OWNERS: [(Fill, Role); 12] = [
    (Fill::Full, Role::Compute),
    (Fill::Dark, Role::Gc),
    (Fill::Light, Role::FetchWait),
    (Fill::Medium, Role::ShuffleWrite),
    (Fill::Checker, Role::Deserialize),
    (Fill::Upper, Role::Serialize),
    (Fill::Lower, Role::SchedulerDelay),
    (Fill::Left, Role::GettingResult),
    (Fill::Dots, Role::IdleDriver),
    (Fill::Dashes, Role::IdleTooFew),
    (Fill::Double, Role::IdleTail),
    (Fill::Waves, Role::IdleScheduling),
];

fn segments(cx: &Context<'_>) -> Vec<Segment<'static>> {
    let parts = cx.time().map(|account| account.core_ms.parts()).unwrap_or_default();
    let segment = |((label, ms), (fill, role)): ((&'static str, u64), (Fill, Role))| Segment {
        label,
        value: ms as f64,
        fill,
        style: cx.style(role),
    };
    parts.into_iter().zip(OWNERS).map(segment).collect()
}

/// The legend of where the time went.
pub fn legend(facts: &Facts, columns: u16, max_lines: usize, cx: &Context<'_>) -> Vec<Line<'static>> {
    if facts.unread > 0 {
        return Vec::new();
    }
    let styles = (cx.style(Role::Text), cx.style(Role::Dim));
    bar::legend(&segments(cx), columns, max_lines, cx.glyphs, styles)
}

/// Where the time went.
pub fn render(facts: &Facts, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let account = cx
        .time()
        .filter(|account| account.core_ms_available > 0 && facts.unread == 0);
    let right = account.map_or_else(String::new, |account| {
        let at_work = account
            .at_work()
            .map_or_else(String::new, |share| format!(", {} at work", units::percent(share)));
        format!("{} core time{at_work}", units::duration(account.core_ms_available))
    });
    let inner = panel(area, "Where the time went", &right, buf, cx);
    if account.is_none() {
        let why = match facts.unread {
            0 => "not known: the application has no executor or no end".to_owned(),
            stages => format!(
                "not known until the tasks of {} are read; open a stage to read its tasks",
                units::counted(stages as u64, "stage")
            ),
        };
        put(buf, inner, inner.x, inner.y, &why, cx.style(Role::Dim));
        return;
    }
    let segments = segments(cx);
    StackedBar {
        segments: &segments,
        glyphs: cx.glyphs,
    }
    .render(
        Rect {
            height: inner.height.min(1),
            ..inner
        },
        buf,
    );
    let lines = legend(facts, inner.width, usize::from(inner.height.saturating_sub(1)), cx);
    for (line, y) in lines.iter().zip(inner.top() + 1..inner.bottom()) {
        buf.set_line(inner.x, y, line, inner.width);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::tui::widgets::Glyphs;

    #[test]
    fn no_two_owners_look_alike_without_colour() {
        for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
            let patterns: BTreeSet<&str> = OWNERS.iter().map(|(fill, _)| fill.glyph(glyphs)).collect();
            assert_eq!(patterns.len(), OWNERS.len());
        }
    }
}
