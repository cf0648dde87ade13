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
    // By executor: how many slots it has, and its first tasks, in order.
    let mut first: Vec<(usize, Vec<(i64, u64)>)> = Vec::new();
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    for stage in &context.application.stages {
        let tasks = &stage.tasks;
        let of_places: Vec<usize> = tasks
            .places()
            .iter()
            .map(|(executor, _)| {
                *known.entry(executor).or_insert_with(|| {
                    first.push((slots.get(&**executor).copied().unwrap_or(1), Vec::new()));
                    first.len() - 1
                })
            })
            .collect();
        for row in 0..tasks.len() {
            let of = of_places.get(tasks.place_index(row)).and_then(|of| first.get_mut(*of));
            let Some((room, kept)) = of else { continue };
            let task = (tasks.launch_ms(row), tasks.id(row));
            if kept.len() < *room || kept.last().is_some_and(|last| task < *last) {
                let at = kept.partition_point(|known| *known < task);
                kept.insert(at, task);
                kept.truncate(*room);
            }
        }
    }
    first.into_iter().flat_map(|(_, kept)| kept).map(|(_, id)| id).collect()
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
