//! A buffer as an SVG picture, a cell a glyph. Blocks are drawn as rectangles, so that bars have no seams in any font.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use skewer::tui::theme::Ground;

/// A cell in pixels, and the margin around the cells.
const CELL: (f64, f64) = (8.0, 17.0);
const MARGIN: f64 = 10.0;

/// Where letters stand in a cell.
const BASELINE: f64 = 13.0;

/// The sixteen colours, as a dark terminal theme has them.
const SIXTEEN: [&str; 16] = [
    "#2b303b", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#abb2bf", "#6b7280", "#ff7b86",
    "#b5e890", "#ffd787", "#8cc8ff", "#e0a0f0", "#7fd6e0", "#ffffff",
];

/// The colours of what has none of its own.
struct Colours {
    background: String,
    foreground: String,
}

/// The picture, on the ground of the theme that it is drawn in.
pub fn written(buf: &Buffer, ground: Ground) -> String {
    let ground = Colours {
        background: colour(ground.background, "#000000"),
        foreground: colour(ground.foreground, "#ffffff"),
    };
    let (columns, rows) = (buf.area.width, buf.area.height);
    let width = f64::from(columns) * CELL.0 + 2.0 * MARGIN;
    let height = f64::from(rows) * CELL.1 + 2.0 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"13.2\">\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{}\"/>\n",
        ground.background
    );
    for y in 0..rows {
        let mut x = 0;
        while let Some(cell) = buf.cell((x, y)).filter(|_| x < columns) {
            let run = run(buf, x, y);
            draw(&mut svg, cell, &run, (x, y), &ground);
            x += (run.chars().count() as u16).max(1);
        }
    }
    svg.push_str("</svg>\n");
    svg
}

/// The cells from here on that look alike and are drawn in one piece.
fn run(buf: &Buffer, x: u16, y: u16) -> String {
    let first = buf.cell((x, y));
    let alike = |cell: &&Cell| first.is_some_and(|first| cell.style() == first.style() && kind(cell) == kind(first));
    let cells = (x..buf.area.width).map_while(|x| buf.cell((x, y)));
    cells
        .take_while(alike)
        .map(|cell| cell.symbol().chars().next().unwrap_or(' '))
        .collect()
}

/// How a glyph is drawn: blank, as a rectangle, as a line, as text.
#[derive(PartialEq, Eq)]
enum Kind {
    Blank,
    /// A block of its own; runs of one glyph are one rectangle.
    Block(char),
    Text,
}

fn kind(cell: &Cell) -> Kind {
    match cell.symbol().chars().next() {
        None | Some(' ') => Kind::Blank,
        Some(glyph) if block(glyph).is_some() => Kind::Block(glyph),
        Some(_) => Kind::Text,
    }
}

/// A block's rectangle in shares of its cell (left, top, width, height) and its opacity.
fn block(glyph: char) -> Option<(f64, f64, f64, f64, f64)> {
    let eighth = |first: char| f64::from(glyph as u32 - first as u32 + 1) / 8.0;
    Some(match glyph {
        '▁'..='█' => (0.0, 1.0 - eighth('▁'), 1.0, eighth('▁'), 1.0),
        '▉'..='▏' => (0.0, 0.0, 1.0 - eighth('▉'), 1.0, 1.0),
        '▀' => (0.0, 0.0, 1.0, 0.5, 1.0),
        '▐' => (0.5, 0.0, 0.5, 1.0, 1.0),
        '░' => (0.0, 0.0, 1.0, 1.0, 0.3),
        '▒' => (0.0, 0.0, 1.0, 1.0, 0.55),
        '▓' => (0.0, 0.0, 1.0, 1.0, 0.8),
        '─' => (0.0, 0.47, 1.0, 0.06, 1.0),
        _ => return None,
    })
}

