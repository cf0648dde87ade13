//! The filter of a table: a text, whether it is being typed, and which rows it lets through (fuzzily, as in fzf; `!` at the front
//! turns it round).

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::{Action, Rows};

/// Characters kept of what is typed or pasted.
const LONGEST: usize = 100;

/// From so many rows on they are searched by several threads, and by how many at most.
const MANY: usize = 20_000;
const MOST_THREADS: usize = 8;

/// A filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

    /// Changes the text; whether it only lets fewer rows through than before.
    pub fn edit(&mut self, action: Action) -> bool {
        match action {
            Action::Type(c) if !c.is_control() && self.text.chars().count() < LONGEST => {
                let narrows = !self.text.trim().is_empty();
                self.text.push(c);
                // Marks of the pattern's language turn round what a text means.
                return narrows && self.text.chars().all(|c| c.is_alphanumeric() || " ._-:/".contains(c));
            }
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
        false
    }

    /// The rows that pass, in the order given; many are shared out among threads.
    pub fn pick(&self, sorted: &[u32], rows: &dyn Rows) -> Vec<u32> {
        let (text, inverted) = match self.text.strip_prefix('!') {
            Some(text) => (text, true),
            None => (self.text.as_str(), false),
        };
        if text.trim().is_empty() {
            return sorted.to_vec();
        }
        let pattern = Pattern::parse(text, CaseMatching::Smart, Normalization::Smart);
        let threads = std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(MOST_THREADS);
        if sorted.len() < MANY || threads < 2 {
            return passing(sorted, rows, &pattern, inverted);
        }
        let share = sorted.len().div_ceil(threads);
        let pattern = &pattern;
        std::thread::scope(|scope| {
            let workers: Vec<_> = sorted
                .chunks(share)
                .map(|part| (part, scope.spawn(move || passing(part, rows, pattern, inverted))))
                .collect();
            // A thread that could not do its part has it done here.
            let done = workers
                .into_iter()
                .map(|(part, worker)| worker.join().unwrap_or_else(|_| passing(part, rows, pattern, inverted)));
            done.flatten().collect()
        })
    }
}

fn passing(rows_in_order: &[u32], rows: &dyn Rows, pattern: &Pattern, inverted: bool) -> Vec<u32> {
    let mut matcher = Matcher::new(Config::DEFAULT);
    let (mut searched, mut chars) = (String::new(), Vec::new());
    let passes = |row: &u32| {
        searched.clear();
        rows.search(*row as usize, &mut searched);
        let text = Utf32Str::new(&searched, &mut chars);
        pattern.score(text, &mut matcher).is_some() != inverted
    };
    rows_in_order.iter().copied().filter(passes).collect()
}
