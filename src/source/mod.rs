//! Where an application comes from: a target is parsed, its applications are listed, one is opened; all of it ends in
//! [`crate::model`]. Nothing here knows of rules or screens.

mod accumulators;
pub mod demo;
mod error;
mod eventlog;
mod lenient;
mod pace;
mod progress;
mod resources;
mod rest;
mod store;
mod target;

pub use error::SourceError;
pub use progress::{Phase, Progress, Seen, Shown};
pub use rest::{Connection, Header, Landing, token_of_file};
pub use target::{Choice, LoadedStage, MAX_LOG, Options, Source};
