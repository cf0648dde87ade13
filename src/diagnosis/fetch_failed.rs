//! `fetch-failed`: shuffle output could not be fetched, so stages failed and others ran again to make it anew.

use std::collections::BTreeMap;

use super::context::Context;
use super::failures::{self, Failure, Fault};
use super::finding::{Advice, Confidence, Evidence, Finding, Severity};
use super::setting_names::Release;
use super::{Draft, Matter, Rule, lost_executors, statistics};
use crate::model::{Unit, parse_millis};
use crate::units;

pub const RULE: Rule = Rule {
    name: "fetch-failed",
    about: "Task attempts ended with FetchFailed or MetadataFetchFailed. Saving: the application replayed without those attempts \
            and without the stage attempts that made the lost output again; none when the job failed.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    let all = failures::all(context);
    let failures: Vec<Failure<'_>> = all
        .into_iter()
        .filter(|failure| failure.fault == Fault::FetchFailed)
        .collect();
    examine(context, &failures).into_iter().collect()
}

fn examine(context: &Context<'_>, failures: &[Failure<'_>]) -> Option<Draft> {
    let first = failures.first()?;
    let stage = first.stage;
    let again = failures::recomputed(context);
    let failed = failures::jobs_failed(context, failures);
    let mut changes = failures::without(failures);
    changes.extend(failures::without_recomputing(&again));
    let saving = context.saving(
        &changes,
        "without the failed fetches and the stages run again",
        0.0,
        Confidence::Medium,
    );
    let again_ms = statistics::total(again.iter().filter_map(|stage| stage.duration_ms()));
    let from = served_by(failures);
    let source = from
        .first()
        .map(|(host, _)| format!(" from {host}"))
        .unwrap_or_default();
    let ids: Vec<String> = again.iter().take(4).map(|stage| stage.key.id.to_string()).collect();
    let mut cost = Vec::new();
    if !again.is_empty() {
        cost.push(format!(
            "stage {} ran again for {}",
            ids.join(", "),
            units::duration(again_ms)
        ));
    }
    if !failed.is_empty() {
        cost.push(failures::jobs_in_words(&failed));
    }
    let cost = if cost.is_empty() {
        String::new()
    } else {
        format!("; {}", cost.join(", "))
    };
    let mut place = context.place(stage);
    place.tasks = failures
        .iter()
        .take(10)
        .map(|failure| failure.stage.tasks.id(failure.row))
        .collect();
    place.host = from.first().map(|(host, _)| host.clone());
    let (saving_ms, saving_note) = failures::gain(&saving, &failed);
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "Shuffle output lost in {}: {} could not fetch{source}{cost}",
                context.name(stage),
                failures::attempts(failures.len())
            ),
            place,
            evidence: evidence(context, failures, again_ms, &from),
            cause: cause(context, &from),
            advice: advice(context),
            saving_ms,
            saving_note,
            confidence: saving.confidence,
        },
        matter: if failed.is_empty() {
            Matter::Saving
        } else {
            Matter::Failure
        },
    })
}

/// The hosts that the fetches failed from, the most frequent first: `FetchFailed(BlockManagerId(1, host, 7337, None), …`.
fn served_by(failures: &[Failure<'_>]) -> Vec<(String, usize)> {
    let mut hosts: BTreeMap<String, usize> = BTreeMap::new();
    for failure in failures {
        let inside = failure
            .message
            .split_once("BlockManagerId(")
            .and_then(|(_, rest)| rest.split_once(')'));
        if let Some(host) = inside.and_then(|(inside, _)| inside.split(',').nth(1)) {
            *hosts.entry(host.trim().to_owned()).or_default() += 1;
        }
    }
    let mut hosts: Vec<(String, usize)> = hosts.into_iter().collect();
    hosts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    hosts
}

fn evidence(context: &Context<'_>, failures: &[Failure<'_>], again_ms: u64, from: &[(String, usize)]) -> Vec<Evidence> {
    let names: Vec<String> = from
        .iter()
        .take(5)
        .map(|(host, count)| format!("{host} ({count})"))
        .collect();
    let attempts = context
        .application
        .stages
        .iter()
        .map(|stage| stage.key.attempt + 1)
        .max()
        .unwrap_or(1);
    let limit = context
        .application
        .environment
        .spark_number("spark.stage.maxConsecutiveAttempts")
        .unwrap_or(4.0);
    let time = |metric: &str, value: u64, note: &str| Evidence {
        metric: metric.into(),
        value: value as f64,
        unit: Unit::Millis,
        baseline: None,
        note: note.into(),
    };
    let count = |metric: &str, value: f64, baseline, note: String| Evidence {
        metric: metric.into(),
        value,
        unit: Unit::Count,
        baseline,
        note,
    };
    let note = if names.is_empty() {
        "no location of the output is known any more".into()
    } else {
        names.join(", ")
    };
    vec![
        count("failed fetches", failures.len() as f64, None, note),
        count(
            "attempts of one stage",
            f64::from(attempts),
            Some(limit),
            "spark.stage.maxConsecutiveAttempts: so many fail the job".into(),
        ),
        time("time of stages run again", again_ms, "to make the lost output anew"),
        time(
            "retries of a fetch before it counts as failed",
            retrying_ms(context),
            "spark.shuffle.io.maxRetries × spark.shuffle.io.retryWait, lost with each host that is gone",
        ),
        time(
            "time of the failed attempts",
            failures::lost_ms(failures),
            "with the retries of each fetch",
        ),
    ]
}

