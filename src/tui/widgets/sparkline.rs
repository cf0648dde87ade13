//! A sparkline: values over time in one row or more, peaks kept, the part near a limit marked.
//! Drawn by the screens; knows nothing of what the values mean.

use ratatui::{buffer::Buffer, layout::Rect, style::Style, widgets::Widget};

use super::{Glyphs, draw_column, eighths, put};

/// From this share of the limit on, a value is drawn in the hot style.
const NEAR_LIMIT: f64 = 0.9;

/// Values at even steps of time; NaN is a gap.
pub struct Sparkline<'a> {
    /// The values, oldest first.
    pub values: &'a [f64],
    /// What a full column stands for; the largest value where absent or smaller than that.
    pub limit: Option<f64>,
    /// Whether the limit is one: marked by its line, and by the hot style near it. Else it only sets the scale.
    pub marked: bool,
    /// How the columns look.
    pub style: Style,
    /// How columns near the limit look, and the limit's line where there are rows for one.
    pub hot: Style,
    /// What they are drawn with.
    pub glyphs: Glyphs,
}

impl Widget for Sparkline<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let values = resample(self.values, usize::from(area.width));
        let largest = values
            .iter()
            .copied()
            .filter(|value| value.is_finite())
            .fold(0.0, f64::max);
        let limit = self.limit.filter(|limit| limit.is_finite() && *limit > 0.0);
        let top = limit.map_or(largest, |limit| limit.max(largest));
        if top <= 0.0 {
            return;
        }
        let rows = usize::from(area.height);
        if let Some(limit) = limit.filter(|_| rows > 1 && self.marked) {
            let up = eighths(limit / top, rows).saturating_sub(1) / 8;
            let y = area.bottom().saturating_sub(1).saturating_sub(up as u16);
            (area.left()..area.right()).for_each(|x| put(buf, x, y, self.glyphs.pick("┄", "-"), self.hot));
        }
        for (x, &value) in (area.left()..area.right()).zip(&values) {
            let hot = self.marked && limit.is_some_and(|limit| value >= NEAR_LIMIT * limit);
            let filled = eighths(value / top, rows);
            draw_column(
                buf,
                area,
                x,
                filled,
                self.glyphs,
                if hot { self.hot } else { self.style },
            );
        }
    }
}

/// Fits values to a number of columns: the largest of those that share a column, one value over several columns where
/// there are fewer.
fn resample(values: &[f64], columns: usize) -> Vec<f64> {
    if values.is_empty() {
        return Vec::new();
    }
    let of_column = |column: usize| {
        let first = column * values.len() / columns;
        let end = ((column + 1) * values.len() / columns).max(first + 1);
        values
            .get(first..end.min(values.len()))
            .unwrap_or_default()
            .iter()
            .copied()
            .fold(f64::NAN, f64::max)
    };
    (0..columns).map(of_column).collect()
}

/// Samples of (time, value), ascending in time, as `columns` even steps over `from..to`: the largest value of each step,
/// the last one held where a step has none, NaN before the first sample and after the last.
pub fn over_time(samples: &[(i64, f64)], from: i64, to: i64, columns: usize) -> Vec<f64> {
    let span = to.saturating_sub(from).max(1) as f64;
    let column_of = |time: i64| {
        let fraction = time.saturating_sub(from) as f64 / span;
        ((fraction * columns as f64) as usize).min(columns.saturating_sub(1))
    };
    let mut steps = vec![f64::NAN; columns];
    let mut held: Option<(usize, f64)> = None;
    for &(time, value) in samples.iter().filter(|(time, _)| (from..=to).contains(time)) {
        let column = column_of(time);
        if let Some((last, before)) = held {
            let between = steps.get_mut((last + 1).min(column)..column).unwrap_or_default();
            between.fill(before);
        }
        if let Some(step) = steps.get_mut(column) {
            *step = step.max(value);
        }
        held = Some((column, value));
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::widgets::testing::drawn;

    fn line(values: &[f64], limit: Option<f64>) -> Sparkline<'_> {
        Sparkline {
            values,
            limit,
            marked: true,
            style: Style::new(),
            hot: Style::new(),
            glyphs: Glyphs::Unicode,
        }
    }

    #[test]
    fn grows_with_the_values_up_to_the_largest() {
        assert_eq!(drawn(line(&[0.0, 1.0, 2.0, 4.0, 8.0], None), 5, 1), " ▁▂▄█");
        assert_eq!(drawn(line(&[1.0, 8.0], None), 4, 2), "  ██\n▂▂██");
    }

    #[test]
    fn the_limit_is_the_top_and_a_line_where_there_are_rows() {
        assert_eq!(drawn(line(&[4.0, 2.0], Some(8.0)), 2, 1), "▄▂");
        assert_eq!(drawn(line(&[4.0, 2.0], Some(8.0)), 2, 2), "┄┄\n█▄");
        assert_eq!(
            drawn(line(&[4.0, 16.0], Some(8.0)), 2, 1),
            "▂█",
            "values beyond the limit stay in the row"
        );
    }

    #[test]
    fn near_the_limit_is_hot() {
        let hot = Style::new().bold();
        let area = Rect::new(0, 0, 2, 1);
        let mut buf = Buffer::empty(area);
        Sparkline {
            hot,
            ..line(&[4.0, 7.9], Some(8.0))
        }
        .render(area, &mut buf);
        assert_ne!(buf[(0, 0)].style().add_modifier, hot.add_modifier);
        assert_eq!(buf[(1, 0)].style().add_modifier, hot.add_modifier);
    }

    #[test]
    fn many_values_keep_their_peaks() {
        let mut values = vec![1.0; 1000];
        values[501] = 100.0;
        assert_eq!(drawn(line(&values, None), 4, 1), "▁▁█▁");
    }

    #[test]
    fn degenerate_input_draws_nothing_or_something_sensible() {
        assert_eq!(drawn(line(&[], None), 5, 1), "");
        assert_eq!(drawn(line(&[0.0, 0.0], None), 5, 1), "");
        assert_eq!(drawn(line(&[7.0], None), 3, 1), "███");
        assert_eq!(drawn(line(&[5.0, 5.0, 5.0], None), 3, 1), "███");
        assert_eq!(drawn(line(&[f64::NAN, 2.0, f64::INFINITY], None), 3, 1), " ██");
        assert_eq!(drawn(line(&[1.0, 2.0], Some(f64::NAN)), 1, 1), "█");
        assert_eq!(drawn(line(&[1e300, 2e300], None), 2, 1), "▄█");
        for (width, height) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            drawn(line(&[1.0, 2.0, 3.0], Some(2.0)), width, height);
        }
    }

    #[test]
    fn ascii_alone() {
        let widget = Sparkline {
            glyphs: Glyphs::Ascii,
            ..line(&[1.0, 4.0, 8.0], Some(8.0))
        };
        assert!(drawn(widget, 3, 2).is_ascii());
    }

    #[test]
    fn samples_are_held_between_and_absent_outside() {
        let steps = over_time(&[(10, 1.0), (11, 3.0), (30, 2.0), (99, 9.0)], 0, 50, 5);
        assert!(steps[0].is_nan() && steps[4].is_nan());
        assert_eq!(steps[1..4], [3.0, 3.0, 2.0]);
        assert!(over_time(&[], 0, 0, 3).iter().all(|step| step.is_nan()));
        assert!(over_time(&[(1, 1.0)], 5, 5, 0).is_empty());
        assert_eq!(over_time(&[(i64::MAX, 1.0)], i64::MIN, i64::MAX, 2)[1], 1.0);
    }
}
