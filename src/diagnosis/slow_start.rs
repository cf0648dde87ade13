//! `slow-start`: the first task is long in coming, because executors are, or because Spark waits for more of them.

use super::context::Context;
use super::finding::{Advice, Confidence, Evidence, Finding, Place, Severity};
use super::{Draft, Matter, Rule};
use crate::model::{Job, Unit, parse_millis};
use crate::units;

pub const RULE: Rule = Rule {
    name: "slow-start",
    about: "From the application's start to its first executor, or until Spark had waited long enough for more of them to register \
            (spark.scheduler.minRegisteredResourcesRatio of what was asked for, at most maxRegisteredResourcesWaitingTime), or from the \
            submission of its first job to its first task, at least 30 s and 5% of wall time pass. Saving: that wait but for 5 s, which \
            coming up takes anyway; a wait for more executors but for the time until the first was there.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    examine(context).into_iter().collect()
}

/// What was waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// Any executor.
    Executor,
    /// More executors, before the program may go on.
    Registration,
    /// The first task, although executors were there.
    Task,
}

/// The waits at the start, ms.
struct Waits {
    executor: u64,
    registration: u64,
    task: u64,
}

fn examine(context: &Context<'_>) -> Option<Draft> {
    let (application, thresholds) = (context.application, context.thresholds);
    if application.is_local() {
        return None;
    }
    let start = application.start_ms?;
    let first_task = application.stages.iter().filter_map(|stage| {
        let tasks = &stage.tasks;
        let launches = || (0..tasks.len()).map(|row| tasks.launch_ms(row)).min();
        stage.first_task_launched_ms.or_else(launches)
    });
    let first_task = first_task.min()?;
    let executors = application.executors.iter().filter(|executor| !executor.is_driver());
    let first_executor = executors.filter_map(|executor| executor.added_ms).min();
    let job = application
        .jobs
        .iter()
        .filter(|job| job.submission_ms.is_some())
        .min_by_key(|job| (job.submission_ms, job.id))?;
    let submitted = job.submission_ms?;
    let wait = |from: i64, until: i64| u64::try_from(until.saturating_sub(from)).unwrap_or(0);
    let waits = Waits {
        executor: first_executor.map_or(0, |first| wait(start, first)),
        // The program went on before: it did not wait so long.
        registration: registration_ms(context, start).min(wait(start, submitted)),
        task: wait(submitted, first_task),
    };
    // They may overlap: one is told, and the saving is its own.
    let (waited, what) = if waits.executor >= waits.task.max(waits.registration / 2) {
        (waits.executor.max(waits.registration), Wait::Executor)
    } else if waits.registration >= waits.task {
        (waits.registration, Wait::Registration)
    } else if first_executor.is_none_or(|first| first <= submitted) {
        (waits.task, Wait::Task)
    } else {
        (waits.task, Wait::Executor)
    };
    if waited < thresholds.slow_start_ms || (waited as f64) < context.wall_ms as f64 * thresholds.slow_start_share {
        return None;
    }
    let stays = match what {
        Wait::Registration => waits.executor.max(thresholds.slow_start_usual_ms),
        Wait::Executor | Wait::Task => thresholds.slow_start_usual_ms,
    };
    let saving_ms = waited.saturating_sub(stays);
    let duration = units::duration(waited);
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: match what {
                Wait::Executor => format!("Slow start: no executor for the first {duration}"),
                Wait::Registration => {
                    format!("Slow start: {duration} of waiting for more executors before the first job")
                }
                Wait::Task => format!("Slow start: job {} waited {duration} for its first task", job.id),
            },
            place: Place {
                jobs: vec![job.id],
                ..Place::default()
            },
            evidence: evidence(context, job, &waits),
            cause: cause(context, what),
            advice: advice(context, what),
            saving_ms: Some(saving_ms),
            saving_note: format!(
                "The wait but for {}, which coming up takes anyway.",
                units::duration(stays)
            ),
            confidence: Confidence::Medium,
        },
        matter: Matter::Saving,
    })
}

