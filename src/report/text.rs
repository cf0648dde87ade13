//! The triage as plain text of 100 columns, for a terminal or a ticket.

use unicode_width::UnicodeWidthStr;

use super::ascii::to_ascii;
use super::longest::{HEADS, longest};
use super::page::{Page, WIDTH, cut};
use super::phrases;
use crate::diagnosis::{Advice, Diagnosis, Finding, Thresholds, explain};
use crate::model::Application;
use crate::schedule::TimeAccount;
use crate::units;

/// Columns of the longest bar.
const BAR: usize = 40;

/// What a rule looks for, how it counts, and its thresholds as they are set; `None` for a name that is no rule's.
pub fn rule(name: &str, thresholds: &Thresholds) -> Option<String> {
    let about = explain(name)?;
    let mut page = Page::default();
    page.line(name);
    page.line("");
    page.wrapped("", about);
    page.line("");
    page.line("Thresholds ([thresholds] in the config file):");
    for (name, what, value) in thresholds.of_rule(name) {
        page.wrapped("  ", &format!("{name} = {value}: {}", what.trim()));
    }
    Some(page.into_text())
}

/// The report, secrets hidden; `ascii` leaves nothing but ASCII in it.
pub fn text(application: &Application, diagnosis: &Diagnosis, ascii: bool) -> String {
    let mut page = Page::default();
    for line in phrases::header(application) {
        page.wrapped("", &line);
    }
    time(&mut page, diagnosis.time.as_ref());
    findings(&mut page, application, diagnosis);
    longest_stages(&mut page, application);
    losses(&mut page, application);
    let text = page.into_text();
    if ascii { to_ascii(&text) } else { text }
}

fn time(page: &mut Page, time: Option<&TimeAccount>) {
    let Some(time) = time.filter(|time| time.core_ms_available > 0) else {
        page.heading("Where the time went", "");
        page.wrapped("  ", "not recorded: no executor with cores, or no start and end");
        return;
    };
    let available = time.core_ms_available;
    let at_work = time
        .at_work()
        .map_or(String::new(), |share| format!(", {} at work", units::percent(share)));
    page.heading(
        "Where the time went",
        &format!("{} of core time{at_work}", units::duration(available)),
    );
    for (name, ms) in time.core_ms.parts().into_iter().filter(|(_, ms)| *ms > 0) {
        let share = ms as f64 / available as f64;
        let bar = bar(share);
        let fill = " ".repeat(BAR.saturating_sub(bar.width()));
        page.line(&format!(
            "  {name:<20} {bar}{fill} {:>6}  {}",
            units::percent(share),
            units::duration(ms)
        ));
    }
}

/// A bar in eighths of a column; what is not nothing is one eighth at least.
fn bar(share: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = ((share.clamp(0.0, 1.0) * (BAR * 8) as f64).round() as usize).max(usize::from(share > 0.0));
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

fn findings(page: &mut Page, application: &Application, diagnosis: &Diagnosis) {
    page.heading("What to fix first", "");
    if diagnosis.findings.is_empty() {
        page.wrapped("  ", "Nothing found.");
    }
    for (at, finding) in diagnosis.findings.iter().enumerate() {
        if at > 0 {
            page.line("");
        }
        one_finding(page, at + 1, finding, application.wall_ms());
    }
}

fn one_finding(page: &mut Page, number: usize, finding: &Finding, wall_ms: Option<u64>) {
    page.wrapped(
        &format!("{number:>3}. "),
        &format!("{} · {}", finding.severity.name(), finding.title),
    );
    page.wrapped("     gives back   ", &phrases::saving(finding, wall_ms));
    let place = phrases::place(&finding.place);
    if !place.is_empty() {
        page.wrapped("     where        ", &place);
    }
    let mut label = "     evidence     ";
    for evidence in &finding.evidence {
        page.wrapped(label, &phrases::evidence(evidence));
        label = "                  ";
    }
    page.wrapped("     cause        ", &finding.cause);
    for (at, advice) in finding.advice.iter().enumerate() {
        page.line("");
        page.wrapped(&format!("     {:<13}", format!("change {}.", at + 1)), &advice.text);
        details(page, advice);
    }
}

/// The settings and the code of an advice, far to the left so that lines of code stay whole.
fn details(page: &mut Page, advice: &Advice) {
    for (name, value) in &advice.config {
        page.line(&format!("{:18}{name}={value}", ""));
    }
    let code = &advice.code;
    for (language, code) in [("Python", &code.python), ("Scala", &code.scala), ("SQL", &code.sql)] {
        for (at, line) in code.lines().enumerate() {
            let language = if at == 0 { language } else { "" };
            let indent = line.chars().take_while(|c| *c == ' ').count();
            let lead = format!("          {language:<8}");
            if lead.width() + line.width() <= WIDTH {
                page.line(&format!("{lead}{line}"));
            } else {
                page.wrapped(&format!("{lead}{:indent$}", ""), line);
            }
        }
    }
}

fn longest_stages(page: &mut Page, application: &Application) {
    let (stages, note) = longest(application);
    if stages.is_empty() {
        return;
    }
    page.heading("Longest stages", &note);
    page.line(&stage_line(HEADS.map(str::to_owned)));
    for stage in stages {
        page.line(&stage_line(stage));
    }
}

fn stage_line([stage, duration, tasks, failed, read, write, spill, name]: [String; 8]) -> String {
    let line = format!("  {stage:<7} {duration:>8} {tasks:>8} {failed:>7} {read:>9} {write:>13} {spill:>9}  ");
    let whole = format!("{line}{name}");
    match name.rsplit_once(" at ") {
        // The line of the code tells more than the operation.
        Some((_, site)) if whole.width() > WIDTH => cut(&format!("{line}{site}"), WIDTH),
        _ => cut(&whole, WIDTH),
    }
}

fn losses(page: &mut Page, application: &Application) {
    if application.losses.is_empty() {
        return;
    }
    page.heading("What is missing", "");
    for loss in &application.losses {
        page.wrapped("  - ", &loss.detail);
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn of_a_stage_s_long_name_the_line_stays() {
        let row =
            |name: &str| stage_line(["17.0", "4m 55s", "200", "0", "34 GiB", "0 B", "12 GiB", name].map(str::to_owned));
        assert!(row("collect at cache_evicted.py:12").ends_with("  cache_evicted.py:12"));
        assert!(row("join at etl.py:88").ends_with("  join at etl.py:88"));
        assert_eq!(row(&"x".repeat(60)).width(), WIDTH);
    }

    #[test]
    fn a_report_fits_its_columns_and_hides_secrets() {
        let report = text(&sample::application(), &sample::diagnosis(), false);
        insta::assert_snapshot!(report);
        assert!(report.lines().all(|line| line.width() <= WIDTH));
        assert!(!report.contains("hunter2"));
        assert!(text(&sample::application(), &sample::diagnosis(), true).is_ascii());
    }

    #[test]
    fn an_empty_application_makes_a_report_too() {
        let report = text(&Application::default(), &Diagnosis::default(), false);
        assert!(
            report.contains("Nothing found.") && report.contains("duration not recorded"),
            "{report}"
        );
    }

    #[test]
    fn bars_show_the_least_and_never_overflow() {
        assert_eq!(bar(0.0), "");
        assert_eq!(bar(1e-9), "▏");
        assert_eq!(bar(1.0).width(), BAR);
        assert_eq!(bar(7.0).width(), BAR);
    }
}
