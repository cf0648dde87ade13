//! Whether a log's last bytes hold its application's end. Compressed logs are entered near their end: Spark closes a zstd frame at each
//! flush, and blocks of lz4-java and compress-lzf stand alone. Called for a list; reads at most one piece of the file, unless that is small.

use std::io::{self, ErrorKind, Read};

use super::codec::{self, Codec};
use super::event::Event;
use super::parse::parse;

/// Bytes of a log's end that are looked at.
pub(super) const TAIL: u64 = 64 << 10;

/// Decompressed bytes at a log's end in which its application's end stands, if anywhere.
const PLAIN: usize = 64 << 10;

/// Logs up to this size that cannot be entered near their end are read through; of larger ones the file's time is taken.
pub(super) const READ_THROUGH: u64 = 1 << 20;

/// What a log's last bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The application ended then, epoch ms.
    At(i64),
    /// It did not end.
    Open,
    /// They tell nothing: all of the log would have to be read.
    Unknown,
}

/// What the last bytes of a log tell.
pub(super) fn of_tail(codec: Codec, tail: &[u8]) -> Ending {
    let mark: &[&[u8]] = match codec {
        Codec::Plain => return of_plain(tail),
        Codec::Zstd => &[&[0x28, 0xB5, 0x2F, 0xFD]],
        Codec::Lz4 => &[b"LZ4Block"],
        Codec::Lzf => &[b"ZV\x01", b"ZV\x00"],
        Codec::Snappy | Codec::Gzip | Codec::Zip => return Ending::Unknown,
    };
    let mut seen = Ending::Unknown;
    let mut upto = tail.len();
    loop {
        let before = tail.get(..upto).unwrap_or_default();
        let Some(at) = mark.iter().filter_map(|mark| memchr::memmem::rfind(before, mark)).max() else {
            return seen;
        };
        upto = at;
        let Some(plain) = decoded(codec, tail.get(at..).unwrap_or_default()) else {
            // The mark stood there by chance, inside other data.
            continue;
        };
        match of_plain(&plain) {
            Ending::At(time) => return Ending::At(time),
            // Its last line may begin further in front.
            Ending::Open if plain.len() < PLAIN => seen = Ending::Open,
            Ending::Open => return Ending::Open,
            Ending::Unknown => {}
        }
    }
}

/// What a whole log's bytes tell, read to their end.
pub(super) fn of_all(mut plain: impl Read) -> Ending {
    let (mut last, mut now) = (Vec::new(), Vec::new());
    loop {
        let read = (&mut plain).take(PLAIN as u64).read_to_end(&mut now);
        // Of a damaged log, what stands before the damage.
        if !matches!(read, Ok(n) if n > 0) {
            last.extend_from_slice(&now);
            return of_plain(&last);
        }
        if now.len() >= PLAIN {
            last = std::mem::take(&mut now);
        }
    }
}

fn of_plain(tail: &[u8]) -> Ending {
    let text = String::from_utf8_lossy(tail);
    let mut ends = text
        .lines()
        .rev()
        .filter(|line| line.contains("SparkListenerApplicationEnd"));
    let time = ends.find_map(|line| match parse(line, &mut String::new()) {
        Ok(Some(Event::ApplicationEnd(event))) => event.time,
        _ => None,
    });
    match time {
        Some(time) => Ending::At(time),
        None if tail.is_empty() => Ending::Unknown,
        None => Ending::Open,
    }
}

/// What is packed in the bytes from a mark on; `None` where that is no data of this codec.
fn decoded(codec: Codec, packed: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    let mut decoder = codec::decode(codec, packed).ok()?;
    // Enough for any end; a frame that holds more is no use here.
    let read: io::Result<usize> = (&mut decoder).take(64 * PLAIN as u64).read_to_end(&mut plain);
    match read {
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => None,
        _ => Some(plain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: &str = r#"{"Event":"SparkListenerApplicationEnd","Timestamp":70}"#;

    fn frames(lines: &[&str]) -> Vec<u8> {
        let frame = |line: &&str| zstd::encode_all(format!("{line}\n").as_bytes(), 3).unwrap();
        lines.iter().flat_map(frame).collect()
    }

    #[test]
    fn the_end_is_found_in_the_last_frames() {
        let log = frames(&["{\"Event\":\"a\"}", END, ""]);
        for tail in [&log[..], &log[5..]] {
            assert_eq!(of_tail(Codec::Zstd, tail), Ending::At(70));
        }
        assert_eq!(of_tail(Codec::Zstd, &frames(&["{\"Event\":\"a\"}"])), Ending::Open);
    }

    #[test]
    fn a_mark_inside_other_data_misleads_nobody() {
        let noise = format!("{{\"Event\":\"a\",\"x\":\"\u{28}\"}}\n{END}\n");
        let mut log = frames(&["{\"Event\":\"b\"}", &noise]);
        log.extend_from_slice(&[0x28, 0xB5, 0x2F, 0xFD, 0xFF, 0xFF, 0xFF]);
        assert!(matches!(of_tail(Codec::Zstd, &log), Ending::At(70) | Ending::Unknown));
        // From the middle of one frame that goes to the end, nothing can be told.
        let one = zstd::encode_all(END.repeat(2_000).as_bytes(), 3).unwrap();
        assert_eq!(of_tail(Codec::Zstd, &one[5..]), Ending::Unknown);
    }

    #[test]
    fn a_plain_end_is_a_whole_line() {
        assert_eq!(of_tail(Codec::Plain, END.as_bytes()), Ending::At(70));
        assert_eq!(of_tail(Codec::Plain, &END.as_bytes()[..40]), Ending::Open);
        assert_eq!(of_tail(Codec::Plain, b""), Ending::Unknown);
        assert_eq!(
            of_all(format!("{}{END}\n", "x\n".repeat(90_000)).as_bytes()),
            Ending::At(70)
        );
    }
}
