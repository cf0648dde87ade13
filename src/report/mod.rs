//! What is told outside the screen: the triage as text, Markdown or JSON, exported tables, snapshot files. Made of the model and
//! the diagnosis; the caller brings the writer. Knows no source and no screen.

mod ascii;
mod compare;
pub mod export;
mod facts;
pub mod file;
mod json;
mod listing;
mod longest;
mod markdown;
mod page;
pub mod phrases;
#[cfg(test)]
mod sample;
mod text;

pub use ascii::to_ascii;
pub use compare::{Comparison, Run};
pub use json::json;
pub use listing::listing;
pub use markdown::markdown;
pub use text::{rule, text};
