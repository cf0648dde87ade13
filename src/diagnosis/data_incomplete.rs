//! `data-incomplete`: something of the application was not recorded, so the other findings may miss something.

use super::context::Context;
use super::finding::{Advice, Confidence, Evidence, Finding, Place, Severity};
use super::{Draft, Matter, Rule};
use crate::model::{Application, Loss, LossKind, Unit};

pub const RULE: Rule = Rule {
    name: "data-incomplete",
    about: "The event log is cut, compacted, damaged or still being written, events were lost, or the server dropped tasks. What \
            is missing cannot be found at fault. No saving.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    drafts(context.application)
}

/// What is missing, also of an application of which too little is known for any other rule.
pub(super) fn drafts(application: &Application) -> Vec<Draft> {
    let harmful = |loss: &&Loss| loss.kind.harms_findings();
    let losses: Vec<&Loss> = application.losses.iter().filter(harmful).collect();
    let Some(first) = losses.first() else {
        return Vec::new();
    };
    let title = match losses.len() {
        1 => format!("Data incomplete: {}", first.detail),
        n => format!("Data incomplete in {n} ways: {}", first.detail),
    };
    let evidence = |loss: &&Loss| Evidence {
        metric: what(loss.kind).into(),
        value: loss.count as f64,
        unit: Unit::Count,
        baseline: None,
        note: loss.detail.clone(),
    };
    let mut advice: Vec<Advice> = Vec::new();
    for loss in &losses {
        let (text, config) = remedy(loss.kind);
        // Of what a server keeps too little of, the settings that are spoken of.
        let spoken_of =
            |key: &str| loss.kind != LossKind::ServerForgot || losses.iter().any(|loss| loss.detail.contains(key));
        if advice.iter().all(|known| known.text != text) {
            advice.push(Advice {
                text: text.into(),
                config: config
                    .iter()
                    .filter(|(key, _)| spoken_of(key))
                    .map(|(key, value)| (key.to_string(), value.to_string()))
                    .collect(),
                ..Advice::default()
            });
        }
    }
    vec![Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title,
            place: Place::default(),
            evidence: losses.iter().map(evidence).collect(),
            cause: "The other findings rest on what was recorded: a fault in the missing part is not among them, and times and \
                    savings may be too small."
                .into(),
            advice,
            saving_ms: None,
            saving_note: "What was not recorded cannot be replayed.".into(),
            confidence: Confidence::High,
        },
        matter: Matter::Hazard,
    }]
}

fn what(kind: LossKind) -> &'static str {
    match kind {
        LossKind::BrokenLines => "lines skipped",
        LossKind::CutShort => "log cut short",
        LossKind::InProgress => "no end recorded",
        LossKind::MissingFiles => "log files missing",
        LossKind::Compacted => "log compacted",
        LossKind::Unreadable => "not readable",
        LossKind::MissingEnds => "tasks without an end",
        LossKind::MissingEvents => "events missing",
        LossKind::ServerForgot => "dropped by the server",
        LossKind::NotCarried => "not carried by the source",
    }
}

fn remedy(kind: LossKind) -> (&'static str, &'static [(&'static str, &'static str)]) {
    match kind {
        LossKind::InProgress => (
            "Read it again when the application has ended; one killed hard never gets an end.",
            &[],
        ),
        LossKind::Compacted => (
            "Keep more of the event log before Spark compacts it.",
            &[("spark.history.fs.eventLog.rolling.maxFilesToRetain", "2147483647")],
        ),
        LossKind::MissingEnds | LossKind::MissingEvents => (
            "Give the driver's queue of events more room, so that none is dropped under load.",
            &[("spark.scheduler.listenerbus.eventqueue.capacity", "100000")],
        ),
        LossKind::ServerForgot => (
            "Read the event log instead, which holds everything; or let the server keep more.",
            &[
                ("spark.ui.retainedTasks", "1000000"),
                ("spark.ui.retainedStages", "10000"),
                ("spark.ui.retainedJobs", "10000"),
                ("spark.ui.retainedDeadExecutors", "10000"),
            ],
        ),
        LossKind::BrokenLines
        | LossKind::CutShort
        | LossKind::MissingFiles
        | LossKind::Unreadable
        | LossKind::NotCarried => ("Fetch the log again from where Spark wrote it.", &[]),
    }
}

#[cfg(test)]
mod tests {
    use crate::diagnosis::{Severity, Thresholds, findings};
    use crate::model::{Loss, LossKind};
    use crate::schedule::sample::Sample;

    #[test]
    fn losses_that_harm_are_told_and_others_are_not() {
        let loss = |kind, count| Loss {
            kind,
            count,
            detail: format!("{count} of it"),
        };
        let mut application = Sample::cluster(1, 1).stage("a", &[10_000]).application();
        application.losses = vec![loss(LossKind::NotCarried, 1)];
        assert!(findings(&application, &Thresholds::default()).is_empty());
        application
            .losses
            .extend([loss(LossKind::BrokenLines, 3), loss(LossKind::MissingEnds, 7)]);
        let findings = findings(&application, &Thresholds::default());
        assert_eq!(findings[0].title, "Data incomplete in 2 ways: 3 of it");
        assert_eq!((findings[0].severity, findings[0].saving_ms), (Severity::Info, None));
        assert_eq!(findings[0].advice.len(), 2);
    }
}
