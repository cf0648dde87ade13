//! SQL executions as rules look at them: the plan's tree, its graph with metrics, and the stages that ran it.

use std::collections::BTreeMap;

use super::plan_tree::PlanTree;
use crate::model::{Application, Job, PlanGraph, PlanNode, SqlExecution, Stage, StageKey, TaskMetric, TasksRead};

/// One SQL execution whose plan was recorded.
#[derive(Debug)]
pub struct Query<'a> {
    pub sql: &'a SqlExecution,
    pub tree: PlanTree<'a>,
    pub graph: Option<&'a PlanGraph>,
    /// The stage attempts that ran for it and whose tasks were read, by key.
    pub stages: Vec<&'a Stage>,
}

/// Metrics of an exchange that the stage before it reports; the others come from the stage behind it.
const WRITTEN: [&str; 4] = [
    "data size",
    "shuffle bytes written",
    "shuffle write time",
    "shuffle records written",
];

/// No stage has so many operators one after another.
const MOST_STEPS: usize = 64;

impl<'a> Query<'a> {
    /// Every SQL execution with a plan.
    pub fn all(application: &'a Application) -> Vec<Query<'a>> {
        let mut stages: BTreeMap<u64, Vec<&'a Stage>> = BTreeMap::new();
        for stage in application.ran_stages() {
            if let Some(sql) = stage.sql
                && stage.tasks_read == TasksRead::Yes
                && !stage.tasks.is_empty()
            {
                stages.entry(sql).or_default().push(stage);
            }
        }
        let query = |sql: &'a SqlExecution| {
            Some(Query {
                sql,
                tree: PlanTree::read(sql.plan.as_deref()?)?,
                graph: sql.graph.as_deref(),
                stages: stages.get(&sql.id).cloned().unwrap_or_default(),
            })
        };
        application.sql.iter().filter_map(query).collect()
    }

    /// The stages that read no shuffle: the plan's scans ran there.
    pub fn leaf_stages(&self) -> impl Iterator<Item = &'a Stage> {
        let reads = |stage: &&Stage| stage.totals.get(TaskMetric::ShuffleReadRecords).unwrap_or(0) == 0;
        self.stages.iter().copied().filter(reads)
    }

    /// The stage that a node ran in. A node's times and sizes name the task with the largest (`SQLMetrics.stringValue`); where
    /// it has none, what it feeds in the same stage may.
    pub fn stage_of(&self, node: &PlanNode) -> Option<&'a Stage> {
        let graph = self.graph?;
        let mut at = node;
        for _ in 0..MOST_STEPS {
            let exchange = at.name.ends_with("Exchange");
            let named = named_stage(at, if exchange { &WRITTEN } else { &[] }).or_else(|| {
                let cluster = format!("WholeStageCodegen ({})", at.codegen?);
                named_stage(graph.nodes.iter().find(|node| node.name == cluster)?, &[])
            });
            if let Some(key) = named {
                return self.stages.iter().copied().find(|stage| stage.key == key);
            }
            if exchange {
                return None;
            }
            let (_, next) = graph.edges.iter().find(|(from, _)| *from == at.id)?;
            at = graph.node(*next)?;
        }
        None
    }

    /// Nodes whose name begins so.
    pub fn nodes(&self, start: &str) -> impl Iterator<Item = &'a PlanNode> {
        self.graph
            .into_iter()
            .flat_map(|graph| &graph.nodes)
            .filter(move |node| node.name.starts_with(start))
    }
}

/// Whether a job collects one side of a join to broadcast it (`BroadcastExchangeExec`): no action of the user's. Its tag says so
/// since Spark 3.5, its description did before.
pub fn collects_broadcast(job: &Job) -> bool {
    let tags = job.job_tags.iter().map(String::as_str);
    tags.chain(job.description.as_deref())
        .any(|text| text.starts_with("broadcast exchange"))
}

/// The stage that a node's metrics name: `(stage 3.0: task 12)`. `only` these metrics; all when empty.
fn named_stage(node: &PlanNode, only: &[&str]) -> Option<StageKey> {
    let metrics = node
        .metrics
        .iter()
        .filter(|metric| only.is_empty() || only.contains(&metric.name.as_str()));
    metrics.filter_map(|metric| stage_in(metric.value.as_deref()?)).next()
}

fn stage_in(text: &str) -> Option<StageKey> {
    let (_, after) = text.rsplit_once("(stage ")?;
    let (id, attempt) = after.split_once(':')?.0.split_once('.')?;
    Some(StageKey {
        id: id.parse().ok()?,
        attempt: attempt.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broadcast_s_job_is_known_by_its_tag_or_its_description() {
        let text = "broadcast exchange (runId 4bdb89c8-44e4-4f70-b82f-701cda51d9b0)";
        let tagged = Job {
            job_tags: vec!["spark-session-c8cc".into(), text.into()],
            ..Job::default()
        };
        let described = Job {
            description: Some(text.into()),
            ..Job::default()
        };
        assert!(collects_broadcast(&tagged) && collects_broadcast(&described));
        assert!(!collects_broadcast(&Job::default()));
    }

    #[test]
    fn a_node_s_metrics_name_its_stage() {
        let key = |id, attempt| Some(StageKey { id, attempt });
        assert_eq!(
            stage_in("total (min, med, max (stageId: taskId))\n1.5 KiB (0.0 B, 1.0 B, 2.0 B (stage 12.1: task 3))"),
            key(12, 1)
        );
        assert_eq!(stage_in("1,234"), None);
        assert_eq!(stage_in("(stage x.y: task)"), None);
    }
}
