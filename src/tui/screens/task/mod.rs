//! One task attempt: where it ran and how it ended, and every metric beside those of its stage. The lines scroll; Enter
//! goes to its executor.

mod comparison;

use std::sync::Arc;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::diagnosis::CallSite;
use crate::model::{Stage, StageKey, TaskMeasure, TaskMetric, TaskTable};
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::line::{Align, cut, pad, wrap};
use crate::tui::panel::below;
use crate::tui::screen::{Context, Place, Screen};
use crate::tui::screens::stage::{OUTLIER, short_level};
use crate::tui::scroll::{Line, Scroll};
use crate::tui::table::MANY;
use crate::tui::theme::Role;
use crate::tui::when;
use crate::tui::widgets::{bar, scale::text};
use crate::tui::work::{Done, Owner, Work};
use crate::units;

use comparison::{Compared, Comparison};

/// Columns of the metrics' names.
const NAME: usize = 30;

/// Columns of each number.
const NUMBER: usize = 12;

/// Columns of the bars, where there is room.
const BAR: usize = 24;

/// One task attempt.
#[derive(Debug)]
pub struct TaskScreen {
    stage: StageKey,
    id: u64,
    row: Option<usize>,
    /// `None` until it has been worked out.
    comparison: Option<Comparison>,
    /// Whether it is to be worked out beside the loop, as there are many tasks, and whether that is under way.
    lacking: bool,
    busy: bool,
    owner: Owner,
    /// Rows of the other attempts at the same index.
    twins: Vec<usize>,
    text: Scroll,
}

impl TaskScreen {
    /// The screen of a task attempt, by its `taskId`; it shows nothing before its first refresh.
    pub fn new(stage: StageKey, id: u64) -> TaskScreen {
        TaskScreen {
            stage,
            id,
            row: None,
            comparison: None,
            lacking: false,
            busy: false,
            owner: Owner::default(),
            twins: Vec::new(),
            text: Scroll::default(),
        }
    }

