//! A log that is still written: its files as sources that say `WouldBlock` where the writer has not come further, until the log is over.
//! It is over when the writer took the sign of progress off its name, when the application's end was read and nothing follows, or when
//! the file is gone. Nothing is mapped into memory, so a file that shrinks is an error and no signal.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, BufReader, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use super::lines::Feed;
use super::locate::{Found, Log, locate};
use crate::source::store::{Entry, Files};
use crate::source::{Progress, SourceError};

/// A log in progress that has not grown for so long is taken for one whose driver was killed; it is followed only when asked for.
const SILENCE: Duration = Duration::from_secs(600);

/// What may still be written after the application's end comes within this time.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Bytes by which every codec is known.
const SIGN: u64 = 16;

/// Whether a log is being written right now, as far as names and times tell.
pub(super) fn is_written(log: &Log<Entry>) -> bool {
    let changed = || {
        log.parts
            .last()
            .and_then(|(_, part)| fs::metadata(&part.path).ok()?.modified().ok())
    };
    // A time that lies ahead is another machine's clock.
    let grew_lately =
        |changed: SystemTime| changed.elapsed().is_ok_and(|since| since < SILENCE) || changed > SystemTime::now();
    log.in_progress && changed().is_some_and(grew_lately)
}

/// Feeds the files of a log as they are written, those that a rolling log begins meanwhile too, until it is over. `ended`: the end of the
/// application was read.
pub(super) fn feed(
    feed: &mut Feed<'_>,
    log: &Log<Entry>,
    ended: &AtomicBool,
    progress: &Progress,
) -> Result<(), SourceError> {
    let parts = log.parts.iter().map(|(name, part)| (name.clone(), part.path.clone()));
    let mut parts: Vec<(String, PathBuf)> = parts.collect();
    let mut at = 0;
    while let Some((name, path)) = parts.get(at) {
        match Tail::open(path, ended) {
            Ok(tail) => {
                tail.wait_for_sign(progress)?;
                feed.file(name, BufReader::with_capacity(1 << 18, tail))?;
            }
            Err(error) => feed.unreadable(name, error)?,
        }
        at += 1;
        if at == parts.len() {
            parts.extend(later(path));
        }
    }
    Ok(())
}

/// The parts of a rolling log behind this one, as they lie there now.
fn later(part: &Path) -> Vec<(String, PathBuf)> {
    let (Some(folder), Some(number)) = (part.parent(), number(part)) else {
        return Vec::new();
    };
    match locate(&Files, folder, &Progress::default()) {
        Ok(Found::Log(log)) => {
            let parts = log.parts.into_iter().map(|(name, part)| (name, part.path));
            let behind = |(_, path): &(String, PathBuf)| self::number(path).is_some_and(|other| other > number);
            parts.filter(behind).collect()
        }
        _ => Vec::new(),
    }
}

/// The number of a part of a rolling log.
fn number(part: &Path) -> Option<u64> {
    let name = part.file_name()?.to_string_lossy().into_owned();
    name.strip_prefix("events_")?.split_once('_')?.0.parse().ok()
}

/// One file that grows.
struct Tail<'a> {
    file: File,
    path: PathBuf,
    read: u64,
    ended: &'a AtomicBool,
    /// When it last grew.
    grew: Instant,
    /// It will not grow any more.
    over: Cell<bool>,
}

