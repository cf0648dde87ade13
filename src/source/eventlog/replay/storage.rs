//! Persisted RDDs and the blocks that executors hold of them, as Spark's `AppStatusListener` keeps them. The log tells of blocks only with
//! `spark.eventLog.logBlockUpdates.enabled`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::stages::bump;
use super::{Lacking, Replay, need};
use crate::model::{Application, CachedBlock, CachedOn, CachedRdd};
use crate::source::eventlog::event::{BlockUpdated, RddInfo, StorageLevel, UnpersistRdd};
use crate::text;

/// Persisted RDDs.
#[derive(Default)]
pub(super) struct Storage {
    /// Those that are persisted now, by id.
    cached: HashMap<u32, Cached>,
    /// Those that no longer are, as they stood then, without their blocks.
    given_up: BTreeMap<u32, CachedRdd>,
    /// Storage memory left on each executor when a block of an RDD last changed there, bytes: so old are Spark's figures.
    remaining: HashMap<Arc<str>, u64>,
    /// Whether the log tells of blocks.
    told: bool,
}

/// An RDD that is persisted (`LiveRDD`).
#[derive(Clone, Default)]
struct Cached {
    name: String,
    partitions: u32,
    level: Level,
    memory: u64,
    disk: u64,
    blocks: HashMap<String, Block>,
    /// What it takes on an executor.
    on: HashMap<Arc<str>, On>,
    evicted: u64,
}

/// What a storage level says, but for the number of copies.
#[derive(Clone, Copy, Default)]
struct Level {
    disk: bool,
    memory: bool,
    off_heap: bool,
    deserialized: bool,
    copies: u32,
}

#[derive(Clone, Default)]
struct Block {
    executors: Vec<Arc<str>>,
    memory: u64,
    disk: u64,
}

#[derive(Clone, Default)]
struct On {
    memory: u64,
    disk: u64,
}

impl Storage {
    /// A stage computes this RDD: blocks of it count if it is to be kept.
    pub(super) fn cached(&mut self, info: &RddInfo<'_>) {
        let (Some(id), true) = (info.id, kept(&info.level)) else {
            return;
        };
        self.cached.entry(id).or_insert_with(|| Cached {
            name: info.name.as_deref().map(text::clean_line).unwrap_or_default(),
            partitions: info.partitions.unwrap_or(0),
            level: Level {
                disk: info.level.disk == Some(true),
                memory: info.level.memory == Some(true),
                off_heap: info.level.off_heap == Some(true),
                deserialized: info.level.deserialized == Some(true),
                copies: info.level.replication.unwrap_or(1),
            },
            ..Cached::default()
        });
    }

    pub(super) fn executor_gone(&mut self, executor: &str) {
        for cached in self.cached.values_mut() {
            cached.on.remove(executor);
            let (mut memory, mut disk) = (0_u64, 0_u64);
            for block in cached.blocks.values_mut() {
                let holders = block.executors.len() as u64;
                let Some(at) = block.executors.iter().position(|holder| **holder == *executor) else {
                    continue;
                };
                block.executors.remove(at);
                let share = (block.memory / holders, block.disk / holders);
                (block.memory, block.disk) = (block.memory - share.0, block.disk - share.1);
                (memory, disk) = (memory.saturating_add(share.0), disk.saturating_add(share.1));
            }
            cached.blocks.retain(|_, block| !block.executors.is_empty());
            shift(&mut cached.memory, memory, false);
            shift(&mut cached.disk, disk, false);
        }
    }
}

impl Cached {
    /// The RDD for the model. `address` names an executor's block manager.
    fn told(
        self,
        id: u32,
        told: bool,
        remaining: &HashMap<Arc<str>, u64>,
        address: impl Fn(&str) -> String,
    ) -> CachedRdd {
        let count = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX);
        let mut distribution: Vec<(Arc<str>, On)> = self.on.into_iter().collect();
        distribution.sort_by(|(one, _), (other, _)| one.cmp(other));
        let on = |(executor, on): (Arc<str>, On)| CachedOn {
            address: address(&executor),
            memory_used: on.memory,
            memory_remaining: remaining.get(&executor).copied(),
            disk_used: on.disk,
        };
        let block = |(name, block): (String, Block)| CachedBlock {
            storage_level: describe(&Level {
                disk: block.disk > 0,
                memory: block.memory > 0,
                off_heap: self.level.off_heap,
                deserialized: block.memory > 0 && self.level.deserialized,
                copies: u32::try_from(block.executors.len()).unwrap_or(u32::MAX),
            }),
            name,
            memory_used: block.memory,
            disk_used: block.disk,
            executors: block.executors.iter().map(ToString::to_string).collect(),
        };
        let mut blocks: Vec<CachedBlock> = self.blocks.into_iter().map(block).collect();
        let partition = |name: &str| name.rsplit('_').next().and_then(|number| number.parse::<u64>().ok());
        blocks.sort_by(|one, other| (partition(&one.name), &one.name).cmp(&(partition(&other.name), &other.name)));
        CachedRdd {
            id,
            name: self.name,
            partitions: self.partitions,
            cached_partitions: told.then_some(count),
            storage_level: describe(&self.level),
            memory_used: told.then_some(self.memory),
            disk_used: told.then_some(self.disk),
            distribution: distribution.into_iter().map(on).collect(),
            blocks,
            evicted_blocks: told.then_some(self.evicted),
            unpersisted: false,
        }
    }
}

