//! One run of a streaming query: rates, batch duration and state over its batches, the batches, the phases of the chosen one,
//! what ended it.

use std::borrow::Cow;

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use crate::model::{StreamingBatch, StreamingQuery};
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::line::{self, Align, Piece};
use crate::tui::panel::{below, panel};
use crate::tui::screen::{Context, Screen};
use crate::tui::screens::streaming::{query_name, query_status, rate};
use crate::tui::scroll::{Line, Scroll};
use crate::tui::table::{Column, Key, Rows, Table};
use crate::tui::theme::Role;
use crate::tui::when;
use crate::tui::widgets::{bar, sparkline::Sparkline};
use crate::units;

/// Cells of a chart's name, and of the numbers behind it.
const NAME: u16 = 16;
const NUMBERS: u16 = 24;

/// Rows of a chart at most.
const TALLEST: u16 = 4;

/// From this width on the phases stand beside the batches.
const WIDE: u16 = 120;

/// Rows that the batches take at least, with title and head.
const BATCHES: u16 = 6;

const COLUMNS: &[Column] = &[
    Column::number("Batch", 7, 0),
    Column::text("Started", 8, 3),
    Column::number("Duration", 9, 0),
    Column::number("After", 8, 2),
    Column::number("Rows in", 10, 0),
    Column::number("Input", 9, 1),
    Column::number("Processed", 9, 1),
    Column::number("State rows", 10, 4),
    Column::number("Behind", 9, 5),
    Column::text("Watermark", 9, 6),
];

/// What stands above the batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// The charts.
    Charts,
    /// The phases of the chosen batch, where they are not beside it.
    Phases,
    /// What ended the query, whole.
    Exception,
}

/// One run of a query.
#[derive(Debug)]
pub struct QueryScreen {
    run: String,
    look: Look,
    table: Table,
    exception: Scroll,
    area: Rect,
}

/// The usual time between the beginnings of two batches, ms: the trigger's interval as far as it was kept.
pub fn interval_ms(query: &StreamingQuery) -> Option<u64> {
    let mut gaps: Vec<u64> = (1..query.batches.len())
        .filter_map(|at| after_ms(&query.batches, at))
        .collect();
    let middle = gaps.len() / 2;
    (!gaps.is_empty()).then(|| *gaps.select_nth_unstable(middle).1)
}

/// How long after the batch before it one began, ms.
fn after_ms(batches: &[StreamingBatch], at: usize) -> Option<u64> {
    let before = batches.get(at.checked_sub(1)?)?.start_ms?;
    u64::try_from(batches.get(at)?.start_ms?.checked_sub(before)?).ok()
}

/// The offsets that the slowest of a batch's sources is behind.
fn behind(batch: &StreamingBatch) -> Option<f64> {
    let known = batch.sources.iter().filter_map(|source| source.max_offsets_behind);
    known.filter(|behind| behind.is_finite()).reduce(f64::max)
}

