//! A namenode and a datanode that answer as Hadoop's documentation of WebHDFS has it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use wiremock::matchers::{path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::source::{Choice, Progress, Source};

const LOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/logs/skewed-join-3.5.zstd");

/// What blocks is called from a thread, as the program does.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

fn status(name: &str, kind: &str, length: usize) -> Value {
    json!({ "accessTime": 1320171722771i64, "blockSize": 33554432, "group": "supergroup", "length": length,
        "modificationTime": 1320171722771i64, "owner": "webuser", "pathSuffix": name, "permission": "644", "replication": 1, "type": kind })
}

fn refused(code: u16, exception: &str, message: &str) -> ResponseTemplate {
    let body = json!({ "RemoteException": { "exception": exception, "javaClassName": format!("x.{exception}"), "message": message } });
    ResponseTemplate::new(code).set_body_json(body)
}

async fn answer(mock: &MockServer, at: &str, operation: &str, answer: ResponseTemplate) {
    Mock::given(path(format!("/webhdfs/v1{at}")))
        .and(query_param("op", operation))
        .respond_with(answer)
        .mount(mock)
        .await;
}

fn number(asked: &Request, name: &str) -> Option<usize> {
    let (_, number) = asked.url.query_pairs().find(|(known, _)| known == name)?;
    number.parse().ok()
}

