use std::sync::Arc;

use super::*;
use crate::diagnosis::{Diagnosis, Thresholds, diagnose};
use crate::model::{Application, ApplicationEntry, AttemptEntry, Listing, Stage};
use crate::source::{Progress, Source};
use crate::tui::effect::Answer;
use crate::tui::testing::NOW_MS;
use crate::tui::theme::{self, ColorLevel};
use crate::tui::widgets::testing::text;

fn tui() -> Tui {
    let world = World {
        opened: Opened::default(),
        listing: Listing::default(),
        theme: Theme::built_in("dark", ColorLevel::Sixteen).unwrap(),
        glyphs: Glyphs::Unicode,
        now_ms: NOW_MS,
        zone: TimeZone::UTC,
        reading: None,
        partial: false,
    };
    let mut tui = Tui::new(
        world,
        Keymap::new(&Default::default()).unwrap(),
        "history:18080".to_owned(),
        None,
    );
    tui.resize(80, 24);
    tui
}

/// A recorded application, diagnosed.
fn recorded(case: &str) -> Opened {
    let source = Source::demo(case).unwrap();
    let application = source.open(&Choice::default(), &Progress::default()).unwrap();
    let diagnosis = diagnose(&application, &Thresholds::default());
    Opened {
        application: Arc::new(application),
        diagnosis: Arc::new(diagnosis),
    }
}

fn listing() -> Listing {
    let entry = |id: &str| ApplicationEntry {
        id: id.to_owned(),
        name: format!("etl {id}"),
        attempts: vec![AttemptEntry {
            completed: true,
            ..AttemptEntry::default()
        }],
    };
    Listing {
        applications: vec![entry("app-1"), entry("app-2"), entry("app-3")],
        losses: Vec::new(),
    }
}

/// A state with the list read.
fn listed() -> Tui {
    let mut tui = tui();
    let Request::List { ticket, .. } = tui.start(None) else {
        panic!("the list is read first")
    };
    assert!(tui.pulse().is_some());
    assert!(tui.answer(ticket, Answer::Listed(Ok(listing()))).is_empty());
    tui
}

/// A state with a recorded application open and no list.
fn opened(case: &str) -> Tui {
    let mut tui = tui();
    let Request::Open { ticket, .. } = tui.start(Some(Choice::default())) else {
        panic!("it is opened at once")
    };
    tui.answer(ticket, Answer::Opened(Ok(recorded(case))));
    tui
}

fn screen(tui: &mut Tui) -> String {
    tui.fit();
    let mut buf = Buffer::empty(tui.area());
    tui.render(&mut buf);
    text(&buf)
}

#[test]
fn esc_goes_back_one_level_to_the_same_row_and_never_quits() {
    let mut tui = listed();
    tui.act(Action::Down);
    let asked = tui.act(Action::Enter);
    let [Request::Open { ticket, choice, .. }] = &asked[..] else {
        panic!("{asked:?}")
    };
    assert_eq!(choice.app.as_deref(), Some("app-2"));
    tui.answer(*ticket, Answer::Opened(Ok(recorded("skewed-join"))));
    assert!(screen(&mut tui).contains("Where the time went"));
    tui.act(Action::Tab(4));
    tui.act(Action::Down);
    let stages = screen(&mut tui);
    tui.act(Action::Enter);
    assert!(screen(&mut tui).contains("Quantiles"));
    tui.act(Action::Enter);
    assert!(screen(&mut tui).contains("› Task "), "{}", screen(&mut tui));
    for _ in 0..2 {
        assert!(tui.act(Action::Back).is_empty());
    }
    assert_eq!(screen(&mut tui), stages);
    tui.act(Action::Back);
    assert!(
        screen(&mut tui)
            .lines()
            .any(|line| line.starts_with('▸') && line.contains("app-2"))
    );
    for _ in 0..5 {
        assert!(tui.act(Action::Back).is_empty());
    }
}

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
fn n_walks_the_findings_and_esc_returns_to_where_the_walk_began() {
    let mut tui = opened("skewed-join");
    tui.act(Action::Tab(4));
    let stages = screen(&mut tui);
    tui.act(Action::NextFinding);
    let text = screen(&mut tui);
    assert!(text.contains("finding 1 of ") && text.contains("Quantiles"), "{text}");
    tui.act(Action::NextFinding);
    tui.act(Action::PreviousFinding);
    tui.act(Action::Back);
    assert_eq!(screen(&mut tui), stages);
}

