//! What is told outside the screen: the triage as text, Markdown or JSON, exported tables, snapshot files. Made of the model and
//! the diagnosis; the caller brings the writer. Knows no source and no screen.

pub mod export;
pub mod file;
