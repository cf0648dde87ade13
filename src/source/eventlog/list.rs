//! A directory of logs as a list of applications: of each log only what the list shows is read, its beginning and its end.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::codec::{self, Codec};
use super::event::Event;
use super::lines::fill;
use super::locate::{Found, Log, failed, id_of_name, locate};
use super::parse::parse;
use crate::model::{ApplicationEntry, AttemptEntry, Listing, Loss, LossKind};
use crate::source::{Phase, Progress, SourceError};
use crate::text;

/// Bytes of a log's beginning in which its application must have started; the environment stands before that and can be long.
const BEGINNING: u64 = 16 << 20;

/// Bytes of a plain log's end in which its application's end is looked for.
const ENDING: u64 = 64 << 10;

/// Compressed logs up to this size are read through for their application's end; of larger ones the file's time is taken.
const READ_THROUGH: u64 = 4 << 20;

/// The applications whose logs lie at `path`.
///
/// # Errors
/// [`SourceError::File`] where there is no log, and [`SourceError::Cancelled`].
pub fn list(path: &Path, progress: &Progress) -> Result<Listing, SourceError> {
    let logs = match locate(path)? {
        Found::Log(log) => vec![log],
        Found::Logs(logs) => logs,
        Found::Zip => {
            let application = super::open(path, None, None, progress)?;
            return Ok(Listing {
                applications: vec![ApplicationEntry::of(&application)],
                losses: application.losses,
            });
        }
    };
    progress.enter(Phase::Replaying, path.display().to_string(), 0);
    let mut listing = Listing::default();
    let mut applications: BTreeMap<String, ApplicationEntry> = BTreeMap::new();
    let mut unreadable = Vec::new();
    for log in logs {
        progress.check()?;
        let Some(head) = peek(&log) else {
            unreadable.push(log.name);
            continue;
        };
        let entry = applications.entry(head.id.clone()).or_insert_with(|| ApplicationEntry {
            id: head.id,
            ..ApplicationEntry::default()
        });
        entry.name = head.name;
        entry.attempts.push(head.attempt);
    }
    if let Some(first) = unreadable.first() {
        listing.losses.push(Loss {
            kind: LossKind::Unreadable,
            count: unreadable.len() as u64,
            detail: format!(
                "{} logs hold no application's start, the first is {first}",
                unreadable.len()
            ),
        });
    }
    listing.applications = applications.into_values().collect();
    for entry in &mut listing.applications {
        entry
            .attempts
            .sort_by_key(|attempt| std::cmp::Reverse(attempt.start_ms));
    }
    let newest = |entry: &ApplicationEntry| entry.attempts.first().and_then(|attempt| attempt.start_ms);
    listing
        .applications
        .sort_by_key(|entry| std::cmp::Reverse(newest(entry)));
    Ok(listing)
}

/// The log of the application that was asked for, or of the only one there is.
pub(super) fn choose(
    path: &Path,
    mut logs: Vec<Log<PathBuf>>,
    id: Option<&str>,
    attempt: Option<&str>,
    progress: &Progress,
) -> Result<Log<PathBuf>, SourceError> {
    if logs.len() == 1 && id.is_none() {
        return Ok(logs.remove(0));
    }
    let Some(id) = id else {
        let count = logs.len();
        let why = format!(
            "{}: {count} event logs lie there: choose an application with --app",
            path.display()
        );
        return Err(SourceError::Application(why));
    };
    let mut fitting = Vec::new();
    for log in logs {
        progress.check()?;
        // The name begins with the id, sanitised; only where it does not is the log looked into.
        let named = id_of_name(&log.name).starts_with(id);
        if let Some(head) = peek(&log).filter(|head| head.id == id || (named && head.id.is_empty())) {
            fitting.push((head.attempt, log));
        }
    }
    fitting.retain(|(known, _)| attempt.is_none() || known.attempt.as_deref() == attempt);
    // Without a choice the last attempt counts.
    let last = fitting.into_iter().max_by_key(|(attempt, _)| attempt.start_ms);
    last.map(|(_, log)| log).ok_or_else(|| {
        let attempt = attempt.map_or(String::new(), |attempt| format!(", attempt {attempt}"));
        SourceError::Application(format!("{}: no event log of application {id}{attempt}", path.display()))
    })
}

/// What a list shows of one log.
struct Peek {
    id: String,
    name: String,
    attempt: AttemptEntry,
}

