//! Where event logs lie: what stands at a path or in a folder, and the bytes of a file, asked of a file system or of anything else that
//! has folders and files. Called by `eventlog`, which takes all of them alike; knows no codec and no event. Everything blocks.

mod files;
#[cfg(feature = "object-stores")]
mod objects;
mod waiting;
mod webhdfs;

use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

pub use files::Files;

use super::progress::Progress;

/// The schemes of object stores, whether they are built in or not.
const OBJECT_STORES: [&str; 5] = ["s3", "s3a", "gs", "abfs", "abfss"];

/// The store that an address such as `s3://bucket/path` belongs to, told by its scheme; `None` where no store has that scheme. Connects
/// to nothing yet. The error is a sentence for the user.
pub fn of(scheme: &str, rest: &str) -> Option<Result<Box<dyn Store>, String>> {
    #[cfg(feature = "object-stores")]
    if let Some(store) = objects::Objects::of(scheme, rest) {
        return Some(store.map(|store| Box::new(store) as Box<dyn Store>));
    }
    if let Some(store) = webhdfs::WebHdfs::of(scheme, rest) {
        return Some(store.map(|store| Box::new(store) as Box<dyn Store>));
    }
    OBJECT_STORES.contains(&scheme).then(|| {
        Err(
            "this skewer was built without object stores: build it with the feature object-stores, or pipe the log in"
                .to_owned(),
        )
    })
}

/// What something in a folder is, links followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file with bytes in it.
    File,
    /// A folder, or a prefix with a slash.
    Folder,
    /// A pipe, a device, a socket: never opened.
    Other,
}

/// One thing in a store.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The last segment of its path.
    pub name: String,
    /// Its whole address as the user would write it.
    pub path: PathBuf,
    /// What it is.
    pub kind: Kind,
    /// Bytes of a file.
    pub size: u64,
    /// Last change, ns since the epoch.
    pub modified_ns: Option<i64>,
    /// What lies in a folder, where the store told it unasked.
    pub inside: Option<Vec<Entry>>,
}

impl Entry {
    /// Last change, epoch ms.
    pub fn modified_ms(&self) -> Option<i64> {
        self.modified_ns.map(|ns| ns.div_euclid(1_000_000))
    }
}

/// A place with files in it. Errors of the kinds `NotFound` and `PermissionDenied` mean what they say; any other error's text is a
/// sentence for the user.
pub trait Store: Send + Sync {
    /// What stands at a path.
    ///
    /// # Errors
    /// When there is nothing, or the store does not tell.
    fn look(&self, path: &Path, progress: &Progress) -> io::Result<Entry>;

    /// What lies in a folder; what vanishes meanwhile is left out. Sub-folders whose names begin with `deep` are told with their inside
    /// where one request answers for many of them.
    ///
    /// # Errors
    /// When it is no folder, or the store does not tell.
    fn folder(&self, path: &Path, deep: &str, progress: &Progress) -> io::Result<Vec<Entry>>;

    /// The bytes of a file from `from` on; about `length` of them will be asked for, all where that is `None`.
    ///
    /// # Errors
    /// When it cannot be opened; later ones come from the reader.
    fn read<'a>(
        &'a self,
        path: &Path,
        from: u64,
        length: Option<u64>,
        progress: &'a Progress,
    ) -> io::Result<Box<dyn BufRead + Send + 'a>>;

    /// How many files may be read at once.
    fn at_once(&self) -> usize;

    /// Whether its files grow while they are written and lie on this machine, so that they can be followed.
    fn follows(&self) -> bool {
        false
    }
}
