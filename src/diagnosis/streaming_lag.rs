//! `streaming-lag`: a streaming query that falls behind what arrives.

use super::context::Context;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Place, Severity};
use super::{Draft, Matter, Rule};
use crate::model::{StreamingBatch, StreamingQuery, Unit};
use crate::units;

pub const RULE: Rule = Rule {
    name: "streaming-lag",
    about: "A streaming query processes fewer rows a second than come in, over at least 3 batches and two thirds of them (the first is left out: it warms \
            up), and its batches grow by half from the first to the last third of the run; or its source tells that it is ever further behind \
            (maxOffsetsBehindLatest). Event logs tell (StreamingQueryProgress), REST does not. Saving: none, a streaming query does not end; it is a warning \
            because it does not catch up by itself.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    let queries = context.application.streaming.iter();
    queries.filter_map(|query| examine(context, query)).collect()
}

/// A third of the batches, summed.
struct Third {
    rows: f64,
    duration_ms: f64,
}

impl Third {
    fn of(batches: &[&StreamingBatch]) -> Option<Third> {
        let n = batches.len() as f64;
        if batches.is_empty() {
            return None;
        }
        let rows: f64 = batches
            .iter()
            .filter_map(|batch| batch.input_rows)
            .map(|rows| rows as f64)
            .sum();
        let duration: f64 = batches
            .iter()
            .filter_map(|batch| batch.duration_ms)
            .map(|ms| ms as f64)
            .sum();
        Some(Third {
            rows: rows / n,
            duration_ms: duration / n,
        })
    }
}

fn examine(context: &Context<'_>, query: &StreamingQuery) -> Option<Draft> {
    let thresholds = context.thresholds;
    // Batches without rows only move the watermark; the first compiles everything.
    let batches: Vec<&StreamingBatch> = query
        .batches
        .iter()
        .skip(1)
        .filter(|batch| batch.input_rows.is_some_and(|rows| rows > 0) && batch.duration_ms.is_some())
        .collect();
    let least = (thresholds.lag_least_batches as usize).max(1);
    if batches.len() < least {
        return None;
    }
    let rates = |batch: &&StreamingBatch| Some((batch.input_rows_per_second?, batch.processed_rows_per_second?));
    let slower = batches
        .iter()
        .filter_map(rates)
        .filter(|(input, processed)| processed < input)
        .count();
    let third = batches.len().div_ceil(3);
    let (first, last) = (
        Third::of(batches.get(..third)?)?,
        Third::of(batches.get(batches.len() - third..)?)?,
    );
    let grows = last.duration_ms >= first.duration_ms * thresholds.lag_growth;
    let falls = slower >= least.max(batches.len() * 2 / 3) && grows;
    let behind: Vec<f64> = batches.iter().filter_map(|batch| behind(batch)).collect();
    let ever_further = behind.len() >= least
        && behind.windows(2).filter(|pair| pair[1] > pair[0]).count() * 3 >= (behind.len() - 1) * 2
        && behind.last() > behind.first();
    if !falls && !ever_further {
        return None;
    }
    // What it can do at its best, and what comes in.
    let capacity = batches
        .iter()
        .filter_map(|batch| batch.processed_rows_per_second)
        .fold(0.0, f64::max);
    let arrives = arrival(&batches).or_else(|| batches.last().and_then(|batch| batch.input_rows_per_second))?;
    let name = query.name.clone().unwrap_or_else(|| query.id.chars().take(8).collect());
    let phase = slowest_phase(&batches);
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "Streaming query {name} falls behind: batches grow from {} to {}",
                units::duration(first.duration_ms as u64),
                units::duration(last.duration_ms as u64)
            ),
            place: Place::default(),
            evidence: evidence(&batches, &first, &last, &behind, slower, capacity, arrives),
            cause: format!(
                "About {} rows a second come in, and it gets at best {} done. What is left over makes the next batch larger, which takes longer, so more arrives \
                 meanwhile{}.",
                units::count(arrives as u64),
                units::count(capacity as u64),
                phase.map_or(String::new(), |(phase, share)| format!(
                    "; {} of a batch is {phase}",
                    units::percent(share)
                ))
            ),
            advice: advice(context, &batches, capacity, arrives),
            saving_ms: None,
            saving_note: "A streaming query does not end: what it costs is how late its results are, not wall time."
                .into(),
            confidence: Confidence::High,
        },
        matter: Matter::Behind,
    })
}

