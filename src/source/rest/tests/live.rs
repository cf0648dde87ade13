//! A long list that comes in two pieces, and a driver that is followed to its end.

use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use wiremock::matchers::query_param_is_missing;

use super::*;
use crate::model::{Application, JobStatus, StageStatus};
use crate::source::Shown;

fn watched() -> (Progress, Receiver<Shown>) {
    let progress = Progress::default();
    let (send, shown) = channel();
    progress.watch(move |what| drop(send.send(what)));
    (progress, shown)
}

#[tokio::test]
async fn fifty_thousand_applications_are_listed_in_two_pieces() {
    let mock = MockServer::start().await;
    let entry = |n: u32| json!({ "id": format!("app-{n}"), "name": "etl", "attempts": [attempt(true)] });
    let list = |count: u32| ResponseTemplate::new(200).set_body_json((0..count).map(entry).collect::<Value>());
    let first = Mock::given(path("/api/v1/applications")).and(query_param("limit", "200"));
    first.respond_with(list(200)).expect(1).mount(&mock).await;
    let rest = Mock::given(path("/api/v1/applications")).and(query_param_is_missing("limit"));
    rest.respond_with(list(50_000).set_delay(Duration::from_millis(600)))
        .expect(1)
        .mount(&mock)
        .await;
    let (progress, shown) = watched();
    let uri = mock.uri();
    let began = Instant::now();
    let (whole, first_after) = blocking(move || {
        let lister = std::thread::spawn(move || server(&uri).list(&progress).unwrap());
        let Shown::Listing(first) = shown.recv_timeout(Duration::from_secs(60)).unwrap() else {
            panic!("no list")
        };
        assert_eq!(first.applications.len(), 200);
        let first_after = began.elapsed();
        (lister.join().unwrap(), first_after)
    })
    .await;
    assert_eq!(whole.applications.len(), 50_000);
    assert!(
        first_after < began.elapsed() - Duration::from_millis(500),
        "the first did not wait for the rest"
    );
}

/// What the driver says at one time.
async fn tell(mock: &MockServer, jobs: Value, stages: Value, executors: Value) {
    mock.reset().await;
    let give = |value: Value| ResponseTemplate::new(200).set_body_json(value);
    let at = |end: &str| path(format!("{APP}{end}"));
    let passed = json!([{ "status": "COMPLETE", "stageId": 1, "attemptId": 0, "numTasks": 0, "name": "quick" }]);
    Mock::given(at("/stages/1"))
        .respond_with(give(passed))
        .mount(mock)
        .await;
    let started = "2026-11-21T09:25:28.106GMT";
    let running = json!({ "startTime": started, "endTime": "1969-12-31T23:59:59.999GMT", "lastUpdated": started, "completed": false });
    let info = json!({ "id": "app-1", "name": "probe", "attempts": [running] });
    Mock::given(at("")).respond_with(give(info)).mount(mock).await;
    for (end, value) in [
        ("/jobs", jobs.clone()),
        ("/stages", stages.clone()),
        ("/allexecutors", executors),
    ] {
        Mock::given(at(end)).respond_with(give(value)).mount(mock).await;
    }
    // What has ended is no longer among what runs, and has to be asked for by its id.
    let still = |value: &Value, words: [&str; 2]| -> Value {
        let all = value.as_array().unwrap().iter();
        all.filter(|one| words.contains(&one["status"].as_str().unwrap()))
            .cloned()
            .collect()
    };
    let runs = give(still(&jobs, ["RUNNING", ""]));
    Mock::given(at("/jobs"))
        .and(query_param("status", "running"))
        .respond_with(runs)
        .with_priority(1)
        .mount(mock)
        .await;
    let lives = give(still(&stages, ["ACTIVE", "PENDING"]));
    Mock::given(at("/stages"))
        .and(query_param("status", "active"))
        .respond_with(lives)
        .with_priority(1)
        .mount(mock)
        .await;
    Mock::given(at("/jobs/0"))
        .respond_with(give(jobs[0].clone()))
        .mount(mock)
        .await;
    Mock::given(at("/stages/0"))
        .respond_with(give(json!([stages[0]])))
        .mount(mock)
        .await;
    Mock::given(at("/environment"))
        .respond_with(give(json!({})))
        .mount(mock)
        .await;
    let task = |id: u64| {
        json!({ "taskId": id, "index": id, "launchTime": started, "duration": 20, "status": "SUCCESS",
        "executorId": "1", "host": "h1", "taskLocality": "ANY", "taskMetrics": { "executorRunTime": 9 } })
    };
    let ended = stages[0]["numCompleteTasks"].as_u64().unwrap();
    let tasks: Value = (0..ended).map(task).collect();
    Mock::given(at("/stages/0/0/taskList"))
        .respond_with(give(tasks))
        .mount(mock)
        .await;
}

