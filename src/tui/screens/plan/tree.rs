//! A plan as rows of a tree: what a node reads stands below it, branches of joins and unions beside a line. A chain of nodes is not
//! indented, so that a plan of a hundred operators still fits. Nodes compiled together stand under the cluster that holds their time.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::model::{PlanGraph, PlanNode};
use crate::tui::widgets::Glyphs;
use crate::units;

use super::figures::Figures;

/// Branches within branches that are drawn; further in they stand beside each other.
const DEEPEST: usize = 64;

/// A node with so many times the rows that it reads is told …
const MANY_TIMES: f64 = 10.0;

/// … where it gives at least so many.
const MANY_ROWS: u64 = 10_000;

/// What a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An operator.
    Node,
    /// Operators compiled together, above the first of them.
    Cluster,
    /// An operator that stands elsewhere already: its output is used twice.
    Again,
}

/// A row of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeRow {
    /// Place in the graph's nodes.
    pub at: usize,
    /// What it stands for.
    pub kind: Kind,
    /// The lines before its name, a character a column: `│`, `├`, `└` and blanks.
    pub lead: String,
    /// Rows below it that belong to what it reads.
    pub below: usize,
}

/// A plan in rows.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The rows, from the top.
    pub rows: Vec<TreeRow>,
    /// Each node's numbers, in the order of the graph.
    pub figures: Vec<Figures>,
    /// Why a node stands out, in the order of the graph.
    pub notes: Vec<String>,
    /// The node with the most time, if any has some.
    pub hottest: Option<usize>,
}

/// What reads what, by places in the graph's nodes.
struct Links {
    inputs: Vec<Vec<usize>>,
    fed: Vec<bool>,
}

impl Links {
    fn of(graph: &PlanGraph) -> Links {
        let place: HashMap<u64, usize> = graph.nodes.iter().enumerate().map(|(at, node)| (node.id, at)).collect();
        let mut links = Links {
            inputs: vec![Vec::new(); graph.nodes.len()],
            fed: vec![false; graph.nodes.len()],
        };
        for (from, to) in &graph.edges {
            if let (Some(from), Some(to)) = (place.get(from), place.get(to)) {
                links.inputs[*to].push(*from);
                links.fed[*from] = true;
            }
        }
        links
    }
}

/// The cluster that a node is (`WholeStageCodegen (3)`), by its number.
fn cluster_number(node: &PlanNode) -> Option<u64> {
    let number = node.name.strip_prefix("WholeStageCodegen")?.trim();
    number.strip_prefix('(')?.strip_suffix(')')?.parse().ok()
}

impl Tree {
    /// The rows of a plan. Whatever a graph holds (circles, edges to nowhere), every node has a row.
    pub fn of(graph: &PlanGraph) -> Tree {
        let links = Links::of(graph);
        let is_cluster = |at: usize| {
            let alone = !links.fed[at] && links.inputs[at].is_empty();
            cluster_number(&graph.nodes[at]).filter(|_| alone)
        };
        let clusters: HashMap<u64, usize> = (0..graph.nodes.len())
            .filter_map(|at| Some((is_cluster(at)?, at)))
            .collect();
        let mut walk = Walk {
            graph,
            links: &links,
            clusters,
            seen: HashSet::new(),
            rows: Vec::new(),
        };
        let roots = (0..graph.nodes.len()).filter(|at| !links.fed[*at] && is_cluster(*at).is_none());
        roots.for_each(|root| walk.down_from(root));
        // What no root leads to goes round in a circle; a cluster that none names stands alone.
        (0..graph.nodes.len()).for_each(|at| {
            if !walk.seen.contains(&at) {
                walk.down_from(at);
            }
        });
        let mut tree = Tree {
            rows: walk.rows,
            figures: graph.nodes.iter().map(Figures::of).collect(),
            ..Tree::default()
        };
        tree.mark(graph, &links);
        tree
    }

    /// The rows that are shown when what these nodes read is folded away.
    pub fn unfolded(&self, folded: &BTreeSet<usize>) -> Vec<usize> {
        let mut shown = Vec::new();
        let mut at = 0;
        while let Some(row) = self.rows.get(at) {
            shown.push(at);
            let hidden = row.kind == Kind::Node && folded.contains(&row.at);
            at += 1 + if hidden { row.below } else { 0 };
        }
        shown
    }

