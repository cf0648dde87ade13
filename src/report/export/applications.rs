//! The applications of a source as Spark's `ApplicationInfo`: JSON nests the attempts, CSV has one line an attempt.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::columns::{self, Column, Format, always, date, free_text, maybe};
use crate::model::{ApplicationEntry, AttemptEntry, Listing};
use crate::redact;

type Row<'a> = (&'a ApplicationEntry, &'a AttemptEntry);

pub fn write(listing: &Listing, format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Csv => {
            let attempts = |entry| -> Vec<Row<'_>> { rows(entry).collect() };
            let mut all = vec![
                always("id", |row: &Row<'_>| row.0.id.clone()),
                free_text("name", |row: &Row<'_>| Some(&row.0.name)),
            ];
            all.extend(attempt_columns());
            columns::write(&all, listing.applications.iter().flat_map(attempts), format, out)
        }
        Format::Json => columns::write_json(listing.applications.iter().map(application), out),
    }
}

fn rows(entry: &ApplicationEntry) -> impl Iterator<Item = Row<'_>> {
    entry.attempts.iter().map(move |attempt| (entry, attempt))
}

/// One application with its attempts inside.
fn application(entry: &ApplicationEntry) -> Value {
    let columns = attempt_columns();
    let attempts: Vec<Value> = rows(entry).map(|row| columns::object(&columns, &row)).collect();
    json!({ "id": entry.id, "name": redact::text(&entry.name), "attempts": attempts })
}

fn attempt_columns<'a>() -> Vec<Column<Row<'a>>> {
    vec![
        maybe("attemptId", |row: &Row<'a>| row.1.attempt.clone()),
        maybe("startTime", |row: &Row<'a>| row.1.start_ms.and_then(date)),
        maybe("endTime", |row: &Row<'a>| row.1.end_ms.and_then(date)),
        maybe("lastUpdated", |row: &Row<'a>| row.1.last_updated_ms.and_then(date)),
        maybe("duration", |row: &Row<'a>| row.1.duration_ms),
        free_text("sparkUser", |row: &Row<'a>| row.1.user.as_deref()),
        always("completed", |row: &Row<'a>| row.1.completed),
        maybe("appSparkVersion", |row: &Row<'a>| row.1.spark_version.clone()),
    ]
}
