//! Executors and the driver as Spark's `ExecutorSummary`.

use serde_json::{Map, Value};

use super::columns::{Column, always, date, free_text, maybe};
use crate::model::{Executor, ExecutorMetric, ExecutorPeaks};

pub fn columns() -> Vec<Column<Executor>> {
    vec![
        always("id", |e: &Executor| e.id.to_string()),
        always("hostPort", |e: &Executor| e.host_port.clone()),
        always("isActive", |e: &Executor| e.active),
        always("rddBlocks", |e: &Executor| e.rdd_blocks),
        always("memoryUsed", |e: &Executor| e.memory_used),
        always("diskUsed", |e: &Executor| e.disk_used),
        maybe("totalCores", |e: &Executor| e.total_cores),
        maybe("maxTasks", |e: &Executor| e.max_tasks),
        always("activeTasks", |e: &Executor| e.active_tasks),
        always("failedTasks", |e: &Executor| e.failed_tasks),
        always("completedTasks", |e: &Executor| e.completed_tasks),
        always("totalTasks", |e: &Executor| e.total_tasks),
        always("totalDuration", |e: &Executor| e.total_duration_ms),
        always("totalGCTime", |e: &Executor| e.total_gc_ms),
        always("totalInputBytes", |e: &Executor| e.total_input_bytes),
        always("totalShuffleRead", |e: &Executor| e.total_shuffle_read),
        always("totalShuffleWrite", |e: &Executor| e.total_shuffle_write),
        always("isBlacklisted", |e: &Executor| e.excluded),
        always("maxMemory", |e: &Executor| e.max_memory),
        maybe("addTime", |e: &Executor| e.added_ms.and_then(date)),
        maybe("removeTime", |e: &Executor| e.removed_ms.and_then(date)),
        free_text("removeReason", |e: &Executor| e.remove_reason.as_deref()),
        maybe("memoryMetrics.totalOnHeapStorageMemory", |e: &Executor| e.max_on_heap),
        maybe("memoryMetrics.totalOffHeapStorageMemory", |e: &Executor| e.max_off_heap),
        maybe("peakMemoryMetrics", |e: &Executor| {
            (!e.peaks.is_empty()).then(|| Value::Object(peaks(&e.peaks)))
        }),
        always("resourceProfileId", |e: &Executor| e.resource_profile),
        always("isExcluded", |e: &Executor| e.excluded),
        always("blacklistedInStages", |e: &Executor| e.excluded_in_stages.clone()),
        always("excludedInStages", |e: &Executor| e.excluded_in_stages.clone()),
    ]
}

/// The recorded peaks under Spark's names.
pub fn peaks(peaks: &ExecutorPeaks) -> Map<String, Value> {
    let known = |metric: &ExecutorMetric| Some((metric.name().to_owned(), Value::from(peaks.get(*metric)?)));
    ExecutorMetric::ALL.iter().filter_map(known).collect()
}
