//! The program itself in a pseudo-terminal: what a person sees and types, the files it leaves, and the terminal after it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end so"
)]

mod cost;
mod secrets;
mod terminal;
mod walk;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rustix::process::Signal;
use terminal::Terminal;

const ESC: &str = "\u{1b}";

#[test]
fn demo_to_stage_to_task_and_back_export_and_quit() {
    let mut terminal = Terminal::start(&["demo", "skewed-join"], (80, 24));
    terminal.wait_for("Where the time went");
    terminal.wait_for("Skewed partition");
    terminal.keys("4");
    terminal.wait_for("── Stages (");
    terminal.wait_until_quiet();
    let list = terminal.text();
    terminal.keys("\r");
    terminal.wait_for("Quantiles");
    terminal.wait_for("› Stage ");
    terminal.keys("\r");
    terminal.wait_for("› Task ");
    terminal.wait_for("Shuffle read size");
    terminal.keys(ESC);
    terminal.wait_for("Quantiles");
    terminal.keys("e");
    terminal.wait_for("written: ");
    terminal.keys(ESC);
    terminal.wait_for("── Stages (");
    // The list is where it was left.
    terminal.wait_for(&list);
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);
    terminal.assert_restored();

    let files = terminal.files();
    assert_eq!(files.len(), 1, "{files:?}");
    let name = files[0].file_name().unwrap().to_string_lossy().into_owned();
    assert!(name.starts_with("skewer-app-") && name.contains("-stage_"), "{name}");
    assert_eq!(fs::metadata(&files[0]).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&files[0]).unwrap();
    assert!(text.starts_with("demo skewed-join › skewed-join (app-"), "{text}");
    for part in [
        "completed",
        "── Quantiles ",
        "── Locality",
        "── Tasks (16)",
        "13.0",
        "0.0",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(
        !text.contains(ESC) && text.lines().all(|line| line.chars().count() <= 100),
        "{text}"
    );
}

#[test]
fn findings_report_and_copy() {
    let mut terminal = Terminal::start(&["demo", "skewed-join"], (140, 45));
    terminal.wait_for("Where the time went");
    terminal.keys("2");
    terminal.wait_for("What to change");
    terminal.keys("y");
    terminal.wait_for("advice sent to the terminal's clipboard");
    assert!(terminal.sent("\u{1b}]52;c;"));
    terminal.keys("E");
    terminal.wait_for("written: ");
    terminal.keys("\u{3}");
    assert_eq!(terminal.exit(), 0);
    terminal.assert_restored();
    let text = fs::read_to_string(&terminal.files()[0]).unwrap();
    assert!(text.contains("What to fix first"), "{text}");
}

#[test]
fn a_window_that_gets_its_size_while_the_program_starts_is_filled() {
    for moment in 0..12 {
        let mut terminal = Terminal::start(&["demo", "skewed-join"], (80, 24));
        std::thread::sleep(Duration::from_millis(2 * moment));
        terminal.resize(120, 40);
        let footer = |screen: &vt100::Screen| screen.rows(0, 120).nth(39).is_some_and(|row| row.contains("help"));
        terminal.wait_until(footer, "a footer in the last row");
    }
}

#[test]
fn twenty_columns_by_five_say_so_and_a_larger_window_helps() {
    let mut terminal = Terminal::start(&["demo", "skewed-join"], (20, 5));
    terminal.wait_for("too small");
    terminal.resize(80, 24);
    terminal.wait_for("Where the time went");
    terminal.resize(20, 5);
    terminal.wait_for("too small");
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);
    terminal.assert_restored();
}

#[test]
fn ascii_and_no_colour_are_kept_to() {
    let mut terminal = Terminal::start_with(&["demo", "--ascii"], (80, 24), &[("NO_COLOR", "1")]);
    terminal.wait_for("Where the time went");
    terminal.keys("4");
    terminal.wait_for("-- Stages (");
    assert!(terminal.text().is_ascii(), "{}", terminal.text());
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);
    assert!(terminal.raw().is_ascii());
    for colour in ["[31m", "[38;", "[38:", "[48;"] {
        assert!(!terminal.sent(&format!("\u{1b}{colour}")), "{colour}");
    }
}

#[test]
fn an_idle_screen_sends_nothing() {
    let terminal = Terminal::start(&["demo", "skewed-join"], (80, 24));
    terminal.wait_for("Where the time went");
    terminal.wait_until_quiet();
    let before = terminal.raw().len();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(terminal.raw().len(), before);
}

