//! The first task on each executor slot pays for class loading and the JIT: it is slow through no fault of the stage's.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;

/// Ids of the tasks that were first on a slot of their executor: on one of so many slots, the first so many launched.
pub fn first_on_slots(context: &Context<'_>) -> BTreeSet<u64> {
    let slots: BTreeMap<&str, usize> = context
        .slots
        .spans
        .iter()
        .map(|span| (&*span.executor, context.slots.tasks_on(span.cores) as usize))
        .collect();
    let mut first: BTreeMap<&str, Vec<(i64, u64)>> = BTreeMap::new();
    for stage in &context.application.stages {
        let tasks = &stage.tasks;
        for row in 0..tasks.len() {
            let executor: &str = tasks.executor(row);
            let room = slots.get(executor).copied().unwrap_or(1);
            let kept = first.entry(executor).or_default();
            let task = (tasks.launch_ms(row), tasks.id(row));
            let at = kept.partition_point(|known| *known < task);
            if at < room {
                kept.insert(at, task);
                kept.truncate(room);
            }
        }
    }
    first.into_values().flatten().map(|(_, id)| id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Thresholds;
    use crate::schedule::sample::Sample;

    #[test]
    fn as_many_tasks_as_slots_are_first() {
        let application = Sample::cluster(2, 2)
            .stage("a", &[100; 10])
            .stage("b", &[100; 10])
            .application();
        let thresholds = Thresholds::default();
        let context = Context::new(&application, &thresholds).unwrap();
        assert_eq!(first_on_slots(&context).into_iter().collect::<Vec<_>>(), [0, 1, 2, 3]);
    }
}
