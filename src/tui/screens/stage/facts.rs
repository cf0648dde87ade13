//! What a stage's screen shows, computed once when its tasks have come: quantiles, distributions, locality levels,
//! executors, failures. Drawing then only reads. Knows no screen.

use std::sync::Arc;

use crate::model::{Locality, Stage, TaskMeasure, TaskMetric, TaskStatus, TaskTable, Unit, quantile_index};

use super::failures::{self, FailureGroup};

/// A value this many times the median is an outlier (`skewed-partition` of the rules).
pub const OUTLIER: f64 = 3.0;

/// The columns of the quantiles table.
pub const QUANTILES: [(&str, f64); 6] = [
    ("min", 0.0),
    ("p25", 0.25),
    ("median", 0.5),
    ("p75", 0.75),
    ("p95", 0.95),
    ("max", 1.0),
];

/// Place of the median among [`QUANTILES`].
const MEDIAN: usize = 2;

/// Place of the maximum among [`QUANTILES`].
const MAX: usize = 5;

/// Every measure with quantiles, in the order of what a person looks at first.
const MEASURES: [TaskMeasure; 23] = [
    TaskMeasure::Duration,
    TaskMeasure::ShuffleReadBytes,
    TaskMeasure::Metric(TaskMetric::InputBytes),
    TaskMeasure::Metric(TaskMetric::JvmGcTime),
    TaskMeasure::Metric(TaskMetric::DiskBytesSpilled),
    TaskMeasure::Metric(TaskMetric::ExecutorRunTime),
    TaskMeasure::SchedulerDelay,
    TaskMeasure::Metric(TaskMetric::PeakExecutionMemory),
    TaskMeasure::Metric(TaskMetric::ShuffleWriteBytes),
    TaskMeasure::Metric(TaskMetric::ShuffleReadRecords),
    TaskMeasure::Metric(TaskMetric::InputRecords),
    TaskMeasure::Metric(TaskMetric::ResultSize),
    TaskMeasure::Metric(TaskMetric::ShuffleFetchWaitTime),
    TaskMeasure::Metric(TaskMetric::MemoryBytesSpilled),
    TaskMeasure::Metric(TaskMetric::OutputBytes),
    TaskMeasure::Metric(TaskMetric::OutputRecords),
    TaskMeasure::Metric(TaskMetric::ExecutorCpuTime),
    TaskMeasure::Metric(TaskMetric::ExecutorDeserializeTime),
    TaskMeasure::Metric(TaskMetric::ResultSerializationTime),
    TaskMeasure::GettingResultTime,
    TaskMeasure::Metric(TaskMetric::ShuffleRemoteBytesRead),
    TaskMeasure::Metric(TaskMetric::ShuffleWriteRecords),
    TaskMeasure::Metric(TaskMetric::ShuffleWriteTime),
];

/// One row of the quantiles table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuantileRow {
    /// What is measured.
    pub measure: TaskMeasure,
    /// The values of [`QUANTILES`] over successful tasks.
    pub values: [u64; 6],
    /// The sum, as Spark's stage page has it.
    pub total: u64,
}

impl QuantileRow {
    /// How many times the median the largest is; `None` where the median is 0.
    pub fn spread(&self) -> Option<f64> {
        (self.values[MEDIAN] > 0).then(|| self.values[MAX] as f64 / self.values[MEDIAN] as f64)
    }

    /// The median.
    pub fn median(&self) -> u64 {
        self.values[MEDIAN]
    }
}

/// The sizes of the tasks' partitions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// What stands for the size: shuffle read, else input, else records.
    pub measure: TaskMeasure,
    /// The sizes over successful tasks, ascending.
    pub sorted: Vec<u64>,
}

/// The tasks of one locality level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalityFacts {
    /// The level.
    pub level: Locality,
    /// Task attempts at it.
    pub tasks: usize,
    /// Median duration of its ended attempts, ms.
    pub median_ms: Option<u64>,
}

/// What one executor did in the stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutorFacts {
    /// Executor id.
    pub id: Arc<str>,
    /// Its host.
    pub host: Arc<str>,
    /// Task attempts.
    pub tasks: usize,
    /// Those that failed.
    pub failed: usize,
    /// Sum of their durations, ms.
    pub duration_ms: u64,
    /// Sum of their run times, ms, where recorded.
    pub run_ms: Option<u64>,
    /// Sum of their GC times, ms, where recorded.
    pub gc_ms: Option<u64>,
    /// Sum of their spill to disk, bytes, where recorded.
    pub spill: Option<u64>,
}

impl ExecutorFacts {
    /// GC time as a share of run time.
    pub fn gc_share(&self) -> Option<f64> {
        let (gc, run) = (self.gc_ms?, self.run_ms?);
        (run > 0).then(|| gc as f64 / run as f64)
    }
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Quantiles of what was recorded and is not zero throughout.
    pub quantiles: Vec<QuantileRow>,
    /// What was recorded and is zero throughout.
    pub zero: Vec<&'static str>,
    /// What no task recorded.
    pub absent: Vec<&'static str>,
    /// Durations of successful tasks, ascending, ms.
    pub durations: Vec<u64>,
    /// Partition sizes; absent where no task read anything.
    pub sizes: Option<Sizes>,
    /// The locality levels that occur, best first.
    pub localities: Vec<LocalityFacts>,
    /// The executors that ran tasks, those with the most task time first.
    pub executors: Vec<ExecutorFacts>,
    /// The reasons of failed tasks, the most frequent first.
    pub failures: Vec<FailureGroup>,
}

