//! Thousands of logs damaged at random, the same ones on every run: each is read as far as it goes or refused in one line, and what was
//! lost is counted.

use super::open_stream;
use super::tests::{gzip, log, lz4, lzf, snappy, zip};
use crate::model::{Application, LossKind};
use crate::source::{Progress, SourceError};

/// Damaged logs for each codec.
const EACH: u64 = 400;

/// Steele, Lea and Flood's SplitMix64: enough to choose places with.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}

/// A log of some two hundred events, so that every codec has many blocks.
fn long_log() -> Vec<u8> {
    let log = log();
    let lines: Vec<&str> = log.lines().collect();
    let task = lines
        .iter()
        .position(|line| line.contains("SparkListenerTaskEnd"))
        .unwrap();
    let mut long: Vec<String> = lines[..task].iter().map(|line| (*line).to_owned()).collect();
    long.extend((10..210).map(|id| lines[task].replace("\"Task ID\":0", &format!("\"Task ID\":{id}"))));
    long.extend(lines[task..].iter().map(|line| (*line).to_owned()));
    (long.join("\n") + "\n").into_bytes()
}

fn packed(log: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let zstd = log.chunks(3_000).map(|part| zstd::encode_all(part, 3).unwrap());
    vec![
        ("log", log.to_vec()),
        ("log.zstd", zstd.collect::<Vec<_>>().concat()),
        ("log.gz", gzip(log)),
        ("log.lz4", lz4(log, 2_000)),
        ("log.snappy", snappy(log)),
        ("log.lzf", lzf(log)),
    ]
}

/// One damage of six kinds.
fn damage(bytes: &mut Vec<u8>, dice: &mut Dice) -> &'static str {
    let at = dice.below(bytes.len());
    let end = (at + 1 + dice.below(400)).min(bytes.len());
    match dice.below(6) {
        0 => {
            bytes[at] ^= 1 << dice.below(8);
            "a bit"
        }
        1 => {
            for _ in 0..8 {
                let at = dice.below(bytes.len());
                bytes[at] = dice.next() as u8;
            }
            "eight bytes"
        }
        2 => {
            bytes.truncate(at);
            "cut"
        }
        3 => {
            bytes.drain(at..end);
            "a hole"
        }
        4 => {
            let twice = bytes[at..end].to_vec();
            bytes.splice(at..at, twice);
            "a part twice"
        }
        _ => {
            bytes[at..end].fill(0);
            "zeros"
        }
    }
}

fn read(name: &str, bytes: &[u8]) -> Result<Application, SourceError> {
    open_stream(name, bytes.len() as u64, bytes, &Progress::default())
}

#[test]
fn damaged_logs_are_read_as_far_as_they_go() {
    let log = long_log();
    let whole = read("log", &log).unwrap();
    assert!(whole.losses.is_empty() && whole.task_count() > 200);
    let mut dice = Dice(20_261_125);
    for (name, sound) in packed(&log) {
        assert_eq!(read(name, &sound).unwrap(), whole, "{name}");
        let (mut opened, mut tasks) = (0, 0);
        for round in 0..EACH {
            let mut bytes = sound.clone();
            let what = damage(&mut bytes, &mut dice);
            match read(name, &bytes) {
                Ok(application) => {
                    opened += 1;
                    tasks += application.task_count();
                    assert!(
                        application.task_count() <= whole.task_count() + 400,
                        "{name} {round}: {what}"
                    );
                    // Of the codecs that carry a checksum no damage goes unseen.
                    let checked = matches!(name, "log.lz4" | "log.gz");
                    let same = application == whole;
                    assert!(
                        !checked || same || !application.losses.is_empty(),
                        "{name} {round}: {what}"
                    );
                    let details = application.losses.iter().map(|loss| loss.detail.as_str());
                    assert!(
                        details.clone().all(|detail| !detail.contains('\n')),
                        "{name} {round}: {what}"
                    );
                }
                Err(error) => assert!(!error.to_string().contains('\n'), "{name} {round}: {what}: {error}"),
            }
        }
        assert!(opened > EACH / 2, "{name}: only {opened} of {EACH} were read");
        // On average most of the application is there, whatever the damage.
        let share = tasks as f64 / (EACH as f64 * whole.task_count() as f64);
        let least = if name == "log.gz" { 0.3 } else { 0.55 };
        assert!(share > least, "{name}: {share:.2} of the tasks");
    }
}

/// The first byte of a chunk in the middle, behind its compressed length.
fn snappy_chunk(bytes: &[u8]) -> usize {
    let mut at = 16;
    while at < bytes.len() / 2 {
        let length: [u8; 4] = bytes[at..at + 4].try_into().unwrap();
        at += 4 + u32::from_be_bytes(length) as usize;
    }
    at + 4
}

#[test]
fn what_stands_behind_a_damaged_block_is_read() {
    let log = long_log();
    let whole = read("log", &log).unwrap();
    let all = whole.task_count();
    for (name, sound) in packed(&log) {
        if matches!(name, "log" | "log.gz") {
            continue;
        }
        let mut bytes = sound.clone();
        // These two have no checksum: damage shows where a chunk's own head is hit.
        let at = match name {
            "log.snappy" => snappy_chunk(&bytes),
            "log.lzf" => memchr::memmem::find(&bytes[bytes.len() / 2..], b"ZV\x01").unwrap() + bytes.len() / 2,
            _ => bytes.len() / 2,
        };
        bytes[at..at + 6].fill(0xFF);
        let application = read(name, &bytes).unwrap();
        assert!(application.end_ms.is_some(), "{name}: the end was read");
        let share = application.task_count() as f64 / all as f64;
        assert!(share > 0.6 && share < 1.0, "{name}: {share}");
        let damaged = application
            .losses
            .iter()
            .find(|loss| loss.kind == LossKind::Unreadable)
            .unwrap_or_else(|| panic!("{name}: {:?}", application.losses));
        assert!(
            damaged.detail.starts_with("damaged in one place, after line ")
                && damaged.detail.ends_with("what stands behind it was read"),
            "{}",
            damaged.detail
        );
        let broken = application.losses.iter().any(|loss| loss.kind == LossKind::BrokenLines);
        assert!(broken, "{name}: the lines at both ends of the gap are counted");
    }
}

#[test]
fn a_zip_is_never_read_past_its_damage_in_silence() {
    let log = long_log();
    let sound = zip(&[("app-1", &log)]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("logs.zip");
    let mut dice = Dice(7);
    let whole = read("log", &log).unwrap();
    for round in 0..EACH {
        let mut bytes = sound.clone();
        let what = damage(&mut bytes, &mut dice);
        std::fs::write(&path, &bytes).unwrap();
        let file = std::fs::File::open(&path).unwrap();
        match super::open_zip(file, &path, None, &Progress::default()) {
            Ok(application) => assert!(
                application.losses != whole.losses || application.stages == whole.stages,
                "{round}: {what}"
            ),
            Err(error) => assert!(!error.to_string().contains('\n'), "{round}: {what}: {error}"),
        }
    }
}
