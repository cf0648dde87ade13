//! The parts of the overview. Each draws computed facts into an area; knows no state but where the cursor is.

use ratatui::{buffer::Buffer, layout::Rect, text::Line, widgets::Widget};

use crate::diagnosis::Finding;
use crate::model::{DRIVER, Loss, StageKey, StageStatus, Unit};
use crate::tui::line::{Align, cut, pad, put, put_right, width};
use crate::tui::panel::panel;
use crate::tui::screen::Context;
use crate::tui::theme::{Role, severity_mark};
use crate::tui::widgets::{
    bar::{self, Fill, Segment, StackedBar},
    gantt::{Gantt, GanttRow},
    scale::{Scale, tick_label},
    sparkline::Sparkline,
};
use crate::units;

use super::facts::{Facts, StageSpan};

/// Every owner of core time: pattern and role, in the order of `CoreMs::parts`. Neighbours differ without colour too.
const OWNERS: [(Fill, Role); 12] = [
    (Fill::Full, Role::Compute),
    (Fill::Dark, Role::Gc),
    (Fill::Light, Role::FetchWait),
    (Fill::Medium, Role::ShuffleWrite),
    (Fill::Dark, Role::Deserialize),
    (Fill::Light, Role::Serialize),
    (Fill::Medium, Role::SchedulerDelay),
    (Fill::Light, Role::GettingResult),
    (Fill::Dots, Role::IdleDriver),
    (Fill::Dashes, Role::IdleTooFew),
    (Fill::Double, Role::IdleTail),
    (Fill::Light, Role::IdleScheduling),
];

/// Columns of the savings.
const SAVING: usize = 10;

/// Columns right of the timeline's plots.
const AFTER: u16 = 9;

/// From this width on there is room for names beside the numbers.
const WIDE: u16 = 110;

