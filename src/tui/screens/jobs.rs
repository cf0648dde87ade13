//! The jobs of an application with where in its time each ran. Enter shows a job's stages.

use std::borrow::Cow;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::diagnosis::CallSite;
use crate::model::{Job, JobStatus};
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::line::Piece;
use crate::tui::panel::{below, panel};
use crate::tui::screen::{Context, Place, Screen};
use crate::tui::table::{Column, Key, Rows, Table};
use crate::tui::theme::Role;
use crate::tui::{line, when};
use crate::units;

/// Cells of the strip that shows when a job ran.
const STRIP: usize = 16;

const COLUMNS: &[Column] = &[
    Column::number("Job", 5, 0),
    Column::text("Name", 18, 0).growing(),
    Column::text("Status", 11, 1),
    Column::text("Submitted", 9, 6),
    Column::number("Duration", 9, 0),
    Column::number("Stages", 11, 5),
    Column::number("Tasks", 11, 3),
    Column::number("Failed", 7, 4),
    Column::text("When it ran", STRIP as u16, 2),
];

/// The list.
#[derive(Debug)]
pub struct Jobs {
    table: Table,
}

impl Default for Jobs {
    /// All jobs, in order.
    fn default() -> Jobs {
        Jobs {
            table: Table::new(COLUMNS, Some((0, false))),
        }
    }
}

struct JobRows<'a> {
    cx: &'a Context<'a>,
}

impl JobRows<'_> {
    /// The application's time as a strip, the job's part of it filled.
    fn strip(&self, job: &Job) -> String {
        let application = self.cx.application();
        let glyphs = self.cx.glyphs;
        let (Some(start), Some(wall), Some(from)) = (application.start_ms, application.wall_ms(), job.submission_ms)
        else {
            return String::new();
        };
        let to = job
            .completion_ms
            .or(application.end_ms)
            .or(application.last_ms)
            .unwrap_or(from);
        let cell = |at: i64| {
            let share = at.saturating_sub(start) as f64 / wall.max(1) as f64;
            (share.clamp(0.0, 1.0) * STRIP as f64) as usize
        };
        let first = cell(from).min(STRIP - 1);
        let after = cell(to).clamp(first + 1, STRIP);
        let (quiet, busy) = (glyphs.pick("·", "."), glyphs.across(8));
        quiet.repeat(first) + &busy.repeat(after - first) + &quiet.repeat(STRIP - after)
    }
}

/// Its description, or the operation and the line of the user's code.
fn name(job: &Job) -> Cow<'_, str> {
    let described = job
        .description
        .as_deref()
        .filter(|text| !text.is_empty())
        .map(Cow::Borrowed);
    described.unwrap_or_else(|| CallSite::parse(&job.name).short().into())
}

fn status(job: &Job, cx: &Context<'_>) -> (String, Role) {
    let (mark, word, role) = match job.status {
        JobStatus::Succeeded => (cx.glyphs.pick("✓", "+"), "succeeded", Role::Good),
        JobStatus::Failed => (cx.glyphs.pick("✗", "x"), "failed", Role::Critical),
        JobStatus::Running => (cx.glyphs.pick("▶", ">"), "running", Role::Running),
        JobStatus::Unknown => ("?", "unknown", Role::Dim),
    };
    (format!("{mark} {word}"), role)
}

