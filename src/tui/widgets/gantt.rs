//! A timeline: one row a thing with a label, a bar from its start to its end, a mark and a note.
//! Drawn by the screens; knows nothing of what the rows are.

use ratatui::{buffer::Buffer, layout::Rect, style::Style, widgets::Widget};
use unicode_width::UnicodeWidthStr;

use super::{Glyphs, put};

/// The fewest columns worth writing a note into.
const NOTE_FROM: usize = 6;

/// One row of a timeline.
#[derive(Clone, Debug)]
pub struct GanttRow {
    /// What stands before the bar.
    pub label: String,
    /// Where the bar starts, in the unit of the timeline's ends.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
    /// A glyph at the bar's end (failed, a finding), and its style.
    pub mark: Option<(&'static str, Style)>,
    /// A word beside the bar where there is room.
    pub note: String,
    /// How the bar looks.
    pub style: Style,
}

/// Rows over one stretch of time, one line each from the top of the area; what finds no line is left out.
pub struct Gantt<'a> {
    /// The rows, from the top.
    pub rows: &'a [GanttRow],
    /// The time at the left edge.
    pub from: f64,
    /// The time at the right edge.
    pub to: f64,
    /// Columns for the labels, with the blank after them.
    pub label_width: u16,
    /// How labels look.
    pub text: Style,
    /// How notes look.
    pub faint: Style,
    /// What the bars are drawn with.
    pub glyphs: Glyphs,
}

impl Widget for Gantt<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let label_width = self.label_width.min(area.width);
        let plot = Rect {
            x: area.x + label_width,
            width: area.width - label_width,
            ..area
        };
        for (row, y) in self.rows.iter().zip(area.top()..area.bottom()) {
            let room = usize::from(label_width.saturating_sub(1));
            buf.set_stringn(area.x, y, &row.label, room, self.text);
            if plot.width > 0 {
                self.draw_row(row, Rect { y, height: 1, ..plot }, buf);
            }
        }
    }
}

impl Gantt<'_> {
    fn draw_row(&self, row: &GanttRow, line: Rect, buf: &mut Buffer) {
        let width = usize::from(line.width);
        let (start, end) = (self.eighth_of(row.start, width), self.eighth_of(row.end, width));
        let start = start.min(width * 8 - 1);
        let end = end.clamp(start + 1, width * 8);
        let (first, last) = (start / 8, (end - 1) / 8);
        for cell in first..=last {
            let glyph = if cell == last && cell == first {
                self.glyphs.across(end - start)
            } else if cell == first && start % 8 >= 4 {
                self.glyphs.pick("▐", "#")
            } else if cell == last {
                self.glyphs.across(end - last * 8)
            } else {
                self.glyphs.across(8)
            };
            put(buf, line.x + cell as u16, line.y, glyph, row.style);
        }
        let mut after = last + 1;
        if let Some((mark, style)) = row.mark {
            let at = after.min(width - 1);
            put(buf, line.x + at as u16, line.y, mark, style);
            after = at + 1;
        }
        self.draw_note(&row.note, first, after, line, buf);
    }

    /// The note goes after the bar, before it where that has more room, cut where neither is enough.
    fn draw_note(&self, note: &str, first: usize, after: usize, line: Rect, buf: &mut Buffer) {
        if note.is_empty() {
            return;
        }
        let (room_after, room_before) = (
            usize::from(line.width).saturating_sub(after + 1),
            first.saturating_sub(1),
        );
        let needed = note.width();
        if needed <= room_after || (room_after >= room_before && room_after >= NOTE_FROM) {
            buf.set_stringn(line.x + after as u16 + 1, line.y, note, room_after, self.faint);
        } else if room_before >= NOTE_FROM {
            let start = room_before.saturating_sub(needed);
            buf.set_stringn(line.x + start as u16, line.y, note, room_before - start, self.faint);
        }
    }

    fn eighth_of(&self, time: f64, width: usize) -> usize {
        let span = self.to - self.from;
        if span.is_nan() || span <= 0.0 || time.is_nan() {
            return 0;
        }
        (((time - self.from) / span).clamp(0.0, 1.0) * (width * 8) as f64).round() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::widgets::testing::drawn;

    fn row(label: &str, start: f64, end: f64) -> GanttRow {
        GanttRow {
            label: label.to_owned(),
            start,
            end,
            mark: None,
            note: String::new(),
            style: Style::new(),
        }
    }

    fn timeline<'a>(rows: &'a [GanttRow], from: f64, to: f64) -> Gantt<'a> {
        Gantt {
            rows,
            from,
            to,
            label_width: 4,
            text: Style::new(),
            faint: Style::new(),
            glyphs: Glyphs::Unicode,
        }
    }

    #[test]
    fn bars_lie_where_they_ran() {
        let failed = GanttRow {
            mark: Some(("✗", Style::new())),
            ..row("21", 80.0, 90.0)
        };
        let skewed = GanttRow {
            note: "skewed".to_owned(),
            ..row("17", 0.0, 50.0)
        };
        let late = GanttRow {
            note: "at the end".to_owned(),
            ..row("22", 85.0, 100.0)
        };
        let rows = [row("9", 0.0, 10.0), skewed, failed, late];
        assert_eq!(
            drawn(timeline(&rows, 0.0, 100.0), 24, 5),
            "9   ██\n17  ██████████ skewed\n21                  ██✗\n22        at the end ███\n"
        );
    }

    #[test]
    fn an_instant_is_one_eighth_and_a_mark_at_the_edge_stays_inside() {
        let rows = [
            row("a", 50.0, 50.0),
            GanttRow {
                mark: Some(("x", Style::new())),
                ..row("b", 90.0, 100.0)
            },
        ];
        assert_eq!(drawn(timeline(&rows, 0.0, 100.0), 14, 2), "a        ▏\nb            x");
    }

    #[test]
    fn degenerate_times_and_sizes_are_drawn_without_a_panic() {
        let wild = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1e300, 0.0, 1.0, 1e300];
        for (start, end) in wild.iter().flat_map(|&start| wild.map(|end| (start, end))) {
            let rows = [GanttRow {
                mark: Some(("x", Style::new())),
                note: "a long note here".to_owned(),
                ..row("label", start, end)
            }];
            for (from, to) in [(0.0, 1.0), (1.0, 1.0), (1.0, 0.0), (f64::NAN, 1.0)] {
                for (width, height) in [(0, 0), (1, 1), (4, 1), (5, 1), (9, 2), (60, 3)] {
                    drawn(timeline(&rows, from, to), width, height);
                }
            }
        }
        assert_eq!(drawn(timeline(&[], 0.0, 1.0), 5, 1), "");
    }

    #[test]
    fn ascii_alone() {
        let rows = [row("9", 7.0, 60.0)];
        assert!(
            drawn(
                Gantt {
                    glyphs: Glyphs::Ascii,
                    ..timeline(&rows, 0.0, 100.0)
                },
                30,
                1
            )
            .is_ascii()
        );
    }
}