fn segments(cx: &Context<'_>) -> Vec<Segment<'static>> {
    let parts = cx.time().map(|account| account.core_ms.parts()).unwrap_or_default();
    let segment = |((label, ms), (fill, role)): ((&'static str, u64), (Fill, Role))| Segment {
        label,
        value: ms as f64,
        fill,
        style: cx.style(role),
    };
    parts.into_iter().zip(OWNERS).map(segment).collect()
}

/// The legend of where the time went.
pub fn legend(facts: &Facts, columns: u16, max_lines: usize, cx: &Context<'_>) -> Vec<Line<'static>> {
    if facts.unread > 0 {
        return Vec::new();
    }
    bar::legend(&segments(cx), columns, max_lines, cx.glyphs, cx.style(Role::Dim))
}

/// Where the time went.
pub fn time(facts: &Facts, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let account = cx
        .time()
        .filter(|account| account.core_ms_available > 0 && facts.unread == 0);
    let right = account.map_or_else(String::new, |account| {
        let at_work = account
            .at_work()
            .map_or_else(String::new, |share| format!(", {} at work", units::percent(share)));
        format!("{} core time{at_work}", units::duration(account.core_ms_available))
    });
    let inner = panel(area, "Where the time went", &right, buf, cx);
    if account.is_none() {
        let why = match facts.unread {
            0 => "not known: the application has no executor or no end".to_owned(),
            stages => format!(
                "not known until the tasks of {} stages are read; open a stage to read its tasks",
                stages
            ),
        };
        put(buf, inner, inner.x, inner.y, &why, cx.style(Role::Dim));
        return;
    }
    let segments = segments(cx);
    StackedBar {
        segments: &segments,
        glyphs: cx.glyphs,
    }
    .render(
        Rect {
            height: inner.height.min(1),
            ..inner
        },
        buf,
    );
    let lines = legend(facts, inner.width, usize::from(inner.height.saturating_sub(1)), cx);
    for (line, y) in lines.iter().zip(inner.top() + 1..inner.bottom()) {
        buf.set_line(inner.x, y, line, inner.width);
    }
}

/// What of the data is missing and harms the findings.
pub fn losses<'a>(cx: &Context<'a>) -> impl Iterator<Item = &'a Loss> {
    cx.application()
        .losses
        .iter()
        .filter(|loss| loss.kind.harms_findings())
        .take(3)
}

/// What to fix first. `(at, top)`: the finding under the cursor and the first one in view.
pub fn findings((at, top): (usize, usize), area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let findings = cx.findings();
    let right = if findings.is_empty() { "" } else { "would give back" };
    let inner = panel(area, "What to fix first", right, buf, cx);
    let losses: Vec<&Loss> = losses(cx).collect();
    let room = usize::from(inner.height).saturating_sub(losses.len()).max(1);
    let shown = findings.iter().enumerate().skip(top).take(room);
    let mut y = inner.y;
    for (index, finding) in shown {
        let row = Rect { y, height: 1, ..inner }.intersection(inner);
        finding_row(finding, index == at, row, buf, cx);
        y += 1;
    }
    if findings.is_empty() && y < inner.bottom() {
        put(
            buf,
            inner,
            inner.x + 2,
            y,
            "nothing found that is worth fixing",
            cx.style(Role::Good),
        );
        y += 1;
    }
    for loss in losses {
        let text = format!("{} incomplete: {}", cx.glyphs.pick("△", "!"), loss.detail);
        put(buf, inner, inner.x + 2, y, &text, cx.style(Role::Warning));
        y += 1;
    }
}

fn finding_row(finding: &Finding, chosen: bool, row: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let (mark, role) = severity_mark(finding.severity, cx.glyphs);
    let room = Rect {
        width: row.width.saturating_sub(SAVING as u16),
        ..row
    };
    let x = put(
        buf,
        room,
        row.x,
        row.y,
        if chosen { cx.glyphs.pick("▸ ", "> ") } else { "  " },
        cx.style(Role::Text),
    );
    let x = put(buf, room, x, row.y, &format!("{mark} "), cx.style(role));
    put(buf, room, x, row.y, &finding.title, cx.style(Role::Text));
    let (saving, role) = match finding.saving_ms {
        Some(ms) => (units::duration(ms), Role::Good),
        None => ("n/a".to_owned(), Role::Dim),
    };
    if row.height > 0 && row.width > SAVING as u16 {
        put_right(buf, row, row.y, &saving, cx.style(role));
    }
    if chosen {
        buf.set_style(row, cx.style(Role::Selected));
    }
}

/// When the longest stages ran; below them busy slots and executors on the same axis.
pub fn timeline(facts: &Facts, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let span = u64::try_from(facts.end_ms.saturating_sub(facts.start_ms)).unwrap_or(0);
    let rows = usize::from(area.height.saturating_sub(1));
    // Two sparklines at the bottom, and an axis where there is room for both stages and an axis.
    let lines = if rows >= 4 { 2 } else { 0 };
    let axis = usize::from(rows >= 6 || rows > facts.stages.len() + lines);
    let shown = rows.saturating_sub(lines + axis).min(facts.stages.len());
    let right = match facts.stages.len() {
        all if shown < all => format!("the {shown} longest of {all} stages, {}", units::duration(span)),
        _ => units::duration(span),
    };
    let inner = panel(area, "Timeline", &right, buf, cx);
    let label_width = if area.width >= WIDE { 40 } else { 12 };
    let plots = Rect {
        width: inner.width.saturating_sub(AFTER),
        ..inner
    };
    let mut stages: Vec<&StageSpan> = facts.stages.iter().take(shown).collect();
    stages.sort_by_key(|stage| (stage.start_ms, stage.key));
    gantt(facts, &stages, label_width, plots, buf, cx);
    for (stage, y) in stages.iter().zip(inner.top()..inner.bottom()) {
        let took = u64::try_from(stage.end_ms.saturating_sub(stage.start_ms)).unwrap_or(0);
        put_right(
            buf,
            Rect {
                x: plots.right(),
                width: inner.right() - plots.right(),
                ..inner
            },
            y,
            &units::duration(took),
            cx.style(Role::Dim),
        );
    }
    let mut y = inner.y.saturating_add(shown as u16);
    if axis > 0 && y < inner.bottom() {
        time_axis(
            span,
            Rect {
                x: inner.x + label_width,
                y,
                width: plots.width.saturating_sub(label_width),
                height: 1,
            },
            buf,
            cx,
        );
        y += 1;
    }
    if lines > 0 {
        let activity = &facts.activity;
        let of_slots = format!("of {}", units::count(u64::from(activity.most_slots)));
        let busy = if facts.unread > 0 { &[][..] } else { &activity.busy };
        let slots = (activity.most_slots > 0).then_some(f64::from(activity.most_slots));
        let most = units::count(u64::from(activity.most_executors));
        for (name, values, limit, after) in [
            ("busy slots", busy, slots, of_slots),
            ("executors", &activity.executors[..], None, most),
        ] {
            let line = Rect {
                y,
                height: inner.bottom().saturating_sub(y).min(1),
                ..inner
            };
            activity_line(name, values, limit, &after, label_width, line, buf, cx);
            y += 1;
        }
    }
    if facts.stages.is_empty() {
        put(buf, inner, inner.x, inner.y, "no stage ran", cx.style(Role::Dim));
    }
}

fn gantt(facts: &Facts, stages: &[&StageSpan], label_width: u16, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let since = |time: i64| time.saturating_sub(facts.start_ms) as f64;
    let row = |stage: &&StageSpan| {
        let found = worst(stage.key, cx).map(|finding| severity_mark(finding.severity, cx.glyphs));
        let (mark, role) = match stage.status {
            StageStatus::Failed => (Some((cx.glyphs.pick("✗", "x"), Role::Critical)), Role::Critical),
            StageStatus::Active => (found, Role::Running),
            _ => (found, Role::Compute),
        };
        GanttRow {
            label: label(stage, label_width),
            start: since(stage.start_ms),
            end: since(stage.end_ms),
            mark: mark.map(|(glyph, role)| (glyph, cx.style(role))),
            note: note(stage, cx),
            style: cx.style(role),
        }
    };
    let rows: Vec<GanttRow> = stages.iter().map(row).collect();
    let faint = cx.style(Role::Dim);
    Gantt {
        rows: &rows,
        from: 0.0,
        to: since(facts.end_ms),
        label_width,
        faint,
        glyphs: cx.glyphs,
    }
    .render(area, buf);
}

/// The worst that was found in a stage.
fn worst<'a>(stage: StageKey, cx: &Context<'a>) -> Option<&'a Finding> {
    let here = cx
        .findings()
        .iter()
        .filter(|finding| finding.place.stage == Some(stage));
    here.max_by_key(|finding| finding.severity)
}

