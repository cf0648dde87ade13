//! Values and places in words, the same in text and Markdown.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::facts::Facts;
use crate::diagnosis::{Evidence, Finding, Place};
use crate::model::{Application, Unit};
use crate::units;

/// A number with its unit, as a person reads it.
pub fn value(value: f64, unit: Unit) -> String {
    let whole = value.max(0.0).round() as u64;
    match unit {
        Unit::Millis => units::duration(whole),
        Unit::Nanos => units::nanos(whole),
        Unit::Bytes => units::bytes(whole),
        Unit::Share => units::percent(value),
        Unit::Times => units::times(value),
        Unit::Records | Unit::Count if value.fract() == 0.0 || value >= 100.0 => units::count(whole),
        Unit::Records | Unit::Count => format!("{value:.1}"),
    }
}

/// One piece of evidence as a sentence: `duration of task 42: 4m 51s against 4.2s (69× the median)`.
pub fn evidence(evidence: &Evidence) -> String {
    let mut words = format!("{}: {}", evidence.metric, value(evidence.value, evidence.unit));
    if let Some(baseline) = evidence.baseline {
        words.push_str(&format!(" against {}", value(baseline, evidence.unit)));
    }
    if !evidence.note.is_empty() {
        words.push_str(&format!(" ({})", evidence.note));
    }
    words
}

/// Where a fault is: `stage 17.0 · job 5 · task 42 · executor 7 · host-12`.
pub fn place(place: &Place) -> String {
    let mut parts = Vec::new();
    parts.extend(place.stage.map(|stage| match place.alike.len() {
        0 => format!("stage {stage}"),
        others => format!("stage {stage} and {others} alike"),
    }));
    parts.extend(listed("job", &place.jobs));
    parts.extend(place.sql.map(|id| format!("SQL {id}")));
    parts.extend(listed("task", &place.tasks));
    parts.extend(place.executor.as_ref().map(|id| format!("executor {id}")));
    parts.extend(place.host.as_ref().map(|host| format!("host {host}")));
    parts.join(" · ")
}

/// `task 42`, `tasks 42, 43 and 7 more`.
fn listed(name: &str, ids: &[impl ToString]) -> Option<String> {
    const SHOWN: usize = 5;
    let shown: Vec<String> = ids.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = ids.len().saturating_sub(SHOWN);
    match (shown.len(), more) {
        (0, _) => None,
        (1, _) => Some(format!("{name} {}", shown.concat())),
        (_, 0) => Some(format!("{name}s {}", shown.join(", "))),
        _ => Some(format!("{name}s {} and {more} more", shown.join(", "))),
    }
}

/// What fixing it gives back, with how sure that is.
pub fn saving(finding: &Finding, wall_ms: Option<u64>) -> String {
    let confidence = finding.confidence.name();
    let mut words = match (finding.saving_ms, wall_ms) {
        (Some(saving), Some(wall)) if wall > 0 => {
            let share = units::percent(saving as f64 / wall as f64);
            format!(
                "{} of {} ({share}), confidence {confidence}",
                units::duration(saving),
                units::duration(wall)
            )
        }
        (Some(saving), _) => format!("{}, confidence {confidence}", units::duration(saving)),
        (None, _) => "no estimate".to_owned(),
    };
    if !finding.saving_note.is_empty() {
        words.push_str(&format!(". {}", finding.saving_note));
    }
    words
}

/// The lines that a report opens with: name and id; outcome, time, version; counts.
pub fn header(application: &Application) -> [String; 3] {
    let mut name = vec![application.name.clone(), application.id.clone()];
    name.retain(|part| !part.is_empty());
    name.extend(application.attempt.as_ref().map(|attempt| format!("attempt {attempt}")));

    let mut outcome = vec![application.status.name().to_owned()];
    outcome.push(
        application
            .wall_ms()
            .map_or("duration not recorded".to_owned(), units::duration),
    );
    outcome.push(match &application.spark_version {
        Some(version) => format!("Spark {version}"),
        None => "Spark version not recorded".to_owned(),
    });
    outcome.extend(application.user.as_ref().map(|user| format!("user {user}")));
    outcome.extend(
        application
            .start_ms
            .and_then(time)
            .map(|start| format!("started {start}")),
    );

    let facts = Facts::of(application);
    let mut counts = vec![
        counted(facts.jobs as u64, "job", facts.failed_jobs as u64, "failed"),
        counted(facts.stages as u64, "stage", facts.failed_stages as u64, "failed"),
        counted(facts.tasks, "task", facts.failed_tasks, "failed"),
    ];
    if application.is_local() {
        counts.push("local mode: the driver is the executor".to_owned());
    } else {
        counts.push(counted(
            facts.executors as u64,
            "executor",
            facts.lost_executors as u64,
            "lost",
        ));
    }
    counts.push(format!("source: {}", application.origin.name()));
    [name.join(" · "), outcome.join(" · "), counts.join(" · ")]
}

fn counted(count: u64, name: &str, bad: u64, how: &str) -> String {
    let all = units::counted(count, name);
    if bad == 0 {
        all
    } else {
        format!("{all} ({} {how})", units::count(bad))
    }
}

/// A moment, in UTC so that two readers of a report speak of the same.
pub fn time(epoch_ms: i64) -> Option<String> {
    let time = Timestamp::from_millisecond(epoch_ms).ok()?.to_zoned(TimeZone::UTC);
    Some(time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::StageKey;

    #[test]
    fn values_read_by_their_unit() {
        assert_eq!(value(291_000.0, Unit::Millis), "4m 51s");
        assert_eq!(value(0.97, Unit::Share), "97%");
        assert_eq!(value(62.4, Unit::Times), "62×");
        assert_eq!(value(2.5, Unit::Count), "2.5");
        assert_eq!(value(-1.0, Unit::Bytes), "0 B");
        assert_eq!(value(f64::NAN, Unit::Times), "n/a");
    }

    #[test]
    fn places_name_what_is_known() {
        let stage = Some(StageKey { id: 17, attempt: 0 });
        let place_of = Place {
            stage,
            jobs: vec![5],
            tasks: (1..=7).collect(),
            ..Place::default()
        };
        assert_eq!(place(&place_of), "stage 17.0 · job 5 · tasks 1, 2, 3, 4, 5 and 2 more");
        assert_eq!(place(&Place::default()), "");
    }
}
