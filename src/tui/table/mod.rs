//! The one list of the program: columns by the width at hand, a column cursor to sort by, a fuzzy filter, a selection that follows
//! its row when data change. It holds row numbers alone; what a row is, a [`Rows`] says, and only visible rows are written.

mod draw;
mod filter;
mod order;
mod seek;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use super::action::Action;
use super::line::{Align, Piece};

pub use filter::Filter;
pub use seek::{Found, Seeking};

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its head.
    pub title: &'static str,
    /// Cells it takes.
    pub width: u16,
    /// Which way it leans.
    pub align: Align,
    /// Where room is short, the highest rank goes first; 0 stays.
    pub rank: u8,
    /// Whether it takes the room that is left over.
    pub grows: bool,
    /// Whether the end of a text that is too long is kept instead of its beginning.
    pub ends: bool,
    /// Whether its texts are such as `join at etl.py:88`: of one that is too long the line stays.
    pub sites: bool,
}

impl Column {
    /// A column of text; it sorts upwards first.
    pub const fn text(title: &'static str, width: u16, rank: u8) -> Column {
        Column {
            title,
            width,
            align: Align::Left,
            rank,
            grows: false,
            ends: false,
            sites: false,
        }
    }

    /// A column of numbers; it sorts downwards first.
    pub const fn number(title: &'static str, width: u16, rank: u8) -> Column {
        Column {
            title,
            width,
            align: Align::Right,
            rank,
            grows: false,
            ends: false,
            sites: false,
        }
    }

    /// The same column, whose texts tell most at their ends.
    pub const fn ending(self) -> Column {
        Column { ends: true, ..self }
    }

    /// The same column, whose texts are operations in lines of code.
    pub const fn of_sites(self) -> Column {
        Column { sites: true, ..self }
    }

    /// The same column, taking what room is left over.
    pub const fn growing(self) -> Column {
        Column { grows: true, ..self }
    }
}

/// What a row sorts by in a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Key<'a> {
    /// Not recorded: last, whichever way the order goes.
    Absent,
    /// A number.
    Number(f64),
    /// A text.
    Text(Cow<'a, str>),
}

impl Key<'_> {
    /// A number that may be absent.
    pub fn number(value: Option<u64>) -> Self {
        value.map_or(Key::Absent, |value| Key::Number(value as f64))
    }

    /// A time that may be absent.
    pub fn time(value: Option<i64>) -> Self {
        value.map_or(Key::Absent, |value| Key::Number(value as f64))
    }
}

/// The rows of a table, by number. Many are looked at by several threads.
pub trait Rows: Sync {
    /// How many there are.
    fn count(&self) -> usize;

    /// What names a row for good: it is found again by it after a reload.
    fn id(&self, row: usize) -> String;

    /// What a cell shows.
    fn cell(&self, row: usize, column: usize) -> Piece<'_>;

    /// What a cell sorts by.
    fn key(&self, row: usize, column: usize) -> Key<'_>;

    /// Writes what the filter searches.
    fn search(&self, row: usize, into: &mut String);
}

/// A table's state.
#[derive(Clone, Debug)]
pub struct Table {
    columns: &'static [Column],
    /// Row numbers in the order shown, filtered ones left out.
    order: Vec<u32>,
    /// All row numbers in sorted order: the filter picks from it, so that typing never sorts.
    sorted: Vec<u32>,
    at: usize,
    top: usize,
    fits: usize,
    cursor: usize,
    sort: Option<(usize, bool)>,
    filter: Filter,
    selected: Option<String>,
    /// The number that the selected row had: nearly always it still has it, and no other needs to be asked for its name.
    selected_row: u32,
    /// Many rows are sorted and searched beside the loop, by whoever asks for [`Table::seek`].
    beside: bool,
    /// What has to be done so.
    due: Option<Due>,
    /// Counts what was asked for: what was found for something older is dropped.
    asked: u64,
}

/// From so many rows on sorting and searching takes longer than a key may.
pub const MANY: usize = 20_000;

/// What has to be found anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// Order and filter.
    Order,
    /// What the filter lets through, out of all rows in their order.
    Filter,
    /// The same, out of what it let through before.
    Narrower,
}

