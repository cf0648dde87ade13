//! Task attempts that failed, sorted by what is at fault, and what they cost. The rules about failures share it.

use std::collections::BTreeSet;

use super::context::{Context, Saving};
use super::statistics;
use crate::model::{FailureKind, Job, JobStatus, Stage, StageStatus};
use crate::schedule::{Change, slot_times};

/// What made a task attempt fail: each kind belongs to one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The results together passed `spark.driver.maxResultSize`.
    MaxResultSize,
    /// The executor had not enough memory.
    OutOfMemory,
    /// Shuffle blocks were gone or could not be fetched.
    FetchFailed,
    /// The executor went away.
    ExecutorLost,
    /// The task's own code, or its data.
    Code,
}

/// The words of Spark, YARN, Kubernetes and the JVM for an executor out of memory.
const OUT_OF_MEMORY: [&str; 15] = [
    "OutOfMemoryError: Java heap space",
    "OutOfMemoryError: GC overhead limit exceeded",
    "OutOfMemoryError: Direct buffer memory",
    "OutOfMemoryError: Metaspace",
    "SparkOutOfMemoryError",
    "for exceeding memory limits",
    "for exceeding virtual memory limits",
    "beyond the 'PHYSICAL' memory limit",
    "possible container OOM",
    "exceeding physical memory limits",
    "running beyond physical memory limits",
    "OOMKilled",
    "Container killed on request. Exit code is 137",
    "Container killed on request. Exit code is 143",
    "MemoryError\n",
];

/// `SparkExitCode.OOM`: Spark ends an executor with it after an OutOfMemoryError.
const OOM_EXIT: [&str; 3] = ["exited with code 52", "exit code 52", "Exit code is 52"];

/// Whether a message speaks of an executor out of memory.
pub fn is_out_of_memory(message: &str) -> bool {
    let exits = OOM_EXIT.iter().filter_map(|exit| message.split_once(exit));
    let mut after_exit = exits.map(|(_, after)| after);
    // "52" and not "521".
    OUT_OF_MEMORY.iter().any(|words| message.contains(words))
        || after_exit.any(|after| !after.starts_with(|next: char| next.is_ascii_digit()))
}

/// Whether a message says that results passed the driver's limit.
pub fn is_max_result_size(message: &str) -> bool {
    message.contains("is bigger than spark.driver.maxResultSize")
        || message.contains("is bigger than local result size limit")
}

/// One failed task attempt.
#[derive(Clone, Copy)]
pub struct Failure<'a> {
    pub stage: &'a Stage,
    pub row: usize,
    pub fault: Fault,
    pub message: &'a str,
}

/// Every task attempt that failed of itself; those killed or merely denied a commit are no fault.
pub fn all<'a>(context: &Context<'a>) -> Vec<Failure<'a>> {
    let stages = context.application.stages.iter().map(|stage| &**stage);
    let of = |stage: &'a Stage| {
        stage.tasks.failures().filter_map(move |(row, failure)| {
            let message = &*failure.message;
            let fault = match failure.kind {
                FailureKind::Killed | FailureKind::CommitDenied | FailureKind::Resubmitted => return None,
                _ if is_max_result_size(message) => Fault::MaxResultSize,
                _ if is_out_of_memory(message) => Fault::OutOfMemory,
                FailureKind::FetchFailed => Fault::FetchFailed,
                FailureKind::ExecutorLost => Fault::ExecutorLost,
                FailureKind::Exception | FailureKind::ResultLost | FailureKind::Other => Fault::Code,
            };
            Some(Failure {
                stage,
                row,
                fault,
                message,
            })
        })
    };
    stages.flat_map(of).collect()
}

/// Attempts that had succeeded and ran again because their output went with the executor.
pub fn resubmitted<'a>(context: &Context<'a>) -> Vec<Failure<'a>> {
    let stages = context.application.stages.iter().map(|stage| &**stage);
    let of = |stage: &'a Stage| {
        let failures = stage.tasks.failures();
        let again = failures.filter(|(_, failure)| failure.kind == FailureKind::Resubmitted);
        again.map(move |(row, failure)| Failure {
            stage,
            row,
            fault: Fault::ExecutorLost,
            message: &failure.message,
        })
    };
    stages.flat_map(of).collect()
}

/// Fetches that failed from `since` on, and what ran again for them: the price of executors lost then, beside their own tasks.
pub fn after_loss<'a>(context: &Context<'a>, all: &[Failure<'a>], since: i64) -> (Vec<Failure<'a>>, Vec<&'a Stage>) {
    let after = |failure: &&Failure<'a>| {
        let finish = failure.stage.tasks.finish_ms(failure.row);
        failure.fault == Fault::FetchFailed && finish.unwrap_or(i64::MAX) >= since
    };
    let fetches: Vec<Failure<'a>> = all.iter().filter(after).copied().collect();
    let again = if fetches.is_empty() {
        Vec::new()
    } else {
        recomputed(context)
    };
    (fetches, again)
}

/// What is said instead of a saving where a job failed.
pub const NO_TIME_BACK: &str = "It failed the job: mending it gives back the result, not time.";

/// What mending gives back, ms, and the note beside it: time, or where jobs failed, their result.
pub fn gain(saving: &Saving, failed: &[&Job]) -> (Option<u64>, String) {
    if failed.is_empty() {
        (Some(saving.ms), saving.note.clone())
    } else {
        (None, NO_TIME_BACK.to_owned())
    }
}

