//! Resource profiles, processes beside the executors, exclusions for one stage, the user's accumulators.

use super::events::*;
use super::{replay, stage};
use crate::model::Accumulator;

fn excluded(what: &str) -> String {
    format!(
        r#"{{"Event":"org.apache.spark.scheduler.SparkListenerExecutorExcludedForStage","time":220,{what},"taskFailures":2,"stageId":1,"stageAttemptId":0}}"#
    )
}

#[test]
fn profiles_and_processes_are_kept_as_they_are_asked_for() {
    let mut events = sound();
    let profile = r#"{"Event":"SparkListenerResourceProfileAdded","Resource Profile Id":1,"Executor Resource Requests":{"gpu":{"Resource Name":"gpu","Amount":2,"Discovery Script":"/find","Vendor":""},"memory":{"Resource Name":"memory","Amount":512,"Discovery Script":"","Vendor":""}},"Task Resource Requests":{"gpu":{"Resource Name":"gpu","Amount":0.25},"cpus":{"Resource Name":"cpus","Amount":2.0},"odd":{"Amount":-1}}}"#;
    let process = r#"{"Event":"org.apache.spark.scheduler.SparkListenerMiscellaneousProcessAdded","time":55,"processId":"am","info":{"hostPort":"h:1","cores":1,"logUrlInfo":{}}}"#;
    let on_two = r#"{"Event":"SparkListenerExecutorAdded","Timestamp":56,"Executor ID":"2","Executor Info":{"Host":"h","Total Cores":4,"Resource Profile Id":1}}"#;
    for event in [on_two, process, process, profile] {
        events.insert(1, event.to_owned());
    }
    let application = replay(&events);
    let [profile] = application.resource_profiles.as_slice() else {
        panic!("{:?}", application.resource_profiles)
    };
    let of = |requests: &[crate::model::ResourceRequest]| {
        let one = |request: &crate::model::ResourceRequest| (request.name.clone(), request.amount);
        requests.iter().map(one).collect::<Vec<_>>()
    };
    assert_eq!(
        of(&profile.executor),
        [("gpu".into(), Some(2.0)), ("memory".into(), Some(512.0))]
    );
    assert_eq!(
        of(&profile.task),
        [
            ("cpus".into(), Some(2.0)),
            ("gpu".into(), Some(0.25)),
            ("odd".into(), None)
        ]
    );
    assert_eq!(profile.executor[0].discovery_script.as_deref(), Some("/find"));
    assert_eq!(profile.executor[0].vendor, None);
    assert_eq!(application.executor("2").unwrap().max_tasks, Some(2));
    let [process] = application.processes.as_slice() else {
        panic!("{:?}", application.processes)
    };
    assert_eq!(
        (
            process.host_port.as_str(),
            process.total_cores,
            process.added_ms,
            process.active
        ),
        ("h:1", Some(1), Some(55), true)
    );
}

#[test]
fn an_executor_is_excluded_for_a_stage_until_that_has_ended() {
    let mut events = sound();
    let at = events
        .iter()
        .position(|event| event.contains("StageCompleted"))
        .unwrap();
    // Twice, as newer versions write the event under its old name too; and by its host, which has the driver no more than that.
    let old = excluded(r#""executorId":"1""#).replace("ExecutorExcluded", "ExecutorBlacklisted");
    let node = excluded(r#""hostId":"h""#).replace("ExecutorExcluded", "NodeExcluded");
    let meanwhile = [excluded(r#""executorId":"1""#), old, node];
    for event in meanwhile.iter().rev() {
        events.insert(at, event.clone());
    }
    let during = replay(&events[..at + meanwhile.len()]);
    assert_eq!(during.executor("1").unwrap().excluded_in_stages, [1]);
    let application = replay(&events);
    assert_eq!(application.executor("1").unwrap().excluded_in_stages, [0_u32; 0]);
    assert!(!application.executor("1").unwrap().excluded);
    let ids: Vec<&str> = stage(&application, 1)
        .excluded_executors
        .iter()
        .map(|id| &**id)
        .collect();
    assert_eq!(ids, ["1"]);
}

#[test]
fn of_accumulators_the_user_s_are_kept() {
    let mut events = sound();
    let at = events
        .iter()
        .position(|event| event.contains("StageCompleted"))
        .unwrap();
    let more = r#","Accumulables":[{"ID":9,"Name":"rows seen","Value":"800","Internal":false,"Count Failed Values":false},{"ID":8,"Value":7},{"ID":1,"Name":"internal.metrics.x","Value":5,"Internal":true},{"ID":2,"Name":"output rows","Value":"5","Metadata":"sql"},{"Name":"no id"}]"#;
    events[at] = completed(1, 2, more);
    let application = replay(&events);
    let accumulator = |id, name: Option<&str>, value: &str| Accumulator {
        id,
        name: name.map(str::to_owned),
        value: Some(value.to_owned()),
    };
    assert_eq!(
        stage(&application, 1).accumulators,
        [accumulator(8, None, "7"), accumulator(9, Some("rows seen"), "800")]
    );
}
