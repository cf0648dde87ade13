//! The stages of an application, or of one job; the slowest first. Enter opens one.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::diagnosis::{CallSite, Severity};
use crate::model::{Stage, StageStatus, TaskMetric};
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::line::Piece;
use crate::tui::panel::{below, list_and_chosen, panel, split};
use crate::tui::screen::{Context, Place, Screen};
use crate::tui::screens::pieces::recorded;
use crate::tui::screens::stage::head;
use crate::tui::scroll::put_lines;
use crate::tui::table::{Column, Key, Rows, Table};
use crate::tui::theme::{Role, severity_mark};
use crate::tui::when;
use crate::units;

/// Rows of the panel of the chosen stage.
const CHOSEN: u16 = 6;

/// Findings that it names.
const FINDINGS: usize = 3;

const COLUMNS: &[Column] = &[
    Column::text("", 1, 0),
    Column::number("Stage", 6, 0),
    Column::text("Name", 28, 0).growing().of_sites(),
    Column::text("Status", 10, 3),
    Column::number("Duration", 9, 0),
    Column::number("Tasks", 11, 1),
    Column::number("Failed", 7, 4),
    Column::number("Read", 9, 1),
    Column::number("Shuffle write", 14, 5),
    Column::number("Spill", 9, 3),
    Column::number("GC", 5, 4),
    Column::number("Job", 5, 6),
];

/// Which stages are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Only {
    /// All of them.
    All,
    /// Those of a job.
    Job(u32),
    /// Those of a SQL execution.
    Sql(u64),
    /// Those with these ids: they ran a node of a plan.
    Node(Vec<u32>),
}

impl Only {
    fn has(&self, stage: &Stage) -> bool {
        match self {
            Only::All => true,
            Only::Job(job) => stage.jobs.contains(job),
            Only::Sql(sql) => stage.sql == Some(*sql),
            Only::Node(ids) => ids.contains(&stage.key.id),
        }
    }

    fn title(&self) -> String {
        match self {
            Only::All => "Stages".to_owned(),
            Only::Job(job) => format!("Stages of job {job}"),
            Only::Sql(sql) => format!("Stages of SQL {sql}"),
            Only::Node(_) => "Stages that ran it".to_owned(),
        }
    }
}

/// The list.
#[derive(Debug)]
pub struct Stages {
    only: Only,
    table: Table,
}

impl Default for Stages {
    /// All stages.
    fn default() -> Stages {
        Stages {
            only: Only::All,
            table: Table::new(COLUMNS, Some((4, true))),
        }
    }
}

impl Stages {
    /// The stages of one job.
    pub fn of_job(job: u32) -> Stages {
        Stages {
            only: Only::Job(job),
            ..Stages::default()
        }
    }

    /// The list and the panel of the chosen stage. A part of another screen, and an export, is the list alone.
    fn split(&self, area: Rect, cx: &Context<'_>) -> [Rect; 2] {
        match self.only {
            Only::All | Only::Job(_) if !cx.whole => list_and_chosen(area, self.table.height(), CHOSEN),
            _ => split(area, area.height),
        }
    }

    /// Shows other stages from the next refresh on.
    pub fn show(&mut self, only: Only) {
        self.only = only;
    }

    fn rows<'a>(&self, cx: &'a Context<'a>) -> StageRows<'a> {
        let belongs = |stage: &&Stage| self.only.has(stage);
        StageRows {
            cx,
            stages: cx
                .application()
                .stages
                .iter()
                .map(AsRef::as_ref)
                .filter(belongs)
                .collect(),
        }
    }
}

/// When it ran and for what, why it failed, what was found in it.
fn render_chosen(stage: &Stage, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let inside = panel(area, &format!("Stage {}", stage.key), "Enter: its tasks", buf, cx);
    let columns = inside.width.saturating_sub(4);
    let mut lines = vec![vec![(about(stage, cx), Role::Dim)]];
    if let Some(reason) = stage.failure_reason.as_deref().and_then(|reason| reason.lines().next()) {
        let mark = (cx.glyphs.pick("✗", "x"), Role::Critical);
        lines.extend(head::sentence(mark, reason, Role::Critical, columns));
    }
    let found = head::found(stage, FINDINGS, columns, cx);
    if found.is_empty() && !cx.partial {
        lines.push(vec![("nothing was found in it".to_owned(), Role::Dim)]);
    }
    lines.extend(found);
    let indented = Rect {
        x: inside.x.saturating_add(2),
        width: inside.width.saturating_sub(2),
        ..inside
    };
    put_lines(&lines, indented, buf, cx);
}

