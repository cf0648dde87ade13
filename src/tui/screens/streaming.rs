//! Streaming queries: whether each keeps up with what comes in. Enter opens one.

use std::borrow::Cow;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::model::{Origin, StreamingBatch, StreamingQuery};
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::line::Piece;
use crate::tui::panel::{below, list_and_chosen, panel};
use crate::tui::screen::{Context, Place, Screen};
use crate::tui::screens::pieces::{LIST, clock, known, nothing};
use crate::tui::screens::query;
use crate::tui::table::{Column, Key, Rows, Table};
use crate::tui::theme::Role;
use crate::units;

const COLUMNS: &[Column] = &[
    Column::text("Query", 16, 0).growing(),
    Column::text("Status", 10, 0),
    Column::text("Started", 8, 5),
    Column::number("Batches", 7, 2),
    Column::number("Input", 9, 1),
    Column::number("Processed", 9, 1),
    Column::number("Last batch", 10, 3),
    Column::number("Interval", 9, 4),
    Column::number("State rows", 10, 2),
];

/// Rows below the list for the chosen query, with their title.
const CHOSEN: u16 = 9;

/// The list.
#[derive(Debug)]
pub struct Streaming {
    table: Table,
}

impl Default for Streaming {
    /// All queries, as they began.
    fn default() -> Streaming {
        Streaming {
            table: Table::new(COLUMNS, None),
        }
    }
}

struct QueryRows<'a> {
    cx: &'a Context<'a>,
}

/// How a query is called: by its author, else by the beginning of its id.
pub fn query_name(query: &StreamingQuery) -> String {
    match &query.name {
        Some(name) if !name.is_empty() => name.clone(),
        _ => query.id.chars().take(8).collect(),
    }
}

/// A query's status in a word, with the glyph that tells it without colour.
pub fn query_status(query: &StreamingQuery, cx: &Context<'_>) -> (String, Role) {
    let (mark, word, role) = match (&query.exception, query.end_ms) {
        (Some(_), _) => (cx.glyphs.pick("✗", "x"), "failed", Role::Critical),
        (None, Some(_)) => (cx.glyphs.pick("✓", "+"), "ended", Role::Good),
        // The application may have gone without a word of the query.
        (None, None) if cx.application().end_ms.is_some() => (cx.glyphs.pick("…", "."), "no end", Role::Warning),
        (None, None) => (cx.glyphs.pick("▶", ">"), "running", Role::Running),
    };
    (format!("{mark} {word}"), role)
}

/// A rate, rows a second.
pub fn rate(rate: Option<f64>) -> Piece<'static> {
    match rate.filter(|rate| rate.is_finite() && *rate >= 0.0) {
        None => ("n/a".into(), Role::Dim),
        Some(rate) if rate < 10.0 => (format!("{rate:.1}/s").into(), Role::Text),
        Some(rate) => (
            format!("{}/s", units::short_count(rate.round() as u64)).into(),
            Role::Text,
        ),
    }
}