impl Facts {
    /// Computes them; some sorting a measure, so not to be done while drawing.
    pub fn of(stage: &Stage) -> Facts {
        let tasks = &*stage.tasks;
        let mut facts = Facts {
            durations: tasks.sorted(TaskMeasure::Duration),
            ..Facts::default()
        };
        for measure in MEASURES {
            let sorted = match measure {
                TaskMeasure::Duration => facts.durations.clone(),
                _ => tasks.sorted(measure),
            };
            match sorted.last() {
                _ if facts.durations.is_empty() => {}
                None => facts.absent.push(measure.label()),
                Some(0) if measure != TaskMeasure::Duration => facts.zero.push(measure.label()),
                Some(_) => facts.quantiles.push(quantile_row(stage, measure, &sorted)),
            }
        }
        facts.sizes = sizes(tasks);
        facts.localities = localities(tasks);
        facts.executors = executors(tasks);
        facts.failures = failures::groups(tasks);
        facts
    }

    /// Median of the partition sizes, bytes; 0 where they are not known in bytes.
    pub fn median_bytes(&self) -> u64 {
        let sizes = self
            .sizes
            .as_ref()
            .filter(|sizes| sizes.unit() == Unit::Bytes)
            .map_or(&[][..], |sizes| &sizes.sorted);
        quantile_index(0.5, sizes.len())
            .and_then(|at| sizes.get(at))
            .copied()
            .unwrap_or(0)
    }

    /// The quantiles of one measure.
    pub fn row(&self, measure: TaskMeasure) -> Option<&QuantileRow> {
        self.quantiles.iter().find(|row| row.measure == measure)
    }
}

fn quantile_row(stage: &Stage, measure: TaskMeasure, sorted: &[u64]) -> QuantileRow {
    let at = |q| {
        quantile_index(q, sorted.len())
            .and_then(|at| sorted.get(at))
            .copied()
            .unwrap_or(0)
    };
    let sum = || sorted.iter().fold(0, |sum: u64, value| sum.saturating_add(*value));
    // Spark sums its metrics over failed attempts too; only what it does not sum is summed here.
    let total = match measure {
        TaskMeasure::Metric(TaskMetric::PeakExecutionMemory) => sum(),
        TaskMeasure::Metric(metric) => stage.totals.get(metric).unwrap_or_else(sum),
        TaskMeasure::ShuffleReadBytes => {
            let parts = [TaskMetric::ShuffleRemoteBytesRead, TaskMetric::ShuffleLocalBytesRead];
            let known: Option<u64> = parts
                .iter()
                .map(|part| stage.totals.get(*part))
                .try_fold(0, |sum: u64, part| Some(sum.saturating_add(part?)));
            known.unwrap_or_else(sum)
        }
        _ => sum(),
    };
    QuantileRow {
        measure,
        values: QUANTILES.map(|(_, q)| at(q)),
        total,
    }
}

fn sizes(tasks: &TaskTable) -> Option<Sizes> {
    let candidates = [
        TaskMeasure::ShuffleReadBytes,
        TaskMeasure::Metric(TaskMetric::InputBytes),
        TaskMeasure::PartitionRecords,
    ];
    let sorted = candidates.into_iter().map(|measure| Sizes {
        measure,
        sorted: tasks.sorted(measure),
    });
    sorted
        .into_iter()
        .find(|sizes| sizes.sorted.last().is_some_and(|&largest| largest > 0))
}

fn localities(tasks: &TaskTable) -> Vec<LocalityFacts> {
    let levels = Locality::ALL.into_iter().chain([Locality::Unknown]);
    let of_level = |level| {
        let rows: Vec<usize> = (0..tasks.len()).filter(|&row| tasks.locality(row) == level).collect();
        let mut ended: Vec<u64> = rows.iter().filter_map(|&row| tasks.duration_ms(row)).collect();
        ended.sort_unstable();
        let median_ms = quantile_index(0.5, ended.len()).and_then(|at| ended.get(at)).copied();
        LocalityFacts {
            level,
            tasks: rows.len(),
            median_ms,
        }
    };
    levels.map(of_level).filter(|level| level.tasks > 0).collect()
}

fn executors(tasks: &TaskTable) -> Vec<ExecutorFacts> {
    let nothing = |(id, host): &(Arc<str>, Arc<str>)| ExecutorFacts {
        id: id.clone(),
        host: host.clone(),
        tasks: 0,
        failed: 0,
        duration_ms: 0,
        run_ms: None,
        gc_ms: None,
        spill: None,
    };
    let mut executors: Vec<ExecutorFacts> = tasks.places().iter().map(nothing).collect();
    for row in 0..tasks.len() {
        let Some(executor) = executors.get_mut(tasks.place_index(row)) else {
            continue;
        };
        executor.tasks += 1;
        executor.failed += usize::from(tasks.status(row) == TaskStatus::Failed);
        executor.duration_ms = executor.duration_ms.saturating_add(tasks.duration_ms(row).unwrap_or(0));
        add(&mut executor.run_ms, tasks.metric(row, TaskMetric::ExecutorRunTime));
        add(&mut executor.gc_ms, tasks.metric(row, TaskMetric::JvmGcTime));
        add(&mut executor.spill, tasks.metric(row, TaskMetric::DiskBytesSpilled));
    }
    executors.sort_by_key(|executor| std::cmp::Reverse(executor.duration_ms));
    executors
}

fn add(sum: &mut Option<u64>, value: Option<u64>) {
    if let Some(value) = value {
        *sum = Some(sum.unwrap_or(0).saturating_add(value));
    }
}

impl Sizes {
    /// The unit of the sizes: bytes or records.
    pub fn unit(&self) -> Unit {
        self.measure.unit()
    }
}
