//! One run of a streaming query: rates, batch duration and state over its batches, the batches, the phases of the chosen one,
//! what ended it.

mod batches;
mod charts;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::model::StreamingQuery;
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::line;
use crate::tui::panel::{below, panel};
use crate::tui::screen::{Context, Screen};
use crate::tui::screens::streaming::{query_name, query_status};
use crate::tui::scroll::{Line, Scroll, put_lines};
use crate::tui::table::Table;
use crate::tui::theme::Role;
use crate::tui::when;
use crate::units;

use batches::{BatchRows, COLUMNS, phases};
use charts::of_query;

pub use charts::{charts, interval_ms};

/// From this width on the phases stand beside the batches.
const WIDE: u16 = 120;

/// Rows that the batches take at least, with title and head.
const BATCHES: u16 = 6;

/// What stands above the batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// The charts.
    Charts,
    /// The phases of the chosen batch, where they are not beside it.
    Phases,
    /// What ended the query, whole.
    Exception,
}

/// One run of a query.
#[derive(Debug)]
pub struct QueryScreen {
    run: String,
    look: Look,
    table: Table,
    exception: Scroll,
    area: Rect,
}

/// Areas of the screen; empty where a part is not shown.
struct Arranged {
    head: Rect,
    look: Rect,
    batches: Rect,
    phases: Rect,
}

impl QueryScreen {
    /// The screen of a run, by its id.
    pub fn new(run: &str) -> QueryScreen {
        QueryScreen {
            run: run.to_owned(),
            look: Look::Charts,
            table: Table::new(COLUMNS, Some((0, true))),
            exception: Scroll::default(),
            area: Rect::ZERO,
        }
    }

    fn query<'a>(&self, cx: &Context<'a>) -> Option<&'a StreamingQuery> {
        cx.application().streaming.iter().find(|query| query.run_id == self.run)
    }

    fn rows<'a>(query: &'a StreamingQuery, cx: &'a Context<'a>) -> BatchRows<'a> {
        BatchRows {
            query,
            interval: interval_ms(query),
            cx,
        }
    }

    fn head(query: &StreamingQuery, width: usize, cx: &Context<'_>) -> Vec<Line> {
        let (status, role) = query_status(query, cx);
        let at = |moment: Option<i64>| moment.map_or("n/a".to_owned(), |at| when::clock(at, cx.zone));
        let ended = query
            .end_ms
            .map_or(String::new(), |end| format!(" to {}", at(Some(end))));
        let about = format!(
            "  {}{ended}, {}",
            at(query.start_ms),
            match query.batches.len() {
                1 => "1 batch".to_owned(),
                batches => format!("{} batches", units::count(batches as u64)),
            }
        );
        let mut lines = vec![vec![
            (status, role),
            (about, Role::Text),
            (format!("  id {}", query.id), Role::Dim),
        ]];
        let reason = query
            .exception
            .as_deref()
            .and_then(|text| text.lines().next())
            .unwrap_or_default();
        lines.extend(
            line::wrap(reason, width)
                .into_iter()
                .take(2)
                .map(|text| vec![(text, Role::Critical)]),
        );
        lines
    }

    fn arrange(&self, query: &StreamingQuery, area: Rect, cx: &Context<'_>) -> Arranged {
        let head = u16::try_from(Self::head(query, usize::from(area.width), cx).len())
            .unwrap_or(1)
            .min(area.height);
        let rest = area.height - head;
        let charts = u16::try_from(of_query(query, None).len()).unwrap_or(1);
        let wanted = match self.look {
            Look::Charts if rest >= 30 => 2 + 2 * charts,
            Look::Charts => 2 + charts,
            Look::Phases | Look::Exception => rest / 2,
        };
        let look = if rest >= BATCHES + 4 {
            wanted.min(rest - BATCHES)
        } else {
            0
        };
        let part = |y: u16, height: u16| Rect { y, height, ..area };
        let batches = part(area.y + head + look, rest - look);
        let beside = if area.width >= WIDE && self.look != Look::Phases {
            area.width * 2 / 5
        } else {
            0
        };
        let gap = if beside > 0 { 2 } else { 0 };
        Arranged {
            head: part(area.y, head),
            look: part(area.y + head, look),
            batches: Rect {
                width: batches.width - beside - gap,
                ..batches
            },
            phases: Rect {
                x: batches.right() - beside,
                width: beside,
                ..batches
            },
        }
    }

    fn exception(query: &StreamingQuery, width: u16) -> Vec<Line> {
        let text = query.exception.as_deref().unwrap_or_default();
        line::wrap(text, usize::from(width))
            .into_iter()
            .map(|text| vec![(text, Role::Critical)])
            .collect()
    }
}

