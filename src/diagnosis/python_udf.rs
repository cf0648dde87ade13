//! `python-udf`: rows leave the JVM one batch after another for a Python function that is called once a row.

use super::alike::{self, Found};
use super::context::Context;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Severity};
use super::plan_tree::{PlanOperator, plain_name};
use super::queries::Query;
use super::{Draft, Matter, Rule, adaptive, statistics};
use crate::model::{Stage, TaskMetric, Unit};
use crate::schedule::slot_times;
use crate::units;

pub const RULE: Rule = Rule {
    name: "python-udf",
    about: "A plan calls Python functions row by row (BatchEvalPython), and the tasks of its stage wait for Python for at least a \
            tenth of their time. Waiting is what of a task's run time is neither CPU time of the JVM, garbage collection, fetch wait \
            nor shuffle write (TaskMetrics). Saving: the stage without nine tenths of that wait, the last tenth left for the \
            built-in functions; the application replayed by list scheduling.",
    check,
};

/// What stays of the wait for Python when the JVM computes the same: on the recorded pair 1.1 s more CPU time in the JVM for 9.9 s
/// of waiting.
const LEFT_SHARE: f64 = 0.1;

fn check(context: &Context<'_>) -> Vec<Draft> {
    let queries = context.queries().iter();
    let found = queries.filter_map(|query| examine(context, query)).collect();
    alike::fold(context, found)
}

fn examine<'a>(context: &Context<'_>, query: &Query<'a>) -> Option<Found<'a>> {
    let (_, operator) = query.tree.of_kind("BatchEvalPython").next()?;
    let node = query.nodes("BatchEvalPython").next();
    let named = node.and_then(|node| query.stage_of(node));
    let stage = named.or_else(|| query.stages.iter().copied().max_by_key(|stage| waited(stage)))?;
    let run = stage.totals.get(TaskMetric::ExecutorRunTime)?;
    let wait = waited(stage);
    if !context.matters(stage) || (wait as f64) < run as f64 * context.thresholds.python_wait_share {
        return None;
    }
    let tasks = slot_times(stage).into_iter().map(|(row, held)| {
        let gained = waits(stage, row).min(held) as f64 * (1.0 - LEFT_SHARE);
        held.saturating_sub(gained as u64)
    });
    let what = "with the JVM computing the same in a tenth of the time it waits for Python";
    let tasks: Vec<u64> = tasks.collect();
    let saving = context.saving_of_tasks(stage, tasks.clone(), what, Confidence::Medium);
    let functions = functions(operator);
    let names: Vec<&str> = functions.iter().map(|function| function.name).collect();
    let mut evidence = vec![
        Evidence::of(
            "waiting for Python, all tasks",
            wait as f64,
            Unit::Millis,
            "executor run time of the stage",
        )
        .against(run as f64),
    ];
    let metric = |name: &str, unit, note: &str| {
        let value = node?.total(name)?;
        Some(Evidence::of(name, value, unit, note))
    };
    evidence.extend(metric(
        "number of output rows",
        Unit::Records,
        "each handed to Python and back",
    ));
    evidence.extend(metric("data sent to Python workers", Unit::Bytes, "pickled"));
    evidence.extend(metric("data returned from Python workers", Unit::Bytes, "unpickled"));
    let draft = Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "Python function {} called row by row in {}: {} of the run time waits for it",
                if names.is_empty() { "(name not recorded)".into() } else { names.join(", ") },
                context.name(stage),
                units::percent(wait as f64 / run.max(1) as f64)
            ),
            place: context.place(stage),
            evidence,
            cause: "Every row is pickled, sent to a Python process, unpickled, handed to the function alone, and the same way back; \
                    the optimizer sees nothing of what the function does, so no filter or column is pushed below it."
                .into(),
            advice: advice(context, &functions),
            saving_ms: Some(saving.ms),
            saving_note: saving.note,
            confidence: saving.confidence,
        },
        matter: Matter::Saving,
    };
    Some(Found {
        stage,
        remedy: names.join(", "),
        tasks,
        what: what.to_owned(),
        at_most: Confidence::Medium,
        draft,
    })
}

/// How long a task did nothing that Spark accounts for, ms.
fn waits(stage: &Stage, row: usize) -> u64 {
    let metric = |metric| stage.tasks.metric(row, metric);
    let (Some(run), Some(cpu)) = (metric(TaskMetric::ExecutorRunTime), metric(TaskMetric::ExecutorCpuTime)) else {
        return 0;
    };
    let known = [
        Some(cpu / 1_000_000),
        metric(TaskMetric::JvmGcTime),
        metric(TaskMetric::ShuffleFetchWaitTime),
        metric(TaskMetric::ShuffleWriteTime).map(|nanos| nanos / 1_000_000),
    ];
    run.saturating_sub(statistics::total(known.into_iter().flatten()))
}

fn waited(stage: &Stage) -> u64 {
    statistics::total((0..stage.tasks.len()).map(|row| waits(stage, row)))
}

/// A call in the plan: `remainder(digits#2)#4`.
struct Function<'a> {
    name: &'a str,
    /// Its columns; empty where they are no plain columns.
    columns: Vec<&'a str>,
}