fn draw(svg: &mut String, cell: &Cell, run: &str, (x, y): (u16, u16), ground: &Colours) {
    let modifiers = cell.modifier;
    let (mut fore, mut back) = (colour(cell.fg, &ground.foreground), colour(cell.bg, &ground.background));
    if modifiers.contains(Modifier::REVERSED) {
        std::mem::swap(&mut fore, &mut back);
    }
    let cells = run.chars().count() as f64;
    let (left, top) = (MARGIN + f64::from(x) * CELL.0, MARGIN + f64::from(y) * CELL.1);
    if back != ground.background {
        rectangle(svg, (left, top, cells * CELL.0, CELL.1), &back, 1.0);
    }
    let glyph = run.chars().next().unwrap_or(' ');
    let Some((dx, dy, wide, high, opacity)) = block(glyph) else {
        return text(svg, run, (left, top + BASELINE, cells * CELL.0), &fore, modifiers);
    };
    let step = |at: f64| {
        (
            left + (at + dx) * CELL.0,
            top + dy * CELL.1,
            wide * CELL.0,
            high * CELL.1,
        )
    };
    if wide < 1.0 {
        (0..run.chars().count()).for_each(|at| rectangle(svg, step(at as f64), &fore, opacity));
    } else {
        let (x, y, width, height) = step(0.0);
        rectangle(svg, (x, y, width * cells, height), &fore, opacity);
    }
}

fn rectangle(svg: &mut String, (x, y, width, height): (f64, f64, f64, f64), fill: &str, opacity: f64) {
    let faint = if opacity < 1.0 {
        format!(" fill-opacity=\"{opacity}\"")
    } else {
        String::new()
    };
    let _ = writeln!(
        svg,
        "<rect x=\"{x}\" y=\"{y:.2}\" width=\"{width}\" height=\"{height:.2}\" fill=\"{fill}\"{faint}/>"
    );
}

fn text(svg: &mut String, run: &str, (x, y, width): (f64, f64, f64), fill: &str, modifiers: Modifier) {
    if run.trim().is_empty() {
        return;
    }
    let escaped = run.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let bold = if modifiers.contains(Modifier::BOLD) {
        " font-weight=\"bold\""
    } else {
        ""
    };
    let line = if modifiers.contains(Modifier::UNDERLINED) {
        " text-decoration=\"underline\""
    } else {
        ""
    };
    let dim = if modifiers.contains(Modifier::DIM) {
        " fill-opacity=\"0.6\""
    } else {
        ""
    };
    let _ = writeln!(
        svg,
        "<text x=\"{x}\" y=\"{y}\" textLength=\"{width}\" fill=\"{fill}\"{bold}{line}{dim}>{escaped}</text>"
    );
}

fn colour(colour: Color, default: &str) -> String {
    let sixteen = |at: usize| SIXTEEN.get(at).copied().unwrap_or(default).to_owned();
    match colour {
        Color::Reset => default.to_owned(),
        Color::Rgb(r, g, b) => format!("#{r:02x}{g:02x}{b:02x}"),
        Color::Indexed(at @ 0..16) => sixteen(usize::from(at)),
        Color::Indexed(at @ 16..232) => {
            let step = |value: u8| if value == 0 { 0 } else { 55 + 40 * u32::from(value) };
            let at = at - 16;
            format!("#{:02x}{:02x}{:02x}", step(at / 36), step(at / 6 % 6), step(at % 6))
        }
        Color::Indexed(at) => {
            let grey = 8 + 10 * u32::from(at - 232);
            format!("#{grey:02x}{grey:02x}{grey:02x}")
        }
        Color::Black => sixteen(0),
        Color::Red => sixteen(1),
        Color::Green => sixteen(2),
        Color::Yellow => sixteen(3),
        Color::Blue => sixteen(4),
        Color::Magenta => sixteen(5),
        Color::Cyan => sixteen(6),
        Color::Gray => sixteen(7),
        Color::DarkGray => sixteen(8),
        Color::LightRed => sixteen(9),
        Color::LightGreen => sixteen(10),
        Color::LightYellow => sixteen(11),
        Color::LightBlue => sixteen(12),
        Color::LightMagenta => sixteen(13),
        Color::LightCyan => sixteen(14),
        Color::White => sixteen(15),
    }
}
