//! One stage attempt: what its tasks took, read and where they ran, and the tasks themselves. Enter opens a task.
//! Where the screen is small the parts above the tasks take turns; the tasks are always there.

mod beside;
mod facts;
mod failures;
pub(in crate::tui::screens) mod head;
mod lanes;
mod layout;
mod look;
mod panels;
mod scatter;
mod tasks;
#[cfg(test)]
mod tests;
mod what_if;

use std::collections::HashMap;
use std::sync::Arc;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::model::{Executor, Stage, StageKey, StageStatus, TaskTable, TasksRead};
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::panel::{below, panel};
use crate::tui::screen::{Context, Place, Screen};
use crate::tui::screens::memory::Memory;
use crate::tui::scroll::put_lines;
use crate::tui::table::{MANY, Table};
use crate::tui::theme::Role;
use crate::tui::work::{Done, Owner, Work};
use crate::units;

use beside::Worked;
use facts::Facts;
use lanes::Lanes;
use layout::{Part, TASKS, Wanted, arrange};
use look::Look;
use scatter::Dots;
use tasks::{COLUMNS, DURATION, TaskRows, WITH_ERRORS};
use what_if::WhatIf;

pub use facts::OUTLIER;
pub use tasks::short_level;

/// Rows of executors shown at most above the tasks.
const EXECUTORS: usize = 8;

/// Rows of a scatter plot or of lanes at most.
const PICTURE: usize = 30;

/// Lines at the top, about.
const HEAD: u16 = 3;

/// One stage attempt.
#[derive(Debug)]
pub struct StageScreen {
    key: StageKey,
    look: Look,
    /// The area of the last fit, and whether it showed all parts at once.
    area: Rect,
    all_at_once: bool,
    facts: Arc<Facts>,
    /// The facts are not those of the tasks: they are being worked out.
    counting: bool,
    /// Who asks for work beside the loop, and whether some is under way.
    owner: Owner,
    busy: bool,
    /// The tasks that the facts and the rows are of.
    tasks: Option<Arc<TaskTable>>,
    /// What a look needs beyond the facts, from when it is looked at.
    dots: Option<Dots>,
    lanes: Option<Lanes>,
    what_if: Option<Vec<WhatIf>>,
    /// Memory of the executors of `facts`, in their order.
    memory: Vec<Option<Memory>>,
    table: Table,
}

impl StageScreen {
    /// The screen of a stage attempt; it shows nothing before its first refresh.
    pub fn new(key: StageKey) -> StageScreen {
        StageScreen {
            key,
            look: Look::Quantiles,
            area: Rect::ZERO,
            all_at_once: false,
            facts: Arc::default(),
            counting: false,
            owner: Owner::default(),
            busy: false,
            tasks: None,
            dots: None,
            lanes: None,
            what_if: None,
            memory: Vec::new(),
            table: Table::new(COLUMNS, Some((DURATION, true))).beside(),
        }
    }

