//! What is wrong with an application, and what to do about it. Pure functions of the model: no I/O, no clock, no screen.
//! A rule is one file and one line in [`RULES`].

mod adaptive;
mod alike;
mod aqe_off;
mod cache_evicted;
mod call_site;
mod cartesian;
mod collect_to_driver;
mod context;
mod data_incomplete;
mod driver_bound;
mod driver_memory;
mod executor_memory;
mod executor_oom;
mod executor_sizing;
mod failed_query;
mod failed_tasks;
mod failures;
mod fetch_failed;
mod finding;
mod full_scan;
mod gc_pressure;
#[cfg(test)]
mod hostile;
mod idle_executors;
mod jdbc_single_partition;
mod large_broadcast;
mod locality;
mod lost_executors;
mod many_small_files;
mod max_result_size;
mod memory_headroom;
mod missed_broadcast;
mod partition_count;
mod partitions;
mod plan_tree;
mod python_udf;
mod queries;
mod query_plan;
mod recomputed;
mod root_cause;
mod row_format;
#[cfg(test)]
mod sample;
mod scan;
mod serializer;
mod setting_names;
mod shuffle_wait;
mod skew_advice;
mod skewed_partition;
mod slow_host;
mod slow_start;
mod small_files_written;
mod speculation_waste;
mod spill;
mod statistics;
mod straggler;
mod streaming_lag;
mod thresholds;
mod tiny_tasks;
mod too_few_tasks;
mod warm_up;

pub use call_site::CallSite;
pub use finding::{Advice, Code, Confidence, Evidence, Finding, Place, Severity};
pub use partition_count::PartitionCount;
pub use setting_names::{Release, unknown_settings};
pub use thresholds::Thresholds;

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use context::Context;

use crate::model::Application;
use crate::schedule::TimeAccount;

/// What is wrong with an application, and where its time went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnosis {
    /// The findings: what failed something first, then by what fixing them gives back.
    pub findings: Vec<Finding>,
    /// Where the core time went; `None` when the application has no start, end or cores.
    pub time: Option<TimeAccount>,
}

/// A pattern that is looked for.
#[derive(Clone, Copy)]
pub struct Rule {
    /// Its name, as in reports.
    pub name: &'static str,
    /// What it looks for, how the saving is computed, where that comes from.
    pub about: &'static str,
    check: fn(&Context<'_>) -> Vec<Draft>,
}

/// Every rule.
pub const RULES: &[Rule] = &[
    data_incomplete::RULE,
    skewed_partition::RULE,
    too_few_tasks::RULE,
    collect_to_driver::RULE,
    failed_tasks::RULE,
    failed_query::RULE,
    max_result_size::RULE,
    executor_oom::RULE,
    lost_executors::RULE,
    fetch_failed::RULE,
    tiny_tasks::RULE,
    straggler::RULE,
    spill::RULE,
    gc_pressure::RULE,
    driver_bound::RULE,
    jdbc_single_partition::RULE,
    python_udf::RULE,
    row_format::RULE,
    many_small_files::RULE,
    full_scan::RULE,
    missed_broadcast::RULE,
    large_broadcast::RULE,
    cartesian::RULE,
    recomputed::RULE,
    cache_evicted::RULE,
    small_files_written::RULE,
    streaming_lag::RULE,
    slow_host::RULE,
    slow_start::RULE,
    locality::RULE,
    shuffle_wait::RULE,
    speculation_waste::RULE,
    driver_memory::RULE,
    memory_headroom::RULE,
    idle_executors::RULE,
    executor_sizing::RULE,
    serializer::RULE,
    aqe_off::RULE,
];

/// What a rule looks for and how it counts; `None` for a name that is no rule's.
pub fn explain(rule: &str) -> Option<&'static str> {
    RULES.iter().find(|known| known.name == rule).map(|known| known.about)
}

/// Examines an application.
///
/// Over REST a rule sees only the stages whose tasks were read.
pub fn diagnose(application: &Application, thresholds: &Thresholds) -> Diagnosis {
    Diagnosis {
        findings: findings(application, thresholds),
        time: TimeAccount::of(application).filter(|time| time.core_ms_available > 0),
    }
}

/// Where the time went in an application of which only a part has been read: what is wrong cannot be said yet.
pub fn glance(application: &Application) -> Diagnosis {
    Diagnosis {
        findings: Vec::new(),
        time: TimeAccount::of(application).filter(|time| time.core_ms_available > 0),
    }
}

/// Everything found wrong with an application: failures first, then by what fixing gives back.
fn findings(application: &Application, thresholds: &Thresholds) -> Vec<Finding> {
    let Some(context) = Context::new(application, thresholds) else {
        let missing = data_incomplete::drafts(application).into_iter();
        return missing.map(|draft| draft.finding).collect();
    };
    rank(drafts(&context), &context)
}

/// Tasks from which on rules are worth a thread.
const MANY: usize = 20_000;

/// Threads at most: each rule takes some 30 bytes a task while it works.
const THREADS: usize = 4;

/// What each rule finds, in the order of the rules; on all cores where there is much to examine.
fn drafts(context: &Context<'_>) -> Vec<Draft> {
    let tasks: usize = context.application.stages.iter().map(|stage| stage.tasks.len()).sum();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    if tasks < MANY || cores == 1 {
        return RULES.iter().flat_map(|rule| (rule.check)(context)).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            match RULES.get(at) {
                Some(rule) => found.push((at, (rule.check)(context))),
                None => return found,
            }
        }
    };
    let mut found: Vec<(usize, Vec<Draft>)> = thread::scope(|scope| {
        let others: Vec<_> = (1..cores.min(THREADS)).map(|_| scope.spawn(work)).collect();
        let mut found = work();
        for other in others {
            match other.join() {
                Ok(more) => found.extend(more),
                // As if it had been found out here.
                Err(panic) => resume_unwind(panic),
            }
        }
        found
    });
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().flat_map(|(_, drafts)| drafts).collect()
}

