//! The plan of a SQL execution: as a tree with each node's rows, time, bytes and spill, as it was before adaptive execution changed it,
//! and as Spark's text. Enter opens a node, Space folds what it reads.

pub mod detail;
mod figures;
mod rows;
#[cfg(test)]
mod tests;
mod tree;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::model::{PlanGraph, PlanNode, SqlExecution, SqlStatus};
use crate::tui::action::Action;
use crate::tui::effect::Effect;
use crate::tui::line::{self, Align};
use crate::tui::panel::{below, beside, panel, split};
use crate::tui::screen::{Context, Place, Screen};
use crate::tui::screens::sql::sql_status;
use crate::tui::scroll::{Line, Scroll, put_lines};
use crate::tui::table::Table;
use crate::tui::theme::Role;
use crate::units;

use rows::{COLUMNS, PlanRows};
use tree::Tree;

/// From this width on the chosen node stands beside the tree, else below it.
const WIDE: u16 = 130;

/// Rows of the chosen node below the tree.
const CHOSEN: u16 = 8;

/// Lines of an error or a description at the top.
const SENTENCE: usize = 2;

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// The plan as it ended.
    Last,
    /// The plan as it began.
    First,
    /// Spark's text.
    Text,
}

impl Look {
    fn available(execution: &SqlExecution) -> Vec<Look> {
        let there = |look: &Look| match look {
            Look::Last => execution.graph.is_some(),
            Look::First => execution.initial_graph.is_some(),
            Look::Text => execution.plan.is_some(),
        };
        [Look::Last, Look::First, Look::Text]
            .into_iter()
            .filter(there)
            .collect()
    }

    fn graph(self, execution: &SqlExecution) -> Option<&Arc<PlanGraph>> {
        match self {
            Look::Last => execution.graph.as_ref(),
            Look::First => execution.initial_graph.as_ref(),
            Look::Text => None,
        }
    }
}

/// One SQL execution.
#[derive(Debug)]
pub struct PlanScreen {
    id: u64,
    look: Look,
    tree: Tree,
    folded: BTreeSet<usize>,
    /// Rows of the tree that are not folded away.
    shown: Vec<usize>,
    table: Table,
    text: Scroll,
    area: Rect,
}

impl PlanScreen {
    /// The screen of an execution; it shows nothing before its first refresh.
    pub fn new(id: u64) -> PlanScreen {
        PlanScreen {
            id,
            look: Look::Last,
            tree: Tree::default(),
            folded: BTreeSet::new(),
            shown: Vec::new(),
            table: Table::new(COLUMNS, None),
            text: Scroll::default(),
            area: Rect::ZERO,
        }
    }

