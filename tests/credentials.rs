//! What skewer sends to prove who asks: to the server named and no other, and nothing of it to any output.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end so"
)]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const SECRET: &str = "hunter2-0123456789";

/// A server on a loopback port that keeps the heads of the requests it got.
struct Server {
    address: String,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// `answer` makes the whole answer from a request's path.
    fn new(answer: impl Fn(&str) -> String + Send + 'static) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = heads.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
                let mut head = Vec::new();
                let mut byte = [0];
                while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|n| n == 1) {
                    head.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&head).into_owned();
                let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
                kept.lock().unwrap().push(head);
                let _ = stream.write_all(answer(&path).as_bytes());
            }
        });
        Server { address, heads }
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

fn answer(status: &str, kind: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn skewer(arguments: &[&str], environment: &[(&str, &str)]) -> (i32, String, String) {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_skewer"));
    command
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env("LC_ALL", "C.UTF-8")
        .env("RUST_BACKTRACE", "0")
        .timeout(Duration::from_secs(90));
    for name in [
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
    ] {
        command.env_remove(name);
    }
    command.envs(environment.iter().copied());
    let output = command.args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn private(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Arguments, variables, what the request must carry, whether the secret is warned of.
type Case<'a> = (Vec<&'a str>, Vec<(&'a str, &'a str)>, Vec<String>, bool);

#[test]
fn every_way_to_give_credentials_reaches_the_server() {
    let server = Server::new(|_| answer("200 OK", "application/json", "[]"));
    let url = format!("http://{}", server.address);
    let with_user = format!("http://me:{SECRET}@{}", server.address);
    let folder = tempfile::tempdir().unwrap();
    let token = private(folder.path(), "token", &format!("{SECRET}\n"));
    let config = private(
        folder.path(),
        "config.toml",
        &format!("[servers.it]\nurl = '{url}'\ntoken_file = '{token}'\nheaders = {{ X-Team = '{SECRET}-team' }}\n"),
    );
    let header = format!("X-Api-Key: {SECRET}");
    let bearer = format!("authorization: Bearer {SECRET}");
    let basic = "authorization: Basic bWU6aHVudGVyMi0wMTIzNDU2Nzg5".to_owned();
    let cases: [Case<'_>; 7] = [
        (vec![&url, "--token-file", &token], vec![], vec![bearer.clone()], false),
        (vec![&url], vec![("SKEWER_TOKEN", SECRET)], vec![bearer.clone()], false),
        (
            vec![&url, "--header", &header],
            vec![],
            vec![format!("x-api-key: {SECRET}")],
            true,
        ),
        (vec![&with_user], vec![], vec![basic], true),
        (
            vec!["it", "--config", &config],
            vec![],
            vec![bearer.clone(), format!("x-team: {SECRET}-team")],
            false,
        ),
        // A link into that server has its settings too, and a flag wins over them.
        (
            vec![&url, "--config", &config, "--header", "X-Team: mine"],
            vec![],
            vec![bearer, "x-team: mine".into()],
            false,
        ),
        (vec![&url], vec![], vec![], false),
    ];
    for (arguments, environment, sent, warned) in cases {
        let arguments = [&["apps"], arguments.as_slice()].concat();
        let (status, out, err) = skewer(&arguments, &environment);
        assert_eq!(status, 0, "{arguments:?}: {err}");
        let head = server.heads().pop().unwrap();
        for line in &sent {
            assert!(head.to_lowercase().contains(&line.to_lowercase()), "{line}: {head}");
        }
        assert!(
            !sent.is_empty() || !head.to_lowercase().contains("authorization"),
            "{head}"
        );
        assert!(!out.contains(SECRET) && !err.contains(SECRET), "{out}{err}");
        assert_eq!(
            err.contains("a secret on the command line"),
            warned,
            "{arguments:?}: {err}"
        );
    }
}

#[test]
fn a_token_file_that_others_can_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let token = private(folder.path(), "token", SECRET);
    fs::set_permissions(&token, fs::Permissions::from_mode(0o644)).unwrap();
    let (status, out, err) = skewer(&["apps", "http://127.0.0.1:9", "--token-file", &token], &[]);
    assert_eq!((status, out.as_str()), (3, ""));
    assert!(err.contains("chmod 600") && !err.contains(SECRET), "{err}");
}

#[test]
fn two_hops_to_another_server_carry_nothing_there() {
    let stranger = Server::new(|_| answer("200 OK", "application/json", "[]"));
    let target = format!("http://{}/api/v1/applications?secret={SECRET}", stranger.address);
    let server = Server::new(move |path| {
        let to = if path.ends_with("/two") {
            target.as_str()
        } else {
            "/two"
        };
        format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    });
    let url = format!("http://me:{SECRET}@{}", server.address);
    let header = format!("X-Api-Key: {SECRET}");
    let cookie = format!("Cookie: session={SECRET}");
    let (status, _, err) = skewer(&["apps", &url, "--header", &header, "--header", &cookie], &[]);
    assert_eq!(status, 3, "{err}");
    assert!(
        err.contains(&format!("redirects to http://{}", stranger.address)) && !err.contains(SECRET),
        "{err}"
    );
    assert_eq!(stranger.heads(), Vec::<String>::new());
    let heads = server.heads();
    assert_eq!(heads.len(), 2, "{heads:?}");
    // On the server itself the second hop is as good as the first.
    assert!(
        heads.iter().all(|head| head.to_lowercase().contains("x-api-key")),
        "{heads:?}"
    );
}

#[test]
fn a_refusal_names_the_credential_and_never_its_value() {
    let folder = tempfile::tempdir().unwrap();
    let token = private(folder.path(), "token", SECRET);
    let header = format!("X-Api-Key: {SECRET}");
    for (status, body) in [("401 Unauthorized", ""), ("403 Forbidden", "")] {
        let server = Server::new(move |_| answer(status, "text/html", body));
        let url = format!("http://{}", server.address);
        let with_user = format!("http://me:{SECRET}@{}", server.address);
        for (arguments, named) in [
            (
                vec![url.as_str(), "--token-file", &token],
                format!("the token of {token}"),
            ),
            (
                vec![url.as_str(), "--header", &header],
                "the header X-Api-Key".to_owned(),
            ),
            (vec![with_user.as_str()], "the password of user me".to_owned()),
            (vec![url.as_str()], "login".to_owned()),
        ] {
            for command in ["apps", "report"] {
                let before = server.heads().len();
                let (status, out, err) = skewer(&[&[command], arguments.as_slice()].concat(), &[]);
                assert_eq!((status, out.as_str()), (3, ""), "{err}");
                assert!(err.contains(&named), "{named}: {err}");
                assert!(!err.contains(SECRET), "{err}");
                assert_eq!(server.heads().len(), before + 1, "a refusal is not asked again");
            }
        }
    }
}

#[test]
fn no_trouble_prints_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let token = private(folder.path(), "token", SECRET);
    let answers = [
        answer("500 Server Error", "text/html", "<html>"),
        answer("404 Not Found", "text/plain", "unknown app: x"),
        answer("200 OK", "text/html", "<html>"),
        answer("200 OK", "application/json", "[{\"id\":"),
        "nonsense\r\n\r\n".to_owned(),
        String::new(),
    ];
    thread::scope(|scope| {
        for given in answers {
            let token = &token;
            scope.spawn(move || {
                let server = Server::new(move |_| given.clone());
                let url = format!("http://me:{SECRET}@{}/?password={SECRET}", server.address);
                let header = format!("Cookie: session={SECRET}");
                for command in [vec!["apps"], vec!["report"], vec!["export", "--table", "jobs"]] {
                    let arguments = [command, vec![url.as_str(), "--token-file", token, "--header", &header]].concat();
                    let (status, out, err) = skewer(&arguments, &[("RUST_BACKTRACE", "1")]);
                    assert_eq!((status, out.as_str()), (3, ""), "{err}");
                    assert!(!err.contains(SECRET), "{err}");
                }
            });
        }
    });
}

