//! What the terminal draws with, and the sequences that change it.

use ratatui::buffer::Cell;
use ratatui::style::{Color, Modifier};

/// What the terminal draws with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pen {
    fore: Color,
    back: Color,
    modifier: Modifier,
}

impl Pen {
    /// What a cell is drawn with.
    pub fn of(cell: &Cell) -> Pen {
        Pen {
            fore: cell.fg,
            back: cell.bg,
            modifier: cell.modifier,
        }
    }

    /// What of it can be seen on a cell without a letter.
    pub fn on_blank(self) -> Pen {
        let reversed = self.modifier.contains(Modifier::REVERSED);
        Pen {
            fore: if reversed { self.fore } else { Color::Reset },
            back: self.back,
            modifier: self.modifier & (Modifier::REVERSED | Modifier::UNDERLINED | Modifier::CROSSED_OUT),
        }
    }

    /// Whether a cell can be written with it as it is.
    pub fn suits(self, cell: &Cell) -> bool {
        let pen = Pen::of(cell);
        self == pen || cell.symbol() == " " && self.on_blank() == pen.on_blank()
    }

    /// The parameters of the sequence that makes it into another, by the shorter of the two ways: what differs, or all anew.
    pub fn to(self, other: Pen) -> String {
        let changed = changes(self, other);
        let anew = changes(Pen::default(), other);
        let anew = if anew.is_empty() { anew } else { format!("0;{anew}") };
        if anew.len() < changed.len() { anew } else { changed }
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
    use super::*;

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
}
