//! A plan's tree of operators as the graph that Spark draws (`SparkPlanGraph`): the same numbers, clusters and edges, so that a node is the
//! same node in the log and over REST.

use std::collections::HashMap;

use crate::model::{PlanGraph, PlanMetric, PlanNode};
use crate::source::eventlog::metric_text::Kind;
use crate::source::eventlog::plan::Operator;
use crate::text;

/// A plan whose metrics have no values yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Drawn {
    pub graph: PlanGraph,
    /// For each node of the graph, for each of its metrics: the accumulator that holds its value.
    accumulators: Vec<Vec<u64>>,
}

/// What a metric's accumulator is told to be.
pub(super) type Kinds = HashMap<u64, Option<Kind>>;

/// What became of an accumulator: its value as shown, and the stages whose tasks added to it.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub value: Option<String>,
    pub stages: Vec<u32>,
}

impl Drawn {
    /// Draws a plan, whose operators come parents first, and notes its accumulators. `described` says whether there is room for what
    /// the operators' arguments are.
    pub fn new(operators: &[Operator<'_>], kinds: &mut Kinds, described: bool) -> Drawn {
        let same = alike(operators);
        let mut drawn = Drawn::default();
        // Nodes that others may point to again, by what they are.
        let mut reusable: HashMap<usize, u64> = HashMap::new();
        // What is still to be drawn, the next one last: the operator, the node that it feeds, the code generation that it is in.
        let mut next: Vec<(usize, Option<u64>, Option<Codegen>)> = vec![(0, None, None)];
        while let Some((at, parent, codegen)) = next.pop() {
            let Some(operator) = operators.get(at) else { continue };
            let first = operator.children.first().copied();
            let mut edge = |from: u64, once: bool| {
                let edge = parent.map(|parent| (from, parent));
                let edges = &mut drawn.graph.edges;
                edges.extend(edge.filter(|edge| !once || !edges.contains(edge)));
            };
            let known = |at: Option<usize>| at.and_then(|at| reusable.get(same.get(at)?).copied());
            match &*operator.name {
                name if name.starts_with("WholeStageCodegen") => {
                    drawn.node(operator, None, kinds, described);
                    let inside = Codegen(name.trim().strip_prefix("WholeStageCodegen (").and_then(number));
                    next.extend(first.map(|child| (child, parent, Some(inside))));
                }
                "InputAdapter" | "TableCacheQueryStage" | "ResultQueryStage" => {
                    next.extend(first.map(|child| (child, parent, None)));
                }
                "BroadcastQueryStage" | "ShuffleQueryStage" => match known(first) {
                    Some(node) => edge(node, false),
                    None => next.extend(first.map(|child| (child, parent, None))),
                },
                // A subquery is none of its surroundings' code generation.
                "Subquery" if codegen.is_some() => next.push((at, parent, None)),
                "Subquery" if known(Some(at)).is_some() => {
                    known(Some(at)).into_iter().for_each(|node| edge(node, true));
                }
                "ReusedSubquery" => next.extend(first.map(|child| (child, parent, codegen))),
                "ReusedExchange" if known(first).is_some() => {
                    known(first).into_iter().for_each(|node| edge(node, false));
                }
                name => {
                    let can_be_used_again = name.contains("Exchange") || name == "Subquery";
                    let id = drawn.node(operator, codegen, kinds, described);
                    if can_be_used_again && let Some(same) = same.get(at) {
                        reusable.insert(*same, id);
                    }
                    drawn.graph.edges.extend(parent.map(|parent| (id, parent)));
                    let children = operator.children.iter().rev();
                    next.extend(children.map(|child| (*child, Some(id), codegen)));
                }
            }
        }
        drawn
    }

    fn node(&mut self, operator: &Operator<'_>, codegen: Option<Codegen>, kinds: &mut Kinds, described: bool) -> u64 {
        let id = self.graph.nodes.len() as u64;
        let metrics = operator.metrics.iter().filter_map(|metric| {
            let accumulator = metric.accumulator?;
            kinds.insert(accumulator, metric.kind.as_deref().and_then(Kind::parse));
            Some((metric.name.as_deref().unwrap_or_default(), accumulator))
        });
        let (names, accumulators): (Vec<&str>, Vec<u64>) = metrics.unzip();
        self.accumulators.push(accumulators);
        self.graph.nodes.push(PlanNode {
            id,
            name: text::clean_line(operator.name.trim()),
            description: described.then(|| text::clean(&operator.line).into_owned()),
            codegen: codegen.and_then(|codegen| codegen.0),
            metrics: names
                .into_iter()
                .map(|name| PlanMetric {
                    name: text::clean_line(name.trim()),
                    value: None,
                })
                .collect(),
            stages: Vec::new(),
        });
        id
    }

    /// Bytes of operators' arguments that it holds.
    pub fn text(&self) -> usize {
        let descriptions = self.graph.nodes.iter().filter_map(|node| node.description.as_deref());
        descriptions.map(str::len).sum()
    }

    /// The graph with the values of its metrics.
    pub fn with(mut self, told: &HashMap<u64, Told>) -> PlanGraph {
        for (node, accumulators) in self.graph.nodes.iter_mut().zip(&self.accumulators) {
            for (metric, accumulator) in node.metrics.iter_mut().zip(accumulators) {
                let Some(told) = told.get(accumulator) else { continue };
                metric.value.clone_from(&told.value);
                node.stages.extend(&told.stages);
            }
            node.stages.sort_unstable();
            node.stages.dedup();
        }
        self.graph
    }
}

/// The whole-stage code generation that an operator is in, with its number where it has one.
#[derive(Clone, Copy)]
struct Codegen(Option<u64>);

/// `3)`
fn number(text: &str) -> Option<u64> {
    text.strip_suffix(')')?.parse().ok()
}

/// For each operator the place of the last one that is the same (`SparkPlanInfo.equals`): name, arguments and all below.
fn alike(operators: &[Operator<'_>]) -> Vec<usize> {
    let mut same = vec![0; operators.len()];
    let mut known: HashMap<(&str, &str, Vec<usize>), usize> = HashMap::new();
    // Children stand after their parents.
    for (at, operator) in operators.iter().enumerate().rev() {
        let below = operator.children.iter().filter_map(|child| same.get(*child).copied());
        let what = (&*operator.name, &*operator.line, below.collect());
        same[at] = *known.entry(what).or_insert(at);
    }
    same
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::eventlog::plan::{Raw, operators};

    fn drawn(plan: &str) -> PlanGraph {
        let operators = operators(Raw(plan)).unwrap();
        Drawn::new(&operators, &mut Kinds::new(), true).with(&HashMap::new())
    }

    /// A plan out of names and brackets.
    fn plan(short: &str) -> String {
        let mut json = String::new();
        for part in short.split_inclusive(['[', ']', ',']) {
            let (name, mark) = part.split_at(part.len() - part.ends_with(['[', ']', ',']) as usize);
            let name = name.trim();
            if !name.is_empty() {
                json += &format!(r#"{{"nodeName":"{name}","simpleString":"{name}","metrics":[],"children":["#);
            }
            json += match (name.is_empty(), mark) {
                (_, "[") => "",
                (false, "," | "") => "]},",
                (false, _) => "]}]}",
                (true, "]") => "]}",
                (true, _) => ",",
            };
        }
        json.trim_end_matches(',').to_owned()
    }

    fn names(graph: &PlanGraph) -> Vec<(&str, Option<u64>)> {
        let node = |node| {
            let PlanNode { name, codegen, .. }: &PlanNode = node;
            (name.as_str(), *codegen)
        };
        graph.nodes.iter().map(node).collect()
    }

    #[test]
    fn a_cluster_is_a_node_that_no_edge_touches() {
        let graph = drawn(&plan(
            "WholeStageCodegen (2)[Sort[InputAdapter[Exchange[WholeStageCodegen (1)[Range]]]]]",
        ));
        let told = [
            ("WholeStageCodegen (2)", None),
            ("Sort", Some(2)),
            ("Exchange", None),
            ("WholeStageCodegen (1)", None),
            ("Range", Some(1)),
        ];
        assert_eq!(names(&graph), told);
        assert_eq!(graph.edges, [(2, 1), (4, 2)]);
    }

    #[test]
    fn what_is_used_again_is_pointed_to() {
        let graph = drawn(&plan(
            "Join[ShuffleQueryStage[Exchange[Scan]],ReusedExchange[Exchange[Scan]],ShuffleQueryStage[Exchange[Scan]]]",
        ));
        assert_eq!(names(&graph), [("Join", None), ("Exchange", None), ("Scan", None)]);
        assert_eq!(graph.edges, [(1, 0), (2, 1), (1, 0), (1, 0)]);
        // What it points to was replaced by adaptive execution: Spark draws the pointer itself.
        let graph = drawn(&plan("Join[Scan,ReusedExchange[Exchange[Scan]]]"));
        assert_eq!(names(&graph).len(), 5);
    }

    #[test]
    fn a_subquery_is_outside_of_its_code_generation_and_drawn_once() {
        let graph = drawn(&plan(
            "WholeStageCodegen (1)[Filter[Subquery[Scan],ReusedSubquery[Subquery[Scan]],Range]]",
        ));
        let told = [
            ("WholeStageCodegen (1)", None),
            ("Filter", Some(1)),
            ("Subquery", None),
            ("Scan", None),
            ("Range", Some(1)),
        ];
        assert_eq!(names(&graph), told);
        assert_eq!(graph.edges, [(2, 1), (3, 2), (4, 1)]);
    }

    #[test]
    fn a_stage_of_nothing_is_nothing() {
        assert_eq!(drawn(&plan("ShuffleQueryStage[]")), PlanGraph::default());
    }
}
