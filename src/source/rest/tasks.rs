//! A stage's tasks out of one streamed `taskList`, straight into columns: the answer is never held as a whole.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::{Buf, Bytes};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use tokio::sync::mpsc;
use url::Url;

use super::http::{Http, Want};
use super::json::{Time, measured};
use super::trouble::Trouble;
use crate::model::{FailureKind, Locality, MetricValues, Task, TaskFailure, TaskMetric, TaskStatus, TaskTable};
use crate::source::Progress;
use crate::source::lenient::{Field, Key, Lenient, record};
use crate::text::{clean, clean_line};

/// Bytes of a task list that are read at most: some two million tasks.
const MAX_TASK_LIST: u64 = 4 << 30;
/// Bytes of different texts (errors, executors, hosts) kept whole; those that come later are cut: a hundred thousand stack traces fill any
/// memory.
const MAX_TEXTS: usize = 16 << 20;
/// What is kept of a text then, characters.
const CUT_TEXT: usize = 500;
/// Pieces of the answer between the network and the parser.
const AHEAD: usize = 16;

record! {
    /// `TaskData`.
    TaskData {
        id: Option<u64> = "taskId",
        index: Option<u32> = "index",
        attempt: Option<u32> = "attempt",
        partition: Option<u64> = "partitionId",
        launch: Time = "launchTime",
        result_fetch: Time = "resultFetchStart",
        duration: Option<u64> = "duration",
        executor: Option<Cow<'de, str>> = "executorId",
        host: Option<Cow<'de, str>> = "host",
        status: Option<Cow<'de, str>> = "status",
        locality: Option<Cow<'de, str>> = "taskLocality",
        speculative: Option<bool> = "speculative",
        error: Option<Cow<'de, str>> = "errorMessage",
        metrics: Metrics = "taskMetrics",
    }
}

/// `TaskMetrics` with the objects inside it, found by the names in [`TaskMetric`].
#[derive(Debug, Default)]
pub(in crate::source) struct Metrics(MetricValues);

impl<'de> Field<'de> for Metrics {
    fn object<A: MapAccess<'de>>(entries: A) -> Result<Self, A::Error> {
        let mut values = MetricValues::default();
        Group {
            name: "",
            values: &mut values,
        }
        .visit_map(entries)?;
        Ok(Metrics(values))
    }
}

/// One object of metrics, read into the values.
struct Group<'a> {
    name: &'static str,
    values: &'a mut MetricValues,
}

impl<'de> Visitor<'de> for Group<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("metrics")
    }

    // Anything but an object where metrics belong: they are absent.

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        // The fields come in the order of the list: look at the next one first.
        let mut next = 0;
        while let Some(Key(key)) = entries.next_key()? {
            let fits = |at: &usize| {
                let metric = TaskMetric::ALL.get(*at);
                metric.is_some_and(|metric| metric.rest_name() == key && metric.group() == self.name)
            };
            let found = Some(next)
                .filter(fits)
                .or_else(|| (0..TaskMetric::ALL.len()).find(fits));
            if let Some(at) = found {
                let Lenient(value) = entries.next_value::<Lenient<Option<u64>>>()?;
                self.values.set(TaskMetric::ALL[at], value);
                next = at + 1;
            } else if let Some(group) = TaskMetric::ALL
                .iter()
                .map(|metric| metric.group())
                .find(|group| *group == key)
            {
                entries.next_value_seed(Group {
                    name: group,
                    values: self.values,
                })?;
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Group<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// The table on its way, and the texts that many tasks share.
struct Reading<'a> {
    table: TaskTable,
    shared: HashSet<Arc<str>>,
    /// Bytes of them.
    texts: usize,
    progress: &'a Progress,
}

impl Reading<'_> {
    fn add(&mut self, data: TaskData<'_>) {
        let (Some(id), Some(launch_ms)) = (data.id, data.launch.0) else {
            return;
        };
        let status = TaskStatus::parse(data.status.as_deref().unwrap_or_default());
        let since_launch = |time: i64| u64::try_from(time.checked_sub(launch_ms)?).ok();
        let failure = data.error.as_deref().filter(|text| !text.is_empty()).map(|text| {
            let text = clean(text);
            let kind = match FailureKind::of_message(&text) {
                // The message of a killed task is the bare reason.
                FailureKind::Exception if status == TaskStatus::Killed => FailureKind::Killed,
                kind => kind,
            };
            TaskFailure {
                kind,
                message: self.share(&text),
            }
        });
        let executor = self.share(&clean_line(data.executor.as_deref().unwrap_or_default()));
        let host = self.share(&clean_line(data.host.as_deref().unwrap_or_default()));
        self.table.push(&Task {
            id,
            index: data.index.unwrap_or(0),
            attempt: data.attempt.unwrap_or(0),
            partition: data.partition,
            launch_ms,
            duration_ms: match status {
                // The server tells how long it has been running.
                TaskStatus::Running => None,
                // It leaves out a duration of 0 (`TaskDataWrapper.toApi`).
                _ => Some(data.duration.unwrap_or(0)),
            },
            result_fetch_ms: data.result_fetch.0.and_then(since_launch),
            executor,
            host,
            locality: Locality::parse(data.locality.as_deref().unwrap_or_default()),
            status,
            speculative: data.speculative.unwrap_or(false),
            failure,
            metrics: measured(data.metrics.0),
        });
        self.progress.add_tasks(1);
    }

    fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.shared.get(text) {
            return known.clone();
        }
        if self.texts >= MAX_TEXTS
            && let Some((end, _)) = text.char_indices().nth(CUT_TEXT)
        {
            let cut = format!("{}…", text.get(..end).unwrap_or_default());
            return self.shared.get(&*cut).cloned().unwrap_or_else(|| self.keep(&cut));
        }
        self.keep(text)
    }

    fn keep(&mut self, text: &str) -> Arc<str> {
        let new: Arc<str> = text.into();
        self.texts += new.len();
        self.shared.insert(new.clone());
        new
    }
}

