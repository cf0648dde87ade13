//! The tree of operators in a SQL event (`SparkPlanInfo`), read without recursion: plans nest as deep as a query is long. Knows nothing of
//! the graph that Spark draws of it.

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::source::lenient::{self, Lenient, record};

/// A piece of JSON as it stands in the line; empty where there was none.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Raw<'de>(pub &'de str);

/// Not by [`Field`](crate::source::lenient::Field): nothing is looked at, so that nothing is refused and nothing recurses.
impl<'de> Deserialize<'de> for Lenient<Raw<'de>> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Lenient(Raw(raw.get())))
    }
}

record! {
    /// A metric of an operator (`SQLMetricInfo`).
    Metric {
        name: Option<Cow<'de, str>> = "name",
        accumulator: Option<u64> = "accumulatorId",
        kind: Option<Cow<'de, str>> = "metricType",
    }
}

/// An operator (`SparkPlanInfo`).
#[derive(Debug, Default)]
pub(super) struct Operator<'de> {
    pub name: Cow<'de, str>,
    /// One line with its arguments (`simpleString`).
    pub line: Cow<'de, str>,
    pub metrics: Vec<Metric<'de>>,
    /// Places in the list of operators, each after its parent's.
    pub children: Vec<usize>,
}

/// Operators of one plan beyond which it is no plan that anyone looks at.
const MOST: usize = 20_000;

/// The operators of a plan, parents before children; `None` for what is no plan or too large. The text has to be sound JSON, as it is where
/// it came out of a line that was read.
pub(super) fn operators<'de>(plan: Raw<'de>) -> Option<Vec<Operator<'de>>> {
    let mut text = Text { rest: plan.0 };
    let mut all: Vec<Operator<'de>> = Vec::new();
    // The operators that are open, outermost first; their children are being read.
    let mut open: Vec<usize> = Vec::new();
    text.eat('{')?;
    all.push(Operator::default());
    let mut at = 0;
    // Inside an object of an operator, before a key or its end.
    loop {
        if text.eat('}').is_some() {
            // Its parent's children go on, or end, and with them the parent's object goes on.
            loop {
                let Some(parent) = open.pop() else {
                    return all.first().is_some_and(|root| !root.name.is_empty()).then_some(all);
                };
                if text.eat(',').is_some() {
                    text.eat('{')?;
                    at = child(&mut all, parent)?;
                    open.push(parent);
                    break;
                }
                text.eat(']')?;
                text.eat(',');
                at = parent;
                if text.eat('}').is_none() {
                    break;
                }
            }
            continue;
        }
        text.eat(',');
        let key = text.value()?;
        text.eat(':')?;
        match key {
            "\"children\"" => {
                if text.eat('[').is_none() {
                    text.value()?;
                } else if text.eat(']').is_none() {
                    text.eat('{')?;
                    open.push(at);
                    at = child(&mut all, at)?;
                }
            }
            "\"nodeName\"" => all.get_mut(at)?.name = string(text.value()?)?,
            "\"simpleString\"" => all.get_mut(at)?.line = string(text.value()?)?,
            "\"metrics\"" => all.get_mut(at)?.metrics = lenient::read(text.value()?).ok()?,
            _ => {
                text.value()?;
            }
        }
    }
}

/// A new operator below another.
fn child(all: &mut Vec<Operator<'_>>, parent: usize) -> Option<usize> {
    let new = all.len();
    if new >= MOST {
        return None;
    }
    all.push(Operator::default());
    all.get_mut(parent)?.children.push(new);
    Some(new)
}

fn string(value: &str) -> Option<Cow<'_, str>> {
    let text: Option<Cow<'_, str>> = lenient::read(value).ok()?;
    Some(text.unwrap_or_default())
}

/// Sound JSON that is walked.
struct Text<'de> {
    rest: &'de str,
}

impl<'de> Text<'de> {
    fn eat(&mut self, mark: char) -> Option<()> {
        self.rest = self.rest.trim_ascii_start();
        self.rest = self.rest.strip_prefix(mark)?;
        Some(())
    }

    /// A whole value, whatever it is.
    fn value(&mut self) -> Option<&'de str> {
        self.rest = self.rest.trim_ascii_start();
        let bytes = self.rest.as_bytes();
        let mut depth = 0_usize;
        let mut at = 0;
        loop {
            match bytes.get(at)? {
                b'"' => {
                    at = end_of_string(bytes, at + 1)?;
                    if depth == 0 {
                        break;
                    }
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    // A number or word ends where its surroundings do.
                    if depth == 0 {
                        break;
                    }
                    depth -= 1;
                    if depth == 0 {
                        at += 1;
                        break;
                    }
                }
                b',' | b' ' | b'\n' if depth == 0 => break,
                _ => {}
            }
            at += 1;
        }
        let (value, rest) = self.rest.split_at_checked(at)?;
        self.rest = rest;
        (!value.is_empty()).then_some(value)
    }
}

/// The place after the quote that ends a string.
fn end_of_string(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_come_with_their_children_in_any_order_of_fields() {
        let plan = r#"{"nodeName":"Join \"x\"","simpleString":"Join [a]","children":[
            {"children":[{"nodeName":"Scan","simpleString":"s","children":[],"metadata":{"k":"}]"},"metrics":[]}],"nodeName":"Sort"},
            {"nodeName":"Scan","children":[],"metrics":[{"name":"rows","accumulatorId":7,"metricType":"sum"},{"name":3}]}
            ],"metadata":{},"metrics":[]}"#;
        let all = operators(Raw(plan)).unwrap();
        let names: Vec<&str> = all.iter().map(|operator| &*operator.name).collect();
        assert_eq!(names, ["Join \"x\"", "Sort", "Scan", "Scan"]);
        assert_eq!(all[0].children, [1, 3]);
        assert_eq!(all[1].children, [2]);
        assert_eq!(all[3].metrics[0].accumulator, Some(7));
        assert_eq!(all[0].line, "Join [a]");
    }

    #[test]
    fn a_plan_may_nest_as_deep_as_it_likes_and_is_bounded_in_size() {
        let deep = |n: usize| format!("{}{}", r#"{"nodeName":"P","children":["#.repeat(n), "]}".repeat(n));
        assert_eq!(operators(Raw(&deep(10_000))).unwrap().len(), 10_000);
        assert!(operators(Raw(&deep(MOST + 1))).is_none());
    }

    #[test]
    fn what_is_no_plan_is_none() {
        for odd in [
            "",
            "null",
            "7",
            "[]",
            "\"x\"",
            r#"{"children":[7]}"#,
            r#"{"nodeName":"#,
            "{",
            "{}",
        ] {
            assert!(operators(Raw(odd)).is_none(), "{odd}");
        }
        let lacking = operators(Raw(r#"{"nodeName":"x","simpleString":null,"children":{}}"#)).unwrap();
        assert_eq!((lacking.len(), &*lacking[0].line), (1, ""));
    }
}
