//! Which screens there are and which is on top: the applications, the tabs of the open one, what was opened from there, the help.
//! A tab keeps its screen for as long as the application is open; Esc finds each list where it was left.

use crate::model::StageKey;
use crate::tui::screen::{Context, Place, Screen};
use crate::tui::screens::applications::Applications;
use crate::tui::screens::compare::CompareScreen;
use crate::tui::screens::environment::EnvironmentScreen;
use crate::tui::screens::executors::Executors;
use crate::tui::screens::findings::Findings;
use crate::tui::screens::help::Help;
use crate::tui::screens::jobs::Jobs;
use crate::tui::screens::node::NodeScreen;
use crate::tui::screens::overview::Overview;
use crate::tui::screens::plan::PlanScreen;
use crate::tui::screens::query::QueryScreen;
use crate::tui::screens::rdd::RddScreen;
use crate::tui::screens::sql::SqlScreen;
use crate::tui::screens::stage::StageScreen;
use crate::tui::screens::stages::Stages;
use crate::tui::screens::storage::Storage;
use crate::tui::screens::streaming::Streaming;
use crate::tui::screens::task::TaskScreen;
use crate::tui::work::{Done, Work};

/// A tab: number, name, its name where room is short, what makes its screen.
type Tab = (u8, &'static str, &'static str, fn() -> Box<dyn Screen>);

/// The tabs of an application; a new one is a line here and one in the keymap.
const TABS: &[Tab] = &[
    (1, "Overview", "Overview", || Box::new(Overview::default())),
    (2, "Findings", "Findings", || Box::new(Findings::default())),
    (3, "Jobs", "Jobs", || Box::new(Jobs::default())),
    (4, "Stages", "Stages", || Box::new(Stages::default())),
    (5, "SQL", "SQL", || Box::new(SqlScreen::default())),
    (6, "Executors", "Execs", || Box::new(Executors::default())),
    (7, "Storage", "Storage", || Box::new(Storage::default())),
    (8, "Environment", "Env", || Box::new(EnvironmentScreen::default())),
    (9, "Streaming", "Stream", || Box::new(Streaming::default())),
];

/// All screens.
pub struct Stack {
    applications: Applications,
    /// Two of them held against each other.
    comparison: Option<CompareScreen>,
    tabs: Vec<Box<dyn Screen>>,
    tab: usize,
    opened: Vec<(Place, Box<dyn Screen>)>,
    help: Option<Help>,
}

impl Stack {
    /// The applications alone.
    pub fn new() -> Stack {
        Stack {
            applications: Applications::default(),
            comparison: None,
            tabs: Vec::new(),
            tab: 0,
            opened: Vec::new(),
            help: None,
        }
    }

    /// The screens of an application that was just opened, at its first tab.
    pub fn enter_application(&mut self, cx: &Context<'_>) {
        self.close_application();
        self.tabs = TABS.iter().map(|(.., screen)| screen()).collect();
        self.refresh(cx);
    }

    /// Back to the applications.
    pub fn close_application(&mut self) {
        self.tabs.clear();
        self.opened.clear();
        self.tab = 0;
    }

    /// Shows a comparison over the applications.
    pub fn show_comparison(&mut self, comparison: CompareScreen) {
        self.comparison = Some(comparison);
    }

    /// Whether a comparison is up.
    pub fn in_comparison(&self) -> bool {
        self.comparison.is_some() && !self.in_application()
    }

    /// Whether an application's screens are up.
    pub fn in_application(&self) -> bool {
        !self.tabs.is_empty()
    }

    /// Whether the help covers the rest.
    pub fn in_help(&self) -> bool {
        self.help.is_some()
    }

    /// The screen on top.
    pub fn top(&self) -> &dyn Screen {
        match (&self.help, self.opened.last(), self.tabs.get(self.tab)) {
            (Some(help), ..) => help,
            (None, Some((_, screen)), _) | (None, None, Some(screen)) => screen.as_ref(),
            (None, None, None) => match &self.comparison {
                Some(comparison) => comparison,
                None => &self.applications,
            },
        }
    }

    /// The screen on top, to be told something.
    pub fn top_mut(&mut self) -> &mut dyn Screen {
        match (&mut self.help, self.opened.last_mut(), self.tabs.get_mut(self.tab)) {
            (Some(help), ..) => help,
            (None, Some((_, screen)), _) | (None, None, Some(screen)) => screen.as_mut(),
            (None, None, None) => match &mut self.comparison {
                Some(comparison) => comparison,
                None => &mut self.applications,
            },
        }
    }

