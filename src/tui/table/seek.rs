//! Sorting and searching many rows beside the loop: what is to be found, and what was. Whoever owns the rows carries it to a thread.

use super::filter::Filter;
use super::{Due, Rows, Table, order};

/// What is to be found.
#[derive(Clone, Debug)]
pub struct Seeking {
    due: Due,
    asked: u64,
    sort: Option<(usize, bool)>,
    filter: Filter,
    /// The rows to look at, in their order; all of them where the order is to be found.
    among: Vec<u32>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    asked: u64,
    /// What it was found for.
    sort: Option<(usize, bool)>,
    filter: Filter,
    /// All rows in order, where that was sought.
    sorted: Option<Vec<u32>>,
    order: Vec<u32>,
}

impl Seeking {
    /// Finds it. Takes its time with a million rows.
    pub fn found(self, rows: &dyn Rows) -> Found {
        let sorted = (self.due == Due::Order).then(|| match self.sort {
            Some((column, down)) => order::sorted(rows, column, down),
            None => order::all(rows),
        });
        let among = sorted.as_ref().unwrap_or(&self.among);
        Found {
            asked: self.asked,
            order: self.filter.pick(among, rows),
            sorted,
            sort: self.sort,
            filter: self.filter,
        }
    }
}

impl Table {
    /// What is to be found beside the loop, if anything is.
    pub fn seek(&self) -> Option<Seeking> {
        let due = self.due?;
        Some(Seeking {
            due,
            asked: self.asked,
            sort: self.sort,
            filter: self.filter.clone(),
            among: match due {
                Due::Order => Vec::new(),
                Due::Filter => self.sorted.clone(),
                Due::Narrower => self.order.clone(),
            },
        })
    }

    /// Takes what was found. What was found for another wish is dropped; for fewer rows than there are by now it is taken, and sought on:
    /// of an application that runs there is always something newer.
    pub fn take(&mut self, found: Found, rows: &dyn Rows) {
        let newest = found.asked == self.asked;
        let alike = found.sort == self.sort && found.filter == self.filter;
        let there = |row: &u32| (*row as usize) < rows.count();
        let rows_of = found.sorted.as_ref().unwrap_or(&found.order);
        let useful = alike && self.due == Some(Due::Order) && rows_of.iter().all(there);
        if !newest && !useful {
            return;
        }
        if newest {
            self.due = None;
        }
        if let Some(sorted) = found.sorted {
            self.sorted = sorted;
        }
        self.order = found.order;
        self.find_selected(rows);
    }
}
