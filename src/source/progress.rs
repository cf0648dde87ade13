//! How far a load has come, what it has brought so far, and what whoever watches wishes of it: to stop, to follow, to pause, to read a
//! stage first. Shared between the two.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::error::SourceError;
use crate::model::{Application, Listing, StageKey};

/// What a load is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Nothing yet.
    #[default]
    Starting,
    /// A request is out and nothing has come back: a history server replays the log meanwhile.
    Waiting,
    /// Bytes come over the network.
    Downloading,
    /// The applications of a folder are listed.
    Listing,
    /// An event log is read.
    Replaying,
    /// Tasks of stages are fetched.
    FetchingTasks,
    /// All is read; the rules look at it.
    Diagnosing,
    /// All that was there is read, and what comes is read as it comes.
    Following,
}

/// What a watcher is shown before a load has ended.
#[derive(Debug)]
pub enum Shown {
    /// An application as far as it has been read.
    Partial(Application),
    /// An application that still runs, with all that is known of it by now.
    Current(Application),
    /// The first applications of a list.
    Listing(Listing),
}

/// A view of the progress at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// What is being done.
    pub phase: Phase,
    /// On what: a host, a file.
    pub what: String,
    /// Bytes read (compressed, as they lie in the file or come over the network).
    pub bytes: u64,
    /// Bytes in all; 0 when not known.
    pub total_bytes: u64,
    /// Events replayed.
    pub events: u64,
    /// Tasks read.
    pub tasks: u64,
    /// Logs of a folder looked into.
    pub logs: u64,
    /// Logs of the folder; 0 when not known.
    pub total_logs: u64,
    /// How long ago the source of a followed application was last looked at with success.
    pub age: Option<Duration>,
}

/// Whom a load shows what it has.
#[derive(Default)]
struct Watcher(OnceLock<Box<dyn Fn(Shown) + Send + Sync>>);

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.get().is_some() { "watched" } else { "unwatched" })
    }
}

/// A load's progress. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<State>);

#[derive(Debug, Default)]
struct State {
    now: Mutex<(Phase, String)>,
    bytes: AtomicU64,
    total_bytes: AtomicU64,
    events: AtomicU64,
    tasks: AtomicU64,
    logs: AtomicU64,
    total_logs: AtomicU64,
    cancelled: AtomicBool,
    watcher: Watcher,
    asked_to_follow: AtomicBool,
    paused: AtomicBool,
    wanted: Mutex<Option<StageKey>>,
    looked: Mutex<Option<Instant>>,
    refresh: OnceLock<Duration>,
}

impl Progress {
    /// Says what is being done now, on what, and how many bytes that will be (0: not known).
    pub fn enter(&self, phase: Phase, what: impl Into<String>, total_bytes: u64) {
        *self.0.now.lock().unwrap_or_else(PoisonError::into_inner) = (phase, what.into());
        self.0.total_bytes.store(total_bytes, Ordering::Relaxed);
        self.0.bytes.store(0, Ordering::Relaxed);
    }

    /// Adds bytes read.
    pub fn add_bytes(&self, bytes: u64) {
        self.0.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Adds events replayed.
    pub fn add_events(&self, events: u64) {
        self.0.events.fetch_add(events, Ordering::Relaxed);
    }

    /// Adds tasks read.
    pub fn add_tasks(&self, tasks: u64) {
        self.0.tasks.fetch_add(tasks, Ordering::Relaxed);
    }

    /// Says how many logs there are to list, and how many of them are known already.
    pub fn listing(&self, logs: u64, known: u64) {
        self.0.logs.store(known, Ordering::Relaxed);
        self.0.total_logs.store(logs, Ordering::Relaxed);
    }

    /// Adds logs looked into.
    pub fn add_listed(&self, logs: u64) {
        self.0.logs.fetch_add(logs, Ordering::Relaxed);
    }

    /// Asks the load to stop soon.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether the load is to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Relaxed)
    }

