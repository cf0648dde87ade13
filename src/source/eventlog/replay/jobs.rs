//! Jobs: their counters, as Spark's `AppStatusListener` keeps them.

use std::collections::BTreeSet;

use foldhash::{HashMap, HashSet};

use super::stages::{Indices, bump};
use super::{Lacking, Replay, block, line, need};
use crate::model::{Job, JobStatus, StageKey, StageStatus};
use crate::source::eventlog::event::{JobEnd, JobStart, StageInfo};
use crate::text;

/// A job while its events come in.
#[derive(Default)]
pub(super) struct LiveJob {
    pub job: Job,
    /// The same as `job.stage_ids`, to ask.
    pub stages: HashSet<u32>,
    pub completed_stages: HashSet<u32>,
    pub skipped_stages: HashSet<u32>,
    /// Indices that succeeded, by stage.
    pub completed: HashMap<u32, Indices>,
    /// Stage attempts that had ended before the job began, with their tasks: the job skips them.
    pub done_before: Vec<(StageKey, u32)>,
    /// The job as it was last written, once it has ended.
    pub written: Option<Job>,
}

impl LiveJob {
    /// Takes the counters as they stand for what is shown. A job that has ended is written once more only when a stage of its has seen
    /// the end of all its tasks: what ends later still does not count, as with Spark's listener.
    pub fn write(&mut self) {
        self.written = Some(self.as_it_stands());
    }

    /// The job with its counters.
    pub fn as_it_stands(&self) -> Job {
        let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        let indices = self.completed.values().map(Indices::len);
        Job {
            completed_stages: count(self.completed_stages.len()),
            skipped_stages: count(self.skipped_stages.len()),
            completed_indices: indices.fold(0, u32::saturating_add),
            ..self.job.clone()
        }
    }

    pub fn skip(&mut self, stage: u32, tasks: u32) {
        self.skipped_stages.insert(stage);
        self.job.skipped_tasks = self.job.skipped_tasks.saturating_add(tasks);
    }
}

impl Replay {
    pub(super) fn job_start(&mut self, event: JobStart<'_>) -> Result<(), Lacking> {
        let id = need(event.id)?;
        if self.job_at.contains_key(&id) {
            return Ok(());
        }
        if let Some(time) = event.time {
            self.saw(time);
        }
        let at = self.jobs.len();
        self.job_at.insert(id, at);
        self.running_jobs.push(at);
        let properties = event.properties;
        let mut stages = event.stages;
        if stages.is_empty() {
            // Spark before 1.2 wrote the ids alone.
            let unknown = |id: Option<u32>| StageInfo {
                id,
                ..StageInfo::default()
            };
            stages = event.stage_ids.into_iter().map(unknown).collect();
        }
        let planned = stages.iter().filter(|stage| stage.completed.is_none());
        let last = stages.iter().max_by_key(|stage| stage.id);
        let sql = properties.sql.and_then(|sql| sql.parse().ok());
        let job = Job {
            id,
            name: last
                .and_then(|stage| stage.name.as_deref())
                .map(text::clean_line)
                .unwrap_or_default(),
            description: line(properties.description),
            submission_ms: event.time.filter(|time| *time > 0),
            stage_ids: stages.iter().filter_map(|stage| stage.id).collect(),
            job_group: line(properties.group),
            job_tags: properties.tags.map(|tags| tag_list(&tags)).unwrap_or_default(),
            sql,
            num_tasks: planned.fold(0, |sum, stage| sum.saturating_add(stage.tasks.unwrap_or(0))),
            ..Job::default()
        };
        self.jobs.push(LiveJob {
            stages: job.stage_ids.iter().copied().collect(),
            job,
            ..LiveJob::default()
        });
        if let Some(sql) = sql {
            self.sql_job(sql, id, &stages);
        }
        for info in stages {
            let Some(stage) = info.id else { continue };
            let key = StageKey {
                id: stage,
                attempt: info.attempt.unwrap_or(0),
            };
            let known = self.stage_at.get(&key).map(|at| &self.stages[*at]);
            if let Some(stage) = known.filter(|stage| !stage.live) {
                // Its output is there from an earlier job: this one will skip it.
                let tasks = stage.stage.num_tasks;
                self.jobs[at].done_before.push((key, tasks));
                self.jobs_of(key).push(id);
                continue;
            }
            let stage = self.stage_of(info, key);
            stage.jobs.push(at);
            stage.stage.sql = stage.stage.sql.or(sql);
            if !stage.stage.jobs.contains(&id) {
                stage.stage.jobs.push(id);
            }
        }
        Ok(())
    }

    /// The ids of the jobs that contain a known stage attempt.
    fn jobs_of(&mut self, key: StageKey) -> &mut Vec<u32> {
        let at = self.stage_at.get(&key).copied().unwrap_or_default();
        &mut self.stages[at].stage.jobs
    }

    pub(super) fn job_end(&mut self, event: JobEnd<'_>) -> Result<(), Lacking> {
        let id = need(event.id)?;
        if let Some(time) = event.time {
            self.saw(time);
        }
        let Some(at) = self.job_at.get(&id).copied() else {
            self.unstarted.jobs += 1;
            return Ok(());
        };
        let Some(running) = self.running_jobs.iter().position(|job| *job == at) else {
            return Ok(());
        };
        self.running_jobs.remove(running);
        let job = &mut self.jobs[at];
        // Stages of the job that still wait will not run for it: their output was there already.
        for stage in &job.job.stage_ids.clone() {
            for attempt in self.attempts.get(stage).into_iter().flatten() {
                let stage = &mut self.stages[*attempt];
                if stage.live && stage.stage.status == StageStatus::Pending {
                    stage.stage.status = StageStatus::Skipped;
                    stage.live = false;
                    job.skip(stage.stage.key.id, stage.stage.num_tasks);
                }
            }
        }
        for (key, tasks) in std::mem::take(&mut job.done_before) {
            job.skip(key.id, tasks);
        }
        let succeeded = event.result.result.as_deref() == Some("JobSucceeded");
        job.job.status = if succeeded {
            JobStatus::Succeeded
        } else {
            JobStatus::Failed
        };
        job.job.failure = block(event.result.exception.message).filter(|_| !succeeded);
        job.job.completion_ms = event.time.filter(|time| *time > 0);
        job.write();
        if let Some(sql) = job.job.sql {
            self.sql_job_ended(sql);
        }
        Ok(())
    }

    /// One task of a stage attempt was launched (`+1`) or ended, for every job of the stage.
    pub(super) fn jobs_active_tasks(&mut self, stage: usize, launched: bool) {
        for at in &self.stages[stage].jobs {
            bump(&mut self.jobs[*at].job.active_tasks, launched);
        }
    }
}

/// `spark.job.tags`: separated by commas; a set, which Spark shows sorted.
fn tag_list(tags: &str) -> Vec<String> {
    let tags = tags.split(',').filter(|tag| !tag.is_empty());
    let tags: BTreeSet<String> = tags.map(text::clean_line).collect();
    tags.into_iter().collect()
}
