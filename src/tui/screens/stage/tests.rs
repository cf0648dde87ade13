use std::time::{Duration, Instant};

use ratatui::{buffer::Buffer, layout::Rect};

use super::*;
use crate::model::{Application, TaskMetric};
use crate::schedule::sample::Sample;
use crate::tui::screens::sample::{FAILED, SKEWED, SKIPPED, world};
use crate::tui::testing::World;
use crate::tui::widgets::Glyphs;

const ONLY: StageKey = StageKey { id: 0, attempt: 0 };

fn of_durations(durations: &[u64]) -> World {
    World::new(
        Sample::cluster(2, 2)
            .stage("count at job.py:1", durations)
            .application(),
        Vec::new(),
    )
}

#[test]
fn a_skewed_stage_on_a_small_screen_look_by_look() {
    let world = world();
    let mut screen = StageScreen::new(SKEWED);
    for look in [
        "quantiles",
        "distributions",
        "places",
        "scatter",
        "lanes",
        "what_if",
        "tasks",
    ] {
        insta::assert_snapshot!(format!("small_{look}"), world.drawn(&mut screen, 80, 20));
        screen.update(Action::NextLook, &world.cx());
    }
}

#[test]
fn what_if_has_a_key_of_its_own_and_the_same_leaves_it() {
    let world = world();
    let mut screen = StageScreen::new(SKEWED);
    let before = world.drawn(&mut screen, 140, 41);
    screen.update(Action::WhatIf, &world.cx());
    let there = world.drawn(&mut screen, 140, 41);
    assert!(there.contains("── What if"), "{there}");
    screen.update(Action::WhatIf, &world.cx());
    assert_eq!(world.drawn(&mut screen, 140, 41), before);
}

#[test]
fn a_skewed_stage_on_a_large_screen() {
    let world = world();
    let mut screen = StageScreen::new(SKEWED);
    insta::assert_snapshot!(world.drawn(&mut screen, 140, 41));
    for look in ["scatter", "lanes"] {
        screen.update(Action::NextLook, &world.cx());
        insta::assert_snapshot!(format!("large_{look}"), world.drawn(&mut screen, 140, 41));
    }
}

#[test]
fn a_failed_stage_says_why_first() {
    let text = world().drawn(&mut StageScreen::new(FAILED), 100, 30);
    let head: Vec<&str> = text.lines().take(2).collect();
    assert!(head[0].contains("✗ failed") && head[0].contains("1 failed"), "{text}");
    assert!(head[1].starts_with("✗ Job aborted due to stage failure"), "{text}");
    let world = world();
    let mut screen = StageScreen::new(FAILED);
    screen.look = Look::Failures;
    insta::assert_snapshot!("failures", world.drawn(&mut screen, 100, 20));
}

#[test]
fn a_skipped_stage_says_so() {
    let text = world().drawn(&mut StageScreen::new(SKIPPED), 80, 20);
    assert!(text.contains("skipped: its output was there already"), "{text}");
}

#[test]
fn one_task_no_task_and_an_unknown_stage_have_their_screens() {
    assert!(
        of_durations(&[4_200])
            .drawn(&mut StageScreen::new(ONLY), 80, 20)
            .contains("Tasks (1)")
    );
    assert!(
        of_durations(&[])
            .drawn(&mut StageScreen::new(ONLY), 80, 20)
            .contains("no task ran")
    );
    let empty = World::new(Application::default(), Vec::new());
    assert_eq!(
        empty.drawn(&mut StageScreen::new(ONLY), 80, 20).trim(),
        "this stage is no longer there"
    );
}

