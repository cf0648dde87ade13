//! The applications that the source offers; one with several attempts unfolds on Enter. Enter opens one, Space marks two to compare.

mod rows;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::source::Choice;
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::panel::{below, panel};
use crate::tui::screen::{Context, Screen};
use crate::tui::table::Table;
use crate::units;

use rows::{COLUMNS, Listed, STARTED};

/// The list.
#[derive(Debug)]
pub struct Applications {
    table: Table,
    /// Ids of those whose attempts are shown.
    unfolded: BTreeSet<String>,
    /// What is marked to be compared.
    marked: Vec<Choice>,
}

impl Default for Applications {
    /// The list, the newest first.
    fn default() -> Applications {
        Applications {
            table: Table::new(COLUMNS, Some((STARTED, true))),
            unfolded: BTreeSet::new(),
            marked: Vec::new(),
        }
    }
}

/// What the cursor is on.
struct Chosen {
    app: String,
    attempts: usize,
    choice: Choice,
    child: bool,
}

impl Applications {
    fn rows<'a>(&'a self, cx: &'a Context<'a>) -> Listed<'a> {
        Listed::of(cx, &self.unfolded, &self.marked)
    }

    fn chosen(&self, cx: &Context<'_>) -> Option<Chosen> {
        let rows = self.rows(cx);
        let row = rows.rows.get(self.table.selected()?)?;
        Some(Chosen {
            app: row.entry.id.clone(),
            attempts: row.entry.attempts.len(),
            choice: row.choice(),
            child: row.child,
        })
    }

    fn show(&mut self, cx: &Context<'_>, select: Option<&str>) {
        let rows = Listed::of(cx, &self.unfolded, &self.marked);
        self.table.refresh(&rows);
        if let Some(id) = select {
            self.table.select(id, &rows);
        }
    }

    /// Opens what the cursor is on; an application with several attempts shows them first.
    fn enter(&mut self, row: Chosen, cx: &Context<'_>) -> Vec<Effect> {
        if !row.child && row.attempts > 1 && self.unfolded.insert(row.app.clone()) {
            let latest = format!("{}/{}", row.app, row.choice.attempt.as_deref().unwrap_or(""));
            self.show(cx, Some(&latest));
            return Vec::new();
        }
        vec![Effect::Open {
            id: row.app,
            attempt: row.choice.attempt,
        }]
    }

    /// Marks or unmarks; two that are marked are compared, the older one first.
    fn mark(&mut self, row: Chosen, cx: &Context<'_>) -> Vec<Effect> {
        if let Some(at) = self.marked.iter().position(|marked| *marked == row.choice) {
            self.marked.remove(at);
            return Vec::new();
        }
        self.marked.push(row.choice);
        let start = |choice: &Choice| {
            let mut entries = cx.listing.applications.iter();
            let entry = entries.find(|entry| Some(&entry.id) == choice.app.as_ref())?;
            let mut attempts = entry.attempts.iter();
            attempts.find(|attempt| attempt.attempt == choice.attempt)?.start_ms
        };
        self.marked.sort_by_key(start);
        if let [a, b] = self.marked.as_slice() {
            let compared = Effect::Compare(a.clone(), b.clone());
            self.marked.clear();
            return vec![compared];
        }
        vec![Effect::Say("marked; mark another to compare the two".to_owned())]
    }
}

impl Screen for Applications {
    fn title(&self, _: &Context<'_>) -> String {
        "Applications".to_owned()
    }

    fn status(&self, cx: &Context<'_>) -> String {
        units::counted(cx.listing.applications.len() as u64, "application")
    }

    fn update(&mut self, action: Action, cx: &Context<'_>) -> Vec<Effect> {
        let rows = Listed::of(cx, &self.unfolded, &self.marked);
        if self.table.update(action, &rows) {
            return Vec::new();
        }
        let Some(chosen) = self.chosen(cx) else {
            return Vec::new();
        };
        match action {
            Action::Enter => self.enter(chosen, cx),
            Action::Mark => self.mark(chosen, cx),
            _ => Vec::new(),
        }
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let inside = panel(area, "Applications", &self.table.summary(cx.glyphs), buf, cx);
        self.table.render(inside, buf, &self.rows(cx), cx);
    }

    fn fit(&mut self, area: Rect, _: &Context<'_>) {
        self.table.fit(below(area).height);
    }

    fn height(&self, _: u16, _: &Context<'_>) -> usize {
        1 + self.table.height()
    }

    fn rows(&self) -> usize {
        self.table.len()
    }

    fn actions(&self) -> &'static [Action] {
        &[
            Action::Enter,
            Action::Mark,
            Action::Filter,
            Action::Sort,
            Action::Reload,
            Action::Copy,
        ]
    }

    fn back(&mut self, cx: &Context<'_>) -> bool {
        let rows = Listed::of(cx, &self.unfolded, &self.marked);
        if self.table.back(&rows) {
            return true;
        }
        // Attempts fold up again, the cursor on their application.
        let open = self.chosen(cx).filter(|chosen| self.unfolded.contains(&chosen.app));
        if let Some(chosen) = &open {
            self.unfolded.remove(&chosen.app);
            self.show(cx, Some(&chosen.app));
        }
        open.is_some()
    }

    fn typing(&self) -> bool {
        self.table.typing()
    }

    fn refresh(&mut self, cx: &Context<'_>) {
        self.show(cx, None);
    }

    fn copy(&self, cx: &Context<'_>) -> Option<(String, String)> {
        Some(("application id".to_owned(), self.chosen(cx)?.app))
    }
}
