//! What is wrong with an application, and what to do about it. Pure functions of the model: no I/O, no clock, no screen.

mod finding;

pub use finding::{Advice, Code, Confidence, Evidence, Finding, Place, Severity};
