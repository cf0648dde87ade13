//! What an answer changes: a list, an application or a part of it that was read, something saved or worked out.

use super::Tui;
use super::loads::Coming;
use crate::model::{Listing, Loss, LossKind};
use crate::source::{Choice, Landing, SourceError};
use crate::tui::effect::{Answer, Request, Ticket};
use crate::tui::screen::Opened;
use crate::tui::screens::compare::CompareScreen;
use crate::tui::theme::Role;
use crate::units;

impl Tui {
    /// Takes an answer; one to an old ticket is dropped.
    pub fn answer(&mut self, ticket: Ticket, answer: Answer) -> Vec<Request> {
        self.stepped = false;
        let mut requests = self.take_answer(ticket, answer);
        requests.extend(self.work());
        requests
    }

    fn take_answer(&mut self, ticket: Ticket, answer: Answer) -> Vec<Request> {
        let loads = self.loading.as_ref().is_some_and(|loading| loading.ticket == ticket);
        match answer {
            Answer::Saved(Ok(path)) => self.say(format!("written: {}", path.display()), Role::Good),
            Answer::Saved(Err(why)) => self.say(why, Role::Critical),
            Answer::Themes(themes) => self.choose_theme(themes),
            Answer::Worked(done) => self.stack.worked(done, &self.world.cx()),
            Answer::Listed(listed) if loads || self.listing == Some(ticket) => return self.take_listing(listed, loads),
            // A list that is read anew stays whole until it is there.
            Answer::Listing(listing) if loads || (self.listing_on && self.listing == Some(ticket)) => {
                self.take_first_applications(ticket, listing);
            }
            Answer::Opened(opened) if loads => return self.take_application(opened),
            Answer::Opened(opened) if self.comes(ticket) => return self.take_last(opened),
            Answer::Partial(opened) if loads || self.comes(ticket) => return self.take_more(ticket, opened, false),
            Answer::Current(opened) if loads || self.comes(ticket) => return self.take_more(ticket, opened, true),
            Answer::Compared(compared) if loads => {
                self.loading = None;
                match compared {
                    Ok([a, b]) => self.stack.show_comparison(CompareScreen::of(&a, &b)),
                    Err(error) => self.say(error.to_string(), Role::Critical),
                }
            }
            Answer::TasksRead(read) if self.world.reading.is_some() && self.reading.ticket == ticket => {
                return self.take_tasks(read);
            }
            _ => {}
        }
        Vec::new()
    }

    fn comes(&self, ticket: Ticket) -> bool {
        self.coming.as_ref().is_some_and(|coming| coming.ticket == ticket)
    }

    /// Takes an application that is still being read, or followed.
    fn take_more(&mut self, ticket: Ticket, opened: Opened, current: bool) -> Vec<Request> {
        let again = self.stack.in_application();
        if !current && again && self.coming.as_ref().is_none_or(|coming| coming.current) {
            // What is there already is more than this.
            return Vec::new();
        }
        if let Some(loading) = self.loading.take_if(|loading| loading.ticket == ticket) {
            self.choice.clone_from(&loading.choice);
            self.finding = None;
            self.coming = Some(Coming {
                ticket,
                choice: loading.choice.unwrap_or_default(),
                progress: loading.progress,
                current,
            });
        }
        if let Some(coming) = &mut self.coming {
            coming.current = current;
            coming.progress.want(self.stack.stage());
        }
        self.world.opened = opened;
        self.world.partial = !current;
        if again {
            self.stack.refresh(&self.world.cx());
        } else {
            self.stack.enter_application(&self.world.cx());
        }
        self.land()
    }

