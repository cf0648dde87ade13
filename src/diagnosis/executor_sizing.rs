//! `executor-sizing`: executors of a shape that costs: too many cores, too large a heap, very many of one core, too little overhead.

use std::collections::BTreeMap;

use super::context::Context;
use super::finding::{Advice, Confidence, Evidence, Finding, Place, Severity};
use super::{Draft, Matter, Rule, executor_memory};
use crate::model::Unit;
use crate::units;

pub const RULE: Rule = Rule {
    name: "executor-sizing",
    about: "Executors have more than 5 cores, or a heap over 64 GiB, or there are 8 of a single core while plans broadcast, or their \
            memory overhead is set under 384 MiB. Advice by S. Ryza 2015 (\"How-to: Tune Your Apache Spark Jobs\"): leave 1 core and \
            1 GiB of a node to the system, 5 cores an executor, one executor's place for the application master, memory of a node \
            shared out less 10%. Thresholds node_cores and node_memory_gib say what a node has. No saving of time.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    if context.application.is_local() {
        return Vec::new();
    }
    examine(context).into_iter().collect()
}

/// The least memory overhead (`spark.executor.minMemoryOverhead`).
const LEAST_OVERHEAD: u64 = 384 << 20;

/// What is wrong with the executors' shape.
struct Fault {
    title: String,
    cause: &'static str,
    evidence: Evidence,
}

fn faults(context: &Context<'_>) -> Vec<Fault> {
    let (application, thresholds) = (context.application, context.thresholds);
    let heap = executor_memory::heap(application);
    let cores = context.slots.spans.iter().map(|span| span.cores).max().unwrap_or(0);
    let count = |metric: &str, value: u64, baseline: u64, note: &str| Evidence {
        metric: metric.into(),
        value: value as f64,
        unit: Unit::Count,
        baseline: Some(baseline as f64),
        note: note.into(),
    };
    let bytes = |metric: &str, value: u64, baseline: u64, note: &str| Evidence {
        unit: Unit::Bytes,
        ..count(metric, value, baseline, note)
    };
    let mut faults = Vec::new();
    if cores > thresholds.sizing_cores {
        faults.push(Fault {
            title: format!("{cores} cores an executor"),
            cause: "So many tasks in one JVM contend for its heap (longer garbage collections) and for one HDFS client's throughput.",
            evidence: count("cores of an executor", u64::from(cores), u64::from(thresholds.sizing_cores), "more gain little"),
        });
    }
    if heap > thresholds.sizing_heap_bytes {
        faults.push(Fault {
            title: format!("a heap of {} an executor", units::bytes(heap)),
            cause: "Garbage collection pauses grow with the heap.",
            evidence: bytes(
                "executor heap",
                heap,
                thresholds.sizing_heap_bytes,
                "beyond, pauses grow too long",
            ),
        });
    }
    let single = context.slots.spans.iter().filter(|span| span.cores == 1).count();
    let broadcasts = || {
        let plans = application.sql.iter().filter_map(|sql| sql.plan.as_deref());
        plans.into_iter().any(|plan| plan.contains("BroadcastExchange"))
    };
    if cores == 1 && single >= thresholds.sizing_single_core_executors.max(1) && broadcasts() {
        faults.push(Fault {
            title: format!("{single} executors of one core"),
            cause: "Each executor holds its own copy of what is broadcast, and its own JVM.",
            evidence: count(
                "executors of one core",
                single as u64,
                thresholds.sizing_single_core_executors as u64,
                "as many copies of every broadcast",
            ),
        });
    }
    let overhead = executor_memory::overhead(application);
    let containers = application
        .environment
        .spark("spark.master")
        .is_some_and(|master| master.starts_with("yarn") || master.starts_with("k8s:"));
    if containers && overhead < LEAST_OVERHEAD {
        faults.push(Fault {
            title: format!("a memory overhead of {}", units::bytes(overhead)),
            cause: "Threads, network buffers and code need more than that outside the heap: the container is killed for it.",
            evidence: bytes("executor memory overhead", overhead, LEAST_OVERHEAD, "what Spark takes at least by itself"),
        });
    }
    faults
}

fn examine(context: &Context<'_>) -> Option<Draft> {
    let faults = faults(context);
    let first = faults.first()?;
    let titles: Vec<&str> = faults.iter().map(|fault| fault.title.as_str()).collect();
    let causes: Vec<&str> = faults.iter().map(|fault| fault.cause).collect();
    let overhead_alone = first.title.starts_with("a memory overhead");
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!("Executors of a costly shape: {}", titles.join(", ")),
            place: Place::default(),
            cause: causes.join(" "),
            advice: if overhead_alone {
                vec![Advice {
                    text: "Leave the overhead to Spark, or give it more.".into(),
                    config: vec![(
                        "spark.executor.memoryOverhead".into(),
                        executor_memory::setting((executor_memory::heap(context.application) / 10).max(LEAST_OVERHEAD)),
                    )],
                    ..Advice::default()
                }]
            } else {
                advice(context)
            },
            evidence: faults.into_iter().map(|fault| fault.evidence).collect(),
            saving_ms: None,
            saving_note: "How much faster other executors would be is not in the recorded run.".into(),
            confidence: Confidence::Low,
        },
        matter: Matter::Hazard,
    })
}

