//! Properties as Spark's `ApplicationEnvironmentInfo`: JSON is its one object, CSV a line a property. Secrets are hidden.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::columns::{self, Column, Format, always};
use crate::model::Environment;
use crate::redact;

/// A property and the group it stands in, under REST's name.
type Row<'a> = (&'static str, &'a str, &'a str);

pub fn write(environment: &Environment, format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Csv => {
            let rows = groups(environment).into_iter().flat_map(|(group, properties)| {
                properties
                    .iter()
                    .map(move |(name, value)| (group, name.as_str(), value.as_str()))
            });
            columns::write(&row_columns(), rows, format, out)
        }
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, &whole(environment))?;
            out.write_all(b"\n")
        }
    }
}

fn row_columns<'a>() -> Vec<Column<Row<'a>>> {
    vec![
        always("group", |row: &Row<'a>| row.0),
        always("name", |row: &Row<'a>| row.1),
        always("value", |row: &Row<'a>| redact::value(row.1, row.2)),
    ]
}

fn whole(environment: &Environment) -> Value {
    let mut whole = Map::new();
    for (group, properties) in groups(environment) {
        let shown = properties
            .iter()
            .map(|(name, value)| (name, redact::value(name, value)));
        let value = match group {
            "runtime" => Value::Object(shown.map(|(name, value)| (name.clone(), Value::from(value))).collect()),
            _ => shown.map(|(name, value)| json!([name, value])).collect(),
        };
        whole.insert(group.to_owned(), value);
    }
    Value::Object(whole)
}

/// The groups under REST's names.
fn groups(environment: &Environment) -> [(&'static str, &[(String, String)]); 6] {
    [
        ("runtime", &environment.runtime),
        ("sparkProperties", &environment.spark),
        ("hadoopProperties", &environment.hadoop),
        ("systemProperties", &environment.system),
        ("metricsProperties", &environment.other),
        ("classpathEntries", &environment.classpath),
    ]
}
