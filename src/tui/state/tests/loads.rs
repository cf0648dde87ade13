//! What is asked for and answered: too late, in vain, again, piece by piece.

use super::*;
use crate::model::Stage;

#[test]
fn an_answer_to_an_old_ticket_is_dropped() {
    let mut tui = listed();
    let [
        Request::Open {
            ticket: first,
            progress,
            ..
        },
    ] = &tui.act(Action::Enter)[..]
    else {
        panic!()
    };
    let (first, progress) = (*first, progress.clone());
    tui.act(Action::Back);
    assert!(progress.is_cancelled() && tui.pulse().is_none());
    assert!(screen(&mut tui).contains("stopped: Opening app-"));
    tui.answer(first, Answer::Opened(Ok(recorded("skewed-join"))));
    assert!(screen(&mut tui).contains("Applications"));
    let [Request::Open { ticket: second, .. }] = &tui.act(Action::Enter)[..] else {
        panic!()
    };
    tui.answer(first, Answer::Opened(Ok(recorded("skewed-join"))));
    assert!(tui.pulse().is_some());
    let (second, gone) = (*second, SourceError::Application("app-1: gone".to_owned()));
    tui.answer(second, Answer::Opened(Err(gone)));
    assert!(
        screen(&mut tui).contains("app-1: gone") && tui.take_failure().is_none(),
        "back to the list with a note"
    );
}

#[test]
fn a_first_load_that_fails_ends_the_program_and_a_later_one_does_not() {
    let broken = || SourceError::Application("no".to_owned());
    let mut first = tui();
    let Request::Open { ticket, .. } = first.start(Some(Choice::default())) else {
        panic!()
    };
    first.answer(ticket, Answer::Opened(Err(broken())));
    assert!(first.take_failure().is_some());
    let mut later = opened("skewed-join");
    let [Request::Open { ticket, .. }] = &later.act(Action::Reload)[..] else {
        panic!()
    };
    let ticket = *ticket;
    later.answer(ticket, Answer::Opened(Err(broken())));
    assert!(later.take_failure().is_none());
    assert!(screen(&mut later).contains("Where the time went"));
    let mut list = listed();
    let [Request::List { ticket, .. }] = &list.act(Action::Reload)[..] else {
        panic!()
    };
    let ticket = *ticket;
    list.answer(ticket, Answer::Listed(Err(broken())));
    assert!(screen(&mut list).contains("the list is the old one: no") && screen(&mut list).contains("app-3"));
}

#[test]
fn tasks_are_read_behind_the_screens_the_open_stage_first_and_one_at_a_time() {
    let stage = |id: u32, ms: i64| Stage {
        key: StageKey { id, attempt: 0 },
        num_tasks: 4,
        status: crate::model::StageStatus::Complete,
        submission_ms: Some(0),
        completion_ms: Some(ms),
        ..Stage::default()
    };
    let application = (0..3).fold(Application::default(), |app, id| {
        app.with_stage(stage(id, 100 * i64::from(id)))
    });
    let over_rest = Opened {
        application: Arc::new(application),
        diagnosis: Arc::new(Diagnosis::default()),
    };
    let mut tui = tui();
    let Request::Open { ticket, .. } = tui.start(Some(Choice::default())) else {
        panic!()
    };
    let asked = tui.answer(ticket, Answer::Opened(Ok(over_rest.clone())));
    let [
        Request::LoadTasks {
            ticket,
            key,
            more: true,
            ..
        },
    ] = &asked[..]
    else {
        panic!("{asked:?}")
    };
    assert_eq!(key.id, 2, "the longest first");
    assert!(
        tui.follow(Effect::Go(Place::Stage(StageKey { id: 0, attempt: 0 })))
            .is_empty(),
        "one at a time"
    );
    let asked = tui.answer(*ticket, Answer::TasksRead(Ok(over_rest.clone())));
    let [Request::LoadTasks { ticket, key, .. }] = &asked[..] else {
        panic!("{asked:?}")
    };
    assert_eq!(key.id, 0, "what is on the screen comes first");
    let asked = tui.answer(*ticket, Answer::TasksRead(Ok(over_rest.clone())));
    let [
        Request::LoadTasks {
            ticket,
            key,
            more: false,
            ..
        },
    ] = &asked[..]
    else {
        panic!("{asked:?}")
    };
    assert_eq!(key.id, 1);
    assert!(tui.answer(*ticket, Answer::TasksRead(Ok(over_rest))).is_empty());
}