/// The mean of a rate over the batches that tell it.
fn mean(query: &StreamingQuery, of: fn(&StreamingBatch) -> Option<f64>) -> Option<f64> {
    let known: Vec<f64> = query
        .batches
        .iter()
        .filter_map(of)
        .filter(|rate| rate.is_finite())
        .collect();
    (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
}

impl Rows for QueryRows<'_> {
    fn count(&self) -> usize {
        self.cx.application().streaming.len()
    }

    fn id(&self, row: usize) -> String {
        self.cx.application().streaming[row].run_id.clone()
    }

    fn cell(&self, row: usize, column: usize) -> Piece<'_> {
        let query = &self.cx.application().streaming[row];
        let last = query.batches.last();
        let text: Cow<'_, str> = match column {
            0 => query_name(query).into(),
            1 => {
                let (text, role) = query_status(query, self.cx);
                return (text.into(), role);
            }
            2 => return clock(query.start_ms, self.cx),
            3 => units::count(query.batches.len() as u64).into(),
            4 => return rate(mean(query, |batch| batch.input_rows_per_second)),
            5 => {
                let processed = mean(query, |batch| batch.processed_rows_per_second);
                let (text, role) = rate(processed);
                let behind = processed < mean(query, |batch| batch.input_rows_per_second);
                return (
                    text,
                    if processed.is_some() && behind {
                        Role::Warning
                    } else {
                        role
                    },
                );
            }
            6 => return known(last.and_then(|batch| batch.duration_ms), units::duration),
            7 => return known(query::interval_ms(query), units::duration),
            _ => match last.and_then(|batch| batch.state_rows) {
                Some(rows) => units::short_count(rows).into(),
                None => return ("none".into(), Role::Dim),
            },
        };
        (text, Role::Text)
    }

    fn key(&self, row: usize, column: usize) -> Key<'_> {
        let query = &self.cx.application().streaming[row];
        let last = query.batches.last();
        let rate = |of: fn(&StreamingBatch) -> Option<f64>| mean(query, of).map_or(Key::Absent, Key::Number);
        match column {
            0 => Key::Text(query_name(query).into()),
            1 => Key::Text(query_status(query, self.cx).0.into()),
            2 => Key::time(query.start_ms),
            3 => Key::Number(query.batches.len() as f64),
            4 => rate(|batch| batch.input_rows_per_second),
            5 => rate(|batch| batch.processed_rows_per_second),
            6 => Key::number(last.and_then(|batch| batch.duration_ms)),
            7 => Key::number(query::interval_ms(query)),
            _ => Key::number(last.and_then(|batch| batch.state_rows)),
        }
    }

    fn search(&self, row: usize, into: &mut String) {
        let query = &self.cx.application().streaming[row];
        for part in [&query_name(query), &query.id, &query.run_id] {
            into.push_str(part);
            into.push(' ');
        }
    }
}

impl Streaming {
    fn chosen<'a>(&self, cx: &Context<'a>) -> Option<&'a StreamingQuery> {
        cx.application().streaming.get(self.table.selected()?)
    }

    fn split(&self, area: Rect) -> [Rect; 2] {
        list_and_chosen(area, self.table.height(), CHOSEN)
    }
}

impl Screen for Streaming {
    fn title(&self, _: &Context<'_>) -> String {
        "Streaming".to_owned()
    }

    fn update(&mut self, action: Action, cx: &Context<'_>) -> Vec<Effect> {
        if self.table.update(action, &QueryRows { cx }) || action != Action::Enter {
            return Vec::new();
        }
        let chosen = self
            .chosen(cx)
            .map(|query| Effect::Go(Place::Query(query.run_id.clone())));
        chosen.into_iter().collect()
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let rows = QueryRows { cx };
        let [list, foot] = self.split(area);
        let title = format!("Streaming queries ({})", rows.count());
        let inside = panel(list, &title, &self.table.summary(cx.glyphs), buf, cx);
        if rows.count() == 0 {
            let none = match cx.application().origin {
                Origin::Rest => {
                    "a history server's REST does not tell streaming queries; their event log does (--source log)"
                }
                Origin::Log => "no streaming queries",
            };
            return nothing(none, inside, buf, cx);
        }
        self.table.render(inside, buf, &rows, cx);
        if let Some(query) = self.chosen(cx).filter(|_| foot.height > 0) {
            let title = format!("{} over its batches", query_name(query));
            let inside = panel(foot, &title, "Enter: its batches", buf, cx);
            query::charts(query, None, inside, buf, cx);
        }
    }

    fn followers(&self, area: Rect, _: &Context<'_>) -> Vec<Rect> {
        vec![self.split(area)[1]]
    }

    fn fit(&mut self, area: Rect, _: &Context<'_>) {
        self.table.fit(below(self.split(area)[0]).height);
    }

    fn height(&self, _: u16, _: &Context<'_>) -> usize {
        (1 + self.table.height() + usize::from(CHOSEN)).max(14)
    }

