//! The SQL executions of an application; below them why the chosen one failed, or where its time went. Enter opens its plan.

use std::borrow::Cow;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::diagnosis::{CallSite, Severity};
use crate::model::{SqlExecution, SqlStatus, Stage, TaskMetric};
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::line::{self, Align, Piece};
use crate::tui::panel::{below, list_and_chosen, panel};
use crate::tui::screen::{Context, Place, Screen};
use crate::tui::screens::pieces::{LIST, clock, known, nothing};
use crate::tui::table::{Column, Key, Rows, Table};
use crate::tui::theme::{Role, severity_mark};
use crate::tui::widgets::bar;
use crate::units;

const COLUMNS: &[Column] = &[
    Column::text("", 1, 0),
    Column::number("SQL", 5, 0),
    Column::text("Description", 28, 0).growing().of_sites(),
    Column::text("Status", 11, 1),
    Column::text("Submitted", 9, 5),
    Column::number("Duration", 9, 0),
    Column::number("Task time", 9, 2),
    Column::text("Jobs", 10, 3),
    Column::number("Stages", 6, 4),
];

/// Lines of an error below the list.
const ERROR: usize = 6;

/// Rows below the list for the chosen execution, with their title.
const CHOSEN: u16 = 8;

/// The list.
#[derive(Debug)]
pub struct SqlScreen {
    table: Table,
    /// Of each execution: its stages that ran and the time of their tasks, ms.
    ran: Vec<Ran>,
}

/// What an execution ran.
#[derive(Clone, Copy, Debug, Default)]
struct Ran {
    stages: usize,
    task_ms: Option<u64>,
    worst: Option<Severity>,
}

impl Default for SqlScreen {
    /// All executions, the longest first.
    fn default() -> SqlScreen {
        SqlScreen {
            table: Table::new(COLUMNS, Some((5, true))),
            ran: Vec::new(),
        }
    }
}

/// An execution's status in a word, with the glyph that tells it without colour.
pub fn sql_status(status: SqlStatus, cx: &Context<'_>) -> (String, Role) {
    let (mark, word, role) = match status {
        SqlStatus::Completed => (cx.glyphs.pick("✓", "+"), "completed", Role::Good),
        SqlStatus::Failed => (cx.glyphs.pick("✗", "x"), "failed", Role::Critical),
        SqlStatus::Running => (cx.glyphs.pick("▶", ">"), "running", Role::Running),
    };
    (format!("{mark} {word}"), role)
}

struct SqlRows<'a> {
    ran: &'a [Ran],
    cx: &'a Context<'a>,
}

/// `0, 1, 2`, or `0-17` where they follow each other.
fn jobs(execution: &SqlExecution) -> String {
    match execution.jobs.as_slice() {
        [first, .., last] if execution.jobs.is_sorted() && (last - first) as usize + 1 == execution.jobs.len() => {
            format!("{first}-{last}")
        }
        jobs => jobs.iter().map(u32::to_string).collect::<Vec<_>>().join(","),
    }
}

