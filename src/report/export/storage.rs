//! Cached RDDs as Spark's `RDDStorageInfo`, those that were given up among them (`unpersisted`); `evictedBlocks` is skewer's own.

use serde_json::{Value, json};

use super::columns::{Column, always, free_text, maybe};
use crate::model::{CachedBlock, CachedOn, CachedRdd};

pub fn columns() -> Vec<Column<CachedRdd>> {
    vec![
        always("id", |rdd: &CachedRdd| rdd.id),
        free_text("name", |rdd: &CachedRdd| Some(&rdd.name)),
        always("numPartitions", |rdd: &CachedRdd| rdd.partitions),
        maybe("numCachedPartitions", |rdd: &CachedRdd| rdd.cached_partitions),
        always("storageLevel", |rdd: &CachedRdd| rdd.storage_level.clone()),
        maybe("memoryUsed", |rdd: &CachedRdd| rdd.memory_used),
        maybe("diskUsed", |rdd: &CachedRdd| rdd.disk_used),
        maybe("dataDistribution", |rdd: &CachedRdd| {
            (!rdd.distribution.is_empty()).then(|| rdd.distribution.iter().map(on).collect::<Value>())
        }),
        maybe("partitions", |rdd: &CachedRdd| {
            (!rdd.blocks.is_empty()).then(|| rdd.blocks.iter().map(block).collect::<Value>())
        }),
        maybe("evictedBlocks", |rdd: &CachedRdd| rdd.evicted_blocks),
        maybe("unpersisted", |rdd: &CachedRdd| rdd.unpersisted.then_some(true)),
    ]
}

fn on(on: &CachedOn) -> Value {
    let mut object = json!({ "address": on.address, "memoryUsed": on.memory_used, "diskUsed": on.disk_used });
    if let Some(remaining) = on.memory_remaining {
        object["memoryRemaining"] = remaining.into();
    }
    object
}

fn block(block: &CachedBlock) -> Value {
    json!({
        "blockName": block.name,
        "storageLevel": block.storage_level,
        "memoryUsed": block.memory_used,
        "diskUsed": block.disk_used,
        "executors": block.executors,
    })
}
