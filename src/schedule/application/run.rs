//! The replay itself: one event at a time, from the application's start to its end.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use super::{Change, Simulator};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    // In this order at one moment: a slot frees before the next task is looked for.
    TaskEnd(usize),
    StageEnd(usize),
    JobEnd(usize),
    /// By resource profile.
    Slots(usize, i64),
    /// A stage's tasks are no longer held back: look again.
    Released(usize),
    JobStart(usize),
    StageReady(usize),
}

/// The slots of one resource profile.
#[derive(Clone, Copy, Default)]
struct Room {
    slots: i64,
    most: i64,
    running: i64,
}

/// Things done in a fixed order: how far down the order everything is done, and when the last of that was.
#[derive(Clone, Default)]
struct Done {
    ended: BTreeMap<usize, i64>,
    prefix: usize,
    latest_ms: Option<i64>,
}

impl Done {
    fn mark(&mut self, place: usize, now: i64, order: &[usize]) {
        self.ended.insert(place, now);
        while let Some(end) = order.get(self.prefix).and_then(|next| self.ended.get(next)) {
            self.latest_ms = self.latest_ms.max(Some(*end));
            self.prefix += 1;
        }
    }
}

pub struct Run<'a> {
    simulator: &'a Simulator,
    changes: &'a [Change],
    events: BinaryHeap<Reverse<(i64, Event)>>,
    now: i64,
    rooms: Vec<Room>,
    /// By pool: running tasks.
    pools: Vec<i64>,
    /// (job, stage) whose tasks wait, first come first served.
    waiting: BTreeSet<(usize, usize)>,
    /// By stage: when it could first launch, epoch ms, and its running tasks.
    ready_ms: Vec<i64>,
    running: Vec<i64>,
    /// By stage: tasks to launch.
    queues: Vec<VecDeque<u64>>,
    /// By stage: tasks that have not ended.
    undone: Vec<usize>,
    jobs_done: Done,
    stages_done: Vec<Done>,
    /// Places of the next job, and by job of the next stage, to start.
    next_job: usize,
    next_stage: Vec<usize>,
    last_ms: i64,
}