/// `submitted 09:35:00, first task after 14 ms, ended 09:35:18 · job 1 · SQL 1`.
fn about(stage: &Stage, cx: &Context<'_>) -> String {
    let after = |from: i64, to: i64| units::duration(u64::try_from(to.saturating_sub(from)).unwrap_or(0));
    let mut times = Vec::new();
    if let Some(at) = stage.submission_ms {
        times.push(format!("submitted {}", when::clock(at, cx.zone)));
        times.extend(
            stage
                .first_task_launched_ms
                .map(|first| format!("first task after {}", after(at, first))),
        );
    }
    times.extend(
        stage
            .completion_ms
            .map(|at| format!("ended {}", when::clock(at, cx.zone))),
    );
    let mut parts = vec![times.join(", ")];
    parts.extend(stage.jobs.iter().map(|job| format!("job {job}")));
    parts.extend(stage.sql.map(|sql| format!("SQL {sql}")));
    parts.retain(|part| !part.is_empty());
    parts.join(cx.glyphs.pick(" · ", " | "))
}

struct StageRows<'a> {
    cx: &'a Context<'a>,
    stages: Vec<&'a Stage>,
}

impl StageRows<'_> {
    /// The worst that was found in a stage.
    fn severity(&self, stage: &Stage) -> Option<Severity> {
        let here = self
            .cx
            .findings()
            .iter()
            .filter(|finding| finding.place.is_in(stage.key));
        here.map(|finding| finding.severity).max()
    }

    /// The operation and the line of the user's code.
    fn name(&self, stage: &Stage) -> String {
        CallSite::of(self.cx.application(), stage).short()
    }

    fn total(stage: &Stage, metric: TaskMetric) -> Option<u64> {
        stage.totals.get(metric)
    }

    fn gc_share(stage: &Stage) -> Option<f64> {
        let run = Self::total(stage, TaskMetric::ExecutorRunTime).filter(|run| *run > 0)?;
        Some(Self::total(stage, TaskMetric::JvmGcTime)? as f64 / run as f64)
    }
}

/// A stage's status in a word, with the glyph that tells it without colour.
pub fn stage_status(stage: &Stage, cx: &Context<'_>) -> (String, Role) {
    let (mark, word, role) = match stage.status {
        StageStatus::Complete => (cx.glyphs.pick("✓", "+"), "done", Role::Good),
        StageStatus::Failed => (cx.glyphs.pick("✗", "x"), "failed", Role::Critical),
        StageStatus::Active => (cx.glyphs.pick("▶", ">"), "active", Role::Running),
        StageStatus::Skipped => (cx.glyphs.pick("·", "."), "skipped", Role::Dim),
        StageStatus::Pending => (cx.glyphs.pick("·", "."), "pending", Role::Dim),
        StageStatus::Unknown => ("?", "unknown", Role::Dim),
    };
    (format!("{mark} {word}"), role)
}

