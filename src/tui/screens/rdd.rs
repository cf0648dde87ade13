//! One cached RDD or table: how it is spread over executors, and its blocks. Enter opens the executor.

use std::borrow::Cow;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::model::{CachedBlock, CachedOn, CachedRdd};
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::line::{self, Piece};
use crate::tui::panel::{self, below, panel};
use crate::tui::screen::{Context, Place, Screen};
use crate::tui::screens::pieces::recorded;
use crate::tui::screens::storage::{cached_share, short_level, sizes_missing};
use crate::tui::scroll::{Line, put_lines};
use crate::tui::table::{Column, Key, Rows, Table};
use crate::tui::theme::Role;
use crate::tui::widgets::bar;
use crate::units;

/// Cells of the bars.
const BAR: u16 = 20;

const PLACES: &[Column] = &[
    Column::text("Executor", 9, 0),
    Column::text("Address", 18, 0).growing(),
    Column::number("Memory", 9, 0),
    Column::number("Share", 6, 1),
    Column::text("", BAR, 3),
    Column::number("Left there", 11, 2),
    Column::number("Disk", 9, 1),
];

const BLOCKS: &[Column] = &[
    Column::text("Block", 16, 0).growing(),
    Column::text("Level", 22, 2),
    Column::number("Memory", 9, 0),
    Column::text("", BAR, 3),
    Column::number("Disk", 9, 1),
    Column::text("Executors", 14, 0),
];

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Places,
    Blocks,
}

/// One cached RDD.
#[derive(Debug)]
pub struct RddScreen {
    id: u32,
    look: Look,
    places: Table,
    blocks: Table,
}

struct PlaceRows<'a> {
    rdd: &'a CachedRdd,
    cx: &'a Context<'a>,
}

/// The executor whose block manager has this address.
fn executor<'a>(on: &CachedOn, cx: &Context<'a>) -> Option<&'a str> {
    let executors = cx.application().executors.iter();
    let mut at = executors.filter(|executor| executor.host_port == on.address);
    at.next().map(|executor| &*executor.id)
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

impl PlaceRows<'_> {
    fn all(&self) -> u64 {
        self.rdd
            .distribution
            .iter()
            .map(|on| on.memory_used)
            .fold(0, u64::saturating_add)
    }
}

impl Rows for PlaceRows<'_> {
    fn count(&self) -> usize {
        self.rdd.distribution.len()
    }

    fn id(&self, row: usize) -> String {
        self.rdd.distribution[row].address.clone()
    }

    fn cell(&self, row: usize, column: usize) -> Piece<'_> {
        let on = &self.rdd.distribution[row];
        let text: Cow<'_, str> = match column {
            0 => executor(on, self.cx).unwrap_or("?").into(),
            1 => on.address.as_str().into(),
            2 => return recorded(Some(on.memory_used), units::bytes),
            3 => units::percent(share(on.memory_used, self.all())).into(),
            4 => {
                let most = self.rdd.distribution.iter().map(|on| on.memory_used).max().unwrap_or(0);
                let bar = bar::across(share(on.memory_used, most), usize::from(BAR), self.cx.glyphs);
                return (bar.into(), Role::Bar);
            }
            5 => return recorded(on.memory_remaining, units::bytes),
            _ => return recorded(Some(on.disk_used), units::bytes),
        };
        (text, Role::Text)
    }

    fn key(&self, row: usize, column: usize) -> Key<'_> {
        let on = &self.rdd.distribution[row];
        match column {
            0 => executor(on, self.cx).map_or(Key::Absent, |id| Key::Text(id.into())),
            1 => Key::Text(on.address.as_str().into()),
            5 => Key::number(on.memory_remaining),
            6 => Key::Number(on.disk_used as f64),
            _ => Key::Number(on.memory_used as f64),
        }
    }

    fn search(&self, row: usize, into: &mut String) {
        into.push_str(&self.rdd.distribution[row].address);
    }
}