fn behind(batch: &StreamingBatch) -> Option<f64> {
    batch
        .sources
        .iter()
        .filter_map(|source| source.max_offsets_behind)
        .reduce(f64::max)
}

/// Rows a second from the first batch's start to the last one's: what the source gave.
fn arrival(batches: &[&StreamingBatch]) -> Option<f64> {
    let (first, last) = (batches.first()?, batches.last()?);
    let elapsed = last.start_ms?.checked_sub(first.start_ms?).filter(|ms| *ms > 0)?;
    // The rows of a batch arrived before it began: those of the first are from before.
    let rows: f64 = batches
        .iter()
        .skip(1)
        .filter_map(|batch| batch.input_rows)
        .map(|rows| rows as f64)
        .sum();
    Some(rows * 1_000.0 / elapsed as f64)
}

/// What takes most of the batches, and its share.
fn slowest_phase(batches: &[&StreamingBatch]) -> Option<(String, f64)> {
    let mut sums: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
    for (phase, ms) in batches.iter().flat_map(|batch| &batch.phases_ms) {
        if phase != "triggerExecution" {
            let sum = sums.entry(phase).or_default();
            *sum = sum.saturating_add(*ms);
        }
    }
    let all = super::statistics::total(batches.iter().filter_map(|batch| batch.duration_ms)).max(1);
    let (phase, ms) = sums.into_iter().max_by_key(|(_, ms)| *ms)?;
    Some((phase.to_owned(), (ms as f64 / all as f64).min(1.0)))
}

fn evidence(
    batches: &[&StreamingBatch],
    first: &Third,
    last: &Third,
    behind: &[f64],
    slower: usize,
    capacity: f64,
    arrives: f64,
) -> Vec<Evidence> {
    let mut evidence = vec![
        Evidence::of(
            "rows processed a second, at best",
            capacity,
            Unit::Records,
            "rows that come in a second",
        )
        .against(arrives),
        Evidence::of(
            "batches slower than their input",
            slower as f64,
            Unit::Count,
            "batches looked at",
        )
        .against(batches.len() as f64),
        Evidence::of(
            "duration of the last batches",
            last.duration_ms,
            Unit::Millis,
            "of the first ones",
        )
        .against(first.duration_ms),
        Evidence::of(
            "rows of the last batches",
            last.rows,
            Unit::Records,
            "of the first ones: the backlog that each finds",
        )
        .against(first.rows),
    ];
    if let (Some(from), Some(to)) = (behind.first(), behind.last()) {
        evidence.push(
            Evidence::of(
                "offsets behind the latest, at the end",
                *to,
                Unit::Count,
                "at the beginning",
            )
            .against(*from),
        );
    }
    let state = batches
        .last()
        .and_then(|batch| Some((batch.state_rows?, batch.state_bytes.unwrap_or(0))));
    if let Some((rows, bytes)) = state.filter(|(rows, _)| *rows > 0) {
        evidence.push(Evidence::of(
            "rows of state",
            rows as f64,
            Unit::Records,
            format!("{} of memory", units::bytes(bytes)),
        ));
    }
    evidence
}

