//! When the longest stages ran, and below them, on the same axis, busy slots and executors.

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use crate::diagnosis::Finding;
use crate::model::{StageKey, StageStatus, Unit};
use crate::tui::line::{cut, put, put_right, width};
use crate::tui::panel::panel;
use crate::tui::screen::Context;
use crate::tui::theme::{Role, severity_mark};
use crate::tui::widgets::{
    gantt::{Gantt, GanttRow},
    scale::{Scale, tick_label},
    sparkline::Sparkline,
};
use crate::units;

use super::facts::{Facts, StageSpan};

/// Columns right of the plots.
const AFTER: u16 = 9;

/// Columns of the names before the plots, at least; stages' names take up to two fifths.
const LABEL: u16 = 12;

/// Rows of the chart of busy slots at most.
const CHART: usize = 9;

/// Rows that everything takes, with the title, of `most` stages at most.
pub fn height(facts: &Facts, most: usize) -> usize {
    match facts.stages.len() {
        0 => 2,
        stages => 1 + stages.min(most) + 1 + 1 + CHART + 1,
    }
}

/// What stands in which rows below the title.
struct Rows {
    stages: usize,
    /// Rows left free below the stages: a stage that runs has the colour of the busy slots.
    gap: usize,
    axis: usize,
    busy: usize,
    executors: usize,
}

impl Rows {
    /// Two sparklines where there is room, an axis where stages keep enough of it, spare rows to the busy slots.
    fn of(rows: usize, stages: usize) -> Rows {
        let lines = if rows >= 4 { 1 } else { 0 };
        let axis = usize::from(rows >= 6 || rows > stages + 2 * lines);
        let shown = rows.saturating_sub(2 * lines + axis).min(stages);
        let spare = rows.saturating_sub(shown + axis + 2 * lines);
        let gap = usize::from(spare >= 3);
        let spare = spare - gap;
        Rows {
            stages: shown,
            gap,
            axis,
            busy: lines * (1 + spare.min(CHART - 1)),
            executors: lines,
        }
    }
}

/// The columns that all rows share: labels, the plot over time, a number.
#[derive(Clone, Copy)]
struct Frame {
    area: Rect,
    label: u16,
}

impl Frame {
    fn plot(&self) -> Rect {
        let label = self.label.min(self.area.width);
        let width = (self.area.width - label).saturating_sub(AFTER);
        Rect {
            x: self.area.x + label,
            width,
            ..self.area
        }
    }

    /// The same columns, from row `at` on, `rows` of them.
    fn rows(&self, at: usize, rows: usize) -> Frame {
        let y = self.area.y.saturating_add(at as u16).min(self.area.bottom());
        let height = (rows as u16).min(self.area.bottom() - y);
        Frame {
            area: Rect { y, height, ..self.area },
            ..*self
        }
    }

    fn label(&self, text: &str, buf: &mut Buffer, cx: &Context<'_>) {
        put(
            buf,
            self.area,
            self.area.x,
            self.area.y,
            &cut(text, usize::from(self.label)),
            cx.style(Role::Dim),
        );
    }

    fn number(&self, text: &str, row: u16, buf: &mut Buffer, cx: &Context<'_>) {
        let right = Rect {
            x: self.plot().right(),
            width: self.area.right() - self.plot().right(),
            ..self.area
        };
        put_right(buf, right, self.area.y.saturating_add(row), text, cx.style(Role::Dim));
    }
}

/// Draws the timeline.
pub fn render(facts: &Facts, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let span = u64::try_from(facts.end_ms.saturating_sub(facts.start_ms)).unwrap_or(0);
    let rows = Rows::of(usize::from(area.height.saturating_sub(1)), facts.stages.len());
    let right = match facts.stages.len() {
        all if rows.stages < all => format!("the {} longest of {all} stages, {}", rows.stages, units::duration(span)),
        _ => units::duration(span),
    };
    let inner = panel(area, "Timeline", &right, buf, cx);
    if facts.stages.is_empty() {
        put(buf, inner, inner.x, inner.y, "no stage ran", cx.style(Role::Dim));
        return;
    }
    let mut stages: Vec<&StageSpan> = facts.stages.iter().take(rows.stages).collect();
    stages.sort_by_key(|stage| (stage.start_ms, stage.key));
    let longest = stages.iter().map(|stage| width(&label(stage)) + 2).max().unwrap_or(0);
    let label = u16::try_from(longest).unwrap_or(u16::MAX);
    let frame = Frame {
        area: inner,
        label: label.clamp(LABEL, (area.width * 2 / 5).max(LABEL)),
    };
    gantt(facts, &stages, frame.rows(0, rows.stages), buf, cx);

    let activity = &facts.activity;
    // The driver hears of a task's end after the next has begun on its slot: more than all slots were never busy.
    let most = f64::from(activity.most_slots);
    let busy: Vec<f64> = match (facts.unread, activity.most_slots) {
        (0, 0) => activity.busy.clone(),
        (0, _) => activity.busy.iter().map(|busy| busy.min(most)).collect(),
        _ => Vec::new(),
    };
    let slots = (activity.most_slots > 0).then_some(f64::from(activity.most_slots));
    let chart = frame.rows(rows.stages + rows.gap, rows.busy);
    level(
        "busy slots",
        &busy,
        slots,
        &format!("of {}", units::count(activity.most_slots.into())),
        chart,
        buf,
        cx,
    );
    // The axis stands between the two, or they would run into each other.
    time_axis(
        span,
        frame.rows(rows.stages + rows.gap + rows.busy, rows.axis).plot(),
        buf,
        cx,
    );
    let line = frame.rows(rows.stages + rows.gap + rows.axis + rows.busy, rows.executors);
    level(
        "executors",
        &activity.executors,
        None,
        &units::count(activity.most_executors.into()),
        line,
        buf,
        cx,
    );
}

