//! A page of plain text: lines, ruled headings, paragraphs that wrap. Every line of it has its secrets hidden.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::redact;

/// Columns that every line fits into.
pub const WIDTH: usize = 100;

/// The text to `width` columns, an ellipsis at the end of what was cut.
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let fits = |c: &char| {
        let columns = c.width().unwrap_or(0);
        let fits = columns <= left;
        left = left.saturating_sub(columns);
        fits
    };
    let kept: String = text.chars().take_while(fits).collect();
    format!("{kept}…")
}

/// The text so far.
pub struct Page {
    text: String,
    /// Columns that every line fits into.
    width: usize,
}

impl Default for Page {
    fn default() -> Page {
        Page::of_width(WIDTH)
    }
}

impl Page {
    /// An empty page of so many columns.
    pub fn of_width(width: usize) -> Page {
        Page {
            text: String::new(),
            width,
        }
    }

    /// Columns that every line fits into.
    pub fn width(&self) -> usize {
        self.width
    }

    /// A line as it is.
    pub fn line(&mut self, line: &str) {
        self.text.push_str(redact::text(line).trim_end());
        self.text.push('\n');
    }

    /// The text.
    pub fn into_text(self) -> String {
        self.text
    }

    /// A heading with a note at the right edge, ruled.
    pub fn heading(&mut self, title: &str, note: &str) {
        let fill = self.width.saturating_sub(title.width() + note.width());
        self.line("");
        self.line(&format!("{title}{}{note}", " ".repeat(fill)));
        self.line(&"─".repeat(self.width));
    }

    /// A paragraph behind a label, its further lines under its first; words longer than a line are cut into pieces.
    pub fn wrapped(&mut self, label: &str, paragraph: &str) {
        let width = self.width.saturating_sub(label.width()).max(20);
        let mut lead = label.to_owned();
        // Before wrapping: a secret may not be recognised once it is cut in two.
        for text in redact::text(paragraph).lines() {
            for line in wrap(text, width) {
                self.line(&format!("{lead}{line}"));
                lead = " ".repeat(label.width());
            }
        }
    }
}

/// The words of a line in lines of at most `width` columns.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let space = usize::from(used > 0);
        if used > 0 && used + space + word.width() > width {
            lines.push(String::new());
            used = 0;
        }
        for (at, c) in word.chars().enumerate() {
            let columns = c.width().unwrap_or(0);
            if used + columns > width {
                lines.push(String::new());
                used = 0;
            }
            if let Some(line) = lines.last_mut() {
                if at == 0 && used > 0 {
                    line.push(' ');
                    used += 1;
                }
                line.push(c);
            }
            used += columns;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_wrap_between_words_and_inside_long_ones() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("名前 名前", 5), ["名前", "名前"]);
        assert_eq!(wrap("", 5), [""]);
    }

    #[test]
    fn long_names_are_cut_with_an_ellipsis() {
        assert_eq!(cut("short", 10), "short");
        assert_eq!(cut("名前名前", 5), "名前…");
    }
}