    fn found<'a>(&self, cx: &Context<'a>) -> Option<(&'a Stage, usize)> {
        let stage: &Arc<Stage> = cx.application().stage(self.stage)?;
        Some((stage, self.row.filter(|row| *row < stage.tasks.len())?))
    }

    /// The lines above the metrics: how it ended, where and when it ran, its error, the other attempts.
    fn about(&self, stage: &Stage, row: usize, width: usize, cx: &Context<'_>) -> Vec<Line> {
        let tasks = &stage.tasks;
        let plain =
            |name: &str, value: String| -> Line { vec![(pad(name, 14, Align::Left), Role::Dim), (value, Role::Text)] };
        let partition = tasks
            .partition(row)
            .map_or_else(String::new, |partition| format!(", partition {partition}"));
        let index = format!(
            "{} of stage {}, attempt {}{partition}",
            tasks.index(row),
            self.stage,
            tasks.attempt(row)
        );
        let speculative = if tasks.speculative(row) {
            ", a speculative copy"
        } else {
            ""
        };
        let start = tasks.launch_ms(row);
        let after = stage
            .first_task_launched_ms
            .or(stage.submission_ms)
            .and_then(|first| start.checked_sub(first));
        let after = after.and_then(|ms| u64::try_from(ms).ok());
        let after = after.map_or_else(String::new, |ms| {
            format!(", {} after the stage's first", units::duration(ms))
        });
        let finish = tasks
            .finish_ms(row)
            .map_or("not seen to end".to_owned(), |ms| when::clock(ms, cx.zone));
        let (status, role) = status(tasks, row);
        let mut lines = vec![
            vec![
                (pad("status", 14, Align::Left), Role::Dim),
                (status.to_owned(), role),
                (speculative.to_owned(), Role::Text),
            ],
            plain("index", index),
            plain("executor", format!("{} on {}", tasks.executor(row), tasks.host(row))),
            plain("locality", short_level(tasks.locality(row)).to_owned()),
            plain(
                "launched",
                format!("{}{after}; ended {finish}", when::clock(start, cx.zone)),
            ),
        ];
        for twin in &self.twins {
            let duration = tasks.duration_ms(*twin).map_or("running".to_owned(), units::duration);
            let (status, _) = self::status(tasks, *twin);
            let (attempt, executor) = (tasks.attempt(*twin), tasks.executor(*twin));
            lines.push(plain(
                "other attempt",
                format!("{attempt}: {status} after {duration} on executor {executor}"),
            ));
        }
        if let Some(failure) = tasks.failure(row) {
            lines.push(Vec::new());
            lines.extend(
                wrap(&failure.message, width)
                    .into_iter()
                    .map(|line| vec![(line, Role::Critical)]),
            );
        }
        lines.push(Vec::new());
        lines
    }

    fn metrics(all: &Comparison, width: usize, cx: &Context<'_>) -> Vec<Line> {
        let with_bar = width >= NAME + 4 * NUMBER + BAR;
        let name_width = NAME.min(width.saturating_sub(4 * NUMBER)).max(12);
        let largest = if with_bar { "  beside the largest" } else { "" };
        let head = ["this task", "median", "times", "rank"]
            .map(|name| pad(name, NUMBER, Align::Right))
            .concat();
        let mut lines = vec![vec![(
            pad("Metric", name_width, Align::Left) + &head + largest,
            Role::Header,
        )]];
        for compared in &all.compared {
            lines.push(compared_line(compared, name_width, with_bar, cx));
        }
        for (what, names) in [("zero", &all.zero), ("not recorded", &all.absent)] {
            if !names.is_empty() {
                let text = format!("{what}: {}", names.join(", ").to_lowercase());
                lines.extend(wrap(&text, width).into_iter().map(|line| vec![(line, Role::Dim)]));
            }
        }
        lines
    }

    fn all_lines(&self, width: u16, cx: &Context<'_>) -> Vec<Line> {
        let Some((stage, row)) = self.found(cx) else {
            let why = if cx.reading == Some(self.stage) {
                "reading the tasks …"
            } else {
                "this task is not there"
            };
            return vec![vec![(why.to_owned(), Role::Dim)]];
        };
        let width = usize::from(width);
        let mut lines = self.about(stage, row, width, cx);
        match &self.comparison {
            None => {
                let tasks = units::count(stage.tasks.len() as u64);
                lines.push(vec![(format!("held against {tasks} tasks …"), Role::Dim)]);
            }
            Some(all) if all.compared.is_empty() => {
                lines.push(vec![("no metrics were recorded for this task".to_owned(), Role::Dim)]);
            }
            Some(all) => lines.extend(Self::metrics(all, width, cx)),
        }
        lines
    }
}

fn compared_line(compared: &Compared, name_width: usize, with_bar: bool, cx: &Context<'_>) -> Line {
    let unit = compared.measure.unit();
    let times = compared.times();
    let spill = [TaskMetric::DiskBytesSpilled, TaskMetric::MemoryBytesSpilled].map(TaskMeasure::Metric);
    let role = if times.is_some_and(|times| times >= OUTLIER) {
        Role::Outlier
    } else if compared.value > 0 && spill.contains(&compared.measure) {
        Role::Warning
    } else {
        Role::Text
    };
    let number = |text: String| pad(&text, NUMBER, Align::Right);
    let (above, of) = compared.rank;
    let rank = if compared.median.is_none_or(|median| compared.value <= median) {
        String::new()
    } else {
        format!("{} of {}", units::count(above as u64 + 1), units::count(of as u64))
    };
    let mut line = vec![
        (pad(compared.measure.label(), name_width, Align::Left), Role::Text),
        (number(text(compared.value, unit)), role),
        (
            number(compared.median.map_or("n/a".to_owned(), |median| text(median, unit))),
            Role::Dim,
        ),
        (number(times.map_or_else(String::new, units::times)), role),
        (number(rank), Role::Dim),
    ];
    if with_bar {
        let share = compared.value as f64 / compared.most.max(1) as f64;
        line.push((
            "  ".to_owned() + &bar::across(share, BAR - 2, cx.glyphs),
            if role == Role::Text { Role::Compute } else { role },
        ));
    }
    line
}

