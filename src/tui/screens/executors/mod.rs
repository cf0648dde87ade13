//! The executors: what each ran, how much of it went to GC, its heap over time against its limit, when and why it went.
//! Enter opens the stage in which it worked the longest.

mod timeline;

use std::borrow::Cow;
use std::sync::Arc;

use ratatui::{buffer::Buffer, layout::Rect};

use super::memory::Memory;
use crate::model::{Application, Executor, Stage, StageKey};
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::line::{self, Piece};
use crate::tui::panel::{self, below, panel};
use crate::tui::screen::{Context, Place, Screen};
use crate::tui::screens::pieces::{LIST, recorded};
use crate::tui::table::{Column, Key, Rows, Table};
use crate::tui::theme::Role;
use crate::tui::when;
use crate::tui::widgets::eighths;
use crate::tui::widgets::sparkline::over_time;
use crate::units;

/// Cells of a heap's line in the list.
const LINE: usize = 16;

/// From this share of its task time in GC on an executor is marked, as in Spark's own interface (`executorspage.js`).
const MUCH_GC: f64 = 0.1;

const COLUMNS: &[Column] = &[
    Column::text("Executor", 8, 0),
    Column::text("Host", 10, 1).growing(),
    Column::text("Status", 9, 2),
    Column::number("Cores", 5, 5),
    Column::number("Tasks", 7, 0),
    Column::number("Failed", 6, 3),
    Column::number("Task time", 9, 3),
    Column::number("GC", 6, 1),
    Column::number("Input", 9, 7),
    Column::number("Shuffle read", 12, 6),
    Column::number("Shuffle write", 13, 8),
    Column::text("Heap over time", LINE as u16, 2),
    Column::number("Peak/max", 9, 1),
];

/// The list.
#[derive(Debug)]
pub struct Executors {
    table: Table,
    /// Heaps by the executors' places in the application.
    memory: Vec<Option<Memory>>,
}

impl Default for Executors {
    /// All executors, those nearest their memory's limit first.
    fn default() -> Executors {
        Executors {
            table: Table::new(COLUMNS, Some((12, true))),
            memory: Vec::new(),
        }
    }
}

struct ExecutorRows<'a> {
    cx: &'a Context<'a>,
    memory: &'a [Option<Memory>],
}

impl ExecutorRows<'_> {
    fn gc_share(executor: &Executor) -> Option<f64> {
        // The driver's sums are not of tasks, unless it is the executor.
        let tasks = executor.total_tasks > 0 && executor.total_duration_ms > 0;
        tasks.then(|| executor.total_gc_ms as f64 / executor.total_duration_ms as f64)
    }

    /// The heap over the application's time, a character a moment.
    fn line(&self, row: usize) -> Option<String> {
        let memory = self.memory.get(row)?.as_ref()?;
        let application = self.cx.application();
        let from = application.start_ms?;
        let to = application.end_ms.or(application.last_ms)?;
        let top = memory.limit.map_or(memory.peak, |limit| limit.max(memory.peak)) as f64;
        let values = over_time(&memory.heap, from, to, LINE);
        Some(
            values
                .iter()
                .map(|value| self.cx.glyphs.up(eighths(value / top, 1)))
                .collect(),
        )
    }
}

fn status(executor: &Executor, cx: &Context<'_>) -> (String, Role) {
    let glyphs = cx.glyphs;
    match (executor.removed_ms, executor.excluded) {
        (Some(_), _) => (format!("{} dead", glyphs.pick("✗", "x")), Role::Warning),
        (None, true) => (format!("{} excluded", glyphs.pick("✗", "x")), Role::Warning),
        (None, false) if executor.is_driver() => ("driver".to_owned(), Role::Dim),
        (None, false) => (format!("{} active", glyphs.pick("✓", "+")), Role::Good),
    }
}

