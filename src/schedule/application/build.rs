//! From the model to what the replay needs.

use super::{SimJob, SimStage, Simulator};
use crate::model::{Application, Stage};
use crate::schedule::slots::Slots;
use crate::schedule::stage::{Calibration, last_slot_free, slot_times};

/// A stage or a job as recorded.
#[derive(Clone, Copy)]
struct Interval {
    from_ms: i64,
    until_ms: i64,
}

pub fn build(application: &Application, slots: &Slots) -> Simulator {
    let (start_ms, end_ms) = (slots.start_ms, slots.end_ms);
    let mut jobs: Vec<(Option<u32>, Interval)> = application
        .jobs
        .iter()
        .filter_map(|job| {
            let from_ms = job.submission_ms?.clamp(start_ms, end_ms);
            let until_ms = job.completion_ms.unwrap_or(end_ms).clamp(from_ms, end_ms);
            Some((Some(job.id), Interval { from_ms, until_ms }))
        })
        .collect();
    let ran: Vec<(&Stage, Interval)> = application
        .ran_stages()
        .filter_map(|stage| Some((&**stage, interval(stage, slots)?)))
        .collect();
    let mut owners = Vec::with_capacity(ran.len());
    for (stage, of) in &ran {
        let owner = owner(application, stage, *of, &jobs).unwrap_or_else(|| {
            // A stage whose job was lost is a job of its own.
            jobs.push((None, *of));
            jobs.len() - 1
        });
        owners.push(owner);
    }
    let order = sorted(jobs.len(), |job| (jobs[job].1.from_ms, jobs[job].0, job));
    let mut place = vec![0; jobs.len()];
    order.iter().enumerate().for_each(|(at, job)| place[*job] = at);
    let jobs: Vec<(Option<u32>, Interval)> = order.iter().map(|job| jobs[*job]).collect();

    let mut members: Vec<Vec<usize>> = vec![Vec::new(); jobs.len()];
    owners
        .iter()
        .enumerate()
        .for_each(|(stage, job)| members[place[*job]].push(stage));
    let rush = Rush::new(application, slots);
    let mut stages = vec![None; ran.len()];
    let mut sim_jobs = Vec::with_capacity(jobs.len());
    let jobs_by_end = sorted(jobs.len(), |job| (jobs[job].1.until_ms, job));
    let job_ends: Vec<i64> = jobs_by_end.iter().map(|job| jobs[*job].1.until_ms).collect();
    for (job, (id, of)) in jobs.iter().enumerate() {
        let mut within = members[job].clone();
        within.sort_by_key(|stage| (ran[*stage].1.from_ms, ran[*stage].0.key));
        let mut by_end = within.clone();
        by_end.sort_by_key(|stage| (ran[*stage].1.until_ms, ran[*stage].0.key));
        let ends: Vec<i64> = by_end.iter().map(|stage| ran[*stage].1.until_ms).collect();
        for stage in &within {
            let (recorded, times) = ran[*stage];
            let (after, since) = waits_for(times.from_ms, &ends, place_of(*stage, &by_end), of.from_ms);
            let last = last_slot_free(recorded).unwrap_or(times.until_ms);
            stages[*stage] = Some(SimStage {
                key: recorded.key,
                job,
                after,
                lag_ms: (times.from_ms - since).saturating_add(rush.launch_lag(recorded, times.from_ms)),
                tasks: slot_times(recorded).into_iter().map(|(_, held)| held).collect(),
                tail_ms: if recorded.tasks.is_empty() {
                    times.until_ms - times.from_ms
                } else {
                    times.until_ms.saturating_sub(last).max(0)
                },
            });
        }
        let (after, since) = waits_for(of.from_ms, &job_ends, place_of(job, &jobs_by_end), start_ms);
        let stages_end = ends.last().copied().unwrap_or(of.from_ms);
        sim_jobs.push(SimJob {
            id: *id,
            after,
            lag_ms: of.from_ms - since,
            stages: within,
            by_end,
            tail_ms: (of.until_ms - stages_end).max(0),
        });
    }
    let last_job = job_ends.last().copied().unwrap_or(start_ms);
    let last_task = ran
        .iter()
        .filter_map(|(stage, _)| last_finish(stage))
        .max()
        .unwrap_or(start_ms);
    Simulator {
        stages: stages.into_iter().flatten().collect(),
        jobs_by_end,
        jobs: sim_jobs,
        steps: slots.steps_of_work(last_task),
        start_ms,
        tail_ms: end_ms - last_job,
        calibration: Calibration {
            recorded_ms: 0,
            simulated_ms: 0,
        },
    }
}

