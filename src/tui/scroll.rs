//! Lines longer than the screen: which of them are shown. Used by the screens that are text more than a list.

use ratatui::{buffer::Buffer, layout::Rect};

use super::action::Action;
use super::line::put;
use super::panel::{below, panel};
use super::screen::Context;
use super::theme::Role;

/// A line in pieces.
pub type Line = Vec<(String, Role)>;

/// Where in the lines the reader is.
#[derive(Clone, Debug, Default)]
pub struct Scroll {
    top: usize,
    fits: usize,
    lines: usize,
}

impl Scroll {
    /// Takes an action; `false` when it does not move.
    pub fn update(&mut self, action: Action) -> bool {
        let page = self.fits.max(1);
        let last = self.lines.saturating_sub(self.fits);
        let top = match action {
            Action::Up => self.top.saturating_sub(1),
            Action::Down => self.top.saturating_add(1),
            Action::PageUp => self.top.saturating_sub(page),
            Action::PageDown => self.top.saturating_add(page),
            Action::First => 0,
            Action::Last => last,
            _ => return false,
        };
        self.top = top.min(last);
        true
    }

    /// Back to the first line.
    pub fn rewind(&mut self) {
        self.top = 0;
    }

    /// Says how many lines there are for a panel of this area.
    pub fn fit(&mut self, area: Rect, lines: usize) {
        self.fits = usize::from(below(area).height);
        self.lines = lines;
        self.top = self.top.min(lines.saturating_sub(self.fits));
    }

    /// Draws a panel with the lines from where the reader is; how many are hidden stands at its right where `right` says nothing.
    pub fn render(&self, title: &str, right: &str, lines: &[Line], area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let fits = usize::from(below(area).height);
        // A taller area than was told (the snapshot) shows more.
        let top = self.top.min(lines.len().saturating_sub(fits));
        let shown = format!("{}-{} of {} lines", top + 1, (top + fits).min(lines.len()), lines.len());
        let right = if right.is_empty() && lines.len() > fits {
            &shown
        } else {
            right
        };
        let inside = panel(area, title, right, buf, cx);
        put_lines(lines.iter().skip(top), inside, buf, cx);
    }
}

/// Draws lines below one another from the top of an area, as many as there is room for.
pub fn put_lines<'a>(lines: impl IntoIterator<Item = &'a Line>, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    for (line, y) in lines.into_iter().zip(area.top()..area.bottom()) {
        let mut x = area.x;
        for (text, role) in line {
            x = put(buf, area, x, y, text, cx.style(*role));
        }
    }
}
