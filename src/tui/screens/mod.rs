//! The screens, one file each.

pub mod applications;
pub mod environment;
pub mod findings;
pub mod help;
pub mod jobs;
pub mod stages;