    fn stage<'a>(&self, cx: &Context<'a>) -> Option<&'a Stage> {
        cx.application().stage(self.key).map(AsRef::as_ref)
    }

    fn wanted(&self, area: Rect, cx: &Context<'_>) -> Wanted {
        let width = area.width;
        let rows = |rows: usize| u16::try_from(rows).unwrap_or(u16::MAX / 8);
        Wanted {
            head: rows(
                self.stage(cx)
                    .map_or(1, |stage| head::lines(stage, &self.facts, width, cx).len()),
            ),
            quantiles: rows(panels::quantiles_height(&self.facts)),
            localities: rows(1 + self.facts.localities.len().max(1)),
            executors: rows(1 + self.facts.executors.len().clamp(1, EXECUTORS)),
            look: rows(match self.look {
                Look::Failures => failures::height(&self.facts.failures, width),
                Look::WhatIf => 2 + self.what_if.as_ref().map_or(0, Vec::len),
                Look::Lanes => {
                    let room = usize::from(area.height.saturating_sub(TASKS + HEAD)).min(PICTURE);
                    let executors = self.facts.executors.len();
                    self.lanes.as_ref().map_or(3, |lanes| lanes.height(executors, room))
                }
                _ => PICTURE,
            }),
        }
    }

    fn render_part(&self, part: Part, stage: &Stage, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let chosen = self.table.selected().filter(|row| *row < stage.tasks.len());
        match part {
            Part::Quantiles => panels::quantiles(stage, &self.facts, area, buf, cx),
            Part::Distributions => panels::distributions(stage, &self.facts, chosen, area, buf, cx),
            Part::Localities => panels::localities(stage, &self.facts, chosen, area, buf, cx),
            Part::Executors => panels::executors(stage, &self.facts, (&self.memory, chosen), area, buf, cx),
            Part::Look => self.render_look(stage, area, buf, cx),
        }
    }

    fn render_look(&self, stage: &Stage, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let chosen = self.table.selected().filter(|row| *row < stage.tasks.len());
        if let (Look::Scatter, Some(dots)) = (self.look, &self.dots) {
            return scatter::render(stage, dots, chosen, area, buf, cx);
        }
        match (self.look, &self.lanes, &self.what_if) {
            (Look::Lanes, Some(lanes), _) => lanes::render(stage, &self.facts, lanes, chosen, area, buf, cx),
            (Look::Failures, ..) => failures::render(&self.facts.failures, area, buf, cx),
            (Look::WhatIf, _, Some(what_if)) => what_if::render(what_if, area, buf, cx),
            _ => panels::line("working it out …", area, 0, Role::Dim, buf, cx),
        }
    }

    /// Takes the facts of the tasks that are there.
    fn take_facts(&mut self, facts: Arc<Facts>, cx: &Context<'_>) {
        self.counting = false;
        self.facts = facts;
        self.table.show(if self.facts.failures.is_empty() {
            COLUMNS
        } else {
            WITH_ERRORS
        });
        let application = cx.application();
        // With thousands of executors each is not searched for among all.
        let known: HashMap<&str, &Executor> = application
            .executors
            .iter()
            .map(|executor| (&*executor.id, executor))
            .collect();
        let of_executor = |id: &str| known.get(id).and_then(|executor| Memory::of(executor, application));
        self.memory = self
            .facts
            .executors
            .iter()
            .map(|executor| of_executor(&executor.id))
            .collect();
    }

    fn looks(&self) -> Vec<Look> {
        Look::available(self.all_at_once, !self.facts.failures.is_empty())
    }

    /// Works out what the look needs, once; of many tasks that is done beside the loop.
    fn prepare(&mut self, cx: &Context<'_>) {
        let Some(stage) = self.stage(cx).filter(|stage| stage.tasks.len() < MANY) else {
            return;
        };
        match self.look {
            Look::Scatter if self.dots.is_none() => self.dots = Some(Dots::of(stage, &self.facts)),
            Look::Lanes if self.lanes.is_none() => self.lanes = Some(Lanes::of(stage)),
            Look::WhatIf if self.what_if.is_none() => {
                self.what_if = Some(what_if::suppose(cx.application(), stage));
            }
            _ => {}
        }
    }

    fn render_tasks(&self, stage: &Stage, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let mut right = self.table.summary(cx.glyphs);
        let looks = self.looks();
        right = format!("{right}  look {} of {}", self.look.number(&looks), looks.len());
        let inside = panel(area, &tasks_title(stage, cx), right.trim(), buf, cx);
        match no_tasks(stage, cx) {
            Some(why) => panels::line(why, inside, 0, Role::Dim, buf, cx),
            None if self.table.is_empty() && self.table.seeks() => {
                let sorting = format!("sorting {} tasks …", units::count(stage.tasks.len() as u64));
                panels::line(&sorting, inside, 0, Role::Dim, buf, cx);
            }
            None => self.table.render(inside, buf, &rows(stage, &self.facts, cx), cx),
        }
    }
}

fn rows<'a>(stage: &'a Stage, facts: &'a Facts, cx: &'a Context<'a>) -> TaskRows<'a> {
    let first = stage.first_task_launched_ms.or(stage.submission_ms);
    TaskRows {
        tasks: &stage.tasks,
        facts,
        start_ms: first.unwrap_or(0),
        cx,
    }
}

