//! `max-result-size`: the results of an action together passed `spark.driver.maxResultSize`, and the job failed for it.

use super::context::Context;
use super::failures;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Severity};
use super::{Draft, Matter, Rule};
use crate::model::{Stage, Unit, parse_bytes};

pub const RULE: Rule = Rule {
    name: "max-result-size",
    about: "A stage failed because \"Total size of serialized results of N tasks (X) is bigger than spark.driver.maxResultSize \
            (Y)\" (TaskSetManager.canFetchMoreResults). No saving: the job failed.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    let stages = context.application.stages.iter().map(|stage| &**stage);
    stages
        .filter_map(|stage| examine(context, stage, reason(stage)?))
        .collect()
}

/// What a stage's failure, or one of its tasks', says of the limit.
fn reason(stage: &Stage) -> Option<&str> {
    let of_tasks = stage.tasks.failures().map(|(_, failure)| &*failure.message);
    let mut reasons = stage.failure_reason.as_deref().into_iter().chain(of_tasks);
    reasons.find(|reason| failures::is_max_result_size(reason))
}

/// The sentence's numbers: tasks, total, limit.
fn numbers(reason: &str) -> Option<(u64, u64, u64)> {
    let rest = reason.split_once("results of ")?.1;
    let (tasks, rest) = rest.split_once(" tasks (")?;
    let (total, rest) = rest.split_once(')')?;
    let limit = rest.split_once("maxResultSize (")?.1.split_once(')')?.0;
    Some((tasks.trim().parse().ok()?, bytes(total)?, bytes(limit)?))
}

/// A size as Spark prints it: `1024.3 MiB`.
fn bytes(text: &str) -> Option<u64> {
    let (number, unit) = text.trim().split_once(' ')?;
    let number: f64 = number
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number >= 0.0)?;
    Some((number * parse_bytes(&format!("1{unit}"), 1)? as f64) as u64)
}

fn examine(context: &Context<'_>, stage: &Stage, reason: &str) -> Option<Draft> {
    let site = context.call_site(stage);
    let at = site.line_or_unknown();
    let jobs = failures::jobs_failed_by(context, stage);
    let mut evidence = Vec::new();
    let mut sizes = String::new();
    if let Some((tasks, total, limit)) = numbers(reason) {
        sizes = format!(
            ": {} of results, limit {}",
            crate::units::bytes(total),
            crate::units::bytes(limit)
        );
        evidence.push(Evidence {
            metric: format!("serialized results of {tasks} of {} tasks", stage.num_tasks),
            value: total as f64,
            unit: Unit::Bytes,
            baseline: Some(limit as f64),
            note: "spark.driver.maxResultSize".into(),
        });
    }
    let outcome = if jobs.is_empty() {
        String::new()
    } else {
        format!("; {}", failures::jobs_in_words(&jobs))
    };
    let streams = context
        .application
        .sql
        .iter()
        .any(|sql| Some(sql.id) == stage.sql && sql.description.contains("batch = "));
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "Results larger than the driver's limit in {}{sizes}{outcome}",
                context.name(stage)
            ),
            place: context.place(stage),
            evidence,
            cause: format!(
                "{} at {at} brings every row to the driver, and together they passed spark.driver.maxResultSize. That limit is not \
                 the driver's memory: more spark.driver.memory does not help.",
                site.operation
            ),
            advice: advice(at, streams),
            saving_ms: None,
            saving_note: failures::NO_TIME_BACK.into(),
            confidence: Confidence::High,
        },
        matter: Matter::Failure,
    })
}

fn advice(at: &str, streams: bool) -> Vec<Advice> {
    let mut advice = vec![Advice {
        text: format!("Write the result from the executors instead of bringing it to the driver at {at}."),
        config: Vec::new(),
        code: Code {
            python: "df.write.mode(\"overwrite\").parquet(\"/path/of/result\")".into(),
            scala: "df.write.mode(\"overwrite\").parquet(\"/path/of/result\")".into(),
            sql: "INSERT OVERWRITE TABLE result SELECT …".into(),
        },
    }];
    if streams {
        advice.push(Advice {
            text: "It is a streaming query's batch: bound it with the source's option maxOffsetsPerTrigger (which does not bound \
                   the very first batch), or read a topic of more partitions."
                .into(),
            ..Advice::default()
        });
    }
    advice.push(Advice {
        text: "If the driver needs a part only, aggregate, filter or limit first; if it must see every row, take one partition at \
               a time."
            .into(),
        config: Vec::new(),
        code: Code {
            python: "for row in df.toLocalIterator(): …".into(),
            scala: "df.toLocalIterator.forEachRemaining(row => …)".into(),
            sql: String::new(),
        },
    });
    advice.push(Advice {
        text: "Raising spark.driver.maxResultSize treats the symptom: the next, larger input fails again, or the driver dies for \
               lack of memory."
            .into(),
        ..Advice::default()
    });
    advice
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Thresholds, findings};
    use crate::model::{JobStatus, StageStatus};
    use crate::schedule::sample::Sample;

    #[test]
    fn the_limit_and_the_call_site_are_told() {
        let application = Sample::cluster(1, 2)
            .stage("collect at /apps/a.py:5", &[1_000; 8])
            .application();
        let mut stage = (*application.stages[0]).clone();
        stage.status = StageStatus::Failed;
        stage.failure_reason = Some(
            "Job aborted due to stage failure: Total size of serialized results of 5 tasks (1036.3 MiB) is bigger than \
             spark.driver.maxResultSize (1024.0 MiB)"
                .into(),
        );
        let mut application = application.with_stage(stage);
        application.jobs[0].status = JobStatus::Failed;
        let findings = findings(&application, &Thresholds::default());
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!((finding.rule, finding.severity), (RULE.name, Severity::Critical));
        assert_eq!(
            finding.title,
            "Results larger than the driver's limit in stage 0 (collect at a.py:5): 1.0 GiB of results, limit 1.0 GiB; job 0 failed"
        );
        assert_eq!(finding.evidence[0].baseline, Some(f64::from(1 << 30)));
    }

    #[test]
    fn a_sentence_without_numbers_does_no_harm() {
        assert_eq!(
            numbers("results of x tasks (?) is bigger than spark.driver.maxResultSize"),
            None
        );
        assert_eq!(bytes("1.5 KiB"), Some(1_536));
        assert_eq!(bytes("-1 KiB"), None);
    }
}
