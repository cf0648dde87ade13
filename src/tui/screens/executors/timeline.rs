//! How many executors there were over the application's time, and when some came and went.

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use crate::tui::line;
use crate::tui::panel::panel;
use crate::tui::screen::Context;
use crate::tui::theme::Role;
use crate::tui::widgets::{put, sparkline::Sparkline};
use crate::units;

/// Cells of the number before the time line.
const COUNT: u16 = 14;

/// How many executors there were over the application's time, and when some came and went.
pub fn render(area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let application = cx.application();
    let span = application.start_ms.zip(application.end_ms.or(application.last_ms));
    let Some((from, to)) = span.filter(|(from, to)| to > from && area.height > 0) else {
        return;
    };
    let own = application.executors.iter().filter(|executor| !executor.is_driver());
    let columns = usize::from(area.width.saturating_sub(COUNT));
    if columns == 0 {
        return;
    }
    let column = |at: i64| {
        let share = at.saturating_sub(from) as f64 / to.saturating_sub(from) as f64;
        ((share.clamp(0.0, 1.0) * columns as f64) as usize).min(columns - 1)
    };
    let (mut changes, mut came, mut went) = (vec![0_i64; columns], vec![0_u32; columns], vec![0_u32; columns]);
    let (mut added, mut removed) = (0_u64, 0_u64);
    for executor in own {
        let first = column(executor.added_ms.unwrap_or(from));
        changes[first] += 1;
        came[first] += 1;
        added += 1;
        if let Some(at) = executor.removed_ms.map(column) {
            // It was there in the column in which it went.
            if let Some(after) = changes.get_mut(at + 1) {
                *after -= 1;
            }
            went[at] += 1;
            removed += 1;
        }
    }
    let right = format!("{} added, {} removed", units::count(added), units::count(removed));
    let inside = panel(area, "Executors over time", &right, buf, cx);
    let mut there = 0;
    let counts: Vec<f64> = changes
        .iter()
        .map(|change| {
            there += change;
            there as f64
        })
        .collect();
    let most = counts.iter().copied().fold(0.0, f64::max);
    let plot = Rect {
        x: inside.x + COUNT,
        width: inside.width - COUNT,
        height: inside.height.min(1),
        ..inside
    };
    let text = format!("{} at most", units::short_count(most as u64));
    line::put(
        buf,
        inside,
        inside.x,
        inside.y,
        &line::cut(&text, usize::from(COUNT) - 1),
        cx.style(Role::Text),
    );
    let style = cx.style(Role::Running);
    Sparkline {
        values: &counts,
        limit: None,
        marked: false,
        style,
        hot: style,
        glyphs: cx.glyphs,
    }
    .render(plot, buf);
    if inside.height < 2 {
        return;
    }
    let marks = format!("{} came {} went", "+", cx.glyphs.pick("✗", "x"));
    line::put(
        buf,
        inside,
        inside.x,
        inside.y + 1,
        &line::cut(&marks, usize::from(COUNT) - 1),
        cx.style(Role::Dim),
    );
    for (x, (came, went)) in (plot.left()..plot.right()).zip(came.iter().zip(&went)) {
        let (glyph, role) = match (came, went) {
            (_, 1..) => (cx.glyphs.pick("✗", "x"), Role::Critical),
            (1.., 0) => ("+", Role::Good),
            (0, 0) => continue,
        };
        put(buf, x, inside.y + 1, glyph, cx.style(role));
    }
}
