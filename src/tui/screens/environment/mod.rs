//! What the application ran with: Spark's settings first, those marked that are not Spark's default, then its resource profiles and the
//! rest; secrets hidden.

mod defaults;

use std::borrow::Cow;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::model::{MiscellaneousProcess, ResourceProfile, ResourceRequest};
use crate::redact;
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::line::{self, Piece};
use crate::tui::panel::{self, below, panel};
use crate::tui::screen::{Context, Screen};
use crate::tui::table::{Column, Key, Rows, Table};
use crate::tui::theme::Role;
use crate::units;

use defaults::{Defaults, same};

const COLUMNS: &[Column] = &[
    Column::text("", 1, 0),
    Column::text("Group", 7, 2),
    Column::text("Name", 37, 0).growing(),
    Column::text("Value", 20, 0).growing(),
    Column::text("Default", 12, 1).growing(),
];

/// The first column: what is not the default.
const CHANGED: usize = 0;

/// The settings.
#[derive(Debug)]
pub struct EnvironmentScreen {
    table: Table,
}

impl Default for EnvironmentScreen {
    /// All settings, group by group.
    fn default() -> EnvironmentScreen {
        EnvironmentScreen {
            table: Table::new(COLUMNS, None),
        }
    }
}

/// Group, name, value.
type Row<'a> = (&'static str, Cow<'a, str>, Cow<'a, str>);

struct Settings<'a> {
    rows: Vec<Row<'a>>,
    defaults: Option<Defaults>,
    cx: &'a Context<'a>,
}

/// What a resource profile's executors and tasks ask for, a row each.
fn profile(profile: &ResourceProfile) -> [Row<'_>; 2] {
    let row = |what: &str, requests: &[ResourceRequest]| {
        let asked = |request: &ResourceRequest| match (request.name.as_str(), request.amount) {
            (name, None) => name.to_owned(),
            ("memory" | "memoryOverhead" | "offHeap" | "pyspark.memory", Some(mib)) => {
                format!("{} {}", request.name, units::bytes((mib * MIB) as u64))
            }
            (name, Some(amount)) => format!("{name} {amount}"),
        };
        let all: Vec<String> = requests.iter().map(asked).collect();
        let text = if all.is_empty() {
            "as the application's".to_owned()
        } else {
            all.join(", ")
        };
        ("profile", format!("{} {what}", profile.id).into(), text.into())
    };
    [row("executor", &profile.executor), row("task", &profile.task)]
}

/// Memory is asked for in MiB.
const MIB: f64 = 1_048_576.0;

fn process(process: &MiscellaneousProcess) -> Row<'_> {
    let cores = process.total_cores.map(|cores| format!(", cores {cores}"));
    let gone = if process.active { "" } else { ", gone" };
    let text = format!("{}{}{gone}", process.host_port, cores.unwrap_or_default());
    ("process", process.id.as_str().into(), text.into())
}

impl<'a> Settings<'a> {
    fn of(cx: &'a Context<'a>) -> Settings<'a> {
        let application = cx.application();
        let environment = &application.environment;
        let groups = [
            ("spark", &environment.spark),
            ("runtime", &environment.runtime),
            ("hadoop", &environment.hadoop),
            ("system", &environment.system),
            ("other", &environment.other),
            ("class", &environment.classpath),
        ];
        let of_group = |(group, pairs): (&'static str, &'a Vec<(String, String)>)| {
            let mut rows: Vec<Row<'a>> = pairs
                .iter()
                .map(|(name, value)| (group, name.into(), value.into()))
                .collect();
            // Within its group a name is found by the alphabet; the groups stay in the order of their worth.
            rows.sort_by(|a, b| a.1.cmp(&b.1));
            rows
        };
        let [spark, rest @ ..] = groups;
        let mut rows = of_group(spark);
        rows.extend(application.resource_profiles.iter().flat_map(profile));
        rows.extend(application.processes.iter().map(process));
        rows.extend(rest.into_iter().flat_map(of_group));
        let version = application.spark_version.as_deref();
        Settings {
            rows,
            defaults: version.and_then(Defaults::of),
            cx,
        }
    }

    /// What Spark does where a row's setting is not set.
    fn default(&self, row: usize) -> Option<&'static str> {
        let (group, name, _) = &self.rows[row];
        self.defaults.filter(|_| *group == "spark")?.get(name)
    }

    /// Whether a row says something else than the default; `None`: there is none to hold it against.
    fn is_changed(&self, row: usize) -> Option<bool> {
        let (_, name, value) = &self.rows[row];
        self.default(row).map(|default| !same(name, value, default))
    }

    fn mark(&self) -> &'static str {
        self.cx.glyphs.pick("≠", "*")
    }

    /// What the mark means, and how often it is there.
    fn legend(&self) -> Option<String> {
        let defaults = self.defaults?;
        let changed = (0..self.rows.len()).filter(|row| self.is_changed(*row) == Some(true));
        Some(format!(
            "{} {} not as in Spark {}",
            self.mark(),
            changed.count(),
            defaults.version
        ))
    }
}

