//! Stages of two runs matched by their place in the code, and what of each pair is notably different.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Change;
use crate::diagnosis::CallSite;
use crate::model::{Application, MetricValues, Stage, TaskMeasure, TaskMetric, Unit};

/// A number is worth telling when it is so many times the other…
const NOTABLE_RATIO: f64 = 1.25;
/// …or, being a share of the run time, differs by so much.
const NOTABLE_SHARE: f64 = 0.05;

/// A stage with all its attempts.
#[derive(Clone, Debug)]
pub struct StageWork {
    pub id: u32,
    /// The operation and the line of code.
    pub name: String,
    /// First submission to last completion, ms.
    pub duration_ms: Option<u64>,
    attempts: u32,
    tasks: u32,
    failed_tasks: u32,
    median_ms: Option<u64>,
    longest_ms: Option<u64>,
    bytes_read: Option<u64>,
    totals: MetricValues,
}

/// Two stages that belong together, or one without a counterpart.
pub struct StagePair {
    pub a: Option<StageWork>,
    pub b: Option<StageWork>,
    /// What is notably different, when both are there.
    pub changes: Vec<Change>,
}

impl StagePair {
    /// How much longer the second took, ms; what is not there took no time.
    pub fn longer_ms(&self) -> i64 {
        let duration = |stage: &Option<StageWork>| stage.as_ref().and_then(|stage| stage.duration_ms).unwrap_or(0);
        let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        signed(duration(&self.b)).saturating_sub(signed(duration(&self.a)))
    }
}

/// Pairs the n-th stage of a place in the code with the n-th of the same place in the other run; lines of code may have moved. The
/// pairs whose duration differs most come first.
pub fn pairs(a: &Application, b: &Application) -> Vec<StagePair> {
    let mut places: BTreeMap<(String, usize), (Option<StageWork>, Option<StageWork>)> = BTreeMap::new();
    for (place, stage) in numbered(a) {
        places.entry(place).or_default().0 = Some(stage);
    }
    for (place, stage) in numbered(b) {
        places.entry(place).or_default().1 = Some(stage);
    }
    let mut pairs: Vec<StagePair> = places
        .into_values()
        .map(|(a, b)| {
            let changes = a
                .as_ref()
                .zip(b.as_ref())
                .map(|(a, b)| changes(a, b))
                .unwrap_or_default();
            StagePair { a, b, changes }
        })
        .collect();
    pairs.sort_by_key(|pair| Reverse(pair.longer_ms().unsigned_abs()));
    pairs
}

/// Every stage that ran, under its place in the code and which of that place's it is.
fn numbered(application: &Application) -> impl Iterator<Item = ((String, usize), StageWork)> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    works(application).into_iter().map(move |work| {
        let place = work.name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        let number = seen.entry(place.clone()).or_default();
        *number += 1;
        ((place, *number), work)
    })
}

/// The stages that ran by id, their attempts taken together.
fn works(application: &Application) -> Vec<StageWork> {
    let mut attempts: BTreeMap<u32, Vec<&Stage>> = BTreeMap::new();
    for stage in application.ran_stages() {
        attempts.entry(stage.key.id).or_default().push(stage);
    }
    attempts
        .into_iter()
        .filter_map(|(id, attempts)| work(application, id, &attempts))
        .collect()
}

fn work(application: &Application, id: u32, attempts: &[&Stage]) -> Option<StageWork> {
    let last = attempts.last()?;
    let mut totals = MetricValues::default();
    attempts.iter().for_each(|stage| totals.add(&stage.totals));
    let start = attempts.iter().filter_map(|stage| stage.submission_ms).min();
    let end = attempts.iter().filter_map(|stage| stage.completion_ms).max();
    let mut durations: Vec<u64> = attempts
        .iter()
        .flat_map(|stage| stage.tasks.sorted(TaskMeasure::Duration))
        .collect();
    durations.sort_unstable();
    let bytes: Vec<u64> = attempts.iter().filter_map(|stage| stage.bytes_read()).collect();
    Some(StageWork {
        id,
        name: CallSite::of(application, last).short(),
        duration_ms: start
            .zip(end)
            .and_then(|(start, end)| u64::try_from(end.checked_sub(start)?).ok()),
        attempts: u32::try_from(attempts.len()).unwrap_or(u32::MAX),
        tasks: last.num_tasks,
        failed_tasks: attempts
            .iter()
            .map(|stage| stage.failed_tasks)
            .fold(0, u32::saturating_add),
        median_ms: durations.get(durations.len() / 2).copied(),
        longest_ms: durations.last().copied(),
        bytes_read: (!bytes.is_empty()).then(|| bytes.into_iter().fold(0, u64::saturating_add)),
        totals,
    })
}

/// The numbers of a pair that are notably different: what it worked on first, then how.
fn changes(a: &StageWork, b: &StageWork) -> Vec<Change> {
    let number = |what, unit, of: &dyn Fn(&StageWork) -> Option<u64>| Change {
        what,
        unit,
        a: of(a).map(|value| value as f64),
        b: of(b).map(|value| value as f64),
    };
    let total = |what, unit, metric: TaskMetric| number(what, unit, &|stage| stage.totals.get(metric));
    let share = |what, metric: TaskMetric| Change {
        what,
        unit: Unit::Share,
        a: share_of_run_time(a, metric),
        b: share_of_run_time(b, metric),
    };
    let all = [
        number("tasks", Unit::Count, &|stage| Some(u64::from(stage.tasks))),
        number("read", Unit::Bytes, &|stage| stage.bytes_read),
        total("shuffle write", Unit::Bytes, TaskMetric::ShuffleWriteBytes),
        total("output", Unit::Bytes, TaskMetric::OutputBytes),
        number("median task", Unit::Millis, &|stage| stage.median_ms),
        number("longest task", Unit::Millis, &|stage| stage.longest_ms),
        total("disk spill", Unit::Bytes, TaskMetric::DiskBytesSpilled),
        total("results", Unit::Bytes, TaskMetric::ResultSize),
        share("GC share of run time", TaskMetric::JvmGcTime),
        share("fetch wait share of run time", TaskMetric::ShuffleFetchWaitTime),
        number("failed tasks", Unit::Count, &|stage| {
            Some(u64::from(stage.failed_tasks))
        }),
        number("attempts of the stage", Unit::Count, &|stage| {
            Some(u64::from(stage.attempts))
        }),
    ];
    all.into_iter().filter(is_notable).collect()
}

fn share_of_run_time(stage: &StageWork, metric: TaskMetric) -> Option<f64> {
    let run_time = stage.totals.get(TaskMetric::ExecutorRunTime).filter(|ms| *ms > 0)?;
    Some(stage.totals.get(metric)? as f64 / run_time as f64)
}

/// Whether the difference is more than what two runs of the same thing show.
fn is_notable(change: &Change) -> bool {
    let (Some(a), Some(b)) = (change.a, change.b) else {
        return false;
    };
    let (low, high) = (a.min(b), a.max(b));
    // Differences too small to matter, however large their ratio.
    let least = match change.unit {
        Unit::Bytes => 1_048_576.0,
        Unit::Millis => 100.0,
        Unit::Share => return high - low >= NOTABLE_SHARE,
        _ => 1.0,
    };
    high - low >= least && high >= low * NOTABLE_RATIO
}
