//! `slow-host`: the same work takes longer on one host, or one executor, than on the others.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::finding::{Advice, Confidence, Evidence, Finding, Place, Severity};
use super::partitions::{self, Size};
use super::{Draft, Matter, Rule, statistics};
use crate::model::{Stage, Unit};
use crate::schedule::{Change, slot_times};
use crate::units;

pub const RULE: Rule = Rule {
    name: "slow-host",
    about: "The median task of one host (where all executors share a host: of one executor) takes at least 1.5× as long as that of \
            the others in the same stage, per byte where sizes differ, in at least 2 stages or over at least 20 of its tasks. The \
            first task on each slot is left out (class loading). Saving: its tasks at the others' pace; the application replayed by \
            list scheduling.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    let stages: Vec<&Stage> = context.stages_that_matter().collect();
    let hosts: BTreeSet<&str> = context
        .application
        .executors
        .iter()
        .filter(|executor| !executor.is_driver())
        .map(|executor| executor.host())
        .collect();
    if stages.is_empty() || context.slots.spans.len() < 2 {
        return Vec::new();
    }
    let by_host = hosts.len() > 1;
    let first = context.first_on_slots();
    let mut places: BTreeMap<String, Vec<Slow<'_>>> = BTreeMap::new();
    for stage in stages {
        for (place, slow) in compare(context, stage, by_host, first) {
            places.entry(place).or_default().push(slow);
        }
    }
    places
        .iter()
        .filter_map(|(place, seen)| examine(context, place, by_host, seen))
        .collect()
}

/// A place in one stage.
struct Slow<'a> {
    stage: &'a Stage,
    /// Its rows, the warm-up left out.
    rows: Vec<usize>,
    median_ms: u64,
    others_ms: u64,
    /// How many times the others' pace.
    ratio: f64,
}

fn place_of(stage: &Stage, row: usize, by_host: bool) -> &str {
    if by_host {
        stage.tasks.host(row)
    } else {
        stage.tasks.executor(row)
    }
}

/// Every place of a stage against the others.
fn compare<'a>(
    context: &Context<'_>,
    stage: &'a Stage,
    by_host: bool,
    first: &BTreeSet<u64>,
) -> Vec<(String, Slow<'a>)> {
    let tasks = &*stage.tasks;
    let least = context.thresholds.slow_host_least_tasks.max(1);
    let all: Vec<usize> = partitions::rows(stage)
        .into_iter()
        .filter(|row| !first.contains(&tasks.id(*row)))
        .collect();
    if all.len() < 2 * least {
        return Vec::new();
    }
    let duration = |row: usize| tasks.duration_ms(row).unwrap_or(0);
    // Executors to hosts, or each by itself; rows by that.
    let name = |place: &'a (std::sync::Arc<str>, std::sync::Arc<str>)| -> &'a str {
        if by_host { &place.1 } else { &place.0 }
    };
    let mut names: Vec<&str> = tasks.places().iter().map(name).collect();
    names.sort_unstable();
    names.dedup();
    let group: Vec<usize> = tasks
        .places()
        .iter()
        .map(|place| names.binary_search(&name(place)).unwrap_or(0))
        .collect();
    let group_of = |row: usize| group.get(tasks.place_index(row)).copied().unwrap_or(0);
    let mut of: Vec<Vec<usize>> = vec![Vec::new(); names.len()];
    for row in &all {
        if let Some(rows) = of.get_mut(group_of(*row)) {
            rows.push(*row);
        }
    }
    if names.len() < 2 {
        return Vec::new();
    }
    let sized = varying_size(stage, &all);
    // Cost of a task in thousandths of what its size would cost at one ms a unit; its duration where sizes are alike.
    let cost = |row: usize| match sized {
        Some(size) => duration(row).saturating_mul(1_000_000) / size.of(tasks, row).max(1),
        None => duration(row),
    };
    // Costs in order and whose they are, once for all places.
    let mut costs: Vec<(u64, usize)> = all.iter().map(|row| (cost(*row), group_of(*row))).collect();
    costs.sort_unstable();
    // The pace of the quicker half: no place is slow that is not slow beside it, which spares most places a closer look.
    let quick = costs.get(costs.len() / 4).map_or(0, |(cost, _)| *cost);
    let slower = |median: u64, than: u64| median as f64 / than.max(1) as f64;
    let mut slow = Vec::new();
    for (at, rows) in of.iter().enumerate() {
        let others = all.len() - rows.len();
        if rows.len() < least || others < least {
            continue;
        }
        let mine = statistics::median(rows.iter().map(|row| cost(*row)).collect()).unwrap_or(0);
        if slower(mine, quick) < context.thresholds.slow_host_ratio {
            continue;
        }
        let mut elsewhere = costs.iter().filter(|(_, group)| *group != at);
        let ratio = slower(mine, elsewhere.nth(others / 2).map_or(0, |(cost, _)| *cost));
        if ratio < context.thresholds.slow_host_ratio {
            continue;
        }
        let elsewhere = all.iter().filter(|row| group_of(**row) != at);
        slow.push((
            names.get(at).map_or_else(String::new, |name| (*name).to_owned()),
            Slow {
                stage,
                median_ms: statistics::median(rows.iter().map(|row| duration(*row)).collect()).unwrap_or(0),
                others_ms: statistics::median(elsewhere.map(|row| duration(*row)).collect()).unwrap_or(0),
                rows: rows.clone(),
                ratio,
            },
        ));
    }
    slow
}