/// Nodes as asked for in the configuration or inferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Nodes {
    count: u64,
    cores: u64,
    /// Bytes.
    memory: u64,
}

/// Executors that fit the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    executors: u64,
    cores: u64,
    /// GiB.
    memory_gib: u64,
}

impl Nodes {
    fn of(context: &Context<'_>) -> Nodes {
        let (application, thresholds) = (context.application, context.thresholds);
        let mut by_host: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        let taken = executor_memory::heap(application).saturating_add(executor_memory::overhead(application));
        for executor in application.executors.iter().filter(|executor| !executor.is_driver()) {
            let of = by_host.entry(executor.host()).or_default();
            // An executor that took the place of another does not add to it.
            if executor
                .removed_ms
                .is_none_or(|removed| removed >= context.slots.end_ms)
            {
                of.0 = of.0.saturating_add(u64::from(executor.total_cores.unwrap_or(1)));
                of.1 = of.1.saturating_add(taken);
            }
        }
        let most = |of: fn(&(u64, u64)) -> u64| by_host.values().map(of).max().unwrap_or(1).max(1);
        Nodes {
            count: (by_host.len() as u64).max(1),
            cores: match thresholds.node_cores {
                0 => most(|taken| taken.0).saturating_add(1),
                cores => u64::from(cores),
            },
            memory: match thresholds.node_memory_gib {
                0 => most(|taken| taken.1).saturating_add(1 << 30),
                gib => u64::from(gib) << 30,
            },
        }
    }

    /// A core and 1 GiB of each node are the system's; five cores an executor; one executor's place is the application
    /// master's; of an executor's memory a tenth of the heap is overhead.
    fn shape(self, cores_each: u64) -> Shape {
        let cores = cores_each.min(self.cores.saturating_sub(1)).max(1);
        let a_node = (self.cores.saturating_sub(1) / cores).max(1);
        let all = a_node.saturating_mul(self.count);
        let share = self.memory.saturating_sub(1 << 30) / a_node;
        let heap = ((share as f64 / 1.1) as u64).min(share.saturating_sub(LEAST_OVERHEAD));
        Shape {
            executors: all.saturating_sub(1).max(1),
            cores,
            memory_gib: (heap >> 30).max(1),
        }
    }
}

fn many(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn advice(context: &Context<'_>) -> Vec<Advice> {
    let thresholds = context.thresholds;
    let nodes = Nodes::of(context);
    let shape = nodes.shape(u64::from(thresholds.sizing_cores.max(1)));
    let known = if thresholds.node_cores > 0 && thresholds.node_memory_gib > 0 {
        "as configured"
    } else {
        "inferred from these executors; thresholds node_cores and node_memory_gib tell better"
    };
    vec![Advice {
        text: format!(
            "{} of {} and {} ({known}): room for {} of {} and {} GiB each.",
            many(nodes.count, "node"),
            many(nodes.cores, "core"),
            units::bytes(nodes.memory),
            many(shape.executors, "executor"),
            many(shape.cores, "core"),
            shape.memory_gib
        ),
        config: vec![
            ("spark.executor.instances".into(), shape.executors.to_string()),
            ("spark.executor.cores".into(), shape.cores.to_string()),
            ("spark.executor.memory".into(), format!("{}g", shape.memory_gib)),
        ],
        ..Advice::default()
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Thresholds, findings};
    use crate::schedule::sample::Sample;

    #[test]
    fn the_calculator_gives_what_its_author_gave() {
        let nodes = Nodes {
            count: 6,
            cores: 16,
            memory: 64 << 30,
        };
        let expected = Shape {
            executors: 17,
            cores: 5,
            memory_gib: 19,
        };
        assert_eq!(nodes.shape(5), expected);
    }

    fn told(sample: Sample) -> Vec<Finding> {
        findings(&sample.stage("a", &[10_000; 64]).application(), &Thresholds::default())
    }

    #[test]
    fn many_cores_and_a_large_heap_are_told_together() {
        let findings = told(Sample::cluster(4, 16).set("spark.executor.memory", "100g"));
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            finding.title,
            "Executors of a costly shape: 16 cores an executor, a heap of 100 GiB an executor"
        );
        assert_eq!(finding.severity, Severity::Info);
    }

    #[test]
    fn a_usual_shape_is_not() {
        assert!(told(Sample::cluster(4, 4).set("spark.executor.memory", "8g")).is_empty());
    }

    #[test]
    fn an_overhead_under_the_floor_is_told() {
        let mut application = Sample::cluster(4, 4).stage("a", &[10_000; 64]).application();
        application.environment.spark = vec![
            ("spark.master".into(), "yarn".into()),
            ("spark.executor.memory".into(), "8g".into()),
            ("spark.executor.memoryOverhead".into(), "128".into()),
        ];
        let findings = findings(&application, &Thresholds::default());
        assert_eq!(findings[0].advice[0].config[0].1, "820m");
    }
}
