//! Horizontal bars: one divided into parts with its legend, and a plain one that is a share of something.
//! Drawn by the screens; know nothing of what the parts are.

use ratatui::{
    buffer::Buffer,
    layout::Rect,
    style::Style,
    text::{Line, Span},
    widgets::Widget,
};

use super::{Glyphs, eighths, put};

/// The pattern of a part, so that neighbours differ without colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// `█`
    Full,
    /// `▓`
    Dark,
    /// `▒`
    Medium,
    /// `░`
    Light,
    /// `▚`
    Checker,
    /// `▄`
    Lower,
    /// `▀`
    Upper,
    /// `▌`
    Left,
    /// `·`
    Dots,
    /// `╌`
    Dashes,
    /// `═`
    Double,
    /// `~`
    Waves,
}

impl Fill {
    /// The glyph of the pattern.
    pub fn glyph(self, glyphs: Glyphs) -> &'static str {
        match self {
            Self::Full => glyphs.pick("█", "#"),
            Self::Dark => glyphs.pick("▓", "%"),
            Self::Medium => glyphs.pick("▒", "+"),
            Self::Light => glyphs.pick("░", ":"),
            Self::Checker => glyphs.pick("▚", "&"),
            Self::Lower => glyphs.pick("▄", "o"),
            Self::Upper => glyphs.pick("▀", "^"),
            Self::Left => glyphs.pick("▌", "|"),
            Self::Dots => glyphs.pick("·", "."),
            Self::Dashes => glyphs.pick("╌", "-"),
            Self::Double => glyphs.pick("═", "="),
            Self::Waves => "~",
        }
    }
}

/// One part of a divided bar.
#[derive(Clone, Debug)]
pub struct Segment<'a> {
    /// What it is called in the legend.
    pub label: &'a str,
    /// How large it is, in the unit of its neighbours.
    pub value: f64,
    /// Its pattern.
    pub fill: Fill,
    /// Its colours.
    pub style: Style,
}

/// A bar divided into parts, over the whole width and height of its area.
pub struct StackedBar<'a> {
    /// The parts, from the left.
    pub segments: &'a [Segment<'a>],
    /// What they are drawn with.
    pub glyphs: Glyphs,
}

impl Widget for StackedBar<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let mut x = area.left();
        for (segment, cells) in self.segments.iter().zip(shares(self.segments, area.width)) {
            for x in x..x + cells {
                for y in area.top()..area.bottom() {
                    put(buf, x, y, segment.fill.glyph(self.glyphs), segment.style);
                }
            }
            x += cells;
        }
    }
}

