//! The screen as text: drawn by the same code into a buffer as tall as it takes to hold every row, then written out without colours.

use ratatui::{buffer::Buffer, layout::Rect};

use super::state::Tui;
use super::widgets::Glyphs;

/// Cells of a line: what a ticket and a mail show without breaking.
const WIDTH: u16 = 100;

/// Lines of a snapshot at most; 100 columns of them are some 100 MB while they are drawn.
const LINES: usize = 20_000;

/// The screen with all its rows.
pub fn whole(tui: &Tui) -> String {
    let wanted = tui.height(WIDTH);
    let height = u16::try_from(wanted.clamp(10, LINES)).unwrap_or(u16::MAX);
    let mut text = drawn(tui, Rect::new(0, 0, WIDTH, height), true);
    if wanted > LINES {
        let dots = if tui.glyphs() == Glyphs::Ascii { "..." } else { "…" };
        text.push_str(&format!(
            "{dots} {} more lines: filter first, or skewer export --table tasks\n",
            wanted - LINES
        ));
    }
    text
}

/// The screen as it is in the terminal.
pub fn visible(tui: &Tui) -> String {
    drawn(tui, tui.area(), false)
}

fn drawn(tui: &Tui, area: Rect, whole: bool) -> String {
    let mut buf = Buffer::empty(area);
    if whole {
        tui.render_into(area, &mut buf)
    } else {
        tui.render(&mut buf)
    }
    let text = written(&buf);
    crate::redact::text(&text).into_owned()
}

/// A buffer's text, without blanks at the ends of lines and without empty lines at the end.
fn written(buf: &Buffer) -> String {
    let mut text = String::new();
    for y in buf.area.top()..buf.area.bottom() {
        let from = text.len();
        let mut hidden = 0;
        for x in buf.area.left()..buf.area.right() {
            let symbol = buf.cell((x, y)).map_or(" ", |cell| cell.symbol());
            // A wide character covers the cell after it.
            if hidden > 0 {
                hidden -= 1;
                continue;
            }
            hidden = super::line::width(symbol).saturating_sub(1);
            text.push_str(symbol);
        }
        let kept = text.trim_end_matches(' ').len().max(from);
        text.truncate(kept);
        text.push('\n');
    }
    let kept = text.trim_end_matches('\n').len();
    text.truncate(kept);
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_take_their_place_once() {
        let mut buf = Buffer::empty(Rect::new(0, 0, 10, 3));
        buf.set_string(0, 0, "名前 ok", ratatui::style::Style::new());
        assert_eq!(written(&buf), "名前 ok\n");
    }
}
