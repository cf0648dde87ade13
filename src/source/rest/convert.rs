//! REST answers into the model, field for field as the replay of the application's log fills it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::json::{
    ApplicationInfo, AttemptInfo, EdgeData, EnvironmentInfo, ExecutionData, ExecutorSummary, JobData, NodeData,
    NodeMetric, ProcessSummary, ProfileInfo,
};
use crate::model::{
    Application, ApplicationEntry, AttemptEntry, Environment, Executor, Job, JobStatus, Loss, LossKind,
    MiscellaneousProcess, PlanGraph, PlanMetric, PlanNode, ResourceProfile, SqlExecution, SqlStatus, Stage,
    StageStatus,
};
use crate::source::lenient::Pairs;
use crate::text::{clean, clean_line};

/// The entry of a list; `None` without an id or an attempt.
pub(super) fn entry(info: ApplicationInfo<'_>) -> Option<ApplicationEntry> {
    let mut attempts: Vec<AttemptEntry> = info.attempts.into_iter().map(attempt).collect();
    attempts.sort_by_key(|attempt| std::cmp::Reverse(attempt.start_ms));
    let id = info.id.filter(|id| !id.is_empty())?;
    (!attempts.is_empty()).then(|| ApplicationEntry {
        id: clean_line(&id),
        name: line(info.name).unwrap_or_default(),
        attempts,
    })
}

fn attempt(info: AttemptInfo<'_>) -> AttemptEntry {
    let completed = info.completed.unwrap_or(false);
    AttemptEntry {
        attempt: line(info.attempt),
        start_ms: info.start.0,
        end_ms: info.end.0.filter(|_| completed),
        last_updated_ms: info.last_updated.0,
        // A running attempt's duration is 0 in lists.
        duration_ms: info.duration.filter(|_| completed),
        user: line(info.user).filter(|user| !user.is_empty()),
        completed,
        spark_version: line(info.spark_version).filter(|version| !version.is_empty()),
    }
}

/// Jobs by id.
pub(super) fn jobs(list: Vec<JobData<'_>>) -> Vec<Job> {
    let mut jobs: Vec<Job> = list.into_iter().filter_map(job).collect();
    jobs.sort_by_key(|job| job.id);
    jobs.dedup_by_key(|job| job.id);
    jobs
}

fn job(data: JobData<'_>) -> Option<Job> {
    let mut job_tags: Vec<String> = data
        .job_tags
        .into_iter()
        .flatten()
        .map(|tag| clean_line(&tag))
        .collect();
    job_tags.sort();
    Some(Job {
        id: data.id?,
        name: line(data.name).unwrap_or_default(),
        description: line(data.description),
        submission_ms: data.submission.0,
        completion_ms: data.completion.0,
        stage_ids: data.stage_ids.into_iter().flatten().collect(),
        job_group: line(data.job_group),
        job_tags,
        status: JobStatus::parse(data.status.as_deref().unwrap_or_default()),
        failure: None,
        sql: None,
        num_tasks: data.num_tasks.unwrap_or(0),
        active_tasks: data.active_tasks.unwrap_or(0),
        completed_tasks: data.completed_tasks.unwrap_or(0),
        skipped_tasks: data.skipped_tasks.unwrap_or(0),
        failed_tasks: data.failed_tasks.unwrap_or(0),
        killed_tasks: data.killed_tasks.unwrap_or(0),
        completed_indices: data.completed_indices.unwrap_or(0),
        active_stages: data.active_stages.unwrap_or(0),
        completed_stages: data.completed_stages.unwrap_or(0),
        skipped_stages: data.skipped_stages.unwrap_or(0),
        failed_stages: data.failed_stages.unwrap_or(0),
        killed_summary: data.killed_summary.0,
    })
}

/// Executors in order of appearance.
pub(super) fn executors(list: Vec<ExecutorSummary<'_>>) -> Vec<Executor> {
    let mut executors: Vec<Executor> = list.into_iter().filter_map(executor).collect();
    executors.sort_by_key(|executor| executor.added_ms);
    executors
}

