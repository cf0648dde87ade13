//! The values of plan metrics while tasks end, as Spark's `SQLAppStatusListener` gathers them: each stage attempt's tasks give theirs once,
//! at the end of the execution all are put together and thrown away.

use std::collections::HashMap;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::graph::{Kinds, Told};
use super::stages::Indices;
use crate::model::Column;
use crate::source::eventlog::metric_text::{Highest, Kind, grouped, spread};

/// What the tasks of a stage added to plan metrics (`LiveStageMetrics`).
pub(super) struct StageMetrics {
    stage: u32,
    pub attempt: u32,
    tasks: u32,
    /// Place of the execution that the stage runs for.
    pub execution: usize,
    /// By accumulator, in the order in which tasks name them.
    gathered: Vec<(u64, Option<Gathered>)>,
    /// Indices that succeeded: what later copies of them add does not count.
    completed: Indices,
}

/// Accumulators of one stage beyond which no more are looked at: no plan has as many.
const MOST: usize = 10_000;

/// The values of one metric.
struct Gathered {
    kind: Kind,
    /// Those of indices that succeeded: their sum, and each by itself where the kind shows more than the sum.
    sum: i64,
    values: Column,
    /// Values below zero stand for none.
    invalid: u64,
    /// Those of indices that did not succeed, which a later attempt replaces.
    open: HashMap<u32, i64>,
    /// The highest value and its task, tasks that failed among them.
    highest: Option<(i64, u64)>,
}

impl StageMetrics {
    pub fn new(stage: u32, attempt: u32, tasks: u32, execution: usize) -> StageMetrics {
        StageMetrics {
            stage,
            attempt,
            tasks,
            execution,
            gathered: Vec::new(),
            completed: Indices::default(),
        }
    }

    /// The same stage begins again: what an earlier attempt's tasks added is lost.
    pub fn again(&self, attempt: u32) -> StageMetrics {
        StageMetrics::new(self.stage, attempt, self.tasks, self.execution)
    }

    /// A task ended. `accumulables` is what its end names; `kinds` what the execution's plans name.
    pub fn task(&mut self, id: u64, index: u32, succeeded: bool, accumulables: &[u8], kinds: &Kinds) {
        if index >= self.tasks || self.completed.contains(index) {
            return;
        }
        // Tasks name accumulators in the same order: the next is nearly always the next in our list.
        let mut expected = 0;
        for (accumulator, value) in updates(accumulables) {
            let gathered = &self.gathered;
            let at = Some(expected)
                .filter(|at| gathered.get(*at).is_some_and(|(known, _)| *known == accumulator))
                .or_else(|| gathered.iter().position(|(known, _)| *known == accumulator));
            let at = at.unwrap_or_else(|| {
                if self.gathered.len() >= MOST {
                    return MOST;
                }
                let kind = kinds.get(&accumulator).copied().flatten();
                self.gathered.push((accumulator, kind.map(Gathered::new)));
                self.gathered.len() - 1
            });
            expected = at + 1;
            if let Some((_, Some(gathered))) = self.gathered.get_mut(at) {
                gathered.add(id, index, succeeded, value);
            }
        }
        if succeeded {
            // What earlier attempts of it added stays where this one added nothing.
            self.completed.insert(index);
        }
    }

    /// Plans named more accumulators: those that meant nothing are asked for again.
    pub fn learn(&mut self) {
        self.gathered.retain(|(_, gathered)| gathered.is_some());
    }
}

impl Gathered {
    fn new(kind: Kind) -> Gathered {
        Gathered {
            kind,
            sum: 0,
            values: Column::default(),
            invalid: 0,
            open: HashMap::new(),
            highest: None,
        }
    }

    fn add(&mut self, task: u64, index: u32, succeeded: bool, value: i64) {
        if self.kind != Kind::Sum && self.highest.is_none_or(|(highest, _)| value > highest) {
            self.highest = Some((value, task));
        }
        if !succeeded {
            self.open.insert(index, value);
            return;
        }
        if !self.open.is_empty() {
            self.open.remove(&index);
        }
        self.sum = self.sum.wrapping_add(value);
        if self.kind != Kind::Sum {
            match u64::try_from(value) {
                Ok(value) => self.values.push(Some(value)),
                Err(_) => self.invalid += 1,
            }
        }
    }
}

