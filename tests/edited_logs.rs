//! What a small local cluster cannot make happen: YARN's and Kubernetes's kills, nodes taken away, other builds of Spark. A
//! recorded log gets the exact words that Spark and the cluster managers print in place of its own, and is read and diagnosed
//! as a whole.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use skewer::diagnosis::{Finding, Release, Severity, Thresholds, diagnose, unknown_settings};
use skewer::source::{Choice, Progress, Source};

/// Recorded: an executor killed with SIGKILL while others read what it wrote.
const RECORDED: &str = "tests/fixtures/logs/lost-executor-3.5.zstd";
const REASON: &str = "Command exited with code 137";

struct Edit<'a> {
    /// Spark's reason, in place of the recorded one.
    reason: &'a str,
    version: &'a str,
    master: &'a str,
}

fn findings(edit: &Edit<'_>) -> Vec<Finding> {
    let recorded = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(RECORDED)).unwrap();
    let log = String::from_utf8(zstd::stream::decode_all(recorded.as_slice()).unwrap()).unwrap();
    assert!(log.contains(REASON) && log.contains("\"3.5.9\"") && log.contains("local-cluster[2,1,1024]"));
    let reason = serde_json::to_string(edit.reason).unwrap();
    let log = log
        .replace(REASON, reason.trim_matches('"'))
        .replace("\"3.5.9\"", &format!("\"{}\"", edit.version))
        .replace("local-cluster[2,1,1024]", edit.master);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("application_1_0001");
    std::fs::write(&path, log).unwrap();
    let source = Source::parse(&path.to_string_lossy()).unwrap();
    let application = source.open(&Choice::default(), &Progress::default()).unwrap();
    let findings = diagnose(&application, &Thresholds::default()).findings;
    let release = Release::of(&application);
    for finding in &findings {
        assert_eq!(
            unknown_settings(finding, &release),
            Vec::<String>::new(),
            "{}",
            finding.title
        );
    }
    findings
}

fn has_setting(finding: &Finding, name: &str) -> bool {
    finding
        .advice
        .iter()
        .flat_map(|advice| &advice.config)
        .any(|(key, _)| key == name)
}

/// The first finding of a rule.
fn of<'a>(findings: &'a [Finding], rule: &str) -> &'a Finding {
    let titles: Vec<&str> = findings.iter().map(|finding| finding.title.as_str()).collect();
    findings
        .iter()
        .find(|finding| finding.rule == rule)
        .unwrap_or_else(|| panic!("no {rule}: {titles:?}"))
}

#[test]
fn yarn_s_kills_for_memory_are_out_of_memory_by_the_setting_s_name_of_the_time() {
    let kills = [
        // YarnAllocator up to 2.4, and since 3.0.
        (
            "2.2.3",
            "Container killed by YARN for exceeding memory limits. 1.5 GB of 1.4 GB physical memory used. Consider boosting \
             spark.yarn.executor.memoryOverhead.",
            "spark.yarn.executor.memoryOverhead",
        ),
        (
            "3.3.2",
            "Container killed by YARN for exceeding physical memory limits. 1.5 GB of 1.4 GB physical memory used. Consider boosting \
             spark.executor.memoryOverhead.",
            "spark.executor.memoryOverhead",
        ),
        (
            "3.3.2",
            "Container from a bad node: container_1_0001_01_000002 on host: ip-10-0-0-7. Exit status: 143. Diagnostics: [2024-01-01 \
             00:00:00.000]Container killed on request. Exit code is 143\n[2024-01-01 00:00:00.000]Container exited with a non-zero exit \
             code 143. \n",
            "spark.executor.memoryOverhead",
        ),
        (
            "3.3.2",
            "Container from a bad node: container_1_0001_01_000002 on host: ip-10-0-0-7. Exit status: 137. Diagnostics: [2024-01-01 \
             00:00:00.000]Container killed on request. Exit code is 137\nKilled by external signal\n",
            "spark.executor.memoryOverhead",
        ),
    ];
    for (version, reason, setting) in kills {
        let found = findings(&Edit {
            reason,
            version,
            master: "yarn",
        });
        let finding = of(&found, "executor-oom");
        assert!(has_setting(finding, setting), "{reason}: {:?}", finding.advice);
        assert!(finding.severity >= Severity::Warning, "{finding:?}");
        assert!(
            !found.iter().any(|finding| finding.rule == "lost-executors"),
            "{found:?}"
        );
    }
}

