//! Cached RDDs and tables: how much of each is kept, where, and what was evicted. Enter opens one.

use std::borrow::Cow;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::model::{Application, CachedRdd, Origin};
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::line::Piece;
use crate::tui::panel::{self, below, list_and_chosen, panel};
use crate::tui::screen::{Context, Place, Screen};
use crate::tui::screens::pieces::{LIST, nothing, recorded};
use crate::tui::screens::rdd::{self, lost};
use crate::tui::table::{Column, Key, Rows, Table};
use crate::tui::theme::Role;
use crate::tui::widgets::bar;
use crate::units;

/// Cells of the bar of what is cached.
const BAR: u16 = 10;

/// Rows of the panel of the chosen one.
const CHOSEN: u16 = 8;

const COLUMNS: &[Column] = &[
    Column::number("RDD", 5, 0),
    Column::text("Name", 20, 0).growing(),
    Column::text("Level", 18, 3),
    Column::number("Partitions", 11, 2),
    Column::number("Cached", 7, 0),
    Column::text("", BAR, 4),
    Column::number("Memory", 9, 0),
    Column::number("Disk", 9, 1),
    Column::number("Lost", 12, 1),
];

/// The list.
#[derive(Debug)]
pub struct Storage {
    table: Table,
}

impl Default for Storage {
    /// All of them, the largest first.
    fn default() -> Storage {
        Storage {
            table: Table::new(COLUMNS, Some((6, true))),
        }
    }
}

struct RddRows<'a> {
    cx: &'a Context<'a>,
}

/// Which share of its partitions is kept.
pub fn cached_share(rdd: &CachedRdd) -> Option<f64> {
    let cached = rdd.cached_partitions?;
    (rdd.partitions > 0).then(|| f64::from(cached) / f64::from(rdd.partitions))
}

/// The level as Spark describes it, without what all have in common.
pub fn short_level(level: &str) -> &str {
    level.strip_suffix(" 1x Replicated").unwrap_or(level)
}

/// Why sizes are absent, if they are.
pub fn sizes_missing(application: &Application) -> Option<&'static str> {
    let absent = application.storage.iter().any(|rdd| rdd.memory_used.is_none());
    (absent && application.origin == Origin::Log)
        .then_some("sizes are in the log only with spark.eventLog.logBlockUpdates.enabled=true")
}

impl Rows for RddRows<'_> {
    fn count(&self) -> usize {
        self.cx.application().storage.len()
    }

    fn id(&self, row: usize) -> String {
        self.cx.application().storage[row].id.to_string()
    }

    fn cell(&self, row: usize, column: usize) -> Piece<'_> {
        let rdd = &self.cx.application().storage[row];
        let share = cached_share(rdd);
        let text: Cow<'_, str> = match column {
            0 => rdd.id.to_string().into(),
            1 if rdd.unpersisted => return (format!("{} (unpersisted)", rdd.short_name()).into(), Role::Dim),
            1 => rdd.short_name().into(),
            2 => return (short_level(&rdd.storage_level).into(), Role::Dim),
            3 => match rdd.cached_partitions {
                Some(cached) => format!("{cached}/{}", rdd.partitions).into(),
                None => rdd.partitions.to_string().into(),
            },
            4 => match share {
                // Of what was unpersisted nothing is meant to be there.
                Some(share) => {
                    let role = if share < 1.0 && !rdd.unpersisted {
                        Role::Warning
                    } else {
                        Role::Text
                    };
                    return (units::percent(share).into(), role);
                }
                None => return ("n/a".into(), Role::Dim),
            },
            5 => {
                let bar = bar::across(share.unwrap_or(0.0), usize::from(BAR), self.cx.glyphs);
                return (bar.into(), Role::Bar);
            }
            6 => return recorded(rdd.memory_used, units::bytes),
            7 => return recorded(rdd.disk_used, units::bytes),
            _ => match lost(rdd) {
                Some(lost) => return (lost.into(), Role::Warning),
                None if rdd.evicted_blocks.is_none() => return ("n/a".into(), Role::Dim),
                None => return ("nothing".into(), Role::Dim),
            },
        };
        (text, Role::Text)
    }

    fn key(&self, row: usize, column: usize) -> Key<'_> {
        let rdd = &self.cx.application().storage[row];
        match column {
            0 => Key::Number(f64::from(rdd.id)),
            1 => Key::Text(rdd.short_name().into()),
            2 => Key::Text(rdd.storage_level.as_str().into()),
            3 => Key::Number(f64::from(rdd.partitions)),
            4 | 5 => cached_share(rdd).map_or(Key::Absent, Key::Number),
            6 => Key::number(rdd.memory_used),
            7 => Key::number(rdd.disk_used),
            _ => Key::number(rdd.evicted_blocks.map(|evicted| {
                let missing = rdd
                    .partitions
                    .saturating_sub(rdd.cached_partitions.unwrap_or(rdd.partitions));
                evicted.max(u64::from(missing))
            })),
        }
    }

    fn search(&self, row: usize, into: &mut String) {
        let rdd = &self.cx.application().storage[row];
        into.push_str(&format!("{} {} {}", rdd.id, rdd.name, rdd.storage_level));
    }
}

impl Storage {
    fn chosen<'a>(&self, cx: &Context<'a>) -> Option<&'a CachedRdd> {
        cx.application().storage.get(self.table.selected()?)
    }

    /// Rows of what is said below the list.
    fn foot(cx: &Context<'_>) -> u16 {
        u16::from(sizes_missing(cx.application()).is_some())
    }

    fn split(&self, area: Rect, cx: &Context<'_>) -> [Rect; 2] {
        list_and_chosen(area, self.table.height() + usize::from(Self::foot(cx)), CHOSEN)
    }
}

