//! The replay on small logs written by hand: counters, and what is done with events that are missing, doubled or out of order.

mod cached;
mod events;
mod resources;
mod sql;

use events::*;

use super::Replay;
use crate::model::{
    Application, ApplicationStatus, FailureKind, JobStatus, LossKind, SqlStatus, Stage, StageKey, StageStatus,
    TaskMeasure, TaskMetric, TaskStatus,
};

/// The application of these events; a line that is not understood is a failure of the test.
fn replay(events: &[String]) -> Application {
    let mut replay = Replay::default();
    for event in events {
        assert!(replay.line(event.as_bytes()).is_ok(), "{event}");
    }
    replay.finish("log").unwrap()
}

fn stage(application: &Application, id: u32) -> &Stage {
    application.stage(StageKey { id, attempt: 0 }).unwrap()
}

#[test]
fn a_sound_log_gives_spark_s_counters() {
    let application = replay(&sound());
    assert_eq!(application.status, ApplicationStatus::Completed);
    assert_eq!((application.wall_ms(), application.losses.len()), (Some(990), 0));
    let job = application.job(0).unwrap();
    assert_eq!(
        (job.status, job.num_tasks, job.completed_tasks, job.completed_indices),
        (JobStatus::Succeeded, 5, 2, 2)
    );
    assert_eq!(
        (
            job.skipped_stages,
            job.skipped_tasks,
            job.completed_stages,
            job.active_tasks
        ),
        (1, 3, 1, 0)
    );
    assert_eq!(
        (job.name.as_str(), job.description.as_deref()),
        ("count at a.py:1", Some("two lines"))
    );
    assert_eq!(job.job_tags, ["a", "b"]);
    assert_eq!(stage(&application, 0).status, StageStatus::Skipped);
    let ran = stage(&application, 1);
    assert_eq!(
        (ran.status, ran.complete_tasks, ran.jobs.as_slice(), ran.sql),
        (StageStatus::Complete, 2, &[0][..], Some(5))
    );
    assert_eq!(ran.first_task_launched_ms, Some(200));
    assert_eq!(ran.totals.get(TaskMetric::PushLocalMergedBytesRead), Some(12));
    assert_eq!(ran.totals.get(TaskMetric::OutputBytes), None);
    assert_eq!((0..2).map(|row| ran.tasks.id(row)).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(
        ran.tasks.measure(1, TaskMeasure::SchedulerDelay),
        Some(99 - 50 - 10 - 1 - 20)
    );
    let executor = application.executor("1").unwrap();
    assert_eq!(
        (executor.completed_tasks, executor.total_tasks, executor.max_tasks),
        (2, 2, Some(4))
    );
    assert_eq!(
        (
            executor.total_duration_ms,
            executor.total_gc_ms,
            executor.total_shuffle_read
        ),
        (199, 4, 68)
    );
    assert_eq!((executor.host_port.as_str(), executor.max_memory), ("h:7", 99));
    assert_eq!(
        executor
            .memory
            .samples()
            .first()
            .map(|sample| (sample.heap, sample.storage)),
        Some((70, 3))
    );
    let sql = &application.sql[0];
    assert_eq!(
        (sql.status, sql.jobs.as_slice(), sql.description.as_str()),
        (SqlStatus::Completed, &[0][..], "q")
    );
    assert_eq!(sql.plan.as_deref(), Some("a\nb"));
}

#[test]
fn doubled_and_disordered_events_change_no_total() {
    let sound = sound();
    let whole = replay(&sound);
    let doubled: Vec<String> = sound.iter().flat_map(|event| [event.clone(), event.clone()]).collect();
    assert_eq!(replay(&doubled), whole);
    // The ends of tasks come before their starts.
    let mut swapped = sound;
    swapped.swap(6, 8);
    swapped.swap(7, 9);
    let swapped = replay(&swapped);
    assert_eq!(stage(&swapped, 1).tasks, stage(&whole, 1).tasks);
    assert_eq!(stage(&swapped, 1).totals, stage(&whole, 1).totals);
    assert_eq!(stage(&swapped, 1).active_tasks, 0);
}

#[test]
fn every_single_event_may_be_lost() {
    let sound = sound();
    for lost in 0..sound.len() {
        let mut events = sound.clone();
        let gone = events.remove(lost);
        let application = replay(&events);
        let has_end = gone != OVER;
        assert_eq!(application.status != ApplicationStatus::Incomplete, has_end);
        assert_eq!(
            application.losses.iter().any(|loss| loss.kind == LossKind::InProgress),
            !has_end
        );
        for stage in &application.stages {
            assert!(
                !has_end || !matches!(stage.status, StageStatus::Active | StageStatus::Pending),
                "{gone}"
            );
        }
        assert_eq!(stage(&application, 1).tasks.len(), 2, "{gone}");
        let known = application.jobs.iter().all(|job| job.status != JobStatus::Running);
        assert!(!has_end || known, "{gone}");
    }
}

#[test]
fn a_task_whose_end_was_lost_is_told() {
    let mut events = sound();
    events.remove(8);
    let application = replay(&events);
    let tasks = &stage(&application, 1).tasks;
    assert_eq!(
        (tasks.status(0), tasks.status(1)),
        (TaskStatus::Success, TaskStatus::Running)
    );
    assert_eq!(tasks.duration_ms(1), None);
    let loss = application
        .losses
        .iter()
        .find(|loss| loss.kind == LossKind::MissingEnds)
        .unwrap();
    assert_eq!(loss.count, 1);
}

#[test]
fn failures_are_counted_and_told_as_spark_tells_them() {
    let mut events = vec![application(10)];
    events.extend(executor());
    events.extend([job_start(0, &[stage_info(1, 2, "")]), submitted(1, 2)]);
    let reasons = [
        (
            r#"{"Reason":"ExceptionFailure","Class Name":"java.lang.X","Description":"d","Stack Trace":[],"Full Stack Trace":"java.lang.X: d\n\tat a.b(C.java:1)"}"#,
            "Failed",
            FailureKind::Exception,
            "java.lang.X: d\n    at a.b(C.java:1)",
        ),
        (
            r#"{"Reason":"ExceptionFailure","Class Name":"java.lang.X","Description":"d","Stack Trace":[{"Declaring Class":"a","Method Name":"b","File Name":null,"Line Number":3}]}"#,
            "Failed",
            FailureKind::Exception,
            "java.lang.X: d\n        a.b(Unknown Source)",
        ),
        (
            r#"{"Reason":"FetchFailed","Block Manager Address":{"Executor ID":"2","Host":"g","Port":9},"Shuffle ID":4,"Map ID":5,"Map Index":-1,"Reduce ID":7,"Message":"gone"}"#,
            "Failed",
            FailureKind::FetchFailed,
            "FetchFailed(BlockManagerId(2, g, 9, None), shuffleId=4, mapIndex=-1, mapId=5, reduceId=7, message=\ngone\n)",
        ),
        (
            r#"{"Reason":"ExecutorLostFailure","Executor ID":"1","Exit Caused By App":false,"Loss Reason":"worker lost"}"#,
            "Failed",
            FailureKind::ExecutorLost,
            "ExecutorLostFailure (executor 1 exited unrelated to the running tasks) Reason: worker lost",
        ),
        (
            r#"{"Reason":"TaskKilled","Kill Reason":"another attempt succeeded"}"#,
            "Killed",
            FailureKind::Killed,
            "another attempt succeeded",
        ),
        (
            r#"{"Reason":"TaskCommitDenied","Job ID":1,"Partition ID":2,"Attempt Number":3}"#,
            "Killed",
            FailureKind::CommitDenied,
            "TaskCommitDenied (Driver denied task commit) for job: 1, partition: 2, attemptNumber: 3",
        ),
        (
            r#"{"Reason":"SomethingNew"}"#,
            "Failed",
            FailureKind::Other,
            "SomethingNew",
        ),
    ];
    for (id, (reason, flag, ..)) in (0..).zip(&reasons) {
        events.push(start(1, id, 0));
        events.push(end(1, id, 0, reason, &format!(r#""{flag}":true"#), ""));
    }
    events.push(job_end(
        0,
        r#"{"Result":"JobFailed","Exception":{"Message":"stage failed","Stack Trace":[]}}"#,
    ));
    let application = replay(&events);
    let stage = stage(&application, 1);
    for (row, (reason, _, kind, message)) in reasons.iter().enumerate() {
        let failure = stage.tasks.failure(row).unwrap();
        assert_eq!((failure.kind, &*failure.message), (*kind, *message), "{reason}");
        assert!(!stage.tasks.has_metrics(row));
    }
    assert_eq!(
        (stage.failed_tasks, stage.killed_tasks, stage.complete_tasks),
        (5, 2, 0)
    );
    assert_eq!(stage.killed_summary.len(), 2);
    let job = application.job(0).unwrap();
    assert_eq!(
        (job.failed_tasks, job.killed_tasks, job.status),
        (5, 2, JobStatus::Failed)
    );
    assert_eq!(job.failure.as_deref(), Some("stage failed"));
    assert_eq!(application.executor("1").unwrap().failed_tasks, 5);
}

#[test]
fn different_error_messages_are_bounded() {
    let mut names = super::Names::default();
    let long = |n: usize| format!("{n}{}", "x".repeat(100_000));
    for n in 0..200 {
        names.message(&long(n));
    }
    let kept: usize = names.known.iter().map(|name| name.len()).sum();
    assert!(kept < super::Names::MESSAGES + (1 << 20), "{kept}");
    assert_eq!(names.message(&long(1)).len(), 500 + '…'.len_utf8());
}

#[test]
fn a_resubmitted_task_fails_without_losing_its_row() {
    let mut events = vec![application(10)];
    events.extend(executor());
    events.extend([
        job_start(0, &[stage_info(1, 2, "")]),
        submitted(1, 2),
        start(1, 0, 0),
        success(1, 0, 0),
    ]);
    events.push(end(1, 0, 0, r#"{"Reason":"Resubmitted"}"#, r#""Failed":true"#, ""));
    events.extend([start(1, 1, 0), success(1, 1, 0)]);
    let application = replay(&events);
    let stage = stage(&application, 1);
    assert_eq!(
        (
            stage.complete_tasks,
            stage.failed_tasks,
            stage.completed_indices,
            stage.tasks.len()
        ),
        (2, 1, 1, 2)
    );
    assert_eq!(stage.tasks.status(0), TaskStatus::Success);
    assert_eq!(stage.active_tasks, 0);
}

#[test]
fn a_later_job_skips_what_an_earlier_one_computed() {
    let mut events = sound();
    events.pop();
    events.extend([job_start(
        1,
        &[stage_info(1, 2, r#","Completion Time":900"#), stage_info(2, 1, "")],
    )]);
    events.extend([
        submitted(2, 1),
        start(2, 7, 0),
        success(2, 7, 0),
        completed(2, 1, ""),
        job_end(1, SUCCEEDED),
    ]);
    let application = replay(&events);
    let job = application.job(1).unwrap();
    assert_eq!(
        (
            job.num_tasks,
            job.skipped_stages,
            job.skipped_tasks,
            job.completed_stages
        ),
        (1, 1, 2, 1)
    );
    assert_eq!(stage(&application, 1).status, StageStatus::Complete);
    assert_eq!(stage(&application, 1).jobs, [0, 1]);
}

#[test]
fn an_executor_that_went_counts_no_more() {
    let mut events = vec![application(10)];
    events.extend(executor());
    events.extend([job_start(0, &[stage_info(1, 1, "")]), submitted(1, 1), start(1, 0, 0)]);
    events.push(r#"{"Event":"SparkListenerExecutorRemoved","Timestamp":250,"Executor ID":"1","Removed Reason":"\u001b[2Jlost"}"#.into());
    events.push(success(1, 0, 0));
    let application = replay(&events);
    let executor = application.executor("1").unwrap();
    assert_eq!(
        (
            executor.active,
            executor.removed_ms,
            executor.completed_tasks,
            executor.total_tasks
        ),
        (false, Some(250), 0, 1)
    );
    assert_eq!(executor.remove_reason.as_deref(), Some("^[[2Jlost"));
    assert_eq!(stage(&application, 1).complete_tasks, 1);
}

#[test]
fn blocks_count_for_their_executor() {
    let block = |id: &str, memory: bool, size: u64| {
        format!(
            r#"{{"Event":"SparkListenerBlockUpdated","Block Updated Info":{{"Block Manager ID":{{"Executor ID":"1","Host":"h","Port":7}},"Block ID":"{id}","Storage Level":{{"Use Disk":false,"Use Memory":{memory},"Deserialized":true,"Replication":{}}},"Memory Size":{size},"Disk Size":0}}}}"#,
            u8::from(memory)
        )
    };
    let mut events = vec![application(10)];
    events.extend(executor());
    let info = r#"{"Stage ID":1,"Number of Tasks":1,"Submission Time":110,"RDD Info":[{"RDD ID":3,"Storage Level":{"Use Disk":false,"Use Memory":true,"Replication":1}}]}"#;
    events.push(format!(
        r#"{{"Event":"SparkListenerStageSubmitted","Stage Info":{info}}}"#
    ));
    events.extend([
        block("rdd_3_0", true, 10),
        block("rdd_3_1", true, 20),
        block("broadcast_0", true, 5),
        block("rdd_3_1", false, 20),
    ]);
    let of = |events: &[String]| {
        let application = replay(events);
        let executor = application.executor("1").unwrap();
        (executor.rdd_blocks, executor.memory_used)
    };
    assert_eq!(of(&events), (1, 15));
    events.push(r#"{"Event":"SparkListenerUnpersistRDD","RDD ID":3}"#.into());
    assert_eq!(of(&events), (0, 5));
}

#[test]
fn odd_values_are_absent_and_odd_lines_are_refused() {
    let mut events = vec![application(10)];
    events.extend(executor());
    events.extend([job_start(0, &[stage_info(1, 1, "")]), submitted(1, 1), start(1, 0, 0)]);
    let odd = r#","Task Metrics":{"Executor Run Time":-5,"JVM GC Time":1e300,"Result Size":"7","Result Size":8,"Input Metrics":[1],"Output Metrics":7}"#;
    events.push(end(
        1,
        0,
        4_294_967_295,
        r#"{"Reason":"Success"}"#,
        r#""Failed":false"#,
        odd,
    ));
    let application = replay(&events);
    let tasks = &stage(&application, 1).tasks;
    assert_eq!(tasks.metric(0, TaskMetric::ExecutorRunTime), None);
    assert_eq!(tasks.metric(0, TaskMetric::JvmGcTime), None);
    assert_eq!(tasks.metric(0, TaskMetric::ResultSize), Some(8));
    let mut replay = Replay::default();
    let refused = [
        "",
        "{",
        "x",
        "[]",
        "{}",
        "7",
        r#"{"Event":7}"#,
        r#"{"Event":"SparkListenerTaskEnd"}"#,
        r#"{"Event":"SparkListenerTaskEnd","Stage ID":1"#,
        r#"{"Event":"SparkListenerJobStart"}"#,
        r#"{"Event":"SparkListenerJobStart","Job ID":-1}"#,
    ];
    for line in refused {
        assert!(replay.line(line.as_bytes()).is_err(), "{line}");
    }
    for line in [
        r#"{"Event":"SparkListenerSomethingNew","x":[[[{}]]]}"#,
        r#"{"x":1,"Event":"SparkListenerLogStart","Spark Version":"4.0.1"}"#,
    ] {
        assert!(replay.line(line.as_bytes()).is_ok(), "{line}");
    }
    assert_eq!(replay.finish("log"), None);
}

#[test]
fn an_ended_job_is_written_again_only_with_the_last_task_of_a_stage() {
    let failed = r#","Failure Reason":"no""#;
    let killed = |task: u64| {
        end(
            1,
            task,
            1,
            r#"{"Reason":"TaskKilled","Kill Reason":"x"}"#,
            r#""Killed":true"#,
            "",
        )
    };
    let mut events = vec![application(10)];
    events.extend([
        job_start(0, &[stage_info(1, 2, "")]),
        submitted(1, 2),
        start(1, 0, 0),
        start(1, 1, 1),
    ]);
    events.extend([
        completed(1, 2, failed),
        job_end(0, r#"{"Result":"JobFailed"}"#),
        killed(0),
    ]);
    let counters = |events: &[String]| {
        let application = replay(events);
        let job = application.job(0).unwrap();
        (job.active_tasks, job.killed_tasks, stage(&application, 1).killed_tasks)
    };
    assert_eq!(counters(&events), (2, 0, 1));
    events.push(killed(1));
    assert_eq!(counters(&events), (0, 2, 2));
}

#[test]
fn starts_and_ends_of_jobs_and_stages_that_are_missing_are_counted() {
    let missing = |application: &Application| {
        let loss = application
            .losses
            .iter()
            .find(|loss| loss.kind == LossKind::MissingEvents);
        loss.map(|loss| (loss.count, loss.detail.clone()))
    };
    let sound = sound();
    assert_eq!(missing(&replay(&sound)), None);
    let mut told = 0;
    for lost in 0..sound.len() {
        let mut events = sound.clone();
        let gone = events.remove(lost);
        let of_jobs = ["JobStart", "JobEnd", "StageSubmitted", "StageCompleted"];
        let counts =
            of_jobs.iter().any(|name| gone.contains(name)) && gone.contains("\"Stage ID\":1") | gone.contains("Job ID");
        let loss = missing(&replay(&events));
        assert!(!counts || loss.is_some(), "{gone}");
        assert!(counts || loss.is_none() || gone.contains("Stage"), "{gone}: {loss:?}");
        told += u32::from(loss.is_some());
    }
    assert!(told >= 4, "{told}");
    let mut turned = sound.clone();
    turned.reverse();
    let (count, detail) = missing(&replay(&turned)).unwrap();
    assert!(count >= 2 && detail.contains("1 job has no start"), "{count}: {detail}");
}

#[test]
fn a_snapshot_says_how_far_it_is_and_changes_nothing() {
    let events = sound();
    let whole = replay(&events);
    let mut replay = Replay::default();
    let mut shared = None;
    for (at, event) in events.iter().enumerate() {
        assert!(replay.line(event.as_bytes()).is_ok());
        let Some(snapshot) = replay.snapshot("log", at % 2 == 0) else {
            continue;
        };
        let ran = snapshot.stage(StageKey { id: 1, attempt: 0 });
        if let Some(ran) = ran {
            let counted = ran.active_tasks + ran.complete_tasks;
            assert_eq!(
                ran.tasks.len(),
                counted as usize,
                "a row for each task, running or not: {event}"
            );
        }
        // What has ended is shared by the snapshots that follow.
        if let (Some(before), Some(now)) = (shared.take(), ran) {
            assert!(std::sync::Arc::ptr_eq(&before, now), "{event}");
        }
        shared = ran.filter(|ran| ran.status == StageStatus::Complete).cloned();
    }
    assert!(shared.is_some());
    assert_eq!(replay.finish("log").unwrap(), whole);
}