impl Rows for SqlRows<'_> {
    fn count(&self) -> usize {
        self.cx.application().sql.len()
    }

    fn id(&self, row: usize) -> String {
        self.cx.application().sql[row].id.to_string()
    }

    fn cell(&self, row: usize, column: usize) -> Piece<'_> {
        let execution = &self.cx.application().sql[row];
        let ran = self.ran.get(row).copied().unwrap_or_default();
        let text: Cow<'_, str> = match column {
            0 => match (ran.worst, execution.status) {
                (Some(severity), _) => {
                    let (mark, role) = severity_mark(severity, self.cx.glyphs);
                    return (mark.into(), role);
                }
                (None, SqlStatus::Failed) => return (self.cx.glyphs.pick("✗", "x").into(), Role::Critical),
                (None, _) => "".into(),
            },
            1 => execution.id.to_string().into(),
            2 => described(execution).into(),
            3 => {
                let (text, role) = sql_status(execution.status, self.cx);
                return (text.into(), role);
            }
            4 => return clock(execution.submission_ms, self.cx),
            5 => return known(execution.duration_ms(), units::duration),
            6 => return known(ran.task_ms, units::duration),
            7 => return (jobs(execution).into(), Role::Dim),
            _ => ran.stages.to_string().into(),
        };
        (text, Role::Text)
    }

    fn key(&self, row: usize, column: usize) -> Key<'_> {
        let execution = &self.cx.application().sql[row];
        let ran = self.ran.get(row).copied().unwrap_or_default();
        match column {
            0 => ran
                .worst
                .map_or(Key::Absent, |worst| Key::Number(-f64::from(worst as u8))),
            1 => Key::Number(execution.id as f64),
            2 => Key::Text(described(execution).into()),
            3 => Key::Text(execution.status.name().into()),
            4 => Key::time(execution.submission_ms),
            5 => Key::number(execution.duration_ms()),
            6 => Key::number(ran.task_ms),
            7 => Key::number(execution.jobs.first().map(|job| u64::from(*job))),
            _ => Key::Number(ran.stages as f64),
        }
    }

    fn search(&self, row: usize, into: &mut String) {
        let execution = &self.cx.application().sql[row];
        into.push_str(&execution.id.to_string());
        for part in [
            execution.description.as_str(),
            execution.status.name(),
            execution.error.as_deref().unwrap_or_default(),
        ] {
            into.push(' ');
            into.push_str(part);
        }
    }
}

/// The operation and the line of the user's code; a description that the user gave stays as it is.
fn described(execution: &SqlExecution) -> String {
    let first = execution.description.lines().next().unwrap_or_default();
    let line = first.rsplit_once(" at ").and_then(|(_, site)| site.rsplit_once(':'));
    match line {
        Some((_, line)) if !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit()) => {
            CallSite::parse(first).short()
        }
        _ => first.to_owned(),
    }
}

fn task_ms(stage: &Stage) -> Option<u64> {
    stage.totals.get(TaskMetric::ExecutorRunTime)
}

impl SqlScreen {
    fn chosen<'a>(&self, cx: &Context<'a>) -> Option<&'a SqlExecution> {
        cx.application().sql.get(self.table.selected()?)
    }

    fn split(&self, area: Rect) -> [Rect; 2] {
        list_and_chosen(area, self.table.height(), CHOSEN)
    }

    /// Why it failed, then its stages by the time of their tasks.
    fn render_chosen(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let Some(execution) = self.chosen(cx).filter(|_| area.height > 0) else {
            return;
        };
        let mut inside = panel(
            area,
            &format!("SQL {}: stages by task time", execution.id),
            "Enter: the plan",
            buf,
            cx,
        );
        let error = line::wrap(
            execution.error.as_deref().unwrap_or_default(),
            usize::from(inside.width),
        );
        for text in error.iter().take(ERROR) {
            line::put(buf, inside, inside.x, inside.y, text, cx.style(Role::Critical));
            inside = below(inside);
        }
        let ran = cx.application().ran_stages().map(AsRef::as_ref);
        let mut stages: Vec<&Stage> = ran.filter(|stage| stage.sql == Some(execution.id)).collect();
        stages.sort_by_key(|stage| std::cmp::Reverse(task_ms(stage)));
        if stages.is_empty() {
            let none = "no stage ran for it";
            line::put(buf, inside, inside.x, inside.y, none, cx.style(Role::Dim));
        }
        let all: u64 = stages
            .iter()
            .filter_map(|stage| task_ms(stage))
            .fold(0, u64::saturating_add);
        let bar_cells = usize::from(inside.width / 4).min(30);
        for (stage, y) in stages.iter().zip(inside.top()..inside.bottom()) {
            let took = task_ms(stage);
            let share = took.map_or(0.0, |took| took as f64 / all.max(1) as f64);
            let text = took.map_or("n/a".to_owned(), |took| {
                format!("{} {}", units::duration(took), units::percent(share))
            });
            let name = CallSite::of(cx.application(), stage).short();
            let room = usize::from(inside.width).saturating_sub(bar_cells + 26);
            let name = line::pad(&name, room, Align::Left);
            let mut x = line::put(
                buf,
                inside,
                inside.x,
                y,
                &format!("{:>6}  {name}", stage.key.to_string()),
                cx.style(Role::Text),
            );
            x = line::put(
                buf,
                inside,
                x,
                y,
                &line::pad(&text, 16, Align::Right),
                cx.style(Role::Text),
            );
            let bar = bar::across(share, bar_cells, cx.glyphs);
            line::put(buf, inside, x.saturating_add(2), y, &bar, cx.style(Role::Compute));
        }
    }
}

