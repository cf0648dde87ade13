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
            let (mut loaded, plan) =
                tokio::try_join!(stage, self.plan(application, stage_sql(application, key), progress))?;
            loaded.plan = plan;
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
        Ok(LoadedStage {
            stage,
            loss,
            plan: None,
        })
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

    /// The plan of one SQL execution, where it is not there yet; a server that has none is no failure.
    async fn plan(
        &self,
        application: &Application,
        execution: Option<&SqlExecution>,
        progress: &Progress,
    ) -> Result<Option<(u64, Arc<str>)>, SourceError> {
        let lacking = |execution: &&SqlExecution| execution.plan.is_none() && application.origin == Origin::Rest;
        let Some(execution) = execution.filter(lacking) else {
            return Ok(None);
        };
        let id = execution.id.to_string();
        let of_app = path(&application.id, application.attempt.as_deref());
        let path = [of_app.as_slice(), &["sql", &id]].concat();
        let query = [("details", "false"), ("planDescription", "true")];
        let text = match self.text(&path, &query, Want::Replayed, progress).await {
            Err(SourceError::Cancelled) => return Err(SourceError::Cancelled),
            Err(_) => return Ok(None),
            Ok(text) => text,
        };
        let data: Option<ExecutionData<'_>> = self.parsed(&path, &text, '{').ok();
        let plan = data.and_then(|data| data.plan).and_then(convert::plan);
        Ok(plan.map(|plan| (execution.id, plan)))
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
        for execution in &mut application.sql {
            execution.plan = execution.plan.take().or_else(|| plans.get(&execution.id).cloned());
        }
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
        Ok(application)
    }

    /// The plans of all SQL executions; none where the server has none.
    async fn plans(&self, application: &Application, progress: &Progress) -> HashMap<u64, Arc<str>> {
        if application.sql.iter().all(|execution| execution.plan.is_some()) {
            return HashMap::new();
        }
        let of_app = path(&application.id, application.attempt.as_deref());
        let path = [of_app.as_slice(), &["sql"]].concat();
        let query = [
            ("details", "false"),
            ("planDescription", "true"),
            ("offset", "0"),
            ("length", ALL),
        ];
        let Ok(text) = self.text(&path, &query, Want::Replayed, progress).await else {
            return HashMap::new();
        };
        let list: Vec<ExecutionData<'_>> = self.parsed(&path, &text, '[').unwrap_or_default();
        let plans = list
            .into_iter()
            .filter_map(|data| Some((data.id?, convert::plan(data.plan?)?)));
        plans.collect()
    }
}

/// The SQL execution that a stage runs for.
fn stage_sql(application: &Application, key: StageKey) -> Option<&SqlExecution> {
    let id = application.stage(key)?.sql?;
    let at = application
        .sql
        .binary_search_by_key(&id, |execution| execution.id)
        .ok()?;
    application.sql.get(at)
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
    (kept < counted).then(|| Loss {
        kind: LossKind::ServerForgot,
        count: counted - kept,
        detail: format!(
            "stage {}: the server kept {kept} of {counted} tasks (spark.ui.retainedTasks)",
            stage.key
        ),
    })
}
