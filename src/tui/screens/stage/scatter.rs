//! The look at a stage's tasks as dots: duration against size. A line means that the data are skewed, a cloud above it that
//! some place is slow.

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use crate::model::{Stage, TaskMeasure, Unit};
use crate::tui::panel::panel;
use crate::tui::screen::Context;
use crate::tui::theme::Role;
use crate::tui::widgets::scale::Scale;
use crate::tui::widgets::scatter::Scatter;

use super::facts::{Facts, OUTLIER, QuantileRow};
use super::panels::line;

/// Draws it; `chosen` is the row of the task under the cursor.
pub fn render(stage: &Stage, facts: &Facts, chosen: Option<usize>, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let tasks = &stage.tasks;
    let measure = facts.sizes.as_ref().map(|sizes| sizes.measure);
    let title = match measure {
        Some(TaskMeasure::PartitionRecords) => "Duration against records read",
        Some(TaskMeasure::ShuffleReadBytes) => "Duration against shuffle read size",
        Some(_) => "Duration against input size",
        None => "Duration against launch, for no size was recorded",
    };
    let hint = match measure {
        None => "",
        Some(_) if area.width < 100 => "line: skew, cloud: slow place",
        Some(_) => "a line: skewed data; a cloud above it: a slow place",
    };
    let inner = panel(area, title, hint, buf, cx);
    let first = stage.first_task_launched_ms.or(stage.submission_ms).unwrap_or(0);
    let point = |row: usize| {
        let across = match measure {
            Some(measure) => tasks.measure(row, measure)?,
            None => u64::try_from(tasks.launch_ms(row).saturating_sub(first)).unwrap_or(0),
        };
        Some((across, tasks.duration_ms(row)?))
    };
    let points: Vec<(u64, u64)> = tasks.successful().filter_map(point).collect();
    if points.is_empty() {
        return line("no task succeeded", inner, 0, Role::Dim, buf, cx);
    }
    let last = points.iter().map(|(across, _)| *across).max().unwrap_or(0);
    let across = match &facts.sizes {
        Some(sizes) => (Scale::fitting(&sizes.sorted), sizes.unit()),
        None => (Scale::linear(0.0, last as f64), Unit::Millis),
    };
    let median = facts.row(TaskMeasure::Duration).map_or(0, QuantileRow::median);
    let scatter = Scatter {
        points: &points,
        across,
        up: (Scale::fitting(&facts.durations), Unit::Millis),
        chosen: chosen.and_then(point),
        hot_from: (median > 0).then_some((median as f64 * OUTLIER) as u64),
        style: cx.style(Role::Compute),
        hot: cx.style(Role::Outlier),
        faint: cx.style(Role::Dim),
        glyphs: cx.glyphs,
    };
    scatter.render(inner, buf);
}
