//! `executor-oom`: executors ran out of memory, or were killed for taking more than their container may.

use super::context::Context;
use super::executor_memory;
use super::failures::{self, Failure, Fault};
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Severity};
use super::{Draft, Matter, Rule, partition_count};
use crate::model::{Executor, ExecutorMetric, StageKey, Unit, parse_bytes};
use crate::units;

pub const RULE: Rule = Rule {
    name: "executor-oom",
    about: "A task failed with, or an executor was removed for, OutOfMemoryError (heap, GC overhead limit, direct buffers), a \
            container killed for exceeding its memory, OOMKilled, exit code 52 (SparkExitCode.OOM) or a container's 137/143. \
            Saving: the application replayed without the failed attempts, the fetches that failed for them and the stages run again; \
            none when the job failed.",
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
    // What went with the executors that were killed for it: their shuffle output.
    let killed = context
        .application
        .executors
        .iter()
        .filter(|executor| killed_for_memory(executor));
    let since = killed.filter_map(|executor| executor.removed_ms).min();
    let all = failures::all(context);
    let (fetches, again) = since.map_or_else(Default::default, |since| failures::after_loss(context, &all, since));
    let wasted: Vec<Failure<'_>> = failures.iter().chain(&fetches).copied().collect();
    let mut changes = failures::without(&wasted);
    changes.extend(failures::without_recomputing(&again));
    let saving = context.saving(
        &changes,
        "without the failed attempts and what ran again for them",
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
    let seen = Seen::of(context, tasks.executor(first.row));
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
            evidence: [
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
            ]
            .into_iter()
            .chain(seen.evidence())
            .collect(),
            cause: if outside {
                format!(
                    "{words}: the process took more than its container may: the heap and what is needed outside it together.{}",
                    seen.says()
                )
            } else {
                format!("{words}: the heap is full. All tasks of an executor share it.")
            },
            advice: advice(context, first, outside),
            saving_ms,
            saving_note,
            confidence: saving.confidence,
        },
        matter: match (failed.is_empty(), since) {
            (false, _) => Matter::Failure,
            // Killed once for its memory, an executor will be again.
            (true, Some(_)) => Matter::Hazard,
            (true, None) => Matter::Saving,
        },
    })
}

/// What an executor's process was seen to take at most, bytes.
struct Seen {
    heap: Option<u64>,
    heap_limit: Option<u64>,
    /// The whole process tree.
    rss: Option<u64>,
    python: Option<u64>,
}

impl Seen {
    fn of(context: &Context<'_>, executor: &str) -> Seen {
        let application = context.application;
        let executor = application.executor(executor);
        let peak = |metric| {
            executor
                .and_then(|executor| executor.peaks.get(metric))
                .filter(|peak| *peak > 0)
        };
        Seen {
            heap: peak(ExecutorMetric::JVMHeapMemory),
            heap_limit: executor.and_then(|executor| executor.heap_limit(&application.environment)),
            rss: executor.and_then(|executor| executor.peaks.rss()),
            python: peak(ExecutorMetric::ProcessTreePythonRSSMemory),
        }
    }

    fn evidence(&self) -> Vec<Evidence> {
        let size = |metric: &str, value: Option<u64>, baseline: Option<u64>, note: &str| {
            value.map(|value| Evidence {
                metric: metric.into(),
                value: value as f64,
                unit: Unit::Bytes,
                baseline: baseline.map(|bytes| bytes as f64),
                note: note.into(),
            })
        };
        let all = [
            size(
                "its heap at its peak, as sampled",
                self.heap,
                self.heap_limit,
                "the heap's limit",
            ),
            size(
                "its processes at their peak, as sampled",
                self.rss,
                None,
                "resident, Python workers among them",
            ),
            size(
                "its Python workers at their peak",
                self.python,
                None,
                "resident, outside the heap",
            ),
        ];
        all.into_iter().flatten().collect()
    }

    /// Whether it was the heap or what is outside it, where samples tell.
    fn says(&self) -> String {
        let (Some(heap), Some(limit)) = (self.heap, self.heap_limit) else {
            return String::new();
        };
        let share = heap as f64 / limit.max(1) as f64;
        let outside = self.rss.map(|rss| rss.saturating_sub(heap));
        match outside {
            Some(outside) if outside > heap && share < 0.7 => format!(
                " The heap held {} of its {}; outside it were {}: more heap would not have helped.",
                units::bytes(heap),
                units::bytes(limit),
                units::bytes(outside)
            ),
            _ if share >= 0.9 => format!(" The heap itself was {} full.", units::percent(share)),
            _ => String::new(),
        }
    }
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
        ("possible container OOM", "container killed with exit code 137"),
        ("Exit code is 137", "container killed with exit code 137"),
        ("Exit code is 143", "container killed with exit code 143"),
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

/// What the process used when it was killed, bytes, out of YARN's sentence.
fn used_bytes(message: &str) -> Option<u64> {
    let sentence = used_of_limit(message)?;
    let (number, rest) = sentence.split_once(' ')?;
    let unit = rest.split(' ').next()?;
    let number: f64 = number
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number >= 0.0)?;
    Some((number * parse_bytes(&format!("1{unit}"), 1)? as f64) as u64)
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
            // A quarter more than was used, where YARN tells; 384 MiB and a tenth of the heap at least.
            config: vec![set(
                "spark.executor.memoryOverhead",
                overhead
                    .saturating_mul(2)
                    .max(used_bytes(first.message).map_or(0, |used| used.saturating_sub(heap).saturating_add(used / 4)))
                    .max(384 << 20)
                    .max(heap / 10),
            )],
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
    // A heap that is too full makes the process too large as well; Python workers can be bounded by themselves.
    let python = context
        .application
        .executor(stage.tasks.executor(first.row))
        .and_then(|executor| executor.peaks.get(ExecutorMetric::ProcessTreePythonRSSMemory));
    if outside && let Some(python) = python.filter(|python| *python > overhead / 2) {
        advice.push(Advice {
            text: format!(
                "Its Python workers took {}: give Python a part of its own, which fails the task instead of the executor.",
                units::bytes(python)
            ),
            config: vec![set("spark.executor.pyspark.memory", python.saturating_add(python / 4))],
            ..Advice::default()
        });
    }
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
            // 5.5 GB used, 5 GB of it heap, and a quarter of what was used.
            [("spark.executor.memoryOverhead".to_owned(), "1920m".to_owned())]
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