/// Why a `taskList` could not be read.
#[derive(Debug, PartialEq, Eq)]
enum Unread {
    /// It ends before its end, or the connection did.
    BreaksOff,
    /// It is no list of objects.
    NoList,
}

/// Reads a whole `taskList`, a task at a time: of a slice JSON is read in half the time that it takes from a stream.
fn read(source: impl Read, progress: &Progress) -> Result<TaskTable, Unread> {
    let mut reading = Reading {
        table: TaskTable::default(),
        shared: HashSet::new(),
        texts: 0,
        progress,
    };
    let mut window = Window {
        source,
        buffer: Vec::new(),
        at: 0,
        ended: false,
    };
    if window.mark()? != b'[' {
        return Err(Unread::NoList);
    }
    if window.peek()? == b']' {
        window.mark()?;
    } else {
        loop {
            window.task(&mut reading)?;
            match window.mark()? {
                b',' => {}
                b']' => break,
                _ => return Err(Unread::NoList),
            }
        }
    }
    match window.peek() {
        Err(Unread::BreaksOff) => {}
        _ => return Err(Unread::NoList),
    }
    reading.table.shrink();
    Ok(reading.table)
}

/// What has come of an answer and is not read yet.
struct Window<R> {
    source: R,
    buffer: Vec<u8>,
    /// What was read of the buffer.
    at: usize,
    ended: bool,
}

/// Bytes that are asked for at once, or as many again as one task has by then.
const WINDOW: usize = 256 << 10;

/// Bytes of one task at most: its error message may be long.
const MAX_TASK: usize = 64 << 20;

impl<R: Read> Window<R> {
    /// Reads a task; what is no object is left out.
    fn task(&mut self, into: &mut Reading<'_>) -> Result<(), Unread> {
        loop {
            let text = self.buffer.get(self.at..).unwrap_or_default();
            let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Lenient<TaskData<'_>>>();
            let value = values.next();
            let end = values.byte_offset();
            match value {
                // A number at the end of what is there may go on.
                Some(Ok(Lenient(data))) if end < text.len() || self.ended => {
                    into.add(data);
                    self.at += end;
                    return Ok(());
                }
                Some(Err(error)) if !error.is_eof() => return Err(Unread::NoList),
                _ if self.ended => return Err(Unread::BreaksOff),
                _ if text.len() > MAX_TASK => return Err(Unread::NoList),
                _ => self.more()?,
            }
        }
    }

    /// The next byte that is no blank.
    fn peek(&mut self) -> Result<u8, Unread> {
        loop {
            let text = self.buffer.get(self.at..).unwrap_or_default();
            if let Some(blanks) = text.iter().position(|byte| !byte.is_ascii_whitespace()) {
                self.at += blanks;
                return text.get(blanks).copied().ok_or(Unread::BreaksOff);
            }
            self.at = self.buffer.len();
            if self.ended {
                return Err(Unread::BreaksOff);
            }
            self.more()?;
        }
    }