impl Screen for Storage {
    fn title(&self, _: &Context<'_>) -> String {
        "Storage".to_owned()
    }

    fn update(&mut self, action: Action, cx: &Context<'_>) -> Vec<Effect> {
        if self.table.update(action, &RddRows { cx }) || action != Action::Enter {
            return Vec::new();
        }
        let chosen = self.chosen(cx).map(|rdd| Effect::Go(Place::Rdd(rdd.id)));
        chosen.into_iter().collect()
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let rows = RddRows { cx };
        let title = format!("Cached RDDs and tables ({})", rows.count());
        let [area, below] = self.split(area, cx);
        let inside = panel(area, &title, &self.table.summary(cx.glyphs), buf, cx);
        if rows.count() == 0 {
            let none = "nothing was cached: no RDD was persisted, no table or DataFrame";
            return nothing(none, inside, buf, cx);
        }
        let [list, foot] = panel::split(inside, inside.height.saturating_sub(Self::foot(cx)));
        self.table.render(list, buf, &rows, cx);
        if let Some(why) = sizes_missing(cx.application()) {
            nothing(why, foot, buf, cx);
        }
        if let Some(rdd) = self.chosen(cx).filter(|_| below.height > 0) {
            let room = panel(
                below,
                &format!("RDD {}", rdd.id),
                "Enter: its executors and blocks",
                buf,
                cx,
            );
            rdd::chosen(rdd, room, buf, cx);
        }
    }

    fn followers(&self, area: Rect, cx: &Context<'_>) -> Vec<Rect> {
        vec![self.split(area, cx)[1]]
    }

    fn fit(&mut self, area: Rect, cx: &Context<'_>) {
        let [list, _] = self.split(area, cx);
        self.table.fit(below(list).height.saturating_sub(Self::foot(cx)));
    }

    fn height(&self, _: u16, cx: &Context<'_>) -> usize {
        (1 + self.table.height() + usize::from(Self::foot(cx)) + usize::from(CHOSEN)).max(14)
    }

    fn actions(&self) -> &'static [Action] {
        LIST
    }

    fn back(&mut self, cx: &Context<'_>) -> bool {
        self.table.back(&RddRows { cx })
    }

    fn typing(&self) -> bool {
        self.table.typing()
    }

    fn refresh(&mut self, cx: &Context<'_>) {
        self.table.refresh(&RddRows { cx });
    }

    fn copy(&self, cx: &Context<'_>) -> Option<(String, String)> {
        let rdd = self.chosen(cx)?;
        Some(("cached RDD".to_owned(), format!("RDD {} {}", rdd.id, rdd.name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CachedBlock, CachedOn};
    use crate::tui::screens::rdd::RddScreen;
    use crate::tui::testing::World;

    fn world() -> World {
        let block = |at: u64| CachedBlock {
            name: format!("rdd_4_{at}"),
            storage_level: "Memory Deserialized 1x Replicated".into(),
            memory_used: (at + 1) << 20,
            disk_used: if at == 2 { 3 << 20 } else { 0 },
            executors: vec![(at % 2 + 1).to_string()],
        };
        let on = |number: u64| CachedOn {
            address: format!("host-{number}:4040{number}"),
            memory_used: number << 24,
            memory_remaining: Some(300 << 20),
            disk_used: 0,
        };
        let kept = CachedRdd {
            id: 4,
            name: "In-memory table 名前 of a_very_long_database.with_a_long_table".into(),
            partitions: 200,
            cached_partitions: Some(150),
            storage_level: "Disk Memory Deserialized 1x Replicated".into(),
            memory_used: Some(3 << 30),
            disk_used: Some(120 << 20),
            distribution: vec![on(1), on(2)],
            blocks: (0..40).map(block).collect(),
            evicted_blocks: Some(50),
            unpersisted: false,
        };
        let unknown = CachedRdd {
            id: 9,
            name: "MapPartitionsRDD".into(),
            partitions: 8,
            storage_level: "Memory Deserialized 1x Replicated".into(),
            unpersisted: true,
            ..CachedRdd::default()
        };
        let application = Application {
            storage: vec![kept, unknown],
            ..Application::default()
        };
        World::new(application, Vec::new())
    }

    #[test]
    fn what_is_cached_as_pictures() {
        insta::assert_snapshot!(world().drawn(&mut Storage::default(), 80, 8));
        insta::assert_snapshot!(world().drawn(&mut Storage::default(), 140, 8));
        let mut rdd = RddScreen::new(4);
        insta::assert_snapshot!(world().drawn(&mut rdd, 80, 12));
        rdd.update(Action::NextLook, &world().cx());
        insta::assert_snapshot!(world().drawn(&mut rdd, 80, 12));
    }

    #[test]
    fn enter_opens_one_and_nothing_cached_says_so() {
        let world = world();
        let mut screen = Storage::default();
        world.drawn(&mut screen, 80, 8);
        assert_eq!(screen.update(Action::Enter, &world.cx()), [Effect::Go(Place::Rdd(4))]);
        let empty = World::new(Application::default(), Vec::new());
        assert!(
            empty
                .drawn(&mut Storage::default(), 80, 8)
                .contains("nothing was cached")
        );
        assert!(empty.drawn(&mut RddScreen::new(4), 80, 8).contains("not there"));
    }

    #[test]
    fn they_draw_at_every_size() {
        world().drawn_at_all_sizes(&mut Storage::default());
        world().drawn_at_all_sizes(&mut RddScreen::new(4));
        world().drawn_at_all_sizes(&mut RddScreen::new(9));
    }
}