impl Rows for ExecutorRows<'_> {
    fn count(&self) -> usize {
        self.cx.application().executors.len()
    }

    fn id(&self, row: usize) -> String {
        self.cx.application().executors[row].id.to_string()
    }

    fn cell(&self, row: usize, column: usize) -> Piece<'_> {
        let executor = &self.cx.application().executors[row];
        let text: Cow<'_, str> = match column {
            0 => (&*executor.id).into(),
            1 => executor.host().into(),
            2 => {
                let (text, role) = status(executor, self.cx);
                return (text.into(), role);
            }
            3 => executor
                .total_cores
                .map_or("n/a".into(), |cores| cores.to_string().into()),
            4 => units::count(u64::from(executor.total_tasks)).into(),
            5 if executor.failed_tasks > 0 => return (executor.failed_tasks.to_string().into(), Role::Critical),
            5 => return ("0".into(), Role::Dim),
            // Spark has the application's time there for a driver that runs no task.
            6 if executor.is_driver() && executor.total_tasks == 0 => return ("n/a".into(), Role::Dim),
            6 => units::duration(executor.total_duration_ms).into(),
            7 => match Self::gc_share(executor) {
                Some(share) => {
                    let much = share >= MUCH_GC;
                    let mark = if much { "!" } else { "" };
                    let role = if much { Role::Gc } else { Role::Text };
                    return (format!("{}{mark}", units::percent(share)).into(), role);
                }
                None => return ("n/a".into(), Role::Dim),
            },
            8 => return recorded(Some(executor.total_input_bytes), units::bytes),
            9 => return recorded(Some(executor.total_shuffle_read), units::bytes),
            10 => return recorded(Some(executor.total_shuffle_write), units::bytes),
            11 => return (self.line(row).map_or("not recorded".into(), Cow::Owned), Role::Running),
            _ => match self.memory.get(row).and_then(Option::as_ref) {
                Some(memory) => memory.share().map_or(units::bytes(memory.peak), units::percent).into(),
                None => return ("n/a".into(), Role::Dim),
            },
        };
        (text, Role::Text)
    }

    fn key(&self, row: usize, column: usize) -> Key<'_> {
        let executor = &self.cx.application().executors[row];
        match column {
            // Ids are numbers, but for the driver's.
            0 => executor
                .id
                .parse::<u64>()
                .map_or(Key::Text((&*executor.id).into()), |id| Key::Number(id as f64)),
            1 => Key::Text(executor.host().into()),
            2 => Key::Text(status(executor, self.cx).0.into()),
            3 => Key::number(executor.total_cores.map(u64::from)),
            4 => Key::Number(f64::from(executor.total_tasks)),
            5 => Key::Number(f64::from(executor.failed_tasks)),
            6 => Key::Number(executor.total_duration_ms as f64),
            7 => Self::gc_share(executor).map_or(Key::Absent, Key::Number),
            8 => Key::Number(executor.total_input_bytes as f64),
            9 => Key::Number(executor.total_shuffle_read as f64),
            10 => Key::Number(executor.total_shuffle_write as f64),
            _ => {
                let memory = self.memory.get(row).and_then(Option::as_ref);
                memory.map_or(Key::Absent, |memory| {
                    Key::Number(memory.share().unwrap_or(memory.peak as f64))
                })
            }
        }
    }

    fn search(&self, row: usize, into: &mut String) {
        let executor = &self.cx.application().executors[row];
        for part in [
            &*executor.id,
            executor.host(),
            executor.remove_reason.as_deref().unwrap_or(""),
        ] {
            into.push_str(part);
            into.push(' ');
        }
    }
}

/// When an executor came and went, and why.
fn story(executor: &Executor, cx: &Context<'_>) -> String {
    let at = |moment: Option<i64>| moment.map_or("at a time not recorded".to_owned(), |at| when::clock(at, cx.zone));
    let mut text = format!("added {}", at(executor.added_ms));
    if executor.removed_ms.is_some() || executor.remove_reason.is_some() {
        let why = executor.remove_reason.as_deref().unwrap_or("no reason recorded");
        text.push_str(&format!(", removed {}: {why}", at(executor.removed_ms)));
    }
    if executor.resource_profile > 0 {
        text.push_str(&format!(", resource profile {}", executor.resource_profile));
    }
    let excluded = cx.application().stages.iter();
    let excluded = excluded.filter(|stage| stage.excluded_executors.contains(&executor.id));
    let stages: Vec<String> = excluded.map(|stage| stage.key.to_string()).collect();
    if !stages.is_empty() {
        text.push_str(&format!(", excluded for stage {}", stages.join(", ")));
    }
    text
}

/// Rows below the list for the chosen executor: head line, its story, its heap.
const CHOSEN: u16 = 5;

/// The same at most: what stands there changes with every move of the cursor, and each row of it has to be sent.
const TALLEST: u16 = 6;

/// Rows of the time line: head line, how many there were, when one came or went.
const TIMELINE: u16 = 3;

