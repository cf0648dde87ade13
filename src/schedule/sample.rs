//! Small applications made by hand for the tests of `schedule` and `diagnosis`: stages one after another, tasks list-scheduled
//! on the slots as Spark would.

use std::sync::Arc;

use crate::model::{
    Application, ApplicationStatus, Executor, Job, JobStatus, Locality, MetricValues, Stage, StageKey, StageStatus,
    Task, TaskMetric, TaskStatus, TaskTable, TasksRead,
};

/// An application in the making.
#[derive(Clone, Debug)]
pub struct Sample {
    application: Application,
    cores: u32,
    now: i64,
    next_task: u64,
}

impl Sample {
    /// When every sample starts, epoch ms.
    pub const START: i64 = 1_000_000;

    /// An application on so many executors of so many cores each, there from the start.
    pub fn cluster(executors: u32, cores: u32) -> Sample {
        let executor = |id: u32| Executor {
            id: id.to_string().into(),
            host_port: format!("host-{id}:7000"),
            active: true,
            total_cores: Some(cores),
            max_tasks: Some(cores),
            added_ms: Some(Sample::START),
            ..Executor::default()
        };
        let driver = Executor {
            id: "driver".into(),
            ..Executor::default()
        };
        let mut application = Application {
            id: "app-sample".into(),
            name: "sample".into(),
            spark_version: Some("4.0.1".into()),
            status: ApplicationStatus::Completed,
            start_ms: Some(Sample::START),
            executors: std::iter::once(driver).chain((1..=executors).map(executor)).collect(),
            ..Application::default()
        };
        application.environment.spark = vec![("spark.master".into(), "spark://host-0:7077".into())];
        Sample {
            application,
            cores,
            now: Sample::START,
            next_task: 0,
        }
    }

    /// Sets a Spark property.
    pub fn set(mut self, key: &str, value: &str) -> Sample {
        self.application.environment.spark.push((key.into(), value.into()));
        self
    }

    /// The driver alone for so many ms.
    pub fn gap(mut self, ms: i64) -> Sample {
        self.now += ms;
        self
    }

    /// Ends the application so many ms after its start, whatever ran.
    pub fn lasting(mut self, ms: i64) -> Sample {
        self.application.end_ms = Some(Sample::START + ms);
        self
    }

    /// A job of one stage with tasks of these durations, ms.
    pub fn stage(self, name: &str, durations: &[u64]) -> Sample {
        self.stage_with(name, durations, |_, _| {})
    }

    /// A job of one stage, whose tasks `change` may alter (after they were scheduled); gets the task and its index.
    pub fn stage_with(mut self, name: &str, durations: &[u64], change: impl Fn(usize, &mut Task)) -> Sample {
        let id = u32::try_from(self.application.stages.len()).unwrap();
        let executors = u32::try_from(self.application.executors.len()).unwrap() - 1;
        // (free at, executor): the next task goes to the slot that frees first.
        let mut slots: Vec<(i64, u32)> = (0..executors * self.cores)
            .map(|slot| (self.now, slot % executors + 1))
            .collect();
        let mut table = TaskTable::default();
        let mut totals = MetricValues::default();
        let mut end = self.now;
        for (index, duration) in durations.iter().enumerate() {
            slots.sort();
            let (free, executor) = slots[0];
            slots[0].0 = free + i64::try_from(*duration).unwrap();
            end = end.max(slots[0].0);
            let mut metrics = MetricValues::default();
            metrics.set(TaskMetric::ExecutorRunTime, Some(*duration));
            let mut task = Task {
                id: self.next_task,
                index: u32::try_from(index).unwrap(),
                attempt: 0,
                partition: None,
                launch_ms: free,
                duration_ms: Some(*duration),
                result_fetch_ms: None,
                executor: executor.to_string().into(),
                host: format!("host-{executor}").into(),
                locality: Locality::ProcessLocal,
                status: TaskStatus::Success,
                speculative: false,
                failure: None,
                metrics,
            };
            change(index, &mut task);
            totals.add(&task.metrics);
            table.push(&task);
            self.next_task += 1;
        }
        let tasks = u32::try_from(durations.len()).unwrap();
        self.application.stages.push(Arc::new(Stage {
            key: StageKey { id, attempt: 0 },
            name: name.into(),
            status: StageStatus::Complete,
            num_tasks: tasks,
            complete_tasks: tasks,
            completed_indices: tasks,
            submission_ms: Some(self.now),
            first_task_launched_ms: Some(self.now),
            completion_ms: Some(end),
            jobs: vec![id],
            totals,
            tasks_read: TasksRead::Yes,
            tasks: Arc::new(table),
            ..Stage::default()
        }));
        self.application.jobs.push(Job {
            id,
            name: name.into(),
            submission_ms: Some(self.now),
            completion_ms: Some(end),
            stage_ids: vec![id],
            status: JobStatus::Succeeded,
            num_tasks: tasks,
            completed_tasks: tasks,
            ..Job::default()
        });
        self.now = end;
        self
    }

    /// Lets the last job end so many ms after its last task.
    pub fn job_tail(mut self, ms: i64) -> Sample {
        self.now += ms;
        if let Some(job) = self.application.jobs.last_mut() {
            job.completion_ms = Some(self.now);
        }
        self
    }

    /// The application, ended with its last job unless told otherwise.
    pub fn application(mut self) -> Application {
        self.application.end_ms.get_or_insert(self.now);
        self.application.last_ms = self.application.end_ms;
        self.application
    }
}
