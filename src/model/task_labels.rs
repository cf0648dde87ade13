//! The words Spark has for a task attempt: how near its data it ran, how it stands, why it did not succeed.

/// How near a task ran to its data (Spark's `TaskLocality`), best first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Locality {
    /// In the executor's own process.
    ProcessLocal,
    /// On the same host.
    NodeLocal,
    /// The task had no preference.
    NoPref,
    /// In the same rack.
    RackLocal,
    /// Anywhere: the worst level.
    Any,
    /// Not recorded, or a level that this version of skewer does not know.
    #[default]
    Unknown,
}

impl Locality {
    /// Every level that Spark knows, best first.
    pub const ALL: [Locality; 5] = [
        Locality::ProcessLocal,
        Locality::NodeLocal,
        Locality::NoPref,
        Locality::RackLocal,
        Locality::Any,
    ];

    /// Spark's own spelling.
    pub const fn name(self) -> &'static str {
        match self {
            Locality::ProcessLocal => "PROCESS_LOCAL",
            Locality::NodeLocal => "NODE_LOCAL",
            Locality::NoPref => "NO_PREF",
            Locality::RackLocal => "RACK_LOCAL",
            Locality::Any => "ANY",
            Locality::Unknown => "UNKNOWN",
        }
    }

    /// The level that Spark spells so; anything else is `Unknown`.
    pub fn parse(name: &str) -> Locality {
        Locality::ALL
            .into_iter()
            .find(|level| level.name() == name)
            .unwrap_or_default()
    }
}

/// Where a task attempt stands (REST's `TaskStatus`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskStatus {
    /// Launched, no end seen.
    #[default]
    Running,
    /// Ended well.
    Success,
    /// Ended with a failure.
    Failed,
    /// Killed, for instance the slower twin of a speculative pair.
    Killed,
    /// A status this version of skewer does not know.
    Unknown,
}

impl TaskStatus {
    /// Spark's own spelling.
    pub const fn name(self) -> &'static str {
        match self {
            TaskStatus::Running => "RUNNING",
            TaskStatus::Success => "SUCCESS",
            TaskStatus::Failed => "FAILED",
            TaskStatus::Killed => "KILLED",
            TaskStatus::Unknown => "UNKNOWN",
        }
    }

    /// The status that Spark spells so; anything else is `Unknown`.
    pub fn parse(name: &str) -> TaskStatus {
        use TaskStatus::*;
        [Running, Success, Failed, Killed]
            .into_iter()
            .find(|status| status.name() == name)
            .unwrap_or(Unknown)
    }
}

/// Why a task attempt did not succeed (`TaskEndReason`). REST carries the message alone: [`FailureKind::of_message`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The task's code threw.
    Exception,
    /// A shuffle block could not be fetched.
    FetchFailed,
    /// Its executor went away.
    ExecutorLost,
    /// It was killed.
    Killed,
    /// The driver denied its commit.
    CommitDenied,
    /// Its result was lost before the driver fetched it.
    ResultLost,
    /// Its output was lost with an executor and it ran again.
    Resubmitted,
    /// Anything else.
    Other,
}

impl FailureKind {
    /// The kind as Spark's message text tells it (`TaskFailedReason.toErrorString`).
    pub fn of_message(message: &str) -> FailureKind {
        let kinds = [
            ("FetchFailed(", FailureKind::FetchFailed),
            ("ExecutorLostFailure (", FailureKind::ExecutorLost),
            ("TaskKilled (", FailureKind::Killed),
            ("TaskCommitDenied (", FailureKind::CommitDenied),
            ("TaskResultLost (", FailureKind::ResultLost),
            ("Resubmitted (", FailureKind::Resubmitted),
            ("UnknownReason", FailureKind::Other),
        ];
        kinds
            .into_iter()
            .find(|(start, _)| message.starts_with(start))
            .map_or(FailureKind::Exception, |(_, kind)| kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_s_kind_is_read_from_its_message() {
        assert_eq!(
            FailureKind::of_message("FetchFailed(BlockManagerId(1, h, 1, None), …"),
            FailureKind::FetchFailed
        );
        assert_eq!(
            FailureKind::of_message("TaskKilled (another attempt succeeded)"),
            FailureKind::Killed
        );
        assert_eq!(
            FailureKind::of_message("java.lang.RuntimeException: no"),
            FailureKind::Exception
        );
    }
}
