//! The parts of a stage's screen above its tasks: quantiles, distributions, locality levels, executors.
//! Each draws computed facts into an area; knows no state.

use ratatui::{buffer::Buffer, layout::Rect, style::Style, widgets::Widget};

use crate::model::{Application, Locality, Stage, TaskMeasure, TaskMetric, Unit};
use crate::tui::line::{cut, put, width};
use crate::tui::panel::panel;
use crate::tui::screen::Context;
use crate::tui::screens::memory::Memory;
use crate::tui::theme::Role;
use crate::tui::widgets::{
    bar,
    histogram::Histogram,
    scale::{Scale, short_text, text},
};
use crate::units;

use super::facts::{ExecutorFacts, Facts, OUTLIER, QUANTILES, QuantileRow};
use super::tasks::short_level;

/// GC time beyond this share of run time is marked, as in Spark's own interface.
const GC_SHARE: f64 = 0.1;

/// Columns of the quantiles' names where room is short, and of a number with the blank before it.
const NAME_WIDTH: u16 = 17;
const CELL: u16 = 9;

/// From this width on, the largest is set against the median, too.
const SPREAD_FROM: u16 = NAME_WIDTH + 9 * CELL;

/// Rows that the quantiles take with everything there is to say.
pub fn quantiles_height(facts: &Facts) -> usize {
    let lines = [&facts.zero, &facts.absent]
        .into_iter()
        .filter(|names| !names.is_empty())
        .count();
    1 + facts.quantiles.len().max(1) + if facts.quantiles.is_empty() { 0 } else { lines }
}

/// The quantiles of every measure that says something.
pub fn quantiles(stage: &Stage, facts: &Facts, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let inner = panel(area, "Quantiles", "", buf, cx);
    if facts.quantiles.is_empty() {
        return line(no_quantiles(stage), inner, 0, Role::Dim, buf, cx);
    }
    let columns = Columns::of(area);
    let names = QUANTILES
        .iter()
        .map(|(name, _)| *name)
        .chain(["total"])
        .chain(columns.spread.then_some("max/med"));
    for (at, name) in names.enumerate() {
        let x = columns.right(at).saturating_sub(name.len() as u16 + 1);
        let after = if columns.right(at) < area.right() { " " } else { "" };
        put(buf, area, x, area.y, &format!(" {name}{after}"), cx.style(Role::Header));
    }
    let fit = usize::from(inner.height);
    let shown = if facts.quantiles.len() > fit {
        fit.saturating_sub(1)
    } else {
        facts.quantiles.len()
    };
    for (row, y) in facts.quantiles.iter().take(shown).zip(inner.y..) {
        quantile_row(row, &columns, Rect { y, height: 1, ..inner }, buf, cx);
    }
    if shown < facts.quantiles.len() {
        let more = format!(
            "and {} more in a taller window, or with export",
            facts.quantiles.len() - shown
        );
        return line(&more, inner, shown, Role::Dim, buf, cx);
    }
    let notes = [("all zero: ", &facts.zero), ("not recorded: ", &facts.absent)];
    for (at, (what, names)) in notes.into_iter().filter(|(_, names)| !names.is_empty()).enumerate() {
        line(
            &format!("{what}{}", names.join(", ").to_lowercase()),
            inner,
            shown + at,
            Role::Dim,
            buf,
            cx,
        );
    }
}

fn no_quantiles(stage: &Stage) -> &'static str {
    if stage.tasks.is_empty() {
        "no task"
    } else if stage.failed_tasks > 0 {
        "no task succeeded; quantiles are of successful tasks"
    } else {
        "no task has ended yet"
    }
}

