//! What went wrong with one request, in our own words: a library's message would print the whole URL.

use std::error::Error;
use std::io;

use reqwest::StatusCode;

use crate::text::clean_line;

/// Why a request brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No connection: the sentence says why.
    Connect(String),
    /// A certificate of the server's or of ours is not taken.
    Untrusted(String),
    /// The connection broke; worth another try.
    Broken(String),
    /// The server answered with a status that is no success; `text` is its own plain-text explanation, if it gave one.
    Status {
        /// The status.
        status: StatusCode,
        /// The server's explanation.
        text: Option<String>,
        /// What was sent to prove who asks: `the password of user me`.
        sent: Option<String>,
        /// How long the server wants to be left alone (`Retry-After`), seconds.
        after: Option<u64>,
    },
    /// It points to another server.
    Redirect(String),
    /// The answer is not what was asked for.
    Unexpected(String),
    /// The answer is larger than allowed.
    TooLarge(u64),
    /// Nothing came for too long.
    Silent(String),
    /// The user stopped it.
    Cancelled,
}

impl Trouble {
    /// Whether the same request may succeed a moment later.
    pub fn passes(&self) -> bool {
        match self {
            Trouble::Broken(_) => true,
            Trouble::Status { status, .. } => matches!(status.as_u16(), 429 | 502 | 503),
            _ => false,
        }
    }

    /// Whether it may have passed when a person has waited a while.
    pub fn may_pass(&self) -> bool {
        self.passes()
            || match self {
                Trouble::Connect(_) | Trouble::Silent(_) => true,
                Trouble::Status { status, .. } => status.as_u16() == 504,
                _ => false,
            }
    }

    /// One sentence: what happened, what to do.
    pub fn why(&self) -> String {
        match self {
            Trouble::Connect(why)
            | Trouble::Untrusted(why)
            | Trouble::Broken(why)
            | Trouble::Unexpected(why)
            | Trouble::Silent(why) => why.clone(),
            Trouble::Status { status, text, sent, .. } => status_words(*status, text.as_deref(), sent.as_deref()),
            Trouble::Redirect(to) => format!(
                "it redirects to {to}, which is another server: not followed (a login gateway? give its address as the target if it is the right one)"
            ),
            Trouble::TooLarge(cap) => format!("the answer is larger than {} MiB, the limit here", cap >> 20),
            Trouble::Cancelled => "cancelled".to_owned(),
        }
    }

    /// What a failed request or a broken body means.
    pub fn of(error: &reqwest::Error) -> Trouble {
        let cause = innermost(error);
        let everything: String = causes(error).map(|cause| cause.to_string() + "; ").collect();
        // A server that speaks TLS 1.3 refuses our certificate only behind the handshake.
        let alerts = ["Certificate", "UnknownCA", "DecryptError", "AccessDenied"];
        let refused = everything.contains("received fatal alert") && alerts.iter().any(|alert| cause.contains(alert));
        if refused || error.is_connect() && everything.contains("certificate") {
            return Trouble::Untrusted(certificate_words(&everything, &cause));
        }
        if error.is_connect() {
            return Trouble::Connect(connect_words(error, &cause));
        }
        if error.is_decode() {
            return Trouble::Broken(format!("the answer cannot be decompressed ({cause})"));
        }
        if error.is_builder() || error.is_redirect() {
            return Trouble::Unexpected(cause);
        }
        if cause.contains("invalid HTTP") || cause.contains("http2 error") {
            return Trouble::Unexpected(
                "what answers there does not speak HTTP: a wrong port, or https needed?".to_owned(),
            );
        }
        Trouble::Broken(format!("the connection broke ({cause})"))
    }
}

/// What a failed request or a broken body means, in one sentence.
pub fn connection_words(error: &reqwest::Error) -> String {
    Trouble::of(error).why()
}