/// The list of so many rows, the chosen executor, the time line. Rows that the list leaves go to the chosen one's heap.
fn split(area: Rect, rows: usize) -> [Rect; 3] {
    let least = if area.height >= 14 { CHOSEN } else { 0 };
    let timeline = if area.height >= 18 { TIMELINE } else { 0 };
    let most = area.height - least - timeline;
    let wanted = u16::try_from(rows + 2).unwrap_or(u16::MAX).min(most);
    let foot = if least == 0 {
        0
    } else {
        (area.height - timeline - wanted).min(TALLEST)
    };
    // What belongs to a list stands right below it, however much room is left.
    let [list, rest] = panel::split(area, wanted);
    let [foot, rest] = panel::split(rest, foot);
    [list, foot, panel::split(rest, timeline)[0]]
}

/// A line of times below the plot, where there is room for it.
fn plot_and_axis(area: Rect) -> [Rect; 2] {
    panel::split(area, area.height - u16::from(area.height > 2))
}

/// The stage in which an executor's tasks took the longest.
fn busiest_stage(id: &str, application: &Application) -> Option<StageKey> {
    let time = |stage: &&Arc<Stage>| {
        let tasks = &stage.tasks;
        let place = tasks.places().iter().position(|(executor, _)| **executor == *id)?;
        let own = (0..tasks.len()).filter(|row| tasks.place_index(*row) == place);
        Some(
            own.filter_map(|row| tasks.duration_ms(row))
                .fold(0, u64::saturating_add),
        )
    };
    let ran = application.stages.iter().filter(|stage| time(stage).is_some());
    ran.max_by_key(time).map(|stage| stage.key)
}

impl Executors {
    /// All executors, with one chosen.
    pub fn at(id: &str, cx: &Context<'_>) -> Executors {
        let mut screen = Executors::default();
        screen.refresh(cx);
        let Executors { table, memory } = &mut screen;
        table.select(id, &ExecutorRows { cx, memory });
        screen
    }

    fn chosen<'a>(&self, cx: &Context<'a>) -> Option<(&'a Executor, Option<&Memory>)> {
        let row = self.table.selected()?;
        Some((
            cx.application().executors.get(row)?,
            self.memory.get(row).and_then(Option::as_ref),
        ))
    }

    fn render_chosen(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let Some((executor, memory)) = self.chosen(cx).filter(|_| area.height > 0) else {
            return;
        };
        let title = format!("Executor {} on {}", executor.id, executor.host());
        let inside = panel(area, &title, "heap used / max", buf, cx);
        let width = usize::from(inside.width);
        let lines = line::wrap(&story(executor, cx), width);
        let told = lines.len().min(usize::from(inside.height.saturating_sub(1)));
        for (text, y) in lines.iter().take(told).zip(inside.top()..inside.bottom()) {
            line::put(buf, inside, inside.x, y, text, cx.style(Role::Text));
        }
        let told = u16::try_from(told).unwrap_or(0);
        let rest = Rect {
            y: inside.y + told,
            height: inside.height - told,
            ..inside
        };
        let application = cx.application();
        let span = application.start_ms.zip(application.end_ms.or(application.last_ms));
        match (memory, span) {
            (Some(memory), Some((from, to))) => {
                let [plot, axis] = plot_and_axis(rest);
                memory.draw_tall(from, to, plot, buf, cx);
                // The line ends where the numbers begin.
                let line = Rect {
                    width: axis.width.saturating_sub(memory.text(width).chars().count() as u16 + 1),
                    ..axis
                };
                line::put(
                    buf,
                    line,
                    line.x,
                    line.y,
                    &when::clock(from, cx.zone),
                    cx.style(Role::Dim),
                );
                line::put_right(buf, line, line.y, &when::clock(to, cx.zone), cx.style(Role::Dim));
            }
            _ => drop(line::put(
                buf,
                rest,
                rest.x,
                rest.y,
                "heap: not recorded",
                cx.style(Role::Dim),
            )),
        }
    }
}

impl Screen for Executors {
    fn title(&self, _: &Context<'_>) -> String {
        "Executors".to_owned()
    }

