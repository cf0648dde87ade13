//! One log from its pieces to its application: lines to the replay, and what is wrong with them into the losses. Called by the module's
//! entry points with whatever feeds the pipeline.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::lines::{self, Block, Feed, Limits, Piece};
use super::locate::id_of_name;
use super::replay::Replay;
use crate::model::{Application, Loss, LossKind};
use crate::source::pace::Pace;
use crate::source::{Phase, Progress, Shown, SourceError};

/// When a watcher is first shown a log that is being read, and how soon after that again; it grows from there.
const FIRST_LOOK: Duration = Duration::from_millis(80);
const NEXT_LOOK: Duration = Duration::from_millis(250);

/// How often what was written since is shown of a log that is followed.
const FOLLOWED: Duration = Duration::from_secs(1);

/// What is known of the log while it is read.
struct Reading<'a> {
    replay: Replay,
    progress: &'a Progress,
    /// The part being read and the line in it.
    file: String,
    line: u64,
    /// Events understood, and lines that were not.
    events: u64,
    broken: u64,
    first_broken: String,
    /// Places where a file is damaged and goes on behind it, and the first of them.
    damages: u64,
    first_damage: String,
    /// Tasks already told to the progress.
    tasks_told: u64,
    /// How the last part ended, if not well.
    ending: Option<(LossKind, String)>,
    /// The log's name, for an application that does not say its id.
    name: String,
    /// When the watcher is shown something.
    pace: Pace,
    /// Whether the end of what was written has been reached, and the events that the watcher knew then.
    current: bool,
    shown: u64,
    /// Where to say that the application's end was read.
    ended: Option<&'a AtomicBool>,
}

