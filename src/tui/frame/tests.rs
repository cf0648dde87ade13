use std::num::NonZero;

use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
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
