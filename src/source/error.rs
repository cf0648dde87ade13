//! What can go wrong on the way to an application. Each message is one line that names the thing and says what to do.

use std::path::PathBuf;

/// Why a target could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The target is none of the things skewer reads.
    #[error("{target}: {why}")]
    BadTarget {
        /// As the user wrote it, credentials removed.
        target: String,
        /// What is wrong and what to write instead.
        why: String,
    },
    /// A file or folder could not be read.
    #[error("{path}: {why}", path = .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        why: String,
    },
    /// A server could not be reached, or answered something else than asked for.
    #[error("{url}: {why}")]
    Server {
        /// The address, without credentials.
        url: String,
        /// What is wrong and what to do.
        why: String,
    },
    /// There is no such application or attempt, or several and none was chosen.
    #[error("{0}")]
    Application(String),
    /// The user stopped it.
    #[error("cancelled")]
    Cancelled,
}

impl SourceError {
    /// The exit status: 2 for bad usage, 3 for what could not be reached or read.
    pub const fn exit_status(&self) -> u8 {
        match self {
            SourceError::BadTarget { .. } | SourceError::Application(_) => 2,
            SourceError::File { .. } | SourceError::Server { .. } | SourceError::Cancelled => 3,
        }
    }
}
