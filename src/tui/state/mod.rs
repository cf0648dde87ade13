//! The state of the program on the screen: what is shown, what is under way, what was said last. Keys and answers come in, requests
//! go out; the loop does the rest. No I/O, no clock, no terminal here.

mod answers;
mod chrome;
mod copying;
mod goto;
mod loads;
mod mouse;
mod picker;
mod retry;
mod stack;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crossterm::event::KeyEvent;
use jiff::tz::TimeZone;
use ratatui::{buffer::Buffer, layout::Rect};

use super::action::Action;
use super::effect::{Effect, Request, Ticket};
use super::keymap::{Key, Keymap};
use super::loading::Loading;
use super::screen::{Context, Opened, Place};
use super::screens::help::Help;
use super::snapshot;
use super::theme::{Role, Theme};
use super::widgets::Glyphs;
use crate::model::{Listing, StageKey};
use crate::source::{Choice, Landing, SourceError};

pub use copying::Multiplexer;
use copying::Shown;
use loads::{Coming, Reading};
use picker::Picker;
use retry::Retry;
use stack::Stack;

/// What the screens read, apart from the screens so that both can be borrowed.
pub struct World {
    /// The application that is open.
    pub opened: Opened,
    /// The applications of the source.
    pub listing: Listing,
    /// Styles.
    pub theme: Theme,
    /// Unicode or ASCII.
    pub glyphs: Glyphs,
    /// The time, epoch ms.
    pub now_ms: i64,
    /// The reader's time zone.
    pub zone: TimeZone,
    /// Whose tasks are being read.
    pub reading: Option<StageKey>,
    /// Only a part of the application has been read.
    pub partial: bool,
}

impl World {
    /// As the screens get it.
    pub fn cx(&self) -> Context<'_> {
        Context {
            opened: &self.opened,
            listing: &self.listing,
            theme: &self.theme,
            glyphs: self.glyphs,
            now_ms: self.now_ms,
            zone: &self.zone,
            reading: self.reading,
            partial: self.partial,
            skipped: 0,
            whole: false,
        }
    }
}

/// How often a load's progress is drawn, and how often the age of what is followed.
const LOADING: Duration = Duration::from_millis(250);
const FOLLOWING: Duration = Duration::from_secs(1);

/// The state.
pub struct Tui {
    world: World,
    keymap: Keymap,
    source: String,
    /// The target names one application: there is no list to go back to.
    single: bool,
    landing: Option<Landing>,
    /// The server's certificate is not checked.
    unchecked: bool,
    stack: Stack,
    loading: Option<Loading>,
    /// More comes of the application that is open: it is still being read, or followed.
    coming: Option<Coming>,
    /// The list is read behind the screen: again, or the rest of it.
    listing: Option<Ticket>,
    /// Only its first applications are there.
    listing_on: bool,
    reading: Reading,
    /// What is open, to be opened again.
    choice: Option<Choice>,
    said: Option<(String, Role)>,
    /// To be said when there is something to see.
    notice: Option<String>,
    /// The themes, while one is chosen.
    picker: Option<Picker>,
    /// What was copied with the last key.
    copied: Option<String>,
    /// A text that is shown to be selected by hand.
    shown: Option<Shown>,
    multiplexer: Multiplexer,
    /// Where to go, while it is typed.
    prompt: Option<String>,
    finding: Option<usize>,
    /// What came last moved the cursor of the screen by a row.
    stepped: bool,
    area: Rect,
    tickets: Ticket,
    /// The first load failed and there is nothing to show.
    failed: Option<SourceError>,
    /// The first load failed and is tried again.
    retry: Option<Retry>,
    /// How often it has failed.
    failures: u32,
}

impl Tui {
    /// The state before anything is read. `choice` opens one application and shows no list.
    pub fn new(world: World, keymap: Keymap, source: String, landing: Option<Landing>) -> Tui {
        Tui {
            world,
            keymap,
            source,
            single: false,
            landing,
            unchecked: false,
            stack: Stack::new(),
            loading: None,
            coming: None,
            listing: None,
            listing_on: false,
            reading: Reading::default(),
            choice: None,
            said: None,
            notice: None,
            picker: None,
            copied: None,
            shown: None,
            multiplexer: Multiplexer::None,
            prompt: None,
            finding: None,
            stepped: false,
            area: Rect::ZERO,
            tickets: 0,
            failed: None,
            retry: None,
            failures: 0,
        }
    }

    /// What is to be read first: the one application, or the list.
    pub fn start(&mut self, choice: Option<Choice>) -> Request {
        self.single = choice.is_some();
        match choice {
            Some(choice) => self.open(choice),
            None => self.list_first(),
        }
    }

    /// How often to look whether something moved on its own on the screen; `None`: nothing can.
    pub fn pulse(&self) -> Option<Duration> {
        match &self.coming {
            _ if self.loading.is_some() || self.retry.is_some() => Some(LOADING),
            Some(coming) if !coming.is_current() => Some(LOADING),
            Some(_) => Some(FOLLOWING),
            None => None,
        }
    }

