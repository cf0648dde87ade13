//! SQL executions, as Spark's `SQLAppStatusListener` keeps them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::graph::{Drawn, Kinds, Told};
use super::sql_metrics::{StageMetrics, together};
use super::{Lacking, Replay, block, line, need};
use crate::model::{SqlExecution, StageKey, Task, TaskStatus};
use crate::source::eventlog::event::StageInfo;
use crate::source::eventlog::metric_text::Kind;
use crate::source::eventlog::plan::{Raw, operators};
use crate::source::eventlog::query_event::{SqlDriverUpdates, SqlEnd, SqlMetricsAdded, SqlReplanned, SqlStart};
use crate::text;

/// Bytes of operators' arguments kept in all; graphs of later executions name their operators alone.
const MOST_TEXT: usize = 256 << 20;

/// A SQL execution while its events come in.
#[derive(Default)]
pub(super) struct LiveSql {
    pub execution: SqlExecution,
    /// Whether its end said that it failed.
    pub failed: bool,
    /// Its plan as it stands, and as it stood first where adaptive execution changed it.
    plan: Option<Drawn>,
    first_plan: Option<Drawn>,
    /// The accumulators of all its plans.
    kinds: Kinds,
    /// The stages of its jobs, in the order in which they were named.
    stages: Vec<u32>,
    known_stages: HashSet<u32>,
    driver: Vec<(u64, i64)>,
    /// Its metrics, put together at its end.
    told: Option<HashMap<u64, Told>>,
    /// Ends seen, of the execution and of its jobs; all of them, and it is no longer live.
    ends: usize,
    live: bool,
}

impl LiveSql {
    /// Whether nothing more is to come.
    fn has_all_ends(&self) -> bool {
        self.ends > self.execution.jobs.len()
    }

    /// The execution as it stands, its graphs with their values.
    pub fn shown(&self, stages: &foldhash::HashMap<u32, StageMetrics>) -> SqlExecution {
        let mut execution = self.execution.clone();
        if self.told.is_none() {
            let told = self.together(stages);
            let with = |plan: &Option<Drawn>| plan.clone().map(|plan| Arc::new(plan.with(&told)));
            execution.graph = with(&self.plan);
            execution.initial_graph = with(&self.first_plan);
        }
        execution
    }

    /// Puts the values that are final into the plans, which all that show the execution from now on share.
    fn settle(&mut self) {
        let Some(told) = &self.told else { return };
        let with = |plan: Option<Drawn>| plan.map(|plan| Arc::new(plan.with(told)));
        if let Some(first) = with(self.first_plan.take()) {
            self.execution.initial_graph = Some(first);
        }
        if let Some(plan) = with(self.plan.take()) {
            // A plan that comes after the end replaces one that was settled.
            let before = self.execution.graph.replace(plan);
            self.execution.initial_graph = self.execution.initial_graph.take().or(before);
        }
    }

    fn together(&self, stages: &foldhash::HashMap<u32, StageMetrics>) -> HashMap<u64, Told> {
        let own = self.stages.iter().filter_map(|stage| stages.get(stage));
        together(&self.kinds, own, &self.driver)
    }
}

impl Replay {
    pub(super) fn sql_start(&mut self, event: SqlStart<'_>) -> Result<(), Lacking> {
        let id = need(event.id)?;
        if let Some(time) = event.time {
            self.saw(time);
        }
        self.sql_plan(id, event.operators, false);
        let execution = &mut self.sql_of(id).execution;
        execution.description = line(event.description).unwrap_or_default();
        execution.submission_ms = event.time;
        execution.plan = block(event.plan).map(Arc::from);
        execution.root = event.root.filter(|root| *root != id);
        execution.query_id = line(event.query);
        let configs = event.configs.0.iter();
        execution.modified_configs = configs
            .map(|(key, value)| (text::clean_line(key), text::clean_line(value)))
            .collect();
        Ok(())
    }

    pub(super) fn sql_replanned(&mut self, event: SqlReplanned<'_>) -> Result<(), Lacking> {
        let id = need(event.id)?;
        self.sql_plan(id, event.operators, true);
        if let Some(plan) = block(event.plan) {
            self.sql_of(id).execution.plan = Some(plan.into());
        }
        Ok(())
    }

    /// Draws the plan of an execution; `again` after adaptive execution changed it.
    fn sql_plan(&mut self, id: u64, plan: Raw<'_>, again: bool) {
        let Some(operators) = operators(plan) else { return };
        let text: usize = operators.iter().map(|operator| operator.line.len()).sum();
        self.sql_text = self.sql_text.saturating_add(text);
        let described = self.sql_text < MOST_TEXT;
        let live = self.sql_of(id);
        let before = live.kinds.len();
        let drawn = Drawn::new(&operators, &mut live.kinds, described);
        let replaced = live.plan.replace(drawn);
        let more = live.kinds.len() > before;
        let mut forgotten = 0;
        if let Some(replaced) = replaced {
            if again && live.first_plan.is_none() {
                live.first_plan = Some(replaced);
            } else {
                forgotten = replaced.text();
            }
        }
        live.settle();
        self.sql_text = self.sql_text.saturating_sub(forgotten);
        if more {
            self.sql_learn(id);
        }
    }

