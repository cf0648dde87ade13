//! The application itself and its properties.

use super::{Replay, line};
use crate::source::eventlog::event::{ApplicationStart, EnvironmentUpdate};
use crate::source::lenient::Pairs;
use crate::text;

impl Replay {
    pub(super) fn application_start(&mut self, event: ApplicationStart<'_>) {
        self.app.name = line(event.name).unwrap_or_default();
        self.app.id = line(event.id).unwrap_or_default();
        self.app.attempt = line(event.attempt);
        self.app.user = line(event.user);
        self.app.start_ms = event.time;
        if let Some(time) = event.time {
            self.saw(time);
        }
    }

    pub(super) fn environment_update(&mut self, event: EnvironmentUpdate<'_>) {
        let environment = &mut self.app.environment;
        environment.runtime = pairs(event.jvm);
        environment.spark = pairs(event.spark);
        environment.hadoop = pairs(event.hadoop);
        environment.system = pairs(event.system);
        environment.other = pairs(event.metrics);
        environment.classpath = pairs(event.classpath);
        let cpus = environment
            .spark("spark.task.cpus")
            .and_then(|cpus| cpus.trim().parse().ok());
        self.task_cpus = cpus.or(self.task_cpus);
    }
}

fn pairs(pairs: Pairs<'_>) -> Vec<(String, String)> {
    let safe = |raw: &str| text::clean(raw).into_owned();
    let safe = pairs.0.iter().map(|(key, value)| (safe(key), safe(value)));
    let mut safe: Vec<(String, String)> = safe.collect();
    // Of a key that stands there twice the last value counts.
    safe.reverse();
    let mut seen = std::collections::HashSet::new();
    safe.retain(|(key, _)| seen.insert(key.clone()));
    safe.reverse();
    safe
}
