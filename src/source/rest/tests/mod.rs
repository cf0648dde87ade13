//! A server that answers well, and what is made of it; `broken` has those that do not.

mod broken;
mod live;
mod old;

use std::time::Duration;

use serde_json::{Value, json};
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::http::Patience;
use super::{Address, Connection, Server};
use crate::model::{ApplicationStatus, LossKind, Origin, StageKey, TaskMetric, TasksRead};
use crate::source::target::Choice;
use crate::source::{Progress, SourceError};

const APP: &str = "/api/v1/applications/app-1";

fn patience() -> Patience {
    Patience {
        connect: Duration::from_secs(2),
        replay: Duration::from_secs(5),
        idle: Duration::from_millis(700),
        retry: Duration::from_millis(5),
        document: 32 << 20,
    }
}

fn server(uri: &str) -> Server {
    let connection = Connection::default();
    Server::patient(&Address::parse(uri).unwrap(), 1 << 20, &connection, patience()).unwrap()
}

fn app(id: &str) -> Choice {
    Choice {
        app: Some(id.to_owned()),
        attempt: None,
    }
}

/// What blocks is called from a thread, as the program does.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

async fn list_error(uri: String) -> SourceError {
    blocking(move || server(&uri).list(&Progress::default()).unwrap_err()).await
}

async fn answers(at: &str, answer: ResponseTemplate) -> MockServer {
    let mock = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path(at))
        .respond_with(answer)
        .mount(&mock)
        .await;
    mock
}

fn attempt(completed: bool) -> Value {
    json!({ "startTime": "2026-11-21T09:25:28.106GMT", "endTime": "2026-11-21T09:25:50.292GMT", "duration": 22186,
        "lastUpdated": "2026-11-21T09:25:50.489GMT", "sparkUser": "root", "completed": completed, "appSparkVersion": "4.3.0" })
}

