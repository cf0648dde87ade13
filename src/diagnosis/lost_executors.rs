//! `lost-executors`: executors went away while there was work, and what they had done or were doing ran again.

use std::collections::BTreeMap;

use super::context::Context;
use super::failures::{self, Failure, Fault};
use super::finding::{Advice, Confidence, Evidence, Finding, Place, Severity};
use super::setting_names::Release;
use super::{Draft, Matter, Rule, executor_memory, executor_oom, statistics};
use crate::model::{Executor, Unit};
use crate::units;

pub const RULE: Rule = Rule {
    name: "lost-executors",
    about: "Executors were removed before the last task ended, for another reason than that Spark let them go (idle, or killed \
            by the driver) or that they lacked memory; grouped by reason. Saving: the application replayed without the attempts \
            lost on them, the fetch failures that followed and the stages run again; none when a job failed.",
    check,
};

/// Removals that are meant: dynamic allocation, an orderly end.
const MEANT: [&str; 6] = [
    "killed by driver",
    "explicit termination request",
    "idle",
    "exited normally",
    "finished",
    "stopped by driver",
];

fn check(context: &Context<'_>) -> Vec<Draft> {
    let mut groups: BTreeMap<String, Vec<&Executor>> = BTreeMap::new();
    for executor in lost(context) {
        let reason = executor.remove_reason.as_deref().unwrap_or("no reason recorded");
        groups.entry(group(reason)).or_default().push(executor);
    }
    groups
        .into_values()
        .filter_map(|executors| examine(context, &executors))
        .collect()
}

/// Executors that went while work was left, not on purpose and not for lack of memory.
pub fn lost<'a>(context: &Context<'a>) -> Vec<&'a Executor> {
    let application = context.application;
    let gone = |executor: &&Executor| !executor.is_driver() && executor.removed_ms.is_some();
    if !application.executors.iter().any(|executor| gone(&executor)) {
        return Vec::new();
    }
    let last = application.stages.iter().filter_map(|stage| {
        let tasks = &stage.tasks;
        (0..tasks.len())
            .map(|row| tasks.finish_ms(row).unwrap_or(tasks.launch_ms(row)))
            .max()
    });
    let last = last.max().unwrap_or(i64::MIN);
    let meant = |executor: &Executor| {
        let reason = executor.remove_reason.as_deref().unwrap_or_default().to_lowercase();
        MEANT.iter().any(|words| reason.contains(words))
    };
    application
        .executors
        .iter()
        .filter(|executor| !executor.is_driver() && executor.removed_ms.is_some_and(|removed| removed < last))
        .filter(|executor| !meant(executor) && !executor_oom::killed_for_memory(executor))
        .collect()
}

