//! What the screens' tests share: a world to show, and a screen drawn as text.

use std::sync::Arc;

use jiff::tz::TimeZone;
use ratatui::{buffer::Buffer, layout::Rect};

use crate::diagnosis::{Advice, Code, Confidence, Diagnosis, Evidence, Finding, Place, Severity};
use crate::model::{Application, Listing, StageKey, Unit};
use crate::schedule::TimeAccount;

use super::screen::{Context, Opened, Screen};
use super::theme::{ColorLevel, Theme};
use super::widgets::{Glyphs, testing};

/// 2026-11-21 09:40 UTC.
pub const NOW_MS: i64 = 1_795_254_000_000;

/// All that a screen may read.
pub struct World {
    pub opened: Opened,
    pub listing: Listing,
    pub theme: Theme,
    pub glyphs: Glyphs,
}

impl World {
    pub fn new(application: Application, findings: Vec<Finding>) -> World {
        World {
            opened: Opened {
                diagnosis: Arc::new(Diagnosis {
                    findings,
                    time: TimeAccount::of(&application),
                }),
                application: Arc::new(application),
            },
            listing: Listing::default(),
            theme: Theme::built_in("dark", ColorLevel::Sixteen).unwrap(),
            glyphs: Glyphs::Unicode,
        }
    }

    pub fn cx(&self) -> Context<'_> {
        static UTC: TimeZone = TimeZone::UTC;
        Context {
            opened: &self.opened,
            listing: &self.listing,
            theme: &self.theme,
            glyphs: self.glyphs,
            now_ms: NOW_MS,
            zone: &UTC,
            reading: None,
            partial: false,
            skipped: 0,
            whole: false,
        }
    }

    /// The screen as text, after it was told its data and its size.
    pub fn drawn(&self, screen: &mut dyn Screen, width: u16, height: u16) -> String {
        screen.refresh(&self.cx());
        self.redrawn(screen, width, height)
    }

    fn redrawn(&self, screen: &mut dyn Screen, width: u16, height: u16) -> String {
        let area = Rect::new(0, 0, width, height);
        let mut buf = Buffer::empty(area);
        screen.fit(area, &self.cx());
        self.settle(screen);
        screen.render(area, &mut buf, &self.cx());
        testing::text(&buf)
    }

    /// Works out what the screen wants to have worked out beside the loop.
    pub fn settle(&self, screen: &mut dyn Screen) {
        while let Some(work) = screen.work(&self.cx()) {
            assert!(
                screen.worked(work.done().unwrap(), &self.cx()).is_none(),
                "it takes what it asked for"
            );
        }
    }

    /// Draws the screen at every size from nothing upward.
    pub fn drawn_at_all_sizes(&self, screen: &mut dyn Screen) {
        screen.refresh(&self.cx());
        for width in (0..60).chain([79, 80, 81, 140, 300]) {
            for height in (0..30).chain([45, 100]) {
                self.redrawn(screen, width, height);
            }
        }
    }
}

/// A finding with all that one can have.
pub fn finding(title: &str, stage: Option<StageKey>) -> Finding {
    Finding {
        rule: "skewed-partition",
        severity: Severity::Critical,
        title: title.to_owned(),
        place: Place {
            stage,
            tasks: vec![42],
            ..Place::default()
        },
        evidence: vec![Evidence {
            metric: "duration of task 42".to_owned(),
            value: 291_000.0,
            unit: Unit::Millis,
            baseline: Some(4_200.0),
            note: "69× the median".to_owned(),
        }],
        cause: "One key holds most of the rows.".to_owned(),
        advice: vec![Advice {
            text: "Salt the join key with a factor of 70.".to_owned(),
            config: vec![("spark.sql.adaptive.enabled".to_owned(), "true".to_owned())],
            code: Code {
                python: "df.repartition(192)".to_owned(),
                ..Code::default()
            },
        }],
        saving_ms: Some(250_000),
        saving_note: String::new(),
        confidence: Confidence::High,
    }
}
