//! The look at a stage's tasks over time: a lane a slot where there is room for all slots, else the busy slots of each
//! executor. Gaps and tails show.

use std::collections::HashMap;

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use crate::model::{Stage, TaskStatus, Unit};
use crate::tui::line::{cut, put, width};
use crate::tui::panel::panel;
use crate::tui::screen::Context;
use crate::tui::theme::Role;
use crate::tui::widgets::put as put_glyph;
use crate::tui::widgets::scale::{Scale, tick_label};
use crate::tui::widgets::sparkline::Sparkline;
use crate::units;

use super::facts::Facts;
use super::panels::line;

/// Columns of the lanes' names.
const NAME: u16 = 22;

/// Lanes that are drawn one by one at most: no terminal has more rows.
const SHOWN: usize = 1_000;

/// Lanes of one executor at most; more cores than this would not be drawn one by one anyway.
const SLOTS: usize = 256;

/// The lane of every task: tasks of one executor that overlap lie in different ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lanes {
    /// By row of the task table.
    lane: Vec<u32>,
    /// By lane: the place that it belongs to, and its number there.
    places: Vec<(usize, u32)>,
    /// Rows as they were launched.
    launched: Vec<u32>,
    /// From the first launch to the last end, epoch ms.
    extent: (i64, i64),
    /// What was drawn last, without what the cursor changes.
    picture: Picture,
}

/// The tasks laid on the columns of a plot: a million of them are not gone through for every frame.
#[derive(Clone, Debug, Default, PartialEq)]
struct Picture {
    columns: u16,
    /// A line a lane, a cell a column.
    lanes: Vec<Vec<Cell>>,
    /// A line an executor in the order of the facts: its busy slots.
    busy: Vec<Vec<f64>>,
}

/// What a column of a lane shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Cell {
    #[default]
    Idle,
    /// Neighbours differ in being odd.
    Done(bool),
    Running(bool),
    Failed(bool),
    /// The last column of one that failed.
    End,
}

impl Lanes {
    /// Puts every task into the first lane of its executor that is free at its launch.
    pub fn of(stage: &Stage) -> Lanes {
        let tasks = &stage.tasks;
        let mut launched: Vec<u32> = (0..u32::try_from(tasks.len()).unwrap_or(u32::MAX)).collect();
        launched.sort_by_key(|row| tasks.launch_ms(*row as usize));
        // By place: its lanes, each with the time at which it is free again.
        let mut free: Vec<Vec<(u32, i64)>> = vec![Vec::new(); tasks.places().len()];
        let mut lanes = Lanes {
            lane: vec![0; tasks.len()],
            extent: extent(stage),
            ..Lanes::default()
        };
        for row in launched.iter().map(|row| *row as usize) {
            let place = tasks.place_index(row);
            let Some(own) = free.get_mut(place) else { continue };
            let launch = tasks.launch_ms(row);
            let runs = tasks.status(row) == TaskStatus::Running && stage.completion_ms.is_none();
            // An attempt whose end was lost holds no slot.
            let finish = tasks.finish_ms(row).unwrap_or(if runs { i64::MAX } else { launch });
            let full = own.len() >= SLOTS;
            let free = own.iter_mut().find(|(_, until)| full || *until <= launch);
            let lane = match free {
                Some((lane, until)) => {
                    *until = finish;
                    *lane
                }
                None => {
                    let lane = lanes.places.len() as u32;
                    lanes.places.push((place, own.len() as u32));
                    own.push((lane, finish));
                    lane
                }
            };
            lanes.lane[row] = lane;
        }
        lanes.launched = launched;
        lanes
    }

    /// Lays the tasks on a plot in this area, if that was not done for its width before.
    pub fn fit(&mut self, stage: &Stage, facts: &Facts, area: Rect) {
        let columns = area.width.saturating_sub(NAME);
        if self.picture.columns != columns {
            self.picture = self.pictured(stage, facts, columns);
        }
    }

    fn pictured(&self, stage: &Stage, facts: &Facts, columns: u16) -> Picture {
        let axis = Axis {
            plot: Rect::new(0, 0, columns, 1),
            from: self.extent.0,
            to: self.extent.1,
        };
        Picture {
            columns,
            lanes: if self.count() <= SHOWN {
                self.cells(stage, &axis)
            } else {
                Vec::new()
            },
            busy: busy(stage, facts, &axis),
        }
    }

