//! A table as a list of named columns, and its rows as CSV or as JSON. A dot in a name nests the value in JSON and stays a dot
//! in CSV's header.

use std::borrow::{Borrow, Cow};
use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::redact;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A header and a line each, nested names joined by dots.
    Csv,
    /// One array of objects.
    Json,
}

/// What a column reads out of a row.
type Cell<R> = Box<dyn Fn(&R) -> Option<Value>>;

/// A column: its name and what it reads out of a row; `None` is absent.
pub struct Column<R> {
    name: Cow<'static, str>,
    cell: Cell<R>,
}

/// A column that every row has.
pub fn always<R, V: Into<Value>>(name: impl Into<Cow<'static, str>>, cell: impl Fn(&R) -> V + 'static) -> Column<R> {
    Column {
        name: name.into(),
        cell: Box::new(move |row| Some(cell(row).into())),
    }
}

/// A column that rows may lack.
pub fn maybe<R, V: Into<Value>>(
    name: impl Into<Cow<'static, str>>,
    cell: impl Fn(&R) -> Option<V> + 'static,
) -> Column<R> {
    Column {
        name: name.into(),
        cell: Box::new(move |row| cell(row).map(Into::into)),
    }
}

/// A column of text that people or libraries wrote: secrets in it are hidden.
pub fn free_text<R>(name: &'static str, cell: impl for<'row> Fn(&'row R) -> Option<&'row str> + 'static) -> Column<R> {
    maybe(name, move |row| cell(row).map(|text| redact::text(text).into_owned()))
}

/// Writes rows as they come.
pub fn write<R>(
    columns: &[Column<R>],
    rows: impl IntoIterator<Item = impl Borrow<R>>,
    format: Format,
    out: &mut dyn Write,
) -> io::Result<()> {
    match format {
        Format::Csv => write_csv(columns, rows, out),
        Format::Json => write_json(rows.into_iter().map(|row| object(columns, row.borrow())), out),
    }
}

/// Writes one JSON array, a value a line.
pub fn write_json(values: impl Iterator<Item = Value>, out: &mut dyn Write) -> io::Result<()> {
    let mut before = "[\n";
    for value in values {
        out.write_all(before.as_bytes())?;
        serde_json::to_writer(&mut *out, &value)?;
        before = ",\n";
    }
    out.write_all(if before == "[\n" { b"[]\n" } else { b"\n]\n" })
}

fn write_csv<R>(
    columns: &[Column<R>],
    rows: impl IntoIterator<Item = impl Borrow<R>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(columns.iter().map(|column| &*column.name))
        .map_err(csv_error)?;
    for row in rows {
        let cells = columns.iter().map(|column| match (column.cell)(row.borrow()) {
            None => String::new(),
            Some(Value::String(text)) => text,
            Some(value) => value.to_string(),
        });
        csv.write_record(cells).map_err(csv_error)?;
    }
    csv.flush()
}

/// The writer's own error, so that a closed pipe can be told from the others.
fn csv_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// A row as an object; absent cells are left out, and an object with none of its fields too.
pub fn object<R>(columns: &[Column<R>], row: &R) -> Value {
    let mut whole = Map::new();
    for column in columns {
        if let Some(value) = (column.cell)(row) {
            insert(&mut whole, &column.name, value);
        }
    }
    Value::Object(whole)
}

fn insert(object: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        None => {
            object.insert(name.to_owned(), value);
        }
        Some((outer, inner)) => {
            let nested = object.entry(outer).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(nested) = nested {
                insert(nested, inner, value);
            }
        }
    }
}

/// A moment as Spark's REST API spells it: `2015-02-03T16:42:40.000GMT`.
pub fn date(epoch_ms: i64) -> Option<String> {
    let time = Timestamp::from_millisecond(epoch_ms).ok()?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%S.%3fGMT").to_string())
}

/// Counts by name, as Spark's `killedTasksSummary`.
pub fn counts(counts: &[(String, u32)]) -> Value {
    Value::Object(
        counts
            .iter()
            .map(|(name, count)| (name.clone(), Value::from(*count)))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<Column<u32>> {
        vec![
            always("id", |n: &u32| *n),
            maybe("odd.value", |n: &u32| (n % 2 == 1).then_some(*n)),
            maybe("odd.text", |n: &u32| (n % 2 == 1).then(|| format!("a,{n}"))),
        ]
    }

    fn written(rows: &[u32], format: Format) -> String {
        let mut out = Vec::new();
        write(&columns(), rows, format, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_nest_in_json_and_absent_cells_are_left_out() {
        assert_eq!(
            written(&[1, 2], Format::Json),
            "[\n{\"id\":1,\"odd\":{\"value\":1,\"text\":\"a,1\"}},\n{\"id\":2}\n]\n"
        );
        assert_eq!(written(&[], Format::Json), "[]\n");
    }

    #[test]
    fn csv_has_a_header_even_without_rows_and_quotes_where_needed() {
        assert_eq!(
            written(&[1, 2], Format::Csv),
            "id,odd.value,odd.text\n1,1,\"a,1\"\n2,,\n"
        );
        assert_eq!(written(&[], Format::Csv), "id,odd.value,odd.text\n");
    }

    #[test]
    fn dates_are_spelled_as_spark_spells_them() {
        assert_eq!(date(1_422_981_760_000).as_deref(), Some("2015-02-03T16:42:40.000GMT"));
        assert_eq!(date(1_422_981_760_007).as_deref(), Some("2015-02-03T16:42:40.007GMT"));
        assert_eq!(date(i64::MAX), None);
    }
}
