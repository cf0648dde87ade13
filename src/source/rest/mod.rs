//! A history server over HTTP: its applications; one of them by its event log, or where that is refused by Spark's REST API.
//! Called by [`Source`](super::Source). Everything blocks the caller; the requests run on threads of their own.

mod address;
mod changes;
mod connection;
mod convert;
mod follow;
mod http;
mod json;
mod loading;
mod logs;
mod read;
mod stages;
mod storage;
mod tasks;
#[cfg(test)]
mod tests;
mod trouble;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

pub use address::{Address, Landing, without_login};
pub use connection::{Connection, Header, token_of_file};
pub use convert::note_forgotten_executors;
use http::{Http, Patience, Want};
pub use http::{block_on, stoppable};
use trouble::Trouble;
pub use trouble::connection_words;

use super::target::Choice;
use super::{Phase, Progress, Shown, SourceError, eventlog};
use crate::model::{Application, ApplicationEntry, AttemptEntry, Listing, Loss, LossKind};

/// All of a list: the server reads the parameter as a Java `int`.
const ALL: &str = "2147483647";
/// Applications of a list that are asked for first.
const FIRST: usize = 200;
/// What REST never tells, for the reader.
const NOT_CARRIED: &str = "executors' memory over time, the stages' parents and why jobs failed are not recorded there";

/// A history server (or a live driver), of which applications are asked.
pub struct Server {
    http: Http,
    label: String,
    max_log: u64,
    kept: Mutex<loading::Kept>,
    /// Whether it turned out to be a driver.
    driver: AtomicBool,
}

