//! Why a task failed, in Spark's words (`TaskFailedReason.toErrorString`), so that the text equals REST's `errorMessage`.

use std::fmt::Write;

use crate::model::FailureKind;
use crate::source::eventlog::event::{EndReason, Frame};

/// The kind of a task's end reason; `None` for success.
pub(super) fn kind(reason: &EndReason<'_>) -> Option<FailureKind> {
    Some(match reason.reason.as_deref() {
        None | Some("Success") => return None,
        Some("ExceptionFailure") => FailureKind::Exception,
        Some("FetchFailed") => FailureKind::FetchFailed,
        Some("ExecutorLostFailure") => FailureKind::ExecutorLost,
        Some("TaskKilled") => FailureKind::Killed,
        Some("TaskCommitDenied") => FailureKind::CommitDenied,
        Some("TaskResultLost") => FailureKind::ResultLost,
        Some("Resubmitted") => FailureKind::Resubmitted,
        Some(_) => FailureKind::Other,
    })
}

/// The number, or the default that Spark writes.
fn number(value: Option<impl ToString>, otherwise: &str) -> String {
    value.map_or(otherwise.to_owned(), |value| value.to_string())
}

/// Spark's error string. What the log did not say is written as Spark writes its defaults.
pub(super) fn message(reason: &EndReason<'_>) -> String {
    match reason.reason.as_deref().unwrap_or_default() {
        "ExceptionFailure" => match &reason.full_stack {
            Some(stack) => stack.to_string(),
            None => exception(reason),
        },
        "FetchFailed" => {
            let manager = reason.manager.as_ref().map_or("null".to_owned(), |manager| {
                let part = |part: &Option<std::borrow::Cow<'_, str>>| part.as_deref().unwrap_or("null").to_owned();
                let (executor, host) = (part(&manager.executor), part(&manager.host));
                format!(
                    "BlockManagerId({executor}, {host}, {}, None)",
                    manager.port.unwrap_or(0)
                )
            });
            format!(
                "FetchFailed({manager}, shuffleId={}, mapIndex={}, mapId={}, reduceId={}, message=\n{}\n)",
                number(reason.shuffle, "-1"),
                number(reason.map_index.0, "-2147483648"),
                number(reason.map.0, "-1"),
                number(reason.reduce, "-1"),
                reason.message.as_deref().unwrap_or("Unknown reason"),
            )
        }
        "ExecutorLostFailure" => {
            let by = match reason.by_application {
                Some(false) => "unrelated to the running tasks",
                _ => "caused by one of the running tasks",
            };
            let executor = reason.executor.as_deref().unwrap_or("Unknown");
            let loss = reason
                .loss
                .as_deref()
                .map_or(String::new(), |loss| format!(" Reason: {loss}"));
            format!("ExecutorLostFailure (executor {executor} exited {by}){loss}")
        }
        "TaskKilled" => reason.kill.as_deref().unwrap_or("unknown reason").to_owned(),
        "TaskCommitDenied" => format!(
            "TaskCommitDenied (Driver denied task commit) for job: {}, partition: {}, attemptNumber: {}",
            number(reason.job, "-1"),
            number(reason.partition, "-1"),
            number(reason.attempt, "-1"),
        ),
        "TaskResultLost" => "TaskResultLost (result lost from block manager)".to_owned(),
        "Resubmitted" => "Resubmitted (resubmitted due to lost executor)".to_owned(),
        other => other.to_owned(),
    }
}

/// An exception without its full stack trace, as Spark before 1.2 logged it (`ExceptionFailure.exceptionString`).
fn exception(reason: &EndReason<'_>) -> String {
    let class = reason.class.as_deref().unwrap_or_default();
    let mut text = format!("{class}: {}\n", reason.description.as_deref().unwrap_or_default());
    for (at, frame) in reason.stack.iter().enumerate() {
        let line_feed = if at == 0 { "" } else { "\n" };
        // Writing to a string cannot fail.
        let _ = write!(text, "{line_feed}        {}", call(frame));
    }
    text
}

/// A frame as Java prints it (`StackTraceElement.toString`).
fn call(frame: &Frame<'_>) -> String {
    let class = frame.class.as_deref().unwrap_or_default();
    let method = frame.method.as_deref().unwrap_or_default();
    let place = match (frame.file.as_deref(), frame.line) {
        (Some(file), Some(line)) => format!("{file}:{line}"),
        (Some(file), None) => file.to_owned(),
        (None, _) => "Unknown Source".to_owned(),
    };
    format!("{class}.{method}({place})")
}
