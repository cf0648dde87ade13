//! The lists as pictures, over an application recorded from real Spark, at the smallest usual size and on a large screen.

use crate::model::{ApplicationEntry, AttemptEntry, Listing, StageKey};
use crate::source::{Choice, Progress, Source};
use crate::tui::keymap::Keymap;
use crate::tui::screen::Screen;
use crate::tui::testing::{NOW_MS, World, finding};

use super::applications::Applications;
use super::environment::EnvironmentScreen;
use super::executors::Executors;
use super::findings::Findings;
use super::help::Help;
use super::jobs::Jobs;
use super::stages::Stages;

fn world() -> World {
    let source = Source::demo("skewed-join").unwrap();
    let application = source.open(&Choice::default(), &Progress::default()).unwrap();
    let key = StageKey { id: 6, attempt: 0 };
    let title = "Skewed partition in stage 6 (collect at skewed_join.py:26): task 13 read 219 MiB, 168× the median";
    let attempt = |attempt: Option<&str>, hours_ago: i64, completed: bool| AttemptEntry {
        attempt: attempt.map(str::to_owned),
        start_ms: Some(NOW_MS - hours_ago * 3_600_000),
        duration_ms: completed.then_some(751_000),
        user: Some("etl".to_owned()),
        completed,
        spark_version: Some("3.5.9".to_owned()),
        ..AttemptEntry::default()
    };
    let entry = |id: &str, name: &str, attempts| ApplicationEntry {
        id: id.to_owned(),
        name: name.to_owned(),
        attempts,
    };
    let applications = vec![
        entry(
            "application_1699000000000_0042",
            "etl_daily",
            vec![attempt(Some("2"), 1, false), attempt(Some("1"), 3, true)],
        ),
        entry("app-20261121093438-0000", "skewed-join", vec![attempt(None, 30, true)]),
    ];
    let listing = Listing {
        applications,
        losses: Vec::new(),
    };
    World {
        listing,
        ..World::new(application, vec![finding(title, Some(key))])
    }
}

fn pictures(name: &str, screen: &mut dyn Screen) {
    let world = world();
    for (width, height) in [(80, 21), (140, 42)] {
        insta::assert_snapshot!(format!("{name}-{width}"), world.drawn(screen, width, height));
    }
}

#[test]
fn applications() {
    pictures("applications", &mut Applications::default());
}

#[test]
fn findings() {
    pictures("findings", &mut Findings::default());
}

#[test]
fn jobs() {
    pictures("jobs", &mut Jobs::default());
}

#[test]
fn stages() {
    pictures("stages", &mut Stages::default());
}

#[test]
fn executors() {
    pictures("executors", &mut Executors::default());
}

#[test]
fn environment() {
    pictures("environment", &mut EnvironmentScreen::default());
}

/// No picture: it would change with every key, and the keymap is told whole on the front page.
#[test]
fn help() {
    let keymap = Keymap::new(&Default::default()).unwrap();
    let text = world().drawn(&mut Help::of(&Stages::default(), &keymap), 80, 60);
    let (here, elsewhere) = text.split_once("Everywhere").unwrap();
    assert!(
        here.contains("On this screen") && here.contains("Enter") && here.contains("fuzzy"),
        "{text}"
    );
    assert!(elsewhere.contains("copy what the cursor is on"), "{text}");
    for binding in keymap.bindings() {
        assert!(text.contains(binding.help), "{} in\n{text}", binding.help);
    }
}

#[test]
fn they_draw_at_every_size() {
    let world = world();
    let mut screens: Vec<Box<dyn Screen>> = vec![
        Box::new(Applications::default()),
        Box::new(Jobs::default()),
        Box::new(Executors::default()),
        Box::new(Help::default()),
    ];
    screens
        .iter_mut()
        .for_each(|screen| world.drawn_at_all_sizes(screen.as_mut()));
}
