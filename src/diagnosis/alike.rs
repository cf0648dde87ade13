//! Findings that are one: stages of the same line of code with the same fault and the same remedy, such as the runs of a loop or the
//! batches of a streaming query, are told once.

use super::context::Context;
use super::finding::{Confidence, Evidence};
use super::{Draft, statistics};
use crate::model::{Stage, StageKey, Unit};
use crate::schedule::{Calibration, Change};
use crate::units;

/// What a rule found in one stage.
pub struct Found<'a> {
    pub stage: &'a Stage,
    /// Findings with the same words about their remedy are alike.
    pub remedy: String,
    /// The stage's tasks with that remedy, ms each.
    pub tasks: Vec<u64>,
    /// The remedy as a saving's note says it.
    pub what: String,
    pub at_most: Confidence,
    /// The finding as it is when there is no other like it.
    pub draft: Draft,
}

/// Stages that a finding names.
const NAMED: usize = 8;

/// One draft for those that are alike, told of the stage that gives back the most; the saving is that of all of them together.
pub fn fold(context: &Context<'_>, found: Vec<Found<'_>>) -> Vec<Draft> {
    let mut groups: Vec<(String, Vec<Found<'_>>)> = Vec::new();
    for one in found {
        let key = format!("{} {}", context.call_site(one.stage).short(), one.remedy);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, group)) => group.push(one),
            None => groups.push((key, vec![one])),
        }
    }
    groups
        .into_iter()
        .filter_map(|(_, group)| folded(context, group))
        .collect()
}

fn folded(context: &Context<'_>, mut group: Vec<Found<'_>>) -> Option<Draft> {
    group.sort_by_key(|found| std::cmp::Reverse(found.draft.finding.saving_ms));
    let of_stage =
        |found: &Found<'_>| Calibration::of_stage(found.stage, &context.slots).map_or(1.0, |known| known.error());
    let error = group.iter().map(of_stage).fold(0.0, f64::max);
    let at_most = group.iter().map(|found| found.at_most).min()?;
    let keys: Vec<StageKey> = group.iter().map(|found| found.stage.key).collect();
    let time = statistics::total(group.iter().map(|found| context.stage_ms(found.stage)));
    let changes: Vec<Change> = group
        .iter_mut()
        .map(|found| Change::Tasks(found.stage.key, std::mem::take(&mut found.tasks)))
        .collect();
    let mut group = group.into_iter();
    let Found {
        stage, what, mut draft, ..
    } = group.next()?;
    let others = keys.get(1..).filter(|others| !others.is_empty());
    let Some(others) = others else {
        return Some(draft);
    };
    let finding = &mut draft.finding;
    let all = format!("{} stages ({})", keys.len(), context.call_site(stage).short());
    finding.title = finding.title.replacen(&context.name(stage), &all, 1);
    finding.evidence.push(Evidence::of(
        "stages alike",
        keys.len() as f64,
        Unit::Count,
        format!(
            "{}, {} in all; the numbers above are of stage {}",
            listed(&keys),
            units::duration(time),
            stage.key
        ),
    ));
    finding.place.alike = others.to_vec();
    let saving = context.saving(
        &changes,
        &format!("{what}, in all {} stages", keys.len()),
        error,
        at_most,
    );
    finding.saving_ms = Some(saving.ms);
    finding.saving_note = saving.note;
    finding.confidence = saving.confidence;
    Some(draft)
}

/// `stages 1, 4 and 6`, in the order in which they ran.
fn listed(keys: &[StageKey]) -> String {
    let mut keys = keys.to_vec();
    keys.sort_unstable();
    let name = |key: &StageKey| match key.attempt {
        0 => key.id.to_string(),
        _ => key.to_string(),
    };
    let shown: Vec<String> = keys.iter().take(NAMED).map(name).collect();
    match keys.len().saturating_sub(NAMED) {
        0 => format!("stages {}", shown.join(", ")),
        more => format!("stages {} and {more} more", shown.join(", ")),
    }
}