    fn execution<'a>(&self, cx: &Context<'a>) -> Option<&'a SqlExecution> {
        cx.application().sql.iter().find(|execution| execution.id == self.id)
    }

    fn rows<'a>(&'a self, graph: &'a PlanGraph, cx: &'a Context<'a>) -> PlanRows<'a> {
        PlanRows {
            graph,
            tree: &self.tree,
            shown: &self.shown,
            folded: &self.folded,
            in_order: matches!(self.table.sorted_by(), None | Some((0, false))),
            cx,
        }
    }

    /// Does something with the table and its rows, which both belong to this screen.
    fn with_table<T>(
        &mut self,
        graph: &PlanGraph,
        cx: &Context<'_>,
        what: impl FnOnce(&mut Table, &PlanRows<'_>) -> T,
    ) -> T {
        let mut table = self.table.clone();
        let done = what(&mut table, &self.rows(graph, cx));
        self.table = table;
        done
    }

    /// The node under the cursor.
    fn chosen<'a>(&self, graph: &'a PlanGraph) -> Option<(usize, &'a PlanNode)> {
        let row = self.tree.rows.get(*self.shown.get(self.table.selected()?)?)?;
        Some((row.at, graph.nodes.get(row.at)?))
    }

    /// Works the look's tree out.
    fn prepare(&mut self, cx: &Context<'_>) {
        let Some(execution) = self.execution(cx) else { return };
        let looks = Look::available(execution);
        if !looks.contains(&self.look) {
            self.look = looks.first().copied().unwrap_or(Look::Last);
        }
        if let Some(graph) = self.look.graph(execution).cloned() {
            self.tree = Tree::of(&graph);
            self.folded.retain(|at| *at < graph.nodes.len());
            self.shown = self.tree.unfolded(&self.folded);
            let first = self.table.is_empty();
            let hottest = self
                .tree
                .hottest
                .and_then(|at| graph.nodes.get(at))
                .map(|node| node.id.to_string());
            self.with_table(&graph, cx, |table, rows| {
                table.refresh(rows);
                // Where the time went is what one comes for.
                if let Some(id) = hottest.filter(|_| first) {
                    table.select(&id, rows);
                }
            });
        }
    }

    fn head(&self, execution: &SqlExecution, width: usize, cx: &Context<'_>) -> Vec<Line> {
        let (status, role) = sql_status(execution.status, cx);
        let dot = cx.glyphs.pick(" · ", " | ");
        let mut about = String::new();
        if let Some(ms) = execution.duration_ms() {
            about.push_str(&format!(" in {}", units::duration(ms)));
        }
        let jobs: Vec<String> = execution.jobs.iter().map(u32::to_string).collect();
        match jobs.len() {
            0 => about.push_str(&format!("{dot}no job")),
            1 => about.push_str(&format!("{dot}job {}", jobs.join(", "))),
            _ => about.push_str(&format!("{dot}jobs {}", jobs.join(", "))),
        }
        let stages = cx
            .application()
            .ran_stages()
            .filter(|stage| stage.sql == Some(self.id))
            .count();
        let noun = if stages == 1 { "stage" } else { "stages" };
        about.push_str(&format!("{dot}{stages} {noun}"));
        let mut lines = vec![vec![(status, role), (about, Role::Text)]];
        let sentences = [
            (Some(execution.description.as_str()), Role::Title),
            (
                execution.error.as_deref().and_then(|error| error.lines().next()),
                Role::Critical,
            ),
        ];
        for (text, role) in sentences {
            let wrapped = line::wrap(text.unwrap_or_default(), width);
            lines.extend(wrapped.into_iter().take(SENTENCE).map(|line| vec![(line, role)]));
        }
        lines
    }

    fn arrange(&self, execution: &SqlExecution, area: Rect, cx: &Context<'_>) -> [Rect; 3] {
        let head = self.head(execution, usize::from(area.width), cx).len();
        let [head, rest] = split(area, u16::try_from(head).unwrap_or(1));
        let [list, chosen] = if area.width >= WIDE {
            beside(rest, area.width * 2 / 3)
        } else {
            let foot = if rest.height >= 2 * CHOSEN { CHOSEN } else { 0 };
            split(rest, rest.height - foot)
        };
        [head, list, chosen]
    }

    fn text_lines(execution: &SqlExecution, width: u16) -> Vec<Line> {
        let none = match execution.status {
            SqlStatus::Failed => "it failed before it had a plan",
            _ => "no plan was recorded",
        };
        let plan = execution.plan.as_deref().filter(|plan| !plan.is_empty());
        line::wrap(plan.unwrap_or(none), usize::from(width))
            .into_iter()
            .map(|line| vec![(line, Role::Text)])
            .collect()
    }

    fn render_tree(
        &self,
        graph: &PlanGraph,
        [list, chosen]: [Rect; 2],
        right: &str,
        buf: &mut Buffer,
        cx: &Context<'_>,
    ) {
        let rows = self.rows(graph, cx);
        let title = match self.look {
            Look::First => format!("First plan ({})", units::counted(graph.nodes.len() as u64, "node")),
            _ => format!("Plan ({})", units::counted(graph.nodes.len() as u64, "node")),
        };
        let inside = panel(list, &title, right, buf, cx);
        self.table.render(inside, buf, &rows, cx);
        if let Some((at, node)) = self.chosen(graph).filter(|_| chosen.height > 0) {
            let inside = panel(chosen, "Node", "Enter: its stages", buf, cx);
            let lines = detail::lines(node, &self.tree.notes[at], usize::from(inside.width), cx);
            let hidden = lines.len().saturating_sub(usize::from(inside.height));
            put_lines(&lines, inside, buf, cx);
            if hidden > 0 {
                let more = line::pad(
                    &format!("{} more: Enter", hidden + 1),
                    usize::from(inside.width),
                    Align::Left,
                );
                line::put(buf, inside, inside.x, inside.bottom() - 1, &more, cx.style(Role::Dim));
            }
        }
    }
}

impl Screen for PlanScreen {
    fn title(&self, _: &Context<'_>) -> String {
        format!("SQL {}", self.id)
    }