    /// `Err` when the load is to stop.
    ///
    /// # Errors
    /// [`SourceError::Cancelled`].
    pub fn check(&self) -> Result<(), SourceError> {
        if self.is_cancelled() {
            Err(SourceError::Cancelled)
        } else {
            Ok(())
        }
    }

    /// Shows `watcher` what the load has, from time to time. Only a load that is watched makes snapshots, and follows what runs.
    pub fn watch(&self, watcher: impl Fn(Shown) + Send + Sync + 'static) {
        // The first one stays: a load has one watcher.
        let _ = self.0.watcher.0.set(Box::new(watcher));
    }

    /// Whether somebody watches.
    pub fn is_watched(&self) -> bool {
        self.0.watcher.0.get().is_some()
    }

    /// Shows the watcher something.
    pub fn show(&self, shown: Shown) {
        if let Some(watcher) = self.0.watcher.0.get() {
            watcher(shown);
        }
    }

    /// Asks to follow an application also where its source is not sure that it runs.
    pub fn ask_to_follow(&self) {
        self.0.asked_to_follow.store(true, Ordering::Relaxed);
    }

    /// Whether that was asked for.
    pub fn is_asked_to_follow(&self) -> bool {
        self.0.asked_to_follow.load(Ordering::Relaxed)
    }

    /// Says how often a source that is followed is to be looked at.
    pub fn refresh_every(&self, time: Duration) {
        let _ = self.0.refresh.set(time);
    }

    /// How often a source that is followed is to be looked at; `None`: as the source sees fit.
    pub fn refresh(&self) -> Option<Duration> {
        self.0.refresh.get().copied()
    }

    /// Holds the following of an application, or goes on with it.
    pub fn pause(&self, paused: bool) {
        self.0.paused.store(paused, Ordering::Relaxed);
    }

    /// Whether the following is held.
    pub fn is_paused(&self) -> bool {
        self.0.paused.load(Ordering::Relaxed)
    }

    /// Wishes that a stage's tasks be read before others.
    pub fn want(&self, stage: Option<StageKey>) {
        *self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    /// The stage whose tasks are wished for.
    pub fn wanted(&self) -> Option<StageKey> {
        *self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that the source was looked at with success: what is shown is up to date now.
    pub fn looked(&self) {
        *self.0.looked.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Sleeps for a time, and for as long as it is paused.
    ///
    /// # Errors
    /// [`SourceError::Cancelled`], within a twentieth of a second.
    pub fn rest(&self, time: Duration) -> Result<(), SourceError> {
        const SLICE: Duration = Duration::from_millis(50);
        let begun = Instant::now();
        loop {
            self.check()?;
            let left = time.saturating_sub(begun.elapsed());
            if left.is_zero() && !self.is_paused() {
                return Ok(());
            }
            std::thread::sleep(if left.is_zero() { SLICE } else { left.min(SLICE) });
        }
    }

    /// The progress as it stands.
    pub fn seen(&self) -> Seen {
        let (phase, what) = self.0.now.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Seen {
            phase,
            what,
            bytes: load(&self.0.bytes),
            total_bytes: load(&self.0.total_bytes),
            events: load(&self.0.events),
            tasks: load(&self.0.tasks),
            logs: load(&self.0.logs),
            total_logs: load(&self.0.total_logs),
            age: self
                .0
                .looked
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .map(|looked| looked.elapsed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_progress_and_the_wish_to_stop() {
        let progress = Progress::default();
        let reader = progress.clone();
        reader.enter(Phase::Replaying, "log", 100);
        reader.add_bytes(40);
        reader.add_events(2);
        assert_eq!(progress.seen().bytes, 40);
        assert_eq!(progress.seen().phase, Phase::Replaying);
        assert!(reader.check().is_ok());
        progress.cancel();
        assert!(matches!(reader.check(), Err(SourceError::Cancelled)));
    }
}
