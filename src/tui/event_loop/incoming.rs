//! What comes into the loop from outside: the terminal's events, its end, and signals.

use std::io;
use std::time::Duration;

use crossterm::event::Event;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::UnboundedSender;

use super::Message;
use crate::tui::terminal::{self, Terminal};

/// The number of SIGHUP, which a terminal that goes away sends, or should.
pub(super) const HANGUP: u8 = 1;

/// How long the loop may take to end after a signal, or without a terminal.
const LONGEST_END: Duration = Duration::from_secs(1);

/// Reads the terminal, which was of this size, on a thread, and watches on another whether it is still there.
pub(super) fn read_terminal(size: (u16, u16), messages: UnboundedSender<Message>) {
    let gone = messages.clone();
    std::thread::spawn(move || {
        terminal::wait_until_gone();
        let _ended = gone.send(Message::Gone);
        std::thread::sleep(LONGEST_END);
        terminal::give_up(128 + HANGUP);
    });
    std::thread::spawn(move || {
        // Windows are often opened at one size and given another at once: what changed before a change is told of from here on.
        let _none = crossterm::event::poll(Duration::ZERO);
        if let Ok((width, height)) = Terminal::size()
            && (width, height) != size
        {
            let _ended = messages.send(Message::Event(Event::Resize(width, height)));
        }
        while let Ok(event) = crossterm::event::read() {
            if messages.send(Message::Event(event)).is_err() {
                return;
            }
        }
        let _ended = messages.send(Message::Gone);
    });
}

/// Passes signals on. It runs beside the loop, so that it can end the program even when the loop waits for the terminal.
pub(super) async fn pass_on(mut signals: Signals, messages: UnboundedSender<Message>) {
    loop {
        let caught = signals.next().await;
        let _ended = messages.send(Message::Signal(caught));
        if let Caught::End(number) = caught {
            tokio::time::sleep(LONGEST_END).await;
            terminal::give_up(128 + number);
        }
    }
}

/// The signals that end, stop or continue us.
pub(super) struct Signals {
    term: Signal,
    hup: Signal,
    int: Signal,
    quit: Signal,
    stop: Signal,
    cont: Signal,
}

#[derive(Clone, Copy)]
pub(super) enum Caught {
    /// The signal's number.
    End(u8),
    Stop,
    Continued,
}

impl Signals {
    pub fn new() -> io::Result<Signals> {
        let stop = rustix::process::Signal::TSTP.as_raw();
        let cont = rustix::process::Signal::CONT.as_raw();
        Ok(Signals {
            term: signal(SignalKind::terminate())?,
            hup: signal(SignalKind::hangup())?,
            int: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            stop: signal(SignalKind::from_raw(stop))?,
            cont: signal(SignalKind::from_raw(cont))?,
        })
    }

    async fn next(&mut self) -> Caught {
        tokio::select! {
            _ = self.term.recv() => Caught::End(15),
            _ = self.hup.recv() => Caught::End(HANGUP),
            _ = self.int.recv() => Caught::End(2),
            _ = self.quit.recv() => Caught::End(3),
            _ = self.stop.recv() => Caught::Stop,
            _ = self.cont.recv() => Caught::Continued,
        }
    }
}
