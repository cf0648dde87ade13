//! Where keys and links lead, and back.

use super::*;

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
fn n_walks_the_findings_and_esc_returns_to_where_the_walk_began() {
    let mut tui = opened("skewed-join");
    tui.act(Action::Tab(4));
    let stages = screen(&mut tui);
    tui.act(Action::NextFinding);
    let text = screen(&mut tui);
    assert!(text.contains("finding 1 of ") && text.contains("Quantiles"), "{text}");
    // The second is about the same stage: what was looked at there stays.
    tui.act(Action::Down);
    let all_but_foot = |text: &str| text.lines().take(23).map(str::to_owned).collect::<Vec<_>>();
    let looked_at = all_but_foot(&screen(&mut tui));
    tui.act(Action::NextFinding);
    let text = screen(&mut tui);
    assert!(text.contains("finding 2 of "), "{text}");
    assert_eq!(all_but_foot(&text), looked_at);
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