#[test]
fn typing_a_filter_takes_the_letters_and_esc_clears_it_first() {
    let mut tui = listed();
    tui.act(Action::Filter);
    assert!(tui.typing());
    for c in "q3".chars() {
        tui.act(Action::Type(c));
    }
    assert!(screen(&mut tui).contains("/q3_") && screen(&mut tui).contains("nothing matches"));
    tui.act(Action::Erase);
    tui.act(Action::Back);
    assert!(!tui.typing() && screen(&mut tui).contains("app-3"));
}

#[test]
fn help_names_the_keys_and_q_closes_it_first() {
    let mut tui = opened("skewed-join");
    tui.act(Action::Help);
    assert!(screen(&mut tui).contains("one level deeper"));
    assert!(tui.act(Action::Quit).is_empty());
    assert!(screen(&mut tui).contains("Where the time went"));
    assert!(matches!(tui.act(Action::Quit)[..], [Request::Quit(None)]));
    tui.act(Action::Help);
    assert!(matches!(tui.act(Action::QuitAtOnce)[..], [Request::Quit(None)]));
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
fn a_snapshot_has_every_row_and_no_more_than_100_columns() {
    let mut tui = opened("skewed-join");
    tui.act(Action::Tab(8));
    tui.resize(60, 12);
    screen(&mut tui);
    let [
        Request::Save {
            text,
            screen: name,
            application,
        },
    ] = &tui.act(Action::Export)[..]
    else {
        panic!()
    };
    assert_eq!(name, "environment");
    assert!(application.starts_with("app-"));
    let settings = tui.world.opened.application.environment.spark.len();
    assert!(
        text.lines()
            .filter(|line| line.trim_start_matches(['▸', '≠', ' ']).starts_with("spark"))
            .count()
            >= settings
    );
    assert!(text.lines().all(|line| crate::tui::line::width(line) <= 100), "{text}");
    assert!(!text.contains('\u{1b}'));
    assert_eq!(snapshot::in_pages(&tui, 50), *text, "page by page it is the same");
}

#[test]
fn every_screen_draws_at_every_size() {
    let mut tui = opened("skewed-join");
    let sizes = (0..45)
        .chain([80, 140])
        .flat_map(|width| (0..14).chain([24, 45]).map(move |height| (width, height)));
    for (width, height) in sizes.chain([(500, 200), (20, 5), (1, 300)]) {
        for tab in 1..=9 {
            tui.act(Action::Tab(tab));
            tui.resize(width, height);
            screen(&mut tui);
        }
    }
    tui.resize(20, 5);
    assert!(screen(&mut tui).starts_with("too small\nneeds 40x10"));
}

#[test]
fn ascii_leaves_nothing_else() {
    let mut tui = opened("skewed-join");
    tui.world.glyphs = Glyphs::Ascii;
    for tab in 1..=9 {
        tui.act(Action::Tab(tab));
        let text = screen(&mut tui);
        assert!(text.is_ascii(), "{text}");
    }
    let [Request::Save { text, .. }] = &tui.act(Action::Export)[..] else {
        panic!()
    };
    assert!(text.is_ascii());
}

#[test]
fn a_place_is_gone_to_by_its_name() {
    let mut tui = opened("skewed-join");
    let mut go_to = |place: &str| {
        tui.act(Action::GoTo);
        assert!(tui.typing());
        place.chars().for_each(|c| drop(tui.act(Action::Type(c))));
        tui.act(Action::Accept);
        assert!(!tui.typing());
        screen(&mut tui)
    };
    assert!(go_to("stage 6").contains("› Stage 6.0"));
    assert!(go_to("task 13").contains("› Task 13.0"));
    assert!(go_to("task 7.0").contains("› Task 7.0"));
    assert!(go_to("job 1").contains("Stages of job 1"));
    assert!(go_to("exec 1").lines().any(|line| line.starts_with("▸ 1 ")));
    assert!(go_to("2.0").contains("› Stage 2.0"), "a bare number is a stage");
    assert!(go_to("sql 1").contains("› SQL 1"));
    for nowhere in [
        "stage 99",
        "task x",
        "finding 0",
        "finding 99",
        "exec nobody",
        "job -1",
        "sql 99",
        "rdd 0",
        "query ",
        "",
        "fly home",
    ] {
        assert!(go_to(nowhere).contains("here; such as"), "{nowhere}");
    }
    assert!(go_to("app 1").contains("no application's id has"));
    tui.act(Action::GoTo);
    "st".chars().for_each(|c| drop(tui.act(Action::Type(c))));
    tui.act(Action::NextTab);
    tui.act(Action::Type('6'));
    assert!(
        screen(&mut tui).contains(":stage 6_  Tab: stage 6.0"),
        "what exists is told"
    );
    tui.act(Action::NextTab);
    tui.act(Action::Accept);
    assert!(screen(&mut tui).contains("› Stage 6.0"));
    let mut list = listed();
    list.act(Action::GoTo);
    "app p-3".chars().for_each(|c| drop(list.act(Action::Type(c))));
    assert!(
        matches!(&list.act(Action::Accept)[..], [Request::Open { choice, .. }] if choice.app.as_deref() == Some("app-3"))
    );
}

#[test]
fn a_theme_is_shown_at_once_and_esc_brings_the_old_one_back() {
    let mut tui = opened("skewed-join");
    assert!(matches!(tui.act(Action::Theme)[..], [Request::Themes]));
    let before = tui.world.theme.clone();
    let themes = theme::list(None, ColorLevel::Sixteen);
    tui.answer(0, Answer::Themes(themes.clone()));
    let text = screen(&mut tui);
    assert!(
        text.contains("▸ dark") && text.contains("For a dark background."),
        "{text}"
    );
    tui.act(Action::Down);
    assert_eq!(Some(&tui.world.theme), themes[1].theme.as_ref().ok());
    assert!(screen(&mut tui).contains("▸ light"));
    tui.act(Action::Back);
    assert_eq!(tui.world.theme, before);
    assert!(!screen(&mut tui).contains("▸ light"));

    tui.answer(0, Answer::Themes(themes));
    tui.act(Action::Down);
    tui.act(Action::Enter);
    assert_ne!(tui.world.theme, before);
    assert!(screen(&mut tui).contains("theme = \"light\" in the config file keeps it"));
}

#[test]
fn a_theme_that_is_broken_is_told_and_never_kept() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("torn.toml"), "[roles]\ngc = 'rouge'\n").unwrap();
    let mut tui = opened("skewed-join");
    tui.resize(200, 24);
    let before = tui.world.theme.clone();
    tui.answer(0, Answer::Themes(theme::list(Some(folder.path()), ColorLevel::Sixteen)));
    tui.act(Action::Last);
    let text = screen(&mut tui);
    assert!(
        text.contains("torn.toml, line 2: role \"gc\"") && text.contains("broken"),
        "{text}"
    );
    tui.act(Action::Enter);
    assert_eq!(tui.world.theme, before);

    // Without colours there is nothing to choose.
    tui.answer(0, Answer::Themes(theme::list(None, ColorLevel::None)));
    tui.world.theme = Theme::built_in("dark", ColorLevel::None).unwrap();
    tui.picker = None;
    tui.answer(0, Answer::Themes(theme::list(None, ColorLevel::None)));
    assert!(screen(&mut tui).contains("themes change nothing"));
}

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
fn links_land_on_the_very_page() {
    let opened = recorded("skewed-join");
    let stage = opened.application.ran_stages().next().unwrap().key;
    let job = opened.application.jobs[0].id;
    for (landing, words) in [
        (Landing::Stage(stage), format!("Stage {stage}")),
        (Landing::Job(job), format!("Job {job}")),
        (Landing::Executors, "Executors".to_owned()),
        (Landing::Stages, "Stages".to_owned()),
        (Landing::Environment, "Environment".to_owned()),
        (Landing::Job(4_000_000), "no \"job 4000000\" here".to_owned()),
    ] {
        let mut tui = tui();
        tui.landing = Some(landing.clone());
        let Request::Open { ticket, .. } = tui.start(Some(Choice::default())) else {
            panic!("no open");
        };
        tui.answer(ticket, Answer::Opened(Ok(opened.clone())));
        let [crumbs, _] = tui.headline();
        let said = tui.said.as_ref().map(|(said, _)| said.clone()).unwrap_or_default();
        assert!(
            crumbs.contains(&words) || said.contains(&words),
            "{landing:?}: {crumbs} {said}"
        );
    }
}

#[test]
fn a_certificate_that_is_not_checked_is_shown_at_every_width() {
    for width in [60, 140] {
        let mut tui = listed();
        tui.resize(width, 24);
        tui.warn_of_source(true);
        let mut buf = Buffer::empty(tui.area());
        tui.render(&mut buf);
        assert!(
            text(&buf).lines().next().unwrap().contains("skewer  INSECURE"),
            "{width}"
        );
    }
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
