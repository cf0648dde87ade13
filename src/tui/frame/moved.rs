//! A list that was scrolled: its rows are moved on the terminal instead of written again.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};

use super::Hand;

/// Rows that a list is scrolled by at most, and rows that have to move at least: for fewer it is not worth looking.
const FAR: usize = 3;
const MANY: usize = 4;

/// Rows that stand elsewhere already: a list that was scrolled. Deleting and inserting lines moves them in a few bytes, and leaves no
/// scrolling region behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The first row that moves and those after it that do, as they stand in the next frame.
    first: usize,
    rows: usize,
    /// How far, and whether upwards.
    by: usize,
    up: bool,
}

impl Moved {
    /// The most rows that moved together.
    pub fn find(shown: &Buffer, next: &Buffer, wide: usize) -> Option<Moved> {
        let (shown, next): (Vec<_>, Vec<_>) = (
            shown.content.chunks(wide).collect(),
            next.content.chunks(wide).collect(),
        );
        let changed: Vec<bool> = shown.iter().zip(&next).map(|(shown, next)| shown != next).collect();
        if changed.iter().filter(|changed| **changed).count() < MANY {
            return None;
        }
        let mut most: Option<Moved> = None;
        for (by, up) in (1..=FAR).flat_map(|by| [(by, true), (by, false)]) {
            let mut rows = 0;
            for (y, row) in next.iter().enumerate() {
                let from = if up { y.checked_add(by) } else { y.checked_sub(by) };
                let same = changed[y] && from.and_then(|from| shown.get(from)).is_some_and(|shown| shown == row);
                rows = if same { rows + 1 } else { 0 };
                if rows >= MANY && most.is_none_or(|most| rows > most.rows) {
                    let first = y + 1 - rows;
                    most = Some(Moved { first, rows, by, up });
                }
            }
        }
        most
    }

    /// Moves them, and gives what stands on the screen then.
    pub fn done(self, shown: &Buffer, wide: usize, hand: &mut Hand<'_>) -> Vec<Cell> {
        let Moved { first, rows, by, up } = self;
        // What is deleted and what is inserted lies at the two ends of the rows that take part.
        let top = if up { first } else { first - by };
        let bottom = top + rows;
        let (delete, insert) = if up { (top, bottom) } else { (bottom, top) };
        let _ = write!(hand.out, "\x1b[{}H\x1b[{by}M\x1b[{}H\x1b[{by}L", delete + 1, insert + 1);
        let mut cells = shown.content.clone();
        let part = cells.get_mut(top * wide..(bottom + by) * wide).unwrap_or_default();
        if up {
            part.rotate_left(by * wide);
        } else {
            part.rotate_right(by * wide);
        }
        let blank = if up { bottom } else { top };
        let blank = cells.get_mut(blank * wide..(blank + by) * wide).unwrap_or_default();
        blank.fill(Cell::default());
        cells
    }
}
