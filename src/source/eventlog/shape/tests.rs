//! Both parsers held to the same answer.

use std::io::Read;
use std::path::PathBuf;

use super::super::codec::{self, Codec};
use super::super::event::Event;
use super::super::parse::parse;
use super::{END, START, Seen, Shapes};
use crate::source::lenient;

/// What both parsers say of a line.
fn both(shapes: &Shapes, line: &[u8]) -> (Option<String>, Option<String>) {
    let (mut room, mended) = (String::new(), lenient::mend(line));
    let text = std::str::from_utf8(line).unwrap_or(&mended);
    let general = parse(text, &mut room).ok().flatten();
    let fast = shapes.read(line).map(|seen| match seen {
        Seen::Start(start) => format!("{start:?}"),
        Seen::End(end) => format!("{end:?}"),
    });
    let general = general.map(|event| match event {
        Event::TaskStart(start) => format!("{start:?}"),
        Event::TaskEnd(end) => format!("{end:?}"),
        other => format!("{other:?}"),
    });
    (fast, general)
}

/// The lines of every fixture, a log each.
fn fixture_logs() -> Vec<Vec<Vec<u8>>> {
    let logs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/logs");
    let mut fixtures = Vec::new();
    for entry in walk(&logs) {
        let bytes = std::fs::read(&entry).unwrap();
        let mut plain = Vec::new();
        let codec = Codec::of_bytes(&bytes).unwrap_or(Codec::Plain);
        // Logs cut short give what they hold.
        let _ = codec::decode(codec, &bytes[..]).unwrap().read_to_end(&mut plain);
        fixtures.push(plain.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect());
    }
    fixtures
}

fn walk(folder: &std::path::Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] })
        .collect()
}

#[test]
fn both_parsers_agree_on_every_line_of_every_fixture() {
    let (mut fast_ones, mut ends) = (0, 0);
    for lines in fixture_logs() {
        // A log has one writer; what another's lines look like is learned anew.
        let mut shapes = Shapes::default();
        for line in lines.iter().filter(|line| line.len() < 100_000) {
            ends += usize::from(line.starts_with(END) || line.starts_with(START));
            if shapes.read(line).is_none() {
                shapes.learn(line);
            }
            let (fast, general) = both(&shapes, line);
            if fast.is_some() {
                fast_ones += 1;
                assert_eq!(fast, general, "{}", String::from_utf8_lossy(line));
            }
        }
    }
    assert!(
        fast_ones * 100 > ends * 95,
        "{fast_ones} of {ends} lines took the fast way"
    );
}

#[test]
fn both_parsers_agree_on_lines_gone_wrong() {
    let lines: Vec<Vec<u8>> = fixture_logs().into_iter().flatten().collect();
    let whole: Vec<&Vec<u8>> = lines
        .iter()
        .filter(|line| line.starts_with(END) || line.starts_with(START))
        .collect();
    // A fixed sequence of changes (xorshift): the same in every run.
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed % below.max(1) as u64).unwrap()
    };
    for turn in 0..2_000 {
        let mut shapes = Shapes::default();
        shapes.learn(whole[turn % whole.len()]);
        let mut line = whole[(turn + next(2)) % whole.len()].clone();
        let at = next(line.len());
        match next(5) {
            0 => line[at] = b"0-\"\\{}[],:e. \xff"[next(14)],
            1 => line.truncate(at),
            2 => drop(line.remove(at)),
            3 => line.insert(at, b"0-\"\\{}[],:e. \xff"[next(14)]),
            _ => line.extend_from_slice(b" }"),
        }
        let (fast, general) = both(&shapes, &line);
        // What stands in the accumulables is not looked at by either; a general parser that refuses has the last word elsewhere.
        if let Some(fast) = fast {
            assert_eq!(Some(fast), general, "{}", String::from_utf8_lossy(&line));
        }
    }
}
