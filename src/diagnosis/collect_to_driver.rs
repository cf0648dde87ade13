//! `collect-to-driver`: an action brings so much to the driver that the application waits for it, or may fail with a little more.

use super::call_site::CallSite;
use super::context::Context;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Severity};
use super::{Draft, Matter, Rule, partitions, queries};
use crate::model::{Job, Stage, TaskMeasure, TaskMetric, Unit};
use crate::schedule::{Calibration, Change, last_slot_free, slot_times};
use crate::units;

pub const RULE: Rule = Rule {
    name: "collect-to-driver",
    about: "The last stage of a job sends the driver at least 64 MiB, or a tenth of spark.driver.maxResultSize, or is a collect, \
            toPandas, take … whose results cost time. Saving: the results' serialization, the driver's fetching after the last \
            task, and its wait before the next job (no longer than it would take to take over the rows at 10 MiB/s) left out; \
            the application replayed.",
    check,
};

/// Actions that bring rows to the driver.
const ACTIONS: [&str; 15] = [
    "collect",
    "collectAsList",
    "collectAsMap",
    "collectToPython",
    "countByKey",
    "countByValue",
    "first",
    "getRows",
    "head",
    "show",
    "take",
    "takeOrdered",
    "toArrow",
    "toLocalIterator",
    "toPandas",
];

/// `spark.driver.maxResultSize` unless set.
const DEFAULT_LIMIT: u64 = 1 << 30;

fn check(context: &Context<'_>) -> Vec<Draft> {
    context
        .application
        .jobs
        .iter()
        .filter_map(|job| examine(context, job))
        .collect()
}

/// What collecting costs.
struct Cost {
    bytes: u64,
    serialize_ms: u64,
    fetch_ms: u64,
    /// Fetching of results too large to come along with their task, all tasks.
    getting_ms: u64,
    /// The driver's wait after the job that the rows explain.
    after_ms: u64,
}

fn examine(context: &Context<'_>, job: &Job) -> Option<Draft> {
    let stage = result_stage(context, job)?;
    if queries::collects_broadcast(job) {
        return None;
    }
    let site = context.call_site(stage);
    let limit = limit(context);
    let cost = cost(context, job, stage);
    let share = limit.map(|limit| cost.bytes as f64 / limit as f64);
    let thresholds = context.thresholds;
    let is_large = cost.bytes >= thresholds.collect_bytes || share >= Some(thresholds.collect_share_of_limit);
    if !is_large && !ACTIONS.contains(&site.operation.as_str()) {
        return None;
    }
    let mut changes = vec![
        Change::Tasks(stage.key, without_serialization(stage)),
        Change::StageTail(stage.key, 0),
        Change::AfterJob(job.id, cost.after_ms),
    ];
    if is_large {
        changes.push(Change::JobTail(job.id, 0));
    }
    let error = Calibration::of_stage(stage, &context.slots).map_or(1.0, |calibration| calibration.error());
    let what = "without bringing the rows to the driver and without its wait for them";
    let saving = context.saving(&changes, what, error, Confidence::Medium);
    let of_limit = share.map(|share| format!(", {} of spark.driver.maxResultSize", units::percent(share)));
    let title = format!(
        "Collect to the driver in {}: {} of results{}",
        context.name(stage),
        units::bytes(cost.bytes),
        of_limit.filter(|_| is_large).unwrap_or_default()
    );
    let mut place = context.place(stage);
    place.jobs = vec![job.id];
    let rows = partitions::rows(stage);
    let largest = rows
        .into_iter()
        .max_by_key(|row| stage.tasks.metric(*row, TaskMetric::ResultSize));
    place.tasks = largest.map(|row| stage.tasks.id(row)).into_iter().collect();
    let hazard = share >= Some(thresholds.collect_hazard_share);
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title,
            place,
            evidence: evidence(&cost, limit),
            cause: format!(
                "{} at {} sends every row through the driver, one process: it fetches, unpacks and holds what all executors made, \
                 and they wait.",
                site.operation,
                site.line_or_unknown()
            ),
            advice: advice(context, stage, &site),
            saving_ms: Some(saving.ms),
            saving_note: saving.note,
            confidence: saving.confidence,
        },
        matter: if hazard { Matter::Hazard } else { Matter::Saving },
    })
}

/// The stage that makes a job's result: Spark numbers it last. Its latest attempt. Adaptive query execution also submits jobs
/// that end with a shuffle: those bring the driver no rows.
fn result_stage<'a>(context: &Context<'a>, job: &Job) -> Option<&'a Stage> {
    let last = job.stage_ids.iter().max()?;
    let attempts = context.application.ran_stages().filter(|stage| stage.key.id == *last);
    let writes_shuffle = |stage: &Stage| stage.totals.get(TaskMetric::ShuffleWriteRecords) > Some(0);
    attempts
        .max_by_key(|stage| stage.key)
        .map(|stage| &**stage)
        .filter(|stage| !stage.tasks.is_empty() && !writes_shuffle(stage))
}

