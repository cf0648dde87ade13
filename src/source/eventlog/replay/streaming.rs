//! Structured Streaming queries and the progress of their batches (`StreamingQueryListener`'s events). Their times do not count as the last
//! thing recorded, as REST knows none of them.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use super::{Lacking, Replay, block, line, need};
use crate::model::{StreamingBatch, StreamingQuery, StreamingSource};
use crate::source::eventlog::query_event::{QueryEnded, QueryProgress, QueryStarted, SourceProgress};
use crate::text;

/// Batches kept of one run, the last ones: a query that triggers each second runs through as many in three hours.
const MOST_BATCHES: usize = 10_000;
/// Batches kept of all runs; those of the runs before go first.
const MOST_IN_ALL: usize = 50_000;
/// Runs told of; a query that restarts for ever has no end of them.
const MOST_RUNS: usize = 10_000;

/// Runs of streaming queries while their events come in.
#[derive(Default)]
pub(super) struct Streaming {
    runs: Vec<Run>,
    /// Place of every run by its id.
    at: HashMap<String, usize>,
    /// Batches kept.
    batches: usize,
    /// The first run that may have batches.
    oldest: usize,
}

#[derive(Clone, Default)]
struct Run {
    query: StreamingQuery,
    batches: VecDeque<StreamingBatch>,
}

impl Streaming {
    /// The run of this id, new if need be; `None` where there are too many.
    fn run(&mut self, id: Option<Cow<'_, str>>, run: Cow<'_, str>) -> Option<&mut Run> {
        let run = text::clean_line(&run);
        let at = match self.at.get(&run) {
            Some(at) => *at,
            None if self.runs.len() >= MOST_RUNS => return None,
            None => {
                let at = self.runs.len();
                self.at.insert(run.clone(), at);
                self.runs.push(Run::default());
                self.runs[at].query.run_id = run;
                at
            }
        };
        let run = self.runs.get_mut(at)?;
        if let Some(id) = line(id) {
            run.query.id = id;
        }
        Some(run)
    }

    /// Forgets batches where there are too many.
    fn thin(&mut self) {
        while self.batches > MOST_IN_ALL
            && let Some(run) = self.runs.get_mut(self.oldest)
        {
            match run.batches.pop_front() {
                Some(_) => {
                    run.query.earlier_batches += 1;
                    self.batches -= 1;
                }
                None => self.oldest += 1,
            }
        }
    }

    /// The runs in order of their start.
    pub fn shown(&self) -> Vec<StreamingQuery> {
        let shown = |run: &Run| StreamingQuery {
            batches: run.batches.iter().cloned().collect(),
            ..run.query.clone()
        };
        self.runs.iter().map(shown).collect()
    }
}

impl Replay {
    pub(super) fn query_started(&mut self, event: QueryStarted<'_>) -> Result<(), Lacking> {
        let id = need(event.run)?;
        let start = time(event.time.as_deref()).or(self.app.last_ms);
        if let Some(run) = self.streaming.run(event.id, id) {
            run.query.name = line(event.name);
            run.query.start_ms = start;
        }
        Ok(())
    }

    pub(super) fn query_progress(&mut self, event: QueryProgress<'_>) -> Result<(), Lacking> {
        let progress = event.progress;
        let id = need(progress.run)?;
        let batch = need(progress.batch)?;
        let start = time(progress.time.as_deref());
        let phase = |(name, millis): (Cow<'_, str>, u64)| (text::clean_line(&name), millis);
        let phases: Vec<(String, u64)> = progress.phases.0.into_iter().map(phase).collect();
        let whole = phases.iter().find(|(name, _)| name == "triggerExecution");
        let duration = whole.map(|(_, millis)| *millis).or(progress.duration);
        let sources: Vec<StreamingSource> = progress.sources.into_iter().map(source).collect();
        let sum = |values: Vec<Option<u64>>| {
            let known: Vec<u64> = values.into_iter().flatten().collect();
            (!known.is_empty()).then(|| known.into_iter().fold(0, u64::saturating_add))
        };
        let rate = |of: fn(&StreamingSource) -> Option<f64>| {
            let known: Vec<f64> = sources.iter().filter_map(of).collect();
            (!known.is_empty()).then(|| known.into_iter().sum())
        };
        let batch = StreamingBatch {
            id: batch,
            start_ms: start,
            duration_ms: duration,
            phases_ms: phases,
            // Spark's own sums over the sources (`StreamingQueryProgress`).
            input_rows: progress
                .rows
                .or_else(|| sum(sources.iter().map(|source| source.input_rows).collect())),
            input_rows_per_second: rate(|source| source.input_rows_per_second),
            processed_rows_per_second: rate(|source| source.processed_rows_per_second),
            state_rows: sum(progress.state.iter().map(|state| state.rows).collect()),
            state_bytes: sum(progress.state.iter().map(|state| state.bytes).collect()),
            watermark_ms: time(progress.event_time.watermark.as_deref()),
            sources,
            sink: line(progress.sink.description),
        };
        let Some(run) = self.streaming.run(progress.id, id) else {
            return Ok(());
        };
        if run.query.name.is_none() {
            run.query.name = line(progress.name);
        }
        match run.batches.back_mut() {
            // A trigger without data tells of the same batch again.
            Some(last) if last.id == batch.id => *last = batch,
            _ => {
                run.batches.push_back(batch);
                if run.batches.len() > MOST_BATCHES {
                    run.batches.pop_front();
                    run.query.earlier_batches += 1;
                } else {
                    self.streaming.batches += 1;
                    self.streaming.thin();
                }
            }
        }
        Ok(())
    }

    pub(super) fn query_ended(&mut self, event: QueryEnded<'_>) -> Result<(), Lacking> {
        let id = need(event.run)?;
        // The event tells no time: that of the last thing recorded before it.
        let end = self.app.last_ms;
        if let Some(run) = self.streaming.run(event.id, id) {
            run.query.end_ms = end;
            run.query.exception = block(event.exception).filter(|exception| !exception.is_empty());
        }
        Ok(())
    }
}

fn source(progress: SourceProgress<'_>) -> StreamingSource {
    let behind = progress
        .metrics
        .0
        .iter()
        .find(|(name, _)| name == "maxOffsetsBehindLatest");
    StreamingSource {
        description: line(progress.description).unwrap_or_default(),
        input_rows: progress.rows,
        input_rows_per_second: progress.input_rate.0,
        processed_rows_per_second: progress.processed_rate.0,
        max_offsets_behind: behind
            .and_then(|(_, value)| value.parse().ok())
            .filter(|value: &f64| value.is_finite()),
    }
}

/// A time as Spark writes it there: `2026-11-25T17:40:00.123Z`.
fn time(text: Option<&str>) -> Option<i64> {
    let time: jiff::Timestamp = text?.parse().ok()?;
    Some(time.as_millisecond())
}
