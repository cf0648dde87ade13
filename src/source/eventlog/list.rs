//! A folder of logs as a list of applications: of each log only what the list shows is read, several at once, and of one that a list
//! before has looked into, nothing.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use super::cache::{Cache, Stamp};
use super::locate::{self, Found, Log, id_of_name, locate, refused, rolled, single, words};
use super::peek::{Looked, Peek, peek};
use crate::model::{ApplicationEntry, Listing, Loss, LossKind};
use crate::source::pace::Pace;
use crate::source::store::{Entry, Kind, Store};
use crate::source::{Phase, Progress, Shown, SourceError};
use crate::text::clean_line;

/// When a watcher first sees what a list has so far, and how soon after that again; it grows from there.
const FIRST_LOOK: Duration = Duration::from_millis(200);
const NEXT_LOOK: Duration = Duration::from_millis(300);

/// The applications whose logs lie at `path`. What is found out is kept under `cache` for the next time, if that is given.
///
/// # Errors
/// [`SourceError::File`] where there is no log, and [`SourceError::Cancelled`].
pub fn list(store: &dyn Store, path: &Path, cache: Option<&Path>, progress: &Progress) -> Result<Listing, SourceError> {
    progress.enter(Phase::Listing, path.display().to_string(), 0);
    match locate(store, path, progress)? {
        Found::Log(log) => {
            let outcome = outcome(peek(store, &log, progress));
            progress.check()?;
            Ok(listed(vec![(log.name, outcome)]))
        }
        Found::Zip(_) => super::open(store, path, None, None, progress).map(|application| Listing::of(&application)),
        Found::Folder(entries) => {
            let listing = listed(scan(store, path, &entries, cache, progress, true)?);
            if listing.applications.is_empty() && listing.losses.is_empty() {
                return Err(no_log(path));
            }
            Ok(listing)
        }
    }
}

/// The log of the application that was asked for, or of the only one there is.
pub(super) fn choose(
    store: &dyn Store,
    path: &Path,
    mut entries: Vec<Entry>,
    id: Option<&str>,
    attempt: Option<&str>,
    progress: &Progress,
) -> Result<Log<Entry>, SourceError> {
    let Some(id) = id else {
        return only(store, path, &entries, progress);
    };
    // The name begins with the id; only where it does not, the other logs are looked into.
    let start = sanitised(id);
    entries.sort_by_key(|entry| !id_of_name(&entry.name).starts_with(&start));
    let named = entries.partition_point(|entry| id_of_name(&entry.name).starts_with(&start));
    let (named, others) = entries.split_at(named);
    for entries in [named, others] {
        let outcomes = scan(store, path, entries, None, progress, false)?;
        let fitting = entries
            .iter()
            .zip(outcomes)
            .filter_map(|(entry, (_, outcome))| match outcome {
                Outcome::Looked(Looked::Application(peek)) if peek.id == id => Some((peek, entry)),
                _ => None,
            });
        // Without a choice the last attempt counts.
        let last = fitting
            .filter(|(peek, _)| attempt.is_none() || peek.attempt.as_deref() == attempt)
            .max_by_key(|(peek, _)| peek.start_ms);
        if let Some(log) = last.and_then(|(_, entry)| log(store, entry, progress).ok()?) {
            return Ok(log);
        }
    }
    let attempt = attempt.map_or(String::new(), |attempt| format!(", attempt {attempt}"));
    Err(SourceError::Application(format!(
        "{}: no event log of application {id}{attempt}",
        path.display()
    )))
}

/// The only log of a folder.
fn only(store: &dyn Store, path: &Path, entries: &[Entry], progress: &Progress) -> Result<Log<Entry>, SourceError> {
    let mut found = None;
    for entry in entries {
        let log = log(store, entry, progress);
        progress.check()?;
        let Ok(Some(log)) = log else { continue };
        if !matches!(
            peek(store, &log, progress),
            Ok(Looked::Application(_) | Looked::NoStart)
        ) {
            continue;
        }
        if found.replace(log).is_some() {
            return Err(SourceError::Application(format!(
                "{}: several event logs lie there: choose an application with --app",
                path.display()
            )));
        }
    }
    progress.check()?;
    found.ok_or_else(|| no_log(path))
}

