//! Processes beside driver and executors as Spark's `ProcessSummary`, without the pages of their logs.

use super::columns::{Column, always, date, maybe};
use crate::model::MiscellaneousProcess as Process;

pub fn columns() -> Vec<Column<Process>> {
    vec![
        always("id", |process: &Process| process.id.clone()),
        always("hostPort", |process: &Process| process.host_port.clone()),
        always("isActive", |process: &Process| process.active),
        maybe("totalCores", |process: &Process| process.total_cores),
        maybe("addTime", |process: &Process| process.added_ms.and_then(date)),
        maybe("removeTime", |process: &Process| process.removed_ms.and_then(date)),
    ]
}
