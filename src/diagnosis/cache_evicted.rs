//! `cache-evicted`: what was cached does not fit, and parts of it are computed again each time they are needed.

use super::context::Context;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Severity};
use super::{Draft, Matter, Rule, executor_memory, statistics};
use crate::model::{CachedRdd, Stage, TasksRead, Unit};
use crate::schedule::{Calibration, Change, slot_times};
use crate::units;

pub const RULE: Rule = Rule {
    name: "cache-evicted",
    about: "A persisted RDD or table keeps fewer partitions than it has although a stage went through all of them, and a later stage needs it \
            again. Over an event log that is known where spark.eventLog.logBlockUpdates.enabled was on; a history server knows no more. Saving: in those \
            later stages no task takes longer than the slowest of those that find their partition (as many of the shortest as are cached); the \
            application replayed by list scheduling.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    let storage = context.application.storage.iter();
    storage.filter_map(|rdd| examine(context, rdd)).collect()
}

fn examine(context: &Context<'_>, rdd: &CachedRdd) -> Option<Draft> {
    let partitions = rdd.partitions;
    // None at all is what a server says that was told of no block.
    let cached = rdd
        .cached_partitions
        .filter(|cached| *cached > 0 && *cached < partitions)?;
    let stages: Vec<&Stage> = context
        .application
        .ran_stages()
        .map(|stage| &**stage)
        .filter(|stage| {
            stage.rdd_ids.contains(&rdd.id) && stage.tasks_read == TasksRead::Yes && !stage.tasks.is_empty()
        })
        .collect();
    // A `take` fills only the partitions that it looks at.
    let filled = stages.iter().position(|stage| stage.num_tasks >= partitions)?;
    let later = stages.get(filled + 1..)?;
    let share = f64::from(cached) / f64::from(partitions);
    let mut changes = Vec::new();
    let mut error = 0.0_f64;
    for stage in later {
        let rows = slot_times(stage);
        let mut held: Vec<u64> = rows.iter().map(|(_, held)| *held).collect();
        held.sort_unstable();
        let finds = ((held.len() as f64 * share).floor() as usize).max(1);
        let Some(longest) = finds.checked_sub(1).and_then(|at| held.get(at)).copied() else {
            continue;
        };
        changes.push(Change::Tasks(
            stage.key,
            rows.into_iter().map(|(_, held)| held.min(longest)).collect(),
        ));
        error = error.max(Calibration::of_stage(stage, &context.slots).map_or(1.0, |calibration| calibration.error()));
    }
    let worst = later.iter().copied().max_by_key(|stage| context.stage_ms(stage))?;
    let what = format!(
        "with all {} partitions found in the cache",
        units::count(u64::from(partitions))
    );
    let saving = context.saving(&changes, &what, error, Confidence::Medium);
    let name = named(rdd);
    let memory = rdd.memory_used.unwrap_or(0);
    // What all of it would take, where memory tells.
    let whole = (memory as f64 / share) as u64;
    let mut evidence = vec![
        Evidence::of(
            "partitions cached",
            f64::from(cached),
            Unit::Count,
            "partitions that it has",
        )
        .against(f64::from(partitions)),
    ];
    if memory > 0 {
        evidence.push(
            Evidence::of(
                "memory used",
                memory as f64,
                Unit::Bytes,
                "what all its partitions would take",
            )
            .against(whole as f64),
        );
    }
    let time = statistics::total(later.iter().map(|stage| context.stage_ms(stage)));
    evidence.push(Evidence::of(
        "stages that needed it again",
        later.len() as f64,
        Unit::Count,
        format!("{} in all", units::duration(time)),
    ));
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "{name} is cached to {}: {cached} of {partitions} partitions; the others are computed again",
                units::percent(share)
            ),
            place: context.place(worst),
            evidence,
            cause: format!(
                "It is kept as {}. A partition for which no storage memory is left is dropped, or never stored: the least recently used goes first. Whoever needs it \
                 then computes it from its input again.",
                rdd.storage_level
            ),
            advice: advice(context, rdd, worst, whole),
            saving_ms: Some(saving.ms),
            saving_note: saving.note,
            confidence: saving.confidence,
        },
        matter: Matter::Saving,
    })
}

fn named(rdd: &CachedRdd) -> String {
    match rdd.short_name() {
        name if name.is_empty() => format!("RDD {}", rdd.id),
        name => format!("RDD {} ({name})", rdd.id),
    }
}

