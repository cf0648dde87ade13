//! SQL executions, as Spark's `SQLAppStatusListener` keeps them.

use std::sync::Arc;

use super::{Lacking, Replay, block, line, need};
use crate::model::SqlExecution;
use crate::source::eventlog::event::{SqlEnd, SqlReplanned, SqlStart};

/// A SQL execution while its events come in.
#[derive(Default)]
pub(super) struct LiveSql {
    pub execution: SqlExecution,
    /// Whether its end said that it failed.
    pub failed: bool,
}

impl Replay {
    pub(super) fn sql_start(&mut self, event: SqlStart<'_>) -> Result<(), Lacking> {
        let id = need(event.id)?;
        if let Some(time) = event.time {
            self.saw(time);
        }
        let execution = &mut self.sql_of(id).execution;
        execution.description = line(event.description).unwrap_or_default();
        execution.submission_ms = event.time;
        execution.plan = block(event.plan).map(Arc::from);
        Ok(())
    }

    pub(super) fn sql_replanned(&mut self, event: SqlReplanned<'_>) -> Result<(), Lacking> {
        let id = need(event.id)?;
        if let Some(plan) = block(event.plan) {
            self.sql_of(id).execution.plan = Some(plan.into());
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
        live.failed = event.error.is_some_and(|error| !error.is_empty());
        Ok(())
    }

    /// A job of a SQL execution began.
    pub(super) fn sql_job(&mut self, id: u64, job: u32) {
        let jobs = &mut self.sql_of(id).execution.jobs;
        if let Err(at) = jobs.binary_search(&job) {
            jobs.insert(at, job);
        }
    }

    fn sql_of(&mut self, id: u64) -> &mut LiveSql {
        let at = *self.sql_at.entry(id).or_insert_with(|| {
            self.sql.push(LiveSql::default());
            self.sql.len() - 1
        });
        let live = &mut self.sql[at];
        live.execution.id = id;
        live
    }
}