/// The failed jobs that a failed stage attempt took down.
pub fn jobs_failed_by<'a>(context: &Context<'a>, stage: &Stage) -> Vec<&'a Job> {
    if stage.status != StageStatus::Failed {
        return Vec::new();
    }
    let jobs = stage.jobs.iter().filter_map(|id| context.application.job(*id));
    jobs.filter(|job| job.status == JobStatus::Failed).collect()
}

/// The jobs that these failures took down: those of a failed stage whose reason names the last of them (`(TID 24)`), or, when it
/// names no task, whose failures they are.
pub fn jobs_failed<'a>(context: &Context<'a>, failures: &[Failure<'a>]) -> Vec<&'a Job> {
    let mut failed: Vec<&Job> = Vec::new();
    for failure in failures {
        let reason = failure.stage.failure_reason.as_deref().unwrap_or_default();
        let named = reason
            .split("(TID ")
            .nth(1)
            .and_then(|rest| rest.split(')').next()?.parse::<u64>().ok());
        if named.is_none_or(|id| id == failure.stage.tasks.id(failure.row)) {
            for job in jobs_failed_by(context, failure.stage) {
                if !failed.iter().any(|known| known.id == job.id) {
                    failed.push(job);
                }
            }
        }
    }
    failed
}

/// The application without these attempts.
pub fn without(failures: &[Failure<'_>]) -> Vec<Change> {
    let keys: BTreeSet<_> = failures.iter().map(|failure| failure.stage.key).collect();
    let of = |key| {
        let stage = failures.iter().find(|failure| failure.stage.key == key)?.stage;
        let failed: BTreeSet<usize> = failures.iter().filter(|f| f.stage.key == key).map(|f| f.row).collect();
        let kept = slot_times(stage).into_iter().filter(|(row, _)| !failed.contains(row));
        Some(Change::Tasks(key, kept.map(|(_, held)| held).collect()))
    };
    keys.into_iter().filter_map(of).collect()
}

/// Stage attempts that ran only to make lost shuffle output again: later attempts of stages that had no fetch failure themselves.
pub fn recomputed<'a>(context: &Context<'a>) -> Vec<&'a Stage> {
    let fetch_failed = |id: u32| {
        let attempts = context.application.stages.iter().filter(|stage| stage.key.id == id);
        attempts
            .flat_map(|stage| stage.tasks.failures())
            .any(|(_, failure)| failure.kind == FailureKind::FetchFailed)
    };
    let stages = context.application.ran_stages().map(|stage| &**stage);
    stages
        .filter(|stage| stage.key.attempt > 0 && !fetch_failed(stage.key.id))
        .collect()
}

/// Those stage attempts without their tasks.
pub fn without_recomputing(stages: &[&Stage]) -> Vec<Change> {
    stages
        .iter()
        .map(|stage| Change::Tasks(stage.key, Vec::new()))
        .collect()
}

/// Duration of these attempts together, ms.
pub fn lost_ms(failures: &[Failure<'_>]) -> u64 {
    statistics::total(
        failures
            .iter()
            .filter_map(|failure| failure.stage.tasks.duration_ms(failure.row)),
    )
}

/// `1 attempt`, `4 attempts`.
pub fn attempts(count: usize) -> String {
    if count == 1 {
        "1 attempt".into()
    } else {
        format!("{count} attempts")
    }
}

/// `job 3 failed`, `jobs 3, 4 failed`.
pub fn jobs_in_words(jobs: &[&Job]) -> String {
    let ids: Vec<String> = jobs.iter().take(3).map(|job| job.id.to_string()).collect();
    match jobs.len() {
        1 => format!("job {} failed", ids.join("")),
        n if n > 3 => format!("jobs {} and {} more failed", ids.join(", "), n - 3),
        _ => format!("jobs {} failed", ids.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_of_memory_is_known_by_its_words() {
        for words in [
            "ExecutorLostFailure (executor 3 exited caused by one of the running tasks) Reason: Container killed by YARN for \
             exceeding memory limits. 5.5 GB of 5.5 GB physical memory used.",
            "ExecutorLostFailure (executor 1 …) Reason: Command exited with code 52",
            "java.lang.OutOfMemoryError: Java heap space\n    at java.util.Arrays.copyOf(Arrays.java:1)",
            // ExecutorPodsLifecycleManager.
            "\nThe executor with id 2 exited with exit code 137(SIGKILL, possible container OOM).",
            "container state: terminated\n\t exit code: 137\n\t termination reason: OOMKilled",
            "The executor with id 4 exited with exit code 52(JVM OOM).",
            // YarnAllocator since 3.0, and YARN's own diagnostics.
            "Container killed by YARN for exceeding physical memory limits. 5.5 GB of 5.5 GB physical memory used. Consider \
             boosting spark.executor.memoryOverhead.",
            "Container [pid=1,containerID=container_1] is running 1MB beyond the 'PHYSICAL' memory limit. Current usage: 3.0 GB of \
             3 GB physical memory used; 5.0 GB of 6.3 GB virtual memory used. Killing container.",
        ] {
            assert!(is_out_of_memory(words), "{words}");
        }
        for words in [
            "Command exited with code 521",
            "Command exited with code 137",
            "java.lang.OutOfMemoryError: unable to create new native thread",
            "java.lang.RuntimeException: memory",
        ] {
            assert!(!is_out_of_memory(words), "{words}");
        }
    }
}
