//! What lies at a path: one event log (a file, or the files of a rolling one), a zip of logs, or a folder that may hold logs. Looks at
//! names and first bytes alone. Called by the module's entry points and by the zip reader, which asks the same of entry names.

use std::io::{self, ErrorKind, Read};
use std::path::Path;

use super::codec::Codec;
use crate::model::{Loss, LossKind};
use crate::source::store::{Entry, Kind, Store};
use crate::source::{Progress, SourceError};

/// Bytes of a file that are looked at.
const HEAD: usize = 4096;

/// What a rolling log's directory is named with (`EventLogFileWriter`).
pub(super) const ROLLING: &str = "eventlog_v2_";

/// One event log: its parts in order. `P` is where a part lies: a file of a store, or an entry of a zip.
#[derive(Debug)]
pub(super) struct Log<P> {
    /// Name of the file or directory.
    pub name: String,
    /// Name and place of each part, in the order of the events.
    pub parts: Vec<(String, P)>,
    /// Whether the name says that the application has not ended.
    pub in_progress: bool,
    /// What the names alone show to be missing.
    pub losses: Vec<Loss>,
}

/// What lies at a path.
#[derive(Debug)]
pub(super) enum Found {
    /// One event log.
    Log(Log<Entry>),
    /// A zip, as the history server's `logs` endpoint sends.
    Zip(Entry),
    /// A folder: the files in it and its rolling logs, by name. Which of the files are logs is not looked at.
    Folder(Vec<Entry>),
}

/// Looks at a path.
///
/// # Errors
/// [`SourceError::File`] where there is nothing, nothing readable, or nothing that is an event log.
pub(super) fn locate(store: &dyn Store, path: &Path, progress: &Progress) -> Result<Found, SourceError> {
    let entry = look(store, path, progress).map_err(|error| failed_in(path, &error, progress))?;
    match entry.kind {
        Kind::Folder => folder(store, &entry, progress),
        Kind::Other => Err(refused(path, "neither a file nor a directory: give an event log")),
        Kind::File => match head(store, &entry, progress).map_err(|error| failed_in(path, &error, progress))? {
            Head::Empty => Err(refused(path, "the file is empty: there is no application in it")),
            Head::Of(Codec::Zip) => Ok(Found::Zip(entry)),
            Head::Of(_) => Ok(Found::Log(single(entry))),
            Head::Unknown => Err(refused(
                path,
                "not an event log: neither Spark's events in JSON lines nor zstd, gzip, lz4, snappy, lzf or zip",
            )),
        },
    }
}

/// Whether one application lies at `path`, to be opened without asking which: what is no folder, or a rolling log's.
pub(super) fn is_one(store: &dyn Store, path: &Path, progress: &Progress) -> bool {
    match store.look(path, progress) {
        Ok(entry) if entry.kind == Kind::Folder => {
            entry.name.starts_with(ROLLING)
                || store
                    .folder(path, ROLLING, progress)
                    .is_ok_and(|inside| inside.iter().any(is_part))
        }
        _ => true,
    }
}

/// Whether an address names one log, as far as its name tells.
pub(super) fn names_one(address: &str) -> bool {
    let name = address
        .rsplit('/')
        .find(|segment| !segment.is_empty())
        .unwrap_or_default();
    // So begin the ids that YARN, standalone and local mode give, and Kubernetes.
    let numbered = ["application_", "app-", "local-", "spark-"].iter().any(|start| {
        let rest = name.strip_prefix(start);
        rest.is_some_and(|rest| rest.len() > 9 && rest.starts_with(|c: char| c.is_ascii_hexdigit()))
    });
    let folder = address.ends_with('/');
    name.starts_with(ROLLING)
        || !folder && (numbered || name.ends_with(".inprogress") || Codec::of_name(name).is_some())
}

/// What stands at a path, or what it is called once the application has ended: Spark takes the suffix off then.
pub(super) fn look(store: &dyn Store, path: &Path, progress: &Progress) -> io::Result<Entry> {
    let found = store.look(path, progress);
    let name = path.file_name().map(|name| name.to_string_lossy());
    let ended = name.as_deref().and_then(|name| name.strip_suffix(".inprogress"));
    match (&found, ended) {
        (Err(error), Some(ended)) if error.kind() == ErrorKind::NotFound => {
            store.look(&path.with_file_name(ended), progress).or(found)
        }
        _ => found,
    }
}

/// How a file begins.
enum Head {
    Empty,
    Of(Codec),
    Unknown,
}

fn head(store: &dyn Store, entry: &Entry, progress: &Progress) -> io::Result<Head> {
    let mut head = Vec::with_capacity(HEAD);
    let length = HEAD as u64;
    let file = store.read(&entry.path, 0, Some(length), progress)?;
    file.take(length).read_to_end(&mut head)?;
    Ok(match codec(&head, &entry.name) {
        _ if head.is_empty() => Head::Empty,
        Some(codec) => Head::Of(codec),
        None => Head::Unknown,
    })
}

