//! How a shape is learned out of one line: the line is walked as JSON, and what stands at each path becomes a step.

use memchr::memmem::Finder;

use super::super::task_metrics;
use super::{Fixed, Flag, Number, Shape, Slot, Text, flag, number, text};
use crate::model::ExecutorMetric;

/// Learns a shape out of one line.
pub(super) struct Pupil<'l> {
    line: &'l [u8],
    at: usize,
    /// Where the fixed text since the last value begins.
    fixed: usize,
    path: Vec<&'l str>,
    steps: Vec<(Fixed, Slot)>,
    /// What stood at each step; nothing for texts.
    values: Vec<&'l [u8]>,
}

impl<'l> Pupil<'l> {
    /// The shape of a line; `None` for lines with escapes, nulls, fractions or arrays with content where none is known.
    pub(super) fn learn(line: &'l [u8]) -> Option<Shape> {
        let mut pupil = Pupil {
            line,
            at: 0,
            fixed: 0,
            path: Vec::new(),
            steps: Vec::new(),
            values: Vec::new(),
        };
        pupil.object()?;
        let last = line.get(pupil.fixed..)?;
        (pupil.at == line.len()).then(|| Shape::new(pupil.steps, &pupil.values, last))
    }

    fn object(&mut self) -> Option<()> {
        self.eat(b'{')?;
        if self.eat(b'}').is_some() {
            return Some(());
        }
        loop {
            self.eat(b'"')?;
            let mut rest = self.line.get(self.at..)?;
            let key = text(&mut rest)?;
            self.at += key.len() + 1;
            self.eat(b':')?;
            self.path.push(key);
            self.value()?;
            self.path.pop();
            if self.eat(b',').is_none() {
                return self.eat(b'}');
            }
        }
    }

    fn value(&mut self) -> Option<()> {
        let mut rest = self.line.get(self.at..)?;
        match rest.first()? {
            b'{' if self.path.len() < 6 => self.object(),
            b'[' => self.array(),
            b'"' => {
                self.at += 1;
                rest = rest.get(1..)?;
                let found = text(&mut rest)?;
                // The names that tell what the line is stay fixed.
                if let Some(slot) = self.text_slot() {
                    self.slot(slot);
                }
                self.at += found.len();
                if self.text_slot().is_some() {
                    self.fixed = self.at;
                }
                self.eat(b'"')
            }
            b't' | b'f' => {
                let before = rest.len();
                flag(&mut rest)?;
                self.slot(Slot::Flag(match self.path.as_slice() {
                    ["Task Info", "Speculative"] => Flag::Speculative,
                    ["Task Info", "Failed"] => Flag::Failed,
                    ["Task Info", "Killed"] => Flag::Killed,
                    _ => Flag::Other,
                }));
                self.pass(before - rest.len());
                Some(())
            }
            _ => {
                let before = rest.len();
                number(&mut rest)?;
                self.slot(Slot::Number(self.number_slot()));
                self.pass(before - rest.len());
                Some(())
            }
        }
    }

    /// An empty array is fixed text; the accumulables are taken as they are; others are not learned.
    fn array(&mut self) -> Option<()> {
        self.eat(b'[')?;
        if self.path.as_slice() != ["Task Info", "Accumulables"] {
            return self.eat(b']');
        }
        self.slot(Slot::Accumulables);
        let mut depth = 0;
        let mut in_string = false;
        let mut escaped = false;
        for byte in self.line.get(self.at..)? {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                b'[' if !in_string => depth += 1,
                b']' if !in_string && depth == 0 => break,
                b']' if !in_string => depth -= 1,
                _ => {}
            }
            self.at += 1;
        }
        self.fixed = self.at;
        self.eat(b']')
    }

    fn number_slot(&self) -> Number {
        match self.path.as_slice() {
            ["Stage ID"] => Number::Stage,
            ["Stage Attempt ID"] => Number::StageAttempt,
            ["Task Info", key] => match *key {
                "Task ID" => Number::Id,
                "Index" => Number::Index,
                "Attempt" => Number::Attempt,
                "Partition ID" => Number::Partition,
                "Launch Time" => Number::Launched,
                "Getting Result Time" => Number::Fetching,
                "Finish Time" => Number::Finished,
                _ => Number::Other,
            },
            ["Task Executor Metrics", key] => {
                let metric = ExecutorMetric::ALL.iter().find(|metric| metric.name() == *key);
                metric.map_or(Number::Other, |metric| Number::Peak(*metric))
            }
            ["Task Metrics", path @ ..] => task_metrics::at(path).map_or(Number::Other, Number::Metric),
            _ => Number::Other,
        }
    }

    fn text_slot(&self) -> Option<Slot> {
        Some(Slot::Text(match self.path.as_slice() {
            ["Event"] | ["Task End Reason", ..] => return None,
            ["Task Info", "Executor ID"] => Text::Executor,
            ["Task Info", "Host"] => Text::Host,
            ["Task Info", "Locality"] => Text::Locality,
            _ => Text::Other,
        }))
    }

    /// The fixed text up to here, then a value.
    fn slot(&mut self, slot: Slot) {
        let text = self.line.get(self.fixed..self.at).unwrap_or_default();
        let fixed = match self.steps.last() {
            Some((_, Slot::Accumulables)) => Fixed::Ahead(Box::new(Finder::new(text).into_owned())),
            _ => Fixed::Here(text.into()),
        };
        self.steps.push((fixed, slot));
        self.values.push(b"");
    }

    /// The value of the newest step is so many bytes long.
    fn pass(&mut self, bytes: usize) {
        if let (Some(value), Some(text)) = (self.values.last_mut(), self.line.get(self.at..self.at + bytes)) {
            *value = text;
        }
        self.at += bytes;
        self.fixed = self.at;
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        (self.line.get(self.at) == Some(&byte)).then(|| self.at += 1)
    }
}
