//! The one loop: keys, signals and answers in, the state changed, requests carried out, the screen drawn if something changed. What takes
//! time runs on threads of its own and answers through a channel.

mod incoming;
mod workers;

use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use crossterm::event::{Event, KeyEvent, KeyEventKind};
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::action::Action;
use super::effect::{Answer, Request, Ticket};
use super::state::Tui;
use super::terminal::{self, Terminal};
use super::theme::Role;
use super::work::{self, Work};
use crate::diagnosis::Thresholds;
use crate::settings::Settings;
use crate::source::{Source, SourceError};

use incoming::{Caught, HANGUP, Signals, pass_on, read_terminal};
use workers::Workers;

/// A window that is dragged sends sizes all the time: the screen is drawn when this long none has come.
const SETTLED: Duration = Duration::from_millis(30);

/// A cursor that has not moved for so long rests: then what would have made its steps dear is drawn. Longer than from one press of a
/// held key to the next.
const RESTS: Duration = Duration::from_millis(100);

/// Text taken from one paste, in characters; the filter keeps less.
const LONGEST_PASTE: usize = 1_000;

/// What comes in.
enum Message {
    Event(Event),
    Answer(Ticket, Answer),
    Signal(Caught),
    /// The terminal is gone.
    Gone,
}

/// How the loop ended.
pub enum End {
    /// The user quit; the text stays in the terminal.
    Quit(Option<String>),
    /// A signal asked for it.
    Signal(u8),
    /// There was nothing to show.
    Failed(SourceError),
}

/// The loop's hands.
struct Loop {
    tui: Tui,
    terminal: Terminal,
    workers: Workers,
    /// Takes what is worked out for the screens, one thing at a time.
    beside: Sender<Work>,
    /// The key that came last and asked for nothing, until what it changed is drawn.
    pressed: Option<KeyEvent>,
    /// The screen below a word that a key did nothing.
    untouched: Option<Buffer>,
    /// Nothing came since the last frame but steps of the cursor.
    steps: bool,
}

/// Runs until the user quits, a signal comes or the terminal goes.
///
/// # Errors
/// When the terminal cannot be read or written.
pub async fn run(
    mut tui: Tui,
    source: Source,
    settings: &Settings,
    thresholds: Thresholds,
    first: impl FnOnce(&mut Tui) -> Request,
) -> io::Result<End> {
    let (answers, mut messages) = unbounded_channel();
    let signals = Signals::new()?;
    let (width, height) = Terminal::size()?;
    tui.resize(width, height);
    tui.tick(now_ms());
    let request = first(&mut tui);
    let workers = Workers {
        source,
        settings: Arc::new(settings.clone()),
        thresholds: Arc::new(thresholds),
        answers: answers.clone(),
    };
    let worked = answers.clone();
    let beside = work::begin(move |done| {
        // Nobody listens any more when the program ends.
        let _ended = worked.send(Message::Answer(0, Answer::Worked(done)));
    })?;
    let mut at = Loop {
        tui,
        beside,
        terminal: Terminal::enter(settings.mouse)?,
        workers,
        pressed: None,
        untouched: None,
        steps: false,
    };
    tokio::spawn(pass_on(signals, answers.clone()));
    read_terminal((width, height), answers);
    match at.turn(vec![request], &mut messages).await {
        // Whether the reader, a frame or the watch meets the end first is a matter of chance.
        Err(_) if terminal::is_gone() => Ok(End::Signal(HANGUP)),
        ended => ended,
    }
}

