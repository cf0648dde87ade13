//! Executors: what they ran, when they came and went, and their memory over time.

use std::sync::Arc;

use super::environment::Environment;

/// The id under which the driver stands among the executors.
pub const DRIVER: &str = "driver";

macro_rules! executor_metrics {
    ($($variant:ident),* $(,)?) => {
        /// A metric of an executor's process (Spark's `ExecutorMetricType`); memory in bytes, times in ms.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "Spark's own names say it")]
        pub enum ExecutorMetric { $($variant),* }

        impl ExecutorMetric {
            /// All of them.
            pub const ALL: &'static [ExecutorMetric] = &[$(ExecutorMetric::$variant),*];

            /// Spark's own spelling, in event logs and REST alike.
            pub const fn name(self) -> &'static str {
                match self { $(ExecutorMetric::$variant => stringify!($variant)),* }
            }
        }
    };
}

executor_metrics! {
    JVMHeapMemory, JVMOffHeapMemory, OnHeapExecutionMemory, OffHeapExecutionMemory, OnHeapStorageMemory,
    OffHeapStorageMemory, OnHeapUnifiedMemory, OffHeapUnifiedMemory, DirectPoolMemory, MappedPoolMemory,
    ProcessTreeJVMVMemory, ProcessTreeJVMRSSMemory, ProcessTreePythonVMemory, ProcessTreePythonRSSMemory,
    ProcessTreeOtherVMemory, ProcessTreeOtherRSSMemory, MinorGCCount, MinorGCTime, MajorGCCount, MajorGCTime,
    TotalGCTime, ConcurrentGCCount, ConcurrentGCTime,
}

/// The highest value seen of each executor metric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecutorPeaks {
    values: [Option<u64>; ExecutorMetric::ALL.len()],
}

impl ExecutorPeaks {
    /// A metric's peak.
    pub fn get(&self, metric: ExecutorMetric) -> Option<u64> {
        self.values[metric as usize]
    }

    /// Raises a metric's peak to `value`; says whether it rose.
    pub fn raise(&mut self, metric: ExecutorMetric, value: u64) -> bool {
        let peak = &mut self.values[metric as usize];
        let rises = peak.is_none_or(|known| known < value);
        if rises {
            *peak = Some(value);
        }
        rises
    }

    /// Raises every peak to that of another.
    pub fn merge(&mut self, other: &ExecutorPeaks) {
        for metric in ExecutorMetric::ALL {
            if let Some(value) = other.get(*metric) {
                self.raise(*metric, value);
            }
        }
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.values.iter().all(Option::is_none)
    }

    /// Resident memory of the process tree (JVM, Python, other), bytes; absent unless Spark sampled procfs.
    pub fn rss(&self) -> Option<u64> {
        use ExecutorMetric::{ProcessTreeJVMRSSMemory, ProcessTreeOtherRSSMemory, ProcessTreePythonRSSMemory};
        let parts = [
            ProcessTreeJVMRSSMemory,
            ProcessTreePythonRSSMemory,
            ProcessTreeOtherRSSMemory,
        ];
        let total = parts
            .iter()
            .filter_map(|metric| self.get(*metric))
            .fold(0, u64::saturating_add);
        (total > 0).then_some(total)
    }
}

/// An executor's memory at one moment, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemorySample {
    /// When, epoch ms.
    pub time_ms: i64,
    /// JVM heap in use.
    pub heap: u64,
    /// JVM memory in use outside the heap.
    pub off_heap: u64,
    /// Execution memory, on and off heap.
    pub execution: u64,
    /// Storage memory, on and off heap.
    pub storage: u64,
    /// Resident memory of the process tree; 0 unless Spark sampled procfs.
    pub rss: u64,
}

/// An executor's memory over time, bounded: when full, neighbours merge and keep the higher of each value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemorySeries {
    samples: Vec<MemorySample>,
    /// Samples nearer than this to the one before merge into it, ms; doubles at each thinning.
    apart_ms: i64,
}

impl MemorySeries {
    /// Samples kept at most; twice what the widest screen draws.
    const CAPACITY: usize = 512;

    /// The samples in order of time.
    pub fn samples(&self) -> &[MemorySample] {
        &self.samples
    }

    /// Adds a sample. One older than the last joins the last: events come almost in order.
    pub fn push(&mut self, sample: MemorySample) {
        let near = self.apart_ms;
        if let Some(last) = self.samples.last_mut()
            && sample.time_ms.saturating_sub(last.time_ms) <= near
        {
            merge(last, &sample);
            return;
        }
        self.samples.push(sample);
        if self.samples.len() > Self::CAPACITY {
            self.thin();
        }
    }

    fn thin(&mut self) {
        let first = self.samples.first().map_or(0, |sample| sample.time_ms);
        let last = self.samples.last().map_or(0, |sample| sample.time_ms);
        let fair = last.saturating_sub(first) / (Self::CAPACITY as i64 / 2);
        self.apart_ms = self.apart_ms.saturating_mul(2).max(fair).max(1);
        let mut kept: Vec<MemorySample> = Vec::with_capacity(Self::CAPACITY);
        for sample in &self.samples {
            match kept.last_mut() {
                Some(last) if sample.time_ms.saturating_sub(last.time_ms) <= self.apart_ms => merge(last, sample),
                _ => kept.push(*sample),
            }
        }
        self.samples = kept;
    }
}

