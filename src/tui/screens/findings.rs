//! Everything that was found: the list, and of the chosen one the evidence, the cause, what to change and what that gives back.
//! Enter goes to where it shows: a stage, a SQL execution, an executor, a job.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::diagnosis::{Advice, Finding, Severity};
use crate::report::phrases;
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::line::{self, Align, Piece};
use crate::tui::panel::{self, below, panel};
use crate::tui::screen::{Context, Place, Screen};
use crate::tui::screens::pieces::gives_back;
use crate::tui::table::{Column, Key, Rows, Table};
use crate::tui::theme::{Role, severity_mark};

const COLUMNS: &[Column] = &[
    Column::text("Severity", 10, 0),
    Column::text("Finding", 24, 0).growing(),
    Column::number("Gives back", 11, 0),
];

/// From this width on the chosen finding stands beside a long list, else below it.
const WIDE: u16 = 120;

/// Cells of a line that are read well.
const READABLE: u16 = 110;

/// The list and the chosen finding.
#[derive(Debug)]
pub struct Findings {
    table: Table,
    /// First line shown of the chosen finding.
    top: usize,
    fits: usize,
    /// Lines of the chosen finding.
    lines: usize,
}

impl Default for Findings {
    /// All of them, in the order of the diagnosis.
    fn default() -> Findings {
        Findings {
            table: Table::new(COLUMNS, None),
            top: 0,
            fits: 1,
            lines: 0,
        }
    }
}

impl Findings {
    /// All of them, with one chosen.
    pub fn at(index: usize, cx: &Context<'_>) -> Findings {
        let mut screen = Findings::default();
        let rows = FindingRows { cx };
        screen.table.refresh(&rows);
        screen.table.select(&index.to_string(), &rows);
        screen
    }

    fn chosen<'a>(&self, cx: &Context<'a>) -> Option<&'a Finding> {
        cx.findings().get(self.table.selected()?)
    }
}

struct FindingRows<'a> {
    cx: &'a Context<'a>,
}

impl Rows for FindingRows<'_> {
    fn count(&self) -> usize {
        self.cx.findings().len()
    }

    fn id(&self, row: usize) -> String {
        row.to_string()
    }

    fn cell(&self, row: usize, column: usize) -> Piece<'_> {
        let finding = &self.cx.findings()[row];
        let (mark, role) = severity_mark(finding.severity, self.cx.glyphs);
        match column {
            0 => (format!("{mark} {}", finding.severity.name()).into(), role),
            1 => (finding.title.as_str().into(), Role::Text),
            _ => gives_back(finding),
        }
    }

    fn key(&self, row: usize, column: usize) -> Key<'_> {
        let finding = &self.cx.findings()[row];
        match column {
            0 => Key::Number(-f64::from(finding.severity as u8)),
            1 => Key::Text(finding.title.as_str().into()),
            _ => Key::number(finding.saving_ms),
        }
    }

    fn search(&self, row: usize, into: &mut String) {
        let finding = &self.cx.findings()[row];
        for part in [finding.rule, &finding.title, finding.severity.name()] {
            into.push_str(part);
            into.push(' ');
        }
    }
}

/// A finding in lines of at most `width` cells.
fn explained(finding: &Finding, wall_ms: Option<u64>, width: usize) -> Vec<(String, Role)> {
    let mut lines: Vec<(String, Role)> = Vec::new();
    let mut add = |indent: &str, text: &str, role: Role| {
        let room = width.saturating_sub(line::width(indent)).max(1);
        lines.extend(
            line::wrap(text, room)
                .into_iter()
                .map(|text| (format!("{indent}{text}"), role)),
        );
    };
    add("", &finding.title, Role::Title);
    add("", &phrases::place(&finding.place), Role::Dim);
    add(
        "",
        &match (finding.saving_ms, finding.severity) {
            (None, Severity::Critical) => finding.saving_note.clone(),
            (None, _) => format!("What it would give back is not known. {}", finding.saving_note),
            _ => format!("Would give back {}", phrases::saving(finding, wall_ms)),
        },
        Role::Text,
    );
    add("", "\nEvidence", Role::Header);
    for evidence in &finding.evidence {
        add("  ", &phrases::evidence(evidence), Role::Text);
    }
    add("", "\nCause", Role::Header);
    add("  ", &finding.cause, Role::Text);
    add("", "\nWhat to change (y copies it)", Role::Header);
    for (number, advice) in (1..).zip(&finding.advice) {
        add("  ", &format!("{number}. {}", advice.text), Role::Text);
        for pasted in pasted(advice) {
            add("     ", &pasted, Role::Key);
        }
    }
    lines
}

