//! A finding: one fault, where it is, how it shows, what to change and what that gives back. Reports and screens print it.

use crate::model::{StageKey, Unit};

/// How much a finding matters; ordered, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Fixing it gives back at least 5% of the application's wall time.
    Warning,
    /// It failed the application or a job, or fixing it gives back at least 20%.
    Critical,
}

impl Severity {
    /// The word in reports and on screens.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }
}

/// How sure a finding's saving is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// The simulator does not reproduce the recorded run well, or data are missing.
    Low,
    /// Some of it is estimated.
    Medium,
    /// The simulator reproduces the recorded run, and the change is well defined.
    High,
}

impl Confidence {
    /// The word in reports and on screens.
    pub const fn name(self) -> &'static str {
        match self {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
        }
    }
}

/// Where a fault is. Everything that applies is filled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Jobs, ascending.
    pub jobs: Vec<u32>,
    /// Stage attempt.
    pub stage: Option<StageKey>,
    /// Other stage attempts of the same line of code with the same fault; `stage` is the worst of all.
    pub alike: Vec<StageKey>,
    /// Task ids, the worst first.
    pub tasks: Vec<u64>,
    /// Executor id.
    pub executor: Option<String>,
    /// Host.
    pub host: Option<String>,
    /// SQL execution.
    pub sql: Option<u64>,
}

impl Place {
    /// Whether a stage has the fault.
    pub fn is_in(&self, stage: StageKey) -> bool {
        self.stage == Some(stage) || self.alike.contains(&stage)
    }
}

/// One number that shows the fault.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// What was measured, in words: `duration of task 42`.
    pub metric: String,
    /// The value, in `unit`.
    pub value: f64,
    /// Its unit.
    pub unit: Unit,
    /// What it is held against, in the same unit.
    pub baseline: Option<f64>,
    /// What the baseline is, or how to read the value: `62× the median`.
    pub note: String,
}

impl Evidence {
    /// A number on its own, with how to read it.
    pub fn of(metric: impl Into<String>, value: f64, unit: Unit, note: impl Into<String>) -> Evidence {
        Evidence {
            metric: metric.into(),
            value,
            unit,
            baseline: None,
            note: note.into(),
        }
    }

    /// The same held against another number, which the note names.
    pub fn against(self, baseline: f64) -> Evidence {
        Evidence {
            baseline: Some(baseline),
            ..self
        }
    }
}

/// The same change in the three languages; empty where it is the same as, or has no form in, another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// PySpark.
    pub python: String,
    /// Scala.
    pub scala: String,
    /// SQL.
    pub sql: String,
}

/// One thing to change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advice {
    /// What to do, with this application's own numbers.
    pub text: String,
    /// Settings with their values.
    pub config: Vec<(String, String)>,
    /// Code to paste.
    pub code: Code,
}

/// A fault that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule's name, as in the JSON report.
    pub rule: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// One line: what and where, with its number.
    pub title: String,
    /// Where it is.
    pub place: Place,
    /// The numbers.
    pub evidence: Vec<Evidence>,
    /// Why skewer thinks so.
    pub cause: String,
    /// What to change, the best first.
    pub advice: Vec<Advice>,
    /// Wall time of the application that the first advice would give back, ms; `None` when there is no estimate.
    pub saving_ms: Option<u64>,
    /// How the saving was computed, or why there is none.
    pub saving_note: String,
    /// How sure the saving is.
    pub confidence: Confidence,
}
