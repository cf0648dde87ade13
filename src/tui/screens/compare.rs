//! Two applications held against each other, as `skewer compare` prints them: time, stages, findings, settings.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::report::{Comparison, Run};
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::screen::{Context, Opened, Screen};
use crate::tui::scroll::{Line, Scroll};
use crate::tui::theme::Role;

/// A comparison.
#[derive(Debug)]
pub struct CompareScreen {
    text: String,
    /// The same for a small terminal.
    narrow: String,
    scroll: Scroll,
}

/// Columns of the two texts.
const WIDE: usize = 100;
const NARROW: usize = 80;

impl CompareScreen {
    /// Holds the second against the first.
    pub fn of(a: &Opened, b: &Opened) -> CompareScreen {
        fn run(opened: &Opened) -> Run<'_> {
            Run {
                application: &opened.application,
                diagnosis: &opened.diagnosis,
            }
        }
        let comparison = Comparison::of(run(a), run(b));
        CompareScreen {
            text: comparison.text_of_width(WIDE),
            narrow: comparison.text_of_width(NARROW),
            scroll: Scroll::default(),
        }
    }

    fn lines(&self, width: u16) -> Vec<Line> {
        let rule = |line: &str| !line.is_empty() && line.chars().all(|c| c == '─');
        let mut lines: Vec<Line> = Vec::new();
        let text = if usize::from(width) < WIDE {
            &self.narrow
        } else {
            &self.text
        };
        for text in text.lines() {
            match lines.last_mut() {
                // What stands above a rule is a heading.
                Some(last) if rule(text) => {
                    last.iter_mut().for_each(|(_, role)| *role = Role::Title);
                    lines.push(vec![(text.to_owned(), Role::Rule)]);
                }
                _ => lines.push(judged(text)),
            }
        }
        lines
    }
}

/// A line in whose end less time is good news, and more is not; and a finding that came or went.
fn judged(text: &str) -> Line {
    let (before, change) = match text.rsplit_once(' ') {
        Some((before, change)) => (before, change),
        None => return vec![(text.to_owned(), Role::Text)],
    };
    // `39 ms` is two words.
    let (before, change) = match (change, before.rsplit_once(' ')) {
        ("ms", Some((before, number))) => (before, &text[text.len() - number.len() - 3..]),
        _ => (before, change),
    };
    let is_time = change.ends_with('s') && change.contains(|c: char| c.is_ascii_digit());
    let role = match change.chars().next() {
        Some('-') if is_time => Role::Good,
        Some('+') if is_time => Role::Warning,
        _ => match text.split_whitespace().next() {
            Some("gone") => return first_word(text, Role::Good),
            Some("came") => return first_word(text, Role::Warning),
            _ => return vec![(text.to_owned(), Role::Text)],
        },
    };
    vec![(format!("{before} "), Role::Text), (change.to_owned(), role)]
}

fn first_word(text: &str, role: Role) -> Line {
    let lead = text.len() - text.trim_start().len();
    let end = text[lead..].find(' ').map_or(text.len(), |at| lead + at);
    let (word, rest) = text.split_at(end);
    vec![(word.to_owned(), role), (rest.to_owned(), Role::Text)]
}

impl Screen for CompareScreen {
    fn title(&self, _: &Context<'_>) -> String {
        "Comparison".to_owned()
    }

    fn update(&mut self, action: Action, _: &Context<'_>) -> Vec<Effect> {
        self.scroll.update(action);
        Vec::new()
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let area = area.intersection(buf.area);
        self.scroll
            .render("A against B", "", &self.lines(area.width), area, buf, cx);
    }

    fn fit(&mut self, area: Rect, _: &Context<'_>) {
        let lines = self.lines(area.width).len();
        self.scroll.fit(area, lines);
    }

    fn height(&self, width: u16, _: &Context<'_>) -> usize {
        1 + self.lines(width).len()
    }

    fn actions(&self) -> &'static [Action] {
        &[
            Action::Down,
            Action::PageDown,
            Action::Back,
            Action::Copy,
            Action::Export,
        ]
    }

    fn copy(&self, _: &Context<'_>) -> Option<(String, String)> {
        Some(("comparison".to_owned(), self.text.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::screens::sample::world;

    #[test]
    fn a_run_beside_itself_is_alike_and_scrolls() {
        let world = world();
        let mut screen = CompareScreen::of(&world.opened, &world.opened);
        let text = world.drawn(&mut screen, 100, 30);
        assert!(
            text.contains("wall time") && text.contains("Where the core time went"),
            "{text}"
        );
        let small = world.drawn(&mut screen, 80, 8);
        screen.update(Action::Last, &world.cx());
        assert_ne!(world.drawn(&mut screen, 80, 8), small);
        assert!(screen.copy(&world.cx()).unwrap().1.contains("wall time"));
        world.drawn_at_all_sizes(&mut screen);
    }
}