fn functions<'a>(operator: &PlanOperator<'a>) -> Vec<Function<'a>> {
    let inside = operator.field("Arguments").and_then(|text| text.strip_prefix('['));
    let calls = inside
        .and_then(|text| text.split_once("], ["))
        .map_or("", |(calls, _)| calls);
    let call = |text: &'a str| {
        let (name, rest) = text.split_once('(')?;
        let is_name = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '<' | '>'));
        let columns = rest.rsplit_once(')')?.0;
        let plain = columns.split(',').map(plain_name).collect::<Vec<_>>();
        let are_columns = plain
            .iter()
            .all(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_'));
        is_name.then(|| Function {
            name,
            columns: if are_columns { plain } else { Vec::new() },
        })
    };
    // One call; of several, those that can be told apart.
    split_calls(calls).into_iter().filter_map(call).take(3).collect()
}

/// Splits at commas outside of parentheses.
fn split_calls(text: &str) -> Vec<&str> {
    let (mut parts, mut deep, mut from) = (Vec::new(), 0_i32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => deep += 1,
            ')' => deep -= 1,
            ',' if deep == 0 => {
                parts.push(text.get(from..at).unwrap_or("").trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(from..).unwrap_or("").trim());
    parts
}

fn advice(context: &Context<'_>, functions: &[Function<'_>]) -> Vec<Advice> {
    let first = functions.first();
    let name = first.map_or("function", |function| function.name);
    let columns = first.map_or(String::new(), |function| function.columns.join(", "));
    let arguments = if columns.is_empty() { "…".to_owned() } else { columns };
    let quoted = arguments
        .split(", ")
        .map(|column| format!("\"{column}\""))
        .collect::<Vec<_>>()
        .join(", ");
    let mut advice = vec![Advice {
        text: format!(
            "Say what {name}({arguments}) does with Spark's built-in functions (pyspark.sql.functions: when, regexp_extract, transform, \
             aggregate, sha2, …): they are compiled with the rest of the stage, and no row leaves the JVM."
        ),
        config: Vec::new(),
        code: Code {
            python: format!("df.withColumn(\"{name}\", F.when(…).otherwise(…))  # instead of {name}({quoted})"),
            scala: format!("df.withColumn(\"{name}\", when(…).otherwise(…))"),
            sql: "SELECT CASE WHEN … END, aggregate(…), transform(…) FROM …".into(),
        },
    }];
    let version = adaptive::version(context.application);
    if version.is_none_or(|version| version >= (3, 0)) {
        advice.push(Advice {
            text: format!(
                "If it has to be Python, make {name} a pandas UDF: it gets whole columns through Arrow and is called once a batch, not once a row."
            ),
            config: Vec::new(),
            code: Code {
                python: format!("@F.pandas_udf(\"long\")  # the type that {name} returns\ndef {name}(column: pd.Series) -> pd.Series: …"),
                ..Code::default()
            },
        });
    }
    if version.is_some_and(|version| version >= (3, 5)) {
        advice.push(Advice {
            text: "Or, without touching the code, let Spark send the rows through Arrow: the function is still called row by row.".into(),
            config: vec![("spark.sql.execution.pythonUDF.arrow.enabled".into(), "true".into())],
            ..Advice::default()
        });
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Thresholds, findings};
    use crate::model::{Application, SqlExecution};
    use crate::schedule::sample::Sample;

    const PLAN: &str = "== Physical Plan ==\n* Project (3)\n+- BatchEvalPython (2)\n   +- * Range (1)\n\n\n(1) Range\nArguments: x\n\n(2) BatchEvalPython\n\
        Input [1]: [digits#2]\nArguments: [remainder(digits#2, other#3)#4], [pythonUDF0#10]\n";

    fn application(plan: &str, cpu_ms: u64) -> Application {
        let mut application = Sample::cluster(2, 2)
            .stage_with("collect at /apps/a.py:5", &[10_000; 8], move |_, task| {
                task.metrics.set(TaskMetric::ExecutorCpuTime, Some(cpu_ms * 1_000_000));
            })
            .application();
        let mut stage = (*application.stages[0]).clone();
        stage.sql = Some(0);
        application.sql.push(SqlExecution {
            plan: Some(plan.into()),
            ..SqlExecution::default()
        });
        application.with_stage(stage)
    }

    #[test]
    fn a_stage_that_waits_for_python_is_told_with_the_function_s_name() {
        let findings = findings(&application(PLAN, 2_000), &Thresholds::default());
        let finding = findings.iter().find(|finding| finding.rule == RULE.name).unwrap();
        assert_eq!(
            finding.title,
            "Python function remainder called row by row in stage 0 (collect at a.py:5): 80% of the run time waits for it"
        );
        // 8 s of each 10 s are waiting, 7.2 s of which go: two waves.
        assert_eq!(
            (finding.saving_ms, finding.severity),
            (Some(14_400), Severity::Critical)
        );
        assert!(
            finding.advice[0]
                .code
                .python
                .contains("remainder(\"digits\", \"other\")")
        );
    }

    #[test]
    fn a_stage_that_computes_in_the_jvm_is_left_alone() {
        assert!(
            findings(&application(PLAN, 9_500), &Thresholds::default())
                .iter()
                .all(|f| f.rule != RULE.name)
        );
        let built_in = PLAN.replace("BatchEvalPython", "Project");
        assert!(
            findings(&application(&built_in, 2_000), &Thresholds::default())
                .iter()
                .all(|f| f.rule != RULE.name)
        );
    }

    #[test]
    fn without_cpu_times_nothing_is_said() {
        let mut application = application(PLAN, 2_000);
        let mut stage = (*application.stages[0]).clone();
        stage.tasks = std::sync::Arc::default();
        application = application.with_stage(stage);
        assert!(findings(&application, &Thresholds::default()).is_empty());
    }
}