    /// Stages that run look again at the accumulators that no plan named before.
    fn sql_learn(&mut self, id: u64) {
        let Some(at) = self.sql_at.get(&id) else { return };
        for stage in &self.sql[*at].stages {
            if let Some(metrics) = self.sql_stages.get_mut(stage) {
                metrics.learn();
            }
        }
    }

    pub(super) fn sql_metrics_added(&mut self, event: SqlMetricsAdded<'_>) -> Result<(), Lacking> {
        let id = need(event.id)?;
        let kinds = &mut self.sql_of(id).kinds;
        for metric in &event.metrics {
            if let Some(accumulator) = metric.accumulator {
                kinds.insert(accumulator, metric.kind.as_deref().and_then(Kind::parse));
            }
        }
        self.sql_learn(id);
        Ok(())
    }

    pub(super) fn sql_driver_updates(&mut self, event: SqlDriverUpdates<'_>) -> Result<(), Lacking> {
        let id = need(event.id)?;
        let Some(at) = self.sql_at.get(&id) else { return Ok(()) };
        let live = &mut self.sql[*at];
        if live.live && live.told.is_none() {
            let pairs = event.updates.iter().filter_map(|pair| match pair.as_slice() {
                [id, value] => Some((u64::try_from(id.0?).ok()?, value.0?)),
                _ => None,
            });
            live.driver.extend(pairs);
        }
        Ok(())
    }

    pub(super) fn sql_end(&mut self, event: SqlEnd<'_>) -> Result<(), Lacking> {
        let id = need(event.id)?;
        if let Some(time) = event.time {
            self.saw(time);
        }
        let live = self.sql_of(id);
        live.execution.completion_ms = event.time;
        live.execution.error = block(event.error).filter(|error| !error.is_empty());
        live.failed = live.execution.error.is_some();
        let at = self.sql_at[&id];
        let live = &self.sql[at];
        if live.live && live.told.is_none() {
            let told = live.together(&self.sql_stages);
            let live = &mut self.sql[at];
            live.told = Some(told);
            live.driver = Vec::new();
            live.settle();
        }
        self.sql[at].ends += 1;
        self.sql_forget(at);
        Ok(())
    }

    /// A job of a SQL execution began: its stages' tasks add to the metrics that are known by now.
    pub(super) fn sql_job(&mut self, id: u64, job: u32, stages: &[StageInfo<'_>]) {
        self.sql_of(id);
        let at = self.sql_at[&id];
        let live = &mut self.sql[at];
        if !live.live {
            // Everything of it had ended, and yet it goes on.
            live.live = true;
            live.ends = live.execution.jobs.len() + 1;
        }
        let jobs = &mut live.execution.jobs;
        if let Err(at) = jobs.binary_search(&job) {
            jobs.insert(at, job);
        }
        for stage in stages {
            let Some(id) = stage.id else { continue };
            if live.known_stages.insert(id) {
                live.stages.push(id);
            }
            if !live.kinds.is_empty() {
                let metrics = StageMetrics::new(id, 0, stage.tasks.unwrap_or(0), at);
                self.sql_stages.insert(id, metrics);
            }
        }
    }

    pub(super) fn sql_job_ended(&mut self, id: u64) {
        let Some(at) = self.sql_at.get(&id).copied() else {
            return;
        };
        let live = &mut self.sql[at];
        live.ends += 1;
        if live.has_all_ends() {
            live.live = false;
            self.sql_forget(at);
        }
    }

    /// A stage attempt of a SQL execution began.
    pub(super) fn sql_stage(&mut self, key: StageKey) {
        if let Some(metrics) = self.sql_stages.get_mut(&key.id)
            && metrics.attempt != key.attempt
        {
            *metrics = metrics.again(key.attempt);
        }
    }

    /// A task ended that may have added to the metrics of a plan.
    pub(super) fn sql_task(&mut self, key: StageKey, task: &Task, accumulables: &[u8]) {
        if let Some(metrics) = self.sql_stages.get_mut(&key.id)
            && metrics.attempt == key.attempt
            && let Some(live) = self.sql.get(metrics.execution)
        {
            let succeeded = task.status == TaskStatus::Success;
            metrics.task(task.id, task.index, succeeded, accumulables, &live.kinds);
        }
    }

    /// What tasks added for an execution that has ended is no longer needed.
    fn sql_forget(&mut self, at: usize) {
        let live = &mut self.sql[at];
        if live.told.is_none() {
            return;
        }
        live.live &= !live.has_all_ends();
        for stage in &self.sql[at].stages {
            if self
                .sql_stages
                .get(stage)
                .is_some_and(|metrics| metrics.execution == at)
            {
                self.sql_stages.remove(stage);
            }
        }
    }

    fn sql_of(&mut self, id: u64) -> &mut LiveSql {
        let at = *self.sql_at.entry(id).or_insert_with(|| {
            self.sql.push(LiveSql {
                live: true,
                ..LiveSql::default()
            });
            self.sql.len() - 1
        });
        let live = &mut self.sql[at];
        live.execution.id = id;
        live
    }
}