impl Loop {
    async fn turn(&mut self, first: Vec<Request>, messages: &mut UnboundedReceiver<Message>) -> io::Result<End> {
        if let Some(end) = self.carry_out(first)? {
            return Ok(end);
        }
        loop {
            self.draw()?;
            if let Some(end) = self.wait(messages).await? {
                return Ok(end);
            }
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let mut next = self.drawn();
        let before = self.untouched.take();
        // A key that changes nothing is told so; one frame is compared, not one a key.
        if let Some(key) = self.pressed.take()
            && *before.as_ref().unwrap_or(self.terminal.shown()) == next
        {
            self.tui.did_nothing(&key);
            self.untouched = Some(std::mem::replace(&mut next, self.drawn()));
        }
        if self.steps {
            self.terminal.step(next, &self.tui.followers())
        } else {
            self.terminal.draw(next)
        }
    }

    fn drawn(&mut self) -> Buffer {
        self.tui.fit();
        let mut buf = Buffer::empty(self.tui.area());
        self.tui.render(&mut buf);
        buf
    }

    /// Waits for something to happen and does what follows, with all that has come meanwhile: a flood of keys is drawn once.
    async fn wait(&mut self, messages: &mut UnboundedReceiver<Message>) -> io::Result<Option<End>> {
        let pulse = self.tui.pulse();
        let rests = self.terminal.is_behind().then_some(RESTS);
        let wakes = pulse.into_iter().chain(rests).min();
        let tick = tokio::time::sleep(wakes.unwrap_or(Duration::MAX));
        let mut next = tokio::select! {
            message = messages.recv() => message,
            () = tick, if wakes.is_some() => None,
        };
        self.tui.tick(now_ms());
        self.steps = next.is_some();
        while let Some(message) = next {
            let resized = matches!(message, Message::Event(Event::Resize(..)));
            if let Some(end) = self.take(message)? {
                return Ok(Some(end));
            }
            self.steps &= self.tui.has_stepped();
            next = if resized {
                tokio::time::timeout(SETTLED, messages.recv()).await.ok().flatten()
            } else {
                messages.try_recv().ok()
            };
        }
        let due = self.tui.due();
        if let Some(end) = self.carry_out(due)? {
            return Ok(Some(end));
        }
        Ok(self.tui.take_failure().map(End::Failed))
    }

    fn take(&mut self, message: Message) -> io::Result<Option<End>> {
        let requests = match message {
            Message::Event(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                let requests = self.tui.key(&key);
                self.pressed = Some(key).filter(|_| requests.is_empty());
                requests
            }
            Message::Event(Event::Mouse(event)) => self.tui.mouse(&event),
            Message::Event(Event::Paste(text)) if self.tui.typing() => {
                let typed = text.chars().take(LONGEST_PASTE).map(Action::Type);
                typed.flat_map(|action| self.tui.act(action)).collect()
            }
            Message::Event(Event::Paste(_)) => {
                self.tui.say(
                    "a paste is only taken where text is typed: / filters".to_owned(),
                    Role::Warning,
                );
                Vec::new()
            }
            Message::Event(Event::Resize(..)) => {
                // The size at hand, not that of the event: a burst of them ends in one.
                let (width, height) = Terminal::size()?;
                self.tui.resize(width, height);
                Vec::new()
            }
            Message::Event(_) => Vec::new(),
            Message::Answer(ticket, answer) => self.tui.answer(ticket, answer),
            Message::Gone => return Ok(Some(End::Signal(HANGUP))),
            Message::Signal(Caught::End(number)) => return Ok(Some(End::Signal(number))),
            Message::Signal(caught) => {
                match caught {
                    Caught::Stop => self.terminal.suspend()?,
                    _ => self.terminal.take_again()?,
                }
                let (width, height) = Terminal::size()?;
                self.tui.resize(width, height);
                vec![Request::Redraw]
            }
        };
        self.carry_out(requests)
    }

    fn carry_out(&mut self, requests: Vec<Request>) -> io::Result<Option<End>> {
        for request in requests {
            match request {
                Request::Quit(text) => return Ok(Some(End::Quit(text))),
                Request::Redraw => self.terminal.forget(),
                Request::Suspend => {
                    self.terminal.suspend()?;
                    let (width, height) = Terminal::size()?;
                    self.tui.resize(width, height);
                }
                Request::Copy(text) => self.terminal.copy(&text)?,
                // It is gone only when the program ends.
                Request::Work(work) => drop(self.beside.send(work)),
                request => self.workers.clone().start(request),
            }
        }
        Ok(None)
    }
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}