impl Rows for StageRows<'_> {
    fn count(&self) -> usize {
        self.stages.len()
    }

    fn id(&self, row: usize) -> String {
        self.stages[row].key.to_string()
    }

    fn cell(&self, row: usize, column: usize) -> Piece<'_> {
        let stage = self.stages[row];
        let skipped = matches!(stage.status, StageStatus::Skipped | StageStatus::Pending);
        match column {
            0 => match (self.severity(stage), stage.status) {
                (Some(severity), _) => {
                    let (mark, role) = severity_mark(severity, self.cx.glyphs);
                    (mark.into(), role)
                }
                // The status column is not there on small screens.
                (None, StageStatus::Failed) => (self.cx.glyphs.pick("✗", "x").into(), Role::Critical),
                (None, StageStatus::Active) => (self.cx.glyphs.pick("▶", ">").into(), Role::Running),
                (None, _) => ("".into(), Role::Text),
            },
            1 => (stage.key.to_string().into(), Role::Text),
            2 if skipped => {
                let status = stage.status.name().to_lowercase();
                (format!("{} ({status})", self.name(stage)).into(), Role::Dim)
            }
            2 => (self.name(stage).into(), Role::Text),
            3 => {
                let (text, role) = stage_status(stage, self.cx);
                (text.into(), role)
            }
            5 if stage.complete_tasks == stage.num_tasks => {
                (units::count(u64::from(stage.num_tasks)).into(), Role::Text)
            }
            5 => (
                format!("{}/{}", stage.complete_tasks, stage.num_tasks).into(),
                Role::Text,
            ),
            11 => (
                stage.jobs.first().map_or(String::new(), u32::to_string).into(),
                Role::Dim,
            ),
            _ if skipped => ("".into(), Role::Dim),
            4 => match stage.duration_ms() {
                Some(ms) => (units::duration(ms).into(), Role::Text),
                None => ("n/a".into(), Role::Dim),
            },
            6 => {
                let (text, role) = recorded(Some(u64::from(stage.failed_tasks)), units::count);
                (text, if stage.failed_tasks > 0 { Role::Critical } else { role })
            }
            7 => recorded(stage.bytes_read(), units::bytes),
            8 => recorded(Self::total(stage, TaskMetric::ShuffleWriteBytes), units::bytes),
            9 => recorded(Self::total(stage, TaskMetric::DiskBytesSpilled), units::bytes),
            _ => match Self::gc_share(stage) {
                // Spark's own interface marks executors from a tenth on.
                Some(share) => (
                    units::percent(share).into(),
                    if share >= 0.1 { Role::Gc } else { Role::Dim },
                ),
                None => ("n/a".into(), Role::Dim),
            },
        }
    }

    fn key(&self, row: usize, column: usize) -> Key<'_> {
        let stage = self.stages[row];
        match column {
            0 => self
                .severity(stage)
                .map_or(Key::Absent, |severity| Key::Number(-f64::from(severity as u8))),
            1 => Key::Number(f64::from(stage.key.id) + f64::from(stage.key.attempt) / 1e6),
            2 => Key::Text(self.name(stage).into()),
            3 => Key::Text(stage.status.name().into()),
            4 => Key::number(stage.duration_ms()),
            5 => Key::Number(f64::from(stage.num_tasks)),
            6 => Key::Number(f64::from(stage.failed_tasks)),
            7 => Key::number(stage.bytes_read()),
            8 => Key::number(Self::total(stage, TaskMetric::ShuffleWriteBytes)),
            9 => Key::number(Self::total(stage, TaskMetric::DiskBytesSpilled)),
            10 => Self::gc_share(stage).map_or(Key::Absent, Key::Number),
            _ => stage
                .jobs
                .first()
                .map_or(Key::Absent, |job| Key::Number(f64::from(*job))),
        }
    }

    fn search(&self, row: usize, into: &mut String) {
        let stage = self.stages[row];
        into.push_str(&stage.key.to_string());
        for part in [
            &stage.name,
            stage.description.as_deref().unwrap_or(""),
            stage.status.name(),
        ] {
            into.push(' ');
            into.push_str(part);
        }
    }
}

impl Screen for Stages {
    fn title(&self, _: &Context<'_>) -> String {
        match self.only {
            Only::Job(job) => format!("Job {job}"),
            _ => "Stages".to_owned(),
        }
    }

    fn update(&mut self, action: Action, cx: &Context<'_>) -> Vec<Effect> {
        let rows = self.rows(cx);
        if self.table.update(action, &rows) || action != Action::Enter {
            return Vec::new();
        }
        let chosen = self.table.selected().and_then(|row| rows.stages.get(row));
        chosen
            .map(|stage| Effect::Go(Place::Stage(stage.key)))
            .into_iter()
            .collect()
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let rows = self.rows(cx);
        let [list, foot] = self.split(area, cx);
        let title = format!("{} ({})", self.only.title(), rows.count());
        let inside = panel(list, &title, &self.table.summary(cx.glyphs), buf, cx);
        self.table.render(inside, buf, &rows, cx);
        let chosen = self.table.selected().and_then(|row| rows.stages.get(row));
        if let Some(stage) = chosen.filter(|_| foot.height > 0) {
            render_chosen(stage, foot, buf, cx);
        }
    }

    fn followers(&self, area: Rect, cx: &Context<'_>) -> Vec<Rect> {
        vec![self.split(area, cx)[1]]
    }

    fn fit(&mut self, area: Rect, cx: &Context<'_>) {
        self.table.fit(below(self.split(area, cx)[0]).height);
    }