/// `StorageLevel.isValid`.
fn kept(level: &StorageLevel<'_>) -> bool {
    (level.memory == Some(true) || level.disk == Some(true)) && level.replication.is_none_or(|copies| copies > 0)
}

/// `StorageLevel.description`.
fn describe(level: &Level) -> String {
    let disk = if level.disk { "Disk " } else { "" };
    let memory = match (level.memory, level.off_heap) {
        (false, _) => "",
        (true, true) => "Memory (off heap) ",
        (true, false) => "Memory ",
    };
    let form = if level.deserialized {
        "Deserialized"
    } else {
        "Serialized"
    };
    format!("{disk}{memory}{form} {}x Replicated", level.copies)
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
        let executor = self.names.get(need(info.manager.executor.as_deref())?);
        self.storage.told = true;
        let rdd = block
            .strip_prefix("rdd_")
            .and_then(|rest| rest.split('_').next()?.parse::<u32>().ok());
        if rdd.is_none() && !block.starts_with("broadcast_") {
            return Ok(());
        }
        let memory = (info.memory.unwrap_or(0), level.memory == Some(true));
        let disk = (info.disk.unwrap_or(0), level.disk == Some(true));
        let live = self.executor(&executor).map(|live| {
            shift(&mut live.memory_used, memory.0, memory.1);
            shift(&mut live.disk_used, disk.0, disk.1);
            (live.rdd_blocks, live.max_memory.checked_sub(live.memory_used))
        });
        let Some(cached) = rdd.and_then(|rdd| self.storage.cached.get_mut(&rdd)) else {
            return Ok(());
        };
        let entry = cached.blocks.entry(text::clean_line(block)).or_default();
        let held = entry.executors.iter().position(|holder| *holder == executor);
        // Blocks given up with their RDD are not told of: what goes was dropped, from memory at least.
        let dropped = held.is_some() && (!kept(level) || (!memory.1 && memory.0 > 0));
        cached.evicted += u64::from(dropped);
        let more = match (kept(level), held) {
            (true, None) => {
                entry.executors.push(executor.clone());
                Some(true)
            }
            (true, Some(_)) => None,
            (false, held) => {
                held.map(|at| entry.executors.remove(at));
                Some(false)
            }
        };
        shift(&mut entry.memory, memory.0, memory.1);
        shift(&mut entry.disk, disk.0, disk.1);
        if entry.executors.is_empty() {
            cached.blocks.remove(&text::clean_line(block));
        }
        shift(&mut cached.memory, memory.0, memory.1);
        shift(&mut cached.disk, disk.0, disk.1);
        let Some((blocks, remaining)) = live else { return Ok(()) };
        let left = match more {
            Some(true) => blocks.saturating_add(1),
            Some(false) => blocks.saturating_sub(1),
            None => blocks,
        };
        if left > 0 {
            let on = cached.on.entry(executor.clone()).or_default();
            shift(&mut on.memory, memory.0, memory.1);
            shift(&mut on.disk, disk.0, disk.1);
        } else {
            cached.on.remove(&executor);
        }
        match remaining {
            Some(remaining) => self.storage.remaining.insert(executor.clone(), remaining),
            None => self.storage.remaining.remove(&executor),
        };
        if let (Some(executor), Some(more)) = (self.executor(&executor), more) {
            bump(&mut executor.rdd_blocks, more);
        }
        Ok(())
    }

    pub(super) fn unpersist(&mut self, event: &UnpersistRdd<'_>) -> Result<(), Lacking> {
        let id = need(event.id)?;
        let Some(cached) = self.storage.cached.remove(&id) else {
            return Ok(());
        };
        for holder in cached.blocks.values().flat_map(|block| &block.executors) {
            if let Some(executor) = self.executor(holder) {
                bump(&mut executor.rdd_blocks, false);
            }
        }
        for (holder, on) in &cached.on {
            if let Some(executor) = self.executor(holder) {
                shift(&mut executor.memory_used, on.memory, false);
                shift(&mut executor.disk_used, on.disk, false);
            }
        }
        let given_up = CachedRdd {
            blocks: Vec::new(),
            distribution: Vec::new(),
            unpersisted: true,
            ..cached.told(id, true, &HashMap::new(), |_| String::new())
        };
        self.storage.given_up.insert(id, given_up);
        Ok(())
    }

    /// The persisted RDDs by id, as they stand; the application has its properties and executors by now.
    pub(super) fn cached_rdds(&self, application: &Application) -> Vec<CachedRdd> {
        let storage = &self.storage;
        let environment = &application.environment;
        let told = storage.told || environment.spark_bool("spark.eventLog.logBlockUpdates.enabled") == Some(true);
        let mut all = storage.given_up.clone();
        if !told {
            for rdd in all.values_mut() {
                (
                    rdd.cached_partitions,
                    rdd.memory_used,
                    rdd.disk_used,
                    rdd.evicted_blocks,
                ) = (None, None, None, None);
            }
        }
        let address = |id: &str| {
            let executor = application.executor(id);
            executor.map_or_else(|| id.to_owned(), |executor| executor.host_port.clone())
        };
        for (id, cached) in &storage.cached {
            all.insert(*id, cached.clone().told(*id, told, &storage.remaining, address));
        }
        all.into_values().collect()
    }
}
