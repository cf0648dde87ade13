//! `driver-memory`: the driver's heap fills while the executors' stay empty, or the driver ran out of it.

use super::context::Context;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Place, Severity};
use super::{Draft, Matter, Rule, executor_memory, failures, statistics};
use crate::model::{Executor, ExecutorMetric, Job, JobStatus, Stage, TaskMetric, Unit};
use crate::units;

pub const RULE: Rule = Rule {
    name: "driver-memory",
    about: "The driver's JVM heap was filled to at least 50% of its limit at its peak, and at least twice as full as the fullest \
            executor's; or a job failed for an OutOfMemoryError in the driver. No saving: it is a hazard until the driver dies of it.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    if context.application.is_local() {
        return Vec::new();
    }
    examine(context).into_iter().collect()
}

/// Peak of the heap and its limit, bytes.
fn heap(context: &Context<'_>, executor: &Executor) -> Option<(u64, u64)> {
    let peak = executor
        .peaks
        .get(ExecutorMetric::JVMHeapMemory)
        .filter(|peak| *peak > 0)?;
    Some((peak, executor.heap_limit(&context.application.environment)?))
}

fn share((peak, limit): (u64, u64)) -> f64 {
    peak as f64 / limit.max(1) as f64
}

/// A stage that failed in the driver for lack of memory: no task of its own failed so.
fn failed_stage<'a>(context: &Context<'a>) -> Option<&'a Stage> {
    let stages = context.application.stages.iter().map(|stage| &**stage);
    stages.into_iter().find(|stage| {
        let reason = stage.failure_reason.as_deref().unwrap_or_default();
        reason.contains("OutOfMemoryError") && !reason.contains("Lost task") && !reason.contains("Task ")
    })
}

fn examine(context: &Context<'_>) -> Option<Draft> {
    let thresholds = context.thresholds;
    let application = context.application;
    let (driver, executors): (Vec<&Executor>, Vec<&Executor>) =
        application.executors.iter().partition(|executor| executor.is_driver());
    let driver = driver.first().and_then(|driver| heap(context, driver));
    let fullest = executors
        .into_iter()
        .filter_map(|executor| Some((executor, heap(context, executor)?)))
        .max_by(|a, b| share(a.1).total_cmp(&share(b.1)));
    let died = failed_stage(context);
    let full = driver.zip(fullest).is_some_and(|(driver, (_, executor))| {
        share(driver) >= thresholds.driver_memory_share
            && share(driver) >= thresholds.driver_memory_ratio * share(executor)
    });
    if died.is_none() && !full {
        return None;
    }
    let failed: Vec<&Job> = died
        .map(|stage| failures::jobs_failed_by(context, stage))
        .unwrap_or_default();
    let mut evidence = Vec::new();
    if let Some((peak, limit)) = driver {
        evidence.push(bytes(
            "driver heap at its peak",
            peak,
            limit,
            "its limit: spark.driver.memory",
        ));
    }
    if let Some((executor, (peak, limit))) = fullest {
        evidence.push(bytes(
            &format!("heap of executor {}, the fullest", executor.id),
            peak,
            limit,
            "its limit: spark.executor.memory",
        ));
    }
    let fillers = fillers(context);
    evidence.extend(fillers.iter().map(|filler| filler.evidence.clone()));
    let title = match (&died, driver) {
        (Some(stage), _) => format!(
            "The driver ran out of memory in {}{}",
            context.name(stage),
            if failed.is_empty() {
                String::new()
            } else {
                format!("; {}", failures::jobs_in_words(&failed))
            }
        ),
        (None, Some(driver)) => format!(
            "The driver's heap was {} full ({} of {}), the executors' {} at most",
            units::percent(share(driver)),
            units::bytes(driver.0),
            units::bytes(driver.1),
            units::percent(fullest.map_or(0.0, |(_, heap)| share(heap)))
        ),
        (None, None) => return None,
    };
    let worst = fillers.first();
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title,
            place: died.map_or_else(Place::default, |stage| context.place(stage)),
            evidence,
            cause: worst.map_or_else(
                || {
                    "What the program keeps in the driver fills it: collected rows, local collections made into RDDs or DataFrames, \
                     broadcast variables, large plans."
                        .to_owned()
                },
                |filler| filler.cause.clone(),
            ),
            advice: advice(driver, worst),
            saving_ms: None,
            saving_note: if failed.is_empty() {
                "A hazard: a little more data and the driver dies, and the application with it.".into()
            } else {
                failures::NO_TIME_BACK.into()
            },
            confidence: if died.is_some() { Confidence::High } else { Confidence::Medium },
        },
        matter: match (died, failed.iter().any(|job| job.status == JobStatus::Failed)) {
            (Some(_), true) => Matter::Failure,
            _ => Matter::Hazard,
        },
    })
}

fn bytes(metric: &str, value: u64, baseline: u64, note: &str) -> Evidence {
    Evidence {
        metric: metric.into(),
        value: value as f64,
        unit: Unit::Bytes,
        baseline: Some(baseline as f64),
        note: note.into(),
    }
}

/// Something that is known to fill a driver.
struct Filler {
    evidence: Evidence,
    cause: String,
    advice: Advice,
}

/// More tasks than this are a burden to the driver, which keeps account of each (some KiB a task).
const MANY_TASKS: u64 = 200_000;
/// Results of this share of the heap are worth naming.
const RESULTS_SHARE: f64 = 0.1;

