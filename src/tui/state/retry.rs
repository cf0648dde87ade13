//! A first load whose server does not answer: it is tried again after a pause that grows, until the user has enough.

use ratatui::{buffer::Buffer, layout::Rect};

use super::Tui;
use crate::source::{Choice, SourceError};
use crate::tui::action::Action;
use crate::tui::effect::Request;
use crate::tui::line;
use crate::tui::theme::Role;

/// The first pause, doubled after each failure; and the longest, ms.
const FIRST_MS: i64 = 1_000;
const LONGEST_MS: i64 = 30_000;

/// What waits to be tried again.
#[derive(Debug)]
pub struct Retry {
    error: SourceError,
    /// What was to be opened; `None`: the list.
    choice: Option<Choice>,
    /// Failures so far.
    failures: u32,
    /// When the next try is due, epoch ms.
    due_ms: i64,
}

impl Tui {
    /// A first load failed: with an error that may pass it is tried again, any other ends the program.
    pub(super) fn first_load_failed(&mut self, error: SourceError, choice: Option<Choice>) {
        if !error.passes() {
            self.failed = Some(error);
            return;
        }
        self.failures = self.failures.saturating_add(1);
        let pause = FIRST_MS
            .saturating_mul(1 << (self.failures - 1).min(10))
            .min(LONGEST_MS);
        // Many screens on one server must not come back all at once: the time of the failure spreads them by up to a fourth.
        let jitter = pause / 4 * self.world.now_ms.rem_euclid(100) / 100;
        self.retry = Some(Retry {
            error,
            choice,
            failures: self.failures,
            due_ms: self.world.now_ms.saturating_add(pause + jitter),
        });
    }

    /// The try that is due by now.
    pub fn due(&mut self) -> Vec<Request> {
        match self.retry.take_if(|retry| retry.due_ms <= self.world.now_ms) {
            Some(retry) => vec![self.try_again(retry)],
            None => Vec::new(),
        }
    }

    fn try_again(&mut self, retry: Retry) -> Request {
        match retry.choice {
            Some(choice) => self.open(choice),
            None => self.list_first(),
        }
    }

    /// Takes an action while a try is waited for.
    pub(super) fn act_while_waiting(&mut self, action: Action, retry: Retry) -> Vec<Request> {
        match action {
            Action::Reload => return vec![self.try_again(retry)],
            // Nothing was shown: the reason is what remains on the terminal.
            Action::Quit | Action::QuitAndPrint | Action::Back => self.failed = Some(retry.error),
            _ => self.retry = Some(retry),
        }
        Vec::new()
    }

    /// Draws why nothing is there yet and when it is tried again.
    pub(super) fn render_retry(&self, retry: &Retry, area: Rect, buf: &mut Buffer) {
        let cx = self.world.cx();
        let seconds = retry.due_ms.saturating_sub(cx.now_ms).max(0) / 1_000 + 1;
        let tries = match retry.failures {
            1 => "once".to_owned(),
            2 => "twice".to_owned(),
            failures => format!("{failures} times"),
        };
        let room = usize::from(area.width.saturating_sub(4)).max(1);
        let why = line::wrap(&retry.error.to_string(), room);
        let lines = [("No answer".to_owned(), Role::Warning)]
            .into_iter()
            .chain(why.into_iter().map(|text| (text, Role::Text)))
            .chain([
                (format!("tried {tries}; again in {seconds} s"), Role::Dim),
                ("r tries now, q gives up.".to_owned(), Role::Dim),
            ]);
        let top = area.y + area.height / 4;
        for ((text, role), y) in lines.zip(top..area.bottom()) {
            line::put(buf, area, area.x.saturating_add(2), y, &text, cx.style(role));
        }
    }
}
