use super::*;
use crate::model::{Application, ApplicationEntry, AttemptEntry, Listing};
use crate::tui::testing::{NOW_MS, World};

/// An application with so many attempts between two with one each.
fn world(attempts: usize) -> World {
    let attempt = |id: Option<String>, hours_ago: i64, completed| AttemptEntry {
        attempt: id,
        start_ms: Some(NOW_MS - hours_ago * 3_600_000),
        duration_ms: Some(60_000),
        completed,
        ..AttemptEntry::default()
    };
    let entry = |id: &str, attempts| ApplicationEntry {
        id: id.to_owned(),
        name: format!("name of {id}"),
        attempts,
    };
    let many = (1..=attempts)
        .rev()
        .map(|number| attempt(Some(number.to_string()), 100 - number as i64, true));
    let applications = vec![
        entry("one", vec![attempt(None, 1, true)]),
        entry("many", many.collect()),
        entry("runs", vec![attempt(None, 200, false)]),
    ];
    let listing = Listing {
        applications,
        ..Listing::default()
    };
    World {
        listing,
        ..World::new(Application::default(), Vec::new())
    }
}

fn act(screen: &mut Applications, world: &World, actions: &[Action]) -> Vec<Effect> {
    let one = |action: &Action| screen.update(*action, &world.cx());
    actions.iter().map(one).last().unwrap_or_default()
}

#[test]
fn forty_attempts_unfold_open_and_fold_again() {
    let world = world(40);
    let mut screen = Applications::default();
    let text = world.drawn(&mut screen, 100, 20);
    assert!(text.contains("40 ▸") && !text.contains("attempt 40"), "{text}");
    assert!(act(&mut screen, &world, &[Action::Down, Action::Enter]).is_empty());
    let text = world.drawn(&mut screen, 100, 20);
    let chosen = text.lines().find(|line| line.starts_with('▸')).unwrap();
    assert!(chosen.contains("└─ attempt 40") && text.contains("40 ▾"), "{text}");
    let open = |attempt: &str| Effect::Open {
        id: "many".into(),
        attempt: Some(attempt.into()),
    };
    assert_eq!(act(&mut screen, &world, &[Action::Enter]), [open("40")]);
    assert_eq!(act(&mut screen, &world, &[Action::Down, Action::Enter]), [open("39")]);
    // Sorted the other way round they stay below their application.
    act(&mut screen, &world, &[Action::Reverse]);
    let text = world.drawn(&mut screen, 100, 60);
    let rows: Vec<&str> = text.lines().skip(2).collect();
    assert!(rows[0].contains("name of runs") && rows[1].contains("40 ▾"), "{text}");
    assert!(rows[2].contains("attempt 40"), "{text}");
    assert!(screen.back(&world.cx()) && !screen.back(&world.cx()));
    assert!(!world.drawn(&mut screen, 100, 20).contains("attempt 39"));
}

#[test]
fn what_starts_in_the_future_has_no_age() {
    let mut world = world(1);
    for entry in &mut world.listing.applications {
        entry.attempts[0].start_ms = Some(NOW_MS + 3_600_000);
        entry.attempts[0].last_updated_ms = Some(NOW_MS + 3_600_000);
    }
    let text = world.drawn(&mut Applications::default(), 100, 20);
    let running = text.lines().find(|line| line.contains("name of runs")).unwrap();
    assert!(running.contains("n/a…  ▶ running") && !text.contains('-'), "{text}");
}

#[test]
fn two_that_are_marked_are_compared_the_older_first() {
    let world = world(2);
    let mut screen = Applications::default();
    world.drawn(&mut screen, 100, 20);
    let said = act(&mut screen, &world, &[Action::Mark]);
    assert!(matches!(said[..], [Effect::Say(_)]));
    assert!(world.drawn(&mut screen, 100, 20).contains("◆"));
    assert!(act(&mut screen, &world, &[Action::Mark]).is_empty(), "unmarked again");
    let choice = |app: &str, attempt: Option<&str>| Choice {
        app: Some(app.into()),
        attempt: attempt.map(str::to_owned),
    };
    let asked = act(&mut screen, &world, &[Action::Mark, Action::Down, Action::Mark]);
    let older = choice("many", Some("2"));
    assert_eq!(asked, [Effect::Compare(older, choice("one", None))]);
    assert!(!world.drawn(&mut screen, 100, 20).contains("◆"));
}

#[test]
fn those_that_run_come_first_on_request() {
    let world = world(2);
    let mut screen = Applications::default();
    world.drawn(&mut screen, 100, 20);
    act(&mut screen, &world, &[Action::Right, Action::Right, Action::Sort]);
    let text = world.drawn(&mut screen, 100, 20);
    assert!(text.lines().nth(2).unwrap().contains("name of runs"), "{text}");
}
