//! skewer pins down what makes an Apache Spark application slow, or what killed it.
//!
//! The map, from the bottom up; nothing names what stands below it in this list (`tests/layering.rs` holds us to it):
//!
//! - [`model`], [`units`], [`text`]: what an application is; how numbers and foreign text are written
//! - [`source`]: where it comes from: event logs and Spark's REST API, both into the one model
//! - [`schedule`]: where core time went, and how long it would take if …
//! - [`diagnosis`]: what is wrong, one file a rule, each a pure function of the model
//! - [`report`]: the triage as text, Markdown and JSON, exported tables; [`redact`] hides secrets in what leaves the program
//! - [`tui`]: the screen, run with [`settings`] made of the command line and the [`config`] file

pub mod config;
pub mod diagnosis;
pub mod model;
pub mod redact;
pub mod report;
pub mod schedule;
pub mod settings;
pub mod source;
pub mod text;
pub mod tui;
pub mod units;