fn label(stage: &StageSpan, label_width: u16) -> String {
    let text = format!("{:<7}{}", stage.key.to_string(), stage.name);
    cut(
        if label_width < 20 {
            text.split(' ').next().unwrap_or_default()
        } else {
            &text
        },
        usize::from(label_width) - 1,
    )
}

fn note(stage: &StageSpan, cx: &Context<'_>) -> String {
    worst(stage.key, cx).map_or_else(String::new, |finding| finding.rule.replace('-', " "))
}

fn time_axis(span: u64, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let scale = Scale::linear(0.0, span as f64);
    let mut free_from = area.x;
    for tick in scale.ticks(Unit::Millis, usize::from(area.width / 10).max(2)) {
        let x = area.x + (scale.fraction(tick as f64) * f64::from(area.width.saturating_sub(1))).round() as u16;
        let text = format!("{}{}", cx.glyphs.pick("╵", "'"), tick_label(tick, Unit::Millis));
        if x >= free_from && usize::from(area.right().saturating_sub(x)) >= width(&text) {
            free_from = put(buf, area, x, area.y, &text, cx.style(Role::Dim)) + 1;
        }
    }
}

fn activity_line(
    name: &str,
    values: &[f64],
    limit: Option<f64>,
    after: &str,
    label_width: u16,
    area: Rect,
    buf: &mut Buffer,
    cx: &Context<'_>,
) {
    put(buf, area, area.x, area.y, name, cx.style(Role::Dim));
    let label_width = label_width.min(area.width);
    let plot = Rect {
        x: area.x + label_width,
        width: area.width.saturating_sub(label_width).saturating_sub(AFTER),
        ..area
    };
    if values.is_empty() {
        put(buf, area, plot.x, area.y, "not recorded", cx.style(Role::Dim));
        return;
    }
    let style = cx.style(Role::Running);
    Sparkline {
        values,
        limit,
        style,
        hot: style,
        glyphs: cx.glyphs,
    }
    .render(plot, buf);
    put_right(buf, area, area.y, after, cx.style(Role::Dim));
}

/// Executors side by side under Memory.
pub fn memory_columns(columns: u16) -> usize {
    if columns >= WIDE { 2 } else { 1 }
}

/// The executors whose memory came nearest its limit.
pub fn memory(facts: &Facts, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let columns = memory_columns(area.width);
    let inner = panel(
        area,
        "Memory: executors nearest their limit",
        "heap peak / limit",
        buf,
        cx,
    );
    if facts.memory.is_empty() {
        put(
            buf,
            inner,
            inner.x,
            inner.y,
            "not recorded: this source carries no executor metrics",
            cx.style(Role::Dim),
        );
        return;
    }
    let wide = (inner.width + 3) / columns as u16;
    let fit = facts.memory.iter().take(columns * usize::from(inner.height));
    for (at, memory) in fit.enumerate() {
        let (column, row) = ((at % columns) as u16, (at / columns) as u16);
        let cell = Rect {
            x: inner.x + column * wide,
            y: inner.y + row,
            width: wide.saturating_sub(3),
            height: 1,
        };
        let cell = cell.intersection(inner);
        let name = if &*memory.id == DRIVER {
            "driver".to_owned()
        } else {
            format!("exec {}", memory.id)
        };
        let name = pad(
            &format!("{} {}", pad(&name, 8, Align::Left), memory.host),
            22,
            Align::Left,
        );
        let x = put(buf, cell, cell.x, cell.y, &name, cx.style(Role::Text))
            .saturating_add(1)
            .min(cell.right());
        let rest = Rect {
            x,
            width: cell.right() - x,
            ..cell
        };
        memory.draw(facts.start_ms, facts.end_ms, rest, buf, cx);
    }
}