fn sorted<K: Ord>(len: usize, key: impl Fn(usize) -> K) -> Vec<usize> {
    let mut places: Vec<usize> = (0..len).collect();
    places.sort_by_key(|place| key(*place));
    places
}

fn place_of(item: usize, order: &[usize]) -> usize {
    order.iter().position(|known| *known == item).unwrap_or(0)
}

/// How many of the sorted `ends` are over at `from`, and when the last of them was; without any, `start`. What ends the
/// moment it starts waits for nothing behind its own `place` in that order, so that nothing waits for itself.
fn waits_for(from: i64, ends: &[i64], place: usize, start: i64) -> (usize, i64) {
    let after = ends.partition_point(|end| *end <= from).min(place);
    let since = after.checked_sub(1).and_then(|last| ends.get(last)).copied();
    (after, since.map_or(start, |since| since.max(start)))
}

fn last_finish(stage: &Stage) -> Option<i64> {
    (0..stage.tasks.len())
        .filter_map(|row| stage.tasks.finish_ms(row))
        .max()
}

fn interval(stage: &Stage, slots: &Slots) -> Option<Interval> {
    let from_ms = stage.submission_ms?.clamp(slots.start_ms, slots.end_ms);
    let end = stage
        .completion_ms
        .or_else(|| last_finish(stage))
        .unwrap_or(slots.end_ms);
    Some(Interval {
        from_ms,
        until_ms: end.clamp(from_ms, slots.end_ms),
    })
}

/// The job that ran a stage: of those that contain it, the first that was under way when the stage was submitted.
fn owner(app: &Application, stage: &Stage, of: Interval, jobs: &[(Option<u32>, Interval)]) -> Option<usize> {
    let contains = |id: u32| app.job(id).is_some_and(|job| job.stage_ids.contains(&stage.key.id));
    let candidates = || {
        jobs.iter()
            .enumerate()
            .filter(|(_, (id, _))| id.is_some_and(|id| stage.jobs.contains(&id) || contains(id)))
    };
    let under_way =
        |(_, (_, job)): &(usize, &(Option<u32>, Interval))| job.from_ms <= of.from_ms && of.from_ms <= job.until_ms;
    let found = candidates().find(under_way).or_else(|| candidates().next());
    found.map(|(place, _)| place)
}

/// How busy the slots were at any moment, to tell a stage's own start-up from waiting for slots.
struct Rush {
    launches: Vec<i64>,
    finishes: Vec<i64>,
    steps: Vec<(i64, i64)>,
    end_ms: i64,
}

impl Rush {
    fn new(application: &Application, slots: &Slots) -> Rush {
        let tasks = || application.stages.iter().map(|stage| &stage.tasks);
        let mut launches: Vec<i64> = tasks().flat_map(|t| (0..t.len()).map(|row| t.launch_ms(row))).collect();
        let mut finishes: Vec<i64> = tasks()
            .flat_map(|t| (0..t.len()).filter_map(|row| t.finish_ms(row)))
            .collect();
        launches.sort_unstable();
        finishes.sort_unstable();
        Rush {
            launches,
            finishes,
            steps: slots.steps(),
            end_ms: slots.end_ms,
        }
    }

    /// Wait between a stage's submission and its first launch while slots were free, ms.
    fn launch_lag(&self, stage: &Stage, from_ms: i64) -> i64 {
        let first = (0..stage.tasks.len()).map(|row| stage.tasks.launch_ms(row)).min();
        let Some(lag) = first
            .map(|first| first.min(self.end_ms).saturating_sub(from_ms))
            .filter(|lag| *lag > 0)
        else {
            return 0;
        };
        let before = |times: &[i64]| times.partition_point(|time| *time <= from_ms);
        let running = before(&self.launches).saturating_sub(before(&self.finishes));
        let slots: i64 = self
            .steps
            .iter()
            .filter(|(time, _)| *time <= from_ms)
            .map(|(_, change)| change)
            .sum();
        if i64::try_from(running).is_ok_and(|running| running < slots) {
            lag
        } else {
            0
        }
    }
}
