//! The look at why a stage's tasks failed: alike messages together, with where they happened.

use std::collections::BTreeMap;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::model::{TaskStatus, TaskTable};
use crate::tui::line::{put, wrap};
use crate::tui::panel::panel;
use crate::tui::screen::Context;
use crate::tui::theme::Role;
use crate::units;

use super::panels::line;

/// Lines of a message at most.
const MESSAGE: usize = 2;

/// Places and tasks named at most.
const NAMED: usize = 4;

/// Attempts that failed alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailureGroup {
    /// The first line of the first one's message.
    pub reason: String,
    /// The last `Caused by` of it.
    pub cause: Option<String>,
    /// How many.
    pub count: usize,
    /// How many on each executor.
    pub places: BTreeMap<String, usize>,
    /// The tasks, as index and attempt.
    pub tasks: Vec<(u32, u32)>,
}

/// The failed attempts in groups, the largest first. Messages that differ in numbers alone are alike.
pub fn groups(tasks: &TaskTable) -> Vec<FailureGroup> {
    let mut groups: BTreeMap<String, FailureGroup> = BTreeMap::new();
    for (row, failure) in tasks
        .failures()
        .filter(|(row, _)| tasks.status(*row) == TaskStatus::Failed)
    {
        let first = failure.message.lines().next().unwrap_or_default();
        let group = groups.entry(shape(first)).or_insert_with(|| FailureGroup {
            reason: first.to_owned(),
            cause: failure
                .message
                .lines()
                .rev()
                .find_map(|line| line.trim().strip_prefix("Caused by: "))
                .map(str::to_owned),
            ..FailureGroup::default()
        });
        group.count += 1;
        *group
            .places
            .entry(format!("{} on {}", tasks.executor(row), tasks.host(row)))
            .or_default() += 1;
        group.tasks.push((tasks.index(row), tasks.attempt(row)));
    }
    let mut groups: Vec<FailureGroup> = groups.into_values().collect();
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}

/// A message without its numbers.
fn shape(message: &str) -> String {
    let mut shape = String::with_capacity(message.len());
    for c in message.chars() {
        match c {
            '0'..='9' if shape.ends_with('#') => {}
            '0'..='9' => shape.push('#'),
            c => shape.push(c),
        }
    }
    shape
}

/// Rows that all groups take, with the title.
pub fn height(groups: &[FailureGroup], columns: u16) -> usize {
    1 + groups
        .iter()
        .map(|group| lines(group, columns).len())
        .sum::<usize>()
        .max(1)
}

/// Draws the groups.
pub fn render(groups: &[FailureGroup], area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let all: usize = groups.iter().map(|group| group.count).sum();
    let right = format!(
        "{}, {}",
        units::counted(all as u64, "failed attempt"),
        units::counted(groups.len() as u64, "reason")
    );
    let inner = panel(area, "Why tasks failed", &right, buf, cx);
    if groups.is_empty() {
        return line("no task failed", inner, 0, Role::Good, buf, cx);
    }
    let mut y = inner.y;
    for (text, role) in groups.iter().flat_map(|group| lines(group, inner.width)) {
        put(buf, inner, inner.x, y, &text, cx.style(role));
        y = y.saturating_add(1);
    }
}

fn lines(group: &FailureGroup, columns: u16) -> Vec<(String, Role)> {
    let count = format!("{:>4}x  ", group.count);
    let indent = " ".repeat(count.len());
    let room = usize::from(columns).saturating_sub(count.len());
    let mut lines = Vec::new();
    for (at, text) in wrap(&group.reason, room).into_iter().take(MESSAGE).enumerate() {
        let lead = if at == 0 { &count } else { &indent };
        lines.push((format!("{lead}{text}"), Role::Critical));
    }
    if let Some(cause) = &group.cause {
        lines.push((format!("{indent}caused by {cause}"), Role::Text));
    }
    let places: Vec<String> = group
        .places
        .iter()
        .take(NAMED)
        .map(|(place, count)| format!("executor {place} ({count})"))
        .collect();
    let tasks: Vec<String> = group
        .tasks
        .iter()
        .take(NAMED)
        .map(|(index, attempt)| format!("{index}.{attempt}"))
        .collect();
    let more = |all: usize| {
        if all > NAMED {
            format!(" and {} more", all - NAMED)
        } else {
            String::new()
        }
    };
    let text = format!(
        "{indent}tasks {}{}; {}{}",
        tasks.join(", "),
        more(group.tasks.len()),
        places.join(", "),
        more(group.places.len())
    );
    lines.push((text, Role::Dim));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_differ_in_numbers_are_alike() {
        assert_eq!(shape("lost task 12.0 in stage 3"), shape("lost task 7.1 in stage 44"));
        assert_ne!(shape("lost task 1"), shape("lost job 1"));
    }
}