/// What of an execution's metrics is known: put together from its stages and what the driver said (`aggregateMetrics`).
pub(super) fn together<'s>(
    kinds: &Kinds,
    stages: impl Iterator<Item = &'s StageMetrics>,
    driver: &[(u64, i64)],
) -> HashMap<u64, Told> {
    let mut all: HashMap<u64, Whole> = HashMap::new();
    for stage in stages {
        for (accumulator, gathered) in &stage.gathered {
            if let Some(gathered) = gathered {
                all.entry(*accumulator).or_default().add(stage, gathered);
            }
        }
    }
    for (accumulator, value) in driver {
        if kinds.contains_key(accumulator) {
            let whole = all.entry(*accumulator).or_default();
            // A driver's value above all tasks' is told to be the driver's.
            whole.highest = whole.highest.filter(|highest| *value <= highest.value);
            whole.sum = whole.sum.wrapping_add(*value);
            whole.values.push(*value);
        }
    }
    let told = |(accumulator, whole): (u64, Whole)| {
        let value = kinds.get(&accumulator).copied().flatten().map(|kind| match kind {
            Kind::Sum => grouped(whole.sum),
            kind => spread(kind, whole.values, whole.zeros, whole.highest),
        });
        let stages = whole.stages;
        (accumulator, Told { value, stages })
    };
    all.into_iter().map(told).collect()
}

/// One metric over all stages.
#[derive(Default)]
struct Whole {
    sum: i64,
    values: Vec<i64>,
    /// Tasks that added nothing, in stages of which others did: Spark counts them as 0.
    zeros: u64,
    highest: Option<Highest>,
    stages: Vec<u32>,
}

impl Whole {
    fn add(&mut self, stage: &StageMetrics, gathered: &Gathered) {
        let open = gathered.open.values().copied();
        self.sum = open
            .clone()
            .fold(self.sum, i64::wrapping_add)
            .wrapping_add(gathered.sum);
        self.stages.push(stage.stage);
        if gathered.kind == Kind::Sum {
            return;
        }
        let told = (gathered.values.len() + gathered.open.len()) as u64 + gathered.invalid;
        self.zeros = self.zeros.saturating_add(u64::from(stage.tasks).saturating_sub(told));
        let ended = gathered.values.iter().flatten();
        self.values.extend(ended.filter_map(|value| i64::try_from(value).ok()));
        self.values.extend(open);
        if let Some((value, task)) = gathered.highest
            && self.highest.is_none_or(|highest| value > highest.value)
        {
            self.highest = Some(Highest {
                value,
                stage: stage.stage,
                attempt: stage.attempt,
                task,
            });
        }
    }
}

/// The updates of SQL metrics among a task's accumulables, as Spark's `JsonProtocol` writes them: `{"ID":7,"Name":"…","Update":"3",…
/// "Metadata":"sql"}`. Marks with quotes cannot be found inside a string, as quotes are escaped there.
fn updates(accumulables: &[u8]) -> impl Iterator<Item = (u64, i64)> + '_ {
    let mut rest = Some(accumulables);
    std::iter::from_fn(move || {
        loop {
            let text = rest?;
            let object = match BETWEEN.find(text) {
                Some(at) => {
                    // The next one's brace stays.
                    rest = text.get(at + 2..);
                    text.get(..=at)?
                }
                None => rest.take()?,
            };
            if object.ends_with(SQL)
                && let Some(update) = update(object)
            {
                return Some(update);
            }
        }
    })
}

/// Where one accumulable ends and the next begins.
static BETWEEN: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"},{\"ID\":"));

const SQL: &[u8] = b",\"Metadata\":\"sql\"}";

/// The accumulator and its update, out of its object.
fn update(object: &[u8]) -> Option<(u64, i64)> {
    let (id, rest) = number(object.strip_prefix(b"{\"ID\":")?)?;
    let after_name = match rest.strip_prefix(b",\"Name\":\"") {
        Some(name) => match memchr::memchr2(b'"', b'\\', name)? {
            end if name.get(end) == Some(&b'"') => name.get(end + 1..)?,
            // Quotes in the name: its end is found by what follows.
            escape => name.get(escape + memchr::memmem::find(name.get(escape..)?, UPDATE)?..)?,
        },
        None => rest,
    };
    let value = after_name.strip_prefix(UPDATE)?;
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    let (negative, digits) = match value.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, value),
    };
    let (value, after) = number(digits)?;
    let value = i64::try_from(value).ok()?;
    matches!(after.first(), Some(b'"' | b',' | b'}')).then_some((id, if negative { -value } else { value }))
}

const UPDATE: &[u8] = b",\"Update\":";