/// A measure's name in so many cells, a shorter one where its own does not fit.
fn name(measure: TaskMeasure, cells: usize) -> String {
    let label = measure.label();
    if width(label) <= cells {
        return label.to_owned();
    }
    let short = match measure {
        TaskMeasure::GettingResultTime => "Getting result",
        TaskMeasure::Metric(TaskMetric::ExecutorDeserializeTime) => "Deserialize time",
        TaskMeasure::Metric(TaskMetric::ResultSerializationTime) => "Serialize time",
        TaskMeasure::Metric(TaskMetric::PeakExecutionMemory) => "Peak exec. memory",
        TaskMeasure::Metric(TaskMetric::ShuffleFetchWaitTime) => "Fetch wait",
        TaskMeasure::Metric(TaskMetric::ShuffleReadRecords) => "Shuffle records",
        TaskMeasure::Metric(TaskMetric::ShuffleRemoteBytesRead) => "Remote reads",
        TaskMeasure::Metric(TaskMetric::ShuffleWriteBytes) => "Shuffle write",
        TaskMeasure::Metric(TaskMetric::ShuffleWriteRecords) => "Written records",
        TaskMeasure::Metric(TaskMetric::ShuffleWriteTime) => "Write time",
        _ => label,
    };
    cut(short, cells)
}

/// The columns of the quantiles.
struct Columns {
    left: u16,
    name: u16,
    cell: u16,
    spread: bool,
}

impl Columns {
    fn of(area: Rect) -> Columns {
        let spread = area.width >= SPREAD_FROM;
        let numbers = QUANTILES.len() as u16 + 1 + u16::from(spread);
        let cell = (area.width.saturating_sub(NAME_WIDTH) / numbers).clamp(CELL, 11);
        let name = area.width.saturating_sub(numbers * cell).clamp(NAME_WIDTH, 26);
        Columns {
            left: area.x,
            name,
            cell,
            spread,
        }
    }

    /// The cell after a column of numbers.
    fn right(&self, at: usize) -> u16 {
        self.left
            .saturating_add(self.name)
            .saturating_add(self.cell.saturating_mul(at as u16 + 1))
    }
}

fn quantile_row(row: &QuantileRow, columns: &Columns, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let unit = row.measure.unit();
    let spread = row.spread().filter(|&spread| spread >= OUTLIER);
    put(
        buf,
        area,
        area.x,
        area.y,
        &name(row.measure, usize::from(columns.name)),
        cx.style(Role::Text),
    );
    let mut cells: Vec<(String, Role)> = row
        .values
        .iter()
        .map(|&value| (short_text(value, unit), Role::Text))
        .collect();
    if let Some((_, role)) = cells.last_mut().filter(|_| spread.is_some()) {
        *role = Role::Outlier;
    }
    cells.push((short_text(row.total, unit), Role::Dim));
    if columns.spread {
        let role = if spread.is_some() { Role::Outlier } else { Role::Dim };
        cells.push((row.spread().map_or_else(String::new, units::times), role));
    }
    for (at, (text, role)) in cells.iter().enumerate() {
        if columns.right(at) <= area.right() {
            let x = columns.right(at).saturating_sub(text.chars().count() as u16);
            put(buf, area, x, area.y, text, cx.style(*role));
        }
    }
}

/// How long the tasks took and how much they had to work on, side by side; the chosen task is pointed at in both.
pub fn distributions(
    stage: &Stage,
    facts: &Facts,
    chosen: Option<usize>,
    area: Rect,
    buf: &mut Buffer,
    cx: &Context<'_>,
) {
    let of_chosen = |measure| chosen.and_then(|row| stage.tasks.measure(row, measure));
    let left = Rect {
        width: area.width / 2,
        ..area
    };
    let right = Rect {
        x: area.x + left.width + 2,
        width: (area.width - left.width).saturating_sub(2),
        ..area
    };
    histogram(
        "Task duration",
        (&facts.durations, of_chosen(TaskMeasure::Duration)),
        Unit::Millis,
        "no task succeeded",
        left,
        buf,
        cx,
    );
    let short = right.width < 50;
    let what = match facts.sizes.as_ref().map(|sizes| sizes.measure) {
        Some(TaskMeasure::ShuffleReadBytes) if short => "Shuffle read size",
        Some(TaskMeasure::ShuffleReadBytes) => "Partition size: shuffle read",
        Some(TaskMeasure::PartitionRecords) if short => "Records read",
        Some(TaskMeasure::PartitionRecords) => "Partition size: records read",
        Some(_) => "Partition size: input",
        None => "Partition size",
    };
    let (sizes, unit) = facts
        .sizes
        .as_ref()
        .map_or((&[][..], Unit::Bytes), |sizes| (&sizes.sorted, sizes.unit()));
    let size_of_chosen = facts.sizes.as_ref().and_then(|sizes| of_chosen(sizes.measure));
    histogram(
        what,
        (sizes, size_of_chosen),
        unit,
        "no input or shuffle read was recorded",
        right,
        buf,
        cx,
    );
}

