//! From a line to its event: recognised by its name, which Spark writes first; an event of another name is none of ours.

use std::borrow::Cow;

use super::event::{Accumulables, Event, Named, TaskEnd};
use crate::source::lenient;

/// The event of a line; `None` for events that the model does not need. `room` is a buffer to work in.
///
/// # Errors
/// Where the line is no JSON object, or one without an event name.
pub(super) fn parse<'de>(line: &'de str, room: &'de mut String) -> Result<Option<Event<'de>>, Broken> {
    let Some(name) = name(line)? else { return Err(Broken) };
    // Events outside Spark's core are named with their package.
    let short = name.rsplit_once('.').map_or(&*name, |(_, short)| short);
    use Event::{ExecutorExcluded, NodeExcluded};
    Ok(Some(match short {
        "SparkListenerTaskStart" => Event::TaskStart(lenient::read(line)?),
        "SparkListenerTaskEnd" => {
            let (rest, accumulables) = without_accumulables(line, room);
            let mut end: Box<TaskEnd<'de>> = Box::new(lenient::read(rest)?);
            end.task.accumulables = Accumulables(accumulables.as_bytes());
            Event::TaskEnd(end)
        }
        "SparkListenerStageSubmitted" => Event::StageSubmitted(lenient::read(line)?),
        "SparkListenerStageCompleted" => Event::StageCompleted(lenient::read(line)?),
        "SparkListenerJobStart" => Event::JobStart(lenient::read(line)?),
        "SparkListenerJobEnd" => Event::JobEnd(lenient::read(line)?),
        "SparkListenerLogStart" => Event::LogStart(lenient::read(line)?),
        "SparkListenerApplicationStart" => Event::ApplicationStart(lenient::read(line)?),
        "SparkListenerApplicationEnd" => Event::ApplicationEnd(lenient::read(line)?),
        "SparkListenerEnvironmentUpdate" => Event::EnvironmentUpdate(lenient::read(line)?),
        "SparkListenerResourceProfileAdded" => Event::ResourceProfileAdded(lenient::read(line)?),
        "SparkListenerExecutorAdded" => Event::ExecutorAdded(lenient::read(line)?),
        "SparkListenerExecutorRemoved" => Event::ExecutorRemoved(lenient::read(line)?),
        "SparkListenerExecutorExcluded" | "SparkListenerExecutorBlacklisted" => {
            ExecutorExcluded(lenient::read(line)?, true)
        }
        "SparkListenerExecutorUnexcluded" | "SparkListenerExecutorUnblacklisted" => {
            ExecutorExcluded(lenient::read(line)?, false)
        }
        "SparkListenerNodeExcluded" | "SparkListenerNodeBlacklisted" => NodeExcluded(lenient::read(line)?, true),
        "SparkListenerNodeUnexcluded" | "SparkListenerNodeUnblacklisted" => NodeExcluded(lenient::read(line)?, false),
        "SparkListenerExecutorExcludedForStage"
        | "SparkListenerExecutorBlacklistedForStage"
        | "SparkListenerNodeExcludedForStage"
        | "SparkListenerNodeBlacklistedForStage" => Event::ExcludedForStage(lenient::read(line)?),
        "SparkListenerMiscellaneousProcessAdded" => Event::ProcessAdded(lenient::read(line)?),
        "SparkListenerBlockManagerAdded" => Event::BlockManagerAdded(lenient::read(line)?),
        "SparkListenerBlockUpdated" => Event::BlockUpdated(lenient::read(line)?),
        "SparkListenerUnpersistRDD" => Event::UnpersistRdd(lenient::read(line)?),
        "SparkListenerStageExecutorMetrics" => Event::StageExecutorMetrics(lenient::read(line)?),
        "SparkListenerExecutorMetricsUpdate" => Event::ExecutorMetricsUpdate(lenient::read(line)?),
        "SparkListenerSQLExecutionStart" => Event::SqlStart(lenient::read(line)?),
        "SparkListenerSQLAdaptiveExecutionUpdate" => Event::SqlReplanned(lenient::read(line)?),
        "SparkListenerSQLAdaptiveSQLMetricUpdates" => Event::SqlMetricsAdded(lenient::read(line)?),
        "SparkListenerDriverAccumUpdates" => Event::SqlDriverUpdates(lenient::read(line)?),
        "StreamingQueryListener$QueryStartedEvent" => Event::QueryStarted(lenient::read(line)?),
        "StreamingQueryListener$QueryProgressEvent" => Event::QueryProgress(Box::new(lenient::read(line)?)),
        "StreamingQueryListener$QueryTerminatedEvent" => Event::QueryEnded(lenient::read(line)?),
        "SparkListenerSQLExecutionEnd" => Event::SqlEnd(lenient::read(line)?),
        _ => return Ok(None),
    }))
}

/// A task's end without its accumulables, and what is inside their array. They are half of the line and mostly not needed: cutting them out
/// is several times faster than parsing over them. Where Spark's own order of fields is not found the line stays as it is. The marks cannot be found inside a string,
/// as quotes are escaped there.
fn without_accumulables<'de>(line: &'de str, room: &'de mut String) -> (&'de str, &'de str) {
    let after = |from: usize, mark: &str| {
        let at = memchr::memmem::find(line.as_bytes().get(from..)?, mark.as_bytes())?;
        Some(from + at)
    };
    let cut = || {
        let info = after(0, ",\"Task Info\":{")?;
        let from = after(info, ACCUMULABLES)?;
        let to = after(from, "]},\"Task Executor Metrics\":")
            .or_else(|| after(from, "]},\"Task Metrics\":"))
            .or_else(|| {
                line.trim_ascii_end()
                    .ends_with("]}}")
                    .then(|| line.trim_ascii_end().len() - 3)
            })?;
        let inside = line.get(from + ACCUMULABLES.len()..to)?;
        Some((line.get(..from)?, line.get(to + 1..)?, inside))
    };
    let Some((before, rest, inside)) = cut() else {
        return (line, "");
    };
    room.clear();
    room.push_str(before);
    room.push_str(rest);
    (room, inside)
}

const ACCUMULABLES: &str = ",\"Accumulables\":[";

/// A line that is no event.
#[derive(Debug)]
pub(super) struct Broken;

impl From<serde_json::Error> for Broken {
    fn from(_: serde_json::Error) -> Self {
        Broken
    }
}

/// The event's name: from the first bytes, as Spark writes it there; else the whole line is searched for it.
fn name(line: &str) -> Result<Option<Cow<'_, str>>, Broken> {
    if let Some(rest) = line.strip_prefix("{\"Event\":\"")
        && let Some(end) = memchr::memchr2(b'"', b'\\', rest.as_bytes())
        && rest.as_bytes().get(end) == Some(&b'"')
    {
        return Ok(rest.get(..end).map(Cow::Borrowed));
    }
    let named: Named<'_> = lenient::read(line)?;
    Ok(named.event)
}