/// What can be seen of what fills the driver, the largest first.
fn fillers(context: &Context<'_>) -> Vec<Filler> {
    let application = context.application;
    let limit = application
        .executors
        .iter()
        .find(|executor| executor.is_driver())
        .and_then(|driver| driver.heap_limit(&application.environment))
        .unwrap_or(1 << 30);
    let mut fillers = Vec::new();
    let results = statistics::total(
        application
            .stages
            .iter()
            .filter_map(|stage| stage.totals.get(TaskMetric::ResultSize)),
    );
    if results as f64 >= limit as f64 * RESULTS_SHARE {
        let largest = application
            .stages
            .iter()
            .max_by_key(|stage| stage.totals.get(TaskMetric::ResultSize));
        let at = largest.map_or_else(String::new, |stage| format!(", most by {}", context.name(stage)));
        fillers.push(Filler {
            evidence: bytes(
                "results sent to the driver",
                results,
                limit,
                "the driver's heap; rows grow when deserialized",
            ),
            cause: format!("Collected rows fill it: {} of results came{at}.", units::bytes(results)),
            advice: Advice {
                text: "Write results from the executors, or aggregate or limit before collecting.".into(),
                code: Code {
                    python: "df.write.mode(\"overwrite\").parquet(\"/path/of/result\")".into(),
                    scala: "df.write.mode(\"overwrite\").parquet(\"/path/of/result\")".into(),
                    sql: "INSERT OVERWRITE TABLE result SELECT …".into(),
                },
                ..Advice::default()
            },
        });
    }
    let tasks = application.task_count();
    if tasks >= MANY_TASKS {
        fillers.push(Filler {
            evidence: Evidence {
                metric: "task attempts that the driver kept account of".into(),
                value: tasks as f64,
                unit: Unit::Count,
                baseline: Some(MANY_TASKS as f64),
                note: "spark.ui.retainedTasks bounds what it keeps of each stage".into(),
            },
            cause: "It keeps account of very many tasks: many small input files or partitions.".into(),
            advice: Advice {
                text: "Have fewer, larger tasks: compact small input files, read more of them in one task.".into(),
                config: vec![("spark.sql.files.maxPartitionBytes".into(), "256m".into())],
                ..Advice::default()
            },
        });
    }
    fillers
}

fn advice(driver: Option<(u64, u64)>, worst: Option<&Filler>) -> Vec<Advice> {
    let mut advice: Vec<Advice> = worst.map(|filler| filler.advice.clone()).into_iter().collect();
    if worst.is_none() {
        advice.push(Advice {
            text: "Keep data out of the driver: read it in the executors instead of making RDDs or DataFrames of local collections, \
                   broadcast what is small, unpersist and destroy what is no longer needed."
                .into(),
            code: Code {
                python: "rdd = sc.range(0, n).map(make_row)  # instead of sc.parallelize([make_row(i) for i in range(n)])".into(),
                scala: "val rdd = sc.range(0, n).map(makeRow)  // instead of sc.parallelize(rows)".into(),
                sql: String::new(),
            },
            ..Advice::default()
        });
    }
    if let Some((_, limit)) = driver {
        advice.push(Advice {
            text: format!(
                "Or give the driver half as much heap again: it has {} now.",
                units::bytes(limit)
            ),
            config: vec![(
                "spark.driver.memory".into(),
                executor_memory::setting(limit.saturating_add(limit / 2)),
            )],
            ..Advice::default()
        });
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::sample::told;
    use crate::model::{Application, StageStatus};
    use crate::schedule::sample::Sample;

    /// Heaps filled to so many hundredths of 1 GiB.
    fn filled(driver: u64, executor: u64) -> Application {
        let mut application = Sample::cluster(2, 2).stage("a", &[10_000; 8]).application();
        for known in &mut application.executors {
            let percent = if known.is_driver() { driver } else { executor };
            known.max_memory = ((724 << 20) as f64 * 0.6) as u64;
            known
                .peaks
                .raise(ExecutorMetric::JVMHeapMemory, (1 << 30) / 100 * percent);
        }
        application
    }

    #[test]
    fn a_driver_fuller_than_its_executors_is_told() {
        let findings = told(&RULE, &filled(80, 20));
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            finding.title,
            "The driver's heap was 80% full (819 MiB of 1.0 GiB), the executors' 20% at most"
        );
        assert_eq!(finding.severity, Severity::Info);
        assert!(told(&RULE, &filled(45, 5)).is_empty());
        assert!(told(&RULE, &filled(80, 60)).is_empty());
    }

    #[test]
    fn a_driver_that_died_of_it_failed_the_job() {
        let application = filled(20, 20);
        let mut stage = (*application.stages[0]).clone();
        stage.status = StageStatus::Failed;
        stage.failure_reason =
            Some("Job aborted due to stage failure: java.lang.OutOfMemoryError: Java heap space".into());
        let mut application = application.with_stage(stage);
        application.jobs[0].status = JobStatus::Failed;
        let findings = told(&RULE, &application);
        assert_eq!(
            findings[0].title,
            "The driver ran out of memory in stage 0 (a); job 0 failed"
        );
        assert_eq!(findings[0].severity, Severity::Critical);
    }
}