fn advice(context: &Context<'_>, rdd: &CachedRdd, stage: &Stage, whole: u64) -> Vec<Advice> {
    let mut advice = Vec::new();
    let again = match context.call_site(stage).line {
        Some(line) => format!("for {line} again"),
        None => "again".to_owned(),
    };
    if !rdd.storage_level.contains("Disk") {
        advice.push(Advice {
            text: format!(
                "Keep on disk what does not fit in memory (the level is {} now): reading a partition back is quicker than computing it {again}.",
                rdd.storage_level
            ),
            config: Vec::new(),
            code: Code {
                python: "df.persist(StorageLevel.MEMORY_AND_DISK)".into(),
                scala: "df.persist(StorageLevel.MEMORY_AND_DISK)".into(),
                sql: "CACHE TABLE t OPTIONS ('storageLevel' 'MEMORY_AND_DISK') AS SELECT …".into(),
            },
        });
    }
    advice.push(Advice {
        text: "Cache less: the columns and rows that are asked for again, after the filters; and unpersist what is no longer needed, so that it makes room.".into(),
        config: Vec::new(),
        code: Code {
            python: "df.select(…).where(…).persist()\n…\nother.unpersist()".into(),
            scala: "df.select(…).where(…).persist()\n…\nother.unpersist()".into(),
            sql: "UNCACHE TABLE other".into(),
        },
    });
    let executors = context
        .application
        .executors
        .iter()
        .filter(|executor| !executor.is_driver())
        .count()
        .max(1) as u64;
    if whole > 0 {
        let setting = if context.application.is_local() {
            "spark.driver.memory"
        } else {
            "spark.executor.memory"
        };
        let (heap, fraction) = (
            executor_memory::heap(context.application),
            executor_memory::fraction(context.application),
        );
        // Execution takes what it needs of the same region: a fifth is left to it.
        let each = (whole / executors) as f64 * 1.25 / fraction;
        let needed = (each as u64).saturating_add(300 << 20).div_ceil(1 << 20);
        if needed << 20 > heap {
            advice.push(Advice {
                text: format!(
                    "Or give the executors memory for all {} of it: {} on each of {executors}.",
                    units::bytes(whole),
                    units::bytes(whole / executors)
                ),
                config: vec![(setting.into(), format!("{needed}m"))],
                ..Advice::default()
            });
        }
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::sample::told;
    use crate::model::Application;
    use crate::schedule::sample::Sample;

    fn application(cached: Option<u32>, first_tasks: usize) -> Application {
        let mut again = vec![500; 6];
        again.extend([8_000; 2]);
        let mut application = Sample::cluster(2, 2)
            .stage("count at /apps/a.py:5", &vec![8_000; first_tasks])
            .stage("collect at /apps/a.py:6", &again)
            .stage("collect at /apps/a.py:7", &[8_000; 4])
            .application();
        for id in 0..2 {
            let mut stage = (*application.stages[id]).clone();
            stage.rdd_ids = vec![3, 7];
            application = application.with_stage(stage);
        }
        application.storage.push(CachedRdd {
            id: 7,
            name: "*(1) Project [id#1L]\n+- Range".into(),
            partitions: 8,
            cached_partitions: cached,
            storage_level: "Memory Deserialized 1x Replicated".into(),
            memory_used: Some(600 << 20),
            ..CachedRdd::default()
        });
        application
    }

    #[test]
    fn partitions_that_are_not_kept_cost_their_computing_again() {
        let findings = told(&RULE, &application(Some(6), 8));
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            finding.title,
            "RDD 7 (Project over Range) is cached to 75%: 6 of 8 partitions; the others are computed again"
        );
        // The two long tasks start when the first four have ended: 0.5 + 8 s become 1 s.
        assert_eq!(finding.saving_ms, Some(7_500));
        assert!(finding.advice[0].code.python.contains("MEMORY_AND_DISK"));
    }

    #[test]
    fn what_is_kept_whole_or_was_never_asked_for_whole_is_left_alone() {
        assert!(told(&RULE, &application(Some(8), 8)).is_empty());
        assert!(told(&RULE, &application(Some(1), 1)).is_empty());
    }

    #[test]
    fn without_block_updates_nothing_is_known() {
        assert!(told(&RULE, &application(None, 8)).is_empty());
        assert!(told(&RULE, &application(Some(0), 8)).is_empty());
    }
}
