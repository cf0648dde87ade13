//! Listings: what of a folder is read, what is known from before, and what else can lie in one.

use std::fs;
use std::io::{self, BufRead, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use tempfile::TempDir;

use super::list;
use crate::model::{Listing, LossKind};
use crate::source::store::{Entry, Files, Store};
use crate::source::{Progress, Shown, SourceError};

const END: &str = "{\"Event\":\"SparkListenerApplicationEnd\",\"Timestamp\":70}\n";

fn log(id: &str, ended: bool) -> String {
    format!(
        "{{\"Event\":\"SparkListenerLogStart\",\"Spark Version\":\"4.0.1\"}}\n\
         {{\"Event\":\"SparkListenerApplicationStart\",\"App Name\":\"n\",\"App ID\":\"{id}\",\"Timestamp\":10,\"User\":\"u\"}}\n{}",
        if ended { END } else { "" }
    )
}

/// Counts what is asked of the file system, and refuses files called `secret`.
#[derive(Default)]
struct Counted {
    folders: AtomicUsize,
    reads: AtomicUsize,
    /// How long each read takes.
    slow: Duration,
}

impl Store for Counted {
    fn look(&self, path: &Path, progress: &Progress) -> io::Result<Entry> {
        Files.look(path, progress)
    }

    fn folder(&self, path: &Path, deep: &str, progress: &Progress) -> io::Result<Vec<Entry>> {
        self.folders.fetch_add(1, Ordering::Relaxed);
        Files.folder(path, deep, progress)
    }

    fn read<'a>(
        &'a self,
        path: &Path,
        from: u64,
        length: Option<u64>,
        progress: &'a Progress,
    ) -> io::Result<Box<dyn BufRead + Send + 'a>> {
        if path.ends_with("secret") {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.reads.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(self.slow);
        Box::leak(Box::new(Files)).read(path, from, length, progress)
    }

    fn at_once(&self) -> usize {
        3
    }
}

/// A folder of logs and one for what is known of it.
struct Logs {
    folder: TempDir,
    cache: TempDir,
}

