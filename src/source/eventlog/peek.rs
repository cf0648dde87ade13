//! What a list shows of one log, read from as little of it as holds that: its beginning, to where the application starts, and its end.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use serde::{Deserialize, Serialize};

use super::codec::{self, Codec};
use super::ending::{self, Ending, READ_THROUGH, TAIL};
use super::event::Event;
use super::locate::{self, Log, id_of_name};
use super::parse::parse;
use crate::model::AttemptEntry;
use crate::source::Progress;
use crate::source::store::{Entry, Store};
use crate::text;

/// Bytes of a log's beginning, decompressed, in which its application must have started; the environment stands before that and can
/// be long.
const BEGINNING: u64 = 16 << 20;

/// Bytes of a file that are asked for first: compressed, the environment takes some 20 kB. Each further request is for four times as many.
const FIRST: u64 = 64 << 10;

/// What a list knows of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Looked {
    /// An application's log.
    Application(Peek),
    /// A log in which no application starts.
    NoStart,
    /// No event log.
    Stranger,
}

/// What a list shows of one log. Text is cleaned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Peek {
    /// Application id.
    pub id: String,
    /// The name its author gave it.
    pub name: String,
    /// Attempt id.
    pub attempt: Option<String>,
    /// Who ran it.
    pub user: Option<String>,
    /// Spark's version.
    pub version: Option<String>,
    /// Start, epoch ms.
    pub start_ms: Option<i64>,
    /// End, epoch ms.
    pub end_ms: Option<i64>,
    /// Last change of the log, epoch ms.
    pub updated_ms: Option<i64>,
}

impl Peek {
    /// The attempt of the list.
    pub(super) fn attempt(self) -> AttemptEntry {
        let span = self.end_ms.zip(self.start_ms);
        let duration = span.and_then(|(end, start)| end.checked_sub(start));
        AttemptEntry {
            attempt: self.attempt,
            start_ms: self.start_ms,
            end_ms: self.end_ms,
            last_updated_ms: self.updated_ms,
            duration_ms: duration.and_then(|span| u64::try_from(span).ok()),
            user: self.user,
            completed: self.end_ms.is_some(),
            spark_version: self.version,
        }
    }
}

/// Looks into a log.
///
/// # Errors
/// Where its first or last part cannot be read.
pub(super) fn peek(store: &dyn Store, log: &Log<Entry>, progress: &Progress) -> io::Result<Looked> {
    let (Some((_, first)), Some((_, last))) = (log.parts.first(), log.parts.last()) else {
        return Ok(Looked::Stranger);
    };
    let head = Head::read(store, first, progress)?;
    let Some(codec) = locate::codec(&head.bytes, &first.name).filter(|codec| *codec != Codec::Zip) else {
        return Ok(Looked::Stranger);
    };
    let single = log.parts.len() == 1;
    // A small file is asked for once.
    let tail = (single && head.bytes.len() as u64 >= first.size).then(|| head.bytes.clone());
    let Some(mut peek) = start(codec, head, &log.name) else {
        return Ok(Looked::NoStart);
    };
    let last_codec = Codec::of_name(&last.name).filter(|_| !single).unwrap_or(codec);
    peek.updated_ms = log.parts.iter().filter_map(|(_, part)| part.modified_ms()).max();
    peek.end_ms = match end(store, last, last_codec, tail, progress)? {
        Ending::At(time) => Some(time),
        Ending::Unknown if !log.in_progress => last.modified_ms(),
        Ending::Unknown | Ending::Open => None,
    };
    Ok(Looked::Application(peek))
}

/// The application's start, out of the first events.
fn start(codec: Codec, head: Head<'_>, log: &str) -> Option<Peek> {
    let plain = codec::decode(codec, head.all()).ok()?;
    let mut lines = BufReader::new(plain.take(BEGINNING));
    let mut version = None;
    let mut line = Vec::new();
    let clean = |text: Option<Cow<'_, str>>| text.map(|text| text::clean_line(&text));
    while lines.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
        // Parsing the environment takes longer than all else.
        if memchr::memmem::find(&line, b"Start\"").is_some() {
            match parse(&String::from_utf8_lossy(&line), &mut String::new()) {
                Ok(Some(Event::LogStart(event))) => version = clean(event.version),
                Ok(Some(Event::ApplicationStart(event))) => {
                    let id = clean(event.id).unwrap_or_else(|| id_of_name(log));
                    return Some(Peek {
                        name: clean(event.name).unwrap_or_else(|| id.clone()),
                        id,
                        attempt: clean(event.attempt),
                        user: clean(event.user),
                        start_ms: event.time,
                        version,
                        ..Peek::default()
                    });
                }
                _ => {}
            }
        }
        line.clear();
    }
    None
}

/// The application's end, out of the last part's `tail` if that is known already.
fn end(
    store: &dyn Store,
    part: &Entry,
    codec: Codec,
    tail: Option<Vec<u8>>,
    progress: &Progress,
) -> io::Result<Ending> {
    let tail = match tail {
        Some(tail) => tail,
        None => bytes(store, part, part.size.saturating_sub(TAIL), TAIL, progress)?,
    };
    match ending::of_tail(codec, &tail) {
        Ending::Unknown if part.size <= READ_THROUGH && codec != Codec::Plain => {
            let whole = store.read(&part.path, 0, Some(part.size), progress)?;
            Ok(codec::decode(codec, whole).map_or(Ending::Unknown, ending::of_all))
        }
        ending => Ok(ending),
    }
}

fn bytes(store: &dyn Store, part: &Entry, from: u64, length: u64, progress: &Progress) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if part.size > 0 {
        let reader = store.read(&part.path, from, Some(length), progress)?;
        reader.take(length).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// A file's first bytes, and where the others come from.
struct Head<'a> {
    bytes: Vec<u8>,
    rest: Windows<'a>,
}

impl<'a> Head<'a> {
    fn read(store: &'a dyn Store, part: &'a Entry, progress: &'a Progress) -> io::Result<Self> {
        let bytes = bytes(store, part, 0, FIRST, progress)?;
        let rest = Windows {
            store,
            part,
            progress,
            at: bytes.len() as u64,
            length: FIRST,
            left: 0,
            now: None,
        };
        Ok(Head { bytes, rest })
    }

    fn all(self) -> Chain<Cursor<Vec<u8>>, BufReader<Windows<'a>>> {
        Cursor::new(self.bytes).chain(BufReader::new(self.rest))
    }
}

/// A file in requests that grow: whoever needs little of it asks for little.
struct Windows<'a> {
    store: &'a dyn Store,
    part: &'a Entry,
    progress: &'a Progress,
    at: u64,
    length: u64,
    left: u64,
    now: Option<Box<dyn BufRead + Send + 'a>>,
}

impl Read for Windows<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            if self.at >= self.part.size {
                return Ok(0);
            }
            self.length *= 4;
            self.left = self.length.min(self.part.size - self.at);
            self.now = Some(
                self.store
                    .read(&self.part.path, self.at, Some(self.left), self.progress)?,
            );
        }
        let Some(now) = &mut self.now else { return Ok(0) };
        let read = now.by_ref().take(self.left).read(buf)?;
        self.at += read as u64;
        // A file that ends before its size did shrink meanwhile.
        self.left = if read == 0 { 0 } else { self.left - read as u64 };
        if read == 0 {
            self.at = self.part.size;
        }
        Ok(read)
    }
}
