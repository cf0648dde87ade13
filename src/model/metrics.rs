//! Every task metric that Spark records, named once: its REST name, unit and label. A new metric is one line here and one in
//! the reader of each source.

/// What a number measures, hence how a person reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Milliseconds.
    Millis,
    /// Nanoseconds (CPU times and shuffle write time, as Spark has them).
    Nanos,
    /// Bytes.
    Bytes,
    /// Records.
    Records,
    /// A plain count.
    Count,
    /// A share, 1 being the whole.
    Share,
    /// How many times something else.
    Times,
}

macro_rules! task_metrics {
    ($($variant:ident $group:literal $rest:literal $stage:literal $unit:ident $label:literal;)*) => {
        /// A metric of a task, one column of a [`TaskTable`](super::TaskTable) each (Spark's `TaskMetrics`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum TaskMetric {
            $(#[doc = $label] $variant,)*
        }

        impl TaskMetric {
            /// All of them, in the order of their columns.
            pub const ALL: &'static [TaskMetric] = &[$(TaskMetric::$variant),*];

            /// The object inside REST's `taskMetrics` that holds the metric (`""`: `taskMetrics` itself).
            pub const fn group(self) -> &'static str {
                match self { $(TaskMetric::$variant => $group),* }
            }

            /// The field's name in that object.
            pub const fn rest_name(self) -> &'static str {
                match self { $(TaskMetric::$variant => $rest),* }
            }

            /// The name of its sum over a stage's tasks, in REST's `StageData`.
            pub const fn stage_rest_name(self) -> &'static str {
                match self { $(TaskMetric::$variant => $stage),* }
            }

            /// The unit of its values.
            pub const fn unit(self) -> Unit {
                match self { $(TaskMetric::$variant => Unit::$unit),* }
            }

            /// The name a person reads, as in Spark's web interface where it has one.
            pub const fn label(self) -> &'static str {
                match self { $(TaskMetric::$variant => $label),* }
            }
        }
    };
}

task_metrics! {
    ExecutorDeserializeTime "" "executorDeserializeTime" "executorDeserializeTime" Millis "Task deserialization time";
    ExecutorDeserializeCpuTime "" "executorDeserializeCpuTime" "executorDeserializeCpuTime" Nanos "Task deserialization CPU time";
    ExecutorRunTime "" "executorRunTime" "executorRunTime" Millis "Executor run time";
    ExecutorCpuTime "" "executorCpuTime" "executorCpuTime" Nanos "Executor CPU time";
    ResultSize "" "resultSize" "resultSize" Bytes "Result size";
    JvmGcTime "" "jvmGcTime" "jvmGcTime" Millis "GC time";
    ResultSerializationTime "" "resultSerializationTime" "resultSerializationTime" Millis "Result serialization time";
    MemoryBytesSpilled "" "memoryBytesSpilled" "memoryBytesSpilled" Bytes "Spill (memory)";
    DiskBytesSpilled "" "diskBytesSpilled" "diskBytesSpilled" Bytes "Spill (disk)";
    PeakExecutionMemory "" "peakExecutionMemory" "peakExecutionMemory" Bytes "Peak execution memory";
    InputBytes "inputMetrics" "bytesRead" "inputBytes" Bytes "Input size";
    InputRecords "inputMetrics" "recordsRead" "inputRecords" Records "Input records";
    OutputBytes "outputMetrics" "bytesWritten" "outputBytes" Bytes "Output size";
    OutputRecords "outputMetrics" "recordsWritten" "outputRecords" Records "Output records";
    ShuffleRemoteBlocksFetched "shuffleReadMetrics" "remoteBlocksFetched" "shuffleRemoteBlocksFetched" Count "Shuffle remote blocks";
    ShuffleLocalBlocksFetched "shuffleReadMetrics" "localBlocksFetched" "shuffleLocalBlocksFetched" Count "Shuffle local blocks";
    ShuffleFetchWaitTime "shuffleReadMetrics" "fetchWaitTime" "shuffleFetchWaitTime" Millis "Shuffle fetch wait";
    ShuffleRemoteBytesRead "shuffleReadMetrics" "remoteBytesRead" "shuffleRemoteBytesRead" Bytes "Shuffle remote reads";
    ShuffleRemoteBytesReadToDisk "shuffleReadMetrics" "remoteBytesReadToDisk" "shuffleRemoteBytesReadToDisk" Bytes "Shuffle remote reads to disk";
    ShuffleLocalBytesRead "shuffleReadMetrics" "localBytesRead" "shuffleLocalBytesRead" Bytes "Shuffle local reads";
    ShuffleReadRecords "shuffleReadMetrics" "recordsRead" "shuffleReadRecords" Records "Shuffle read records";
    ShuffleRemoteReqsDuration "shuffleReadMetrics" "remoteReqsDuration" "shuffleRemoteReqsDuration" Millis "Shuffle remote requests";
    PushCorruptMergedBlockChunks "shufflePushReadMetrics" "corruptMergedBlockChunks" "shuffleCorruptMergedBlockChunks" Count "Corrupt merged chunks";
    PushMergedFetchFallbackCount "shufflePushReadMetrics" "mergedFetchFallbackCount" "shuffleMergedFetchFallbackCount" Count "Merged fetch fallbacks";
    PushRemoteMergedBlocksFetched "shufflePushReadMetrics" "remoteMergedBlocksFetched" "shuffleMergedRemoteBlocksFetched" Count "Remote merged blocks";
    PushLocalMergedBlocksFetched "shufflePushReadMetrics" "localMergedBlocksFetched" "shuffleMergedLocalBlocksFetched" Count "Local merged blocks";
    PushRemoteMergedChunksFetched "shufflePushReadMetrics" "remoteMergedChunksFetched" "shuffleMergedRemoteChunksFetched" Count "Remote merged chunks";
    PushLocalMergedChunksFetched "shufflePushReadMetrics" "localMergedChunksFetched" "shuffleMergedLocalChunksFetched" Count "Local merged chunks";
    PushRemoteMergedBytesRead "shufflePushReadMetrics" "remoteMergedBytesRead" "shuffleMergedRemoteBytesRead" Bytes "Remote merged reads";
    PushLocalMergedBytesRead "shufflePushReadMetrics" "localMergedBytesRead" "shuffleMergedLocalBytesRead" Bytes "Local merged reads";
    PushRemoteMergedReqsDuration "shufflePushReadMetrics" "remoteMergedReqsDuration" "shuffleMergedRemoteReqsDuration" Millis "Remote merged requests";
    ShuffleWriteBytes "shuffleWriteMetrics" "bytesWritten" "shuffleWriteBytes" Bytes "Shuffle write size";
    ShuffleWriteTime "shuffleWriteMetrics" "writeTime" "shuffleWriteTime" Nanos "Shuffle write time";
    ShuffleWriteRecords "shuffleWriteMetrics" "recordsWritten" "shuffleWriteRecords" Records "Shuffle write records";
}