/// Replays the log that `feed` sends. `path` and `name` are for messages.
///
/// # Errors
/// [`SourceError::File`] where nothing of an application could be read, and [`SourceError::Cancelled`].
pub(super) fn replay<F>(
    path: PathBuf,
    name: &str,
    losses: Vec<Loss>,
    limits: Limits,
    progress: &Progress,
    feed: F,
) -> Result<Application, SourceError>
where
    F: FnOnce(&mut Feed<'_>) -> Result<(), SourceError> + Send,
{
    replay_until(path, name, losses, limits, progress, None, feed)
}

/// The same for a log that may be followed; tells `ended` when the application's end was read.
///
/// # Errors
/// As [`replay`].
pub(super) fn replay_until<F>(
    path: PathBuf,
    name: &str,
    losses: Vec<Loss>,
    limits: Limits,
    progress: &Progress,
    ended: Option<&AtomicBool>,
    feed: F,
) -> Result<Application, SourceError>
where
    F: FnOnce(&mut Feed<'_>) -> Result<(), SourceError> + Send,
{
    let mut reading = Reading {
        replay: Replay::default(),
        progress,
        file: String::new(),
        line: 0,
        events: 0,
        broken: 0,
        first_broken: String::new(),
        damages: 0,
        first_damage: String::new(),
        tasks_told: 0,
        ending: None,
        name: id_of_name(name),
        pace: Pace::growing(FIRST_LOOK, NEXT_LOOK),
        current: false,
        shown: 0,
        ended,
    };
    losses.into_iter().for_each(|loss| reading.replay.lose(loss));
    lines::run(progress, limits, feed, |piece| {
        reading.piece(piece);
        Ok(())
    })?;
    let (events, broken) = (reading.events, reading.broken);
    let damaged = (reading.damages > 0).then(|| format!("is damaged {}", reading.first_damage));
    let ending = reading.ending.as_ref().map(|(_, what)| what.clone());
    let application = reading.finish();
    application.filter(|_| events > 0).ok_or_else(|| {
        let why = match (events, broken, damaged.or(ending.filter(|_| broken == 0))) {
            (0, _, Some(damage)) => format!("it {damage}"),
            (0, 1.., None) => "not an event log: no line of it is a Spark event".into(),
            _ => "no application in this log: it holds no event after its start".into(),
        };
        SourceError::File { path, why }
    })
}

impl Reading<'_> {
    fn piece(&mut self, piece: &Piece) {
        match piece {
            Piece::File(name) => {
                self.lose_ending();
                self.file.clone_from(name);
                self.line = 0;
            }
            Piece::Lines(block) => self.block(block),
            Piece::TooLong => {
                self.line += 1;
                self.broke();
            }
            Piece::Damaged(error) => {
                self.damages += 1;
                if self.damages == 1 {
                    self.first_damage = format!("after line {} of {}: {error}", self.line, self.file);
                }
            }
            Piece::CaughtUp => self.caught_up(),
            Piece::End { rest, error } => {
                let cut = self.last(rest);
                let at = format!("after line {}", self.line);
                self.ending = match error {
                    None if cut => Some((LossKind::CutShort, format!("ends in the middle of a line, {at}"))),
                    None => None,
                    Some(error) if error.kind() == ErrorKind::UnexpectedEof => Some((
                        LossKind::CutShort,
                        format!("ends in the middle of a compressed block, {at}"),
                    )),
                    Some(error) => Some((LossKind::Unreadable, format!("cannot be read on {at}: {error}"))),
                };
            }
        }
    }

    fn block(&mut self, block: &Block) {
        let before = self.events;
        for line in block.lines() {
            self.line += 1;
            self.event(line);
        }
        self.progress.add_events(self.events - before);
        let tasks = self.replay.tasks();
        self.progress.add_tasks(tasks - self.tasks_told);
        self.tasks_told = tasks;
        if self.progress.is_watched() && !self.current && self.pace.is_due() {
            self.pace.take(|| {
                if let Some(application) = self.replay.snapshot(&self.name, false) {
                    self.progress.show(Shown::Partial(application));
                }
            });
        }
    }

    /// All that has been written so far is read: shows it, unless that was done a moment ago.
    fn caught_up(&mut self) {
        self.progress.looked();
        if let Some(ended) = self.ended.filter(|_| self.replay.has_ended()) {
            ended.store(true, Ordering::Relaxed);
        }
        if !self.current {
            self.current = true;
            self.pace = Pace::steady(Duration::ZERO, self.progress.refresh().unwrap_or(FOLLOWED));
            self.progress.enter(Phase::Following, self.file.clone(), 0);
        } else if self.shown == self.events || !self.pace.is_due() {
            return;
        }
        self.shown = self.events;
        self.pace.take(|| {
            if let Some(application) = self.replay.snapshot(&self.name, true) {
                self.progress.show(Shown::Current(application));
            }
        });
    }

    fn event(&mut self, line: &[u8]) {
        let line = if self.line == 1 {
            line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line)
        } else {
            line
        };
        // Not from its end: that is some kilobytes away, and not in the cache yet.
        if line.trim_ascii_start().is_empty() {
            return;
        }
        match self.replay.line(line) {
            Ok(()) => self.events += 1,
            Err(_) => self.broke(),
        }
    }

    /// The last line, which may be whole although no line feed follows. Says whether it was cut.
    fn last(&mut self, rest: &[u8]) -> bool {
        if rest.trim_ascii().is_empty() {
            return false;
        }
        self.line += 1;
        let whole = self.replay.line(rest).is_ok();
        self.events += u64::from(whole);
        // A log of one line that is none is no log cut short.
        if !whole && !rest.trim_ascii_start().starts_with(b"{") {
            self.broke();
        }
        !whole
    }

    fn broke(&mut self) {
        self.broken += 1;
        if self.broken == 1 {
            self.first_broken = format!("line {} of {}", self.line, self.file);
        }
    }

    /// A part that did not end well is a loss.
    fn lose_ending(&mut self) {
        if let Some((kind, what)) = self.ending.take() {
            let detail = format!("{} {what}", self.file);
            self.replay.lose(Loss { kind, count: 1, detail });
        }
    }

    fn finish(mut self) -> Option<Application> {
        if self.broken > 0 {
            let lines = if self.broken == 1 {
                "1 line was"
            } else {
                &format!("{} lines were", self.broken)
            };
            let detail = format!("{lines} not understood and skipped, the first is {}", self.first_broken);
            self.replay.lose(Loss {
                kind: LossKind::BrokenLines,
                count: self.broken,
                detail,
            });
        }
        if self.damages > 0 {
            let places = match self.damages {
                1 => "in one place,".to_owned(),
                places => format!("in {places} places, the first"),
            };
            let detail = format!("damaged {places} {}; what stands behind it was read", self.first_damage);
            self.replay.lose(Loss {
                kind: LossKind::Unreadable,
                count: self.damages,
                detail,
            });
        }
        // A log that is still written ends anywhere: that is no loss of its own.
        let open_end = match &self.ending {
            Some((LossKind::CutShort, what)) if !self.replay.has_ended() => Some(format!("; {} {what}", self.file)),
            _ => None,
        };
        if open_end.is_none() {
            self.lose_ending();
        }
        let mut application = self.replay.finish(&self.name)?;
        let losses = application.losses.iter_mut();
        for loss in losses.filter(|loss| loss.kind == LossKind::InProgress) {
            loss.detail.push_str(open_end.as_deref().unwrap_or_default());
        }
        Some(application)
    }
}
