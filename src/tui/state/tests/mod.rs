//! The state without a loop: actions and answers in, requests and text out. Here what all its tests begin with.

mod coming;
mod drawing;
mod loads;
mod ways;

use std::sync::Arc;

use super::*;
use crate::diagnosis::{Diagnosis, Thresholds, diagnose};
use crate::model::{Application, ApplicationEntry, AttemptEntry, Listing};
use crate::source::{Progress, Source};
use crate::tui::effect::Answer;
use crate::tui::testing::NOW_MS;
use crate::tui::theme::ColorLevel;
use crate::tui::widgets::testing::text;

fn tui() -> Tui {
    let world = World {
        opened: Opened::default(),
        listing: Listing::default(),
        theme: Theme::built_in("dark", ColorLevel::Sixteen).unwrap(),
        glyphs: Glyphs::Unicode,
        now_ms: NOW_MS,
        zone: TimeZone::UTC,
        reading: None,
        partial: false,
    };
    let mut tui = Tui::new(
        world,
        Keymap::new(&Default::default()).unwrap(),
        "history:18080".to_owned(),
        None,
    );
    tui.resize(80, 24);
    tui
}

/// A recorded application, diagnosed.
fn recorded(case: &str) -> Opened {
    let source = Source::demo(case).unwrap();
    let application = source.open(&Choice::default(), &Progress::default()).unwrap();
    let diagnosis = diagnose(&application, &Thresholds::default());
    Opened {
        application: Arc::new(application),
        diagnosis: Arc::new(diagnosis),
    }
}

fn listing() -> Listing {
    let entry = |id: &str| ApplicationEntry {
        id: id.to_owned(),
        name: format!("etl {id}"),
        attempts: vec![AttemptEntry {
            completed: true,
            ..AttemptEntry::default()
        }],
    };
    Listing {
        applications: vec![entry("app-1"), entry("app-2"), entry("app-3")],
        losses: Vec::new(),
    }
}

/// A state with the list read.
fn listed() -> Tui {
    let mut tui = tui();
    let Request::List { ticket, .. } = tui.start(None) else {
        panic!("the list is read first")
    };
    assert!(tui.pulse().is_some());
    assert!(tui.answer(ticket, Answer::Listed(Ok(listing()))).is_empty());
    tui
}

/// A state with a recorded application open and no list.
fn opened(case: &str) -> Tui {
    let mut tui = tui();
    let Request::Open { ticket, .. } = tui.start(Some(Choice::default())) else {
        panic!("it is opened at once")
    };
    tui.answer(ticket, Answer::Opened(Ok(recorded(case))));
    tui
}

fn screen(tui: &mut Tui) -> String {
    tui.fit();
    let mut buf = Buffer::empty(tui.area());
    tui.render(&mut buf);
    text(&buf)
}