fn histogram(
    title: &str,
    (sorted, chosen): (&[u64], Option<u64>),
    unit: Unit,
    none: &str,
    area: Rect,
    buf: &mut Buffer,
    cx: &Context<'_>,
) {
    let right = if Scale::fitting(sorted).is_log() {
        "log scale"
    } else {
        ""
    };
    let inner = panel(area, title, right, buf, cx);
    match sorted {
        [] => return line(none, inner, 0, Role::Dim, buf, cx),
        [only] => {
            return line(
                &format!("one task: {}", text(*only, unit)),
                inner,
                0,
                Role::Text,
                buf,
                cx,
            );
        }
        _ => {}
    }
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0);
    let widget = Histogram {
        sorted,
        unit,
        chosen,
        hot_from: (median > 0).then_some((median as f64 * OUTLIER) as u64),
        style: cx.style(Role::Compute),
        hot: cx.style(Role::Outlier),
        faint: cx.style(Role::Dim),
        glyphs: cx.glyphs,
    };
    widget.render(inner, buf);
}

/// The locality levels: how many tasks ran at each, and their median duration; the chosen task's is marked.
pub fn localities(stage: &Stage, facts: &Facts, chosen: Option<usize>, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let chosen = chosen.map(|row| stage.tasks.locality(row));
    let inner = panel(area, "Locality", "tasks, median", buf, cx);
    let most = facts
        .localities
        .iter()
        .map(|level| level.tasks)
        .max()
        .unwrap_or(0)
        .max(1);
    let bar_width = usize::from(inner.width.saturating_sub(27)).min(24);
    for (level, y) in facts.localities.iter().zip(inner.top()..inner.bottom()) {
        let bar = bar::across(level.tasks as f64 / most as f64, bar_width, cx.glyphs);
        let width = usize::from(inner.width);
        let role = if level.level == Locality::Any {
            Role::Warning
        } else {
            Role::Compute
        };
        let (mark, name_role) = if chosen == Some(level.level) {
            (cx.glyphs.pick("◆ ", "X "), Role::Outlier)
        } else {
            ("  ", Role::Text)
        };
        let (x, _) = buf.set_stringn(
            inner.x,
            y,
            format!("{mark}{:<8}", short_level(level.level)),
            width,
            cx.style(name_role),
        );
        let left = |x: u16| usize::from(inner.right().saturating_sub(x));
        let (_, _) = buf.set_stringn(x, y, format!("{bar:<bar_width$}"), left(x), cx.style(role));
        let x = x.saturating_add(bar_width as u16).min(inner.right());
        let median = level.median_ms.map_or_else(String::new, units::duration);
        let numbers = format!(" {:>7} {median:>8}", units::short_count(level.tasks as u64));
        buf.set_stringn(x, y, numbers, left(x), cx.style(Role::Text));
    }
    if facts.localities.is_empty() {
        line("no task", inner, 0, Role::Dim, buf, cx);
    }
}

