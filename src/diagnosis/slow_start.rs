//! `slow-start`: the first task is long in coming, because executors are, or because Spark waits for more of them.

use super::context::Context;
use super::finding::{Advice, Confidence, Evidence, Finding, Place, Severity};
use super::{Draft, Matter, Rule};
use crate::model::{Job, Unit};
use crate::units;

pub const RULE: Rule = Rule {
    name: "slow-start",
    about: "From the application's start to its first executor, or from the submission of its first job to its first task, at least \
            30 s and 5% of wall time pass. Saving: that wait but for 5 s, which coming up takes anyway.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    examine(context).into_iter().collect()
}

fn examine(context: &Context<'_>) -> Option<Draft> {
    let (application, thresholds) = (context.application, context.thresholds);
    if application.is_local() {
        return None;
    }
    let start = application.start_ms?;
    let first_task = application.stages.iter().filter_map(|stage| {
        let tasks = &stage.tasks;
        let launches = (0..tasks.len()).map(|row| tasks.launch_ms(row));
        stage.first_task_launched_ms.into_iter().chain(launches).min()
    });
    let first_task = first_task.min()?;
    let executors = application.executors.iter().filter(|executor| !executor.is_driver());
    let first_executor = executors.filter_map(|executor| executor.added_ms).min();
    let job = application
        .jobs
        .iter()
        .filter(|job| job.submission_ms.is_some())
        .min_by_key(|job| (job.submission_ms, job.id))?;
    let wait = |from: i64, until: i64| u64::try_from(until.saturating_sub(from)).unwrap_or(0);
    let for_executor = first_executor.map_or(0, |first| wait(start, first));
    let for_task = wait(job.submission_ms?, first_task);
    // The two may overlap: one is told, and the saving is its own.
    let (waited, executors_came) = if for_executor >= for_task {
        (for_executor, false)
    } else {
        (for_task, true)
    };
    if waited < thresholds.slow_start_ms || (waited as f64) < context.wall_ms as f64 * thresholds.slow_start_share {
        return None;
    }
    let came_before = first_executor.is_none_or(|first| Some(first) <= job.submission_ms);
    let registering = executors_came && came_before;
    let saving_ms = waited.saturating_sub(thresholds.slow_start_usual_ms);
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: if executors_came {
                format!(
                    "Slow start: job {} waited {} for its first task",
                    job.id,
                    units::duration(waited)
                )
            } else {
                format!("Slow start: no executor for the first {}", units::duration(waited))
            },
            place: Place {
                jobs: vec![job.id],
                ..Place::default()
            },
            evidence: evidence(context, job, for_executor, for_task),
            cause: cause(context, registering),
            advice: advice(context, registering),
            saving_ms: Some(saving_ms),
            saving_note: format!(
                "The wait but for {}, which coming up takes anyway.",
                units::duration(thresholds.slow_start_usual_ms)
            ),
            confidence: Confidence::Medium,
        },
        matter: Matter::Saving,
    })
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

fn evidence(context: &Context<'_>, job: &Job, for_executor: u64, for_task: u64) -> Vec<Evidence> {
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
            for_executor,
            "wall time of the application",
        ),
        time(
            format!("submission of job {} to its first task", job.id),
            for_task,
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

fn cause(context: &Context<'_>, registering: bool) -> String {
    let granted: u64 = context.slots.spans.iter().map(|span| u64::from(span.cores)).sum();
    match requested(context) {
        Some((cores, _)) if registering && cores > granted => format!(
            "Executors were there, but Spark waited for more to register before the first task: {cores} cores were asked for and \
             {granted} came."
        ),
        _ if registering => {
            "Executors were there when the job was submitted, but Spark waited for more to register before the first task.".into()
        }
        _ => "The cluster gave no executor for so long: it is full, the queue's share is used up, or executors cannot reach the \
              driver (name, ports) and give up."
            .into(),
    }
}

fn advice(context: &Context<'_>, registering: bool) -> Vec<Advice> {
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let granted: u64 = context.slots.spans.iter().map(|span| u64::from(span.cores)).sum();
    if registering {
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
        return advice;
    }
    vec![
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
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
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

    #[test]
    fn waiting_for_more_executors_is_told_apart() {
        let mut application = coming_after(45_000);
        for executor in &mut application.executors {
            executor.added_ms = Some(Sample::START + 2_000);
        }
        application
            .environment
            .spark
            .push(("spark.cores.max".into(), "8".into()));
        let findings = findings(&application, &Thresholds::default());
        assert_eq!(findings[0].title, "Slow start: job 0 waited 42.0s for its first task");
        assert!(
            findings[0].cause.contains("8 cores were asked for and 4 came"),
            "{findings:?}"
        );
    }

    #[test]
    fn a_usual_start_is_not() {
        assert!(findings(&coming_after(20_000), &Thresholds::default()).is_empty());
    }
}
