//! The mouse, where it is wanted: a click on a tab shows it, a click on a row puts the cursor there and on the cursor's own row opens
//! it, the wheel moves the cursor, the right button goes back. A row is found by walking the cursor to it as keys would, so that
//! every list takes clicks alike and none has to know where it was drawn.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;

use super::Tui;
use crate::tui::action::Action;
use crate::tui::effect::Request;
use crate::tui::line;

/// Rows that one notch of the wheel moves.
const NOTCH: usize = 3;

/// Rows of one entry of a list.
const TALLEST: u16 = 3;

/// Rows that a list may take on the screen: a walk ends there.
const LONGEST_WALK: usize = 300;

impl Tui {
    /// Takes what the mouse did.
    pub fn mouse(&mut self, event: &MouseEvent) -> Vec<Request> {
        match event.kind {
            MouseEventKind::ScrollUp => self.turn_wheel(Action::Up),
            MouseEventKind::ScrollDown => self.turn_wheel(Action::Down),
            MouseEventKind::Down(MouseButton::Left) if self.loading.is_none() => self.click(event.column, event.row),
            MouseEventKind::Down(MouseButton::Right) => self.act(Action::Back),
            _ => Vec::new(),
        }
    }

    fn turn_wheel(&mut self, action: Action) -> Vec<Request> {
        (0..NOTCH).flat_map(|_| self.act(action)).collect()
    }

    fn click(&mut self, x: u16, y: u16) -> Vec<Request> {
        if self.stack.in_application() && !self.stack.in_help() && y == self.area.y.saturating_add(1) {
            return self.tab_at(x).map(|tab| self.act(Action::Tab(tab))).unwrap_or_default();
        }
        let drawn = self.drawn();
        let blank = (0..self.area.width).all(|x| drawn.cell((x, y)).is_none_or(|cell| cell.symbol() == " "));
        let last = self.area.bottom().saturating_sub(1);
        match self.mark(&drawn) {
            Some(mark) if mark == y => self.act(Action::Enter),
            Some(mark) if !blank && y < last => {
                self.walk_to(y, mark);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    /// Moves the cursor from the row `from` of the screen to the one at `to`, or to the entry that begins above it; nowhere if the
    /// list does not reach there.
    fn walk_to(&mut self, to: u16, from: u16) {
        let (on, back) = if to > from {
            (Action::Down, Action::Up)
        } else {
            (Action::Up, Action::Down)
        };
        let (mut at, mut steps) = (from, 0);
        let there = |at: u16| if to > from { at >= to } else { at <= to };
        while !there(at) && steps < LONGEST_WALK {
            self.act(on);
            let drawn = self.drawn();
            match self.mark(&drawn) {
                // The end of the list, or it scrolled.
                Some(next) if next == at => break,
                Some(next) => (at, steps) = (next, steps + 1),
                None => break,
            }
        }
        let down = to > from;
        let undone = match at {
            // The click was on a later row of an entry of several.
            at if at > to && down => 1,
            // Above the list, or well below its end.
            at if at > to || to - at > TALLEST && down => steps,
            _ => 0,
        };
        (0..undone).for_each(|_| {
            self.act(back);
        });
    }

    /// The row of the screen where the cursor's mark stands.
    fn mark(&self, drawn: &Buffer) -> Option<u16> {
        let mark = self.world.glyphs.pick("▸", ">");
        let body = super::chrome::body(self.area, self.stack.in_application());
        let marked = |y: &u16| drawn.cell((body.x, *y)).is_some_and(|cell| cell.symbol() == mark);
        (body.top()..body.bottom()).find(marked)
    }

    fn drawn(&mut self) -> Buffer {
        self.fit();
        let mut buf = Buffer::empty(self.area);
        self.render(&mut buf);
        buf
    }

    /// The tab under a cell of the row of tabs.
    fn tab_at(&self, x: u16) -> Option<u8> {
        let mut end = usize::from(self.area.x);
        let labels = self.tab_labels(usize::from(self.area.width), &self.world.cx());
        let hit = labels.into_iter().find(|(_, label, _)| {
            end += line::width(label);
            usize::from(x) < end
        });
        hit.map(|(number, ..)| number)
    }
}
