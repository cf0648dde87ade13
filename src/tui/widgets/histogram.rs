//! A vertical histogram: how often which value occurs, with its median and its largest marked on an axis of round ticks.
//! Drawn by the screens; knows nothing of what the values belong to.

use ratatui::{buffer::Buffer, layout::Rect, style::Style, widgets::Widget};

use crate::model::{Unit, quantile_index};

use super::{
    Glyphs, draw_column, eighths, put,
    scale::{Scale, text, tick_label},
};

/// Below this width the count beside the highest bar is left out.
const GUTTER_FROM: u16 = 24;

/// A tick's label and the blank after it, about.
const TICK_WIDTH: usize = 9;

/// The distribution of some values.
pub struct Histogram<'a> {
    /// The values, ascending.
    pub sorted: &'a [u64],
    /// What they are.
    pub unit: Unit,
    /// The one to point at.
    pub chosen: Option<u64>,
    /// Bars of values from this one on are outliers and drawn in the hot style.
    pub hot_from: Option<u64>,
    /// How the bars look.
    pub style: Style,
    /// How outliers and the mark of the largest look.
    pub hot: Style,
    /// How axis, counts and the median's mark look.
    pub faint: Style,
    /// What the bars are drawn with.
    pub glyphs: Glyphs,
}

impl Widget for Histogram<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let (Some(&largest), false) = (self.sorted.last(), area.is_empty()) else {
            return;
        };
        let scale = Scale::fitting(self.sorted);
        let marks = u16::from(area.height > 2);
        let axis = u16::from(area.height > 1);
        let plot = Rect {
            y: area.y + marks,
            height: area.height - marks - axis,
            ..area
        };
        let gutter = if plot.width < GUTTER_FROM {
            0
        } else {
            self.gutter_width(&scale, plot.width)
        };
        let plot = Rect {
            x: plot.x + gutter,
            width: plot.width - gutter,
            ..plot
        };

        let columns = self.draw_bars(&scale, plot, buf);
        if gutter > 0 {
            let highest = columns.highest.to_string();
            buf.set_stringn(area.x, plot.y, &highest, usize::from(gutter), self.faint);
        }
        if axis > 0 {
            self.draw_axis(&scale, plot, area.bottom() - 1, buf);
        }
        if marks > 0 {
            let line = Rect {
                y: area.y,
                height: 1,
                ..plot
            };
            let median = median(self.sorted);
            self.draw_marks(
                [median, largest].map(|value| (columns.of(&scale, value), value)),
                line,
                buf,
            );
            // One outside of what is drawn, for it did not succeed, is nowhere to point at.
            if let Some(chosen) = self
                .chosen
                .filter(|chosen| self.sorted.first() <= Some(chosen) && *chosen <= largest)
            {
                put(
                    buf,
                    columns.of(&scale, chosen),
                    line.y,
                    self.glyphs.pick("◆", "X"),
                    self.hot,
                );
            }
        }
    }
}

/// How the bins lie on the columns of the plot.
struct Columns {
    left: u16,
    bins: usize,
    bin_width: u16,
    highest: usize,
}

impl Columns {
    /// The column in the middle of the bin that holds `value`.
    fn of(&self, scale: &Scale, value: u64) -> u16 {
        let bin = bin_of(scale, value, self.bins) as u16;
        self.left + bin * self.bin_width + (self.bin_width - 1) / 2
    }
}