    fn cells(&self, stage: &Stage, axis: &Axis) -> Vec<Vec<Cell>> {
        let tasks = &stage.tasks;
        let mut lines = vec![vec![Cell::Idle; usize::from(axis.plot.width)]; self.count()];
        let mut odd = vec![false; self.count()];
        for row in self.launched.iter().map(|row| *row as usize) {
            let Some(lane) = self.lane.get(row).map(|lane| *lane as usize) else {
                continue;
            };
            let (Some(cells), Some(odd)) = (lines.get_mut(lane), odd.get_mut(lane)) else {
                continue;
            };
            *odd = !*odd;
            let (first, end) = axis.span(tasks.launch_ms(row), tasks.finish_ms(row));
            let cell = match tasks.status(row) {
                TaskStatus::Failed | TaskStatus::Killed => Cell::Failed(*odd),
                TaskStatus::Running => Cell::Running(*odd),
                _ => Cell::Done(*odd),
            };
            let Some(own) = cells.get_mut(usize::from(first)..usize::from(end)) else {
                continue;
            };
            own.fill(cell);
            if let (Cell::Failed(_), Some(last)) = (cell, own.last_mut()) {
                *last = Cell::End;
            }
        }
        lines
    }

    /// Rows that they take at most, with title and axis: a lane each, or where those are too many an executor each.
    pub fn height(&self, executors: usize, most: usize) -> usize {
        let lanes = if self.count() + 2 <= most {
            self.count()
        } else {
            executors
        };
        (lanes + 2).min(most)
    }

    /// Lanes in all.
    pub fn count(&self) -> usize {
        self.places.len()
    }
}

/// From the first launch to the last end, or to the stage's.
fn extent(stage: &Stage) -> (i64, i64) {
    let tasks = &stage.tasks;
    let from = (0..tasks.len()).map(|row| tasks.launch_ms(row)).min().unwrap_or(0);
    let last = (0..tasks.len())
        .filter_map(|row| tasks.finish_ms(row))
        .max()
        .unwrap_or(from);
    (from, stage.completion_ms.unwrap_or(last).max(last))
}

/// Time on the columns of the plot.
struct Axis {
    plot: Rect,
    from: i64,
    to: i64,
}

impl Axis {
    fn column(&self, time: i64) -> u16 {
        let span = self.to.saturating_sub(self.from).max(1) as f64;
        let share = (time.saturating_sub(self.from) as f64 / span).clamp(0.0, 1.0);
        (share * f64::from(self.plot.width.saturating_sub(1))).round() as u16
    }

    /// Where the names of the lines stand.
    fn names(&self) -> Rect {
        Rect {
            x: self.plot.x.saturating_sub(NAME),
            width: NAME,
            ..self.plot
        }
    }

    /// The columns of a task, the last one excluded; one that has not ended goes on to the end of the axis.
    fn span(&self, launch: i64, finish: Option<i64>) -> (u16, u16) {
        let first = self.column(launch);
        (first, self.column(finish.unwrap_or(self.to)).max(first + 1))
    }

    fn draw(&self, y: u16, buf: &mut Buffer, cx: &Context<'_>) {
        let span = u64::try_from(self.to.saturating_sub(self.from)).unwrap_or(0);
        let line = Rect {
            y,
            height: 1,
            ..self.plot
        };
        let mut free_from = self.plot.x;
        for tick in Scale::linear(0.0, span as f64).ticks(Unit::Millis, usize::from(self.plot.width / 10).max(2)) {
            let x = self.plot.x + self.column(self.from.saturating_add_unsigned(tick));
            let text = format!("{}{}", cx.glyphs.pick("╵", "'"), tick_label(tick, Unit::Millis));
            if x >= free_from && usize::from(line.right().saturating_sub(x)) >= width(&text) {
                free_from = put(buf, line, x, y, &text, cx.style(Role::Dim)) + 1;
            }
        }
    }
}