fn stage(status: &str, ended: u32) -> Value {
    json!([{ "status": status, "stageId": 0, "attemptId": 0, "numTasks": 3, "numCompleteTasks": ended,
        "numActiveTasks": if status == "ACTIVE" { 1 } else { 0 }, "name": "count" }])
}

fn job(status: &str) -> Value {
    let stages = if status == "RUNNING" { json!([0]) } else { json!([0, 1]) };
    json!([{ "jobId": 0, "name": "count", "stageIds": stages, "status": status, "numTasks": 3 }])
}

fn executor(heap: u64) -> Value {
    json!([{ "id": "1", "hostPort": "h:1", "isActive": true, "totalCores": 1, "totalTasks": 3, "addTime": "2026-11-21T09:25:29.000GMT",
        "peakMemoryMetrics": { "JVMHeapMemory": heap } }])
}

#[tokio::test]
async fn a_driver_is_followed_until_it_no_longer_answers() {
    let mock = MockServer::start().await;
    tell(&mock, job("RUNNING"), stage("ACTIVE", 1), executor(100)).await;
    let (progress, shown) = watched();
    progress.refresh_every(Duration::from_millis(20));
    let uri = mock.uri();
    let follower = tokio::task::spawn_blocking(move || server(&uri).open(&app("app-1"), &progress));
    let shown = std::sync::Arc::new(std::sync::Mutex::new(shown));
    let wait_for = async |is: fn(&Application) -> bool| {
        let shown = shown.clone();
        blocking(move || {
            loop {
                match shown.lock().unwrap().recv_timeout(Duration::from_secs(60)).unwrap() {
                    Shown::Current(application) if is(&application) => return application,
                    _ => {}
                }
            }
        })
        .await
    };
    let running = wait_for(|application| application.stages[0].tasks.len() == 1).await;
    assert_eq!(
        (running.status, running.jobs[0].status),
        (ApplicationStatus::Running, JobStatus::Running)
    );
    tell(&mock, job("RUNNING"), stage("ACTIVE", 2), executor(200)).await;
    wait_for(|application| application.stages[0].complete_tasks == 2 && application.stages[0].tasks.len() == 2).await;
    tell(&mock, job("SUCCEEDED"), stage("COMPLETE", 3), executor(300)).await;
    let done = wait_for(|application| application.stages[0].tasks.len() == 3).await;
    assert_eq!(
        done.stages.len(),
        2,
        "a stage that came and went between two looks is there too"
    );
    assert_eq!(
        (done.jobs[0].status, done.stages[0].status),
        (JobStatus::Succeeded, StageStatus::Complete)
    );
    let heaps: Vec<u64> = done.executors[0]
        .memory
        .samples()
        .iter()
        .map(|sample| sample.heap)
        .collect();
    assert!(
        heaps.len() > 1 && heaps.is_sorted() && heaps.last() == Some(&300),
        "{heaps:?}"
    );
    let asked = mock.received_requests().await.unwrap();
    assert!(
        asked
            .iter()
            .filter(|request| request.url.path().ends_with("taskList"))
            .count()
            <= 1,
        "nothing twice"
    );
    mock.reset().await;
    let last = follower.await.unwrap().unwrap();
    assert_eq!(last.stages[0].tasks.len(), 3);
    assert!(
        last.losses
            .iter()
            .any(|loss| loss.detail.contains("a history server has all of it"))
    );
}
