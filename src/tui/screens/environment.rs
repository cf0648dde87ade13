//! What the application ran with: Spark's settings first, then its resource profiles and the rest; secrets hidden.

use std::borrow::Cow;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::model::{MiscellaneousProcess, ResourceProfile, ResourceRequest};
use crate::redact;
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::line::Piece;
use crate::tui::panel::{below, panel};
use crate::tui::screen::{Context, Screen};
use crate::tui::table::{Column, Key, Rows, Table};
use crate::tui::theme::Role;
use crate::units;

const COLUMNS: &[Column] = &[
    Column::text("Group", 7, 1),
    Column::text("Name", 42, 0),
    Column::text("Value", 20, 0).growing(),
];

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
    fn of(cx: &Context<'a>) -> Settings<'a> {
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
        Settings { rows }
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
        match column {
            0 => ((*group).into(), Role::Dim),
            1 => (name.as_ref().into(), Role::Text),
            _ => (one_line(redact::value(name, value)), Role::Text),
        }
    }

    fn key(&self, row: usize, column: usize) -> Key<'_> {
        let (group, name, value) = &self.rows[row];
        match column {
            0 => Key::Text((*group).into()),
            1 => Key::Text(name.as_ref().into()),
            _ => Key::Text(redact::value(name, value)),
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

impl Screen for EnvironmentScreen {
    fn title(&self, _: &Context<'_>) -> String {
        "Environment".to_owned()
    }

    fn update(&mut self, action: Action, cx: &Context<'_>) -> Vec<Effect> {
        let rows = Settings::of(cx);
        if !self.table.update(action, &rows) && action == Action::Enter {
            // A value longer than its column is read in the footer.
            let chosen = self.table.selected().and_then(|row| rows.rows.get(row));
            let say =
                |(_, name, value): &Row<'_>| Effect::Say(format!("{name}={}", one_line(redact::value(name, value))));
            return chosen.map(say).into_iter().collect();
        }
        Vec::new()
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let rows = Settings::of(cx);
        let title = format!("Environment ({})", rows.count());
        let inside = panel(area, &title, &self.table.summary(cx.glyphs), buf, cx);
        self.table.render(inside, buf, &rows, cx);
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
        &[Action::Filter, Action::Copy, Action::Sort, Action::Export]
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
