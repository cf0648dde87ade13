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
    let profiles = slots.profiles();
    let mut pools: Vec<&str> = ran.iter().map(|(stage, _)| stage.scheduling_pool.as_str()).collect();
    pools.sort_unstable();
    pools.dedup();
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
                held: rush.held(recorded, times.from_ms),
                // Not recorded, or executors of no such profile: whatever there is.
                profile: profiles.binary_search(&recorded.resource_profile).unwrap_or(0),
                pool: pools.binary_search(&recorded.scheduling_pool.as_str()).unwrap_or(0),
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
        steps: profiles
            .iter()
            .map(|profile| slots.steps_of_profile(*profile, last_task))
            .collect(),
        fair: application.environment.spark("spark.scheduler.mode") == Some("FAIR"),
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
    /// Times of some length when slots were free, in order.
    free: Vec<(i64, i64)>,
    end_ms: i64,
}

/// Shorter times with free slots are the scheduler's own pace, ms.
const HELD_MS: i64 = 500;

impl Rush {
    fn new(application: &Application, slots: &Slots) -> Rush {
        let tasks = || application.stages.iter().map(|stage| &stage.tasks);
        let mut launches: Vec<i64> = tasks().flat_map(|t| (0..t.len()).map(|row| t.launch_ms(row))).collect();
        let mut finishes: Vec<i64> = tasks()
            .flat_map(|t| (0..t.len()).filter_map(|row| t.finish_ms(row)))
            .collect();
        launches.sort_unstable();
        finishes.sort_unstable();
        let free = free(&launches, &finishes, &slots.steps());
        Rush {
            launches,
            finishes,
            steps: slots.steps(),
            free,
            end_ms: slots.end_ms,
        }
    }

    /// Times when tasks of a stage waited although slots were free (locality wait, excluded executors, a second executor that was
    /// slow to be used): since its first launch, and how many of its tasks ran at most.
    fn held(&self, stage: &Stage, from_ms: i64) -> Vec<(i64, i64, i64)> {
        let tasks = &stage.tasks;
        let launched = || (0..tasks.len()).map(|row| tasks.launch_ms(row));
        let (Some(first), Some(last)) = (launched().min(), launched().max()) else {
            return Vec::new();
        };
        let from = self.free.partition_point(|(_, until)| *until <= first);
        let overlaps = self.free.iter().skip(from).take_while(|(from, _)| *from < last);
        let overlaps: Vec<(i64, i64)> = overlaps
            .map(|(from, until)| ((*from).max(first), (*until).min(last)))
            .filter(|(from, until)| until.saturating_sub(*from) >= HELD_MS)
            .collect();
        if overlaps.is_empty() {
            return Vec::new();
        }
        let mut launches: Vec<i64> = launched().collect();
        let mut finishes: Vec<i64> = (0..tasks.len()).filter_map(|row| tasks.finish_ms(row)).collect();
        launches.sort_unstable();
        finishes.sort_unstable();
        let before = |times: &[i64], moment: i64| times.partition_point(|time| *time <= moment) as i64;
        let since = first.max(from_ms);
        let of = |(from, until): (i64, i64)| {
            let at = |moment: i64| before(&launches, moment) - before(&finishes, moment);
            let within = launches.partition_point(|time| *time < from)..launches.partition_point(|time| *time < until);
            let starts = launches.get(within).unwrap_or_default().iter().copied();
            let most = starts.map(at).chain([at(from)]).max().unwrap_or(1).max(1);
            (from - since, until - since, most)
        };
        overlaps.into_iter().map(of).collect()
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

/// When fewer tasks ran than there were slots, for long enough.
fn free(launches: &[i64], finishes: &[i64], steps: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut intervals = Vec::new();
    let (mut room, mut since) = (0_i64, None);
    // The three are in order: what happens next is the first of one of them.
    let mut launched = launches.iter().peekable();
    let mut finished = finishes.iter().peekable();
    let mut stepped = steps.iter().peekable();
    loop {
        let moments = [
            launched.peek().copied(),
            finished.peek().copied(),
            stepped.peek().map(|(time, _)| time),
        ];
        let Some(now) = moments.into_iter().flatten().min().copied() else {
            break;
        };
        while launched.next_if(|time| **time == now).is_some() {
            room -= 1;
        }
        while finished.next_if(|time| **time == now).is_some() {
            room += 1;
        }
        while let Some((_, change)) = stepped.next_if(|(time, _)| *time == now) {
            room = room.saturating_add(*change);
        }
        match since {
            None if room > 0 => since = Some(now),
            Some(from) if room <= 0 => {
                if now.saturating_sub(from) >= HELD_MS {
                    intervals.push((from, now));
                }
                since = None;
            }
            _ => {}
        }
    }
    intervals.extend(since.map(|from| (from, i64::MAX)));
    intervals
}