fn examine(context: &Context<'_>, executors: &[&Executor]) -> Option<Draft> {
    let first = executors.first()?;
    let all = failures::all(context);
    let on_them = |failure: &Failure<'_>| {
        let executor = failure.stage.tasks.executor(failure.row);
        failure.fault == Fault::ExecutorLost && executors.iter().any(|lost| lost.id == *executor)
    };
    let again = failures::resubmitted(context);
    let attempts: Vec<Failure<'_>> = all.iter().chain(&again).copied().filter(on_them).collect();
    let since = executors.iter().filter_map(|executor| executor.removed_ms).min()?;
    let (fetches, again) = failures::after_loss(context, &all, since);
    let wasted: Vec<Failure<'_>> = attempts.iter().chain(&fetches).copied().collect();
    let failed = failures::jobs_failed(context, &wasted);
    let mut changes = failures::without(&wasted);
    changes.extend(failures::without_recomputing(&again));
    let saving = context.saving(
        &changes,
        "without the lost attempts and the stages run again",
        0.0,
        Confidence::Medium,
    );
    let reason = first.remove_reason.as_deref().unwrap_or("no reason recorded");
    let reason: String = reason.lines().next().unwrap_or(reason).chars().take(100).collect();
    let who = match executors.len() {
        1 => format!("Lost executor {} on {}", first.id, first.host()),
        n => format!("Lost {n} executors"),
    };
    let mut cost = Vec::new();
    if !wasted.is_empty() {
        cost.push(format!("{} failed", failures::attempts(wasted.len())));
    }
    if !again.is_empty() {
        let keys: Vec<String> = again.iter().take(4).map(|stage| stage.key.id.to_string()).collect();
        cost.push(format!("stage {} ran again", keys.join(", ")));
    }
    if !failed.is_empty() {
        cost.push(failures::jobs_in_words(&failed));
    }
    let cost = if cost.is_empty() {
        String::new()
    } else {
        format!("; {}", cost.join(", "))
    };
    let stage = wasted.first().map(|failure| failure.stage);
    let mut place = stage.map_or_else(Place::default, |stage| context.place(stage));
    place.tasks = attempts
        .iter()
        .take(10)
        .map(|failure| failure.stage.tasks.id(failure.row))
        .collect();
    place.executor = Some(first.id.to_string());
    place.host = Some(first.host().to_owned());
    let (saving_ms, saving_note) = failures::gain(&saving, &failed);
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!("{who}: {reason}{cost}"),
            place,
            evidence: evidence(
                executors,
                &wasted,
                statistics::total(again.iter().filter_map(|stage| stage.duration_ms())),
            ),
            cause: cause(&reason, executors),
            advice: advice(context, &reason),
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

