//! Blocks in executors' storage, which the log tells only with `spark.eventLog.logBlockUpdates.enabled`. Keeps what the executors'
//! figures need: who holds which block of which cached RDD.

use std::collections::HashMap;

use super::stages::bump;
use super::{Lacking, Replay, need};
use crate::source::eventlog::event::{BlockUpdated, RddInfo, StorageLevel, UnpersistRdd};

/// Cached RDDs by id.
#[derive(Default)]
pub(super) struct Storage(HashMap<u32, Cached>);

#[derive(Default)]
struct Cached {
    /// Ids of the executors that hold a block, by block.
    holders: HashMap<String, Vec<String>>,
    /// Memory and disk that it takes on an executor, bytes.
    used: HashMap<String, (u64, u64)>,
}

impl Storage {
    /// A stage computes this RDD: blocks of it count if it is to be kept.
    pub(super) fn cached(&mut self, info: &RddInfo<'_>) {
        if let Some(id) = info.id.filter(|_| kept(&info.level)) {
            self.0.entry(id).or_default();
        }
    }

    pub(super) fn executor_gone(&mut self, executor: &str) {
        for cached in self.0.values_mut() {
            cached.used.remove(executor);
            cached.holders.retain(|_, holders| {
                holders.retain(|holder| holder != executor);
                !holders.is_empty()
            });
        }
    }
}

/// `StorageLevel.isValid`.
fn kept(level: &StorageLevel<'_>) -> bool {
    (level.memory == Some(true) || level.disk == Some(true)) && level.replication.is_none_or(|copies| copies > 0)
}

/// Adds or takes away, never below nothing (`AppStatusListener.addDeltaToValue`).
fn shift(value: &mut u64, by: u64, up: bool) {
    *value = if up {
        value.saturating_add(by)
    } else {
        value.saturating_sub(by)
    };
}

impl Replay {
    pub(super) fn block_updated(&mut self, event: BlockUpdated<'_>) -> Result<(), Lacking> {
        let (info, level) = (&event.info, &event.info.level);
        let block = need(info.block.as_deref())?;
        let executor = need(info.manager.executor.as_deref())?;
        let rdd = block
            .strip_prefix("rdd_")
            .and_then(|rest| rest.split('_').next()?.parse::<u32>().ok());
        if rdd.is_none() && !block.starts_with("broadcast_") {
            return Ok(());
        }
        let memory = (info.memory.unwrap_or(0), level.memory == Some(true));
        let disk = (info.disk.unwrap_or(0), level.disk == Some(true));
        let mut blocks = None;
        if let Some(cached) = rdd.and_then(|rdd| self.storage.0.get_mut(&rdd)) {
            let used = cached.used.entry(executor.to_owned()).or_default();
            shift(&mut used.0, memory.0, memory.1);
            shift(&mut used.1, disk.0, disk.1);
            let holders = cached.holders.entry(block.to_owned()).or_default();
            let held = holders.iter().position(|holder| holder == executor);
            match (kept(level), held) {
                (true, None) => {
                    holders.push(executor.to_owned());
                    blocks = Some(true);
                }
                (true, Some(_)) => {}
                (false, held) => {
                    held.map(|at| holders.remove(at));
                    blocks = Some(false);
                }
            }
        }
        if let Some(executor) = self.executor(executor) {
            shift(&mut executor.memory_used, memory.0, memory.1);
            shift(&mut executor.disk_used, disk.0, disk.1);
            if let Some(more) = blocks {
                bump(&mut executor.rdd_blocks, more);
            }
        }
        Ok(())
    }

    pub(super) fn unpersist(&mut self, event: &UnpersistRdd<'_>) -> Result<(), Lacking> {
        let id = need(event.id)?;
        let Some(cached) = self.storage.0.remove(&id) else {
            return Ok(());
        };
        for holder in cached.holders.into_values().flatten() {
            if let Some(executor) = self.executor(&holder) {
                bump(&mut executor.rdd_blocks, false);
            }
        }
        for (holder, (memory, disk)) in cached.used {
            if let Some(executor) = self.executor(&holder) {
                shift(&mut executor.memory_used, memory, false);
                shift(&mut executor.disk_used, disk, false);
            }
        }
        Ok(())
    }
}
