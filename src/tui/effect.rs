//! What is asked for, from both sides. A screen asks with an [`Effect`]; the state navigates itself and asks the loop for what needs
//! the world with a [`Request`]. What takes time is answered with the ticket it was given; an answer to an old ticket is dropped.

use std::path::PathBuf;

use crate::model::{Listing, StageKey};
use crate::source::{Choice, Progress, SourceError};

use super::screen::{Opened, Place};
use super::theme::Listed;
use super::work::{Done, Work};

/// What a screen asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Go one level deeper.
    Go(Place),
    /// Open an application of the list.
    Open {
        /// Its id.
        id: String,
        /// The attempt; `None`: the latest.
        attempt: Option<String>,
    },
    /// Hold the second of two applications of the list against the first.
    Compare(Choice, Choice),
    /// Read a stage's tasks before others.
    LoadTasks(StageKey),
    /// Say something in the footer.
    Say(String),
}

/// Tells answers apart.
pub type Ticket = u64;

/// What the state asks of the loop.
#[derive(Debug)]
pub enum Request {
    /// List the applications.
    List {
        /// For the answer.
        ticket: Ticket,
        /// To watch and to stop it.
        progress: Progress,
    },
    /// Open an application.
    Open {
        /// For the answer.
        ticket: Ticket,
        /// Which.
        choice: Choice,
        /// To watch and to stop it.
        progress: Progress,
    },
    /// Open two applications with all their tasks.
    Compare {
        /// For the answer.
        ticket: Ticket,
        /// Which, the one to hold against first.
        choices: [Choice; 2],
        /// To watch and to stop it.
        progress: Progress,
    },
    /// Read a stage's tasks.
    LoadTasks {
        /// For the answer.
        ticket: Ticket,
        /// The application so far.
        opened: Opened,
        /// The stage attempt.
        key: StageKey,
        /// Whether more stages follow: what was found is worked out again after the last.
        more: bool,
        /// To watch and to stop it.
        progress: Progress,
    },
    /// Work out for the screens what would hold a key up.
    Work(Work),
    /// Write a text into the snapshot folder.
    Save {
        /// Application id.
        application: String,
        /// The screen's name.
        screen: String,
        /// The text.
        text: String,
    },
    /// Write the full report into the snapshot folder.
    SaveReport(Opened),
    /// List the themes to choose from.
    Themes,
    /// Hand a text to the terminal's clipboard.
    Copy(String),
    /// Draw everything anew.
    Redraw,
    /// Stop, until the shell continues us.
    Suspend,
    /// End, leaving this text in the terminal.
    Quit(Option<String>),
}

/// What the loop answers.
#[derive(Debug)]
pub enum Answer {
    /// The first applications; the rest is on its way.
    Listing(Listing),
    /// The applications.
    Listed(Result<Listing, SourceError>),
    /// The application as far as it has been read; the rest is on its way.
    Partial(Opened),
    /// All that is known by now of an application that runs and is followed.
    Current(Opened),
    /// The application, all of it.
    Opened(Result<Opened, SourceError>),
    /// The two applications to compare.
    Compared(Result<[Opened; 2], SourceError>),
    /// The application with a stage's tasks in it.
    TasksRead(Result<Opened, SourceError>),
    /// What was worked out.
    Worked(Done),
    /// The themes that there are.
    Themes(Vec<Listed>),
    /// Where something was written.
    Saved(Result<PathBuf, String>),
}