fn evidence(executors: &[&Executor], wasted: &[Failure<'_>], again_ms: u64) -> Vec<Evidence> {
    let names: Vec<String> = executors
        .iter()
        .take(5)
        .map(|e| format!("{} on {}", e.id, e.host()))
        .collect();
    let time = |metric: &str, value: u64, note: &str| Evidence {
        metric: metric.into(),
        value: value as f64,
        unit: Unit::Millis,
        baseline: None,
        note: note.into(),
    };
    vec![
        Evidence {
            metric: "executors lost".into(),
            value: executors.len() as f64,
            unit: Unit::Count,
            baseline: None,
            note: names.join(", "),
        },
        time(
            "time of the attempts that failed",
            failures::lost_ms(wasted),
            "on them, and fetching from them",
        ),
        time(
            "time of stages run again",
            again_ms,
            "to make the lost shuffle output anew",
        ),
    ]
}

/// Words of the cluster managers for a node or container that was taken away, and for one that fell silent or was cut off.
const TAKEN_AWAY: [&str; 9] = [
    "decommission",
    "preempt",
    "spot",
    "on a *lost* node",
    "node was marked lost",
    "worker lost",
    "exit status: -100",
    "exit status: -102",
    "deleted by a user or the framework",
];
const SILENT: [&str; 3] = ["heartbeat", "remote rpc client disassociated", "driver disassociated"];

fn is_taken_away(lower: &str) -> bool {
    TAKEN_AWAY.iter().any(|words| lower.contains(words))
}

/// What makes reasons alike: taken away, silent, the same exit code, else the same words.
fn group(reason: &str) -> String {
    let lower = reason.to_lowercase();
    if let Some(code) = exit_code(reason) {
        return format!("exit code {code}");
    }
    let known = |words: &[&'static str]| words.iter().copied().find(|words| lower.contains(words));
    let of = known(&TAKEN_AWAY).or_else(|| known(&SILENT));
    // Numbers are ids and times.
    of.map_or_else(
        || reason.chars().filter(|c| !c.is_ascii_digit()).take(80).collect(),
        str::to_owned,
    )
}

/// The number after "code", "status" or "code is".
fn exit_code(reason: &str) -> Option<u32> {
    let lower = reason.to_lowercase();
    let after = [
        "exit code is ",
        "exit code ",
        "exited with code ",
        "exit status: ",
        "exit status ",
    ]
    .into_iter()
    .find_map(|words| lower.split_once(words))?;
    let digits: String = after.1.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn cause(reason: &str, executors: &[&Executor]) -> String {
    let lower = reason.to_lowercase();
    let why = match exit_code(reason) {
        Some(137) => {
            "Exit code 137 is SIGKILL: killed from outside, most often by the kernel or container for lack of memory."
        }
        Some(143) => {
            "Exit code 143 is SIGTERM: told to stop from outside, as when it is preempted or its node is drained."
        }
        Some(_) => "The executor's process ended of itself: its own log tells why.",
        None if lower.contains("heartbeat") && !is_taken_away(&lower) => {
            "It sent no heartbeat for too long: its JVM was paused (garbage collection, swapping), or the network was."
        }
        None if lower.contains("preempt") || lower.contains("-102") => {
            "The scheduler took its container for another queue or application (preemption)."
        }
        None if is_taken_away(&lower) => {
            "Its node or pod was taken away (decommissioned, a spot instance reclaimed, lost)."
        }
        None if lower.contains("disassociated") => {
            "The connection to it broke: its process ended without a word (killed for its memory, most often), or the network did."
        }
        None if lower.contains("lost") => "Its worker or node went away.",
        None => "The cluster's own log of that executor tells why.",
    };
    let mut hosts: Vec<&str> = executors.iter().map(|executor| executor.host()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let one_host = if executors.len() > 1 && hosts.len() == 1 {
        format!(" All were on {}: suspect that host.", hosts[0])
    } else {
        String::new()
    };
    format!(
        "{why}{one_host} What runs on an executor is lost with it, and its shuffle output too, unless that is kept elsewhere."
    )
}

fn advice(context: &Context<'_>, reason: &str) -> Vec<Advice> {
    let lower = reason.to_lowercase();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let mut advice = Vec::new();
    let overhead = executor_memory::overhead(context.application);
    match exit_code(reason) {
        Some(137) => advice.push(Advice {
            text: format!(
                "Look in the kernel's or container's log of that host for an out-of-memory kill at that time; if it was one, give the \
                 process more room outside the heap (it has {}).",
                units::bytes(overhead)
            ),
            config: vec![pair("spark.executor.memoryOverhead", &executor_memory::setting(overhead.saturating_mul(2)))],
            ..Advice::default()
        }),
        _ if lower.contains("preempt") || lower.contains("-102") => advice.push(Advice {
            text: "Run it in a queue whose share is not taken back, or with no more executors than the queue guarantees.".into(),
            ..Advice::default()
        }),
        _ if lower.contains("spot") || lower.contains("*lost* node") => advice.push(Advice {
            text: "Keep what must not be lost on nodes that stay: the driver, and executors that hold shuffle or cached data, on \
                   on-demand instances."
                .into(),
            ..Advice::default()
        }),
        _ if lower.contains("heartbeat") && !is_taken_away(&lower) => advice.push(Advice {
            text: "Look at that executor's garbage collection before it went silent; let it be silent for longer only if the pauses \
                   cannot be mended."
                .into(),
            config: vec![pair("spark.network.timeout", "300s"), pair("spark.executor.heartbeatInterval", "30s")],
            ..Advice::default()
        }),
        _ => {}
    }
    advice.push(Advice {
        text: "Let executors that are taken away hand on their shuffle and cached blocks first.".into(),
        config: vec![
            pair("spark.decommission.enabled", "true"),
            pair("spark.storage.decommission.enabled", "true"),
            pair("spark.storage.decommission.shuffleBlocks.enabled", "true"),
            pair("spark.storage.decommission.rddBlocks.enabled", "true"),
        ],
        ..Advice::default()
    });
    advice.extend(of_emr(context));
    let environment = &context.application.environment;
    let kubernetes = environment
        .spark("spark.master")
        .is_some_and(|master| master.starts_with("k8s:"));
    // Kubernetes has no external shuffle service.
    if environment.spark_bool("spark.shuffle.service.enabled") != Some(true) && !kubernetes {
        advice.push(Advice {
            text: "Keep shuffle output out of the executors, so that it outlives them (YARN and standalone: the external shuffle \
                   service)."
                .into(),
            config: vec![pair("spark.shuffle.service.enabled", "true")],
            ..Advice::default()
        });
    }
    advice
}

/// Amazon EMR's own settings for nodes that are taken away.
pub fn of_emr(context: &Context<'_>) -> Option<Advice> {
    let release = Release::of(context.application);
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    release.is_emr().then(|| Advice {
        text: "On Amazon EMR, let Spark know of nodes that are taken away: no tasks there any more, their shuffle output given up at \
               once, and failed fetches from them not counted."
            .into(),
        config: vec![
            pair("spark.blacklist.decommissioning.enabled", "true"),
            pair("spark.blacklist.decommissioning.timeout", "1h"),
            pair("spark.resourceManager.cleanupExpiredHost", "true"),
            pair("spark.stage.attempt.ignoreOnDecommissionFetchFailure", "true"),
        ],
        ..Advice::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Thresholds, findings};
    use crate::model::{Application, FailureKind, TaskFailure, TaskStatus};
    use crate::schedule::sample::Sample;

    fn losing(reason: &str) -> Application {
        let mut application = Sample::cluster(2, 2)
            .stage_with("a", &[10_000; 12], |index, task| {
                if index % 3 == 0 {
                    task.status = TaskStatus::Failed;
                    task.executor = "1".into();
                    task.failure = Some(TaskFailure {
                        kind: FailureKind::ExecutorLost,
                        message: "ExecutorLostFailure (executor 1 exited) Reason: x".into(),
                    });
                }
            })
            .application();
        application.executors[1].removed_ms = Some(Sample::START + 20_000);
        application.executors[1].remove_reason = Some(reason.into());
        application
    }

    #[test]
    fn a_lost_executor_is_told_with_its_reason() {
        let findings = findings(&losing("Command exited with code 137"), &Thresholds::default());
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            finding.title,
            "Lost executor 1 on host-1: Command exited with code 137; 4 attempts failed"
        );
        assert!(finding.cause.contains("SIGKILL") && finding.severity >= Severity::Warning);
    }

    #[test]
    fn executors_let_go_on_purpose_are_not_lost() {
        for reason in [
            "Executor killed by driver.",
            "Container container_1 exited from explicit termination request.",
        ] {
            assert!(findings(&losing(reason), &Thresholds::default()).is_empty(), "{reason}");
        }
    }

    #[test]
    fn losses_are_grouped_by_reason() {
        let decommissioned = "Executor decommission: Executor 3 is decommissioned";
        assert_eq!(group(decommissioned), group("Worker 10.0.0.7 decommissioned"));
        assert_eq!(
            group("Container released on a *lost* node. Exit status: -100"),
            group("Container marked as failed on a *lost* node")
        );
        assert_eq!(
            group("Executor heartbeat timed out after 125 ms"),
            group("Executor heartbeat timed out after 9 ms")
        );
        assert_ne!(
            group("Command exited with code 1"),
            group("Command exited with code 137")
        );
        assert_ne!(group("Container container_1 was preempted."), group(decommissioned));
    }

    #[test]
    fn emr_s_own_settings_are_named_on_emr_alone() {
        let named = |version: &str| {
            let mut application = losing("Container released on a *lost* node");
            application.spark_version = Some(version.into());
            let findings = findings(&application, &Thresholds::default());
            let config = findings
                .iter()
                .flat_map(|finding| &finding.advice)
                .flat_map(|advice| &advice.config);
            config.map(|(key, _)| key.clone()).collect::<Vec<_>>()
        };
        let expired = "spark.resourceManager.cleanupExpiredHost".to_owned();
        assert!(named("3.5.0-amzn-1").contains(&expired) && !named("3.5.0").contains(&expired));
        assert!(!named("2.4.8").contains(&"spark.decommission.enabled".to_owned()));
    }

    #[test]
    fn exit_codes_are_read() {
        assert_eq!(exit_code("Command exited with code 137"), Some(137));
        assert_eq!(
            exit_code("Container from a bad node: c_1 on host: h. Exit status: 143. Diagnostics"),
            Some(143)
        );
        assert_eq!(exit_code("worker lost"), None);
    }
}