fn no_log(path: &Path) -> SourceError {
    refused(path, "a directory with no event log in it")
}

/// An application's id as it stands in the name of its log (Spark's `Utils.sanitizeDirName`).
fn sanitised(id: &str) -> String {
    let replaced = id.chars().map(|c| match c {
        ' ' | ':' | '/' => '-',
        '.' | '$' | '{' | '}' | '\'' | '"' => '_',
        c => c,
    });
    replaced.collect::<String>().to_lowercase()
}

/// What came of looking into a log.
enum Outcome {
    Looked(Looked),
    /// It went away, or is being renamed.
    Gone,
    /// Why not.
    Unreadable(String),
}

fn outcome(looked: io::Result<Looked>) -> Outcome {
    match looked {
        Ok(looked) => Outcome::Looked(looked),
        Err(error) if error.kind() == ErrorKind::NotFound => Outcome::Gone,
        Err(error) => Outcome::Unreadable(words(&error)),
    }
}

/// What lies there as a log; `None` for a folder that holds no rolling one.
fn log(store: &dyn Store, entry: &Entry, progress: &Progress) -> io::Result<Option<Log<Entry>>> {
    match entry.kind {
        Kind::Folder => rolled(store, entry, progress),
        _ => Ok(Some(single(entry.clone()))),
    }
}

/// Looks into the logs of a folder, several at once, but not into those that are known. `shown`: whoever watches sees the list grow.
fn scan(
    store: &dyn Store,
    path: &Path,
    entries: &[Entry],
    cache: Option<&Path>,
    progress: &Progress,
    shown: bool,
) -> Result<Vec<(String, Outcome)>, SourceError> {
    let mut cache = Cache::load(cache, path);
    let mut outcomes: Vec<Option<Outcome>> = Vec::with_capacity(entries.len());
    outcomes.extend(
        entries
            .iter()
            .map(|entry| Some(Outcome::Looked(cache.at_sight(entry)?.clone()))),
    );
    let unknown: Vec<usize> = (0..entries.len())
        .filter(|at| matches!(outcomes.get(*at), Some(None)))
        .collect();
    progress.enter(Phase::Listing, path.display().to_string(), 0);
    progress.listing(entries.len() as u64, (entries.len() - unknown.len()) as u64);
    let next = AtomicUsize::new(0);
    let work = |done: Sender<(usize, Option<Stamp>, Outcome)>| {
        while let Some(at) = unknown.get(next.fetch_add(1, Ordering::Relaxed)) {
            if progress.is_cancelled() {
                break;
            }
            if let Some(entry) = entries.get(*at) {
                let (stamp, found) = look_into(store, entry, &cache, progress);
                progress.add_listed(1);
                if done.send((*at, stamp, found)).is_err() {
                    break;
                }
            }
        }
    };
    let mut stamps: Vec<(usize, Stamp)> = Vec::new();
    let mut pace = Pace::growing(FIRST_LOOK, NEXT_LOOK);
    thread::scope(|scope| {
        let (send, done) = channel();
        for _ in 0..store.at_once().min(unknown.len()) {
            let (send, work) = (send.clone(), &work);
            scope.spawn(move || work(send));
        }
        drop(send);
        for (at, stamp, found) in done {
            stamps.extend(stamp.map(|stamp| (at, stamp)));
            if let Some(place) = outcomes.get_mut(at) {
                *place = Some(found);
            }
            if shown && progress.is_watched() && pace.is_due() {
                pace.take(|| show(entries, &outcomes, progress));
            }
        }
    });
    progress.check()?;
    for (at, stamp) in stamps {
        if let (Some(entry), Some(Some(Outcome::Looked(looked)))) = (entries.get(at), outcomes.get(at)) {
            cache.learn(entry, stamp, looked.clone());
        }
    }
    cache.save(entries);
    let named = entries.iter().map(|entry| entry.name.clone());
    Ok(named
        .zip(outcomes.into_iter().map(|outcome| outcome.unwrap_or(Outcome::Gone)))
        .collect())
}

