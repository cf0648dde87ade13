//! The built-in keys.

use super::Action;

/// Action, name, keys, footer word, help line. The order is that of the help screen.
#[rustfmt::skip]
pub const TABLE: &[(Action, &str, &[&str], &str, &str)] = &[
    (Action::Up, "up", &["up", "k"], "up", "the row above"),
    (Action::Down, "down", &["down", "j"], "down", "the row below"),
    (Action::PageUp, "page-up", &["pgup", "ctrl-u"], "page up", "a screenful up"),
    (Action::PageDown, "page-down", &["pgdn", "ctrl-d"], "page down", "a screenful down"),
    (Action::First, "first", &["g", "home"], "first", "the first row"),
    (Action::Last, "last", &["G", "end"], "last", "the last row"),
    (Action::Enter, "enter", &["enter"], "open", "one level deeper, into the evidence for what the cursor is on"),
    (Action::Back, "back", &["esc", "backspace"], "back", "one level back, to where you were; clears a filter first"),
    (Action::Filter, "filter", &["/"], "filter", "show matching rows alone: fuzzy; ! at the front turns it round"),
    (Action::Left, "left", &["left", "h"], "column", "the column to the left"),
    (Action::Right, "right", &["right", "l"], "column", "the column to the right"),
    (Action::Sort, "sort", &["s"], "sort", "sort by the marked column; again: the other way round"),
    (Action::Reverse, "reverse", &["S"], "reverse", "turn the order round"),
    (Action::NextFinding, "next-finding", &["n"], "next finding", "the next finding, and where it shows"),
    (Action::PreviousFinding, "previous-finding", &["N"], "previous", "the finding before"),
    (Action::GoTo, "go-to", &[":"], "go to", "go to a stage, task, exec, job, finding or app: stage 17, task 42.0"),
    (Action::NextLook, "look", &["v"], "look", "another look at the same data"),
    (Action::Tab(1), "tab-1", &["1"], "overview", "where the time went, and what to fix first"),
    (Action::Tab(2), "tab-2", &["2"], "findings", "everything that was found, with evidence and advice"),
    (Action::Tab(3), "tab-3", &["3"], "jobs", "the jobs"),
    (Action::Tab(4), "tab-4", &["4"], "stages", "the stages"),
    (Action::Tab(5), "tab-5", &["5"], "executors", "the executors and their memory"),
    (Action::Tab(6), "tab-6", &["6"], "environment", "the settings, secrets removed"),
    (Action::NextTab, "next-tab", &["tab"], "tabs", "the tab to the right"),
    (Action::PreviousTab, "previous-tab", &["backtab"], "tab back", "the tab to the left"),
    (Action::Export, "export", &["e"], "export", "write this screen into a text file, with all rows"),
    (Action::FullReport, "report", &["E"], "report", "write the full report into a text file"),
    (Action::Copy, "copy", &["y"], "copy", "copy what the cursor is on to the clipboard (OSC 52)"),
    (Action::Reload, "reload", &["r"], "reload", "read the data again"),
    (Action::Theme, "theme", &["t"], "theme", "choose a colour theme: each is shown at once, Esc goes back"),
    (Action::Help, "help", &["?", "f1"], "help", "this help"),
    (Action::Redraw, "redraw", &["ctrl-l"], "redraw", "draw everything anew"),
    (Action::Suspend, "suspend", &["ctrl-z"], "suspend", "back to the shell; fg returns"),
    (Action::Quit, "quit", &["q"], "quit", "close what is open, else quit"),
    (Action::QuitAndPrint, "quit-print", &["Q"], "quit+print", "quit and leave this screen as text in the terminal"),
    (Action::QuitAtOnce, "quit-at-once", &["ctrl-c"], "quit", "quit from anywhere"),
];