struct BlockRows<'a> {
    blocks: &'a [CachedBlock],
    /// The most memory of a block.
    most: u64,
    cx: &'a Context<'a>,
}

impl Rows for BlockRows<'_> {
    fn count(&self) -> usize {
        self.blocks.len()
    }

    fn id(&self, row: usize) -> String {
        self.blocks[row].name.clone()
    }

    fn cell(&self, row: usize, column: usize) -> Piece<'_> {
        let block = &self.blocks[row];
        match column {
            0 => (block.name.as_str().into(), Role::Text),
            1 => (short_level(&block.storage_level).into(), Role::Dim),
            2 => recorded(Some(block.memory_used), units::bytes),
            3 => {
                let bar = bar::across(share(block.memory_used, self.most), usize::from(BAR), self.cx.glyphs);
                (bar.into(), Role::Bar)
            }
            4 => recorded(Some(block.disk_used), units::bytes),
            _ => (block.executors.join(",").into(), Role::Text),
        }
    }

    fn key(&self, row: usize, column: usize) -> Key<'_> {
        let block = &self.blocks[row];
        match column {
            // The partition's number, not its letters: 10 comes after 9.
            0 => Key::number(block.name.rsplit('_').next().and_then(|number| number.parse().ok())),
            1 => Key::Text(block.storage_level.as_str().into()),
            2 | 3 => Key::Number(block.memory_used as f64),
            4 => Key::Number(block.disk_used as f64),
            _ => Key::Text(block.executors.join(",").into()),
        }
    }

    fn search(&self, row: usize, into: &mut String) {
        let block = &self.blocks[row];
        into.push_str(&block.name);
        into.push(' ');
        into.push_str(&block.executors.join(" "));
    }
}

impl RddScreen {
    /// The screen of an RDD.
    pub fn new(id: u32) -> RddScreen {
        RddScreen {
            id,
            look: Look::Places,
            places: Table::new(PLACES, Some((2, true))),
            blocks: Table::new(BLOCKS, Some((0, false))),
        }
    }

    fn rdd<'a>(&self, cx: &Context<'a>) -> Option<&'a CachedRdd> {
        cx.application().storage.iter().find(|rdd| rdd.id == self.id)
    }

    /// Does something with the table that is looked at.
    fn table<T>(&mut self, rdd: &CachedRdd, cx: &Context<'_>, what: impl FnOnce(&mut Table, &dyn Rows) -> T) -> T {
        match self.look {
            Look::Places => what(&mut self.places, &PlaceRows { rdd, cx }),
            Look::Blocks => what(&mut self.blocks, &block_rows(rdd, cx)),
        }
    }

    fn top(&self) -> &Table {
        match self.look {
            Look::Places => &self.places,
            Look::Blocks => &self.blocks,
        }
    }
}

fn block_rows<'a>(rdd: &'a CachedRdd, cx: &'a Context<'a>) -> BlockRows<'a> {
    BlockRows {
        blocks: &rdd.blocks,
        most: rdd.blocks.iter().map(|block| block.memory_used).max().unwrap_or(0),
        cx,
    }
}

/// The name in full, as a plan is, cut after so many lines.
fn whole_name(rdd: &CachedRdd, width: usize, most: usize, cx: &Context<'_>) -> Vec<Line> {
    let mut lines = line::wrap(&rdd.name, width);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            let more = cx.glyphs.pick("…", "...");
            *last = format!("{}{more}", line::cut(last, width.saturating_sub(more.len())));
        }
    }
    lines.into_iter().map(|text| vec![(text, Role::Title)]).collect()
}

