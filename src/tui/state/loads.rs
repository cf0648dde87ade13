//! What is under way: the list, an application, the tasks of its stages behind the screens; and what an answer changes.

use std::collections::VecDeque;

use super::Tui;
use crate::model::{Listing, Loss, StageKey, StageStatus, TasksRead};
use crate::source::{Choice, Progress, SourceError};
use crate::tui::effect::{Answer, Request, Ticket};
use crate::tui::loading::Loading;
use crate::tui::screen::{Opened, Place};
use crate::tui::theme::Role;
use crate::units;

/// The stages whose tasks are read behind the screens, one at a time.
#[derive(Default)]
pub struct Reading {
    ticket: Ticket,
    progress: Progress,
    /// What is left, the next first.
    queue: VecDeque<StageKey>,
}

impl Tui {
    pub(super) fn next_ticket(&mut self) -> Ticket {
        self.tickets += 1;
        self.tickets
    }

    pub(super) fn open(&mut self, choice: Choice) -> Request {
        self.stop_reading();
        let ticket = self.next_ticket();
        let progress = Progress::default();
        let what = choice
            .app
            .as_ref()
            .map_or_else(|| self.source.clone(), |app| format!("{app} from {}", self.source));
        self.loading = Some(Loading {
            ticket,
            choice: Some(choice.clone()),
            what: format!("Opening {what}"),
            progress: progress.clone(),
            since_ms: self.world.now_ms,
        });
        Request::Open {
            ticket,
            choice,
            progress,
        }
    }

    /// The list when there is none yet: the screen waits for it.
    pub(super) fn list_first(&mut self) -> Request {
        let ticket = self.next_ticket();
        let progress = Progress::default();
        let what = format!("Listing the applications of {}", self.source);
        self.loading = Some(Loading {
            ticket,
            choice: None,
            what,
            progress: progress.clone(),
            since_ms: self.world.now_ms,
        });
        Request::List { ticket, progress }
    }

    /// The list again: the old one stays until the new one is there.
    pub(super) fn list(&mut self) -> Request {
        let ticket = self.next_ticket();
        self.listing = Some(ticket);
        self.say("reading the list again".to_owned(), Role::Dim);
        Request::List {
            ticket,
            progress: Progress::default(),
        }
    }

    /// Asks for tasks not read yet, `first` before the others; nothing if a request is out, which goes on by itself.
    pub(super) fn read_tasks(&mut self, first: Option<StageKey>) -> Vec<Request> {
        if let Some(at) = first.and_then(|key| self.reading.queue.iter().position(|queued| *queued == key))
            && let Some(key) = self.reading.queue.remove(at)
        {
            self.reading.queue.push_front(key);
        }
        if self.world.reading.is_some() {
            return Vec::new();
        }
        let Some(key) = self.reading.queue.pop_front() else {
            return Vec::new();
        };
        self.reading.ticket = self.next_ticket();
        self.reading.progress = Progress::default();
        self.world.reading = Some(key);
        vec![Request::LoadTasks {
            ticket: self.reading.ticket,
            opened: self.world.opened.clone(),
            key,
            more: !self.reading.queue.is_empty(),
            progress: self.reading.progress.clone(),
        }]
    }

    pub(super) fn stop_reading(&mut self) {
        self.reading.progress.cancel();
        self.reading = Reading::default();
        self.world.reading = None;
    }

    /// The stages whose tasks the source has not sent yet, the longest first: there lies what matters.
    fn unread(&self) -> VecDeque<StageKey> {
        let stages = self.world.opened.application.stages.iter();
        let ran = |status| !matches!(status, StageStatus::Skipped | StageStatus::Pending);
        let mut unread: Vec<_> = stages
            .filter(|stage| stage.tasks_read == TasksRead::No && stage.num_tasks > 0 && ran(stage.status))
            .collect();
        unread.sort_by_key(|stage| std::cmp::Reverse(stage.duration_ms()));
        unread.into_iter().map(|stage| stage.key).collect()
    }