impl Table {
    /// A table that is sorted by a column first (`true`: downwards), or in its rows' own order.
    pub fn new(columns: &'static [Column], sort: Option<(usize, bool)>) -> Table {
        Table {
            columns,
            order: Vec::new(),
            sorted: Vec::new(),
            at: 0,
            top: 0,
            fits: 1,
            cursor: sort.map_or(0, |(column, _)| column),
            sort,
            filter: Filter::default(),
            selected: None,
            selected_row: 0,
            beside: false,
            due: None,
            asked: 0,
        }
    }

    /// The same table, whose rows are sorted and searched beside the loop where they are many.
    pub fn beside(self) -> Table {
        Table { beside: true, ..self }
    }

    /// Whether rows are being sorted or searched.
    pub fn seeks(&self) -> bool {
        self.due.is_some()
    }

    /// Shows the same columns with other widths and ranks.
    pub fn show(&mut self, columns: &'static [Column]) {
        self.columns = columns;
    }

    /// Takes the rows as they are now; the selected one stays selected where it still exists.
    pub fn refresh(&mut self, rows: &dyn Rows) {
        if self.is_later(rows) {
            // Rows that are no longer there must not be asked for.
            let known = self.sorted.iter().all(|row| (*row as usize) < rows.count());
            if !known {
                (self.sorted, self.order) = (Vec::new(), Vec::new());
            }
            return self.later(Due::Order);
        }
        self.due = None;
        self.asked += 1;
        self.sort_rows(rows);
        self.pick(rows);
    }

    /// Whether such rows are sorted and searched beside the loop.
    fn is_later(&self, rows: &dyn Rows) -> bool {
        self.beside && rows.count() >= MANY
    }

    fn later(&mut self, due: Due) {
        // What is wanted already is wanted still, and the more of the two is done.
        self.due = Some(match (self.due, due) {
            (Some(Due::Order), _) => Due::Order,
            (Some(_), Due::Narrower) => Due::Filter,
            (_, due) => due,
        });
        self.asked += 1;
    }

    /// Takes an action; `false` when it is none of a table's.
    pub fn update(&mut self, action: Action, rows: &dyn Rows) -> bool {
        let last = self.order.len().saturating_sub(1);
        let page = self.fits.max(1);
        match action {
            Action::Up => self.at = self.at.saturating_sub(1),
            Action::Down => self.at = self.at.saturating_add(1).min(last),
            Action::PageUp => self.at = self.at.saturating_sub(page),
            Action::PageDown => self.at = self.at.saturating_add(page).min(last),
            Action::First => self.at = 0,
            Action::Last => self.at = last,
            Action::Left => self.cursor = self.cursor.saturating_sub(1),
            Action::Right => self.cursor = (self.cursor + 1).min(self.columns.len().saturating_sub(1)),
            Action::Sort => self.sort_by_cursor(rows),
            Action::Reverse => self.reverse(rows),
            Action::Filter => self.filter.begin(),
            Action::Accept => self.filter.end(),
            Action::Type(_) | Action::Erase | Action::EraseWord | Action::EraseAll => {
                // The row from before is not forgotten: it is selected again when the filter lets it through.
                let narrower = self.filter.edit(action);
                if self.is_later(rows) {
                    self.later(if narrower { Due::Narrower } else { Due::Filter });
                } else if narrower {
                    // What a longer text lets through, the shorter one did: only that is asked again.
                    self.order = self.filter.pick(&self.order, rows);
                    self.find_selected(rows);
                } else {
                    self.pick(rows);
                }
                return true;
            }
            _ => return false,
        }
        self.scroll();
        self.remember(rows);
        true
    }

    /// Closes the filter: first the typing, with it the text. `false`: there was none.
    pub fn back(&mut self, rows: &dyn Rows) -> bool {
        let open = self.filter.is_on();
        self.filter.clear();
        if self.due == Some(Due::Order) {
            // What is found is found without the filter.
            self.asked += 1;
        } else if open {
            (self.due, self.asked) = (None, self.asked + 1);
            self.pick(rows);
        }
        open
    }

    /// The column that it is sorted by, and whether downwards.
    pub fn sorted_by(&self) -> Option<(usize, bool)> {
        self.sort
    }

