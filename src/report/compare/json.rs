//! A comparison as JSON, schema `skewer.compare/1`. What is not known is null.

use serde_json::{Value, json};

use super::stages::StageWork;
use super::{Change, Comparison};
use crate::report::json::{core_ms, finding, header, hide_secrets, number, unit};

pub fn json(comparison: &Comparison<'_>) -> Value {
    let time = |run: super::Run<'_>| run.diagnosis.time.as_ref().map(core_ms);
    let found = &comparison.findings;
    let stayed = found
        .stayed
        .iter()
        .map(|(a, b)| json!({ "a": finding(a), "b": finding(b) }));
    let mut whole = json!({
        "schema": "skewer.compare/1",
        "a": header(comparison.a.application),
        "b": header(comparison.b.application),
        "totals": changes(&comparison.totals),
        "coreMs": { "a": time(comparison.a), "b": time(comparison.b) },
        "stages": comparison.stages.iter().map(|pair| json!({
            "a": pair.a.as_ref().map(stage),
            "b": pair.b.as_ref().map(stage),
            "longerMs": pair.longer_ms(),
            "changes": changes(&pair.changes),
        })).collect::<Vec<_>>(),
        "findings": {
            "came": found.came.iter().map(|one| finding(one)).collect::<Vec<_>>(),
            "gone": found.gone.iter().map(|one| finding(one)).collect::<Vec<_>>(),
            "stayed": stayed.collect::<Vec<_>>(),
        },
        "settings": comparison.settings.iter().map(|setting| json!({
            "name": setting.name, "a": setting.a, "b": setting.b,
        })).collect::<Vec<_>>(),
    });
    hide_secrets(&mut whole);
    whole
}

fn stage(stage: &StageWork) -> Value {
    json!({ "stage": stage.id, "name": stage.name, "durationMs": stage.duration_ms })
}

fn changes(changes: &[Change]) -> Value {
    let one = |change: &Change| {
        json!({
            "what": change.what,
            "unit": unit(change.unit),
            "a": change.a.map(number),
            "b": change.b.map(number),
        })
    };
    changes.iter().map(one).collect()
}
