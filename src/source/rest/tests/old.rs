//! Answers in the shapes of Spark 2.4 and 3.0 (`org.apache.spark.status.api.v1` of those branches): what they did not have is absent, and
//! nothing is 0 for it. Written by hand after their classes.

use serde_json::{Value, json};
use wiremock::matchers::{path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{APP, app, blocking, server};
use crate::model::{Application, ApplicationStatus, LossKind, StageKey, TaskMeasure, TaskMetric};
use crate::source::Progress;

const TIME: &str = "2019-03-01T10:00:00.000GMT";
const LATER: &str = "2019-03-01T10:00:09.000GMT";

/// `StageData` as it was until 3.0: 31 fields, none of them of deserialization, GC or single fetches.
fn stage() -> Value {
    json!({
        "status": "COMPLETE", "stageId": 0, "attemptId": 0, "numTasks": 2, "numActiveTasks": 0, "numCompleteTasks": 2, "numFailedTasks": 0,
        "numKilledTasks": 0, "numCompletedIndices": 2, "executorRunTime": 8_000, "executorCpuTime": 7_000_000_000_u64,
        "submissionTime": TIME, "firstTaskLaunchedTime": TIME, "completionTime": LATER, "inputBytes": 100, "inputRecords": 10,
        "outputBytes": 0, "outputRecords": 0, "shuffleReadBytes": 30, "shuffleReadRecords": 3, "shuffleWriteBytes": 0,
        "shuffleWriteRecords": 0, "memoryBytesSpilled": 0, "diskBytesSpilled": 0, "name": "count at a.py:1", "details": "",
        "schedulingPool": "default", "rddIds": [0], "accumulatorUpdates": [], "killedTasksSummary": {}
    })
}

/// `TaskData`: without logs, delays and a partition; `TaskMetrics` without push-based shuffle.
fn task(id: u64) -> Value {
    json!({
        "taskId": id, "index": id, "attempt": 0, "launchTime": TIME, "duration": 4_500, "executorId": "1", "host": "h", "status": "SUCCESS",
        "taskLocality": "ANY", "speculative": false, "accumulatorUpdates": [], "taskMetrics": {
            "executorDeserializeTime": 20, "executorDeserializeCpuTime": 9_000_000, "executorRunTime": 4_000,
            "executorCpuTime": 3_500_000_000_u64, "resultSize": 900, "jvmGcTime": 40, "resultSerializationTime": 1,
            "memoryBytesSpilled": 0, "diskBytesSpilled": 0, "peakExecutionMemory": 0,
            "inputMetrics": { "bytesRead": 50, "recordsRead": 5 }, "outputMetrics": { "bytesWritten": 0, "recordsWritten": 0 },
            "shuffleReadMetrics": { "remoteBlocksFetched": 0, "localBlocksFetched": 1, "fetchWaitTime": 0, "remoteBytesRead": 0,
                "remoteBytesReadToDisk": 0, "localBytesRead": 15, "recordsRead": 1 },
            "shuffleWriteMetrics": { "bytesWritten": 0, "writeTime": 0, "recordsWritten": 0 }
        }
    })
}

/// A server of that time; `version` is what it writes into the attempt, 2.2 and older wrote none.
async fn old_server(version: Option<&str>) -> MockServer {
    let mock = MockServer::start().await;
    let give = |value: Value| ResponseTemplate::new(200).set_body_json(value);
    let mut attempt = json!({
        "startTime": TIME, "endTime": LATER, "lastUpdated": LATER, "duration": 9_000, "sparkUser": "u", "completed": true,
        "startTimeEpoch": 1, "endTimeEpoch": 2, "lastUpdatedEpoch": 3
    });
    if let Some(version) = version {
        attempt["appSparkVersion"] = version.into();
    }
    let answers = [
        ("", json!({ "id": "app-1", "name": "old", "attempts": [attempt] })),
        (
            "/jobs",
            json!([{ "jobId": 0, "name": "count at a.py:1", "submissionTime": TIME, "completionTime": LATER, "stageIds": [0],
                "status": "SUCCEEDED", "numTasks": 2, "numActiveTasks": 0, "numCompletedTasks": 2, "numSkippedTasks": 0,
                "numFailedTasks": 0, "numKilledTasks": 0, "numCompletedIndices": 2, "numActiveStages": 0, "numCompletedStages": 1,
                "numSkippedStages": 0, "numFailedStages": 0, "killedTasksSummary": {} }]),
        ),
        ("/stages", json!([stage()])),
        ("/stages/0/0/taskList", json!([task(0), task(1)])),
        (
            "/allexecutors",
            json!([{ "id": "1", "hostPort": "h:1", "isActive": true, "rddBlocks": 0, "memoryUsed": 0, "diskUsed": 0, "totalCores": 2,
                "maxTasks": 2, "activeTasks": 0, "failedTasks": 0, "completedTasks": 2, "totalTasks": 2, "totalDuration": 9_000,
                "totalGCTime": 80, "totalInputBytes": 100, "totalShuffleRead": 30, "totalShuffleWrite": 0, "isBlacklisted": false,
                "maxMemory": 400, "addTime": TIME, "executorLogs": {},
                "memoryMetrics": { "usedOnHeapStorageMemory": 0, "usedOffHeapStorageMemory": 0, "totalOnHeapStorageMemory": 400,
                    "totalOffHeapStorageMemory": 0 }, "blacklistedInStages": [] }]),
        ),
        (
            "/environment",
            json!({ "runtime": { "javaVersion": "1.8.0", "javaHome": "/j", "scalaVersion": "2.11" },
                "sparkProperties": [["spark.master", "yarn"]], "systemProperties": [], "classpathEntries": [] }),
        ),
    ];
    for (at, value) in answers {
        Mock::given(path(format!("{APP}{at}")))
            .respond_with(give(value))
            .mount(&mock)
            .await;
    }
    // Before 3.1 there was no `sql`; Jetty answers its page.
    Mock::given(path_regex("/sql|/logs"))
        .respond_with(ResponseTemplate::new(404).set_body_raw("<html>", "text/html"))
        .mount(&mock)
        .await;
    mock
}

async fn read(version: Option<&str>) -> Application {
    let mock = old_server(version).await;
    let uri = mock.uri();
    blocking(move || {
        let (server, progress) = (server(&uri), Progress::default());
        let bare = server.open(&app("app-1"), &progress).unwrap();
        server.load_all_tasks(bare, &progress).unwrap()
    })
    .await
}

#[tokio::test]
async fn what_old_servers_do_not_tell_is_absent() {
    for version in [Some("2.4.8"), Some("3.0.3"), None] {
        let application = read(version).await;
        assert_eq!(application.spark_version.as_deref(), version);
        assert_eq!(application.status, ApplicationStatus::Completed);
        assert_eq!((application.wall_ms(), application.sql.len()), (Some(9_000), 0));
        let lost: Vec<LossKind> = application.losses.iter().map(|loss| loss.kind).collect();
        assert_eq!(lost, [LossKind::NotCarried]);
        let stage = application.stage(StageKey { id: 0, attempt: 0 }).unwrap();
        for (metric, total) in [
            (TaskMetric::ExecutorRunTime, Some(8_000)),
            (TaskMetric::InputBytes, Some(100)),
            (TaskMetric::OutputBytes, Some(0)),
            (TaskMetric::ShuffleReadRecords, Some(3)),
            (TaskMetric::ExecutorDeserializeTime, None),
            (TaskMetric::JvmGcTime, None),
            (TaskMetric::ResultSize, None),
            (TaskMetric::PeakExecutionMemory, None),
            (TaskMetric::ShuffleFetchWaitTime, None),
            (TaskMetric::ShuffleLocalBytesRead, None),
            (TaskMetric::PushLocalMergedBytesRead, None),
        ] {
            assert_eq!(stage.totals.get(metric), total, "{version:?} {metric:?}");
        }
        assert_eq!(
            (stage.peak_executor_metrics.is_none(), stage.push_shuffle),
            (true, None)
        );
        let tasks = &stage.tasks;
        assert_eq!((tasks.len(), tasks.partition(0)), (2, None));
        assert_eq!(tasks.metric(1, TaskMetric::JvmGcTime), Some(40));
        assert_eq!(tasks.metric(1, TaskMetric::PushLocalMergedBytesRead), None);
        // The server did not tell it, but it follows from what it told.
        assert_eq!(tasks.measure(0, TaskMeasure::SchedulerDelay), Some(479));
        let executor = &application.executors[0];
        assert_eq!(
            (executor.total_cores, executor.excluded, executor.total_gc_ms),
            (Some(2), false, 80)
        );
    }
}