impl Histogram<'_> {
    fn gutter_width(&self, scale: &Scale, width: u16) -> u16 {
        let (bins, _) = layout(self.sorted.len(), width);
        let highest = counts(scale, self.sorted, bins).into_iter().max().unwrap_or(0);
        highest.to_string().len() as u16 + 1
    }

    fn draw_bars(&self, scale: &Scale, plot: Rect, buf: &mut Buffer) -> Columns {
        let (bins, bin_width) = layout(self.sorted.len(), plot.width);
        let counts = counts(scale, self.sorted, bins);
        let highest = counts.iter().copied().max().unwrap_or(0);
        let hot_bin = self
            .hot_from
            .filter(|&from| self.sorted.last() >= Some(&from))
            .map(|from| bin_of(scale, from, bins));
        for (bin, &count) in counts.iter().enumerate() {
            let filled = eighths(count as f64 / highest.max(1) as f64, usize::from(plot.height));
            let style = if hot_bin.is_some_and(|hot| bin >= hot) {
                self.hot
            } else {
                self.style
            };
            let first = plot.x + bin as u16 * bin_width;
            for x in first..(first + bin_width).min(plot.right()) {
                draw_column(buf, plot, x, filled, self.glyphs, style);
            }
        }
        Columns {
            left: plot.x,
            bins,
            bin_width,
            highest,
        }
    }

    fn draw_axis(&self, scale: &Scale, plot: Rect, y: u16, buf: &mut Buffer) {
        let last = plot.width.saturating_sub(1);
        let mut free_from = plot.x;
        for tick in scale.ticks(self.unit, (usize::from(plot.width) / TICK_WIDTH).max(2)) {
            let label = tick_label(tick, self.unit);
            let at = plot.x + (scale.fraction(tick as f64) * f64::from(last)).round() as u16;
            let width = label.chars().count() as u16;
            let start = at
                .saturating_sub(width / 2)
                .clamp(plot.x, plot.right().saturating_sub(width).max(plot.x));
            if start >= free_from && start + width <= plot.right() {
                buf.set_stringn(start, y, &label, usize::from(width), self.faint);
                free_from = start + width + 1;
            }
        }
    }

    /// Points at the columns of the median and of the largest value; the largest has the better claim to the room.
    fn draw_marks(&self, [(median_at, median), (max_at, max)]: [(u16, u64); 2], line: Rect, buf: &mut Buffer) {
        let point = self.glyphs.pick("▾", "v");
        let width = usize::from(line.width);
        put(buf, max_at, line.y, point, self.hot);
        let label = format!("max {}", text(max, self.unit));
        let mut taken = (max_at, max_at + 1);
        if let Some((start, end)) = place(max_at, &label, line, None, true) {
            buf.set_stringn(start, line.y, &label, width, self.hot);
            taken = (start.min(max_at), end.max(max_at + 1));
        }
        if median_at == max_at {
            return;
        }
        let label = format!("median {}", text(median, self.unit));
        put(buf, median_at, line.y, point, self.faint);
        if let Some((start, _)) = place(median_at, &label, line, Some(taken), false) {
            buf.set_stringn(start, line.y, &label, width, self.faint);
        }
    }
}

/// Where the label of the mark at column `at` goes: beside it, on its left first where `left_first`, clear of `taken`.
fn place(at: u16, label: &str, line: Rect, taken: Option<(u16, u16)>, left_first: bool) -> Option<(u16, u16)> {
    let width = label.chars().count() as u16;
    let right = (at + 2, at + 2 + width);
    let left = at.checked_sub(width + 1).map(|start| (start, at.saturating_sub(1)));
    let fits = |&(start, end): &(u16, u16)| {
        start >= line.x && end <= line.right() && taken.is_none_or(|(from, to)| end < from || start > to)
    };
    let (first, second) = if left_first {
        (left, Some(right))
    } else {
        (Some(right), left)
    };
    first.filter(fits).or(second.filter(fits))
}

/// How many bins, and how many columns each: more values earn more bins, twice their square root, as wide as fits.
fn layout(values: usize, width: u16) -> (usize, u16) {
    let wanted = ((values as f64).sqrt() * 2.0).ceil().clamp(16.0, 500.0) as u16;
    let bin_width = (width / wanted).max(1);
    (usize::from((width / bin_width).max(1)), bin_width)
}

fn bin_of(scale: &Scale, value: u64, bins: usize) -> usize {
    ((scale.fraction(value as f64) * bins as f64) as usize).min(bins.saturating_sub(1))
}