impl Screen for SqlScreen {
    fn title(&self, _: &Context<'_>) -> String {
        "SQL".to_owned()
    }

    fn update(&mut self, action: Action, cx: &Context<'_>) -> Vec<Effect> {
        let rows = SqlRows { ran: &self.ran, cx };
        if self.table.update(action, &rows) || action != Action::Enter {
            return Vec::new();
        }
        let chosen = self.chosen(cx).map(|execution| Effect::Go(Place::Sql(execution.id)));
        chosen.into_iter().collect()
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let rows = SqlRows { ran: &self.ran, cx };
        let [list, foot] = self.split(area);
        let title = format!("SQL executions ({})", rows.count());
        let inside = panel(list, &title, &self.table.summary(cx.glyphs), buf, cx);
        if rows.count() == 0 {
            let none = "no SQL executions: the application works with RDDs alone, or has not come to one yet";
            return nothing(none, inside, buf, cx);
        }
        self.table.render(inside, buf, &rows, cx);
        self.render_chosen(foot, buf, cx);
    }

    fn followers(&self, area: Rect, _: &Context<'_>) -> Vec<Rect> {
        vec![self.split(area)[1]]
    }

    fn fit(&mut self, area: Rect, _: &Context<'_>) {
        self.table.fit(below(self.split(area)[0]).height);
    }

    fn height(&self, _: u16, _: &Context<'_>) -> usize {
        (1 + self.table.height() + usize::from(CHOSEN)).max(14)
    }

    fn actions(&self) -> &'static [Action] {
        LIST
    }

    fn back(&mut self, cx: &Context<'_>) -> bool {
        self.table.back(&SqlRows { ran: &self.ran, cx })
    }

    fn typing(&self) -> bool {
        self.table.typing()
    }

    fn refresh(&mut self, cx: &Context<'_>) {
        let application = cx.application();
        self.ran = vec![Ran::default(); application.sql.len()];
        let place = |id: u64| application.sql.binary_search_by_key(&id, |execution| execution.id).ok();
        for stage in application.ran_stages() {
            let Some(ran) = stage.sql.and_then(place).and_then(|at| self.ran.get_mut(at)) else {
                continue;
            };
            ran.stages += 1;
            if let Some(ms) = task_ms(stage) {
                ran.task_ms = Some(ran.task_ms.unwrap_or(0).saturating_add(ms));
            }
        }
        for finding in cx.findings() {
            if let Some(ran) = finding.place.sql.and_then(place).and_then(|at| self.ran.get_mut(at)) {
                ran.worst = ran.worst.max(Some(finding.severity));
            }
        }
        self.table.refresh(&SqlRows { ran: &self.ran, cx });
    }

    fn copy(&self, cx: &Context<'_>) -> Option<(String, String)> {
        let execution = self.chosen(cx)?;
        match &execution.error {
            Some(error) => Some(("error message".to_owned(), error.clone())),
            None => Some((
                "SQL execution".to_owned(),
                format!("SQL {} {}", execution.id, execution.description),
            )),
        }
    }
}