/// Draws them; `chosen` is the row of the task under the cursor.
pub fn render(
    stage: &Stage,
    facts: &Facts,
    lanes: &Lanes,
    chosen: Option<usize>,
    area: Rect,
    buf: &mut Buffer,
    cx: &Context<'_>,
) {
    let rows = usize::from(area.height.saturating_sub(2));
    let by_slot = lanes.count() <= rows;
    let executors = facts.executors.len();
    let title = if by_slot {
        "Tasks over time, a lane a slot"
    } else {
        "Busy slots over time, by executor"
    };
    let right = match executors {
        all if !by_slot && rows < all => format!("{rows} of {all} executors, by task time"),
        _ => stage.duration_ms().map_or_else(String::new, units::duration),
    };
    let inner = panel(area, title, &right, buf, cx);
    let tasks = &stage.tasks;
    if tasks.is_empty() || inner.height < 2 || inner.width <= NAME {
        return line("no task", inner, 0, Role::Dim, buf, cx);
    }
    let (from, to) = lanes.extent;
    let plot = Rect {
        x: inner.x + NAME,
        width: inner.width - NAME,
        height: inner.height - 1,
        ..inner
    };
    let axis = Axis { plot, from, to };
    let drawn = if by_slot { lanes.count() } else { executors.min(rows) };
    axis.draw((plot.y + drawn as u16).min(inner.bottom() - 1), buf, cx);
    // A snapshot is drawn at another width than the terminal's.
    let anew = (lanes.picture.columns != plot.width).then(|| lanes.pictured(stage, facts, plot.width));
    let picture = anew.as_ref().unwrap_or(&lanes.picture);
    if by_slot {
        slots(stage, lanes, picture, chosen, &axis, buf, cx);
    } else {
        busy_lines(stage, facts, picture, chosen, &axis, buf, cx);
    }
}

fn name(executor: &str, host: &str) -> String {
    cut(&format!("exec {executor:<3} {host}"), usize::from(NAME) - 1)
}

/// A lane a slot. Neighbouring tasks differ in pattern, failed ones and the chosen one in colour and mark.
fn slots(
    stage: &Stage,
    lanes: &Lanes,
    picture: &Picture,
    chosen: Option<usize>,
    axis: &Axis,
    buf: &mut Buffer,
    cx: &Context<'_>,
) {
    let tasks = &stage.tasks;
    // Lanes of one executor stand together, whichever came first.
    let mut order: Vec<usize> = (0..lanes.count()).collect();
    order.sort_by_key(|lane| lanes.places.get(*lane).copied());
    let names = axis.names();
    let chosen_lane = chosen.and_then(|row| lanes.lane.get(row)).map(|lane| *lane as usize);
    let chosen_place = chosen.map(|row| tasks.place_index(row));
    for (lane, y) in order.into_iter().zip(axis.plot.top()..axis.plot.bottom()) {
        if let Some((place, 0)) = lanes.places.get(lane)
            && let Some((executor, host)) = tasks.places().get(*place)
        {
            let role = if chosen_place == Some(*place) {
                Role::Outlier
            } else {
                Role::Text
            };
            put(buf, names, names.x, y, &name(executor, host), cx.style(role));
        }
        for (cell, x) in picture
            .lanes
            .get(lane)
            .into_iter()
            .flatten()
            .zip(axis.plot.left()..axis.plot.right())
        {
            let fill = |odd: bool| {
                if odd {
                    cx.glyphs.pick("█", "#")
                } else {
                    cx.glyphs.pick("▓", "=")
                }
            };
            let (glyph, role) = match cell {
                Cell::Idle => continue,
                Cell::Done(odd) => (fill(*odd), Role::Compute),
                Cell::Running(odd) => (fill(*odd), Role::Running),
                Cell::Failed(odd) => (fill(*odd), Role::Critical),
                Cell::End => (cx.glyphs.pick("✗", "x"), Role::Critical),
            };
            put_glyph(buf, x, y, glyph, cx.style(role));
        }
        if let Some(row) = chosen.filter(|_| chosen_lane == Some(lane)) {
            chosen_span(stage, row, y, axis, buf, cx);
        }
    }
}

