//! The rows of a stage's task table. A row is a row of the model's columns; only what is in view is ever written out.

use std::borrow::Cow;
use std::fmt::Write;

use crate::model::{Locality, TaskMeasure, TaskMetric, TaskStatus, TaskTable};
use crate::tui::line::Piece;
use crate::tui::screen::Context;
use crate::tui::table::{Column, Key, Rows};
use crate::tui::theme::Role;
use crate::tui::widgets::scale::short_text;
use crate::units;

use super::facts::{Facts, OUTLIER, QuantileRow};

/// The table's columns; [`TaskRows`] answers for each by its place.
pub const COLUMNS: &[Column] = &columns(9);

/// The same, the error among the first: for a stage with failed tasks.
pub const WITH_ERRORS: &[Column] = &columns(2);

const fn columns(error_rank: u8) -> [Column; 16] {
    [
        Column::text("Task", 7, 0),
        Column::text("Status", 9, 1),
        Column::number("Duration", 9, 0),
        Column::number("Read", 9, 0),
        Column::number("Records", 8, 4),
        Column::number("GC", 7, 3),
        Column::number("Spill", 9, 2),
        Column::text("Executor", 8, 2),
        Column::text("Host", 10, 5).growing(),
        Column::text("Locality", 8, 4),
        Column::number("Delay", 7, 7),
        Column::number("Wait", 7, 8),
        Column::number("Write", 9, 6),
        Column::number("Peak mem", 9, 7),
        Column::number("Launched", 9, 6),
        Column::text("Error", 24, error_rank).growing(),
    ]
}

/// Place of the duration, by which the table is sorted first.
pub const DURATION: usize = 2;

const READ: usize = 3;
const GC: usize = 5;
const SPILL: usize = 6;

/// What the task attempts of a stage are sorted and searched by: plain data, which a thread of its own may read.
pub struct TaskKeys<'a> {
    /// The model's columns.
    pub tasks: &'a TaskTable,
}

impl<'a> TaskKeys<'a> {
    fn number(&self, row: usize, column: usize) -> Option<u64> {
        measure(column).and_then(|measure| self.tasks.measure(row, measure))
    }

    fn error(&self, row: usize) -> &'a str {
        self.tasks
            .failure(row)
            .and_then(|failure| failure.message.lines().next())
            .unwrap_or_default()
    }

    fn sorts_by(&self, row: usize, column: usize) -> Key<'a> {
        match column {
            0 => Key::Number(f64::from(self.tasks.index(row)) + f64::from(self.tasks.attempt(row)) / 1e6),
            1 => Key::Text(self.tasks.status(row).name().into()),
            7 => match self.tasks.executor(row).parse::<u64>() {
                Ok(number) => Key::Number(number as f64),
                Err(_) => Key::Text(Cow::Borrowed(&**self.tasks.executor(row))),
            },
            8 => Key::Text(Cow::Borrowed(&**self.tasks.host(row))),
            9 => Key::Number(f64::from(self.tasks.locality(row) as u8)),
            14 => Key::Number(self.tasks.launch_ms(row) as f64),
            15 if self.error(row).is_empty() => Key::Absent,
            15 => Key::Text(self.error(row).into()),
            _ => Key::number(self.number(row, column)),
        }
    }

    fn write_name(&self, row: usize, into: &mut String) {
        let copy = if self.tasks.speculative(row) { "s" } else { "" };
        let _whole = write!(into, "{}.{}{copy}", self.tasks.index(row), self.tasks.attempt(row));
    }
}

/// A status in a word.
const fn word(status: TaskStatus) -> &'static str {
    match status {
        TaskStatus::Success => "done",
        TaskStatus::Failed => "failed",
        TaskStatus::Killed => "killed",
        TaskStatus::Running => "running",
        TaskStatus::Unknown => "unknown",
    }
}

/// The task attempts of a stage.
pub struct TaskRows<'a> {
    /// The model's columns.
    pub tasks: &'a TaskTable,
    /// What was computed of them.
    pub facts: &'a Facts,
    /// When the stage was submitted, epoch ms.
    pub start_ms: i64,
    /// Unicode or ASCII.
    pub cx: &'a Context<'a>,
}

