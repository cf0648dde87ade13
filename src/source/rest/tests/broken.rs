//! Servers that refuse, break off, mislead or fall silent: one clear line each.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;
use wiremock::matchers::{header, path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{answers, app, blocking, list_error, server};
use crate::source::{Phase, Progress, SourceError};

#[tokio::test]
async fn each_status_has_its_own_words() {
    let cases = [
        (
            ResponseTemplate::new(404).set_body_raw("unknown app: \u{1b}X", "text/plain"),
            "unknown app: ^[X",
        ),
        (
            ResponseTemplate::new(404).set_body_raw("<html>", "text/html"),
            "path prefix included",
        ),
        (ResponseTemplate::new(401), "asks for a login"),
        (
            ResponseTemplate::new(403).set_body_raw("user \"u\" is not authorized", "text/plain"),
            "403, not allowed: user \"u\" is not",
        ),
        (
            ResponseTemplate::new(403),
            "403: not allowed to see this without a login",
        ),
        (
            ResponseTemplate::new(500).set_body_raw("<html>", "text/html"),
            "500: the server failed to answer; its own log says why",
        ),
        (
            ResponseTemplate::new(503).set_body_raw("starting", "text/plain"),
            "503: starting",
        ),
        (
            ResponseTemplate::new(200).set_body_raw("<html>", "text/html;charset=utf-8"),
            "got text/html, expected JSON: a gateway login?",
        ),
        (
            ResponseTemplate::new(200).set_body_raw("[ {\n \"id\": 1,", "application/json"),
            "the JSON breaks off at byte 13",
        ),
        (
            ResponseTemplate::new(200).set_body_raw("Couldn't parse", "application/json"),
            "no JSON at byte 1",
        ),
        (
            ResponseTemplate::new(200).set_body_raw("{}", "application/json"),
            "other JSON",
        ),
    ];
    for (answer, words) in cases {
        let mock = answers("/api/v1/applications", answer).await;
        let error = list_error(mock.uri()).await;
        assert!(error.to_string().contains(words), "{error}");
        assert!(
            error
                .to_string()
                .starts_with(&format!("{}/api/v1/applications: ", mock.uri())),
            "{error}"
        );
        assert_eq!(error.exit_status(), 3);
    }
}

#[tokio::test]
async fn credentials_are_sent_and_never_shown() {
    let mock = MockServer::start().await;
    Mock::given(header("authorization", "Basic bWU6c2VjcmV0"))
        .respond_with(ResponseTemplate::new(401))
        .mount(&mock)
        .await;
    let uri = mock.uri().replace("http://", "http://me:secret@");
    let error = list_error(uri).await.to_string();
    assert!(
        error.contains("refuses the password of user me") && !error.contains("secret"),
        "{error}"
    );
}

#[tokio::test]
async fn a_busy_server_is_asked_again_and_a_refusal_is_not() {
    let mock = MockServer::start().await;
    Mock::given(path_regex("applications$"))
        .respond_with(ResponseTemplate::new(503))
        .up_to_n_times(2)
        .mount(&mock)
        .await;
    Mock::given(path_regex("applications$"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([])))
        .mount(&mock)
        .await;
    let uri = mock.uri();
    assert!(blocking(move || server(&uri).list(&Progress::default())).await.is_ok());
    assert_eq!(mock.received_requests().await.unwrap().len(), 3);
    let mock = answers("/x", ResponseTemplate::new(200)).await;
    list_error(mock.uri()).await;
    assert_eq!(mock.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn redirects_stay_on_the_server() {
    let stranger = MockServer::start().await;
    let mock = MockServer::start().await;
    let to = |target: String| ResponseTemplate::new(302).insert_header("location", target);
    // Two hops: the first stays, the second leaves.
    Mock::given(path("/api/v1/applications"))
        .respond_with(to("/two".into()))
        .mount(&mock)
        .await;
    Mock::given(path("/two"))
        .respond_with(to(format!("{}/login?secret=1", stranger.uri())))
        .mount(&mock)
        .await;
    let error = list_error(mock.uri().replace("http://", "http://me:secret@"))
        .await
        .to_string();
    assert!(
        error.contains(&format!("redirects to {}, which is another server", stranger.uri())),
        "{error}"
    );
    assert!(!error.contains("secret"));
    assert!(stranger.received_requests().await.unwrap().is_empty());
    let circle = answers("/api/v1/applications", to("/api/v1/applications".into())).await;
    let error = list_error(circle.uri()).await.to_string();
    assert!(error.contains("redirects in circles"), "{error}");
    assert_eq!(circle.received_requests().await.unwrap().len(), 6);
}

/// A server that reads one request and answers with these bytes, then keeps the connection open until the end of the test.
fn raw(answer: &'static [u8]) -> (String, mpsc::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let (hold, end) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let _ = socket.read(&mut [0; 4096]);
        let _ = socket.write_all(answer);
        let _ = end.recv();
    });
    (uri, hold)
}

#[test]
fn nobody_there_is_one_line() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = server(&format!("http://{free}"))
        .list(&Progress::default())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("http://{free}/: connection refused: is the server running, and on this port? (history server: 18080)")
    );
    let error = server("http://no-such-host.invalid")
        .list(&Progress::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains("host name is not known"), "{error}");
}

#[test]
fn a_body_that_falls_silent_ends() {
    let (uri, _hold) = raw(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n[ {");
    let error = server(&uri).list(&Progress::default()).unwrap_err().to_string();
    assert!(error.contains("stopped after 3 bytes"), "{error}");
}

#[test]
fn what_speaks_no_http_is_told_apart() {
    let (uri, _hold) = raw(b"SSH-2.0-OpenSSH_9.2\r\n");
    let error = server(&uri).list(&Progress::default()).unwrap_err().to_string();
    assert!(error.contains("does not speak HTTP"), "{error}");
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let (uri, _hold) = raw(b"");
    let error = server(&uri).list(&Progress::default()).unwrap_err();
    assert!(error.to_string().contains("no answer within"), "{error}");
    assert_eq!(error.exit_status(), 3);
}

#[test]
fn a_wait_is_shown_and_can_be_cancelled() {
    let (uri, _hold) = raw(b"");
    let progress = Progress::default();
    let watched = progress.clone();
    let reader = std::thread::spawn(move || server(&uri).open(&app("app-1"), &watched));
    std::thread::sleep(Duration::from_millis(150));
    assert_eq!(progress.seen().phase, Phase::Waiting);
    progress.cancel();
    assert!(matches!(reader.join().unwrap(), Err(SourceError::Cancelled)));
}

#[test]
fn a_connection_that_breaks_is_tried_again_before_it_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let (count, counted) = mpsc::channel();
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            let _ = socket.read(&mut [0; 4096]);
            let _ = count.send(());
        }
    });
    let error = server(&uri).list(&Progress::default()).unwrap_err().to_string();
    assert!(error.contains("before an answer came: does it want https?"), "{error}");
    assert!(counted.try_iter().count() >= 4);
}