impl Rows for JobRows<'_> {
    fn count(&self) -> usize {
        self.cx.application().jobs.len()
    }

    fn id(&self, row: usize) -> String {
        self.cx.application().jobs[row].id.to_string()
    }

    fn cell(&self, row: usize, column: usize) -> Piece<'_> {
        let job = &self.cx.application().jobs[row];
        let text: Cow<'_, str> = match column {
            0 => job.id.to_string().into(),
            1 => name(job),
            2 => {
                let (text, role) = status(job, self.cx);
                return (text.into(), role);
            }
            3 => job
                .submission_ms
                .map_or("n/a".into(), |at| when::clock(at, self.cx.zone).into()),
            4 => job.duration_ms().map_or("n/a".into(), |ms| units::duration(ms).into()),
            5 => {
                let skipped = if job.skipped_stages > 0 {
                    format!(" ({})", job.skipped_stages)
                } else {
                    String::new()
                };
                format!("{}/{}{skipped}", job.completed_stages, job.stage_ids.len()).into()
            }
            6 => format!("{}/{}", job.completed_tasks, job.num_tasks).into(),
            7 if job.failed_tasks > 0 => return (job.failed_tasks.to_string().into(), Role::Critical),
            7 => return ("0".into(), Role::Dim),
            _ => return (self.strip(job).into(), Role::Bar),
        };
        (text, Role::Text)
    }

    fn key(&self, row: usize, column: usize) -> Key<'_> {
        let job = &self.cx.application().jobs[row];
        match column {
            0 => Key::Number(f64::from(job.id)),
            1 => Key::Text(name(job)),
            2 => Key::Text(job.status.name().into()),
            4 => Key::number(job.duration_ms()),
            5 => Key::Number(job.stage_ids.len() as f64),
            6 => Key::Number(f64::from(job.num_tasks)),
            7 => Key::Number(f64::from(job.failed_tasks)),
            _ => Key::time(job.submission_ms),
        }
    }

    fn search(&self, row: usize, into: &mut String) {
        let job = &self.cx.application().jobs[row];
        for part in [
            &job.name,
            job.description.as_deref().unwrap_or(""),
            job.job_group.as_deref().unwrap_or(""),
        ] {
            into.push_str(part);
            into.push(' ');
        }
        into.push_str(job.status.name());
    }
}

/// Rows for why the chosen job failed.
fn failure<'a>(screen: &Jobs, cx: &Context<'a>) -> Option<&'a str> {
    cx.application().jobs.get(screen.table.selected()?)?.failure.as_deref()
}

fn split(area: Rect, failed: bool) -> (Rect, Rect) {
    let foot = if failed && area.height > 12 { 4 } else { 0 };
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

impl Screen for Jobs {
    fn title(&self, _: &Context<'_>) -> String {
        "Jobs".to_owned()
    }

    fn update(&mut self, action: Action, cx: &Context<'_>) -> Vec<Effect> {
        if self.table.update(action, &JobRows { cx }) || action != Action::Enter {
            return Vec::new();
        }
        let chosen = self.table.selected().and_then(|row| cx.application().jobs.get(row));
        chosen.map(|job| Effect::Go(Place::Job(job.id))).into_iter().collect()
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let rows = JobRows { cx };
        let failed = failure(self, cx);
        let (list, foot) = split(area, failed.is_some());
        let inside = panel(
            list,
            &format!("Jobs ({})", rows.count()),
            &self.table.summary(cx.glyphs),
            buf,
            cx,
        );
        self.table.render(inside, buf, &rows, cx);
        if let Some(why) = failed.filter(|_| foot.height > 0) {
            let inside = panel(foot, "Why it failed", "", buf, cx);
            let lines = line::wrap(why, usize::from(inside.width));
            for (text, y) in lines.iter().zip(inside.top()..inside.bottom()) {
                line::put(buf, inside, inside.x, y, text, cx.style(Role::Critical));
            }
        }
    }

    fn fit(&mut self, area: Rect, cx: &Context<'_>) {
        let (list, _) = split(area, failure(self, cx).is_some());
        self.table.fit(below(list).height);
    }

    fn height(&self, _: u16, cx: &Context<'_>) -> usize {
        let foot = if failure(self, cx).is_some() { 12 } else { 0 };
        1 + self.table.height() + foot
    }

    fn actions(&self) -> &'static [Action] {
        &[
            Action::Enter,
            Action::Filter,
            Action::Sort,
            Action::NextFinding,
            Action::Export,
        ]
    }

    fn back(&mut self, cx: &Context<'_>) -> bool {
        self.table.back(&JobRows { cx })
    }

    fn typing(&self) -> bool {
        self.table.typing()
    }

    fn refresh(&mut self, cx: &Context<'_>) {
        self.table.refresh(&JobRows { cx });
    }

    fn copy(&self, cx: &Context<'_>) -> Option<(String, String)> {
        let job = cx.application().jobs.get(self.table.selected()?)?;
        let text = job
            .failure
            .clone()
            .unwrap_or_else(|| format!("Job {} {}", job.id, job.name));
        Some((if job.failure.is_some() { "failure" } else { "job" }.to_owned(), text))
    }
}
