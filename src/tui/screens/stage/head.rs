//! The lines at the top of a stage's screen: what it is and how it went, why it failed, what was found in it.

use crate::diagnosis::CallSite;
use crate::model::{Accumulator, Stage};
use crate::redact;
use crate::tui::line::{width, wrap};
use crate::tui::screen::Context;
use crate::tui::screens::stages::stage_status;
use crate::tui::theme::{Role, severity_mark};
use crate::units;

use super::facts::Facts;

/// Lines that a sentence takes at most.
const SENTENCE: usize = 2;

/// Findings named at most; the others are in the list of findings.
const FINDINGS: usize = 2;

/// One line in pieces.
pub type Line = Vec<(String, Role)>;

/// The lines in a width.
pub fn lines(stage: &Stage, facts: &Facts, columns: u16, cx: &Context<'_>) -> Vec<Line> {
    let mut lines = about(stage, usize::from(columns), cx);
    let cross = cx.glyphs.pick("✗", "x");
    if let Some(reason) = &stage.failure_reason {
        lines.extend(sentence(
            (cross, Role::Critical),
            reason.lines().next().unwrap_or_default(),
            Role::Critical,
            columns,
        ));
    } else if let Some(group) = facts.failures.first() {
        let text = format!("{} failed: {}", units::count(group.count as u64), group.reason);
        lines.extend(sentence((cross, Role::Critical), &text, Role::Critical, columns));
    }
    if !stage.excluded_executors.is_empty() {
        let ids = stage.excluded_executors.join(", ");
        let text = format!("executor {ids} was excluded for this stage after failures");
        lines.extend(sentence(("!", Role::Warning), &text, Role::Text, columns));
    }
    if !stage.accumulators.is_empty() {
        let named = |one: &Accumulator| {
            let name = one.name.clone().unwrap_or_else(|| format!("accumulator {}", one.id));
            format!("{name} {}", one.value.as_deref().unwrap_or("not recorded"))
        };
        let all: Vec<String> = stage.accumulators.iter().map(named).collect();
        let text = redact::text(&all.join(cx.glyphs.pick(" · ", " | "))).replace('\n', " ");
        lines.extend(sentence(
            (cx.glyphs.pick("Σ", "#"), Role::Dim),
            &text,
            Role::Text,
            columns,
        ));
    }
    lines.extend(found(stage, FINDINGS, columns, cx));
    lines
}

/// What was found in a stage, as it is said beside its name.
pub fn found(stage: &Stage, most: usize, columns: u16, cx: &Context<'_>) -> Vec<Line> {
    let here = cx.findings().iter().filter(|finding| finding.place.is_in(stage.key));
    let told = here.take(most).flat_map(|finding| {
        let mark = severity_mark(finding.severity, cx.glyphs);
        let title = finding.title.replacen(&place_of(stage, cx), "", 1);
        sentence(mark, &title, Role::Text, columns)
    });
    told.collect()
}

/// What the titles of findings say of the place, which is this screen.
fn place_of(stage: &Stage, cx: &Context<'_>) -> String {
    let attempt = match stage.key.attempt {
        0 => String::new(),
        attempt => format!(".{attempt}"),
    };
    let name = CallSite::of(cx.application(), stage).short();
    format!(" in stage {}{attempt} ({name})", stage.key.id)
}

/// What it is and how it came out; what does not fit into the first line goes into a second.
fn about(stage: &Stage, columns: usize, cx: &Context<'_>) -> Vec<Line> {
    let dot = cx.glyphs.pick("·", "|");
    let (status, role) = stage_status(stage, cx);
    let mut line = vec![
        (
            format!("{}  ", CallSite::of(cx.application(), stage).short()),
            Role::Title,
        ),
        (status, role),
    ];
    if let Some(ms) = stage.duration_ms() {
        line.push((format!(" in {}", units::duration(ms)), Role::Text));
    }
    let noun = if stage.num_tasks == 1 { "task" } else { "tasks" };
    line.push((
        format!(" {dot} {} {noun}", units::count(stage.num_tasks.into())),
        Role::Text,
    ));
    let counts = [
        (stage.failed_tasks, "failed", Role::Critical),
        (stage.killed_tasks, "killed", Role::Warning),
    ];
    for (count, what, role) in counts.into_iter().filter(|(count, ..)| *count > 0) {
        line.push((format!(", {} {what}", units::count(count.into())), role));
    }
    let profile = match stage.resource_profile {
        0 => String::new(),
        profile => profile.to_string(),
    };
    let jobs = stage.jobs.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let sql = stage.sql.map(|sql| sql.to_string()).unwrap_or_default();
    for (id, what) in [(jobs, "job"), (sql, "SQL"), (profile, "profile")]
        .into_iter()
        .filter(|(id, _)| !id.is_empty())
    {
        line.push((format!(" {dot} {what} {id}"), Role::Dim));
    }
    let mut used = 0;
    let fits = |(text, _): &&(String, Role)| {
        used += width(text);
        used <= columns
    };
    let first = line.iter().take_while(fits).count().max(1);
    let rest = line.split_off(first);
    let lines = [line, rest].into_iter().filter(|line| !line.is_empty());
    lines.collect()
}

/// A sentence behind its mark, in as many lines as it may take.
pub fn sentence((mark, mark_role): (&str, Role), text: &str, role: Role, columns: u16) -> Vec<Line> {
    let mut lines = wrap(text, usize::from(columns.saturating_sub(2)));
    if let [_, second, _, ..] = lines.as_mut_slice() {
        second.push('…');
    }
    lines.truncate(SENTENCE);
    let lead = std::iter::once(mark).chain(std::iter::repeat(" "));
    lines
        .into_iter()
        .zip(lead)
        .map(|(line, lead)| vec![(format!("{lead} "), mark_role), (line, role)])
        .collect()
}