    /// Shows beside all else that the server's certificate is not checked.
    pub fn warn_of_source(&mut self, unchecked: bool) {
        self.unchecked = unchecked;
    }

    /// The error of a first load, which ends the program.
    pub fn take_failure(&mut self) -> Option<SourceError> {
        self.failed.take()
    }

    /// Says what time it is.
    pub fn tick(&mut self, now_ms: i64) {
        self.world.now_ms = now_ms;
    }

    /// The terminal has this size now.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.stepped = false;
        self.area = Rect::new(0, 0, width, height);
    }

    /// Whether a key event would be text for a filter.
    pub fn typing(&self) -> bool {
        self.loading.is_none() && (self.prompt.is_some() || self.stack.top().typing())
    }

    /// Takes a key.
    pub fn key(&mut self, key: &KeyEvent) -> Vec<Request> {
        self.stepped = false;
        let action = if self.typing() {
            self.keymap.typing(key)
        } else {
            self.keymap.action(key)
        };
        action.map(|action| self.act(action)).unwrap_or_default()
    }

    /// Takes an action.
    pub fn act(&mut self, action: Action) -> Vec<Request> {
        let mut requests = self.take_action(action);
        requests.extend(self.work());
        requests
    }

    /// What the screen on top has to have worked out.
    fn work(&mut self) -> Option<Request> {
        self.stack.work(&self.world.cx()).map(Request::Work)
    }

    fn take_action(&mut self, action: Action) -> Vec<Request> {
        self.said = None;
        self.stepped = false;
        if self.loading.is_none() && self.coming.is_some() {
            // Whoever walks about is not taken elsewhere by what comes.
            self.landing = None;
        }
        match action {
            Action::QuitAtOnce => return vec![Request::Quit(None)],
            Action::Redraw => return vec![Request::Redraw],
            Action::Suspend => return vec![Request::Suspend],
            _ => {}
        }
        if let Some(loading) = self.loading.take() {
            return self.act_while_loading(action, loading);
        }
        if let Some(retry) = self.retry.take() {
            return self.act_while_waiting(action, retry);
        }
        if let Some(typed) = self.prompt.take() {
            return self.type_place(typed, action);
        }
        let copied = self.copied.take();
        if let Some(shown) = self.shown.take() {
            self.read_shown(shown, action);
            return Vec::new();
        }
        if let Some(picker) = self.picker.take() {
            self.pick_theme(picker, action);
            return Vec::new();
        }
        match action {
            Action::GoTo => self.prompt = Some(String::new()),
            Action::Quit if self.stack.in_help() => self.stack.toggle_help(|_| Help::default()),
            Action::Quit => return vec![Request::Quit(None)],
            Action::QuitAndPrint => return vec![Request::Quit(Some(snapshot::visible(self)))],
            Action::Help => {
                let keymap = &self.keymap;
                self.stack.toggle_help(|screen| Help::of(screen, keymap));
            }
            Action::Back => self.back(),
            Action::Export => return vec![self.export()],
            Action::FullReport if self.world.partial => {
                self.say("the report can be written when all has been read".to_owned(), Role::Dim);
            }
            Action::FullReport if self.stack.in_application() => {
                return vec![Request::SaveReport(self.world.opened.clone())];
            }
            Action::Copy => return self.copy(copied),
            Action::Reload => return self.reload(),
            Action::Theme => return vec![Request::Themes],
            Action::Follow => return self.toggle_following(),
            Action::NextFinding | Action::PreviousFinding if !self.stack.top().walks_findings() => {
                return self.walk(action);
            }
            _ => return self.act_on_screen(action),
        }
        Vec::new()
    }

    fn act_while_loading(&mut self, action: Action, loading: Loading) -> Vec<Request> {
        match action {
            Action::Quit | Action::QuitAndPrint => return vec![Request::Quit(None)],
            Action::Back => {
                loading.progress.cancel();
                self.say(format!("stopped: {}", loading.what), Role::Warning);
            }
            _ => self.loading = Some(loading),
        }
        Vec::new()
    }

    fn act_on_screen(&mut self, action: Action) -> Vec<Request> {
        let in_application = self.stack.in_application() && !self.stack.in_help();
        match action {
            Action::Tab(number) if in_application => {
                self.stack.show_tab(number);
            }
            Action::NextTab if in_application => self.stack.turn_tab(1),
            Action::PreviousTab if in_application => self.stack.turn_tab(-1),
            _ => {
                let top = self.stack.top_mut();
                let next = matches!(action, Action::NextFinding | Action::PreviousFinding) && top.walks_findings();
                self.stepped = action.steps() || next;
                let effects = top.update(action, &self.world.cx());
                return effects.into_iter().flat_map(|effect| self.follow(effect)).collect();
            }
        }
        Vec::new()
    }

    fn follow(&mut self, effect: Effect) -> Vec<Request> {
        match effect {
            Effect::Go(place) => self.go(&place),
            Effect::Open { id, attempt } => vec![self.open(Choice { app: Some(id), attempt })],
            Effect::Compare(a, b) => vec![self.compare([a, b])],
            Effect::LoadTasks(key) => self.read_tasks(Some(key)),
            Effect::Say(text) => {
                self.say(text, Role::Text);
                Vec::new()
            }
        }
    }

    fn go(&mut self, place: &Place) -> Vec<Request> {
        self.stack.go(place, &self.world.cx());
        match place {
            Place::Stage(key) | Place::Task(key, _) => self.read_tasks(Some(*key)),
            _ => Vec::new(),
        }
    }

    /// One level back, or to the applications from an application's outermost level. Never further.
    fn back(&mut self) {
        if self.stack.top_mut().back(&self.world.cx()) || self.stack.back() {
            return;
        }
        if !self.single && self.stack.in_application() {
            self.stop_coming();
            self.stop_reading();
            self.stack.close_application();
        } else {
            self.say("nothing to go back to; q quits".to_owned(), Role::Dim);
        }
    }

    /// The next or previous finding, and where it shows.
    fn walk(&mut self, action: Action) -> Vec<Request> {
        let count = self.world.opened.diagnosis.findings.len();
        if count == 0 || !self.stack.in_application() {
            let why = if self.world.partial {
                "findings come when all has been read"
            } else {
                "nothing was found"
            };
            self.say(why.to_owned(), Role::Dim);
            return Vec::new();
        }
        let at = match (self.finding, action) {
            (None, Action::NextFinding) => 0,
            (None, _) => count - 1,
            (Some(at), Action::NextFinding) => (at + 1) % count,
            (Some(at), _) => (at + count - 1) % count,
        };
        let walks = self.finding.replace(at).is_some();
        let Some(finding) = self.world.opened.diagnosis.findings.get(at) else {
            return Vec::new();
        };
        let place = Place::of_finding(finding, &self.world.opened.application).unwrap_or(Place::Finding(at));
        let text = format!("finding {} of {count}: {}", at + 1, finding.title);
        // What is about the same place leaves it as it is: a million tasks are not counted again.
        let requests = if walks && self.stack.is_at(&place) {
            Vec::new()
        } else {
            // Walking on leaves no trail: Esc goes back to where the walk began.
            if walks && self.stack.is_deep() {
                self.stack.back();
            }
            self.go(&place)
        };
        self.say(text, Role::Text);
        requests
    }

    fn export(&mut self) -> Request {
        self.say("writing the screen into a file".to_owned(), Role::Dim);
        let application = if self.stack.in_application() {
            self.world.opened.application.id.clone()
        } else {
            String::new()
        };
        let screen = self.stack.top().title(&self.world.cx()).to_lowercase();
        Request::Save {
            application,
            screen,
            text: snapshot::whole(self),
        }
    }

    fn reload(&mut self) -> Vec<Request> {
        match self.choice.clone() {
            Some(choice) if self.stack.in_application() || self.single => vec![self.open(choice)],
            _ => vec![self.list()],
        }
    }

    /// Says that a key changed nothing.
    pub fn did_nothing(&mut self, key: &KeyEvent) {
        let label = Key::of(key).label();
        let text = match self.keymap.action(key) {
            None => format!("{label} has no meaning; ? lists the keys"),
            Some(action) if action.moves() => format!("{label}: no further that way"),
            Some(action) => {
                let what = self.keymap.binding(action).map_or("", |binding| binding.hint);
                format!("{label} ({what}): nothing to do here")
            }
        };
        self.say(text, Role::Dim);
    }

    /// Says something as soon as there is a screen to say it on.
    pub fn notice(&mut self, text: String) {
        self.notice = Some(text);
    }

    /// Says something until the next key.
    pub fn say(&mut self, text: String, role: Role) {
        self.said = Some((text, role));
    }

    /// Lays the screen out for the terminal's size, after state or size changed and before it is drawn.
    pub fn fit(&mut self) {
        let body = chrome::body(self.area, self.stack.in_application());
        self.stack.top_mut().fit(body, &self.world.cx());
    }

    /// Whether what came last moved the cursor of the screen by a row, and did nothing else.
    pub fn has_stepped(&self) -> bool {
        self.stepped
    }

    /// What may be drawn later than the row that the cursor stepped to: what tells of it, and the footer, which only wakes up.
    pub fn followers(&self) -> Vec<Rect> {
        let body = chrome::body(self.area, self.stack.in_application());
        let mut followers = self.stack.top().followers(body, &self.world.cx());
        followers.push(chrome::foot(self.area));
        followers
    }

    /// The terminal's size.
    pub fn area(&self) -> Rect {
        self.area
    }

    /// Unicode or ASCII.
    pub fn glyphs(&self) -> Glyphs {
        self.world.glyphs
    }

    /// Rows of the list that ends the screen.
    pub fn rows(&self) -> usize {
        self.stack.top().rows()
    }

    /// Lines that the screen takes to show everything at this width.
    pub fn height(&self, width: u16) -> usize {
        self.stack.top().height(width, &self.world.cx())
    }

    /// Draws everything.
    pub fn render(&self, buf: &mut Buffer) {
        self.render_into(self.area, buf);
    }
}