impl<'a> Run<'a> {
    pub fn new(simulator: &'a Simulator, changes: &'a [Change]) -> Run<'a> {
        let queues: Vec<VecDeque<u64>> = simulator
            .stages
            .iter()
            .map(|stage| {
                let changed = changes.iter().find_map(|change| match change {
                    Change::Tasks(key, tasks) if *key == stage.key => Some(tasks),
                    _ => None,
                });
                changed.unwrap_or(&stage.tasks).iter().copied().collect()
            })
            .collect();
        let share = changes.iter().find_map(|change| match change {
            Change::Slots(now, before) => Some((i64::from(*now), i64::from(*before).max(1))),
            _ => None,
        });
        let steps = simulator.steps.iter().enumerate().flat_map(|(profile, steps)| {
            let steps = share.map_or_else(|| steps.clone(), |(now, before)| scaled(steps, now, before));
            steps
                .into_iter()
                .map(move |(time, change)| Reverse((time, Event::Slots(profile, change))))
        });
        let pools = simulator.stages.iter().map(|stage| stage.pool + 1).max().unwrap_or(0);
        Run {
            simulator,
            changes,
            events: steps.collect(),
            now: simulator.start_ms,
            rooms: vec![Room::default(); simulator.steps.len()],
            pools: vec![0; pools],
            ready_ms: vec![i64::MAX; simulator.stages.len()],
            running: vec![0; simulator.stages.len()],
            waiting: BTreeSet::new(),
            undone: queues.iter().map(VecDeque::len).collect(),
            queues,
            jobs_done: Done {
                latest_ms: Some(simulator.start_ms),
                ..Done::default()
            },
            stages_done: vec![Done::default(); simulator.jobs.len()],
            next_job: 0,
            next_stage: vec![0; simulator.jobs.len()],
            last_ms: simulator.start_ms,
        }
    }

    pub fn wall_ms(mut self) -> Option<u64> {
        self.start_jobs();
        loop {
            while let Some(Reverse((time, event))) = self.events.pop() {
                self.now = self.now.max(time);
                self.handle(event);
                self.launch();
            }
            if self.waiting.is_empty() || self.rooms.iter().all(|room| room.slots >= room.most) {
                break;
            }
            // Every executor had left by now in the recorded run: what is still to do keeps them.
            self.rooms.iter_mut().for_each(|room| room.slots = room.most);
            self.launch();
        }
        if !self.waiting.is_empty() {
            return None;
        }
        let saved: u64 = self.after_last_job();
        let tail = self
            .simulator
            .tail_ms
            .saturating_sub(i64::try_from(saved).unwrap_or(i64::MAX))
            .max(0);
        let end = self.last_ms.saturating_add(tail);
        u64::try_from(end.checked_sub(self.simulator.start_ms)?).ok()
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Slots(profile, change) => {
                let room = &mut self.rooms[profile];
                room.slots = room.slots.saturating_add(change);
                room.most = room.most.max(room.slots);
            }
            Event::Released(_) => {}
            Event::JobStart(job) => {
                self.stages_done[job].latest_ms = Some(self.now);
                self.start_stages(job);
                if self.simulator.jobs[job].stages.is_empty() {
                    self.end_job(job);
                }
            }
            Event::StageReady(stage) => {
                if self.undone[stage] == 0 {
                    self.end_stage(stage);
                } else {
                    self.ready_ms[stage] = self.now;
                    for (_, until, _) in self.held(stage) {
                        self.at(*until, Event::Released(stage));
                    }
                    self.waiting.insert((self.simulator.stages[stage].job, stage));
                }
            }
            Event::TaskEnd(stage) => {
                let of = &self.simulator.stages[stage];
                self.rooms[of.profile].running -= 1;
                self.pools[of.pool] -= 1;
                self.running[stage] -= 1;
                self.undone[stage] -= 1;
                if self.undone[stage] == 0 {
                    self.end_stage(stage);
                }
            }
            Event::StageEnd(stage) => {
                let job = self.simulator.stages[stage].job;
                let of = &self.simulator.jobs[job];
                self.stages_done[job].mark(stage, self.now, &of.by_end);
                if self.stages_done[job].prefix == of.stages.len() {
                    self.end_job(job);
                } else {
                    self.start_stages(job);
                }
            }
            Event::JobEnd(job) => {
                self.last_ms = self.last_ms.max(self.now);
                self.jobs_done.mark(job, self.now, &self.simulator.jobs_by_end);
                self.start_jobs();
            }
        }
    }

    fn at(&mut self, after_ms: i64, event: Event) {
        self.events.push(Reverse((self.now.saturating_add(after_ms), event)));
    }

    fn launch(&mut self) {
        while let Some((job, stage)) = self.next() {
            let of = &self.simulator.stages[stage];
            if let Some(duration) = self.queues[stage].pop_front() {
                self.rooms[of.profile].running += 1;
                self.pools[of.pool] += 1;
                self.running[stage] += 1;
                self.at(i64::try_from(duration).unwrap_or(i64::MAX), Event::TaskEnd(stage));
            }
            if self.queues[stage].is_empty() {
                self.waiting.remove(&(job, stage));
            }
        }
    }

    /// The stage whose task is launched next: of the earliest job, or under FAIR of the pool with the fewest running tasks
    /// (`FairSchedulingAlgorithm` with equal weights).
    fn next(&self) -> Option<(usize, usize)> {
        let free = |room: &Room| room.running < room.slots;
        if !self.rooms.iter().any(free) {
            return None;
        }
        let mut may = self.waiting.iter().copied().filter(|(_, stage)| {
            let profile = self.simulator.stages[*stage].profile;
            free(&self.rooms[profile]) && self.running[*stage] < self.at_most(*stage)
        });
        if self.simulator.fair {
            may.min_by_key(|(job, stage)| {
                let pool = self.simulator.stages[*stage].pool;
                (self.pools[pool], pool, *job, *stage)
            })
        } else {
            may.next()
        }
    }

    fn held(&self, stage: usize) -> &'a [(i64, i64, i64)] {
        let of = &self.simulator.stages[stage];
        let free = self
            .changes
            .iter()
            .any(|change| matches!(change, Change::Unheld(key) if *key == of.key));
        if free { &[] } else { &of.held }
    }

    /// How many of a stage's tasks may run now.
    fn at_most(&self, stage: usize) -> i64 {
        let held = &self.simulator.stages[stage].held;
        if held.is_empty() {
            return i64::MAX;
        }
        let since = self.now.saturating_sub(self.ready_ms[stage]);
        let now = self
            .held(stage)
            .iter()
            .find(|(from, until, _)| *from <= since && since < *until);
        now.map_or(i64::MAX, |(_, _, most)| *most)
    }

    fn start_jobs(&mut self) {
        while let Some(job) = self.simulator.jobs.get(self.next_job)
            && job.after <= self.jobs_done.prefix
        {
            let from = self.jobs_done.latest_ms.unwrap_or(self.now);
            let saved = i64::try_from(self.after_job_before(job.after)).unwrap_or(i64::MAX);
            let start = from
                .saturating_add(job.lag_ms.saturating_sub(saved).max(0))
                .max(self.now);
            self.events.push(Reverse((start, Event::JobStart(self.next_job))));
            self.next_job += 1;
        }
    }

    fn start_stages(&mut self, job: usize) {
        let of = &self.simulator.jobs[job];
        while let Some(stage) = of.stages.get(self.next_stage[job])
            && self.simulator.stages[*stage].after <= self.stages_done[job].prefix
        {
            let from = self.stages_done[job].latest_ms.unwrap_or(self.now);
            let start = from.saturating_add(self.simulator.stages[*stage].lag_ms).max(self.now);
            self.events.push(Reverse((start, Event::StageReady(*stage))));
            self.next_stage[job] += 1;
        }
    }

    fn end_stage(&mut self, stage: usize) {
        let of = &self.simulator.stages[stage];
        let changed = self.changes.iter().find_map(|change| match change {
            Change::StageTail(key, tail) if *key == of.key => i64::try_from(*tail).ok(),
            _ => None,
        });
        self.at(changed.unwrap_or(of.tail_ms), Event::StageEnd(stage));
    }

    fn end_job(&mut self, job: usize) {
        let of = &self.simulator.jobs[job];
        let changed = self.changes.iter().find_map(|change| match change {
            Change::JobTail(id, tail) if Some(*id) == of.id => i64::try_from(*tail).ok(),
            _ => None,
        });
        self.at(changed.unwrap_or(of.tail_ms).max(0), Event::JobEnd(job));
    }

    /// What changes save of the driver's wait after the job that ended last of the first `after`.
    fn after_job_before(&self, after: usize) -> u64 {
        let job = after
            .checked_sub(1)
            .and_then(|last| self.simulator.jobs_by_end.get(last));
        job.map_or(0, |job| self.saved_after(self.simulator.jobs[*job].id))
    }

    fn after_last_job(&self) -> u64 {
        self.after_job_before(self.simulator.jobs_by_end.len())
    }

    fn saved_after(&self, job: Option<u32>) -> u64 {
        let saved = |change: &Change| match change {
            Change::AfterJob(id, saved) if Some(*id) == job => Some(*saved),
            _ => None,
        };
        self.changes.iter().filter_map(saved).fold(0, u64::saturating_add)
    }
}

/// The changes of the number of slots when there are `now` for every `before`: at least one wherever there was any.
fn scaled(steps: &[(i64, i64)], now: i64, before: i64) -> Vec<(i64, i64)> {
    let (mut recorded, mut changed) = (0_i64, 0_i64);
    let step = |(time, change): &(i64, i64)| {
        recorded = recorded.saturating_add(*change);
        let wanted = match recorded {
            ..=0 => 0,
            some => (some.saturating_mul(now) / before).max(1),
        };
        let difference = wanted.saturating_sub(changed);
        changed = wanted;
        (*time, difference)
    };
    steps.iter().map(step).collect()
}
