//! The file system. What is no regular file is never read: a pipe would wait for ever, a device never end.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::UNIX_EPOCH;

use super::{Entry, Kind, Store};
use crate::source::Progress;

/// Bytes read ahead of a log that is read whole.
const BUFFER: usize = 1 << 18;

/// Files read at once: more than cores, as a folder often lies on a slow disk or a network.
const AT_ONCE: usize = 8;

/// The file system.
pub struct Files;

impl Store for Files {
    fn look(&self, path: &Path, _: &Progress) -> io::Result<Entry> {
        Ok(entry(path, &fs::metadata(path)?))
    }

    fn folder(&self, path: &Path, _: &str, _: &Progress) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        // An entry that vanishes or is a link to nowhere is as good as not there.
        for found in fs::read_dir(path)?.flatten() {
            let path = found.path();
            if let Ok(metadata) = fs::metadata(&path) {
                entries.push(entry(&path, &metadata));
            }
        }
        Ok(entries)
    }

    fn read<'a>(
        &'a self,
        path: &Path,
        from: u64,
        length: Option<u64>,
        _: &'a Progress,
    ) -> io::Result<Box<dyn BufRead + Send + 'a>> {
        let mut file = open(path)?;
        if from > 0 {
            file.seek(SeekFrom::Start(from))?;
        }
        Ok(match length {
            None => Box::new(BufReader::with_capacity(BUFFER, file)),
            Some(length) => {
                let buffer = usize::try_from(length).unwrap_or(BUFFER).min(BUFFER);
                Box::new(BufReader::with_capacity(buffer, file.take(length)))
            }
        })
    }

    fn follows(&self) -> bool {
        true
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }
}

/// Opens a regular file, and without waiting what has become a pipe since it was looked at.
fn open(path: &Path) -> io::Result<File> {
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(nonblock).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("neither a file nor a directory: give an event log"));
    }
    Ok(file)
}

fn entry(path: &Path, metadata: &Metadata) -> Entry {
    let modified = metadata.modified().ok();
    let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    Entry {
        name: name_of(path),
        path: path.to_owned(),
        kind: match metadata.file_type() {
            kind if kind.is_dir() => Kind::Folder,
            kind if kind.is_file() => Kind::File,
            _ => Kind::Other,
        },
        size: metadata.len(),
        modified_ns: since.and_then(|since| i64::try_from(since.as_nanos()).ok()),
        inside: None,
    }
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    // `.` and `..` have no name until they are followed.
    name.or_else(|| Some(fs::canonicalize(path).ok()?.file_name()?.to_string_lossy().into_owned()))
        .unwrap_or_default()
}
