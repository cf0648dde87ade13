//! The pipeline: one thread decompresses and cuts the log at line ends while the caller parses. Blocks of many lines pass through a
//! bounded channel and come back to be filled again: no allocation per line, memory bounded whatever the log. Knows no JSON.

use std::io::{self, BufRead, ErrorKind, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use super::codec::{self, Codec, Plain};
use crate::source::{Progress, SourceError};

/// Bytes that a block holds unless a line is longer.
const BLOCK: usize = 1 << 20;

/// Blocks under way between the two threads.
const AHEAD: usize = 4;

/// A line is skipped up to so many times the limit; what has no line feed by then is no log (`/dev/zero` on standard input).
const ENDLESS: u64 = 16;
/// How often a log that is still written is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// What a log may cost at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The longest line kept; a longer one is skipped and counted.
    pub line: usize,
    /// Decompressed bytes of the whole log.
    pub total: u64,
    /// Entries of a zip.
    pub entries: usize,
}

impl Default for Limits {
    /// Lines of 256 MiB (plans reach tens of megabytes), 4 TiB in all, 10,000 entries.
    fn default() -> Self {
        Limits {
            line: 256 << 20,
            total: 4 << 40,
            entries: 10_000,
        }
    }
}

/// What comes out of the pipeline, in the order of the log.
pub(super) enum Piece {
    /// Another file of the log begins.
    File(String),
    /// Whole lines.
    Lines(Block),
    /// A line longer than the limit stood here.
    TooLong,
    /// The file is damaged here and goes on behind it; the lines at both ends of the gap are broken.
    Damaged(io::Error),
    /// All that has been written so far has been handed out; more may come.
    CaughtUp,
    /// The file ends; here is what followed its last line feed, and why it ends if not well.
    End {
        /// An unfinished line, or a last line without a line feed.
        rest: Vec<u8>,
        /// `UnexpectedEof`: cut short; other kinds: damaged or unreadable.
        error: Option<io::Error>,
    },
}

/// Lines of a log. Their ends are looked for where they were decompressed, as that leaves more time to whoever reads them.
#[derive(Default)]
pub(super) struct Block {
    text: Vec<u8>,
    /// Places of the line feeds in the text.
    ends: Vec<usize>,
}

impl Block {
    /// Its lines, without their line feeds.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().map(|end| end + 1));
        starts
            .zip(&self.ends)
            .map(|(start, end)| self.text.get(start..*end).unwrap_or_default())
    }

    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// Finds the line ends from a place on.
    fn look(&mut self, from: usize) {
        let new = self.text.get(from..).unwrap_or_default();
        self.ends.extend(memchr::memchr_iter(b'\n', new).map(|at| from + at));
    }
}

/// The reading end of the pipeline, in its own thread.
pub(super) struct Feed<'a> {
    forth: SyncSender<Piece>,
    back: Receiver<Block>,
    progress: &'a Progress,
    limits: Limits,
    total: u64,
}

/// Runs `read` in a thread of its own and hands each piece to `take`, which may keep nothing of it.
///
/// # Errors
/// What `read` or `take` answers, and [`SourceError::Cancelled`].
pub(super) fn run<R, T>(progress: &Progress, limits: Limits, read: R, mut take: T) -> Result<(), SourceError>
where
    R: FnOnce(&mut Feed<'_>) -> Result<(), SourceError> + Send,
    T: FnMut(&Piece) -> Result<(), SourceError>,
{
    let (forth, pieces) = sync_channel(AHEAD);
    let (spent, back): (Sender<Block>, _) = channel();
    thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut feed = Feed {
                forth,
                back,
                progress,
                limits,
                total: 0,
            };
            read(&mut feed)
        });
        let mut taken = Ok(());
        for piece in &pieces {
            taken = progress.check().and_then(|()| take(&piece));
            if taken.is_err() {
                break;
            }
            if let Piece::Lines(block) = piece {
                // The reader may have ended already; then nobody needs the block.
                let _ = spent.send(block);
            }
        }
        // The reader's next send fails now, if it still reads.
        drop(pieces);
        let read = reader.join().unwrap_or_else(|_| {
            Err(SourceError::Application(
                "reading the event log failed inside skewer".into(),
            ))
        });
        taken.and(read)
    })
}

