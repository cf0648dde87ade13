//! Choosing a theme: a list over the screen, each theme shown as the cursor comes to it. Enter keeps it, Esc brings the old one back.

use ratatui::{buffer::Buffer, layout::Rect};

use super::Tui;
use crate::tui::action::Action;
use crate::tui::line::{self, Align};
use crate::tui::panel::panel;
use crate::tui::screen::Context;
use crate::tui::theme::{Listed, Role, Theme};

/// Cells that the list takes.
const WIDTH: u16 = 34;

/// The list of themes while it is open.
pub struct Picker {
    themes: Vec<Listed>,
    at: usize,
    /// The theme from before.
    before: Theme,
}

impl Tui {
    /// Opens the list, on the theme that is shown.
    pub(super) fn choose_theme(&mut self, themes: Vec<Listed>) {
        let usable = || themes.iter().filter_map(|listed| listed.theme.as_ref().ok());
        if usable().all(|theme| *theme == self.world.theme) {
            self.say(
                "this terminal shows no colours, or none are wanted: themes change nothing".to_owned(),
                Role::Warning,
            );
            return;
        }
        let shown = |listed: &Listed| listed.theme.as_ref().is_ok_and(|theme| *theme == self.world.theme);
        let at = themes.iter().position(shown).unwrap_or(0);
        self.picker = Some(Picker {
            themes,
            at,
            before: self.world.theme.clone(),
        });
        self.tell_theme();
    }

    /// Takes an action while the list is open.
    pub(super) fn pick_theme(&mut self, mut picker: Picker, action: Action) {
        let last = picker.themes.len().saturating_sub(1);
        match action {
            Action::Up => picker.at = picker.at.saturating_sub(1),
            Action::Down => picker.at = (picker.at + 1).min(last),
            Action::First | Action::PageUp => picker.at = 0,
            Action::Last | Action::PageDown => picker.at = last,
            Action::Enter => return self.keep_theme(&picker),
            Action::Back | Action::Quit | Action::Theme => {
                self.world.theme = picker.before;
                return self.say("the theme is as it was".to_owned(), Role::Dim);
            }
            _ => {}
        }
        if let Some(Ok(theme)) = picker.themes.get(picker.at).map(|listed| &listed.theme) {
            self.world.theme = theme.clone();
        }
        self.picker = Some(picker);
        self.tell_theme();
    }

    fn keep_theme(&mut self, picker: &Picker) {
        let Some(listed) = picker.themes.get(picker.at) else {
            return;
        };
        match &listed.theme {
            Ok(_) => self.say(
                format!("theme = \"{}\" in the config file keeps it for good", listed.name),
                Role::Text,
            ),
            Err(_) => {
                self.world.theme = picker.before.clone();
                self.say(
                    "that theme cannot be used; the theme is as it was".to_owned(),
                    Role::Warning,
                );
            }
        }
    }

    /// Says what the theme under the cursor is for, or what is wrong with its file.
    fn tell_theme(&mut self) {
        let listed = self.picker.as_ref().and_then(|picker| picker.themes.get(picker.at));
        let text = listed.map(|listed| match &listed.theme {
            Ok(_) => (listed.about.clone(), Role::Dim),
            Err(error) => (error.to_string(), Role::Critical),
        });
        self.said = text.filter(|(text, _)| !text.is_empty());
    }
}

impl Picker {
    /// Draws the list at the right of the screen, so that most of what the theme changes can be seen beside it.
    pub fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let width = WIDTH.min(area.width);
        // A head, the themes, what the keys do.
        let height = u16::try_from(self.themes.len() + 2)
            .unwrap_or(u16::MAX)
            .min(area.height);
        let area = Rect {
            x: area.right() - width,
            width,
            height,
            ..area
        };
        let blank = " ".repeat(usize::from(width));
        (area.top()..area.bottom()).for_each(|y| {
            line::put(buf, area, area.x, y, &blank, cx.style(Role::Text));
        });
        let inside = panel(area, "Theme", "", buf, cx);
        let room = usize::from(inside.height.saturating_sub(1));
        let top = (self.at + 1).saturating_sub(room.max(1));
        for ((at, listed), y) in self.themes.iter().enumerate().skip(top).take(room).zip(inside.top()..) {
            let chosen = at == self.at;
            let mark = if chosen { cx.glyphs.pick("▸", ">") } else { " " };
            let (from, role) = match (&listed.theme, &listed.file) {
                (Err(_), _) => ("broken", Role::Critical),
                (Ok(_), Some(_)) => ("your own", Role::Dim),
                (Ok(_), None) => ("", Role::Dim),
            };
            let name = line::pad(&listed.name, usize::from(width).saturating_sub(13), Align::Left);
            let style = |role| cx.style(if chosen { Role::Selected } else { role });
            let x = line::put(buf, inside, inside.x, y, &format!(" {mark} {name} "), style(Role::Text));
            line::put(buf, inside, x, y, &line::pad(from, 9, Align::Left), style(role));
        }
        let keys = "   Enter keeps it, Esc restores";
        line::put(
            buf,
            inside,
            inside.x,
            inside.bottom().saturating_sub(1),
            keys,
            cx.style(Role::Dim),
        );
    }
}