/// A finding before it is known whether it matters.
struct Draft {
    finding: Finding,
    matter: Matter,
}

/// Why a finding deserves to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Matter {
    /// A hazard, or something that makes the other findings doubtful.
    Hazard,
    /// For the time that it costs.
    Saving,
    /// It does not keep up, for as long as it runs: a warning whatever it gives back.
    Behind,
    /// It failed the application or a job.
    Failure,
}

/// Severity by what fixing gives back; what gives back too little to be worth reading is left out.
fn rank(drafts: Vec<Draft>, context: &Context<'_>) -> Vec<Finding> {
    let thresholds = context.thresholds;
    let told =
        |draft: &Draft| draft.matter != Matter::Saving || draft.finding.saving_ms >= Some(context.least_saving_ms());
    let mut drafts: Vec<Draft> = drafts.into_iter().filter(told).collect();
    for draft in &mut drafts {
        let share = draft.finding.saving_ms.unwrap_or(0) as f64 / context.wall_ms.max(1) as f64;
        draft.finding.severity = if draft.matter == Matter::Failure || share >= thresholds.critical_saving_share {
            Severity::Critical
        } else if draft.matter == Matter::Behind || share >= thresholds.warning_saving_share {
            Severity::Warning
        } else {
            Severity::Info
        };
    }
    // Executors idle for a fault are told with that fault.
    if drafts.iter().any(|draft| draft.finding.severity >= Severity::Warning) {
        drafts.retain(|draft| draft.finding.rule != idle_executors::RULE.name);
    }
    // What fails or falls behind comes before what is slow: a streaming query has no wall time to save.
    let first = |draft: &Draft| (draft.matter >= Matter::Behind).then_some(draft.matter);
    drafts.sort_by(|a, b| {
        let key = |draft: &Draft| (first(draft), draft.finding.saving_ms, draft.finding.severity);
        key(b)
            .cmp(&key(a))
            .then_with(|| a.finding.place.stage.cmp(&b.finding.place.stage))
    });
    let release = Release::of(context.application);
    let fitted = |draft: Draft| {
        let mut finding = draft.finding;
        setting_names::fit(&mut finding, &release);
        leave_out_what_is_set(&mut finding, context.application);
        finding
    };
    drafts.into_iter().map(fitted).collect()
}

/// A setting that has the advised value already is no advice.
fn leave_out_what_is_set(finding: &mut Finding, application: &Application) {
    let set = |(name, value): &(String, String)| application.environment.spark(name) == Some(value);
    for advice in &mut finding.advice {
        advice.config.retain(|pair| !set(pair));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::sample::Sample;

    pub(super) fn draft(rule: &'static str, matter: Matter, saving_ms: Option<u64>) -> Draft {
        Draft {
            finding: Finding {
                rule,
                severity: Severity::Info,
                title: rule.into(),
                place: Place::default(),
                evidence: Vec::new(),
                cause: String::new(),
                advice: Vec::new(),
                saving_ms,
                saving_note: String::new(),
                confidence: Confidence::High,
            },
            matter,
        }
    }

    #[test]
    fn findings_stand_by_what_they_give_back_failures_first() {
        let application = Sample::cluster(1, 1).lasting(200_000).application();
        let thresholds = Thresholds::default();
        let context = Context::new(&application, &thresholds).unwrap();
        let drafts = vec![
            draft("too-little", Matter::Saving, Some(1_999)),
            draft("none", Matter::Saving, None),
            draft("hazard", Matter::Hazard, None),
            draft("info", Matter::Saving, Some(2_000)),
            draft("critical", Matter::Saving, Some(40_000)),
            draft("warning", Matter::Saving, Some(10_000)),
            draft("behind", Matter::Behind, None),
            draft("failure", Matter::Failure, None),
        ];
        let ranked: Vec<(&str, Severity)> = rank(drafts, &context).iter().map(|f| (f.rule, f.severity)).collect();
        let expected = [
            ("failure", Severity::Critical),
            ("behind", Severity::Warning),
            ("critical", Severity::Critical),
            ("warning", Severity::Warning),
            ("info", Severity::Info),
            ("hazard", Severity::Info),
        ];
        assert_eq!(ranked, expected);
    }

    #[test]
    fn what_is_set_already_is_not_advised() {
        let application = Sample::cluster(1, 1)
            .set("spark.decommission.enabled", "true")
            .application();
        let mut finding = draft("x", Matter::Hazard, None).finding;
        let pair = |name: &str| (name.to_owned(), "true".to_owned());
        finding.advice = vec![Advice {
            config: vec![
                pair("spark.decommission.enabled"),
                pair("spark.storage.decommission.enabled"),
            ],
            ..Advice::default()
        }];
        leave_out_what_is_set(&mut finding, &application);
        assert_eq!(finding.advice[0].config, [pair("spark.storage.decommission.enabled")]);
    }

    #[test]
    fn rules_have_names_and_explanations_of_their_own() {
        for (at, rule) in RULES.iter().enumerate() {
            assert!(
                RULES.iter().skip(at + 1).all(|other| other.name != rule.name),
                "{}",
                rule.name
            );
            assert_eq!(explain(rule.name), Some(rule.about));
        }
        assert_eq!(explain("no-such-rule"), None);
    }

    #[test]
    fn an_application_without_times_has_no_findings() {
        assert_eq!(
            diagnose(&Application::default(), &Thresholds::default()),
            Diagnosis::default()
        );
    }
}