/// Shows the applications found so far; what could not be read is told when all has been tried.
fn show(entries: &[Entry], outcomes: &[Option<Outcome>], progress: &Progress) {
    let found = entries
        .iter()
        .zip(outcomes)
        .filter_map(|(entry, outcome)| match outcome {
            Some(Outcome::Looked(looked @ Looked::Application(_))) => {
                Some((entry.name.clone(), Outcome::Looked(looked.clone())))
            }
            _ => None,
        });
    let found: Vec<(String, Outcome)> = found.collect();
    if !found.is_empty() {
        progress.show(Shown::Listing(listed(found)));
    }
}

/// Looks into one log, unless its parts show that it is known.
fn look_into(store: &dyn Store, entry: &Entry, cache: &Cache, progress: &Progress) -> (Option<Stamp>, Outcome) {
    let look = |entry: &Entry| -> io::Result<(Option<Stamp>, Looked)> {
        match log(store, entry, progress)? {
            None => Ok((None, Looked::Stranger)),
            Some(log) => {
                let stamp = Stamp::of(&log);
                match cache.by_stamp(entry, stamp.as_ref()) {
                    Some(known) => Ok((stamp, known.clone())),
                    None => Ok((stamp, peek(store, &log, progress)?)),
                }
            }
        }
    };
    let looked = look(entry).or_else(|error| {
        if error.kind() != ErrorKind::NotFound {
            return Err(error);
        }
        // Spark takes the suffix `.inprogress` off when the application ends.
        let ended = locate::look(store, &entry.path, progress)?;
        look(&ended).map(|(_, looked)| (None, looked))
    });
    match looked {
        Ok((stamp, looked)) => (stamp, Outcome::Looked(looked)),
        Err(error) => (None, outcome(Err(error))),
    }
}

/// The list of what was found, newest first.
fn listed(outcomes: Vec<(String, Outcome)>) -> Listing {
    let mut applications: BTreeMap<String, ApplicationEntry> = BTreeMap::new();
    let (mut unreadable, mut without_start) = (Vec::new(), Vec::new());
    for (name, outcome) in outcomes {
        match outcome {
            Outcome::Looked(Looked::Application(peek)) => add(&mut applications, peek),
            Outcome::Looked(Looked::NoStart) => without_start.push(name),
            Outcome::Unreadable(why) => unreadable.push(format!("{name}: {why}")),
            Outcome::Looked(Looked::Stranger) | Outcome::Gone => {}
        }
    }
    let mut losses = Vec::new();
    for (lost, what) in [
        (unreadable, "could not be read"),
        (without_start, "hold no application's start"),
    ] {
        let count = lost.len() as u64;
        if let Some(first) = lost.into_iter().next() {
            losses.push(Loss {
                kind: LossKind::Unreadable,
                count,
                detail: clean_line(&format!("{count} logs {what}, the first is {first}")),
            });
        }
    }
    let mut applications: Vec<ApplicationEntry> = applications.into_values().collect();
    for entry in &mut applications {
        entry
            .attempts
            .sort_by_key(|attempt| std::cmp::Reverse(attempt.start_ms));
    }
    applications.sort_by_key(|entry| std::cmp::Reverse(entry.attempts.first().and_then(|attempt| attempt.start_ms)));
    Listing { applications, losses }
}

fn add(applications: &mut BTreeMap<String, ApplicationEntry>, peek: Peek) {
    let entry = applications.entry(peek.id.clone()).or_insert_with(|| ApplicationEntry {
        id: peek.id.clone(),
        ..ApplicationEntry::default()
    });
    entry.name.clone_from(&peek.name);
    entry.attempts.push(peek.attempt());
}

#[cfg(test)]
mod tests;