#[test]
fn proxies_of_the_environment_are_used_and_named() {
    let proxy = Server::new(|_| answer("200 OK", "application/json", "[]"));
    let via = format!("http://proxyuser:{SECRET}@{}", proxy.address);
    let far = "http://history.invalid:18080";
    let (status, _, err) = skewer(&["apps", far], &[("http_proxy", &via)]);
    assert_eq!(status, 0, "{err}");
    let head = proxy.heads().pop().unwrap();
    assert!(
        head.starts_with("GET http://history.invalid:18080/api/v1/applications"),
        "{head}"
    );
    assert!(head.to_lowercase().contains("proxy-authorization: basic "), "{head}");

    // This machine and what no_proxy names are asked directly.
    let near = Server::new(|_| answer("200 OK", "application/json", "[]"));
    let (status, _, err) = skewer(&["apps", &format!("http://{}", near.address)], &[("http_proxy", &via)]);
    assert_eq!((status, near.heads().len(), proxy.heads().len()), (0, 1, 1), "{err}");
    let (status, _, err) = skewer(&["apps", far], &[("http_proxy", &via), ("no_proxy", "history.invalid")]);
    assert_eq!((status, proxy.heads().len()), (3, 1), "{err}");
    assert!(err.contains("host name is not known"), "{err}");

    // One that wants a login, for http and through CONNECT, and one that is gone.
    let strict = Server::new(|_| answer("407 Proxy Authentication Required", "text/html", ""));
    let via = format!("http://proxyuser:{SECRET}@{}", strict.address);
    for (target, variable) in [(far, "http_proxy"), ("https://history.invalid", "https_proxy")] {
        let (status, _, err) = skewer(&["apps", target], &[(variable, &via)]);
        assert_eq!(status, 3, "{err}");
        let named = format!("through the proxy {}: 407", strict.address);
        assert!(err.contains(&named) && !err.contains(SECRET), "{err}");
    }
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .to_string();
    let (status, _, err) = skewer(&["apps", far], &[("http_proxy", &format!("http://u:{SECRET}@{gone}"))]);
    assert_eq!(status, 3);
    assert!(
        err.contains(&format!("through the proxy {gone}: connection refused")) && !err.contains(SECRET),
        "{err}"
    );
}

