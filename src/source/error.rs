//! What can go wrong on the way to an application. Each message is one line that names the thing and says what to do.

use std::io;
use std::path::{Path, PathBuf};

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
    /// A server that did not answer, or said that it cannot now: a moment later it may.
    #[error("{url}: {why}")]
    Unavailable {
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
    /// A file or folder that the system refused.
    pub fn of_path(path: &Path, error: &io::Error) -> SourceError {
        let why = match error.kind() {
            io::ErrorKind::NotFound => "no such file or folder (a server is written http://host:18080)".to_owned(),
            io::ErrorKind::PermissionDenied => {
                "not allowed to read it: ask its owner, or read it as another user".to_owned()
            }
            _ => format!("cannot be read ({error})"),
        };
        SourceError::File {
            path: path.to_owned(),
            why,
        }
    }

    /// The exit status: 2 for bad usage, 3 for what could not be reached or read.
    pub const fn exit_status(&self) -> u8 {
        match self {
            SourceError::BadTarget { .. } | SourceError::Application(_) => 2,
            SourceError::File { .. } | SourceError::Server { .. } => 3,
            SourceError::Unavailable { .. } | SourceError::Cancelled => 3,
        }
    }

    /// Whether trying again may help.
    pub const fn passes(&self) -> bool {
        matches!(self, SourceError::Unavailable { .. })
    }
}