/// How long the making of the SparkContext waited for executors to register (`CoarseGrainedSchedulerBackend.isReady`, the cluster
/// managers' `sufficientResourcesRegistered`), ms: until a share of those asked for had come, or until it had waited long enough.
fn registration_ms(context: &Context<'_>, start: i64) -> u64 {
    let environment = &context.application.environment;
    let number = |key: &str| environment.spark_number(key).filter(|number| *number >= 1.0);
    let master = environment.spark("spark.master").unwrap_or_default();
    let by_executors = master.starts_with("yarn") || master.starts_with("k8s:");
    let asked = if by_executors {
        let dynamic = environment.spark_bool("spark.dynamicAllocation.enabled") == Some(true);
        let first = [
            "spark.dynamicAllocation.initialExecutors",
            "spark.dynamicAllocation.minExecutors",
        ];
        match first.into_iter().filter_map(number).reduce(f64::max) {
            Some(initial) if dynamic => initial,
            None if dynamic => 0.0,
            _ => number("spark.executor.instances").unwrap_or(2.0),
        }
    } else {
        number("spark.cores.max").unwrap_or(0.0)
    };
    let usual = if by_executors { 0.8 } else { 0.0 };
    let share = environment
        .spark_number("spark.scheduler.minRegisteredResourcesRatio")
        .unwrap_or(usual);
    let needed = asked * share.clamp(0.0, 1.0);
    let longest = environment
        .spark("spark.scheduler.maxRegisteredResourcesWaitingTime")
        .and_then(|time| parse_millis(time, 1));
    let mut came: Vec<(i64, f64)> = context
        .slots
        .spans
        .iter()
        .map(|span| (span.from_ms, if by_executors { 1.0 } else { f64::from(span.cores) }))
        .collect();
    came.sort_by_key(|(at, _)| *at);
    let mut sum = 0.0;
    let enough = came.into_iter().find(|(_, count)| {
        sum += count;
        sum >= needed
    });
    let waited = match enough {
        _ if needed <= 0.0 => 0,
        Some((at, _)) => u64::try_from(at.saturating_sub(start)).unwrap_or(0),
        None => u64::MAX,
    };
    waited.min(longest.unwrap_or(30_000))
}

/// Cores that were asked for, where the settings tell.
fn requested(context: &Context<'_>) -> Option<(u64, &'static str)> {
    let environment = &context.application.environment;
    let number = |key: &str| {
        environment
            .spark_number(key)
            .filter(|number| *number >= 1.0)
            .map(|number| number as u64)
    };
    if let Some(cores) = number("spark.cores.max") {
        return Some((cores, "spark.cores.max"));
    }
    let instances = number("spark.executor.instances")?;
    Some((
        instances.saturating_mul(number("spark.executor.cores").unwrap_or(1)),
        "spark.executor.instances × spark.executor.cores",
    ))
}

fn evidence(context: &Context<'_>, job: &Job, waits: &Waits) -> Vec<Evidence> {
    let time = |metric: String, value: u64, note: &str| Evidence {
        metric,
        value: value as f64,
        unit: Unit::Millis,
        baseline: Some(context.wall_ms as f64),
        note: note.into(),
    };
    let mut evidence = vec![
        time(
            "application's start to its first executor".into(),
            waits.executor,
            "wall time of the application",
        ),
        time(
            "application's start until enough executors had registered, or Spark gave up waiting".into(),
            waits.registration,
            "wall time of the application",
        ),
        time(
            format!("submission of job {} to its first task", job.id),
            waits.task,
            "wall time of the application",
        ),
    ];
    if let Some((cores, setting)) = requested(context) {
        let granted: u64 = context.slots.spans.iter().map(|span| u64::from(span.cores)).sum();
        evidence.push(Evidence {
            metric: "cores that came".into(),
            value: granted as f64,
            unit: Unit::Count,
            baseline: Some(cores as f64),
            note: format!("asked for: {setting}"),
        });
    }
    evidence
}

fn cause(context: &Context<'_>, what: Wait) -> String {
    let granted: u64 = context.slots.spans.iter().map(|span| u64::from(span.cores)).sum();
    match (what, requested(context)) {
        (Wait::Registration, Some((cores, _))) if cores > granted => format!(
            "Executors were there, but before the program goes on Spark waits for more to register: {cores} cores were asked for and \
             {granted} came."
        ),
        (Wait::Registration, _) => {
            "Executors were there, but before the program goes on Spark waits until most of those it asked for have registered.".into()
        }
        (Wait::Task, _) => "Executors were there when the job was submitted: its tasks were long in the making (very many partitions, a \
                            large closure or a large table shipped with it), or no executor suits them (resource profiles, excluded \
                            executors)."
            .into(),
        (Wait::Executor, _) => {
            "The cluster gave no executor for so long: it is full, the queue's share is used up, or executors cannot reach the \
             driver (name, ports) and give up."
                .into()
        }
    }
}

