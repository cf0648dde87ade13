//! The triage as Markdown, to paste into a ticket.

use super::longest::{HEADS, longest};
use super::phrases;
use crate::diagnosis::{Advice, Diagnosis, Finding};
use crate::model::Application;
use crate::schedule::TimeAccount;
use crate::{redact, units};

/// The report, secrets hidden.
pub fn markdown(application: &Application, diagnosis: &Diagnosis) -> String {
    let [name, outcome, counts] = phrases::header(application).map(|line| escaped(&line));
    let mut page = format!("# {name}\n\n{outcome}  \n{counts}\n");
    if let Some(time) = diagnosis.time.as_ref().filter(|time| time.core_ms_available > 0) {
        page.push_str(&time_table(time));
    }
    page.push_str("\n## What to fix first\n");
    if diagnosis.findings.is_empty() {
        page.push_str("\nNothing found.\n");
    }
    for (at, finding) in diagnosis.findings.iter().enumerate() {
        page.push_str(&one_finding(at + 1, finding, application.wall_ms()));
    }
    page.push_str(&longest_stages(application));
    if !application.losses.is_empty() {
        page.push_str("\n## What is missing\n\n");
        for loss in &application.losses {
            page.push_str(&format!("- {}\n", escaped(&loss.detail)));
        }
    }
    page
}

fn time_table(time: &TimeAccount) -> String {
    let available = time.core_ms_available;
    let mut table = format!(
        "\n## Where the time went\n\n| {} of core time | share | |\n|---|---:|---:|\n",
        units::duration(available)
    );
    for (name, ms) in time.core_ms.parts().into_iter().filter(|(_, ms)| *ms > 0) {
        let share = units::percent(ms as f64 / available as f64);
        table.push_str(&format!("| {name} | {share} | {} |\n", units::duration(ms)));
    }
    table
}

fn longest_stages(application: &Application) -> String {
    let (stages, note) = longest(application);
    if stages.is_empty() {
        return String::new();
    }
    let line = |cells: [String; 8]| format!("| {} |\n", cells.map(|cell| escaped(&cell)).join(" | "));
    let title = if note.is_empty() {
        String::new()
    } else {
        format!(" ({note})")
    };
    let rows: String = stages.into_iter().map(line).collect();
    format!(
        "\n## Longest stages{title}\n\n{}|---|---:|---:|---:|---:|---:|---:|---|\n{rows}",
        line(HEADS.map(str::to_owned))
    )
}

fn one_finding(number: usize, finding: &Finding, wall_ms: Option<u64>) -> String {
    let mut part = format!(
        "\n### {number}. {} ({})\n\n",
        escaped(&finding.title),
        finding.severity.name()
    );
    part.push_str(&format!("- Rule: `{}`\n", finding.rule));
    part.push_str(&format!(
        "- Would give back: {}\n",
        escaped(&phrases::saving(finding, wall_ms))
    ));
    let place = phrases::place(&finding.place);
    if !place.is_empty() {
        part.push_str(&format!("- Where: {}\n", escaped(&place)));
    }
    part.push_str(&format!("\n{}\n\n", escaped(&finding.cause)));
    for evidence in &finding.evidence {
        part.push_str(&format!("- {}\n", escaped(&phrases::evidence(evidence))));
    }
    for advice in &finding.advice {
        part.push_str(&format!("\n**{}**\n", escaped(&advice.text)));
        part.push_str(&details(advice));
    }
    part
}

fn details(advice: &Advice) -> String {
    let settings: String = advice
        .config
        .iter()
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect();
    let code = &advice.code;
    [
        ("properties", &settings),
        ("python", &code.python),
        ("scala", &code.scala),
        ("sql", &code.sql),
    ]
    .into_iter()
    .filter(|(_, code)| !code.is_empty())
    .map(|(language, code)| fenced(language, code))
    .collect()
}

/// A code block, secrets hidden, whose fence is longer than any run of backticks inside it.
fn fenced(language: &str, code: &str) -> String {
    let code = redact::text(code);
    let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("\n{fence}{language}\n{}\n{fence}\n", code.trim_end())
}

/// The text on one line, secrets hidden, with nothing in it that Markdown or HTML would take for its own.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in redact::text(text).chars() {
        match c {
            '\n' => safe.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~' => safe.extend(['\\', c]),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    #[test]
    fn a_report_reads_as_a_ticket() {
        let page = markdown(&sample::application(), &sample::diagnosis());
        insta::assert_snapshot!(page);
        assert!(!page.contains("hunter2"));
    }

    #[test]
    fn foreign_text_cannot_become_markup() {
        assert_eq!(escaped("<b>[x](y)|\n*z*"), "\\<b\\>\\[x\\](y)\\| \\*z\\*");
        assert_eq!(fenced("sql", "a ``` b"), "\n````sql\na ``` b\n````\n");
    }
}