    /// Whether a filter is being typed.
    pub fn typing(&self) -> bool {
        self.filter.typing()
    }

    /// The number of the row under the cursor.
    pub fn selected(&self) -> Option<usize> {
        self.order.get(self.at).map(|row| *row as usize)
    }

    /// Puts the cursor on a row, by what names it; nothing happens if it is not shown.
    pub fn select(&mut self, id: &str, rows: &dyn Rows) {
        if let Some(at) = self.order.iter().position(|row| rows.id(*row as usize) == id) {
            self.at = at;
            self.scroll();
            self.remember(rows);
        }
    }

    /// How many rows are shown, the filtered ones left out.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether no row is shown.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Rows of the screen that the whole table takes: its head and all rows shown.
    pub fn height(&self) -> usize {
        self.order.len().max(1) + 1
    }

    /// Says how many rows of the screen there are, its head included.
    pub fn fit(&mut self, height: u16) {
        self.fits = usize::from(height.saturating_sub(1)).max(1);
        self.scroll();
    }

    /// Sort order and filter, for a panel's title: `/etl  sort: Duration ▼  12 of 482`.
    pub fn summary(&self, glyphs: super::widgets::Glyphs) -> String {
        let mut words = Vec::new();
        if self.filter.is_on() {
            words.push(self.filter.label());
            words.push(format!("{} of {}", self.order.len(), self.sorted.len()));
        }
        if let Some((column, down)) = self.sort {
            let title = self.columns.get(column).map_or("", |column| column.title);
            words.push(format!(
                "sort: {title} {}",
                if down {
                    glyphs.pick("▼", "v")
                } else {
                    glyphs.pick("▲", "^")
                }
            ));
        }
        match self.due {
            Some(Due::Order) => words.push("sorting …".to_owned()),
            Some(_) => words.push("searching …".to_owned()),
            None => {}
        }
        words.join("  ")
    }

    fn sort_by_cursor(&mut self, rows: &dyn Rows) {
        let number = self
            .columns
            .get(self.cursor)
            .is_some_and(|column| column.align == Align::Right);
        self.sort = match self.sort {
            Some((column, down)) if column == self.cursor => Some((column, !down)),
            _ => Some((self.cursor, number)),
        };
        self.refresh(rows);
    }

    fn reverse(&mut self, rows: &dyn Rows) {
        if let Some((_, down)) = &mut self.sort {
            *down = !*down;
            self.refresh(rows);
        }
    }

    fn sort_rows(&mut self, rows: &dyn Rows) {
        self.sorted = match self.sort {
            Some((column, down)) => order::sorted(rows, column, down),
            None => order::all(rows),
        };
    }

    /// Filters, and finds the selected row again.
    fn pick(&mut self, rows: &dyn Rows) {
        self.order = self.filter.pick(&self.sorted, rows);
        self.find_selected(rows);
    }

    fn find_selected(&mut self, rows: &dyn Rows) {
        let still =
            |id: &String| (self.selected_row as usize) < rows.count() && rows.id(self.selected_row as usize) == *id;
        let found = self.selected.as_ref().and_then(|id| {
            if still(id) {
                return self.order.iter().position(|row| *row == self.selected_row);
            }
            self.order.iter().position(|row| rows.id(*row as usize) == *id)
        });
        // The selected row keeps its place on the screen too, as far as there are rows around it.
        let below_top = self.at.saturating_sub(self.top);
        self.at = found.unwrap_or(self.at).min(self.order.len().saturating_sub(1));
        self.top = self.at.saturating_sub(below_top);
        if found.is_some() {
            self.selected_row = self.order.get(self.at).copied().unwrap_or(0);
        }
        self.scroll();
    }

    fn remember(&mut self, rows: &dyn Rows) {
        if let Some(row) = self.selected() {
            self.selected = Some(rows.id(row));
            self.selected_row = u32::try_from(row).unwrap_or(0);
        }
    }

    /// Keeps the cursor on the screen, moving as little as can be.
    fn scroll(&mut self) {
        let lowest = self.order.len().saturating_sub(self.fits);
        self.top = self
            .top
            .clamp((self.at + 1).saturating_sub(self.fits), self.at)
            .min(lowest);
    }
}