/// The chosen one below the list of all: its name in full, how much of it is kept, and where.
pub fn chosen(rdd: &CachedRdd, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
    let inside = Rect {
        x: area.x.saturating_add(2),
        width: area.width.saturating_sub(4),
        ..area
    };
    let wide = usize::from(inside.width);
    let mut lines = kept(rdd, wide, cx);
    let rows = PlaceRows { rdd, cx };
    let places = (0..rows.count()).map(|row| {
        let [id, address, memory, share, bar] = [0, 1, 2, 3, 4].map(|column| rows.cell(row, column).0);
        let text = format!("executor {id:<4} {address:<24} {memory:>9} {share:>5}  ");
        vec![(text, Role::Text), (bar.into_owned(), Role::Bar)]
    });
    lines.extend(places);
    // The name is what there may be less of.
    let room = usize::from(inside.height).saturating_sub(lines.len()).clamp(1, 8);
    let mut all = whole_name(rdd, wide, room, cx);
    all.append(&mut lines);
    put_lines(&all, inside, buf, cx);
}

/// What it is and how much of it is kept.
fn head(rdd: &CachedRdd, width: usize, cx: &Context<'_>) -> Vec<Line> {
    let mut lines = whole_name(rdd, width, 2, cx);
    lines.extend(kept(rdd, width, cx));
    lines
}

/// What of it is kept, and what became of the rest.
pub fn lost(rdd: &CachedRdd) -> Option<String> {
    let evicted = rdd.evicted_blocks?;
    let missing = rdd.partitions.saturating_sub(rdd.cached_partitions?);
    match (evicted, missing) {
        _ if rdd.unpersisted && evicted == 0 => None,
        (0, 0) => None,
        (0, missing) => Some(format!("{} not stored", units::count(u64::from(missing)))),
        (evicted, _) => Some(format!("{} evicted", units::count(evicted))),
    }
}

fn kept(rdd: &CachedRdd, width: usize, cx: &Context<'_>) -> Vec<Line> {
    let dot = cx.glyphs.pick(" · ", " | ");
    let mut lines = Vec::new();
    let size = |bytes: Option<u64>| bytes.map_or("n/a".to_owned(), units::bytes);
    let kept = match (rdd.cached_partitions, cached_share(rdd)) {
        (Some(cached), Some(share)) => format!(
            "{cached} of {} cached ({})",
            units::counted(u64::from(rdd.partitions), "partition"),
            units::percent(share)
        ),
        _ => format!(
            "{}, how many cached not recorded",
            units::counted(u64::from(rdd.partitions), "partition")
        ),
    };
    let mut words = vec![
        kept,
        format!("{} in memory", size(rdd.memory_used)),
        format!("{} on disk", size(rdd.disk_used)),
        short_level(&rdd.storage_level).to_owned(),
    ];
    if rdd.unpersisted {
        words.push("unpersisted later".to_owned());
    }
    lines.extend(
        line::wrap(&words.join(dot), width)
            .into_iter()
            .map(|text| vec![(text, Role::Text)]),
    );
    let plural =
        |count: u64, one: &str, many: &str| format!("{} {}", units::count(count), if count == 1 { one } else { many });
    let missing = rdd
        .partitions
        .saturating_sub(rdd.cached_partitions.unwrap_or(rdd.partitions));
    let why = match rdd.evicted_blocks {
        Some(0) if missing > 0 && !rdd.unpersisted => Some(format!(
            "{} never stored: no storage memory was left, or nothing computed them",
            plural(u64::from(missing), "partition was", "partitions were")
        )),
        Some(evicted) if evicted > 0 => Some(format!(
            "{} evicted or given up: what needed them computed or read them again",
            plural(evicted, "block was", "blocks were")
        )),
        _ => None,
    };
    let why = why.map_or_else(Vec::new, |text| line::wrap(&text, width));
    lines.extend(why.into_iter().map(|text| vec![(text, Role::Warning)]));
    lines
}

fn split(rdd: &CachedRdd, area: Rect, cx: &Context<'_>) -> [Rect; 2] {
    let head = u16::try_from(head(rdd, usize::from(area.width), cx).len())
        .unwrap_or(1)
        .min(area.height);
    panel::split(area, head)
}

impl Screen for RddScreen {
    fn title(&self, _: &Context<'_>) -> String {
        format!("RDD {}", self.id)
    }

