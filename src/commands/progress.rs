//! What is said on stderr while a command works: one line that is drawn anew, and warnings.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use color_eyre::eyre::Result;
use skewer::source::{Phase, Progress, Seen, SourceError};
use skewer::units;

/// How often the line is drawn.
const EVERY: Duration = Duration::from_millis(250);

/// Says something that the user should know, without failing.
pub fn warn(text: &str) {
    // A closed stderr is no reason to stop.
    let _ = writeln!(io::stderr(), "skewer: {text}");
}

/// Runs `work`, showing meanwhile how far it has come when stderr is a terminal.
pub fn watched<T>(work: impl FnOnce(&Progress) -> Result<T, SourceError>) -> Result<T> {
    let progress = Progress::default();
    if !io::stderr().is_terminal() {
        return Ok(work(&progress)?);
    }
    let watch = progress.clone();
    let (done, ended) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            let start = Instant::now();
            while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                draw(&line(&watch.seen(), start.elapsed()));
            }
            draw("");
        });
        let answer = work(&progress);
        drop(done);
        Ok(answer?)
    })
}

/// Replaces the line; without a line feed, so it is gone when the command has its answer.
fn draw(line: &str) {
    let line: String = line.chars().take(78).collect();
    let mut out = io::stderr().lock();
    let _ = write!(out, "\r\x1b[K{line}").and_then(|()| out.flush());
}

fn line(seen: &Seen, elapsed: Duration) -> String {
    let elapsed = format!("{} s", elapsed.as_secs());
    let bytes = match seen.total_bytes {
        0 => units::bytes(seen.bytes),
        total => format!("{} of {}", units::bytes(seen.bytes), units::bytes(total)),
    };
    match seen.phase {
        Phase::Starting => format!("starting, {elapsed}"),
        Phase::Waiting => format!("{} is loading the application, {elapsed}", seen.what),
        Phase::Downloading => format!("downloading {bytes}, {elapsed} ({})", seen.what),
        Phase::Listing => match seen.total_logs {
            0 => format!("listing {}, {elapsed}", seen.what),
            total => format!(
                "listing {} of {}, {elapsed} ({})",
                units::count(seen.logs),
                units::counted(total, "log"),
                seen.what
            ),
        },
        Phase::Replaying => format!(
            "reading {bytes}, {}, {elapsed} ({})",
            units::counted(seen.events, "event"),
            seen.what
        ),
        // Nothing that a command waits for is followed.
        Phase::Following => elapsed,
        Phase::Diagnosing => format!("looking for what is wrong, {elapsed}"),
        Phase::FetchingTasks => format!(
            "fetching tasks: {}, {elapsed} ({})",
            units::count(seen.tasks),
            seen.what
        ),
    }
}