#[test]
fn kubernetes_s_kills_for_memory_are_out_of_memory() {
    // ExecutorPodsLifecycleManager.exitReasonMessage.
    let reason = "\nThe executor with id 1 exited with exit code 137(SIGKILL, possible container OOM).\n\n\n\nThe API gave the following \
                  container statuses:\n\n\n\t container name: spark-kubernetes-executor\n\t container image: spark:3.5.1\n\t container \
                  state: terminated\n\t container started at: 2024-01-01T00:00:00Z\n\t container finished at: 2024-01-01T00:00:30Z\n\t \
                  exit code: 137\n\t termination reason: OOMKilled\n";
    let found = findings(&Edit {
        reason,
        version: "3.5.1",
        master: "k8s://https://10.0.0.1:443",
    });
    let finding = of(&found, "executor-oom");
    assert!(has_setting(finding, "spark.executor.memoryOverhead"), "{finding:?}");
    // Kubernetes has no external shuffle service.
    assert!(
        found
            .iter()
            .all(|finding| !has_setting(finding, "spark.shuffle.service.enabled")),
        "{found:?}"
    );
}

#[test]
fn nodes_that_are_taken_away_are_lost_executors_with_their_reason() {
    let losses = [
        // YarnAllocator, ExecutorPodsAllocator, Worker.
        (
            "3.5.1",
            "yarn",
            "Container container_1_0001_01_000002 on host: ip-10-0-0-7 was preempted.",
            "preemption",
        ),
        (
            "3.5.1-amzn-0",
            "yarn",
            "Container from a bad node: container_1_0001_01_000002 on host: ip-10-0-0-7. Exit status: -100. Diagnostics: Container released \
             on a *lost* node.",
            "taken away",
        ),
        (
            "3.5.1",
            "k8s://https://10.0.0.1:443",
            "The executor with id 1 was deleted by a user or the framework.",
            "taken away",
        ),
        (
            "3.5.1",
            "spark://10.0.0.1:7077",
            "Executor decommission: worker decommissioned",
            "taken away",
        ),
        (
            "3.5.1",
            "spark://10.0.0.1:7077",
            "worker lost: Not receiving heartbeat for 60 seconds",
            "taken away",
        ),
        (
            "3.5.1",
            "yarn",
            "Executor heartbeat timed out after 125000 ms",
            "no heartbeat",
        ),
        // What AWS Glue's users see most.
        (
            "3.3.0-amzn-1",
            "jes",
            "Remote RPC client disassociated. Likely due to containers exceeding thresholds, or network issues. Check driver logs for WARN \
             messages.",
            "connection to it broke",
        ),
    ];
    for (version, master, reason, says) in losses {
        let found = findings(&Edit {
            reason,
            version,
            master,
        });
        let finding = of(&found, "lost-executors");
        assert!(finding.cause.contains(says), "{reason}: {}", finding.cause);
        assert_eq!(
            has_setting(finding, "spark.resourceManager.cleanupExpiredHost"),
            version.contains("amzn"),
            "{version}: {:?}",
            finding.advice
        );
        let fetch = of(&found, "fetch-failed");
        assert_eq!(
            has_setting(fetch, "spark.stage.ignoreDecommissionFetchFailure"),
            version.starts_with("3.5"),
            "{version}: {:?}",
            fetch.advice
        );
    }
}

#[test]
fn what_is_meant_is_no_loss() {
    for reason in [
        "Executor killed by driver.",
        "Container container_1 exited from explicit termination request.",
    ] {
        let found = findings(&Edit {
            reason,
            version: "3.5.1",
            master: "yarn",
        });
        assert!(
            found.iter().all(|finding| finding.rule != "lost-executors"),
            "{found:?}"
        );
    }
}