/// A log of so many tasks, which end one after the other; without its end.
fn log_of(tasks: u32) -> String {
    let info = format!(
        r#"{{"Stage ID":0,"Stage Attempt ID":0,"Stage Name":"count at a.py:1","Number of Tasks":{tasks},"RDD Info":[],"Submission Time":20}}"#
    );
    let mut log = vec![
        r#"{"Event":"SparkListenerLogStart","Spark Version":"4.0.1"}"#.to_owned(),
        r#"{"Event":"SparkListenerApplicationStart","App Name":"grows","App ID":"app-1","Timestamp":10,"User":"u"}"#
            .to_owned(),
        format!(r#"{{"Event":"SparkListenerJobStart","Job ID":0,"Submission Time":15,"Stage Infos":[{info}]}}"#),
        format!(r#"{{"Event":"SparkListenerStageSubmitted","Stage Info":{info}}}"#),
    ];
    log.extend((0..tasks).flat_map(task));
    log.join("\n") + "\n"
}

/// The start and the end of a task; the later ones take longer.
fn task(id: u32) -> [String; 2] {
    let event = |kind: &str, finish: u32, rest: &str| {
        format!(
            r#"{{"Event":"SparkListenerTask{kind}","Stage ID":0,"Stage Attempt ID":0,"Task Info":{{"Task ID":{id},"Index":{id},"Attempt":0,"Launch Time":{},"Executor ID":"1","Host":"h","Locality":"ANY","Speculative":false,"Finish Time":{finish},"Failed":false,"Killed":false}}{rest}}}"#,
            30 + id
        )
    };
    let ran = r#","Task End Reason":{"Reason":"Success"},"Task Metrics":{"Executor Run Time":5}"#;
    [event("Start", 0, ""), event("End", 130 + 2 * id, ran)]
}

const OVER: &str = r#"{"Event":"SparkListenerApplicationEnd","Timestamp":90000}"#;

#[test]
fn a_log_is_followed_while_it_is_written_and_the_selection_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app-1.inprogress");
    fs::write(&path, log_of(40)).unwrap();
    let mut terminal = Terminal::start(&[&path.display().to_string()], (100, 30));
    terminal.wait_for("▶ following");
    terminal.keys("4\r");
    terminal.wait_for("── Tasks (40)");
    terminal.keys("jjj");
    terminal.wait_for("▸ 36.0");
    let append = |lines: &[String]| {
        let mut file = fs::File::options().append(true).open(&path).unwrap();
        file.write_all((lines.join("\n") + "\n").as_bytes()).unwrap();
    };
    let more: Vec<String> = (40..60).flat_map(task).collect();
    append(&more);
    terminal.wait_for("── Tasks (60)");
    terminal.wait_for("▸ 36.0");
    terminal.keys("f");
    terminal.wait_for("▶ paused");
    let held: Vec<String> = (60..70).flat_map(task).collect();
    append(&held);
    std::thread::sleep(Duration::from_secs(2));
    assert!(terminal.text().contains("── Tasks (60)"), "{}", terminal.text());
    terminal.keys("f");
    terminal.wait_for("── Tasks (70)");
    append(&[OVER.to_owned()]);
    fs::rename(&path, folder.path().join("app-1")).unwrap();
    terminal.wait_for("the application has ended");
    terminal.wait_for("✓ completed");
    terminal.wait_for("▸ 36.0");
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);
    terminal.assert_restored();
}

#[test]
fn an_application_can_be_looked_at_while_its_log_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app-1.inprogress");
    // Larger than what is read before a screen is shown, in a debug build too.
    fs::write(&path, log_of(400_000) + OVER).unwrap();
    fs::rename(&path, folder.path().join("app-1")).unwrap();
    let path = folder.path().join("app-1");
    let mut terminal = Terminal::start(&[&path.display().to_string()], (100, 30));
    terminal.wait_for("… reading: ");
    terminal.wait_for("what to fix is said when all is there");
    terminal.keys("4\r");
    terminal.wait_for("› Stage 0.0");
    assert!(terminal.text().contains("… reading: "), "{}", terminal.text());
    terminal.keys(ESC);
    terminal.wait_for("── Stages (1)");
    terminal.wait_for("✓ completed");
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);
    terminal.assert_restored();
}

/// A server that takes connections and never answers.
fn silent_server() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

#[test]
fn loading_can_be_stopped_and_left() {
    let (_listener, url) = silent_server();
    let mut terminal = Terminal::start(&[&url], (80, 24));
    terminal.wait_for("Listing the applications of");
    terminal.wait_for("Esc stops it");
    terminal.keys("\u{3}");
    assert_eq!(terminal.exit(), 0);
    terminal.assert_restored();

    let mut terminal = Terminal::start(&[&url, "--app", "app-1"], (80, 24));
    terminal.wait_for("Opening app-1");
    terminal.keys(ESC);
    terminal.wait_for("stopped: Opening app-1");
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);
    terminal.assert_restored();
}

