//! The zip that a history server's `logs` endpoint sends: its entries go to the replay as they are decompressed. Nothing is written to
//! disk, so an entry's name can point nowhere.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use zip::ZipArchive;

use super::lines::{Feed, Limits};
use super::locate::{Log, rolling};
use crate::source::SourceError;

/// A zip of logs.
pub(super) struct Archive {
    zip: ZipArchive<BufReader<File>>,
}

impl Archive {
    /// Opens a zip; the error is the reason alone.
    pub(super) fn open(mut file: File, limits: Limits) -> Result<Self, String> {
        let broken = |error: &dyn std::fmt::Display| format!("not a whole zip ({error}): fetch it again");
        let claimed = entries_claimed(&mut file).map_err(|error| broken(&error))?;
        if claimed > limits.entries {
            return Err(format!(
                "a zip of {claimed} entries or more: at most {} are read",
                limits.entries
            ));
        }
        let zip = ZipArchive::new(BufReader::with_capacity(1 << 18, file)).map_err(|error| broken(&error))?;
        Ok(Archive { zip })
    }

    /// The logs in it, by name: files beside each other are a log each, those in one folder a rolling log.
    pub(super) fn logs(&mut self) -> Vec<Log<usize>> {
        let mut folders: Vec<(String, Vec<(String, usize)>)> = Vec::new();
        let mut logs = Vec::new();
        for index in 0..self.zip.len() {
            let Some(path) = self.zip.name_for_index(index).and_then(Result::ok).map(Cow::into_owned) else {
                continue;
            };
            match path.rsplit_once('/') {
                Some((_, "")) => {}
                Some((folder, file)) => match folders.iter_mut().find(|(known, _)| known == folder) {
                    Some((_, files)) => files.push((file.to_owned(), index)),
                    None => folders.push((folder.to_owned(), vec![(file.to_owned(), index)])),
                },
                None => logs.push(log(path, index)),
            }
        }
        for (folder, files) in folders {
            let name = folder.rsplit('/').next().unwrap_or_default().to_owned();
            match rolling(name, &files) {
                Some(rolling) => logs.push(rolling),
                None => logs.extend(files.into_iter().map(|(file, index)| log(file, index))),
            }
        }
        logs.sort_by(|a, b| a.name.cmp(&b.name));
        logs
    }

    /// Bytes of a log as the zip claims them, before its own codec is undone.
    pub(super) fn size(&mut self, log: &Log<usize>) -> u64 {
        let sizes = log
            .parts
            .iter()
            .filter_map(|(_, index)| Some(self.zip.by_index_raw(*index).ok()?.size()));
        sizes.fold(0, u64::saturating_add)
    }

    /// Sends the parts of one log through.
    pub(super) fn feed(&mut self, feed: &mut Feed<'_>, log: &Log<usize>) -> Result<(), SourceError> {
        for (name, index) in &log.parts {
            match self.zip.by_index(*index) {
                Ok(entry) => feed.file(name, BufReader::with_capacity(1 << 18, entry))?,
                Err(error) => feed.unreadable(name, io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?,
            }
        }
        Ok(())
    }
}

fn log(name: String, index: usize) -> Log<usize> {
    Log {
        in_progress: name.ends_with(".inprogress"),
        parts: vec![(name.clone(), index)],
        name,
        losses: Vec::new(),
    }
}

/// The number of entries that the zip's end claims, before anything is allocated for them; 65,535 stands for that or more.
fn entries_claimed(file: &mut File) -> io::Result<usize> {
    let len = file.seek(SeekFrom::End(0))?;
    // The end record has 22 bytes and at most 64 KiB of comment after it.
    file.seek(SeekFrom::Start(len.saturating_sub(22 + 0xFFFF)))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    file.rewind()?;
    let at = memchr::memmem::rfind(&tail, b"PK\x05\x06");
    match at.and_then(|at| tail.get(at + 10..at + 12)) {
        Some(&[low, high]) => Ok(usize::from(u16::from_le_bytes([low, high]))),
        _ => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it has no end")),
    }
}
