//! What of an application is missing, and why: shown with it, never swallowed.

/// A way in which data are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LossKind {
    /// Lines of the event log that could not be understood; `count` lines.
    BrokenLines,
    /// The event log ends in the middle of a line, frame or block.
    CutShort,
    /// The application has no end: it runs, or was killed.
    InProgress,
    /// Files of a rolling event log are missing; `count` files.
    MissingFiles,
    /// Spark compacted the log: finished jobs, stages and tasks were dropped.
    Compacted,
    /// Files or applications that could not be read; `count` of them.
    Unreadable,
    /// Tasks started and never ended although their stage did: events were lost; `count` tasks.
    MissingEnds,
    /// Starts or ends of jobs and stages that the log lacks, or has in another order; `count` events.
    MissingEvents,
    /// The server keeps no more than so many tasks, stages, jobs and dead executors (`spark.ui.retainedTasks` and the like); `count` of
    /// them are lost.
    ServerForgot,
    /// The source cannot carry it (REST has no memory over time).
    NotCarried,
}

/// One thing that is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// In what way.
    pub kind: LossKind,
    /// How many of what the kind counts; 1 where it counts nothing.
    pub count: u64,
    /// One sentence for the reader, with the place (line, file, stage).
    pub detail: String,
}

impl LossKind {
    /// Whether findings may miss something for it; what a source never carries is known beforehand.
    pub const fn harms_findings(self) -> bool {
        !matches!(self, LossKind::NotCarried)
    }
}