fn advice(context: &Context<'_>, what: Wait) -> Vec<Advice> {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let granted: u64 = context.slots.spans.iter().map(|span| u64::from(span.cores)).sum();
    match what {
        Wait::Registration => {
            let mut advice = vec![Advice {
                text: "Begin with the executors that are there; those that come later still take part.".into(),
                config: vec![
                    pair("spark.scheduler.minRegisteredResourcesRatio", "0.5"),
                    pair("spark.scheduler.maxRegisteredResourcesWaitingTime", "5s"),
                ],
                ..Advice::default()
            }];
            if let Some((cores, _)) = requested(context).filter(|(cores, _)| *cores > granted) {
                advice.push(Advice {
                    text: format!("Or ask for no more than there is: {granted} cores instead of {cores}."),
                    ..Advice::default()
                });
            }
            advice
        }
        Wait::Task => vec![Advice {
            text: "Look at the driver's log between the job's submission and its first task: what it sends with each task (\"Broadcast … \
                   estimated size\", \"contains a task of very large size\"), and how many partitions it lists. Broadcast what a closure \
                   carries along, and read fewer, larger files."
                .into(),
            ..Advice::default()
        }],
        Wait::Executor => vec![
            Advice {
                text: "Look at the queue and at what else runs: ask for fewer or smaller executors, which fit sooner, or for a queue with \
                       room."
                    .into(),
                ..Advice::default()
            },
            Advice {
                text: "Begin with a few executors and take more as they come.".into(),
                config: vec![
                    pair("spark.dynamicAllocation.enabled", "true"),
                    pair("spark.dynamicAllocation.shuffleTracking.enabled", "true"),
                    pair("spark.dynamicAllocation.initialExecutors", "2"),
                ],
                ..Advice::default()
            },
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::sample::told;
    use crate::diagnosis::{Thresholds, findings};
    use crate::model::Application;
    use crate::schedule::sample::Sample;

    fn coming_after(ms: i64) -> Application {
        let mut application = Sample::cluster(2, 2).gap(ms).stage("a", &[2_000; 100]).application();
        for executor in &mut application.executors {
            executor.added_ms = executor.added_ms.map(|added| added + ms);
        }
        application.jobs[0].submission_ms = Some(Sample::START + 3_000);
        application
    }

    #[test]
    fn executors_long_in_coming_are_told() {
        let findings = findings(&coming_after(45_000), &Thresholds::default());
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(finding.title, "Slow start: no executor for the first 45.0s");
        assert_eq!(
            (finding.saving_ms, finding.severity),
            (Some(40_000), Severity::Critical)
        );
    }

    /// Executors after 2 s, the first job as its tasks start, 45 s after the application.
    fn registering(settings: &[(&str, &str)]) -> Application {
        let mut application = coming_after(45_000);
        for executor in &mut application.executors {
            executor.added_ms = Some(Sample::START + 2_000);
        }
        application.jobs[0].submission_ms = Some(Sample::START + 45_000);
        let spark = &mut application.environment.spark;
        for (key, value) in settings {
            spark.retain(|(known, _)| known != key);
            spark.push(((*key).into(), (*value).into()));
        }
        application
    }

    #[test]
    fn waiting_for_more_executors_is_told_apart() {
        let longest = ("spark.scheduler.maxRegisteredResourcesWaitingTime", "40s");
        let all = ("spark.scheduler.minRegisteredResourcesRatio", "1.0");
        let findings = told(&RULE, &registering(&[("spark.cores.max", "8"), all, longest]));
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            finding.title,
            "Slow start: 40.0s of waiting for more executors before the first job"
        );
        assert_eq!(finding.saving_ms, Some(35_000));
        assert!(
            finding.cause.contains("8 cores were asked for and 4 came"),
            "{findings:?}"
        );
    }

    #[test]
    fn only_a_wait_for_more_executors_is_one() {
        let longest = ("spark.scheduler.maxRegisteredResourcesWaitingTime", "40s");
        let all = ("spark.scheduler.minRegisteredResourcesRatio", "1.0");
        // The program was busy with something else until its first job: enough executors were there, or none was waited for.
        assert!(told(&RULE, &registering(&[("spark.cores.max", "4"), all, longest])).is_empty());
        assert!(told(&RULE, &registering(&[("spark.cores.max", "8"), longest])).is_empty());
        // YARN and Kubernetes wait for four fifths of the executors by themselves, 30 s at most.
        let yarn = |count: &'static str| registering(&[("spark.master", "yarn"), ("spark.executor.instances", count)]);
        assert!(told(&RULE, &yarn("2")).is_empty());
        assert_eq!(told(&RULE, &yarn("20"))[0].saving_ms, Some(25_000));
    }

    #[test]
    fn a_job_that_waits_for_its_first_task_is_told_apart() {
        let mut application = registering(&[]);
        application.jobs[0].submission_ms = Some(Sample::START + 3_000);
        let findings = told(&RULE, &application);
        assert_eq!(findings[0].title, "Slow start: job 0 waited 42.0s for its first task");
        assert!(findings[0].cause.contains("long in the making"), "{findings:?}");
    }

    #[test]
    fn a_usual_start_is_not() {
        assert!(findings(&coming_after(20_000), &Thresholds::default()).is_empty());
    }
}
