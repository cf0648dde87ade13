//! How many partitions a stage should have, from its bytes, its memory and its slots.

use super::context::Context;
use super::executor_memory;
use crate::model::{Stage, TaskMetric};
use crate::units;

/// A suggested number of partitions and what led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionCount {
    /// The number.
    pub partitions: u64,
    /// The reckoning in words.
    pub because: String,
}

/// Data take at most so many times their bytes when deserialised: recorded ones grow 2 to 5 times. A task that takes more holds memory
/// that it took before it saw a row: a page of 1 to 64 MiB for every sort and hash table (`MemoryManager.pageSizeBytes`). Over
/// thousands of tiny tasks those add up to much that a few larger ones would not need.
const GROWTH: u64 = 20;

/// No advice goes beyond: the driver would choke on the tasks before the executors on the data.
const MOST: u64 = 100_000;

/// N = max(⌈B / 128 MiB⌉, ⌈bytes in memory / M⌉, 2 × C for a stage of more than a few seconds), rounded up to a multiple of C,
/// at most one a record. Bytes in memory are the shuffle read × (memory spilled / disk spilled), the growth when deserialised
/// (S. Ryza 2015, "How-to: Tune Your Apache Spark Jobs"), else peak execution memory, as far as the bytes read can have filled it.
pub fn suggest(context: &Context<'_>, stage: &Stage) -> PartitionCount {
    let thresholds = context.thresholds;
    let slots = u64::from(context.slots.during(stage)).clamp(1, MOST);
    let bytes = stage.bytes_read().unwrap_or(0);
    let by_bytes = bytes.div_ceil(thresholds.partition_bytes.max(1));
    let (in_memory, per_task) = (bytes_in_memory(stage), executor_memory::per_task(context, stage));
    let by_memory = in_memory.map_or(0, |bytes| bytes.div_ceil(per_task.max(1)));
    let by_slots = if context.stage_ms(stage) >= thresholds.two_waves_ms {
        2 * slots
    } else {
        slots
    };
    let wanted = by_bytes.max(by_memory).max(by_slots).max(1);
    let rounded = wanted.min(MOST).div_ceil(slots).saturating_mul(slots);
    let records = [TaskMetric::InputRecords, TaskMetric::ShuffleReadRecords]
        .into_iter()
        .filter_map(|metric| stage.totals.get(metric))
        .fold(0, u64::saturating_add);
    let partitions = if records > 0 { rounded.min(records) } else { rounded };
    let mut parts = Vec::new();
    if bytes > 0 {
        parts.push(format!(
            "{} at {} each is {by_bytes}",
            units::bytes(bytes),
            units::bytes(thresholds.partition_bytes)
        ));
    }
    if let Some(in_memory) = in_memory {
        let (all, each) = (units::bytes(in_memory), units::bytes(per_task));
        parts.push(format!("{all} in memory at {each} a task is {by_memory}"));
    }
    parts.push(format!(
        "{} for {} is {by_slots}",
        if by_slots > slots { "two waves" } else { "one wave" },
        units::counted(slots, "slot")
    ));
    PartitionCount {
        partitions,
        because: format!("{}; the largest, as a multiple of {slots}", parts.join(", ")),
    }
}

/// What the stage's data take when deserialised, bytes; `None` when nothing tells.
fn bytes_in_memory(stage: &Stage) -> Option<u64> {
    let total = |metric| stage.totals.get(metric).filter(|value: &u64| *value > 0);
    let shuffle = [TaskMetric::ShuffleLocalBytesRead, TaskMetric::ShuffleRemoteBytesRead]
        .into_iter()
        .filter_map(total)
        .fold(0, u64::saturating_add);
    match (
        total(TaskMetric::MemoryBytesSpilled),
        total(TaskMetric::DiskBytesSpilled),
    ) {
        (Some(memory), Some(disk)) if shuffle > 0 => Some((shuffle as f64 * (memory as f64 / disk as f64)) as u64),
        _ => {
            let filled = match stage.bytes_read().unwrap_or(0) {
                // Not counted: a JDBC table, a Python source.
                0 => u64::MAX,
                bytes => bytes.saturating_mul(GROWTH),
            };
            total(TaskMetric::PeakExecutionMemory).map(|peak| peak.min(filled))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Thresholds;
    use crate::schedule::sample::Sample;

    fn partitions(sample: Sample) -> PartitionCount {
        let application = sample.application();
        let thresholds = Thresholds::default();
        let context = Context::new(&application, &thresholds).unwrap();
        suggest(&context, &application.stages[0])
    }

    fn reading(bytes: u64, spilled: (u64, u64), duration: u64) -> Sample {
        Sample::cluster(4, 4).stage_with("a", &[duration], move |_, task| {
            task.metrics.set(TaskMetric::ShuffleRemoteBytesRead, Some(bytes));
            task.metrics.set(TaskMetric::ShuffleReadRecords, Some(1_000_000));
            task.metrics.set(TaskMetric::MemoryBytesSpilled, Some(spilled.0));
            task.metrics.set(TaskMetric::DiskBytesSpilled, Some(spilled.1));
        })
    }

    #[test]
    fn bytes_slots_and_memory_each_may_decide() {
        assert_eq!(partitions(reading(1 << 20, (0, 0), 1_000)).partitions, 16);
        assert_eq!(partitions(reading(1 << 20, (0, 0), 10_000)).partitions, 32);
        assert_eq!(partitions(reading(10 << 30, (0, 0), 10_000)).partitions, 80);
        // 1 GiB heap: 724 MiB × 0.6 / 4 tasks = 108.6 MiB a task; 10 GiB grow to 40 GiB in memory: 378, rounded to 384.
        let spilled = partitions(reading(10 << 30, (4 << 30, 1 << 30), 10_000));
        assert_eq!(spilled.partitions, 384, "{}", spilled.because);
    }

    #[test]
    fn memory_that_every_task_takes_at_its_start_is_not_the_data_s() {
        // As recorded (aqe-off): 200 tasks read 286 KiB in all, each holds one page of 16 MiB.
        let tiny = |bytes: u64| {
            Sample::cluster(4, 4).stage_with("a", &[100; 200], move |_, task| {
                task.metrics.set(TaskMetric::ShuffleRemoteBytesRead, Some(bytes));
                task.metrics.set(TaskMetric::ShuffleReadRecords, Some(100));
                task.metrics.set(TaskMetric::PeakExecutionMemory, Some(16 << 20));
            })
        };
        assert_eq!(partitions(tiny(1_464)).partitions, 16, "one wave");
        // 8 MiB each may have filled those pages: 3.1 GiB at 108.6 MiB a task are 30, two waves.
        assert_eq!(partitions(tiny(8 << 20)).partitions, 32);
        // Nobody counted what was read.
        assert_eq!(partitions(tiny(0)).partitions, 32);
    }

    #[test]
    fn there_is_no_more_than_a_record_a_partition() {
        let sample = Sample::cluster(4, 4).stage_with("a", &[10_000], |_, task| {
            task.metrics.set(TaskMetric::ShuffleReadRecords, Some(5));
        });
        assert_eq!(partitions(sample).partitions, 5);
    }
}