/// A server that refuses the log and answers the rest.
async fn rest_only(complete_tasks: u32) -> MockServer {
    let mock = MockServer::start().await;
    let at = |end: &str| path(format!("{APP}{end}"));
    let give = |value: Value| ResponseTemplate::new(200).set_body_json(value);
    let info = json!({ "id": "app-1", "name": "probe\u{1b}", "attempts": [attempt(true)] });
    Mock::given(at("")).respond_with(give(info)).mount(&mock).await;
    Mock::given(at("/logs"))
        .respond_with(ResponseTemplate::new(403))
        .mount(&mock)
        .await;
    let jobs = json!([{ "jobId": 1, "name": "count", "stageIds": [4], "status": "SUCCEEDED", "numTasks": 2, "jobTags": ["t"],
        "completionTime": "2026-11-21T09:25:49.000GMT", "killedTasksSummary": {"why": 1} }]);
    Mock::given(at("/jobs")).respond_with(give(jobs)).mount(&mock).await;
    let stages = json!([{ "status": "COMPLETE", "stageId": 4, "attemptId": 1, "numTasks": 2, "numCompleteTasks": complete_tasks,
        "executorRunTime": 9, "shuffleMergedLocalBytesRead": 3, "inputBytes": 5, "name": "count", "newField": {"a": [1]},
        "peakExecutorMetrics": {"JVMHeapMemory": 77}, "accumulatorUpdates": [{"id": 9, "name": "rows seen", "value": "800"}] },
        { "status": "SKIPPED", "stageId": 3, "attemptId": 0, "numTasks": 6 }]);
    Mock::given(at("/stages"))
        .and(query_param("details", "false"))
        .respond_with(give(stages))
        .mount(&mock)
        .await;
    let executors = json!([{ "id": "driver", "hostPort": "h:1", "isActive": true, "totalCores": 0, "maxMemory": 5,
        "addTime": "2026-11-21T09:25:29.000GMT" },
        { "id": "1", "hostPort": "h1:1", "isActive": true, "totalCores": 2, "addTime": "2026-11-21T09:25:30.000GMT",
        "excludedInStages": [4] }]);
    Mock::given(at("/allexecutors"))
        .respond_with(give(executors))
        .mount(&mock)
        .await;
    let environment = json!({ "runtime": {"javaVersion": "17"}, "sparkProperties": [["spark.master", "yarn"], ["odd"]],
        "resourceProfiles": [{"id": 0, "executorResources": {"cores": {"resourceName": "cores", "amount": 2}},
            "taskResources": {"cpus": {"resourceName": "cpus", "amount": 0.5}}}] });
    let process = json!([{ "id": "am", "hostPort": "h:1", "isActive": true, "totalCores": 1,
        "addTime": "2026-11-21T09:25:30.000GMT", "processLogs": {} }]);
    Mock::given(at("/allmiscellaneousprocess"))
        .respond_with(give(process))
        .mount(&mock)
        .await;
    Mock::given(at("/environment"))
        .respond_with(give(environment))
        .mount(&mock)
        .await;
    let sql = json!([{ "id": 0, "status": "FAILED", "description": "q", "submissionTime": "2026-11-21T09:25:30.000GMT",
        "duration": 500, "runningJobIds": [], "successJobIds": [], "failedJobIds": [1] }]);
    Mock::given(at("/sql"))
        .and(query_param("length", "2147483647"))
        .respond_with(give(sql))
        .mount(&mock)
        .await;
    let plan = json!({ "id": 0, "status": "FAILED", "planDescription": "SortMergeJoin [key#12L]\u{1b}",
        "nodes": [{ "nodeId": 1, "nodeName": "Scan", "wholeStageCodegenId": 2, "metrics": [{ "name": "rows", "value": "1,000" }] },
            { "nodeId": 0, "nodeName": "Join\u{1b}", "desc": "Join [a]", "metrics": [] }],
        "edges": [{ "fromId": 1, "toId": 0 }] });
    Mock::given(at("/sql/0"))
        .respond_with(give(plan.clone()))
        .mount(&mock)
        .await;
    Mock::given(at("/sql"))
        .and(query_param("planDescription", "true"))
        .respond_with(give(json!([plan])))
        .with_priority(1)
        .mount(&mock)
        .await;
    let task = json!({ "taskId": 30, "index": 0, "launchTime": "2026-11-21T09:25:47.263GMT", "duration": 20, "status": "SUCCESS",
        "executorId": "1", "host": "h1", "taskLocality": "ANY", "taskMetrics": { "executorRunTime": 9 } });
    Mock::given(at("/stages/4/1/taskList"))
        .respond_with(give(json!([task])))
        .mount(&mock)
        .await;
    mock
}