/// The codec of a file by its first bytes, or failing that by its name; `None`: no event log.
pub(super) fn codec(head: &[u8], name: &str) -> Option<Codec> {
    match Codec::of_bytes(head) {
        // Any other file of JSON: Spark writes the event's name first.
        Some(Codec::Plain) if memchr::memmem::find(head, b"\"Event\"").is_none() => None,
        Some(codec) => Some(codec),
        None => Codec::of_name(name),
    }
}

/// The log of a single file.
pub(super) fn single(entry: Entry) -> Log<Entry> {
    Log {
        in_progress: entry.name.ends_with(".inprogress"),
        name: entry.name.clone(),
        parts: vec![(entry.name.clone(), entry)],
        losses: Vec::new(),
    }
}

/// The rolling log in a folder; `None` where it holds no part of one.
///
/// # Errors
/// Where the folder cannot be read.
pub(super) fn rolled(store: &dyn Store, folder: &Entry, progress: &Progress) -> io::Result<Option<Log<Entry>>> {
    let inside = match &folder.inside {
        Some(inside) => inside.clone(),
        None => store.folder(&folder.path, ROLLING, progress)?,
    };
    Ok(rolling(folder.name.clone(), &files(inside)))
}

fn files(entries: Vec<Entry>) -> Vec<(String, Entry)> {
    let files = entries.into_iter().filter(|entry| entry.kind == Kind::File);
    files.map(|entry| (entry.name.clone(), entry)).collect()
}

fn folder(store: &dyn Store, folder: &Entry, progress: &Progress) -> Result<Found, SourceError> {
    let inside = match folder.inside.clone() {
        Some(inside) => inside,
        None => store
            .folder(&folder.path, ROLLING, progress)
            .map_err(|error| failed_in(&folder.path, &error, progress))?,
    };
    if folder.name.starts_with(ROLLING) || inside.iter().any(is_part) {
        let log = rolling(folder.name.clone(), &files(inside));
        let empty = "a rolling event log without any events_* file";
        return log.map(Found::Log).ok_or_else(|| refused(&folder.path, empty));
    }
    let mut entries = inside;
    entries.retain(|entry| match entry.kind {
        // Checksums and what is being copied.
        _ if entry.name.starts_with('.') => false,
        Kind::File => true,
        Kind::Folder => entry.name.starts_with(ROLLING),
        Kind::Other => false,
    });
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Found::Folder(entries))
}

fn is_part(entry: &Entry) -> bool {
    entry.kind == Kind::File && index(&entry.name).is_some()
}

/// The number of a rolling log's part and the rest of its name.
fn index(name: &str) -> Option<(u64, &str)> {
    let (index, rest) = name.strip_prefix("events_")?.split_once('_')?;
    Some((index.parse().ok()?, rest))
}

/// A rolling log out of the files of its directory; `None` where none of them is a part of one.
pub(super) fn rolling<P: Clone>(name: String, files: &[(String, P)]) -> Option<Log<P>> {
    let part = |(file, place): &(String, P)| {
        let (index, rest) = index(file)?;
        Some((index, rest.ends_with(".compact"), file.clone(), place.clone()))
    };
    let mut parts: Vec<(u64, bool, String, P)> = files.iter().filter_map(part).collect();
    if parts.is_empty() {
        return None;
    }
    // A compacted file stands for all before it and for its namesake.
    parts.sort_by_key(|(index, compact, ..)| (*index, *compact));
    let compacted = parts.iter().rposition(|(_, compact, ..)| *compact);
    parts.drain(..compacted.unwrap_or(0));
    let mut losses = Vec::new();
    if compacted.is_some() {
        losses.push(Loss {
            kind: LossKind::Compacted,
            count: 1,
            detail: "Spark compacted this log: finished jobs, stages and tasks were dropped from it".into(),
        });
    }
    let first = if compacted.is_some() {
        parts.first().map_or(1, |(index, ..)| *index)
    } else {
        1
    };
    let mut expected = first;
    let mut missing = 0;
    let mut holes = Vec::new();
    for (index, ..) in &parts {
        if *index > expected {
            missing += index - expected;
            holes.push(match index - expected {
                1 => format!("events_{expected}"),
                _ => format!("events_{expected} to events_{}", index - 1),
            });
        }
        expected = index.saturating_add(1);
    }
    if missing > 0 {
        holes.truncate(5);
        losses.push(Loss {
            kind: LossKind::MissingFiles,
            count: missing,
            detail: format!("files of the rolling log are missing: {}", holes.join(", ")),
        });
    }
    Some(Log {
        in_progress: files
            .iter()
            .any(|(file, _)| file.starts_with("appstatus_") && file.ends_with(".inprogress")),
        name,
        parts: parts.into_iter().map(|(_, _, file, place)| (file, place)).collect(),
        losses,
    })
}