fn gantt(facts: &Facts, stages: &[&StageSpan], frame: Frame, buf: &mut Buffer, cx: &Context<'_>) {
    let since = |time: i64| time.saturating_sub(facts.start_ms) as f64;
    let row = |stage: &&StageSpan| {
        let worst = worst(stage.key, cx);
        let found = worst.map(|finding| severity_mark(finding.severity, cx.glyphs));
        let (mark, role) = match stage.status {
            StageStatus::Failed => (Some((cx.glyphs.pick("✗", "x"), Role::Critical)), Role::Critical),
            StageStatus::Active => (found, Role::Running),
            _ => (found, Role::Compute),
        };
        GanttRow {
            label: label_in(stage, usize::from(frame.label) - 1),
            start: since(stage.start_ms),
            end: since(stage.end_ms),
            mark: mark.map(|(glyph, role)| (glyph, cx.style(role))),
            note: worst.map_or_else(String::new, |finding| finding.rule.replace('-', " ")),
            style: cx.style(role),
        }
    };
    let rows: Vec<GanttRow> = stages.iter().map(row).collect();
    let plot = frame.plot();
    let area = Rect {
        x: frame.area.x,
        width: plot.right() - frame.area.x,
        ..frame.area
    };
    let (faint, to) = (cx.style(Role::Dim), since(facts.end_ms));
    Gantt {
        rows: &rows,
        from: 0.0,
        to,
        label_width: frame.label,
        text: cx.style(Role::Text),
        faint,
        glyphs: cx.glyphs,
    }
    .render(area, buf);
    for (stage, row) in stages.iter().zip(0..frame.area.height) {
        let took = u64::try_from(stage.end_ms.saturating_sub(stage.start_ms)).unwrap_or(0);
        frame.number(&units::duration(took), row, buf, cx);
    }
}

/// The worst that was found in a stage.
fn worst<'a>(stage: StageKey, cx: &Context<'a>) -> Option<&'a Finding> {
    let here = cx.findings().iter().filter(|finding| finding.place.is_in(stage));
    // The findings stand by what they give back: of two as severe the first.
    here.reduce(|worst, next| if next.severity > worst.severity { next } else { worst })
}

/// The same in so many cells: the line of the code tells more than what is done there.
fn label_in(stage: &StageSpan, cells: usize) -> String {
    let whole = label(stage);
    match stage.name.rsplit_once(" at ") {
        Some((_, line)) if width(&whole) > cells => cut(&format!("{:<6} {line}", stage.key.to_string()), cells),
        _ => cut(&whole, cells),
    }
}

fn label(stage: &StageSpan) -> String {
    format!("{:<6} {}", stage.key.to_string(), stage.name)
}

fn time_axis(span: u64, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let scale = Scale::linear(0.0, span as f64);
    let mut free_from = area.x;
    for tick in scale.ticks(Unit::Millis, usize::from(area.width / 7).max(2)) {
        let x = area.x + (scale.fraction(tick as f64) * f64::from(area.width.saturating_sub(1))).round() as u16;
        let text = format!("{}{}", cx.glyphs.pick("╵", "'"), tick_label(tick, Unit::Millis));
        if x >= free_from && usize::from(area.right().saturating_sub(x)) >= width(&text) {
            free_from = put(buf, area, x, area.y, &text, cx.style(Role::Dim)) + 1;
        }
    }
}

/// One quantity over time, on the rows of a frame.
fn level(name: &str, values: &[f64], limit: Option<f64>, most: &str, frame: Frame, buf: &mut Buffer, cx: &Context<'_>) {
    if frame.area.is_empty() {
        return;
    }
    frame.label(name, buf, cx);
    if values.is_empty() {
        put(
            buf,
            frame.area,
            frame.plot().x,
            frame.area.y,
            "not recorded",
            cx.style(Role::Dim),
        );
        return;
    }
    let style = cx.style(Role::Running);
    Sparkline {
        values,
        limit,
        marked: true,
        style,
        hot: style,
        glyphs: cx.glyphs,
    }
    .render(frame.plot(), buf);
    frame.number(most, 0, buf, cx);
}
