//! The fast way to read the two events that make up nearly all of a log: launches and successful ends of tasks. One writer writes all lines
//! of a kind alike but for their values, so the first line teaches the shape and the others are matched against it, several times faster
//! than JSON is parsed. Whatever does not fit, to the byte, is left to the general parser; a test holds both to the same answer.

mod learn;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem::{self, Finder};

use learn::Pupil;

use super::event::{Accumulables, TaskEnd, TaskInfo, TaskStart};
use crate::model::{ExecutorMetric, TaskMetric};

/// The shapes of a log's lines, as learned so far.
#[derive(Default)]
pub(super) struct Shapes {
    start: Known,
    end: Known,
}

/// The shape of one kind of line.
#[derive(Default)]
struct Known {
    shape: Option<Shape>,
    /// How often it was learned: logs that mix writers are read the general way in the end.
    learned: u32,
}

/// Shapes learned of a kind at most.
const LESSONS: u32 = 16;

/// An event that was read by its shape.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "it is used where it was made, a million times: no allocation"
)]
pub(super) enum Seen<'de> {
    /// A task's launch.
    Start(TaskStart<'de>),
    /// A task's successful end.
    End(TaskEnd<'de>),
}

/// What a line of a kind looks like: fixed text and values by turns, and fixed text at the end.
#[derive(Debug)]
struct Shape {
    steps: Vec<(Fixed, Slot)>,
    last: Box<[u8]>,
    /// Where many zeros stand one after another, in the order of the steps: metrics that most tasks leave at 0.
    zeros: Vec<Zeros>,
}

/// Steps whose values are all 0 as a rule.
#[derive(Debug)]
struct Zeros {
    /// The steps.
    steps: Range<usize>,
    /// Their text, the zeros included.
    text: Box<[u8]>,
}

/// The text between two values.
#[derive(Debug)]
enum Fixed {
    /// It stands right here.
    Here(Box<[u8]>),
    /// It stands where the accumulables end; inside a string it cannot stand, as quotes are escaped there.
    Ahead(Box<Finder<'static>>),
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Slot {
    Number(Number),
    Text(Text),
    Flag(Flag),
    /// The accumulables, an array of any length.
    Accumulables,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Number {
    Stage,
    StageAttempt,
    Id,
    Index,
    Attempt,
    Partition,
    Launched,
    Fetching,
    Finished,
    Metric(TaskMetric),
    Peak(ExecutorMetric),
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Text {
    Executor,
    Host,
    Locality,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flag {
    Speculative,
    Failed,
    Killed,
    Other,
}

const START: &[u8] = b"{\"Event\":\"SparkListenerTaskStart\",";
const END: &[u8] = b"{\"Event\":\"SparkListenerTaskEnd\",";
const SUCCESS: &[u8] = b"\"Task End Reason\":{\"Reason\":\"Success\"},";

impl Shapes {
    /// The event of a line, if the line is of a known shape. `None` says nothing about the line.
    #[inline]
    pub(super) fn read<'de>(&self, line: &'de [u8]) -> Option<Seen<'de>> {
        if line.starts_with(END) {
            let shape = self.end.shape.as_ref()?;
            let mut end = TaskEnd::default();
            shape.read(line, &mut end)?;
            end.reason.reason = Some(Cow::Borrowed("Success"));
            Some(Seen::End(end))
        } else if line.starts_with(START) {
            let shape = self.start.shape.as_ref()?;
            let mut end = TaskEnd::default();
            shape.read(line, &mut end)?;
            Some(Seen::Start(TaskStart {
                stage: end.stage,
                attempt: end.attempt,
                task: end.task,
                ..TaskStart::default()
            }))
        } else {
            None
        }
    }

    /// Learns the shape of a line that was not of a known one and that the general parser understood.
    pub(super) fn learn(&mut self, line: &[u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let known = if line.starts_with(START) {
            &mut self.start
        } else if line.starts_with(END) && memmem::find(line, SUCCESS).is_some() {
            &mut self.end
        } else {
            return;
        };
        if known.learned < LESSONS {
            known.learned += 1;
            if let Some(shape) = Pupil::learn(line) {
                known.shape = Some(shape);
            }
        }
    }
}

/// Zeros in a row from which on they are looked for as one.
const MANY: usize = 3;

impl Shape {
    /// A shape of these steps; `values` are the texts that stood at them.
    fn new(steps: Vec<(Fixed, Slot)>, values: &[&[u8]], last: &[u8]) -> Shape {
        let is_zero = |at: usize| match steps.get(at) {
            Some((Fixed::Here(_), Slot::Number(_))) => values.get(at) == Some(&b"0".as_slice()),
            _ => false,
        };
        let mut zeros = Vec::new();
        let mut at = 0;
        while at < steps.len() {
            let run = (at..steps.len()).take_while(|at| is_zero(*at)).count();
            if run >= MANY {
                let mut text = Vec::new();
                for (fixed, _) in &steps[at..at + run] {
                    if let Fixed::Here(fixed) = fixed {
                        text.extend_from_slice(fixed);
                        text.push(b'0');
                    }
                }
                zeros.push(Zeros {
                    steps: at..at + run,
                    text: text.into(),
                });
            }
            at += run.max(1);
        }
        Shape {
            steps,
            last: last.into(),
            zeros,
        }
    }

    /// Reads the values of a line of this shape.
    fn read<'de>(&self, line: &'de [u8], into: &mut TaskEnd<'de>) -> Option<()> {
        let mut rest = line;
        let mut accumulables: &[u8] = b"";
        let (mut steps, mut zeros) = (self.steps.iter().enumerate(), self.zeros.iter().peekable());
        while let Some((at, (fixed, slot))) = steps.next() {
            // No digit follows such a zero: what stands behind it begins with fixed text.
            if let Some(run) = zeros.next_if(|run| run.steps.start == at)
                && let Some(after) = rest.strip_prefix(&*run.text)
            {
                for (_, slot) in self.steps.get(run.steps.clone()).unwrap_or_default() {
                    if let Slot::Number(what) = slot {
                        set_number(into, *what, 0);
                    }
                }
                rest = after;
                steps.nth(run.steps.len() - 2);
                continue;
            }
            rest = match fixed {
                Fixed::Here(text) => rest.strip_prefix(&**text)?,
                Fixed::Ahead(finder) => {
                    let (inside, rest) = rest.split_at_checked(finder.find(rest)?)?;
                    accumulables = inside;
                    rest.get(finder.needle().len()..)?
                }
            };
            match slot {
                Slot::Number(what) => set_number(into, *what, number(&mut rest)?),
                Slot::Text(what) => set_text(&mut into.task, *what, text(&mut rest)?),
                Slot::Flag(what) => set_flag(&mut into.task, *what, flag(&mut rest)?),
                Slot::Accumulables => {}
            }
        }
        into.task.accumulables = Accumulables(accumulables);
        // An array at the very end must be empty.
        (rest.strip_suffix(b"\r").unwrap_or(rest) == &*self.last).then_some(())
    }
}

/// Digits alone; what stands after them is for the fixed text to judge.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut value: u64 = 0;
    let mut digits = 0;
    for byte in *rest {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        digits += 1;
    }
    // 19 digits always fit; a zero before others is no JSON.
    if !(1..=19).contains(&digits) || (digits > 1 && rest.first() == Some(&b'0')) {
        return None;
    }
    *rest = rest.get(digits..)?;
    Some(value)
}

/// A string without escapes, from after its first quote to before its last.
fn text<'de>(rest: &mut &'de [u8]) -> Option<&'de str> {
    let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
    let (text, after) = rest.split_at_checked(end)?;
    if after.first() != Some(&b'"') {
        return None;
    }
    *rest = after;
    std::str::from_utf8(text).ok()
}

fn flag(rest: &mut &[u8]) -> Option<bool> {
    if let Some(after) = rest.strip_prefix(b"false") {
        *rest = after;
        return Some(false);
    }
    *rest = rest.strip_prefix(b"true")?;
    Some(true)
}

fn set_number(into: &mut TaskEnd<'_>, what: Number, value: u64) {
    let small = u32::try_from(value).ok();
    let time = i64::try_from(value).ok();
    let task = &mut into.task;
    match what {
        Number::Stage => into.stage = small,
        Number::StageAttempt => into.attempt = small,
        Number::Id => task.id = Some(value),
        Number::Index => task.index = small,
        Number::Attempt => task.attempt = small,
        Number::Partition => task.partition = Some(value),
        Number::Launched => task.launched = time,
        Number::Fetching => task.fetching = time,
        Number::Finished => task.finished = time,
        Number::Metric(metric) => into.metrics.0.set(metric, Some(value)),
        Number::Peak(metric) => {
            into.peaks.0.raise(metric, value);
        }
        Number::Other => {}
    }
}

fn set_text<'de>(task: &mut TaskInfo<'de>, what: Text, value: &'de str) {
    let value = Some(Cow::Borrowed(value));
    match what {
        Text::Executor => task.executor = value,
        Text::Host => task.host = value,
        Text::Locality => task.locality = value,
        Text::Other => {}
    }
}

fn set_flag(task: &mut TaskInfo<'_>, what: Flag, value: bool) {
    match what {
        Flag::Speculative => task.speculative = Some(value),
        Flag::Failed => task.failed = Some(value),
        Flag::Killed => task.killed = Some(value),
        Flag::Other => {}
    }
}