/// How much of the driver's wait after a job what it collected explains, ms.
pub fn explained_after(context: &Context<'_>, job: &Job) -> u64 {
    result_stage(context, job).map_or(0, |stage| cost(context, job, stage).after_ms)
}

fn limit(context: &Context<'_>) -> Option<u64> {
    let environment = &context.application.environment;
    let limit = environment
        .spark_bytes("spark.driver.maxResultSize", 1)
        .unwrap_or(DEFAULT_LIMIT);
    // 0 is no limit.
    (limit > 0).then_some(limit)
}

fn cost(context: &Context<'_>, job: &Job, stage: &Stage) -> Cost {
    let rows = partitions::rows(stage);
    let tasks = &*stage.tasks;
    let sum = |of: &dyn Fn(usize) -> Option<u64>| rows.iter().filter_map(|row| of(*row)).fold(0, u64::saturating_add);
    let bytes = sum(&|row| tasks.metric(row, TaskMetric::ResultSize));
    let serialize_ms = sum(&|row| tasks.metric(row, TaskMetric::ResultSerializationTime));
    let getting_ms = sum(&|row| tasks.measure(row, TaskMeasure::GettingResultTime));
    let end = job.completion_ms.or(stage.completion_ms);
    let fetch = end
        .zip(last_slot_free(stage))
        .map_or(0, |(end, free)| end.saturating_sub(free));
    // Until the next job starts (or the application ends) the driver is alone with the rows.
    let next = end.map(|end| next_start(context, end));
    let gap = next.zip(end).map_or(0, |(next, end)| next.saturating_sub(end));
    let explained = bytes.saturating_mul(1_000) / context.thresholds.collect_bytes_per_second.max(1);
    Cost {
        bytes,
        serialize_ms,
        getting_ms,
        fetch_ms: u64::try_from(fetch).unwrap_or(0),
        after_ms: u64::try_from(gap).unwrap_or(0).min(explained),
    }
}

/// When the first job after a moment starts, or the application ends; that moment itself while another job runs.
fn next_start(context: &Context<'_>, moment: i64) -> i64 {
    let jobs = &context.application.jobs;
    let runs = |job: &Job| {
        job.submission_ms.is_some_and(|from| from <= moment) && job.completion_ms.is_none_or(|end| end > moment)
    };
    if jobs.iter().any(runs) {
        return moment;
    }
    let later = jobs
        .iter()
        .filter_map(|job| job.submission_ms)
        .filter(|from| *from > moment);
    later.min().unwrap_or(context.slots.end_ms)
}

fn without_serialization(stage: &Stage) -> Vec<u64> {
    let serialize = |row| {
        stage
            .tasks
            .metric(row, TaskMetric::ResultSerializationTime)
            .unwrap_or(0)
    };
    slot_times(stage)
        .into_iter()
        .map(|(row, held)| held.saturating_sub(serialize(row)))
        .collect()
}

fn evidence(cost: &Cost, limit: Option<u64>) -> Vec<Evidence> {
    let time = |metric: &str, millis: u64, note: &str| Evidence {
        metric: metric.into(),
        value: millis as f64,
        unit: Unit::Millis,
        baseline: None,
        note: note.into(),
    };
    let mut evidence = vec![Evidence {
        metric: "size of serialized results".into(),
        value: cost.bytes as f64,
        unit: Unit::Bytes,
        baseline: limit.map(|limit| limit as f64),
        note: if limit.is_some() {
            "spark.driver.maxResultSize: more than that fails the job"
        } else {
            "no limit is set"
        }
        .into(),
    }];
    evidence.push(time(
        "driver after the last task's slot was free",
        cost.fetch_ms,
        "fetches the results that are still to come",
    ));
    if cost.after_ms > 0 {
        evidence.push(time(
            "driver after the job, before the next",
            cost.after_ms,
            "unpacks the rows; nothing else runs",
        ));
    }
    if cost.getting_ms > 0 {
        evidence.push(time(
            "getting result time, all tasks",
            cost.getting_ms,
            "results too large to come along with the task",
        ));
    }
    if cost.serialize_ms > 0 {
        evidence.push(time(
            "result serialization, all tasks",
            cost.serialize_ms,
            "on the executors",
        ));
    }
    evidence
}

