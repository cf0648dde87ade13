//! Plans and their metrics out of whole logs.

use super::*;

const UI: &str = "org.apache.spark.sql.execution.ui.SparkListener";

fn operator(name: &str, accumulator: u64, kind: &str, children: &str) -> String {
    format!(
        r#"{{"nodeName":"{name}","simpleString":"{name} [a]","children":[{children}],"metadata":{{}},"metrics":[{{"name":" {kind} of {name}","accumulatorId":{accumulator},"metricType":"{kind}"}}]}}"#
    )
}

fn sql(event: &str, rest: &str) -> String {
    format!(r#"{{"Event":"{UI}{event}","executionId":5,{rest}}}"#)
}

/// The end of a task that adds to accumulators 1 and 2, and to one that no plan names.
fn adds(stage: u32, task: u64, index: u32, one: i64, two: i64, success: bool) -> String {
    let (reason, flags) = if success {
        (r#"{"Reason":"Success"}"#, r#""Failed":false,"Killed":false"#)
    } else {
        (r#"{"Reason":"TaskResultLost"}"#, r#""Failed":true,"Killed":false"#)
    };
    let of = |id: u64, value: i64| {
        format!(
            r#"{{"ID":{id},"Name":"n","Update":"{value}","Value":"9","Internal":true,"Count Failed Values":true,"Metadata":"sql"}}"#
        )
    };
    let all = [of(1, one), of(8, 70), of(2, two)].join(",");
    end(stage, task, index, reason, flags, RAN).replace(r#"{"ID":1,"Update":[1,{}]}"#, &all)
}

fn values(application: &Application) -> Vec<Option<&str>> {
    let graph = application.sql[0].graph.as_deref().unwrap();
    let metrics = graph.nodes.iter().flat_map(|node| &node.metrics);
    metrics.map(|metric| metric.value.as_deref()).collect()
}

fn until_the_tasks() -> Vec<String> {
    let scan = operator("Scan", 1, "sum", "");
    let plan = operator("Exchange", 2, "timing", &scan);
    vec![
        application(10),
        sql(
            "SQLExecutionStart",
            &format!(
                r#""rootExecutionId":3,"queryId":"q-1","sparkPlanInfo":{plan},"time":90,"modifiedConfigs":{{"spark.x":"1"}}"#
            ),
        ),
        job_start(0, &[stage_info(1, 2, "")]),
        submitted(1, 2),
        start(1, 0, 0),
        start(1, 1, 1),
    ]
}

fn at_the_end() -> [String; 3] {
    [
        completed(1, 2, ""),
        job_end(0, SUCCEEDED),
        sql("SQLExecutionEnd", r#""time":960,"errorMessage":"""#),
    ]
}

#[test]
fn metrics_are_put_together_at_the_end_of_the_execution() {
    let mut events = until_the_tasks();
    events.extend([adds(1, 0, 0, 1_000, 30, true), adds(1, 1, 1, 500, 40, true)]);
    events.push(sql("DriverAccumUpdates", r#""accumUpdates":[[2,5],[7,1],[1,-3]]"#));
    // The plan changes: its first operator stays, the other is a new one.
    let plan = operator("AQEShuffleRead", 6, "size", &operator("Scan", 1, "sum", ""));
    events.push(sql("SQLAdaptiveExecutionUpdate", &format!(r#""sparkPlanInfo":{plan}"#)));
    events.extend(at_the_end());
    // What comes late counts no more.
    events.push(sql("DriverAccumUpdates", r#""accumUpdates":[[1,1000]]"#));
    let application = replay(&events);
    assert_eq!(values(&application), [None, Some("1,497")]);
    let execution = &application.sql[0];
    assert_eq!((execution.root, execution.query_id.as_deref()), (Some(3), Some("q-1")));
    assert_eq!(execution.modified_configs, [("spark.x".to_owned(), "1".to_owned())]);
    assert_eq!(execution.error, None);
    let first = execution.initial_graph.as_deref().unwrap();
    assert_eq!(
        first.nodes[0].metrics[0].value.as_deref(),
        Some("total (min, med, max (stageId: taskId))\n75 ms (5 ms, 30 ms, 40 ms (stage 1.0: task 1))")
    );
    let node = execution.graph.as_deref().unwrap().node(1).unwrap();
    assert_eq!(
        (node.metrics[0].name.as_str(), node.stages.as_slice()),
        ("sum of Scan", &[1][..])
    );
    assert_eq!(node.description.as_deref(), Some("Scan [a]"));
}

#[test]
fn an_execution_without_end_has_what_its_tasks_told_so_far() {
    let mut events = until_the_tasks();
    events.push(adds(1, 0, 0, 7, 30, true));
    let application = replay(&events);
    let spread = "total (min, med, max (stageId: taskId))\n30 ms (0 ms, 30 ms, 30 ms (stage 1.0: task 0))";
    assert_eq!(values(&application), [Some(spread), Some("7")]);
    assert_eq!(application.sql[0].initial_graph, None);
}

#[test]
fn a_stage_that_begins_again_loses_what_its_tasks_had_added() {
    let mut events = until_the_tasks();
    events.push(adds(1, 0, 0, 100, 30, true));
    let again = |event: &String| event.replace(r#""Stage Attempt ID":0"#, r#""Stage Attempt ID":1"#);
    let second = [
        submitted(1, 2),
        start(1, 5, 0),
        adds(1, 5, 0, 2, 1, false),
        adds(1, 6, 0, 3, 4, true),
    ];
    events.extend(second.iter().map(again));
    // A task of the first attempt that is late.
    events.push(adds(1, 1, 1, 900, 900, true));
    events.extend(at_the_end());
    let application = replay(&events);
    let spread = "total (min, med, max (stageId: taskId))\n4 ms (0 ms, 4 ms, 4 ms (stage 1.1: task 6))";
    assert_eq!(values(&application), [Some(spread), Some("3")]);
}

#[test]
fn metrics_that_a_later_plan_names_count_from_then_on() {
    let mut events = until_the_tasks();
    events.push(adds(1, 0, 0, 1, 1, true));
    events.push(sql(
        "SQLAdaptiveSQLMetricUpdates",
        r#""sqlPlanMetrics":[{"name":"x","accumulatorId":8,"metricType":"size"}]"#,
    ));
    events.push(adds(1, 1, 1, 1, 1, true));
    let plan = operator("Scan", 8, "size", "");
    events.push(sql("SQLAdaptiveExecutionUpdate", &format!(r#""sparkPlanInfo":{plan}"#)));
    events.extend(at_the_end());
    let spread = "total (min, med, max (stageId: taskId))\n70.0 B (0.0 B, 70.0 B, 70.0 B (stage 1.0: task 1))";
    assert_eq!(values(&replay(&events)), [Some(spread)]);
}

#[test]
fn an_error_is_told_and_an_odd_plan_is_none() {
    for plan in ["null", "[]", "7", r#"{"nodeName":""}"#] {
        let events = [
            application(10),
            sql("SQLExecutionStart", &format!(r#""sparkPlanInfo":{plan},"time":90"#)),
            sql("SQLExecutionEnd", r#""time":960,"errorMessage":"no\u001bway""#),
        ];
        let application = replay(&events);
        let execution = &application.sql[0];
        assert_eq!((&execution.graph, execution.status), (&None, SqlStatus::Failed));
        assert_eq!(execution.error.as_deref(), Some("no^[way"));
    }
}