impl Screen for QueryScreen {
    fn title(&self, cx: &Context<'_>) -> String {
        self.query(cx)
            .map_or_else(|| "Query".to_owned(), |query| format!("Query {}", query_name(query)))
    }

    fn update(&mut self, action: Action, cx: &Context<'_>) -> Vec<Effect> {
        let Some(query) = self.query(cx) else { return Vec::new() };
        let paging = matches!(action, Action::PageUp | Action::PageDown);
        if self.look == Look::Exception && paging && self.exception.update(action) {
            return Vec::new();
        }
        match action {
            Action::NextLook => {
                self.look = match self.look {
                    Look::Charts => Look::Phases,
                    Look::Phases if query.exception.is_some() => Look::Exception,
                    _ => Look::Charts,
                };
                self.fit(self.area, cx);
            }
            action => drop(self.table.update(action, &Self::rows(query, cx))),
        }
        Vec::new()
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let area = area.intersection(buf.area);
        let Some(query) = self.query(cx) else {
            line::put(
                buf,
                area,
                area.x,
                area.y,
                "this query is no longer there",
                cx.style(Role::Dim),
            );
            return;
        };
        let arranged = self.arrange(query, area, cx);
        let head = Self::head(query, usize::from(area.width), cx);
        put_lines(&head, arranged.head, buf, cx);
        let chosen = self.table.selected().filter(|at| *at < query.batches.len());
        let batch = chosen.and_then(|at| query.batches.get(at));
        if arranged.look.height > 0 {
            match (self.look, batch) {
                (Look::Charts, _) => {
                    let inside = panel(arranged.look, "Rates, duration and state by batch", "", buf, cx);
                    charts(query, chosen, inside, buf, cx);
                }
                (Look::Phases, Some(batch)) => phases(batch, arranged.look, buf, cx),
                (Look::Phases, None) => drop(panel(arranged.look, "Phases", "no batch", buf, cx)),
                (Look::Exception, _) => {
                    let lines = Self::exception(query, arranged.look.width);
                    self.exception
                        .render("What ended it", "", &lines, arranged.look, buf, cx);
                }
            }
        }
        if let Some(batch) = batch.filter(|_| arranged.phases.width > 0) {
            phases(batch, arranged.phases, buf, cx);
        }
        let looks = if query.exception.is_some() { 3 } else { 2 };
        let right = format!(
            "{}  look {} of {looks}",
            self.table.summary(cx.glyphs),
            self.look as u8 + 1
        );
        let title = format!("Batches ({})", units::count(query.batches.len() as u64));
        let inside = panel(arranged.batches, &title, right.trim(), buf, cx);
        self.table.render(inside, buf, &Self::rows(query, cx), cx);
    }

    fn followers(&self, area: Rect, cx: &Context<'_>) -> Vec<Rect> {
        let arranged = self.query(cx).map(|query| self.arrange(query, area, cx));
        arranged
            .into_iter()
            .flat_map(|arranged| [arranged.look, arranged.phases])
            .collect()
    }

    fn fit(&mut self, area: Rect, cx: &Context<'_>) {
        self.area = area;
        let Some(query) = self.query(cx) else { return };
        let arranged = self.arrange(query, area, cx);
        self.table.fit(below(arranged.batches).height);
        let lines = Self::exception(query, arranged.look.width).len();
        self.exception.fit(arranged.look, lines);
    }

    fn height(&self, width: u16, cx: &Context<'_>) -> usize {
        let Some(query) = self.query(cx) else { return 1 };
        let head = Self::head(query, usize::from(width), cx).len();
        let look = match self.look {
            Look::Charts => 2 + 2 * of_query(query, None).len(),
            // Half of the height is the look's.
            Look::Phases | Look::Exception => 2 + Self::exception(query, width).len().max(20),
        };
        head + look + look.max(1 + self.table.height())
    }

    fn rows(&self) -> usize {
        self.table.len()
    }

    fn actions(&self) -> &'static [Action] {
        &[
            Action::NextLook,
            Action::Sort,
            Action::Filter,
            Action::Copy,
            Action::Export,
        ]
    }

    fn back(&mut self, cx: &Context<'_>) -> bool {
        let Some(query) = self.query(cx) else { return false };
        self.table.back(&Self::rows(query, cx))
    }

    fn typing(&self) -> bool {
        self.table.typing()
    }

    fn refresh(&mut self, cx: &Context<'_>) {
        let Some(query) = self.query(cx) else { return };
        self.table.refresh(&Self::rows(query, cx));
        self.fit(self.area, cx);
    }

    fn copy(&self, cx: &Context<'_>) -> Option<(String, String)> {
        let query = self.query(cx)?;
        match &query.exception {
            Some(error) => Some(("error message".to_owned(), error.clone())),
            None => Some((
                "query".to_owned(),
                format!("{} id {} run {}", query_name(query), query.id, query.run_id),
            )),
        }
    }
}
