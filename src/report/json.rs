//! The triage as JSON, a contract: fields are added, never renamed. What is not known is null.

use serde_json::{Map, Value, json};

use super::facts::Facts;
use crate::diagnosis::{Advice, Diagnosis, Evidence, Finding};
use crate::model::{Application, Unit};
use crate::redact;
use crate::schedule::TimeAccount;

/// The report under the schema `skewer.report/1`, secrets hidden. Times are ms, core times core-ms.
pub fn json(application: &Application, diagnosis: &Diagnosis) -> Value {
    let mut report = json!({
        "schema": "skewer.report/1",
        "source": application.origin.name(),
        "application": header(application),
        "time": diagnosis.time.as_ref().map(time),
        "findings": diagnosis.findings.iter().map(finding).collect::<Vec<_>>(),
        "losses": application.losses.iter().map(|loss| json!({ "count": loss.count, "detail": loss.detail })).collect::<Vec<_>>(),
    });
    hide_secrets(&mut report);
    report
}

pub(super) fn header(application: &Application) -> Value {
    let facts = Facts::of(application);
    json!({
        "id": application.id,
        "name": application.name,
        "attempt": application.attempt,
        "sparkVersion": application.spark_version,
        "user": application.user,
        "status": application.status.name(),
        "startTimeMs": application.start_ms,
        "endTimeMs": application.end_ms,
        "wallMs": application.wall_ms(),
        "jobs": facts.jobs,
        "failedJobs": facts.failed_jobs,
        "stages": facts.stages,
        "failedStages": facts.failed_stages,
        "tasks": facts.tasks,
        "failedTasks": facts.failed_tasks,
        "executors": facts.executors,
        "lostExecutors": facts.lost_executors,
    })
}

fn time(time: &TimeAccount) -> Value {
    json!({
        "wallMs": time.wall_ms,
        "coreMsAvailable": time.core_ms_available,
        "coreMs": core_ms(time),
    })
}

/// Core time by owner.
pub(super) fn core_ms(time: &TimeAccount) -> Value {
    let core = &time.core_ms;
    json!({
        "compute": core.compute,
        "gc": core.gc,
        "shuffleFetchWait": core.shuffle_fetch_wait,
        "shuffleWrite": core.shuffle_write,
        "deserialize": core.deserialize,
        "resultSerialize": core.result_serialize,
        "schedulerDelay": core.scheduler_delay,
        "gettingResult": core.getting_result,
        "idleDriver": core.idle_driver,
        "idleTooFewTasks": core.idle_too_few_tasks,
        "idleTail": core.idle_tail,
        "idleScheduling": core.idle_scheduling,
    })
}

pub(super) fn finding(finding: &Finding) -> Value {
    let place = &finding.place;
    json!({
        "rule": finding.rule,
        "severity": finding.severity.name(),
        "title": finding.title,
        "where": {
            "jobs": place.jobs,
            "stage": place.stage.map(|stage| stage.id),
            "attempt": place.stage.map(|stage| stage.attempt),
            "alike": place.alike.iter().map(|stage| json!({ "stage": stage.id, "attempt": stage.attempt })).collect::<Vec<_>>(),
            "tasks": place.tasks,
            "executor": place.executor,
            "host": place.host,
            "sql": place.sql,
        },
        "evidence": finding.evidence.iter().map(evidence).collect::<Vec<_>>(),
        "cause": finding.cause,
        "advice": finding.advice.iter().map(advice).collect::<Vec<_>>(),
        "savingMs": finding.saving_ms,
        "savingNote": finding.saving_note,
        "confidence": finding.confidence.name(),
    })
}

fn evidence(evidence: &Evidence) -> Value {
    json!({
        "metric": evidence.metric,
        "value": number(evidence.value),
        "unit": unit(evidence.unit),
        "baseline": evidence.baseline.map(number),
        "note": evidence.note,
    })
}

fn advice(advice: &Advice) -> Value {
    let config: Map<String, Value> = advice
        .config
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.clone())))
        .collect();
    json!({
        "text": advice.text,
        "config": config,
        "code": { "python": advice.code.python, "scala": advice.code.scala, "sql": advice.code.sql },
    })
}

/// A whole number without a fraction; null for what JSON cannot write.
pub(super) fn number(value: f64) -> Value {
    // Up to 2⁵³ every whole number has a float of its own.
    if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
        Value::from(value as i64)
    } else {
        Value::from(value)
    }
}

pub(super) const fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Millis => "ms",
        Unit::Nanos => "ns",
        Unit::Bytes => "bytes",
        Unit::Records => "records",
        Unit::Count => "count",
        Unit::Share => "share",
        Unit::Times => "times",
    }
}

pub(super) fn hide_secrets(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let std::borrow::Cow::Owned(shown) = redact::text(text) {
                *text = shown;
            }
        }
        Value::Array(values) => values.iter_mut().for_each(hide_secrets),
        Value::Object(fields) => fields.values_mut().for_each(hide_secrets),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn the_contract_is_kept() {
        let report = json(&sample::application(), &sample::diagnosis());
        insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap());
    }

    #[test]
    fn whole_numbers_have_no_fraction_and_the_rest_is_null() {
        assert_eq!(number(291_000.0).to_string(), "291000");
        assert_eq!(number(0.97).to_string(), "0.97");
        assert_eq!(number(f64::INFINITY), Value::Null);
        assert_eq!(number(1e300).to_string(), "1e+300");
    }
}
