//! `failed-query`: a SQL execution failed on the driver, without a failed job: it could not be planned, or could not write where it was to.

use std::collections::BTreeMap;

use super::context::Context;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Place, Severity};
use super::large_broadcast;
use super::root_cause::RootCause;
use super::{CallSite, Draft, Matter, Rule};
use crate::model::{JobStatus, SqlExecution, SqlStatus, Unit};

pub const RULE: Rule = Rule {
    name: "failed-query",
    about: "A SQL execution ended with an error (SparkListenerSQLExecutionEnd.errorMessage; Spark 3.4 and later) and none of its jobs \
            failed: those that tasks or stages failed are told by the rules about failures. What was cancelled is no fault, nor what \
            failed inside another execution that is told. Executions are grouped by error without its numbers and quoted values. \
            Critical where nothing was run after it and the application ended; else a hazard, as the program went on without it. \
            No saving.",
    check,
};

/// Executions named in the evidence at most.
const NAMED: usize = 5;

/// Errors of what was stopped on purpose.
const ON_PURPOSE: [&str; 4] = ["InterruptedException", "cancelled", "canceled", "killed by user"];

fn check(context: &Context<'_>) -> Vec<Draft> {
    let mut groups: BTreeMap<String, Vec<(&SqlExecution, RootCause)>> = BTreeMap::new();
    for execution in &context.application.sql {
        if let Some(error) = own_error(context, execution) {
            let cause = RootCause::of(error);
            groups.entry(cause.shape()).or_default().push((execution, cause));
        }
    }
    groups
        .into_values()
        .filter_map(|group| examine(context, &group))
        .collect()
}

/// The error of an execution that failed of itself, and not because a job did.
fn own_error<'a>(context: &Context<'_>, execution: &'a SqlExecution) -> Option<&'a str> {
    let application = context.application;
    let error = execution
        .error
        .as_deref()
        .filter(|_| execution.status == SqlStatus::Failed)?;
    let failed = |id: &u32| {
        let job = application.jobs.iter().find(|job| job.id == *id);
        job.is_some_and(|job| job.status == JobStatus::Failed)
    };
    let within = execution.root.filter(|root| *root != execution.id);
    let outer = within.and_then(|root| application.execution(root));
    let told_by_others = execution.jobs.iter().any(failed)
        || outer.is_some_and(|outer| outer.error.is_some())
        || ON_PURPOSE.iter().any(|words| error.contains(words))
        || error.contains(large_broadcast::TOO_LITTLE_MEMORY);
    (!told_by_others).then_some(error)
}

/// Whether the application ended after this execution and ran nothing more.
fn is_last(context: &Context<'_>, execution: &SqlExecution) -> bool {
    let application = context.application;
    let Some(ended) = execution.completion_ms.filter(|_| application.end_ms.is_some()) else {
        return false;
    };
    let queries = application.sql.iter().filter_map(|other| other.submission_ms);
    let jobs = application.jobs.iter().filter_map(|job| job.submission_ms);
    queries.chain(jobs).all(|submitted| submitted <= ended)
}

fn examine(context: &Context<'_>, group: &[(&SqlExecution, RootCause)]) -> Option<Draft> {
    let (execution, cause) = group.last()?;
    let last = is_last(context, execution);
    let site = CallSite::parse(&execution.description);
    let times = match group.len() {
        1 => String::new(),
        n => format!(", {n} times"),
    };
    let ended = if last { "; the application ended with it" } else { "" };
    let evidence = group.iter().rev().take(NAMED).filter_map(|(execution, _)| {
        let ms = execution.duration_ms()? as f64;
        let metric = format!("time until SQL {} failed", execution.id);
        Some(Evidence::of(metric, ms, Unit::Millis, ""))
    });
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "Failed query in SQL {} ({}): {}{times}{ended}",
                execution.id,
                site.short(),
                without_state(&cause.exception)
            ),
            place: Place {
                jobs: execution.jobs.clone(),
                sql: Some(execution.id),
                ..Place::default()
            },
            evidence: evidence.collect(),
            cause: why(execution, cause, last),
            advice: advice(execution, cause, &site),
            saving_ms: None,
            saving_note: "It failed: what it would have taken is not known.".into(),
            confidence: Confidence::High,
        },
        matter: if last { Matter::Failure } else { Matter::Hazard },
    })
}

/// An error without its SQLSTATE, which says nothing that its class does not.
fn without_state(error: &str) -> &str {
    let error = error.split_once(" SQLSTATE: ").map_or(error, |(error, _)| error);
    error.strip_suffix('.').unwrap_or(error)
}

fn why(execution: &SqlExecution, cause: &RootCause, last: bool) -> String {
    let when = match execution.jobs.len() {
        0 => "before it ran a job: the query could not be planned, or its command refused to begin",
        _ => "although none of its jobs failed: what came after them, on the driver, did",
    };
    let then = if last {
        "Nothing was run after it."
    } else {
        "The program went on: it expects this, or hides it."
    };
    let line = cause
        .line
        .as_deref()
        .map(|line| format!(" It was thrown at {line}."))
        .unwrap_or_default();
    format!("It failed {when}.{line} {then}")
}