impl Logs {
    fn new() -> Logs {
        Logs {
            folder: tempfile::tempdir().unwrap(),
            cache: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// The list, and how many files and folders were read for it.
    fn list(&self) -> (Listing, usize, usize) {
        let store = Counted::default();
        let cache = self.cache.path().join("skewer");
        let listing = list(&store, self.folder.path(), Some(&cache), &Progress::default()).unwrap();
        (listing, store.reads.into_inner(), store.folders.into_inner())
    }

    fn cached(&self) -> PathBuf {
        let mut files = fs::read_dir(self.cache.path().join("skewer")).unwrap();
        let file = files.next().unwrap().unwrap().path();
        assert!(files.next().is_none());
        file
    }
}

/// Id and end of each application.
fn ends(listing: &Listing) -> Vec<(&str, Option<i64>)> {
    let mut ends: Vec<_> = listing
        .applications
        .iter()
        .map(|entry| (entry.id.as_str(), entry.attempts[0].end_ms))
        .collect();
    ends.sort_unstable();
    ends
}

#[test]
fn a_second_listing_reads_nothing_but_what_changed() {
    let logs = Logs::new();
    logs.file("app-1", &log("app-1", true));
    logs.file("app-2.inprogress", &log("app-2", false));
    logs.file("notes.txt", "a stranger");
    logs.file("eventlog_v2_app-3/events_1_app-3", &log("app-3", false));
    logs.file("eventlog_v2_app-3/appstatus_app-3.inprogress", "");
    logs.file("eventlog_v2_app-4/events_1_app-4", &log("app-4", true));
    logs.file("eventlog_v2_app-4/appstatus_app-4", "");
    let (first, reads, folders) = logs.list();
    assert_eq!(
        ends(&first),
        [
            ("app-1", Some(70)),
            ("app-2", None),
            ("app-3", None),
            ("app-4", Some(70))
        ]
    );
    assert!(reads >= 5 && folders == 3, "{reads} {folders}");
    // Of the rolling log that is still written, the folder has to be looked at.
    assert_eq!(logs.list(), (first, 0, 2));

    let grown = logs.path("eventlog_v2_app-3/events_1_app-3");
    fs::OpenOptions::new()
        .append(true)
        .open(grown)
        .unwrap()
        .write_all(END.as_bytes())
        .unwrap();
    let (grown, reads, _) = logs.list();
    assert_eq!(ends(&grown)[2], ("app-3", Some(70)));
    assert_eq!(reads, 1);

    logs.file("app-2.inprogress", &log("app-2", true));
    fs::rename(logs.path("app-2.inprogress"), logs.path("app-2")).unwrap();
    let appstatus = logs.path("eventlog_v2_app-3/appstatus_app-3");
    fs::rename(appstatus.with_extension("inprogress"), &appstatus).unwrap();
    let (ended, reads, _) = logs.list();
    assert_eq!((ends(&ended)[1], reads), (("app-2", Some(70)), 2));

    fs::remove_file(logs.path("app-1")).unwrap();
    let (fewer, reads, folders) = logs.list();
    assert_eq!((fewer.applications.len(), reads, folders), (3, 0, 1));
    assert!(!fs::read_to_string(logs.cached()).unwrap().contains("app-1"));
}

#[test]
fn a_cache_that_cannot_be_used_is_done_without() {
    let logs = Logs::new();
    logs.file("app-1", &log("app-1", true));
    let (whole, ..) = logs.list();
    let file = logs.cached();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    let good = fs::read_to_string(&file).unwrap();
    let other_version = good.replacen("\"version\":1", "\"version\":0", 1);
    let other_folder = good.replacen("\"folder\":\"", "\"folder\":\"/other", 1);
    for bad in ["", "{", "[1,2]", &good[..good.len() / 2], &other_version, &other_folder] {
        fs::write(&file, bad).unwrap();
        let (listing, reads, _) = logs.list();
        assert_eq!((&listing, reads > 0), (&whole, true), "{bad}");
        assert_eq!(fs::read_to_string(&file).unwrap(), good);
    }
    // Where its folder cannot be made, too.
    let nowhere = logs.file("app-1", &log("app-1", true)).join("cache");
    let listing = list(&Files, logs.folder.path(), Some(&nowhere), &Progress::default()).unwrap();
    assert_eq!(listing.applications.len(), 1);
}

#[test]
fn several_may_list_at_once() {
    let logs = Logs::new();
    for n in 0..40 {
        logs.file(&format!("app-{n}"), &log(&format!("app-{n}"), true));
    }
    let listings: Vec<Listing> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(|| logs.list().0)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(listings[0].applications.len(), 40);
    assert!(listings.iter().all(|listing| *listing == listings[0]));
    assert_eq!((logs.list().1, logs.cached().is_file()), (0, true));
}

#[test]
fn what_else_lies_in_a_folder_does_no_harm() {
    let logs = Logs::new();
    logs.file("app-1", &log("app-1", true));
    logs.file("empty", "");
    logs.file("photo.png", "\u{89}PNG");
    logs.file(".app-1.crc", "{\"Event\":");
    logs.file("other/app-9", &log("app-9", true));
    logs.file("eventlog_v2_none/strange", "x");
    logs.file(
        "start",
        "{\"Event\":\"SparkListenerLogStart\",\"Spark Version\":\"3\"}\n",
    );
    logs.file("secret", &log("app-8", true));
    std::os::unix::fs::symlink(logs.folder.path(), logs.path("eventlog_v2_loop")).unwrap();
    std::os::unix::fs::symlink("self", logs.path("self")).unwrap();
    std::os::unix::fs::symlink("nowhere", logs.path("dangling")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        logs.path("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    let (listing, ..) = logs.list();
    assert_eq!(ends(&listing), [("app-1", Some(70))]);
    let losses: Vec<_> = listing.losses.iter().map(|loss| (loss.kind, loss.count)).collect();
    assert_eq!(losses, [(LossKind::Unreadable, 1), (LossKind::Unreadable, 1)]);
    assert!(
        listing.losses[0].detail.contains("secret: permission denied"),
        "{:?}",
        listing.losses
    );
    assert!(
        listing.losses[1].detail.ends_with("the first is start"),
        "{:?}",
        listing.losses
    );
    // What could not be read is tried again.
    assert_eq!(logs.list().0, listing);
}

#[test]
fn a_listing_can_be_stopped_and_tells_how_far_it_is() {
    let logs = Logs::new();
    for n in 0..5 {
        logs.file(&format!("app-{n}"), &log(&format!("app-{n}"), true));
    }
    let progress = Progress::default();
    list(&Files, logs.folder.path(), None, &progress).unwrap();
    assert_eq!((progress.seen().logs, progress.seen().total_logs), (5, 5));
    progress.cancel();
    let stopped = list(&Files, logs.folder.path(), None, &progress);
    assert!(matches!(stopped, Err(SourceError::Cancelled)));
}

#[test]
fn a_watcher_sees_the_list_of_a_slow_store_grow() {
    let logs = Logs::new();
    for id in 0..60 {
        logs.file(&format!("app-{id:02}"), &log(&format!("app-{id:02}"), true));
    }
    let store = Counted {
        slow: Duration::from_millis(30),
        ..Counted::default()
    };
    let progress = Progress::default();
    let (send, shown) = channel();
    progress.watch(move |shown| drop(send.send(shown)));
    let listing = list(&store, logs.folder.path(), None, &progress).unwrap();
    assert_eq!(listing.applications.len(), 60);
    let sizes: Vec<usize> = shown
        .try_iter()
        .map(|shown| match shown {
            Shown::Listing(listing) => listing.applications.len(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(sizes.len() > 1 && sizes[0] < 60 && sizes.is_sorted(), "{sizes:?}");
}