    fn actions(&self) -> &'static [Action] {
        LIST
    }

    fn back(&mut self, cx: &Context<'_>) -> bool {
        self.table.back(&QueryRows { cx })
    }

    fn typing(&self) -> bool {
        self.table.typing()
    }

    fn refresh(&mut self, cx: &Context<'_>) {
        self.table.refresh(&QueryRows { cx });
    }

    fn copy(&self, cx: &Context<'_>) -> Option<(String, String)> {
        let query = self.chosen(cx)?;
        match &query.exception {
            Some(error) => Some(("error message".to_owned(), error.clone())),
            None => Some((
                "query".to_owned(),
                format!("{} id {} run {}", query_name(query), query.id, query.run_id),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Application, StreamingSource};
    use crate::tui::screens::query::QueryScreen;
    use crate::tui::testing::World;

    fn world() -> World {
        let batch = |id: u64| StreamingBatch {
            id,
            start_ms: Some(1_795_254_000_000 + 10_000 * id as i64),
            duration_ms: Some(3_000 + 150 * id),
            phases_ms: vec![
                ("addBatch".into(), 2_800 + 150 * id),
                ("queryPlanning".into(), 90),
                ("walCommit".into(), 60),
            ],
            input_rows: Some(10_000 * (1 + id / 20)),
            input_rows_per_second: Some(1_000.0 * (1.0 + id as f64 / 20.0)),
            processed_rows_per_second: Some(2_500.0 - 20.0 * id as f64),
            state_rows: Some(id * 5_000),
            state_bytes: Some(id << 20),
            watermark_ms: Some(1_795_253_990_000 + 10_000 * id as i64),
            sources: vec![StreamingSource {
                description: "KafkaV2[Subscribe[events]]".into(),
                input_rows: Some(10_000),
                max_offsets_behind: Some(id as f64 * 100.0),
                ..StreamingSource::default()
            }],
            sink: Some("DeltaSink[/out]".into()),
        };
        let failed = StreamingQuery {
            id: "0b6e1a5c-1111-2222-3333-444455556666".into(),
            run_id: "run-1".into(),
            name: Some("counts".into()),
            start_ms: Some(1_795_254_000_000),
            end_ms: Some(1_795_255_000_000),
            exception: Some("org.apache.spark.SparkException: Job aborted due to stage failure\n\tat x".into()),
            batches: (0..60).map(batch).collect(),
            earlier_batches: 0,
        };
        let young = StreamingQuery {
            id: "9f6e1a5c-1111".into(),
            run_id: "run-2".into(),
            batches: Vec::new(),
            ..StreamingQuery::default()
        };
        let application = Application {
            streaming: vec![failed, young],
            ..Application::default()
        };
        World::new(application, Vec::new())
    }

    #[test]
    fn queries_as_pictures() {
        insta::assert_snapshot!(world().drawn(&mut Streaming::default(), 80, 20));
        insta::assert_snapshot!(world().drawn(&mut Streaming::default(), 140, 30));
        insta::assert_snapshot!(world().drawn(&mut QueryScreen::new("run-1"), 80, 20));
        insta::assert_snapshot!(world().drawn(&mut QueryScreen::new("run-1"), 140, 41));
    }

    #[test]
    fn enter_opens_a_query_and_none_says_why() {
        let world = world();
        let mut screen = Streaming::default();
        world.drawn(&mut screen, 80, 20);
        assert_eq!(
            screen.update(Action::Enter, &world.cx()),
            [Effect::Go(Place::Query("run-1".into()))]
        );
        let none = |origin| {
            let application = Application {
                origin,
                ..Application::default()
            };
            World::new(application, Vec::new()).drawn(&mut Streaming::default(), 80, 8)
        };
        assert!(none(Origin::Log).contains("no streaming queries"));
        assert!(none(Origin::Rest).contains("REST does not tell"));
    }

    #[test]
    fn a_query_without_batches_and_odd_numbers_are_drawn() {
        let mut world = world();
        assert!(world.drawn(&mut QueryScreen::new("run-2"), 80, 20).contains("no batch"));
        let mut application = Application::clone(&world.opened.application);
        for (batch, odd) in application.streaming[0]
            .batches
            .iter_mut()
            .zip([f64::NAN, f64::INFINITY, -1.0, 1e300])
        {
            batch.input_rows_per_second = Some(odd);
            batch.processed_rows_per_second = Some(odd);
            (batch.start_ms, batch.duration_ms) = (Some(i64::MIN), Some(u64::MAX));
        }
        world.opened.application = application.into();
        world.drawn_at_all_sizes(&mut QueryScreen::new("run-1"));
        world.drawn_at_all_sizes(&mut QueryScreen::new("run-2"));
        world.drawn_at_all_sizes(&mut Streaming::default());
    }
}
