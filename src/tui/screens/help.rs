//! The keys: those of the screen it was opened on first, then all, out of the keymap itself.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::keymap::{Binding, Keymap};
use crate::tui::line::{self, Align};
use crate::tui::panel::{below, panel};
use crate::tui::screen::{Context, Screen};
use crate::tui::theme::Role;
use crate::tui::widgets::Glyphs;

/// A line of the help: keys, the same in ASCII, and what they do; a heading has no text.
type Line = ([String; 2], &'static str);

/// The help.
#[derive(Debug, Default)]
pub struct Help {
    lines: Vec<Line>,
    top: usize,
    fits: usize,
}

impl Help {
    /// The help for a screen.
    pub fn of(screen: &dyn Screen, keymap: &Keymap) -> Help {
        let own = screen.actions();
        let line = |binding: &Binding| (labels(binding), binding.help);
        let (here, elsewhere): (Vec<&Binding>, Vec<&Binding>) = keymap
            .bindings()
            .iter()
            .partition(|binding| own.contains(&binding.action));
        let heading = |text: &str| ([text.to_owned(), text.to_owned()], "");
        let mut lines = vec![heading("On this screen")];
        lines.extend(here.into_iter().map(line));
        lines.push(heading("Everywhere"));
        lines.extend(elsewhere.into_iter().map(line));
        Help { lines, top: 0, fits: 1 }
    }

    fn lowest(&self) -> usize {
        self.lines.len().saturating_sub(self.fits)
    }
}

fn labels(binding: &Binding) -> [String; 2] {
    let keys = binding.keys.iter();
    let all = keys.map(|key| [key.label(), key.plain_label()]).collect::<Vec<_>>();
    [0, 1].map(|at| {
        all.iter()
            .map(|labels| labels[at].as_str())
            .collect::<Vec<_>>()
            .join(" ")
    })
}

impl Screen for Help {
    fn title(&self, _: &Context<'_>) -> String {
        "Help".to_owned()
    }

    fn update(&mut self, action: Action, _: &Context<'_>) -> Vec<Effect> {
        let top = match action {
            Action::Up => self.top.saturating_sub(1),
            Action::Down => self.top + 1,
            Action::PageUp => self.top.saturating_sub(self.fits),
            Action::PageDown => self.top + self.fits,
            Action::First => 0,
            Action::Last => self.lowest(),
            _ => self.top,
        };
        self.top = top.min(self.lowest());
        Vec::new()
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let hidden = self
            .lines
            .len()
            .saturating_sub(self.top + usize::from(below(area).height));
        let right = match hidden {
            0 => "the config file's [keys] changes them".to_owned(),
            1 => "1 more line: PgDn".to_owned(),
            _ => format!("{hidden} more lines: PgDn"),
        };
        let inside = panel(area, "Keys", &right, buf, cx);
        let top = self
            .top
            .min(self.lines.len().saturating_sub(usize::from(inside.height)));
        for (([keys, plain], text), y) in self.lines.iter().skip(top).zip(inside.top()..inside.bottom()) {
            let keys = if cx.glyphs == Glyphs::Ascii { plain } else { keys };
            if text.is_empty() {
                line::put(buf, inside, inside.x, y, keys, cx.style(Role::Title));
            } else {
                let keys = line::pad(keys, 15, Align::Left);
                let x = line::put(buf, inside, inside.x.saturating_add(2), y, &keys, cx.style(Role::Key));
                line::put(buf, inside, x, y, text, cx.style(Role::Text));
            }
        }
    }

    fn fit(&mut self, area: Rect, _: &Context<'_>) {
        self.fits = usize::from(below(area).height).max(1);
        self.top = self.top.min(self.lowest());
    }

    fn height(&self, _: u16, _: &Context<'_>) -> usize {
        1 + self.lines.len()
    }

    fn actions(&self) -> &'static [Action] {
        &[Action::Down, Action::PageDown, Action::Back]
    }
}