fn advice(context: &Context<'_>, stage: &Stage, site: &CallSite) -> Vec<Advice> {
    let at = site.line_or_unknown();
    let sql = stage.sql.is_some();
    let name = if sql { "df" } else { "rdd" };
    let mut advice = vec![Advice {
        text: format!("Write the result from the executors instead of bringing it to the driver at {at}."),
        config: Vec::new(),
        code: if sql {
            Code {
                python: "df.write.mode(\"overwrite\").parquet(\"/path/of/result\")".into(),
                scala: "df.write.mode(\"overwrite\").parquet(\"/path/of/result\")".into(),
                sql: "INSERT OVERWRITE TABLE result SELECT …".into(),
            }
        } else {
            Code {
                python: "rdd.saveAsTextFile(\"/path/of/result\")".into(),
                scala: "rdd.saveAsTextFile(\"/path/of/result\")".into(),
                sql: String::new(),
            }
        },
    }];
    advice.push(Advice {
        text: "If the driver needs a part only, let the executors aggregate, filter or limit first.".into(),
        config: Vec::new(),
        code: if sql {
            Code {
                python: "rows = df.groupBy(\"key\").agg(…).limit(1000).collect()".into(),
                scala: "val rows = df.groupBy(\"key\").agg(…).limit(1000).collect()".into(),
                sql: "SELECT key, sum(value) FROM t GROUP BY key LIMIT 1000".into(),
            }
        } else {
            Code {
                python: "rows = rdd.reduceByKey(merge).take(1000)".into(),
                scala: "val rows = rdd.reduceByKey(merge).take(1000)".into(),
                sql: String::new(),
            }
        },
    });
    advice.push(Advice {
        text: "If the driver must see every row, take one partition at a time: it then holds no more than that (slower, but within \
               memory and limit). Raising spark.driver.maxResultSize treats the symptom."
            .into(),
        config: Vec::new(),
        code: Code {
            python: format!("for row in {name}.toLocalIterator(prefetchPartitions=True): …"),
            scala: if sql {
                "df.toLocalIterator.forEachRemaining(row => …)".into()
            } else {
                "rdd.toLocalIterator.foreach(row => …)".into()
            },
            sql: String::new(),
        },
    });
    let arrow = "spark.sql.execution.arrow.pyspark.enabled";
    if site.operation == "toPandas" && context.application.environment.spark_bool(arrow) != Some(true) {
        advice.push(Advice {
            text: "toPandas goes through Arrow, in columns, many times as fast, when told so.".into(),
            config: vec![(arrow.into(), "true".into())],
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

    fn collecting(operation: &str, bytes: u64) -> Sample {
        Sample::cluster(2, 2)
            .stage("reduceByKey at /apps/a.py:3", &[1_000; 20])
            .stage_with(&format!("{operation} at /apps/a.py:5"), &[1_000; 8], move |_, task| {
                task.metrics.set(TaskMetric::ResultSize, Some(bytes / 8));
                task.metrics.set(TaskMetric::ResultSerializationTime, Some(100));
            })
    }

    #[test]
    fn a_large_collect_costs_what_the_driver_waits_for_it() {
        let sample = collecting("collect", 256 << 20)
            .job_tail(700)
            .gap(9_000)
            .stage("sum at /apps/a.py:9", &[1_000; 8]);
        let findings = findings(&sample.application(), &Thresholds::default());
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!((finding.rule, finding.severity), (RULE.name, Severity::Critical));
        assert_eq!(
            finding.title,
            "Collect to the driver in stage 1 (collect at a.py:5): 256 MiB of results, 25% of spark.driver.maxResultSize"
        );
        // 9 s after, 0.7 s at the end of the job, 0.1 s of serialization in each of two waves.
        assert_eq!(
            (finding.saving_ms, finding.confidence),
            (Some(9_900), Confidence::Medium)
        );
    }

    #[test]
    fn what_the_driver_does_longer_is_not_the_collect_s() {
        let sample = collecting("collect", 64 << 20)
            .gap(60_000)
            .stage("sum at /apps/a.py:9", &[1_000; 8]);
        let findings = findings(&sample.application(), &Thresholds::default());
        let explained = findings.iter().find(|finding| finding.rule == RULE.name).unwrap();
        assert_eq!(explained.saving_ms, Some(6_400 + 200));
    }

    #[test]
    fn a_small_collect_is_no_fault() {
        let sample = collecting("collect", 64 << 10)
            .gap(60_000)
            .stage("sum at /apps/a.py:9", &[1_000; 8]);
        let findings = findings(&sample.application(), &Thresholds::default());
        assert!(findings.iter().all(|finding| finding.rule != RULE.name), "{findings:?}");
    }

    #[test]
    fn a_job_that_ends_with_a_shuffle_brings_no_rows() {
        let sample = Sample::cluster(2, 2).stage_with("collect at /apps/a.py:5", &[1_000; 8], |_, task| {
            task.metrics.set(TaskMetric::ResultSize, Some(900 << 20));
            task.metrics.set(TaskMetric::ShuffleWriteRecords, Some(7));
        });
        assert!(findings(&sample.gap(60_000).application(), &Thresholds::default()).is_empty());
    }

    #[test]
    fn a_collect_near_the_limit_is_told_even_when_it_is_quick() {
        let sample = collecting("count", 32 << 20).set("spark.driver.maxResultSize", "40m");
        let findings = findings(&sample.application(), &Thresholds::default());
        assert_eq!((findings[0].rule, findings[0].severity), (RULE.name, Severity::Info));
        assert!(
            findings[0].title.ends_with("80% of spark.driver.maxResultSize"),
            "{}",
            findings[0].title
        );
    }
}
