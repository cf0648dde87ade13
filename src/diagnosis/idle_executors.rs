//! `idle-executors`: executors are held that have nothing to do; fewer would do the same work in nearly the same time.

use super::context::Context;
use super::finding::{Advice, Confidence, Evidence, Finding, Place, Severity};
use super::{Draft, Matter, Rule, statistics};
use crate::model::Unit;
use crate::schedule::{Activity, Change};
use crate::units;

pub const RULE: Rule = Rule {
    name: "idle-executors",
    about: "At least half of the executors' core time is idle, five core-minutes of it at least, and the application replayed on \
            half of the executors or fewer would take at most 5% longer. Not told beside a finding of weight: executors idle for a \
            fault are told with that fault. No saving of time: what is saved is the executors' core time.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    examine(context).into_iter().collect()
}

fn examine(context: &Context<'_>) -> Option<Draft> {
    let thresholds = context.thresholds;
    let (application, slots) = (context.application, &context.slots);
    if application.is_local() {
        return None;
    }
    let held = slots.core_ms();
    let tasks = application.stages.iter().flat_map(|stage| {
        let tasks = &stage.tasks;
        (0..tasks.len()).filter_map(|row| tasks.duration_ms(row))
    });
    let busy = statistics::total(tasks).saturating_mul(u64::from(slots.task_cpus));
    let idle = held.saturating_sub(busy);
    let share = idle as f64 / held.max(1) as f64;
    if share < thresholds.idle_share || idle < thresholds.idle_least_core_ms {
        return None;
    }
    let executors = Activity::of(application, 1).most_executors;
    let (fewer, wall) = fewest(context, executors)?;
    let longer = (wall as f64 / context.wall_ms.max(1) as f64 - 1.0).max(0.0);
    let spared = held.saturating_sub((held as f64 * f64::from(fewer) / f64::from(executors)) as u64);
    let noun = if fewer == 1 { "executor" } else { "executors" };
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "Executors idle {} of their time: {fewer} {noun} instead of {executors} would take {} longer",
                units::percent(share),
                units::percent(longer)
            ),
            place: Place::default(),
            evidence: vec![
                Evidence {
                    metric: "idle core time".into(),
                    value: idle as f64,
                    unit: Unit::Millis,
                    baseline: Some(held as f64),
                    note: "core time of all executors from coming to going".into(),
                },
                Evidence {
                    metric: format!("core time that {fewer} {noun} would spare"),
                    value: spared as f64,
                    unit: Unit::Millis,
                    baseline: None,
                    note: format!("the application then takes {}", units::duration(wall)),
                },
                most_idle(context),
            ],
            cause: "More executors are held than the work has tasks for at most times.".into(),
            advice: advice(context, fewer, executors),
            saving_ms: None,
            saving_note: "It gives back no time but the executors: the application replayed on fewer slots.".into(),
            confidence: Confidence::Medium,
        },
        matter: Matter::Hazard,
    })
}

/// The fewest executors that take hardly longer, when that is half of them or fewer, and the wall time on them.
fn fewest(context: &Context<'_>, executors: u32) -> Option<(u32, u64)> {
    let limit = context.wall_ms as f64 * (1.0 + context.thresholds.idle_longer_share);
    let wall = |count: u32| {
        let wall = context.simulator()?.wall_ms(&[Change::Slots(count, executors)])?;
        (wall as f64 <= limit).then_some(wall)
    };
    let mut enough = (executors / 2, wall(executors / 2).filter(|_| executors >= 2)?);
    let mut too_few = 0;
    while enough.0 - too_few > 1 {
        let middle = too_few + (enough.0 - too_few) / 2;
        match wall(middle) {
            Some(wall) => enough = (middle, wall),
            None => too_few = middle,
        }
    }
    Some(enough)
}

/// The tenth of the application's time in which the most slots were free.
fn most_idle(context: &Context<'_>) -> Evidence {
    let activity = Activity::of(context.application, 10);
    let free = activity
        .slots
        .iter()
        .zip(&activity.busy)
        .map(|(slots, busy)| slots - busy);
    let (at, free) = free.enumerate().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0));
    let tenth = context.wall_ms / 10;
    Evidence {
        metric: "idle slots at the idlest time".into(),
        value: free.round(),
        unit: Unit::Count,
        baseline: Some(f64::from(activity.most_slots)),
        note: format!(
            "from {} to {} after the start",
            units::duration(tenth * at as u64),
            units::duration(tenth * (at as u64 + 1))
        ),
    }
}

fn advice(context: &Context<'_>, fewer: u32, executors: u32) -> Vec<Advice> {
    let environment = &context.application.environment;
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let standalone = environment
        .spark("spark.master")
        .is_some_and(|master| master.starts_with("spark:") || master.starts_with("local-cluster"));
    let cores = context.slots.spans.iter().map(|span| span.cores).max().unwrap_or(1);
    let fixed = if standalone {
        pair("spark.cores.max", &fewer.saturating_mul(cores).to_string())
    } else {
        pair("spark.executor.instances", &fewer.to_string())
    };
    let mut advice = Vec::new();
    if environment.spark_bool("spark.dynamicAllocation.enabled") == Some(true) {
        advice.push(Advice {
            text: "Dynamic allocation is on: let it go lower, and let executors go sooner.".into(),
            config: vec![
                pair("spark.dynamicAllocation.minExecutors", &fewer.to_string()),
                pair("spark.dynamicAllocation.executorIdleTimeout", "30s"),
            ],
            ..Advice::default()
        });
    } else {
        advice.push(Advice {
            text: format!("Ask for {fewer} of the {executors}."),
            config: vec![fixed],
            ..Advice::default()
        });
        advice.push(Advice {
            text: "Or let Spark take and give back executors as there are tasks.".into(),
            config: vec![
                pair("spark.dynamicAllocation.enabled", "true"),
                pair("spark.dynamicAllocation.shuffleTracking.enabled", "true"),
                pair("spark.dynamicAllocation.minExecutors", &fewer.to_string()),
                pair("spark.dynamicAllocation.maxExecutors", &executors.to_string()),
            ],
            ..Advice::default()
        });
    }
    advice
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{Thresholds, findings};
    use crate::schedule::sample::Sample;

    fn jobs(tasks: usize) -> Sample {
        let stage = |sample: Sample, at: u32| sample.stage(&format!("report {at}"), &vec![2_000; tasks]);
        (0..20).fold(Sample::cluster(8, 2), stage)
    }

    #[test]
    fn executors_without_tasks_are_told_with_how_many_would_do() {
        let findings = findings(&jobs(2).application(), &Thresholds::default());
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            finding.title,
            "Executors idle 88% of their time: 1 executor instead of 8 would take 0% longer"
        );
        assert_eq!(
            finding.advice[0].config,
            [("spark.cores.max".to_owned(), "2".to_owned())]
        );
        assert_eq!(finding.saving_ms, None);
    }

    #[test]
    fn busy_executors_are_not() {
        assert!(findings(&jobs(16).application(), &Thresholds::default()).is_empty());
    }
}
