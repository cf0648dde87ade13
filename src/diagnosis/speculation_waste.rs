//! `speculation-waste`: copies of slow tasks are started, and killed because the first attempt was quicker after all.

use super::context::Context;
use super::finding::{Advice, Confidence, Evidence, Finding, Place, Severity};
use super::setting_names::Release;
use super::{Draft, Matter, Rule, statistics};
use crate::model::{Stage, TaskStatus, Unit};
use crate::schedule::{Change, slot_times};
use crate::units;

pub const RULE: Rule = Rule {
    name: "speculation-waste",
    about: "Speculative copies that were killed took at least 10% of the time of all tasks. Saving: the application replayed without \
            those copies, whose slots others could have had.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    examine(context).into_iter().collect()
}

fn is_wasted(stage: &Stage, row: usize) -> bool {
    stage.tasks.speculative(row) && stage.tasks.status(row) == TaskStatus::Killed
}

fn examine(context: &Context<'_>) -> Option<Draft> {
    let stages: Vec<&Stage> = context.application.ran_stages().map(|stage| &**stage).collect();
    let rows = |stage: &Stage| 0..stage.tasks.len();
    let of = |stage: &Stage| {
        statistics::total(
            rows(stage)
                .filter(|row| is_wasted(stage, *row))
                .filter_map(|row| stage.tasks.duration_ms(row)),
        )
    };
    let wasting: Vec<(&Stage, u64)> = stages
        .iter()
        .map(|stage| (*stage, of(stage)))
        .filter(|(_, wasted)| *wasted > 0)
        .collect();
    let (worst, _) = *wasting.iter().max_by_key(|(_, wasted)| *wasted)?;
    let wasted = statistics::total(wasting.iter().map(|(_, wasted)| *wasted));
    let all = statistics::total(
        stages
            .iter()
            .flat_map(|stage| rows(stage).filter_map(|row| stage.tasks.duration_ms(row))),
    );
    let share = wasted as f64 / all.max(1) as f64;
    if share < context.thresholds.speculation_waste_share {
        return None;
    }
    let changes: Vec<Change> = wasting
        .iter()
        .map(|(stage, _)| {
            let kept = slot_times(stage).into_iter().filter(|(row, _)| !is_wasted(stage, *row));
            Change::Tasks(stage.key, kept.map(|(_, held)| held).collect())
        })
        .collect();
    let saving = context.saving(&changes, "without the copies that were killed", 0.0, Confidence::Medium);
    let copies = |stage: &Stage, won: bool| {
        rows(stage)
            .filter(|row| stage.tasks.speculative(*row) && (stage.tasks.status(*row) == TaskStatus::Success) == won)
            .count()
    };
    let killed: usize = stages.iter().map(|stage| copies(stage, false)).sum();
    let won: usize = stages.iter().map(|stage| copies(stage, true)).sum();
    let ids = rows(worst)
        .filter(|row| is_wasted(worst, *row))
        .take(10)
        .map(|row| worst.tasks.id(row));
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "Speculation wasted {}, {} of all task time: {} killed, {won} of use",
                units::duration(wasted),
                units::percent(share),
                units::counted(killed as u64, "copy")
            ),
            place: Place {
                tasks: ids.collect(),
                ..context.place(worst)
            },
            evidence: vec![
                Evidence {
                    metric: "time of copies that were killed".into(),
                    value: wasted as f64,
                    unit: Unit::Millis,
                    baseline: Some(all as f64),
                    note: "time of all tasks".into(),
                },
                Evidence {
                    metric: "copies killed".into(),
                    value: killed as f64,
                    unit: Unit::Count,
                    baseline: Some(won as f64),
                    note: "copies that ended first, and were of use".into(),
                },
            ],
            cause: "Tasks that take longer than the others for good reason are copied, and the copy, begun later, ends no sooner: a \
                    copy helps only where the host is slow, not where the task has more to do."
                .into(),
            advice: advice(context),
            saving_ms: Some(saving.ms),
            saving_note: saving.note,
            confidence: saving.confidence,
        },
        matter: Matter::Hazard,
    })
}

fn advice(context: &Context<'_>) -> Vec<Advice> {
    let number = |key: &str, unset: f64| context.application.environment.spark_number(key).unwrap_or(unset);
    // Spark 4.0 became more careful by itself.
    let (usual_multiplier, usual_quantile) = if Release::of(context.application).is(4, 0) {
        (3.0, 0.9)
    } else {
        (1.5, 0.75)
    };
    let multiplier = number("spark.speculation.multiplier", usual_multiplier);
    let quantile = number("spark.speculation.quantile", usual_quantile);
    let setting = |key: &str, value: String| (key.to_owned(), value);
    vec![
        Advice {
            text: format!(
                "Copy only tasks that are far behind, when most others are done (now: {multiplier} times the median, once {} are done).",
                units::percent(quantile)
            ),
            config: vec![
                setting("spark.speculation.multiplier", multiplier.max(3.0).to_string()),
                setting("spark.speculation.quantile", quantile.max(0.9).to_string()),
            ],
            ..Advice::default()
        },
        Advice {
            text: "Or do without.".into(),
            config: vec![setting("spark.speculation", "false".into())],
            ..Advice::default()
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Thresholds, findings};
    use crate::schedule::sample::Sample;

    fn copying(every: usize) -> Sample {
        Sample::cluster(2, 2).stage_with("a", &[2_000; 40], move |index, task| {
            if index % every == 1 {
                task.speculative = true;
                task.status = TaskStatus::Killed;
            }
        })
    }

    #[test]
    fn copies_that_were_killed_are_told() {
        let findings = findings(&copying(4).application(), &Thresholds::default());
        let finding = findings.iter().find(|finding| finding.rule == RULE.name).unwrap();
        assert_eq!(
            finding.title,
            "Speculation wasted 20.0s, 25% of all task time: 10 copies killed, 0 of use"
        );
        // Two waves and a half of ten.
        assert_eq!((finding.saving_ms, finding.severity), (Some(4_000), Severity::Critical));
    }

    #[test]
    fn a_copy_now_and_then_is_not() {
        assert!(findings(&copying(20).application(), &Thresholds::default()).is_empty());
    }
}
