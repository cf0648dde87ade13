//! Drawing a table: which columns fit, and the rows in view.

use ratatui::style::{Color, Modifier};
use ratatui::{buffer::Buffer, layout::Rect};

use super::{Column, Rows, Table};
use crate::tui::line::{self, Align, Piece};
use crate::tui::screen::Context;
use crate::tui::theme::Role;

/// Cells of the cursor mark before a row.
const MARK: u16 = 2;

/// Cells between columns.
const GAP: u16 = 2;

impl Table {
    /// Draws the head line and the rows in view.
    pub fn render(&self, area: Rect, buf: &mut Buffer, rows: &dyn Rows, cx: &Context<'_>) {
        let area = area.intersection(buf.area);
        if area.width <= MARK || area.height == 0 {
            return;
        }
        let layout = layout(self.columns, area.width - MARK, self.cursor);
        self.render_head(area, buf, &layout, cx);
        let body = usize::from(area.height - 1);
        // A taller area than was told (the snapshot) shows more rows, from the first that lets it be full.
        let top = match cx.skipped {
            0 => self.top.min(self.order.len().saturating_sub(body)),
            skipped => skipped,
        };
        for (line, (at, row)) in self.order.iter().enumerate().skip(top).take(body).enumerate() {
            let y = area.y + 1 + u16::try_from(line).unwrap_or(u16::MAX - area.y - 1);
            self.render_row(
                Rect { y, height: 1, ..area },
                buf,
                &layout,
                (at == self.at, *row as usize),
                rows,
                cx,
            );
        }
        if self.order.is_empty() && body > 0 {
            let nothing = if self.filter.is_on() {
                "nothing matches; Esc clears the filter"
            } else {
                "nothing here"
            };
            line::put(buf, area, area.x + MARK, area.y + 1, nothing, cx.style(Role::Dim));
        }
    }

    fn render_head(&self, area: Rect, buf: &mut Buffer, layout: &[Laid], cx: &Context<'_>) {
        for laid in layout {
            let Some(column) = self.columns.get(laid.column) else {
                continue;
            };
            let mark = match self.sort {
                Some((sorted, true)) if sorted == laid.column => cx.glyphs.pick("▼", "v"),
                Some((sorted, false)) if sorted == laid.column => cx.glyphs.pick("▲", "^"),
                _ => "",
            };
            let wide = usize::from(laid.width);
            let head = line::cut(column.title, wide.saturating_sub(line::width(mark))) + mark;
            let role = if laid.column == self.cursor {
                Role::ColumnCursor
            } else {
                Role::Header
            };
            let before = match column.align {
                Align::Left => 0,
                Align::Right => wide.saturating_sub(line::width(&head)),
            };
            let x = area.x + MARK + laid.x + u16::try_from(before).unwrap_or(0);
            line::put(buf, area, x, area.y, &head, cx.style(role));
        }
    }

    fn render_row(
        &self,
        area: Rect,
        buf: &mut Buffer,
        layout: &[Laid],
        (chosen, row): (bool, usize),
        rows: &dyn Rows,
        cx: &Context<'_>,
    ) {
        for laid in layout {
            let Some(column) = self.columns.get(laid.column) else {
                continue;
            };
            let (text, role): Piece<'_> = rows.cell(row, laid.column);
            let wide = usize::from(laid.width);
            let too_long = line::width(&text) > wide;
            let text = match text.rsplit_once(" at ") {
                _ if column.ends => line::cut_front(&text, wide),
                Some((_, site)) if column.sites && too_long => site.to_owned(),
                _ => text.into_owned(),
            };
            let text = line::pad(&text, wide, column.align);
            line::put(buf, area, area.x + MARK + laid.x, area.y, &text, cx.style(role));
        }
        if chosen {
            line::put(
                buf,
                area,
                area.x,
                area.y,
                cx.glyphs.pick("▸", ">"),
                cx.style(Role::Text),
            );
            let selected = cx.style(Role::Selected);
            // Reversed, a cell's colour would become a patch of background.
            let reversed = selected.add_modifier.contains(Modifier::REVERSED);
            buf.set_style(area, if reversed { selected.fg(Color::Reset) } else { selected });
        }
    }
}

/// Where a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Laid {
    pub column: usize,
    pub x: u16,
    pub width: u16,
}

/// The columns that fit into `width` cells: those of the highest rank go first, the one under the cursor stays.
pub(super) fn layout(columns: &[Column], width: u16, cursor: usize) -> Vec<Laid> {
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    let rank = |column: usize| columns.get(column).map_or(0, |known| known.rank);
    let takes = |shown: &[usize]| {
        let cells: u16 = shown
            .iter()
            .filter_map(|column| columns.get(*column))
            .map(|column| column.width + GAP)
            .sum();
        cells.saturating_sub(GAP)
    };
    while takes(&shown) > width {
        let droppable = shown
            .iter()
            .copied()
            .filter(|column| rank(*column) > 0 && *column != cursor);
        // Of equal ranks the one further right goes first.
        let Some(worst) = droppable.max_by_key(|column| (rank(*column), *column)) else {
            break;
        };
        shown.retain(|column| *column != worst);
    }
    let spare = width.saturating_sub(takes(&shown));
    let growing = shown
        .iter()
        .filter(|column| columns.get(**column).is_some_and(|known| known.grows))
        .count();
    let mut share = if growing == 0 {
        0
    } else {
        spare / u16::try_from(growing).unwrap_or(1)
    };
    let mut rest = spare.saturating_sub(share.saturating_mul(u16::try_from(growing).unwrap_or(1)));
    if growing == 0 {
        (share, rest) = (0, 0);
    }
    let mut laid = Vec::with_capacity(shown.len());
    let mut x = 0;
    for column in shown {
        let Some(known) = columns.get(column) else { continue };
        let more = if known.grows {
            share + std::mem::take(&mut rest)
        } else {
            0
        };
        let room = width.saturating_sub(x);
        let wide = (known.width + more).min(room);
        if wide == 0 {
            break;
        }
        laid.push(Laid { column, x, width: wide });
        x += wide + GAP;
    }
    laid
}