    /// Takes the end of what came: all of the application, or why no more of it comes.
    fn take_last(&mut self, opened: Result<Opened, SourceError>) -> Vec<Request> {
        let Some(coming) = self.coming.take() else {
            return Vec::new();
        };
        match opened {
            Ok(opened) => {
                self.choice = Some(coming.choice);
                self.world.opened = opened;
                self.world.partial = false;
                self.stack.refresh(&self.world.cx());
                let losses = &self.world.opened.application.losses;
                self.said = if coming.current {
                    Some((ended_words(losses), Role::Text))
                } else {
                    not_carried(losses)
                };
                self.reading.queue = self.unread();
                let mut requests = self.land_at_last();
                requests.extend(self.read_tasks(None));
                requests
            }
            Err(error) => {
                self.say(
                    format!("no more of it comes: {error} (r reads it again)"),
                    Role::Critical,
                );
                Vec::new()
            }
        }
    }

    /// Goes where the target's link showed, once that is there.
    fn land(&mut self) -> Vec<Request> {
        let application = &self.world.opened.application;
        let there = |landing: &mut Landing| match landing {
            Landing::Stage(key) => application.stage(*key).is_some(),
            Landing::Job(id) => application.job(*id).is_some(),
            Landing::Sql(id) => application.sql.iter().any(|execution| execution.id == *id),
            Landing::Rdd(id) => application.storage.iter().any(|rdd| rdd.id == *id),
            Landing::Query(_) => self.coming.is_none(),
            _ => true,
        };
        match self.landing.take_if(there) {
            Some(landing) => self.land_on(&landing),
            None => Vec::new(),
        }
    }

    /// All is there: what the link showed is there or never will be.
    fn land_at_last(&mut self) -> Vec<Request> {
        match self.landing.take() {
            Some(landing) => self.land_on(&landing),
            None => Vec::new(),
        }
    }

    fn take_first_applications(&mut self, ticket: Ticket, listing: Listing) {
        self.loading.take_if(|loading| loading.ticket == ticket);
        self.listing = Some(ticket);
        self.listing_on = true;
        self.world.listing = listing;
        self.stack.refresh(&self.world.cx());
    }

    /// What a driver tells of itself alone is opened at once; a history server with one application keeps its list.
    fn take_listing(&mut self, listed: Result<Listing, SourceError>, first: bool) -> Vec<Request> {
        self.listing = None;
        let rest = std::mem::take(&mut self.listing_on);
        match listed {
            Ok(listing) => {
                if first {
                    self.loading = None;
                }
                self.failures = 0;
                let lost = listing.losses.iter().map(|loss| loss.detail.as_str());
                self.said = lost_words(lost).map(|text| (text, Role::Warning));
                self.world.listing = listing;
                self.stack.refresh(&self.world.cx());
                if let Some(choice) = self.driver_alone().filter(|_| first) {
                    return vec![self.open(choice)];
                }
            }
            Err(error) if first => {
                self.loading = None;
                self.first_load_failed(error, None);
            }
            Err(error) if rest => self.say(format!("the list is not complete: {error}"), Role::Critical),
            Err(error) => self.say(format!("the list is the old one: {error}"), Role::Critical),
        }
        Vec::new()
    }

    /// The one application of a driver's list.
    fn driver_alone(&self) -> Option<Choice> {
        let [entry] = self.world.listing.applications.as_slice() else {
            return None;
        };
        let attempt = entry.attempts.first().filter(|attempt| attempt.is_told_by_driver())?;
        Some(Choice {
            app: Some(entry.id.clone()),
            attempt: attempt.attempt.clone(),
        })
    }

    fn take_application(&mut self, opened: Result<Opened, SourceError>) -> Vec<Request> {
        let Some(loading) = self.loading.take() else {
            return Vec::new();
        };
        let again = self.stack.in_application();
        match opened {
            Ok(opened) => {
                self.failures = 0;
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
                let mut requests = self.land_at_last();
                requests.extend(self.read_tasks(None));
                requests
            }
            Err(error) => {
                if again || !self.single && !self.world.listing.applications.is_empty() {
                    self.say(error.to_string(), Role::Critical);
                } else {
                    self.first_load_failed(error, loading.choice);
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
}

/// That a followed application has come to its end, and where there is more of it.
fn ended_words(losses: &[Loss]) -> String {
    let open = losses.iter().find(|loss| loss.kind == LossKind::InProgress);
    open.map_or_else(|| "the application has ended".to_owned(), |loss| loss.detail.clone())
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