fn advice(context: &Context<'_>, batches: &[&StreamingBatch], capacity: f64, arrives: f64) -> Vec<Advice> {
    let stages = context.application.stages.iter();
    let slots = stages
        .map(|stage| context.slots.during(stage))
        .max()
        .unwrap_or(1)
        .max(1);
    let needed = (f64::from(slots) * arrives / capacity.max(1.0) * 1.3)
        .ceil()
        .max(f64::from(slots) + 1.0);
    let source = batches
        .last()
        .and_then(|batch| batch.sources.first())
        .map_or("", |source| source.description.as_str());
    let kafka = source.starts_with("Kafka");
    let mut advice = vec![Advice {
        text: format!(
            "Make the work a row cheaper, or give it more cores: {} for {} rows a second are too few, {} a second need about {} (with 30% to catch up). The source needs as \
             many partitions, or the slots stay idle.",
            units::counted(u64::from(slots), "slot"),
            units::count(capacity as u64),
            units::count(arrives as u64),
            units::count(needed.min(1e9) as u64)
        ),
        ..Advice::default()
    }];
    let per_batch = (capacity * 10.0).max(1.0) as u64;
    advice.push(Advice {
        text: format!(
            "Bound the batch, so that one stays at about 10 s ({} rows) and does not run out of memory or time while it catches up. It bounds the backlog's effect, not the \
             backlog; the first batch of a new query is bounded too only where the source says so.",
            units::count(per_batch)
        ),
        config: Vec::new(),
        code: if kafka || source.is_empty() {
            Code {
                python: format!("spark.readStream.format(\"kafka\").option(\"maxOffsetsPerTrigger\", {per_batch})"),
                scala: format!("spark.readStream.format(\"kafka\").option(\"maxOffsetsPerTrigger\", {per_batch})"),
                sql: String::new(),
            }
        } else {
            Code::default()
        },
    });
    if batches
        .last()
        .is_some_and(|batch| batch.state_rows.is_some_and(|rows| rows > 1_000_000))
    {
        advice.push(Advice {
            text: "Keep the state small (a watermark, a shorter window), and out of the heap: the number of its partitions is fixed by the checkpoint, so that \
                   spark.sql.shuffle.partitions counts only for a new one."
                .into(),
            config: vec![(
                "spark.sql.streaming.stateStore.providerClass".into(),
                "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider".into(),
            )],
            ..Advice::default()
        });
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::sample::told;
    use crate::model::Application;
    use crate::schedule::sample::Sample;

    /// Batches of these durations (s) when `rate` rows a second come in.
    fn application(seconds: &[u64], rate: u64) -> Application {
        let mut application = Sample::cluster(2, 2).stage("a", &[60_000; 4]).application();
        let mut start = Sample::START;
        let mut before = 1;
        let mut query = StreamingQuery {
            name: Some("scores".into()),
            ..StreamingQuery::default()
        };
        for (id, seconds) in (0..).zip(seconds) {
            let rows = rate * before;
            query.batches.push(StreamingBatch {
                id,
                start_ms: Some(start),
                duration_ms: Some(seconds * 1_000),
                phases_ms: vec![
                    ("triggerExecution".into(), seconds * 1_000),
                    ("addBatch".into(), seconds * 900),
                ],
                input_rows: Some(rows),
                input_rows_per_second: Some(rate as f64),
                processed_rows_per_second: Some(rows as f64 / *seconds as f64),
                ..StreamingBatch::default()
            });
            start += *seconds as i64 * 1_000;
            before = *seconds;
        }
        application.streaming.push(query);
        application
    }

    #[test]
    fn a_query_whose_batches_grow_falls_behind() {
        let findings = told(&RULE, &application(&[5, 2, 3, 4, 6, 9, 13, 20], 1_000));
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!((finding.severity, finding.saving_ms), (Severity::Warning, None));
        assert_eq!(
            finding.title,
            "Streaming query scores falls behind: batches grow from 3.0s to 14.0s"
        );
        assert!(
            finding.cause.contains("90% of a batch is addBatch"),
            "{}",
            finding.cause
        );
    }

    #[test]
    fn a_query_that_keeps_up_is_left_alone() {
        assert!(told(&RULE, &application(&[9, 2, 2, 2, 2, 2, 2], 1_000)).is_empty());
        assert!(told(&RULE, &application(&[9, 8, 6, 5, 4, 3, 2], 1_000)).is_empty());
        assert!(told(&RULE, &application(&[9, 2, 3, 2, 3, 2, 3, 2, 3], 1_000)).is_empty());
    }

    #[test]
    fn three_batches_are_needed() {
        assert!(told(&RULE, &application(&[2, 4, 8], 1_000)).is_empty());
        assert!(told(&RULE, &application(&[], 1_000)).is_empty());
    }

    #[test]
    fn a_source_that_tells_its_backlog_is_believed() {
        let mut application = application(&[2, 2, 2, 2, 2, 2], 1_000);
        for (id, batch) in (1..).zip(&mut application.streaming[0].batches) {
            batch.sources.push(crate::model::StreamingSource {
                description: "KafkaV2[Subscribe[orders]]".into(),
                max_offsets_behind: Some(f64::from(id) * 1_000.0),
                ..Default::default()
            });
        }
        let findings = told(&RULE, &application);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].advice[1].code.python.contains("maxOffsetsPerTrigger"));
    }
}
