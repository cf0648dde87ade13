//! The frame around a piece of a screen: one ruled line with its title, no sides. It costs one row, and what stands below it
//! can be copied out of the terminal without border characters.

use ratatui::{buffer::Buffer, layout::Rect};

use super::line;
use super::screen::Context;
use super::theme::Role;

/// Draws the head line of a panel (`── Title ───────── right ──`) and gives back the room below it.
pub fn panel(area: Rect, title: &str, right: &str, buf: &mut Buffer, cx: &Context<'_>) -> Rect {
    let below = below(area);
    if area.height == 0 || area.width == 0 {
        return below;
    }
    let dash = cx.glyphs.pick("─", "-");
    let rule = dash.repeat(usize::from(area.width));
    line::put(buf, area, area.x, area.y, &rule, cx.style(Role::Rule));
    let room = usize::from(area.width.saturating_sub(4));
    let title = line::cut(title, room.saturating_sub(2));
    let end = line::put(
        buf,
        area,
        area.x.saturating_add(2),
        area.y,
        &format!(" {title} "),
        cx.style(Role::Title),
    );
    let left = usize::from(area.right().saturating_sub(end)).saturating_sub(5);
    if !right.is_empty() && left >= 4 {
        let inside = Rect {
            width: area.width.saturating_sub(2),
            ..area
        };
        line::put_right(
            buf,
            inside,
            area.y,
            &format!(" {} ", line::cut(right, left)),
            cx.style(Role::Dim),
        );
    }
    below
}

/// The room below a panel's head line.
pub fn below(area: Rect) -> Rect {
    Rect {
        y: area.y.saturating_add(area.height.min(1)),
        height: area.height.saturating_sub(1),
        ..area
    }
}
