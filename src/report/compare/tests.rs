use std::sync::Arc;

use super::super::sample;
use super::*;
use crate::model::{Stage, StageKey, StageStatus};

fn stage(id: u32, name: &str, start_ms: i64, duration_ms: i64) -> Arc<Stage> {
    Arc::new(Stage {
        key: StageKey { id, attempt: 0 },
        name: name.to_owned(),
        status: StageStatus::Complete,
        num_tasks: 4,
        submission_ms: Some(start_ms),
        completion_ms: Some(start_ms + duration_ms),
        ..Stage::default()
    })
}

fn run_of(stages: Vec<Arc<Stage>>) -> Application {
    Application {
        stages,
        ..sample::application()
    }
}

#[test]
fn stages_are_matched_by_place_and_order_also_when_lines_moved() {
    let a = run_of(vec![
        stage(0, "load at etl.py:10", 0, 100),
        stage(1, "join at etl.py:20", 100, 9_000),
    ]);
    let b = run_of(vec![
        stage(0, "load at etl.py:12", 0, 100),
        stage(1, "check at etl.py:15", 100, 50),
        stage(2, "join at etl.py:25", 150, 2_000),
    ]);
    let pairs = pairs(&a, &b);
    let ids: Vec<_> = pairs
        .iter()
        .map(|p| (p.a.as_ref().map(|s| s.id), p.b.as_ref().map(|s| s.id), p.longer_ms()))
        .collect();
    assert_eq!(
        ids,
        [(Some(1), Some(2), -7_000), (None, Some(1), 50), (Some(0), Some(0), 0)]
    );
}

#[test]
fn findings_come_go_and_stay_with_their_stage() {
    let (a, b) = (
        sample::application(),
        run_of(vec![stage(3, "join at etl.py:90", 0, 100)]),
    );
    let with = sample::diagnosis();
    let mut moved = sample::diagnosis();
    moved.findings[0].place.stage = Some(StageKey { id: 3, attempt: 0 });
    let without = Diagnosis::default();
    let runs = |first, second| {
        Comparison::of(
            Run {
                application: &a,
                diagnosis: first,
            },
            Run {
                application: &b,
                diagnosis: second,
            },
        )
    };
    let counts = |c: Comparison<'_>| (c.findings.gone.len(), c.findings.came.len(), c.findings.stayed.len());
    assert_eq!(counts(runs(&with, &without)), (1, 0, 0));
    assert_eq!(counts(runs(&without, &moved)), (0, 1, 0));
    // Another of the stages with the same fault is the worst now.
    let mut alike = sample::diagnosis();
    alike.findings[0].place.alike = vec![StageKey { id: 3, attempt: 0 }];
    alike.findings[0].place.stage = Some(StageKey { id: 40, attempt: 0 });
    assert_eq!(counts(runs(&with, &alike)), (0, 0, 1));
    let same = Comparison::of(
        Run {
            application: &a,
            diagnosis: &with,
        },
        Run {
            application: &a,
            diagnosis: &with,
        },
    );
    assert_eq!(counts(same), (0, 0, 1));
}

#[test]
fn settings_differ_without_their_secrets_and_without_what_every_run_has() {
    let with = |properties: &[(&str, &str)]| {
        let mut application = Application::default();
        application.environment.spark = properties
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        application
    };
    let a = with(&[
        ("spark.app.id", "1"),
        ("spark.ssl.keyPassword", "hunter2"),
        ("spark.executor.memory", "1g"),
    ]);
    let b = with(&[
        ("spark.app.id", "2"),
        ("spark.ssl.keyPassword", "hunter3"),
        ("spark.executor.cores", "2"),
    ]);
    let changed: Vec<_> = settings(&a, &b).into_iter().map(|s| (s.name, s.a, s.b)).collect();
    let hidden = Some(redact::REDACTED.to_owned());
    assert_eq!(
        changed,
        [
            ("spark.executor.cores".to_owned(), None, Some("2".to_owned())),
            ("spark.executor.memory".to_owned(), Some("1g".to_owned()), None),
            ("spark.ssl.keyPassword".to_owned(), hidden.clone(), hidden),
        ]
    );
}
