//! An application and its diagnosis, small and made up, that the tests of every form of the report print.

use std::sync::Arc;

use crate::diagnosis::{Advice, Code, Confidence, Diagnosis, Evidence, Finding, Place, Severity};
use crate::model::{
    Application, ApplicationStatus, DRIVER, Executor, Job, JobStatus, Loss, LossKind, Stage, StageKey, StageStatus,
    TaskMetric, Unit,
};
use crate::schedule::{CoreMs, TimeAccount};

const KEY: StageKey = StageKey { id: 17, attempt: 0 };

pub fn application() -> Application {
    let mut stage = Stage {
        key: KEY,
        name: "join at /apps/etl.py:88".to_owned(),
        status: StageStatus::Complete,
        num_tasks: 200,
        complete_tasks: 200,
        failed_tasks: 1,
        submission_ms: Some(1_422_981_760_000),
        completion_ms: Some(1_422_982_055_000),
        ..Stage::default()
    };
    stage.totals.set(TaskMetric::ShuffleLocalBytesRead, Some(34 << 30));
    stage.totals.set(TaskMetric::DiskBytesSpilled, Some(0));
    Application {
        id: "application_1699_0042".to_owned(),
        name: "etl_daily".to_owned(),
        attempt: Some("2".to_owned()),
        spark_version: Some("3.5.1".to_owned()),
        user: Some("etl".to_owned()),
        status: ApplicationStatus::Completed,
        start_ms: Some(1_422_981_760_000),
        end_ms: Some(1_422_982_511_000),
        jobs: vec![Job {
            id: 5,
            status: JobStatus::Succeeded,
            ..Job::default()
        }],
        stages: vec![Arc::new(stage)],
        executors: [DRIVER, "7"]
            .map(|id| Executor {
                id: id.into(),
                ..Executor::default()
            })
            .to_vec(),
        losses: vec![Loss {
            kind: LossKind::BrokenLines,
            count: 3,
            detail: "3 lines of the event log were skipped, the first at line 12".to_owned(),
        }],
        ..Application::default()
    }
}

pub fn diagnosis() -> Diagnosis {
    let core_ms = CoreMs {
        compute: 600_000,
        gc: 1_000,
        idle_tail: 399_000,
        ..CoreMs::default()
    };
    Diagnosis {
        time: Some(TimeAccount {
            wall_ms: 751_000,
            core_ms_available: 1_000_000,
            core_ms,
        }),
        findings: vec![finding()],
    }
}

fn finding() -> Finding {
    Finding {
        rule: "skewed-partition",
        severity: Severity::Critical,
        title: "Skewed partition in stage 17: task 42 read 8.1 GiB, 62× the median".to_owned(),
        place: Place {
            jobs: vec![5],
            alike: Vec::new(),
            stage: Some(KEY),
            tasks: vec![42],
            executor: Some("7".to_owned()),
            host: Some("host-12".to_owned()),
            sql: None,
        },
        evidence: vec![
            Evidence {
                metric: "duration of task 42".to_owned(),
                value: 291_000.0,
                unit: Unit::Millis,
                baseline: Some(4_200.0),
                note: "69× the median".to_owned(),
            },
            Evidence {
                metric: "rank correlation of duration and size".to_owned(),
                value: 0.97,
                unit: Unit::Share,
                baseline: None,
                note: String::new(),
            },
        ],
        cause:
            "One key holds most of the rows, so one task works while 95 slots wait; the JDBC reader was started with \
                password=hunter2 and says nothing of it."
                .to_owned(),
        advice: vec![Advice {
            text: "Let Spark split the partition.".to_owned(),
            config: vec![("spark.sql.adaptive.enabled".to_owned(), "true".to_owned())],
            code: Code {
                python: "df = df.repartition(192, \"key\")\ndf.count()".to_owned(),
                ..Code::default()
            },
        }],
        saving_ms: Some(250_000),
        saving_note: "The stage's tasks replayed with task 42 split in 62.".to_owned(),
        confidence: Confidence::High,
    }
}
