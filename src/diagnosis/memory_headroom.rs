//! `memory-headroom`: executors' heaps with no room left, or with far more than is ever used.

use super::context::Context;
use super::finding::{Advice, Confidence, Evidence, Finding, Place, Severity};
use super::{Draft, Matter, Rule, executor_memory};
use crate::model::{Executor, ExecutorMetric, Unit};
use crate::units;

pub const RULE: Rule = Rule {
    name: "memory-headroom",
    about: "An executor's heap was filled to at least 95% of its limit at its peak (a hazard), or the heaps of all executors, over \
            2 GiB each, never passed 30% of theirs (waste; the size that would do is half as much again as the highest peak, 1 GiB at \
            least). Peaks as Spark samples them. No saving of time.",
    check,
};

struct Heap<'a> {
    executor: &'a Executor,
    peak: u64,
    limit: u64,
}

impl Heap<'_> {
    fn share(&self) -> f64 {
        self.peak as f64 / self.limit.max(1) as f64
    }
}

fn check(context: &Context<'_>) -> Vec<Draft> {
    let application = context.application;
    let executors = application
        .executors
        .iter()
        .filter(|executor| executor.is_driver() == application.is_local());
    // One that ran nothing tells nothing of what is needed.
    let ran = executors.filter(|executor| executor.total_tasks > 0);
    let heap = |executor| Heap::of(context, executor);
    let heaps: Vec<Heap<'_>> = ran.filter_map(heap).collect();
    full(context, &heaps)
        .or_else(|| waste(context, &heaps))
        .into_iter()
        .collect()
}

impl<'a> Heap<'a> {
    fn of(context: &Context<'_>, executor: &'a Executor) -> Option<Heap<'a>> {
        Some(Heap {
            executor,
            peak: executor
                .peaks
                .get(ExecutorMetric::JVMHeapMemory)
                .filter(|peak| *peak > 0)?,
            limit: executor.heap_limit(&context.application.environment)?,
        })
    }
}

fn full(context: &Context<'_>, heaps: &[Heap<'_>]) -> Option<Draft> {
    let mut full: Vec<&Heap<'_>> = heaps
        .iter()
        .filter(|heap| heap.share() >= context.thresholds.headroom_least_share)
        .collect();
    full.sort_by(|a, b| b.share().total_cmp(&a.share()));
    let worst = *full.first()?;
    let more = worst.limit.saturating_add(worst.limit / 4);
    let who = match full.len() {
        1 => format!("the heap of executor {}", worst.executor.id),
        n => format!("the heaps of {n} executors, executor {} first,", worst.executor.id),
    };
    Some(draft(
        format!(
            "No room left: {who} reached {} of the limit ({} of {})",
            units::percent(worst.share()),
            units::bytes(worst.peak),
            units::bytes(worst.limit)
        ),
        worst,
        full.iter().take(4).map(|heap| evidence(heap)).collect(),
        "The next larger partition, or one more cached block, fails with an OutOfMemoryError.".into(),
        vec![Advice {
            text: format!(
                "Give the heap a quarter more: it has {} now.",
                units::bytes(worst.limit)
            ),
            config: vec![(setting(context).into(), executor_memory::setting(more))],
            ..Advice::default()
        }],
    ))
}

fn waste(context: &Context<'_>, heaps: &[Heap<'_>]) -> Option<Draft> {
    let thresholds = context.thresholds;
    let worst = heaps.iter().max_by_key(|heap| heap.peak)?;
    let all = heaps
        .iter()
        .all(|heap| heap.share() <= thresholds.headroom_waste_share && heap.limit > thresholds.headroom_waste_bytes);
    let step = 512 << 20;
    let enough = worst
        .peak
        .saturating_add(worst.peak / 2)
        .max(1 << 30)
        .div_ceil(step)
        .saturating_mul(step);
    if !all || enough.saturating_mul(2) > worst.limit {
        return None;
    }
    let spared = worst.limit.saturating_sub(enough).saturating_mul(heaps.len() as u64);
    Some(draft(
        format!(
            "Memory to spare: no executor's heap passed {} of its {}, {} would do",
            units::percent(worst.share()),
            units::bytes(worst.limit),
            units::bytes(enough)
        ),
        worst,
        heaps.iter().take(4).map(evidence).collect(),
        format!(
            "{} of heap on {} is never used.",
            units::bytes(spared),
            units::counted(heaps.len() as u64, "executor")
        ),
        vec![Advice {
            text: "Ask for less, or let more tasks share an executor.".into(),
            config: vec![(setting(context).into(), executor_memory::setting(enough))],
            ..Advice::default()
        }],
    ))
}

fn setting(context: &Context<'_>) -> &'static str {
    if context.application.is_local() {
        "spark.driver.memory"
    } else {
        "spark.executor.memory"
    }
}

fn evidence(heap: &Heap<'_>) -> Evidence {
    Evidence {
        metric: format!("heap of executor {} at its peak", heap.executor.id),
        value: heap.peak as f64,
        unit: Unit::Bytes,
        baseline: Some(heap.limit as f64),
        note: format!("its limit; {}", units::percent(heap.share())),
    }
}

fn draft(title: String, worst: &Heap<'_>, evidence: Vec<Evidence>, cause: String, advice: Vec<Advice>) -> Draft {
    Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title,
            place: Place {
                executor: Some(worst.executor.id.to_string()),
                host: Some(worst.executor.host().to_owned()),
                ..Place::default()
            },
            evidence,
            cause,
            advice,
            saving_ms: None,
            saving_note: "It gives back no time: memory, or safety.".into(),
            confidence: Confidence::Medium,
        },
        matter: Matter::Hazard,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Thresholds, findings};
    use crate::schedule::sample::Sample;

    /// Titles for executors of so many GiB filled to so many hundredths.
    fn told(gib: u64, percent: [u64; 2]) -> Vec<String> {
        let mut application = Sample::cluster(2, 2).stage("a", &[10_000; 8]).application();
        let limit = gib << 30;
        for (executor, percent) in application.executors.iter_mut().skip(1).zip(percent) {
            executor.total_tasks = 4;
            executor.max_memory = ((limit - (300 << 20)) as f64 * 0.6) as u64;
            executor
                .peaks
                .raise(ExecutorMetric::JVMHeapMemory, limit / 100 * percent);
        }
        let findings = findings(&application, &Thresholds::default());
        let of_rule = findings.into_iter().filter(|finding| finding.rule == RULE.name);
        of_rule.map(|finding| finding.title).collect()
    }

    #[test]
    fn full_and_nearly_empty_heaps_are_told() {
        assert_eq!(
            told(2, [97, 40]),
            ["No room left: the heap of executor 1 reached 97% of the limit (1.9 GiB of 2.0 GiB)"]
        );
        assert_eq!(
            told(10, [25, 10]),
            ["Memory to spare: no executor's heap passed 25% of its 10.0 GiB, 4.0 GiB would do"]
        );
    }

    #[test]
    fn heaps_of_use_are_not() {
        assert!(told(10, [60, 10]).is_empty());
        // A small heap is needed for Spark itself.
        assert!(told(1, [20, 10]).is_empty());
    }
}
