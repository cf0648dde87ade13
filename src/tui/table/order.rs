//! Rows in order, a million of them in a blink: a row's key is read once and becomes a number, texts by their place among all texts.

use std::collections::HashMap;

use super::{Key, Rows};

/// A row's key as numbers that order as the keys do: what kind it is, its value, the row itself. Rows with equal keys keep their order.
type Place = (u8, u64, u32);

/// What was not recorded comes last, whichever way the order goes.
const LAST: u8 = 2;

/// All rows in their own order.
pub fn all(rows: &dyn Rows) -> Vec<u32> {
    (0..u32::try_from(rows.count()).unwrap_or(u32::MAX)).collect()
}

/// The rows by a column, `down` the largest first. Numbers come before texts.
pub fn sorted(rows: &dyn Rows, column: usize, down: bool) -> Vec<u32> {
    let mut texts = Vec::new();
    let mut places: Vec<Place> = Vec::with_capacity(rows.count());
    for row in all(rows) {
        let place = match rows.key(row as usize, column) {
            Key::Absent => (LAST, 0, row),
            Key::Number(number) => (0, ordered(number), row),
            Key::Text(text) => {
                texts.push(text);
                (1, texts.len() as u64 - 1, row)
            }
        };
        places.push(place);
    }
    if !texts.is_empty() {
        let ranks = ranks(&texts);
        for (kind, value, _) in places.iter_mut().filter(|(kind, ..)| *kind == 1) {
            (*kind, *value) = (1, ranks.get(*value as usize).copied().unwrap_or(0));
        }
    }
    if down {
        for (kind, value, _) in places.iter_mut().filter(|(kind, ..)| *kind != LAST) {
            (*kind, *value) = (1 - *kind, !*value);
        }
    }
    places.sort_unstable();
    places.into_iter().map(|(.., row)| row).collect()
}

/// Bits that order as the numbers do (`f64::total_cmp`).
fn ordered(number: f64) -> u64 {
    let bits = number.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// Each text's place among the different ones. Columns of many rows hold few: executors, hosts, states.
fn ranks<T: AsRef<str>>(texts: &[T]) -> Vec<u64> {
    let mut different: HashMap<&str, u64> = HashMap::new();
    texts.iter().for_each(|text| {
        different.entry(text.as_ref()).or_insert(0);
    });
    let mut ascending: Vec<&str> = different.keys().copied().collect();
    ascending.sort_unstable();
    for (rank, text) in (0..).zip(ascending) {
        different.insert(text, rank);
    }
    let rank = |text: &T| different.get(text.as_ref()).copied().unwrap_or(0);
    texts.iter().map(rank).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::line::Piece;

    struct Keys(Vec<Key<'static>>);

    impl Rows for Keys {
        fn count(&self) -> usize {
            self.0.len()
        }
        fn id(&self, row: usize) -> String {
            row.to_string()
        }
        fn cell(&self, _: usize, _: usize) -> Piece<'_> {
            ("".into(), crate::tui::theme::Role::Text)
        }
        fn key(&self, row: usize, _: usize) -> Key<'_> {
            self.0[row].clone()
        }
        fn search(&self, _: usize, _: &mut String) {}
    }

    #[test]
    fn numbers_then_texts_then_what_is_absent_and_equals_keep_their_order() {
        let number = Key::Number;
        let text = |text: &'static str| Key::Text(text.into());
        let rows = Keys(vec![
            text("b"),
            number(2.0),
            Key::Absent,
            number(-1.0),
            text("a"),
            number(2.0),
            number(f64::NEG_INFINITY),
            text("b"),
            number(0.0),
        ]);
        assert_eq!(sorted(&rows, 0, false), [6, 3, 8, 1, 5, 4, 0, 7, 2]);
        assert_eq!(sorted(&rows, 0, true), [0, 7, 4, 1, 5, 8, 3, 6, 2]);
        assert_eq!(sorted(&Keys(Vec::new()), 0, true), Vec::<u32>::new());
    }

    #[test]
    fn bits_order_as_numbers_do() {
        let numbers = [
            f64::NEG_INFINITY,
            -1e300,
            -1.0,
            -0.0,
            0.0,
            1e-9,
            2.0,
            1e300,
            f64::INFINITY,
        ];
        assert!(numbers.map(ordered).is_sorted());
    }
}
