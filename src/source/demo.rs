//! Recorded applications built into the program: real Spark logs with one fault planted in each, and their healthy twins.

use super::error::SourceError;
use super::eventlog;
use super::progress::Progress;
use crate::model::{Application, Listing};

/// A recorded application.
#[derive(Debug)]
pub struct Case {
    /// The name on the command line.
    pub name: &'static str,
    /// What it shows, for help.
    pub what: &'static str,
    /// Its event log, zstd.
    log: &'static [u8],
}

macro_rules! cases {
    ($($name:literal $what:literal;)*) => {
        &[$(Case {
            name: $name,
            what: $what,
            log: include_bytes!(concat!("../../tests/fixtures/logs/", $name, "-3.5.zstd")),
        }),*]
    };
}

/// All of them; the first is shown when none is named.
pub const CASES: &[Case] = cases! {
    "skewed-join" "one join key holds most rows: a single task works while the others have long finished";
    "skewed-join-healthy" "the same join with its keys spread evenly";
    "big-collect" "a large table collected into the driver";
    "big-collect-healthy" "the same table written out by the executors";
    "one-partition" "a stage of a single task on a cluster with many slots";
    "one-partition-healthy" "the same work in enough partitions";
};

impl Case {
    /// The case with this name.
    ///
    /// # Errors
    /// [`SourceError::BadTarget`] lists the names there are.
    pub fn named(name: &str) -> Result<&'static Case, SourceError> {
        CASES.iter().find(|case| case.name == name).ok_or_else(|| {
            let names: Vec<&str> = CASES.iter().map(|case| case.name).collect();
            SourceError::BadTarget {
                target: crate::text::clean_line(name),
                why: format!("no such case; there are {}", names.join(", ")),
            }
        })
    }

    /// Replays its log.
    pub(super) fn open(&self, progress: &Progress) -> Result<Application, SourceError> {
        eventlog::open_stream(self.name, self.log.len() as u64, self.log, progress)
    }

    /// The list of one.
    pub(super) fn list(&self, progress: &Progress) -> Result<Listing, SourceError> {
        Ok(Listing::of(&self.open(progress)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_case_names_those_there_are() {
        let error = Case::named("slow\u{1b}").unwrap_err();
        assert_eq!(error.exit_status(), 2);
        let text = error.to_string();
        assert!(
            text.starts_with("slow^[: no such case; there are skewed-join, ")
                && text.ends_with("one-partition-healthy"),
            "{text}"
        );
    }

    #[test]
    fn every_case_opens() {
        for case in CASES {
            let source = crate::source::Source::demo(case.name).unwrap();
            let progress = Progress::default();
            let application = source.open(source.choice().unwrap(), &progress).unwrap();
            assert!(
                application.task_count() > 0 && application.losses.is_empty(),
                "{}",
                case.name
            );
            assert_eq!(source.list(&progress).unwrap().applications[0].id, application.id);
        }
    }
}
