//! The replay: events in, an application out. Keeps what Spark's `AppStatusListener` keeps, with the same arithmetic, so that every
//! number equals the history server's; unlike it, goes on after a broken line. Knows no file and no codec.

mod environment;
mod executors;
mod failure;
mod finish;
mod graph;
mod jobs;
mod missing;
mod sql;
mod sql_metrics;
mod stages;
mod storage;
mod streaming;
mod tasks;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;

use foldhash::{HashMap, HashSet};

use super::event::Event;
use super::parse::{Broken, parse};
use super::shape::{Seen, Shapes};
use crate::model::{Application, Executor, Loss, StageKey};
use crate::source::lenient;
use crate::text;

/// The state of an application while its events come in.
#[derive(Default)]
pub(super) struct Replay {
    /// What needs no state of its own.
    app: Application,
    /// Whether anything of an application was seen: a log's start alone is none.
    begun: bool,
    names: Names,
    executors: Vec<Executor>,
    /// Place of every executor by id.
    executor_at: HashMap<Arc<str>, usize>,
    /// Place of every process beside them by id.
    process_at: HashMap<String, usize>,
    /// `spark.task.cpus`, and what resource profiles say instead.
    task_cpus: Option<u32>,
    profile_cpus: HashMap<u32, u32>,
    storage: storage::Storage,
    streaming: streaming::Streaming,
    jobs: Vec<jobs::LiveJob>,
    /// Place of every job by id.
    job_at: HashMap<u32, usize>,
    /// Places of the jobs that have not ended.
    running_jobs: Vec<usize>,
    stages: Vec<stages::LiveStage>,
    /// Place of every stage attempt, and the places of a stage's attempts.
    stage_at: HashMap<StageKey, usize>,
    attempts: HashMap<u32, Vec<usize>>,
    /// Tasks that were launched and have not ended, by id.
    running_tasks: HashMap<u64, tasks::Launched>,
    /// Ids of all tasks that ended; kept only from the first end on that has no launch.
    ended_tasks: Option<HashSet<u64>>,
    sql: Vec<sql::LiveSql>,
    sql_at: HashMap<u64, usize>,
    /// What the tasks of SQL executions' stages added to the metrics of their plans, by stage.
    sql_stages: HashMap<u32, sql_metrics::StageMetrics>,
    /// Bytes of operators' arguments kept.
    sql_text: usize,
    task_count: u64,
    unstarted: missing::Unstarted,
    /// What lines of tasks look like in this log.
    shapes: Shapes,
    /// Where a line is worked on.
    room: String,
}

/// An event that lacks what it is about, such as a task's end without a stage: as good as a broken line.
struct Lacking;

/// `?` for an event's indispensable field.
fn need<T>(field: Option<T>) -> Result<T, Lacking> {
    field.ok_or(Lacking)
}

