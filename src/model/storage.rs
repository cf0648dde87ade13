//! Cached RDDs and tables: what was to be kept, and how much of it was.

/// A persisted RDD (REST's `RDDStorageInfo`). Over an event log its sizes are known only where block updates were logged
/// (`spark.eventLog.logBlockUpdates.enabled`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CachedRdd {
    /// RDD id.
    pub id: u32,
    /// Name: the user's, or the operator's.
    pub name: String,
    /// Partitions that it has.
    pub partitions: u32,
    /// Partitions of which a block is kept.
    pub cached_partitions: Option<u32>,
    /// Storage level as Spark describes it, such as `Disk Memory Deserialized 1x Replicated`.
    pub storage_level: String,
    /// Memory that its blocks take, bytes; of one that was unpersisted, as it stood then.
    pub memory_used: Option<u64>,
    /// Disk that its blocks take, bytes.
    pub disk_used: Option<u64>,
    /// Where it lies.
    pub distribution: Vec<CachedOn>,
    /// Its blocks, by partition; none of one that was unpersisted.
    pub blocks: Vec<CachedBlock>,
    /// Blocks that were dropped from memory or given up while it was still persisted; absent where block updates were not logged.
    pub evicted_blocks: Option<u64>,
    /// Whether it was unpersisted.
    pub unpersisted: bool,
}

/// What one executor keeps of an RDD (REST's `RDDDataDistribution`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CachedOn {
    /// Host and port of the executor's block manager.
    pub address: String,
    /// Memory used for it, bytes.
    pub memory_used: u64,
    /// Storage memory left there, bytes.
    pub memory_remaining: Option<u64>,
    /// Disk used for it, bytes.
    pub disk_used: u64,
}

/// A block of an RDD (REST's `RDDPartitionInfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CachedBlock {
    /// Block name: `rdd_3_17`.
    pub name: String,
    /// Storage level as Spark describes it.
    pub storage_level: String,
    /// Memory used, bytes.
    pub memory_used: u64,
    /// Disk used, bytes.
    pub disk_used: u64,
    /// Ids of the executors that hold it.
    pub executors: Vec<String>,
}