    fn update(&mut self, action: Action, cx: &Context<'_>) -> Vec<Effect> {
        let Some(execution) = self.execution(cx) else {
            return Vec::new();
        };
        let looks = Look::available(execution);
        if action == Action::NextLook {
            let at = looks.iter().position(|look| *look == self.look).map_or(0, |at| at + 1);
            match looks.get(at % looks.len().max(1)) {
                Some(look) if *look != self.look => self.look = *look,
                _ => return vec![Effect::Say("there is no other plan".to_owned())],
            }
            self.folded.clear();
            self.prepare(cx);
            self.fit(self.area, cx);
            return Vec::new();
        }
        let Some(graph) = self.look.graph(execution).cloned() else {
            self.text.update(action);
            return Vec::new();
        };
        if self.with_table(&graph, cx, |table, rows| table.update(action, rows)) {
            return Vec::new();
        }
        let Some((at, node)) = self.chosen(&graph) else {
            return Vec::new();
        };
        match action {
            Action::Enter => vec![Effect::Go(Place::Node(self.id, self.look == Look::First, node.id))],
            Action::Mark => {
                if !self.folded.remove(&at) {
                    self.folded.insert(at);
                }
                self.shown = self.tree.unfolded(&self.folded);
                self.with_table(&graph, cx, |table, rows| table.refresh(rows));
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn render(&self, area: Rect, buf: &mut Buffer, cx: &Context<'_>) {
        let area = area.intersection(buf.area);
        let Some(execution) = self.execution(cx) else {
            line::put(
                buf,
                area,
                area.x,
                area.y,
                "this execution is no longer there",
                cx.style(Role::Dim),
            );
            return;
        };
        let [head, list, chosen] = self.arrange(execution, area, cx);
        put_lines(&self.head(execution, usize::from(area.width), cx), head, buf, cx);
        let looks = Look::available(execution);
        let number = looks.iter().position(|look| *look == self.look).unwrap_or(0) + 1;
        let look = if looks.len() > 1 {
            format!("look {number} of {}", looks.len())
        } else {
            String::new()
        };
        match self.look.graph(execution) {
            Some(graph) => {
                let right = format!("{}  {look}", self.table.summary(cx.glyphs));
                self.render_tree(graph, [list, chosen], right.trim(), buf, cx);
            }
            None => {
                let all = Rect {
                    width: area.width,
                    height: area.bottom() - list.y,
                    ..list
                };
                let lines = Self::text_lines(execution, all.width);
                self.text.render("Plan as text", &look, &lines, all, buf, cx);
            }
        }
    }

    fn followers(&self, area: Rect, cx: &Context<'_>) -> Vec<Rect> {
        let graph = self
            .execution(cx)
            .filter(|execution| self.look.graph(execution).is_some());
        graph
            .map(|execution| self.arrange(execution, area, cx)[2])
            .into_iter()
            .collect()
    }

    fn fit(&mut self, area: Rect, cx: &Context<'_>) {
        self.area = area;
        let Some(execution) = self.execution(cx) else { return };
        let [_, list, _] = self.arrange(execution, area, cx);
        self.table.fit(below(list).height);
        if self.look == Look::Text {
            let lines = Self::text_lines(execution, area.width).len();
            let all = Rect {
                height: area.bottom().saturating_sub(list.y),
                ..list
            };
            self.text.fit(all, lines);
        }
    }

    fn height(&self, width: u16, cx: &Context<'_>) -> usize {
        let Some(execution) = self.execution(cx) else { return 1 };
        let head = self.head(execution, usize::from(width), cx).len();
        let body = match self.look {
            Look::Text => 1 + Self::text_lines(execution, width).len(),
            _ => 1 + self.table.height() + usize::from(CHOSEN),
        };
        head + body.max(2 * usize::from(CHOSEN))
    }

    fn actions(&self) -> &'static [Action] {
        &[
            Action::Enter,
            Action::NextLook,
            Action::Mark,
            Action::Sort,
            Action::Filter,
            Action::Copy,
            Action::Export,
        ]
    }

    fn back(&mut self, cx: &Context<'_>) -> bool {
        let graph = self
            .execution(cx)
            .and_then(|execution| self.look.graph(execution))
            .cloned();
        graph.is_some_and(|graph| self.with_table(&graph, cx, |table, rows| table.back(rows)))
    }

    fn typing(&self) -> bool {
        self.look != Look::Text && self.table.typing()
    }

    fn refresh(&mut self, cx: &Context<'_>) {
        self.prepare(cx);
        self.fit(self.area, cx);
    }

    fn copy(&self, cx: &Context<'_>) -> Option<(String, String)> {
        let execution = self.execution(cx)?;
        let Some(graph) = self.look.graph(execution) else {
            return Some(("plan".to_owned(), execution.plan.as_deref()?.to_owned()));
        };
        let (_, node) = self.chosen(graph)?;
        let described: Cow<'_, str> = node.description.as_deref().unwrap_or(&node.name).into();
        Some(("plan node".to_owned(), described.into_owned()))
    }
}
