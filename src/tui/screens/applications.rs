//! The applications that the source offers; one with several attempts unfolds on Enter. Enter opens one, Space marks two to compare.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::model::{ApplicationEntry, AttemptEntry};
use crate::source::Choice;
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::line::Piece;
use crate::tui::panel::{below, panel};
use crate::tui::screen::{Context, Screen};
use crate::tui::table::{Column, Key, Rows, Table};
use crate::tui::theme::Role;
use crate::tui::when;
use crate::units;

const COLUMNS: &[Column] = &[
    Column::text("", 1, 0),
    Column::text("Started", 15, 1),
    Column::number("Duration", 8, 0),
    Column::text("Status", 9, 0),
    Column::text("User", 10, 3),
    Column::text("Name", 15, 0).growing(),
    Column::text("Id", 10, 0).growing().ending(),
    Column::text("Spark", 7, 4),
    Column::number("Att.", 4, 2),
];

/// The column of the start, by which they are sorted first.
const STARTED: usize = 1;

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

/// A row: an application with its latest attempt, or below it one of its attempts.
#[derive(Clone, Copy)]
struct Row<'a> {
    entry: &'a ApplicationEntry,
    attempt: &'a AttemptEntry,
    /// The latest attempt, by which rows that belong together are sorted.
    latest: &'a AttemptEntry,
    child: bool,
}

impl Row<'_> {
    fn choice(&self) -> Choice {
        Choice {
            app: Some(self.entry.id.clone()),
            attempt: self.attempt.attempt.clone(),
        }
    }
}

struct Listed<'a> {
    cx: &'a Context<'a>,
    rows: Vec<Row<'a>>,
    unfolded: &'a BTreeSet<String>,
    marked: &'a [Choice],
}

impl<'a> Listed<'a> {
    fn of(cx: &'a Context<'a>, unfolded: &'a BTreeSet<String>, marked: &'a [Choice]) -> Listed<'a> {
        let of_entry = |entry: &'a ApplicationEntry| {
            // Attempts without a start keep the server's order: the latest first.
            let latest = entry.attempts.iter().rev().max_by_key(|attempt| attempt.start_ms);
            let row = move |(attempt, child)| {
                latest.map(|latest| Row {
                    entry,
                    attempt,
                    latest,
                    child,
                })
            };
            let shown = entry.attempts.len() > 1 && unfolded.contains(&entry.id);
            let below = entry.attempts.iter().filter(move |_| shown);
            let own = latest.map(|latest| (latest, false)).into_iter();
            own.chain(below.map(|attempt| (attempt, true))).filter_map(row)
        };
        Listed {
            cx,
            rows: cx.listing.applications.iter().flat_map(of_entry).collect(),
            unfolded,
            marked,
        }
    }
}

/// The id, with the attempt behind it where there is one: as in the web interface's addresses.
fn id<'a>(entry: &'a ApplicationEntry, attempt: &AttemptEntry) -> Cow<'a, str> {
    match &attempt.attempt {
        Some(attempt) => format!("{}/{attempt}", entry.id).into(),
        None => entry.id.as_str().into(),
    }
}

/// An attempt without an end whose log has not grown for so long is taken for one that was killed, ms. Servers never say.
const SILENCE: i64 = 10 * 60 * 1_000;

/// Whether an attempt without an end gave no sign of life lately.
fn is_silent(attempt: &AttemptEntry, cx: &Context<'_>) -> bool {
    attempt
        .last_updated_ms
        .is_some_and(|at| cx.now_ms.saturating_sub(at) > SILENCE)
}

fn status(attempt: &AttemptEntry, cx: &Context<'_>) -> (String, Role) {
    match (attempt.completed, is_silent(attempt, cx)) {
        (true, _) => (format!("{} done", cx.glyphs.pick("✓", "+")), Role::Good),
        (false, false) => (format!("{} running", cx.glyphs.pick("▶", ">")), Role::Running),
        (false, true) => (format!("{} no end", cx.glyphs.pick("…", ".")), Role::Warning),
    }
}

/// How long it took; how long it has been running, where it has no end yet; until its last sign of life, where it was killed.
fn duration_ms(attempt: &AttemptEntry, cx: &Context<'_>) -> Option<u64> {
    if attempt.completed {
        return attempt.duration_ms;
    }
    let until = attempt
        .last_updated_ms
        .filter(|_| is_silent(attempt, cx))
        .unwrap_or(cx.now_ms);
    u64::try_from(until.saturating_sub(attempt.start_ms?)).ok()
}

