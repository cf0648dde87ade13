//! Structured Streaming queries and the progress of their batches, which event logs tell and REST does not.

/// One run of a streaming query (`StreamingQueryListener`'s events).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamingQuery {
    /// Id that stays the same when the query restarts from its checkpoint.
    pub id: String,
    /// Id of this run.
    pub run_id: String,
    /// Name given by its author.
    pub name: Option<String>,
    /// Start, epoch ms.
    pub start_ms: Option<i64>,
    /// End, epoch ms: that of the last thing recorded before it, as Spark tells none; absent while it runs.
    pub end_ms: Option<i64>,
    /// What ended it, when it failed.
    pub exception: Option<String>,
    /// Its batches, by number; of a long run the last ten thousand.
    pub batches: Vec<StreamingBatch>,
    /// Batches before those, which are not kept.
    pub earlier_batches: u64,
}

/// One batch (`StreamingQueryProgress`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamingBatch {
    /// Number of the batch.
    pub id: u64,
    /// When its trigger began, epoch ms.
    pub start_ms: Option<i64>,
    /// How long it took in all (`durationMs.triggerExecution`, or `batchDuration`), ms.
    pub duration_ms: Option<u64>,
    /// The parts of that time by Spark's names (`addBatch`, `getBatch`, `queryPlanning`, `walCommit` …), ms.
    pub phases_ms: Vec<(String, u64)>,
    /// Rows that came in.
    pub input_rows: Option<u64>,
    /// Rows that arrived a second.
    pub input_rows_per_second: Option<f64>,
    /// Rows that were processed a second.
    pub processed_rows_per_second: Option<f64>,
    /// Rows in the state of its operators, summed.
    pub state_rows: Option<u64>,
    /// Memory of that state, bytes.
    pub state_bytes: Option<u64>,
    /// Event time watermark, epoch ms.
    pub watermark_ms: Option<i64>,
    /// Its sources, as Spark describes them, each with rows in and how far behind it is where the source tells (`maxOffsetsBehindLatest`).
    pub sources: Vec<StreamingSource>,
    /// Its sink, as Spark describes it.
    pub sink: Option<String>,
}

/// A source of a batch (`SourceProgress`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StreamingSource {
    /// What Spark calls it.
    pub description: String,
    /// Rows that came in.
    pub input_rows: Option<u64>,
    /// Rows that arrived a second.
    pub input_rows_per_second: Option<f64>,
    /// Rows that were processed a second.
    pub processed_rows_per_second: Option<f64>,
    /// How many offsets the slowest partition is behind the latest.
    pub max_offsets_behind: Option<f64>,
}