fn executor(data: ExecutorSummary<'_>) -> Option<Executor> {
    // A cluster's driver is listed with no cores and no slots.
    let some = |count: Option<u32>| count.filter(|count| *count > 0);
    let mut excluded_in_stages: Vec<u32> = data.excluded_in_stages.into_iter().flatten().collect();
    excluded_in_stages.sort_unstable();
    excluded_in_stages.dedup();
    Some(Executor {
        id: line(data.id).filter(|id| !id.is_empty())?.into(),
        host_port: line(data.host_port).unwrap_or_default(),
        active: data.active.unwrap_or(false),
        total_cores: some(data.total_cores),
        max_tasks: some(data.max_tasks),
        added_ms: data.added.0,
        removed_ms: data.removed.0,
        remove_reason: line(data.remove_reason),
        excluded: data.excluded.unwrap_or(false),
        excluded_in_stages,
        resource_profile: data.resource_profile.unwrap_or(0),
        active_tasks: data.active_tasks.unwrap_or(0),
        failed_tasks: data.failed_tasks.unwrap_or(0),
        completed_tasks: data.completed_tasks.unwrap_or(0),
        total_tasks: data.total_tasks.unwrap_or(0),
        total_duration_ms: data.total_duration.unwrap_or(0),
        total_gc_ms: data.total_gc.unwrap_or(0),
        total_input_bytes: data.total_input.unwrap_or(0),
        total_shuffle_read: data.total_shuffle_read.unwrap_or(0),
        total_shuffle_write: data.total_shuffle_write.unwrap_or(0),
        rdd_blocks: data.rdd_blocks.unwrap_or(0),
        memory_used: data.memory_used.unwrap_or(0),
        disk_used: data.disk_used.unwrap_or(0),
        max_memory: data.max_memory.unwrap_or(0),
        max_on_heap: data.memory.on_heap,
        max_off_heap: data.memory.off_heap,
        peaks: data.peaks.0.unwrap_or_default(),
        memory: crate::model::MemorySeries::default(),
    })
}

/// Resource profiles by id.
pub(super) fn profiles(list: &[ProfileInfo<'_>]) -> Vec<ResourceProfile> {
    let profile = |info: &ProfileInfo<'_>| {
        Some(ResourceProfile {
            id: info.id?,
            executor: info.executor.requests(),
            task: info.task.requests(),
        })
    };
    let mut profiles: Vec<ResourceProfile> = list.iter().filter_map(profile).collect();
    profiles.sort_by_key(|profile| profile.id);
    profiles.dedup_by_key(|profile| profile.id);
    profiles
}

/// Processes beside driver and executors, in order of appearance.
pub(super) fn processes(list: Vec<ProcessSummary<'_>>) -> Vec<MiscellaneousProcess> {
    let process = |data: ProcessSummary<'_>| {
        Some(MiscellaneousProcess {
            id: line(data.id).filter(|id| !id.is_empty())?,
            host_port: line(data.host_port).unwrap_or_default(),
            active: data.active.unwrap_or(false),
            total_cores: data.total_cores,
            added_ms: data.added.0,
            removed_ms: data.removed.0,
        })
    };
    let mut processes: Vec<MiscellaneousProcess> = list.into_iter().filter_map(process).collect();
    processes.sort_by_key(|process| process.added_ms);
    processes
}

/// Properties, values as recorded.
pub(super) fn environment(info: EnvironmentInfo<'_>) -> Environment {
    let own = |Pairs(pairs): Pairs<'_>| {
        let pair = |(key, value): &(Cow<'_, str>, Cow<'_, str>)| (clean_line(key), clean(value).into_owned());
        pairs.iter().map(pair).collect()
    };
    // Under the names that event logs use.
    let runtime = [
        ("Java Home", info.runtime.java_home),
        ("Java Version", info.runtime.java_version),
        ("Scala Version", info.runtime.scala_version),
    ];
    let runtime = runtime
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), line(value)?)));
    Environment {
        runtime: runtime.collect(),
        spark: own(info.spark),
        hadoop: own(info.hadoop),
        system: own(info.system),
        other: own(info.metrics),
        classpath: own(info.classpath),
    }
}

