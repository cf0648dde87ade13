//! Where an application comes from: a target is parsed, its applications are listed, one is opened; all of it ends in
//! [`crate::model`]. Nothing here knows of rules or screens.

mod error;
pub mod eventlog;
mod lenient;
mod progress;

pub use error::SourceError;
pub use progress::{Phase, Progress, Seen};