#[tokio::test]
async fn a_server_that_refuses_the_log_is_read_over_rest() {
    let mock = rest_only(1).await;
    let uri = mock.uri();
    let read = blocking(move || {
        let (server, progress) = (server(&uri), Progress::default());
        let bare = server.open(&app("app-1"), &progress).unwrap();
        let full = server.load_all_tasks(bare.clone(), &progress).unwrap();
        let again = server
            .load_tasks(&full, full.stage(StageKey { id: 4, attempt: 1 }).unwrap(), &progress)
            .unwrap();
        let key = StageKey { id: 4, attempt: 1 };
        let reopened = server.open(&app("app-1"), &progress).unwrap();
        let one = server
            .load_tasks(&reopened, reopened.stage(key).unwrap(), &progress)
            .unwrap();
        assert_eq!(one.into_application(&reopened).stage(key), full.stage(key));
        (bare, full, again)
    });
    let (bare, full, again) = read.await;
    assert_eq!(
        (&bare.sql[0].plan, full.sql[0].plan.as_deref()),
        (&None, Some("SortMergeJoin [key#12L]^["))
    );
    let graph = full.sql[0].graph.as_deref().unwrap();
    let names: Vec<&str> = graph.nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!((names, graph.edges.as_slice()), (vec!["Join^[", "Scan"], &[(1, 0)][..]));
    assert_eq!(
        (graph.nodes[1].codegen, graph.nodes[1].total("rows")),
        (Some(2), Some(1_000.0))
    );
    assert_eq!(full.sql[0].completion_ms, bare.sql[0].completion_ms);
    assert_eq!((&again.sql, again.stage.tasks.len()), (&None, 1));
    assert_eq!(
        (bare.name.as_str(), bare.origin, bare.status),
        ("probe^[", Origin::Rest, ApplicationStatus::Completed)
    );
    assert_eq!(bare.wall_ms(), Some(22186));
    let job = &bare.jobs[0];
    assert_eq!(
        (job.sql, job.killed_summary.as_slice()),
        (Some(0), &[("why".to_owned(), 1)][..])
    );
    assert_eq!(bare.sql[0].completion_ms, Some(1_795_253_130_500));
    assert_eq!(bare.executors[0].total_cores, None);
    assert_eq!(bare.environment.spark("spark.master"), Some("yarn"));
    let task = &bare.resource_profiles[0].task[0];
    assert_eq!((task.name.as_str(), task.amount), ("cpus", Some(0.5)));
    assert_eq!(bare.processes[0].id, "am");
    assert_eq!(bare.executors[1].excluded_in_stages, [4]);
    let key = StageKey { id: 4, attempt: 1 };
    let stage = bare.stage(key).unwrap();
    assert_eq!(
        (stage.jobs.as_slice(), stage.sql, stage.tasks_read),
        (&[1][..], Some(0), TasksRead::No)
    );
    assert_eq!(stage.accumulators[0].value.as_deref(), Some("800"));
    let totals = [
        TaskMetric::ExecutorRunTime,
        TaskMetric::PushLocalMergedBytesRead,
        TaskMetric::InputBytes,
        TaskMetric::JvmGcTime,
    ];
    assert_eq!(
        totals.map(|metric| stage.totals.get(metric)),
        [Some(9), Some(3), Some(5), None]
    );
    let kinds: Vec<LossKind> = bare.losses.iter().map(|loss| loss.kind).collect();
    // Job 0 and the stages 0 to 2 are older than what the server kept.
    assert_eq!(
        kinds,
        [LossKind::ServerForgot, LossKind::ServerForgot, LossKind::NotCarried]
    );
    assert_eq!(
        bare.losses[1].detail,
        "the server kept 2 of 5 stages (spark.ui.retainedStages)"
    );
    assert!(bare.losses[2].detail.contains("403"), "{}", bare.losses[2].detail);
    let stage = full.stage(key).unwrap();
    assert_eq!((stage.tasks.len(), stage.tasks_read), (1, TasksRead::Yes));
    assert_eq!(
        full.stage(StageKey { id: 3, attempt: 0 }).unwrap().tasks_read,
        TasksRead::Yes
    );
    // Nothing is fetched twice, not even when the application is opened again.
    assert_eq!((&again.stage, again.loss), (&**stage, None));
    let asked = mock.received_requests().await.unwrap();
    assert_eq!(
        asked
            .iter()
            .filter(|request| request.url.path().ends_with("taskList"))
            .count(),
        1
    );
}

#[tokio::test]
async fn tasks_that_the_server_forgot_are_counted() {
    let mock = rest_only(100_000).await;
    let uri = mock.uri();
    let full = blocking(move || {
        let (server, progress) = (server(&uri), Progress::default());
        server
            .load_all_tasks(server.open(&app("app-1"), &progress).unwrap(), &progress)
            .unwrap()
    });
    let losses = full.await.losses;
    let loss = losses.last().unwrap();
    assert_eq!((loss.kind, loss.count), (LossKind::ServerForgot, 99_999));
    assert_eq!(
        loss.detail,
        "stage 4.1: the server kept 1 of 100000 tasks (spark.ui.retainedTasks)"
    );
}

