//! `failed-tasks`: the tasks' own code or data made attempts fail, and with them perhaps the job.

use std::collections::BTreeMap;

use super::call_site::base_name;
use super::context::Context;
use super::failures::{self, Failure, Fault};
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Severity};
use super::root_cause::RootCause;
use super::{Draft, Matter, Rule};
use crate::model::{JobStatus, Stage, StageStatus, Unit};

pub const RULE: Rule = Rule {
    name: "failed-tasks",
    about: "Task attempts threw, grouped by stage and by exception without its numbers and quoted values; or a stage failed its \
            job. Fetch failures, lost executors, memory and the driver's result limit are rules of their own. Saving: the \
            application replayed without the failed attempts; none when the job failed.",
    check,
};

/// Tasks named in a finding at most.
const NAMED: usize = 10;

/// Reasons for which a stage is stopped on purpose.
const ON_PURPOSE: [&str; 3] = ["cancelled", "canceled", "killed by user"];

fn check(context: &Context<'_>) -> Vec<Draft> {
    let mut groups: BTreeMap<_, Vec<(Failure<'_>, RootCause)>> = BTreeMap::new();
    for failure in failures::all(context)
        .into_iter()
        .filter(|failure| failure.fault == Fault::Code)
    {
        let cause = RootCause::of(failure.message);
        groups
            .entry((failure.stage.key, cause.shape()))
            .or_default()
            .push((failure, cause));
    }
    let mut drafts: Vec<Draft> = groups
        .into_values()
        .filter_map(|group| examine(context, group))
        .collect();
    let told = |stage: &Stage| {
        drafts
            .iter()
            .any(|draft: &Draft| draft.finding.place.stage == Some(stage.key))
    };
    let silent: Vec<Draft> = unexplained(context)
        .filter(|stage| !told(stage))
        .map(|stage| aborted(context, stage))
        .collect();
    drafts.extend(silent);
    drafts
}

fn examine(context: &Context<'_>, group: Vec<(Failure<'_>, RootCause)>) -> Option<Draft> {
    let (failures, causes): (Vec<Failure<'_>>, Vec<RootCause>) = group.into_iter().unzip();
    let (first, cause) = (*failures.first()?, causes.first()?);
    let (stage, tasks) = (first.stage, &*first.stage.tasks);
    let failed = failures::jobs_failed(context, &failures);
    let at = cause
        .line
        .as_deref()
        .map(|line| format!(" at {}", base_name(line)))
        .unwrap_or_default();
    let outcome = match failed.len() {
        0 => String::new(),
        _ => format!("; {}", failures::jobs_in_words(&failed)),
    };
    let title = format!(
        "Failed tasks in {}: {}{at}, {}{outcome}",
        context.name(stage),
        cause.exception,
        failures::attempts(failures.len())
    );
    let mut place = context.place(stage);
    place.tasks = failures
        .iter()
        .take(NAMED)
        .map(|failure| tasks.id(failure.row))
        .collect();
    place.host = only_host(context, &failures);
    let saving = context.saving(
        &failures::without(&failures),
        "without the failed attempts",
        0.0,
        Confidence::Medium,
    );
    let (saving_ms, saving_note, confidence) = match failed.len() {
        0 => (Some(saving.ms), saving.note, saving.confidence),
        _ => (None, failures::NO_TIME_BACK.into(), Confidence::High),
    };
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title,
            evidence: evidence(&failures, context),
            cause: why(&failures, cause, place.host.as_deref(), attempts_allowed(context)),
            advice: advice(stage, &failures, cause, place.host.as_deref()),
            place,
            saving_ms,
            saving_note,
            confidence,
        },
        matter: if failed.is_empty() {
            Matter::Saving
        } else {
            Matter::Failure
        },
    })
}

/// The host on which all these attempts failed, where others ran the stage too.
fn only_host(context: &Context<'_>, failures: &[Failure<'_>]) -> Option<String> {
    let host = |failure: &Failure<'_>| failure.stage.tasks.host(failure.row).clone();
    let first = host(failures.first()?);
    let mut others = context
        .application
        .executors
        .iter()
        .filter(|executor| !executor.is_driver());
    let alone = failures.len() > 1 && failures.iter().all(|failure| host(failure) == first);
    (alone && others.any(|executor| executor.host() != &*first)).then(|| first.to_string())
}

