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

/// A server that answers each connection with `answer`, and counts them.
fn counting(answer: impl Fn(&mut std::net::TcpStream) + Send + 'static) -> (String, mpsc::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let (count, counted) = mpsc::channel();
    std::thread::spawn(move || {
        while let Ok((mut socket, _)) = listener.accept() {
            let _ = socket.read(&mut [0; 4096]);
            let _ = count.send(());
            answer(&mut socket);
        }
    });
    (uri, counted)
}

#[test]
fn an_answer_that_is_cut_off_is_asked_for_again_and_never_used() {
    let (uri, counted) = counting(|socket| {
        let _ = socket.write_all(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\nConnection: close\r\n\r\n[]",
        );
    });
    let error = server(&uri).list(&Progress::default()).unwrap_err();
    assert!(error.to_string().contains("after 2 bytes"), "{error}");
    assert!(error.passes());
    assert_eq!(counted.try_iter().count(), 4);
}

#[test]
fn a_head_that_trickles_is_given_up_and_a_body_that_trickles_is_read() {
    let trickle = |socket: &mut std::net::TcpStream, text: &str, pause: u64| {
        for byte in text.bytes() {
            std::thread::sleep(Duration::from_millis(pause));
            if socket.write_all(&[byte]).is_err() {
                return;
            }
        }
    };
    let (uri, _counted) = counting(move |socket| trickle(socket, &"HTTP/1.1 200 OK ".repeat(9), 50));
    let error = server(&uri).list(&Progress::default()).unwrap_err().to_string();
    assert!(error.contains("no answer within"), "{error}");
    // Each byte comes well before the idle timeout, all of them long after it.
    let (uri, _counted) = counting(move |socket| {
        let head =
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\nConnection: close\r\n\r\n";
        let _ = socket.write_all(head.as_bytes());
        trickle(socket, "[          ]", 150);
    });
    assert!(server(&uri).list(&Progress::default()).unwrap().applications.is_empty());
}

#[test]
fn while_a_server_replays_nothing_else_is_asked_of_it() {
    let (uri, counted) = counting(|socket| {
        let head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
        let _ = socket.write_all(head);
        std::thread::sleep(Duration::from_millis(900));
    });
    let progress = Progress::default();
    let watched = progress.clone();
    let reader = std::thread::spawn(move || server(&uri).open(&app("app-1"), &watched));
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(counted.try_iter().count(), 1);
    progress.cancel();
    assert!(matches!(reader.join().unwrap(), Err(SourceError::Cancelled)));
}

#[tokio::test]
async fn a_gzip_bomb_is_given_up_at_the_limit() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&vec![b' '; 64 << 20]).unwrap();
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 100_000);
    let answer = ResponseTemplate::new(200)
        .insert_header("content-encoding", "gzip")
        .set_body_raw(packed, "application/json");
    let mock = answers("/api/v1/applications", answer).await;
    let error = list_error(mock.uri()).await.to_string();
    assert!(error.contains("larger than 32 MiB"), "{error}");
    assert_eq!(mock.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_server_that_says_when_is_left_alone_until_then() {
    let mock = MockServer::start().await;
    Mock::given(path_regex("applications$"))
        .respond_with(ResponseTemplate::new(429).insert_header("retry-after", "1"))
        .up_to_n_times(1)
        .mount(&mock)
        .await;
    Mock::given(path_regex("applications$"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([])))
        .mount(&mock)
        .await;
    let uri = mock.uri();
    let begun = std::time::Instant::now();
    assert!(blocking(move || server(&uri).list(&Progress::default())).await.is_ok());
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn requests_at_once_are_bounded() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("http://{}", listener.local_addr().unwrap());
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (count, peak) = (now.clone(), most.clone());
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let (now, most) = (count.clone(), peak.clone());
            std::thread::spawn(move || {
                let _ = socket.read(&mut [0; 4096]);
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(60));
                now.fetch_sub(1, Ordering::SeqCst);
                let _ = socket.write_all(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]",
                );
            });
        }
    });
    for requests in [1, 3] {
        most.store(0, Ordering::SeqCst);
        let address = super::Address::parse(&uri).unwrap();
        let connection = super::Connection {
            requests,
            ..super::Connection::default()
        };
        let http = super::super::http::Http::new(&address, &connection, super::patience()).unwrap();
        let url = http.url(&["applications"], &[]);
        let progress = Progress::default();
        let one = || http.document(&url, super::super::http::Want::Json, &progress);
        let done = futures_util::future::join_all((0..8).map(|_| one())).await;
        assert!(done.iter().all(Result::is_ok));
        assert_eq!(most.load(Ordering::SeqCst), requests);
    }
}