#[tokio::test]
async fn an_empty_zip_falls_back_to_rest() {
    let mock = rest_only(1).await;
    let empty = ResponseTemplate::new(200).set_body_raw(
        &b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"[..],
        "application/octet-stream",
    );
    Mock::given(path(format!("{APP}/logs")))
        .respond_with(empty)
        .with_priority(1)
        .mount(&mock)
        .await;
    let uri = mock.uri();
    let bare = blocking(move || server(&uri).open(&app("app-1"), &Progress::default()).unwrap()).await;
    assert_eq!(bare.origin, Origin::Rest);
    assert!(bare.losses.last().unwrap().detail.contains("the zip is empty"));
}

#[tokio::test]
async fn a_log_over_the_limit_falls_back_to_rest() {
    let mock = rest_only(1).await;
    let large = ResponseTemplate::new(200).set_body_raw(vec![7; (1 << 20) + 1], "application/octet-stream");
    Mock::given(path(format!("{APP}/logs")))
        .respond_with(large)
        .with_priority(1)
        .mount(&mock)
        .await;
    let uri = mock.uri();
    let bare = blocking(move || server(&uri).open(&app("app-1"), &Progress::default()).unwrap()).await;
    assert!(bare.losses.last().unwrap().detail.contains("larger than 1 MiB"));
}

#[tokio::test]
async fn lists_are_sorted_by_start_and_keep_attempts() {
    let mut old = attempt(true);
    old["startTime"] = "2020-11-21T09:25:28.106GMT".into();
    old["attemptId"] = "1".into();
    let mut new = attempt(false);
    new["attemptId"] = "2".into();
    new["endTime"] = "1969-12-31T23:59:59.999GMT".into();
    let list = json!([
        { "id": "old", "name": "n", "attempts": [old] },
        { "id": "both", "name": null, "attempts": [old, new] },
        { "id": "none", "attempts": [] }, 7
    ]);
    let mock = answers("/p/api/v1/applications", ResponseTemplate::new(200).set_body_json(list)).await;
    let uri = format!("{}/p", mock.uri());
    let listing = blocking(move || server(&uri).list(&Progress::default()).unwrap()).await;
    let ids: Vec<&str> = listing.applications.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["both", "old"]);
    let newest = &listing.applications[0].attempts[0];
    assert_eq!(
        (newest.attempt.as_deref(), newest.completed, newest.end_ms),
        (Some("2"), false, None)
    );
    assert_eq!(
        (newest.duration_ms, listing.applications[1].attempts[0].duration_ms),
        (None, Some(22186))
    );
}

#[tokio::test]
async fn one_of_many_must_be_chosen() {
    let list = json!([{ "id": "a", "attempts": [attempt(true)] }, { "id": "b", "attempts": [attempt(true)] }]);
    let mock = answers("/api/v1/applications", ResponseTemplate::new(200).set_body_json(list)).await;
    let one = json!({ "id": "a", "attempts": [attempt(true)] });
    Mock::given(path("/api/v1/applications/a"))
        .respond_with(ResponseTemplate::new(200).set_body_json(one))
        .mount(&mock)
        .await;
    let uri = mock.uri();
    let errors = blocking(move || {
        let second = Choice {
            app: Some("a".into()),
            attempt: Some("2".into()),
        };
        [Choice::default(), second, app("..")]
            .map(|choice| server(&uri).open(&choice, &Progress::default()).unwrap_err())
    });
    let errors = errors.await;
    assert!(errors.iter().all(|error| error.exit_status() == 2));
    assert!(
        errors[0]
            .to_string()
            .ends_with("2 applications; choose one with --app: a, b"),
        "{}",
        errors[0]
    );
    assert!(errors[1].to_string().contains("leave --attempt out"), "{}", errors[1]);
}