/// The settings and the code of an advice, a language a line or more.
fn pasted(advice: &Advice) -> Vec<String> {
    let mut lines: Vec<String> = advice
        .config
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let code = &advice.code;
    for (language, code) in [("Python", &code.python), ("Scala", &code.scala), ("SQL", &code.sql)] {
        for (at, text) in code.lines().enumerate() {
            let language = if at == 0 { language } else { "" };
            lines.push(format!("{}{text}", line::pad(language, 8, Align::Left)));
        }
    }
    lines
}

/// The advice as it is copied.
fn copied(finding: &Finding) -> String {
    let mut text = String::new();
    for advice in &finding.advice {
        text.push_str(&advice.text);
        text.push('\n');
        for line in pasted(advice) {
            text.push_str(&line);
            text.push('\n');
        }
    }
    text
}

/// The cells of a line in a width.
fn readable(width: u16) -> usize {
    usize::from(width.min(READABLE))
}

/// The list's room and that of the chosen finding.
fn split(area: Rect, rows: usize) -> [Rect; 2] {
    let wanted = u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(2);
    // A short list leaves the screen to the explanation, and its titles are not cut.
    let short = wanted <= area.height / 4;
    if area.width >= WIDE && !short {
        return panel::beside(area, area.width * 9 / 20);
    }
    panel::split(area, wanted.min(area.height / 3).max(3))
}

impl Screen for Findings {
    fn title(&self, _: &Context<'_>) -> String {
        "Findings".to_owned()
    }

    fn update(&mut self, action: Action, cx: &Context<'_>) -> Vec<Effect> {
        let rows = FindingRows { cx };
        let lowest = self.lines.saturating_sub(self.fits);
        match action {
            // The list is short and the explanation long: paging belongs to the latter.
            Action::PageDown => self.top = (self.top + self.fits.saturating_sub(1).max(1)).min(lowest),
            Action::PageUp => self.top = self.top.saturating_sub(self.fits.saturating_sub(1).max(1)),
            Action::Enter => {
                let place = self
                    .chosen(cx)
                    .and_then(|finding| Place::of_finding(finding, cx.application()));
                let nowhere = || Effect::Say("this finding is about the application as a whole".to_owned());
                return vec![place.map_or_else(nowhere, Effect::Go)];
            }
            Action::NextFinding | Action::PreviousFinding => {
                let step = if action == Action::NextFinding {
                    Action::Down
                } else {
                    Action::Up
                };
                self.table.update(step, &rows);
                self.top = 0;
            }
            action => {
                self.table.update(action, &rows);
                self.top = 0;
            }
        }
        Vec::new()
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let rows = FindingRows { cx };
        let [list, explanation] = split(area, rows.count());
        let title = format!("Findings ({})", rows.count());
        let inside = panel(list, &title, &self.table.summary(cx.glyphs), buf, cx);
        if rows.count() == 0 {
            let text = "Nothing found: no rule sees anything worth changing.";
            line::put(
                buf,
                inside,
                inside.x.saturating_add(2),
                inside.y,
                text,
                cx.style(Role::Good),
            );
            return;
        }
        self.table.render(inside, buf, &rows, cx);
        let Some(finding) = self.chosen(cx) else { return };
        let lines = explained(finding, cx.application().wall_ms(), readable(explanation.width));
        let room = usize::from(below(explanation).height);
        let top = self.top.min(lines.len().saturating_sub(room));
        let hidden = lines.len().saturating_sub(top + room);
        let more = match hidden {
            0 => String::new(),
            1 => "1 more line: PgDn".to_owned(),
            _ => format!("{hidden} more lines: PgDn"),
        };
        let inside = panel(explanation, finding.rule, &more, buf, cx);
        for ((text, role), y) in lines.iter().skip(top).zip(inside.top()..inside.bottom()) {
            line::put(buf, inside, inside.x, y, text, cx.style(*role));
        }
    }

    fn followers(&self, area: Rect, cx: &Context<'_>) -> Vec<Rect> {
        vec![split(area, cx.findings().len())[1]]
    }

    fn fit(&mut self, area: Rect, cx: &Context<'_>) {
        let [list, explanation] = split(area, cx.findings().len());
        self.table.fit(below(list).height);
        self.fits = usize::from(below(explanation).height).max(1);
        let width = readable(explanation.width);
        let lines = self
            .chosen(cx)
            .map(|finding| explained(finding, cx.application().wall_ms(), width).len());
        self.lines = lines.unwrap_or(0);
        self.top = self.top.min(self.lines.saturating_sub(self.fits));
    }