impl Replay {
    /// Takes one line of the log.
    ///
    /// # Errors
    /// Where the line is no event, or one that lacks what it is about; nothing has changed then.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<(), Broken> {
        match self.shapes.read(line) {
            Some(Seen::Start(start)) => return self.task(|replay| replay.task_start(&start)),
            Some(Seen::End(end)) => return self.task(|replay| replay.task_end(&end)),
            None => {}
        }
        let mut room = std::mem::take(&mut self.room);
        let parsed = match std::str::from_utf8(line) {
            Ok(line) => parse(line, &mut room).and_then(|event| self.event(event)),
            Err(_) => Err(Broken),
        };
        self.room = room;
        match parsed {
            Ok(()) => {
                self.shapes.learn(line);
                Ok(())
            }
            // Worth the copy only now: the line may be sound but for its characters.
            Err(Broken) if line.contains(&b'{') => {
                let mended = lenient::mend(line);
                let mut room = String::new();
                let event = parse(&mended, &mut room)?;
                self.event(event)
            }
            Err(Broken) => Err(Broken),
        }
    }

    /// Takes a task's start or end.
    fn task(&mut self, take: impl FnOnce(&mut Self) -> Result<(), Lacking>) -> Result<(), Broken> {
        take(self).map_err(|Lacking| Broken)?;
        self.begun = true;
        Ok(())
    }

    fn event(&mut self, event: Option<Event<'_>>) -> Result<(), Broken> {
        let Some(event) = event else { return Ok(()) };
        let begins = !matches!(event, Event::LogStart(_));
        let taken = match event {
            Event::TaskStart(event) => self.task_start(&event),
            Event::TaskEnd(event) => self.task_end(&event),
            Event::StageSubmitted(event) => self.stage_submitted(event),
            Event::StageCompleted(event) => self.stage_completed(event),
            Event::JobStart(event) => self.job_start(event),
            Event::JobEnd(event) => self.job_end(event),
            Event::LogStart(event) => {
                self.app.spark_version = event.version.map(|version| text::clean_line(&version));
                Ok(())
            }
            Event::ApplicationStart(event) => {
                self.application_start(event);
                Ok(())
            }
            Event::ApplicationEnd(event) => need(event.time).map(|time| {
                self.saw(time);
                self.app.end_ms = Some(time);
            }),
            Event::EnvironmentUpdate(event) => {
                self.environment_update(event);
                Ok(())
            }
            Event::ResourceProfileAdded(event) => self.profile_added(&event),
            Event::ExecutorAdded(event) => self.executor_added(event),
            Event::ExecutorRemoved(event) => self.executor_removed(event),
            Event::ExecutorExcluded(event, excluded) => self.executor_excluded(event, excluded),
            Event::NodeExcluded(event, excluded) => self.node_excluded(event, excluded),
            Event::ExcludedForStage(event) => self.excluded_for_stage(event),
            Event::ProcessAdded(event) => self.process_added(event),
            Event::BlockManagerAdded(event) => self.block_manager_added(event),
            Event::BlockUpdated(event) => self.block_updated(event),
            Event::UnpersistRdd(event) => self.unpersist(&event),
            Event::StageExecutorMetrics(event) => self.stage_executor_metrics(event),
            Event::ExecutorMetricsUpdate(event) => self.heartbeat(event),
            Event::SqlStart(event) => self.sql_start(event),
            Event::SqlReplanned(event) => self.sql_replanned(event),
            Event::SqlMetricsAdded(event) => self.sql_metrics_added(event),
            Event::SqlDriverUpdates(event) => self.sql_driver_updates(event),
            Event::QueryStarted(event) => self.query_started(event),
            Event::QueryProgress(event) => self.query_progress(*event),
            Event::QueryEnded(event) => self.query_ended(event),
            Event::SqlEnd(event) => self.sql_end(event),
        };
        taken.map_err(|Lacking| Broken)?;
        self.begun |= begins;
        Ok(())
    }

    /// Tasks that ended so far, for the progress.
    pub(super) fn tasks(&self) -> u64 {
        self.task_count
    }

    /// Whether the application's end was seen.
    pub(super) fn has_ended(&self) -> bool {
        self.app.end_ms.is_some()
    }

    /// Notes something that the log lacks.
    pub(super) fn lose(&mut self, loss: Loss) {
        self.app.losses.push(loss);
    }

    /// Notes that something happened at this time.
    fn saw(&mut self, time: i64) {
        self.app.last_ms = self.app.last_ms.max(Some(time));
    }
}

/// Strings that many events repeat, each kept once.
#[derive(Default)]
struct Names {
    known: HashSet<Arc<str>>,
    /// Bytes of error messages kept.
    messages: usize,
}

impl Names {
    /// Bytes of different error messages kept whole; those that come later are cut, as a hundred thousand stack traces fill any memory.
    const MESSAGES: usize = 16 << 20;
    /// What is kept of each of them, characters.
    const CUT: usize = 500;

    /// The text, made safe to print.
    fn get(&mut self, raw: &str) -> Arc<str> {
        let safe = text::clean(raw);
        if let Some(known) = self.known.get(&*safe) {
            return known.clone();
        }
        let new: Arc<str> = safe.into();
        self.known.insert(new.clone());
        new
    }

    /// An error message, made safe to print.
    fn message(&mut self, raw: &str) -> Arc<str> {
        let before = self.known.len();
        if self.messages < Self::MESSAGES {
            let message = self.get(raw);
            self.messages += if self.known.len() > before { message.len() } else { 0 };
            return message;
        }
        match raw.char_indices().nth(Self::CUT) {
            Some((end, _)) => self.get(&format!("{}…", raw.get(..end).unwrap_or_default())),
            None => self.get(raw),
        }
    }
}

/// A text of several lines, made safe to print.
fn block(raw: Option<Cow<'_, str>>) -> Option<String> {
    raw.map(|raw| text::clean(&raw).into_owned())
}

/// A text of one line, made safe to print.
fn line(raw: Option<Cow<'_, str>>) -> Option<String> {
    raw.map(|raw| text::clean_line(&raw))
}