impl TaskMetric {
    /// The place of its column.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// One task's metrics on their way into the columns, or sums of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetricValues([Option<u64>; TaskMetric::ALL.len()]);

impl Default for MetricValues {
    fn default() -> Self {
        MetricValues([None; TaskMetric::ALL.len()])
    }
}

impl MetricValues {
    /// A metric's value.
    pub const fn get(&self, metric: TaskMetric) -> Option<u64> {
        self.0[metric.index()]
    }

    /// Sets a metric's value.
    pub const fn set(&mut self, metric: TaskMetric, value: Option<u64>) {
        self.0[metric.index()] = value;
    }

    /// Adds another task's values; what is absent there changes nothing.
    pub fn add(&mut self, other: &MetricValues) {
        for (sum, value) in self.0.iter_mut().zip(other.0) {
            if let Some(value) = value {
                *sum = Some(sum.unwrap_or(0).saturating_add(value));
            }
        }
    }

    /// Every value in the order of [`TaskMetric::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = Option<u64>> + '_ {
        self.0.iter().copied()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }
}

/// The index into `n` sorted values that Spark shows for quantile `q`: `min(floor(q·n), n−1)`, without interpolation
/// (`AppStatusStore.taskSummary`). `None` when there are no values.
pub fn quantile_index(q: f64, n: usize) -> Option<usize> {
    let last = n.checked_sub(1)?;
    let index = (q.clamp(0.0, 1.0) * n as f64).floor();
    Some((index as usize).min(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_in_the_order_of_the_list() {
        for (place, metric) in TaskMetric::ALL.iter().enumerate() {
            assert_eq!(metric.index(), place);
        }
    }

    #[test]
    fn quantiles_take_spark_s_index() {
        assert_eq!(quantile_index(0.5, 4), Some(2));
        assert_eq!(quantile_index(1.0, 4), Some(3));
        assert_eq!(quantile_index(0.95, 10), Some(9));
        assert_eq!(quantile_index(0.0, 1), Some(0));
        assert_eq!(quantile_index(0.5, 0), None);
        assert_eq!(quantile_index(7.0, 3), Some(2));
    }
}
