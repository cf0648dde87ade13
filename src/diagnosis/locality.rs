//! `locality`: tasks wait for a slot near their data although others are free, or run far from it and take longer for it.

use super::context::{Context, Saving};
use super::finding::{Advice, Confidence, Evidence, Finding, Severity};
use super::partitions;
use super::{Draft, Matter, Rule, statistics};
use crate::model::{Locality, Stage, StageKey, Unit, parse_millis};
use crate::schedule::{Change, slot_times};
use crate::units;

pub const RULE: Rule = Rule {
    name: "locality",
    about: "Tasks that ran near their data (PROCESS_LOCAL, NODE_LOCAL) were held back for half a second or more while slots were free \
            elsewhere (spark.locality.wait); or at least 20% of a stage's tasks ran at RACK_LOCAL or ANY with a median at least 1.5× \
            that of the near ones, at like size. Saving: the application replayed with every free slot taken at once, or with the far \
            tasks at the near ones' median.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    let far = context.stages_that_matter().filter_map(|stage| far(context, stage));
    held(context).into_iter().chain(far).collect()
}

/// `spark.locality.wait`, ms: 3 s unless set.
fn wait_ms(context: &Context<'_>) -> u64 {
    let set = context.application.environment.spark("spark.locality.wait");
    set.and_then(|wait| parse_millis(wait, 1)).unwrap_or(3_000)
}

fn is_near(locality: Locality) -> bool {
    matches!(locality, Locality::ProcessLocal | Locality::NodeLocal)
}

/// The stages whose tasks waited for a place near their data.
fn held(context: &Context<'_>) -> Option<Draft> {
    let longest = [
        "spark.locality.wait.process",
        "spark.locality.wait.node",
        "spark.locality.wait.rack",
    ]
    .into_iter()
    .filter_map(|key| parse_millis(context.application.environment.spark(key)?, 1))
    .fold(wait_ms(context), u64::max);
    if longest == 0 {
        return None;
    }
    let mut stages: Vec<&Stage> = context
        .stages_that_matter()
        .filter(|stage| {
            let tasks = &stage.tasks;
            let near = (0..tasks.len()).filter(|row| is_near(tasks.locality(*row))).count();
            near * 2 > tasks.len() && is_uneven(context, stage) && !lost_one(context, stage) && !has_copies(stage)
        })
        .collect();
    if stages.is_empty() {
        return None;
    }
    let keys: Vec<StageKey> = context.simulator()?.held().collect();
    stages.retain(|stage| keys.contains(&stage.key));
    let worst = *stages.iter().max_by_key(|stage| context.stage_ms(stage))?;
    let changes: Vec<Change> = stages.iter().map(|stage| Change::Unheld(stage.key)).collect();
    let saving = context.saving(&changes, "with every free slot taken at once", 0.0, Confidence::Medium);
    let mut by_executor = std::collections::BTreeMap::<&str, usize>::new();
    for row in 0..worst.tasks.len() {
        *by_executor.entry(worst.tasks.executor(row)).or_default() += 1;
    }
    let busiest = by_executor.iter().max_by_key(|(_, tasks)| **tasks)?;
    let mut place = context.place(worst);
    place.executor = Some((*busiest.0).to_owned());
    let others = match stages.len() {
        1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "Tasks wait for a place near their data in {}{others}: {} of {} ran on executor {} while others were idle",
                context.name(worst),
                busiest.1,
                worst.tasks.len(),
                busiest.0
            ),
            evidence: vec![
                Evidence {
                    metric: "spark.locality.wait".into(),
                    value: longest as f64,
                    unit: Unit::Millis,
                    baseline: Some(3_000.0),
                    note: "Spark's own value; a task waits so long for a slot nearer its data".into(),
                },
                Evidence {
                    metric: format!("tasks on executor {}", busiest.0),
                    value: *busiest.1 as f64,
                    unit: Unit::Count,
                    baseline: Some(worst.tasks.len() as f64),
                    note: "all tasks of the stage".into(),
                },
            ],
            cause: format!(
                "What these tasks read is cached or stored on a few executors, and Spark lets a task wait {} for a slot there rather \
                 than run it on a free one elsewhere.",
                units::duration(longest)
            ),
            advice: vec![
                Advice {
                    text: "Take a free slot sooner: reading from a neighbour costs less than the wait.".into(),
                    config: vec![("spark.locality.wait".into(), "0s".into())],
                    ..Advice::default()
                },
                Advice {
                    text: "Or spread what is cached over all executors: cache when they are all there, or keep two copies of each \
                           partition (MEMORY_AND_DISK_2)."
                        .into(),
                    ..Advice::default()
                },
            ],
            place,
            saving_ms: Some(saving.ms),
            saving_note: saving.note,
            confidence: saving.confidence,
        },
        matter: Matter::Saving,
    })
}

