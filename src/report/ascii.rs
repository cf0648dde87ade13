//! Text for terminals and tickets that show ASCII alone.

/// The text in ASCII, a character for a character: what has a likeness takes it, the rest becomes `?`.
pub fn to_ascii(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii() { c } else { likeness(c) })
        .collect()
}

fn likeness(c: char) -> char {
    match c {
        '×' => 'x',
        'µ' => 'u',
        '·' | '–' | '—' | '─' | '−' => '-',
        '…' => '~',
        '→' | '›' | '▸' | '▶' => '>',
        '←' => '<',
        '≥' | '≤' | '≈' => '=',
        '’' | '‘' => '\'',
        '“' | '”' => '"',
        '│' | '┃' | '▏' => '|',
        '▎' | '▍' | '▌' | '▋' | '▊' | '▉' | '█' | '▓' => '#',
        '▒' => '=',
        '░' | '▁' => '.',
        '✓' => '+',
        '✗' => 'x',
        '●' | '◐' | '○' => '*',
        '\u{a0}' => ' ',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_stay_and_only_ascii_is_left() {
        assert_eq!(to_ascii("62× · ██▏ → 名"), "62x - ##| > ?");
    }
}
