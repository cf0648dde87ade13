//! Whole logs from files: every codec, and every way in which a log can be bad.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::lines::Limits;
use super::{list, open, open_zip_within};
use crate::model::{Application, ApplicationStatus, LossKind, StageKey};
use crate::source::store::Files;
use crate::source::{Progress, SourceError};

/// A small log, one event a line, with two tasks.
pub(super) fn log() -> String {
    let info = r#"{"Stage ID":0,"Stage Attempt ID":0,"Stage Name":"s","Number of Tasks":2,"RDD Info":[],"Submission Time":20}"#;
    let task = |event: &str, id: u64, rest: &str| {
        format!(
            r#"{{"Event":"SparkListenerTask{event}","Stage ID":0,"Stage Attempt ID":0,"Task Info":{{"Task ID":{id},"Index":{id},"Attempt":0,"Launch Time":30,"Executor ID":"1","Host":"h","Locality":"ANY","Finish Time":{}}}{rest}}}"#,
            if rest.is_empty() { 0 } else { 50 }
        )
    };
    let ended = r#","Task End Reason":{"Reason":"Success"},"Task Metrics":{"Executor Run Time":5}"#;
    [
        r#"{"Event":"SparkListenerLogStart","Spark Version":"4.0.1"}"#.to_owned(),
        r#"{"Event":"SparkListenerApplicationStart","App Name":"n","App ID":"app-1","Timestamp":10,"User":"u"}"#
            .to_owned(),
        format!(r#"{{"Event":"SparkListenerJobStart","Job ID":0,"Submission Time":15,"Stage Infos":[{info}]}}"#),
        format!(r#"{{"Event":"SparkListenerStageSubmitted","Stage Info":{info}}}"#),
        task("Start", 0, ""),
        task("Start", 1, ""),
        task("End", 0, ended),
        task("End", 1, ended),
        format!(r#"{{"Event":"SparkListenerStageCompleted","Stage Info":{info}}}"#),
        r#"{"Event":"SparkListenerJobEnd","Job ID":0,"Completion Time":60,"Job Result":{"Result":"JobSucceeded"}}"#
            .to_owned(),
        r#"{"Event":"SparkListenerApplicationEnd","Timestamp":70}"#.to_owned(),
        String::new(),
    ]
    .join("\n")
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn read(path: &Path) -> Application {
    open(&Files, path, None, None, &Progress::default()).unwrap()
}

fn refusal(path: &Path) -> String {
    open(&Files, path, None, None, &Progress::default())
        .unwrap_err()
        .to_string()
}

fn lost(application: &Application) -> Vec<(LossKind, u64)> {
    application.losses.iter().map(|loss| (loss.kind, loss.count)).collect()
}

fn tasks(application: &Application) -> usize {
    application
        .stage(StageKey { id: 0, attempt: 0 })
        .map_or(0, |stage| stage.tasks.len())
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// As lz4-java writes it, in blocks of `size`, an end mark after each stream.
pub(super) fn lz4(bytes: &[u8], size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for plain in bytes.chunks(size).chain([&[][..]]) {
        let packed = lz4_flex::block::compress(plain);
        let hash = twox_hash::XxHash32::oneshot(0x9747_b28c, plain) & 0x0FFF_FFFF;
        let (method, body) = if packed.len() < plain.len() {
            (0x25, packed.as_slice())
        } else {
            (0x15, plain)
        };
        out.extend_from_slice(b"LZ4Block");
        out.push(method);
        for number in [
            body.len() as u32,
            plain.len() as u32,
            if plain.is_empty() { 0 } else { hash },
        ] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(body);
    }
    out
}

pub(super) fn snappy(bytes: &[u8]) -> Vec<u8> {
    let mut out = b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01".to_vec();
    for plain in bytes.chunks(500) {
        let packed = snap::raw::Encoder::new().compress_vec(plain).unwrap();
        out.extend_from_slice(&u32::try_from(packed.len()).unwrap().to_be_bytes());
        out.extend_from_slice(&packed);
    }
    out
}

/// Literals alone but for a back reference at the end of each chunk, which repeats its last byte.
pub(super) fn lzf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for plain in bytes.chunks(300) {
        let mut packed = Vec::new();
        for literal in plain.chunks(32) {
            packed.push(literal.len() as u8 - 1);
            packed.extend_from_slice(literal);
        }
        out.extend_from_slice(b"ZV\x01");
        out.extend_from_slice(&(packed.len() as u16).to_be_bytes());
        out.extend_from_slice(&(plain.len() as u16).to_be_bytes());
        out.extend_from_slice(&packed);
    }
    out
}

pub(super) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn every_codec_gives_the_same_application() {
    let folder = Folder::new();
    let log = log();
    let log = log.as_bytes();
    let whole = read(&folder.file("app-1", log));
    assert_eq!(
        (whole.status, tasks(&whole), whole.losses.len()),
        (ApplicationStatus::Completed, 2, 0)
    );
    let (first, second) = log.split_at(700);
    let zstd = |bytes| zstd::encode_all(bytes, 3).unwrap();
    let files: [(&str, Vec<u8>); 9] = [
        ("two-frames.zstd", [zstd(first), zstd(second)].concat()),
        ("no-suffix", zstd(log)),
        ("lying.zstd", log.to_vec()),
        ("two-members.gz", [gzip(first), gzip(second)].concat()),
        ("one.lz4", lz4(log, 32 << 10)),
        ("two-streams.lz4", [lz4(first, 90), lz4(second, 200)].concat()),
        ("two-streams.snappy", [snappy(first), snappy(second)].concat()),
        ("chunks.lzf", lzf(log)),
        (
            "crlf-bom",
            format!("\u{feff}{}", String::from_utf8_lossy(log).replace('\n', "\r\n")).into_bytes(),
        ),
    ];
    for (name, bytes) in files {
        assert_eq!(read(&folder.file(name, bytes)), whole, "{name}");
    }
}

#[test]
fn zstd_s_odd_frames_are_read_or_refused() {
    let folder = Folder::new();
    let whole = read(&folder.file("app-1", log()));
    let packed = zstd::encode_all(log().as_bytes(), 3).unwrap();
    // A skippable frame of three bytes, between two frames and at the front.
    let skipped = b"\x50\x2A\x4D\x18\x03\0\0\0xyz";
    let text = log();
    let (first, second) = text.split_at(900);
    let parts = [first, second].map(|part| zstd::encode_all(part.as_bytes(), 3).unwrap());
    let between = [skipped.as_slice(), &parts[0], skipped, skipped, &parts[1]].concat();
    assert_eq!(read(&folder.file("skippable.zstd", between)), whole);
    // A window of 2 GiB (`--ultra --long=31`) costs nothing but its own frame.
    let window = b"\x28\xB5\x2F\xFD\x00\xA8\x01\0\0";
    assert!(refusal(&folder.file("long.zstd", window)).contains("a zstd window above 128 MiB"));
    let application = read(&folder.file("long-first.zstd", [window.as_slice(), &packed].concat()));
    assert!(application.losses[0].detail.contains("a zstd window above 128 MiB"));
    assert_eq!(tasks(&application), 2);
    // A frame that wants a dictionary: id 7.
    let dictionary = b"\x28\xB5\x2F\xFD\x01\x58\x07\x01\0\0";
    assert!(refusal(&folder.file("dictionary.zstd", dictionary)).contains("damaged zstd data"));
}

#[test]
fn lzf_undoes_references_that_overlap() {
    // "ab", then eight bytes from two back.
    let chunk = b"ZV\x01\x00\x05\x00\x0A\x01ab\xC0\x01";
    let mut plain = String::new();
    let mut reader = super::codec::decode(super::codec::Codec::Lzf, &chunk[..]).unwrap();
    std::io::Read::read_to_string(&mut reader, &mut plain).unwrap();
    assert_eq!(plain, "ababababab");
}

#[test]
fn a_log_cut_anywhere_keeps_what_came_before() {
    let folder = Folder::new();
    let log = log();
    for cut in (420..log.len() - 1).step_by(37) {
        let application = read(&folder.file("cut", &log[..cut]));
        assert_eq!(application.id, "app-1");
        assert_eq!(application.status, ApplicationStatus::Incomplete, "{cut}");
        assert_eq!(lost(&application), [(LossKind::InProgress, 1)]);
        let at_line_end = log[..cut].ends_with('}') || log[..cut].ends_with('\n');
        let told = application.losses[0].detail.contains("in the middle of a line");
        assert!(told || at_line_end, "{cut}");
    }
    let log = log.as_bytes();
    let blocks: [(&str, Vec<u8>); 4] = [
        ("cut.lz4", lz4(log, 100)),
        ("cut.snappy", snappy(log)),
        ("cut.lzf", lzf(log)),
        (
            "cut.zstd",
            [
                zstd::encode_all(&log[..900], 3).unwrap(),
                zstd::encode_all(&log[900..], 3).unwrap(),
            ]
            .concat(),
        ),
    ];
    for (name, bytes) in blocks {
        let bytes = &bytes[..bytes.len() - if name == "cut.lz4" { 80 } else { 5 }];
        let application = read(&folder.file(name, bytes));
        assert_eq!(lost(&application), [(LossKind::InProgress, 1)], "{name}");
        let detail = &application.losses[0].detail;
        assert!(detail.contains("in the middle of a compressed block"), "{detail}");
        assert_eq!(application.name, "n", "{name}");
    }
}

#[test]
fn a_part_cut_short_before_the_end_is_a_loss() {
    let folder = Folder::new();
    let log = log();
    let lines: Vec<&str> = log.lines().collect();
    let first = zstd::encode_all(lines[..6].join("\n").as_bytes(), 3).unwrap();
    folder.file("eventlog_v2_app-1/events_1_app-1.zstd", &first[..first.len() - 4]);
    folder.file("eventlog_v2_app-1/events_2_app-1", lines[6..].join("\n"));
    let application = read(&folder.0.path().join("eventlog_v2_app-1"));
    assert_eq!(lost(&application)[0], (LossKind::CutShort, 1));
    assert_eq!(tasks(&application), 2);
}

#[test]
fn damage_is_named_and_what_came_before_is_kept() {
    let folder = Folder::new();
    let log = log();
    let mut packed = lz4(log.as_bytes(), 600);
    let second = memchr::memmem::find(&packed[8..], b"LZ4Block").unwrap() + 8;
    packed[second + 30] ^= 0xFF;
    let application = read(&folder.file("bad.lz4", &packed));
    let loss = application
        .losses
        .iter()
        .find(|loss| loss.kind == LossKind::Unreadable)
        .unwrap();
    assert!(loss.detail.contains("block 2"), "{}", loss.detail);
    packed[second + 13..second + 17].copy_from_slice(&0x7FFF_FFFF_u32.to_le_bytes());
    let application = read(&folder.file("huge.lz4", &packed));
    assert!(application.losses.iter().any(|loss| loss.detail.contains("32 MiB")));
    assert!(refusal(&folder.file("bad.zstd", b"\x28\xB5\x2F\xFDgarbage garbage")).contains("damaged zstd data"));
}

#[test]
fn bad_lines_are_skipped_and_counted() {
    let folder = Folder::new();
    let deep = format!(
        "{{\"Event\":\"SparkListenerTaskEnd\",\"Stage ID\":{}{}}}",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let log = log();
    let mut lines: Vec<&[u8]> = log.lines().map(str::as_bytes).collect();
    let good = read(&folder.file("good", &log));
    for (at, line) in [
        (3, &b"garbage"[..]),
        (5, deep.as_bytes()),
        (6, b"\xff\xfe\x00"),
        (7, b"{\"Event\":\"Unknown\"}"),
        (9, b""),
    ] {
        lines.insert(at, line);
    }
    let mut application = read(&folder.file("bad", lines.join(&b'\n')));
    assert_eq!(lost(&application), [(LossKind::BrokenLines, 3)]);
    let detail = &application.losses[0].detail;
    assert!(
        detail.contains("3 lines were") && detail.contains("line 4 of bad"),
        "{detail}"
    );
    application.losses.clear();
    assert_eq!(application, good);
}

#[test]
fn text_that_is_no_utf_8_is_read_with_replacements() {
    let folder = Folder::new();
    let log = log().replace("\"App Name\":\"n\"", "\"App Name\":\"n\\ud800~\"");
    let at = log.find('~').unwrap();
    let mut bytes = log.into_bytes();
    bytes[at] = 0xFF;
    let application = read(&folder.file("latin", bytes));
    assert_eq!(
        (application.name.as_str(), application.losses.len()),
        ("n\u{fffd}\u{fffd}", 0)
    );
}

#[test]
fn what_holds_no_application_is_refused_in_one_line() {
    let folder = Folder::new();
    assert!(refusal(&folder.file("empty", "")).ends_with("the file is empty: there is no application in it"));
    assert!(refusal(&folder.file("text", "hello\nworld\n")).contains("not an event log"));
    let json = "{\n  \"a\": 1,\n  \"b\": {}\n}";
    assert!(refusal(&folder.file("json/other.json", json)).contains("not an event log"));
    assert!(refusal(&folder.0.path().join("json")).ends_with("a directory with no event log in it"));
    assert!(refusal(&folder.file("near.json", "{\"a\":\"Event\"}\n{")).contains("no line of it is a Spark event"));
    assert!(refusal(&folder.file("start", log().lines().next().unwrap())).contains("no application in this log"));
    assert!(refusal(&folder.file("no.zip", "PK\x03\x04 not really")).contains("not a whole zip"));
    assert!(refusal(&folder.file("empty.zip", zip(&[]))).contains("an empty zip"));
}

#[test]
fn a_zip_is_read_whatever_its_entries_are_called() {
    let folder = Folder::new();
    let log = log();
    let (first, second) = log
        .as_bytes()
        .split_at(log.find("{\"Event\":\"SparkListenerTask").unwrap());
    let whole = read(&folder.file("whole", &log));
    let single = read(&folder.file("single.zip", zip(&[("../../escape", log.as_bytes())])));
    assert_eq!(single, whole);
    let second = zstd::encode_all(second, 3).unwrap();
    let entries: [(&str, &[u8]); 3] = [
        ("eventlog_v2_app-1/events_2_app-1.zstd", &second),
        ("eventlog_v2_app-1/appstatus_app-1", b""),
        ("eventlog_v2_app-1/events_1_app-1", first),
    ];
    assert_eq!(read(&folder.file("rolling.zip", zip(&entries))), whole);
    let mut cut = zip(&[("app-1", log.as_bytes())]);
    cut[60] ^= 0xFF;
    let damaged = open(
        &Files,
        &folder.file("damaged.zip", cut),
        None,
        None,
        &Progress::default(),
    );
    assert!(!matches!(damaged, Ok(application) if application.losses.is_empty()));
}

#[test]
fn a_zip_bomb_is_given_up() {
    let folder = Folder::new();
    let limits = Limits {
        total: 1 << 20,
        line: 1 << 16,
        entries: 2,
    };
    let open = |path: PathBuf| {
        let file = fs::File::open(&path).unwrap();
        open_zip_within(limits, file, &path, None, &Progress::default())
    };
    let bomb = [log().as_bytes(), &vec![b' '; 4 << 20]].concat();
    let application = open(folder.file("bomb.zip", zip(&[("app-1", &bomb)]))).unwrap();
    assert!(
        application
            .losses
            .iter()
            .any(|loss| loss.detail.contains("more than 1048576 decompressed bytes"))
    );
    let many = open(folder.file("many.zip", zip(&[("a", b""), ("b", b""), ("c", b"")]))).unwrap_err();
    assert!(many.to_string().contains("a zip of 3 entries"), "{many}");
}

#[test]
fn a_rolling_log_with_a_hole_says_so() {
    let folder = Folder::new();
    let log = log();
    let lines: Vec<&str> = log.lines().collect();
    folder.file("eventlog_v2_app-1/events_1_app-1", lines[..6].join("\n"));
    folder.file("eventlog_v2_app-1/events_10_app-1", lines[8..].join("\n"));
    folder.file(
        "eventlog_v2_app-1/events_9_app-1",
        format!("{}\n", lines[6..8].join("\n")),
    );
    folder.file("eventlog_v2_app-1/.events_1_app-1.crc", "crc");
    let application = read(&folder.0.path().join("eventlog_v2_app-1"));
    assert_eq!(lost(&application), [(LossKind::MissingFiles, 7)]);
    assert_eq!((tasks(&application), application.end_ms), (2, Some(70)));
}

#[test]
fn a_log_that_ended_meanwhile_is_found_under_its_new_name() {
    let folder = Folder::new();
    let ended = read(&folder.file("app-1.zstd", zstd::encode_all(log().as_bytes(), 3).unwrap()));
    assert_eq!(read(&folder.0.path().join("app-1.zstd.inprogress")), ended);
    assert!(refusal(&folder.0.path().join("app-2.inprogress")).ends_with("no such file or directory"));
}

#[test]
fn a_directory_of_logs_is_a_list() {
    let folder = Folder::new();
    let log = log();
    folder.file("app-1", &log);
    let second = log
        .replace("\"App ID\":\"app-1\"", "\"App ID\":\"app-2\",\"App Attempt ID\":\"2\"")
        .replace(":10,", ":11,");
    folder.file("app-2_2.zstd", zstd::encode_all(second.as_bytes(), 3).unwrap());
    let running = &log[..log.find("{\"Event\":\"SparkListenerTask").unwrap()].replace("app-1", "app-3");
    folder.file("eventlog_v2_app-3/events_1_app-3", running);
    folder.file("eventlog_v2_app-3/appstatus_app-3.inprogress", "");
    folder.file("notes.txt", "not a log");
    folder.file("stub", "{\"Event\":\"SparkListenerLogStart\"}\n");
    let listing = list(&Files, folder.0.path(), None, &Progress::default()).unwrap();
    let seen: Vec<(&str, Option<&str>, Option<i64>)> = listing
        .applications
        .iter()
        .map(|entry| {
            (
                entry.id.as_str(),
                entry.attempts[0].attempt.as_deref(),
                entry.attempts[0].end_ms,
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("app-2", Some("2"), Some(70)),
            ("app-1", None, Some(70)),
            ("app-3", None, None)
        ]
    );
    assert_eq!(
        listing
            .losses
            .iter()
            .map(|loss| (loss.kind, loss.count))
            .collect::<Vec<_>>(),
        [(LossKind::Unreadable, 1)]
    );
    let open = |id, attempt| open(&Files, folder.0.path(), id, attempt, &Progress::default());
    assert_eq!(open(Some("app-2"), Some("2")).unwrap().attempt.as_deref(), Some("2"));
    assert!(matches!(
        open(Some("app-2"), Some("1")),
        Err(SourceError::Application(_))
    ));
    assert!(matches!(open(None, None), Err(SourceError::Application(_))));
}

#[test]
fn a_load_tells_its_progress() {
    let folder = Folder::new();
    let progress = Progress::default();
    open(&Files, &folder.file("app-1", log()), None, None, &progress).unwrap();
    let seen = progress.seen();
    assert_eq!((seen.events, seen.tasks, seen.what.as_str()), (11, 2, "app-1"));
    assert_eq!((seen.bytes, seen.total_bytes), (log().len() as u64, log().len() as u64));
}