/// A line of a chart.
struct Chart {
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

fn shown(value: f64, write: fn(u64) -> String) -> String {
    if value.is_finite() && value >= 0.0 {
        write(value as u64)
    } else {
        "n/a".to_owned()
    }
}

fn of_query(query: &StreamingQuery, chosen: Option<usize>) -> Vec<Chart> {
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

/// Where a batch's time went, then what it read and wrote.
fn phases(batch: &StreamingBatch, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let right = batch.duration_ms.map_or(String::new(), units::duration);
    let inside = panel(area, &format!("Phases of batch {}", batch.id), &right, buf, cx);
    let mut rows = inside.top()..inside.bottom();
    let most = batch.phases_ms.iter().map(|(_, ms)| *ms).max().unwrap_or(0).max(1);
    let name_cells = batch
        .phases_ms
        .iter()
        .map(|(name, _)| line::width(name))
        .max()
        .unwrap_or(0)
        .min(24);
    let cells = usize::from(inside.width).saturating_sub(name_cells + 12).min(40);
    // `triggerExecution` is the whole, not a part.
    let parts = batch.phases_ms.iter().filter(|(name, _)| name != "triggerExecution");
    for ((name, ms), y) in parts.zip(&mut rows) {
        let text = format!(
            "{}{:>10}  ",
            line::pad(name, name_cells, Align::Left),
            units::duration(*ms)
        );
        let x = line::put(buf, inside, inside.x, y, &text, cx.style(Role::Text));
        line::put(
            buf,
            inside,
            x,
            y,
            &bar::across(*ms as f64 / most as f64, cells, cx.glyphs),
            cx.style(Role::Compute),
        );
    }
    let source = |at: usize| {
        let source = &batch.sources[at];
        let rows = source.input_rows.map_or("n/a".to_owned(), units::short_count);
        let behind = source.max_offsets_behind.map_or(String::new(), |behind| {
            format!(", {} behind", shown(behind, units::short_count))
        });
        format!("from {}: {rows} rows{behind}", source.description)
    };
    let sources = (0..batch.sources.len()).map(source);
    let state = batch.state_bytes.map(|bytes| format!("state {}", units::bytes(bytes)));
    let more = sources
        .chain(batch.sink.as_ref().map(|sink| format!("to {sink}")))
        .chain(state);
    for (text, y) in more
        .flat_map(|text| line::wrap(&text, usize::from(inside.width)))
        .zip(&mut rows)
    {
        line::put(buf, inside, inside.x, y, &text, cx.style(Role::Dim));
    }
}

struct BatchRows<'a> {
    query: &'a StreamingQuery,
    interval: Option<u64>,
    cx: &'a Context<'a>,
}

impl Rows for BatchRows<'_> {
    fn count(&self) -> usize {
        self.query.batches.len()
    }

    fn id(&self, row: usize) -> String {
        self.query.batches[row].id.to_string()
    }

    fn cell(&self, row: usize, column: usize) -> Piece<'_> {
        let batch = &self.query.batches[row];
        let count = |rows: Option<u64>| {
            rows.map_or(("n/a".into(), Role::Dim), |rows| {
                (units::short_count(rows).into(), Role::Text)
            })
        };
        let text: Cow<'_, str> = match column {
            0 => batch.id.to_string().into(),
            1 => batch
                .start_ms
                .map_or("n/a".into(), |at| when::clock(at, self.cx.zone).into()),
            2 => match batch.duration_ms {
                Some(ms) => {
                    let slow = self.interval.is_some_and(|interval| ms > interval);
                    return (
                        units::duration(ms).into(),
                        if slow { Role::Warning } else { Role::Text },
                    );
                }
                None => return ("n/a".into(), Role::Dim),
            },
            3 => {
                return (
                    after_ms(&self.query.batches, row).map_or("".into(), |ms| units::duration(ms).into()),
                    Role::Dim,
                );
            }
            4 => return count(batch.input_rows),
            5 => return rate(batch.input_rows_per_second),
            6 => return rate(batch.processed_rows_per_second),
            7 => return count(batch.state_rows),
            8 => match behind(batch) {
                Some(behind) => shown(behind, units::short_count).into(),
                None => return ("n/a".into(), Role::Dim),
            },
            _ => match batch.watermark_ms {
                Some(at) => when::clock(at, self.cx.zone).into(),
                None => return ("none".into(), Role::Dim),
            },
        };
        (text, Role::Text)
    }

    fn key(&self, row: usize, column: usize) -> Key<'_> {
        let batch = &self.query.batches[row];
        let rate = |rate: Option<f64>| rate.filter(|rate| rate.is_finite()).map_or(Key::Absent, Key::Number);
        match column {
            0 => Key::Number(batch.id as f64),
            1 => Key::time(batch.start_ms),
            2 => Key::number(batch.duration_ms),
            3 => Key::number(after_ms(&self.query.batches, row)),
            4 => Key::number(batch.input_rows),
            5 => rate(batch.input_rows_per_second),
            6 => rate(batch.processed_rows_per_second),
            7 => Key::number(batch.state_rows),
            8 => rate(behind(batch)),
            _ => Key::time(batch.watermark_ms),
        }
    }

    fn search(&self, row: usize, into: &mut String) {
        into.push_str(&self.query.batches[row].id.to_string());
    }
}

