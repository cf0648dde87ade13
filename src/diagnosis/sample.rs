//! What the tests of rules share: plans with metrics, made by hand, and what one rule finds.

use std::sync::Arc;

use super::{Finding, Rule, Thresholds, findings};
use crate::model::{Application, PlanGraph, PlanMetric, PlanNode, SqlExecution};

/// What a rule finds in an application.
pub fn told(rule: &Rule, application: &Application) -> Vec<Finding> {
    let mut findings = findings(application, &Thresholds::default());
    findings.retain(|finding| finding.rule == rule.name);
    findings
}

/// A node with metrics as Spark shows them.
pub fn node(id: u64, name: &str, metrics: &[(&str, &str)]) -> PlanNode {
    let metric = |(name, value): &(&str, &str)| PlanMetric {
        name: (*name).into(),
        value: Some((*value).into()),
    };
    PlanNode {
        id,
        name: name.into(),
        metrics: metrics.iter().map(metric).collect(),
        ..PlanNode::default()
    }
}

/// A metric of several tasks: the total, and the stage of the largest.
pub fn in_stage(total: &str, stage: u32) -> String {
    format!("total (min, med, max (stageId: taskId))\n{total} (0 ms, 1 ms, {total} (stage {stage}.0: task 3))")
}

/// Gives these stages of an application a SQL execution with a plan.
pub fn with_query(mut application: Application, stages: &[usize], plan: &str, graph: PlanGraph) -> Application {
    let id = application.sql.len() as u64;
    for at in stages {
        let mut stage = (*application.stages[*at]).clone();
        stage.sql = Some(id);
        for job in stage.jobs.clone() {
            application.jobs[job as usize].sql = Some(id);
        }
        application = application.with_stage(stage);
    }
    application.sql.push(SqlExecution {
        id,
        plan: Some(plan.into()),
        graph: Some(Arc::new(graph)),
        ..SqlExecution::default()
    });
    application
}