    /// Takes the next byte that is no blank.
    fn mark(&mut self) -> Result<u8, Unread> {
        let byte = self.peek()?;
        self.at += 1;
        Ok(byte)
    }

    fn more(&mut self) -> Result<(), Unread> {
        self.buffer.drain(..self.at);
        self.at = 0;
        let most = WINDOW.max(self.buffer.len()) as u64;
        let read = self.source.by_ref().take(most).read_to_end(&mut self.buffer);
        match read {
            Ok(read) => self.ended = read == 0,
            Err(_) => return Err(Unread::BreaksOff),
        }
        Ok(())
    }
}

/// The pieces of an answer as a blocking reader; `None` among them says that the rest will not come.
struct Pieces {
    pieces: mpsc::Receiver<Option<Bytes>>,
    now: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.now.is_empty() {
            match self.pieces.blocking_recv() {
                Some(Some(piece)) => self.now = piece,
                Some(None) => return Err(io::ErrorKind::ConnectionAborted.into()),
                None => return Ok(0),
            }
        }
        let length = self.now.len().min(buffer.len());
        self.now.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

/// Fetches and reads a stage's tasks: one request, whose answer is parsed while it comes.
pub(super) async fn fetch(http: &Http, url: &Url, progress: &Progress) -> Result<TaskTable, Trouble> {
    http.retried(progress, || async {
        let mut body = http.get(url, Want::Replayed, progress).await?;
        let (send, pieces) = mpsc::channel(AHEAD);
        let seen = progress.clone();
        let parser = tokio::task::spawn_blocking(move || {
            let now = Bytes::new();
            read(Pieces { pieces, now }, &seen)
        });
        let mut bytes = 0u64;
        loop {
            match body.next(progress).await {
                Ok(Some(piece)) => {
                    bytes += piece.len() as u64;
                    if bytes > MAX_TASK_LIST {
                        let _ = send.send(None).await;
                        return Err(Trouble::TooLarge(MAX_TASK_LIST));
                    }
                    // The parser stops listening when it meets what is no JSON.
                    if send.send(Some(piece)).await.is_err() {
                        break;
                    }
                }
                Ok(None) => break,
                Err(trouble) => {
                    // Whether the parser still listens does not matter: its result is not used.
                    let _ = send.send(None).await;
                    return Err(trouble);
                }
            }
        }
        drop(send);
        match parser.await {
            Ok(Ok(table)) => Ok(table),
            Ok(Err(Unread::BreaksOff)) => Err(Trouble::Unexpected(format!("the JSON breaks off at byte {bytes}"))),
            Ok(Err(Unread::NoList)) => Err(Trouble::Unexpected("what it answers is no list of tasks".to_owned())),
            Err(_) => Err(Trouble::Unexpected("its tasks could not be read".to_owned())),
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TaskMeasure;

    const TASKS: &str = r#"[ {
        "taskId": 30, "index": 0, "attempt": 0, "partitionId": 0, "launchTime": "2026-11-21T09:25:47.263GMT",
        "resultFetchStart": "2026-11-21T09:25:49.263GMT", "duration": 2071, "executorId": "1", "host": "h1",
        "status": "SUCCESS", "taskLocality": "PROCESS_LOCAL", "speculative": false, "accumulatorUpdates": [{"id": 1}],
        "taskMetrics": { "executorRunTime": 1855, "inputMetrics": { "bytesRead": 7, "recordsRead": 3 }, "unknown": {"x": []},
            "outputMetrics": null,
            "shuffleReadMetrics": { "localBytesRead": 5, "recordsRead": 9, "shufflePushReadMetrics": { "localMergedBytesRead": 4 } },
            "shuffleWriteMetrics": { "bytesWritten": 8, "recordsWritten": -1 }, "inputMetrics": "odd", "outputMetrics": [1] }
    }, {
        "taskId": 31, "index": 1, "attempt": 2, "launchTime": "2026-11-21T09:25:47.264GMT", "executorId": "0", "host": "h0",
        "taskMetrics": { "executorRunTime": 0, "inputMetrics": { "bytesRead": 0 } }, "status": "FAILED", "taskLocality": "ODD", "speculative": true, "errorMessage": "FetchFailed(null, \u001b[2J)"
    }, {
        "taskId": 32, "launchTime": "2026-11-21T09:25:47.264GMT", "duration": 99999, "status": "RUNNING"
    }, { "taskId": 33 }, 7 ]"#;

    #[test]
    fn tasks_become_rows_and_what_is_missing_stays_absent() {
        let progress = Progress::default();
        let table = read(TASKS.as_bytes(), &progress).unwrap();
        assert_eq!((table.len(), progress.seen().tasks), (3, 3));
        let values = [
            (TaskMetric::ExecutorRunTime, Some(1855)),
            (TaskMetric::InputBytes, Some(7)),
            (TaskMetric::InputRecords, Some(3)),
            (TaskMetric::OutputBytes, None),
            (TaskMetric::ShuffleReadRecords, Some(9)),
            (TaskMetric::PushLocalMergedBytesRead, Some(4)),
            (TaskMetric::ShuffleWriteBytes, Some(8)),
            (TaskMetric::ShuffleWriteRecords, None),
            (TaskMetric::JvmGcTime, None),
        ];
        for (metric, value) in values {
            assert_eq!(table.metric(0, metric), value, "{metric:?}");
        }
        assert_eq!(table.measure(0, TaskMeasure::GettingResultTime), Some(71));
        assert_eq!((table.partition(0), table.partition(1)), (Some(0), None));
        assert_eq!(
            (table.duration_ms(0), table.duration_ms(1), table.duration_ms(2)),
            (Some(2071), Some(0), None)
        );
        assert_eq!(table.locality(1), Locality::Unknown);
        assert!(table.speculative(1) && !table.has_metrics(1));
        let failure = table.failure(1).unwrap();
        assert_eq!(
            (failure.kind, &*failure.message),
            (FailureKind::FetchFailed, "FetchFailed(null, ^[[2J)")
        );
    }

    #[test]
    fn different_error_messages_are_bounded() {
        let task = |id: u64| {
            format!(
                r#"{{"taskId":{id},"launchTime":"2026-11-21T09:25:47.263GMT","status":"FAILED","errorMessage":"{id} {}"}}"#,
                "x".repeat(100_000)
            )
        };
        let tasks: Vec<String> = (0..400).map(task).collect();
        let table = read(format!("[{}]", tasks.join(",")).as_bytes(), &Progress::default()).unwrap();
        let length = |row: usize| table.failure(row).unwrap().message.chars().count();
        assert_eq!((table.len(), length(0), length(399)), (400, 100_002, CUT_TEXT + 1));
        let kept: usize = (0..400).map(length).sum();
        assert!(kept < MAX_TEXTS + 1_000_000, "{kept}");
    }

    #[test]
    fn tasks_may_be_cut_anywhere_between_two_pieces() {
        /// Gives a byte at a time, so that every read ends where it can.
        struct Drops<'a>(&'a [u8]);
        impl Read for Drops<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                Read::take(&mut self.0, 1).read(buffer)
            }
        }
        let whole = read(TASKS.as_bytes(), &Progress::default()).unwrap();
        for size in [1, 7, WINDOW - 1, WINDOW, WINDOW + 1, 3 * WINDOW] {
            let long = format!(
                r#"[{{"taskId":1,"launchTime":5,"more":"{}"}},{}"#,
                "x".repeat(size),
                &TASKS[1..]
            );
            let table = read(Drops(long.as_bytes()), &Progress::default()).unwrap();
            assert_eq!(table.len(), whole.len() + 1);
            assert_eq!(table.id(3), 32);
        }
    }

    #[test]
    fn an_answer_that_breaks_off_is_no_table() {
        let cut = &TASKS[..TASKS.len() - 20];
        let why = |text: &str| read(text.as_bytes(), &Progress::default()).unwrap_err();
        assert_eq!(why(cut), Unread::BreaksOff);
        for odd in ["{}", "[] []", "[{}}", "[{},]", "7"] {
            assert_eq!(why(odd), Unread::NoList, "{odd}");
        }
        for odd in ["", "[", "[{}", "[{},", "[{\"a\":"] {
            assert_eq!(why(odd), Unread::BreaksOff, "{odd}");
        }
        assert_eq!(read(" [ ] ".as_bytes(), &Progress::default()).unwrap().len(), 0);
    }
}
