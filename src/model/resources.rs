//! What executors and tasks were to have, the processes beside them, and what users counted.

/// What executors and tasks of a stage are to have (`ResourceProfileInfo`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResourceProfile {
    /// Its id; 0 is the application's own.
    pub id: u32,
    /// What an executor has, by name; memory in MiB.
    pub executor: Vec<ResourceRequest>,
    /// What a task takes of it, by name.
    pub task: Vec<ResourceRequest>,
}

/// How much of a resource (`ExecutorResourceRequest`, `TaskResourceRequest`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResourceRequest {
    /// The resource: `cores`, `memory`, `cpus`, `gpu` …
    pub name: String,
    /// How much; tasks may take a part.
    pub amount: Option<f64>,
    /// The script that finds it on an executor's host.
    pub discovery_script: Option<String>,
    /// Who makes it.
    pub vendor: Option<String>,
}

/// A process that is neither driver nor executor, such as the application master of a YARN client (`ProcessSummary`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MiscellaneousProcess {
    /// Its name.
    pub id: String,
    /// `host:port`.
    pub host_port: String,
    /// Whether it was there at the end of what is known.
    pub active: bool,
    /// Cores.
    pub total_cores: Option<u32>,
    /// When it came, epoch ms.
    pub added_ms: Option<i64>,
    /// When it went, epoch ms.
    pub removed_ms: Option<i64>,
}

/// An accumulator that the user made, as a stage left it (`AccumulableInfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accumulator {
    /// Its id.
    pub id: u64,
    /// The name that the user gave it.
    pub name: Option<String>,
    /// Its value as text.
    pub value: Option<String>,
}