/// The task under the cursor, over whatever is there.
fn chosen_span(stage: &Stage, row: usize, y: u16, axis: &Axis, buf: &mut Buffer, cx: &Context<'_>) {
    let (first, end) = axis.span(stage.tasks.launch_ms(row), stage.tasks.finish_ms(row));
    for column in first..end {
        let last = column + 1 == end;
        let glyph = if last {
            cx.glyphs.pick("◆", "X")
        } else {
            cx.glyphs.pick("█", "#")
        };
        put_glyph(buf, axis.plot.x + column, y, glyph, cx.style(Role::Outlier));
    }
}

/// The busy slots of each executor over the columns.
fn busy(stage: &Stage, facts: &Facts, axis: &Axis) -> Vec<Vec<f64>> {
    let tasks = &stage.tasks;
    let columns = usize::from(axis.plot.width);
    let shown = facts.executors.iter().take(SHOWN);
    let number: HashMap<(&str, &str), usize> = shown
        .clone()
        .enumerate()
        .map(|(at, executor)| ((&*executor.id, &*executor.host), at))
        .collect();
    let line_of: Vec<Option<usize>> = tasks
        .places()
        .iter()
        .map(|(id, host)| number.get(&(&**id, &**host)).copied())
        .collect();
    let mut changes = vec![vec![0.0; columns + 1]; shown.count()];
    for row in 0..tasks.len() {
        let line = line_of.get(tasks.place_index(row)).copied().flatten();
        let Some(change) = line.and_then(|line| changes.get_mut(line)) else {
            continue;
        };
        let (first, end) = axis.span(tasks.launch_ms(row), tasks.finish_ms(row));
        change[usize::from(first).min(columns)] += 1.0;
        change[usize::from(end).min(columns)] -= 1.0;
    }
    for change in &mut changes {
        let mut level = 0.0;
        change.truncate(columns);
        change.iter_mut().for_each(|value| {
            level += *value;
            *value = level;
        });
    }
    changes
}

fn busy_lines(
    stage: &Stage,
    facts: &Facts,
    picture: &Picture,
    chosen: Option<usize>,
    axis: &Axis,
    buf: &mut Buffer,
    cx: &Context<'_>,
) {
    let names = axis.names();
    let place = chosen.and_then(|row| stage.tasks.places().get(stage.tasks.place_index(row)));
    let style = cx.style(Role::Running);
    for ((executor, values), y) in facts
        .executors
        .iter()
        .zip(&picture.busy)
        .zip(axis.plot.top()..axis.plot.bottom())
    {
        let is_chosen = place.is_some_and(|(id, host)| *id == executor.id && *host == executor.host);
        let role = if is_chosen { Role::Outlier } else { Role::Text };
        put(
            buf,
            names,
            names.x,
            y,
            &name(&executor.id, &executor.host),
            cx.style(role),
        );
        let line = Rect {
            y,
            height: 1,
            ..axis.plot
        };
        Sparkline {
            values,
            limit: None,
            marked: true,
            style,
            hot: style,
            glyphs: cx.glyphs,
        }
        .render(line, buf);
        if let Some(row) = chosen.filter(|_| is_chosen) {
            let (_, end) = axis.span(stage.tasks.launch_ms(row), stage.tasks.finish_ms(row));
            put_glyph(
                buf,
                axis.plot.x + end - 1,
                y,
                cx.glyphs.pick("◆", "X"),
                cx.style(Role::Outlier),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::sample::Sample;

    #[test]
    fn tasks_that_overlap_lie_in_different_lanes() {
        let application = Sample::cluster(2, 2)
            .stage("a", &[10, 20, 30, 40, 10, 10])
            .application();
        let stage = &application.stages[0];
        let lanes = Lanes::of(stage);
        assert_eq!(lanes.count(), 4, "as many lanes as slots");
        let tasks = &stage.tasks;
        for (a, b) in (0..6)
            .flat_map(|a| (a + 1..6).map(move |b| (a, b)))
            .filter(|(a, b)| lanes.lane[*a] == lanes.lane[*b])
        {
            let apart =
                tasks.finish_ms(a) <= Some(tasks.launch_ms(b)) || tasks.finish_ms(b) <= Some(tasks.launch_ms(a));
            assert!(apart && tasks.place_index(a) == tasks.place_index(b));
        }
    }
}