/// The executors that ran tasks of the stage, those with the most task time first.
pub fn executors(
    stage: &Stage,
    facts: &Facts,
    (memory, chosen): (&[Option<Memory>], Option<usize>),
    area: Rect,
    buf: &mut Buffer,
    cx: &Context<'_>,
) {
    let shown = facts.executors.len().min(usize::from(area.height.saturating_sub(1)));
    let right = if shown < facts.executors.len() {
        format!("{shown} of {}, by task time", facts.executors.len())
    } else {
        "by task time".to_owned()
    };
    let inner = panel(area, "Executors", &right, buf, cx);
    if facts.executors.is_empty() {
        return line("no task", inner, 0, Role::Dim, buf, cx);
    }
    let width_of = |text: fn(&ExecutorFacts) -> &str, most| {
        facts
            .executors
            .iter()
            .take(shown)
            .map(|executor| text(executor).chars().count())
            .max()
            .unwrap_or(0)
            .min(most)
    };
    let widths = (
        width_of(|executor| &executor.id, 10),
        width_of(|executor| &executor.host, 24),
    );
    let place = chosen.and_then(|row| stage.tasks.places().get(stage.tasks.place_index(row)));
    let is_chosen =
        |executor: &ExecutorFacts| place.is_some_and(|(id, host)| *id == executor.id && *host == executor.host);
    let (from, to) = stage_extent(stage, cx.application());
    for ((executor, memory), y) in facts.executors.iter().zip(memory).zip(inner.top()..inner.bottom()) {
        let row = Rect { y, height: 1, ..inner };
        let x = executor_numbers((executor, is_chosen(executor)), widths, row, buf, cx);
        let rest = Rect {
            x,
            width: row.right().saturating_sub(x),
            ..row
        };
        match memory {
            Some(memory) => memory.draw(
                from,
                to,
                Rect {
                    width: rest.width.min(70),
                    ..rest
                },
                buf,
                cx,
            ),
            None if rest.width > 18 => line("heap not recorded", rest, 0, Role::Dim, buf, cx),
            None => {}
        }
    }
}

/// Draws an executor's numbers; gives the column after them.
fn executor_numbers(
    (executor, chosen): (&ExecutorFacts, bool),
    (id_width, host_width): (usize, usize),
    row: Rect,
    buf: &mut Buffer,
    cx: &Context<'_>,
) -> u16 {
    let tasks = if executor.tasks == 1 { "task " } else { "tasks" };
    let absent = || cx.glyphs.pick("–", "-").to_owned();
    let gc = executor.gc_share();
    let failed = if executor.failed > 0 {
        format!(" {} failed", executor.failed)
    } else {
        String::new()
    };
    let gc_role = if gc.is_some_and(|share| share >= GC_SHARE) {
        Role::Warning
    } else {
        Role::Text
    };
    let spill_role = if executor.spill.is_some_and(|spill| spill > 0) {
        Role::Warning
    } else {
        Role::Text
    };
    let parts = [
        (
            format!(
                "{}exec {:<id_width$}  {:<host_width$}",
                if chosen { cx.glyphs.pick("◆ ", "X ") } else { "  " },
                cut(&executor.id, id_width),
                cut(&executor.host, host_width)
            ),
            if chosen { Role::Outlier } else { Role::Text },
        ),
        (
            format!(" {:>6} {tasks}", units::short_count(executor.tasks as u64)),
            Role::Text,
        ),
        (failed, Role::Critical),
        (format!(" {:>8}", units::duration(executor.duration_ms)), Role::Text),
        (format!("  gc {:>5}", gc.map_or_else(absent, units::percent)), gc_role),
        (
            format!("  spill {:>8}  ", executor.spill.map_or_else(absent, units::bytes)),
            spill_role,
        ),
    ];
    let mut x = row.x;
    for (text, role) in parts {
        (x, _) = buf.set_stringn(
            x,
            row.y,
            text,
            usize::from(row.right().saturating_sub(x)),
            cx.style(role),
        );
    }
    x
}

/// When the stage ran, epoch ms.
fn stage_extent(stage: &Stage, application: &Application) -> (i64, i64) {
    let from = stage.submission_ms.or(application.start_ms).unwrap_or(0);
    let to = stage
        .completion_ms
        .or(application.end_ms)
        .or(application.last_ms)
        .unwrap_or(from);
    (from, to.max(from))
}

/// Writes one line of text, the `at`-th of an area.
pub fn line(text: &str, area: Rect, at: usize, role: Role, buf: &mut Buffer, cx: &Context<'_>) {
    if at < usize::from(area.height) {
        let style: Style = cx.style(role);
        put(buf, area, area.x, area.y + at as u16, text, style);
    }
}
