//! Event logs: a path is located, decompressed, split into lines, parsed and replayed into an application. Called by whoever has a
//! target that is a file, and by the REST source with the zip it downloaded.

mod archive;
mod blocks;
mod codec;
mod event;
mod lines;
mod list;
mod locate;
mod parse;
mod reading;
mod replay;
mod shape;
mod tail;
mod task_metrics;
#[cfg(test)]
mod tests;

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use archive::Archive;
use lines::Limits;
use locate::{Found, Log, failed, locate, refused};

pub use list::list;

use crate::model::Application;
use crate::source::{Phase, Progress, SourceError};

/// Reads the application at `path`: an event log, the directory of a rolling one, a zip of logs, or a directory of logs of which `id` and
/// `attempt` choose one.
///
/// # Errors
/// [`SourceError::File`] where nothing of an application could be read, [`SourceError::Application`] where several are there and none
/// was chosen, and [`SourceError::Cancelled`].
pub fn open(
    path: &Path,
    id: Option<&str>,
    attempt: Option<&str>,
    progress: &Progress,
) -> Result<Application, SourceError> {
    match locate(path)? {
        Found::Log(log) => {
            let application = read(path, log, progress)?;
            match id.filter(|id| *id != application.id) {
                Some(id) => Err(SourceError::Application(format!(
                    "{}: holds application {}, not {id}",
                    path.display(),
                    application.id
                ))),
                None => Ok(application),
            }
        }
        Found::Zip => open_zip(
            File::open(path).map_err(|error| failed(path, &error))?,
            path,
            attempt,
            progress,
        ),
        Found::Logs(logs) => {
            let log = list::choose(path, logs, id, attempt, progress)?;
            read(path, log, progress)
        }
    }
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
pub fn holds_one(path: &Path) -> bool {
    matches!(locate(path), Ok(Found::Log(_) | Found::Zip))
}

/// Replays one log of files, and follows one that is still written while somebody watches.
fn read(path: &Path, mut log: Log<PathBuf>, progress: &Progress) -> Result<Application, SourceError> {
    let sizes = log
        .parts
        .iter()
        .filter_map(|(_, path)| Some(fs::metadata(path).ok()?.len()));
    progress.enter(Phase::Replaying, log.name.clone(), sizes.sum());
    let losses = std::mem::take(&mut log.losses);
    let follow = progress.is_watched() && (progress.is_asked_to_follow() || tail::is_written(&log));
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
            for (name, path) in &log.parts {
                match File::open(path) {
                    Ok(file) => feed.file(name, BufReader::with_capacity(1 << 18, file))?,
                    // Of several files the others are worth reading.
                    Err(error) if log.parts.len() > 1 => feed.unreadable(name, error)?,
                    Err(error) => return Err(failed(path, &error)),
                }
            }
            Ok(())
        },
    )
}
