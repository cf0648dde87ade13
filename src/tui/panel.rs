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
    split(area, 1)[1]
}

/// The first `rows` of an area, and what is left below them.
pub fn split(area: Rect, rows: u16) -> [Rect; 2] {
    let rows = rows.min(area.height);
    let rest = Rect {
        y: area.y.saturating_add(rows),
        height: area.height - rows,
        ..area
    };
    [Rect { height: rows, ..area }, rest]
}

/// The first `columns` of an area, and what is left to the right of them and a gap.
pub fn beside(area: Rect, columns: u16) -> [Rect; 2] {
    let columns = columns.min(area.width);
    let taken = columns.saturating_add(GAP).min(area.width);
    let rest = Rect {
        x: area.x.saturating_add(taken),
        width: area.width - taken,
        ..area
    };
    [Rect { width: columns, ..area }, rest]
}

/// Columns between what stands side by side.
const GAP: u16 = 2;

/// A list of so many rows, and below it the panel of what is chosen in it: `least` rows, and what the list leaves. On a small screen
/// the list stands alone.
pub fn list_and_chosen(area: Rect, rows: usize, least: u16) -> [Rect; 2] {
    if area.height < SMALL {
        return split(area, area.height);
    }
    let wanted = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(1);
    split(area, wanted.min(area.height.saturating_sub(least)))
}

/// Rows below which a list has no panel of the chosen one.
const SMALL: u16 = 14;
