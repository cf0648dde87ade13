//! What takes time is done on threads of its own; each sends its answer into the loop.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;

use super::Message;
use crate::diagnosis::{Diagnosis, Thresholds, diagnose, glance};
use crate::model::Application;
use crate::settings::Settings;
use crate::source::{Phase, Progress, Shown, Source};
use crate::tui::effect::{Answer, Request, Ticket};
use crate::tui::screen::Opened;
use crate::tui::theme;
use crate::{redact, report};

/// What the threads that work for the loop need.
#[derive(Clone)]
pub(super) struct Workers {
    pub source: Source,
    pub settings: Arc<Settings>,
    pub thresholds: Arc<Thresholds>,
    pub answers: UnboundedSender<Message>,
}

impl Workers {
    /// Does on a thread of its own what takes time, and answers.
    pub fn start(self, request: Request) {
        tokio::task::spawn_blocking(move || {
            let (ticket, answer) = self.answer(request);
            // Nobody listens any more when the program ends.
            let _ended = self.answers.send(Message::Answer(ticket, answer));
        });
    }

    fn answer(&self, request: Request) -> (Ticket, Answer) {
        match request {
            Request::List { ticket, progress } => {
                self.watch(ticket, &progress);
                (ticket, Answer::Listed(self.source.list(&progress)))
            }
            Request::Open {
                ticket,
                choice,
                progress,
            } => {
                self.watch(ticket, &progress);
                let opened = self.source.open(&choice, &progress).map(|application| {
                    progress.enter(Phase::Diagnosing, "", 0);
                    self.diagnosed(application)
                });
                (ticket, Answer::Opened(opened))
            }
            Request::Compare {
                ticket,
                choices: [a, b],
                progress,
            } => {
                self.watch(ticket, &progress);
                let open = |choice| {
                    let application = self.source.open(choice, &progress)?;
                    let application = self.source.load_all_tasks(application, &progress)?;
                    progress.enter(Phase::Diagnosing, "", 0);
                    Ok(self.diagnosed(application))
                };
                let compared = open(&a).and_then(|a| Ok([a, open(&b)?]));
                (ticket, Answer::Compared(compared))
            }
            Request::LoadTasks {
                ticket,
                opened,
                key,
                more,
                progress,
            } => {
                let read = self
                    .source
                    .load_tasks(&opened.application, key, &progress)
                    .map(|loaded| {
                        let application = loaded.into_application(&opened.application);
                        if more {
                            Opened {
                                application: Arc::new(application),
                                diagnosis: opened.diagnosis,
                            }
                        } else {
                            self.diagnosed(application)
                        }
                    });
                (ticket, Answer::TasksRead(read))
            }
            Request::Save {
                application,
                screen,
                text,
            } => (0, self.save(&application, &screen, &text)),
            Request::SaveReport(opened) => {
                let text = report::text(&opened.application, &opened.diagnosis, self.settings.ascii);
                (0, self.save(&opened.application.id, "report", &text))
            }
            Request::Themes => {
                let level = theme::detect(self.settings.color, |name| std::env::var(name).ok());
                let folder = self.settings.theme_folder.as_deref();
                (0, Answer::Themes(theme::list(folder, level)))
            }
            Request::Quit(_) | Request::Redraw | Request::Suspend | Request::Copy(_) | Request::Work(_) => {
                (0, Answer::Saved(Err("this takes no thread".to_owned())))
            }
        }
    }

    /// Passes on what a load shows before its end. What is worked out for that is worked out on the load's own thread: so it counts as
    /// a part of what showing costs, and is done the more seldom.
    fn watch(&self, ticket: Ticket, progress: &Progress) {
        if let Some(refresh) = self.settings.refresh {
            progress.refresh_every(refresh);
        }
        let (answers, thresholds) = (self.answers.clone(), self.thresholds.clone());
        progress.watch(move |shown| {
            let answer = match shown {
                Shown::Listing(listing) => Answer::Listing(listing),
                Shown::Partial(application) => {
                    let diagnosis = glance(&application);
                    Answer::Partial(opened(application, diagnosis))
                }
                Shown::Current(application) => {
                    let diagnosis = diagnose(&application, &thresholds);
                    Answer::Current(opened(application, diagnosis))
                }
            };
            // Nobody listens any more when the program ends.
            let _ended = answers.send(Message::Answer(ticket, answer));
        });
    }

    fn diagnosed(&self, application: Application) -> Opened {
        let diagnosis = diagnose(&application, &self.thresholds);
        opened(application, diagnosis)
    }

    fn save(&self, application: &str, screen: &str, text: &str) -> Answer {
        let text = redact::text(text);
        let written = report::file::write(
            &self.settings.snapshot_dir,
            application,
            screen,
            Timestamp::now(),
            &text,
        );
        Answer::Saved(written.map_err(|error| error.to_string()))
    }
}

fn opened(application: Application, diagnosis: Diagnosis) -> Opened {
    Opened {
        application: Arc::new(application),
        diagnosis: Arc::new(diagnosis),
    }
}
