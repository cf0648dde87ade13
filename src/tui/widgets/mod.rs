//! The charts: plain data and styles in, cells of a ratatui buffer out.
//! Drawn by the screens; know nothing of the model, of keys or of the theme.

pub mod bar;
pub mod gantt;
pub mod histogram;
pub mod scale;
pub mod scatter;
pub mod sparkline;

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

/// What bars are drawn with: Unicode's eighths of a block, or ASCII where the terminal has no more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Glyphs {
    /// Block eighths.
    #[default]
    Unicode,
    /// Seven-bit characters alone.
    Ascii,
}

impl Glyphs {
    /// One cell of a bar that grows to the right, filled by `eighths` (0 to 8).
    pub fn across(self, eighths: usize) -> &'static str {
        let ramp = match self {
            Self::Unicode => [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"],
            Self::Ascii => [" ", "-", "-", "-", "=", "=", "=", "=", "#"],
        };
        ramp.get(eighths).copied().unwrap_or(ramp[8])
    }

    /// One cell of a bar that grows upwards, filled by `eighths` (0 to 8).
    pub fn up(self, eighths: usize) -> &'static str {
        let ramp = match self {
            Self::Unicode => [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
            Self::Ascii => [" ", "_", ".", "-", "=", "+", "*", "%", "#"],
        };
        ramp.get(eighths).copied().unwrap_or(ramp[8])
    }

    /// `unicode`, or `ascii` where that is all there is.
    pub fn pick(self, unicode: &'static str, ascii: &'static str) -> &'static str {
        match self {
            Self::Unicode => unicode,
            Self::Ascii => ascii,
        }
    }
}

/// How many eighths of a cell a bar of `fraction` takes over `cells` cells. A tiny bar is one eighth, never nothing;
/// only zero, a negative number and NaN are nothing.
pub(crate) fn eighths(fraction: f64, cells: usize) -> usize {
    if fraction.is_nan() || fraction <= 0.0 || cells == 0 {
        return 0;
    }
    let full = cells * 8;
    ((fraction.min(1.0) * full as f64).round() as usize).clamp(1, full)
}

/// Draws an upward bar of `eighths` in the column `x` of `area`, from its bottom row.
pub(crate) fn draw_column(buf: &mut Buffer, area: Rect, x: u16, eighths: usize, glyphs: Glyphs, style: Style) {
    let mut left = eighths;
    for y in (area.top()..area.bottom()).rev() {
        if left == 0 {
            break;
        }
        let here = left.min(8);
        put(buf, x, y, glyphs.up(here), style);
        left -= here;
    }
}

/// Writes one glyph where the buffer has a cell for it.
pub(crate) fn put(buf: &mut Buffer, x: u16, y: u16, glyph: &str, style: Style) {
    if let Some(cell) = buf.cell_mut((x, y)) {
        cell.set_symbol(glyph).set_style(style);
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

    /// What a widget draws at this size, one line a row, without trailing blanks.
    pub fn drawn(widget: impl Widget, width: u16, height: u16) -> String {
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        widget.render(area, &mut buf);
        text(&buf)
    }

    /// The buffer's text, one line a row, without trailing blanks.
    pub fn text(buf: &Buffer) -> String {
        let rows = (buf.area.top()..buf.area.bottom()).map(|y| {
            let row: String = (buf.area.left()..buf.area.right())
                .map(|x| buf[(x, y)].symbol())
                .collect();
            row.trim_end().to_owned()
        });
        rows.collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tiny_bar_is_one_eighth_and_nothing_is_nothing() {
        assert_eq!(eighths(1e-12, 10), 1);
        assert_eq!(eighths(0.0, 10), 0);
        assert_eq!(eighths(-1.0, 10), 0);
        assert_eq!(eighths(f64::NAN, 10), 0);
        assert_eq!(eighths(f64::INFINITY, 10), 80);
        assert_eq!(eighths(0.5, 0), 0);
        assert_eq!(eighths(0.5, 1), 4);
    }

    #[test]
    fn ramps_end_in_a_full_cell_whatever_is_asked() {
        assert_eq!(Glyphs::Unicode.up(99), "█");
        assert_eq!(Glyphs::Ascii.across(99), "#");
        for eighths in 0..=8 {
            assert!(Glyphs::Ascii.up(eighths).is_ascii() && Glyphs::Ascii.across(eighths).is_ascii());
        }
    }
}
