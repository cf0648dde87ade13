//! A pseudo-terminal with the program in it. Every wait polls for up to a minute, so that a slow machine is no failure.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use vt100::{Parser, Screen};

const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// The end of a frame: of a synchronized update.
const END: &[u8] = b"\x1b[?2026l";

const POLL: Duration = Duration::from_millis(20);

pub struct Terminal {
    master: Option<Box<dyn MasterPty + Send>>,
    keyboard: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    seen: Arc<Mutex<Seen>>,
    reader: Option<thread::JoinHandle<()>>,
    stop_reading: Arc<AtomicBool>,
    folder: TempDir,
}

struct Seen {
    parser: Parser,
    raw: Vec<u8>,
}

impl Terminal {
    pub fn start(arguments: &[&str], size: (u16, u16)) -> Terminal {
        Terminal::start_with(arguments, size, &[])
    }

    pub fn start_with(arguments: &[&str], size: (u16, u16), environment: &[(&str, &str)]) -> Terminal {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_skewer"));
        command.args(arguments);
        environment.iter().for_each(|(name, value)| command.env(name, value));
        Terminal::run(command, size)
    }

    /// In a session of its own: no signal tells it that the terminal went away.
    pub fn start_unsignalled(arguments: &[&str]) -> Terminal {
        let mut command = CommandBuilder::new("sh");
        command.args([
            "-c",
            "trap '' HUP; setsid -w \"$0\" \"$@\"",
            env!("CARGO_BIN_EXE_skewer"),
        ]);
        command.args(arguments);
        Terminal::run(command, (80, 24))
    }

    /// This test program with one of its own tests as the program.
    pub fn start_test(name: &str) -> Terminal {
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args([name, "--exact", "--ignored", "--nocapture"]);
        Terminal::run(command, (80, 24))
    }

    /// Stops reading: the terminal takes no more than the kernel buffers.
    pub fn take_nothing(&mut self) {
        self.stop_reading.store(true, Ordering::SeqCst);
        self.keys("\u{c}");
        self.reader.take().unwrap().join().unwrap();
    }

    /// With standard input from a pipe.
    pub fn start_piped(arguments: &[&str]) -> Terminal {
        let mut command = CommandBuilder::new("sh");
        command.args(["-c", "echo | \"$0\" \"$@\"", env!("CARGO_BIN_EXE_skewer")]);
        command.args(arguments);
        Terminal::run(command, (120, 24))
    }

