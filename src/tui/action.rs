//! What a person can ask for. Keys, tests and the loop all speak it; which key means which action is the keymap's alone.

/// Something asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Action {
    /// The row above.
    Up,
    /// The row below.
    Down,
    /// A screenful up.
    PageUp,
    /// A screenful down.
    PageDown,
    /// The first row.
    First,
    /// The last row.
    Last,
    /// The column to the left.
    Left,
    /// The column to the right.
    Right,
    /// One level deeper.
    Enter,
    /// One level back.
    Back,
    /// Sort by the column under the cursor; again: the other way round.
    Sort,
    /// Turn the sort order round.
    Reverse,
    /// Type a filter.
    Filter,
    /// The next finding.
    NextFinding,
    /// The finding before.
    PreviousFinding,
    /// Type where to go.
    GoTo,
    /// Another look at the same data.
    NextLook,
    /// What a stage would take if; again: what it took.
    WhatIf,
    /// Mark a row, or fold what is below it.
    Mark,
    /// A tab by its number, from 1.
    Tab(u8),
    /// The tab to the right.
    NextTab,
    /// The tab to the left.
    PreviousTab,
    /// Write this screen into a file.
    Export,
    /// Write the full report into a file.
    FullReport,
    /// Copy what the cursor is on.
    Copy,
    /// Read the data again.
    Reload,
    /// Choose a colour theme.
    Theme,
    /// Follow an application that runs, hold that, or go on with it.
    Follow,
    /// The keys of this screen.
    Help,
    /// Close what is open, else quit.
    Quit,
    /// Quit from anywhere.
    QuitAtOnce,
    /// Quit and leave the screen as text.
    QuitAndPrint,
    /// Draw everything anew.
    Redraw,
    /// Stop, until the shell continues us.
    Suspend,
    /// A character, while a filter is typed.
    Type(char),
    /// Delete a character, while a filter is typed.
    Erase,
    /// Delete a word, while a filter is typed.
    EraseWord,
    /// Delete everything, while a filter is typed.
    EraseAll,
    /// Keep the filter and go back to the list.
    Accept,
}

impl Action {
    /// Whether it moves a cursor by one row, as a key does that is held down.
    pub const fn steps(self) -> bool {
        matches!(self, Action::Up | Action::Down)
    }

    /// Whether it moves a cursor, and may be at the end of its way.
    pub const fn moves(self) -> bool {
        matches!(
            self,
            Action::Up
                | Action::Down
                | Action::PageUp
                | Action::PageDown
                | Action::First
                | Action::Last
                | Action::Left
                | Action::Right
        )
    }
}
