//! The partitions of a stage: one successful task each, a speculative twin or rerun not counted twice.

use std::collections::BTreeMap;

use crate::model::{Stage, TaskMeasure, TaskMetric, TaskTable};

/// The rows that did each partition's work: of its successful attempts the one that finished first, in order of index.
pub fn rows(stage: &Stage) -> Vec<usize> {
    let tasks = &stage.tasks;
    let mut first: BTreeMap<u32, usize> = BTreeMap::new();
    for row in tasks.successful().filter(|row| tasks.duration_ms(*row).is_some()) {
        let kept = first.entry(tasks.index(row)).or_insert(row);
        if tasks.finish_ms(row) < tasks.finish_ms(*kept) {
            *kept = row;
        }
    }
    first.into_values().collect()
}

/// Whether most of a stage's bytes come out of a shuffle.
pub fn reads_shuffle(stage: &Stage) -> bool {
    let (shuffled, input) = sources(stage);
    shuffled > input
}

/// Whether most of a stage's bytes come from files.
pub fn reads_files(stage: &Stage) -> bool {
    let (shuffled, input) = sources(stage);
    input > shuffled
}

/// Bytes out of shuffles, and of input.
fn sources(stage: &Stage) -> (u64, u64) {
    let total = |metric| stage.totals.get(metric).unwrap_or(0);
    let shuffled = total(TaskMetric::ShuffleLocalBytesRead).saturating_add(total(TaskMetric::ShuffleRemoteBytesRead));
    (shuffled, total(TaskMetric::InputBytes))
}

/// By what a stage's partitions are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Bytes of input and shuffle read.
    Bytes,
    /// Records of input and shuffle read.
    Records,
}

impl Size {
    /// The measure of a task.
    pub const fn measure(self) -> TaskMeasure {
        match self {
            Size::Bytes => TaskMeasure::PartitionBytes,
            Size::Records => TaskMeasure::PartitionRecords,
        }
    }

    /// A task's size; absent and nothing are both nothing to work on.
    pub fn of(self, tasks: &TaskTable, row: usize) -> u64 {
        tasks.measure(row, self.measure()).unwrap_or(0)
    }
}
