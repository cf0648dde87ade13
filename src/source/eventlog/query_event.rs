//! The events of SQL executions and streaming queries, which Spark's SQL module writes: their keys are the names of its classes' fields. Text
//! is borrowed from the line. Knows nothing of what follows from an event.

use std::borrow::Cow;

use super::event::{Signed, Text};
use super::plan::{Metric, Raw};
use crate::source::lenient::{Field, Key, Lenient, Pairs, record};

record! {
    /// A SQL execution began.
    SqlStart {
        id: Option<u64> = "executionId",
        root: Option<u64> = "rootExecutionId",
        query: Text<'de> = "queryId",
        description: Text<'de> = "description",
        plan: Text<'de> = "physicalPlanDescription",
        operators: Raw<'de> = "sparkPlanInfo",
        time: Option<i64> = "time",
        configs: Pairs<'de> = "modifiedConfigs",
    }
}

record! {
    /// Adaptive execution changed the plan of a SQL execution.
    SqlReplanned {
        id: Option<u64> = "executionId",
        plan: Text<'de> = "physicalPlanDescription",
        operators: Raw<'de> = "sparkPlanInfo",
    }
}

record! {
    /// Adaptive execution names metrics that no plan shows.
    SqlMetricsAdded {
        id: Option<u64> = "executionId",
        metrics: Vec<Metric<'de>> = "sqlPlanMetrics",
    }
}

record! {
    /// What the driver adds to metrics: pairs of accumulator and value.
    SqlDriverUpdates {
        id: Option<u64> = "executionId",
        updates: Vec<Vec<Signed>> = "accumUpdates",
    }
}

record! {
    /// A run of a streaming query began.
    QueryStarted {
        id: Text<'de> = "id",
        run: Text<'de> = "runId",
        name: Text<'de> = "name",
        time: Text<'de> = "timestamp",
    }
}

record! {
    /// A batch of a streaming query ended.
    QueryProgress { progress: BatchProgress<'de> = "progress", }
}

record! {
    /// A batch (`StreamingQueryProgress`).
    BatchProgress {
        id: Text<'de> = "id",
        run: Text<'de> = "runId",
        name: Text<'de> = "name",
        time: Text<'de> = "timestamp",
        batch: Option<u64> = "batchId",
        duration: Option<u64> = "batchDuration",
        phases: Millis<'de> = "durationMs",
        rows: Option<u64> = "numInputRows",
        event_time: EventTime<'de> = "eventTime",
        state: Vec<StateProgress<'de>> = "stateOperators",
        sources: Vec<SourceProgress<'de>> = "sources",
        sink: SinkProgress<'de> = "sink",
    }
}

record! {
    /// Event times of a batch.
    EventTime { watermark: Text<'de> = "watermark", }
}

record! {
    /// What an operator keeps from batch to batch.
    StateProgress {
        rows: Option<u64> = "numRowsTotal",
        bytes: Option<u64> = "memoryUsedBytes",
    }
}

record! {
    /// A source of a batch.
    SourceProgress {
        description: Text<'de> = "description",
        rows: Option<u64> = "numInputRows",
        input_rate: Rate = "inputRowsPerSecond",
        processed_rate: Rate = "processedRowsPerSecond",
        metrics: Pairs<'de> = "metrics",
    }
}

record! {
    /// The sink of a batch.
    SinkProgress { description: Text<'de> = "description", }
}

record! {
    /// A run of a streaming query ended.
    QueryEnded {
        id: Text<'de> = "id",
        run: Text<'de> = "runId",
        exception: Text<'de> = "exception",
    }
}

/// Times by name, ms.
#[derive(Debug, Default)]
pub(super) struct Millis<'de>(pub Vec<(Cow<'de, str>, u64)>);

impl<'de> Field<'de> for Millis<'de> {
    fn object<A: serde::de::MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
        let mut all = Vec::new();
        while let Some((Key(name), Lenient(millis))) = entries.next_entry::<Key<'de>, Lenient<Option<u64>>>()? {
            all.extend(millis.map(|millis| (name, millis)));
        }
        Ok(Millis(all))
    }
}

/// A number a second; what is none (`"NaN"`) is absent.
#[derive(Debug, Default)]
pub(super) struct Rate(pub Option<f64>);

impl Field<'_> for Rate {
    fn whole(value: u64) -> Self {
        Rate(Some(value as f64))
    }

    fn decimal(value: f64) -> Self {
        Rate((value.is_finite() && value >= 0.0).then_some(value))
    }
}

record! {
    /// A SQL execution ended; the error is empty when it ended well.
    SqlEnd {
        id: Option<u64> = "executionId",
        time: Option<i64> = "time",
        error: Text<'de> = "errorMessage",
    }
}