/// How many tasks there are, and how many are not there though they should.
fn tasks_title(stage: &Stage, cx: &Context<'_>) -> String {
    let counted = [
        stage.complete_tasks,
        stage.failed_tasks,
        stage.killed_tasks,
        stage.active_tasks,
    ];
    let (here, all) = (
        stage.tasks.len() as u64,
        counted.into_iter().map(u64::from).sum::<u64>(),
    );
    if stage.tasks_read == TasksRead::Yes && here < all {
        if cx.partial {
            return format!("Tasks ({} of {} so far)", units::count(here), units::count(all));
        }
        return format!(
            "Tasks ({} of {}: the server kept no more)",
            units::count(here),
            units::count(all)
        );
    }
    format!(
        "Tasks ({})",
        units::count(here.max(u64::from(stage.num_tasks).min(all)))
    )
}

/// Why there is no task to show, if there is none.
fn no_tasks(stage: &Stage, cx: &Context<'_>) -> Option<&'static str> {
    if !stage.tasks.is_empty() {
        return None;
    }
    Some(match (stage.status, stage.tasks_read) {
        (StageStatus::Skipped, _) => "skipped: its output was there already, so no task ran",
        (StageStatus::Pending, _) => "not begun: it waits for its parents",
        (_, TasksRead::No) if cx.reading == Some(stage.key) => "reading the tasks …",
        (_, TasksRead::No) if stage.num_tasks > 0 => "the tasks have not been read; Enter reads them",
        _ => "no task ran",
    })
}

impl Screen for StageScreen {
    fn title(&self, _: &Context<'_>) -> String {
        format!("Stage {}", self.key)
    }

    fn update(&mut self, action: Action, cx: &Context<'_>) -> Vec<Effect> {
        let Some(stage) = self.stage(cx) else { return Vec::new() };
        let rows = rows(stage, &self.facts, cx);
        if self.table.update(action, &rows) {
            return Vec::new();
        }
        match action {
            Action::Enter if stage.tasks.is_empty() && stage.tasks_read == TasksRead::No && stage.num_tasks > 0 => {
                vec![Effect::LoadTasks(self.key)]
            }
            Action::Enter => {
                let chosen = self.table.selected().filter(|row| *row < stage.tasks.len());
                chosen
                    .map(|row| Effect::Go(Place::Task(self.key, stage.tasks.id(row))))
                    .into_iter()
                    .collect()
            }
            Action::NextLook | Action::WhatIf => {
                self.look = match (action, self.look) {
                    (Action::NextLook, look) => look.next(&self.looks()),
                    (_, Look::WhatIf) => Look::Quantiles,
                    _ => Look::WhatIf,
                };
                self.prepare(cx);
                self.fit(self.area, cx);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let area = area.intersection(buf.area);
        let Some(stage) = self.stage(cx) else {
            return panels::line("this stage is no longer there", area, 0, Role::Dim, buf, cx);
        };
        let arranged = arrange(area, self.wanted(area, cx), self.look);
        let head = head::lines(stage, &self.facts, area.width, cx);
        put_lines(&head, arranged.head, buf, cx);
        // Facts of some of the tasks are shown until those of all are there.
        let nothing_yet = self.counting && self.facts.localities.is_empty();
        for (part, area) in &arranged.parts {
            if nothing_yet {
                let counting = format!("counting {} tasks …", units::count(stage.tasks.len() as u64));
                panels::line(&counting, *area, 0, Role::Dim, buf, cx);
                break;
            }
            self.render_part(*part, stage, *area, buf, cx);
        }
        self.render_tasks(stage, arranged.tasks, buf, cx);
    }

    fn followers(&self, area: Rect, cx: &Context<'_>) -> Vec<Rect> {
        let arranged = arrange(area, self.wanted(area, cx), self.look);
        arranged.parts.into_iter().map(|(_, part)| part).collect()
    }

    fn fit(&mut self, area: Rect, cx: &Context<'_>) {
        self.area = area;
        let arranged = arrange(area, self.wanted(area, cx), self.look);
        self.all_at_once = arranged.all_at_once;
        self.table.fit(below(arranged.tasks).height);
        let look = arranged.parts.iter().find(|(part, _)| *part == Part::Look);
        if let (Some(lanes), Some((_, area)), Some(stage)) = (&mut self.lanes, look, cx.application().stage(self.key)) {
            lanes.fit(stage, &self.facts, *area);
        }
    }

    fn height(&self, width: u16, cx: &Context<'_>) -> usize {
        let wanted = self.wanted(Rect::new(0, 0, width, u16::MAX), cx);
        usize::from(wanted.height(width, self.look)) + (1 + self.table.height()).max(usize::from(TASKS))
    }

    fn rows(&self) -> usize {
        self.table.len()
    }

    fn actions(&self) -> &'static [Action] {
        &[
            Action::Enter,
            Action::NextLook,
            Action::Sort,
            Action::Filter,
            Action::NextFinding,
            Action::Export,
            Action::WhatIf,
        ]
    }

    fn back(&mut self, cx: &Context<'_>) -> bool {
        let Some(stage) = self.stage(cx) else { return false };
        self.table.back(&rows(stage, &self.facts, cx))
    }

    fn typing(&self) -> bool {
        self.table.typing()
    }

    fn refresh(&mut self, cx: &Context<'_>) {
        let Some(stage) = self.stage(cx) else { return };
        let known = self.tasks.replace(stage.tasks.clone());
        if known.is_some_and(|known| Arc::ptr_eq(&known, &stage.tasks)) {
            // Something else of the application changed; a million tasks are not counted again for that.
            return;
        }
        if stage.tasks.len() < MANY {
            self.take_facts(Arc::new(Facts::of(stage)), cx);
        } else {
            self.counting = true;
        }
        self.table.refresh(&rows(stage, &self.facts, cx));
        (self.dots, self.lanes, self.what_if) = (None, None, None);
        self.prepare(cx);
        self.fit(self.area, cx);
    }

    fn work(&mut self, cx: &Context<'_>) -> Option<Work> {
        let stage = cx.application().stage(self.key).filter(|_| !self.busy)?.clone();
        if stage.tasks.len() < MANY {
            return None;
        }
        let owner = &self.owner;
        let lacks = match self.look {
            Look::Scatter => self.dots.is_none(),
            Look::Lanes => self.lanes.is_none(),
            Look::WhatIf => self.what_if.is_none(),
            _ => false,
        };
        let work = match self.table.seek() {
            Some(seeking) => Some(beside::order(owner, stage, seeking)),
            None if self.counting => Some(beside::facts(owner, stage)),
            None if lacks => {
                let application = cx.opened.application.clone();
                beside::look(owner, (stage, application), self.facts.clone(), (self.look, self.area))
            }
            None => None,
        };
        self.busy = work.is_some();
        work
    }

    fn worked(&mut self, done: Done, cx: &Context<'_>) -> Option<Done> {
        let worked = match done.take::<Worked>(&self.owner) {
            Ok(worked) => worked,
            Err(done) => return Some(done),
        };
        self.busy = false;
        let stage = self.stage(cx)?;
        // While an application runs its tasks are always newer than what was worked out: that is shown, and worked out again.
        let newest = Arc::ptr_eq(&worked.stage.tasks, &stage.tasks);
        match worked.part {
            beside::Part::Order(found) => self.table.take(found, &rows(stage, &self.facts, cx)),
            beside::Part::Facts(facts) => {
                self.take_facts(facts, cx);
                self.counting = !newest;
            }
            beside::Part::Dots(dots) if newest => self.dots = Some(dots),
            beside::Part::Lanes(lanes) if newest => self.lanes = Some(lanes),
            beside::Part::WhatIf(what_if) if newest => self.what_if = Some(what_if),
            _ => {}
        }
        self.fit(self.area, cx);
        None
    }

    fn copy(&self, cx: &Context<'_>) -> Option<(String, String)> {
        let stage = self.stage(cx)?;
        let row = self.table.selected().filter(|row| *row < stage.tasks.len());
        let task = row
            .map(|row| format!(" task {}", rows(stage, &self.facts, cx).name(row)))
            .unwrap_or_default();
        Some((
            "stage and task".to_owned(),
            format!("stage {}{task} {}", stage.key, stage.name),
        ))
    }
}
