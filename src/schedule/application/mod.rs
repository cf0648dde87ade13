//! A whole application replayed: its jobs with the driver's gaps between them, each job's stages in their order, all tasks
//! list-scheduled on the slots there were. What if one stage's tasks, or the driver's wait at a job's end, were different?
//!
//! What waits for what is read from the recorded times, the same for event logs and REST (which does not tell a stage's
//! parents): a stage waits for all stages of its job that had ended when it was submitted, a job for all jobs likewise.

mod build;
mod run;

use crate::model::{Application, StageKey};

use super::slots::Slots;
use super::stage::Calibration;

/// Something done differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A stage attempt has tasks of these durations (ms) instead of its own.
    Tasks(StageKey, Vec<u64>),
    /// A stage attempt ends so many ms after its last slot is free.
    StageTail(StageKey, u64),
    /// A job ends so many ms after its last stage.
    JobTail(u32, u64),
    /// The driver waits so many ms less after a job, before the next one or the end.
    AfterJob(u32, u64),
    /// A stage attempt's tasks take every free slot at once: they wait neither for a place near their data nor for anything else.
    Unheld(StageKey),
    /// The first number of slots where there were the second: other executors, or executors of other cores.
    Slots(u32, u32),
}

/// No schedule is shorter, ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// With slots without end: what waits for what, and the longest task of each stage.
    pub critical_path_ms: u64,
    /// All task time shared out evenly over the most slots there were.
    pub work_ms: u64,
}

#[derive(Clone, Debug)]
struct SimStage {
    key: StageKey,
    job: usize,
    /// Stages of its job that must have ended, counted in the order in which they end.
    after: usize,
    /// Wait between the end of those (or the job's start) and its first possible launch, ms.
    lag_ms: i64,
    tasks: Vec<u64>,
    /// Wait between its last task and its end, ms.
    tail_ms: i64,
    /// Times when its tasks waited although slots were free, in order: (from, until) in ms since it could first launch, and how many
    /// of its tasks ran at most.
    held: Vec<(i64, i64, i64)>,
    /// Whose slots it may take: the place of its resource profile in `Simulator::steps`.
    profile: usize,
    /// Scheduling pool.
    pool: usize,
}

#[derive(Clone, Debug)]
struct SimJob {
    id: Option<u32>,
    after: usize,
    lag_ms: i64,
    /// Its stages in order of submission, as places in `Simulator::stages`.
    stages: Vec<usize>,
    /// The same in order of recorded end.
    by_end: Vec<usize>,
    /// Wait between its last stage (without any: its start) and its end, ms.
    tail_ms: i64,
}

/// An application ready to be replayed.
#[derive(Clone, Debug)]
pub struct Simulator {
    stages: Vec<SimStage>,
    /// In order of submission.
    jobs: Vec<SimJob>,
    /// Jobs in order of recorded end.
    jobs_by_end: Vec<usize>,
    /// By resource profile: the changes of the number of slots.
    steps: Vec<Vec<(i64, i64)>>,
    /// Scheduling pools share the slots (`spark.scheduler.mode` FAIR), instead of the first job taking all.
    fair: bool,
    start_ms: i64,
    /// Wait between the last job's end and the application's, ms.
    tail_ms: i64,
    calibration: Calibration,
}

impl Simulator {
    /// Prepares an application; `None` when it has no start, end or slots.
    pub fn new(application: &Application) -> Option<Simulator> {
        let slots = Slots::of(application)?;
        let mut simulator = build::build(application, &slots);
        let simulated_ms = simulator.run(&[])?;
        simulator.calibration = Calibration {
            recorded_ms: application.wall_ms()?,
            simulated_ms,
        };
        Some(simulator)
    }

    /// How well the unchanged application is reproduced.
    pub fn calibration(&self) -> Calibration {
        self.calibration
    }

    /// Wall time of the application that changes would give back, ms; scaled by the calibration. 0 when they would make it
    /// slower.
    pub fn saving_ms(&self, changes: &[Change]) -> u64 {
        let Calibration {
            recorded_ms,
            simulated_ms,
        } = self.calibration;
        let changed = self.run(changes).unwrap_or(simulated_ms);
        let saved = simulated_ms.saturating_sub(changed);
        (saved as f64 * recorded_ms as f64 / simulated_ms.max(1) as f64).round() as u64
    }

