//! Servers that speak TLS: which certificates are taken, which are not, and what is said of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may end so"
)]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// An authority of our own.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

struct Identity {
    certificate: CertificateDer<'static>,
    key: KeyPair,
    pem: String,
}

/// A certificate of the authority for a name.
fn identity(authority: &CertifiedIssuer<'static, KeyPair>, name: &str, expired: bool) -> Identity {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    if expired {
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
    }
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    Identity {
        certificate: certificate.der().clone(),
        pem: certificate.pem() + &key.serialize_pem(),
        key,
    }
}

/// A server on a loopback port that answers every request with an empty list.
fn server(identity: &Identity, clients: Option<&CertifiedIssuer<'static, KeyPair>>) -> String {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = ServerConfig::builder();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der().clone()).unwrap();
            builder.with_client_cert_verifier(WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap())
        }
    };
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(identity.key.serialize_der()));
    let config = Arc::new(
        builder
            .with_single_cert(vec![identity.certificate.clone()], key)
            .unwrap(),
    );
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { continue };
            let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
            let mut tls = StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream);
            if tls.read(&mut [0; 4096]).is_ok() {
                let answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]";
                let _ = tls.write_all(answer.as_bytes());
                tls.conn.send_close_notify();
                let _ = tls.flush();
            }
        }
    });
    format!("https://{address}")
}

fn apps(url: &str, more: &[&str]) -> (i32, String) {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_skewer"));
    command
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env("LC_ALL", "C.UTF-8")
        .env("RUST_BACKTRACE", "0")
        .timeout(Duration::from_secs(60));
    let output = command.args(["apps", url]).args(more).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

fn written(folder: &Path, name: &str, pem: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, pem).unwrap();
    path
}

#[test]
fn a_certificate_is_taken_only_where_all_of_it_is_right() {
    let (ours, other) = (authority(), authority());
    let folder = tempfile::tempdir().unwrap();
    let ca = written(folder.path(), "ca.pem", &ours.pem());
    let other_ca = written(folder.path(), "other.pem", &other.pem());
    let (ca, other_ca) = (ca.to_str().unwrap(), other_ca.to_str().unwrap());
    let good = server(&identity(&ours, "127.0.0.1", false), None);
    let elsewhere = server(&identity(&ours, "history.example", false), None);
    let old = server(&identity(&ours, "127.0.0.1", true), None);
    for (url, more, words) in [
        (&good, vec![], "give that with --cacert"),
        (&good, vec!["--cacert", other_ca], "give that with --cacert"),
        (&elsewhere, vec!["--cacert", ca], "for another host"),
        (&old, vec!["--cacert", ca], "has expired"),
    ] {
        let (status, said) = apps(url, &more);
        assert_eq!(status, 3, "{more:?}: {said}");
        assert!(said.contains(words), "{words}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    let (status, said) = apps(&good, &["--cacert", ca]);
    assert_eq!((status, said.as_str()), (0, ""));
    for url in [&good, &elsewhere, &old] {
        let (status, said) = apps(url, &["--insecure"]);
        assert_eq!(status, 0, "{said}");
        assert!(said.contains("certificate is not checked (--insecure)"), "{said}");
    }
    let http = good.replace("https://", "http://");
    let (status, said) = apps(&http, &[]);
    assert_eq!(status, 3);
    assert!(said.contains("https"), "{said}");
}

#[test]
fn a_server_that_wants_a_certificate_of_ours_gets_it() {
    let (ours, theirs) = (authority(), authority());
    let folder = tempfile::tempdir().unwrap();
    let ca = written(folder.path(), "ca.pem", &ours.pem());
    let client = written(folder.path(), "client.pem", &identity(&theirs, "me", false).pem);
    let stranger = written(folder.path(), "stranger.pem", &identity(&ours, "me", false).pem);
    let url = server(&identity(&ours, "127.0.0.1", false), Some(&theirs));
    let with = |cert: Option<&PathBuf>| {
        let mut more = vec!["--cacert", ca.to_str().unwrap()];
        more.extend(
            cert.map(|cert| ["--cert", cert.to_str().unwrap()])
                .into_iter()
                .flatten(),
        );
        apps(&url, &more)
    };
    let (status, said) = with(Some(&client));
    assert_eq!((status, said.as_str()), (0, ""));
    let (status, said) = with(None);
    assert_eq!(status, 3);
    assert!(said.contains("--cert FILE"), "{said}");
    let (status, said) = with(Some(&stranger));
    assert_eq!(status, 3);
    assert!(said.contains("refuses our certificate"), "{said}");
}

#[test]
fn a_server_of_old_tls_alone_is_refused_with_the_reason() {
    // The alert `protocol_version`, and a hello of TLS 1.0 for who does not see that it is not wanted.
    let hello = [&[0x16, 3, 1, 0, 42, 2, 0, 0, 38, 3, 1][..], &[7; 32], &[0, 0, 0x2f, 0]].concat();
    for answer in [vec![0x15, 3, 1, 0, 2, 2, 70], hello] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(&answer);
                // Until the other side has understood and left.
                let _ = stream.read(&mut [0; 4096]);
            }
        });
        let (status, said) = apps(&url, &["--insecure"]);
        assert_eq!(status, 3, "{said}");
        assert!(said.contains("no TLS newer than 1.1"), "{said}");
    }
}
