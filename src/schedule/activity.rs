//! Busy slots and executors over time, for the overview's time line.

use crate::model::Application;

use super::slots::Slots;

/// Means over equal parts of the application's time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Activity {
    /// Running tasks.
    pub busy: Vec<f64>,
    /// Task slots.
    pub slots: Vec<f64>,
    /// Executors.
    pub executors: Vec<f64>,
    /// The most task slots there were at any moment.
    pub most_slots: u32,
    /// The most executors there were at any moment.
    pub most_executors: u32,
}

impl Activity {
    /// Samples an application into `parts` of equal length; empty when it has no times.
    pub fn of(application: &Application, parts: usize) -> Activity {
        let Some(slots) = Slots::of(application).filter(|slots| slots.end_ms > slots.start_ms && parts > 0) else {
            return Activity::default();
        };
        let mut busy = Buckets::new(&slots, parts);
        let mut capacity = Buckets::new(&slots, parts);
        let mut executors = Buckets::new(&slots, parts);
        for span in &slots.spans {
            executors.add(span.from_ms, span.until_ms, 1.0);
            capacity.add(span.from_ms, span.until_ms, f64::from(slots.tasks_on(span.cores)));
        }
        for stage in &application.stages {
            let tasks = &stage.tasks;
            for row in 0..tasks.len() {
                let finish = tasks.finish_ms(row).unwrap_or(slots.end_ms);
                busy.add(tasks.launch_ms(row), finish, 1.0);
            }
        }
        Activity {
            busy: busy.means(),
            slots: capacity.means(),
            executors: executors.means(),
            most_slots: most(slots.steps()),
            most_executors: most(
                slots
                    .spans
                    .iter()
                    .flat_map(|span| [(span.from_ms, 1), (span.until_ms, -1)])
                    .collect(),
            ),
        }
    }
}

/// The highest level that a list of changes reaches.
fn most(mut steps: Vec<(i64, i64)>) -> u32 {
    steps.sort_unstable();
    let (mut now, mut most) = (0_i64, 0_i64);
    for (_, change) in steps {
        now += change;
        most = most.max(now);
    }
    u32::try_from(most).unwrap_or(u32::MAX)
}

/// Time-weighted sums in equal parts; an interval costs the same however many parts it spans.
struct Buckets {
    start_ms: i64,
    end_ms: i64,
    width: f64,
    /// What begins (or, negative, ends) to fill whole parts from here on.
    whole: Vec<f64>,
    /// What fills a part partly.
    partly: Vec<f64>,
}

impl Buckets {
    fn new(slots: &Slots, parts: usize) -> Buckets {
        Buckets {
            start_ms: slots.start_ms,
            end_ms: slots.end_ms,
            width: (slots.end_ms - slots.start_ms) as f64 / parts as f64,
            whole: vec![0.0; parts + 1],
            partly: vec![0.0; parts + 1],
        }
    }

    fn add(&mut self, from_ms: i64, until_ms: i64, weight: f64) {
        let last = self.partly.len() - 1;
        let place = |time: i64| {
            let at = (time.clamp(self.start_ms, self.end_ms) - self.start_ms) as f64 / self.width;
            let part = (at as usize).min(last);
            (part, at - part as f64)
        };
        let ((first, into_first), (until, into_until)) = (place(from_ms), place(until_ms.max(from_ms)));
        // [first, until) as whole parts, less what lies before the start, plus what lies in the last part.
        self.whole[first] += weight;
        self.whole[until] -= weight;
        self.partly[first] -= weight * into_first;
        self.partly[until] += weight * into_until;
    }

    fn means(self) -> Vec<f64> {
        let mut level = 0.0;
        let parts = self.whole.len() - 1;
        let mean = |(whole, partly): (f64, f64)| {
            level += whole;
            (level + partly).max(0.0)
        };
        self.whole.into_iter().zip(self.partly).take(parts).map(mean).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::sample::Sample;

    #[test]
    fn means_are_weighted_by_time() {
        let application = Sample::cluster(2, 2)
            .stage("a", &[500, 500, 500, 500, 500])
            .lasting(2_000)
            .application();
        let activity = Activity::of(&application, 4);
        assert_eq!(activity.busy, [4.0, 1.0, 0.0, 0.0]);
        assert_eq!(activity.slots, [4.0; 4]);
        assert_eq!(activity.executors, [2.0; 4]);
        assert_eq!((activity.most_slots, activity.most_executors), (4, 2));
        let total: f64 = Activity::of(&application, 7).busy.iter().sum::<f64>() * 2_000.0 / 7.0;
        assert!((total - 2_500.0).abs() < 1e-6, "{total}");
    }

    #[test]
    fn nothing_to_sample_gives_nothing() {
        assert_eq!(Activity::of(&Application::default(), 10), Activity::default());
        assert_eq!(
            Activity::of(&Sample::cluster(1, 1).application(), 10),
            Activity::default()
        );
    }
}
