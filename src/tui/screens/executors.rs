//! The executors: what each ran, how much of it went to GC, its heap over time against its limit, when and why it went.

use std::borrow::Cow;

use ratatui::{buffer::Buffer, layout::Rect};

use super::memory::Memory;
use crate::model::Executor;
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::line::{self, Piece};
use crate::tui::panel::{below, panel};
use crate::tui::screen::{Context, Screen};
use crate::tui::table::{Column, Key, Rows, Table};
use crate::tui::theme::Role;
use crate::tui::when;
use crate::tui::widgets::{eighths, sparkline::over_time};
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
        (Some(_), _) => (format!("{} gone", glyphs.pick("✗", "x")), Role::Warning),
        (None, true) => (format!("{} excluded", glyphs.pick("✗", "x")), Role::Warning),
        (None, false) if executor.is_driver() => ("driver".to_owned(), Role::Dim),
        (None, false) => (format!("{} there", glyphs.pick("✓", "+")), Role::Good),
    }
}

/// Bytes; nothing is said of a zero.
fn bytes(bytes: u64) -> Piece<'static> {
    if bytes == 0 {
        ("0".into(), Role::Dim)
    } else {
        (units::bytes(bytes).into(), Role::Text)
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
            6 => units::duration(executor.total_duration_ms).into(),
            7 => match Self::gc_share(executor) {
                Some(share) => {
                    let role = if share >= MUCH_GC { Role::Gc } else { Role::Text };
                    return (units::percent(share).into(), role);
                }
                None => return ("n/a".into(), Role::Dim),
            },
            8 => return bytes(executor.total_input_bytes),
            9 => return bytes(executor.total_shuffle_read),
            10 => return bytes(executor.total_shuffle_write),
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
    text
}

/// Rows below the list for the chosen executor: head line, its story, its heap.
const CHOSEN: u16 = 5;

fn split(area: Rect) -> (Rect, Rect) {
    let foot = if area.height >= 14 { CHOSEN } else { 0 };
    let list = area.height - foot;
    (
        Rect { height: list, ..area },
        Rect {
            y: area.y + list,
            height: foot,
            ..area
        },
    )
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
            (Some(memory), Some((from, to))) => memory.draw(from, to, rest, buf, cx),
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
        self.table.update(
            action,
            &ExecutorRows {
                cx,
                memory: &self.memory,
            },
        );
        Vec::new()
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let rows = ExecutorRows {
            cx,
            memory: &self.memory,
        };
        let (list, foot) = split(area);
        let title = format!("Executors ({})", rows.count());
        let inside = panel(list, &title, &self.table.summary(cx.glyphs), buf, cx);
        self.table.render(inside, buf, &rows, cx);
        self.render_chosen(foot, buf, cx);
    }

    fn fit(&mut self, area: Rect, _: &Context<'_>) {
        self.table.fit(below(split(area).0).height);
    }

    fn height(&self, _: u16, _: &Context<'_>) -> usize {
        (1 + self.table.height() + usize::from(CHOSEN)).max(14)
    }

    fn actions(&self) -> &'static [Action] {
        &[Action::Filter, Action::Sort, Action::Copy, Action::Export]
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
