//! The screens, one file each.

pub mod applications;
pub mod environment;
pub mod executors;
pub mod findings;
pub mod help;
pub mod jobs;
pub mod memory;
pub mod overview;
#[cfg(test)]
mod pictures;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod sample;
pub mod stage;
pub mod stages;
pub mod task;
