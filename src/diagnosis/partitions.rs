//! The partitions of a stage: one successful task each, a speculative twin or rerun not counted twice.

use std::collections::BTreeMap;

use crate::model::{Stage, TaskMeasure, TaskMetric, TaskTable};

/// The rows that did each partition's work: of its successful attempts the one that finished first, in order of index.
pub fn rows(stage: &Stage) -> Vec<usize> {
    let tasks = &stage.tasks;
    let ended = || tasks.successful().filter(|row| tasks.duration_ms(*row).is_some());
    let sooner = |row: usize, kept: usize| tasks.finish_ms(row) < tasks.finish_ms(kept);
    let most = ended().map(|row| tasks.index(row) as usize).max().unwrap_or(0);
    if most / 8 > tasks.len() {
        // Indices that no stage has: a map rather than a table of that size.
        let mut first: BTreeMap<u32, usize> = BTreeMap::new();
        for row in ended() {
            let kept = first.entry(tasks.index(row)).or_insert(row);
            if sooner(row, *kept) {
                *kept = row;
            }
        }
        return first.into_values().collect();
    }
    let mut first = vec![NONE; most + 1];
    for row in ended() {
        if let (Some(kept), Ok(place)) = (first.get_mut(tasks.index(row) as usize), u32::try_from(row))
            && (*kept == NONE || sooner(row, *kept as usize))
        {
            *kept = place;
        }
    }
    let rows = first.into_iter().filter(|row| *row != NONE);
    rows.map(|row| row as usize).collect()
}

/// No row: half the room of an `Option`, and a stage may have millions.
const NONE: u32 = u32::MAX;

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
