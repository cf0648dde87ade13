//! Batches of streaming queries under the names of `StreamingQueryProgress`, a row a batch; REST has none of them.

use serde_json::{Map, Value, json};

use super::columns::{Column, always, date, free_text, maybe};
use crate::model::{Application, StreamingBatch, StreamingQuery, StreamingSource};
use crate::redact;

/// A batch and the run that it is part of.
pub struct Row<'a> {
    query: &'a StreamingQuery,
    batch: &'a StreamingBatch,
}

pub fn rows(application: &Application) -> impl Iterator<Item = Row<'_>> {
    let of = |query| {
        let StreamingQuery { batches, .. }: &StreamingQuery = query;
        batches.iter().map(move |batch| Row { query, batch })
    };
    application.streaming.iter().flat_map(of)
}

pub fn columns<'a>() -> Vec<Column<Row<'a>>> {
    vec![
        always("id", |row: &Row<'a>| row.query.id.clone()),
        always("runId", |row: &Row<'a>| row.query.run_id.clone()),
        free_text("name", |row: &Row<'a>| row.query.name.as_deref()),
        always("batchId", |row: &Row<'a>| row.batch.id),
        maybe("timestamp", |row: &Row<'a>| row.batch.start_ms.and_then(date)),
        maybe("batchDuration", |row: &Row<'a>| row.batch.duration_ms),
        always("durationMs", |row: &Row<'a>| phases(&row.batch.phases_ms)),
        maybe("numInputRows", |row: &Row<'a>| row.batch.input_rows),
        maybe("inputRowsPerSecond", |row: &Row<'a>| row.batch.input_rows_per_second),
        maybe("processedRowsPerSecond", |row: &Row<'a>| {
            row.batch.processed_rows_per_second
        }),
        maybe("stateRowsTotal", |row: &Row<'a>| row.batch.state_rows),
        maybe("stateMemoryUsedBytes", |row: &Row<'a>| row.batch.state_bytes),
        maybe("watermark", |row: &Row<'a>| row.batch.watermark_ms.and_then(date)),
        always("sources", |row: &Row<'a>| {
            row.batch.sources.iter().map(source).collect::<Value>()
        }),
        free_text("sink", |row: &Row<'a>| row.batch.sink.as_deref()),
        free_text("exception", |row: &Row<'a>| row.query.exception.as_deref()),
    ]
}

fn phases(phases: &[(String, u64)]) -> Value {
    Value::Object(
        phases
            .iter()
            .map(|(name, millis)| (name.clone(), Value::from(*millis)))
            .collect(),
    )
}

fn source(source: &StreamingSource) -> Value {
    let mut object = Map::new();
    object.insert("description".into(), redact::text(&source.description).into());
    let numbers = [
        ("numInputRows", source.input_rows.map(|rows| json!(rows))),
        (
            "inputRowsPerSecond",
            source.input_rows_per_second.map(|rate| json!(rate)),
        ),
        (
            "processedRowsPerSecond",
            source.processed_rows_per_second.map(|rate| json!(rate)),
        ),
        (
            "maxOffsetsBehindLatest",
            source.max_offsets_behind.map(|behind| json!(behind)),
        ),
    ];
    let known = numbers
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    object.extend(known);
    Value::Object(object)
}
