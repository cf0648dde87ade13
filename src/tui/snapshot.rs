//! The screen as text: drawn by the same code into a buffer as tall as it takes to hold every row, then written out without colours.

use ratatui::{buffer::Buffer, layout::Rect};

use super::line;
use super::state::Tui;
use super::widgets::Glyphs;
use crate::redact;
use crate::report::to_ascii;

/// Cells of a line: what a ticket and a mail show without breaking.
const WIDTH: u16 = 100;

/// Lines that are drawn at once; a longer list is drawn page by page, for a cell takes some 50 bytes.
const LINES: usize = 10_000;

/// The screen with all its rows, under a head that says where it comes from. Secrets are hidden where it is written.
pub fn whole(tui: &Tui) -> String {
    in_pages(tui, LINES)
}

/// [`whole`], drawn so many lines at a time.
pub fn in_pages(tui: &Tui, lines: usize) -> String {
    let head = tui
        .headline()
        .into_iter()
        .flat_map(|text| line::wrap(&text, usize::from(WIDTH)));
    let mut text: String = head.map(|line| line + "\n").collect();
    if tui.glyphs() == Glyphs::Ascii {
        text = to_ascii(&text);
    }
    let (height, rows) = (tui.height(WIDTH), tui.rows());
    let page = height.min(lines);
    let area = Rect::new(0, 0, WIDTH, u16::try_from(page).unwrap_or(u16::MAX));
    let mut buf = Buffer::empty(area);
    tui.render_screen(area, 0, &mut buf);
    text.push_str(&written(&buf, 0));
    // What does not fit are rows of the list: further pages of it alone.
    let around = height.saturating_sub(rows);
    let mut shown = page.saturating_sub(around);
    while shown < rows && page > around {
        buf.reset();
        tui.render_screen(area, shown, &mut buf);
        text.push_str(&written(&buf, around));
        shown += page - around;
    }
    text
}

/// The screen as it is in the terminal.
pub fn visible(tui: &Tui) -> String {
    let mut buf = Buffer::empty(tui.area());
    tui.render(&mut buf);
    redact::text(&written(&buf, 0)).into_owned()
}

/// A buffer's text from a line on, without blanks at the ends of lines and without empty lines at the end.
fn written(buf: &Buffer, from: usize) -> String {
    let mut text = String::new();
    for y in (buf.area.top()..buf.area.bottom()).skip(from) {
        let begin = text.len();
        let mut hidden = 0;
        for x in buf.area.left()..buf.area.right() {
            let symbol = buf.cell((x, y)).map_or(" ", |cell| cell.symbol());
            // A wide character covers the cell after it.
            if hidden > 0 {
                hidden -= 1;
                continue;
            }
            hidden = line::width(symbol).saturating_sub(1);
            text.push_str(symbol);
        }
        let kept = text.trim_end_matches(' ').len().max(begin);
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
        assert_eq!(written(&buf, 0), "名前 ok\n");
    }
}
