//! The screens over applications that real Spark recorded.

use std::path::Path;

use crate::diagnosis::{Thresholds, diagnose};
use crate::model::{Application, Stage, StageStatus};
use crate::source::{Progress, Source};
use crate::tui::screens::{overview::Overview, stage::StageScreen, task::TaskScreen};
use crate::tui::testing::World;

/// Every recording, single files and rolling directories.
fn recordings() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/logs");
    let mut found: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().to_string_lossy().into_owned())
        .collect();
    found.sort();
    found
}

fn open(target: &str) -> Application {
    let source = Source::parse(target).unwrap();
    let choice = source.choice().cloned().unwrap();
    source.open(&choice, &Progress::default()).unwrap()
}

/// The stage with the longest task.
fn slowest(application: &Application) -> &Stage {
    let longest = |stage: &Stage| {
        (0..stage.tasks.len())
            .filter_map(|row| stage.tasks.duration_ms(row))
            .max()
    };
    application.ran_stages().max_by_key(|stage| longest(stage)).unwrap()
}

/// The world of a recording, without findings so that the pictures stay the same when a rule learns a new word.
fn world(name: &str) -> World {
    let target = recordings().into_iter().find(|path| path.contains(name)).unwrap();
    World::new(open(&target), Vec::new())
}

#[test]
fn a_skewed_join_as_pictures() {
    let world = world("/skewed-join-3.5");
    let stage = slowest(&world.opened.application).clone();
    let row = (0..stage.tasks.len())
        .max_by_key(|row| stage.tasks.duration_ms(*row))
        .unwrap();
    for (width, height) in [(80, 20), (140, 41)] {
        let mut task = TaskScreen::new(stage.key, stage.tasks.id(row));
        insta::assert_snapshot!(
            format!("overview_{width}"),
            world.drawn(&mut Overview::default(), width, height)
        );
        insta::assert_snapshot!(
            format!("stage_{width}"),
            world.drawn(&mut StageScreen::new(stage.key), width, height)
        );
        insta::assert_snapshot!(format!("task_{width}"), world.drawn(&mut task, width, height));
    }
}

#[test]
fn a_lost_executor_as_pictures() {
    let world = world("/eventlog_v2_lost-executor-4");
    let failed = world
        .opened
        .application
        .stages
        .iter()
        .find(|stage| stage.status == StageStatus::Failed);
    let failed = failed.unwrap().key;
    insta::assert_snapshot!("lost_executor_overview", world.drawn(&mut Overview::default(), 80, 20));
    insta::assert_snapshot!(
        "lost_executor_stage",
        world.drawn(&mut StageScreen::new(failed), 140, 41)
    );
}

#[test]
fn a_failed_application_says_why() {
    let text = world("/failed-job-3.5").drawn(&mut Overview::default(), 80, 20);
    assert!(
        text.contains("✗ job 1 failed: Job aborted due to stage failure"),
        "{text}"
    );
}

#[test]
fn every_stage_and_task_of_every_recording_is_drawn() {
    for target in recordings() {
        let application = open(&target);
        let findings = diagnose(&application, &Thresholds::default()).findings;
        let world = World::new(application, findings);
        world.drawn(&mut Overview::default(), 80, 20);
        for stage in &world.opened.application.stages {
            let text = world.drawn(&mut StageScreen::new(stage.key), 80, 20);
            assert!(text.contains("Tasks ("), "{target} {}: {text}", stage.key);
            for row in 0..stage.tasks.len().min(5) {
                let text = world.drawn(&mut TaskScreen::new(stage.key, stage.tasks.id(row)), 80, 20);
                assert!(text.contains("executor"), "{target} {} {row}: {text}", stage.key);
            }
        }
    }
}
