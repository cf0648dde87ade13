//! Draws the pictures of the README out of the built-in recordings, through the program's own state and drawing:
//! `cargo run --example screenshots` writes them into `screenshots/`.

mod svg;

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;
use ratatui::{buffer::Buffer, layout::Rect};
use skewer::diagnosis::{Thresholds, diagnose};
use skewer::model::Listing;
use skewer::source::{Choice, Progress, Source};
use skewer::tui::action::Action::{self, Enter, NextLook, Tab};
use skewer::tui::effect::{Answer, Request};
use skewer::tui::keymap::Keymap;
use skewer::tui::screen::Opened;
use skewer::tui::state::{Tui, World};
use skewer::tui::theme::{ColorLevel, Theme};
use skewer::tui::widgets::Glyphs;

/// A picture: its name, the recording, the size of the terminal, the theme, and what the user does.
type Picture = (&'static str, &'static str, (u16, u16), &'static str, &'static [Action]);

const PICTURES: &[Picture] = &[
    ("overview", "skewed-join", (120, 30), "dark", &[]),
    ("finding", "skewed-join", (150, 46), "dark", &[Enter]),
    ("stage", "skewed-join", (140, 44), "dark", &[Tab(4), Enter]),
    (
        "stage-80x24",
        "skewed-join",
        (80, 24),
        "dark",
        &[Tab(4), Enter, NextLook],
    ),
    (
        "lanes",
        "skewed-join",
        (120, 26),
        "dark",
        &[Tab(4), Enter, NextLook, NextLook, NextLook, NextLook],
    ),
    ("plan", "skewed-join", (140, 34), "dark", &[Tab(5), Enter]),
    ("executors", "skewed-join", (120, 24), "dark", &[Tab(6)]),
    ("environment", "skewed-join", (120, 24), "dark", &[Tab(8)]),
    ("task", "skewed-join", (120, 36), "dark", &[Tab(4), Enter, Enter]),
    ("light", "skewed-join", (120, 30), "light", &[]),
    ("high-contrast", "skewed-join", (120, 30), "high-contrast", &[]),
    ("color-blind-safe", "skewed-join", (120, 30), "color-blind-safe", &[]),
];

fn main() -> Result<(), Box<dyn Error>> {
    let folder = Path::new("screenshots");
    fs::create_dir_all(folder)?;
    for (name, case, (width, height), theme, actions) in PICTURES {
        let theme = Theme::built_in(theme, ColorLevel::True)?;
        let ground = theme.ground();
        let mut tui = open(case, theme)?;
        tui.resize(*width, *height);
        tui.fit();
        for action in *actions {
            tui.act(*action);
            tui.fit();
        }
        let mut buf = Buffer::empty(Rect::new(0, 0, *width, *height));
        tui.render(&mut buf);
        fs::write(folder.join(format!("{name}.svg")), svg::written(&buf, ground))?;
    }
    Ok(())
}

/// The program with a recording open.
fn open(case: &str, theme: Theme) -> Result<Tui, Box<dyn Error>> {
    let source = Source::demo(case)?;
    let choice = Choice::default();
    let application = source.open(&choice, &Progress::default())?;
    let diagnosis = Arc::new(diagnose(&application, &Thresholds::default()));
    let opened = Opened {
        application: Arc::new(application),
        diagnosis,
    };
    let world = World {
        opened: Opened::default(),
        listing: Listing::default(),
        theme,
        glyphs: Glyphs::Unicode,
        now_ms: 0,
        zone: TimeZone::UTC,
        reading: None,
        partial: false,
    };
    let mut tui = Tui::new(world, Keymap::new(&BTreeMap::new())?, source.label().to_owned(), None);
    if let Request::Open { ticket, .. } = tui.start(Some(choice)) {
        tui.answer(ticket, Answer::Opened(Ok(opened)));
    }
    Ok(tui)
}