    fn update(&mut self, action: Action, cx: &Context<'_>) -> Vec<Effect> {
        let Some(rdd) = self.rdd(cx) else { return Vec::new() };
        if action == Action::NextLook {
            self.look = match self.look {
                Look::Places => Look::Blocks,
                Look::Blocks => Look::Places,
            };
            return Vec::new();
        }
        if self.table(rdd, cx, |table, rows| table.update(action, rows)) || action != Action::Enter {
            return Vec::new();
        }
        let Some(row) = self.top().selected() else {
            return Vec::new();
        };
        let id = match self.look {
            Look::Places => rdd.distribution.get(row).and_then(|on| executor(on, cx)),
            Look::Blocks => rdd
                .blocks
                .get(row)
                .and_then(|block| block.executors.first())
                .map(String::as_str),
        };
        match id.filter(|id| cx.application().executor(id).is_some()) {
            Some(id) => vec![Effect::Go(Place::Executor(id.to_owned()))],
            None => vec![Effect::Say("the executor that holds it is not known".to_owned())],
        }
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let area = area.intersection(buf.area);
        let Some(rdd) = self.rdd(cx) else {
            line::put(buf, area, area.x, area.y, "this RDD is not there", cx.style(Role::Dim));
            return;
        };
        let [top, list] = split(rdd, area, cx);
        put_lines(&head(rdd, usize::from(area.width), cx), top, buf, cx);
        let (title, number) = match self.look {
            Look::Places => (format!("Executors that hold it ({})", rdd.distribution.len()), 1),
            Look::Blocks => (format!("Blocks ({})", units::count(rdd.blocks.len() as u64)), 2),
        };
        let right = format!("{}  look {number} of 2", self.top().summary(cx.glyphs));
        let inside = panel(list, &title, right.trim(), buf, cx);
        let none = match self.look {
            Look::Places => rdd.distribution.is_empty(),
            Look::Blocks => rdd.blocks.is_empty(),
        };
        if none {
            let why = sizes_missing(cx.application()).unwrap_or("none is kept, or the source does not tell");
            line::put(
                buf,
                inside,
                inside.x.saturating_add(2),
                inside.y,
                why,
                cx.style(Role::Dim),
            );
            return;
        }
        match self.look {
            Look::Places => self.places.render(inside, buf, &PlaceRows { rdd, cx }, cx),
            Look::Blocks => self.blocks.render(inside, buf, &block_rows(rdd, cx), cx),
        }
    }

    fn fit(&mut self, area: Rect, cx: &Context<'_>) {
        let Some(rdd) = self.rdd(cx) else { return };
        let list = below(split(rdd, area, cx)[1]).height;
        self.places.fit(list);
        self.blocks.fit(list);
    }

    fn height(&self, width: u16, cx: &Context<'_>) -> usize {
        let head = self.rdd(cx).map_or(1, |rdd| head(rdd, usize::from(width), cx).len());
        head + 1 + self.top().height()
    }

    fn rows(&self) -> usize {
        self.top().len()
    }

    fn actions(&self) -> &'static [Action] {
        &[
            Action::Enter,
            Action::NextLook,
            Action::Sort,
            Action::Filter,
            Action::Export,
        ]
    }

    fn back(&mut self, cx: &Context<'_>) -> bool {
        let Some(rdd) = self.rdd(cx) else { return false };
        self.table(rdd, cx, |table, rows| table.back(rows))
    }

    fn typing(&self) -> bool {
        self.top().typing()
    }

    fn refresh(&mut self, cx: &Context<'_>) {
        let Some(rdd) = self.rdd(cx) else { return };
        self.places.refresh(&PlaceRows { rdd, cx });
        self.blocks.refresh(&block_rows(rdd, cx));
    }

    fn copy(&self, cx: &Context<'_>) -> Option<(String, String)> {
        let rdd = self.rdd(cx)?;
        Some(("cached RDD".to_owned(), format!("RDD {} {}", rdd.id, rdd.name)))
    }
}
