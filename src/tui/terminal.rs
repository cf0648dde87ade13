//! The terminal: entered once, left on every way out, drawn to with one write a frame. The only file that writes to it.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::clipboard::CopyToClipboard;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, DisableLineWrap, EnableLineWrap, EndSynchronizedUpdate,
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, queue};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::{buffer::Buffer, layout::Rect};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::stdio;
use rustix::termios::isatty;

/// Whether the terminal is ours at the moment: leaving twice would clear what stands there then.
static ENTERED: AtomicBool = AtomicBool::new(false);

/// Bytes of a frame that are kept allocated: a full screen at 200×60 in colour.
const FRAME: usize = 64 * 1024;

/// The terminal while it is ours. Leaves it when dropped.
pub struct Terminal {
    /// What stands on the screen.
    shown: Buffer,
    /// The next frame as bytes.
    frame: Vec<u8>,
}

impl Terminal {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When it is none, or went away.
    pub fn enter() -> io::Result<Terminal> {
        let mut terminal = Terminal {
            shown: Buffer::empty(Rect::ZERO),
            frame: Vec::with_capacity(FRAME),
        };
        terminal.take()?;
        Ok(terminal)
    }

    fn take(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        ENTERED.store(true, Ordering::SeqCst);
        self.frame.clear();
        queue!(
            self.frame,
            EnterAlternateScreen,
            DisableLineWrap,
            EnableBracketedPaste,
            cursor::Hide
        )?;
        self.send()?;
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

    /// Shows a frame: what differs from the one before, in one write, nothing if nothing does.
    ///
    /// # Errors
    /// When the terminal went away.
    pub fn draw(&mut self, next: Buffer) -> io::Result<()> {
        self.frame.clear();
        let resized = self.shown.area != next.area;
        if resized {
            self.shown = Buffer::empty(next.area);
        }
        let changes = self.shown.diff(&next);
        if changes.is_empty() && !resized {
            return Ok(());
        }
        queue!(self.frame, BeginSynchronizedUpdate)?;
        if resized {
            queue!(self.frame, Clear(ClearType::All))?;
        }
        CrosstermBackend::new(&mut self.frame).draw(changes.into_iter())?;
        queue!(self.frame, EndSynchronizedUpdate)?;
        self.send()?;
        self.shown = next;
        Ok(())
    }

    /// Forgets what stands on the screen: the next frame is drawn whole, on a cleared screen.
    pub fn forget(&mut self) {
        self.shown = Buffer::empty(Rect::ZERO);
    }

    /// Hands a text to the terminal's clipboard (OSC 52). Whether it takes it, it does not say.
    ///
    /// # Errors
    /// When the terminal went away.
    pub fn copy(&mut self, text: &str) -> io::Result<()> {
        self.frame.clear();
        queue!(self.frame, CopyToClipboard::to_clipboard_from(text))?;
        self.send()
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

    fn send(&mut self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(&self.frame)?;
        out.flush()
    }
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
    let mut bytes = Vec::new();
    let queued = queue!(
        bytes,
        EndSynchronizedUpdate,
        DisableBracketedPaste,
        EnableLineWrap,
        cursor::Show,
        LeaveAlternateScreen
    );
    if queued.is_ok() {
        let mut out = io::stdout().lock();
        let _gone = out.write_all(&bytes).and_then(|()| out.flush());
    }
    let _gone = disable_raw_mode();
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
        Err(error) => error != rustix::io::Errno::INTR,
    }
}
