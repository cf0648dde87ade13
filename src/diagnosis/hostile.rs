//! Applications made of the numbers that a broken or hostile log may hold: nothing may overflow, hang or take all memory.

use std::sync::Arc;

use super::{Thresholds, diagnose};
use crate::model::{
    Application, Executor, FailureKind, Job, JobStatus, Locality, MetricValues, SqlExecution, Stage, StageKey,
    StageStatus, Task, TaskFailure, TaskMetric, TaskStatus, TaskTable, TasksRead,
};
use crate::schedule::{Activity, Simulator, TimeAccount};

/// A small generator (xorshift): the same numbers on every machine.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn of<T: Clone>(&mut self, values: &[T]) -> T {
        values[self.below(values.len() as u64) as usize].clone()
    }

    fn number(&mut self) -> Option<u64> {
        self.of(&[
            None,
            Some(0),
            Some(1),
            Some(1_000),
            Some(60_000),
            Some(1 << 40),
            Some(u64::MAX - 1),
            Some(i64::MAX as u64),
        ])
    }

    fn moment(&mut self) -> Option<i64> {
        self.of(&[
            None,
            Some(0),
            Some(-1),
            Some(10_000),
            Some(20_000),
            Some(90_000),
            Some(i64::MAX),
            Some(i64::MIN),
        ])
    }

    fn text(&mut self) -> String {
        self.of(&[
            "",
            "collect at /apps/a.py:3",
            "x at y at é:1",
            "Traceback (most recent call last):",
            "Total size of serialized results of 1 tasks (9e300 YiB) is bigger than spark.driver.maxResultSize (1 b)",
            "FetchFailed(BlockManagerId(",
            "ExecutorLostFailure (executor 1 exited) Reason: Container killed by YARN for exceeding memory limits. of memory used",
            "Caused by: ",
            "exit code 52",
            "(1) Exchange\nArguments: SinglePartition\n(2) Coalesce\nArguments: 1",
        ])
        .to_owned()
    }

    fn table(&mut self, wide: bool) -> TaskTable {
        let mut table = TaskTable::default();
        for id in 0..self.below(if wide { 300 } else { 20 }) {
            let mut metrics = MetricValues::default();
            for metric in TaskMetric::ALL {
                metrics.set(*metric, self.number());
            }
            let status = self.of(&[
                TaskStatus::Success,
                TaskStatus::Success,
                TaskStatus::Failed,
                TaskStatus::Killed,
                TaskStatus::Running,
            ]);
            let kinds = [
                FailureKind::Exception,
                FailureKind::FetchFailed,
                FailureKind::ExecutorLost,
                FailureKind::Killed,
            ];
            let failure = (status == TaskStatus::Failed).then(|| TaskFailure {
                kind: self.of(&kinds),
                message: self.text().into(),
            });
            table.push(&Task {
                id,
                index: self.below(30) as u32,
                attempt: self.below(3) as u32,
                partition: None,
                launch_ms: self.moment().unwrap_or(15_000),
                duration_ms: self.number(),
                result_fetch_ms: self.number(),
                executor: self.of(&["1", "2", "driver", ""]).into(),
                host: "h".into(),
                locality: Locality::Any,
                status,
                speculative: false,
                failure,
                metrics,
            });
        }
        table
    }

    fn application(&mut self) -> Application {
        let (start, end) = (self.moment(), self.moment());
        let mut application = Application {
            start_ms: self.of(&[Some(0), Some(10_000), start]),
            end_ms: self.of(&[Some(100_000), Some(100_000), end]),
            last_ms: self.moment(),
            ..Application::default()
        };
        let pairs = [
            "spark.task.cpus",
            "spark.executor.memory",
            "spark.driver.maxResultSize",
            "spark.memory.fraction",
        ];
        for key in pairs {
            application.environment.spark.push((
                key.into(),
                self.of(&["", "-1", "0", "1e300", "NaN", "99999999p", "2"]).into(),
            ));
        }
        for id in ["1", "2", "driver"] {
            application.executors.push(Executor {
                id: id.into(),
                total_cores: self.of(&[None, Some(0), Some(2), Some(u32::MAX)]),
                added_ms: self.moment(),
                removed_ms: self.moment(),
                remove_reason: Some(self.text()),
                ..Executor::default()
            });
        }
        for id in 0..self.below(6) as u32 {
            let mut totals = MetricValues::default();
            for metric in TaskMetric::ALL {
                totals.set(*metric, self.number());
            }
            let wide = self.below(4) == 0;
            let tasks = self.table(wide);
            application = application.with_stage(Stage {
                key: StageKey {
                    id: id / 2,
                    attempt: id % 2,
                },
                name: self.text(),
                details: self.text(),
                status: self.of(&[StageStatus::Complete, StageStatus::Failed, StageStatus::Active]),
                failure_reason: Some(self.text()),
                num_tasks: self.of(&[0, 1, tasks.len() as u32, u32::MAX]),
                submission_ms: self.moment(),
                completion_ms: self.moment(),
                jobs: vec![id / 3],
                sql: self.of(&[None, Some(0)]),
                totals,
                tasks_read: TasksRead::Yes,
                tasks: Arc::new(tasks),
                ..Stage::default()
            });
            application.jobs.push(Job {
                id,
                submission_ms: self.moment(),
                completion_ms: self.moment(),
                stage_ids: vec![id / 2, id],
                status: self.of(&[JobStatus::Succeeded, JobStatus::Failed, JobStatus::Running]),
                ..Job::default()
            });
        }
        application.sql.push(SqlExecution {
            plan: Some(self.text().into()),
            submission_ms: self.moment(),
            ..SqlExecution::default()
        });
        application
    }
}

#[test]
fn nothing_that_a_log_can_hold_breaks_the_diagnosis() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut accounted, mut found) = (0, 0);
    for _ in 0..400 {
        let application = dice.application();
        let _ = Activity::of(&application, 37);
        let _ = Simulator::new(&application);
        if let Some(time) = TimeAccount::of(&application) {
            let sum = time
                .core_ms
                .parts()
                .iter()
                .fold(0_u64, |sum, (_, part)| sum.saturating_add(*part));
            // Beyond 2⁵³ a sum of fractions is no longer exact.
            assert!(
                time.core_ms_available > 1 << 53 || sum == time.core_ms_available,
                "{time:?}"
            );
            accounted += 1;
        }
        found += diagnose(&application, &Thresholds::default()).findings.len();
    }
    assert!(accounted > 50 && found > 50, "{accounted} {found}");
}
