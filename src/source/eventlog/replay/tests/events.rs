//! Events written by hand, for the replay's tests.

pub fn stage_info(id: u32, tasks: u32, more: &str) -> String {
    format!(
        r#"{{"Stage ID":{id},"Stage Attempt ID":0,"Stage Name":"count at a.py:{id}","Number of Tasks":{tasks},"RDD Info":[{{"RDD ID":9}}],"Parent IDs":[],"Details":"d"{more}}}"#
    )
}

pub fn application(time: i64) -> String {
    format!(
        r#"{{"Event":"SparkListenerApplicationStart","App Name":"n","App ID":"app-1","Timestamp":{time},"User":"u"}}"#
    )
}

pub fn job_start(id: u32, stages: &[String]) -> String {
    let stages = stages.join(",");
    format!(
        r#"{{"Event":"SparkListenerJobStart","Job ID":{id},"Submission Time":100,"Stage Infos":[{stages}],"Properties":{{"spark.job.description":"two\nlines","spark.sql.execution.id":"5","spark.job.tags":"b,a,b"}}}}"#
    )
}

pub fn submitted(id: u32, tasks: u32) -> String {
    let info = stage_info(id, tasks, r#","Submission Time":110"#);
    format!(
        r#"{{"Event":"SparkListenerStageSubmitted","Stage Info":{info},"Properties":{{"spark.sql.execution.id":"5"}}}}"#
    )
}

pub fn completed(id: u32, tasks: u32, more: &str) -> String {
    let info = stage_info(
        id,
        tasks,
        &format!(r#","Submission Time":110,"Completion Time":900{more}"#),
    );
    format!(r#"{{"Event":"SparkListenerStageCompleted","Stage Info":{info}}}"#)
}

pub fn info(task: u64, index: u32, rest: &str) -> String {
    format!(
        r#""Task Info":{{"Task ID":{task},"Index":{index},"Attempt":0,"Partition ID":{index},"Launch Time":{},"Executor ID":"1","Host":"h","Locality":"ANY","Speculative":false,{rest}}}"#,
        200 + task
    )
}

pub fn start(stage: u32, task: u64, index: u32) -> String {
    let info = info(
        task,
        index,
        r#""Getting Result Time":0,"Finish Time":0,"Failed":false,"Killed":false"#,
    );
    format!(r#"{{"Event":"SparkListenerTaskStart","Stage ID":{stage},"Stage Attempt ID":0,{info}}}"#)
}

pub const RAN: &str = r#","Task Executor Metrics":{"JVMHeapMemory":70,"OnHeapStorageMemory":3,"TotalGCTime":4},"Task Metrics":{"Executor Run Time":50,"Executor Deserialize Time":10,"Result Serialization Time":1,"JVM GC Time":2,"Shuffle Read Metrics":{"Local Bytes Read":30,"Remote Bytes Read":4,"Push Based Shuffle":{"Merged Local Bytes Read":6}},"Input Metrics":{"Bytes Read":7}}"#;

pub fn end(stage: u32, task: u64, index: u32, reason: &str, flags: &str, metrics: &str) -> String {
    let info = info(
        task,
        index,
        &format!(
            r#""Getting Result Time":280,"Finish Time":300,{flags},"Accumulables":[{{"ID":1,"Update":[1,{{}}]}}]"#
        ),
    );
    format!(
        r#"{{"Event":"SparkListenerTaskEnd","Stage ID":{stage},"Stage Attempt ID":0,"Task Type":"ResultTask","Task End Reason":{reason},{info}{metrics}}}"#
    )
}

pub fn success(stage: u32, task: u64, index: u32) -> String {
    end(
        stage,
        task,
        index,
        r#"{"Reason":"Success"}"#,
        r#""Failed":false,"Killed":false"#,
        RAN,
    )
}

pub fn job_end(id: u32, result: &str) -> String {
    format!(r#"{{"Event":"SparkListenerJobEnd","Job ID":{id},"Completion Time":950,"Job Result":{result}}}"#)
}

pub fn executor() -> [String; 2] {
    [
        r#"{"Event":"SparkListenerExecutorAdded","Timestamp":50,"Executor ID":"1","Executor Info":{"Host":"h","Total Cores":4,"Log Urls":{}}}"#.into(),
        r#"{"Event":"SparkListenerBlockManagerAdded","Block Manager ID":{"Executor ID":"1","Host":"h","Port":7},"Maximum Memory":99,"Timestamp":60,"Maximum Onheap Memory":98,"Maximum Offheap Memory":1}"#.into(),
    ]
}

pub const OVER: &str = r#"{"Event":"SparkListenerApplicationEnd","Timestamp":1000}"#;
pub const SUCCEEDED: &str = r#"{"Result":"JobSucceeded"}"#;

/// A job of one stage of two tasks and a stage that it skips, told without a fault.
pub fn sound() -> Vec<String> {
    let mut events = vec![application(10)];
    events.extend(executor());
    events.push(r#"{"Event":"org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart","executionId":5,"description":"q","physicalPlanDescription":"old","sparkPlanInfo":{},"time":90}"#.into());
    events.push(job_start(0, &[stage_info(0, 3, ""), stage_info(1, 2, "")]));
    events.extend([
        submitted(1, 2),
        start(1, 0, 0),
        start(1, 1, 1),
        success(1, 1, 1),
        success(1, 0, 0),
    ]);
    events.extend([completed(1, 2, ""), job_end(0, SUCCEEDED)]);
    events.push(r#"{"Event":"org.apache.spark.sql.execution.ui.SparkListenerSQLAdaptiveExecutionUpdate","executionId":5,"physicalPlanDescription":"a\nb"}"#.into());
    events.push(r#"{"Event":"org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionEnd","executionId":5,"time":960,"errorMessage":""}"#.into());
    events.push(OVER.into());
    events
}