impl Feed<'_> {
    /// Sends one file of the log through. `name` is its name for messages, and the fallback for its codec.
    ///
    /// # Errors
    /// Only where the load is to stop; what is wrong with the file goes along as [`Piece::End`].
    pub(super) fn file(&mut self, name: &str, source: impl BufRead) -> Result<(), SourceError> {
        self.send(Piece::File(name.to_owned()))?;
        let mut source = Counted {
            inner: source,
            progress: self.progress,
        };
        let head = match fill(&mut source) {
            Ok(head) => head,
            Err(error) => return self.end(Vec::new(), Some(error)),
        };
        let codec = Codec::of_bytes(head)
            .or_else(|| Codec::of_name(name))
            .unwrap_or(Codec::Plain);
        match codec::decode(codec, source) {
            Ok(plain) => self.lines(plain),
            Err(error) => self.end(Vec::new(), Some(error)),
        }
    }

    /// Notes a part of the log that could not even be opened.
    ///
    /// # Errors
    /// Where the load is to stop.
    pub(super) fn unreadable(&mut self, name: &str, error: io::Error) -> Result<(), SourceError> {
        self.send(Piece::File(name.to_owned()))?;
        self.end(Vec::new(), Some(error))
    }

    fn lines(&mut self, mut plain: Box<dyn Plain + '_>) -> Result<(), SourceError> {
        let mut block = self.block();
        let (mut skipping, mut skipped) = (false, 0);
        loop {
            let before = block.text.len();
            // A long line doubles its block, up to one byte past the limit.
            let room = if before < BLOCK {
                BLOCK - before
            } else {
                before.min((self.limits.line + 1).saturating_sub(before)).max(1)
            };
            let mut caught_up = false;
            let error = match (&mut plain).take(room as u64).read_to_end(&mut block.text) {
                Ok(0) => return self.end(block.text, None),
                Ok(_) => None,
                // A log that is still written, and followed ([`super::tail`]).
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    caught_up = true;
                    None
                }
                Err(error) => Some(error),
            };
            let read = block.text.len() - before;
            self.total += read as u64;
            if skipping {
                match memchr::memchr(b'\n', &block.text) {
                    Some(at) => {
                        block.text.drain(..=at);
                        skipping = false;
                    }
                    None => block.clear(),
                }
                skipped += read as u64;
                block.look(0);
            } else {
                block.look(before);
            }
            if let Some(at) = block.ends.last() {
                let mut next = self.block();
                next.text
                    .extend_from_slice(block.text.get(at + 1..).unwrap_or_default());
                self.send(Piece::Lines(block))?;
                block = next;
            } else if block.text.len() > self.limits.line {
                self.send(Piece::TooLong)?;
                block = self.block();
                (skipping, skipped) = (true, 0);
            }
            match error {
                None => {}
                Some(error) if error.kind() == ErrorKind::InvalidData && matches!(plain.resume(), Ok(true)) => {
                    block = self.gap(block, error)?;
                    skipping = false;
                }
                error => return self.end(block.text, error),
            }
            if skipping && skipped > ENDLESS * self.limits.line as u64 {
                let why = "a line without an end: this is no event log";
                return self.end(block.text, Some(io::Error::new(ErrorKind::InvalidData, why)));
            }
            if self.total > self.limits.total {
                let why = format!("more than {} decompressed bytes: refused", self.limits.total);
                return self.end(block.text, Some(io::Error::new(ErrorKind::InvalidData, why)));
            }
            if caught_up {
                self.send(Piece::CaughtUp)?;
                self.progress.rest(LOOK)?;
            }
            self.progress.check()?;
        }
    }

    /// Sends what stood before a damaged place, an unfinished line included, and the damage; gives the next block.
    fn gap(&mut self, mut block: Block, error: io::Error) -> Result<Block, SourceError> {
        if !block.text.is_empty() {
            block.ends.push(block.text.len());
            self.send(Piece::Lines(block))?;
        }
        self.send(Piece::Damaged(error))?;
        Ok(self.block())
    }

    fn block(&mut self) -> Block {
        let mut block = self.back.try_recv().unwrap_or_default();
        block.clear();
        if block.text.capacity() > 2 * BLOCK {
            // One long line must not keep its room for the rest of the log.
            block = Block::default();
        }
        block.text.reserve(BLOCK);
        block
    }

    fn end(&mut self, rest: Vec<u8>, error: Option<io::Error>) -> Result<(), SourceError> {
        self.send(Piece::End { rest, error })
    }

    fn send(&mut self, piece: Piece) -> Result<(), SourceError> {
        self.progress.check()?;
        // Nobody listens any more when the replay stopped on its own; its reason is what the caller hears.
        self.forth.send(piece).map_err(|_| SourceError::Cancelled)
    }
}

