//! What the overview shows, computed once when an application has come: stages, activity, memory.
//! Drawing then only reads. Knows no screen.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::diagnosis::CallSite;
use crate::model::{Application, Stage, StageKey, StageStatus, TasksRead};
use crate::schedule::Activity;
use crate::tui::screens::memory::Memory;

/// Parts that the application's time is divided into; more than the widest screen has columns.
pub const PARTS: usize = 512;

/// A stage on the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageSpan {
    /// Which.
    pub key: StageKey,
    /// The user's line that it comes from.
    pub name: String,
    /// Submitted, else its first task launched, epoch ms: as its duration is counted everywhere.
    pub start_ms: i64,
    /// Completed, else the last thing recorded, epoch ms.
    pub end_ms: i64,
    /// How it came out.
    pub status: StageStatus,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Start of the application, epoch ms.
    pub start_ms: i64,
    /// Its end, or the last thing recorded, epoch ms.
    pub end_ms: i64,
    /// The stage attempts that ran, the longest first.
    pub stages: Vec<StageSpan>,
    /// Busy slots and executors over time.
    pub activity: Activity,
    /// Stage attempts whose tasks have not been read: account and busy slots lack them.
    pub unread: usize,
    /// Executors with their memory, those nearest their limit first; empty where none was recorded.
    pub memory: Vec<Memory>,
}

impl Facts {
    /// Computes them, all but the activity, which takes a pass over all tasks.
    pub fn of(application: &Application, activity: Activity) -> Facts {
        let (start_ms, end_ms) = extent(application);
        let unread = |stage: &&Arc<Stage>| stage.tasks_read == TasksRead::No && stage.num_tasks > 0;
        Facts {
            start_ms,
            end_ms,
            stages: stages(application, end_ms),
            activity,
            unread: application.ran_stages().filter(unread).count(),
            memory: Memory::nearest_limit(application),
        }
    }
}

fn extent(application: &Application) -> (i64, i64) {
    let submitted = application.stages.iter().filter_map(|stage| stage.submission_ms).min();
    let completed = application.stages.iter().filter_map(|stage| stage.completion_ms).max();
    let start = application.start_ms.or(submitted).unwrap_or(0);
    let end = application
        .end_ms
        .or(application.last_ms)
        .or(completed)
        .unwrap_or(start);
    (start, end.max(start))
}

fn stages(application: &Application, end_ms: i64) -> Vec<StageSpan> {
    let span = |stage: &Arc<Stage>| {
        let start_ms = stage.submission_ms.or(stage.first_task_launched_ms)?;
        let end_ms = stage.completion_ms.unwrap_or(end_ms).max(start_ms);
        Some(StageSpan {
            key: stage.key,
            name: CallSite::of(application, stage).short(),
            start_ms,
            end_ms,
            status: stage.status,
        })
    };
    let mut spans: Vec<StageSpan> = application.ran_stages().filter_map(span).collect();
    spans.sort_by_key(|span| (Reverse(span.end_ms.saturating_sub(span.start_ms)), span.key));
    spans
}
