//! Cells that many lists have.

use std::borrow::Cow;

use crate::tui::line::Piece;
use crate::tui::theme::Role;

/// A number that may not have been recorded; a zero is not worth looking at.
pub fn recorded(value: Option<u64>, write: fn(u64) -> String) -> Piece<'static> {
    value.map_or((Cow::Borrowed("n/a"), Role::Dim), |value| match value {
        0 => (Cow::Borrowed("0"), Role::Dim),
        value => (Cow::Owned(write(value)), Role::Text),
    })
}
