//! `executor-oom`: executors ran out of memory, or were killed for taking more than their container may.

use super::context::Context;
use super::executor_memory;
use super::failures::{self, Failure, Fault};
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Severity};
use super::{Draft, Matter, Rule, partition_count};
use crate::model::{Executor, StageKey, Unit};
use crate::units;

pub const RULE: Rule = Rule {
    name: "executor-oom",
    about: "A task failed with, or an executor was removed for, OutOfMemoryError (heap, GC overhead limit, direct buffers), a \
            container killed for exceeding its memory, OOMKilled, exit code 52 (SparkExitCode.OOM) or a container's 137/143. \
            Saving: the application replayed without the failed attempts; none when the job failed.",
    check,
};

/// Tasks named in a finding at most.
const NAMED: usize = 10;

fn check(context: &Context<'_>) -> Vec<Draft> {
    let failures: Vec<Failure<'_>> = failures::all(context)
        .into_iter()
        .filter(|failure| failure.fault == Fault::OutOfMemory)
        .collect();
    let mut keys: Vec<StageKey> = failures.iter().map(|failure| failure.stage.key).collect();
    keys.dedup();
    let of = |key: &StageKey| {
        failures
            .iter()
            .filter(|failure| failure.stage.key == *key)
            .copied()
            .collect()
    };
    keys.iter().filter_map(|key| examine(context, of(key))).collect()
}

/// Whether an executor was removed for lack of memory.
pub fn killed_for_memory(executor: &Executor) -> bool {
    executor
        .remove_reason
        .as_deref()
        .is_some_and(failures::is_out_of_memory)
}

fn examine(context: &Context<'_>, failures: Vec<Failure<'_>>) -> Option<Draft> {
    let first = failures.first()?;
    let (stage, tasks) = (first.stage, &*first.stage.tasks);
    let failed = failures::jobs_failed(context, &failures);
    let outside = is_outside_heap(first.message);
    let used = used_of_limit(first.message);
    let words = used.clone().unwrap_or_else(|| what(first.message).to_owned());
    let outcome = if failed.is_empty() {
        String::new()
    } else {
        format!("; {}", failures::jobs_in_words(&failed))
    };
    let mut place = context.place(stage);
    place.tasks = failures
        .iter()
        .take(NAMED)
        .map(|failure| tasks.id(failure.row))
        .collect();
    place.executor = Some(tasks.executor(first.row).to_string());
    place.host = Some(tasks.host(first.row).to_string());
    let saving = context.saving(
        &failures::without(&failures),
        "without the failed attempts",
        0.0,
        Confidence::Medium,
    );
    let (saving_ms, saving_note) = failures::gain(&saving, &failed);
    let (heap, overhead) = (
        executor_memory::heap(context.application),
        executor_memory::overhead(context.application),
    );
    let size = |metric: &str, value: u64, note: &str| Evidence {
        metric: metric.into(),
        value: value as f64,
        unit: Unit::Bytes,
        baseline: None,
        note: note.into(),
    };
    let per_task = executor_memory::per_task(context, stage);
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "Executors out of memory in {}: {words}, {}{outcome}",
                context.name(stage),
                failures::attempts(failures.len())
            ),
            place,
            evidence: vec![
                Evidence {
                    metric: "attempts lost to it".into(),
                    value: failures.len() as f64,
                    unit: Unit::Count,
                    baseline: None,
                    note: words.clone(),
                },
                size("executor heap", heap, "spark.executor.memory"),
                size(
                    "executor memory overhead",
                    overhead,
                    "spark.executor.memoryOverhead: Python, native and network buffers",
                ),
                size(
                    "execution and storage memory a task",
                    per_task,
                    "(heap − 300 MiB) × spark.memory.fraction / tasks an executor",
                ),
            ],
            cause: if outside {
                format!(
                    "{words}: the process took more than its container may: the heap and what is needed outside it together."
                )
            } else {
                format!("{words}: the heap is full. All tasks of an executor share it.")
            },
            advice: advice(context, first, outside),
            saving_ms,
            saving_note,
            confidence: saving.confidence,
        },
        matter: if failed.is_empty() {
            Matter::Saving
        } else {
            Matter::Failure
        },
    })
}

/// Killed from outside for the whole process's memory, rather than by the JVM for a full heap.
fn is_outside_heap(message: &str) -> bool {
    !message.contains("OutOfMemoryError") || message.contains("Direct buffer memory")
}

fn what(message: &str) -> &'static str {
    let words = [
        ("Java heap space", "Java heap space"),
        ("GC overhead limit", "GC overhead limit exceeded"),
        ("Direct buffer memory", "direct buffer memory"),
        ("SparkOutOfMemoryError", "a task could not get execution memory"),
        ("MemoryError", "Python MemoryError"),
        ("OOMKilled", "OOMKilled"),
        ("52", "exit code 52 (out of memory)"),
    ];
    words
        .into_iter()
        .find(|(known, _)| message.contains(known))
        .map_or("container killed", |(_, what)| what)
}