/// SQL executions by id.
pub(super) fn sql(list: Vec<ExecutionData<'_>>) -> Vec<SqlExecution> {
    let mut executions: Vec<SqlExecution> = list.into_iter().filter_map(execution).collect();
    executions.sort_by_key(|execution| execution.id);
    executions.dedup_by_key(|execution| execution.id);
    executions
}

/// One SQL execution, with the plan where that was asked for; `None` without an id.
pub(super) fn execution(data: ExecutionData<'_>) -> Option<SqlExecution> {
    let status = match data.status.as_deref() {
        Some("COMPLETED") => SqlStatus::Completed,
        Some("FAILED") => SqlStatus::Failed,
        _ => SqlStatus::Running,
    };
    let ended = status != SqlStatus::Running;
    let completion = || data.submission.0?.checked_add(i64::try_from(data.duration?).ok()?);
    let jobs: BTreeSet<u32> = [data.running, data.succeeded, data.failed]
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    let id = data.id?;
    let configs = data.configs.0.iter();
    Some(SqlExecution {
        id,
        description: line(data.description).unwrap_or_default(),
        status,
        submission_ms: data.submission.0,
        completion_ms: ended.then(completion).flatten(),
        jobs: jobs.into_iter().collect(),
        // An empty plan was not asked for.
        plan: data
            .plan
            .filter(|text| !text.is_empty())
            .map(|text| clean(&text).into()),
        graph: graph(data.nodes, &data.edges).map(Arc::new),
        initial_graph: None,
        root: data.root.filter(|root| *root != id),
        query_id: line(data.query),
        modified_configs: configs
            .map(|(key, value)| (clean_line(key), clean_line(value)))
            .collect(),
        error: data
            .error
            .filter(|error| !error.is_empty())
            .map(|error| clean(&error).into_owned()),
    })
}

/// A plan's graph; without nodes it was not asked for.
fn graph(nodes: Vec<NodeData<'_>>, edges: &[EdgeData<'_>]) -> Option<PlanGraph> {
    let node = |data: NodeData<'_>| {
        let metric = |metric: NodeMetric<'_>| PlanMetric {
            name: line(metric.name).unwrap_or_default(),
            value: metric.value.map(|value| clean(&value).into_owned()),
        };
        Some(PlanNode {
            id: data.id?,
            name: line(data.name).unwrap_or_default(),
            description: data.description.map(|text| clean(&text).into_owned()),
            codegen: data.codegen,
            metrics: data.metrics.into_iter().map(metric).collect(),
            stages: Vec::new(),
        })
    };
    let mut nodes: Vec<PlanNode> = nodes.into_iter().filter_map(node).collect();
    nodes.sort_by_key(|node| node.id);
    nodes.dedup_by_key(|node| node.id);
    let edges = edges.iter().filter_map(|edge| Some((edge.from?, edge.to?))).collect();
    // What could not be planned has one node without a name for a plan.
    let planned = nodes.iter().any(|node| !node.name.is_empty());
    planned.then_some(PlanGraph { nodes, edges })
}

/// What REST says only one way round: a stage's jobs, SQL execution and excluded executors, a job's SQL execution.
pub(super) fn link(application: &mut Application) {
    let mut sql_of: BTreeMap<u32, u64> = BTreeMap::new();
    for execution in &application.sql {
        for job in &execution.jobs {
            sql_of.insert(*job, execution.id);
        }
    }
    let mut jobs_of: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for job in &mut application.jobs {
        job.sql = sql_of.get(&job.id).copied();
        for stage in &job.stage_ids {
            jobs_of.entry(*stage).or_default().push(job.id);
        }
    }
    for stage in &mut application.stages {
        let stage = Arc::make_mut(stage);
        stage.jobs = jobs_of.get(&stage.key.id).cloned().unwrap_or_default();
        stage.sql = stage.jobs.iter().find_map(|job| sql_of.get(job).copied());
        if stage.status == StageStatus::Active {
            let excluded = application.executors.iter();
            let excluded = excluded.filter(|executor| executor.excluded_in_stages.contains(&stage.key.id));
            stage.excluded_executors = excluded.map(|executor| executor.id.clone()).collect();
            stage.excluded_executors.sort();
        }
    }
}