fn peek(log: &Log<PathBuf>) -> Option<Peek> {
    let mut version = None;
    let mut peek = None;
    let (name, path) = log.parts.first()?;
    let mut lines = BufReader::new(plain(name, path)?.take(BEGINNING));
    let mut line = Vec::new();
    while peek.is_none() && lines.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
        match parse(&String::from_utf8_lossy(&line), &mut String::new()) {
            Ok(Some(Event::LogStart(event))) => version = event.version.map(|version| text::clean_line(&version)),
            Ok(Some(Event::ApplicationStart(event))) => {
                let clean = |text: Option<std::borrow::Cow<'_, str>>| text.map(|text| text::clean_line(&text));
                let id = clean(event.id).unwrap_or_else(|| id_of_name(&log.name));
                peek = Some(Peek {
                    name: clean(event.name).unwrap_or_else(|| id.clone()),
                    id,
                    attempt: AttemptEntry {
                        attempt: clean(event.attempt),
                        start_ms: event.time,
                        user: clean(event.user),
                        ..AttemptEntry::default()
                    },
                });
            }
            _ => {}
        }
        line.clear();
    }
    let mut peek = peek?;
    let entry = &mut peek.attempt;
    entry.spark_version = version;
    let (name, path) = log.parts.last()?;
    let metadata = fs::metadata(path).ok()?;
    let changed = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    entry.last_updated_ms = changed.and_then(|since| i64::try_from(since.as_millis()).ok());
    entry.end_ms = match end(name, path, metadata.len()) {
        Ending::At(time) => Some(time),
        Ending::NotLookedFor if !log.in_progress => entry.last_updated_ms,
        Ending::NotLookedFor | Ending::None => None,
    };
    entry.completed = entry.end_ms.is_some();
    let span = entry
        .end_ms
        .zip(entry.start_ms)
        .and_then(|(end, start)| end.checked_sub(start));
    entry.duration_ms = span.and_then(|span| u64::try_from(span).ok());
    Some(peek)
}

/// The plain bytes of a file.
fn plain(name: &str, path: &Path) -> Option<Box<dyn Read>> {
    let mut file = BufReader::new(File::open(path).map_err(|error| failed(path, &error)).ok()?);
    let codec = Codec::of_bytes(fill(&mut file).ok()?).or_else(|| Codec::of_name(name));
    codec::decode(codec.unwrap_or(Codec::Plain), file).ok()
}

/// Whether a log holds its application's end.
enum Ending {
    At(i64),
    None,
    NotLookedFor,
}

fn end(name: &str, path: &Path, size: u64) -> Ending {
    let is_plain = File::open(path).ok().and_then(|file| {
        let mut file = BufReader::new(file);
        Some(Codec::of_bytes(fill(&mut file).ok()?)? == Codec::Plain)
    });
    let tail = if is_plain == Some(true) {
        plain_tail(path, size)
    } else if size <= READ_THROUGH {
        packed_tail(name, path)
    } else {
        return Ending::NotLookedFor;
    };
    let tail = tail.unwrap_or_default();
    let tail = String::from_utf8_lossy(&tail);
    let mut ends = tail
        .lines()
        .rev()
        .filter(|line| line.contains("SparkListenerApplicationEnd"));
    let time = ends.find_map(|line| match parse(line, &mut String::new()) {
        Ok(Some(Event::ApplicationEnd(event))) => event.time,
        _ => None,
    });
    time.map_or(Ending::None, Ending::At)
}

fn plain_tail(path: &Path, size: u64) -> Option<Vec<u8>> {
    let mut file = File::open(path).ok()?;
    file.seek(SeekFrom::Start(size.saturating_sub(ENDING))).ok()?;
    let mut tail = Vec::new();
    file.take(ENDING).read_to_end(&mut tail).ok()?;
    Some(tail)
}

/// The last bytes behind a compressed file; of a damaged one, those before the damage.
fn packed_tail(name: &str, path: &Path) -> Option<Vec<u8>> {
    let mut plain = plain(name, path)?;
    let (mut last, mut now) = (Vec::new(), Vec::new());
    loop {
        let read = (&mut plain).take(ENDING).read_to_end(&mut now);
        let over = !matches!(read, Ok(n) if n > 0);
        if over {
            last.extend_from_slice(&now);
            return Some(last);
        }
        if now.len() as u64 >= ENDING {
            last = std::mem::take(&mut now);
        }
    }
}
