//! All rules over an application of a million tasks, beside the replay of its log: the rules may take 15% of that.
//!
//! The log is written here, in the shape that Spark writes: stages of 10,000 tasks one after another on 200 executors of 4 cores.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use criterion::Criterion;
use skewer::diagnosis::{Thresholds, diagnose};
use skewer::model::Application;
use skewer::source::{Choice, Progress, Source};

const STAGES: u64 = 100;
const TASKS: u64 = 10_000;
const EXECUTORS: u64 = 200;
const CORES: u64 = 4;
const START: u64 = 1_700_000_000_000;
/// Share of the replay's time that the rules may take.
const ALLOWED: f64 = 0.15;

/// An event log of `stages` stages.
fn log(stages: u64) -> String {
    let mut log = String::new();
    let mut line = |text: String| {
        log.push_str(&text);
        log.push('\n');
    };
    line(r#"{"Event":"SparkListenerLogStart","Spark Version":"3.5.1"}"#.into());
    line(format!(
        r#"{{"Event":"SparkListenerApplicationStart","App Name":"million","App ID":"application_1_0001","Timestamp":{START},"User":"u"}}"#
    ));
    line(
        r#"{"Event":"SparkListenerEnvironmentUpdate","JVM Information":{},"Spark Properties":{"spark.master":"yarn","spark.executor.cores":"4"},"Hadoop Properties":{},"System Properties":{},"Classpath Entries":{}}"#
            .into(),
    );
    for executor in 1..=EXECUTORS {
        line(format!(
            r#"{{"Event":"SparkListenerExecutorAdded","Timestamp":{START},"Executor ID":"{executor}","Executor Info":{{"Host":"host-{}","Total Cores":{CORES},"Log Urls":{{}},"Attributes":{{}},"Resources":{{}},"Resource Profile Id":0}}}}"#,
            executor / 2
        ));
    }
    let mut now = START + 5_000;
    for stage in 0..stages {
        let submitted = now;
        let info = |end: &str| {
            format!(
                r#"{{"Stage ID":{stage},"Stage Attempt ID":0,"Stage Name":"count at Etl.scala:{stage}","Number of Tasks":{TASKS},"RDD Info":[],"Parent IDs":[],"Details":"","Submission Time":{submitted}{end},"Accumulables":[],"Resource Profile Id":0}}"#
            )
        };
        line(format!(
            r#"{{"Event":"SparkListenerJobStart","Job ID":{stage},"Submission Time":{now},"Stage Infos":[{}],"Stage IDs":[{stage}],"Properties":{{}}}}"#,
            info("")
        ));
        line(format!(
            r#"{{"Event":"SparkListenerStageSubmitted","Stage Info":{},"Properties":{{}}}}"#,
            info("")
        ));
        let slots = EXECUTORS * CORES;
        let mut free = vec![now; usize::try_from(slots).unwrap()];
        for index in 0..TASKS {
            let slot = usize::try_from(index % slots).unwrap();
            let (id, executor) = (stage * TASKS + index, index % EXECUTORS + 1);
            // A size that varies, and a duration that follows it.
            let size = 40_000_000 + (index * 7_919 + stage * 104_729) % 60_000_000;
            let duration = 400 + size / 40_000;
            let launch = free[slot];
            let finish = launch + duration;
            free[slot] = finish + 3;
            let host = executor / 2;
            let task = |finish: u64| {
                format!(
                    r#"{{"Task ID":{id},"Index":{index},"Attempt":0,"Partition ID":{index},"Launch Time":{launch},"Executor ID":"{executor}","Host":"host-{host}","Locality":"NODE_LOCAL","Speculative":false,"Getting Result Time":0,"Finish Time":{finish},"Failed":false,"Killed":false,"Accumulables":[]}}"#
                )
            };
            line(format!(
                r#"{{"Event":"SparkListenerTaskStart","Stage ID":{stage},"Stage Attempt ID":0,"Task Info":{}}}"#,
                task(0)
            ));
            let run = duration - 20;
            line(format!(
                r#"{{"Event":"SparkListenerTaskEnd","Stage ID":{stage},"Stage Attempt ID":0,"Task Type":"ShuffleMapTask","Task End Reason":{{"Reason":"Success"}},"Task Info":{},"Task Executor Metrics":{{}},"Task Metrics":{{"Executor Deserialize Time":5,"Executor Deserialize CPU Time":4000000,"Executor Run Time":{run},"Executor CPU Time":{}000000,"Peak Execution Memory":0,"Result Size":2000,"JVM GC Time":{},"Result Serialization Time":0,"Memory Bytes Spilled":0,"Disk Bytes Spilled":0,"Shuffle Read Metrics":{{"Remote Blocks Fetched":90,"Local Blocks Fetched":10,"Fetch Wait Time":{},"Remote Bytes Read":{size},"Remote Bytes Read To Disk":0,"Local Bytes Read":1000,"Total Records Read":{}}},"Shuffle Write Metrics":{{"Shuffle Bytes Written":{},"Shuffle Write Time":9000000,"Shuffle Records Written":1000}},"Input Metrics":{{"Bytes Read":0,"Records Read":0}},"Output Metrics":{{"Bytes Written":0,"Records Written":0}},"Updated Blocks":[]}}}}"#,
                task(finish),
                run - 10,
                run / 40,
                run / 50,
                size / 100,
                size / 3
            ));
        }
        now = free.iter().copied().max().unwrap_or(now);
        let end = format!(r#","Completion Time":{now}"#);
        line(format!(
            r#"{{"Event":"SparkListenerStageCompleted","Stage Info":{}}}"#,
            info(&end)
        ));
        line(format!(
            r#"{{"Event":"SparkListenerJobEnd","Job ID":{stage},"Completion Time":{now},"Job Result":{{"Result":"JobSucceeded"}}}}"#
        ));
        now += 500;
    }
    let mut text = log;
    let _ = writeln!(text, r#"{{"Event":"SparkListenerApplicationEnd","Timestamp":{now}}}"#);
    text
}

fn open(path: &Path) -> Application {
    let source = Source::parse(&path.to_string_lossy()).unwrap();
    source.open(&Choice::default(), &Progress::default()).unwrap()
}

/// The quickest of so many.
fn quickest<T>(times: u32, mut work: impl FnMut() -> T) -> Duration {
    let time = |_| {
        let begun = Instant::now();
        std::hint::black_box(work());
        begun.elapsed()
    };
    (0..times).map(time).min().unwrap_or_default()
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("application_1_0001");
    std::fs::write(&path, log(STAGES)).unwrap();
    let application = open(&path);
    assert_eq!(application.task_count(), STAGES * TASKS);
    let thresholds = Thresholds::default();

    let replay = quickest(3, || open(&path));
    let rules = quickest(3, || diagnose(&application, &thresholds));
    let share = rules.as_secs_f64() / replay.as_secs_f64();
    println!(
        "{} tasks: replay {replay:.2?}, all rules {rules:.2?}: {:.0}% of it, {:.0}% allowed",
        STAGES * TASKS,
        share * 100.0,
        ALLOWED * 100.0
    );

    let mut criterion = Criterion::default()
        .sample_size(10)
        .measurement_time(Duration::from_secs(10))
        .configure_from_args();
    criterion.bench_function("rules over a million tasks", |bencher| {
        bencher.iter(|| diagnose(&application, &thresholds));
    });
    criterion.final_summary();
    assert!(share <= ALLOWED, "the rules take {:.0}% of the replay", share * 100.0);
}