/// How many cells each part gets: by largest remainder, and one at least for what is not nothing while there is room.
fn shares(segments: &[Segment<'_>], width: u16) -> Vec<u16> {
    let total = total(segments);
    if total <= 0.0 || width == 0 {
        return vec![0; segments.len()];
    }
    let exact: Vec<f64> = segments
        .iter()
        .map(|segment| positive(segment.value) / total * f64::from(width))
        .collect();
    let mut cells: Vec<u16> = exact
        .iter()
        .map(|&share| if share > 0.0 { (share as u16).max(1) } else { 0 })
        .collect();
    let remainder = |cells: &[u16], index: usize| exact[index] - f64::from(cells[index]);
    let by_remainder = |cells: &[u16], a: &usize, b: &usize| remainder(cells, *a).total_cmp(&remainder(cells, *b));
    loop {
        let sum: u32 = cells.iter().map(|&cells| u32::from(cells)).sum();
        let indices = 0..cells.len();
        let (index, more) = if sum < u32::from(width) {
            (
                indices
                    .filter(|&i| exact[i] > 0.0)
                    .max_by(|a, b| by_remainder(&cells, a, b)),
                true,
            )
        } else if sum > u32::from(width) {
            (indices.max_by_key(|&i| cells[i]), false)
        } else {
            return cells;
        };
        match index.and_then(|index| cells.get_mut(index)) {
            Some(cells) if more => *cells += 1,
            Some(cells) => *cells -= 1,
            None => return cells,
        }
    }
}

fn positive(value: f64) -> f64 {
    if value.is_finite() { value.max(0.0) } else { 0.0 }
}

fn total(segments: &[Segment<'_>]) -> f64 {
    segments.iter().map(|segment| positive(segment.value)).sum()
}

/// The legend of a divided bar: glyph, name and percentage of every part that is not nothing, in order, on at most
/// `max_lines` lines of `width`. What finds no room is the smallest, and said to be there.
pub fn legend(
    segments: &[Segment<'_>],
    width: u16,
    max_lines: usize,
    glyphs: Glyphs,
    (text, faint): (Style, Style),
) -> Vec<Line<'static>> {
    let total = total(segments);
    let mut parts: Vec<(usize, f64)> = segments
        .iter()
        .map(|segment| positive(segment.value))
        .enumerate()
        .filter(|(_, value)| *value > 0.0)
        .collect();
    loop {
        let hidden: f64 = total - parts.iter().map(|(_, value)| value).sum::<f64>();
        let shown = parts.len();
        let rest = segments.iter().filter(|segment| positive(segment.value) > 0.0).count() - shown;
        let mut entries: Vec<(Span<'static>, String)> = Vec::new();
        for segment in parts.iter().filter_map(|(index, _)| segments.get(*index)) {
            let glyph = Span::styled(segment.fill.glyph(glyphs), segment.style);
            entries.push((glyph, format!(" {} {}", segment.label, percent(segment.value / total))));
        }
        if rest > 0 {
            entries.push((
                Span::styled("+", faint),
                format!(" {rest} more {}", percent(hidden / total)),
            ));
        }
        let lines = flow(entries, usize::from(width), text);
        if lines.len() <= max_lines || parts.is_empty() {
            return lines.into_iter().take(max_lines).collect();
        }
        let smallest = parts
            .iter()
            .enumerate()
            .min_by(|a, b| a.1.1.total_cmp(&b.1.1))
            .map(|(at, _)| at);
        smallest.map(|at| parts.remove(at));
    }
}

/// Puts the entries on lines, two blanks between them.
fn flow(entries: Vec<(Span<'static>, String)>, width: usize, style: Style) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut used = 0;
    for (glyph, text) in entries {
        let needed = 1 + text.chars().count();
        match lines.last_mut() {
            Some(line) if used + 2 + needed <= width => {
                line.push_span(Span::raw("  "));
                line.push_span(glyph);
                line.push_span(Span::styled(text, style));
                used += 2 + needed;
            }
            _ => {
                lines.push(Line::from(vec![glyph, Span::styled(text, style)]));
                used = needed;
            }
        }
    }
    lines
}

fn percent(share: f64) -> String {
    let share = share * 100.0;
    if share > 0.0 && share < 0.5 {
        "<1%".to_owned()
    } else {
        format!("{share:.0}%")
    }
}

/// A bar of `share` (0 to 1) over `cells` cells, without the blanks after it.
pub fn across(share: f64, cells: usize, glyphs: Glyphs) -> String {
    let filled = eighths(share, cells);
    let mut bar = glyphs.across(8).repeat(filled / 8);
    if !filled.is_multiple_of(8) {
        bar.push_str(glyphs.across(filled % 8));
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::widgets::testing::drawn;

    fn parts(values: &[f64]) -> Vec<Segment<'static>> {
        let named = [
            ("compute", Fill::Full),
            ("gc", Fill::Dark),
            ("shuffle", Fill::Light),
            ("idle: last tasks", Fill::Medium),
            ("idle: driver", Fill::Dots),
        ];
        let style = Style::new();
        named
            .into_iter()
            .zip(values)
            .map(|((label, fill), &value)| Segment {
                label,
                value,
                fill,
                style,
            })
            .collect()
    }

    fn bar(values: &[f64], width: u16) -> String {
        drawn(
            StackedBar {
                segments: &parts(values),
                glyphs: Glyphs::Unicode,
            },
            width,
            1,
        )
    }

    fn legend_text(values: &[f64], width: u16, lines: usize) -> Vec<String> {
        let lines = legend(
            &parts(values),
            width,
            lines,
            Glyphs::Unicode,
            (Style::new(), Style::new()),
        );
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_parts_fill_the_width() {
        assert_eq!(bar(&[31.0, 4.0, 3.0, 40.0, 22.0], 20), "██████▓░▒▒▒▒▒▒▒▒····");
        assert_eq!(bar(&[1.0, 1.0, 1.0], 10).chars().count(), 10);
    }

    #[test]
    fn a_tiny_part_keeps_one_cell() {
        assert_eq!(bar(&[1e9, 1.0, 0.0, 1.0], 10), "████████▓▒");
    }

    #[test]
    fn more_parts_than_cells_still_fit() {
        assert_eq!(bar(&[5.0, 1.0, 9.0, 1.0, 1.0], 2).chars().count(), 2);
        assert_eq!(bar(&[5.0, 1.0, 9.0], 1).chars().count(), 1);
        assert_eq!(bar(&[5.0, 1.0], 0), "");
    }

    #[test]
    fn degenerate_parts_draw_nothing() {
        assert_eq!(bar(&[], 10), "");
        assert_eq!(bar(&[0.0, 0.0], 10), "");
        assert_eq!(bar(&[f64::NAN, -3.0, f64::INFINITY], 10), "");
        assert_eq!(bar(&[f64::NAN, 2.0], 4), "▓▓▓▓");
        assert_eq!(bar(&[1e308, 1e300], 4), "███▓");
    }

    #[test]
    fn the_legend_names_what_is_there_and_says_what_it_hides() {
        let values = [31.0, 4.0, 0.0, 65.0 - 0.1, 0.1];
        assert_eq!(
            legend_text(&values, 60, 2),
            ["█ compute 31%  ▓ gc 4%  ▒ idle: last tasks 65%", "· idle: driver <1%"]
        );
        assert_eq!(
            legend_text(&values, 60, 1),
            ["█ compute 31%  ▓ gc 4%  ▒ idle: last tasks 65%  + 1 more <1%"]
        );
        assert!(legend_text(&[], 60, 2).is_empty());
        assert!(legend_text(&values, 60, 0).is_empty());
        assert!(legend_text(&values, 1, 1).len() <= 1);
    }

    #[test]
    fn a_plain_bar_grows_in_eighths() {
        assert_eq!(across(1.0, 4, Glyphs::Unicode), "████");
        assert_eq!(across(0.5625, 2, Glyphs::Unicode), "█▏");
        assert_eq!(across(1e-9, 4, Glyphs::Unicode), "▏");
        assert_eq!(across(0.0, 4, Glyphs::Unicode), "");
        assert_eq!(across(9.0, 4, Glyphs::Ascii), "####");
        assert_eq!(across(1.0, 0, Glyphs::Unicode), "");
    }
}
