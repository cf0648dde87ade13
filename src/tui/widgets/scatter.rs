//! A scatter plot: one quantity against another, a dot each, in braille or, without it, by how many share a cell.
//! Drawn by the screens; knows nothing of what the dots are.

use ratatui::{buffer::Buffer, layout::Rect, style::Style, widgets::Widget};

use crate::model::Unit;

use super::{
    Glyphs, put,
    scale::{Scale, tick_label},
};

/// Dots of a cell across and down.
const ACROSS: usize = 2;
const DOWN: usize = 4;

/// The bits of a braille cell, by row and column of its dots (U+2800 plus these).
const BITS: [[u8; ACROSS]; DOWN] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// Cells left of the plot, for the labels of the upright axis.
const GUTTER: u16 = 7;

/// Cells from one label of the level axis to the next, about.
const TICK_WIDTH: u16 = 9;

/// A dot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dot {
    /// Its value across.
    pub across: u64,
    /// Its value upwards.
    pub up: u64,
    /// How many things it stands for.
    pub count: usize,
}

/// Pairs of values.
pub struct Scatter<'a> {
    /// The dots.
    pub points: &'a [Dot],
    /// The axes, and the units of their ticks.
    pub across: (Scale, Unit),
    /// The upright axis.
    pub up: (Scale, Unit),
    /// The one to point at.
    pub chosen: Option<(u64, u64)>,
    /// Dots this high up are drawn in the hot style.
    pub hot_from: Option<u64>,
    /// How the dots look.
    pub style: Style,
    /// How those high up look, and the chosen one.
    pub hot: Style,
    /// How the axes look.
    pub faint: Style,
    /// Braille, or ASCII alone.
    pub glyphs: Glyphs,
}

impl Widget for Scatter<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        if area.width <= GUTTER + 1 || area.height < 2 {
            return;
        }
        let plot = Rect {
            x: area.x + GUTTER,
            width: area.width - GUTTER,
            height: area.height - 1,
            ..area
        };
        self.draw_axes(area, plot, buf);
        let mut cells = vec![(0_u8, 0_usize, false); usize::from(plot.width) * usize::from(plot.height)];
        for dot in self.points {
            let (column, row, bit) = self.place(plot, (dot.across, dot.up));
            if let Some((bits, count, hot)) = cells.get_mut(row * usize::from(plot.width) + column) {
                *bits |= bit;
                *count += dot.count;
                *hot |= self.hot_from.is_some_and(|from| dot.up >= from);
            }
        }
        for (at, (bits, count, hot)) in cells.into_iter().enumerate().filter(|(_, (_, count, _))| *count > 0) {
            let glyph = match self.glyphs {
                Glyphs::Unicode => char::from_u32(0x2800 + u32::from(bits)).unwrap_or('.'),
                Glyphs::Ascii => ['.', ':', 'o', '8', '@']
                    .get(count.ilog2() as usize / 2)
                    .copied()
                    .unwrap_or('@'),
            };
            let (x, y) = (at % usize::from(plot.width), at / usize::from(plot.width));
            let style = if hot { self.hot } else { self.style };
            put(
                buf,
                plot.x + x as u16,
                plot.y + y as u16,
                glyph.encode_utf8(&mut [0; 4]),
                style,
            );
        }
        if let Some(chosen) = self.chosen {
            let (column, row, _) = self.place(plot, chosen);
            put(
                buf,
                plot.x + column as u16,
                plot.y + row as u16,
                self.glyphs.pick("◆", "X"),
                self.hot,
            );
        }
    }
}

