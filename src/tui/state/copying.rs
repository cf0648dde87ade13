//! `y`: a text handed to the terminal's clipboard (OSC 52), and shown to be selected by hand where the clipboard does not get it.

use ratatui::{buffer::Buffer, layout::Rect};

use super::Tui;
use crate::tui::action::Action;
use crate::tui::effect::Request;
use crate::tui::line;
use crate::tui::screen::Context;
use crate::tui::theme::Role;

/// Bytes that are sent at most: terminals that take more are rare, and one that takes less drops all of it.
const LONGEST: usize = 50_000;

/// What stands between us and the terminal, and does with the clipboard as it likes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Multiplexer {
    /// Nothing.
    #[default]
    None,
    /// tmux passes the text on if `set-clipboard` is on.
    Tmux,
    /// GNU screen does not know the sequence.
    Screen,
}

impl Multiplexer {
    /// As the environment tells it.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Multiplexer {
        let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
        if set("TMUX") {
            Multiplexer::Tmux
        } else if set("STY") {
            Multiplexer::Screen
        } else {
            Multiplexer::None
        }
    }
}

/// A text over the screen, without anything beside it.
pub struct Shown {
    text: String,
    top: usize,
    /// Why it is shown, or how the clipboard would get it.
    note: String,
}

impl Tui {
    /// Says what stands between us and the terminal.
    pub fn runs_in(&mut self, multiplexer: Multiplexer) {
        self.multiplexer = multiplexer;
    }

    /// Copies what the cursor is on; the second time in a row, `again`, it is shown.
    pub(super) fn copy(&mut self, again: Option<String>) -> Vec<Request> {
        let Some((what, text)) = self.stack.top().copy(&self.world.cx()) else {
            self.say("nothing to copy here".to_owned(), Role::Dim);
            return Vec::new();
        };
        let note = match self.multiplexer {
            Multiplexer::None => "if the terminal takes no OSC 52, select it here",
            Multiplexer::Tmux => "tmux passes it on with: set -s set-clipboard on",
            Multiplexer::Screen => "GNU screen passes no clipboard on: select it here",
        };
        let show = |note: String, text: String| Some(Shown { text, top: 0, note });
        if text.len() > LONGEST {
            self.shown = show(
                format!(
                    "{what} is too long for the clipboard ({} bytes): select it here",
                    text.len()
                ),
                text,
            );
            return Vec::new();
        }
        if again.as_ref() == Some(&text) || self.multiplexer == Multiplexer::Screen {
            self.shown = show(note.to_owned(), text);
            return Vec::new();
        }
        let whether = if self.multiplexer == Multiplexer::Tmux {
            format!(" ({note})")
        } else {
            String::new()
        };
        let key = self
            .keymap
            .binding(Action::Copy)
            .and_then(|binding| binding.keys.first());
        let key = key.map_or_else(String::new, |key| format!("; {} again shows it", key.label()));
        self.say(
            format!("{what} sent to the terminal's clipboard{key}{whether}"),
            Role::Good,
        );
        self.copied = Some(text.clone());
        vec![Request::Copy(text)]
    }

    /// Takes an action while a text is shown.
    pub(super) fn read_shown(&mut self, mut shown: Shown, action: Action) {
        let page = usize::from(self.area.height.saturating_sub(3)).max(1);
        let lines = line::wrap(&shown.text, usize::from(self.area.width)).len();
        let lowest = lines.saturating_sub(page);
        shown.top = match action {
            Action::Back | Action::Quit | Action::Enter | Action::Copy => return,
            Action::Up => shown.top.saturating_sub(1),
            Action::Down => shown.top + 1,
            Action::PageUp => shown.top.saturating_sub(page),
            Action::PageDown => shown.top + page,
            Action::First => 0,
            Action::Last => lowest,
            _ => shown.top,
        };
        shown.top = shown.top.min(lowest);
        self.shown = Some(shown);
    }
}

impl Shown {
    /// Draws the text at the left edge, so that a selection by mouse takes nothing else along.
    pub fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let blank = " ".repeat(usize::from(area.width));
        (area.top()..area.bottom()).for_each(|y| {
            line::put(buf, area, area.x, y, &blank, cx.style(Role::Text));
        });
        let last = area.bottom().saturating_sub(1);
        let lines = line::wrap(&self.text, usize::from(area.width));
        for (text, y) in lines.iter().skip(self.top).zip(area.top()..last) {
            line::put(buf, area, area.x, y, text, cx.style(Role::Text));
        }
        let more = lines
            .len()
            .saturating_sub(self.top + usize::from(area.height.saturating_sub(1)));
        let more = if more > 0 {
            format!("{more} more lines below. ")
        } else {
            String::new()
        };
        line::put(
            buf,
            area,
            area.x,
            last,
            &format!("{more}{}", self.note),
            cx.style(Role::Dim),
        );
    }
}
