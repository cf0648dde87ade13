//! Text from outside, made safe to print. Sources pass every string through [`clean`] once; everything later may print it.

use std::borrow::Cow;

/// Characters kept of one string at most; plans and stack traces of many megabytes are cut here.
pub const MAX_CHARS: usize = 200_000;

/// `text` with everything that could steer a terminal made visible: escape and other control characters as `^[`-style
/// carets, C1 controls, bidirectional marks and zero-width characters as `<U+202E>`. Line feeds stay; tabs become spaces;
/// combining marks beyond a handful in a row are dropped.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_CHARS && text.bytes().all(|b| b == b'\n' || (0x20..0x7f).contains(&b)) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len().min(MAX_CHARS) + 16);
    let mut marks = 0;
    for (at, c) in text.chars().enumerate() {
        if at >= MAX_CHARS {
            safe.push('…');
            break;
        }
        if is_combining(c) {
            marks += 1;
            if marks > 4 {
                continue;
            }
        } else {
            marks = 0;
        }
        match c {
            '\n' => safe.push('\n'),
            '\r' if text.contains("\r\n") => {}
            '\t' => safe.push_str("    "),
            '\0'..='\u{1f}' => {
                safe.push('^');
                safe.push(char::from((c as u8) ^ 0x40));
            }
            '\u{7f}' => safe.push_str("^?"),
            c if steers(c) => safe.push_str(&format!("<U+{:04X}>", u32::from(c))),
            c => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// [`clean`] on one line: line feeds become spaces.
pub fn clean_line(text: &str) -> String {
    clean(text).replace('\n', " ")
}

/// C1 controls, bidirectional controls, zero-width and other invisible characters.
fn steers(c: char) -> bool {
    matches!(c, '\u{80}'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_become_visible() {
        assert_eq!(clean("\u{1b}[2Jx\u{7}\u{9b}1m\u{202e}"), "^[[2Jx^G<U+009B>1m<U+202E>");
        assert_eq!(clean("a\tb\nc"), "a    b\nc");
        assert_eq!(clean("a\r\nb"), "a\nb");
        assert_eq!(clean_line("a\nb"), "a b");
    }

    #[test]
    fn plain_text_is_not_copied() {
        assert!(matches!(clean("join at etl.py:88"), Cow::Borrowed(_)));
        assert_eq!(clean("名前 🦀"), "名前 🦀");
    }

    #[test]
    fn towers_of_combining_marks_are_cut() {
        let tower = format!("a{}", "\u{301}".repeat(5_000));
        assert!(clean(&tower).chars().count() < 10);
        assert!(clean(&"x".repeat(MAX_CHARS * 2)).chars().count() <= MAX_CHARS + 1);
    }
}
