//! The screen: state, actions, keymap, theme and drawing; screens one file a screen, widgets one a chart. `run` is called by the
//! command line. Everything but `event_loop`, `terminal` and the list of themes is free of
//! I/O.

pub mod action;
mod ascii;
pub mod effect;
mod event_loop;
mod frame;
pub mod keymap;
pub mod line;
mod loading;
pub mod panel;
pub mod screen;
pub mod screens;
pub mod scroll;
mod snapshot;
pub mod state;
pub mod table;
mod terminal;
#[cfg(test)]
pub(crate) mod testing;
pub mod theme;
pub mod when;
pub mod widgets;
pub mod work;

use std::io;

use jiff::tz::TimeZone;

use crate::diagnosis::Thresholds;
use crate::model::Listing;
use crate::settings::Settings;
use crate::source::{Choice, Source, SourceError};

use event_loop::End;
use keymap::{Keymap, KeymapError};
use screen::Opened;
use state::{Multiplexer, Tui, World};
use theme::{Theme, ThemeError};
use widgets::Glyphs;

/// Why the screen could not be run, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    /// The config file's keys.
    #[error(transparent)]
    Keymap(#[from] KeymapError),
    /// The theme that was asked for.
    #[error(transparent)]
    Theme(#[from] ThemeError),
    /// There was nothing to show.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The terminal.
    #[error("the terminal: {0}; skewer report prints without one")]
    Terminal(#[from] io::Error),
}

impl TuiError {
    /// The exit status: 2 for bad settings, 3 for what could not be reached or read.
    pub const fn exit_status(&self) -> u8 {
        match self {
            TuiError::Keymap(_) | TuiError::Theme(_) => 2,
            TuiError::Source(error) => error.exit_status(),
            TuiError::Terminal(_) => 3,
        }
    }
}

/// The theme that the settings ask for. One whose file is broken is the default theme, with what is wrong with the file.
///
/// # Errors
/// There is no theme of that name.
pub fn theme(settings: &Settings) -> Result<(Theme, Option<ThemeError>), ThemeError> {
    let level = theme::detect(settings.color, |name| std::env::var(name).ok());
    let name = settings.theme.as_deref().unwrap_or(theme::DEFAULT);
    match theme::load(name, settings.theme_folder.as_deref(), level) {
        Ok(theme) => Ok((theme, None)),
        Err(error @ ThemeError::Unknown { .. }) => Err(error),
        Err(error) => Ok((Theme::built_in(theme::DEFAULT, level)?, Some(error))),
    }
}

/// Takes the terminal over while `shown` runs, as the screen does: whatever ends it, a panic in any thread too, gives the terminal
/// back first.
///
/// # Errors
/// A terminal that cannot be used.
pub fn on_screen<T>(shown: impl FnOnce() -> T) -> io::Result<T> {
    terminal::leave_on_panic();
    let terminal = terminal::Terminal::enter(false)?;
    let value = shown();
    drop(terminal);
    Ok(value)
}

/// Opens the screen on a source: on the application chosen, else on the list. Blocks until the user quits and gives the exit status:
/// 0, or 128 and the number of the signal that ended it.
///
/// # Errors
/// Settings that cannot be used, a first load that failed, a terminal that cannot be used.
pub fn run(
    source: Source,
    choice: Option<Choice>,
    settings: &Settings,
    thresholds: Thresholds,
) -> Result<u8, TuiError> {
    let keymap = Keymap::new(&settings.keys)?;
    let (theme, trouble) = theme(settings)?;
    let world = World {
        opened: Opened::default(),
        listing: Listing::default(),
        theme,
        glyphs: if settings.ascii { Glyphs::Ascii } else { Glyphs::Unicode },
        now_ms: 0,
        zone: TimeZone::system(),
        reading: None,
        partial: false,
    };
    let mut tui = Tui::new(world, keymap, source.label().to_owned(), source.landing().cloned());
    tui.runs_in(Multiplexer::detect(|name| std::env::var(name).ok()));
    tui.warn_of_source(source.is_unchecked());
    if let Some(trouble) = trouble {
        tui.notice(trouble.to_string());
    }
    // One thread beside the loop's: signals are heard while the loop waits for the terminal.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    terminal::leave_on_panic();
    let ended = runtime.block_on(event_loop::run(tui, source, settings, thresholds, |tui| {
        tui.start(choice)
    }));
    terminal::leave();
    // A load that is under way is not waited for.
    runtime.shutdown_background();
    match ended? {
        End::Quit(text) => {
            if let Some(text) = text {
                let _closed = io::Write::write_all(&mut io::stdout(), text.as_bytes());
            }
            Ok(0)
        }
        End::Signal(number) => Ok(128 + number),
        End::Failed(error) => Err(error.into()),
    }
}