    fn run(mut command: CommandBuilder, (width, height): (u16, u16)) -> Terminal {
        let folder = tempfile::tempdir().unwrap();
        let settings = [
            ("TERM", "xterm-256color"),
            ("LC_ALL", "C.UTF-8"),
            ("TZ", "UTC"),
            ("XDG_CONFIG_HOME", "/nonexistent"),
            ("XDG_CACHE_HOME", "/dev/null"),
        ];
        settings.iter().for_each(|(name, value)| command.env(name, value));
        ["SKEWER_CONFIG", "COLORTERM"]
            .iter()
            .for_each(|name| command.env_remove(name));
        command.cwd(folder.path());
        let pty = native_pty_system().openpty(cells(width, height)).unwrap();
        let child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let mut output = pty.master.try_clone_reader().unwrap();
        let keyboard = pty.master.take_writer().unwrap();
        let rows = |rows| NonZero::new(rows).unwrap();
        let seen = Arc::new(Mutex::new(Seen {
            parser: Parser::new(rows(height), rows(width), 0),
            raw: Vec::new(),
        }));
        let shared = seen.clone();
        let stop_reading = Arc::new(AtomicBool::new(false));
        let stop = stop_reading.clone();
        let reader = thread::spawn(move || {
            let mut bytes = [0; 8192];
            while let Ok(count) = output.read(&mut bytes)
                && count > 0
            {
                let mut seen = shared.lock().unwrap();
                seen.parser.process(&bytes[..count]);
                seen.raw.extend_from_slice(&bytes[..count]);
                if stop.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        Terminal {
            master: Some(pty.master),
            keyboard: Some(keyboard),
            child,
            seen,
            reader: Some(reader),
            stop_reading,
            folder,
        }
    }

    pub fn keys(&mut self, keys: &str) {
        let keyboard = self.keyboard.as_mut().unwrap();
        keyboard.write_all(keys.as_bytes()).unwrap();
        keyboard.flush().unwrap();
    }

    /// Bytes that the program sends for a key: all until it has shown it, or none when nothing comes.
    pub fn cost(&mut self, key: &str) -> usize {
        let before = self.raw().len();
        self.keys(key);
        let start = Instant::now();
        // A key that is shown is shown at once; on a machine that does much else that may take its time.
        let longest = Duration::from_millis(4_000);
        loop {
            thread::sleep(Duration::from_millis(5));
            let raw = self.raw();
            if raw.len() > before && raw.ends_with(END) || start.elapsed() > longest {
                // What is worked out beside the key comes in a frame of its own.
                thread::sleep(Duration::from_millis(15));
                return self.raw().len() - before;
            }
        }
    }

    /// Bytes of the first frame after a key, and of what follows until the screen rests. None: it draws nothing.
    pub fn frame(&mut self, key: &str) -> (usize, usize) {
        let before = self.raw().len();
        self.keys(key);
        let first = || {
            let after = self.raw().split_off(before);
            let end = after.windows(END.len()).position(|window| window == END);
            end.map(|at| at + END.len())
        };
        let start = Instant::now();
        let mut frame = first();
        while frame.is_none() && start.elapsed() < Duration::from_secs(3) {
            thread::sleep(Duration::from_millis(5));
            frame = first();
        }
        self.wait_until_quiet_for(Duration::from_millis(300));
        let frame = frame.unwrap_or(0);
        (frame, self.raw().len() - before - frame)
    }

    pub fn resize(&mut self, width: u16, height: u16) {
        let size = |cells| NonZero::new(cells).unwrap();
        self.seen.lock().unwrap().parser.set_size(size(height), size(width));
        self.master.as_ref().unwrap().resize(cells(width, height)).unwrap();
    }

    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.process_id().unwrap()).unwrap();
        kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
    }

    /// Waits until the process has stopped; to go on before that would be lost on it.
    pub fn wait_until_stopped(&self) {
        let id = self.child.process_id().unwrap().to_string();
        let stopped = || {
            let shown = Command::new("ps").args(["-o", "stat=", "-p", &id]).output().unwrap();
            shown.stdout.trim_ascii_start().starts_with(b"T")
        };
        self.poll(stopped, "a stopped process");
    }

    /// Takes the terminal away.
    pub fn hang_up(&mut self) {
        // The reader holds the terminal open as well: it lets go after the next thing it reads.
        self.stop_reading.store(true, Ordering::SeqCst);
        self.keys("\u{c}");
        self.reader.take().unwrap().join().unwrap();
        self.keyboard = None;
        self.master = None;
    }

    pub fn text(&self) -> String {
        let seen = self.seen.lock().unwrap();
        let rows: Vec<String> = seen
            .parser
            .screen()
            .rows(0, u16::MAX)
            .map(|row| row.trim_end().to_owned())
            .collect();
        rows.join("\n")
    }

    pub fn raw(&self) -> Vec<u8> {
        self.seen.lock().unwrap().raw.clone()
    }

    /// Whether these bytes were ever sent to the terminal.
    pub fn sent(&self, bytes: &str) -> bool {
        self.raw().windows(bytes.len()).any(|window| window == bytes.as_bytes())
    }

    /// Bytes of the largest frame that was sent.
    pub fn largest_frame(&self) -> usize {
        let raw = self.raw();
        let ends = (0..raw.len()).filter(|at| raw[..*at].ends_with(END)).chain([raw.len()]);
        let mut last = 0;
        ends.map(|end| end - std::mem::replace(&mut last, end))
            .max()
            .unwrap_or(0)
    }

    /// Frames that were sent.
    pub fn frames(&self) -> usize {
        self.raw().windows(END.len()).filter(|window| *window == END).count()
    }

    /// Puts the terminal back to lines and echo, as a shell does when a program of its stops.
    pub fn cook(&self) {
        let id = self.child.process_id().unwrap();
        let done = Command::new("stty")
            .arg("-F")
            .arg(tty_of(id))
            .arg("sane")
            .status()
            .unwrap();
        assert!(done.success());
    }

    pub fn wait_for(&self, text: &str) {
        self.poll(|| self.text().contains(text), text);
    }

    pub fn wait_until(&self, is: impl Fn(&Screen) -> bool, what: &str) {
        self.poll(|| is(self.seen.lock().unwrap().parser.screen()), what);
    }

    /// Waits until nothing has come for a second.
    pub fn wait_until_quiet(&self) {
        self.wait_until_quiet_for(Duration::from_secs(1));
    }

    fn wait_until_quiet_for(&self, quiet: Duration) {
        let mut last = (self.raw().len(), Instant::now());
        self.poll(
            || {
                let now = self.raw().len();
                if now != last.0 {
                    last = (now, Instant::now());
                }
                last.1.elapsed() > quiet
            },
            "quiet",
        );
    }

    fn poll(&self, mut done: impl FnMut() -> bool, what: &str) {
        let start = Instant::now();
        while !done() {
            assert!(
                start.elapsed() < LONGEST_WAIT,
                "waited in vain for {what:?} in\n{}",
                self.text()
            );
            thread::sleep(POLL);
        }
    }

    /// The exit status, when it has ended and all it said has been read.
    pub fn exit(&mut self) -> u32 {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if start.elapsed() > LONGEST_WAIT {
                self.child.kill().unwrap();
                panic!("it does not end; on the screen:\n{}", self.text());
            }
            thread::sleep(POLL);
        };
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        status.exit_code()
    }

    /// The terminal is as a shell wants it: main screen, cursor, no paste marks, echo and lines.
    pub fn assert_restored(&self) {
        let seen = self.seen.lock().unwrap();
        let screen = seen.parser.screen();
        assert!(!screen.alternate_screen(), "still on the alternate screen");
        assert!(!screen.hide_cursor(), "the cursor is hidden");
        assert!(!screen.bracketed_paste(), "pastes are bracketed");
        let attributes = self.master.as_ref().unwrap().get_termios().unwrap();
        let flags = format!("{:?}", attributes.local_flags);
        assert!(
            flags.contains("ECHO") && flags.contains("ICANON") && flags.contains("ISIG"),
            "{flags}"
        );
    }

    pub fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// The terminal of a process.
fn tty_of(id: u32) -> PathBuf {
    std::fs::read_link(format!("/proc/{id}/fd/0")).unwrap()
}

fn cells(width: u16, height: u16) -> PtySize {
    PtySize {
        rows: height,
        cols: width,
        pixel_width: 0,
        pixel_height: 0,
    }
}