impl Rows for Listed<'_> {
    fn count(&self) -> usize {
        self.rows.len()
    }

    fn id(&self, row: usize) -> String {
        let Row {
            entry, attempt, child, ..
        } = self.rows[row];
        if child {
            return format!("{}/{}", entry.id, attempt.attempt.as_deref().unwrap_or(""));
        }
        entry.id.clone()
    }

    fn cell(&self, row: usize, column: usize) -> Piece<'_> {
        let Row {
            entry, attempt, child, ..
        } = self.rows[row];
        let text = match column {
            0 if !self.marked.is_empty() && self.marked.contains(&self.rows[row].choice()) => {
                return (self.cx.glyphs.pick("◆", "*").into(), Role::Outlier);
            }
            0 => "".into(),
            1 => attempt
                .start_ms
                .map_or("n/a".into(), |at| when::moment(at, self.cx.now_ms, self.cx.zone).into()),
            2 => {
                let taken = duration_ms(attempt, self.cx).map_or("n/a".to_owned(), units::duration);
                let open = if attempt.completed || is_silent(attempt, self.cx) {
                    ""
                } else {
                    self.cx.glyphs.pick("…", "+")
                };
                Cow::Owned(taken + open)
            }
            3 => {
                let (text, role) = status(attempt, self.cx);
                return (text.into(), role);
            }
            4 => attempt.user.as_deref().unwrap_or("").into(),
            5 if child => {
                let branch = self.cx.glyphs.pick("└─ attempt", "`- attempt");
                let name = attempt.attempt.as_deref().unwrap_or("");
                return (format!("{branch} {name}").into(), Role::Text);
            }
            5 => entry.name.as_str().into(),
            6 => return (id(entry, attempt), Role::Dim),
            7 => attempt.spark_version.as_deref().unwrap_or("").into(),
            _ => match entry.attempts.len() {
                0 | 1 => return ("1".into(), Role::Dim),
                _ if child => "".into(),
                count if self.unfolded.contains(&entry.id) => {
                    format!("{count} {}", self.cx.glyphs.pick("▾", "-")).into()
                }
                count => format!("{count} {}", self.cx.glyphs.pick("▸", "+")).into(),
            },
        };
        (text, Role::Text)
    }

    fn key(&self, row: usize, column: usize) -> Key<'_> {
        // Attempts stay below their application: it lends them its key, and equal keys keep their order.
        let Row {
            entry, latest: attempt, ..
        } = self.rows[row];
        match column {
            0 => Key::Absent,
            1 => Key::time(attempt.start_ms),
            2 => Key::number(duration_ms(attempt, self.cx)),
            // Those that run come first.
            3 => Key::Number(match (attempt.completed, is_silent(attempt, self.cx)) {
                (false, false) => 0.0,
                (false, true) => 1.0,
                (true, _) => 2.0,
            }),
            4 => attempt
                .user
                .as_deref()
                .map_or(Key::Absent, |user| Key::Text(user.into())),
            5 => Key::Text(entry.name.as_str().into()),
            6 => Key::Text(id(entry, attempt)),
            7 => attempt
                .spark_version
                .as_deref()
                .map_or(Key::Absent, |version| Key::Text(version.into())),
            _ => Key::Number(entry.attempts.len() as f64),
        }
    }

    fn search(&self, row: usize, into: &mut String) {
        let Row {
            entry, latest: attempt, ..
        } = self.rows[row];
        for part in [&entry.name, &entry.id, attempt.user.as_deref().unwrap_or("")] {
            into.push_str(part);
            into.push(' ');
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Application, Listing};
    use crate::tui::testing::{NOW_MS, World};

    /// An application with so many attempts between two with one each.
    fn world(attempts: usize) -> World {
        let attempt = |id: Option<String>, hours_ago: i64, completed| AttemptEntry {
            attempt: id,
            start_ms: Some(NOW_MS - hours_ago * 3_600_000),
            duration_ms: Some(60_000),
            completed,
            ..AttemptEntry::default()
        };
        let entry = |id: &str, attempts| ApplicationEntry {
            id: id.to_owned(),
            name: format!("name of {id}"),
            attempts,
        };
        let many = (1..=attempts)
            .rev()
            .map(|number| attempt(Some(number.to_string()), 100 - number as i64, true));
        let applications = vec![
            entry("one", vec![attempt(None, 1, true)]),
            entry("many", many.collect()),
            entry("runs", vec![attempt(None, 200, false)]),
        ];
        let listing = Listing {
            applications,
            ..Listing::default()
        };
        World {
            listing,
            ..World::new(Application::default(), Vec::new())
        }
    }

    fn act(screen: &mut Applications, world: &World, actions: &[Action]) -> Vec<Effect> {
        let one = |action: &Action| screen.update(*action, &world.cx());
        actions.iter().map(one).last().unwrap_or_default()
    }

    #[test]
    fn forty_attempts_unfold_open_and_fold_again() {
        let world = world(40);
        let mut screen = Applications::default();
        let text = world.drawn(&mut screen, 100, 20);
        assert!(text.contains("40 ▸") && !text.contains("attempt 40"), "{text}");
        assert!(act(&mut screen, &world, &[Action::Down, Action::Enter]).is_empty());
        let text = world.drawn(&mut screen, 100, 20);
        let chosen = text.lines().find(|line| line.starts_with('▸')).unwrap();
        assert!(chosen.contains("└─ attempt 40") && text.contains("40 ▾"), "{text}");
        let open = |attempt: &str| Effect::Open {
            id: "many".into(),
            attempt: Some(attempt.into()),
        };
        assert_eq!(act(&mut screen, &world, &[Action::Enter]), [open("40")]);
        assert_eq!(act(&mut screen, &world, &[Action::Down, Action::Enter]), [open("39")]);
        // Sorted the other way round they stay below their application.
        act(&mut screen, &world, &[Action::Reverse]);
        let text = world.drawn(&mut screen, 100, 60);
        let rows: Vec<&str> = text.lines().skip(2).collect();
        assert!(rows[0].contains("name of runs") && rows[1].contains("40 ▾"), "{text}");
        assert!(rows[2].contains("attempt 40"), "{text}");
        assert!(screen.back(&world.cx()) && !screen.back(&world.cx()));
        assert!(!world.drawn(&mut screen, 100, 20).contains("attempt 39"));
    }

    #[test]
    fn what_starts_in_the_future_has_no_age() {
        let mut world = world(1);
        for entry in &mut world.listing.applications {
            entry.attempts[0].start_ms = Some(NOW_MS + 3_600_000);
            entry.attempts[0].last_updated_ms = Some(NOW_MS + 3_600_000);
        }
        let text = world.drawn(&mut Applications::default(), 100, 20);
        let running = text.lines().find(|line| line.contains("name of runs")).unwrap();
        assert!(running.contains("n/a…  ▶ running") && !text.contains('-'), "{text}");
    }

    #[test]
    fn two_that_are_marked_are_compared_the_older_first() {
        let world = world(2);
        let mut screen = Applications::default();
        world.drawn(&mut screen, 100, 20);
        let said = act(&mut screen, &world, &[Action::Mark]);
        assert!(matches!(said[..], [Effect::Say(_)]));
        assert!(world.drawn(&mut screen, 100, 20).contains("◆"));
        assert!(act(&mut screen, &world, &[Action::Mark]).is_empty(), "unmarked again");
        let choice = |app: &str, attempt: Option<&str>| Choice {
            app: Some(app.into()),
            attempt: attempt.map(str::to_owned),
        };
        let asked = act(&mut screen, &world, &[Action::Mark, Action::Down, Action::Mark]);
        let older = choice("many", Some("2"));
        assert_eq!(asked, [Effect::Compare(older, choice("one", None))]);
        assert!(!world.drawn(&mut screen, 100, 20).contains("◆"));
    }

    #[test]
    fn those_that_run_come_first_on_request() {
        let world = world(2);
        let mut screen = Applications::default();
        world.drawn(&mut screen, 100, 20);
        act(&mut screen, &world, &[Action::Right, Action::Right, Action::Sort]);
        let text = world.drawn(&mut screen, 100, 20);
        assert!(text.lines().nth(2).unwrap().contains("name of runs"), "{text}");
    }
}
