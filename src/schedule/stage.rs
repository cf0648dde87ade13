//! One stage on its slots: list scheduling, and how well that reproduces what was recorded.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::model::{Stage, TaskMeasure};

use super::slots::Slots;

/// When the last of these tasks would end, epoch ms: each goes in order to the slot that frees first, from `start_ms` on.
/// `steps` are the changes of the number of slots in order of time. `None` when there are tasks and never a slot.
pub fn list_schedule(durations_ms: &[u64], start_ms: i64, steps: &[(i64, i64)]) -> Option<i64> {
    let mut running: BinaryHeap<Reverse<i64>> = BinaryHeap::new();
    let (mut now, mut end) = (start_ms, start_ms);
    let mut steps = steps.iter().peekable();
    let mut slots = 0_i64;
    for duration in durations_ms {
        loop {
            while let Some((_, change)) = steps.next_if(|(time, _)| *time <= now) {
                slots += change;
            }
            while running.peek().is_some_and(|Reverse(finish)| *finish <= now) {
                running.pop();
            }
            if i64::try_from(running.len()).is_ok_and(|busy| busy < slots) {
                break;
            }
            let next_end = running.peek().map(|Reverse(finish)| *finish);
            let next_step = steps.peek().map(|(time, _)| *time);
            now = match (next_end, next_step) {
                (Some(a), Some(b)) => a.min(b),
                (a, b) => a.or(b)?,
            };
        }
        let finish = now.saturating_add(i64::try_from(*duration).unwrap_or(i64::MAX));
        running.push(Reverse(finish));
        end = end.max(finish);
    }
    Some(end)
}

/// How the simulated length of something compares with the recorded one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// As recorded, ms.
    pub recorded_ms: u64,
    /// As simulated from the recorded tasks, unchanged, ms.
    pub simulated_ms: u64,
}

impl Calibration {
    /// Of a stage alone: first launch to the last slot's release against list scheduling. `None` without ended tasks or slots.
    pub fn of_stage(stage: &Stage, slots: &Slots) -> Option<Calibration> {
        let tasks = &stage.tasks;
        let first = (0..tasks.len()).map(|row| tasks.launch_ms(row)).min()?;
        let last = last_slot_free(stage)?;
        let durations: Vec<u64> = slot_times(stage).into_iter().map(|(_, held)| held).collect();
        let end = list_schedule(&durations, first, &slots.steps_of_work(last))?;
        Some(Calibration {
            recorded_ms: u64::try_from(last.checked_sub(first)?).ok()?,
            simulated_ms: u64::try_from(end.checked_sub(first)?).ok()?,
        })
    }

    /// How far the simulation is off, as a share of the recorded length.
    pub fn error(&self) -> f64 {
        self.recorded_ms.abs_diff(self.simulated_ms) as f64 / self.recorded_ms.max(1) as f64
    }
}

/// How long each ended task attempt of a stage held its slot, in order of launch: (row, ms). A result too large to come along
/// is fetched by the driver when the slot is free again, so that time is left out.
pub fn slot_times(stage: &Stage) -> Vec<(usize, u64)> {
    let tasks = &stage.tasks;
    let held = |row| {
        let fetching = tasks.measure(row, TaskMeasure::GettingResultTime).unwrap_or(0);
        Some((row, tasks.duration_ms(row)?.saturating_sub(fetching)))
    };
    let mut rows: Vec<(usize, u64)> = (0..tasks.len()).filter_map(held).collect();
    rows.sort_by_key(|(row, _)| tasks.launch_ms(*row));
    rows
}

/// When a stage's last slot was free again, epoch ms.
pub fn last_slot_free(stage: &Stage) -> Option<i64> {
    let free = |(row, held)| stage.tasks.launch_ms(row).checked_add(i64::try_from(held).ok()?);
    slot_times(stage).into_iter().filter_map(free).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::sample::Sample;

    #[test]
    fn tasks_go_to_the_slot_that_frees_first() {
        assert_eq!(list_schedule(&[4, 2, 2, 2], 0, &[(0, 2)]), Some(6));
        assert_eq!(list_schedule(&[1, 1, 1, 10], 0, &[(0, 3)]), Some(11));
        assert_eq!(list_schedule(&[], 5, &[]), Some(5));
        assert_eq!(list_schedule(&[1], 0, &[]), None);
    }

    #[test]
    fn slots_come_and_go() {
        // One slot; a second comes at 10 and goes at 15: what runs on it ends, no new task starts there.
        assert_eq!(list_schedule(&[10, 10, 10], 0, &[(0, 1), (10, 1), (15, -1)]), Some(20));
        assert_eq!(list_schedule(&[5], 0, &[(100, 1)]), Some(105));
    }

    #[test]
    fn a_stage_that_ran_as_simulated_has_no_error() {
        let application = Sample::cluster(2, 2)
            .stage("a", &[500, 100, 900, 300, 300, 200, 1_000])
            .application();
        let slots = Slots::of(&application).unwrap();
        let calibration = Calibration::of_stage(&application.stages[0], &slots).unwrap();
        assert_eq!(calibration.error(), 0.0);
        assert!(calibration.recorded_ms >= 1_000);
    }
}