/// Areas of the screen; empty where a part is not shown.
struct Arranged {
    head: Rect,
    look: Rect,
    batches: Rect,
    phases: Rect,
}

impl QueryScreen {
    /// The screen of a run, by its id.
    pub fn new(run: &str) -> QueryScreen {
        QueryScreen {
            run: run.to_owned(),
            look: Look::Charts,
            table: Table::new(COLUMNS, Some((0, true))),
            exception: Scroll::default(),
            area: Rect::ZERO,
        }
    }

    fn query<'a>(&self, cx: &Context<'a>) -> Option<&'a StreamingQuery> {
        cx.application().streaming.iter().find(|query| query.run_id == self.run)
    }

    fn rows<'a>(query: &'a StreamingQuery, cx: &'a Context<'a>) -> BatchRows<'a> {
        BatchRows {
            query,
            interval: interval_ms(query),
            cx,
        }
    }

    fn head(query: &StreamingQuery, width: usize, cx: &Context<'_>) -> Vec<Line> {
        let (status, role) = query_status(query, cx);
        let at = |moment: Option<i64>| moment.map_or("n/a".to_owned(), |at| when::clock(at, cx.zone));
        let ended = query
            .end_ms
            .map_or(String::new(), |end| format!(" to {}", at(Some(end))));
        let about = format!(
            "  {}{ended}, {} batches",
            at(query.start_ms),
            units::count(query.batches.len() as u64)
        );
        let mut lines = vec![vec![
            (status, role),
            (about, Role::Text),
            (format!("  id {}", query.id), Role::Dim),
        ]];
        let reason = query
            .exception
            .as_deref()
            .and_then(|text| text.lines().next())
            .unwrap_or_default();
        lines.extend(
            line::wrap(reason, width)
                .into_iter()
                .take(2)
                .map(|text| vec![(text, Role::Critical)]),
        );
        lines
    }

    fn arrange(&self, query: &StreamingQuery, area: Rect, cx: &Context<'_>) -> Arranged {
        let head = u16::try_from(Self::head(query, usize::from(area.width), cx).len())
            .unwrap_or(1)
            .min(area.height);
        let rest = area.height - head;
        let charts = u16::try_from(of_query(query, None).len()).unwrap_or(1);
        let wanted = match self.look {
            Look::Charts if rest >= 30 => 2 + 2 * charts,
            Look::Charts => 2 + charts,
            Look::Phases | Look::Exception => rest / 2,
        };
        let look = if rest >= BATCHES + 4 {
            wanted.min(rest - BATCHES)
        } else {
            0
        };
        let part = |y: u16, height: u16| Rect { y, height, ..area };
        let batches = part(area.y + head + look, rest - look);
        let beside = if area.width >= WIDE && self.look != Look::Phases {
            area.width * 2 / 5
        } else {
            0
        };
        let gap = if beside > 0 { 2 } else { 0 };
        Arranged {
            head: part(area.y, head),
            look: part(area.y + head, look),
            batches: Rect {
                width: batches.width - beside - gap,
                ..batches
            },
            phases: Rect {
                x: batches.right() - beside,
                width: beside,
                ..batches
            },
        }
    }

    fn exception(query: &StreamingQuery, width: u16) -> Vec<Line> {
        let text = query.exception.as_deref().unwrap_or_default();
        line::wrap(text, usize::from(width))
            .into_iter()
            .map(|text| vec![(text, Role::Critical)])
            .collect()
    }
}

impl Screen for QueryScreen {
    fn title(&self, cx: &Context<'_>) -> String {
        self.query(cx)
            .map_or_else(|| "Query".to_owned(), |query| format!("Query {}", query_name(query)))
    }