/// A SOCKS proxy that asks for a login and answers what is asked through it itself; what it was told comes out.
fn socks() -> (String, std::sync::mpsc::Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (send, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
            let mut hello = [0; 2];
            let _ = stream.read_exact(&mut hello);
            let _ = stream.read_exact(&mut vec![0; hello[1].into()]);
            let _ = stream.write_all(&[5, 2]);
            let mut part = |skip: usize| -> String {
                let mut bytes = vec![0; skip + 1];
                let _ = stream.read_exact(&mut bytes);
                let mut text = vec![0; bytes[skip].into()];
                let _ = stream.read_exact(&mut text);
                String::from_utf8_lossy(&text).into_owned()
            };
            let login = format!("{}:{}", part(1), part(0));
            let _ = stream.write_all(&[1, 0]);
            // A name, not an address: it is looked up on the other side.
            let host = {
                let mut head = [0; 5];
                let _ = stream.read_exact(&mut head);
                let mut name = vec![0; usize::from(head[4]) + 2];
                let _ = stream.read_exact(&mut name);
                format!("{} {}", head[3], String::from_utf8_lossy(&name[..name.len() - 2]))
            };
            let _ = stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer("200 OK", "application/json", "[]").as_bytes());
            let _ = send.send(format!("{login} {host}"));
        }
    });
    (address, told)
}

#[test]
fn a_socks_proxy_gets_the_name_and_its_login_stays_unsaid() {
    let (proxy, told) = socks();
    let via = format!("socks5h://proxyuser:{SECRET}@{proxy}");
    let (status, _, err) = skewer(&["apps", "http://history.invalid:18080"], &[("http_proxy", &via)]);
    assert_eq!(status, 0, "{err}");
    assert_eq!(
        told.recv_timeout(Duration::from_secs(5)).unwrap(),
        format!("proxyuser:{SECRET} 3 history.invalid")
    );
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let via = format!("socks5h://proxyuser:{SECRET}@{gone}");
    let (status, _, err) = skewer(&["apps", "http://history.invalid:18080"], &[("http_proxy", &via)]);
    assert_eq!(status, 3);
    assert!(
        err.contains(&format!("through the proxy {gone}")) && !err.contains(SECRET),
        "{err}"
    );
}