fn partitions(failures: &[Failure<'_>]) -> Vec<u32> {
    let mut indices: Vec<u32> = failures
        .iter()
        .map(|failure| failure.stage.tasks.index(failure.row))
        .collect();
    indices.sort_unstable();
    indices.dedup();
    indices
}

fn evidence(failures: &[Failure<'_>], context: &Context<'_>) -> Vec<Evidence> {
    let (limit, local) = (attempts_allowed(context), context.application.is_local());
    let count = |metric: &str, value: usize, baseline, note: &str| Evidence {
        metric: metric.into(),
        value: value as f64,
        unit: Unit::Count,
        baseline,
        note: note.into(),
    };
    vec![
        count(
            "failed attempts",
            failures.len(),
            None,
            "with this exception, in this stage",
        ),
        count(
            "partitions concerned",
            partitions(failures).len(),
            None,
            "distinct task indices",
        ),
        count(
            "attempts of one task",
            most_of_one(failures),
            Some(f64::from(limit)),
            if local {
                "in local mode a task is tried so often"
            } else {
                "spark.task.maxFailures: so many fail the job"
            },
        ),
        Evidence {
            metric: "time of the failed attempts".into(),
            value: failures::lost_ms(failures) as f64,
            unit: Unit::Millis,
            baseline: None,
            note: "work thrown away".into(),
        },
    ]
}

/// Failures of one task that fail the job: `spark.task.maxFailures`, 4 unless set; in local mode 1, or F of `local[N,F]`.
fn attempts_allowed(context: &Context<'_>) -> u32 {
    let environment = &context.application.environment;
    if context.application.is_local() {
        let inside = environment
            .spark("spark.master")
            .and_then(|master| master.strip_prefix("local[")?.strip_suffix(']'));
        let failures = inside.and_then(|inside| inside.split_once(',')?.1.trim().parse().ok());
        return failures.unwrap_or(1);
    }
    environment
        .spark_number("spark.task.maxFailures")
        .map_or(4, |set| set as u32)
}

/// Whether every task concerned has an attempt that succeeded.
fn all_succeeded_later(failures: &[Failure<'_>]) -> bool {
    failures.iter().all(|failure| {
        let (tasks, index) = (&failure.stage.tasks, failure.stage.tasks.index(failure.row));
        tasks.successful().any(|row| tasks.index(row) == index)
    })
}

fn most_of_one(failures: &[Failure<'_>]) -> usize {
    let mut by_index: BTreeMap<u32, usize> = BTreeMap::new();
    for failure in failures {
        *by_index.entry(failure.stage.tasks.index(failure.row)).or_default() += 1;
    }
    by_index.into_values().max().unwrap_or(0)
}

fn why(failures: &[Failure<'_>], cause: &RootCause, host: Option<&str>, limit: u32) -> String {
    let thrown = match &cause.line {
        Some(line) => format!("Thrown at {line}: {}.", cause.exception),
        None => format!("Thrown: {}.", cause.exception),
    };
    let pattern = match host {
        Some(host) => format!("All attempts that failed ran on {host}: suspect that host rather than code or data."),
        None if all_succeeded_later(failures) => "Each of these tasks succeeded when it was tried again.".to_owned(),
        None if most_of_one(failures) > 1 => {
            "The same task failed again wherever it ran, so it is code or data, not a host.".to_owned()
        }
        None if limit <= 1 => "A task is tried but once here.".to_owned(),
        None => "No later attempt of it succeeded.".to_owned(),
    };
    format!("{thrown} {pattern}")
}

fn advice(stage: &Stage, failures: &[Failure<'_>], cause: &RootCause, host: Option<&str>) -> Vec<Advice> {
    let mut advice = Vec::new();
    if let Some(host) = host {
        advice.push(Advice {
            text: format!("Keep tasks away from {host} until it is mended; let Spark do so of itself."),
            config: vec![("spark.excludeOnFailure.enabled".into(), "true".into())],
            ..Advice::default()
        });
        return advice;
    }
    let indices = partitions(failures);
    let index = indices.first().copied().unwrap_or(0);
    let place = match &cause.line {
        Some(line) => format!("Mend {line}"),
        None => format!("Mend what throws {}", cause.class()),
    };
    let sql = stage.sql.is_some();
    advice.push(Advice {
        text: format!("{place}: let it cope with the value that it met, or filter such rows out before. Look at the rows of partition {index}:"),
        config: Vec::new(),
        code: Code {
            python: if sql {
                format!("df.where(F.spark_partition_id() == {index}).show(20, truncate=False)")
            } else {
                format!("rdd.mapPartitionsWithIndex(lambda i, rows: rows if i == {index} else []).take(20)")
            },
            scala: if sql {
                format!("df.where(spark_partition_id() === {index}).show(20, false)")
            } else {
                format!("rdd.mapPartitionsWithIndex((i, rows) => if (i == {index}) rows else Iterator.empty).take(20)")
            },
            sql: if sql { format!("SELECT * FROM t WHERE spark_partition_id() = {index} LIMIT 20") } else { String::new() },
        },
    });
    if most_of_one(failures) > 1 && !all_succeeded_later(failures) {
        advice.push(Advice {
            text: "More attempts (spark.task.maxFailures) will not help: it fails every time.".into(),
            ..Advice::default()
        });
    }
    advice
}

/// Failed stages that took a job down, with no failed attempt of their own code, and that nobody stopped on purpose.
fn unexplained<'a>(context: &Context<'a>) -> impl Iterator<Item = &'a Stage> {
    let explained = |stage: &Stage| {
        let reason = stage.failure_reason.as_deref().unwrap_or_default();
        let lower = reason.to_lowercase();
        ON_PURPOSE.iter().any(|words| lower.contains(words))
            || failures::is_max_result_size(reason)
            || failures::is_out_of_memory(reason)
            || stage
                .tasks
                .failures()
                .any(|(_, failure)| failure.kind != crate::model::FailureKind::Killed)
    };
    let took_job = |stage: &Stage| {
        let jobs = stage.jobs.iter().filter_map(|id| context.application.job(*id));
        jobs.into_iter().any(|job| job.status == JobStatus::Failed)
    };
    let stages = context.application.stages.iter().map(|stage| &**stage);
    let found: Vec<&Stage> = stages
        .filter(|stage| stage.status == StageStatus::Failed && stage.failure_reason.is_some())
        .filter(|stage| took_job(stage) && !explained(stage))
        .collect();
    found.into_iter()
}

/// A stage that failed its job for a reason that no task tells.
fn aborted(context: &Context<'_>, stage: &Stage) -> Draft {
    let cause = RootCause::of(stage.failure_reason.as_deref().unwrap_or_default());
    let jobs = failures::jobs_failed_by(context, stage);
    Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "Failed {}: {}; {}",
                context.name(stage),
                cause.exception,
                failures::jobs_in_words(&jobs)
            ),
            place: context.place(stage),
            evidence: Vec::new(),
            cause: format!(
                "{}. No task of the stage recorded a failure of its own.",
                cause.exception
            ),
            advice: vec![Advice {
                text: "Look at the driver's log at the time the stage failed.".into(),
                ..Advice::default()
            }],
            saving_ms: None,
            saving_note: failures::NO_TIME_BACK.into(),
            confidence: Confidence::High,
        },
        matter: Matter::Failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Thresholds, findings};
    use crate::model::{Application, FailureKind, TaskFailure, TaskStatus};
    use crate::schedule::sample::Sample;

    const MESSAGE: &str =
        "java.lang.NumberFormatException: For input string: \"n/a\"\n    at com.example.Etl$.parse(Etl.scala:42)";

    fn failing(duration: u64) -> Application {
        let durations: Vec<u64> = (0..20)
            .map(|index| if index >= 16 { duration } else { 1_000 })
            .collect();
        Sample::cluster(2, 2)
            .stage_with("sum at /apps/etl.py:7", &durations, |index, task| {
                if index >= 16 {
                    task.index = 3;
                    task.attempt = u32::try_from(index - 16).unwrap();
                    task.status = TaskStatus::Failed;
                    task.failure = Some(TaskFailure {
                        kind: FailureKind::Exception,
                        message: MESSAGE.into(),
                    });
                }
            })
            .application()
    }

    #[test]
    fn a_failed_job_comes_first_with_its_line() {
        let application = failing(10);
        let mut stage = (*application.stages[0]).clone();
        stage.status = StageStatus::Failed;
        stage.failure_reason = Some(
            "Job aborted due to stage failure: Task 3 in stage 0.0 failed 4 times, most recent failure: \
                                     Lost task 3.3 in stage 0.0 (TID 19) (host-1 executor 1): java.lang…"
                .into(),
        );
        let mut application = application.with_stage(stage);
        application.jobs[0].status = JobStatus::Failed;
        let findings = findings(&application, &Thresholds::default());
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            (finding.rule, finding.severity, finding.saving_ms),
            (RULE.name, Severity::Critical, None)
        );
        assert_eq!(
            finding.title,
            "Failed tasks in stage 0 (sum at etl.py:7): java.lang.NumberFormatException: For input string: \"n/a\" at \
             Etl.scala:42, 4 attempts; job 0 failed"
        );
        assert!(finding.advice[0].code.python.contains("i == 3"));
    }

    #[test]
    fn in_local_mode_a_task_is_tried_once() {
        let mut application = Sample::cluster(1, 2)
            .stage_with("count at <console>:20", &[1_000; 4], |index, task| {
                task.executor = "driver".into();
                if index == 3 {
                    task.status = TaskStatus::Failed;
                    task.failure = Some(TaskFailure {
                        kind: FailureKind::Exception,
                        message: MESSAGE.into(),
                    });
                }
            })
            .application();
        application.environment.spark = vec![("spark.master".into(), "local[2]".into())];
        application.executors.truncate(1);
        application.executors[0].total_cores = Some(2);
        application.jobs[0].status = JobStatus::Failed;
        let mut stage = (*application.stages[0]).clone();
        stage.status = StageStatus::Failed;
        stage.failure_reason = Some("Job aborted due to stage failure: Task 3 in stage 0.0 failed 1 times".into());
        let finding = &findings(&application.with_stage(stage), &Thresholds::default())[0];
        assert!(
            finding.cause.ends_with("A task is tried but once here."),
            "{}",
            finding.cause
        );
        let tries = finding
            .evidence
            .iter()
            .find(|evidence| evidence.metric == "attempts of one task")
            .unwrap();
        assert_eq!((tries.value, tries.baseline), (1.0, Some(1.0)));
    }

    #[test]
    fn retries_that_cost_nothing_are_not_told_and_those_that_cost_are() {
        assert!(findings(&failing(10), &Thresholds::default()).is_empty());
        let findings = findings(&failing(5_000), &Thresholds::default());
        assert_eq!((findings[0].rule, findings[0].saving_ms), (RULE.name, Some(5_000)));
    }
}
