//! The plan of a SQL execution as Spark draws it: nodes with their metrics, and which node feeds which.

/// A metric of a plan node, with its value as Spark's web interface and REST API show it (`SQLMetrics.stringValue`): both
/// sources know that text, and REST knows nothing else. Numbers are read back out of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanMetric {
    /// Spark's name, such as `number of output rows`.
    pub name: String,
    /// The value as shown: `1,234`, or `total (min, med, max …)` and a second line with four values; absent when nothing was recorded.
    pub value: Option<String>,
}

/// A node of a plan (REST's `Node`): an operator, or a cluster of operators that were compiled together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanNode {
    /// Its number in the plan (Spark numbers as `SparkPlanGraph` does).
    pub id: u64,
    /// Operator, such as `Scan parquet` or `SortMergeJoin`.
    pub name: String,
    /// One line with the operator's arguments; absent over REST before 4.3.
    pub description: Option<String>,
    /// Number of the whole-stage code generation that it is part of.
    pub codegen: Option<u64>,
    /// Its metrics, in Spark's order.
    pub metrics: Vec<PlanMetric>,
    /// Ids of the stages whose tasks reported its metrics; empty over REST.
    pub stages: Vec<u32>,
}

/// A plan as a graph (REST's `nodes` and `edges`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlanGraph {
    /// The nodes, by id.
    pub nodes: Vec<PlanNode>,
    /// (from, to): the first node's rows go to the second.
    pub edges: Vec<(u64, u64)>,
}

impl PlanGraph {
    /// A node.
    pub fn node(&self, id: u64) -> Option<&PlanNode> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// The nodes whose rows go to this one.
    pub fn inputs(&self, id: u64) -> impl Iterator<Item = &PlanNode> {
        let from = self.edges.iter().filter(move |(_, to)| *to == id);
        from.filter_map(|(from, _)| self.node(*from))
    }

    /// The nodes that feed no other: the plan's root, and those of subqueries.
    pub fn roots(&self) -> impl Iterator<Item = &PlanNode> {
        let fed = |node: &&PlanNode| !self.edges.iter().any(|(from, _)| *from == node.id);
        self.nodes.iter().filter(fed)
    }
}

impl PlanNode {
    /// The total of a metric, in its base unit (bytes, ms, or a count), as exactly as Spark shows it.
    pub fn total(&self, metric: &str) -> Option<f64> {
        let metric = self.metrics.iter().find(|known| known.name == metric)?;
        metric.total()
    }
}

impl PlanMetric {
    /// The number that Spark shows first, in its base unit: bytes, ms, or a count.
    pub fn total(&self) -> Option<f64> {
        let text = self.value.as_deref()?;
        // The second line holds `total (min, med, max)`, where there are several values.
        let line = text.lines().last()?;
        let first = line.split('(').next()?.trim();
        shown_number(first)
    }
}

/// A number as `SQLMetrics.stringValue` writes it, in its base unit.
fn shown_number(text: &str) -> Option<f64> {
    let (number, unit) = match text.split_once(' ') {
        Some((number, unit)) => (number, unit.trim()),
        None => (text, ""),
    };
    let number: f64 = number
        .replace(',', "")
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())?;
    let scale = match unit {
        "" | "B" | "ms" => 1.0,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        "TiB" => 1024f64.powi(4),
        "PiB" => 1024f64.powi(5),
        "EiB" => 1024f64.powi(6),
        "s" => 1_000.0,
        "m" => 60_000.0,
        "h" => 3_600_000.0,
        _ => return None,
    };
    Some(number * scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_spark_shows_them() {
        let total = |value: &str| {
            PlanMetric {
                name: "x".into(),
                value: Some(value.into()),
            }
            .total()
        };
        assert_eq!(total("1,234,567"), Some(1_234_567.0));
        assert_eq!(
            total("total (min, med, max (stageId: taskId))\n1.5 KiB (0.0 B, 1.0 B, 2.0 B (stage 1.0: task 3))"),
            Some(1_536.0)
        );
        assert_eq!(total("2.0 s"), Some(2_000.0));
        assert_eq!(total("85 ms"), Some(85.0));
        assert_eq!(total("(min, med, max):\n(1, 2, 3)"), None);
        assert_eq!(total("many"), None);
        assert_eq!(PlanMetric::default().total(), None);
    }

    #[test]
    fn a_graph_is_walked_from_its_roots() {
        let node = |id| PlanNode {
            id,
            ..PlanNode::default()
        };
        let graph = PlanGraph {
            nodes: vec![node(0), node(1), node(2)],
            edges: vec![(1, 0), (2, 0)],
        };
        assert_eq!(graph.roots().map(|node| node.id).collect::<Vec<_>>(), [0]);
        assert_eq!(graph.inputs(0).map(|node| node.id).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(graph.node(3), None);
    }
}
