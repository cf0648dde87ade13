//! Cached RDDs and streaming queries out of whole logs.

use super::*;

fn submitted_rdd(stage: u32, rdd: u32, level: &str) -> String {
    let info = stage_info(stage, 2, r#","Submission Time":110"#).replace(
        r#"{"RDD ID":9}"#,
        &format!(
            r#"{{"RDD ID":{rdd},"Name":"squares","Storage Level":{{{level},"Deserialized":true,"Replication":1}},"Number of Partitions":3}}"#
        ),
    );
    format!(r#"{{"Event":"SparkListenerStageSubmitted","Stage Info":{info},"Properties":{{}}}}"#)
}

fn block(rdd: u32, partition: u32, level: &str, memory: u64, disk: u64) -> String {
    format!(
        r#"{{"Event":"SparkListenerBlockUpdated","Block Updated Info":{{"Block Manager ID":{{"Executor ID":"1","Host":"h","Port":7}},"Block ID":"rdd_{rdd}_{partition}","Storage Level":{{{level},"Deserialized":true,"Replication":1}},"Memory Size":{memory},"Disk Size":{disk}}}}}"#
    )
}

const MEMORY: &str = r#""Use Disk":false,"Use Memory":true"#;
const DISK: &str = r#""Use Disk":true,"Use Memory":false"#;
const BOTH: &str = r#""Use Disk":true,"Use Memory":true"#;
const NONE: &str = r#""Use Disk":false,"Use Memory":false"#;

#[test]
fn cached_rdds_are_told_with_their_blocks_and_what_was_dropped() {
    let mut events = vec![application(10)];
    events.extend(executor());
    events.extend([
        submitted_rdd(1, 3, BOTH),
        block(3, 10, MEMORY, 20, 0),
        block(3, 9, MEMORY, 30, 0),
        block(3, 1, MEMORY, 5, 0),
        // One goes to the disk, one goes for good.
        block(3, 9, DISK, 30, 25),
        block(3, 1, NONE, 5, 0),
        submitted_rdd(2, 4, MEMORY),
        block(4, 0, MEMORY, 7, 0),
        r#"{"Event":"SparkListenerUnpersistRDD","RDD ID":4}"#.into(),
    ]);
    let application = replay(&events);
    let [kept, given_up] = application.storage.as_slice() else {
        panic!("{:?}", application.storage)
    };
    assert_eq!(
        (kept.id, kept.name.as_str(), kept.partitions, kept.cached_partitions),
        (3, "squares", 3, Some(2))
    );
    assert_eq!(kept.storage_level, "Disk Memory Deserialized 1x Replicated");
    assert_eq!(
        (kept.memory_used, kept.disk_used, kept.evicted_blocks),
        (Some(20), Some(25), Some(2))
    );
    let blocks: Vec<(&str, &str)> = kept
        .blocks
        .iter()
        .map(|block| (&*block.name, &*block.storage_level))
        .collect();
    assert_eq!(
        blocks,
        [
            ("rdd_3_9", "Disk Serialized 1x Replicated"),
            ("rdd_3_10", "Memory Deserialized 1x Replicated")
        ]
    );
    let on = &kept.distribution[0];
    assert_eq!(
        (on.address.as_str(), on.memory_used, on.memory_remaining),
        ("h:7", 20, Some(99 - 27))
    );
    assert!(given_up.unpersisted && given_up.blocks.is_empty());
    assert_eq!((given_up.memory_used, given_up.evicted_blocks), (Some(7), Some(0)));
    let executor = application.executor("1").unwrap();
    assert_eq!(
        (executor.memory_used, executor.disk_used, executor.rdd_blocks),
        (20, 25, 2)
    );
}

#[test]
fn without_block_updates_the_sizes_are_absent() {
    let rdd = &replay(&[application(10), submitted_rdd(1, 3, MEMORY)]).storage[0];
    assert_eq!(
        (rdd.cached_partitions, rdd.memory_used, rdd.evicted_blocks),
        (None, None, None)
    );
    assert_eq!((rdd.id, rdd.partitions, rdd.unpersisted), (3, 3, false));
}

fn query(event: &str, rest: &str) -> String {
    format!(r#"{{"Event":"org.apache.spark.sql.streaming.StreamingQueryListener$Query{event}Event",{rest}}}"#)
}

fn progress(batch: u64, rows: u64) -> String {
    query(
        "Progress",
        &format!(
            r#""progress":{{"id":"q","runId":"r","name":"counts","timestamp":"2026-11-25T17:40:00.123Z","batchId":{batch},"batchDuration":40,"durationMs":{{"addBatch":30,"triggerExecution":41}},"eventTime":{{"watermark":"1970-01-01T00:00:00.000Z"}},"stateOperators":[{{"numRowsTotal":5,"memoryUsedBytes":800}},{{"numRowsTotal":2}}],"sources":[{{"description":"Kafka\u001b","numInputRows":{rows},"inputRowsPerSecond":"NaN","processedRowsPerSecond":2.5,"metrics":{{"maxOffsetsBehindLatest":"12"}}}}],"sink":{{"description":"noop"}}}}"#
        ),
    )
}

#[test]
fn streaming_queries_have_their_batches() {
    let events = [
        application(10),
        query(
            "Started",
            r#""id":"q","runId":"r","name":null,"timestamp":"2026-11-25T17:39:59.000Z""#,
        ),
        progress(0, 7),
        progress(1, 8),
        // The same batch once more: a trigger that found nothing.
        progress(1, 0),
        query("Idle", r#""id":"q","runId":"r","timestamp":"2026-11-25T17:41:00.000Z""#),
        query("Terminated", r#""id":"q","runId":"r","exception":"no\u001b[0m more""#),
        query("Started", r#""id":"q","runId":"r2","name":"again","timestamp":"soon""#),
    ];
    let application = replay(&events);
    let [first, second] = application.streaming.as_slice() else {
        panic!("{:?}", application.streaming)
    };
    assert_eq!(
        (first.name.as_deref(), first.start_ms),
        (Some("counts"), Some(1_795_628_399_000))
    );
    assert_eq!(first.exception.as_deref(), Some("no^[[0m more"));
    assert_eq!(
        (first.batches.len(), first.earlier_batches, first.end_ms),
        (2, 0, Some(10))
    );
    let batch = &first.batches[0];
    assert_eq!((batch.id, batch.duration_ms, batch.input_rows), (0, Some(41), Some(7)));
    assert_eq!(
        (batch.state_rows, batch.state_bytes, batch.watermark_ms),
        (Some(7), Some(800), Some(0))
    );
    assert_eq!(
        (batch.input_rows_per_second, batch.processed_rows_per_second),
        (None, Some(2.5))
    );
    assert_eq!(
        (
            batch.sources[0].description.as_str(),
            batch.sources[0].max_offsets_behind
        ),
        ("Kafka^[", Some(12.0))
    );
    assert_eq!(
        (second.name.as_deref(), second.end_ms, second.batches.len()),
        (Some("again"), None, 0)
    );
}

#[test]
fn of_a_long_run_the_last_batches_are_kept() {
    let mut events = vec![application(10)];
    events.extend((0..10_005).map(|batch| progress(batch, 1)));
    let query = &replay(&events).streaming[0];
    assert_eq!(
        (query.batches.len(), query.earlier_batches, query.batches[0].id),
        (10_000, 5, 5)
    );
}
