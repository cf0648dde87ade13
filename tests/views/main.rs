//! Every view as a picture: over recorded applications, at three sizes of a terminal, in Unicode and in ASCII, and once as a grid of
//! what each character means. A view is the keys that lead to it; a new one is a line in [`VIEWS`].
//!
//! `INSTA_UPDATE=always cargo test --test views` draws them anew: read what changed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end so"
)]

mod odd;
mod shown;

use std::fs;
use std::path::{Path, PathBuf};

use ratatui::style::Color;
use skewer::source::Source;
use skewer::tui::theme::{self, ColorLevel, Role, Theme};
use skewer::tui::widgets::Glyphs;

use shown::{Shown, rows};

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

/// The size of the grid of meanings.
const GRID: (u16, u16) = (120, 40);

/// Rules whose findings are shown: the pictures stay the same when there are more.
const RULES: &[&str] = &[
    "skewed-partition",
    "failed-tasks",
    "lost-executors",
    "driver-bound",
    "missed-broadcast",
    "cartesian",
    "cache-evicted",
];

/// The list of a folder with several applications.
const FOLDER: &str = "";

/// A view: its name, the recording, and what is typed to come there.
type View = (&'static str, &'static str, &'static str);

const SKEWED: &str = "skewed-join-3.5.zstd";
const LOST: &str = "lost-executor-3.5.zstd";
const FAILED: &str = "failed-job-3.5.zstd";
const PLANS: &str = "query-plans-3.5.zstd";
const CACHED: &str = "cached-3.5.zstd";
const STREAMING: &str = "streaming-3.5.zstd";
const RUNNING: &str = "in-progress-3.5.zstd.inprogress";

const VIEWS: &[View] = &[
    ("applications", FOLDER, ""),
    ("applications-filtered", FOLDER, "/join"),
    ("comparison", FOLDER, "/skewed-join\r j "),
    ("overview", SKEWED, ""),
    ("overview-failed", FAILED, ""),
    ("overview-lost-executor", LOST, ""),
    ("overview-running", RUNNING, ""),
    ("findings", SKEWED, "2"),
    ("jobs", PLANS, "3"),
    ("job", PLANS, "3\r"),
    ("stages", SKEWED, "4"),
    ("stage", SKEWED, "4\r"),
    ("stage-distributions", SKEWED, "4\rv"),
    ("stage-places", SKEWED, "4\rvv"),
    ("stage-scatter", SKEWED, "4\rvvv"),
    ("stage-lanes", SKEWED, "4\rvvvv"),
    ("stage-what-if", SKEWED, "4\rvvvvv"),
    ("stage-tasks-alone", SKEWED, "4\rvvvvvv"),
    ("stage-failed", LOST, "n"),
    ("stage-failures", LOST, "nvvvvv"),
    ("task", SKEWED, "4\r\r"),
    ("sql", PLANS, "5"),
    ("plan", PLANS, ":sql 5\r"),
    ("plan-first", PLANS, ":sql 5\rv"),
    ("plan-text", PLANS, ":sql 5\rvv"),
    ("node", PLANS, ":sql 5\r\r"),
    ("executors", SKEWED, "6"),
    ("executors-lost", LOST, "6"),
    ("storage", CACHED, "7"),
    ("rdd", CACHED, "7\r"),
    ("environment", SKEWED, "8"),
    ("streaming", STREAMING, "9"),
    ("query", STREAMING, "9\r"),
    ("nothing-cached", SKEWED, "7"),
    ("nothing-streaming", SKEWED, "9"),
    ("help", SKEWED, "4?"),
    ("go-to", SKEWED, ":stage "),
    ("themes", SKEWED, "t"),
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/logs")
}

/// The folder that is listed: links to some recordings.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let names = [
        SKEWED,
        "skewed-join-healthy-3.5.zstd",
        LOST,
        FAILED,
        PLANS,
        CACHED,
        STREAMING,
        RUNNING,
        "eventlog_v2_rolled-4",
    ];
    for name in names {
        std::os::unix::fs::symlink(fixtures().join(name), folder.path().join(name)).unwrap();
    }
    folder
}

/// A theme in which every role has a colour of its own.
fn roles() -> Theme {
    let folder = tempfile::tempdir().unwrap();
    let style = |role: &Role| match role {
        Role::Selected | Role::Tab | Role::ColumnCursor => format!("on {}", number(*role)),
        _ => number(*role).to_string(),
    };
    let lines: Vec<String> = Role::ALL
        .iter()
        .map(|role| format!("{} = \"{}\"\n", role.name(), style(role)))
        .collect();
    fs::write(folder.path().join("roles.toml"), format!("[roles]\n{}", lines.concat())).unwrap();
    theme::load("roles", Some(folder.path()), ColorLevel::Palette).unwrap()
}

fn number(role: Role) -> u8 {
    100 + role as u8
}

/// The letter that stands for a role.
fn letter(role: Role) -> char {
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
    LETTERS.chars().nth(role as usize).unwrap()
}

/// The letter of what a cell means: upper case in the selected row; `#` where no role was named.
fn meaning(cell: &ratatui::buffer::Cell) -> String {
    let role = |colour: Color| Role::ALL.iter().find(|role| Color::Indexed(number(**role)) == colour);
    let (fore, back) = (role(cell.fg), role(cell.bg));
    let letter = match (fore, back) {
        (_, None) | (Some(_), Some(Role::Selected)) if cell.symbol() == " " => ' ',
        (Some(fore), Some(Role::Selected)) => letter(*fore).to_ascii_uppercase(),
        (_, Some(back)) => letter(*back),
        (Some(fore), None) => letter(*fore),
        (None, None) => '#',
    };
    letter.to_string()
}

#[test]
fn every_view_at_every_size() {
    let folder = folder();
    let dark = Theme::built_in("dark", ColorLevel::True).unwrap();
    let roles = roles();
    let legend: Vec<String> = Role::ALL
        .iter()
        .map(|role| format!("{} {}", letter(*role), role.name()))
        .collect();
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let _bound = settings.bind_to_scope();
    for (name, recording, typed) in VIEWS {
        let source = || {
            let path = if recording.is_empty() {
                folder.path().to_owned()
            } else {
                fixtures().join(recording)
            };
            Source::parse(&path.display().to_string()).unwrap()
        };
        // Some looks are there on small screens alone: the keys are typed on one.
        for (charset, glyphs) in [("unicode", Glyphs::Unicode), ("ascii", Glyphs::Ascii)] {
            let mut shown = Shown::of(source(), Some(RULES), (&dark, glyphs), SIZES[0], typed);
            let pictures = SIZES.map(|size| {
                let text = rows(&shown.drawn(size), |cell| cell.symbol().to_owned());
                assert!(glyphs == Glyphs::Unicode || text.is_ascii(), "{name}: {text}");
                format!("{}x{}\n{text}\n", size.0, size.1)
            });
            insta::assert_snapshot!(format!("{name}-{charset}"), pictures.concat());
        }
        let mut shown = Shown::of(source(), Some(RULES), (&roles, Glyphs::Unicode), SIZES[0], typed);
        let grid = rows(&shown.drawn(GRID), meaning);
        assert!(
            !grid.contains('#'),
            "{name}: what has no role has no colour of a theme\n{grid}"
        );
        insta::assert_snapshot!(format!("{name}-roles"), format!("{}\n{grid}", legend.join("  ")));
    }
}