#[test]
fn tasks_that_have_not_been_read_are_asked_for() {
    let known = of_durations(&[10, 20]).opened.application;
    let unread = Stage {
        tasks_read: TasksRead::No,
        tasks: Default::default(),
        ..Stage::clone(&known.stages[0])
    };
    let world = World::new(known.with_stage(unread), Vec::new());
    let mut screen = StageScreen::new(ONLY);
    assert!(world.drawn(&mut screen, 80, 20).contains("Enter reads them"));
    assert_eq!(screen.update(Action::Enter, &world.cx()), [Effect::LoadTasks(ONLY)]);
    let reading = Context {
        reading: Some(ONLY),
        ..world.cx()
    };
    let area = Rect::new(0, 0, 80, 20);
    let mut buf = Buffer::empty(area);
    screen.render(area, &mut buf, &reading);
    assert!(crate::tui::widgets::testing::text(&buf).contains("reading the tasks"));
}

#[test]
fn a_server_that_forgot_tasks_is_seen_through() {
    let known = of_durations(&[10, 20]).opened.application;
    let forgot = Stage {
        complete_tasks: 100_000,
        num_tasks: 100_000,
        ..Stage::clone(&known.stages[0])
    };
    let text = World::new(known.with_stage(forgot), Vec::new()).drawn(&mut StageScreen::new(ONLY), 80, 20);
    assert!(text.contains("Tasks (2 of 100,000: the server kept no more)"), "{text}");
}

#[test]
fn enter_opens_the_task_under_the_cursor() {
    let world = world();
    let mut screen = StageScreen::new(SKEWED);
    world.drawn(&mut screen, 80, 20);
    assert_eq!(
        screen.update(Action::Enter, &world.cx()),
        [Effect::Go(Place::Task(SKEWED, 142))]
    );
}

#[test]
fn quantiles_are_spark_s_and_only_of_what_was_recorded() {
    let facts = Facts::of(world().opened.application.stage(SKEWED).unwrap());
    let durations = facts.row(crate::model::TaskMeasure::Duration).unwrap();
    assert_eq!((durations.values[0], durations.values[5]), (3_800, 291_000));
    assert!(facts.absent.contains(&"Peak execution memory"));
    assert!(
        facts
            .row(crate::model::TaskMeasure::Metric(TaskMetric::PeakExecutionMemory))
            .is_none()
    );
    assert_eq!(facts.localities.iter().map(|level| level.tasks).sum::<usize>(), 200);
    assert_eq!(
        facts.executors.iter().map(|executor| executor.tasks).sum::<usize>(),
        200
    );
}

#[test]
fn many_tasks_are_sorted_counted_and_searched_beside_the_loop() {
    let durations: Vec<u64> = (0..30_000).map(|task| 100 + task * 7_919 % 5_000).collect();
    let world = of_durations(&durations);
    let cx = world.cx();
    let area = Rect::new(0, 0, 140, 41);
    let text = |screen: &mut StageScreen| {
        let mut buf = Buffer::empty(area);
        screen.fit(area, &cx);
        screen.render(area, &mut buf, &cx);
        crate::tui::widgets::testing::text(&buf)
    };
    let mut screen = StageScreen::new(ONLY);
    screen.refresh(&cx);
    let shown = text(&mut screen);
    assert!(
        shown.contains("counting 30,000 tasks …") && shown.contains("sorting 30,000 tasks …"),
        "{shown}"
    );
    // One at a time, the order first; what another screen asked for is given back.
    let work = screen.work(&cx).unwrap();
    assert!(screen.work(&cx).is_none());
    let mut other = StageScreen::new(ONLY);
    other.refresh(&cx);
    let others = other.work(&cx).unwrap().done().unwrap();
    assert!(screen.worked(others, &cx).is_some());
    assert!(screen.worked(work.done().unwrap(), &cx).is_none());
    let shown = text(&mut screen);
    let chosen = shown.lines().find(|line| line.starts_with('▸')).unwrap();
    assert!(
        chosen.contains("5.1s") && shown.contains("counting 30,000 tasks …"),
        "{shown}"
    );
    world.settle(&mut screen);
    let shown = text(&mut screen);
    assert!(shown.contains("median") && !shown.contains("counting"), "{shown}");
    // What was found for a shorter text is dropped.
    for action in [Action::Filter, Action::Type('1'), Action::Type('7')] {
        screen.update(action, &cx);
    }
    let work = screen.work(&cx).unwrap();
    screen.update(Action::Type('.'), &cx);
    screen.worked(work.done().unwrap(), &cx);
    assert!(text(&mut screen).contains("searching …"));
    world.settle(&mut screen);
    let shown = text(&mut screen);
    assert!(!shown.contains("searching …") && shown.contains("/17._"), "{shown}");
    assert!(screen.back(&cx) && text(&mut screen).contains("Tasks (30,000)"));
    // Sorting the other way round and each look.
    screen.update(Action::Reverse, &cx);
    assert!(text(&mut screen).contains("sorting …"));
    world.settle(&mut screen);
    for _ in Look::available(true, false) {
        screen.update(Action::NextLook, &cx);
        world.settle(&mut screen);
        assert!(!text(&mut screen).contains("working it out"));
    }
}