/// The size that explains durations where sizes are not alike: bytes, else records.
fn varying_size(stage: &Stage, rows: &[usize]) -> Option<Size> {
    let size = [Size::Bytes, Size::Records]
        .into_iter()
        .find(|size| rows.iter().all(|row| size.of(&stage.tasks, *row) > 0))?;
    let of = || rows.iter().map(|row| size.of(&stage.tasks, *row));
    let (least, most) = (of().min()?, of().max()?);
    (most as f64 > 1.5 * least as f64).then_some(size)
}

fn examine(context: &Context<'_>, place: &str, by_host: bool, seen: &[Slow<'_>]) -> Option<Draft> {
    let thresholds = context.thresholds;
    let tasks: usize = seen.iter().map(|slow| slow.rows.len()).sum();
    if seen.len() < thresholds.slow_host_stages && tasks < thresholds.slow_host_tasks {
        return None;
    }
    // Slow in one stage and not in the next of the same kind is chance: it must be slow in most of what it took part in.
    let took_part = context
        .stages_that_matter()
        .filter(|stage| {
            partitions::rows(stage)
                .iter()
                .filter(|row| place_of(stage, **row, by_host) == place)
                .count()
                >= thresholds.slow_host_least_tasks
        })
        .count();
    if seen.len() * 3 < took_part * 2 {
        return None;
    }
    let worst = seen.iter().max_by_key(|slow| context.stage_ms(slow.stage))?;
    let changes: Vec<Change> = seen
        .iter()
        .map(|slow| {
            let at_pace = slot_times(slow.stage).into_iter().map(|(row, held)| {
                if place_of(slow.stage, row, by_host) == place {
                    (held as f64 / slow.ratio) as u64
                } else {
                    held
                }
            });
            Change::Tasks(slow.stage.key, at_pace.collect())
        })
        .collect();
    let saving = context.saving(&changes, "with its tasks at the others' pace", 0.0, Confidence::Medium);
    let what = if by_host { "Host" } else { "Executor" };
    let mut at = context.place(worst.stage);
    if by_host {
        at.host = Some(place.to_owned());
    } else {
        at.executor = Some(place.to_owned());
        at.host = worst.rows.first().map(|row| worst.stage.tasks.host(*row).to_string());
    }
    let keys: Vec<String> = seen.iter().take(6).map(|slow| slow.stage.key.id.to_string()).collect();
    let stages = if seen.len() == 1 { "stage" } else { "stages" };
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "{what} {place} is slow: its tasks take {} those of the others in {stages} {}",
                units::times(worst.ratio),
                keys.join(", ")
            ),
            evidence: seen
                .iter()
                .take(4)
                .map(|slow| Evidence {
                    metric: format!("median of its {} tasks in stage {}", slow.rows.len(), slow.stage.key.id),
                    value: slow.median_ms as f64,
                    unit: Unit::Millis,
                    baseline: Some(slow.others_ms as f64),
                    note: "the median elsewhere, in the same stage".into(),
                })
                .collect(),
            cause: format!(
                "The same work takes longer on {} {place}: a busy neighbour, a slow or failing disk, less CPU than the others have.",
                what.to_lowercase()
            ),
            advice: advice(context, &at, what),
            place: at,
            saving_ms: Some(saving.ms),
            saving_note: saving.note,
            confidence: saving.confidence,
        },
        matter: Matter::Saving,
    })
}

