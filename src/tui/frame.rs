//! A frame as bytes for the terminal: what differs from what stands there, in few of them, for the line may be slow. Knows no
//! terminal: bytes out, nothing else. ECMA-48 alone, no sequence that screen, tmux or the Linux console lacks.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

/// Cells between two changes that are written again rather than jumped over: a jump takes four bytes.
const BRIDGE: u16 = 4;

/// Blank cells from which erasing them takes fewer bytes than writing them.
const BLANKS: u16 = 10;

/// Cells at the end of a row from which erasing to its end is shorter.
const TAIL: u16 = 4;

/// Rows that a list is scrolled by at most, and rows that have to move at least: for fewer it is not worth looking.
const FAR: usize = 3;
const MANY: usize = 4;

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

/// Rows that stand elsewhere already: a list that was scrolled. Deleting and inserting lines moves them in a few bytes, and leaves no
/// scrolling region behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moved {
    /// The first row that moves and those after it that do, as they stand in the next frame.
    first: usize,
    rows: usize,
    /// How far, and whether upwards.
    by: usize,
    up: bool,
}

impl Moved {
    /// The most rows that moved together.
    fn find(shown: &Buffer, next: &Buffer, wide: usize) -> Option<Moved> {
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
    fn done(self, shown: &Buffer, wide: usize, hand: &mut Hand<'_>) -> Vec<Cell> {
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

/// What the terminal draws with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Pen {
    fore: Color,
    back: Color,
    modifier: Modifier,
}

impl Pen {
    fn of(cell: &Cell) -> Pen {
        Pen {
            fore: cell.fg,
            back: cell.bg,
            modifier: cell.modifier,
        }
    }

    /// What of it can be seen on a cell without a letter.
    fn on_blank(self) -> Pen {
        let reversed = self.modifier.contains(Modifier::REVERSED);
        Pen {
            fore: if reversed { self.fore } else { Color::Reset },
            back: self.back,
            modifier: self.modifier & (Modifier::REVERSED | Modifier::UNDERLINED | Modifier::CROSSED_OUT),
        }
    }

    /// Whether a cell can be written with it as it is.
    fn suits(self, cell: &Cell) -> bool {
        let pen = Pen::of(cell);
        self == pen || cell.symbol() == " " && self.on_blank() == pen.on_blank()
    }
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

    /// Changes the style, by the shorter of the two ways: what differs, or all anew.
    fn take_up(&mut self, pen: Pen) {
        if self.pen == pen {
            return;
        }
        let changed = changes(self.pen, pen);
        let anew = changes(Pen::default(), pen);
        let anew = if anew.is_empty() { anew } else { format!("0;{anew}") };
        let shorter = if anew.len() < changed.len() { anew } else { changed };
        let _ = write!(self.out, "\x1b[{shorter}m");
        self.pen = pen;
    }
}

/// The parameters of the sequence that makes one pen out of another.
fn changes(from: Pen, to: Pen) -> String {
    let mut text = String::new();
    let mut add = |part: &str| {
        if !text.is_empty() {
            text.push(';');
        }
        text.push_str(part);
    };
    let gone = from.modifier - to.modifier;
    let mut new = to.modifier - from.modifier;
    let weight = Modifier::BOLD | Modifier::DIM;
    if gone.intersects(weight) {
        // One sequence ends both.
        add("22");
        new |= to.modifier & weight;
    }
    for (modifier, on, off) in [
        (Modifier::BOLD, "1", ""),
        (Modifier::DIM, "2", ""),
        (Modifier::ITALIC, "3", "23"),
        (Modifier::UNDERLINED, "4", "24"),
        (Modifier::REVERSED, "7", "27"),
        (Modifier::CROSSED_OUT, "9", "29"),
    ] {
        if gone.contains(modifier) && !off.is_empty() {
            add(off);
        }
        if new.contains(modifier) {
            add(on);
        }
    }
    if from.fore != to.fore {
        add(&colour(to.fore, 30));
    }
    if from.back != to.back {
        add(&colour(to.back, 40));
    }
    text
}

/// The parameters of a colour; `base` is 30 for letters and 40 for what is behind them.
fn colour(colour: Color, base: u8) -> String {
    let named = |at: u8| (base + at).to_string();
    let bright = |at: u8| (base + 60 + at).to_string();
    match colour {
        Color::Reset => (base + 9).to_string(),
        Color::Black => named(0),
        Color::Red => named(1),
        Color::Green => named(2),
        Color::Yellow => named(3),
        Color::Blue => named(4),
        Color::Magenta => named(5),
        Color::Cyan => named(6),
        Color::Gray => named(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
        Color::Indexed(at) => format!("{};5;{at}", base + 8),
        Color::Rgb(r, g, b) => format!("{};2;{r};{g};{b}", base + 8),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZero;

    use ratatui::layout::Rect;
    use ratatui::style::Style;
    use vt100::Parser;

    use super::*;

    const SIZE: (u16, u16) = (40, 6);

    fn buffer(texts: &[(u16, u16, &str, Style)]) -> Buffer {
        let mut buf = Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1));
        texts.iter().for_each(|(x, y, text, style)| {
            buf.set_string(*x, *y, text, *style);
        });
        buf
    }

    fn parser() -> Parser {
        let cells = |cells| NonZero::new(cells).unwrap();
        Parser::new(cells(SIZE.1), cells(SIZE.0), 0)
    }

    fn colour_of(colour: Color) -> vt100::Color {
        match colour {
            Color::Reset => vt100::Color::Default,
            Color::Red => vt100::Color::Idx(1),
            Color::LightBlue => vt100::Color::Idx(12),
            Color::Indexed(at) => vt100::Color::Idx(at),
            Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
            other => panic!("{other:?} is not in these tests"),
        }
    }

    /// Cell by cell what a terminal shows.
    fn assert_shows(parser: &Parser, buf: &Buffer) {
        let mut covered = 0;
        for y in 0..SIZE.1 {
            for x in 0..SIZE.0 {
                let (cell, seen) = (&buf[(x, y)], parser.screen().cell(y, x).unwrap());
                if covered > 0 {
                    covered -= 1;
                    continue;
                }
                covered = width(cell) - 1;
                let symbol = if seen.has_contents() { seen.contents() } else { " " };
                assert_eq!(symbol, cell.symbol(), "at {x},{y}");
                if cell.symbol() == " " {
                    let reversed = cell.modifier.contains(Modifier::REVERSED);
                    let behind = (colour_of(cell.bg), reversed);
                    assert_eq!((seen.bgcolor(), seen.inverse()), behind, "at {x},{y}");
                    continue;
                }
                assert_eq!(seen.fgcolor(), colour_of(cell.fg), "at {x},{y}");
                assert_eq!(seen.bgcolor(), colour_of(cell.bg), "at {x},{y}");
                let has = |modifier| cell.modifier.contains(modifier);
                assert_eq!(
                    (seen.bold(), seen.dim(), seen.italic(), seen.underline(), seen.inverse()),
                    (
                        has(Modifier::BOLD),
                        has(Modifier::DIM) && !has(Modifier::BOLD),
                        has(Modifier::ITALIC),
                        has(Modifier::UNDERLINED),
                        has(Modifier::REVERSED)
                    ),
                    "at {x},{y}"
                );
            }
        }
    }

    #[test]
    fn a_terminal_shows_what_the_buffer_holds_whatever_it_held_before() {
        let plain = Style::new();
        let red = plain.fg(Color::Red).add_modifier(Modifier::BOLD);
        let row = plain.bg(Color::Indexed(237)).add_modifier(Modifier::BOLD);
        let rich = plain
            .fg(Color::Rgb(1, 2, 3))
            .bg(Color::LightBlue)
            .add_modifier(Modifier::UNDERLINED);
        let dim = plain.add_modifier(Modifier::DIM | Modifier::ITALIC);
        let frames = [
            buffer(&[]),
            buffer(&[
                (0, 0, "the whole of this row is full of letters", red),
                (3, 2, "ab", rich),
            ]),
            buffer(&[
                (0, 0, "the whole of that row is full of letters", plain),
                (30, 2, "at the end", dim),
            ]),
            buffer(&[
                (0, 1, &" ".repeat(40), row),
                (5, 1, "selected", row.fg(Color::Red)),
                (0, 5, "x", rich),
            ]),
            buffer(&[
                (0, 1, "名前 and more 名", red),
                (2, 3, "──▏█▇", dim),
                (20, 3, "é̂ combined", plain),
            ]),
            buffer(&[
                (0, 1, "n名 and more", plain),
                (0, 3, "a      b          c            d", red),
            ]),
            buffer(&[
                (0, 3, "a  x   b          c            d", red),
                (0, 4, " ", plain.add_modifier(Modifier::REVERSED)),
            ]),
        ];
        for first in &frames {
            for second in &frames {
                let mut parser = parser();
                let mut bytes = String::new();
                write(&frames[0], first, &mut bytes);
                parser.process(bytes.as_bytes());
                assert_shows(&parser, first);
                bytes.clear();
                write(first, second, &mut bytes);
                parser.process(bytes.as_bytes());
                assert_shows(&parser, second);
                assert_eq!(first == second, bytes.is_empty(), "nothing for nothing");
            }
        }
    }

    #[test]
    fn a_list_that_was_scrolled_is_moved_not_written_again() {
        let plain = Style::new();
        let style = plain.bg(Color::Indexed(237));
        // The head and the foot stay; the row under the cursor is the last one, or the first.
        let list = |from: usize, chosen: u16| {
            let mut buf = Buffer::empty(Rect::new(0, 0, SIZE.0, 12));
            buf.set_string(0, 0, "the head of the list", plain);
            for y in 1..11_u16 {
                let text = format!(
                    "{:<40}",
                    format!("row {} with a text of its own", from + usize::from(y))
                );
                buf.set_string(0, y, text, if y == chosen { style } else { plain });
            }
            buf.set_string(0, 11, format!("{from} rows above"), plain);
            buf
        };
        for (before, after, most) in [
            (list(5, 10), list(6, 10), 160),
            (list(5, 1), list(4, 1), 160),
            (list(5, 10), list(8, 10), 300),
            (list(5, 1), list(2, 1), 300),
            (list(5, 4), list(30, 4), 1_000),
        ] {
            let cells = |cells| NonZero::new(cells).unwrap();
            let mut parser = Parser::new(cells(12), cells(SIZE.0), 0);
            let mut bytes = String::new();
            write(&Buffer::empty(before.area), &before, &mut bytes);
            parser.process(bytes.as_bytes());
            bytes.clear();
            write(&before, &after, &mut bytes);
            parser.process(bytes.as_bytes());
            assert!(bytes.len() <= most, "{} bytes", bytes.len());
            for y in 0..12 {
                for x in 0..SIZE.0 {
                    let (cell, seen) = (&after[(x, y)], parser.screen().cell(y, x).unwrap());
                    let symbol = if seen.has_contents() { seen.contents() } else { " " };
                    assert_eq!(symbol, cell.symbol(), "at {x},{y}");
                    assert_eq!(seen.bgcolor(), colour_of(cell.bg), "at {x},{y}");
                }
            }
        }
    }

    #[test]
    fn every_colour_has_its_number() {
        for (wanted, fore, back) in [
            (Color::Reset, "39", "49"),
            (Color::Gray, "37", "47"),
            (Color::DarkGray, "90", "100"),
            (Color::White, "97", "107"),
            (Color::Indexed(237), "38;5;237", "48;5;237"),
            (Color::Rgb(1, 2, 3), "38;2;1;2;3", "48;2;1;2;3"),
        ] {
            assert_eq!(
                (colour(wanted, 30), colour(wanted, 40)),
                (fore.to_owned(), back.to_owned())
            );
        }
    }

    #[test]
    fn few_bytes_for_small_changes() {
        let bytes = |from: &Buffer, to: &Buffer| {
            let mut bytes = String::new();
            write(from, to, &mut bytes);
            bytes
        };
        let plain = Style::new();
        let empty = buffer(&[]);
        assert_eq!(bytes(&empty, &buffer(&[(0, 3, "x", plain)])), "\x1b[4Hx");
        assert_eq!(bytes(&buffer(&[(5, 3, "abcdefgh", plain)]), &empty), "\x1b[4;6H\x1b[K");
        let (a, b) = (buffer(&[(0, 0, "a.....c", plain)]), buffer(&[(0, 0, "b.....d", plain)]));
        assert_eq!(bytes(&a, &b), "\x1b[1Hb\x1b[5Cd");
        let red = plain.fg(Color::Red);
        assert_eq!(bytes(&empty, &buffer(&[(0, 0, "x", red)])), "\x1b[1H\x1b[31mx\x1b[m");
    }
}