    /// Wall time of the application with these changes, ms; scaled by the calibration, and longer where they make it slower.
    pub fn wall_ms(&self, changes: &[Change]) -> Option<u64> {
        let Calibration {
            recorded_ms,
            simulated_ms,
        } = self.calibration;
        let changed = self.run(changes)?;
        Some((changed as f64 * recorded_ms as f64 / simulated_ms.max(1) as f64).round() as u64)
    }

    /// Stage attempts whose tasks waited although slots were free.
    pub fn held(&self) -> impl Iterator<Item = StageKey> + '_ {
        self.stages
            .iter()
            .filter(|stage| !stage.held.is_empty())
            .map(|stage| stage.key)
    }

    /// What no schedule of the recorded tasks can be shorter than.
    pub fn bounds(&self) -> Option<Bounds> {
        let mut unlimited: Vec<Change> = self.stages.iter().map(|stage| Change::Unheld(stage.key)).collect();
        let tasks: usize = self.stages.iter().map(|stage| stage.tasks.len()).sum();
        unlimited.push(Change::Slots(u32::try_from(tasks.max(1)).unwrap_or(u32::MAX), 1));
        let work = self
            .stages
            .iter()
            .flat_map(|stage| &stage.tasks)
            .fold(0_u64, |sum, task| sum.saturating_add(*task));
        let most: i64 = self.steps.iter().map(|steps| most_at_once(steps)).sum();
        Some(Bounds {
            critical_path_ms: self.run(&unlimited)?,
            work_ms: work / u64::try_from(most).unwrap_or(1).max(1),
        })
    }

    /// Simulated wall time with these changes, ms.
    pub fn run(&self, changes: &[Change]) -> Option<u64> {
        run::Run::new(self, changes).wall_ms()
    }
}