#[test]
fn a_server_that_refuses_is_tried_again_until_the_user_has_enough() {
    // The port was ours a moment ago: nobody listens there now.
    let (listener, url) = silent_server();
    drop(listener);
    let mut terminal = Terminal::start(&[&url], (120, 24));
    terminal.wait_for("connection refused");
    terminal.wait_for("tried twice");
    terminal.keys("r");
    terminal.wait_for("tried 3 times");
    terminal.keys("q");
    assert_eq!(terminal.exit(), 3);
    terminal.assert_restored();
    let said = terminal.text();
    assert!(said.contains("skewer: ") && said.contains("127.0.0.1"), "{said}");
}

#[test]
fn a_pipe_for_keys_is_refused_in_one_line() {
    let mut terminal = Terminal::start_piped(&["demo"]);
    assert_eq!(terminal.exit(), 2);
    let said = terminal.text();
    assert!(said.contains("standard input is not a terminal"), "{said}");
}

#[test]
fn signals_end_it_with_the_terminal_restored() {
    for (signal, status) in [
        (Signal::TERM, 143),
        (Signal::HUP, 129),
        (Signal::INT, 130),
        (Signal::QUIT, 131),
    ] {
        let mut terminal = Terminal::start(&["demo", "skewed-join"], (80, 24));
        terminal.wait_for("Where the time went");
        terminal.signal(signal);
        assert_eq!(terminal.exit(), status, "{signal:?}");
        terminal.assert_restored();
    }
}

#[test]
fn killed_outright_it_leaves_nothing_that_the_next_start_minds() {
    let cache = tempfile::tempdir().unwrap();
    let folder = cache.path().display().to_string();
    let environment = [
        ("XDG_CACHE_HOME", folder.as_str()),
        ("XDG_CONFIG_HOME", folder.as_str()),
    ];
    let logs = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/logs");
    for _ in 0..2 {
        let mut terminal = Terminal::start_with(&[logs], (80, 24), &environment);
        terminal.wait_for("✓ done");
        terminal.signal(Signal::KILL);
        terminal.exit();
        assert!(terminal.files().is_empty(), "{:?}", terminal.files());
    }
    let mut terminal = Terminal::start_with(&[logs], (80, 24), &environment);
    terminal.wait_for("✓ done");
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);
    terminal.assert_restored();
}

#[test]
fn it_stops_and_goes_on_when_the_shell_says_so() {
    let mut terminal = Terminal::start(&["demo", "skewed-join"], (80, 24));
    terminal.wait_for("Where the time went");
    for stop in ["key", "signal"] {
        if stop == "key" {
            terminal.keys("\u{1a}");
        } else {
            terminal.signal(Signal::TSTP);
        }
        terminal.wait_until(|screen| !screen.alternate_screen(), "left");
        terminal.wait_until_stopped();
        terminal.signal(Signal::CONT);
        terminal.wait_until(|screen| screen.alternate_screen(), "entered again");
        terminal.wait_for("Where the time went");
    }
    // A stop that nobody can refuse: the shell has had the terminal meanwhile.
    terminal.signal(Signal::STOP);
    terminal.wait_until_stopped();
    terminal.cook();
    terminal.signal(Signal::CONT);
    terminal.keys("4");
    terminal.wait_for("── Stages (");
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);
    terminal.assert_restored();
}

#[test]
fn it_ends_when_the_terminal_is_gone_without_a_signal() {
    let mut terminal = Terminal::start_unsignalled(&["demo", "skewed-join"]);
    terminal.wait_for("Where the time went");
    terminal.hang_up();
    assert_eq!(terminal.exit(), 129);
}

#[test]
fn it_ends_when_the_terminal_takes_nothing_any_more() {
    for (signal, status) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        let mut terminal = Terminal::start(&["demo", "skewed-join"], (200, 60));
        terminal.wait_for("Where the time went");
        terminal.take_nothing();
        // Whole screens, until one does not fit into what the kernel buffers.
        (0..40).for_each(|_| terminal.keys("\u{c}"));
        std::thread::sleep(Duration::from_millis(500));
        terminal.signal(signal);
        assert_eq!(terminal.exit(), status, "{signal:?}");
    }
}

