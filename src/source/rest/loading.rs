//! What of an application is read over REST only when it is needed: the tasks of its stages, the plans of its SQL executions.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use futures_util::StreamExt;

use super::http::{Want, block_on};
use super::json::ExecutionData;
use super::read::waiting;
use super::{ALL, Server, convert, path, tasks};
use crate::model::{
    Application, Loss, LossKind, Origin, SqlExecution, Stage, StageKey, StageStatus, TaskTable, TasksRead,
};
use crate::source::target::LoadedStage;
use crate::source::{Phase, Progress, SourceError};

/// Stages whose tasks are fetched at once.
const STAGES_AT_ONCE: usize = 3;
/// SQL executions whose plans come in one answer.
const PLANS_AT_ONCE: usize = 250;

/// Tasks of stages that have ended, of the application read last: to read it again costs little.
#[derive(Default)]
pub(super) struct Kept {
    application: (String, Option<String>),
    tables: HashMap<StageKey, ([u32; 4], Arc<TaskTable>)>,
}

impl Server {
    /// A stage with its tasks, and the plan of its SQL execution.
    ///
    /// # Errors
    /// When the server cannot be reached or answers something else.
    pub fn load_tasks(
        &self,
        application: &Application,
        stage: &Stage,
        progress: &Progress,
    ) -> Result<LoadedStage, SourceError> {
        progress.enter(Phase::FetchingTasks, format!("stage {}", stage.key), 0);
        let key = stage.key;
        let collecting = format!("{} is collecting the tasks of stage {key}", self.label);
        block_on(async {
            let stage = waiting(progress, &collecting, self.stage(application, stage, progress));
            let (mut loaded, sql) = tokio::try_join!(
                stage,
                self.execution(application, stage_sql(application, key), progress)
            )?;
            loaded.sql = sql;
            Ok(loaded)
        })
    }

    async fn stage(
        &self,
        application: &Application,
        stage: &Stage,
        progress: &Progress,
    ) -> Result<LoadedStage, SourceError> {
        let mut stage = stage.clone();
        let mut loss = None;
        let never_ran = matches!(stage.status, StageStatus::Skipped | StageStatus::Pending);
        if stage.tasks_read == TasksRead::No && application.origin == Origin::Rest && !never_ran {
            stage.tasks = self.table(application, &stage, progress).await?;
            loss = forgotten(&stage);
        }
        stage.tasks_read = TasksRead::Yes;
        Ok(LoadedStage { stage, loss, sql: None })
    }

    async fn table(
        &self,
        application: &Application,
        stage: &Stage,
        progress: &Progress,
    ) -> Result<Arc<TaskTable>, SourceError> {
        let (key, counts) = (stage.key, counts(stage));
        let of = (application.id.clone(), application.attempt.clone());
        if let Some((then, table)) = self.kept(&of).tables.get(&key)
            && *then == counts
        {
            return Ok(table.clone());
        }
        let (id, attempt) = (key.id.to_string(), key.attempt.to_string());
        let of_app = path(&application.id, application.attempt.as_deref());
        let path = [of_app.as_slice(), &["stages", &id, &attempt, "taskList"]].concat();
        let url = self.http.url(&path, &[("offset", "0"), ("length", ALL)]);
        let table = tasks::fetch(&self.http, &url, progress).await;
        let table = Arc::new(table.map_err(|trouble| self.http.error(&url, &trouble))?);
        if matches!(stage.status, StageStatus::Complete | StageStatus::Failed) && stage.active_tasks == 0 {
            self.kept(&of).tables.insert(key, (counts, table.clone()));
        }
        Ok(table)
    }