/// Whether one executor ran far more of a stage's tasks than its share.
fn is_uneven(context: &Context<'_>, stage: &Stage) -> bool {
    let tasks = &stage.tasks;
    let mut counts = vec![0_usize; tasks.places().len()];
    for row in 0..tasks.len() {
        if let Some(count) = counts.get_mut(tasks.place_index(row)) {
            *count += 1;
        }
    }
    let from = stage.submission_ms.unwrap_or(context.slots.start_ms);
    let until = stage.completion_ms.unwrap_or(context.slots.end_ms);
    let executors = context.slots.alive(from, until).count().max(1);
    let most = counts.into_iter().max().unwrap_or(0);
    most as f64 >= context.thresholds.locality_uneven_ratio * tasks.len() as f64 / executors as f64
}

/// Whether tasks were copied: a copy waits for a slot on another host than that of the first attempt.
fn has_copies(stage: &Stage) -> bool {
    (0..stage.tasks.len()).any(|row| stage.tasks.speculative(row))
}

/// Whether an executor went while a stage ran: what then waited, waited for that.
fn lost_one(context: &Context<'_>, stage: &Stage) -> bool {
    let (Some(from), Some(until)) = (stage.submission_ms, stage.completion_ms) else {
        return true;
    };
    let gone = |removed: i64| removed >= from && removed <= until;
    context
        .application
        .executors
        .iter()
        .any(|executor| executor.removed_ms.is_some_and(gone))
}