/// How many of the ascending values fall into each bin; a search for each bin's end, however many the values.
fn counts(scale: &Scale, sorted: &[u64], bins: usize) -> Vec<usize> {
    let mut below = 0;
    let mut counts = Vec::with_capacity(bins);
    for bin in 0..bins {
        let end = sorted.partition_point(|&value| bin_of(scale, value, bins) <= bin);
        counts.push(end - below);
        below = end;
    }
    counts
}

fn median(sorted: &[u64]) -> u64 {
    quantile_index(0.5, sorted.len())
        .and_then(|at| sorted.get(at))
        .copied()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::widgets::testing::drawn;

    fn of(sorted: &[u64], unit: Unit) -> Histogram<'_> {
        Histogram {
            sorted,
            unit,
            chosen: None,
            hot_from: None,
            style: Style::new(),
            hot: Style::new(),
            faint: Style::new(),
            glyphs: Glyphs::Unicode,
        }
    }

    #[test]
    fn an_outlier_is_seen_on_a_log_axis() {
        let mut durations: Vec<u64> = (0..199).map(|task| 3_000 + 10 * (task % 200)).collect();
        durations.push(291_000);
        insta::assert_snapshot!(drawn(of(&durations, Unit::Millis), 50, 6));
    }

    #[test]
    fn values_close_together_stay_close_on_an_axis_from_zero() {
        let sizes: Vec<u64> = (0..50).map(|part| (120 + part % 10) << 20).collect();
        let mut sizes = sizes;
        sizes.sort_unstable();
        insta::assert_snapshot!(drawn(of(&sizes, Unit::Bytes), 50, 5));
    }

    #[test]
    fn every_value_is_in_one_bin() {
        let sorted: Vec<u64> = (0..1000).map(|n| n * n).collect();
        for bins in [1, 2, 7, 80] {
            assert_eq!(
                counts(&Scale::fitting(&sorted), &sorted, bins).iter().sum::<usize>(),
                1000
            );
        }
        let extreme = [0, 0, 1, 2, u64::MAX];
        assert_eq!(counts(&Scale::fitting(&extreme), &extreme, 9).iter().sum::<usize>(), 5);
    }

    #[test]
    fn outliers_are_hot_from_where_they_start() {
        let hot = Style::new().bold();
        let area = Rect::new(0, 0, 20, 1);
        let mut buf = Buffer::empty(area);
        Histogram {
            hot,
            hot_from: Some(90),
            ..of(&[1, 1, 1, 100], Unit::Count)
        }
        .render(area, &mut buf);
        assert!(!buf[(0, 0)].style().add_modifier.contains(hot.add_modifier));
        assert!(buf[(19, 0)].style().add_modifier.contains(hot.add_modifier) || buf[(19, 0)].symbol() == " ");
    }

    #[test]
    fn no_value_draws_nothing() {
        assert_eq!(drawn(of(&[], Unit::Millis), 30, 5).trim(), "");
    }

    #[test]
    fn one_value_and_all_equal_are_one_bar() {
        insta::assert_snapshot!(drawn(of(&[4_200], Unit::Millis), 30, 4));
        insta::assert_snapshot!(drawn(of(&[4_200; 30], Unit::Millis), 30, 4));
        insta::assert_snapshot!(drawn(of(&[0; 30], Unit::Bytes), 30, 4));
    }

    #[test]
    fn every_size_and_huge_numbers_are_drawn_without_a_panic() {
        let sorted = [0, 1, 5, 1 << 40, u64::MAX];
        for width in 0..60 {
            for height in 0..8 {
                for unit in [Unit::Count, Unit::Millis, Unit::Bytes] {
                    drawn(of(&sorted, unit), width, height);
                    drawn(of(&[7], unit), width, height);
                }
            }
        }
    }

    #[test]
    fn ascii_alone() {
        let widget = Histogram {
            glyphs: Glyphs::Ascii,
            ..of(&[1, 2, 2, 3, 90], Unit::Count)
        };
        assert!(drawn(widget, 40, 5).is_ascii());
    }
}
