//! The rows of a plan's tree: a node with its figures, what of it is folded away, where it was shown already.

use std::collections::BTreeSet;

use crate::model::{PlanGraph, PlanNode, Unit};
use crate::tui::line::Piece;
use crate::tui::screen::Context;
use crate::tui::table::{Column, Key, Rows};
use crate::tui::theme::Role;
use crate::tui::widgets::scale::short_text;

use super::tree::{self, Kind, Tree, drawn};

/// The columns of the tree.
pub const COLUMNS: &[Column] = &[
    Column::text("Node", 24, 0).growing(),
    Column::number("Rows", 8, 1),
    Column::number("Time", 8, 0),
    Column::number("Bytes", 9, 3),
    Column::number("Spill", 9, 4),
    Column::text("Stages", 7, 2),
    Column::text("Note", 21, 1),
];

/// The rows that are shown.
pub struct PlanRows<'a> {
    /// The plan.
    pub graph: &'a PlanGraph,
    /// Its tree.
    pub tree: &'a Tree,
    /// Rows of the tree that are not folded away.
    pub shown: &'a [usize],
    /// Nodes whose inputs are folded away.
    pub folded: &'a BTreeSet<usize>,
    /// Whether the rows stand in the order of the tree.
    pub in_order: bool,
    /// What it may read.
    pub cx: &'a Context<'a>,
}

impl PlanRows<'_> {
    fn node(&self, row: usize) -> (&tree::TreeRow, &PlanNode) {
        let row = &self.tree.rows[self.shown[row]];
        (row, &self.graph.nodes[row.at])
    }

    fn name(&self, row: usize) -> String {
        let (row, node) = self.node(row);
        let lead = if self.in_order {
            drawn(&row.lead, 40, self.cx.glyphs)
        } else {
            String::new()
        };
        let folded = if self.folded.contains(&row.at) && row.below > 0 && row.kind == Kind::Node {
            format!(" [+{}]", row.below)
        } else {
            String::new()
        };
        match row.kind {
            Kind::Node => format!("{lead}{}{folded}", node.name),
            Kind::Cluster => format!("{lead}{} {}", self.cx.glyphs.pick("◇", "*"), node.name),
            Kind::Again => format!(
                "{lead}{} {} (node {}, above)",
                self.cx.glyphs.pick("↑", "^"),
                node.name,
                node.id
            ),
        }
    }
}

fn number(value: Option<u64>, unit: Unit) -> Piece<'static> {
    match value {
        None => ("".into(), Role::Dim),
        Some(0) => ("0".into(), Role::Dim),
        Some(value) => (short_text(value, unit).into(), Role::Text),
    }
}

fn ids(stages: &[u32]) -> String {
    stages.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

impl Rows for PlanRows<'_> {
    fn count(&self) -> usize {
        self.shown.len()
    }

    fn id(&self, row: usize) -> String {
        let (row, node) = self.node(row);
        match row.kind {
            // The same node in several places.
            Kind::Again => format!("{} {}", node.id, row.lead),
            _ => node.id.to_string(),
        }
    }

    fn cell(&self, row: usize, column: usize) -> Piece<'_> {
        let (tree_row, node) = self.node(row);
        let at = tree_row.at;
        let figures = &self.tree.figures[at];
        let hot = self.tree.hottest == Some(at);
        if tree_row.kind == Kind::Again && column > 0 {
            return ("".into(), Role::Dim);
        }
        match column {
            0 => {
                let role = if tree_row.kind == Kind::Node {
                    Role::Text
                } else {
                    Role::Dim
                };
                (self.name(row).into(), role)
            }
            1 => number(figures.rows, Unit::Count),
            2 => {
                let (text, role) = number(figures.time_ms, Unit::Millis);
                (text, if hot { Role::Outlier } else { role })
            }
            3 => number(figures.bytes, Unit::Bytes),
            4 => {
                let (text, role) = number(figures.spill, Unit::Bytes);
                (text, if role == Role::Text { Role::Warning } else { role })
            }
            5 => (ids(&node.stages).into(), Role::Dim),
            _ => (self.tree.notes[at].as_str().into(), Role::Outlier),
        }
    }

    fn key(&self, row: usize, column: usize) -> Key<'_> {
        let (tree_row, node) = self.node(row);
        let figures = &self.tree.figures[tree_row.at];
        match column {
            0 => Key::Number(row as f64),
            1 => Key::number(figures.rows),
            2 => Key::number(figures.time_ms),
            3 => Key::number(figures.bytes),
            4 => Key::number(figures.spill),
            5 => Key::number(node.stages.first().map(|id| u64::from(*id))),
            _ => match self.tree.notes[tree_row.at].as_str() {
                "" => Key::Absent,
                note => Key::Text(note.into()),
            },
        }
    }

    fn search(&self, row: usize, into: &mut String) {
        let (tree_row, node) = self.node(row);
        for part in [
            &node.name,
            node.description.as_deref().unwrap_or_default(),
            &self.tree.notes[tree_row.at],
        ] {
            into.push_str(part);
            into.push(' ');
        }
    }
}
