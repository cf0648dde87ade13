//! An application of which more comes: still read, or followed.

use super::*;

/// The first part of a recorded application: as many stages as are named.
fn part(case: &str, stages: usize) -> Opened {
    let whole = recorded(case);
    let mut application = Application::clone(&whole.application);
    application.stages.truncate(stages);
    application.end_ms = None;
    Opened {
        application: Arc::new(application),
        diagnosis: Arc::new(Diagnosis::default()),
    }
}

#[test]
fn an_application_can_be_walked_through_while_it_is_read() {
    let mut tui = tui();
    let Request::Open { ticket, progress, .. } = tui.start(Some(Choice::default())) else {
        panic!()
    };
    progress.enter(crate::source::Phase::Replaying, "log", 200);
    progress.add_bytes(50);
    tui.answer(ticket, Answer::Partial(part("skewed-join", 5)));
    let text = screen(&mut tui);
    assert!(text.contains("… reading: 25%"), "{text}");
    assert!(
        text.contains("what to fix is said when all is there") && !text.contains("nothing found"),
        "{text}"
    );
    tui.act(Action::Tab(4));
    (0..3).for_each(|_| drop(tui.act(Action::Down)));
    let chosen = |tui: &mut Tui| -> String {
        let text = screen(tui);
        let row = text.lines().find(|line| line.starts_with('▸')).unwrap();
        row.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
    };
    let before = chosen(&mut tui);
    tui.answer(ticket, Answer::Partial(part("skewed-join", 7)));
    assert_eq!(chosen(&mut tui), before, "the selection stays on its stage");
    tui.act(Action::Enter);
    assert!(screen(&mut tui).contains("› Stage "));
    assert!(
        tui.act(Action::Back).is_empty() && !progress.is_cancelled(),
        "Esc goes back, the load goes on"
    );
    tui.act(Action::FullReport);
    assert!(screen(&mut tui).contains("when all has been read"));
    tui.act(Action::Follow);
    assert!(screen(&mut tui).contains("still being read"));
    tui.answer(ticket, Answer::Opened(Ok(recorded("skewed-join"))));
    assert_eq!(chosen(&mut tui), before);
    let text = screen(&mut tui);
    assert!(
        text.contains("completed") && !text.contains("reading") && tui.pulse().is_none(),
        "{text}"
    );
    tui.act(Action::Tab(2));
    let text = screen(&mut tui);
    assert!(
        text.contains("── Findings (") && !text.contains("Findings (0)"),
        "{text}"
    );
}

#[test]
fn leaving_an_application_stops_what_still_comes_of_it() {
    let mut tui = listed();
    let [Request::Open { ticket, progress, .. }] = &tui.act(Action::Enter)[..] else {
        panic!()
    };
    let (ticket, progress) = (*ticket, progress.clone());
    tui.answer(ticket, Answer::Partial(part("skewed-join", 5)));
    tui.act(Action::Back);
    assert!(progress.is_cancelled() && screen(&mut tui).contains("Applications"));
    tui.answer(ticket, Answer::Partial(part("skewed-join", 7)));
    tui.answer(ticket, Answer::Opened(Ok(recorded("skewed-join"))));
    assert!(
        screen(&mut tui).contains("Applications"),
        "what comes too late is dropped"
    );
}

#[test]
fn what_runs_is_followed_held_and_ends() {
    let mut tui = tui();
    let Request::Open { ticket, progress, .. } = tui.start(Some(Choice::default())) else {
        panic!()
    };
    progress.looked();
    tui.answer(ticket, Answer::Current(part("skewed-join", 5)));
    assert!(screen(&mut tui).contains("following") && tui.pulse().is_some());
    assert!(tui.act(Action::Follow).is_empty() && progress.is_paused());
    assert!(screen(&mut tui).contains("paused"));
    tui.act(Action::Follow);
    assert!(!progress.is_paused() && screen(&mut tui).contains("following again"));
    tui.answer(ticket, Answer::Opened(Ok(recorded("skewed-join"))));
    assert!(screen(&mut tui).contains("the application has ended") && tui.pulse().is_none());
    assert!(tui.act(Action::Follow).is_empty());
    assert!(screen(&mut tui).contains("nothing more comes"));
}

#[test]
fn what_may_run_is_followed_when_asked_and_stays_on_the_screen_meanwhile() {
    let mut tui = tui();
    let Request::Open { ticket, .. } = tui.start(Some(Choice::default())) else {
        panic!()
    };
    tui.answer(ticket, Answer::Opened(Ok(part("skewed-join", 5))));
    let [Request::Open { ticket, progress, .. }] = &tui.act(Action::Follow)[..] else {
        panic!()
    };
    let (ticket, progress) = (*ticket, progress.clone());
    assert!(progress.is_asked_to_follow() && screen(&mut tui).contains("Where the time went"));
    tui.answer(ticket, Answer::Partial(part("skewed-join", 1)));
    assert_eq!(
        tui.world.opened.application.stages.len(),
        5,
        "less than what is there is not shown"
    );
    tui.answer(ticket, Answer::Current(part("skewed-join", 7)));
    assert_eq!(tui.world.opened.application.stages.len(), 7);
    tui.answer(ticket, Answer::Opened(Err(SourceError::Application("gone".to_owned()))));
    assert!(screen(&mut tui).contains("no more of it comes: gone"));
    assert_eq!(tui.world.opened.application.stages.len(), 7);
}