fn status(tasks: &TaskTable, row: usize) -> (&'static str, Role) {
    use crate::model::TaskStatus::{Failed, Killed, Running, Success, Unknown};
    match tasks.status(row) {
        Success => ("done", Role::Good),
        Failed => ("failed", Role::Critical),
        Killed => ("killed", Role::Warning),
        Running => ("running", Role::Running),
        Unknown => ("unknown", Role::Dim),
    }
}

impl Screen for TaskScreen {
    fn title(&self, cx: &Context<'_>) -> String {
        match self.found(cx) {
            Some((stage, row)) => format!("Task {}.{}", stage.tasks.index(row), stage.tasks.attempt(row)),
            None => format!("Task id {}", self.id),
        }
    }

    fn update(&mut self, action: Action, cx: &Context<'_>) -> Vec<Effect> {
        if action == Action::Enter {
            let executor = self.found(cx).map(|(stage, row)| stage.tasks.executor(row).to_string());
            let known = executor.filter(|id| cx.application().executor(id).is_some());
            return known.map(|id| Effect::Go(Place::Executor(id))).into_iter().collect();
        }
        self.text.update(action);
        Vec::new()
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let area = area.intersection(buf.area);
        let lines = self.all_lines(area.width, cx);
        let right = if lines.len() > usize::from(below(area).height) {
            String::new()
        } else {
            format!("task id {}", self.id)
        };
        let name = cx
            .application()
            .stage(self.stage)
            .map_or_else(String::new, |stage| CallSite::of(cx.application(), stage).short());
        let title = format!("{}  {}", self.title(cx), cut(&name, usize::from(area.width) / 2));
        self.text.render(&title, &right, &lines, area, buf, cx);
    }

    fn fit(&mut self, area: Rect, cx: &Context<'_>) {
        self.text.fit(area, self.all_lines(area.width, cx).len());
    }

    fn height(&self, width: u16, cx: &Context<'_>) -> usize {
        1 + self.all_lines(width, cx).len()
    }

