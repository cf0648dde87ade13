//! Applications made of the numbers that a broken or hostile log may hold: nothing may overflow, hang or take all memory.

use std::sync::Arc;

use super::{Thresholds, diagnose};
use crate::model::{
    Application, CachedRdd, Executor, FailureKind, Job, JobStatus, Locality, MetricValues, PlanGraph, PlanMetric,
    PlanNode, SqlExecution, Stage, StageKey, StageStatus, StreamingBatch, StreamingQuery, StreamingSource, Task,
    TaskFailure, TaskMetric, TaskStatus, TaskTable, TasksRead,
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

    /// A plan whose nodes may feed themselves and one another in circles, with numbers beyond all measure.
    fn graph(&mut self) -> PlanGraph {
        const NAMES: [&str; 12] = [
            "Scan parquet ",
            "Scan csv ",
            "Filter",
            "Project",
            "Exchange",
            "BroadcastExchange",
            "SortMergeJoin",
            "BroadcastNestedLoopJoin",
            "CartesianProduct",
            "BatchEvalPython",
            "Execute InsertIntoHadoopFsRelationCommand",
            "Sort",
        ];
        const METRICS: [&str; 14] = [
            "number of output rows",
            "number of files read",
            "size of files read",
            "number of partitions read",
            "data size",
            "shuffle records written",
            "shuffle write time",
            "sort time",
            "time to collect",
            "time to build",
            "number of written files",
            "written output",
            "number of dynamic part",
            "job commit time",
        ];
        const VALUES: [&str; 9] = [
            "0",
            "1,000",
            "2,000,000",
            "16.0 MiB",
            "9e300",
            "9e300 EiB",
            "-5 h",
            "total (min, med, max (stageId: taskId))\n3.0 GiB (0 ms, 1 ms, 2 ms (stage 0.0: task 1))",
            "(stage 99999999999.x: task",
        ];
        let mut graph = PlanGraph::default();
        for id in 0..self.below(14) {
            let mut node = PlanNode {
                id: self.of(&[id, id, 0]),
                name: self.of(&NAMES).into(),
                codegen: self.of(&[None, Some(1)]),
                ..PlanNode::default()
            };
            for name in METRICS {
                node.metrics.push(PlanMetric {
                    name: name.into(),
                    value: self.of(&[true, true, false]).then(|| self.of(&VALUES).into()),
                });
            }
            graph.nodes.push(node);
            graph.edges.push((self.below(14), self.below(14)));
            graph.edges.push((id, id.saturating_sub(1)));
        }
        graph
    }

    fn plan(&mut self) -> String {
        let kinds = [
            "Scan parquet ",
            "Scan csv ",
            "Scan JDBCRelation((a) [x]) [numPartitions=1]",
            "BatchEvalPython",
            "* SortMergeJoin Inner",
            "BroadcastNestedLoopJoin",
            "Exchange",
            "Execute InsertIntoHadoopFsRelationCommand",
            "InMemoryTableScan",
        ];
        let fields = [
            "Output [1]: [a#1L, é#",
            "Location: InMemoryFileIndex [",
            "Location: X(2)[file:/é, b]",
            "ReadSchema: struct<a:struct<<,b:bigint>",
            "Arguments: [f(g(a#1, (b#2))#3, [pythonUDF0#1], 1",
            "Arguments: file:/x, false, [é#4, ], Parquet",
            "Join type: Inner",
            "Left keys [1]: [a#1]",
            "Join condition: ((a#1 < b#2) OR #)",
            "Condition : é#9L",
        ];
        let mut text = String::from("== Physical Plan ==\n");
        let operators = self.below(8);
        for number in 0..operators {
            let deep = self.below(5) as usize;
            text += &format!("{}+- {} ({number})\n", "   ".repeat(deep), self.of(&kinds));
        }
        text += "\n\n";
        for number in 0..operators {
            text += &format!("({number}) X\n{}\n{}\n\n", self.of(&fields), self.of(&fields));
        }
        text
    }

    fn storage(&mut self) -> CachedRdd {
        CachedRdd {
            id: self.below(3) as u32,
            name: self.text(),
            partitions: self.of(&[0, 1, 8, u32::MAX]),
            cached_partitions: self.of(&[None, Some(0), Some(1), Some(u32::MAX)]),
            storage_level: self.text(),
            memory_used: self.number(),
            disk_used: self.number(),
            evicted_blocks: self.number(),
            ..CachedRdd::default()
        }
    }

    fn streaming(&mut self) -> StreamingQuery {
        let mut query = StreamingQuery::default();
        let numbers = [
            None,
            Some(0.0),
            Some(-1.0),
            Some(1e300),
            Some(f64::NAN),
            Some(5.0),
            Some(9.0),
        ];
        for id in 0..self.below(12) {
            query.batches.push(StreamingBatch {
                id,
                start_ms: self.moment(),
                duration_ms: self.number(),
                phases_ms: vec![(self.text(), self.number().unwrap_or(0))],
                input_rows: self.number(),
                input_rows_per_second: self.of(&numbers),
                processed_rows_per_second: self.of(&numbers),
                state_rows: self.number(),
                sources: vec![StreamingSource {
                    max_offsets_behind: self.of(&numbers),
                    ..StreamingSource::default()
                }],
                ..StreamingBatch::default()
            });
        }
        query
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
                sql: self.of(&[None, Some(0), Some(1), Some(2)]),
                rdd_ids: vec![0, 1, 2],
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
        let plans = [self.text(), self.plan(), self.plan()];
        for (id, plan) in (0..).zip(plans) {
            application.sql.push(SqlExecution {
                id,
                plan: Some(plan.into()),
                graph: self.of(&[true, true, false]).then(|| Arc::new(self.graph())),
                submission_ms: self.moment(),
                error: self.of(&[None, Some("Not enough memory to build and broadcast".into())]),
                ..SqlExecution::default()
            });
        }
        application.storage.push(self.storage());
        application.streaming.push(self.streaming());
        application
    }
}

#[test]
fn nothing_that_a_log_can_hold_breaks_the_diagnosis() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut accounted, mut found) = (0, 0);
    let mut rules = std::collections::BTreeSet::new();
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
        let findings = diagnose(&application, &Thresholds::default()).findings;
        found += findings.len();
        rules.extend(findings.iter().map(|finding| finding.rule));
    }
    // The numbers go deep enough for nearly every rule to speak.
    assert!(rules.len() > 15, "{rules:?}");
    assert!(accounted > 50 && found > 50, "{accounted} {found}");
}