/// The application id that a log's name gives, for a log that does not say it.
pub(super) fn id_of_name(name: &str) -> String {
    let name = name.strip_prefix(ROLLING).unwrap_or(name);
    let name = name.strip_suffix(".inprogress").unwrap_or(name);
    let coded = Codec::of_name(name).and_then(|_| name.rsplit_once('.'));
    coded.map_or(name, |(stem, _)| stem).to_owned()
}

/// An error of the file system in one line that says what to do.
pub(super) fn failed(path: &Path, error: &io::Error) -> SourceError {
    refused(path, &words(error))
}

/// [`failed`], or that the user stopped it: then a store's error says nothing.
pub(super) fn failed_in(path: &Path, error: &io::Error, progress: &Progress) -> SourceError {
    progress.check().err().unwrap_or_else(|| failed(path, error))
}

/// What an error means to the user; a store's own sentence stays as it is.
pub(super) fn words(error: &io::Error) -> String {
    match error.kind() {
        _ if error.get_ref().is_some() => error.to_string(),
        ErrorKind::NotFound => "no such file or directory".into(),
        ErrorKind::PermissionDenied => "permission denied: read it as a user who may, or ask for a copy".into(),
        _ => error.to_string(),
    }
}

/// A refusal in one line.
pub(super) fn refused(path: &Path, why: &str) -> SourceError {
    SourceError::File {
        path: path.to_owned(),
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::source::store::Files;

    fn names(files: &[&str]) -> Log<()> {
        let files: Vec<(String, ())> = files.iter().map(|name| ((*name).to_owned(), ())).collect();
        rolling("eventlog_v2_app-1".into(), &files).unwrap()
    }

    #[test]
    fn parts_stand_in_order_of_their_numbers() {
        let log = names(&[
            "events_10_app-1.zstd",
            "appstatus_app-1",
            "events_2_app-1",
            "events_1_app-1",
        ]);
        let order: Vec<&str> = log.parts.iter().map(|(name, ())| name.as_str()).collect();
        assert_eq!(order, ["events_1_app-1", "events_2_app-1", "events_10_app-1.zstd"]);
        assert_eq!((log.losses[0].kind, log.losses[0].count), (LossKind::MissingFiles, 7));
        assert!(
            log.losses[0].detail.contains("events_3 to events_9"),
            "{}",
            log.losses[0].detail
        );
        assert!(!log.in_progress);
    }

    #[test]
    fn a_compacted_file_stands_for_all_before_it() {
        let log = names(&[
            "events_4_a",
            "events_3_a.compact",
            "events_3_a",
            "events_1_a",
            "appstatus_a.inprogress",
        ]);
        let order: Vec<&str> = log.parts.iter().map(|(name, ())| name.as_str()).collect();
        assert_eq!(order, ["events_3_a.compact", "events_4_a"]);
        assert_eq!(
            log.losses.iter().map(|loss| loss.kind).collect::<Vec<_>>(),
            [LossKind::Compacted]
        );
        assert!(log.in_progress);
    }

    #[test]
    fn what_is_no_log_is_refused_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            path
        };
        let progress = Progress::default();
        let why = |path: &Path| locate(&Files, path, &progress).unwrap_err().to_string();
        assert!(why(&folder.path().join("none")).ends_with("no such file or directory"));
        assert!(why(&file("empty", b"")).contains("is empty"));
        assert!(why(&file("photo.png", b"\x89PNG\r\n")).contains("not an event log"));
        fs::create_dir(folder.path().join("eventlog_v2_x")).unwrap();
        assert!(why(&folder.path().join("eventlog_v2_x")).contains("without any events_"));
        assert!(why(Path::new("/dev/null")).contains("neither a file nor a directory"));
        file("app-1", b"{\"Event\":");
        file(".app-1.crc", b"{");
        match locate(&Files, folder.path(), &progress).unwrap() {
            Found::Folder(entries) => {
                let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
                assert_eq!(names, ["app-1", "empty", "eventlog_v2_x", "photo.png"]);
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_name_tells_one_log_from_many() {
        for one in [
            "s3://b/app-20210101-0001",
            "s3://b/x/eventlog_v2_a/",
            "s3://b/log.zstd",
            "s3://b/x.inprogress",
        ] {
            assert!(names_one(one), "{one}");
        }
        for many in [
            "s3://b",
            "s3://b/logs",
            "s3://b/app-logs",
            "s3://b/spark-events",
            "s3://b/old.gz/",
        ] {
            assert!(!names_one(many), "{many}");
        }
    }

    #[test]
    fn a_name_gives_an_id() {
        assert_eq!(id_of_name("app-20210101-0001_2.zstd.inprogress"), "app-20210101-0001_2");
        assert_eq!(id_of_name("eventlog_v2_app-1"), "app-1");
        assert_eq!(id_of_name("my.log"), "my.log");
    }
}
