//! What a plan node's metrics come to: rows, time, bytes, spill. Spark's metrics are read as they are shown; their unit tells
//! what they are, for names differ between operators and versions.

use crate::model::{PlanMetric, PlanNode, Unit};

/// A node in numbers; absent where no metric tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// Rows that came out.
    pub rows: Option<u64>,
    /// The longest of its times, ms, summed over tasks. Times of one node overlap, so that they are not added up.
    pub time_ms: Option<u64>,
    /// The largest of its sizes, bytes; neither memory nor spill.
    pub bytes: Option<u64>,
    /// What it spilled, bytes.
    pub spill: Option<u64>,
}

impl Figures {
    /// Those of a node.
    pub fn of(node: &PlanNode) -> Figures {
        let mut figures = Figures::default();
        for metric in &node.metrics {
            let Some(total) = metric.total().filter(|total| *total >= 0.0) else {
                continue;
            };
            let value = total as u64;
            match unit(metric) {
                _ if metric.name == "number of output rows" => figures.rows = Some(value),
                Unit::Millis => figures.time_ms = figures.time_ms.max(Some(value)),
                Unit::Bytes if metric.name == "spill size" => figures.spill = Some(value),
                // Memory is no work done.
                Unit::Bytes if metric.name.contains("memory") => {}
                Unit::Bytes => figures.bytes = figures.bytes.max(Some(value)),
                _ => {}
            }
        }
        figures
    }
}

/// What the value of a metric is, by the unit it is shown in.
fn unit(metric: &PlanMetric) -> Unit {
    let text = metric.value.as_deref().unwrap_or_default();
    let first = text.lines().last().and_then(|line| line.split('(').next());
    match first.unwrap_or_default().trim().rsplit(' ').next() {
        Some("ms" | "s" | "m" | "h") => Unit::Millis,
        Some(word) if word == "B" || word.ends_with("iB") => Unit::Bytes,
        _ => Unit::Count,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_sizes_and_rows_are_told_apart_by_their_units() {
        let metric = |name: &str, value: &str| PlanMetric {
            name: name.into(),
            value: Some(value.into()),
        };
        let node = PlanNode {
            metrics: vec![
                metric("number of output rows", "1,200"),
                metric(
                    "sort time",
                    "total (min, med, max (stageId: taskId))\n1.5 s (0 ms, 1 ms, 2 ms (stage 1.0: task 1))",
                ),
                metric("peak memory", "64.0 MiB"),
                metric("data size", "2.0 KiB"),
                metric("spill size", "0.0 B"),
                metric("number of files", "7"),
                PlanMetric {
                    name: "scan time".into(),
                    value: None,
                },
            ],
            ..PlanNode::default()
        };
        let wanted = Figures {
            rows: Some(1_200),
            time_ms: Some(1_500),
            bytes: Some(2_048),
            spill: Some(0),
        };
        assert_eq!(Figures::of(&node), wanted);
        assert_eq!(Figures::of(&PlanNode::default()), Figures::default());
    }
}
