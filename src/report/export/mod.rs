//! Tables of an application as CSV or JSON rows under Spark's REST names, nesting and units, so that a row can be held against
//! a history server's answer. One file a table; each is a list of columns. What was not recorded is left out, never 0.

mod applications;
mod columns;
mod environment;
mod executors;
mod jobs;
mod processes;
mod sql;
mod stages;
mod storage;
mod streaming;
mod task_summary;
mod tasks;

use std::io::{self, Write};

pub use columns::Format;

use crate::model::{Application, Listing};

/// The tables of one application that can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Jobs (`JobData`).
    Jobs,
    /// Stage attempts with the sums of their tasks (`StageData` without details).
    Stages,
    /// Task attempts of all stages (`TaskData`).
    Tasks,
    /// Quantiles of each stage attempt's successful tasks (`TaskMetricDistributions`).
    TaskSummary,
    /// Executors and the driver (`ExecutorSummary`).
    Executors,
    /// Processes beside driver and executors (`ProcessSummary`).
    Processes,
    /// SQL executions with their plans (`ExecutionData`).
    Sql,
    /// Cached RDDs (`RDDStorageInfo`).
    Storage,
    /// Batches of streaming queries (`StreamingQueryProgress`).
    Streaming,
    /// Properties and resource profiles (`ApplicationEnvironmentInfo`), secrets hidden.
    Environment,
}

impl Table {
    /// Whether it is made of the tasks, which a source may bring only when asked.
    pub const fn needs_tasks(self) -> bool {
        matches!(self, Table::Tasks | Table::TaskSummary)
    }

    /// Whether it is made of the plans, which a source may bring only when asked.
    pub const fn needs_plans(self) -> bool {
        matches!(self, Table::Sql)
    }
}

/// Writes a table of an application, row by row.
///
/// # Errors
/// Those of the writer.
pub fn write(table: Table, application: &Application, format: Format, out: &mut dyn Write) -> io::Result<()> {
    match table {
        Table::Jobs => columns::write(&jobs::columns(), &application.jobs, format, out),
        Table::Stages => columns::write(&stages::columns(), &application.stages, format, out),
        Table::Tasks => columns::write(&tasks::columns(), tasks::rows(application), format, out),
        Table::TaskSummary => columns::write(&task_summary::columns(), task_summary::rows(application), format, out),
        Table::Executors => columns::write(&executors::columns(), &application.executors, format, out),
        Table::Processes => columns::write(&processes::columns(), &application.processes, format, out),
        Table::Sql => columns::write(&sql::columns(), sql::rows(application), format, out),
        Table::Storage => columns::write(&storage::columns(), &application.storage, format, out),
        Table::Streaming => columns::write(&streaming::columns(), streaming::rows(application), format, out),
        Table::Environment => environment::write(application, format, out),
    }
}

/// Writes the applications that a source offers (`ApplicationInfo`): JSON has one row each with its attempts inside, CSV one row an
/// attempt.
///
/// # Errors
/// Those of the writer.
pub fn write_applications(listing: &Listing, format: Format, out: &mut dyn Write) -> io::Result<()> {
    applications::write(listing, format, out)
}
