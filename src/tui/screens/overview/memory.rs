//! The executors whose memory came nearest its limit.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::model::{DRIVER, LossKind};
use crate::tui::line::{Align, pad, put};
use crate::tui::panel::panel;
use crate::tui::screen::Context;
use crate::tui::theme::Role;

use super::facts::Facts;

/// From this width on, executors stand side by side.
const WIDE: u16 = 110;

/// Executors side by side under Memory.
pub fn columns(columns: u16) -> usize {
    if columns >= WIDE { 2 } else { 1 }
}

/// The executors whose memory came nearest its limit.
pub fn render(facts: &Facts, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let columns = columns(area.width);
    let inner = panel(
        area,
        "Memory: executors nearest their limit",
        "heap peak / limit",
        buf,
        cx,
    );
    if facts.memory.is_empty() {
        let losses = &cx.application().losses;
        let not_carried = losses.iter().find(|loss| loss.kind == LossKind::NotCarried);
        let why = not_carried.map_or("not recorded: no executor metrics", |loss| &loss.detail);
        put(buf, inner, inner.x, inner.y, why, cx.style(Role::Dim));
        return;
    }
    let wide = (inner.width + 3) / columns as u16;
    let fit = facts.memory.iter().take(columns * usize::from(inner.height));
    for (at, memory) in fit.enumerate() {
        let (column, row) = ((at % columns) as u16, (at / columns) as u16);
        let cell = Rect {
            x: inner.x + column * wide,
            y: inner.y + row,
            width: wide.saturating_sub(3),
            height: 1,
        };
        let cell = cell.intersection(inner);
        let name = if &*memory.id == DRIVER {
            "driver".to_owned()
        } else {
            format!("exec {}", memory.id)
        };
        let name = pad(
            &format!("{} {}", pad(&name, 8, Align::Left), memory.host),
            22,
            Align::Left,
        );
        let x = put(buf, cell, cell.x, cell.y, &name, cx.style(Role::Text))
            .saturating_add(1)
            .min(cell.right());
        let rest = Rect {
            x,
            width: cell.right() - x,
            ..cell
        };
        memory.draw(facts.start_ms, facts.end_ms, rest, buf, cx);
    }
}