    fn height(&self, _: u16, _: &Context<'_>) -> usize {
        1 + self.table.height()
    }

    fn rows(&self) -> usize {
        self.table.len()
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
        let rows = self.rows(cx);
        self.table.back(&rows)
    }

    fn typing(&self) -> bool {
        self.table.typing()
    }

    fn refresh(&mut self, cx: &Context<'_>) {
        let rows = self.rows(cx);
        self.table.refresh(&rows);
    }

    fn copy(&self, cx: &Context<'_>) -> Option<(String, String)> {
        let stage = self
            .table
            .selected()
            .and_then(|row| self.rows(cx).stages.get(row).copied())?;
        Some(("stage name".to_owned(), format!("Stage {} {}", stage.key, stage.name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Application, StageKey};
    use crate::tui::testing::World;

    fn world() -> World {
        let stage = |id: u32, name: &str, duration: i64, status| Stage {
            key: StageKey { id, attempt: 0 },
            name: name.to_owned(),
            status,
            submission_ms: Some(1_000),
            completion_ms: Some(1_000 + duration),
            num_tasks: 200,
            complete_tasks: 200,
            jobs: vec![id / 2],
            ..Stage::default()
        };
        let application = Application::default()
            .with_stage(stage(0, "count at etl.py:12", 3_000, StageStatus::Complete))
            .with_stage(stage(1, "join at etl.py:88", 291_000, StageStatus::Failed))
            .with_stage(stage(2, "join at etl.py:90", 0, StageStatus::Skipped));
        World::new(application, Vec::new())
    }

    #[test]
    fn the_slowest_stage_is_first_and_enter_opens_it() {
        let world = world();
        let mut screen = Stages::default();
        let text = world.drawn(&mut screen, 80, 8);
        let first = text.lines().nth(2).unwrap();
        assert!(
            first.contains("✗") && first.contains("join at etl.py:88") && first.contains("4m 51s"),
            "{text}"
        );
        let asked = screen.update(Action::Enter, &world.cx());
        assert_eq!(asked, [Effect::Go(Place::Stage(StageKey { id: 1, attempt: 0 }))]);
    }

    #[test]
    fn the_chosen_stage_is_told_of_below_the_list() {
        let mut world = world();
        let mut failed = (*world.opened.application.stages[1]).clone();
        failed.failure_reason = Some("Job aborted due to stage failure\nat Etl.scala".into());
        failed.first_task_launched_ms = Some(1_250);
        world.opened.application = std::sync::Arc::new(world.opened.application.with_stage(failed));
        let mut screen = Stages::default();
        let text = world.drawn(&mut screen, 100, 20);
        for told in [
            "── Stage 1.0 ──",
            "submitted 00:00:01, first task after 250 ms, ended 00:04:52 · job 0",
            "✗ Job aborted due to stage failure",
            "nothing was found in it",
        ] {
            assert!(text.contains(told), "{told}: {text}");
        }
        screen.update(Action::Down, &world.cx());
        let text = world.drawn(&mut screen, 100, 20);
        assert!(text.contains("── Stage 0.0 ──") && !text.contains("aborted"), "{text}");
        // Where there is little room the list has it.
        assert!(!world.drawn(&mut screen, 100, 12).contains("── Stage 0"));
    }

    #[test]
    fn of_a_name_that_is_too_long_the_line_stays() {
        let mut world = world();
        let mut long = (*world.opened.application.stages[1]).clone();
        long.name = "aggregateByKey at daily_sales_report.py:1288".into();
        world.opened.application = std::sync::Arc::new(world.opened.application.with_stage(long));
        let text = world.drawn(&mut Stages::default(), 80, 8);
        assert!(text.contains(" daily_sales_report.py:1288 "), "{text}");
        let text = world.drawn(&mut Stages::default(), 180, 8);
        assert!(text.contains("aggregateByKey at daily_sales_report.py:1288"), "{text}");
    }

    #[test]
    fn a_job_shows_its_own_stages() {
        let world = world();
        let text = world.drawn(&mut Stages::of_job(1), 80, 8);
        assert!(
            text.contains("Stages of job 1 (1)") && !text.contains("etl.py:88"),
            "{text}"
        );
    }

    #[test]
    fn it_draws_at_every_size() {
        world().drawn_at_all_sizes(&mut Stages::default());
    }
}
