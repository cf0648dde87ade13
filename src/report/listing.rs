//! The applications of a source as a table of text, one line an attempt.

use super::phrases;
use crate::model::{AttemptEntry, Listing};
use crate::{redact, units};

/// The table; names and ids are not cut, so that they can be copied.
pub fn listing(listing: &Listing) -> String {
    let id_width = listing
        .applications
        .iter()
        .map(|entry| entry.id.chars().count())
        .max()
        .unwrap_or(2)
        .max(2);
    let mut text = format!(
        "{:<23}  {:>8}  {:<10}  {:<12}  {:<id_width$}  {:<7}  Name\n",
        "Started", "Duration", "Status", "User", "Id", "Attempt"
    );
    for entry in &listing.applications {
        for attempt in &entry.attempts {
            let line = format!(
                "{:<23}  {:>8}  {:<10}  {:<12}  {:<id_width$}  {:<7}  {}",
                attempt.start_ms.and_then(phrases::time).unwrap_or_default(),
                duration(attempt),
                if attempt.completed { "completed" } else { "incomplete" },
                attempt.user.as_deref().unwrap_or_default(),
                entry.id,
                attempt.attempt.as_deref().unwrap_or_default(),
                entry.name,
            );
            text.push_str(redact::text(&line).trim_end());
            text.push('\n');
        }
    }
    text
}

/// The duration of an attempt that ended; what a server says of a running one is no duration.
fn duration(attempt: &AttemptEntry) -> String {
    let known = attempt.duration_ms.filter(|_| attempt.completed);
    known.map(units::duration).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ApplicationEntry;

    #[test]
    fn an_attempt_is_a_line() {
        let attempt = |attempt: &str, completed| AttemptEntry {
            attempt: Some(attempt.to_owned()),
            start_ms: Some(1_422_981_760_000),
            duration_ms: Some(751_000),
            user: Some("etl".to_owned()),
            completed,
            ..AttemptEntry::default()
        };
        let entry = ApplicationEntry {
            id: "application_1_0042".to_owned(),
            name: "etl daily".to_owned(),
            attempts: vec![attempt("2", false), attempt("1", true)],
        };
        let text = listing(&Listing {
            applications: vec![entry],
            losses: Vec::new(),
        });
        assert_eq!(
            text,
            "Started                  Duration  Status      User          Id                  Attempt  Name\n\
             2015-02-03 16:42:40 UTC            incomplete  etl           application_1_0042  2        etl daily\n\
             2015-02-03 16:42:40 UTC   12m 31s  completed   etl           application_1_0042  1        etl daily\n"
        );
    }
}