    fn height(&self, width: u16, cx: &Context<'_>) -> usize {
        let wall = cx.application().wall_ms();
        let lines = self
            .chosen(cx)
            .map_or(0, |finding| explained(finding, wall, readable(width)).len());
        // A third of the height is the list's, at most: both are shown whole when each has what it takes.
        (2 + self.table.len()) * 3 + 1 + lines
    }

    fn actions(&self) -> &'static [Action] {
        &[
            Action::Enter,
            Action::Copy,
            Action::PageDown,
            Action::Filter,
            Action::Export,
        ]
    }

    fn back(&mut self, cx: &Context<'_>) -> bool {
        self.table.back(&FindingRows { cx })
    }

    fn typing(&self) -> bool {
        self.table.typing()
    }

    fn refresh(&mut self, cx: &Context<'_>) {
        self.table.refresh(&FindingRows { cx });
    }

    fn walks_findings(&self) -> bool {
        true
    }

    fn copy(&self, cx: &Context<'_>) -> Option<(String, String)> {
        let finding = self.chosen(cx)?;
        Some(("advice".to_owned(), copied(finding)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Application, StageKey};
    use crate::tui::testing::{World, finding};

    const STAGE: StageKey = StageKey { id: 17, attempt: 0 };

    fn world() -> World {
        World::new(
            Application::default(),
            vec![finding("Skewed partition", Some(STAGE)), finding("Too few tasks", None)],
        )
    }

    #[test]
    fn the_chosen_one_is_explained_beside_or_below_the_list() {
        let world = world();
        for (width, height) in [(80, 24), (140, 45)] {
            let text = world.drawn(&mut Findings::default(), width, height);
            for said in [
                "● critical",
                "duration of task 42: 4m 51s against 4.2s (69× the median)",
                "One key holds most",
            ] {
                assert!(text.contains(said), "{said} at {width}x{height}\n{text}");
            }
        }
    }

    #[test]
    fn enter_goes_to_the_stage_and_n_to_the_next() {
        let world = world();
        let mut screen = Findings::default();
        world.drawn(&mut screen, 80, 24);
        assert_eq!(
            screen.update(Action::Enter, &world.cx()),
            [Effect::Go(Place::Stage(STAGE))]
        );
        screen.update(Action::NextFinding, &world.cx());
        assert!(
            world
                .drawn(&mut screen, 140, 45)
                .contains("▸ ● critical  Too few tasks")
        );
        assert!(matches!(
            screen.update(Action::Enter, &world.cx())[..],
            [Effect::Say(_)]
        ));
        assert!(
            Findings::at(1, &world.cx())
                .chosen(&world.cx())
                .is_some_and(|found| found.title == "Too few tasks")
        );
    }

    #[test]
    fn enter_goes_to_executions_executors_and_jobs_that_exist() {
        use crate::diagnosis::Place as At;
        use crate::model::{Executor, Job, SqlExecution};
        let application = Application {
            sql: vec![SqlExecution {
                id: 3,
                ..SqlExecution::default()
            }],
            executors: vec![Executor {
                id: "7".into(),
                ..Executor::default()
            }],
            jobs: vec![Job {
                id: 1,
                ..Job::default()
            }],
            ..Application::default()
        };
        let place = |place: At| {
            let found = Finding {
                place,
                ..finding("x", None)
            };
            Place::of_finding(&found, &application)
        };
        let both = At {
            sql: Some(3),
            executor: Some("7".into()),
            ..At::default()
        };
        assert_eq!(place(both), Some(Place::Sql(3)));
        let lost = At {
            sql: Some(9),
            executor: Some("7".into()),
            ..At::default()
        };
        assert_eq!(place(lost), Some(Place::Executor("7".into())));
        assert_eq!(
            place(At {
                jobs: vec![1],
                ..At::default()
            }),
            Some(Place::Job(1))
        );
        assert_eq!(
            place(At {
                jobs: vec![8],
                executor: Some("9".into()),
                ..At::default()
            }),
            None
        );
    }

    #[test]
    fn the_advice_is_copied_with_its_settings_and_code() {
        let world = world();
        let mut screen = Findings::default();
        world.drawn(&mut screen, 80, 24);
        let (_, text) = screen.copy(&world.cx()).unwrap();
        assert!(
            text.contains("spark.sql.adaptive.enabled=true\n") && text.contains("df.repartition(192)\n"),
            "{text}"
        );
    }

    #[test]
    fn it_draws_at_every_size() {
        world().drawn_at_all_sizes(&mut Findings::default());
        World::new(Application::default(), Vec::new()).drawn_at_all_sizes(&mut Findings::default());
    }
}
