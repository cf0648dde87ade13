//! What is wrong with an application, and what to do about it. Pure functions of the model: no I/O, no clock, no screen.

mod finding;

pub use finding::{Advice, Code, Confidence, Evidence, Finding, Place, Severity};

use crate::schedule::TimeAccount;

/// What is wrong with an application, and where its time went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnosis {
    /// The findings: what failed something first, then by what fixing them gives back.
    pub findings: Vec<Finding>,
    /// Where the core time went; `None` when the application has no start, end or cores.
    pub time: Option<TimeAccount>,
}