/// `5.5 GB of 5.5 GB physical memory used`, out of YARN's sentence.
fn used_of_limit(message: &str) -> Option<String> {
    let at = message.find("memory used")?;
    let start = message[..at]
        .rfind(". ")
        .or_else(|| message[..at].rfind("limits"))
        .unwrap_or(0);
    let sentence = message[start..at].trim_start_matches(|c: char| !c.is_ascii_digit());
    (sentence.contains(" of ") && sentence.len() < 60).then(|| format!("{sentence}memory used"))
}

fn advice(context: &Context<'_>, first: &Failure<'_>, outside: bool) -> Vec<Advice> {
    let (application, stage) = (context.application, first.stage);
    let (heap, overhead) = (
        executor_memory::heap(application),
        executor_memory::overhead(application),
    );
    let tasks = executor_memory::tasks_an_executor(context, stage);
    let count = partition_count::suggest(context, stage);
    let more = count.partitions.max(u64::from(stage.num_tasks) * 2);
    let smaller = Advice {
        text: format!(
            "Give each task less: {more} partitions instead of {} before {}.",
            stage.num_tasks,
            context.call_site(stage).line_or_unknown()
        ),
        config: if stage.sql.is_some() {
            vec![("spark.sql.shuffle.partitions".into(), more.to_string())]
        } else {
            Vec::new()
        },
        code: Code {
            python: format!("df = df.repartition({more})"),
            scala: format!("val smaller = df.repartition({more})"),
            sql: format!("SELECT /*+ REPARTITION({more}) */ … FROM …"),
        },
    };
    let set = |key: &str, bytes: u64| (key.to_owned(), executor_memory::setting(bytes));
    let room = if outside {
        Advice {
            text: format!(
                "Give the process more room outside the heap: it has {} now.",
                units::bytes(overhead)
            ),
            config: vec![set("spark.executor.memoryOverhead", overhead.saturating_mul(2))],
            ..Advice::default()
        }
    } else {
        Advice {
            text: format!(
                "Or give the heap half as much again: it has {} now.",
                units::bytes(heap)
            ),
            config: vec![set("spark.executor.memory", heap.saturating_add(heap / 2))],
            ..Advice::default()
        }
    };
    let mut advice = if outside {
        vec![room, smaller]
    } else {
        vec![smaller, room]
    };
    if tasks > 1 {
        advice.push(Advice {
            text: format!("Or let fewer tasks share an executor: it runs {tasks} at once now."),
            config: vec![(
                "spark.executor.cores".into(),
                (tasks.saturating_mul(context.slots.task_cpus) / 2).max(1).to_string(),
            )],
            ..Advice::default()
        });
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Thresholds, findings};
    use crate::model::{FailureKind, TaskFailure, TaskStatus};
    use crate::schedule::sample::Sample;

    const YARN: &str = "ExecutorLostFailure (executor 1 exited caused by one of the running tasks) Reason: Container killed by YARN \
                        for exceeding memory limits. 5.5 GB of 5.5 GB physical memory used. Consider boosting \
                        spark.yarn.executor.memoryOverhead.";

    #[test]
    fn yarn_s_kill_asks_for_more_overhead() {
        let sample =
            Sample::cluster(2, 2)
                .set("spark.executor.memory", "5g")
                .stage_with("a", &[10_000; 12], |index, task| {
                    if index < 4 {
                        task.status = TaskStatus::Failed;
                        task.failure = Some(TaskFailure {
                            kind: FailureKind::ExecutorLost,
                            message: YARN.into(),
                        });
                    }
                });
        let findings = findings(&sample.application(), &Thresholds::default());
        let [finding] = findings.as_slice() else {
            panic!("{findings:?}")
        };
        assert_eq!(
            finding.title,
            "Executors out of memory in stage 0 (a): 5.5 GB of 5.5 GB physical memory used, 4 attempts"
        );
        assert_eq!(finding.saving_ms, Some(10_000));
        assert_eq!(
            finding.advice[0].config,
            [("spark.executor.memoryOverhead".to_owned(), "1024m".to_owned())]
        );
    }

    #[test]
    fn a_full_heap_asks_for_smaller_partitions_first() {
        assert!(!is_outside_heap("java.lang.OutOfMemoryError: Java heap space"));
        assert_eq!(
            what("java.lang.OutOfMemoryError: GC overhead limit exceeded"),
            "GC overhead limit exceeded"
        );
        assert_eq!(used_of_limit("memory used"), None);
    }
}