#[test]
fn the_first_of_a_long_list_can_be_used_before_the_rest_is_there() {
    let mut tui = tui();
    let Request::List { ticket, .. } = tui.start(None) else {
        panic!()
    };
    let mut all = listing();
    let rest = all.applications.split_off(2);
    tui.answer(ticket, Answer::Listing(all.clone()));
    tui.act(Action::Down);
    let text = screen(&mut tui);
    assert!(text.contains("2 applications, more are coming"), "{text}");
    let mut more = all.clone();
    more.applications.insert(0, rest[0].clone());
    tui.answer(ticket, Answer::Listing(more));
    let text = screen(&mut tui);
    assert!(text.contains("3 applications, more are coming"), "{text}");
    all.applications.splice(0..0, rest);
    tui.answer(ticket, Answer::Listed(Ok(all)));
    let text = screen(&mut tui);
    assert!(!text.contains("more are coming"));
    assert!(
        text.lines().any(|line| line.starts_with('▸') && line.contains("app-2")),
        "{text}"
    );
}

fn unavailable() -> SourceError {
    SourceError::Unavailable {
        url: "http://history:18080/".to_owned(),
        why: "connection refused".to_owned(),
    }
}

#[test]
fn a_first_load_that_may_pass_is_tried_again_later_and_later() {
    let mut tui = tui();
    let mut request = tui.start(None);
    let mut pauses = Vec::new();
    for _ in 0..8 {
        let Request::List { ticket, .. } = request else {
            panic!("{request:?}");
        };
        assert!(tui.answer(ticket, Answer::Listed(Err(unavailable()))).is_empty());
        assert!(tui.take_failure().is_none() && tui.pulse().is_some());
        let failed = tui.world.now_ms;
        request = loop {
            tui.tick(tui.world.now_ms + 100);
            if let Some(due) = tui.due().pop() {
                break due;
            }
        };
        pauses.push((tui.world.now_ms - failed) / 1_000);
    }
    assert_eq!(pauses[..5], [1, 2, 4, 8, 16]);
    assert!(pauses[5..].iter().all(|pause| (30..=38).contains(pause)), "{pauses:?}");
    let Request::List { ticket, .. } = request else {
        panic!("{request:?}");
    };
    tui.answer(ticket, Answer::Listed(Ok(listing())));
    assert!(tui.pulse().is_none() && tui.due().is_empty());
}

#[test]
fn a_server_without_an_answer_is_shown_and_r_tries_at_once() {
    let mut tui = tui();
    let choice = Choice {
        app: Some("app-1".to_owned()),
        attempt: None,
    };
    let Request::Open { ticket, .. } = tui.start(Some(choice.clone())) else {
        panic!("no open");
    };
    tui.answer(ticket, Answer::Opened(Err(unavailable())));
    let mut buf = Buffer::empty(tui.area());
    tui.render(&mut buf);
    let shown = text(&buf);
    for words in [
        "No answer",
        "http://history:18080/: connection refused",
        "tried once; again in",
        "r tries now",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let again = tui.act(Action::Reload);
    let [
        Request::Open {
            ticket, choice: wanted, ..
        },
    ] = again.as_slice()
    else {
        panic!("{again:?}");
    };
    assert_eq!(wanted, &choice);
    // What will not pass ends the program, as does the user.
    tui.answer(*ticket, Answer::Opened(Err(unavailable())));
    assert!(tui.act(Action::Quit).is_empty());
    assert!(matches!(tui.take_failure(), Some(SourceError::Unavailable { .. })));
}

#[test]
fn what_a_driver_tells_of_itself_is_opened_at_once() {
    let one = |completed: bool, updated: i64| {
        let mut one = listing();
        one.applications.truncate(1);
        one.applications[0].attempts[0] = AttemptEntry {
            start_ms: Some(NOW_MS - 1_000),
            last_updated_ms: Some(updated),
            completed,
            ..AttemptEntry::default()
        };
        one
    };
    // A history server's only application, ended or running, stays in its list.
    for (completed, updated) in [(true, NOW_MS - 1_000), (false, NOW_MS)] {
        let mut tui = tui();
        let Request::List { ticket, .. } = tui.start(None) else {
            panic!("a list")
        };
        let more = tui.answer(ticket, Answer::Listed(Ok(one(completed, updated))));
        assert!(more.is_empty(), "{more:?}");
    }
    let mut tui = tui();
    let Request::List { ticket, .. } = tui.start(None) else {
        panic!("a list")
    };
    let driver = one(false, NOW_MS - 1_000);
    let more = tui.answer(ticket, Answer::Listed(Ok(driver.clone())));
    let [Request::Open { ticket, choice, .. }] = more.as_slice() else {
        panic!("{more:?}")
    };
    assert_eq!(choice.app.as_deref(), Some("app-1"));
    tui.answer(*ticket, Answer::Opened(Ok(recorded("skewed-join"))));
    assert!(tui.stack.in_application());
    // Esc goes to the list; the list read again opens nothing.
    tui.act(Action::Back);
    assert!(!tui.stack.in_application());
    let [Request::List { ticket, .. }] = tui.act(Action::Reload)[..] else {
        panic!("the list again")
    };
    assert!(tui.answer(ticket, Answer::Listed(Ok(driver))).is_empty());
}
