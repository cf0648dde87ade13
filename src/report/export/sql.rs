//! SQL executions as Spark's `ExecutionData`, with the graph of the plan: its nodes, their metrics as Spark shows them, and edges.

use serde_json::{Value, json};

use super::columns::{Column, always, date, free_text, maybe};
use crate::model::{Application, JobStatus, PlanGraph, PlanNode, SqlExecution};
use crate::redact;

/// A SQL execution and the application that its jobs are looked up in.
pub struct Row<'a> {
    execution: &'a SqlExecution,
    application: &'a Application,
}

pub fn rows(application: &Application) -> impl Iterator<Item = Row<'_>> {
    application
        .sql
        .iter()
        .map(move |execution| Row { execution, application })
}

pub fn columns<'a>() -> Vec<Column<Row<'a>>> {
    vec![
        always("id", |row: &Row<'a>| row.execution.id),
        always("status", |row: &Row<'a>| row.execution.status.name()),
        free_text("description", |row: &Row<'a>| Some(&row.execution.description)),
        free_text("planDescription", |row: &Row<'a>| row.execution.plan.as_deref()),
        maybe("submissionTime", |row: &Row<'a>| {
            row.execution.submission_ms.and_then(date)
        }),
        maybe("duration", |row: &Row<'a>| row.execution.duration_ms()),
        always("runningJobIds", |row: &Row<'a>| row.jobs(JobStatus::Running)),
        always("successJobIds", |row: &Row<'a>| row.jobs(JobStatus::Succeeded)),
        always("failedJobIds", |row: &Row<'a>| row.jobs(JobStatus::Failed)),
        maybe("nodes", |row: &Row<'a>| row.execution.graph.as_deref().map(nodes)),
        maybe("edges", |row: &Row<'a>| row.execution.graph.as_deref().map(edges)),
        maybe("queryId", |row: &Row<'a>| row.execution.query_id.clone()),
        free_text("errorMessage", |row: &Row<'a>| row.execution.error.as_deref()),
        always("rootExecutionId", |row: &Row<'a>| {
            row.execution.root.unwrap_or(row.execution.id)
        }),
        always("modifiedConfigs", |row: &Row<'a>| {
            configs(&row.execution.modified_configs)
        }),
    ]
}

/// The nodes, highest number first as Spark has them.
fn nodes(graph: &PlanGraph) -> Value {
    let node = |node: &PlanNode| {
        let metrics = node.metrics.iter().filter_map(|metric| {
            let value = metric.value.as_deref()?;
            Some(json!({ "name": metric.name, "value": value }))
        });
        let mut object = json!({
            "nodeId": node.id,
            "nodeName": redact::text(&node.name),
            "metrics": metrics.collect::<Vec<_>>(),
        });
        if let Some(codegen) = node.codegen {
            object["wholeStageCodegenId"] = codegen.into();
        }
        if let Some(description) = &node.description {
            object["desc"] = redact::text(description).into();
        }
        object
    };
    graph.nodes.iter().rev().map(node).collect()
}

fn edges(graph: &PlanGraph) -> Value {
    let edge = |(from, to): &(u64, u64)| json!({ "fromId": from, "toId": to });
    graph.edges.iter().map(edge).collect()
}

/// Settings by name, secrets hidden.
fn configs(settings: &[(String, String)]) -> Value {
    let setting = |(key, value): &(String, String)| {
        let shown = redact::value(key, value).into_owned();
        (key.clone(), Value::from(shown))
    };
    Value::Object(settings.iter().map(setting).collect())
}

impl Row<'_> {
    fn jobs(&self, status: JobStatus) -> Vec<u32> {
        let stands = |id: &u32| self.application.job(*id).is_some_and(|job| job.status == status);
        self.execution.jobs.iter().copied().filter(stands).collect()
    }
}
