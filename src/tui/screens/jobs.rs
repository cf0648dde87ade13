//! The jobs of an application with where in its time each ran. Enter shows a job's stages.

use std::borrow::Cow;

use ratatui::{buffer::Buffer, layout::Rect, widgets::Widget};

use crate::diagnosis::CallSite;
use crate::model::{Application, Job, JobStatus, Stage, StageStatus};
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::line;
use crate::tui::line::Piece;
use crate::tui::panel::{self, below, panel};
use crate::tui::screen::{Context, Place, Screen};
use crate::tui::screens::pieces::clock;
use crate::tui::table::{Column, Key, Rows, Table};
use crate::tui::theme::{Role, severity_mark};
use crate::tui::widgets::gantt::{Gantt, GanttRow};
use crate::units;

/// Cells of the strip that shows when a job ran.
const STRIP: usize = 16;

const COLUMNS: &[Column] = &[
    Column::number("Job", 5, 0),
    // Wide enough for the line, which tells more than the operation.
    Column::text("Name", 26, 0).growing().of_sites(),
    Column::text("Status", 11, 1),
    Column::text("Submitted", 9, 6),
    Column::number("Duration", 9, 0),
    Column::number("Stages", 8, 5),
    Column::number("Tasks", 9, 3),
    Column::number("Failed", 6, 4),
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
fn name<'a>(application: &Application, job: &'a Job) -> Cow<'a, str> {
    let described = job
        .description
        .as_deref()
        .filter(|text| !text.is_empty())
        .map(Cow::Borrowed);
    described.unwrap_or_else(|| CallSite::of_job(application, job).short().into())
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
            1 => name(self.cx.application(), job),
            2 => {
                let (text, role) = status(job, self.cx);
                return (text.into(), role);
            }
            3 => return clock(job.submission_ms, self.cx),
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
            1 => Key::Text(name(self.cx.application(), job)),
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

/// Rows of the failure's text at most.
const FAILURE: usize = 4;

/// Cells of the stages' names before their bars.
const LABEL: u16 = 38;

/// The list's room and that of the chosen job.
fn split(area: Rect, jobs: usize) -> [Rect; 2] {
    let wanted = u16::try_from(jobs + 2).unwrap_or(u16::MAX);
    let list = if area.height < 14 {
        area.height
    } else {
        wanted.clamp(4, area.height * 3 / 5)
    };
    panel::split(area, list)
}

impl Jobs {
    fn chosen<'a>(&self, cx: &Context<'a>) -> Option<&'a Job> {
        cx.application().jobs.get(self.table.selected()?)
    }

    /// Why the chosen job failed, then its stages as bars over its time.
    fn render_chosen(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let Some(job) = self.chosen(cx).filter(|_| area.height > 0) else {
            return;
        };
        let stages = stages_of(job, cx);
        let taken = job.duration_ms().map_or_else(|| "n/a".to_owned(), units::duration);
        let mut inside = panel(
            area,
            &format!("Job {}: {} ran", job.id, counted(stages.len())),
            &taken,
            buf,
            cx,
        );
        let lines = line::wrap(job.failure.as_deref().unwrap_or(""), usize::from(inside.width));
        for text in lines.iter().take(FAILURE) {
            line::put(buf, inside, inside.x, inside.y, text, cx.style(Role::Critical));
            inside = below(inside);
        }
        let ends = stages
            .iter()
            .filter_map(|stage| Some((stage.submission_ms?, end_of(stage, cx)?)));
        let Some((from, to)) = ends.reduce(|all, one| (all.0.min(one.0), all.1.max(one.1))) else {
            return;
        };
        let rows: Vec<GanttRow> = stages.iter().map(|stage| bar(stage, cx)).collect();
        let gantt = Gantt {
            rows: &rows,
            from: from as f64,
            to: to as f64,
            label_width: LABEL.min(inside.width / 2),
            text: cx.style(Role::Text),
            faint: cx.style(Role::Dim),
            glyphs: cx.glyphs,
        };
        gantt.render(inside, buf);
    }
}

fn counted(stages: usize) -> String {
    units::counted(stages as u64, "stage")
}

/// The stages of a job that ran, as they began.
fn stages_of<'a>(job: &Job, cx: &Context<'a>) -> Vec<&'a Stage> {
    let ran = cx.application().ran_stages().map(AsRef::as_ref);
    let mut stages: Vec<&Stage> = ran.filter(|stage| stage.jobs.contains(&job.id)).collect();
    stages.sort_by_key(|stage| stage.submission_ms);
    stages
}

fn end_of(stage: &Stage, cx: &Context<'_>) -> Option<i64> {
    stage.completion_ms.or(cx.application().last_ms)
}

fn bar(stage: &Stage, cx: &Context<'_>) -> GanttRow {
    let worst = cx
        .findings()
        .iter()
        .filter(|finding| finding.place.is_in(stage.key))
        .map(|found| found.severity)
        .max();
    let failed = stage.status == StageStatus::Failed;
    let mark = match (failed, worst) {
        (true, _) => Some((cx.glyphs.pick("✗", "x"), Role::Critical)),
        (false, worst) => worst.map(|severity| severity_mark(severity, cx.glyphs)),
    };
    let start = stage.submission_ms.unwrap_or(0);
    GanttRow {
        label: format!(
            "{:<6}{}",
            stage.key.to_string(),
            CallSite::of(cx.application(), stage).short()
        ),
        start: start as f64,
        end: end_of(stage, cx).unwrap_or(start) as f64,
        mark: mark.map(|(glyph, role)| (glyph, cx.style(role))),
        note: stage.duration_ms().map_or_else(String::new, units::duration),
        style: cx.style(if failed { Role::Critical } else { Role::Bar }),
    }
}

impl Screen for Jobs {
    fn title(&self, _: &Context<'_>) -> String {
        "Jobs".to_owned()
    }

    fn update(&mut self, action: Action, cx: &Context<'_>) -> Vec<Effect> {
        if self.table.update(action, &JobRows { cx }) || action != Action::Enter {
            return Vec::new();
        }
        let chosen = self.chosen(cx);
        chosen.map(|job| Effect::Go(Place::Job(job.id))).into_iter().collect()
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let rows = JobRows { cx };
        let [list, foot] = split(area, rows.count());
        let inside = panel(
            list,
            &format!("Jobs ({})", rows.count()),
            &self.table.summary(cx.glyphs),
            buf,
            cx,
        );
        self.table.render(inside, buf, &rows, cx);
        self.render_chosen(foot, buf, cx);
    }

    fn followers(&self, area: Rect, cx: &Context<'_>) -> Vec<Rect> {
        vec![split(area, cx.application().jobs.len())[1]]
    }

    fn fit(&mut self, area: Rect, cx: &Context<'_>) {
        self.table
            .fit(below(split(area, cx.application().jobs.len())[0]).height);
    }

    fn height(&self, _: u16, cx: &Context<'_>) -> usize {
        let list = 1 + self.table.height();
        let chosen = self.chosen(cx).map_or(0, |job| 1 + FAILURE + stages_of(job, cx).len());
        // The list has three fifths at most: each of both gets what it takes.
        (list + chosen).max((list * 5).div_ceil(3))
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
        let job = self.chosen(cx)?;
        let text = job
            .failure
            .clone()
            .unwrap_or_else(|| format!("Job {} {}", job.id, job.name));
        Some((if job.failure.is_some() { "failure" } else { "job" }.to_owned(), text))
    }
}