fn status_words(status: StatusCode, text: Option<&str>, sent: Option<&str>) -> String {
    let code = status.as_u16();
    match (code, text) {
        (401, _) => match sent {
            Some(sent) => format!("401: it refuses {sent}"),
            None => "401: it asks for a login; put user and password into the address (https://user:password@host), or give --token-file or --header".to_owned(),
        },
        (403, Some(text)) => format!("403, not allowed: {text}"),
        (403, None) => match sent {
            Some(sent) => format!("403: not allowed to see this with {sent}"),
            None => "403: not allowed to see this without a login".to_owned(),
        },
        (404, Some(text)) if text.starts_with("unknown app") || text.starts_with("no such app") => {
            format!("{text} (`skewer apps` with the server's address lists those it has)")
        }
        (404, Some(text)) => text.to_owned(),
        (404, None) => "404: Spark's REST API is not at this address; give the root of the history server's pages, path prefix included".to_owned(),
        (429, _) => "429: it is asked too often; try again later".to_owned(),
        (503, Some(text)) => format!("503: {text}"),
        (502..=504, _) => format!("{code}: the server, or one behind it, is not available; try again later"),
        (500.., Some(text)) => format!("{code}: the server failed: {text}"),
        (500.., None) => format!("{code}: the server failed to answer; its own log says why"),
        (300..=399, _) => format!("{code}: it redirects in circles"),
        (_, Some(text)) => format!("{code}: {text}"),
        (_, None) => format!("{code}: an answer that skewer does not expect here"),
    }
}

fn connect_words(error: &reqwest::Error, cause: &str) -> String {
    let io_kind = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>().map(io::Error::kind));
    let everything: String = causes(error).map(|cause| cause.to_string() + "; ").collect();
    if error.is_timeout() || io_kind == Some(io::ErrorKind::TimedOut) {
        "no connection within 5 s: is the host right, and does a firewall or VPN stand between?".to_owned()
    } else if everything.contains("dns error") || everything.contains("failed to lookup") {
        "the host name is not known here: is it spelled right, does it need a VPN?".to_owned()
    } else if io_kind == Some(io::ErrorKind::ConnectionRefused) || everything.contains("Connection refused") {
        "connection refused: is the server running, and on this port? (history server: 18080)".to_owned()
    } else if everything.contains("proxy authorization required") {
        PROXY_LOGIN.to_owned()
    } else if OLD_TLS.iter().any(|words| everything.contains(words)) {
        "it speaks no TLS newer than 1.1, which is not safe and not supported".to_owned()
    } else if everything.contains("InvalidContentType") || everything.contains("corrupt message") {
        "what answers there does not speak https: try http://".to_owned()
    } else {
        format!("no connection ({cause})")
    }
}

/// How a server is told of that speaks no TLS of today: by an alert of its own, or by its hello.
const OLD_TLS: [&str; 3] = ["ProtocolVersion", "protocol version", "ServerDoesNotSupportTls12Or13"];

/// What a proxy wants that answers 407.
pub const PROXY_LOGIN: &str = "407: the proxy asks for a login; put user and password into its address (https_proxy=http://user:password@host:port)";

/// What is wrong with a server's certificate, or with ours.
fn certificate_words(everything: &str, cause: &str) -> String {
    let has = |words: &[&str]| words.iter().any(|word| everything.contains(word));
    if has(&["CertificateRequired", "certificate required"]) {
        "it wants to see a certificate of ours: --cert FILE".to_owned()
    } else if has(&["received fatal alert"]) {
        format!("it refuses our certificate ({cause})")
    } else if has(&["expired", "Expired"]) {
        format!("its certificate has expired ({cause})")
    } else if has(&["NotValidForName", "not valid for name", "not valid for any names"]) {
        format!("its certificate is for another host ({cause})")
    } else if has(&[
        "UnknownIssuer",
        "BadSignature",
        "self-signed",
        "self signed",
        "CaUsedAsEndEntity",
    ]) {
        format!("its certificate is of an authority that is not known here ({cause}); give that with --cacert FILE")
    } else {
        format!("its certificate is not trusted ({cause})")
    }
}

fn causes<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause: &&'a (dyn Error + 'static)| (*cause).source())
}

/// The last cause alone: the outer ones print the URL, which may hold secrets.
fn innermost(error: &reqwest::Error) -> String {
    causes(error)
        .last()
        .map_or_else(|| "no reason given".to_owned(), |cause| clean_line(&cause.to_string()))
}
