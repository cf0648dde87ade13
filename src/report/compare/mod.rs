//! What changed between two runs of an application: time by owner, stages matched by their place in the code, findings that came
//! and went, settings that differ. Computed once, printed as text or JSON.

mod json;
mod stages;
mod text;

use std::collections::BTreeMap;

use super::ascii::to_ascii;
use super::facts::Facts;
use super::page::WIDTH;
use crate::diagnosis::{Diagnosis, Finding};
use crate::model::{Application, Unit};
use crate::redact;

use stages::{StagePair, pairs};

/// One of the two runs.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// The application.
    pub application: &'a Application,
    /// What is wrong with it.
    pub diagnosis: &'a Diagnosis,
}

/// What two runs have that is not alike.
pub struct Comparison<'a> {
    a: Run<'a>,
    b: Run<'a>,
    totals: Vec<Change>,
    stages: Vec<StagePair>,
    findings: Findings<'a>,
    settings: Vec<Setting>,
}

/// A number in both runs; absent where it was not recorded.
#[derive(Clone, Debug, PartialEq)]
struct Change {
    what: &'static str,
    unit: Unit,
    a: Option<f64>,
    b: Option<f64>,
}

/// The findings of both runs, matched by rule and stage.
#[derive(Default)]
struct Findings<'a> {
    /// In the first run alone.
    gone: Vec<&'a Finding>,
    /// In the second run alone.
    came: Vec<&'a Finding>,
    /// In both.
    stayed: Vec<(&'a Finding, &'a Finding)>,
}

/// A Spark property that differs, secrets hidden.
struct Setting {
    name: String,
    a: Option<String>,
    b: Option<String>,
}

impl<'a> Comparison<'a> {
    /// Holds the second run against the first.
    pub fn of(a: Run<'a>, b: Run<'a>) -> Comparison<'a> {
        let stages = pairs(a.application, b.application);
        Comparison {
            totals: totals(a.application, b.application),
            findings: findings(a.diagnosis, b.diagnosis, &stages),
            settings: settings(a.application, b.application),
            stages,
            a,
            b,
        }
    }

    /// The comparison as text of 100 columns; `ascii` leaves nothing but ASCII in it.
    pub fn text(&self, ascii: bool) -> String {
        let text = text::text(self, WIDTH);
        if ascii { to_ascii(&text) } else { text }
    }

    /// The same in so many columns.
    pub fn text_of_width(&self, width: usize) -> String {
        text::text(self, width)
    }

    /// The comparison as JSON under the schema `skewer.compare/1`.
    pub fn json(&self) -> serde_json::Value {
        json::json(self)
    }
}

/// The counts that reports open with, and wall time.
fn totals(a: &Application, b: &Application) -> Vec<Change> {
    let wall = |application: &Application| application.wall_ms().map(|ms| ms as f64);
    let (first, second) = (Facts::of(a), Facts::of(b));
    let count = |what, a: u64, b: u64| Change {
        what,
        unit: Unit::Count,
        a: Some(a as f64),
        b: Some(b as f64),
    };
    vec![
        Change {
            what: "wall time",
            unit: Unit::Millis,
            a: wall(a),
            b: wall(b),
        },
        count("jobs", first.jobs as u64, second.jobs as u64),
        count("failed jobs", first.failed_jobs as u64, second.failed_jobs as u64),
        count("stages", first.stages as u64, second.stages as u64),
        count("failed stages", first.failed_stages as u64, second.failed_stages as u64),
        count("tasks", first.tasks, second.tasks),
        count("failed tasks", first.failed_tasks, second.failed_tasks),
        count("executors", first.executors as u64, second.executors as u64),
        count(
            "lost executors",
            first.lost_executors as u64,
            second.lost_executors as u64,
        ),
    ]
}

/// Matches findings of the same rule in stages that belong together; those without a stage by their rule alone.
fn findings<'a>(a: &'a Diagnosis, b: &'a Diagnosis, stages: &[StagePair]) -> Findings<'a> {
    let counterpart = |id: u32| {
        let pair = stages
            .iter()
            .find(|pair| pair.a.as_ref().is_some_and(|stage| stage.id == id));
        pair.and_then(|pair| pair.b.as_ref()).map(|stage| stage.id)
    };
    let mut found = Findings {
        came: b.findings.iter().collect(),
        ..Findings::default()
    };
    for finding in &a.findings {
        let theirs: Vec<u32> = stages_of(finding).filter_map(counterpart).collect();
        let same = |other: &&Finding| {
            other.rule == finding.rule
                && match finding.place.stage {
                    None => other.place.stage.is_none(),
                    Some(_) => stages_of(other).any(|id| theirs.contains(&id)),
                }
        };
        match found.came.iter().position(same) {
            Some(at) => found.stayed.push((finding, found.came.remove(at))),
            None => found.gone.push(finding),
        }
    }
    found
}

/// The ids of the stages that a finding is in.
fn stages_of(finding: &Finding) -> impl Iterator<Item = u32> {
    let place = &finding.place;
    place.stage.iter().chain(&place.alike).map(|key| key.id)
}

/// Spark's properties that differ, but those that differ from run to run by nature.
fn settings(a: &Application, b: &Application) -> Vec<Setting> {
    const EVERY_RUN: [&str; 8] = [
        "spark.app.id",
        "spark.app.startTime",
        "spark.app.submitTime",
        "spark.app.initial.",
        "spark.driver.port",
        "spark.driver.host",
        "spark.ui.",
        "spark.yarn.app.",
    ];
    let properties = |application: &Application| -> BTreeMap<String, String> {
        let lasting = |(name, _): &&(String, String)| !EVERY_RUN.iter().any(|start| name.starts_with(start));
        application.environment.spark.iter().filter(lasting).cloned().collect()
    };
    let (first, second) = (properties(a), properties(b));
    let mut names: Vec<&String> = first.keys().chain(second.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let shown = |properties: &BTreeMap<String, String>, name: &str| {
        properties
            .get(name)
            .map(|value| redact::value(name, value).into_owned())
    };
    names
        .into_iter()
        .filter(|name| first.get(*name) != second.get(*name))
        .map(|name| Setting {
            name: name.clone(),
            a: shown(&first, name),
            b: shown(&second, name),
        })
        .collect()
}

#[cfg(test)]
mod tests;