    fn mark(&mut self, graph: &PlanGraph, links: &Links) {
        let most = |of: fn(&Figures) -> Option<u64>| {
            let known = self
                .figures
                .iter()
                .enumerate()
                .filter_map(|(at, figures)| Some((of(figures)?, at)));
            // The first of equals: the one nearest the root.
            known
                .filter(|(value, _)| *value > 0)
                .max_by_key(|(value, at)| (*value, std::cmp::Reverse(*at)))
        };
        let several = graph.nodes.len() > 1;
        let time = most(|figures| figures.time_ms).filter(|_| several);
        let rows = most(|figures| figures.rows).filter(|_| several);
        let bytes = most(|figures| figures.bytes).filter(|_| several);
        let is = |of: Option<(u64, usize)>, at: usize| of.is_some_and(|(_, most)| most == at);
        let notes = (0..graph.nodes.len()).map(|at| {
            let figures = &self.figures[at];
            let mut words = Vec::new();
            if is(time, at) {
                words.push("most time".to_owned());
            }
            if figures.spill.is_some_and(|spill| spill > 0) {
                words.push("spills".to_owned());
            }
            let read: u64 = links.inputs[at]
                .iter()
                .filter_map(|input| self.figures[*input].rows)
                .sum();
            if let Some(out) = figures.rows.filter(|out| read > 0 && *out >= MANY_ROWS)
                && out as f64 >= MANY_TIMES * read as f64
            {
                words.push(format!("{} the rows it reads", units::times(out as f64 / read as f64)));
            } else if is(rows, at) {
                words.push("most rows".to_owned());
            }
            if is(bytes, at) {
                words.push("most bytes".to_owned());
            }
            words.join(", ")
        });
        self.notes = notes.collect();
        self.hottest = time.map(|(_, at)| at);
    }
}

/// The lead of a row as it goes on below it.
fn continued(lead: &str) -> String {
    lead.replace('├', "│").replace('└', " ")
}

struct Walk<'a> {
    graph: &'a PlanGraph,
    links: &'a Links,
    clusters: HashMap<u64, usize>,
    seen: HashSet<usize>,
    rows: Vec<TreeRow>,
}

/// What the walk does next.
enum Step {
    /// Add the node.
    Enter(usize, String),
    /// All that the row's node reads has been added.
    Leave(usize),
}

impl Walk<'_> {
    /// Adds a node and what it reads; with a list of its own instead of recursion, for plans are thousands deep.
    fn down_from(&mut self, root: usize) {
        let mut next = vec![Step::Enter(root, String::new())];
        while let Some(step) = next.pop() {
            match step {
                Step::Enter(at, lead) => self.enter(at, lead, &mut next),
                Step::Leave(row) => self.rows[row].below = self.rows.len() - row - 1,
            }
        }
    }

    fn enter(&mut self, at: usize, mut lead: String, next: &mut Vec<Step>) {
        if !self.seen.insert(at) {
            self.push(at, Kind::Again, lead);
            return;
        }
        let node = &self.graph.nodes[at];
        let cluster = node.codegen.and_then(|number| self.clusters.get(&number).copied());
        if let Some(cluster) = cluster.filter(|cluster| self.seen.insert(*cluster)) {
            let below = continued(&lead);
            self.push(cluster, Kind::Cluster, std::mem::replace(&mut lead, below));
        }
        let below = continued(&lead);
        let kind = if cluster_number(node).is_some() {
            Kind::Cluster
        } else {
            Kind::Node
        };
        next.push(Step::Leave(self.push(at, kind, lead)));
        let inputs = &self.links.inputs[at];
        for (number, input) in inputs.iter().enumerate().rev() {
            let mut lead = below.clone();
            if inputs.len() > 1 && lead.chars().count() < DEEPEST {
                lead.push(if number + 1 == inputs.len() { '└' } else { '├' });
            }
            next.push(Step::Enter(*input, lead));
        }
    }

    fn push(&mut self, at: usize, kind: Kind, lead: String) -> usize {
        self.rows.push(TreeRow {
            at,
            kind,
            lead,
            below: 0,
        });
        self.rows.len() - 1
    }
}

