//! What listings of a folder found out, kept for the next one: a log that has not changed is not looked into again. One file a folder,
//! replaced as a whole, so that two programs at once do no harm; one that cannot be read or written is done without.

use std::collections::HashMap;
use std::fs::{self, DirBuilder};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::locate::Log;
use super::peek::Looked;
use crate::source::store::{Entry, Kind};

/// Changes whenever what is kept, or what is found out for it, does.
const VERSION: u32 = 1;

/// A folder not listed for so long is forgotten.
const UNUSED: Duration = Duration::from_secs(60 * 24 * 3600);

/// What shows that a log has not changed: it is written at its end alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    /// Bytes of all parts.
    size: u64,
    /// Last change of any part, ns since the epoch.
    modified_ns: i64,
    parts: u32,
    in_progress: bool,
}

impl Stamp {
    /// The stamp of a log; `None` where its store knows no times.
    pub(super) fn of(log: &Log<Entry>) -> Option<Stamp> {
        let mut stamp = Stamp {
            size: 0,
            modified_ns: i64::MIN,
            parts: u32::try_from(log.parts.len()).ok()?,
            in_progress: log.in_progress,
        };
        for (_, part) in &log.parts {
            stamp.size = stamp.size.checked_add(part.size)?;
            stamp.modified_ns = stamp.modified_ns.max(part.modified_ns?);
        }
        (stamp.parts > 0).then_some(stamp)
    }
}

/// What is kept of one log.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Known {
    stamp: Stamp,
    /// Last change of a rolling log's folder: as long as it stands, no part came, went or was renamed.
    folder_ns: Option<i64>,
    looked: Looked,
}

#[derive(Default, Serialize, Deserialize)]
struct Kept {
    version: u32,
    /// The folder; the file's name is only a hash of it.
    folder: String,
    logs: HashMap<String, Known>,
}

/// What is known of a folder's logs from listings before.
#[derive(Default)]
pub(super) struct Cache {
    file: Option<PathBuf>,
    kept: Kept,
    changed: bool,
}

impl Cache {
    /// What `base` keeps of a folder: nothing where that is `None`, or what stands there cannot be used.
    pub(super) fn load(base: Option<&Path>, folder: &Path) -> Cache {
        let Some(base) = base else { return Cache::default() };
        // The same folder by another name; a store's address is no path here and stays as it is.
        let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
        let folder = folder.display().to_string();
        let mut hash = DefaultHasher::new();
        folder.hash(&mut hash);
        let file = base.join(format!("listing-{:016x}.json", hash.finish()));
        let kept = fs::read(&file)
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok())
            .filter(|kept| kept.version == VERSION && kept.folder == folder);
        Cache {
            file: Some(file),
            kept: kept.unwrap_or_else(|| Kept {
                version: VERSION,
                folder,
                logs: HashMap::new(),
            }),
            changed: false,
        }
    }

    /// What is known of a log by what the folder's listing tells alone. A rolling log that has ended gets no further part, and none of
    /// its parts grows.
    pub(super) fn at_sight(&self, entry: &Entry) -> Option<&Looked> {
        let known = self.kept.logs.get(&entry.name)?;
        let same = match entry.kind {
            Kind::File => known.stamp.size == entry.size && Some(known.stamp.modified_ns) == entry.modified_ns,
            _ => entry.modified_ns.is_some() && known.folder_ns == entry.modified_ns && !known.stamp.in_progress,
        };
        same.then_some(&known.looked)
    }

    /// What is known of a log by its parts.
    pub(super) fn by_stamp(&self, entry: &Entry, stamp: Option<&Stamp>) -> Option<&Looked> {
        let known = self.kept.logs.get(&entry.name)?;
        (Some(&known.stamp) == stamp).then_some(&known.looked)
    }

    /// Notes what was found out.
    pub(super) fn learn(&mut self, entry: &Entry, stamp: Stamp, looked: Looked) {
        let known = Known {
            stamp,
            folder_ns: entry.modified_ns.filter(|_| entry.kind == Kind::Folder),
            looked,
        };
        self.kept.logs.insert(entry.name.clone(), known);
        self.changed = true;
    }

    /// Keeps it for the next time, without what is no longer there.
    pub(super) fn save(mut self, there: &[Entry]) {
        let Some(file) = &self.file else { return };
        if self.kept.logs.len() > there.len() {
            let names: std::collections::HashSet<&str> = there.iter().map(|entry| entry.name.as_str()).collect();
            let before = self.kept.logs.len();
            self.kept.logs.retain(|name, _| names.contains(name.as_str()));
            self.changed |= self.kept.logs.len() < before;
        }
        if self.changed {
            // Without it the next listing takes longer, nothing more.
            let _ = write(file, &self.kept);
        }
    }
}

/// Replaces the file as a whole; it is the user's alone.
fn write(file: &Path, kept: &Kept) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    forget_old(folder);
    let mut out = BufWriter::with_capacity(1 << 18, tempfile::NamedTempFile::new_in(folder)?);
    serde_json::to_writer(&mut out, kept)?;
    out.flush()?;
    out.into_inner().map_err(|error| error.into_error())?.persist(file)?;
    Ok(())
}

/// Removes listings of folders that nobody lists any more, and what an interrupted write left.
fn forget_old(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let age = modified.ok().and_then(|modified| modified.elapsed().ok());
        if age.is_some_and(|age| age > UNUSED) {
            let _ = fs::remove_file(entry.path());
        }
    }
}
