//! What lies at a path: one event log (a file, or the files of a rolling one), a zip of logs, or a directory of logs. Looks at names
//! and first bytes alone. Called by the module's entry points and by the zip reader, which asks the same of entry names.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::codec::Codec;
use crate::model::{Loss, LossKind};
use crate::source::SourceError;

/// Bytes of a file that are looked at.
const HEAD: usize = 4096;

/// What a rolling log's directory is named with (`EventLogFileWriter`).
const ROLLING: &str = "eventlog_v2_";

/// One event log: its parts in order. `P` is where a part lies: a path, or an entry of a zip.
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
    Log(Log<PathBuf>),
    /// A zip, as the history server's `logs` endpoint sends.
    Zip,
    /// A directory of logs.
    Logs(Vec<Log<PathBuf>>),
}

/// Looks at a path.
///
/// # Errors
/// [`SourceError::File`] where there is nothing, nothing readable, or nothing that is an event log.
pub(super) fn locate(path: &Path) -> Result<Found, SourceError> {
    let metadata = match (fs::metadata(path), renamed(path)) {
        // Spark takes the suffix off when the application ends.
        (Err(error), Some(ended)) if error.kind() == ErrorKind::NotFound => return locate(&ended),
        (metadata, _) => metadata.map_err(|error| failed(path, &error))?,
    };
    if metadata.is_dir() {
        return directory(path);
    }
    if !metadata.is_file() {
        return Err(refused(path, "neither a file nor a directory: give an event log"));
    }
    let name = name_of(path);
    match head(path)? {
        Head::Empty => Err(refused(path, "the file is empty: there is no application in it")),
        Head::Of(Codec::Zip) => Ok(Found::Zip),
        Head::Of(_) => Ok(Found::Log(single(name, path.to_owned()))),
        Head::Unknown if Codec::of_name(&name).is_some() => Ok(Found::Log(single(name, path.to_owned()))),
        Head::Unknown => Err(refused(
            path,
            "not an event log: neither Spark's events in JSON lines nor zstd, gzip, lz4, snappy, lzf or zip",
        )),
    }
}

/// What a log that was in progress is called once it has ended, if that is there.
fn renamed(path: &Path) -> Option<PathBuf> {
    let name = name_of(path);
    let ended = path.with_file_name(name.strip_suffix(".inprogress")?);
    ended.is_file().then_some(ended)
}

/// How a file begins.
enum Head {
    Empty,
    Of(Codec),
    Unknown,
}

fn head(path: &Path) -> Result<Head, SourceError> {
    let mut head = Vec::with_capacity(HEAD);
    let file = File::open(path).map_err(|error| failed(path, &error))?;
    file.take(HEAD as u64)
        .read_to_end(&mut head)
        .map_err(|error| failed(path, &error))?;
    Ok(match Codec::of_bytes(&head) {
        _ if head.is_empty() => Head::Empty,
        // Any other file of JSON: Spark writes the event's name first.
        Some(Codec::Plain) if memchr::memmem::find(&head, b"\"Event\"").is_none() => Head::Unknown,
        Some(codec) => Head::Of(codec),
        None => Head::Unknown,
    })
}

fn single(name: String, path: PathBuf) -> Log<PathBuf> {
    Log {
        in_progress: name.ends_with(".inprogress"),
        parts: vec![(name.clone(), path)],
        name,
        losses: Vec::new(),
    }
}

fn directory(path: &Path) -> Result<Found, SourceError> {
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(path).map_err(|error| failed(path, &error))? {
        // An entry that vanishes or cannot be looked at is as good as not there.
        let Ok(entry) = entry else { continue };
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(metadata) = fs::metadata(entry.path()) else {
            continue;
        };
        if name.starts_with('.') {
            continue;
        }
        if metadata.is_dir() {
            directories.push((name, entry.path()));
        } else if metadata.is_file() {
            files.push((name, entry.path()));
        }
    }
    let own_name = name_of(path);
    if let Some(log) = rolling(own_name.clone(), &files) {
        return Ok(Found::Log(log));
    }
    if own_name.starts_with(ROLLING) {
        return Err(refused(path, "a rolling event log without any events_* file"));
    }
    let mut logs: Vec<Log<PathBuf>> = Vec::new();
    for (name, path) in directories.into_iter().filter(|(name, _)| name.starts_with(ROLLING)) {
        if let Ok(Found::Log(log)) = directory(&path) {
            logs.push(Log { name, ..log });
        }
    }
    for (name, path) in files {
        let is_log = matches!(head(&path), Ok(Head::Of(codec)) if codec != Codec::Zip);
        if is_log {
            logs.push(single(name, path));
        }
    }
    if logs.is_empty() {
        return Err(refused(path, "a directory with no event log in it"));
    }
    logs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Found::Logs(logs))
}

/// A rolling log out of the files of its directory; `None` where none of them is a part of one.
pub(super) fn rolling<P: Clone>(name: String, files: &[(String, P)]) -> Option<Log<P>> {
    let part = |(file, place): &(String, P)| {
        let (index, rest) = file.strip_prefix("events_")?.split_once('_')?;
        let compact = rest.ends_with(".compact");
        Some((index.parse::<u64>().ok()?, compact, file.clone(), place.clone()))
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

fn name_of(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    // `.` and `..` have no name until they are followed.
    name.or_else(|| Some(fs::canonicalize(path).ok()?.file_name()?.to_string_lossy().into_owned()))
        .unwrap_or_default()
}

/// An error of the file system in one line that says what to do.
pub(super) fn failed(path: &Path, error: &std::io::Error) -> SourceError {
    let why = match error.kind() {
        ErrorKind::NotFound => "no such file or directory".into(),
        ErrorKind::PermissionDenied => "permission denied: read it as a user who may, or ask for a copy".into(),
        _ => error.to_string(),
    };
    refused(path, &why)
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
    use super::*;

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
        let why = |path: &Path| locate(path).unwrap_err().to_string();
        assert!(why(&folder.path().join("none")).ends_with("no such file or directory"));
        assert!(why(folder.path()).ends_with("a directory with no event log in it"));
        assert!(why(&file("empty", b"")).contains("is empty"));
        assert!(why(&file("photo.png", b"\x89PNG\r\n")).contains("not an event log"));
        fs::create_dir(folder.path().join("eventlog_v2_x")).unwrap();
        assert!(why(&folder.path().join("eventlog_v2_x")).contains("without any events_"));
        assert!(why(Path::new("/dev/null")).contains("neither a file nor a directory"));
        file("app-1", b"{\"Event\":");
        file(".app-1.crc", b"{");
        match locate(folder.path()).unwrap() {
            Found::Logs(logs) => assert_eq!(logs.iter().map(|log| log.name.as_str()).collect::<Vec<_>>(), ["app-1"]),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_name_gives_an_id() {
        assert_eq!(id_of_name("app-20210101-0001_2.zstd.inprogress"), "app-20210101-0001_2");
        assert_eq!(id_of_name("eventlog_v2_app-1"), "app-1");
        assert_eq!(id_of_name("my.log"), "my.log");
    }
}
