//! An application for the tests of the screens: three stages, the second with a skewed partition that spills, one with
//! failures, and executors with memory.

use std::sync::Arc;

use crate::diagnosis::{Confidence, Finding, Place, Severity};
use crate::model::{
    Application, FailureKind, Locality, MemorySample, Stage, StageKey, StageStatus, Task, TaskFailure, TaskMetric,
    TaskStatus,
};
use crate::schedule::sample::Sample;
use crate::tui::testing::World;

/// The skewed stage.
pub const SKEWED: StageKey = StageKey { id: 1, attempt: 0 };

/// The stage that failed.
pub const FAILED: StageKey = StageKey { id: 2, attempt: 0 };

/// A stage that was skipped.
pub const SKIPPED: StageKey = StageKey { id: 3, attempt: 0 };

/// A world with the application open.
pub fn world() -> World {
    let finding = Finding {
        rule: "skewed-partition",
        severity: Severity::Critical,
        title: "Skewed partition: task 42 of stage 1 read 8.1 GiB, 62× the median".into(),
        place: Place {
            jobs: vec![1],
            stage: Some(SKEWED),
            tasks: vec![142],
            ..Place::default()
        },
        evidence: Vec::new(),
        cause: "its duration follows its size".into(),
        advice: Vec::new(),
        saving_ms: Some(250_000),
        saving_note: "simulated".into(),
        confidence: Confidence::High,
    };
    let late = Finding {
        rule: "too-few-tasks",
        severity: Severity::Info,
        title: "Too few tasks: stage 2 ran 6 tasks on 16 slots".into(),
        place: Place {
            stage: Some(FAILED),
            ..Place::default()
        },
        saving_ms: None,
        ..finding.clone()
    };
    World::new(application(), vec![finding, late])
}

/// The application alone.
pub fn application() -> Application {
    let quick: Vec<u64> = (0..100).map(|task| 900 + task * 7 % 400).collect();
    let mut slow: Vec<u64> = (0..200).map(|task| 3_800 + task * 37 % 900).collect();
    slow[42] = 291_000;
    let application = Sample::cluster(4, 4)
        .gap(2_000)
        .stage_with("csv at etl.py:12", &quick, |_, task| {
            read(task, TaskMetric::InputBytes, 128 << 20)
        })
        .gap(500)
        .stage_with("join at etl.py:88", &slow, skew)
        .stage_with("save at etl.py:99", &[2_000, 2_100, 1_900, 2_000, 2_200, 700], fail)
        .application();
    finish(application)
}

fn read(task: &mut Task, metric: TaskMetric, bytes: u64) {
    task.metrics.set(metric, Some(bytes));
    task.metrics
        .set(TaskMetric::JvmGcTime, Some(task.duration_ms.unwrap_or(0) / 50));
    task.metrics.set(TaskMetric::DiskBytesSpilled, Some(0));
    task.metrics.set(TaskMetric::ExecutorDeserializeTime, Some(12));
}

fn skew(index: usize, task: &mut Task) {
    let bytes = if index == 42 {
        8_697_308_774
    } else {
        (120 + index as u64 % 20) << 20
    };
    read(task, TaskMetric::ShuffleRemoteBytesRead, bytes - (1 << 20));
    task.metrics.set(TaskMetric::ShuffleLocalBytesRead, Some(1 << 20));
    task.metrics.set(TaskMetric::ShuffleReadRecords, Some(bytes / 130));
    if index == 42 {
        task.metrics.set(TaskMetric::DiskBytesSpilled, Some(12 << 30));
        task.metrics.set(TaskMetric::JvmGcTime, Some(52_000));
    }
    task.locality = [Locality::ProcessLocal, Locality::NodeLocal, Locality::Any][(index % 10).saturating_sub(6).min(2)];
}

fn fail(index: usize, task: &mut Task) {
    if index == 5 {
        let message =
            "java.lang.IllegalStateException: no room on the disk\n\tat com.example.Sink.write(Sink.scala:31)";
        task.status = TaskStatus::Failed;
        task.failure = Some(TaskFailure {
            kind: FailureKind::Exception,
            message: message.into(),
        });
    }
}

fn finish(mut application: Application) -> Application {
    let limit = 455_501_414;
    let (start, end) = (application.start_ms.unwrap(), application.end_ms.unwrap());
    for (at, executor) in application.executors.iter_mut().enumerate().skip(1) {
        executor.max_on_heap = Some(limit);
        for step in 0..60_i64 {
            let heap = (step as u64 * 16 + 30 * at as u64) << 20;
            let time_ms = start + (end - start) * step / 60;
            executor.memory.push(MemorySample {
                time_ms,
                heap,
                ..MemorySample::default()
            });
        }
    }
    let failed = application.stage(FAILED).unwrap();
    let failed = Stage {
        status: StageStatus::Failed,
        failure_reason: Some("Job aborted due to stage failure: Task 5 in stage 2.0 failed 4 times".into()),
        failed_tasks: 1,
        complete_tasks: 5,
        ..Stage::clone(failed)
    };
    let skipped = Stage {
        key: SKIPPED,
        name: "count at etl.py:104".into(),
        status: StageStatus::Skipped,
        num_tasks: 16,
        ..Stage::default()
    };
    application.stages[2] = Arc::new(failed);
    application.with_stage(skipped)
}
