//! Cached RDDs as Spark's REST API lists them (`RDDStorageInfo`), into the model. It lists those of which blocks are kept now, and does not
//! tell what was dropped.

use std::borrow::Cow;

use super::json::{RddBlock, RddData, RddOn};
use crate::model::{CachedBlock, CachedOn, CachedRdd};
use crate::text::clean_line;

/// Cached RDDs by id.
pub(super) fn storage(list: Vec<RddData<'_>>) -> Vec<CachedRdd> {
    let mut all: Vec<CachedRdd> = list.into_iter().filter_map(rdd).collect();
    all.sort_by_key(|rdd| rdd.id);
    all.dedup_by_key(|rdd| rdd.id);
    all
}

fn rdd(data: RddData<'_>) -> Option<CachedRdd> {
    let on = |on: RddOn<'_>| CachedOn {
        address: line(on.address),
        memory_used: on.memory.unwrap_or(0),
        memory_remaining: on.remaining,
        disk_used: on.disk.unwrap_or(0),
    };
    let block = |block: RddBlock<'_>| CachedBlock {
        name: line(block.name),
        storage_level: line(block.level),
        memory_used: block.memory.unwrap_or(0),
        disk_used: block.disk.unwrap_or(0),
        executors: block
            .executors
            .into_iter()
            .flatten()
            .map(|id| clean_line(&id))
            .collect(),
    };
    let partition = |name: &str| name.rsplit('_').next().and_then(|number| number.parse::<u64>().ok());
    let mut blocks: Vec<CachedBlock> = data.blocks.into_iter().map(block).collect();
    blocks.sort_by_cached_key(|block| (partition(&block.name), block.name.clone()));
    Some(CachedRdd {
        id: data.id?,
        name: line(data.name),
        partitions: data.partitions.unwrap_or(0),
        cached_partitions: data.cached_partitions,
        storage_level: line(data.level),
        memory_used: data.memory,
        disk_used: data.disk,
        distribution: data.distribution.into_iter().map(on).collect(),
        blocks,
        evicted_blocks: None,
        unpersisted: false,
    })
}

fn line(text: Option<Cow<'_, str>>) -> String {
    text.map(|text| clean_line(&text)).unwrap_or_default()
}
