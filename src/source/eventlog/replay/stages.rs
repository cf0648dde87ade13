//! Stage attempts: their counters, as Spark's `AppStatusListener` keeps them.

use std::collections::HashSet;
use std::sync::Arc;

use super::finish::Shown;
use super::{Lacking, Replay, block, line, need};
use crate::model::{Stage, StageKey, StageStatus, TaskTable};
use crate::source::accumulators;
use crate::source::eventlog::event::{StageCompleted, StageInfo, StageSubmitted};

/// The pool that stages are in when none is named (`SparkUI.DEFAULT_POOL_NAME`).
const DEFAULT_POOL: &str = "default";

/// A stage attempt while its events come in.
#[derive(Default)]
pub(super) struct LiveStage {
    pub stage: Stage,
    /// Shared with a snapshot once no more rows are expected.
    pub tasks: Arc<TaskTable>,
    /// Places of the jobs whose counters follow it; a job stands there as often as Spark counts it.
    pub jobs: Vec<usize>,
    pub completed: Indices,
    /// Whether events still count for it: until it has ended and its last task too.
    pub live: bool,
    /// As the last snapshot showed it.
    pub shown: Option<Shown>,
}

impl Replay {
    /// The stage attempt that an event describes, brought up to date with it; new if need be.
    pub(super) fn stage_of(&mut self, info: StageInfo<'_>, key: StageKey) -> &mut LiveStage {
        let at = self.stage_place(key);
        let live = &mut self.stages[at];
        let stage = &mut live.stage;
        stage.name = line(info.name).unwrap_or_default();
        stage.details = block(info.details).unwrap_or_default();
        stage.num_tasks = info.tasks.unwrap_or(0);
        stage.parents = info.parents.into_iter().flatten().collect();
        stage.rdd_ids = info.rdds.iter().filter_map(|rdd| rdd.id).collect();
        stage.resource_profile = info.profile.unwrap_or(0);
        stage.push_shuffle = info.push;
        stage.push_shuffle_mergers = info.mergers;
        stage.submission_ms = info.submitted;
        stage.completion_ms = info.completed;
        stage.failure_reason = block(info.failure);
        stage.accumulators = accumulators::of_user(info.accumulables);
        live
    }

    /// The place of a stage attempt, made if need be.
    pub(super) fn stage_place(&mut self, key: StageKey) -> usize {
        if let Some(at) = self.stage_at.get(&key) {
            return *at;
        }
        let at = self.stages.len();
        self.stages.push(LiveStage {
            stage: Stage {
                key,
                scheduling_pool: DEFAULT_POOL.into(),
                ..Stage::default()
            },
            live: true,
            ..LiveStage::default()
        });
        self.stage_at.insert(key, at);
        self.attempts.entry(key.id).or_default().push(at);
        at
    }

    /// A stage attempt for which events still count.
    pub(super) fn live_stage(&mut self, key: StageKey) -> Option<&mut LiveStage> {
        let at = *self.stage_at.get(&key)?;
        self.stages.get_mut(at).filter(|stage| stage.live)
    }

    pub(super) fn stage_submitted(&mut self, event: StageSubmitted<'_>) -> Result<(), Lacking> {
        let key = key_of(&event.info)?;
        if let Some(time) = event.info.submitted {
            self.saw(time);
        }
        let at = self.stage_place(key);
        let known = &self.stages[at];
        if known.stage.status == StageStatus::Active || (!known.live && known.stage.status != StageStatus::Skipped) {
            return Ok(());
        }
        for info in &event.info.rdds {
            self.storage.cached(info);
        }
        let containing = self.running_jobs.iter().copied();
        let jobs: Vec<usize> = containing
            .filter(|job| self.jobs[*job].stages.contains(&key.id))
            .collect();
        for job in &jobs {
            let job = &mut self.jobs[*job];
            job.completed_stages.remove(&key.id);
            bump(&mut job.job.active_stages, true);
        }
        let job_ids: Vec<u32> = jobs.iter().map(|job| self.jobs[*job].job.id).collect();
        let of_jobs = jobs.iter().find_map(|job| self.jobs[*job].job.sql);
        self.sql_stage(key);
        let live = self.stage_of(event.info, key);
        live.live = true;
        live.jobs = jobs;
        let stage = &mut live.stage;
        stage.jobs.extend(job_ids);
        stage.jobs.sort_unstable();
        stage.jobs.dedup();
        stage.status = StageStatus::Active;
        if let Some(pool) = line(event.properties.pool) {
            stage.scheduling_pool = pool;
        }
        stage.description = line(event.properties.description);
        let sql = event.properties.sql.and_then(|sql| sql.parse().ok());
        stage.sql = sql.or(of_jobs).or(stage.sql);
        Ok(())
    }