impl Server {
    /// The server at this address; does not connect yet.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(address: &Address, max_log: u64, connection: &Connection) -> Result<Server, SourceError> {
        Server::patient(address, max_log, connection, Patience::default())
    }

    fn patient(
        address: &Address,
        max_log: u64,
        connection: &Connection,
        patience: Patience,
    ) -> Result<Server, SourceError> {
        Ok(Server {
            label: address.label(),
            http: Http::new(address, connection, patience)?,
            max_log,
            kept: Mutex::default(),
            driver: AtomicBool::new(false),
        })
    }

    /// The applications that it lists.
    ///
    /// # Errors
    /// When it cannot be reached or answers something else.
    pub fn list(&self, progress: &Progress) -> Result<Listing, SourceError> {
        block_on(async {
            if progress.is_watched() {
                // The first screenful alone comes at once however many there are.
                let first = self.listing(&[("limit", &FIRST.to_string())], progress).await?;
                if first.applications.len() < FIRST {
                    return Ok(first);
                }
                progress.show(Shown::Listing(first));
            }
            self.listing(&[], progress).await
        })
    }

    async fn listing(&self, query: &[(&str, &str)], progress: &Progress) -> Result<Listing, SourceError> {
        progress.enter(Phase::Waiting, self.label.clone(), 0);
        let text = self.text(&["applications"], query, Want::Json, progress).await?;
        let infos: Vec<json::ApplicationInfo<'_>> = self.parsed(&["applications"], &text, '[')?;
        let mut applications: Vec<ApplicationEntry> = infos.into_iter().filter_map(convert::entry).collect();
        applications
            .sort_by_key(|entry| std::cmp::Reverse(entry.attempts.first().and_then(|attempt| attempt.start_ms)));
        Ok(Listing {
            applications,
            losses: Vec::new(),
        })
    }

    /// Reads one application: its event log, or what REST tells. One that a driver tells of is followed to its end while somebody watches,
    /// one without an end on a history server when that is asked for.
    ///
    /// # Errors
    /// When the server cannot be reached, or has no such application.
    pub fn open(&self, choice: &Choice, progress: &Progress) -> Result<Application, SourceError> {
        let (entry, attempt) = block_on(self.chosen(choice, progress)).map_err(|error| self.gone(error))?;
        let application = self.read_once(&entry, &attempt, progress)?;
        if !progress.is_watched() || attempt.completed {
            Ok(application)
        } else if attempt.is_told_by_driver() {
            self.follow_driver(application, progress)
        } else if progress.is_asked_to_follow() {
            self.follow_listed(application, attempt.last_updated_ms, choice, progress)
        } else {
            Ok(application)
        }
    }

    /// Reads an attempt of an application as it is now.
    fn read_once(
        &self,
        entry: &ApplicationEntry,
        attempt: &AttemptEntry,
        progress: &Progress,
    ) -> Result<Application, SourceError> {
        let path = path(&entry.id, attempt.attempt.as_deref());
        let reason = if attempt.is_told_by_driver() {
            self.driver.store(true, Ordering::Relaxed);
            "a running driver has no event log to give".to_owned()
        } else {
            match self.log(&path, attempt.attempt.as_deref(), progress)? {
                Ok(application) => return Ok(application),
                Err(reason) => reason,
            }
        };
        let mut application = block_on(self.read(entry, attempt, &path, progress))?;
        application.losses.push(Loss {
            kind: LossKind::NotCarried,
            count: 1,
            detail: format!("read over REST ({reason}): {NOT_CARRIED}"),
        });
        Ok(application)
    }

    /// What a failure means for a driver that answered before: its web interface ends with it.
    fn gone(&self, error: SourceError) -> SourceError {
        match error {
            SourceError::Server { url, why } | SourceError::Unavailable { url, why }
                if self.driver.load(Ordering::Relaxed) =>
            {
                SourceError::Server {
                    url,
                    why: format!(
                        "the driver no longer answers: the application ended; a history server has it ({why})"
                    ),
                }
            }
            error => error,
        }
    }

    /// The application and attempt that the user means.
    async fn chosen(
        &self,
        choice: &Choice,
        progress: &Progress,
    ) -> Result<(ApplicationEntry, AttemptEntry), SourceError> {
        let entry = match &choice.app {
            Some(id) if matches!(id.as_str(), "" | "." | "..") => {
                return Err(SourceError::Application(format!("{id:?} is no application id")));
            }
            Some(id) => {
                progress.enter(Phase::Waiting, self.label.clone(), 0);
                let path = ["applications", id];
                let text = self.text(&path, &[], Want::Json, progress).await?;
                let info: json::ApplicationInfo<'_> = self.parsed(&path, &text, '{')?;
                convert::entry(info)
            }
            None => {
                let mut listed = self.listing(&[], progress).await?.applications;
                if listed.len() > 1 {
                    return Err(several(&self.label, &listed));
                }
                listed.pop()
            }
        };
        let Some(entry) = entry else {
            return Err(SourceError::Application(format!(
                "{}: no application there",
                self.label
            )));
        };
        let attempt = match &choice.attempt {
            None => entry.attempts.first(),
            wanted => entry.attempts.iter().find(|attempt| attempt.attempt == *wanted),
        };
        match attempt.cloned() {
            Some(attempt) => Ok((entry, attempt)),
            None => Err(no_attempt(&entry)),
        }
    }

    /// The application out of its event log, or why that was not read; the outer error ends the whole reading.
    fn log(
        &self,
        path: &[&str],
        attempt: Option<&str>,
        progress: &Progress,
    ) -> Result<Result<Application, String>, SourceError> {
        if self.max_log == 0 {
            return Ok(Err("no event log wanted".to_owned()));
        }
        let url = self.http.url(&[path, &["logs"]].concat(), &[]);
        progress.enter(Phase::Waiting, self.label.clone(), 0);
        let zip = block_on(async { Ok(logs::download(&self.http, &url, &self.label, self.max_log, progress).await) })?;
        let refused = match zip {
            Ok(zip) => match eventlog::open_zip(zip, Path::new(&self.label), attempt, progress) {
                Ok(application) => return Ok(Ok(application)),
                Err(SourceError::Cancelled) => return Err(SourceError::Cancelled),
                Err(error) => error.to_string(),
            },
            Err(trouble @ (Trouble::Cancelled | Trouble::Connect(_) | Trouble::Untrusted(_))) => {
                return Err(self.http.error(&url, &trouble));
            }
            Err(trouble) => trouble.why(),
        };
        Ok(Err(format!("no event log: {refused}")))
    }
}

/// The API path of an application's attempt.
fn path<'a>(app: &'a str, attempt: Option<&'a str>) -> Vec<&'a str> {
    ["applications", app].into_iter().chain(attempt).collect()
}

fn several(label: &str, listed: &[ApplicationEntry]) -> SourceError {
    let newest: Vec<&str> = listed.iter().take(5).map(|entry| entry.id.as_str()).collect();
    let more = if listed.len() > newest.len() { ", …" } else { "" };
    SourceError::Application(format!(
        "{label} has {} applications; choose one with --app: {}{more}",
        listed.len(),
        newest.join(", ")
    ))
}

fn no_attempt(entry: &ApplicationEntry) -> SourceError {
    let known: Vec<&str> = entry
        .attempts
        .iter()
        .filter_map(|attempt| attempt.attempt.as_deref())
        .collect();
    let known = match known.as_slice() {
        [] => "it has no attempt ids; leave --attempt out".to_owned(),
        ids => format!("it has {}", ids.join(", ")),
    };
    SourceError::Application(format!("{}: no such attempt; {known}", entry.id))
}
