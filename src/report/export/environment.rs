//! Properties and resource profiles as Spark's `ApplicationEnvironmentInfo`: JSON is its one object, CSV a line a property or request. Secrets
//! are hidden.

use std::borrow::Cow;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::columns::{self, Column, Format, always};
use crate::model::{Application, Environment, ResourceProfile, ResourceRequest};
use crate::redact;

/// A property and the group it stands in, under REST's name.
type Row<'a> = (&'static str, Cow<'a, str>, Cow<'a, str>);

pub fn write(application: &Application, format: Format, out: &mut dyn Write) -> io::Result<()> {
    match format {
        Format::Csv => {
            let properties = groups(&application.environment)
                .into_iter()
                .flat_map(|(group, properties)| {
                    properties
                        .iter()
                        .map(move |(name, value)| (group, name.into(), value.into()))
                });
            let rows = properties.chain(application.resource_profiles.iter().flat_map(amounts));
            columns::write(&row_columns(), rows, format, out)
        }
        Format::Json => {
            let mut whole = whole(&application.environment);
            let profiles: Vec<Value> = application.resource_profiles.iter().map(profile).collect();
            whole.insert("resourceProfiles".to_owned(), Value::Array(profiles));
            serde_json::to_writer_pretty(&mut *out, &Value::Object(whole))?;
            out.write_all(b"\n")
        }
    }
}

fn row_columns<'a>() -> Vec<Column<Row<'a>>> {
    vec![
        always("group", |row: &Row<'a>| row.0),
        always("name", |row: &Row<'a>| row.1.to_string()),
        always("value", |row: &Row<'a>| redact::value(&row.1, &row.2).into_owned()),
    ]
}

/// What a profile asks for, a row a resource.
fn amounts(profile: &ResourceProfile) -> impl Iterator<Item = Row<'_>> {
    let parts = [
        ("executorResources", &profile.executor),
        ("taskResources", &profile.task),
    ];
    parts.into_iter().flat_map(move |(part, requests)| {
        requests.iter().filter_map(move |request| {
            let name = format!("{}.{part}.{}", profile.id, request.name);
            Some(("resourceProfiles", name.into(), request.amount?.to_string().into()))
        })
    })
}

/// A profile as REST nests it. A task's request has no script and no vendor.
fn profile(profile: &ResourceProfile) -> Value {
    let requests = |requests: &[ResourceRequest], whole: bool| -> Map<String, Value> {
        let request = |request: &ResourceRequest| {
            let mut object = Map::new();
            object.insert("resourceName".to_owned(), request.name.clone().into());
            if let Some(amount) = request.amount {
                // Executors have whole ones.
                let value = if whole { json!(amount as u64) } else { json!(amount) };
                object.insert("amount".to_owned(), value);
            }
            let more = [
                ("discoveryScript", &request.discovery_script),
                ("vendor", &request.vendor),
            ];
            for (name, value) in more {
                if let Some(value) = value {
                    object.insert(name.to_owned(), redact::text(value).into_owned().into());
                }
            }
            (request.name.clone(), Value::Object(object))
        };
        requests.iter().map(request).collect()
    };
    json!({
        "id": profile.id,
        "executorResources": requests(&profile.executor, true),
        "taskResources": requests(&profile.task, false),
    })
}

fn whole(environment: &Environment) -> Map<String, Value> {
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
    whole
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