    pub(super) fn stage_completed(&mut self, event: StageCompleted<'_>) -> Result<(), Lacking> {
        let key = key_of(&event.info)?;
        for time in [event.info.submitted, event.info.completed].into_iter().flatten() {
            self.saw(time);
        }
        let at = self.stage_place(key);
        // One that was submitted and runs no more was ended before: a doubled event.
        let never_submitted = self.stages[at].stage.status == StageStatus::Pending;
        self.unstarted.stages += u64::from(never_submitted && event.info.submitted.is_some());
        let ended = [StageStatus::Complete, StageStatus::Failed, StageStatus::Skipped];
        if ended.contains(&self.stages[at].stage.status) {
            return Ok(());
        }
        let live = self.stage_of(event.info, key);
        let stage = &mut live.stage;
        stage.status = match (&stage.failure_reason, stage.submission_ms) {
            (Some(_), _) => StageStatus::Failed,
            (None, Some(_)) => StageStatus::Complete,
            (None, None) => StageStatus::Skipped,
        };
        let (status, tasks) = (stage.status, stage.num_tasks);
        live.live = stage.active_tasks > 0;
        self.excluded_no_more(at);
        for job in &self.stages[at].jobs {
            let job = &mut self.jobs[*job];
            match status {
                StageStatus::Complete => {
                    job.completed_stages.insert(key.id);
                }
                StageStatus::Skipped => job.skip(key.id, tasks),
                _ => bump(&mut job.job.failed_stages, true),
            }
            bump(&mut job.job.active_stages, false);
        }
        Ok(())
    }
}

fn key_of(info: &StageInfo<'_>) -> Result<StageKey, Lacking> {
    Ok(StageKey {
        id: need(info.id)?,
        attempt: info.attempt.unwrap_or(0),
    })
}

/// Counts one up or down; lost and doubled events must not carry a counter below nothing.
pub(super) fn bump(counter: &mut u32, up: bool) {
    *counter = if up {
        counter.saturating_add(1)
    } else {
        counter.saturating_sub(1)
    };
}

/// A set of task indices: a bit each, as they are dense; those beyond any real stage apart, so that no number asks for memory.
#[derive(Default)]
pub(super) struct Indices {
    bits: Vec<u64>,
    far: HashSet<u32>,
    len: u32,
}

impl Indices {
    /// Tasks of a stage beyond which an index gets no bit: 2 MiB of bits.
    const DENSE: u32 = 1 << 24;

    pub fn insert(&mut self, index: u32) {
        let new = if index >= Self::DENSE {
            self.far.insert(index)
        } else {
            let (word, bit) = ((index / 64) as usize, 1 << (index % 64));
            if word >= self.bits.len() {
                self.bits.resize(word + 1, 0);
            }
            let new = self.bits[word] & bit == 0;
            self.bits[word] |= bit;
            new
        };
        if new {
            self.len += 1;
        }
    }

    pub fn contains(&self, index: u32) -> bool {
        if index >= Self::DENSE {
            return self.far.contains(&index);
        }
        let word = self.bits.get((index / 64) as usize);
        word.is_some_and(|word| word & (1 << (index % 64)) != 0)
    }

    pub fn len(&self) -> u32 {
        self.len
    }
}
