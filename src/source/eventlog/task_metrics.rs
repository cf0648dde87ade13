//! The names under which an event log holds a task's metrics and an executor's, and how they are read straight into the model's
//! arrays. A new task metric is one line in [`metric`]. Called by the event types.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::model::{ExecutorMetric, ExecutorPeaks, MetricValues, TaskMetric};
use crate::source::lenient::{Field, Key, Lenient};

/// A task's metrics (`Task Metrics`).
#[derive(Debug, Default)]
pub(super) struct Metrics(pub MetricValues);

/// An executor's metrics (`Task Executor Metrics`, `Executor Metrics`).
#[derive(Debug, Default)]
pub(super) struct Peaks(pub ExecutorPeaks);

/// An object of metrics inside `Task Metrics`.
#[derive(Clone, Copy, PartialEq)]
enum Group {
    Task,
    Input,
    Output,
    ShuffleRead,
    Push,
    ShuffleWrite,
}

fn group(within: Group, key: &str) -> Option<Group> {
    match (within, key) {
        (Group::Task, "Input Metrics") => Some(Group::Input),
        (Group::Task, "Output Metrics") => Some(Group::Output),
        (Group::Task, "Shuffle Read Metrics") => Some(Group::ShuffleRead),
        (Group::Task, "Shuffle Write Metrics") => Some(Group::ShuffleWrite),
        (Group::ShuffleRead, "Push Based Shuffle") => Some(Group::Push),
        _ => None,
    }
}

/// The metric that Spark's `JsonProtocol` writes under this key.
fn metric(group: Group, key: &str) -> Option<TaskMetric> {
    use TaskMetric::*;
    Some(match (group, key) {
        (Group::Task, "Executor Deserialize Time") => ExecutorDeserializeTime,
        (Group::Task, "Executor Deserialize CPU Time") => ExecutorDeserializeCpuTime,
        (Group::Task, "Executor Run Time") => ExecutorRunTime,
        (Group::Task, "Executor CPU Time") => ExecutorCpuTime,
        (Group::Task, "Peak Execution Memory") => PeakExecutionMemory,
        (Group::Task, "Result Size") => ResultSize,
        (Group::Task, "JVM GC Time") => JvmGcTime,
        (Group::Task, "Result Serialization Time") => ResultSerializationTime,
        (Group::Task, "Memory Bytes Spilled") => MemoryBytesSpilled,
        (Group::Task, "Disk Bytes Spilled") => DiskBytesSpilled,
        (Group::Input, "Bytes Read") => InputBytes,
        (Group::Input, "Records Read") => InputRecords,
        (Group::Output, "Bytes Written") => OutputBytes,
        (Group::Output, "Records Written") => OutputRecords,
        (Group::ShuffleRead, "Remote Blocks Fetched") => ShuffleRemoteBlocksFetched,
        (Group::ShuffleRead, "Local Blocks Fetched") => ShuffleLocalBlocksFetched,
        (Group::ShuffleRead, "Fetch Wait Time") => ShuffleFetchWaitTime,
        (Group::ShuffleRead, "Remote Bytes Read") => ShuffleRemoteBytesRead,
        (Group::ShuffleRead, "Remote Bytes Read To Disk") => ShuffleRemoteBytesReadToDisk,
        (Group::ShuffleRead, "Local Bytes Read") => ShuffleLocalBytesRead,
        (Group::ShuffleRead, "Total Records Read") => ShuffleReadRecords,
        (Group::ShuffleRead, "Remote Requests Duration") => ShuffleRemoteReqsDuration,
        (Group::Push, "Corrupt Merged Block Chunks") => PushCorruptMergedBlockChunks,
        (Group::Push, "Merged Fetch Fallback Count" | "Merged Fallback Count") => PushMergedFetchFallbackCount,
        (Group::Push, "Merged Remote Blocks Fetched") => PushRemoteMergedBlocksFetched,
        (Group::Push, "Merged Local Blocks Fetched") => PushLocalMergedBlocksFetched,
        (Group::Push, "Merged Remote Chunks Fetched") => PushRemoteMergedChunksFetched,
        (Group::Push, "Merged Local Chunks Fetched") => PushLocalMergedChunksFetched,
        (Group::Push, "Merged Remote Bytes Read") => PushRemoteMergedBytesRead,
        (Group::Push, "Merged Local Bytes Read") => PushLocalMergedBytesRead,
        (Group::Push, "Merged Remote Requests Duration") => PushRemoteMergedReqsDuration,
        (Group::ShuffleWrite, "Shuffle Bytes Written") => ShuffleWriteBytes,
        (Group::ShuffleWrite, "Shuffle Write Time") => ShuffleWriteTime,
        (Group::ShuffleWrite, "Shuffle Records Written") => ShuffleWriteRecords,
        _ => return None,
    })
}

/// The metric at a path of keys inside `Task Metrics`.
pub(super) fn at(path: &[&str]) -> Option<TaskMetric> {
    let (key, groups) = path.split_last()?;
    let within = groups.iter().try_fold(Group::Task, |within, key| group(within, key))?;
    metric(within, key)
}

impl<'de> Field<'de> for Metrics {
    fn object<A: MapAccess<'de>>(entries: A) -> Result<Self, A::Error> {
        let mut metrics = Metrics::default();
        Into {
            group: Group::Task,
            values: &mut metrics.0,
        }
        .visit_map(entries)?;
        Ok(metrics)
    }
}

/// Reads one object of metrics into the values.
struct Into<'v> {
    group: Group,
    values: &'v mut MetricValues,
}

impl<'de> DeserializeSeed<'de> for Into<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Into<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("metrics")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = entries.next_key()? {
            if let Some(metric) = metric(self.group, &key) {
                let Lenient(value) = entries.next_value()?;
                self.values.set(metric, value);
            } else if let Some(group) = group(self.group, &key) {
                let values = &mut *self.values;
                entries.next_value_seed(Into { group, values })?;
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    // Anything but an object where metrics belong: they are absent.

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

impl<'de> Field<'de> for Peaks {
    fn object<A: MapAccess<'de>>(mut entries: A) -> Result<Self, A::Error> {
        let mut peaks = ExecutorPeaks::default();
        // Spark writes them in the same order each time: the next one is nearly always the next in our list.
        let mut expected = 0;
        while let Some(Key(key)) = entries.next_key()? {
            let known = ExecutorMetric::ALL;
            let is = |metric: &ExecutorMetric| metric.name() == key;
            let at = Some(expected)
                .filter(|at| known.get(*at).is_some_and(is))
                .or_else(|| known.iter().position(is));
            let Lenient(value): Lenient<Option<u64>> = entries.next_value()?;
            if let (Some(at), Some(value)) = (at, value) {
                expected = at + 1;
                peaks.raise(known[at], value);
            }
        }
        Ok(Peaks(peaks))
    }
}