/// The digits that text begins with as a number, and what follows them.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at_checked(digits.min(20))?;
    let value = digits.iter().try_fold(0_u64, |value, digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })?;
    (!digits.is_empty()).then_some((value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A task's accumulables, with one of the engine's between those of SQL.
    fn accumulables(values: &[(u64, i64)]) -> Vec<u8> {
        let one = |(id, value): &(u64, i64)| {
            format!(
                r#"{{"ID":{id},"Name":"a \"Metadata\":\"sql\" {{\"ID\":9}}","Update":"{value}","Value":"99","Internal":true,"Count Failed Values":true,"Metadata":"sql"}},{{"ID":50,"Name":"internal.metrics.x","Update":5,"Value":5,"Internal":true,"Count Failed Values":true}}"#
            )
        };
        values.iter().map(one).collect::<Vec<_>>().join(",").into_bytes()
    }

    fn kinds() -> Kinds {
        Kinds::from([(1, Some(Kind::Sum)), (2, Some(Kind::Timing)), (3, None)])
    }

    fn told(stages: &[StageMetrics], driver: &[(u64, i64)]) -> Vec<(u64, Option<String>)> {
        let told = together(&kinds(), stages.iter(), driver);
        let mut told: Vec<_> = told.into_iter().map(|(id, told)| (id, told.value)).collect();
        told.sort();
        told
    }

    #[test]
    fn updates_are_found_among_the_engine_s_own() {
        let text = accumulables(&[(1, 10), (2, -1)]);
        assert_eq!(updates(&text).collect::<Vec<_>>(), [(1, 10), (2, -1)]);
        for odd in [
            "",
            r#""Metadata":"sql""#,
            r#"{"ID":x,"Update":"1","Metadata":"sql"}"#,
            r#"{"ID":1,"Metadata":"sql"}"#,
        ] {
            assert_eq!(updates(odd.as_bytes()).count(), 0, "{odd}");
        }
        let number = r#"{"ID":7,"Update":3,"Metadata":"sql"}"#;
        assert_eq!(updates(number.as_bytes()).collect::<Vec<_>>(), [(7, 3)]);
    }

    #[test]
    fn a_failed_attempt_counts_until_a_later_one_replaces_it() {
        let kinds = kinds();
        let mut stage = StageMetrics::new(4, 0, 3, 0);
        stage.task(10, 0, false, &accumulables(&[(1, 100), (2, 80)]), &kinds);
        let spread = |sum, med, max| {
            let text = format!(
                "total (min, med, max (stageId: taskId))\n{sum} ms (0 ms, {med} ms, {max} ms (stage 4.0: task 10))"
            );
            (2, Some(text))
        };
        assert_eq!(
            told(std::slice::from_ref(&stage), &[]),
            [(1, Some("100".into())), spread(80, 0, 80)]
        );
        stage.task(11, 0, true, &accumulables(&[(1, 7), (2, 5)]), &kinds);
        stage.task(12, 1, true, &accumulables(&[(1, 3), (2, 6), (3, 9)]), &kinds);
        // A speculative copy that ends later, and an index that the stage does not have.
        stage.task(13, 0, true, &accumulables(&[(1, 1_000)]), &kinds);
        stage.task(14, 3, true, &accumulables(&[(1, 1_000)]), &kinds);
        // The highest value stays with the attempt that failed, as in Spark.
        let text = "total (min, med, max (stageId: taskId))\n11 ms (0 ms, 5 ms, 6 ms (stage 4.0: task 10))";
        assert_eq!(told(&[stage], &[]), [(1, Some("10".into())), (2, Some(text.into()))]);
    }

    #[test]
    fn the_driver_adds_values_of_its_own() {
        let mut stage = StageMetrics::new(4, 1, 1, 0);
        stage.task(10, 0, true, &accumulables(&[(2, 5)]), &kinds());
        let text = "total (min, med, max (stageId: taskId))\n12 ms (5 ms, 7 ms, 7 ms (driver))";
        let driver = [(1, 4), (1, 5), (2, 7), (99, 1)];
        assert_eq!(told(&[stage], &driver), [(1, Some("9".into())), (2, Some(text.into()))]);
    }

    #[test]
    fn an_attempt_of_the_stage_replaces_the_one_before() {
        let mut stage = StageMetrics::new(4, 0, 1, 0);
        stage.task(10, 0, true, &accumulables(&[(1, 5)]), &kinds());
        assert_eq!(told(&[stage.again(1)], &[]), []);
    }
}
