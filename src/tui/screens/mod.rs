//! The screens, one file each.

pub mod applications;
pub mod compare;
pub mod environment;
pub mod executors;
pub mod findings;
pub mod help;
pub mod jobs;
pub mod memory;
pub mod node;
pub mod overview;
#[cfg(test)]
mod pictures;
pub mod pieces;
pub mod plan;
pub mod query;
pub mod rdd;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod sample;
pub mod sql;
pub mod stage;
pub mod stages;
pub mod storage;
pub mod streaming;
pub mod task;