/// What follows from all the rest, tasks too where they are there: the time of the last thing recorded, the driver's own time.
pub(super) fn settle(application: &mut Application) {
    let last = last_ms(application);
    application.last_ms = last;
    // The server counts an application without an end up to now.
    if application.end_ms.is_none()
        && let Some(wall) = application.wall_ms()
        && let Some(driver) = application.executors.iter_mut().find(|executor| executor.is_driver())
    {
        driver.total_duration_ms = wall;
    }
}

fn last_ms(application: &Application) -> Option<i64> {
    let jobs = application
        .jobs
        .iter()
        .flat_map(|job| [job.submission_ms, job.completion_ms]);
    let executions = application
        .sql
        .iter()
        .flat_map(|sql| [sql.submission_ms, sql.completion_ms]);
    let executors = application
        .executors
        .iter()
        .flat_map(|executor| [executor.added_ms, executor.removed_ms]);
    let of_stage = |stage: &Arc<Stage>| [stage.submission_ms, stage.first_task_launched_ms, stage.completion_ms];
    let stages = application.stages.iter().flat_map(of_stage);
    let of_task = |stage: &Arc<Stage>| {
        let tasks = &stage.tasks;
        let ends = (0..tasks.len()).map(|row| tasks.finish_ms(row).or(Some(tasks.launch_ms(row))));
        ends.max().flatten()
    };
    [application.start_ms, application.end_ms]
        .into_iter()
        .chain(jobs)
        .chain(executions)
        .chain(executors)
        .chain(stages)
        .chain(application.stages.iter().map(of_task))
        .flatten()
        .max()
}

/// Jobs and stages that the server no longer has, though others speak of them.
pub(super) fn forgotten(application: &Application) -> Vec<Loss> {
    let known: BTreeSet<u32> = application.stages.iter().map(|stage| stage.key.id).collect();
    let named = application.jobs.iter().flat_map(|job| job.stage_ids.iter().copied());
    // Ids count up from 0: the oldest go first.
    let older = 0..known.first().copied().unwrap_or(0);
    let stages = named
        .chain(older)
        .filter(|id| !known.contains(id))
        .collect::<BTreeSet<u32>>()
        .len();
    let jobs = application.jobs.first().map_or(0, |job| job.id);
    let loss = |lost: usize, kept: usize, what: &str, setting: &str| {
        (lost > 0).then(|| Loss {
            kind: LossKind::ServerForgot,
            count: lost as u64,
            detail: format!("the server kept {kept} of {} {what} ({setting})", kept + lost),
        })
    };
    [
        loss(jobs as usize, application.jobs.len(), "jobs", "spark.ui.retainedJobs"),
        loss(stages, known.len(), "stages", "spark.ui.retainedStages"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Executors of which tasks tell and that the server no longer lists.
fn executors_forgotten(application: &Application) -> Option<Loss> {
    let listed: BTreeSet<&str> = application.executors.iter().map(|executor| &*executor.id).collect();
    let places = application.stages.iter().flat_map(|stage| stage.tasks.places());
    let of_tasks: BTreeSet<&str> = places.map(|(executor, _)| &**executor).collect();
    let lost = of_tasks.difference(&listed).filter(|id| !id.is_empty()).count();
    let kept = listed.iter().filter(|id| **id != "driver").count();
    (lost > 0).then(|| Loss {
        kind: LossKind::ServerForgot,
        count: lost as u64,
        detail: format!("the server kept {kept} of {} executors ({DEAD_EXECUTORS})", kept + lost),
    })
}

/// Notes, whenever tasks were read, of how many of their executors the server no longer tells.
pub fn note_forgotten_executors(application: &mut Application) {
    application.losses.retain(|loss| !loss.detail.contains(DEAD_EXECUTORS));
    application.losses.extend(executors_forgotten(application));
}

const DEAD_EXECUTORS: &str = "spark.ui.retainedDeadExecutors";

fn line(text: Option<Cow<'_, str>>) -> Option<String> {
    text.map(|text| clean_line(&text))
}
