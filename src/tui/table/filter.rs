//! The filter of a table: a text, whether it is being typed, and which rows it lets through (fuzzily, as in fzf; `!` at the front
//! turns it round).

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::{Action, Rows};

/// Characters kept of what is typed or pasted.
const LONGEST: usize = 100;

/// A filter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    text: String,
    typing: bool,
}

impl Filter {
    /// Begins to type; the text so far stays.
    pub fn begin(&mut self) {
        self.typing = true;
    }

    /// Stops typing and keeps the text.
    pub fn end(&mut self) {
        self.typing = false;
    }

    /// Removes the filter.
    pub fn clear(&mut self) {
        *self = Filter::default();
    }

    /// Whether it is being typed or lets through fewer than all rows.
    pub fn is_on(&self) -> bool {
        self.typing || !self.text.is_empty()
    }

    /// Whether it is being typed.
    pub fn typing(&self) -> bool {
        self.typing
    }

    /// How it is shown; a bar stands for the cursor.
    pub fn label(&self) -> String {
        format!("/{}{}", self.text, if self.typing { "_" } else { "" })
    }

    /// Changes the text.
    pub fn edit(&mut self, action: Action) {
        match action {
            Action::Type(c) if !c.is_control() && self.text.chars().count() < LONGEST => self.text.push(c),
            Action::Erase => {
                self.text.pop();
            }
            Action::EraseWord => {
                let kept = self.text.trim_end().rfind(' ').map_or(0, |at| at + 1);
                self.text.truncate(kept);
            }
            Action::EraseAll => self.text.clear(),
            _ => {}
        }
    }

    /// The rows that pass, in the order given.
    pub fn pick(&self, sorted: &[u32], rows: &dyn Rows) -> Vec<u32> {
        let (text, inverted) = match self.text.strip_prefix('!') {
            Some(text) => (text, true),
            None => (self.text.as_str(), false),
        };
        if text.trim().is_empty() {
            return sorted.to_vec();
        }
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(text, CaseMatching::Smart, Normalization::Smart);
        let (mut searched, mut chars) = (String::new(), Vec::new());
        let passes = |row: &u32| {
            searched.clear();
            rows.search(*row as usize, &mut searched);
            pattern
                .score(Utf32Str::new(&searched, &mut chars), &mut matcher)
                .is_some()
                != inverted
        };
        sorted.iter().copied().filter(passes).collect()
    }
}
