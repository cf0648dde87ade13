//! The applications that a source offers.

use super::application::Application;
use super::losses::Loss;

/// One attempt of an application in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttemptEntry {
    /// Attempt id; only YARN's cluster mode has one.
    pub attempt: Option<String>,
    /// Start, epoch ms.
    pub start_ms: Option<i64>,
    /// End, epoch ms; absent while it runs.
    pub end_ms: Option<i64>,
    /// Last change of its log, epoch ms.
    pub last_updated_ms: Option<i64>,
    /// Duration, ms.
    pub duration_ms: Option<u64>,
    /// Who ran it.
    pub user: Option<String>,
    /// Whether its end was seen.
    pub completed: bool,
    /// Spark's version.
    pub spark_version: Option<String>,
}

/// One application in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApplicationEntry {
    /// Application id.
    pub id: String,
    /// Name given by its author.
    pub name: String,
    /// Attempts, newest first; at least one.
    pub attempts: Vec<AttemptEntry>,
}

/// What a source answers when asked for its applications.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// The applications, newest first.
    pub applications: Vec<ApplicationEntry>,
    /// What could not be read.
    pub losses: Vec<Loss>,
}

impl AttemptEntry {
    /// Whether a driver itself tells of it: it knows no other time than the start (`SparkUI.getApplicationInfoList`), where a history
    /// server tells when the log last changed.
    pub fn is_told_by_driver(&self) -> bool {
        !self.completed && self.start_ms.is_some() && self.last_updated_ms == self.start_ms
    }
}

impl ApplicationEntry {
    /// The entry of an application that has been read.
    pub fn of(application: &Application) -> ApplicationEntry {
        ApplicationEntry {
            id: application.id.clone(),
            name: application.name.clone(),
            attempts: vec![AttemptEntry {
                attempt: application.attempt.clone(),
                start_ms: application.start_ms,
                end_ms: application.end_ms,
                last_updated_ms: application.last_ms,
                duration_ms: application.wall_ms(),
                user: application.user.clone(),
                completed: application.end_ms.is_some(),
                spark_version: application.spark_version.clone(),
            }],
        }
    }
}

impl Listing {
    /// The list of one application that has been read.
    pub fn of(application: &Application) -> Listing {
        Listing {
            applications: vec![ApplicationEntry::of(application)],
            losses: application.losses.clone(),
        }
    }
}
