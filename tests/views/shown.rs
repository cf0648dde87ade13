//! The program as a person has it before them, without loop and terminal: a source, keys, the screen as cells.

use std::collections::BTreeMap;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::tz::TimeZone;
use ratatui::{buffer::Buffer, layout::Rect};
use skewer::diagnosis::{Thresholds, diagnose};
use skewer::model::{Application, Listing};
use skewer::source::{Choice, Progress, Source};
use skewer::tui::effect::{Answer, Request};
use skewer::tui::keymap::Keymap;
use skewer::tui::screen::Opened;
use skewer::tui::state::{Tui, World};
use skewer::tui::theme::{self, ColorLevel, Theme};
use skewer::tui::widgets::Glyphs;

/// 2026-11-25 20:00 UTC.
const NOW_MS: i64 = 1_795_636_800_000;

/// The program without its loop and its terminal.
pub struct Shown {
    tui: Tui,
    source: Source,
    rules: Option<&'static [&'static str]>,
}

impl Shown {
    /// A source opened, and what was typed then. Findings of other rules than these are left out.
    pub fn of(
        source: Source,
        rules: Option<&'static [&'static str]>,
        (theme, glyphs): (&Theme, Glyphs),
        size: (u16, u16),
        typed: &str,
    ) -> Shown {
        let world = World {
            opened: Opened::default(),
            listing: Listing::default(),
            theme: theme.clone(),
            glyphs,
            now_ms: NOW_MS,
            zone: TimeZone::UTC,
            reading: None,
            partial: false,
        };
        let keymap = Keymap::new(&BTreeMap::new()).unwrap();
        let mut tui = Tui::new(world, keymap, "history.example.org".to_owned(), None);
        let first = tui.start(source.choice().cloned());
        let mut shown = Shown { tui, source, rules };
        shown.size(size);
        shown.answer(first);
        shown.typed(typed);
        shown
    }

    /// Types; `\r` is Enter, `\u{1b}` Esc.
    pub fn typed(&mut self, typed: &str) {
        for c in typed.chars() {
            let code = match c {
                '\r' => KeyCode::Enter,
                '\u{1b}' => KeyCode::Esc,
                c => KeyCode::Char(c),
            };
            let requests = self.tui.key(&KeyEvent::new(code, KeyModifiers::NONE));
            requests.into_iter().for_each(|request| self.answer(request));
            self.tui.fit();
        }
    }

    /// What the loop does on its threads.
    fn answer(&mut self, request: Request) {
        let more = match request {
            Request::List { ticket, progress } => {
                let mut listed = self.source.list(&progress).unwrap();
                for attempt in listed.applications.iter_mut().flat_map(|entry| &mut entry.attempts) {
                    // The time at which the file was last written is that of the checkout.
                    attempt.last_updated_ms = attempt.start_ms.map(|start| start + 60_000);
                }
                self.tui.answer(ticket, Answer::Listed(Ok(listed)))
            }
            Request::Open { ticket, choice, .. } => {
                let opened = self.open(&choice);
                self.tui.answer(ticket, Answer::Opened(Ok(opened)))
            }
            Request::Compare {
                ticket,
                choices: [a, b],
                ..
            } => {
                let both = [self.open(&a), self.open(&b)];
                self.tui.answer(ticket, Answer::Compared(Ok(both)))
            }
            Request::Work(work) => match work.done() {
                Some(done) => self.tui.answer(0, Answer::Worked(done)),
                None => Vec::new(),
            },
            Request::Themes => self.tui.answer(0, Answer::Themes(theme::list(None, ColorLevel::True))),
            other => panic!("no view asks for {other:?}"),
        };
        more.into_iter().for_each(|request| self.answer(request));
    }

    fn open(&self, choice: &Choice) -> Opened {
        let application: Application = self.source.open(choice, &Progress::default()).unwrap();
        let mut diagnosis = diagnose(&application, &Thresholds::default());
        let shown = |rule| self.rules.is_none_or(|rules| rules.contains(&rule));
        diagnosis.findings.retain(|finding| shown(finding.rule));
        Opened {
            application: Arc::new(application),
            diagnosis: Arc::new(diagnosis),
        }
    }

    fn size(&mut self, (width, height): (u16, u16)) {
        self.tui.resize(width, height);
        self.tui.fit();
    }

    /// The screen at a size.
    pub fn drawn(&mut self, size: (u16, u16)) -> Buffer {
        self.size(size);
        let mut buf = Buffer::empty(Rect::new(0, 0, size.0, size.1));
        self.tui.render(&mut buf);
        buf
    }
}

/// The screen as text, row by row; `cell` says what stands for a cell.
pub fn rows(buf: &Buffer, cell: impl Fn(&ratatui::buffer::Cell) -> String) -> String {
    let wide = usize::from(buf.area.width);
    let row = |cells: &[ratatui::buffer::Cell]| {
        let mut text = String::new();
        let mut covered = 0;
        for shown in cells {
            if covered > 0 {
                covered -= 1;
                continue;
            }
            covered = skewer::tui::line::width(shown.symbol()).saturating_sub(1);
            text.push_str(&cell(shown));
        }
        text.trim_end().to_owned()
    };
    let rows: Vec<String> = buf.content.chunks(wide).map(row).collect();
    rows.join("\n")
}
