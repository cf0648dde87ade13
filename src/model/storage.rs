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

/// Characters of a short name.
const SHORT: usize = 40;

impl CachedRdd {
    /// The name in a few words. A DataFrame's RDD is named after its whole plan: what it does last, and what it reads, such as
    /// `Project over FileScan parquet`.
    pub fn short_name(&self) -> String {
        let is_plan = self.name.contains("+- ") || self.name.starts_with("*(");
        let name = match operators(&self.name).as_slice() {
            [first, .., leaf] if is_plan => format!("{first} over {leaf}"),
            [only] if is_plan => (*only).to_owned(),
            _ => self.name.lines().next().unwrap_or("").trim().to_owned(),
        };
        if name.chars().count() <= SHORT {
            return name;
        }
        let short: String = name.chars().take(SHORT - 1).collect();
        format!("{}…", short.trim_end())
    }
}

/// The operators of a plan's text without their arguments, down to the first that reads something.
fn operators(plan: &str) -> Vec<&str> {
    let mut operators = Vec::new();
    for operator in plan.split("+- ") {
        let name = operator.trim_start();
        // `*(3) ` is the number of the generated code that it is part of.
        let name = match name.strip_prefix("*(").and_then(|rest| rest.split_once(") ")) {
            Some((_, name)) => name,
            None => name,
        };
        let name = name.split(['[', '(', ',', ':']).next().unwrap_or(name).trim();
        if name.is_empty() || name.starts_with("AdaptiveSparkPlan") {
            continue;
        }
        operators.push(name);
        if name.contains("Scan") || name == "Range" {
            break;
        }
    }
    operators
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_called_by_what_it_does_and_reads() {
        let cases = [
            ("In-memory table totals", "In-memory table totals"),
            ("PythonRDD", "PythonRDD"),
            (
                "*(1) Project [(id#11L % 11) AS shop#12L] +- *(1) Range (0, 1300000, step=1, splits=10) ",
                "Project over Range",
            ),
            (
                "*(1) Project [id#0L]\n+- InMemoryTableScan [c0#2]\n  +- InMemoryRelation [id#0L]\n  +- *(1) Range (0, 9)",
                "Project over InMemoryTableScan",
            ),
            (
                "AdaptiveSparkPlan isFinalPlan=false +- HashAggregate(keys=[user#22L]) +- Exchange hashpartitioning(user#22L, 4) \
                 +- FileScan parquet [user#22L,payload#23] Batched: t",
                "HashAggregate over FileScan parquet",
            ),
            ("*(1) ColumnarToRow", "ColumnarToRow"),
            ("Scan ExistingRDD[a#1,b#2]", "Scan ExistingRDD[a#1,b#2]"),
            ("", ""),
            ("+- +- *(", "*"),
        ];
        for (name, short) in cases {
            let rdd = CachedRdd {
                name: name.into(),
                ..CachedRdd::default()
            };
            assert_eq!(rdd.short_name(), short);
        }
        let long = CachedRdd {
            name: "名".repeat(200),
            ..CachedRdd::default()
        };
        assert_eq!(long.short_name().chars().count(), SHORT);
    }
}
