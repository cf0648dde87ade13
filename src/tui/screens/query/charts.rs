//! What a streaming query did over its batches, as lines on one axis: rates, batch duration against its interval, state, offsets behind.

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use crate::model::{StreamingBatch, StreamingQuery};
use crate::tui::line;
use crate::tui::screen::Context;
use crate::tui::theme::Role;
use crate::tui::widgets::sparkline::Sparkline;
use crate::units;

/// Cells of a chart's name, and of the numbers behind it.
const NAME: u16 = 16;
const NUMBERS: u16 = 24;

/// Rows of a chart at most.
const TALLEST: u16 = 4;

/// The usual time between the beginnings of two batches, ms: the trigger's interval as far as it was kept.
pub fn interval_ms(query: &StreamingQuery) -> Option<u64> {
    let mut gaps: Vec<u64> = (1..query.batches.len())
        .filter_map(|at| after_ms(&query.batches, at))
        .collect();
    let middle = gaps.len() / 2;
    (!gaps.is_empty()).then(|| *gaps.select_nth_unstable(middle).1)
}

/// How long after the batch before it one began, ms.
pub fn after_ms(batches: &[StreamingBatch], at: usize) -> Option<u64> {
    let before = batches.get(at.checked_sub(1)?)?.start_ms?;
    u64::try_from(batches.get(at)?.start_ms?.checked_sub(before)?).ok()
}

/// The offsets that the slowest of a batch's sources is behind.
pub fn behind(batch: &StreamingBatch) -> Option<f64> {
    let known = batch.sources.iter().filter_map(|source| source.max_offsets_behind);
    known.filter(|behind| behind.is_finite()).reduce(f64::max)
}

/// A line of a chart.
pub struct Chart {
    name: &'static str,
    values: Vec<f64>,
    /// What it is held against.
    limit: Option<f64>,
    /// Whether values near the limit are marked.
    hot: bool,
    numbers: String,
    role: Role,
}

fn series(query: &StreamingQuery, of: impl Fn(&StreamingBatch) -> Option<f64>) -> Vec<f64> {
    let value = |batch| of(batch).filter(|value| value.is_finite()).unwrap_or(f64::NAN);
    query.batches.iter().map(value).collect()
}

fn most(values: &[f64]) -> f64 {
    values
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .fold(0.0, f64::max)
}

/// A number that may be none.
pub fn shown(value: f64, write: fn(u64) -> String) -> String {
    if value.is_finite() && value >= 0.0 {
        write(value as u64)
    } else {
        "n/a".to_owned()
    }
}

/// The lines of a query; the numbers are of the chosen batch, or of the last.
pub fn of_query(query: &StreamingQuery, chosen: Option<usize>) -> Vec<Chart> {
    let at = chosen.or(query.batches.len().checked_sub(1)).unwrap_or(0);
    let input = series(query, |batch| batch.input_rows_per_second);
    let processed = series(query, |batch| batch.processed_rows_per_second);
    let duration = series(query, |batch| batch.duration_ms.map(|ms| ms as f64));
    let state = series(query, |batch| batch.state_rows.map(|rows| rows as f64));
    let behind = series(query, behind);
    let interval = interval_ms(query).map(|ms| ms as f64);
    let here = |values: &[f64]| values.get(at).copied().unwrap_or(f64::NAN);
    // Both rates on one scale: the one that stays below the other is seen to.
    let fastest = most(&input).max(most(&processed));
    let per_second = |values: &[f64]| {
        format!(
            "{}/s, most {}/s",
            shown(here(values), units::short_count),
            shown(most(values), units::short_count)
        )
    };
    let counted = |values: &[f64]| {
        format!(
            "{}, most {}",
            shown(here(values), units::short_count),
            shown(most(values), units::short_count)
        )
    };
    let held = interval.map_or(String::new(), |ms| format!(" of {}", units::duration(ms as u64)));
    let mut charts = vec![
        Chart {
            name: "input rows",
            numbers: per_second(&input),
            values: input,
            limit: Some(fastest),
            hot: false,
            role: Role::Running,
        },
        Chart {
            name: "processed rows",
            numbers: per_second(&processed),
            values: processed,
            limit: Some(fastest),
            hot: false,
            role: Role::Compute,
        },
        Chart {
            name: "batch duration",
            numbers: format!("{}{held}", shown(here(&duration), units::duration)),
            values: duration,
            limit: interval,
            hot: true,
            role: Role::Running,
        },
    ];
    for (name, values) in [("state rows", state), ("offsets behind", behind)] {
        if values.iter().any(|value| value.is_finite()) {
            charts.push(Chart {
                name,
                numbers: counted(&values),
                values,
                limit: None,
                hot: false,
                role: Role::Running,
            });
        }
    }
    charts
}

/// Draws the charts over the batches; the numbers are of the chosen batch, or of the last.
pub fn charts(query: &StreamingQuery, chosen: Option<usize>, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    if query.batches.is_empty() {
        line::put(buf, area, area.x, area.y, "no batch was recorded", cx.style(Role::Dim));
        return;
    }
    let charts = of_query(query, chosen);
    let count = u16::try_from(charts.len()).unwrap_or(1).max(1);
    let rows = (area.height.saturating_sub(1) / count).clamp(1, TALLEST);
    let plot = Rect {
        x: area.x + NAME.min(area.width),
        width: area.width.saturating_sub(NAME + NUMBERS),
        ..area
    };
    let mut y = area.y;
    for chart in &charts {
        let room = area.bottom().saturating_sub(y).min(rows);
        if room == 0 {
            return;
        }
        line::put(buf, area, area.x, y + room - 1, chart.name, cx.style(Role::Text));
        let style = cx.style(chart.role);
        let sparkline = Sparkline {
            values: &chart.values,
            limit: chart.limit,
            marked: chart.hot,
            style,
            hot: cx.style(Role::Critical),
            glyphs: cx.glyphs,
        };
        let lines = Rect {
            y,
            height: room,
            ..plot
        };
        sparkline.render(lines, buf);
        let numbers = line::cut(&chart.numbers, usize::from(NUMBERS - 1));
        line::put(
            buf,
            area,
            plot.right() + 1,
            y + room - 1,
            &numbers,
            cx.style(Role::Text),
        );
        y += room;
    }
    if y < area.bottom() && plot.width > 0 {
        axis(query, chosen, Rect { y, height: 1, ..plot }, buf, cx);
    }
}

/// The first and the last batch below the charts, and which one is chosen.
fn axis(query: &StreamingQuery, chosen: Option<usize>, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let id = |batch: Option<&StreamingBatch>| batch.map_or(0, |batch| batch.id);
    let first = format!("batch {}", id(query.batches.first()));
    let last = id(query.batches.last()).to_string();
    let column = chosen.map(|at| at * usize::from(area.width) / query.batches.len().max(1));
    let (left, right) = (
        line::width(&first),
        usize::from(area.width).saturating_sub(line::width(&last)),
    );
    // The mark of the chosen batch has the better claim to the room.
    if column.is_none_or(|column| column > left) {
        line::put(buf, area, area.x, area.y, &first, cx.style(Role::Dim));
    }
    if query.batches.len() > 1 && area.width > 30 && column.is_none_or(|column| column + 1 < right) {
        line::put_right(buf, area, area.y, &last, cx.style(Role::Dim));
    }
    if let Some(column) = column {
        let x = area.x + u16::try_from(column).unwrap_or(0).min(area.width - 1);
        line::put(buf, area, x, area.y, cx.glyphs.pick("▴", "^"), cx.style(Role::Outlier));
    }
}