    /// What is kept of this application; what was kept of another goes.
    fn kept(&self, of: &(String, Option<String>)) -> MutexGuard<'_, Kept> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.application != *of {
            *kept = Kept {
                application: of.clone(),
                tables: HashMap::new(),
            };
        }
        kept
    }

    /// A SQL execution with its plan; as it is where the plan is there, or the server has none.
    ///
    /// # Errors
    /// When the user stops it.
    pub fn load_sql(
        &self,
        application: &Application,
        execution: &SqlExecution,
        progress: &Progress,
    ) -> Result<SqlExecution, SourceError> {
        progress.enter(Phase::Waiting, format!("SQL execution {}", execution.id), 0);
        let read = block_on(self.execution(application, Some(execution), progress))?;
        Ok(read.unwrap_or_else(|| execution.clone()))
    }

    /// Fills in the plans of all SQL executions that lack them; a server that has none is no failure.
    ///
    /// # Errors
    /// When the user stops it.
    pub fn load_plans(&self, mut application: Application, progress: &Progress) -> Result<Application, SourceError> {
        if application.origin == Origin::Rest {
            progress.enter(Phase::Waiting, self.label.clone(), 0);
            let plans = block_on(async {
                let plans = self.plans(&application, progress).await;
                progress.check().map(|()| plans)
            })?;
            fill(&mut application, plans);
        }
        Ok(application)
    }

    /// One SQL execution with its plan, where it is not there yet; a server that has none is no failure.
    async fn execution(
        &self,
        application: &Application,
        execution: Option<&SqlExecution>,
        progress: &Progress,
    ) -> Result<Option<SqlExecution>, SourceError> {
        let lacking = |execution: &&SqlExecution| execution.plan.is_none() && application.origin == Origin::Rest;
        let Some(execution) = execution.filter(lacking) else {
            return Ok(None);
        };
        let id = execution.id.to_string();
        let of_app = path(&application.id, application.attempt.as_deref());
        let path = [of_app.as_slice(), &["sql", &id]].concat();
        let query = [("details", "true"), ("planDescription", "true")];
        let text = match self.text(&path, &query, Want::Replayed, progress).await {
            Err(SourceError::Cancelled) => return Err(SourceError::Cancelled),
            Err(_) => return Ok(None),
            Ok(text) => text,
        };
        let data: Option<ExecutionData<'_>> = self.parsed(&path, &text, '{').ok();
        let read = data.and_then(convert::execution).filter(|read| read.id == execution.id);
        Ok(read.map(|read| with_plan(execution, read)))
    }

    /// Fills in the tasks of every stage, and every SQL execution's plan. A stage that cannot be read is named among the losses.
    ///
    /// # Errors
    /// When the user stops it.
    pub fn load_all_tasks(
        &self,
        mut application: Application,
        progress: &Progress,
    ) -> Result<Application, SourceError> {
        if application.origin == Origin::Log {
            return Ok(application);
        }
        progress.enter(Phase::FetchingTasks, self.label.clone(), 0);
        let (loaded, plans) = block_on(async {
            let missing = application
                .stages
                .iter()
                .filter(|stage| stage.tasks_read == TasksRead::No);
            let fetched = missing.map(|stage| async { (stage.key, self.stage(&application, stage, progress).await) });
            let fetched = futures_util::stream::iter(fetched)
                .buffer_unordered(STAGES_AT_ONCE)
                .collect::<Vec<_>>();
            let (fetched, plans) = tokio::join!(fetched, self.plans(&application, progress));
            progress.check().map(|()| (fetched, plans))
        })?;
        fill(&mut application, plans);
        let mut losses = Vec::new();
        for (key, result) in loaded {
            let unreadable = |error: SourceError| Loss {
                kind: LossKind::Unreadable,
                count: 1,
                detail: format!("the tasks of stage {key}: {error}"),
            };
            let loss = match result {
                Ok(LoadedStage { stage, loss, .. }) => {
                    if let Ok(at) = application.stages.binary_search_by_key(&key, |known| known.key) {
                        application.stages[at] = Arc::new(stage);
                    }
                    loss
                }
                Err(error) => Some(unreadable(error)),
            };
            losses.extend(loss.map(|loss| (key, loss)));
        }
        losses.sort_by_key(|(key, _)| *key);
        application.losses.extend(losses.into_iter().map(|(_, loss)| loss));
        convert::settle(&mut application);
        convert::note_forgotten_executors(&mut application);
        Ok(application)
    }

    /// All SQL executions with their plans, by id; none where the server has none.
    async fn plans(&self, application: &Application, progress: &Progress) -> HashMap<u64, SqlExecution> {
        let mut plans = HashMap::new();
        let of_app = path(&application.id, application.attempt.as_deref());
        let path = [of_app.as_slice(), &["sql"]].concat();
        let lacking = application.sql.iter().any(|execution| execution.plan.is_none());
        // Plans are large: so many come in one answer, which no server holds more than a few of.
        let pages = application.sql.len().div_ceil(PLANS_AT_ONCE);
        for page in (0..pages).filter(|_| lacking) {
            let (offset, length) = ((page * PLANS_AT_ONCE).to_string(), PLANS_AT_ONCE.to_string());
            let query = [
                ("details", "true"),
                ("planDescription", "true"),
                ("offset", offset.as_str()),
                ("length", length.as_str()),
            ];
            let Ok(text) = self.text(&path, &query, Want::Replayed, progress).await else {
                break;
            };
            let list: Vec<ExecutionData<'_>> = self.parsed(&path, &text, '[').unwrap_or_default();
            let read = list.into_iter().filter_map(convert::execution);
            plans.extend(read.map(|execution| (execution.id, execution)));
        }
        plans
    }
}

/// Puts plans to the executions that lack them.
fn fill(application: &mut Application, mut plans: HashMap<u64, SqlExecution>) {
    for execution in application.sql.iter_mut().filter(|execution| execution.plan.is_none()) {
        if let Some(read) = plans.remove(&execution.id) {
            *execution = with_plan(execution, read);
        }
    }
}

/// What was known of a SQL execution, with the plan that was read now.
fn with_plan(known: &SqlExecution, read: SqlExecution) -> SqlExecution {
    SqlExecution {
        plan: read.plan,
        graph: read.graph,
        ..known.clone()
    }
}

/// The SQL execution that a stage runs for.
fn stage_sql(application: &Application, key: StageKey) -> Option<&SqlExecution> {
    application.execution(application.stage(key)?.sql?)
}

/// Task attempts by where they stand: a stage's tasks have changed when these have.
fn counts(stage: &Stage) -> [u32; 4] {
    [
        stage.active_tasks,
        stage.complete_tasks,
        stage.failed_tasks,
        stage.killed_tasks,
    ]
}

/// What the server dropped of a stage's tasks.
fn forgotten(stage: &Stage) -> Option<Loss> {
    let counted: u64 = counts(stage).into_iter().map(u64::from).sum();
    let kept = stage.tasks.len() as u64;
    // A task that succeeded and whose output was lost counts as failed too, without a row (`AppStatusListener.onTaskEnd` for
    // `Resubmitted`): where no success is missing, nothing was dropped.
    let successes = stage.tasks.successful().count() as u64;
    (kept < counted && successes < u64::from(stage.complete_tasks)).then(|| Loss {
        kind: LossKind::ServerForgot,
        count: counted - kept,
        detail: format!(
            "stage {}: the server kept {kept} of {counted} tasks (spark.ui.retainedTasks)",
            stage.key
        ),
    })
}