/// `spark.shuffle.io.maxRetries` (3) × `spark.shuffle.io.retryWait` (5 s), ms.
fn retrying_ms(context: &Context<'_>) -> u64 {
    let environment = &context.application.environment;
    let retries = environment.spark_number("spark.shuffle.io.maxRetries").unwrap_or(3.0);
    let wait = environment
        .spark("spark.shuffle.io.retryWait")
        .and_then(|wait| parse_millis(wait, 1_000));
    (retries.max(0.0) as u64).saturating_mul(wait.unwrap_or(5_000))
}

fn cause(context: &Context<'_>, from: &[(String, usize)]) -> String {
    let lost = lost_executors::lost(context);
    match lost.first() {
        Some(executor) => format!(
            "Executor {} on {} went away ({}), and its shuffle output with it.",
            executor.id,
            executor.host(),
            executor
                .remove_reason
                .as_deref()
                .unwrap_or("no reason recorded")
                .lines()
                .next()
                .unwrap_or_default()
        ),
        None => match from.first() {
            Some((host, _)) => format!(
                "No executor was lost: {host} did not serve its shuffle output in time, being overloaded, in garbage collection, or \
                 behind a bad network."
            ),
            None => "The map output was gone when it was asked for.".into(),
        },
    }
}

fn advice(context: &Context<'_>) -> Vec<Advice> {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let lost = !lost_executors::lost(context).is_empty();
    let environment = &context.application.environment;
    let kubernetes = environment
        .spark("spark.master")
        .is_some_and(|master| master.starts_with("k8s:"));
    let mut config = vec![
        pair("spark.decommission.enabled", "true"),
        pair("spark.storage.decommission.enabled", "true"),
        pair("spark.storage.decommission.shuffleBlocks.enabled", "true"),
    ];
    let release = Release::of(context.application);
    // On by itself since 4.0.
    if !release.is(4, 0) {
        config.push(pair("spark.stage.ignoreDecommissionFetchFailure", "true"));
    }
    // Kubernetes has no external shuffle service.
    if !kubernetes {
        config.insert(0, pair("spark.shuffle.service.enabled", "true"));
    }
    let keep = Advice {
        text: "Keep shuffle output where it outlives the executor that wrote it: the external shuffle service where the cluster has \
               one, or hand it on when a node is taken away."
            .into(),
        config,
        ..Advice::default()
    };
    let push = Advice {
        text: "Or have shuffle blocks merged on other hosts as they are written (push-based shuffle, YARN).".into(),
        config: vec![pair("spark.shuffle.push.enabled", "true")],
        ..Advice::default()
    };
    let patient = Advice {
        text: "Try longer before a fetch counts as failed, when hosts are slow rather than gone.".into(),
        config: vec![
            pair("spark.shuffle.io.maxRetries", "10"),
            pair("spark.shuffle.io.retryWait", "10s"),
        ],
        ..Advice::default()
    };
    let yarn = environment
        .spark("spark.master")
        .is_some_and(|master| master.starts_with("yarn"));
    let first = if lost { None } else { Some(patient) };
    let push = yarn.then_some(push);
    first
        .into_iter()
        .chain([keep])
        .chain(lost_executors::of_emr(context).filter(|_| lost))
        .chain(push)
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{Thresholds, findings};
    use crate::model::{FailureKind, TaskFailure, TaskStatus};
    use crate::schedule::sample::Sample;

    #[test]
    fn the_host_that_did_not_serve_is_named() {
        let sample = Sample::cluster(2, 2).stage_with("a", &[10_000; 12], |index, task| {
            if index < 4 {
                task.status = TaskStatus::Failed;
                task.failure = Some(TaskFailure {
                    kind: FailureKind::FetchFailed,
                    message: "FetchFailed(BlockManagerId(2, host-2, 7337, None), shuffleId=0, mapIndex=1, mapId=1, reduceId=3, \
                              message=\nx\n)"
                        .into(),
                });
            }
        });
        let findings = findings(&sample.application(), &Thresholds::default());
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            finding.title,
            "Shuffle output lost in stage 0 (a): 4 attempts could not fetch from host-2"
        );
        assert_eq!(
            (finding.saving_ms, finding.place.host.as_deref()),
            (Some(10_000), Some("host-2"))
        );
        assert!(finding.cause.starts_with("No executor was lost"));
    }
}