    /// Takes an answer; one to an old ticket is dropped.
    pub fn answer(&mut self, ticket: Ticket, answer: Answer) -> Vec<Request> {
        let loads = self.loading.as_ref().is_some_and(|loading| loading.ticket == ticket);
        match answer {
            Answer::Saved(Ok(path)) => self.say(format!("written: {}", path.display()), Role::Good),
            Answer::Saved(Err(why)) => self.say(why, Role::Critical),
            Answer::Themes(themes) => self.choose_theme(themes),
            Answer::Listed(listed) if loads || self.listing == Some(ticket) => self.take_listing(listed, loads),
            Answer::Opened(opened) if loads => return self.take_application(opened),
            Answer::TasksRead(read) if self.world.reading.is_some() && self.reading.ticket == ticket => {
                return self.take_tasks(read);
            }
            _ => {}
        }
        Vec::new()
    }

    fn take_listing(&mut self, listed: Result<Listing, SourceError>, first: bool) {
        self.listing = None;
        match listed {
            Ok(listing) => {
                self.loading = None;
                let lost = listing.losses.iter().map(|loss| loss.detail.as_str());
                self.said = lost_words(lost).map(|text| (text, Role::Warning));
                self.world.listing = listing;
                self.stack.refresh(&self.world.cx());
            }
            Err(error) if first => self.failed = Some(error),
            Err(error) => self.say(format!("the list is the old one: {error}"), Role::Critical),
        }
    }

    fn take_application(&mut self, opened: Result<Opened, SourceError>) -> Vec<Request> {
        let Some(loading) = self.loading.take() else {
            return Vec::new();
        };
        let again = self.stack.in_application();
        match opened {
            Ok(opened) => {
                self.choice = loading.choice;
                self.world.opened = opened;
                self.finding = None;
                if again {
                    self.stack.refresh(&self.world.cx());
                } else {
                    self.stack.enter_application(&self.world.cx());
                }
                let notice = self.notice.take().map(|text| (text, Role::Warning));
                self.said = notice.or_else(|| not_carried(&self.world.opened.application.losses));
                self.reading.queue = self.unread();
                match self
                    .landing
                    .take()
                    .filter(|key| self.world.opened.application.stage(*key).is_some())
                {
                    Some(stage) => self.go(&Place::Stage(stage)),
                    None => self.read_tasks(None),
                }
            }
            Err(error) => {
                if again || !self.single && !self.world.listing.applications.is_empty() {
                    self.say(error.to_string(), Role::Critical);
                } else {
                    self.failed = Some(error);
                }
                Vec::new()
            }
        }
    }

    fn take_tasks(&mut self, read: Result<Opened, SourceError>) -> Vec<Request> {
        self.world.reading = None;
        match read {
            Ok(opened) => {
                self.world.opened = opened;
                self.stack.refresh(&self.world.cx());
            }
            Err(error) => self.say(error.to_string(), Role::Critical),
        }
        self.read_tasks(None)
    }

    /// What is being read behind the screens, in words.
    pub(super) fn reading_words(&self) -> Option<String> {
        let key = self.world.reading?;
        let left = self.reading.queue.len();
        Some(if left == 0 {
            format!("reading tasks of {key}")
        } else {
            format!("reading tasks of {key} and {} more", left)
        })
    }
}

/// What the source never carries. What else is missing, the overview and a finding tell.
fn not_carried(losses: &[Loss]) -> Option<(String, Role)> {
    let never = losses.iter().filter(|loss| !loss.kind.harms_findings());
    lost_words(never.map(|loss| loss.detail.as_str())).map(|text| (text, Role::Dim))
}

/// The first thing lost and how many more there are.
fn lost_words<'a>(mut details: impl Iterator<Item = &'a str>) -> Option<String> {
    let first = details.next()?;
    let more = details.count() as u64;
    Some(if more == 0 {
        first.to_owned()
    } else {
        format!("{first} (and {} more)", units::count(more))
    })
}
