//! `driver-bound`: for much of the time no task runs at all; the executors wait for the driver.

use super::call_site::CallSite;
use super::context::Context;
use super::finding::{Advice, Confidence, Evidence, Finding, Place, Severity};
use super::{Draft, Matter, Rule, collect_to_driver, statistics};
use crate::model::{Job, Unit};
use crate::schedule::Change;
use crate::units;

pub const RULE: Rule = Rule {
    name: "driver-bound",
    about: "Between the first and the last job, at least 20% of wall time passes with no job under way while executors are there \
            (what a large collect explains is that rule's; interactive shells are left out, and what streaming queries wait for data or \
            their trigger). Saving: the application replayed \
            without those waits: what could be gained at most.",
    check,
};

/// Names of applications whose driver waits for a person.
const INTERACTIVE: [&str; 6] = [
    "PySparkShell",
    "Spark shell",
    "SparkSQL::",
    "Thrift JDBC/ODBC Server",
    "Zeppelin",
    "Databricks Shell",
];

/// A time without any job.
#[derive(Clone, Copy)]
struct Gap<'a> {
    from_ms: i64,
    until_ms: i64,
    before: &'a Job,
    after: &'a Job,
    /// What a collect explains of it, ms.
    explained_ms: u64,
}

impl Gap<'_> {
    fn own_ms(&self) -> u64 {
        u64::try_from(self.until_ms.saturating_sub(self.from_ms))
            .unwrap_or(0)
            .saturating_sub(self.explained_ms)
    }
}

fn check(context: &Context<'_>) -> Vec<Draft> {
    let name = &context.application.name;
    if INTERACTIVE.iter().any(|known| name.starts_with(known)) {
        return Vec::new();
    }
    examine(context).into_iter().collect()
}

/// The gaps between jobs, in order of time.
fn gaps<'a>(context: &Context<'a>) -> Vec<Gap<'a>> {
    let mut jobs: Vec<&Job> = context
        .application
        .jobs
        .iter()
        .filter(|job| job.submission_ms.is_some())
        .collect();
    jobs.sort_by_key(|job| (job.submission_ms, job.id));
    let mut gaps = Vec::new();
    let mut last: Option<(&Job, i64)> = None;
    for job in jobs {
        let from = job.submission_ms.unwrap_or(0);
        let until = job.completion_ms.unwrap_or(context.slots.end_ms);
        if let Some((before, end)) = last
            && from > end
            && !is_batch(job)
        {
            gaps.push(Gap {
                from_ms: end,
                until_ms: from,
                before,
                after: job,
                explained_ms: collect_to_driver::explained_after(context, before),
            });
        }
        if last.is_none_or(|(_, end)| until > end) {
            last = Some((job, until));
        }
    }
    // Without executors it is the cluster that is waited for.
    gaps.retain(|gap| context.slots.alive(gap.from_ms, gap.until_ms).next().is_some());
    gaps
}

/// Whether a job belongs to a batch of a streaming query (`StreamExecution.getBatchDescriptionString`), which begins when there are
/// data, or when its trigger says.
fn is_batch(job: &Job) -> bool {
    let description = job.description.as_deref().unwrap_or_default();
    description.contains("runId = ") && description.contains("batch = ")
}

fn examine(context: &Context<'_>) -> Option<Draft> {
    let gaps = gaps(context);
    let total: u64 = statistics::total(gaps.iter().map(Gap::own_ms));
    if (total as f64) < context.wall_ms as f64 * context.thresholds.driver_share {
        return None;
    }
    let changes: Vec<Change> = gaps
        .iter()
        .map(|gap| Change::AfterJob(gap.before.id, gap.own_ms()))
        .collect();
    let saving = context.saving(
        &changes,
        "without the driver's waits between jobs, the most there is to gain",
        0.0,
        Confidence::Low,
    );
    let worst = gaps.iter().max_by_key(|gap| gap.own_ms())?;
    let share = total as f64 / context.wall_ms.max(1) as f64;
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "The driver alone for {}, {} of the time: longest before job {} ({}), {}",
                units::duration(total),
                units::percent(share),
                worst.after.id,
                named(context, worst.after),
                units::duration(worst.own_ms())
            ),
            place: Place {
                jobs: vec![worst.after.id],
                sql: worst.after.sql,
                ..Place::default()
            },
            evidence: evidence(context, &gaps, total),
            cause: cause(context, worst),
            advice: advice(),
            saving_ms: Some(saving.ms),
            saving_note: saving.note,
            confidence: saving.confidence,
        },
        matter: Matter::Saving,
    })
}