fn most_at_once(steps: &[(i64, i64)]) -> i64 {
    let running = steps.iter().scan(0_i64, |now, (_, change)| {
        *now = now.saturating_add(*change);
        Some(*now)
    });
    running.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Stage;
    use crate::schedule::sample::Sample;

    fn sample() -> Sample {
        Sample::cluster(2, 2)
            .gap(1_000)
            .stage("a", &[1_000; 8])
            .gap(500)
            .stage("b", &[200, 200, 200, 4_000])
            .job_tail(700)
            .gap(300)
    }

    #[test]
    fn an_unchanged_application_takes_as_long_as_recorded() {
        let application = sample().lasting(9_000).application();
        let calibration = Simulator::new(&application).unwrap().calibration();
        assert_eq!((calibration.simulated_ms, calibration.recorded_ms), (9_000, 9_000));
    }

    #[test]
    fn a_changed_stage_moves_what_follows() {
        let simulator = Simulator::new(&sample().lasting(9_000).application()).unwrap();
        let key = |id| StageKey { id, attempt: 0 };
        assert_eq!(simulator.saving_ms(&[Change::Tasks(key(1), vec![1_150; 4])]), 2_850);
        assert_eq!(simulator.saving_ms(&[Change::Tasks(key(0), vec![1_000; 4])]), 1_000);
        assert_eq!(simulator.saving_ms(&[Change::Tasks(key(0), vec![9_000; 4])]), 0);
    }

    #[test]
    fn the_driver_s_waits_can_be_saved() {
        let simulator = Simulator::new(&sample().lasting(9_000).application()).unwrap();
        assert_eq!(simulator.saving_ms(&[Change::JobTail(1, 100)]), 600);
        let key = StageKey { id: 1, attempt: 0 };
        assert_eq!(simulator.saving_ms(&[Change::StageTail(key, 0)]), 0);
        assert_eq!(simulator.saving_ms(&[Change::AfterJob(0, 400)]), 400);
        assert_eq!(simulator.saving_ms(&[Change::AfterJob(1, 200)]), 200);
        assert_eq!(simulator.saving_ms(&[Change::AfterJob(0, 9_999)]), 500);
    }

    #[test]
    fn stages_that_run_together_share_the_slots() {
        // Two stages of one job, submitted together; a third after both.
        let mut application = Sample::cluster(1, 2)
            .stage("a", &[1_000; 2])
            .stage("b", &[1_000; 2])
            .stage("c", &[500; 2])
            .application();
        let start = Sample::START;
        let mut stages: Vec<Stage> = application.stages.iter().map(|stage| (**stage).clone()).collect();
        for stage in &mut stages {
            stage.jobs = vec![0];
        }
        stages[1].submission_ms = Some(start);
        application.stages = stages.into_iter().map(std::sync::Arc::new).collect();
        application.jobs.truncate(1);
        application.jobs[0].stage_ids = vec![0, 1, 2];
        application.jobs[0].completion_ms = Some(start + 2_500);
        let simulator = Simulator::new(&application).unwrap();
        assert_eq!(simulator.calibration().simulated_ms, 2_500);
        let key = |id| StageKey { id, attempt: 0 };
        assert_eq!(simulator.saving_ms(&[Change::Tasks(key(0), vec![100; 2])]), 900);
        assert_eq!(simulator.saving_ms(&[Change::Tasks(key(1), vec![100; 2])]), 900);
    }

    #[test]
    fn more_and_fewer_slots_and_the_bounds() {
        let simulator = Simulator::new(&sample().lasting(9_000).application()).unwrap();
        // Waits of 3 s; 8 tasks of 1 s and the long one of 4 s.
        assert_eq!(simulator.wall_ms(&[Change::Slots(1, 2)]), Some(3_000 + 4_000 + 4_200));
        assert_eq!(simulator.wall_ms(&[Change::Slots(2, 1)]), Some(3_000 + 1_000 + 4_000));
        let bounds = simulator.bounds().unwrap();
        assert_eq!((bounds.critical_path_ms, bounds.work_ms), (8_000, 12_600 / 4));
        // One slot is the least.
        assert_eq!(simulator.wall_ms(&[Change::Slots(1, 100)]), Some(3_000 + 8_000 + 4_600));
    }

    #[test]
    fn what_tasks_wait_for_with_slots_free_is_kept_and_can_be_saved() {
        // Six tasks on two executors of one slot; the second gets none for the first three seconds.
        let mut sample = Sample::cluster(2, 1).stage_with("a", &[1_000; 6], |index, task| {
            task.launch_ms = Sample::START + [0, 1_000, 2_000, 3_000, 3_000, 4_000][index];
            task.executor = if index == 4 { "2".into() } else { "1".into() };
        });
        sample = sample.gap(2_000).lasting(5_000);
        let mut application = sample.application();
        let mut stage = (*application.stages[0]).clone();
        stage.completion_ms = Some(Sample::START + 5_000);
        application = application.with_stage(stage);
        application.jobs[0].completion_ms = Some(Sample::START + 5_000);
        let simulator = Simulator::new(&application).unwrap();
        assert_eq!(simulator.calibration().simulated_ms, 5_000);
        let key = StageKey { id: 0, attempt: 0 };
        assert_eq!(simulator.saving_ms(&[Change::Unheld(key)]), 2_000);
    }

    #[test]
    fn pools_share_the_slots_where_they_are_fair() {
        let mut application = Sample::cluster(1, 2)
            .stage("a", &[1_000; 8])
            .stage("b", &[1_000; 2])
            .application();
        let start = Sample::START;
        let mut stages: Vec<Stage> = application.stages.iter().map(|stage| (**stage).clone()).collect();
        stages[1].submission_ms = Some(start);
        stages[1].scheduling_pool = "other".into();
        application.stages = stages.into_iter().map(std::sync::Arc::new).collect();
        application.jobs[1].submission_ms = Some(start);
        let wall = |application: &crate::model::Application| {
            let simulator = Simulator::new(application).unwrap();
            let key = StageKey { id: 1, attempt: 0 };
            // A long task of the other pool ends the application: when it starts tells who was served first.
            simulator.run(&[Change::Tasks(key, vec![10_000])]).unwrap()
        };
        assert_eq!(wall(&application), 14_000);
        application
            .environment
            .spark
            .push(("spark.scheduler.mode".into(), "FAIR".into()));
        assert_eq!(wall(&application), 10_000 + 1_000);
    }

    #[test]
    fn a_profile_s_stage_runs_on_its_executors_alone() {
        let mut application = Sample::cluster(2, 1).stage("a", &[1_000; 4]).application();
        application.executors[2].resource_profile = 1;
        let mut stage = (*application.stages[0]).clone();
        stage.resource_profile = 1;
        let changed = application.with_stage(stage);
        assert_eq!(Simulator::new(&application).unwrap().run(&[]), Some(4_000));
        assert_eq!(Simulator::new(&changed).unwrap().run(&[]), Some(4_000));
        application.executors[2].resource_profile = 0;
        assert_eq!(Simulator::new(&application).unwrap().run(&[]), Some(2_000));
    }

    #[test]
    fn nothing_to_replay_is_no_simulator() {
        assert!(Simulator::new(&Application::default()).is_none());
    }
}