    /// The names of what is open on the tab, outermost first.
    pub fn crumbs(&self, cx: &Context<'_>) -> Vec<String> {
        self.opened.iter().map(|(_, screen)| screen.title(cx)).collect()
    }

    /// Opens a place on top of what is there.
    pub fn go(&mut self, place: &Place, cx: &Context<'_>) {
        let mut screen: Box<dyn Screen> = match place {
            Place::Finding(at) => Box::new(Findings::at(*at, cx)),
            Place::Job(job) => Box::new(Stages::of_job(*job)),
            Place::Stage(key) => Box::new(StageScreen::new(*key)),
            Place::Task(key, id) => Box::new(TaskScreen::new(*key, *id)),
            Place::Executor(id) => Box::new(Executors::at(id, cx)),
            Place::Sql(id) => Box::new(PlanScreen::new(*id)),
            Place::Node(sql, first_plan, node) => Box::new(NodeScreen::new(*sql, *first_plan, *node)),
            Place::Rdd(id) => Box::new(RddScreen::new(*id)),
            Place::Query(run) => Box::new(QueryScreen::new(run)),
        };
        screen.refresh(cx);
        self.opened.push((place.clone(), screen));
    }

    /// One level back; `false`: this is the outermost of the application.
    pub fn back(&mut self) -> bool {
        let outside = !self.in_application();
        self.help.take().is_some() || self.opened.pop().is_some() || outside && self.comparison.take().is_some()
    }

    /// The stage attempt that is open, itself or one of its tasks.
    pub fn stage(&self) -> Option<StageKey> {
        self.opened.iter().rev().find_map(|(place, _)| match place {
            Place::Stage(key) | Place::Task(key, _) => Some(*key),
            _ => None,
        })
    }

    /// Whether this place is open on top, and nothing covers it.
    pub fn is_at(&self, place: &Place) -> bool {
        self.help.is_none() && self.opened.last().is_some_and(|(at, _)| at == place)
    }

    /// Whether something was opened on top of the tab.
    pub fn is_deep(&self) -> bool {
        !self.opened.is_empty()
    }

    /// Shows a tab by its number, or the one so many to the right; what was opened on the other is closed.
    pub fn show_tab(&mut self, number: u8) -> bool {
        let found = TABS
            .iter()
            .position(|(known, ..)| *known == number)
            .filter(|tab| *tab < self.tabs.len());
        if let Some(tab) = found {
            self.tab = tab;
            self.opened.clear();
        }
        found.is_some()
    }

    /// Shows the tab of this name, if there is one.
    pub fn show_tab_named(&mut self, name: &str) {
        if let Some((number, ..)) = TABS.iter().find(|(_, known, ..)| *known == name) {
            self.show_tab(*number);
        }
    }

    /// Shows the tab `steps` to the right, round the end.
    pub fn turn_tab(&mut self, steps: isize) {
        let count = self.tabs.len() as isize;
        if count > 0 {
            self.tab = (self.tab as isize + steps).rem_euclid(count) as usize;
            self.opened.clear();
        }
    }

    /// The tabs as (number, name and short name, whether it is the one shown).
    pub fn tabs(&self) -> impl Iterator<Item = (u8, [&'static str; 2], bool)> + '_ {
        let known = TABS.iter().take(self.tabs.len()).enumerate();
        known.map(|(at, (number, name, short, _))| (*number, [*name, *short], at == self.tab))
    }

    /// Opens the help on the screen that is up, or closes it.
    pub fn toggle_help(&mut self, help: impl FnOnce(&dyn Screen) -> Help) {
        self.help = match self.help.take() {
            Some(_) => None,
            None => Some(help(self.top())),
        };
    }

    /// What is to be worked out for the screen on top.
    pub fn work(&mut self, cx: &Context<'_>) -> Option<Work> {
        self.top_mut().work(cx)
    }

    /// Tells every screen what was worked out; the one that asked may lie below others by now.
    pub fn worked(&mut self, done: Done, cx: &Context<'_>) {
        let opened = self.opened.iter_mut().map(|(_, screen)| screen);
        // Nobody takes it when its screen was closed meanwhile.
        let _left = opened
            .chain(&mut self.tabs)
            .try_fold(done, |done, screen| screen.worked(done, cx));
    }

    /// Tells every screen that the data changed.
    pub fn refresh(&mut self, cx: &Context<'_>) {
        self.applications.refresh(cx);
        self.tabs
            .iter_mut()
            .chain(self.opened.iter_mut().map(|(_, screen)| screen))
            .for_each(|screen| screen.refresh(cx));
    }
}
