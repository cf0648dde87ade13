//! The parts of reading a log, on a recorded one made larger: its decompression alone, all of it plain and zstd, and the list of a folder.
//! `cargo bench --bench replay`; whole processes are compared by `benches/side_by_side.py`.
#![allow(clippy::unwrap_used, missing_docs)]

use std::path::Path;

use criterion::{Criterion, Throughput};
use regex::{Captures, Regex};
use skewer::source::{Choice, Progress, Source};

const RECORDED: &str = "tests/fixtures/logs/skewed-join-3.5.zstd";
/// How often every task comes: ten thousand and some.
const TIMES: u64 = 80;
/// Logs in the folder that is listed.
const LOGS: usize = 200;

fn main() {
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDED);
    let text = String::from_utf8(zstd::decode_all(&*std::fs::read(&recorded).unwrap()).unwrap()).unwrap();
    let log = multiplied(&text);
    let packed = zstd::encode_all(log.as_bytes(), 3).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (plain, zstd) = (folder.path().join("plain"), folder.path().join("packed.zstd"));
    std::fs::write(&plain, &log).unwrap();
    std::fs::write(&zstd, &packed).unwrap();

    let mut criterion = Criterion::default().sample_size(20).configure_from_args();
    let mut group = criterion.benchmark_group("a log of ten thousand tasks, by its JSON");
    group.throughput(Throughput::Bytes(log.len() as u64));
    group.bench_function("zstd undone, nothing read", |bencher| {
        bencher.iter(|| zstd::stream::copy_decode(&*packed, std::io::sink()).unwrap());
    });
    group.bench_function("replayed, plain", |bencher| bencher.iter(|| open(&plain)));
    group.bench_function("replayed, zstd", |bencher| bencher.iter(|| open(&zstd)));
    group.finish();

    let logs = tempfile::tempdir().unwrap();
    for number in 0..LOGS {
        std::fs::copy(&recorded, logs.path().join(format!("app-{number:04}.zstd"))).unwrap();
    }
    let source = Source::parse(&logs.path().to_string_lossy()).unwrap();
    let mut group = criterion.benchmark_group("a folder's list, by its logs");
    group.throughput(Throughput::Elements(LOGS as u64));
    group.bench_function("nothing known", |bencher| {
        bencher.iter(|| source.list(&Progress::default()).unwrap());
    });
    group.finish();
    criterion.final_summary();
}

fn open(path: &Path) {
    let source = Source::parse(&path.to_string_lossy()).unwrap();
    let application = source.open(&Choice::default(), &Progress::default()).unwrap();
    assert!(application.task_count() > 10_000);
}

/// The log with every task so many times, under ids and indices of its own; the others of its events as they are.
fn multiplied(log: &str) -> String {
    let ids = Regex::new(r#""Task ID":(\d+),"Index":(\d+)"#).unwrap();
    let count = Regex::new(r#""Number of Tasks":(\d+)"#).unwrap();
    let mut out = String::new();
    for line in log.lines() {
        let is_task = line.starts_with(r#"{"Event":"SparkListenerTask"#);
        for turn in 0..if is_task { TIMES } else { 1 } {
            let number = |found: &Captures<'_>, at: usize| found[at].parse::<u64>().unwrap() * TIMES;
            let line = if is_task {
                ids.replace(line, |found: &Captures<'_>| {
                    format!(
                        r#""Task ID":{},"Index":{}"#,
                        number(found, 1) + turn,
                        number(found, 2) + turn
                    )
                })
            } else {
                count.replace_all(line, |found: &Captures<'_>| {
                    format!(r#""Number of Tasks":{}"#, number(found, 1))
                })
            };
            out.push_str(&line);
            out.push('\n');
        }
    }
    out
}