/// The lead as it is drawn, at most so many cells; what is further out is cut off.
pub fn drawn(lead: &str, cells: usize, glyphs: Glyphs) -> String {
    let skipped = (lead.chars().count() * 2).saturating_sub(cells) / 2;
    let piece = |c: char| match c {
        '├' => glyphs.pick("├─", "+-"),
        '└' => glyphs.pick("└─", "`-"),
        '│' => glyphs.pick("│ ", "| "),
        _ => "  ",
    };
    lead.chars().skip(skipped).map(piece).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PlanMetric;

    fn node(id: u64, name: &str, codegen: Option<u64>, metrics: &[(&str, &str)]) -> PlanNode {
        let metric = |(name, value): &(&str, &str)| PlanMetric {
            name: (*name).into(),
            value: Some((*value).into()),
        };
        PlanNode {
            id,
            name: name.into(),
            codegen,
            metrics: metrics.iter().map(metric).collect(),
            ..PlanNode::default()
        }
    }

    fn text(graph: &PlanGraph) -> String {
        let tree = Tree::of(graph);
        let row = |row: &TreeRow| {
            let lead = drawn(&row.lead, 20, Glyphs::Unicode);
            let again = if row.kind == Kind::Again { " (again)" } else { "" };
            format!("{lead}{}{again}", graph.nodes[row.at].name)
        };
        tree.rows.iter().map(row).collect::<Vec<_>>().join("\n")
    }

    fn join() -> PlanGraph {
        let rows = "number of output rows";
        PlanGraph {
            nodes: vec![
                node(
                    0,
                    "WholeStageCodegen (3)",
                    None,
                    &[("duration", "total (min)\n9.0 s (1 s)")],
                ),
                node(1, "Project", Some(3), &[]),
                node(2, "SortMergeJoin", Some(3), &[(rows, "500,000")]),
                node(3, "Sort", None, &[("sort time", "1.0 s"), ("spill size", "2.0 MiB")]),
                node(4, "Scan a", None, &[(rows, "1,000"), ("size of files read", "9.0 MiB")]),
                node(5, "Sort", None, &[]),
                node(6, "Scan b", None, &[(rows, "20,000")]),
            ],
            edges: vec![(2, 1), (3, 2), (4, 3), (5, 2), (6, 5)],
        }
    }

    #[test]
    fn branches_stand_beside_lines_and_chains_are_not_indented() {
        let wanted = "WholeStageCodegen (3)\nProject\nSortMergeJoin\n├─Sort\n│ Scan a\n└─Sort\n  Scan b";
        assert_eq!(text(&join()), wanted);
    }

    #[test]
    fn the_hottest_are_told() {
        let tree = Tree::of(&join());
        assert_eq!(tree.hottest, Some(0));
        assert_eq!(tree.notes[0], "most time");
        assert_eq!(tree.notes[2], "most rows");
        assert_eq!(tree.notes[3], "spills");
        assert_eq!(tree.notes[4], "most bytes");
        let mut graph = join();
        graph.edges = vec![(4, 2), (2, 1)];
        assert_eq!(Tree::of(&graph).notes[2], "500× the rows it reads");
    }

    #[test]
    fn what_a_node_reads_is_folded_away() {
        let tree = Tree::of(&join());
        let folded = |at| tree.unfolded(&BTreeSet::from([at])).len();
        assert_eq!(folded(2), 3, "the join: cluster, project and itself stay");
        assert_eq!((folded(3), folded(6), folded(0)), (6, 7, 7));
    }

    #[test]
    fn circles_orphans_edges_to_nowhere_and_deep_plans_have_every_node_once() {
        let deep = 20_000;
        let chain = PlanGraph {
            nodes: (0..deep).map(|id| node(id, "Project", None, &[])).collect(),
            edges: (1..deep).map(|id| (id, id - 1)).collect(),
        };
        assert_eq!(Tree::of(&chain).rows.len(), 20_000);
        let bushy = PlanGraph {
            nodes: chain.nodes.clone(),
            edges: (1..deep).map(|id| (id, (id - 1) / 2 * 2)).collect(),
        };
        assert_eq!(Tree::of(&bushy).rows.len(), 20_000);
        let odd = PlanGraph {
            nodes: vec![
                node(1, "a", None, &[]),
                node(2, "b", None, &[]),
                node(3, "c", None, &[]),
                node(4, "d", Some(9), &[]),
            ],
            edges: vec![(1, 2), (2, 1), (3, 3), (7, 4), (4, 8)],
        };
        assert_eq!(text(&odd), "d\na\nb\na (again)\nc\nc (again)");
        assert_eq!(text(&PlanGraph::default()), "");
    }

    #[test]
    fn an_output_used_twice_stands_once() {
        let graph = PlanGraph {
            nodes: vec![node(0, "Union", None, &[]), node(1, "Exchange", None, &[])],
            edges: vec![(1, 0), (1, 0)],
        };
        assert_eq!(text(&graph), "Union\n├─Exchange\n└─Exchange (again)");
    }

    #[test]
    fn a_lead_is_cut_from_the_outside() {
        assert_eq!(drawn("│ ├", 4, Glyphs::Ascii), "  +-");
        assert_eq!(drawn("", 0, Glyphs::Unicode), "");
    }
}
