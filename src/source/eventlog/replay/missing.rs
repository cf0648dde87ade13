//! Events of jobs and stages that the log lacks although the application ended: dropped by the driver's queue, lost with a part of the
//! file, or standing in the wrong place. What is known is shown all the same; how much is missing is said.

use super::Replay;
use crate::model::{JobStatus, Loss, LossKind, StageStatus};

/// Ends that came without a start before them.
#[derive(Default)]
pub(super) struct Unstarted {
    pub jobs: u64,
    pub stages: u64,
}

impl Replay {
    /// The starts and ends of jobs and stages that are missing. A compacted log lacks them by design.
    pub(super) fn missing_events(&self) -> Option<Loss> {
        if self.app.losses.iter().any(|loss| loss.kind == LossKind::Compacted) {
            return None;
        }
        let ended = self.app.end_ms.is_some();
        let count = |open: usize| if ended { open as u64 } else { 0 };
        let running = self.jobs.iter().filter(|job| job.job.status == JobStatus::Running);
        let with = |status| self.stages.iter().filter(move |live| live.stage.status == status);
        // Its tasks ran, so it was submitted.
        let ran = with(StageStatus::Pending).filter(|live| !live.tasks.is_empty());
        let missing = [
            (self.unstarted.jobs, "job", "start"),
            (self.unstarted.stages, "stage", "start"),
            (count(running.count()), "job", "end"),
            (count(with(StageStatus::Active).count() + ran.count()), "stage", "end"),
        ];
        let total = missing.iter().map(|(count, ..)| count).sum();
        let told = missing.iter().filter(|(count, ..)| *count > 0);
        let told: Vec<String> = told
            .map(|(count, what, which)| match count {
                1 => format!("1 {what} has no {which}"),
                _ => format!("{count} {what}s have no {which}"),
            })
            .collect();
        (total > 0).then(|| Loss {
            kind: LossKind::MissingEvents,
            count: total,
            detail: format!("events missing or out of order: {}", told.join(", ")),
        })
    }
}
