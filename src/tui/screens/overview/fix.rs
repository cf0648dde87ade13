//! What to fix first: the findings with what each would give back, and what of the data is missing.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::diagnosis::{Finding, Severity};
use crate::model::{ApplicationStatus, JobStatus, Loss};
use crate::tui::line::{put, put_right, wrap};
use crate::tui::panel::panel;
use crate::tui::screen::Context;
use crate::tui::screens::pieces::gives_back;
use crate::tui::theme::{Role, severity_mark};

/// Columns of the savings.
const SAVING: u16 = 12;

/// Columns of the cursor and the severity before a title.
const MARKS: u16 = 4;

/// Lines that a title takes at most.
const TITLE_LINES: usize = 2;

/// What to say besides the findings: why it failed where no finding does, and what is missing.
fn notes(cx: &Context<'_>) -> Vec<(String, Role)> {
    let application = cx.application();
    let explained = cx
        .findings()
        .iter()
        .any(|finding| finding.severity == Severity::Critical);
    let failed = application
        .jobs
        .iter()
        .rev()
        .find(|job| job.status == JobStatus::Failed);
    let failure = failed
        .filter(|_| application.status == ApplicationStatus::Failed && !explained)
        .map(|job| {
            let reason = job.failure.as_deref().and_then(|reason| reason.lines().next());
            let (mark, reason) = (cx.glyphs.pick("✗", "x"), reason.unwrap_or("why was not recorded"));
            (format!("{mark} job {} failed: {reason}", job.id), Role::Critical)
        });
    // What a finding says already is not said twice.
    let told = |loss: &&Loss| cx.findings().iter().any(|finding| finding.title.contains(&loss.detail));
    let harmful = application
        .losses
        .iter()
        .filter(|loss| loss.kind.harms_findings() && !told(loss));
    let incomplete = |loss: &Loss| {
        let text = format!("{} incomplete: {}", cx.glyphs.pick("△", "!"), loss.detail);
        (text, Role::Warning)
    };
    failure.into_iter().chain(harmful.take(3).map(incomplete)).collect()
}

/// The lines of every title in a width.
fn titles(columns: u16, cx: &Context<'_>) -> Vec<Vec<String>> {
    let room = usize::from(columns.saturating_sub(SAVING + MARKS));
    let lines = |finding: &Finding| {
        let mut lines = wrap(&finding.title, room);
        let cut_short = lines.len() > TITLE_LINES;
        lines.truncate(TITLE_LINES);
        if let Some(last) = lines.last_mut().filter(|_| cut_short) {
            *last = format!("{}…", last.trim_end_matches([',', ';', ':']));
        }
        lines
    };
    cx.findings().iter().map(lines).collect()
}

/// Rows that everything takes, with the title.
pub fn height(columns: u16, cx: &Context<'_>) -> usize {
    let lines = titles(columns, cx).iter().map(Vec::len).sum::<usize>();
    1 + lines.max(1) + notes(cx).len()
}

/// Findings that fit into an area.
pub fn fits(area: Rect, cx: &Context<'_>) -> usize {
    let room = usize::from(area.height).saturating_sub(1 + notes(cx).len()).max(1);
    if room + 1 + notes(cx).len() >= height(area.width, cx) {
        cx.findings().len().max(1)
    } else {
        room
    }
}

/// Draws them. `(at, top)`: the finding under the cursor and the first one in view.
pub fn render((at, top): (usize, usize), area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let findings = cx.findings();
    let right = if findings.is_empty() { "" } else { "would give back" };
    let inner = panel(area, "What to fix first", right, buf, cx);
    let notes = notes(cx);
    let mut titles = titles(area.width, cx);
    let shown = fits(area, cx).min(findings.len().saturating_sub(top));
    // Rows that are left when every title has one: the first titles stand in full.
    let mut spare = usize::from(inner.height).saturating_sub(shown + notes.len());
    let mut y = inner.y;
    for (index, finding) in findings.iter().enumerate().skip(top).take(shown) {
        let lines = match titles.get_mut(index) {
            Some(lines) if lines.len() <= spare + 1 => std::mem::take(lines),
            _ => vec![finding.title.clone()],
        };
        spare -= lines.len().saturating_sub(1).min(spare);
        let rows = Rect {
            y,
            height: lines.len() as u16,
            ..inner
        }
        .intersection(inner);
        finding_rows(finding, &lines, index == at, rows, buf, cx);
        y += rows.height;
    }
    if findings.is_empty() && y < inner.bottom() && notes.iter().all(|(_, role)| *role != Role::Critical) {
        let (text, role) = if cx.partial {
            ("still being read: what to fix is said when all is there", Role::Dim)
        } else {
            ("nothing found that is worth fixing", Role::Good)
        };
        put(buf, inner, inner.x + 2, y, text, cx.style(role));
        y += 1;
    }
    for (text, role) in notes {
        put(buf, inner, inner.x + 2, y, &text, cx.style(role));
        y += 1;
    }
}

fn finding_rows(finding: &Finding, lines: &[String], chosen: bool, rows: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let (mark, role) = severity_mark(finding.severity, cx.glyphs);
    let room = Rect {
        width: rows.width.saturating_sub(SAVING),
        ..rows
    };
    let cursor = if chosen { cx.glyphs.pick("▸ ", "> ") } else { "  " };
    let x = put(buf, room, rows.x, rows.y, cursor, cx.style(Role::Text));
    put(buf, room, x, rows.y, mark, cx.style(role));
    for (line, y) in lines.iter().zip(rows.top()..rows.bottom()) {
        put(buf, room, rows.x + MARKS, y, line, cx.style(Role::Text));
    }
    let (saving, role) = gives_back(finding);
    if !rows.is_empty() && rows.width > SAVING {
        put_right(buf, rows, rows.y, &saving, cx.style(role));
    }
    if chosen {
        buf.set_style(rows, cx.style(Role::Selected));
    }
}
