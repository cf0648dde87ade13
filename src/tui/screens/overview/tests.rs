use super::*;
use crate::model::{Loss, LossKind};
use crate::tui::screens::sample::{application, world};
use crate::tui::testing::World;
use crate::tui::widgets::Glyphs;

#[test]
fn a_small_screen_is_complete() {
    insta::assert_snapshot!(world().drawn(&mut Overview::default(), 80, 20));
}

#[test]
fn a_large_screen_is_rich() {
    insta::assert_snapshot!(world().drawn(&mut Overview::default(), 140, 41));
}

#[test]
fn enter_opens_the_finding_under_the_cursor() {
    let world = world();
    let mut screen = Overview::default();
    world.drawn(&mut screen, 80, 20);
    assert_eq!(
        screen.update(Action::Enter, &world.cx()),
        [Effect::Go(Place::Finding(0))]
    );
    screen.update(Action::Down, &world.cx());
    screen.update(Action::Down, &world.cx());
    assert_eq!(
        screen.update(Action::Enter, &world.cx()),
        [Effect::Go(Place::Finding(1))]
    );
}

#[test]
fn nothing_found_is_said_and_what_is_missing_too() {
    let mut application = application();
    application.losses.push(Loss {
        kind: LossKind::BrokenLines,
        count: 3,
        detail: "3 lines were not understood".into(),
    });
    let text = World::new(application, Vec::new()).drawn(&mut Overview::default(), 80, 20);
    assert!(text.contains("nothing found that is worth fixing"), "{text}");
    assert!(text.contains("incomplete: 3 lines were not understood"), "{text}");
}

#[test]
fn an_empty_application_is_no_reason_to_panic() {
    let text = World::new(Application::default(), Vec::new()).drawn(&mut Overview::default(), 80, 20);
    assert!(text.contains("no stage ran") && text.contains("not recorded"), "{text}");
}

#[test]
fn it_draws_at_every_size_and_in_ascii() {
    let mut world = world();
    world.drawn_at_all_sizes(&mut Overview::default());
    world.glyphs = Glyphs::Ascii;
    let text = world.drawn(&mut Overview::default(), 140, 41);
    let foreign: Vec<char> = text.chars().filter(|c| !c.is_ascii() && !"×…".contains(*c)).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}

#[test]
fn what_the_source_cannot_carry_is_told_where_it_is_missed() {
    let mut application = application();
    for executor in &mut application.executors {
        executor.memory = Default::default();
        executor.peaks = Default::default();
    }
    let detail = "REST has no memory over time".to_owned();
    application.losses.push(Loss {
        kind: LossKind::NotCarried,
        count: 1,
        detail,
    });
    let text = World::new(application, Vec::new()).drawn(&mut Overview::default(), 80, 21);
    assert!(text.contains("REST has no memory over time"), "{text}");
}

#[test]
fn the_busy_slots_of_many_tasks_are_counted_beside_the_loop() {
    let durations: Vec<u64> = (0..30_000).map(|task| 100 + task * 7_919 % 5_000).collect();
    let sample = crate::schedule::sample::Sample::cluster(2, 2).stage("count at job.py:1", &durations);
    let world = World::new(sample.application(), Vec::new());
    let mut screen = Overview::default();
    screen.refresh(&world.cx());
    assert!(screen.facts.activity.busy.is_empty() && !screen.facts.stages.is_empty());
    let work = screen.work(&world.cx()).unwrap();
    assert!(screen.work(&world.cx()).is_none(), "it is asked for once");
    assert!(screen.worked(work.done().unwrap(), &world.cx()).is_none());
    let counted = screen.facts.activity.clone();
    assert_eq!(counted, Activity::of(&world.opened.application, PARTS));
    // Another application's arrival leaves the old picture until the new one is there.
    screen.refresh(&world.cx());
    assert_eq!(screen.facts.activity, counted);
    assert!(screen.work(&world.cx()).is_some());
}
