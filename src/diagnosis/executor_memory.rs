//! An executor's memory as set: heap, overhead, and the part that one task may count on.

use super::context::Context;
use crate::model::{Application, Stage, parse_bytes};

/// Heap that Spark reserves for itself (`UnifiedMemoryManager.RESERVED_SYSTEM_MEMORY_BYTES`).
const RESERVED_HEAP: u64 = 300 << 20;
/// `spark.memory.fraction` unless set.
const MEMORY_FRACTION: f64 = 0.6;
/// `spark.executor.memory` unless set.
const EXECUTOR_MEMORY: u64 = 1 << 30;
/// The least `spark.executor.memoryOverhead`.
const LEAST_OVERHEAD: u64 = 384 << 20;

/// `spark.executor.memory` (in local mode the driver's, in `local-cluster` the master's), bytes.
pub fn heap(application: &Application) -> u64 {
    let environment = &application.environment;
    let setting = if application.is_local() {
        "spark.driver.memory"
    } else {
        "spark.executor.memory"
    };
    environment
        .spark_bytes(setting, 1 << 20)
        .or_else(|| local_cluster_memory(environment.spark("spark.master")?))
        .unwrap_or(EXECUTOR_MEMORY)
}

/// `spark.executor.memoryOverhead`: as set, else `spark.executor.memoryOverheadFactor` (0.1) of the heap and 384 MiB at least, bytes.
pub fn overhead(application: &Application) -> u64 {
    let environment = &application.environment;
    let set = environment
        .spark_bytes("spark.executor.memoryOverhead", 1 << 20)
        .or_else(|| environment.spark_bytes("spark.yarn.executor.memoryOverhead", 1 << 20));
    let factor = environment
        .spark_number("spark.executor.memoryOverheadFactor")
        .unwrap_or(0.1);
    set.unwrap_or_else(|| ((heap(application) as f64 * factor) as u64).max(LEAST_OVERHEAD))
}

/// `spark.memory.fraction`.
pub fn fraction(application: &Application) -> f64 {
    let set = application.environment.spark_number("spark.memory.fraction");
    set.unwrap_or(MEMORY_FRACTION).clamp(0.01, 1.0)
}

/// Unified memory that one task may count on: (heap − 300 MiB) × `spark.memory.fraction` / tasks an executor, bytes.
pub fn per_task(context: &Context<'_>, stage: &Stage) -> u64 {
    let application = context.application;
    let usable = heap(application).saturating_sub(RESERVED_HEAP) as f64 * fraction(application);
    (usable / f64::from(tasks_an_executor(context, stage))).max(1.0) as u64
}

/// Tasks that the largest executor alive during a stage runs at once.
pub fn tasks_an_executor(context: &Context<'_>, stage: &Stage) -> u32 {
    let from = stage.submission_ms.unwrap_or(context.slots.start_ms);
    let until = stage.completion_ms.unwrap_or(context.slots.end_ms);
    let alive = context
        .slots
        .alive(from, until)
        .map(|span| context.slots.tasks_on(span.cores));
    alive.max().unwrap_or(1).max(1)
}

/// The memory in `local-cluster[executors,cores,memory]`, MiB.
fn local_cluster_memory(master: &str) -> Option<u64> {
    let inside = master.strip_prefix("local-cluster[")?.strip_suffix(']')?;
    parse_bytes(inside.split(',').nth(2)?, 1 << 20)
}

/// A size as a value of a memory setting, whole MiB.
pub fn setting(bytes: u64) -> String {
    format!("{}m", bytes.div_ceil(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_cluster_s_memory_is_in_its_master() {
        assert_eq!(local_cluster_memory("local-cluster[2,1,1024]"), Some(1 << 30));
        assert_eq!(local_cluster_memory("yarn"), None);
    }

    #[test]
    fn the_overhead_has_a_floor() {
        let mut application = Application::default();
        application.environment.spark = vec![
            ("spark.master".into(), "yarn".into()),
            ("spark.executor.memory".into(), "2g".into()),
        ];
        assert_eq!(overhead(&application), LEAST_OVERHEAD);
        application.environment.spark[1].1 = "20g".into();
        assert_eq!(overhead(&application), (20 << 30) / 10);
        application
            .environment
            .spark
            .push(("spark.executor.memoryOverhead".into(), "1000".into()));
        assert_eq!(overhead(&application), 1_000 << 20);
    }
}
