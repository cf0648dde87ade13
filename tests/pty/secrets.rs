//! What proves who asks is sent to its server, and stands in nothing that leaves the screen: not in what is drawn, the files written, what
//! stays in the terminal, or the report of a panic.

use std::fs;
use std::io::{Cursor, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use skewer::source::{Connection, Header, Options, Progress, Source};

use crate::terminal::Terminal;

const PASSWORD: &str = "hunter2-0123456789";
const TOKEN: &str = "tok-abcdef0123456789";
const KEY: &str = "key-fedcba9876543210";
/// `me:` and the password, as they are sent.
const BASIC: &str = "bWU6aHVudGVyMi0wMTIzNDU2Nzg5";

const LOG: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/fixtures/logs/one-partition-3.5.zstd"
);

const APPLICATION: &str = r#"{"id": "app-1", "name": "one-partition", "attempts": [{"startTimeEpoch": 1795254000000,
    "endTimeEpoch": 1795254060000, "lastUpdatedEpoch": 1795254060000, "duration": 60000, "sparkUser": "spark", "completed": true,
    "appSparkVersion": "3.5.9"}]}"#;

/// A history server of one application on a loopback port; it keeps the heads of the requests.
fn serve() -> (String, Arc<Mutex<String>>) {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("app-1.zstd", zip::write::SimpleFileOptions::default())
        .unwrap();
    zip.write_all(&fs::read(LOG).unwrap()).unwrap();
    let log = zip.finish().unwrap().into_inner();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let list = format!("[{APPLICATION}]");
    let heads = Arc::new(Mutex::new(String::new()));
    let kept = heads.clone();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default();
            let (status, body) = match path.split('?').next() {
                Some(path) if path.ends_with("/logs") => ("200 OK", log.as_slice()),
                Some(path) if path.ends_with("/applications") => ("200 OK", list.as_bytes()),
                Some(path) if path.ends_with("/app-1") => ("200 OK", APPLICATION.as_bytes()),
                Some(path) if path.ends_with("/version") => ("200 OK", &br#"{"spark": "3.5.9"}"#[..]),
                _ => ("404 Not Found", &b"no such thing"[..]),
            };
            kept.lock().unwrap().push_str(&head);
            let kind = if body.starts_with(b"PK") {
                "application/octet-stream"
            } else {
                "application/json"
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(&[head.as_bytes(), body].concat());
        }
    });
    (address, heads)
}

fn assert_silent(what: &str, text: &str) {
    for secret in [PASSWORD, TOKEN, KEY, BASIC] {
        assert!(!text.contains(secret), "{what} has {secret}:\n{text}");
    }
}

#[test]
fn credentials_stand_in_no_snapshot_no_report_and_nothing_that_was_drawn() {
    let (address, heads) = serve();
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, TOKEN).unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    let token = token.to_str().unwrap();
    let (plain, with_user) = (format!("http://{address}"), format!("http://me:{PASSWORD}@{address}"));
    let key = format!("X-Api-Key: {KEY}");
    let ways: [(&[&str], &[&str]); 2] = [
        (&[&plain, "--token-file", token, "--header", &key], &[TOKEN, KEY]),
        (&[&with_user, "--header", &key], &[BASIC, KEY]),
    ];
    for (arguments, sent) in ways {
        let mut terminal = Terminal::start(arguments, (120, 40));
        terminal.wait_for("one-partition");
        terminal.keys("e");
        terminal.wait_for("written: ");
        terminal.keys("\r");
        terminal.wait_for("Where the time went");
        // The screen, the report, the settings, what `y` copies, and the help.
        for key in ["e", "E", "8", "e", "y", "?", "e"] {
            terminal.cost(key);
            terminal.wait_until_quiet();
        }
        terminal.keys("Q");
        assert_eq!(terminal.exit(), 0);
        let files = terminal.files();
        assert!(files.len() >= 5, "{files:?}");
        for file in files {
            assert_silent(&file.display().to_string(), &fs::read_to_string(&file).unwrap());
        }
        let drawn = String::from_utf8_lossy(&terminal.raw()).into_owned();
        assert!(drawn.contains(&address), "where it comes from is said");
        assert_silent("the terminal", &drawn);
        let heads = heads.lock().unwrap();
        for secret in sent {
            assert!(heads.contains(secret), "{secret} was never sent:\n{heads}");
        }
    }
}

/// Not a test of its own: what the test below runs in a terminal.
#[test]
#[ignore = "a part of the tests of panics"]
fn panic_with_credentials_at_hand() {
    color_eyre::install().unwrap();
    let connection = Connection {
        headers: vec![
            Header::parse(&format!("X-Api-Key: {KEY}")).unwrap(),
            Header::bearer(TOKEN, "the token of a file").unwrap(),
        ],
        ..Connection::default()
    };
    let options = Options {
        connection: connection.clone(),
        ..Options::default()
    };
    // Nobody listens there.
    let source = Source::with(&format!("http://me:{PASSWORD}@127.0.0.1:9/?token={KEY}"), &options).unwrap();
    let error = source.list(&Progress::default()).unwrap_err();
    let label = source.label().to_owned();
    let _screen = skewer::tui::on_screen(|| {
        thread::spawn(move || panic!("{connection:#?} {error:#?} {error} {label}"))
            .join()
            .unwrap();
    });
}

#[test]
fn the_report_of_a_panic_names_credentials_and_tells_none() {
    let mut terminal = Terminal::start_test("secrets::panic_with_credentials_at_hand");
    assert_eq!(terminal.exit(), 101);
    let told = String::from_utf8_lossy(&terminal.raw()).into_owned();
    for named in ["the header X-Api-Key", "the token of a file", "127.0.0.1:9"] {
        assert!(told.contains(named), "{named}: {told}");
    }
    assert_silent("the report", &told);
}
