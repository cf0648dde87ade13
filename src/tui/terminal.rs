//! The terminal: entered once, left on every way out, drawn to with one write a frame. The only file that writes to it.

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, DisableLineWrap, EnableLineWrap, EndSynchronizedUpdate,
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{Command, cursor};
use ratatui::{buffer::Buffer, layout::Rect};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::stdio;
use rustix::termios::isatty;

use super::frame;

/// Whether the terminal is ours at the moment: leaving twice would clear what stands there then.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// Bytes of a frame that are kept allocated: a full screen at 200×60 in colour.
const FRAME: usize = 32 * 1024;

/// Bytes that a step of the cursor may take at once: a held key is some thirty of them a second, and lines may be slow.
const STEP: usize = 600;

/// Presses and the wheel are reported, in the form that knows no largest column. Motion is not: it would be sent all the time.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

/// The terminal while it is ours. Leaves it when dropped.
pub struct Terminal {
    /// What stands on the screen.
    shown: Buffer,
    /// The next frame as it is sent.
    frame: String,
    /// The whole frame, where something of it was left for later.
    rest: Option<Buffer>,
    /// Whether the mouse is ours too.
    mouse: bool,
}

impl Terminal {
    /// Takes the terminal over, with the mouse or without.
    ///
    /// # Errors
    /// When it is none, or went away.
    pub fn enter(mouse: bool) -> io::Result<Terminal> {
        let mut terminal = Terminal {
            shown: Buffer::empty(Rect::ZERO),
            frame: String::with_capacity(FRAME),
            rest: None,
            mouse,
        };
        terminal.take()?;
        Ok(terminal)
    }

    fn take(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        ENTERED.store(true, Ordering::SeqCst);
        self.frame.clear();
        put(&mut self.frame, EnterAlternateScreen);
        put(&mut self.frame, DisableLineWrap);
        put(&mut self.frame, EnableBracketedPaste);
        put(&mut self.frame, cursor::Hide);
        if self.mouse {
            self.frame.push_str(MOUSE_ON);
        }
        send(&self.frame)?;
        self.shown = Buffer::empty(Rect::ZERO);
        Ok(())
    }

    /// Width and height.
    ///
    /// # Errors
    /// When it went away.
    pub fn size() -> io::Result<(u16, u16)> {
        crossterm::terminal::size()
    }

    /// What stands on the screen, or will when all of it is sent.
    pub fn shown(&self) -> &Buffer {
        self.rest.as_ref().unwrap_or(&self.shown)
    }

    /// Whether something of the last frame was left for later.
    pub fn is_behind(&self) -> bool {
        self.rest.is_some()
    }

    /// Shows a frame, but leaves `followers` as they stand if it would be dear with them: they are to be sent with a later frame.
    ///
    /// # Errors
    /// When the terminal went away.
    pub fn step(&mut self, next: Buffer, followers: &[Rect]) -> io::Result<()> {
        self.frame.clear();
        if self.shown.area == next.area {
            frame::write(&self.shown, &next, &mut self.frame);
        }
        if self.frame.len() <= STEP {
            return self.draw(next);
        }
        let mut now = next.clone();
        for place in followers
            .iter()
            .flat_map(|area| area.intersection(next.area).positions())
        {
            if let (Some(cell), Some(before)) = (now.cell_mut(place), self.shown.cell(place)) {
                cell.clone_from(before);
            }
        }
        let behind = now != next;
        self.draw(now)?;
        self.rest = Some(next).filter(|_| behind);
        Ok(())
    }

    /// Shows a frame: what differs from the one before, in one write, nothing if nothing does.
    ///
    /// # Errors
    /// When the terminal went away.
    pub fn draw(&mut self, next: Buffer) -> io::Result<()> {
        self.frame.clear();
        self.rest = None;
        let resized = self.shown.area != next.area;
        put(&mut self.frame, BeginSynchronizedUpdate);
        if resized {
            self.shown = Buffer::empty(next.area);
            put(&mut self.frame, Clear(ClearType::All));
        }
        let begun = self.frame.len();
        frame::write(&self.shown, &next, &mut self.frame);
        self.shown = next;
        if self.frame.len() == begun && !resized {
            return Ok(());
        }
        put(&mut self.frame, EndSynchronizedUpdate);
        send(&self.frame)
    }