impl<'a> Tail<'a> {
    fn open(path: &Path, ended: &'a AtomicBool) -> io::Result<Tail<'a>> {
        let file = match File::open(path) {
            // Renamed since it was found.
            Err(error) if error.kind() == ErrorKind::NotFound => File::open(finished(path).ok_or(error)?)?,
            file => file?,
        };
        Ok(Tail {
            file,
            path: path.to_owned(),
            read: 0,
            ended,
            grew: Instant::now(),
            over: Cell::new(false),
        })
    }

    /// Waits until the first bytes are there: by them the codec is known.
    fn wait_for_sign(&self, progress: &Progress) -> Result<(), SourceError> {
        while self.file.metadata().is_ok_and(|metadata| metadata.len() < SIGN) && !self.is_over() {
            progress.rest(Duration::from_millis(200))?;
        }
        Ok(())
    }

    /// Whether nothing more is going to be written into this file.
    fn is_over(&self) -> bool {
        // Renamed to say that it is finished, replaced, or deleted.
        let here = fs::metadata(&self.path).ok().zip(self.file.metadata().ok());
        let same = here.is_some_and(|(there, open)| (there.dev(), there.ino()) == (open.dev(), open.ino()));
        let last_words = self.ended.load(Ordering::Relaxed) && self.grew.elapsed() > LAST_WORDS;
        let over = !same || last_words || self.is_left_behind();
        self.over.set(over);
        over
    }

    /// Whether the writer of a rolling log has gone on to another file, or has finished.
    fn is_left_behind(&self) -> bool {
        if number(&self.path).is_none() {
            return false;
        }
        let folder = self.path.parent();
        match folder.map(|folder| locate(&Files, folder, &Progress::default())) {
            Some(Ok(Found::Log(log))) => !log.in_progress || !later(&self.path).is_empty(),
            _ => true,
        }
    }
}

/// What a log in progress is called when it has ended.
fn finished(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?.strip_suffix(".inprogress")?;
    Some(path.with_file_name(name))
}

impl Read for Tail<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let was_over = self.over.get();
            let n = self.file.read(buf)?;
            if n > 0 {
                self.read += n as u64;
                self.grew = Instant::now();
                return Ok(n);
            }
            if self.file.metadata()?.len() < self.read {
                let why = "it was cut shorter while it was read; open it again for what it holds now";
                return Err(io::Error::new(ErrorKind::InvalidData, why));
            }
            match (was_over, self.is_over()) {
                (true, _) => return Ok(0),
                // What was written before it was over is read once more.
                (false, true) => {}
                (false, false) => return Err(ErrorKind::WouldBlock.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::mpsc::{Receiver, channel};
    use std::thread::JoinHandle;

    use super::super::open;
    use super::super::tests::{log, lz4, lzf, snappy};
    use super::*;
    use crate::model::{Application, ApplicationStatus, LossKind};
    use crate::source::Shown;

    /// A log that a thread follows.
    struct Followed {
        progress: Progress,
        shown: Receiver<Shown>,
        reader: JoinHandle<Result<Application, SourceError>>,
    }

    impl Followed {
        fn start(path: &Path) -> Followed {
            let progress = Progress::default();
            let (send, shown) = channel();
            progress.refresh_every(Duration::from_millis(1));
            progress.watch(move |shown| drop(send.send(shown)));
            let (path, of_reader) = (path.to_owned(), progress.clone());
            let reader = std::thread::spawn(move || open(&Files, &path, None, None, &of_reader));
            Followed {
                progress,
                shown,
                reader,
            }
        }

        /// Waits until so many tasks have ended in what is shown.
        fn wait_for(&self, ended: u32) -> Application {
            let ended_in = |application: &Application| {
                let stages = application.stages.iter();
                stages.map(|stage| stage.complete_tasks).sum::<u32>()
            };
            loop {
                let shown = self.shown.recv_timeout(Duration::from_secs(60));
                if let Shown::Current(application) = shown.expect("nothing is shown")
                    && ended_in(&application) == ended
                {
                    return application;
                }
            }
        }
    }

    fn append(path: &Path, bytes: &[u8]) {
        File::options()
            .append(true)
            .open(path)
            .unwrap()
            .write_all(bytes)
            .unwrap();
    }

    /// The log's beginning with one of two tasks ended, its rest without the end, and its end.
    fn pieces() -> [String; 3] {
        let log = log();
        let lines: Vec<&str> = log.lines().collect();
        let text = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect();
        [text(&lines[..7]), text(&lines[7..9]), text(&lines[9..])]
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ::zstd::encode_all(bytes, 3).unwrap()
    }

    type Packing = (&'static str, fn(&[u8]) -> Vec<u8>);

    #[test]
    fn what_is_appended_is_shown_until_the_log_gets_its_final_name() {
        let packings: [Packing; 5] = [
            ("", |bytes| bytes.to_vec()),
            (".zstd", zstd),
            (".lz4", |bytes| lz4(bytes, 100)),
            (".snappy", |bytes| snappy(bytes)),
            (".lzf", |bytes| lzf(bytes)),
        ];
        for (suffix, pack) in packings {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(format!("app-1{suffix}.inprogress"));
            let [first, second, last] = pieces().map(|piece| pack(piece.as_bytes()));
            // The writer's buffer ends in the middle of a line, a frame, a block.
            let cut = second.len() / 2;
            fs::write(&path, [first.as_slice(), &second[..cut]].concat()).unwrap();
            let followed = Followed::start(&path);
            let running = followed.wait_for(1);
            assert_eq!(running.status, ApplicationStatus::Incomplete, "{suffix}");
            assert_eq!(running.losses[0].kind, LossKind::InProgress);
            assert_eq!(running.stages[0].tasks.len(), 2, "the running task has a row");
            append(&path, &second[cut..]);
            followed.wait_for(2);
            append(&path, &last);
            fs::rename(&path, folder.path().join(format!("app-1{suffix}"))).unwrap();
            let whole = followed.reader.join().unwrap().unwrap();
            assert_eq!(
                (whole.status, whole.losses.len()),
                (ApplicationStatus::Completed, 0),
                "{suffix}"
            );
            let again = open(
                &Files,
                &folder.path().join(format!("app-1{suffix}")),
                None,
                None,
                &Progress::default(),
            )
            .unwrap();
            assert_eq!(whole, again, "{suffix}: followed or read at once, it is the same");
        }
    }

    #[test]
    fn a_rolling_log_is_followed_into_its_next_file_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("eventlog_v2_app-1");
        fs::create_dir(&log).unwrap();
        let at = |name: &str| log.join(name);
        let [first, second, last] = pieces();
        fs::write(at("appstatus_app-1.inprogress"), "").unwrap();
        fs::write(at("events_1_app-1"), first).unwrap();
        let followed = Followed::start(&log);
        followed.wait_for(1);
        fs::write(at("events_2_app-1"), "").unwrap();
        std::thread::sleep(Duration::from_millis(600));
        append(&at("events_2_app-1"), second.as_bytes());
        followed.wait_for(2);
        append(&at("events_2_app-1"), last.as_bytes());
        fs::rename(at("appstatus_app-1.inprogress"), at("appstatus_app-1")).unwrap();
        let whole = followed.reader.join().unwrap().unwrap();
        assert_eq!((whole.status, whole.losses.len()), (ApplicationStatus::Completed, 0));
    }

    #[test]
    fn a_log_that_is_deleted_or_cut_keeps_what_was_read() {
        for (cut, kinds) in [
            (false, vec![LossKind::InProgress]),
            (true, vec![LossKind::Unreadable, LossKind::InProgress]),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("app-1.inprogress");
            fs::write(&path, &pieces()[0]).unwrap();
            let followed = Followed::start(&path);
            followed.wait_for(1);
            if cut {
                File::options().write(true).open(&path).unwrap().set_len(20).unwrap();
            } else {
                fs::remove_file(&path).unwrap();
            }
            let kept = followed.reader.join().unwrap().unwrap();
            assert_eq!(kept.stages[0].complete_tasks, 1);
            assert_eq!(kept.losses.iter().map(|loss| loss.kind).collect::<Vec<_>>(), kinds);
        }
    }

    #[test]
    fn following_ends_when_nobody_wants_it_and_rests_while_it_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app-1.inprogress");
        let [first, second, _] = pieces();
        fs::write(&path, first).unwrap();
        let followed = Followed::start(&path);
        followed.wait_for(1);
        followed.progress.pause(true);
        std::thread::sleep(Duration::from_millis(700));
        append(&path, second.as_bytes());
        assert!(followed.shown.recv_timeout(Duration::from_millis(1_500)).is_err());
        followed.progress.pause(false);
        followed.wait_for(2);
        followed.progress.cancel();
        assert!(matches!(followed.reader.join().unwrap(), Err(SourceError::Cancelled)));
    }

    #[test]
    fn a_log_whose_driver_was_killed_long_ago_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app-1.inprogress");
        fs::write(&path, &pieces()[0]).unwrap();
        let long_ago = SystemTime::now() - 2 * SILENCE;
        File::options()
            .append(true)
            .open(&path)
            .unwrap()
            .set_modified(long_ago)
            .unwrap();
        let followed = Followed::start(&path);
        let read = followed.reader.join().unwrap().unwrap();
        assert_eq!(read.stages[0].complete_tasks, 1);
    }
}