/// A namenode with a log, and the datanode that has its bytes.
async fn cluster() -> (MockServer, MockServer) {
    let (name, data) = (MockServer::start().await, MockServer::start().await);
    let log = fs::read(LOG).unwrap();
    let give = |value: Value| ResponseTemplate::new(200).set_body_json(value);
    let listed = json!({ "FileStatuses": { "FileStatus": [
        status("skewed join.zstd", "FILE", log.len()), status("link", "SYMLINK", 0), status("deeper", "DIRECTORY", 0)] } });
    answer(&name, "/logs", "LISTSTATUS", give(listed)).await;
    answer(
        &name,
        "/logs",
        "GETFILESTATUS",
        give(json!({ "FileStatus": status("", "DIRECTORY", 0) })),
    )
    .await;
    let file = json!({ "FileStatus": status("", "FILE", log.len()) });
    answer(&name, "/logs/skewed%20join.zstd", "GETFILESTATUS", give(file)).await;
    let to = data.uri();
    Mock::given(path("/webhdfs/v1/logs/skewed%20join.zstd"))
        .and(query_param("op", "OPEN"))
        .respond_with(move |asked: &Request| {
            let part =
                ["offset", "length"].map(|name| number(asked, name).map_or(String::new(), |n| format!("&{name}={n}")));
            let to = format!("{to}{}?op=OPEN&delegation=t0ken{}", asked.url.path(), part.concat());
            ResponseTemplate::new(307).insert_header("Location", to.as_str())
        })
        .mount(&name)
        .await;
    Mock::given(path("/webhdfs/v1/logs/skewed%20join.zstd"))
        .and(query_param("delegation", "t0ken"))
        .and(query_param_is_missing("user.name"))
        .respond_with(move |asked: &Request| {
            let from = number(asked, "offset").unwrap_or(0).min(log.len());
            let upto = number(asked, "length").map_or(log.len(), |length| (from + length).min(log.len()));
            ResponseTemplate::new(200).set_body_raw(&log[from..upto], "application/octet-stream")
        })
        .mount(&data)
        .await;
    (name, data)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_and_a_list_come_through_the_namenode() {
    let (name, _data) = cluster().await;
    let root = format!("webhdfs://{}/logs", name.address());
    blocking(move || {
        let progress = Progress::default();
        let log = Source::parse(&format!("{root}/skewed join.zstd")).unwrap();
        assert_eq!(log.choice(), Some(&Choice::default()));
        let local = Source::parse(LOG).unwrap().open(&Choice::default(), &progress).unwrap();
        assert_eq!(log.open(&Choice::default(), &progress).unwrap(), local);
        let folder = Source::parse(&root).unwrap();
        assert_eq!(folder.choice(), None);
        let listing = folder.list(&progress).unwrap();
        let attempt = &listing.applications[0].attempts[0];
        assert_eq!(
            (listing.applications.len(), &listing.applications[0].id),
            (1, &local.id)
        );
        assert_eq!(
            (attempt.end_ms, attempt.last_updated_ms),
            (local.end_ms, Some(1_320_171_722_771))
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_has_its_own_words() {
    let name = MockServer::start().await;
    let cases = [
        (
            "/none",
            refused(404, "FileNotFoundException", "File does not exist: /none"),
            "no such file or directory in HDFS",
        ),
        (
            "/secret",
            refused(403, "AccessControlException", "Permission denied: user=x\u{1b}\nat y"),
            "403: Permission denied: user=x^[",
        ),
        (
            "/standby",
            refused(403, "StandbyException", "Operation category READ"),
            "give the active one",
        ),
        (
            "/kerberos",
            ResponseTemplate::new(401),
            "Kerberos, which skewer does not speak",
        ),
        (
            "/other",
            ResponseTemplate::new(404),
            "no WebHDFS: give the namenode's web port",
        ),
        (
            "/page",
            ResponseTemplate::new(200).set_body_raw("<html>", "text/html"),
            "is no WebHDFS",
        ),
        ("/odd", refused(500, "OddException", "why"), "500: OddException (why)"),
    ];
    for (at, refusal, _) in &cases {
        answer(&name, at, "GETFILESTATUS", refusal.clone()).await;
    }
    let root = format!("webhdfs://{}", name.address());
    let words: Vec<_> = cases.iter().map(|(at, _, words)| (*at, *words)).collect();
    blocking(move || {
        for (at, words) in words {
            let source = Source::parse(&format!("{root}{at}")).unwrap();
            let error = source.open(&Choice::default(), &Progress::default()).unwrap_err();
            let said = error.to_string();
            assert!(
                said.contains(words) && !said.contains('\n') && !said.contains('\u{1b}'),
                "{said}"
            );
            assert_eq!(error.exit_status(), 3);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_hop_to_a_datanode_is_followed_and_no_second() {
    let (name, data) = (MockServer::start().await, MockServer::start().await);
    let file = ResponseTemplate::new(200).set_body_json(json!({ "FileStatus": status("", "FILE", 9) }));
    answer(&name, "/log", "GETFILESTATUS", file).await;
    let to = |server: &MockServer| {
        ResponseTemplate::new(307)
            .insert_header("Location", format!("{}/webhdfs/v1/log?op=OPEN", server.uri()).as_str())
    };
    answer(&name, "/log", "OPEN", to(&data)).await;
    answer(&data, "/log", "OPEN", to(&name)).await;
    let target = format!("webhdfs://{}/log", name.address());
    let said = blocking(move || {
        let source = Source::parse(&target).unwrap();
        source
            .open(&Choice::default(), &Progress::default())
            .unwrap_err()
            .to_string()
    })
    .await;
    assert!(said.contains("it answered 307"), "{said}");
    assert_eq!(data.received_requests().await.unwrap().len(), 1);
}

#[test]
fn the_port_of_an_hdfs_address_is_not_that_of_the_web() {
    let url = |scheme: &str, rest: &str| {
        let store = super::WebHdfs::of(scheme, rest).unwrap().unwrap();
        store
            .url(Path::new(&format!("{scheme}://{rest}")), "OPEN", &[])
            .to_string()
    };
    assert!(url("hdfs", "nn:8020/a b").starts_with("http://nn:9870/webhdfs/v1/a%20b?op=OPEN"));
    assert!(url("webhdfs", "nn:50070/a").starts_with("http://nn:50070/webhdfs/v1/a?op=OPEN"));
    assert!(url("swebhdfs", "nn/a").starts_with("https://nn:9871/webhdfs/v1/a?op=OPEN"));
    for bad in ["/a", "me:secret@nn/a", "me@nn:9870/a"] {
        for scheme in ["hdfs", "webhdfs"] {
            let why = super::WebHdfs::of(scheme, bad).unwrap().err().unwrap();
            assert!(why.starts_with("write webhdfs://") && !why.contains("secret"), "{why}");
        }
    }
    assert!(super::WebHdfs::of("ftp", "nn/a").is_none());
}
