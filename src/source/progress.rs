//! How far a load has come, and the wish to stop it: shared between whoever reads and whoever watches.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::SourceError;

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