impl Rows for Settings<'_> {
    fn count(&self) -> usize {
        self.rows.len()
    }

    fn id(&self, row: usize) -> String {
        let (group, name, _) = &self.rows[row];
        format!("{group} {name}")
    }

    fn cell(&self, row: usize, column: usize) -> Piece<'_> {
        let (group, name, value) = &self.rows[row];
        let changed = self.is_changed(row);
        match column {
            CHANGED => match changed {
                Some(true) => (self.mark().into(), Role::Running),
                _ => ("".into(), Role::Text),
            },
            1 => ((*group).into(), Role::Dim),
            2 => (name.as_ref().into(), Role::Text),
            3 => {
                let role = match changed {
                    Some(true) => Role::Title,
                    Some(false) => Role::Dim,
                    None => Role::Text,
                };
                (one_line(redact::value(name, value)), role)
            }
            _ => (self.default(row).unwrap_or_default().into(), Role::Dim),
        }
    }

    fn key(&self, row: usize, column: usize) -> Key<'_> {
        let (group, name, value) = &self.rows[row];
        match column {
            // What is changed first, then what is as it would be anyway.
            CHANGED => self
                .is_changed(row)
                .map_or(Key::Absent, |changed| Key::Number(f64::from(u8::from(!changed)))),
            1 => Key::Text((*group).into()),
            2 => Key::Text(name.as_ref().into()),
            3 => Key::Text(redact::value(name, value)),
            _ => self
                .default(row)
                .map_or(Key::Absent, |default| Key::Text(default.into())),
        }
    }

    fn search(&self, row: usize, into: &mut String) {
        let (group, name, value) = &self.rows[row];
        for part in [group, " ", name, " ", &redact::value(name, value)] {
            into.push_str(part);
        }
    }
}

fn one_line(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.contains('\n') {
        Cow::Owned(text.replace('\n', " "))
    } else {
        text
    }
}

/// Rows of the panel that shows the value under the cursor in full: its head line and the value.
const CHOSEN: u16 = 5;

/// Rows below which the list stands alone.
const SMALL: u16 = 18;

/// The list and the panel below it.
fn split(area: Rect, cx: &Context<'_>) -> [Rect; 2] {
    let foot = if area.height < SMALL || cx.whole { 0 } else { CHOSEN };
    panel::split(area, area.height - foot)
}

impl EnvironmentScreen {
    /// The value under the cursor: Java's options are longer than any column.
    fn render_chosen(&self, rows: &Settings<'_>, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let Some((_, name, value)) = self.table.selected().and_then(|row| rows.rows.get(row)) else {
            return;
        };
        let inside = panel(area, name, "y copies it", buf, cx);
        let value = one_line(redact::value(name, value));
        let mut lines = line::wrap(&value, usize::from(inside.width.saturating_sub(4)));
        let room = usize::from(inside.height);
        if lines.len() > room {
            lines.truncate(room);
            if let Some(last) = lines.last_mut() {
                last.push_str(cx.glyphs.pick("…", "..."));
            }
        }
        for (text, y) in lines.iter().zip(inside.top()..inside.bottom()) {
            line::put(buf, inside, inside.x.saturating_add(2), y, text, cx.style(Role::Text));
        }
    }
}

impl Screen for EnvironmentScreen {
    fn title(&self, _: &Context<'_>) -> String {
        "Environment".to_owned()
    }