    /// Forgets what stands on the screen: the next frame is drawn whole, on a cleared screen.
    pub fn forget(&mut self) {
        self.shown = Buffer::empty(Rect::ZERO);
        self.rest = None;
    }

    /// Hands a text to the terminal's clipboard (OSC 52). Whether it takes it, it does not say.
    ///
    /// # Errors
    /// When the terminal went away.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        self.frame.clear();
        put(&mut self.frame, CopyToClipboard::to_clipboard_from(text));
        send(&self.frame)
    }

    /// Gives the terminal back, stops the process, and takes the terminal again when the shell lets us go on.
    ///
    /// # Errors
    /// When the terminal went away meanwhile.
    pub fn suspend(&mut self) -> io::Result<()> {
        leave();
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP)?;
        self.take()
    }

    /// Takes the terminal again after a stop that we were not asked about: the shell has had it since.
    ///
    /// # Errors
    /// When the terminal went away meanwhile.
    pub fn take_again(&mut self) -> io::Result<()> {
        disable_raw_mode()?;
        self.take()
    }
}

fn put(text: &mut String, command: impl Command) {
    let _never: fmt::Result = command.write_ansi(text);
}

/// Writes all of it, in one write unless the terminal takes less.
fn send(text: &str) -> io::Result<()> {
    let mut left = text.as_bytes();
    while !left.is_empty() {
        match rustix::io::write(stdio::stdout(), left) {
            Ok(taken) => left = left.get(taken..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            // Some other program on this terminal made it so; what it shares with us is not ours to change.
            Err(Errno::AGAIN) => {
                let out = stdio::stdout();
                let _ready = poll(&mut [PollFd::from_borrowed_fd(out, PollFlags::OUT)], None);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

impl Drop for Terminal {
    fn drop(&mut self) {
        leave();
    }
}

/// Gives the terminal back as it was. May be called at any time, by anyone, more than once; a terminal that went away is no error.
pub fn leave() {
    if !ENTERED.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut text = String::from(MOUSE_OFF);
    put(&mut text, EndSynchronizedUpdate);
    put(&mut text, DisableBracketedPaste);
    put(&mut text, EnableLineWrap);
    put(&mut text, cursor::Show);
    put(&mut text, LeaveAlternateScreen);
    let _gone = send(&text);
    let _gone = disable_raw_mode();
}

/// Ends the process, now, whatever the loop is at: it may wait for a terminal that takes nothing any more.
pub fn give_up(status: u8) -> ! {
    let out = stdio::stdout();
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    let takes = poll(&mut [PollFd::from_borrowed_fd(out, PollFlags::OUT)], Some(&at_once));
    if takes.is_ok_and(|count| count > 0) {
        leave();
    } else {
        let _gone = disable_raw_mode();
    }
    std::process::exit(i32::from(status))
}

/// Makes a panic, in whatever thread, give the terminal back before it is reported, and end the program after.
pub fn leave_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        leave();
        report(info);
        std::process::exit(101);
    }));
}

/// Waits until the terminal is gone for good (its window closed, the connection broken). crossterm's reader would spin for ever
/// then, and no signal need come.
pub fn wait_until_gone() {
    let Some(tty) = tty() else { return };
    while !hung_up(&tty, None) {}
}

/// Whether the terminal is gone: then an error of reading or writing it is no fault.
pub fn is_gone() -> bool {
    tty().is_none_or(|tty| hung_up(&tty, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })))
}

/// The terminal that keys are read from.
fn tty() -> Option<OwnedFd> {
    if isatty(stdio::stdin()) {
        stdio::stdin().try_clone_to_owned().ok()
    } else {
        File::open("/dev/tty").ok().map(Into::into)
    }
}

/// Waits for the hang-up, for so long at most; `false` also when a signal came between.
fn hung_up(tty: &OwnedFd, at_most: Option<&Timespec>) -> bool {
    // No event is asked for: errors and the hang-up come unasked.
    let mut watched = [PollFd::from_borrowed_fd(tty.as_fd(), PollFlags::empty())];
    match poll(&mut watched, at_most) {
        Ok(count) => count > 0,
        Err(error) => error != Errno::INTR,
    }
}
