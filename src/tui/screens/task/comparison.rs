//! A task's metrics beside those of its stage: every one against the median, the largest and how many have more. Knows no screen.

use crate::model::{Column, TaskMeasure, TaskMetric, TaskTable, quantile_index};

/// Measures computed by Spark out of several, before and beside the recorded ones.
const COMPUTED: [TaskMeasure; 5] = [
    TaskMeasure::Duration,
    TaskMeasure::SchedulerDelay,
    TaskMeasure::GettingResultTime,
    TaskMeasure::ShuffleReadBytes,
    TaskMeasure::ShuffleReadBlocks,
];

/// A measure of the task beside the stage's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// What is compared.
    pub measure: TaskMeasure,
    /// The task's value.
    pub value: u64,
    /// Median over successful tasks.
    pub median: Option<u64>,
    /// Largest over successful tasks.
    pub most: u64,
    /// Successful tasks with more than this one, and how many there are.
    pub rank: (usize, usize),
}

impl Compared {
    /// `all` is room for the values of all tasks, used again and again.
    fn of(tasks: &TaskTable, row: usize, measure: TaskMeasure, all: &mut Vec<u64>) -> Option<Compared> {
        let value = tasks.measure(row, measure)?;
        tasks.successful_values(measure, all);
        let alike = |metric| matches!(tasks.column(metric), Some(Column::Uniform { .. }));
        if matches!(measure, TaskMeasure::Metric(metric) if alike(metric)) {
            return Some(Compared {
                measure,
                value,
                median: (!all.is_empty()).then_some(value),
                most: value,
                rank: (0, all.len()),
            });
        }
        let above = all.iter().filter(|other| **other > value).count();
        let most = all.iter().copied().max().unwrap_or(value);
        // One order statistic needs no sorting.
        let median = quantile_index(0.5, all.len()).map(|at| *all.select_nth_unstable(at).1);
        Some(Compared {
            measure,
            value,
            median,
            most,
            rank: (above, all.len()),
        })
    }

    /// How many times the median.
    pub fn times(&self) -> Option<f64> {
        self.median
            .filter(|&median| median > 0)
            .map(|median| self.value as f64 / median as f64)
    }
}

/// A task's metrics beside those of its stage.
#[derive(Debug, Default)]
pub struct Comparison {
    /// What says something.
    pub compared: Vec<Compared>,
    /// What is zero here and in every other task.
    pub zero: Vec<&'static str>,
    /// What was not recorded.
    pub absent: Vec<&'static str>,
}

impl Comparison {
    /// Compares one row of a table. Takes its time with a million of them.
    pub fn of(tasks: &TaskTable, row: usize) -> Comparison {
        let mut all = Comparison::default();
        let mut values = Vec::with_capacity(tasks.len());
        for measure in COMPUTED
            .into_iter()
            .chain(TaskMetric::ALL.iter().map(|metric| TaskMeasure::Metric(*metric)))
        {
            // Push-based shuffle is rare: nine metrics that say nothing are not even listed as zero.
            let push = matches!(measure, TaskMeasure::Metric(metric) if metric.group() == "shufflePushReadMetrics");
            match Compared::of(tasks, row, measure, &mut values) {
                None if push => {}
                Some(compared) if push && compared.most == 0 => {}
                None => all.absent.push(measure.label()),
                Some(compared) if compared.value == 0 && compared.most == 0 => all.zero.push(measure.label()),
                Some(compared) => all.compared.push(compared),
            }
        }
        all
    }
}