/// Tasks far from their data, and how much longer they take.
fn far(context: &Context<'_>, stage: &Stage) -> Option<Draft> {
    let (tasks, thresholds) = (&*stage.tasks, context.thresholds);
    let rows = partitions::rows(stage);
    let level = |row: usize| tasks.locality(row);
    let (near, away): (Vec<usize>, Vec<usize>) = {
        let placed = rows
            .iter()
            .copied()
            .filter(|row| level(*row) != Locality::NoPref && level(*row) != Locality::Unknown);
        placed.partition(|row| is_near(level(*row)))
    };
    let least = thresholds.slow_host_least_tasks;
    let share = away.len() as f64 / rows.len().max(1) as f64;
    if near.len() < least || away.len() < least || share < thresholds.locality_far_share {
        return None;
    }
    let median =
        |rows: &[usize], of: &dyn Fn(usize) -> u64| statistics::median(rows.iter().map(|row| of(*row)).collect());
    let duration = |row: usize| tasks.duration_ms(row).unwrap_or(0);
    let bytes = |row: usize| partitions::Size::Bytes.of(tasks, row);
    let (near_ms, far_ms) = (median(&near, &duration)?.max(1), median(&away, &duration)?);
    let (near_bytes, far_bytes) = (median(&near, &bytes)?, median(&away, &bytes)?);
    let ratio = far_ms as f64 / near_ms as f64;
    let alike = far_bytes as f64 <= 1.2 * near_bytes as f64;
    if ratio < thresholds.locality_far_ratio || !alike {
        return None;
    }
    let nearer = slot_times(stage).into_iter().map(|(row, held)| {
        if level(row) == Locality::Any || level(row) == Locality::RackLocal {
            (held as f64 / ratio) as u64
        } else {
            held
        }
    });
    let Saving { ms, confidence, note } = context.saving_of_tasks(
        stage,
        nearer.collect(),
        "with the far tasks at the near ones' pace",
        Confidence::Medium,
    );
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "Tasks far from their data in {}: {} of {} at RACK_LOCAL or ANY, {} as long as the near ones",
                context.name(stage),
                away.len(),
                rows.len(),
                units::times(ratio)
            ),
            place: context.place(stage),
            evidence: vec![Evidence {
                metric: "median of the far tasks".into(),
                value: far_ms as f64,
                unit: Unit::Millis,
                baseline: Some(near_ms as f64),
                note: "median of PROCESS_LOCAL and NODE_LOCAL ones, at like size".into(),
            }],
            cause: "They read their data over the network: no executor is where it lies, or all slots there were taken. ANY is the \
                    worst level, PROCESS_LOCAL the best."
                .into(),
            advice: vec![
                Advice {
                    text: "Wait a little longer for a slot near the data, where near ones are short of slots.".into(),
                    config: vec![(
                        "spark.locality.wait".into(),
                        format!("{}ms", wait_ms(context).max(near_ms).saturating_mul(2).min(30_000)),
                    )],
                    ..Advice::default()
                },
                Advice {
                    text: "Or have executors on the hosts that hold the data, or more replicas of it.".into(),
                    ..Advice::default()
                },
            ],
            saving_ms: Some(ms),
            saving_note: note,
            confidence,
        },
        matter: Matter::Saving,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::sample::told;
    use crate::schedule::sample::Sample;

    #[test]
    fn far_tasks_that_take_longer_are_told() {
        let sample = |far_ms: u64| {
            let durations: Vec<u64> = (0..40)
                .map(|index| if index % 3 == 0 { far_ms } else { 1_000 })
                .collect();
            Sample::cluster(4, 2).stage_with("a", &durations, |index, task| {
                task.metrics.set(crate::model::TaskMetric::InputBytes, Some(64 << 20));
                task.locality = if index % 3 == 0 {
                    Locality::Any
                } else {
                    Locality::NodeLocal
                };
            })
        };
        let findings = told(&RULE, &sample(2_500).application());
        assert_eq!(
            findings[0].title,
            "Tasks far from their data in stage 0 (a): 14 of 40 at RACK_LOCAL or ANY, 2.5× as long as the near ones"
        );
        assert!(told(&RULE, &sample(1_200).application()).is_empty());
    }

    #[test]
    fn tasks_held_back_beside_idle_executors_are_told() {
        let held = |wait: &str| {
            let sample =
                Sample::cluster(2, 1)
                    .set("spark.locality.wait", wait)
                    .stage_with("a", &[1_000; 12], |index, task| {
                        // All but the last two one after another on executor 1.
                        let (executor, at) = if index < 10 { ("1", index) } else { ("2", index - 3) };
                        task.executor = executor.into();
                        task.host = format!("host-{executor}").into();
                        task.launch_ms = Sample::START + i64::try_from(at).unwrap() * 1_000;
                    });
            let mut application = sample.lasting(10_000).application();
            let mut stage = (*application.stages[0]).clone();
            stage.completion_ms = Some(Sample::START + 10_000);
            application.jobs[0].completion_ms = stage.completion_ms;
            application.with_stage(stage)
        };
        let mut findings = told(&RULE, &held("10s"));
        let finding = findings.remove(0);
        assert!(
            finding
                .title
                .ends_with("10 of 12 ran on executor 1 while others were idle"),
            "{}",
            finding.title
        );
        assert_eq!(finding.saving_ms, Some(4_000));
        assert!(told(&RULE, &held("0")).is_empty());
    }
}