#[test]
fn tasks_that_come_while_the_last_are_counted_are_counted_after_them() {
    let few = of_durations(&vec![100; 30_000]);
    let more = of_durations(&vec![100; 31_000]);
    let mut screen = StageScreen::new(ONLY);
    screen.refresh(&few.cx());
    let work = screen.work(&few.cx()).unwrap();
    screen.refresh(&more.cx());
    screen.worked(work.done().unwrap(), &more.cx());
    // What is known is shown, and the rest asked for.
    assert!(screen.table.len() == 30_000 && screen.table.seeks());
    more.settle(&mut screen);
    assert_eq!(screen.table.len(), 31_000);
    assert_eq!(screen.facts.durations.len(), 31_000);
    // Fewer: what is no longer there is not asked for.
    screen.refresh(&few.cx());
    more.settle(&mut StageScreen::new(ONLY));
    few.settle(&mut screen);
    assert_eq!(screen.table.len(), 30_000);
}

#[test]
fn a_hundred_thousand_tasks_stay_quick() {
    let durations: Vec<u64> = (0..100_000).map(|task| 100 + task * 7_919 % 5_000).collect();
    let world = of_durations(&durations);
    let mut screen = StageScreen::new(ONLY);
    world.drawn(&mut screen, 140, 41);
    let begun = Instant::now();
    for action in [
        Action::Last,
        Action::First,
        Action::PageDown,
        Action::Sort,
        Action::Reverse,
        Action::Left,
    ] {
        screen.update(action, &world.cx());
        let area = Rect::new(0, 0, 140, 41);
        screen.render(area, &mut Buffer::empty(area), &world.cx());
    }
    for _ in Look::available(true, false) {
        screen.update(Action::NextLook, &world.cx());
        let area = Rect::new(0, 0, 140, 41);
        screen.render(area, &mut Buffer::empty(area), &world.cx());
    }
    // Six keys and drawings, two of them sorting, then every look; unoptimised and on a busy machine.
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[test]
fn it_draws_at_every_size_with_every_look_and_in_ascii() {
    let mut world = world();
    let mut screen = StageScreen::new(SKEWED);
    for look in Look::available(false, true) {
        screen.look = look;
        world.drawn_at_all_sizes(&mut screen);
    }
    for key in [FAILED, SKIPPED] {
        world.drawn_at_all_sizes(&mut StageScreen::new(key));
    }
    world.glyphs = Glyphs::Ascii;
    let text = world.drawn(&mut StageScreen::new(SKEWED), 140, 41);
    let foreign: Vec<char> = text.chars().filter(|c| !c.is_ascii() && !"×…".contains(*c)).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}

#[test]
fn its_height_shows_every_task() {
    let world = world();
    let mut screen = StageScreen::new(SKEWED);
    world.drawn(&mut screen, 100, 20);
    let height = screen.height(100, &world.cx());
    let text = world.drawn(&mut screen, 100, height as u16);
    assert!(
        text.contains("199.0") && text.contains("Locality") && text.contains("Executors"),
        "{text}"
    );
}
