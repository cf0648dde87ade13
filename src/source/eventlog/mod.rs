//! Event logs: a path is located, decompressed, split into lines, parsed and replayed into an application. Called by whoever has a
//! target that is a file, and by the REST source with the zip it downloaded.

mod archive;
mod blocks;
mod cache;
mod codec;
#[cfg(test)]
mod damage;
mod ending;
mod event;
mod lines;
mod list;
mod locate;
mod metric_text;
mod parse;
mod peek;
mod plan;
mod query_event;
mod reading;
mod replay;
mod shape;
mod tail;
mod task_metrics;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, BufRead, Seek};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use archive::Archive;
use lines::Limits;
use locate::{Found, Log, failed_in, locate, refused};

pub use list::list;

use crate::model::Application;
use crate::source::store::{Entry, Store};
use crate::source::{Phase, Progress, SourceError};

/// Bytes of a zip that is kept in a temporary file while it is read.
const MAX_ZIP: u64 = 8 << 30;

/// Reads the application at `path` of a store: an event log, the directory of a rolling one, a zip of logs, or a directory of logs of which
/// `id` and `attempt` choose one.
///
/// # Errors
/// [`SourceError::File`] where nothing of an application could be read, [`SourceError::Application`] where several are there and none
/// was chosen, and [`SourceError::Cancelled`].
pub fn open(
    store: &dyn Store,
    path: &Path,
    id: Option<&str>,
    attempt: Option<&str>,
    progress: &Progress,
) -> Result<Application, SourceError> {
    let application = match locate(store, path, progress)? {
        Found::Log(log) => read(store, path, log, progress)?,
        Found::Zip(entry) => {
            let file = kept(store, &entry, progress).map_err(|error| failed_in(path, &error, progress))?;
            open_zip(file, path, attempt, progress)?
        }
        Found::Folder(entries) => {
            let log = list::choose(store, path, entries, id, attempt, progress)?;
            return read(store, path, log, progress);
        }
    };
    match id.filter(|id| *id != application.id) {
        Some(id) => Err(SourceError::Application(format!(
            "{}: holds application {}, not {id}",
            path.display(),
            application.id
        ))),
        None => Ok(application),
    }
}

/// A file of a store where one can go back and forth in it, as a zip's end has to be read first.
fn kept(store: &dyn Store, entry: &Entry, progress: &Progress) -> io::Result<File> {
    if entry.size > MAX_ZIP {
        return Err(io::Error::other("a zip of more than 8 GiB: give the event log in it"));
    }
    progress.enter(Phase::Downloading, entry.name.clone(), entry.size);
    let mut from = store.read(&entry.path, 0, None, progress)?;
    let mut file = tempfile::tempfile()?;
    loop {
        let piece = lines::fill(&mut from)?;
        if piece.is_empty() {
            break;
        }
        io::Write::write_all(&mut file, piece)?;
        let read = piece.len();
        from.consume(read);
        progress.add_bytes(read as u64);
        if progress.is_cancelled() {
            break;
        }
    }
    file.rewind()?;
    Ok(file)
}

/// Reads an application out of the zip that a history server's `logs` endpoint sent. `name` is where it came from, for messages; of
/// several attempts in it, `attempt` chooses one (else the last).
///
/// # Errors
/// As [`open`].
pub fn open_zip(
    file: File,
    name: &Path,
    attempt: Option<&str>,
    progress: &Progress,
) -> Result<Application, SourceError> {
    open_zip_within(Limits::default(), file, name, attempt, progress)
}

fn open_zip_within(
    limits: Limits,
    file: File,
    name: &Path,
    attempt: Option<&str>,
    progress: &Progress,
) -> Result<Application, SourceError> {
    let mut archive = Archive::open(file, limits).map_err(|why| refused(name, &why))?;
    let logs = archive.logs();
    let suffix = attempt.map(|attempt| format!("_{attempt}"));
    let chosen = logs.iter().position(|log| {
        suffix
            .as_deref()
            .is_some_and(|suffix| locate::id_of_name(&log.name).ends_with(suffix))
    });
    let count = logs.len();
    let at = chosen.unwrap_or(count.saturating_sub(1));
    let Some(mut log) = logs.into_iter().nth(at) else {
        return Err(refused(
            name,
            "an empty zip: the server has no event log for this application",
        ));
    };
    progress.enter(Phase::Replaying, log.name.clone(), archive.size(&log));
    let losses = std::mem::take(&mut log.losses);
    reading::replay(name.to_owned(), &log.name, losses, limits, progress, |feed| {
        archive.feed(feed, &log)
    })
}

/// Reads an application out of a log that is no file: standard input, or one built into the program. `length` bytes; 0 if not known.
///
/// # Errors
/// As [`open`].
pub fn open_stream(
    name: &str,
    length: u64,
    log: impl BufRead + Send,
    progress: &Progress,
) -> Result<Application, SourceError> {
    progress.enter(Phase::Replaying, name, length);
    let path = PathBuf::from(name);
    reading::replay(path, name, Vec::new(), Limits::default(), progress, |feed| {
        feed.file(name, log)
    })
}

/// Whether one application lies at `path`: a log, a rolling log or a zip, and not a folder of many.
pub fn holds_one(store: &dyn Store, path: &Path, progress: &Progress) -> bool {
    locate::is_one(store, path, progress)
}

/// Whether an address names one log, as far as its name tells: a codec's ending, a rolling log, an application's id.
pub fn names_one(address: &str) -> bool {
    locate::names_one(address)
}

/// Replays one log of a store, and follows one that is still written while somebody watches.
fn read(store: &dyn Store, path: &Path, mut log: Log<Entry>, progress: &Progress) -> Result<Application, SourceError> {
    let size = log.parts.iter().map(|(_, part)| part.size).sum();
    progress.enter(Phase::Replaying, log.name.clone(), size);
    let losses = std::mem::take(&mut log.losses);
    let follow = store.follows() && progress.is_watched() && (progress.is_asked_to_follow() || tail::is_written(&log));
    let ended = AtomicBool::new(false);
    reading::replay_until(
        path.to_owned(),
        &log.name,
        losses,
        Limits::default(),
        progress,
        follow.then_some(&ended),
        |feed| {
            if follow {
                return tail::feed(feed, &log, &ended, progress);
            }
            for (name, part) in &log.parts {
                match store.read(&part.path, 0, None, progress) {
                    Ok(file) => feed.file(name, file)?,
                    // Of several files the others are worth reading.
                    Err(error) if log.parts.len() > 1 => feed.unreadable(name, error)?,
                    Err(error) => return Err(failed_in(path, &error, progress)),
                }
            }
            Ok(())
        },
    )
}