    fn actions(&self) -> &'static [Action] {
        &[
            Action::Enter,
            Action::Up,
            Action::Down,
            Action::Back,
            Action::Copy,
            Action::Export,
        ]
    }

    fn refresh(&mut self, cx: &Context<'_>) {
        let Some(stage) = cx.application().stage(self.stage) else {
            return;
        };
        let tasks = &stage.tasks;
        self.row = (0..tasks.len()).find(|row| tasks.id(*row) == self.id);
        let Some(row) = self.row else { return };
        let index = tasks.index(row);
        self.twins = (0..tasks.len())
            .filter(|other| *other != row && tasks.index(*other) == index)
            .collect();
        self.lacking = tasks.len() >= MANY;
        if !self.lacking {
            self.comparison = Some(Comparison::of(tasks, row));
        }
    }

    fn work(&mut self, cx: &Context<'_>) -> Option<Work> {
        if !self.lacking || self.busy {
            return None;
        }
        let row = self.row?;
        let tasks = cx.application().stage(self.stage)?.tasks.clone();
        (self.lacking, self.busy) = (false, true);
        Some(Work::new(&self.owner, move || Comparison::of(&tasks, row)))
    }

    fn worked(&mut self, done: Done, _cx: &Context<'_>) -> Option<Done> {
        match done.take::<Comparison>(&self.owner) {
            Ok(comparison) => {
                self.busy = false;
                self.comparison = Some(comparison);
                None
            }
            Err(done) => Some(done),
        }
    }

    fn copy(&self, cx: &Context<'_>) -> Option<(String, String)> {
        let (stage, row) = self.found(cx)?;
        if let Some(failure) = stage.tasks.failure(row) {
            return Some(("error message".to_owned(), failure.message.to_string()));
        }
        Some((
            "task".to_owned(),
            format!(
                "{} (id {}) of stage {} {}",
                self.title(cx),
                self.id,
                self.stage,
                stage.name
            ),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Application;
    use crate::tui::screens::sample::{FAILED, SKEWED, world};
    use crate::tui::testing::World;

    #[test]
    fn a_skewed_task_beside_its_stage() {
        insta::assert_snapshot!(world().drawn(&mut TaskScreen::new(SKEWED, 142), 80, 20));
        insta::assert_snapshot!(world().drawn(&mut TaskScreen::new(SKEWED, 142), 140, 41));
    }

    #[test]
    fn a_failed_task_shows_its_error_whole() {
        let text = world().drawn(&mut TaskScreen::new(FAILED, 305), 60, 20);
        assert!(
            text.contains("failed") && text.contains("no room on the disk") && text.contains("Sink.scala:31"),
            "{text}"
        );
    }

    #[test]
    fn among_many_tasks_it_is_compared_beside_the_loop() {
        let durations: Vec<u64> = (0..30_000).map(|task| 100 + task * 7_919 % 5_000).collect();
        let sample = crate::schedule::sample::Sample::cluster(2, 2).stage("count at job.py:1", &durations);
        let world = World::new(sample.application(), Vec::new());
        let mut screen = TaskScreen::new(StageKey { id: 0, attempt: 0 }, 7);
        let area = Rect::new(0, 0, 80, 30);
        let text = |screen: &mut TaskScreen| {
            let mut buf = Buffer::empty(area);
            screen.fit(area, &world.cx());
            screen.render(area, &mut buf, &world.cx());
            crate::tui::widgets::testing::text(&buf)
        };
        screen.refresh(&world.cx());
        let shown = text(&mut screen);
        assert!(
            shown.contains("7 of stage 0") && shown.contains("held against 30,000 tasks …"),
            "{shown}"
        );
        let work = screen.work(&world.cx()).unwrap();
        assert!(screen.work(&world.cx()).is_none());
        let other = Owner::default();
        let others = Work::new(&other, || ()).done().unwrap();
        assert!(screen.worked(others, &world.cx()).is_some());
        assert!(screen.worked(work.done().unwrap(), &world.cx()).is_none());
        let shown = text(&mut screen);
        assert!(shown.contains("median") && !shown.contains("held against"), "{shown}");
        assert!(screen.work(&world.cx()).is_none());
    }

    #[test]
    fn it_scrolls_to_the_last_line_and_no_further() {
        let world = world();
        let mut screen = TaskScreen::new(SKEWED, 142);
        world.drawn(&mut screen, 80, 8);
        let text = |screen: &mut TaskScreen| world.drawn(screen, 80, 8);
        for _ in 0..99 {
            screen.update(Action::PageDown, &world.cx());
        }
        let bottom = text(&mut screen);
        assert!(bottom.trim_end().ends_with("records"), "{bottom}");
        screen.update(Action::Last, &world.cx());
        assert_eq!(text(&mut screen), bottom);
        screen.update(Action::First, &world.cx());
        assert!(text(&mut screen).contains("executor"));
    }

    #[test]
    fn an_unknown_task_says_so() {
        let empty = World::new(Application::default(), Vec::new());
        assert!(
            empty
                .drawn(&mut TaskScreen::new(SKEWED, 1), 80, 5)
                .contains("this task is not there")
        );
    }

    #[test]
    fn it_draws_at_every_size() {
        let world = world();
        world.drawn_at_all_sizes(&mut TaskScreen::new(SKEWED, 142));
        world.drawn_at_all_sizes(&mut TaskScreen::new(FAILED, 305));
    }
}
