//! What is under way: the list, an application, the tasks of its stages behind the screens. What their answers change: `answers`.

use std::collections::VecDeque;

use super::Tui;
use crate::model::{StageKey, StageStatus, TasksRead};
use crate::source::{Choice, Progress};
use crate::tui::effect::{Request, Ticket};
use crate::tui::loading::Loading;
use crate::tui::theme::Role;
use crate::units;

/// The stages whose tasks are read behind the screens, one at a time.
#[derive(Default)]
pub struct Reading {
    pub(super) ticket: Ticket,
    pub(super) progress: Progress,
    /// What is left, the next first.
    pub(super) queue: VecDeque<StageKey>,
}

/// The application on the screen of which more comes.
pub struct Coming {
    pub(super) ticket: Ticket,
    pub(super) choice: Choice,
    pub(super) progress: Progress,
    /// All that there is by now is on the screen: the application runs, and is followed.
    pub(super) current: bool,
}

impl Coming {
    /// Whether all that there is by now is on the screen.
    pub fn is_current(&self) -> bool {
        self.current
    }

    /// How far it is, or how old what is shown, in a few words.
    fn words(&self) -> String {
        let seen = self.progress.seen();
        if !self.current {
            return match (seen.total_bytes, seen.tasks) {
                (0, 0) => "reading".to_owned(),
                (0, tasks) => format!("reading: {}", units::counted(tasks, "task")),
                (total, _) => format!(
                    "reading: {}",
                    units::percent((seen.bytes as f64 / total as f64).min(1.0))
                ),
            };
        }
        let state = if self.progress.is_paused() {
            "paused"
        } else {
            "following"
        };
        // What is less than ten seconds old is new; older ages move in steps, so that little is drawn.
        match seen.age.map_or(0, |age| age.as_secs()) {
            0..10 => state.to_owned(),
            seconds @ 10..60 => format!("{state}, {}s old", seconds / 10 * 10),
            seconds => format!("{state}, {} old", units::duration(seconds / 60 * 60_000)),
        }
    }
}

impl Tui {
    pub(super) fn next_ticket(&mut self) -> Ticket {
        self.tickets += 1;
        self.tickets
    }

    pub(super) fn open(&mut self, choice: Choice) -> Request {
        self.stop_reading();
        self.stop_coming();
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

    /// Two applications, to be held against each other.
    pub(super) fn compare(&mut self, choices: [Choice; 2]) -> Request {
        let ticket = self.next_ticket();
        let progress = Progress::default();
        let names = choices.each_ref().map(|choice| choice.app.clone().unwrap_or_default());
        self.loading = Some(Loading {
            ticket,
            choice: None,
            what: format!("Comparing {}", names.join(" and ")),
            progress: progress.clone(),
            since_ms: self.world.now_ms,
        });
        Request::Compare {
            ticket,
            choices,
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
        if let Some(coming) = &self.coming {
            // Whoever follows reads the tasks too.
            coming.progress.want(self.stack.stage());
            return Vec::new();
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

    /// Stops what still comes of the application; what is there stays.
    pub(super) fn stop_coming(&mut self) {
        if let Some(coming) = self.coming.take() {
            coming.progress.cancel();
        }
        self.world.partial = false;
    }

    /// Holds the following, goes on with it, or begins it.
    pub(super) fn toggle_following(&mut self) -> Vec<Request> {
        let application = &self.world.opened.application;
        match &self.coming {
            Some(coming) if coming.current => {
                let paused = !coming.progress.is_paused();
                coming.progress.pause(paused);
                let words = if paused {
                    "paused: what is shown stays as it is; f goes on"
                } else {
                    "following again"
                };
                self.say(words.to_owned(), Role::Text);
            }
            Some(_) => self.say("it is still being read".to_owned(), Role::Dim),
            None if !self.stack.in_application() => {
                self.say("open a running application to follow it".to_owned(), Role::Dim);
            }
            None if application.end_ms.is_some() => {
                self.say("the application has ended: nothing more comes".to_owned(), Role::Dim);
            }
            None => {
                return self
                    .choice
                    .clone()
                    .map(|choice| self.follow_on(choice))
                    .into_iter()
                    .collect();
            }
        }
        Vec::new()
    }

    /// Reads an application that is on the screen again, behind it, and follows it.
    fn follow_on(&mut self, choice: Choice) -> Request {
        self.stop_reading();
        let ticket = self.next_ticket();
        let progress = Progress::default();
        progress.ask_to_follow();
        progress.want(self.stack.stage());
        self.coming = Some(Coming {
            ticket,
            choice: choice.clone(),
            progress: progress.clone(),
            current: true,
        });
        self.say("following".to_owned(), Role::Text);
        Request::Open {
            ticket,
            choice,
            progress,
        }
    }

    /// The stages whose tasks the source has not sent yet, the longest first: there lies what matters.
    pub(super) fn unread(&self) -> VecDeque<StageKey> {
        let stages = self.world.opened.application.stages.iter();
        let ran = |status| !matches!(status, StageStatus::Skipped | StageStatus::Pending);
        let mut unread: Vec<_> = stages
            .filter(|stage| stage.tasks_read == TasksRead::No && stage.num_tasks > 0 && ran(stage.status))
            .collect();
        unread.sort_by_key(|stage| std::cmp::Reverse(stage.duration_ms()));
        unread.into_iter().map(|stage| stage.key).collect()
    }

    /// How far what still comes of the application is.
    pub(super) fn coming_words(&self) -> Option<String> {
        self.coming.as_ref().map(Coming::words)
    }

    /// Whether the rest of the list is on its way.
    pub(super) fn is_list_coming(&self) -> bool {
        self.listing_on
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
