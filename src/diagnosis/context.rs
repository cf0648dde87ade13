//! What every rule needs: the application, its slots, the simulator, and the words for places and savings.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::call_site::CallSite;
use super::finding::{Confidence, Place};
use super::queries::Query;
use super::thresholds::Thresholds;
use super::warm_up;
use crate::model::{Application, Stage, TasksRead};
use crate::schedule::{Calibration, Change, Simulator, Slots};
use crate::units;

/// One application under examination.
pub struct Context<'a> {
    pub application: &'a Application,
    pub thresholds: &'a Thresholds,
    pub slots: Slots,
    pub wall_ms: u64,
    simulator: OnceLock<Option<Simulator>>,
    queries: Vec<Query<'a>>,
    first_on_slots: OnceLock<BTreeSet<u64>>,
}

/// Wall time that a change would give back.
pub struct Saving {
    pub ms: u64,
    pub confidence: Confidence,
    /// How it was computed.
    pub note: String,
}

impl<'a> Context<'a> {
    /// `None` for an application without a start or an end: nothing can be said of its time.
    pub fn new(application: &'a Application, thresholds: &'a Thresholds) -> Option<Context<'a>> {
        Some(Context {
            application,
            thresholds,
            slots: Slots::of(application)?,
            wall_ms: application.wall_ms()?,
            queries: Query::all(application),
            // Not before a rule asks: a healthy application of a million tasks needs none.
            simulator: OnceLock::new(),
            first_on_slots: OnceLock::new(),
        })
    }

    /// What a finding must give back to be told, ms.
    pub fn least_saving_ms(&self) -> u64 {
        let share = self.wall_ms as f64 * self.thresholds.least_saving_share;
        self.thresholds.least_saving_ms.max(share as u64)
    }

    /// Stage attempts with tasks that take long enough for a saving in them to be told.
    pub fn stages_that_matter(&self) -> impl Iterator<Item = &'a Stage> {
        let least = self.least_saving_ms();
        self.application
            .ran_stages()
            .map(|stage| &**stage)
            .filter(|stage| stage.tasks_read == TasksRead::Yes && !stage.tasks.is_empty())
            .filter(move |stage| self.stage_ms(stage) >= least)
    }

    /// The SQL executions whose plans were recorded.
    pub fn queries(&self) -> &[Query<'a>] {
        &self.queries
    }

    /// Ids of the tasks that were first on a slot of their executor, and slow for it.
    pub fn first_on_slots(&self) -> &BTreeSet<u64> {
        self.first_on_slots.get_or_init(|| warm_up::first_on_slots(self))
    }

    /// Whether a stage takes long enough for a saving in it to be told.
    pub fn matters(&self, stage: &Stage) -> bool {
        self.stage_ms(stage) >= self.least_saving_ms()
    }

    /// Submission to completion (or to the application's end), ms.
    pub fn stage_ms(&self, stage: &Stage) -> u64 {
        let end = stage.completion_ms.unwrap_or(self.slots.end_ms);
        let from = stage.submission_ms.unwrap_or(end);
        u64::try_from(end.saturating_sub(from)).unwrap_or(0)
    }

    /// A stage as a place.
    pub fn place(&self, stage: &Stage) -> Place {
        Place {
            jobs: stage.jobs.clone(),
            stage: Some(stage.key),
            sql: stage.sql,
            ..Place::default()
        }
    }

    /// `stage 17 (join at etl.py:88)`.
    pub fn name(&self, stage: &Stage) -> String {
        let attempt = match stage.key.attempt {
            0 => String::new(),
            attempt => format!(".{attempt}"),
        };
        format!("stage {}{attempt} ({})", stage.key.id, self.call_site(stage).short())
    }

    /// The line of the user's code that a stage comes from.
    pub fn call_site(&self, stage: &Stage) -> CallSite {
        CallSite::of(self.application, stage)
    }

    /// What an application's wall time would gain if a stage had other tasks. `what` says the change in words; no more than
    /// `at_most` is the confidence.
    pub fn saving_of_tasks(&self, stage: &Stage, tasks: Vec<u64>, what: &str, at_most: Confidence) -> Saving {
        let of_stage = Calibration::of_stage(stage, &self.slots);
        let error = of_stage.map_or(1.0, |calibration| calibration.error());
        self.saving(&[Change::Tasks(stage.key, tasks)], what, error, at_most)
    }

    /// The replay itself, for what is no saving: other executors, what held tasks back.
    pub fn simulator(&self) -> Option<&Simulator> {
        self.simulator.get_or_init(|| Simulator::new(self.application)).as_ref()
    }

    /// What an application's wall time would gain by changes. `error` is how far the simulation of what they touch is off.
    pub fn saving(&self, changes: &[Change], what: &str, error: f64, at_most: Confidence) -> Saving {
        let simulator = self.simulator();
        let error = error.max(simulator.map_or(1.0, |simulator| simulator.calibration().error()));
        let confidence = if error > self.thresholds.calibration_low {
            Confidence::Low
        } else if error > self.thresholds.calibration_high {
            Confidence::Medium
        } else {
            Confidence::High
        };
        let note = format!(
            "Replayed on the same slots {what}. The replay of the run as it was is off by {}.",
            units::percent(error)
        );
        Saving {
            ms: simulator.map_or(0, |simulator| simulator.saving_ms(changes)),
            confidence: confidence.min(at_most),
            note,
        }
    }
}