/// How much of a gap the planning of the next job's SQL execution takes, ms.
fn planning_ms(context: &Context<'_>, gap: &Gap<'_>) -> u64 {
    let sql = gap
        .after
        .sql
        .and_then(|id| context.application.sql.iter().find(|sql| sql.id == id));
    let from = sql
        .and_then(|sql| sql.submission_ms)
        .unwrap_or(gap.until_ms)
        .max(gap.from_ms);
    u64::try_from(gap.until_ms.saturating_sub(from)).unwrap_or(0)
}

fn evidence(context: &Context<'_>, gaps: &[Gap<'_>], total: u64) -> Vec<Evidence> {
    let mut largest: Vec<&Gap<'_>> = gaps.iter().collect();
    largest.sort_by_key(|gap| std::cmp::Reverse(gap.own_ms()));
    let time = |metric: String, value: u64, baseline, note: String| Evidence {
        metric,
        value: value as f64,
        unit: Unit::Millis,
        baseline,
        note,
    };
    let mut evidence = vec![time(
        "time between jobs".into(),
        total,
        Some(context.wall_ms as f64),
        "wall time of the application".into(),
    )];
    for gap in largest.into_iter().take(3).filter(|gap| gap.own_ms() > 0) {
        let planning = planning_ms(context, gap);
        let note = match planning {
            0 => "before its query was submitted: code between the actions".to_owned(),
            planning => format!(
                "{} of it after its query was submitted (analysis, listing of files, planning)",
                units::duration(planning)
            ),
        };
        evidence.push(time(
            format!("before job {} ({})", gap.after.id, named(context, gap.after)),
            gap.own_ms(),
            None,
            note,
        ));
    }
    evidence
}

fn cause(context: &Context<'_>, worst: &Gap<'_>) -> String {
    let planning = planning_ms(context, worst);
    if planning * 2 >= worst.own_ms().max(1) {
        "Most of the longest wait is spent on planning the next query: listing its files and partitions, reading their schemas, \
         optimizing a large plan."
            .into()
    } else {
        format!(
            "Most of the longest wait, between {} and {}, is the program's own code in the driver, or a commit of what the last job \
             wrote: no job runs, and every executor is idle.",
            named(context, worst.before),
            named(context, worst.after)
        )
    }
}

/// What a job is, in the user's code.
fn named(context: &Context<'_>, job: &Job) -> String {
    CallSite::of_job(context.application, job).short()
}

fn advice() -> Vec<Advice> {
    vec![
        Advice {
            text: "Move the work between the actions into them (DataFrame operations instead of loops over collected rows), or run \
                   independent actions at the same time from several threads."
                .into(),
            config: vec![("spark.scheduler.mode".into(), "FAIR".into())],
            ..Advice::default()
        },
        Advice {
            text: "If it is planning: give schemas instead of inferring them, read tables of a catalog instead of listing paths, and \
                   break very long chains of operations with a checkpoint."
                .into(),
            ..Advice::default()
        },
        Advice {
            text: "If it is the commit of files to an object store, use the store's own committer rather than renames.".into(),
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

    fn waiting(gap: i64) -> Application {
        Sample::cluster(2, 2)
            .stage("a", &[1_000; 40])
            .gap(gap)
            .stage("b", &[1_000; 40])
            .application()
    }

    #[test]
    fn waits_between_jobs_are_told() {
        let findings = findings(&waiting(20_000), &Thresholds::default());
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            finding.title,
            "The driver alone for 20.0s, 50% of the time: longest before job 1 (b), 20.0s"
        );
        assert_eq!((finding.saving_ms, finding.confidence), (Some(20_000), Confidence::Low));
    }

    #[test]
    fn short_waits_and_waits_for_a_person_are_not() {
        assert!(findings(&waiting(2_000), &Thresholds::default()).is_empty());
        let mut shell = waiting(20_000);
        shell.name = "PySparkShell".into();
        assert!(findings(&shell, &Thresholds::default()).is_empty());
        let mut stream = waiting(20_000);
        stream.jobs[1].description = Some("answers id = 7dce runId = 9d1a batch = 3".into());
        assert!(findings(&stream, &Thresholds::default()).is_empty());
    }
}