fn advice(context: &Context<'_>, at: &Place, what: &str) -> Vec<Advice> {
    let host = at.host.as_deref().unwrap_or("that host");
    let environment = &context.application.environment;
    let yarn = environment
        .spark("spark.master")
        .is_some_and(|master| master.starts_with("yarn"));
    let mut advice = vec![Advice {
        text: format!(
            "Look at {host} (other load, disks, throttling), and take it out of the cluster until it is mended."
        ),
        config: if yarn && what == "Host" {
            vec![("spark.yarn.exclude.nodes".into(), host.to_owned())]
        } else {
            Vec::new()
        },
        ..Advice::default()
    }];
    if environment.spark_bool("spark.speculation") != Some(true) {
        advice.push(Advice {
            text: "Until then, let Spark start a second copy elsewhere of a task that takes far longer than the others (only where \
                   running a task twice does no harm)."
                .into(),
            config: vec![
                ("spark.speculation".into(), "true".into()),
                ("spark.speculation.multiplier".into(), "1.5".into()),
                ("spark.speculation.quantile".into(), "0.75".into()),
            ],
            ..Advice::default()
        });
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Thresholds, findings};
    use crate::schedule::sample::Sample;

    /// Two stages of 40 tasks on four hosts; those of host 3 take so many ms instead of 1,000.
    fn sample(slow_ms: u64) -> Sample {
        let stage = |sample: Sample, name: &str| {
            sample.stage_with(name, &[1_000; 40], move |index, task| {
                let host = index % 4 + 1;
                task.executor = host.to_string().into();
                task.host = format!("host-{host}").into();
                if host == 3 {
                    task.duration_ms = Some(slow_ms);
                }
            })
        };
        stage(stage(Sample::cluster(4, 2), "a"), "b").gap(8_000)
    }

    #[test]
    fn a_host_slow_in_two_stages_is_named() {
        let findings = findings(&sample(2_500).application(), &Thresholds::default());
        let finding = findings.iter().find(|finding| finding.rule == RULE.name).unwrap();
        assert_eq!(
            finding.title,
            "Host host-3 is slow: its tasks take 2.5× those of the others in stages 0, 1"
        );
        assert_eq!(finding.place.host.as_deref(), Some("host-3"));
    }

    #[test]
    fn hosts_a_little_apart_are_none() {
        let findings = findings(&sample(1_300).application(), &Thresholds::default());
        assert!(findings.iter().all(|finding| finding.rule != RULE.name), "{findings:?}");
    }

    #[test]
    fn a_host_with_larger_partitions_is_none() {
        let sample = Sample::cluster(4, 2).stage_with("a", &[1_000; 120], |index, task| {
            let host = index % 4 + 1;
            task.executor = host.to_string().into();
            task.host = format!("host-{host}").into();
            let bytes = if host == 3 { 30 << 20 } else { 10 << 20 };
            task.metrics
                .set(crate::model::TaskMetric::ShuffleRemoteBytesRead, Some(bytes));
            task.duration_ms = Some(bytes >> 14);
        });
        let findings = findings(&sample.application(), &Thresholds::default());
        assert!(findings.iter().all(|finding| finding.rule != RULE.name), "{findings:?}");
    }
}
