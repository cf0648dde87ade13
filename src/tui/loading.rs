//! What is shown while an application or the list is read: what is being done, how far it is, how long it has taken.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::source::{Choice, Phase, Progress, Seen};
use crate::units;

use super::effect::Ticket;
use super::line;
use super::screen::Context;
use super::theme::Role;
use super::widgets::bar;

/// A load under way that covers the screen.
#[derive(Clone, Debug)]
pub struct Loading {
    /// The answer's ticket.
    pub ticket: Ticket,
    /// What is opened; `None`: the list is read.
    pub choice: Option<Choice>,
    /// What to call it.
    pub what: String,
    /// How far it is.
    pub progress: Progress,
    /// When it began, epoch ms.
    pub since_ms: i64,
}

impl Loading {
    /// Draws it, in the upper half where the eye is.
    pub fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let seen = self.progress.seen();
        let elapsed = u64::try_from(cx.now_ms.saturating_sub(self.since_ms)).unwrap_or(0) / 1_000 * 1_000;
        let lines = [
            (self.what.clone(), Role::Title),
            (doing(&seen), Role::Text),
            (
                meter(&seen, usize::from(area.width.saturating_sub(4)).min(50), cx),
                Role::Bar,
            ),
            (counted(&seen), Role::Dim),
            (format!("{} so far. Esc stops it.", units::duration(elapsed)), Role::Dim),
        ];
        let top = area.y + area.height / 4;
        let shown = lines.iter().filter(|(text, _)| !text.is_empty());
        for ((text, role), y) in shown.zip(top..area.bottom()) {
            line::put(buf, area, area.x.saturating_add(2), y, text, cx.style(*role));
        }
    }
}

fn doing(seen: &Seen) -> String {
    let doing = match seen.phase {
        Phase::Starting => "starting",
        Phase::Waiting => "waiting for an answer: a history server may be replaying the event log",
        Phase::Downloading => "downloading",
        Phase::Listing => "looking into the logs of a folder",
        Phase::Replaying => "replaying the event log",
        Phase::FetchingTasks => "reading tasks",
        Phase::Diagnosing => "looking for what is wrong",
        Phase::Following => "following what is written",
    };
    if seen.what.is_empty() {
        doing.to_owned()
    } else {
        format!("{doing} ({})", seen.what)
    }
}

fn meter(seen: &Seen, cells: usize, cx: &Context<'_>) -> String {
    if seen.total_bytes == 0 {
        return String::new();
    }
    let share = (seen.bytes as f64 / seen.total_bytes as f64).min(1.0);
    let filled = bar::across(share, cells, cx.glyphs);
    format!(
        "{} {}",
        line::pad(&filled, cells, line::Align::Left),
        units::percent(share)
    )
}

fn counted(seen: &Seen) -> String {
    let mut words = Vec::new();
    if seen.bytes > 0 {
        let total = if seen.total_bytes > 0 {
            format!(" of {}", units::bytes(seen.total_bytes))
        } else {
            String::new()
        };
        words.push(units::bytes(seen.bytes) + &total);
    }
    if seen.total_logs > 0 {
        words.push(format!(
            "{} of {}",
            units::count(seen.logs),
            units::counted(seen.total_logs, "log")
        ));
    }
    if seen.events > 0 {
        words.push(units::counted(seen.events, "event"));
    }
    if seen.tasks > 0 {
        words.push(units::counted(seen.tasks, "task"));
    }
    words.join(", ")
}
