//! One column of a task table: a metric for every task of a stage attempt, absent values included.
//! Memory is what matters here: a million tasks with forty metrics have to fit in 250 MB.

use super::tasks::reorder;

/// A column of non-negative integers with absent values, in as few bytes a row as its values allow.
///
/// Most metrics of most stages are 0 or absent throughout (no spill, no input, no push-based shuffle): such a column takes no
/// room. Others begin with four bytes a row and widen to eight when a value asks for it.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    /// Every row has the same value (`None`: absent).
    Uniform {
        /// The value of every row.
        value: Option<u64>,
        /// Number of rows.
        len: usize,
    },
    /// Four bytes a row; `u32::MAX` stands for absent.
    Narrow(Vec<u32>),
    /// Eight bytes a row; `u64::MAX` stands for absent.
    Wide(Vec<u64>),
}

impl Default for Column {
    fn default() -> Self {
        Column::Uniform { value: None, len: 0 }
    }
}

impl Column {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Column::Uniform { len, .. } => *len,
            Column::Narrow(rows) => rows.len(),
            Column::Wide(rows) => rows.len(),
        }
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of a row; `None` when it was not recorded or there is no such row.
    #[inline]
    pub fn get(&self, row: usize) -> Option<u64> {
        match self {
            Column::Uniform { value, len } => value.filter(|_| row < *len),
            Column::Narrow(rows) => rows.get(row).filter(|v| **v != u32::MAX).map(|v| u64::from(*v)),
            Column::Wide(rows) => rows.get(row).copied().filter(|v| *v != u64::MAX),
        }
    }

    /// Appends the values of some rows to a vector, absent ones left out.
    pub fn values_of(&self, rows: impl Iterator<Item = usize>, into: &mut Vec<u64>) {
        match self {
            Column::Uniform { value: None, .. } => {}
            Column::Uniform {
                value: Some(value),
                len,
            } => {
                into.extend(rows.filter(|row| row < len).map(|_| *value));
            }
            Column::Narrow(values) => {
                let known = rows
                    .filter_map(|row| values.get(row))
                    .filter(|value| **value != u32::MAX);
                into.extend(known.map(|value| u64::from(*value)));
            }
            Column::Wide(values) => {
                let known = rows
                    .filter_map(|row| values.get(row))
                    .filter(|value| **value != u64::MAX);
                into.extend(known);
            }
        }
    }

    /// Appends a row. `u64::MAX` cannot be told from absent and is stored as absent.
    pub fn push(&mut self, value: Option<u64>) {
        match self {
            Column::Wide(rows) => rows.push(value.unwrap_or(u64::MAX)),
            Column::Narrow(rows) if let Some(value) = narrow(value) => rows.push(value),
            Column::Uniform { value: all, len } if *all == value && value != Some(u64::MAX) => *len += 1,
            _ => {
                let row = self.len();
                self.grow(row + 1);
                self.set(row, value);
            }
        }
    }

    /// Replaces the value of a row; rows that do not exist are ignored.
    pub fn set(&mut self, row: usize, value: Option<u64>) {
        let value = value.filter(|v| *v != u64::MAX);
        if row >= self.len() || self.get(row) == value {
            return;
        }
        if let Column::Uniform { value: all, len } = self {
            if *len == 1 {
                *all = value;
                return;
            }
            *self = match *all {
                Some(same) if same >= u64::from(u32::MAX) => Column::Wide(vec![same; *len]),
                same => Column::Narrow(vec![narrow(same).unwrap_or(u32::MAX); *len]),
            };
        }
        if let (Column::Narrow(rows), None) = (&*self, narrow(value)) {
            *self = Column::Wide(
                rows.iter()
                    .map(|v| if *v == u32::MAX { u64::MAX } else { u64::from(*v) })
                    .collect(),
            );
        }
        match self {
            Column::Narrow(rows) => rows[row] = narrow(value).unwrap_or(u32::MAX),
            Column::Wide(rows) => rows[row] = value.unwrap_or(u64::MAX),
            Column::Uniform { .. } => {}
        }
    }

    /// Makes the column `len` rows long; new rows take the value of a uniform column, else they are absent.
    fn grow(&mut self, len: usize) {
        match self {
            Column::Uniform { len: rows, .. } => *rows = len,
            Column::Narrow(rows) => rows.resize(len, u32::MAX),
            Column::Wide(rows) => rows.resize(len, u64::MAX),
        }
    }

    /// Whether no row has a value: the source did not record this metric.
    pub fn is_absent(&self) -> bool {
        match self {
            Column::Uniform { value, .. } => value.is_none(),
            Column::Narrow(rows) => rows.iter().all(|v| *v == u32::MAX),
            Column::Wide(rows) => rows.iter().all(|v| *v == u64::MAX),
        }
    }

    /// Every row's value in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<u64>> + '_ {
        (0..self.len()).map(|row| self.get(row))
    }

    /// Takes the values in the order of `rows`.
    pub(super) fn reorder(&mut self, rows: &[u32]) {
        match self {
            Column::Uniform { .. } => {}
            Column::Narrow(values) => reorder(values, rows),
            Column::Wide(values) => reorder(values, rows),
        }
    }

    /// Gives back spare capacity, when the table is complete.
    pub fn shrink(&mut self) {
        match self {
            Column::Uniform { .. } => {}
            Column::Narrow(rows) => rows.shrink_to_fit(),
            Column::Wide(rows) => rows.shrink_to_fit(),
        }
    }
}

/// The four-byte form of a value; `None` when it needs eight.
fn narrow(value: Option<u64>) -> Option<u32> {
    match value {
        None => Some(u32::MAX),
        Some(v) => u32::try_from(v).ok().filter(|v| *v != u32::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uniform_column_takes_no_room_until_a_value_differs() {
        let mut column = Column::default();
        for _ in 0..1000 {
            column.push(Some(0));
        }
        assert!(matches!(
            column,
            Column::Uniform {
                value: Some(0),
                len: 1000
            }
        ));
        let mut known = Vec::new();
        column.values_of([3, 999, 1000].into_iter(), &mut known);
        assert_eq!(known, [0, 0]);
        column.push(Some(7));
        column.values_of([3, 1000].into_iter(), &mut known);
        assert_eq!(known, [0, 0, 0, 7]);
        assert_eq!(
            (column.get(999), column.get(1000), column.len()),
            (Some(0), Some(7), 1001)
        );
    }

    #[test]
    fn absent_values_survive_every_width() {
        let mut column = Column::default();
        let values = [
            None,
            Some(1),
            None,
            Some(u64::from(u32::MAX)),
            Some(u64::MAX - 1),
            None,
            Some(u64::from(u32::MAX) - 1),
        ];
        for value in values {
            column.push(value);
        }
        assert_eq!(column.iter().collect::<Vec<_>>(), values);
        let mut known = vec![7];
        column.values_of([0, 1, 3, 5, 6, 99].into_iter(), &mut known);
        let max = u64::from(u32::MAX);
        assert_eq!(known, [7, 1, max, max - 1]);
        column.set(1, None);
        assert_eq!(column.get(1), None);
        assert_eq!(column.get(99), None);
        column.set(99, Some(1));
        assert_eq!(column.len(), values.len());
    }
}
