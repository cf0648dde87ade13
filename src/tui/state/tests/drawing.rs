//! What is drawn whatever the screen: sizes, ASCII, themes, snapshots.

use super::*;
use crate::tui::theme;

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