    fn update(&mut self, action: Action, cx: &Context<'_>) -> Vec<Effect> {
        let Some(query) = self.query(cx) else { return Vec::new() };
        let paging = matches!(action, Action::PageUp | Action::PageDown);
        if self.look == Look::Exception && paging && self.exception.update(action) {
            return Vec::new();
        }
        match action {
            Action::NextLook => {
                self.look = match self.look {
                    Look::Charts => Look::Phases,
                    Look::Phases if query.exception.is_some() => Look::Exception,
                    _ => Look::Charts,
                };
                self.fit(self.area, cx);
            }
            action => drop(self.table.update(action, &Self::rows(query, cx))),
        }
        Vec::new()
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let area = area.intersection(buf.area);
        let Some(query) = self.query(cx) else {
            line::put(
                buf,
                area,
                area.x,
                area.y,
                "this query is no longer there",
                cx.style(Role::Dim),
            );
            return;
        };
        let arranged = self.arrange(query, area, cx);
        for (line, y) in Self::head(query, usize::from(area.width), cx)
            .iter()
            .zip(arranged.head.top()..arranged.head.bottom())
        {
            let mut x = arranged.head.x;
            for (text, role) in line {
                x = line::put(buf, arranged.head, x, y, text, cx.style(*role));
            }
        }
        let chosen = self.table.selected().filter(|at| *at < query.batches.len());
        let batch = chosen.and_then(|at| query.batches.get(at));
        if arranged.look.height > 0 {
            match (self.look, batch) {
                (Look::Charts, _) => {
                    let inside = panel(arranged.look, "Rates, duration and state by batch", "", buf, cx);
                    charts(query, chosen, inside, buf, cx);
                }
                (Look::Phases, Some(batch)) => phases(batch, arranged.look, buf, cx),
                (Look::Phases, None) => drop(panel(arranged.look, "Phases", "no batch", buf, cx)),
                (Look::Exception, _) => {
                    let lines = Self::exception(query, arranged.look.width);
                    self.exception
                        .render("What ended it", "", &lines, arranged.look, buf, cx);
                }
            }
        }
        if let Some(batch) = batch.filter(|_| arranged.phases.width > 0) {
            phases(batch, arranged.phases, buf, cx);
        }
        let looks = if query.exception.is_some() { 3 } else { 2 };
        let right = format!(
            "{}  look {} of {looks}",
            self.table.summary(cx.glyphs),
            self.look as u8 + 1
        );
        let title = format!("Batches ({})", units::count(query.batches.len() as u64));
        let inside = panel(arranged.batches, &title, right.trim(), buf, cx);
        self.table.render(inside, buf, &Self::rows(query, cx), cx);
    }

    fn fit(&mut self, area: Rect, cx: &Context<'_>) {
        self.area = area;
        let Some(query) = self.query(cx) else { return };
        let arranged = self.arrange(query, area, cx);
        self.table.fit(below(arranged.batches).height);
        let lines = Self::exception(query, arranged.look.width).len();
        self.exception.fit(arranged.look, lines);
    }

    fn height(&self, width: u16, cx: &Context<'_>) -> usize {
        let Some(query) = self.query(cx) else { return 1 };
        let head = Self::head(query, usize::from(width), cx).len();
        let look = match self.look {
            Look::Charts => 2 + 2 * of_query(query, None).len(),
            // Half of the height is the look's.
            Look::Phases | Look::Exception => 2 + Self::exception(query, width).len().max(20),
        };
        head + look + look.max(1 + self.table.height())
    }

    fn rows(&self) -> usize {
        self.table.len()
    }

    fn actions(&self) -> &'static [Action] {
        &[
            Action::NextLook,
            Action::Sort,
            Action::Filter,
            Action::Copy,
            Action::Export,
        ]
    }

    fn back(&mut self, cx: &Context<'_>) -> bool {
        let Some(query) = self.query(cx) else { return false };
        self.table.back(&Self::rows(query, cx))
    }

    fn typing(&self) -> bool {
        self.table.typing()
    }

    fn refresh(&mut self, cx: &Context<'_>) {
        let Some(query) = self.query(cx) else { return };
        self.table.refresh(&Self::rows(query, cx));
        self.fit(self.area, cx);
    }

    fn copy(&self, cx: &Context<'_>) -> Option<(String, String)> {
        let query = self.query(cx)?;
        match &query.exception {
            Some(error) => Some(("error message".to_owned(), error.clone())),
            None => Some((
                "query".to_owned(),
                format!("{} id {} run {}", query_name(query), query.id, query.run_id),
            )),
        }
    }
}
