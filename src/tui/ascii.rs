//! ASCII alone: what a screen drew beyond it is replaced, cell by cell, so that nothing slips through, whoever wrote it.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::report::to_ascii;

/// Replaces every character of `area` that is not ASCII.
pub fn only(area: Rect, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            if let Some(cell) = buf.cell_mut((x, y))
                && !cell.symbol().is_ascii()
            {
                let plain = to_ascii(cell.symbol()).chars().next().unwrap_or(' ');
                cell.set_char(plain);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_ascii_is_left() {
        let area = Rect::new(0, 0, 12, 1);
        let mut buf = Buffer::empty(area);
        buf.set_string(0, 0, "a→62× 名é●", ratatui::style::Style::new());
        only(area, &mut buf);
        let text: String = buf.content.iter().map(|cell| cell.symbol()).collect();
        assert!(text.is_ascii() && text.starts_with("a>62x "), "{text}");
    }
}