/// The first bytes of a source, as many as it has at hand.
pub(super) fn fill(source: &mut impl BufRead) -> io::Result<&[u8]> {
    while let Err(error) = source.fill_buf() {
        if error.kind() != ErrorKind::Interrupted {
            return Err(error);
        }
    }
    source.fill_buf()
}

/// Counts what is read towards the progress.
struct Counted<'a, R> {
    inner: R,
    progress: &'a Progress,
}

impl<R: BufRead> Read for Counted<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.progress.add_bytes(n as u64);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Counted<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.progress.add_bytes(n as u64);
        self.inner.consume(n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every line, `!` for one too long, and the rest with whether it ended in an error.
    fn pieces(limits: Limits, bytes: &[u8]) -> (Vec<String>, String, Option<io::ErrorKind>) {
        let (mut lines, mut last, mut kind) = (Vec::new(), String::new(), None);
        run(
            &Progress::default(),
            limits,
            |feed| feed.file("log", bytes),
            |piece| {
                match piece {
                    Piece::File(_) => {}
                    Piece::Lines(block) => {
                        lines.extend(block.lines().map(|line| String::from_utf8_lossy(line).into_owned()));
                    }
                    Piece::TooLong => lines.push("!".into()),
                    Piece::Damaged(_) => lines.push("?".into()),
                    Piece::CaughtUp => {}
                    Piece::End { rest, error } => {
                        last = String::from_utf8_lossy(rest).into_owned();
                        kind = error.as_ref().map(io::Error::kind);
                    }
                }
                Ok(())
            },
        )
        .unwrap();
        (lines, last, kind)
    }

    #[test]
    fn lines_survive_the_ends_of_blocks() {
        let log: String = (0..120_000).map(|n| format!("{{line {n}}}\n")).collect();
        let (lines, rest, kind) = pieces(Limits::default(), format!("{log}{{half").as_bytes());
        assert_eq!(lines.len(), 120_000);
        assert_eq!(lines[98_765], "{line 98765}");
        assert_eq!((rest.as_str(), kind), ("{half", None));
    }

    #[test]
    fn a_line_over_the_limit_is_left_out_and_the_next_is_read() {
        let limits = Limits {
            line: 2 * BLOCK,
            ..Limits::default()
        };
        let log = format!("{{a\n{}\n{{b\n", "x".repeat(5 * BLOCK));
        let (lines, rest, _) = pieces(limits, log.as_bytes());
        assert_eq!((lines, rest.as_str()), (vec!["{a".into(), "!".into(), "{b".into()], ""));
    }

    #[test]
    fn a_line_without_an_end_is_given_up() {
        let limits = Limits {
            line: BLOCK,
            ..Limits::default()
        };
        let endless = io::BufReader::new(io::repeat(b'x'));
        let (mut too_long, mut kind) = (0, None);
        run(
            &Progress::default(),
            limits,
            |feed| feed.file("zero", endless),
            |piece| {
                match piece {
                    Piece::TooLong => too_long += 1,
                    Piece::End { error, .. } => kind = error.as_ref().map(io::Error::kind),
                    _ => {}
                }
                Ok(())
            },
        )
        .unwrap();
        assert_eq!((too_long, kind), (1, Some(io::ErrorKind::InvalidData)));
    }

    #[test]
    fn a_cut_frame_gives_what_it_held_and_says_so() {
        let text: Vec<u8> = (0..90_000).flat_map(|n| format!("{{{n}}}\n").into_bytes()).collect();
        let packed = zstd::encode_all(&*text, 3).unwrap();
        let (lines, _, kind) = pieces(Limits::default(), &packed[..packed.len() - 9]);
        assert!(lines.len() > 1_000 && lines.len() < 90_000, "{}", lines.len());
        assert_eq!(kind, Some(io::ErrorKind::UnexpectedEof));
        let twice = [packed.as_slice(), packed.as_slice()].concat();
        assert_eq!(pieces(Limits::default(), &twice).0.len(), 180_000);
    }

    #[test]
    fn a_bomb_is_given_up() {
        let packed = zstd::encode_all(&vec![b'\n'; 6 << 20][..], 1).unwrap();
        let limits = Limits {
            total: 3 << 20,
            ..Limits::default()
        };
        assert_eq!(pieces(limits, &packed).2, Some(io::ErrorKind::InvalidData));
    }

    #[test]
    fn a_cancelled_load_ends() {
        let progress = Progress::default();
        progress.cancel();
        let log = "{}\n".repeat(1_000_000);
        let done = run(
            &progress,
            Limits::default(),
            |feed| feed.file("log", log.as_bytes()),
            |_| Ok(()),
        );
        assert!(matches!(done, Err(SourceError::Cancelled)));
    }
}