#[tokio::test]
async fn an_application_id_is_one_segment_of_the_path() {
    let mock = answers("/none", ResponseTemplate::new(200)).await;
    let uri = mock.uri();
    let error = blocking(move || {
        server(&uri)
            .open(&app("../a/b%2F?#x"), &Progress::default())
            .unwrap_err()
    })
    .await;
    assert_eq!(error.exit_status(), 3);
    let asked = mock.received_requests().await.unwrap();
    assert_eq!(asked[0].url.path(), "/api/v1/applications/..%2Fa%2Fb%252F%3F%23x");
}

#[tokio::test]
async fn no_log_is_asked_for_where_none_is_wanted() {
    let mock = rest_only(1).await;
    let address = Address::parse(&mock.uri()).unwrap();
    let read = blocking(move || {
        Server::patient(&address, 0, &Connection::default(), patience())
            .unwrap()
            .open(&app("app-1"), &Progress::default())
    });
    let losses = read.await.unwrap().losses;
    assert!(
        losses
            .last()
            .unwrap()
            .detail
            .starts_with("read over REST (no event log wanted): ")
    );
    let asked = mock.received_requests().await.unwrap();
    assert!(asked.iter().all(|request| !request.url.path().ends_with("/logs")));
}

#[tokio::test]
async fn a_driver_is_running_and_its_end_is_told() {
    let mock = rest_only(1).await;
    let mut live = attempt(false);
    live["lastUpdated"] = live["startTime"].clone();
    live["endTime"] = "1969-12-31T23:59:59.999GMT".into();
    let info = json!({ "id": "app-1", "name": "live", "attempts": [live] });
    Mock::given(path(APP))
        .respond_with(ResponseTemplate::new(200).set_body_json(info))
        .with_priority(1)
        .mount(&mock)
        .await;
    let server = std::sync::Arc::new(server(&mock.uri()));
    let driver = server.clone();
    let running = blocking(move || driver.open(&app("app-1"), &Progress::default()).unwrap()).await;
    assert_eq!((running.status, running.end_ms), (ApplicationStatus::Running, None));
    assert!(
        running
            .losses
            .iter()
            .any(|loss| loss.detail == "the application is running")
    );
    let asked = mock.received_requests().await.unwrap();
    assert!(asked.iter().all(|request| !request.url.path().ends_with("/logs")));
    mock.reset().await;
    let error = blocking(move || server.open(&app("app-1"), &Progress::default()).unwrap_err()).await;
    assert!(error.to_string().contains("the driver no longer answers"), "{error}");
}

#[tokio::test]
async fn dead_executors_that_the_server_forgot_are_counted_once_their_tasks_tell_of_them() {
    let mock = rest_only(1).await;
    let driver_alone = json!([{ "id": "driver", "hostPort": "h:1", "isActive": true, "totalCores": 0 }]);
    Mock::given(path(format!("{APP}/allexecutors")))
        .respond_with(ResponseTemplate::new(200).set_body_json(driver_alone))
        .with_priority(1)
        .mount(&mock)
        .await;
    let uri = mock.uri();
    let (bare, full, one) = blocking(move || {
        let (server, progress) = (server(&uri), Progress::default());
        let bare = server.open(&app("app-1"), &progress).unwrap();
        let full = server.load_all_tasks(bare.clone(), &progress).unwrap();
        let stage = bare.stage(StageKey { id: 4, attempt: 1 }).unwrap();
        let one = server
            .load_tasks(&bare, stage, &progress)
            .unwrap()
            .into_application(&bare);
        (bare, full, one)
    })
    .await;
    let forgot = |application: &crate::model::Application| {
        let losses = application.losses.iter();
        let forgot = losses.filter(|loss| loss.kind == LossKind::ServerForgot);
        forgot.map(|loss| loss.detail.clone()).collect::<Vec<_>>()
    };
    let of_executors = "the server kept 0 of 1 executors (spark.ui.retainedDeadExecutors)".to_owned();
    assert!(!forgot(&bare).contains(&of_executors));
    for application in [full, one] {
        assert_eq!(
            forgot(&application)
                .iter()
                .filter(|detail| **detail == of_executors)
                .count(),
            1
        );
    }
}