/// What Spark's error class asks for (`error-conditions.json`).
fn advice(execution: &SqlExecution, cause: &RootCause, site: &CallSite) -> Vec<Advice> {
    let class = cause.exception.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let class = class.map_or("", |(class, _)| class.split('.').next().unwrap_or(class));
    let at = match &site.line {
        Some(line) => format!("at {line}"),
        None => format!("in SQL {}", execution.id),
    };
    let text = |text: String| Advice {
        text,
        ..Advice::default()
    };
    let first = match class {
        "PATH_NOT_FOUND" => text(format!(
            "See that what is read {at} is there before it is read: that the job which writes it has run, and that a path without a scheme means \
             the store that you think (fs.defaultFS)."
        )),
        "PATH_ALREADY_EXISTS" | "TABLE_OR_VIEW_ALREADY_EXISTS" => Advice {
            text: format!(
                "Say {at} what is to become of what is there already: a run that is repeated finds its own output."
            ),
            config: Vec::new(),
            code: Code {
                python: "df.write.mode(\"overwrite\").parquet(\"/path/of/result\")".into(),
                scala: "df.write.mode(\"overwrite\").parquet(\"/path/of/result\")".into(),
                sql: "INSERT OVERWRITE TABLE result SELECT …".into(),
            },
        },
        "TABLE_OR_VIEW_NOT_FOUND" | "SCHEMA_NOT_FOUND" => text(format!(
            "Name the table {at} with its catalog and schema: a session begins in its default catalog and schema, and a \
             temporary view is another session's as a rule."
        )),
        class if class.starts_with("UNRESOLVED_") || class.starts_with("FIELD_NOT_FOUND") => text(format!(
            "Hold the names {at} against the schema of their input (df.printSchema()): the input lacks this one, or has it under another name since \
             it was last written."
        )),
        _ => text(format!("Mend what the error names, {at}.")),
    };
    vec![first]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Thresholds, findings};
    use crate::model::{Application, Job};
    use crate::schedule::sample::Sample;

    const GONE: &str = "[PATH_NOT_FOUND] Path does not exist: file:/data/in. SQLSTATE: 42K03";

    fn failing(error: &str) -> Application {
        let mut application = Sample::cluster(1, 2)
            .stage("a", &[5_000; 4])
            .gap(1_000)
            .lasting(60_000)
            .application();
        let at = application.start_ms.unwrap() + 40_000;
        application.sql.push(SqlExecution {
            id: 3,
            description: "parquet at etl.py:12".into(),
            status: SqlStatus::Failed,
            submission_ms: Some(at),
            completion_ms: Some(at + 15),
            error: Some(error.into()),
            ..SqlExecution::default()
        });
        application
    }

    fn told(application: &Application) -> Vec<Finding> {
        let mut told = findings(application, &Thresholds::default());
        told.retain(|finding| finding.rule == RULE.name);
        told
    }

    #[test]
    fn what_ended_the_application_is_critical_and_told_with_its_line() {
        let [finding] = &told(&failing(GONE))[..] else {
            panic!("one finding")
        };
        assert_eq!(finding.severity, Severity::Critical);
        assert_eq!(
            finding.title,
            "Failed query in SQL 3 (parquet at etl.py:12): [PATH_NOT_FOUND] Path does not exist: file:/data/in; the application ended with it"
        );
        assert_eq!(finding.place.sql, Some(3));
        assert!(
            finding.advice[0].text.contains("read at etl.py:12"),
            "{:?}",
            finding.advice
        );
        assert_eq!(finding.evidence[0].value, 15.0);
    }

    #[test]
    fn what_the_program_survives_is_a_hazard_told_once() {
        let mut application = failing(GONE);
        let mut again = application.sql[0].clone();
        (again.id, again.error) = (4, Some(GONE.into()));
        application.sql.push(again);
        let after = application.sql[0].completion_ms.map(|ms| ms + 1_000);
        application.jobs.push(Job {
            id: 9,
            submission_ms: after,
            ..Job::default()
        });
        let [finding] = &told(&application)[..] else {
            panic!("one finding")
        };
        assert_eq!(finding.severity, Severity::Info);
        assert!(finding.title.ends_with(", 2 times"), "{}", finding.title);
    }

    #[test]
    fn what_other_rules_tell_or_somebody_wanted_is_not_told() {
        assert!(told(&failing("java.lang.InterruptedException\n    at java.base/x")).is_empty());
        assert!(told(&failing("org.apache.spark.SparkException: Job 3 cancelled")).is_empty());
        assert!(told(&failing(large_broadcast::TOO_LITTLE_MEMORY)).is_empty());
        let mut application = failing(GONE);
        application.sql[0].jobs = vec![0];
        assert_eq!(told(&application).len(), 1);
        application.jobs[0].status = JobStatus::Failed;
        assert!(told(&application).is_empty());
        // A command's query fails with its command: once is enough.
        let mut application = failing(GONE);
        let mut inner = application.sql[0].clone();
        (inner.id, inner.root) = (4, Some(3));
        application.sql.push(inner);
        assert_eq!(told(&application)[0].place.sql, Some(3));
    }
}