impl Scatter<'_> {
    /// The cell of a dot (column, row) and its bit therein.
    fn place(&self, plot: Rect, (across, up): (u64, u64)) -> (usize, usize, u8) {
        let (wide, high) = (usize::from(plot.width) * ACROSS, usize::from(plot.height) * DOWN);
        let x = (self.across.0.fraction(across as f64) * (wide - 1) as f64).round() as usize;
        let y = high - 1 - (self.up.0.fraction(up as f64) * (high - 1) as f64).round() as usize;
        (x / ACROSS, y / DOWN, BITS[y % DOWN][x % ACROSS])
    }

    fn draw_axes(&self, area: Rect, plot: Rect, buf: &mut Buffer) {
        let (scale, unit) = self.up;
        let mut free_from = area.bottom();
        for tick in scale.ticks(unit, usize::from(plot.height).div_ceil(2)) {
            let (_, row, _) = self.place(plot, (0, tick));
            let y = plot.y + row as u16;
            // From the bottom up; a row has room for one.
            if y < free_from {
                let label = tick_label(tick, unit);
                let x = plot.x.saturating_sub(label.chars().count() as u16 + 1).max(area.x);
                buf.set_stringn(x, y, label, usize::from(plot.x - x), self.faint);
                free_from = y;
            }
        }
        let (scale, unit) = self.across;
        let mut free_from = plot.x;
        for tick in scale.ticks(unit, usize::from(plot.width / TICK_WIDTH).max(2)) {
            let label = tick_label(tick, unit);
            let (column, _, _) = self.place(plot, (tick, 0));
            let width = label.chars().count() as u16;
            let x = (plot.x + column as u16)
                .saturating_sub(width / 2)
                .clamp(plot.x, plot.right().saturating_sub(width).max(plot.x));
            if x >= free_from && x + width <= area.right() {
                buf.set_stringn(x, area.bottom() - 1, &label, usize::from(width), self.faint);
                free_from = x + width + 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::widgets::testing::drawn;

    fn dots(points: &[(u64, u64)]) -> Vec<Dot> {
        let dot = |&(across, up): &(u64, u64)| Dot { across, up, count: 1 };
        points.iter().map(dot).collect()
    }

    fn of(points: &[Dot]) -> Scatter<'_> {
        Scatter {
            points,
            across: (Scale::linear(0.0, 100.0), Unit::Count),
            up: (Scale::linear(0.0, 100.0), Unit::Count),
            chosen: None,
            hot_from: None,
            style: Style::new(),
            hot: Style::new(),
            faint: Style::new(),
            glyphs: Glyphs::Unicode,
        }
    }

    #[test]
    fn a_line_is_seen_as_a_line() {
        let points = dots(&(0..=100).map(|n| (n, n)).collect::<Vec<_>>());
        insta::assert_snapshot!(drawn(
            Scatter {
                chosen: Some((100, 0)),
                ..of(&points)
            },
            30,
            8
        ));
        insta::assert_snapshot!(drawn(
            Scatter {
                glyphs: Glyphs::Ascii,
                ..of(&points)
            },
            30,
            8
        ));
    }

    #[test]
    fn degenerate_input_and_every_size_are_drawn_without_a_panic() {
        for points in [&[][..], &[(0, 0)], &[(u64::MAX, u64::MAX), (0, 0)], &[(50, 50); 9]] {
            let points = &dots(points);
            for (width, height) in (0..20).flat_map(|width| (0..6).map(move |height| (width, height))) {
                let widget = Scatter {
                    chosen: Some((7, u64::MAX)),
                    ..of(points)
                };
                drawn(widget, width, height);
                let point = Scale::log(5.0, 5.0);
                drawn(
                    Scatter {
                        across: (point, Unit::Bytes),
                        up: (point, Unit::Millis),
                        ..of(points)
                    },
                    width,
                    height,
                );
            }
        }
    }

    #[test]
    fn ascii_alone() {
        let points = dots(&(0..5_000).map(|n| (n % 7, n % 100)).collect::<Vec<_>>());
        assert!(
            drawn(
                Scatter {
                    glyphs: Glyphs::Ascii,
                    ..of(&points)
                },
                40,
                9
            )
            .is_ascii()
        );
    }
}