    fn update(&mut self, action: Action, cx: &Context<'_>) -> Vec<Effect> {
        let rows = ExecutorRows {
            cx,
            memory: &self.memory,
        };
        if self.table.update(action, &rows) || action != Action::Enter {
            return Vec::new();
        }
        let Some((executor, _)) = self.chosen(cx) else {
            return Vec::new();
        };
        match busiest_stage(&executor.id, cx.application()) {
            Some(key) => vec![Effect::Go(Place::Stage(key))],
            None => vec![Effect::Say("no task of it is known".to_owned())],
        }
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let rows = ExecutorRows {
            cx,
            memory: &self.memory,
        };
        let [list, foot, timeline] = split(area.intersection(buf.area), self.table.len().max(1));
        let title = format!("Executors ({})", units::count(rows.count() as u64));
        let inside = panel(list, &title, &self.table.summary(cx.glyphs), buf, cx);
        self.table.render(inside, buf, &rows, cx);
        self.render_chosen(foot, buf, cx);
        timeline::render(timeline, buf, cx);
    }

    fn followers(&self, area: Rect, _: &Context<'_>) -> Vec<Rect> {
        vec![split(area, self.table.len().max(1))[1]]
    }

    fn fit(&mut self, area: Rect, _: &Context<'_>) {
        self.table.fit(below(split(area, self.table.len().max(1))[0]).height);
    }

    fn height(&self, _: u16, _: &Context<'_>) -> usize {
        (1 + self.table.height() + usize::from(CHOSEN + TIMELINE)).max(18)
    }

    fn actions(&self) -> &'static [Action] {
        LIST
    }

    fn back(&mut self, cx: &Context<'_>) -> bool {
        self.table.back(&ExecutorRows {
            cx,
            memory: &self.memory,
        })
    }

    fn typing(&self) -> bool {
        self.table.typing()
    }

    fn refresh(&mut self, cx: &Context<'_>) {
        let application = cx.application();
        self.memory = application
            .executors
            .iter()
            .map(|executor| Memory::of(executor, application))
            .collect();
        self.table.refresh(&ExecutorRows {
            cx,
            memory: &self.memory,
        });
    }

    fn copy(&self, cx: &Context<'_>) -> Option<(String, String)> {
        let (executor, _) = self.chosen(cx)?;
        Some((
            "executor".to_owned(),
            format!(
                "executor {} on {}, {}",
                executor.id,
                executor.host(),
                story(executor, cx)
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::screens::sample;
    use crate::tui::testing::World;

    /// The sample with so many executors, every third lost on the way.
    fn world(count: usize) -> World {
        let mut application = sample::application();
        let (start, end) = (application.start_ms.unwrap(), application.end_ms.unwrap());
        let one = application.executors[1].clone();
        application.executors.extend((0..count).map(|at| Executor {
            id: format!("{}", at + 100).into(),
            host_port: format!("host-{at}.example.org:7337"),
            added_ms: Some(start + (end - start) * at as i64 / count as i64 / 2),
            removed_ms: (at % 3 == 0).then_some(start + (end - start) * 3 / 4),
            remove_reason: (at % 3 == 0).then(|| "Container killed by YARN for exceeding memory limits".into()),
            total_gc_ms: 300,
            total_duration_ms: 1_000,
            total_tasks: 4,
            ..one.clone()
        }));
        World::new(application, Vec::new())
    }

    #[test]
    fn who_came_and_went_as_pictures() {
        for (width, height) in [(80, 20), (140, 30)] {
            let text = world(30).drawn(&mut Executors::default(), width, height);
            insta::assert_snapshot!(format!("executors_{width}"), text);
        }
    }

    #[test]
    fn three_thousand_are_sorted_drawn_and_scrolled() {
        let world = world(3_000);
        let mut screen = Executors::default();
        world.drawn(&mut screen, 80, 24);
        screen.update(Action::Last, &world.cx());
        let text = world.drawn(&mut screen, 140, 45);
        assert!(text.contains("Executors (3,00"), "{text}");
        assert!(text.contains("1,000 removed") && text.contains("30%!"), "{text}");
    }

    #[test]
    fn enter_opens_where_an_executor_worked_longest() {
        let world = world(3);
        let mut screen = Executors::at("1", &world.cx());
        assert_eq!(
            screen.update(Action::Enter, &world.cx()),
            [Effect::Go(Place::Stage(sample::SKEWED))]
        );
        let mut idle = Executors::at("100", &world.cx());
        assert!(matches!(idle.update(Action::Enter, &world.cx())[..], [Effect::Say(_)]));
    }

    #[test]
    fn it_draws_at_every_size() {
        world(30).drawn_at_all_sizes(&mut Executors::default());
    }
}
