//! `aqe-off`: adaptive query execution is switched off where it would mend what other rules found.

use super::context::Context;
use super::finding::{Advice, Confidence, Evidence, Finding, Place, Severity};
use super::setting_names::Release;
use super::{Draft, Matter, Rule, skewed_partition, tiny_tasks};
use crate::model::{StageKey, Unit};

pub const RULE: Rule = Rule {
    name: "aqe-off",
    about: "spark.sql.adaptive.enabled is false (or unset on Spark 3.0 and 3.1, where that is its value), and a stage of a SQL execution \
            has a skewed partition of a join, or tiny tasks: what adaptive execution splits and merges by itself. The saving is told \
            with those findings.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    let release = Release::of(context.application);
    let set = context.application.environment.spark_bool("spark.sql.adaptive.enabled");
    // On by itself since 3.2 (SPARK-33679).
    if !release.is(3, 0) || set.unwrap_or(release.is(3, 2)) {
        return Vec::new();
    }
    examine(context).into_iter().collect()
}

/// The stages of SQL executions in which a rule found something worth telling.
fn stages(context: &Context<'_>, rule: &Rule) -> Vec<StageKey> {
    let found = (rule.check)(context).into_iter().map(|draft| draft.finding);
    let worth =
        found.filter(|finding| finding.place.sql.is_some() && finding.saving_ms >= Some(context.least_saving_ms()));
    let stages = worth.flat_map(|finding| finding.place.stage.into_iter().chain(finding.place.alike));
    stages.collect()
}

fn examine(context: &Context<'_>) -> Option<Draft> {
    let (skewed, tiny) = (
        stages(context, &skewed_partition::RULE),
        stages(context, &tiny_tasks::RULE),
    );
    let first = skewed.first().or(tiny.first())?;
    let stage = context.application.stage(*first)?;
    let names = |keys: &[StageKey]| {
        keys.iter()
            .take(4)
            .map(|key| key.id.to_string())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut mends = Vec::new();
    if !skewed.is_empty() {
        mends.push(format!("split the skewed partitions of stage {}", names(&skewed)));
    }
    if !tiny.is_empty() {
        mends.push(format!("merge the tiny partitions of stage {}", names(&tiny)));
    }
    let mut config = vec![("spark.sql.adaptive.enabled".to_owned(), "true".to_owned())];
    if !skewed.is_empty() {
        config.push(("spark.sql.adaptive.skewJoin.enabled".into(), "true".into()));
    }
    if !tiny.is_empty() {
        config.push(("spark.sql.adaptive.coalescePartitions.enabled".into(), "true".into()));
    }
    let set = context
        .application
        .environment
        .spark("spark.sql.adaptive.enabled")
        .unwrap_or("not set");
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!("Adaptive query execution is off: it would {}", mends.join(" and ")),
            place: Place {
                ..context.place(stage)
            },
            evidence: vec![Evidence {
                metric: "stages that it would mend".into(),
                value: (skewed.len() + tiny.len()) as f64,
                unit: Unit::Count,
                baseline: None,
                note: format!("spark.sql.adaptive.enabled is {set}"),
            }],
            cause: "Adaptive query execution looks at the sizes of shuffle partitions before it reads them, splits those of a join that \
                    are far too large, and merges those that are far too small."
                .into(),
            advice: vec![Advice {
                text: "Switch it on.".into(),
                config,
                ..Advice::default()
            }],
            saving_ms: None,
            saving_note: "Told with the findings that it would mend.".into(),
            confidence: Confidence::Medium,
        },
        matter: Matter::Hazard,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Thresholds, findings};
    use crate::model::{Application, SqlExecution, TaskMetric};
    use crate::schedule::sample::Sample;

    fn tiny(adaptive: Option<&str>, version: &str) -> Application {
        let mut sample = Sample::cluster(2, 2);
        if let Some(adaptive) = adaptive {
            sample = sample.set("spark.sql.adaptive.enabled", adaptive);
        }
        let application = sample
            .stage_with("a", &[20; 4_000], |_, task| {
                task.metrics.set(TaskMetric::ExecutorRunTime, Some(8));
            })
            .application();
        let mut stage = (*application.stages[0]).clone();
        stage.sql = Some(0);
        let mut application = application.with_stage(stage);
        application.sql.push(SqlExecution::default());
        application.spark_version = Some(version.into());
        application
    }

    fn told(application: &Application) -> bool {
        let findings = findings(application, &Thresholds::default());
        findings.iter().any(|finding| finding.rule == RULE.name)
    }

    #[test]
    fn off_is_told_where_it_would_help() {
        assert!(told(&tiny(Some("false"), "3.5.1")));
        assert!(told(&tiny(None, "3.1.2")));
    }

    #[test]
    fn on_by_itself_too_old_or_nothing_to_mend_is_not() {
        assert!(!told(&tiny(None, "3.5.1")));
        assert!(!told(&tiny(Some("false"), "2.4.8")));
        let even = Sample::cluster(2, 2)
            .set("spark.sql.adaptive.enabled", "false")
            .stage("a", &[5_000; 8]);
        assert!(!told(&even.application()));
    }
}
