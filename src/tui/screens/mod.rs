//! The screens, one file each.

pub mod applications;
pub mod stages;
