//! What a screen is: a piece of state that takes actions and draws itself. The state (`state.rs`) owns all screens; each knows
//! its own rows and selection and nothing of its neighbours, of keys, files, clocks or the terminal.

use std::sync::Arc;

use jiff::tz::TimeZone;
use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use crate::diagnosis::{Diagnosis, Finding};
use crate::model::{Application, Listing, StageKey};
use crate::schedule::TimeAccount;

use super::action::Action;
use super::effect::Effect;
use super::theme::{Role, Theme};
use super::widgets::Glyphs;
use super::work::{Done, Work};

/// The application that is open: what its screens show.
#[derive(Clone, Debug, Default)]
pub struct Opened {
    /// The application.
    pub application: Arc<Application>,
    /// What is wrong with it, and where its time went.
    pub diagnosis: Arc<Diagnosis>,
}

/// What every screen may read.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The application that is open; an empty one before.
    pub opened: &'a Opened,
    /// The applications that the source offers.
    pub listing: &'a Listing,
    /// Styles by role.
    pub theme: &'a Theme,
    /// Unicode or ASCII.
    pub glyphs: Glyphs,
    /// The time, epoch ms.
    pub now_ms: i64,
    /// The reader's time zone.
    pub zone: &'a TimeZone,
    /// The stage attempt whose tasks are being read, if any.
    pub reading: Option<StageKey>,
    /// Only a part of the application has been read: what is wrong with it is not known yet.
    pub partial: bool,
    /// Rows of a list that are left out at its top: the further pages of a long snapshot.
    pub skipped: usize,
    /// Drawn for an export: all rows, and nothing for the one under the cursor alone.
    pub whole: bool,
}

impl<'a> Context<'a> {
    /// The application that is open.
    pub fn application(&self) -> &'a Application {
        &self.opened.application
    }

    /// What was found in it.
    pub fn findings(&self) -> &'a [Finding] {
        &self.opened.diagnosis.findings
    }

    /// Where its core time went.
    pub fn time(&self) -> Option<&'a TimeAccount> {
        self.opened.diagnosis.time.as_ref()
    }

    /// How a role looks.
    pub fn style(&self, role: Role) -> Style {
        self.theme.style(role)
    }
}

/// Somewhere to go, one level deeper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A finding, by its place in the list.
    Finding(usize),
    /// The stages of a job.
    Job(u32),
    /// A stage attempt.
    Stage(StageKey),
    /// A task attempt, by its `taskId`.
    Task(StageKey, u64),
    /// An executor, by its id.
    Executor(String),
    /// The plan of a SQL execution.
    Sql(u64),
    /// A node of a plan: the execution, whether of its first plan, the node's id.
    Node(u64, bool, u64),
    /// A cached RDD or table.
    Rdd(u32),
    /// A run of a streaming query, by its run id.
    Query(String),
}

impl Place {
    /// Where a finding shows: its stage, else its SQL execution, its executor, its job.
    pub fn of_finding(finding: &Finding, application: &Application) -> Option<Place> {
        let place = &finding.place;
        let stage = place.stage.map(Place::Stage);
        let known = |id: &u64| application.sql.iter().any(|execution| execution.id == *id);
        let sql = || place.sql.filter(known).map(Place::Sql);
        let executor = || {
            let id = place
                .executor
                .as_deref()
                .filter(|id| application.executor(id).is_some());
            id.map(|id| Place::Executor(id.to_owned()))
        };
        let job = || {
            place
                .jobs
                .first()
                .filter(|id| application.job(**id).is_some())
                .map(|id| Place::Job(*id))
        };
        stage.or_else(sql).or_else(executor).or_else(job)
    }
}

/// A screen.
pub trait Screen {
    /// Its name in the breadcrumbs: `Stage 17.0`.
    fn title(&self, cx: &Context<'_>) -> String;

    /// The status beside the breadcrumbs: what is wrong or how it ended, in a few words.
    fn status(&self, _cx: &Context<'_>) -> String {
        String::new()
    }

    /// Takes an action. Going somewhere, copying, loading is asked for with effects.
    fn update(&mut self, action: Action, cx: &Context<'_>) -> Vec<Effect>;

    /// Where it tells of the row under the cursor beside the list: what would make a step of the cursor dear is drawn there when the
    /// cursor rests. A panel of the chosen row says in its title which it is of, as it may be behind for a moment.
    fn followers(&self, _area: Rect, _cx: &Context<'_>) -> Vec<Rect> {
        Vec::new()
    }

    /// Draws itself. It gets the rows between the head line and the footer, and reads only.
    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>);

    /// How many rows of the list fit into `area`; the loop asks after each drawing at a new size, and paging then knows.
    fn fit(&mut self, _area: Rect, _cx: &Context<'_>) {}

    /// How many rows it takes to show everything at this width: the snapshot draws itself that tall.
    fn height(&self, width: u16, cx: &Context<'_>) -> usize;

    /// Rows of the list that ends the screen: a snapshot of more than can be drawn at once goes on with them.
    fn rows(&self) -> usize {
        0
    }

    /// What it can do, the most useful first: the footer names them, and the help begins with them.
    fn actions(&self) -> &'static [Action];

    /// Takes one step back inside the screen (closes a filter); `false`: there is none, leave it.
    fn back(&mut self, _cx: &Context<'_>) -> bool {
        false
    }

    /// Whether text is being typed.
    fn typing(&self) -> bool {
        false
    }

    /// The data changed: find the rows again.
    fn refresh(&mut self, _cx: &Context<'_>) {}

    /// What is to be worked out for it beside the loop; asked after every action and answer, told once.
    fn work(&mut self, _cx: &Context<'_>) -> Option<Work> {
        None
    }

    /// Takes what was worked out; gives back what was not for it.
    fn worked(&mut self, done: Done, _cx: &Context<'_>) -> Option<Done> {
        Some(done)
    }

    /// Whether it has a cursor of its own for the next and the previous finding.
    fn walks_findings(&self) -> bool {
        false
    }

    /// What `y` copies: what it is in a word or two, and the text.
    fn copy(&self, _cx: &Context<'_>) -> Option<(String, String)> {
        None
    }
}
