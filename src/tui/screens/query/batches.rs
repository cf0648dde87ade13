//! The batches of a streaming query as a list, and where the time of one went.

use std::borrow::Cow;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::model::{StreamingBatch, StreamingQuery};
use crate::tui::line::{self, Align, Piece};
use crate::tui::panel::panel;
use crate::tui::screen::Context;
use crate::tui::screens::pieces::{clock, known};
use crate::tui::screens::streaming::rate;
use crate::tui::table::{Column, Key, Rows};
use crate::tui::theme::Role;
use crate::tui::when;
use crate::tui::widgets::bar;
use crate::units;

use super::charts::{after_ms, behind, shown};

/// The columns of the list.
pub const COLUMNS: &[Column] = &[
    Column::number("Batch", 7, 0),
    Column::text("Started", 8, 3),
    Column::number("Duration", 9, 0),
    Column::number("Interval", 8, 2),
    Column::number("Rows in", 10, 0),
    Column::number("Input", 9, 1),
    Column::number("Processed", 9, 1),
    Column::number("State rows", 10, 4),
    Column::number("Behind", 9, 5),
    Column::text("Watermark", 9, 6),
];

/// Where a batch's time went, then what it read and wrote.
pub fn phases(batch: &StreamingBatch, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let right = batch.duration_ms.map_or(String::new(), units::duration);
    let inside = panel(area, &format!("Phases of batch {}", batch.id), &right, buf, cx);
    let mut rows = inside.top()..inside.bottom();
    let most = batch.phases_ms.iter().map(|(_, ms)| *ms).max().unwrap_or(0).max(1);
    let name_cells = batch
        .phases_ms
        .iter()
        .map(|(name, _)| line::width(name))
        .max()
        .unwrap_or(0)
        .min(24);
    let cells = usize::from(inside.width).saturating_sub(name_cells + 12).min(40);
    // `triggerExecution` is the whole, not a part.
    let parts = batch.phases_ms.iter().filter(|(name, _)| name != "triggerExecution");
    for ((name, ms), y) in parts.zip(&mut rows) {
        let text = format!(
            "{}{:>10}  ",
            line::pad(name, name_cells, Align::Left),
            units::duration(*ms)
        );
        let x = line::put(buf, inside, inside.x, y, &text, cx.style(Role::Text));
        line::put(
            buf,
            inside,
            x,
            y,
            &bar::across(*ms as f64 / most as f64, cells, cx.glyphs),
            cx.style(Role::Compute),
        );
    }
    let source = |at: usize| {
        let source = &batch.sources[at];
        let rows = match source.input_rows {
            None => "n/a rows".to_owned(),
            Some(1) => "1 row".to_owned(),
            Some(rows) => format!("{} rows", units::short_count(rows)),
        };
        let behind = source.max_offsets_behind.map_or(String::new(), |behind| {
            format!(", {} behind", shown(behind, units::short_count))
        });
        format!("from {}: {rows}{behind}", source.description)
    };
    let sources = (0..batch.sources.len()).map(source);
    let state = batch.state_bytes.map(|bytes| format!("state {}", units::bytes(bytes)));
    let more = sources
        .chain(batch.sink.as_ref().map(|sink| format!("to {sink}")))
        .chain(state);
    for (text, y) in more
        .flat_map(|text| line::wrap(&text, usize::from(inside.width)))
        .zip(&mut rows)
    {
        line::put(buf, inside, inside.x, y, &text, cx.style(Role::Dim));
    }
}

/// The batches.
pub struct BatchRows<'a> {
    /// Whose they are.
    pub query: &'a StreamingQuery,
    /// The usual time between two, ms.
    pub interval: Option<u64>,
    /// What it may read.
    pub cx: &'a Context<'a>,
}

impl Rows for BatchRows<'_> {
    fn count(&self) -> usize {
        self.query.batches.len()
    }

    fn id(&self, row: usize) -> String {
        self.query.batches[row].id.to_string()
    }

    fn cell(&self, row: usize, column: usize) -> Piece<'_> {
        let batch = &self.query.batches[row];
        let text: Cow<'_, str> = match column {
            0 => batch.id.to_string().into(),
            1 => return clock(batch.start_ms, self.cx),
            2 => match batch.duration_ms {
                Some(ms) => {
                    let slow = self.interval.is_some_and(|interval| ms > interval);
                    return (
                        units::duration(ms).into(),
                        if slow { Role::Warning } else { Role::Text },
                    );
                }
                None => return ("n/a".into(), Role::Dim),
            },
            3 => {
                return (
                    after_ms(&self.query.batches, row).map_or("".into(), |ms| units::duration(ms).into()),
                    Role::Dim,
                );
            }
            4 => return known(batch.input_rows, units::short_count),
            5 => return rate(batch.input_rows_per_second),
            6 => return rate(batch.processed_rows_per_second),
            7 => return known(batch.state_rows, units::short_count),
            8 => return known(behind(batch), |behind| shown(behind, units::short_count)),
            _ => match batch.watermark_ms {
                Some(at) => when::clock(at, self.cx.zone).into(),
                None => return ("none".into(), Role::Dim),
            },
        };
        (text, Role::Text)
    }

    fn key(&self, row: usize, column: usize) -> Key<'_> {
        let batch = &self.query.batches[row];
        let rate = |rate: Option<f64>| rate.filter(|rate| rate.is_finite()).map_or(Key::Absent, Key::Number);
        match column {
            0 => Key::Number(batch.id as f64),
            1 => Key::time(batch.start_ms),
            2 => Key::number(batch.duration_ms),
            3 => Key::number(after_ms(&self.query.batches, row)),
            4 => Key::number(batch.input_rows),
            5 => rate(batch.input_rows_per_second),
            6 => rate(batch.processed_rows_per_second),
            7 => Key::number(batch.state_rows),
            8 => rate(behind(batch)),
            _ => Key::time(batch.watermark_ms),
        }
    }

    fn search(&self, row: usize, into: &mut String) {
        into.push_str(&self.query.batches[row].id.to_string());
    }
}
