//! The look at a stage's tasks over time: a lane a slot where there is room for all slots, else the busy slots of each
//! executor. Gaps and tails show.

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use crate::model::{Stage, TaskStatus, Unit};
use crate::tui::line::{cut, put, width};
use crate::tui::panel::panel;
use crate::tui::screen::Context;
use crate::tui::theme::Role;
use crate::tui::widgets::scale::{Scale, tick_label};
use crate::tui::widgets::sparkline::Sparkline;
use crate::units;

use super::facts::Facts;
use super::panels::line;

/// Columns of the lanes' names.
const NAME: u16 = 22;

/// Lanes of one executor at most; more cores than this would not be drawn one by one anyway.
const SLOTS: usize = 256;

/// The lane of every task: tasks of one executor that overlap lie in different ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lanes {
    /// By row of the task table.
    lane: Vec<u32>,
    /// By lane: the place that it belongs to, and its number there.
    places: Vec<(usize, u32)>,
}

impl Lanes {
    /// Puts every task into the first lane of its executor that is free at its launch.
    pub fn of(stage: &Stage) -> Lanes {
        let tasks = &stage.tasks;
        let mut rows: Vec<usize> = (0..tasks.len()).collect();
        rows.sort_by_key(|row| tasks.launch_ms(*row));
        // By place: its lanes, each with the time at which it is free again.
        let mut free: Vec<Vec<(u32, i64)>> = vec![Vec::new(); tasks.places().len()];
        let mut lanes = Lanes {
            lane: vec![0; tasks.len()],
            places: Vec::new(),
        };
        for row in rows {
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
        lanes
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
    let from = (0..tasks.len()).map(|row| tasks.launch_ms(row)).min().unwrap_or(0);
    let last = (0..tasks.len())
        .filter_map(|row| tasks.finish_ms(row))
        .max()
        .unwrap_or(from);
    let to = stage.completion_ms.unwrap_or(last).max(last);
    let plot = Rect {
        x: inner.x + NAME,
        width: inner.width - NAME,
        height: inner.height - 1,
        ..inner
    };
    let axis = Axis { plot, from, to };
    let drawn = if by_slot { lanes.count() } else { executors.min(rows) };
    axis.draw((plot.y + drawn as u16).min(inner.bottom() - 1), buf, cx);
    if by_slot {
        slots(stage, lanes, chosen, &axis, buf, cx);
    } else {
        busy(stage, facts, &axis, buf, cx);
    }
}

fn name(executor: &str, host: &str) -> String {
    cut(&format!("exec {executor:<3} {host}"), usize::from(NAME) - 1)
}

/// A lane a slot. Neighbouring tasks differ in pattern, failed ones and the chosen one in colour and mark.
fn slots(stage: &Stage, lanes: &Lanes, chosen: Option<usize>, axis: &Axis, buf: &mut Buffer, cx: &Context<'_>) {
    let tasks = &stage.tasks;
    // Lanes of one executor stand together, whichever came first.
    let mut order: Vec<usize> = (0..lanes.count()).collect();
    order.sort_by_key(|lane| lanes.places.get(*lane).copied());
    let mut line_of = vec![0_u16; lanes.count()];
    let names = Rect {
        x: axis.plot.x - NAME,
        width: NAME,
        ..axis.plot
    };
    for (line, lane) in order.iter().enumerate() {
        let y = axis.plot.y + line as u16;
        line_of[*lane] = y;
        if let Some((place, 0)) = lanes.places.get(*lane)
            && let Some((executor, host)) = tasks.places().get(*place)
        {
            put(buf, names, names.x, y, &name(executor, host), cx.style(Role::Text));
        }
    }
    let mut rows: Vec<usize> = (0..tasks.len()).collect();
    rows.sort_by_key(|row| tasks.launch_ms(*row));
    let mut odd = vec![false; lanes.count()];
    for row in rows {
        let Some(lane) = lanes.lane.get(row).map(|lane| *lane as usize) else {
            continue;
        };
        let (Some(y), Some(odd)) = (line_of.get(lane), odd.get_mut(lane)) else {
            continue;
        };
        *odd = !*odd;
        let (first, last) = (tasks.launch_ms(row), tasks.finish_ms(row).unwrap_or(axis.to));
        let (first, last) = (axis.column(first), axis.column(last));
        let role = match tasks.status(row) {
            _ if chosen == Some(row) => Role::Outlier,
            TaskStatus::Failed | TaskStatus::Killed => Role::Critical,
            TaskStatus::Running => Role::Running,
            _ => Role::Compute,
        };
        let fill = if *odd {
            cx.glyphs.pick("█", "#")
        } else {
            cx.glyphs.pick("▓", "=")
        };
        let end = last.max(first + 1);
        put(
            buf,
            axis.plot,
            axis.plot.x + first,
            *y,
            &fill.repeat(usize::from(end - first)),
            cx.style(role),
        );
        let mark = match tasks.status(row) {
            _ if chosen == Some(row) => Some(cx.glyphs.pick("◆", "X")),
            TaskStatus::Failed | TaskStatus::Killed => Some(cx.glyphs.pick("✗", "x")),
            _ => None,
        };
        if let Some(mark) = mark {
            put(buf, axis.plot, axis.plot.x + end - 1, *y, mark, cx.style(role));
        }
    }
}

/// The busy slots of each executor.
fn busy(stage: &Stage, facts: &Facts, axis: &Axis, buf: &mut Buffer, cx: &Context<'_>) {
    let tasks = &stage.tasks;
    let columns = usize::from(axis.plot.width);
    let shown = facts.executors.iter().take(usize::from(axis.plot.height));
    let places: Vec<Option<usize>> = shown
        .clone()
        .map(|executor| {
            tasks
                .places()
                .iter()
                .position(|(id, host)| *id == executor.id && *host == executor.host)
        })
        .collect();
    let line_of = |place: usize| places.iter().position(|known| *known == Some(place));
    let lines: Vec<Option<usize>> = (0..tasks.places().len()).map(line_of).collect();
    let mut changes = vec![vec![0.0; columns + 1]; places.len()];
    for row in 0..tasks.len() {
        let Some(change) = lines
            .get(tasks.place_index(row))
            .copied()
            .flatten()
            .and_then(|line| changes.get_mut(line))
        else {
            continue;
        };
        let first = usize::from(axis.column(tasks.launch_ms(row)));
        let last = usize::from(axis.column(tasks.finish_ms(row).unwrap_or(axis.to)))
            .max(first + 1)
            .min(columns);
        change[first.min(columns)] += 1.0;
        change[last] -= 1.0;
    }
    let names = Rect {
        x: axis.plot.x - NAME,
        width: NAME,
        ..axis.plot
    };
    for ((executor, change), y) in shown.zip(changes).zip(axis.plot.y..) {
        put(
            buf,
            names,
            names.x,
            y,
            &name(&executor.id, &executor.host),
            cx.style(Role::Text),
        );
        let mut level = 0.0;
        let values: Vec<f64> = change
            .iter()
            .take(columns)
            .map(|change| {
                level += change;
                level
            })
            .collect();
        let style = cx.style(Role::Running);
        let line = Rect {
            y,
            height: 1,
            ..axis.plot
        };
        Sparkline {
            values: &values,
            limit: None,
            marked: true,
            style,
            hot: style,
            glyphs: cx.glyphs,
        }
        .render(line, buf);
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