    fn update(&mut self, action: Action, cx: &Context<'_>) -> Vec<Effect> {
        let rows = Settings::of(cx);
        if !self.table.update(action, &rows) && action == Action::Enter {
            // A value longer than its column is read in the footer.
            let chosen = self.table.selected().and_then(|row| rows.rows.get(row));
            let default = self.table.selected().and_then(|row| rows.default(row));
            let default = default.map_or(String::new(), |default| format!("   (default: {default})"));
            let say = |(_, name, value): &Row<'_>| {
                Effect::Say(format!("{name}={}{default}", one_line(redact::value(name, value))))
            };
            return chosen.map(say).into_iter().collect();
        }
        Vec::new()
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let rows = Settings::of(cx);
        let title = format!("Environment ({})", rows.count());
        let right = [rows.legend().unwrap_or_default(), self.table.summary(cx.glyphs)].join("  ");
        let [list, foot] = split(area, cx);
        let inside = panel(list, &title, right.trim(), buf, cx);
        self.table.render(inside, buf, &rows, cx);
        self.render_chosen(&rows, foot, buf, cx);
    }

    fn followers(&self, area: Rect, cx: &Context<'_>) -> Vec<Rect> {
        vec![split(area, cx)[1]]
    }

    fn fit(&mut self, area: Rect, cx: &Context<'_>) {
        self.table.fit(below(split(area, cx)[0]).height);
    }

    fn height(&self, _: u16, _: &Context<'_>) -> usize {
        1 + self.table.height()
    }

    fn rows(&self) -> usize {
        self.table.len()
    }

    fn actions(&self) -> &'static [Action] {
        &[Action::Filter, Action::Sort, Action::Copy, Action::Export]
    }

    fn back(&mut self, cx: &Context<'_>) -> bool {
        self.table.back(&Settings::of(cx))
    }

    fn typing(&self) -> bool {
        self.table.typing()
    }

    fn refresh(&mut self, cx: &Context<'_>) {
        self.table.refresh(&Settings::of(cx));
    }

    fn copy(&self, cx: &Context<'_>) -> Option<(String, String)> {
        let rows = Settings::of(cx).rows;
        let (_, name, value) = rows.get(self.table.selected()?)?;
        Some(("setting".to_owned(), format!("{name}={}", redact::value(name, value))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Application, Environment};
    use crate::tui::testing::World;

    #[test]
    fn what_is_not_the_default_is_marked() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let spark = vec![
            pair("spark.executor.memory", "1024m"),
            pair("spark.sql.shuffle.partitions", "8"),
            pair("spark.ours", "1"),
        ];
        let application = |version: &str| Application {
            environment: Environment {
                spark: spark.clone(),
                ..Environment::default()
            },
            spark_version: Some(version.to_owned()),
            ..Application::default()
        };
        let world = World::new(application("3.5.1"), Vec::new());
        let text = world.drawn(&mut EnvironmentScreen::default(), 80, 8);
        let marked: Vec<&str> = text.lines().filter(|line| line.contains('≠')).collect();
        assert!(
            marked.len() == 2 && marked[1].contains("shuffle.partitions") && marked[1].contains("200"),
            "{text}"
        );
        assert!(text.contains("≠ 1 not as in Spark 3.5.9"), "{text}");
        let world = World::new(application("2.4.8"), Vec::new());
        assert!(!world.drawn(&mut EnvironmentScreen::default(), 80, 8).contains('≠'));
    }

    #[test]
    fn secrets_are_hidden_on_the_screen_in_the_filter_and_in_the_clipboard() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let spark = vec![pair("spark.app.password", "hunter2"), pair("spark.executor.cores", "4")];
        let environment = Environment {
            spark,
            ..Environment::default()
        };
        let world = World::new(
            Application {
                environment,
                ..Application::default()
            },
            Vec::new(),
        );
        let mut screen = EnvironmentScreen::default();
        let text = world.drawn(&mut screen, 80, 6);
        assert!(
            text.contains("spark.executor.cores") && text.contains("redacted") && !text.contains("hunter2"),
            "{text}"
        );
        let copied = screen.copy(&world.cx()).unwrap().1;
        assert!(copied.starts_with("spark.app.password=") && !copied.contains("hunter2"));
        screen.update(Action::Filter, &world.cx());
        "hunter2"
            .chars()
            .for_each(|c| drop(screen.update(Action::Type(c), &world.cx())));
        assert_eq!(screen.table.len(), 0);
        world.drawn_at_all_sizes(&mut screen);
    }
}
