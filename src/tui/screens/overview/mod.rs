//! An application at a glance: where its core time went, what to fix first, when its stages ran, how near its memory came to
//! the limit. Enter opens the finding under the cursor.

mod facts;
mod fix;
mod layout;
mod memory;
#[cfg(test)]
mod tests;
mod time;
mod timeline;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::model::{Application, ApplicationStatus};
use crate::schedule::Activity;
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::screen::{Context, Place, Screen};
use crate::tui::table::MANY;
use crate::tui::work::{Done, Owner, Work};
use crate::units;

use facts::{Facts, PARTS};
use layout::{Wanted, arrange};

/// Stages on the timeline, and executors under Memory, of a snapshot at most.
const MOST: usize = 40;

/// The overview of the application that is open.
#[derive(Debug, Default)]
pub struct Overview {
    facts: Facts,
    /// The activity is not that of the application's tasks, as they are many: it is to be worked out, and whether it is being.
    behind: bool,
    busy: bool,
    owner: Owner,
    /// The finding under the cursor.
    at: usize,
    /// The first finding in view.
    top: usize,
    /// Findings that fit.
    fits: usize,
}

impl Overview {
    fn wanted(&self, width: u16, cx: &Context<'_>) -> Wanted {
        let rows = |rows: usize| u16::try_from(rows).unwrap_or(u16::MAX / 8);
        let memory = self.facts.memory.len().clamp(1, MOST).div_ceil(memory::columns(width));
        Wanted {
            time: 2 + rows(time::legend(&self.facts, width, 3, cx).len().max(1)),
            findings: rows(fix::height(width, cx)),
            timeline: rows(timeline::height(&self.facts, MOST)),
            memory: 1 + rows(memory),
        }
    }
}

/// Executors and their cores, as in `24×4 cores`.
fn cores(application: &Application, cx: &Context<'_>) -> Option<String> {
    let workers = application
        .executors
        .iter()
        .filter(|executor| application.is_local() || !executor.is_driver());
    let cores: Vec<u32> = workers
        .filter_map(|executor| executor.total_cores)
        .filter(|cores| *cores > 0)
        .collect();
    let (first, times) = (*cores.first()?, cx.glyphs.pick("×", "x"));
    if cores.iter().all(|cores| *cores == first) {
        return Some(format!(
            "{}{times}{}",
            cores.len(),
            units::counted(u64::from(first), "core")
        ));
    }
    Some(format!(
        "{} on {}",
        units::counted(cores.iter().copied().map(u64::from).sum(), "core"),
        units::counted(cores.len() as u64, "executor")
    ))
}

impl Screen for Overview {
    fn title(&self, _: &Context<'_>) -> String {
        "Overview".to_owned()
    }

    fn status(&self, cx: &Context<'_>) -> String {
        let application = cx.application();
        let mark = match application.status {
            ApplicationStatus::Completed => cx.glyphs.pick("✓ ", "+ "),
            ApplicationStatus::Failed => cx.glyphs.pick("✗ ", "x "),
            ApplicationStatus::Running => cx.glyphs.pick("▶ ", "> "),
            ApplicationStatus::Incomplete => "",
        };
        let parts = [
            Some(format!("{mark}{}", application.status.name())),
            application.wall_ms().map(units::duration),
            application
                .spark_version
                .as_ref()
                .map(|version| format!("Spark {version}")),
            cores(application, cx),
        ];
        parts
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(cx.glyphs.pick(" · ", " | "))
    }

    fn update(&mut self, action: Action, cx: &Context<'_>) -> Vec<Effect> {
        let last = cx.findings().len().saturating_sub(1);
        let page = self.fits.max(1);
        self.at = match action {
            Action::Up => self.at.saturating_sub(1),
            Action::Down => self.at + 1,
            Action::PageUp => self.at.saturating_sub(page),
            Action::PageDown => self.at + page,
            Action::First => 0,
            Action::Last => last,
            Action::Enter if !cx.findings().is_empty() => return vec![Effect::Go(Place::Finding(self.at))],
            _ => self.at,
        }
        .min(last);
        self.top = self.top.clamp((self.at + 1).saturating_sub(page), self.at);
        Vec::new()
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let area = area.intersection(buf.area);
        let arranged = arrange(area, self.wanted(area.width, cx));
        time::render(&self.facts, arranged.time, buf, cx);
        fix::render((self.at, self.top), arranged.findings, buf, cx);
        timeline::render(&self.facts, arranged.timeline, buf, cx);
        memory::render(&self.facts, arranged.memory, buf, cx);
    }

    fn fit(&mut self, area: Rect, cx: &Context<'_>) {
        let findings = arrange(area, self.wanted(area.width, cx)).findings;
        self.fits = fix::fits(findings, cx);
        self.top = self.top.clamp((self.at + 1).saturating_sub(self.fits), self.at);
    }

    fn height(&self, width: u16, cx: &Context<'_>) -> usize {
        usize::from(self.wanted(width, cx).height())
    }

    fn actions(&self) -> &'static [Action] {
        &[
            Action::Enter,
            Action::NextTab,
            Action::NextFinding,
            Action::Export,
            Action::FullReport,
        ]
    }

    fn refresh(&mut self, cx: &Context<'_>) {
        let application = cx.application();
        self.behind = application.stages.iter().map(|stage| stage.tasks.len()).sum::<usize>() >= MANY;
        let activity = if self.behind {
            std::mem::take(&mut self.facts.activity)
        } else {
            Activity::of(application, PARTS)
        };
        self.facts = Facts::of(application, activity);
        self.at = self.at.min(cx.findings().len().saturating_sub(1));
        self.top = self.top.min(self.at);
    }

    fn work(&mut self, cx: &Context<'_>) -> Option<Work> {
        if !self.behind || self.busy {
            return None;
        }
        (self.behind, self.busy) = (false, true);
        let application = cx.opened.application.clone();
        Some(Work::new(&self.owner, move || Activity::of(&application, PARTS)))
    }

    fn worked(&mut self, done: Done, _cx: &Context<'_>) -> Option<Done> {
        match done.take::<Activity>(&self.owner) {
            Ok(activity) => {
                self.busy = false;
                self.facts.activity = activity;
                None
            }
            Err(done) => Some(done),
        }
    }

    fn copy(&self, cx: &Context<'_>) -> Option<(String, String)> {
        let finding = cx.findings().get(self.at)?;
        Some(("finding".to_owned(), finding.title.clone()))
    }
}