#[test]
fn a_window_that_is_dragged_and_a_flood_of_keys_are_borne() {
    let mut terminal = Terminal::start(&["demo", "skewed-join"], (80, 24));
    terminal.wait_for("Where the time went");
    let before = terminal.frames();
    for step in 0..100 {
        terminal.resize(60 + step, 20 + step % 30);
    }
    terminal.resize(1, 1);
    terminal.resize(120, 40);
    terminal.wait_for("── Memory");
    terminal.wait_until_quiet();
    assert!(
        terminal.frames() - before < 50,
        "{} frames for one drag",
        terminal.frames() - before
    );
    terminal.keys(&"\u{1b}[B\u{1b}[A".repeat(5_000));
    terminal.keys(&"4".repeat(1_000));
    terminal.wait_for("── Stages (");
    // Sequences that mean nothing to us, a click that nobody asked for, and a megabyte pasted into the filter.
    terminal.keys("\u{1b}[99;99~\u{1b}[<0;5;5M\u{1b}[?1;2c\u{1b}[200~pasted\u{1b}[201~");
    terminal.wait_for("a paste is only taken where text is typed");
    terminal.keys("/");
    terminal.wait_for("/_");
    terminal.keys("\u{1b}[200~");
    terminal.keys(&"stage ".repeat(170_000));
    terminal.keys("\u{1b}[201~");
    terminal.wait_for("stage stage");
    terminal.cost("\u{1b}");
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);
    terminal.assert_restored();
}

#[test]
fn the_mouse_selects_opens_and_scrolls_where_it_is_asked_for() {
    let mut terminal = Terminal::start(&["demo", "skewed-join", "--mouse"], (80, 24));
    terminal.wait_for("Where the time went");
    let click = |column: u16, row: u16| format!("\u{1b}[<0;{column};{row}M\u{1b}[<0;{column};{row}m");
    let at = |terminal: &Terminal| terminal.text().lines().position(|line| line.starts_with('▸'));
    // The fourth tab, then the third row of its list, then that row again.
    terminal.keys(&click(32, 2));
    terminal.wait_for("── Stages (");
    terminal.wait_until_quiet();
    assert_eq!(at(&terminal), Some(4));
    terminal.keys(&click(10, 7));
    terminal.wait_for("\n▸");
    terminal.wait_until_quiet();
    assert_eq!(at(&terminal), Some(6), "{}", terminal.text());
    // Up again with the wheel, and nowhere on a click below the list.
    terminal.keys("\u{1b}[<64;10;7M");
    terminal.wait_until_quiet();
    assert_eq!(at(&terminal), Some(4));
    terminal.keys(&click(10, 23));
    terminal.wait_until_quiet();
    assert_eq!(at(&terminal), Some(4));
    terminal.keys(&click(10, 5));
    terminal.wait_for("Quantiles");
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);
    terminal.assert_restored();
    assert!(terminal.sent("\u{1b}[?1000h") && terminal.sent("\u{1b}[?1000l"));
}

#[test]
fn what_was_copied_is_shown_when_asked_again() {
    let mut terminal = Terminal::start(&["demo", "skewed-join"], (80, 24));
    terminal.wait_for("Where the time went");
    terminal.keys("4y");
    terminal.wait_for("y again shows it");
    terminal.keys("y");
    terminal.wait_for("if the terminal takes no OSC 52, select it here");
    terminal.wait_for("Stage 6.0 collect at");
    terminal.keys("\u{1b}");
    terminal.wait_for("── Stages (");
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);

    let inside = [("TMUX", "/tmp/tmux-0/default,1,0")];
    let mut terminal = Terminal::start_with(&["demo", "skewed-join"], (140, 24), &inside);
    terminal.wait_for("Where the time went");
    terminal.keys("4y");
    terminal.wait_for("set -s set-clipboard on");
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);
}

#[test]
fn a_broken_theme_is_told_and_the_default_used() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("torn.toml");
    fs::write(&file, "[roles]\n\ngc = \"rouge\"\n").unwrap();
    let theme = file.display().to_string();
    let mut terminal = Terminal::start(&["demo", "--theme", &theme], (140, 24));
    terminal.wait_for("torn.toml, line 3: role \"gc\": \"rouge\" is no colour");
    terminal.wait_for("Where the time went");
    terminal.keys("q");
    assert_eq!(terminal.exit(), 0);
    terminal.wait_for("theme is used");
}

/// Not a test of its own: what the tests below run in a terminal.
#[test]
#[ignore = "a part of the tests of panics"]
fn panic_on_the_screen() {
    let _screen = skewer::tui::on_screen(|| {
        std::thread::spawn(|| panic!("a worker gave up")).join().unwrap();
    });
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_told() {
    let mut terminal = Terminal::start_test("panic_on_the_screen");
    assert_eq!(terminal.exit(), 101);
    terminal.assert_restored();
    let raw = String::from_utf8_lossy(&terminal.raw()).into_owned();
    let (entered, left) = (raw.find("\u{1b}[?1049h").unwrap(), raw.find("\u{1b}[?1049l").unwrap());
    let told = raw.find("a worker gave up").unwrap();
    assert!(entered < left && left < told, "{raw}");
}
