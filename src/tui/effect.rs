//! What a screen asks for. The state does the navigation itself; the rest needs the world and is executed by the loop, as tasks
//! that answer with the ticket they were given. An answer to an old ticket is dropped.

use crate::model::StageKey;

use super::screen::Place;

/// Something to be done outside a screen.
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
    /// Read a stage's tasks, unless they are there.
    LoadTasks(StageKey),
    /// Say something in the line above the footer.
    Say(String),
}
