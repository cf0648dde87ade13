//! A frame as bytes for the terminal: what differs from what stands there, in few of them, for the line may be slow. Knows no
//! terminal: bytes out, nothing else. ECMA-48 alone, no sequence that screen, tmux or the Linux console lacks.

mod moved;
mod pen;
#[cfg(test)]
mod tests;

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use unicode_width::UnicodeWidthStr;

use moved::Moved;
use pen::Pen;

/// Cells between two changes that are written again rather than jumped over: a jump takes four bytes.
const BRIDGE: u16 = 4;

/// Blank cells from which erasing them takes fewer bytes than writing them.
const BLANKS: u16 = 10;

/// Cells at the end of a row from which erasing to its end is shorter.
const TAIL: u16 = 4;

/// Writes what makes `next` out of `shown`; both are of one size. The terminal's style is plain before and after.
pub fn write(shown: &Buffer, next: &Buffer, out: &mut String) {
    let mut hand = Hand {
        out,
        at: None,
        pen: Pen::default(),
    };
    let wide = usize::from(next.area.width);
    if wide == 0 {
        return;
    }
    let moved = Moved::find(shown, next, wide);
    let scrolled = moved.map(|moved| moved.done(shown, wide, &mut hand));
    let shown = scrolled.as_ref().unwrap_or(&shown.content);
    let rows = shown.chunks(wide).zip(next.content.chunks(wide));
    for ((shown, next), y) in rows.zip(0..) {
        if shown != next {
            row(&mut hand, shown, next, y);
        }
    }
    hand.take_up(Pen::default());
}

fn row(hand: &mut Hand<'_>, shown: &[Cell], next: &[Cell], y: u16) {
    // Where a character takes two cells, what stands in the second is the terminal's affair: the row is written whole.
    let whole = shown.iter().chain(next).any(|cell| width(cell) > 1);
    let changed = |x: usize| {
        whole
            || shown
                .get(x)
                .zip(next.get(x))
                .is_some_and(|(shown, next)| !alike(shown, next))
    };
    let last = (0..next.len()).rev().find(|x| changed(*x));
    let tail = next.iter().rposition(|cell| !is_blank(cell)).map_or(0, |x| x + 1);
    let mut x = 0;
    while let Some(cell) = next.get(x) {
        let Some(last) = last.filter(|last| *last >= x) else {
            return;
        };
        if !changed(x) {
            x += 1;
            continue;
        }
        let at = (u16::try_from(x).unwrap_or(u16::MAX), y);
        if x >= tail && last - x >= usize::from(TAIL) {
            hand.go(at, next);
            hand.take_up(Pen::default());
            hand.out.push_str("\x1b[K");
            return;
        }
        let blanks = next.iter().skip(x).take_while(|cell| is_blank(cell)).count();
        if blanks >= usize::from(BLANKS) {
            hand.go(at, next);
            hand.take_up(Pen::default());
            let _ = write!(hand.out, "\x1b[{blanks}X");
            x += blanks;
            continue;
        }
        hand.go(at, next);
        hand.put(cell, next.len());
        x += width(cell).max(1);
    }
}

/// Whether two cells look alike.
fn alike(a: &Cell, b: &Cell) -> bool {
    a == b || a.symbol() == " " && b.symbol() == " " && Pen::of(a).on_blank() == Pen::of(b).on_blank()
}

/// Whether nothing can be seen in a cell.
fn is_blank(cell: &Cell) -> bool {
    cell.symbol() == " " && Pen::of(cell).on_blank() == Pen::default()
}

fn width(cell: &Cell) -> usize {
    let symbol = cell.symbol();
    if symbol.len() == 1 { 1 } else { symbol.width() }
}

/// The cursor and the pen as the terminal has them while a frame is written.
struct Hand<'a> {
    out: &'a mut String,
    /// Where the cursor stands, as far as is known for certain.
    at: Option<(u16, u16)>,
    pen: Pen,
}

impl Hand<'_> {
    /// Brings the cursor to a cell; `row` is what stands in its row.
    fn go(&mut self, to: (u16, u16), row: &[Cell]) {
        let _ = match self.at {
            Some(at) if at == to => return,
            Some((x, y)) if y == to.1 && x < to.0 => {
                let between = row.get(usize::from(x)..usize::from(to.0)).unwrap_or_default();
                let pen = self.pen;
                if to.0 - x <= BRIDGE && between.iter().all(|cell| pen.suits(cell) && cell.symbol().is_ascii()) {
                    between.iter().for_each(|cell| self.out.push_str(cell.symbol()));
                    Ok(())
                } else if to.0 - x == 1 {
                    self.out.write_str("\x1b[C")
                } else {
                    write!(self.out, "\x1b[{}C", to.0 - x)
                }
            }
            _ if to.0 == 0 => write!(self.out, "\x1b[{}H", to.1 + 1),
            _ => write!(self.out, "\x1b[{};{}H", to.1 + 1, to.0 + 1),
        };
        self.at = Some(to);
    }

    /// Writes a cell where the cursor stands; rows are `columns` wide.
    fn put(&mut self, cell: &Cell, columns: usize) {
        if !self.pen.suits(cell) {
            self.take_up(Pen::of(cell));
        }
        self.out.push_str(cell.symbol());
        // At the end of a row terminals differ, and about wide characters too.
        let wide = width(cell);
        self.at = self.at.filter(|_| wide == 1).map(|(x, y)| (x + 1, y));
        self.at = self.at.filter(|(x, _)| usize::from(*x) < columns);
    }

    /// Changes the style.
    fn take_up(&mut self, pen: Pen) {
        if self.pen == pen {
            return;
        }
        let _ = write!(self.out, "\x1b[{}m", self.pen.to(pen));
        self.pen = pen;
    }
}