impl TaskRows<'_> {
    fn keys(&self) -> TaskKeys<'_> {
        TaskKeys { tasks: self.tasks }
    }

    /// Outliers are marked against the median of successful tasks.
    fn role(&self, row: usize, value: u64, column: usize) -> Role {
        let median = match column {
            DURATION => self.facts.row(TaskMeasure::Duration).map_or(0, QuantileRow::median),
            READ => self.facts.median_bytes(),
            _ => 0,
        };
        let far = median > 0 && value as f64 >= OUTLIER * median as f64;
        match value {
            0 => Role::Dim,
            _ if far => Role::Outlier,
            _ if column == SPILL => Role::Warning,
            _ if column == GC && self.is_gc_heavy(row, value) => Role::Gc,
            _ => Role::Text,
        }
    }

    /// As in Spark's own interface: a tenth of the time or more.
    fn is_gc_heavy(&self, row: usize, gc_ms: u64) -> bool {
        self.tasks
            .duration_ms(row)
            .is_some_and(|duration| gc_ms.saturating_mul(10) >= duration)
    }

    fn status(&self, row: usize) -> (&'static str, Role) {
        let glyphs = self.cx.glyphs;
        match self.tasks.status(row) {
            TaskStatus::Success => (glyphs.pick("✓", "+"), Role::Good),
            TaskStatus::Failed => (glyphs.pick("✗", "x"), Role::Critical),
            TaskStatus::Killed => (glyphs.pick("✗", "x"), Role::Warning),
            TaskStatus::Running => (glyphs.pick("▶", ">"), Role::Running),
            TaskStatus::Unknown => ("?", Role::Dim),
        }
    }

    /// The task's name: index and attempt, as in `42.0`.
    pub fn name(&self, row: usize) -> String {
        let mut name = String::new();
        self.keys().write_name(row, &mut name);
        name
    }
}

/// The measure that a column of numbers shows.
fn measure(column: usize) -> Option<TaskMeasure> {
    Some(match column {
        DURATION => TaskMeasure::Duration,
        READ => TaskMeasure::PartitionBytes,
        4 => TaskMeasure::PartitionRecords,
        GC => TaskMeasure::Metric(TaskMetric::JvmGcTime),
        SPILL => TaskMeasure::Metric(TaskMetric::DiskBytesSpilled),
        10 => TaskMeasure::SchedulerDelay,
        11 => TaskMeasure::Metric(TaskMetric::ShuffleFetchWaitTime),
        12 => TaskMeasure::Metric(TaskMetric::ShuffleWriteBytes),
        13 => TaskMeasure::Metric(TaskMetric::PeakExecutionMemory),
        _ => return None,
    })
}

/// A locality level in a narrow column.
pub fn short_level(level: Locality) -> &'static str {
    match level {
        Locality::ProcessLocal => "PROCESS",
        Locality::NodeLocal => "NODE",
        Locality::NoPref => "NO_PREF",
        Locality::RackLocal => "RACK",
        Locality::Any => "ANY",
        Locality::Unknown => "unknown",
    }
}

impl Rows for TaskRows<'_> {
    fn count(&self) -> usize {
        self.tasks.len()
    }

    fn id(&self, row: usize) -> String {
        self.tasks.id(row).to_string()
    }

    fn cell(&self, row: usize, column: usize) -> Piece<'_> {
        match column {
            0 => (self.name(row).into(), Role::Text),
            1 => {
                let (mark, role) = self.status(row);
                (format!("{mark} {}", word(self.tasks.status(row))).into(), role)
            }
            7 => (Cow::Borrowed(&**self.tasks.executor(row)), Role::Text),
            8 => (Cow::Borrowed(&**self.tasks.host(row)), Role::Text),
            9 => (short_level(self.tasks.locality(row)).into(), Role::Text),
            14 => {
                let after = u64::try_from(self.tasks.launch_ms(row).saturating_sub(self.start_ms)).unwrap_or(0);
                (format!("+{}", units::duration(after)).into(), Role::Dim)
            }
            15 => (self.keys().error(row).to_owned().into(), Role::Critical),
            _ => match (self.keys().number(row, column), measure(column)) {
                (Some(value), Some(measure)) => {
                    (short_text(value, measure.unit()).into(), self.role(row, value, column))
                }
                _ => ("n/a".into(), Role::Dim),
            },
        }
    }

    fn key(&self, row: usize, column: usize) -> Key<'_> {
        self.keys().sorts_by(row, column)
    }

    fn search(&self, row: usize, into: &mut String) {
        self.keys().search(row, into);
    }
}

impl Rows for TaskKeys<'_> {
    fn count(&self) -> usize {
        self.tasks.len()
    }

    fn id(&self, row: usize) -> String {
        self.tasks.id(row).to_string()
    }

    fn cell(&self, _: usize, _: usize) -> Piece<'_> {
        ("".into(), Role::Text)
    }

    fn key(&self, row: usize, column: usize) -> Key<'_> {
        self.sorts_by(row, column)
    }

    fn search(&self, row: usize, into: &mut String) {
        let status = word(self.tasks.status(row));
        self.write_name(row, into);
        let place = [self.tasks.executor(row), self.tasks.host(row)];
        for part in [
            &**place[0],
            &**place[1],
            short_level(self.tasks.locality(row)),
            status,
            self.error(row),
        ] {
            into.push(' ');
            into.push_str(part);
        }
    }
}
