//! Text in cells: cutting, padding and putting it, by the width that the terminal gives it.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::theme::Role;

/// Which way a text leans in its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A piece of text with what it means.
pub type Piece<'a> = (std::borrow::Cow<'a, str>, Role);

/// Cells that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` in at most `cells` cells; what is cut off is marked by an ellipsis.
pub fn cut(text: &str, cells: usize) -> String {
    if text.width() <= cells {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut taken = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if taken + wide + 1 > cells {
            break;
        }
        taken += wide;
        kept.push(c);
    }
    if cells > 0 {
        kept.push('…');
    }
    kept
}

/// `text` in at most `cells` cells; an ellipsis stands for what is cut off at its beginning.
pub fn cut_front(text: &str, cells: usize) -> String {
    if text.width() <= cells {
        return text.to_owned();
    }
    let mut begin = text.len();
    let mut taken = 0;
    for (at, c) in text.char_indices().rev() {
        taken += c.width().unwrap_or(0);
        if taken + 1 > cells {
            break;
        }
        begin = at;
    }
    if cells == 0 {
        String::new()
    } else {
        format!("…{}", text.get(begin..).unwrap_or_default())
    }
}

/// `text` in exactly `cells` cells.
pub fn pad(text: &str, cells: usize, align: Align) -> String {
    let text = cut(text, cells);
    let blank = " ".repeat(cells.saturating_sub(text.width()));
    match align {
        Align::Left => text + &blank,
        Align::Right => blank + &text,
    }
}

/// `text` in lines of at most `cells` cells, broken at blanks; its own line breaks stay, and so does the blank a line begins with.
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let cells = cells.max(1);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let words = paragraph.trim_start_matches(' ');
        let indent = " ".repeat((paragraph.len() - words.len()).min(cells / 2));
        let mut line = indent.clone();
        for mut word in words.split(' ') {
            let between = usize::from(line.len() > indent.len());
            if line.width() + between + word.width() > cells && between > 0 {
                lines.push(std::mem::replace(&mut line, indent.clone()).trim_end().to_owned());
            } else if between > 0 {
                line.push(' ');
            }
            // A word longer than a line is broken where the line ends.
            while line.width() + word.width() > cells {
                let (head, tail) = split_at_width(word, cells.saturating_sub(line.width()).max(1));
                lines.push(std::mem::replace(&mut line, indent.clone()) + head);
                if tail.is_empty() {
                    word = "";
                    break;
                }
                word = tail;
            }
            line.push_str(word);
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

fn split_at_width(text: &str, cells: usize) -> (&str, &str) {
    let mut taken = 0;
    for (at, c) in text.char_indices() {
        taken += c.width().unwrap_or(0);
        if taken > cells && at > 0 {
            return text.split_at(at);
        }
    }
    (text, "")
}

/// Writes text into one row of `area`, cut to its width; gives back the cell after it.
pub fn put(buf: &mut Buffer, area: Rect, x: u16, y: u16, text: &str, style: Style) -> u16 {
    let area = area.intersection(buf.area);
    if y < area.top() || y >= area.bottom() || x < area.left() || x >= area.right() {
        return x;
    }
    let room = usize::from(area.right() - x);
    // What stood there (a rule) must not shine through where the style says nothing.
    buf.set_stringn(x, y, cut(text, room), room, Style::reset().patch(style))
        .0
}

/// Writes text at the right end of one row of `area`; gives back where it begins.
pub fn put_right(buf: &mut Buffer, area: Rect, y: u16, text: &str, style: Style) -> u16 {
    let room = usize::from(area.width);
    let text = cut(text, room);
    let x = area
        .right()
        .saturating_sub(u16::try_from(text.width()).unwrap_or(u16::MAX));
    put(buf, area, x, y, &text, style);
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_respects_wide_characters() {
        assert_eq!(cut("名前名前", 5), "名前…");
        assert_eq!(cut("名前名前", 4), "名…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abc", 1), "…");
        assert_eq!(cut("abc", 0), "");
        assert_eq!(cut_front("application_0042", 6), "…_0042");
        assert_eq!(cut_front("名前名", 4), "…名");
        assert_eq!(
            (cut_front("abc", 3), cut_front("abc", 0)),
            ("abc".to_owned(), String::new())
        );
        assert_eq!(pad("名", 4, Align::Right), "  名");
        assert_eq!(width(&pad("long text", 5, Align::Left)), 5);
    }

    #[test]
    fn wrapping_breaks_at_blanks_and_long_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrap("a\n\nb", 10), ["a", "", "b"]);
        assert_eq!(wrap("  if x:\n    y(1, 2)", 8), ["  if x:", "    y(1,", "    2)"]);
        assert!(wrap("名前名前", 1).iter().all(|line| width(line) <= 2));
        assert_eq!(wrap("", 5), Vec::<String>::new());
    }
}