fn merge(into: &mut MemorySample, other: &MemorySample) {
    into.heap = into.heap.max(other.heap);
    into.off_heap = into.off_heap.max(other.off_heap);
    into.execution = into.execution.max(other.execution);
    into.storage = into.storage.max(other.storage);
    into.rss = into.rss.max(other.rss);
}

/// An executor, or the driver (REST's `ExecutorSummary`). Counts and totals are what Spark's `AppStatusListener` keeps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Executor {
    /// Executor id; [`DRIVER`] for the driver.
    pub id: Arc<str>,
    /// `host:port` of its block manager.
    pub host_port: String,
    /// Whether it was still there at the end of what is known.
    pub active: bool,
    /// Cores; absent for the driver of a cluster.
    pub total_cores: Option<u32>,
    /// Tasks it can run at once.
    pub max_tasks: Option<u32>,
    /// When it came, epoch ms.
    pub added_ms: Option<i64>,
    /// When it went, epoch ms.
    pub removed_ms: Option<i64>,
    /// Why it went.
    pub remove_reason: Option<String>,
    /// Whether Spark excluded it.
    pub excluded: bool,
    /// Stages that run now for which it is excluded, ascending.
    pub excluded_in_stages: Vec<u32>,
    /// Resource profile.
    pub resource_profile: u32,
    /// Running tasks.
    pub active_tasks: u32,
    /// Task attempts that failed.
    pub failed_tasks: u32,
    /// Task attempts that succeeded.
    pub completed_tasks: u32,
    /// Task attempts in all.
    pub total_tasks: u32,
    /// Sum of task durations, ms.
    pub total_duration_ms: u64,
    /// Sum of tasks' GC time, ms.
    pub total_gc_ms: u64,
    /// Sum of tasks' input, bytes.
    pub total_input_bytes: u64,
    /// Sum of tasks' shuffle read, bytes.
    pub total_shuffle_read: u64,
    /// Sum of tasks' shuffle write, bytes.
    pub total_shuffle_write: u64,
    /// RDD blocks held.
    pub rdd_blocks: u32,
    /// Storage memory in use, bytes.
    pub memory_used: u64,
    /// Disk in use by blocks, bytes.
    pub disk_used: u64,
    /// Storage memory in all, bytes.
    pub max_memory: u64,
    /// On-heap part of it.
    pub max_on_heap: Option<u64>,
    /// Off-heap part of it.
    pub max_off_heap: Option<u64>,
    /// Highest metrics of its process.
    pub peaks: ExecutorPeaks,
    /// Memory over time; empty over REST.
    pub memory: MemorySeries,
}

impl Executor {
    /// Whether this is the driver.
    pub fn is_driver(&self) -> bool {
        &*self.id == DRIVER
    }

    /// Largest heap that its JVM may have, bytes: from its storage memory, which is (heap − 300 MiB) ×
    /// `spark.memory.fraction` (`UnifiedMemoryManager.getMaxMemory`), so that it holds in every deploy mode.
    pub fn heap_limit(&self, environment: &Environment) -> Option<u64> {
        const RESERVED: f64 = (300 << 20) as f64;
        let on_heap = self.max_on_heap.unwrap_or(self.max_memory);
        let fraction = environment.spark_number("spark.memory.fraction").unwrap_or(0.6);
        (on_heap > 0 && fraction > 0.0).then(|| (on_heap as f64 / fraction + RESERVED).round() as u64)
    }

    /// The host without the port.
    pub fn host(&self) -> &str {
        self.host_port
            .rsplit_once(':')
            .map_or(&self.host_port, |(host, _)| host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_series_is_bounded_and_keeps_its_peaks() {
        let mut series = MemorySeries::default();
        for i in 0..100_000 {
            let heap = if i == 77_777 { 9_000 } else { 10 };
            series.push(MemorySample {
                time_ms: i,
                heap,
                ..MemorySample::default()
            });
        }
        assert!(series.samples().len() <= MemorySeries::CAPACITY);
        assert!(series.samples().len() > 64);
        assert_eq!(series.samples().iter().map(|sample| sample.heap).max(), Some(9_000));
        assert!(series.samples().is_sorted_by_key(|sample| sample.time_ms));
    }

    #[test]
    fn the_heap_s_limit_follows_from_the_storage_memory() {
        let executor = Executor {
            max_on_heap: Some(455_501_414),
            ..Executor::default()
        };
        let gib = executor.heap_limit(&Environment::default()).unwrap() as f64 / f64::from(1 << 30);
        assert!((gib - 1.0).abs() < 0.01, "{gib}");
        assert_eq!(Executor::default().heap_limit(&Environment::default()), None);
    }

    #[test]
    fn peaks_only_rise() {
        let mut peaks = ExecutorPeaks::default();
        assert!(peaks.is_empty());
        assert!(peaks.raise(ExecutorMetric::JVMHeapMemory, 5));
        assert!(!peaks.raise(ExecutorMetric::JVMHeapMemory, 3));
        assert_eq!(peaks.get(ExecutorMetric::JVMHeapMemory), Some(5));
        assert_eq!(peaks.rss(), None);
    }
}
