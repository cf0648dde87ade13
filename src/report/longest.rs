//! The stages that took longest, as cells of words: the table that text and Markdown print.

use crate::diagnosis::CallSite;
use crate::model::{Application, Stage, TaskMetric};
use crate::units;

/// Stages in the table.
const SHOWN: usize = 10;

/// The columns' heads.
pub const HEADS: [&str; 8] = [
    "Stage",
    "Duration",
    "Tasks",
    "Failed",
    "Read",
    "Shuffle write",
    "Spill",
    "Name",
];

/// The longest stages, a row each, and how many of how many they are when some are left out.
pub fn longest(application: &Application) -> (Vec<[String; 8]>, String) {
    let mut stages: Vec<&Stage> = application.ran_stages().map(AsRef::as_ref).collect();
    stages.sort_by_key(|stage| std::cmp::Reverse(stage.duration_ms()));
    let note = if stages.len() > SHOWN {
        format!("{SHOWN} of {}", stages.len())
    } else {
        String::new()
    };
    (
        stages
            .into_iter()
            .take(SHOWN)
            .map(|stage| row(application, stage))
            .collect(),
        note,
    )
}

fn row(application: &Application, stage: &Stage) -> [String; 8] {
    let bytes = |bytes: Option<u64>| bytes.map_or("n/a".to_owned(), units::bytes);
    [
        stage.key.to_string(),
        stage.duration_ms().map_or("n/a".to_owned(), units::duration),
        units::count(u64::from(stage.num_tasks)),
        units::count(u64::from(stage.failed_tasks)),
        bytes(stage.bytes_read()),
        bytes(stage.totals.get(TaskMetric::ShuffleWriteBytes)),
        bytes(stage.totals.get(TaskMetric::DiskBytesSpilled)),
        CallSite::of(application, stage).short(),
    ]
}
