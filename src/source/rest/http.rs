//! Requests to one server: GET alone, to one origin alone, a few at once, retried only where that can help, stopped when the
//! user wants. Knows nothing of Spark's answers.

use std::future::Future;
use std::sync::LazyLock;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, redirect};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use url::Url;

use super::address::{Address, without_login};
use super::connection::{Connection, Sent};
use super::trouble::{PROXY_LOGIN, Trouble};
use crate::source::{Progress, SourceError};
use crate::text::clean_line;

/// Hops within the server that are followed (`/history` to `/history/`).
const MAX_REDIRECTS: usize = 5;
/// Other tries of a request that failed in a way that passes.
const RETRIES: usize = 3;
/// The longest pause before one, also where the server asks for more.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long to wait for what, and how much to take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For the beginning of an answer that may need a replay first: of millions of tasks, that takes minutes.
    pub replay: Duration,
    /// For the beginning of any other answer, and for the next byte of one that has begun.
    pub idle: Duration,
    /// Before the first retry, and up to as much again by chance; doubles with each.
    pub retry: Duration,
    /// A JSON document read as a whole is at most this long, bytes as decompressed; tasks are streamed and not held to it.
    pub document: u64,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            connect: Duration::from_secs(5),
            replay: Duration::from_secs(900),
            idle: Duration::from_secs(60),
            retry: Duration::from_millis(500),
            document: 512 << 20,
        }
    }
}

/// What kind of answer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// JSON that the server has at hand.
    Json,
    /// JSON for which the server may have to replay an application's log first.
    Replayed,
    /// A file as it is.
    File,
}

/// A connection pool to one server.
pub struct Http {
    client: Client,
    base: Url,
    sent: Sent,
    /// The proxy that the environment puts before the server: host and port.
    proxy: Option<String>,
    patience: Patience,
    turns: Semaphore,
}

/// The threads that network futures run on, for the whole life of the program. `Err` only when threads cannot be made.
static RUNTIME: LazyLock<std::io::Result<Runtime>> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("network")
        .enable_all()
        .build()
});

/// Runs a future to its end. Must not be called from async code.
///
/// # Errors
/// The future's own, or that no threads can be made.
pub fn block_on<T>(work: impl Future<Output = Result<T, SourceError>>) -> Result<T, SourceError> {
    match &*RUNTIME {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => Err(SourceError::Server {
            url: "network".to_owned(),
            why: format!("cannot start threads ({error})"),
        }),
    }
}

impl Http {
    /// A client for the server at this address; does not connect yet.
    ///
    /// # Errors
    /// When the system's TLS certificates cannot be loaded and the server needs them, or those of the connection are none.
    pub fn new(address: &Address, connection: &Connection, patience: Patience) -> Result<Http, SourceError> {
        // The process may have a provider already: any is good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let origin = address.base.origin();
        let follow = redirect::Policy::custom(move |attempt| {
            if attempt.url().origin() == origin && attempt.previous().len() <= MAX_REDIRECTS {
                attempt.follow()
            } else {
                attempt.stop()
            }
        });
        let mut builder = Client::builder()
            .connect_timeout(patience.connect)
            .redirect(follow)
            .referer(false)
            .user_agent(concat!("skewer/", env!("CARGO_PKG_VERSION")));
        if address.is_loopback() {
            builder = builder.no_proxy();
        }
        builder = match address.base.scheme() {
            // No certificate is needed: a machine without any must not fail.
            "http" => builder.tls_certs_only([]),
            _ => connection.certificates(builder)?,
        };
        let client = builder.build().map_err(|error| SourceError::Server {
            url: without_login(address.base.as_str()),
            why: Trouble::of(&error).why(),
        })?;
        Ok(Http {
            client,
            base: address.base.clone(),
            sent: connection.sent(address.login.as_ref()),
            proxy: if address.is_loopback() {
                None
            } else {
                proxy(&address.base)
            },
            patience,
            turns: Semaphore::new(connection.requests.max(1)),
        })
    }

    /// The URL of an API path; each piece becomes one segment, whatever it holds.
    pub fn url(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// A trouble with its place, for the user.
    pub fn error(&self, url: &Url, trouble: &Trouble) -> SourceError {
        // What concerns the server is said of the server, what concerns one answer is said of its path.
        let url = match trouble {
            Trouble::Cancelled => return SourceError::Cancelled,
            Trouble::Connect(_) | Trouble::Untrusted(_) | Trouble::Redirect(_) => self.base.to_string(),
            _ => {
                let mut shown = url.clone();
                shown.set_query(None);
                shown.to_string()
            }
        };
        let why = trouble.why();
        match trouble.may_pass() {
            true => SourceError::Unavailable { url, why },
            false => SourceError::Server { url, why },
        }
    }

    /// The bytes of a whole JSON document, asked for again where that can help.
    pub async fn document(&self, url: &Url, want: Want, progress: &Progress) -> Result<Vec<u8>, Trouble> {
        self.retried(progress, || async {
            let mut body = self.get(url, want, progress).await?;
            let mut bytes = Vec::new();
            while let Some(chunk) = body.next(progress).await? {
                if (bytes.len() + chunk.len()) as u64 > self.patience.document {
                    return Err(Trouble::TooLarge(self.patience.document));
                }
                bytes.extend_from_slice(&chunk);
            }
            Ok(bytes)
        })
        .await
    }

    /// Tries again, after a pause that grows, while the trouble is of the kind that passes.
    pub async fn retried<T, F>(&self, progress: &Progress, work: impl FnMut() -> F) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, Trouble>>,
    {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(self.patience.retry)
            .with_max_delay(LONGEST_PAUSE)
            .with_max_times(RETRIES)
            .with_jitter();
        let tried = work
            .retry(pauses)
            .when(Trouble::passes)
            .adjust(|trouble, pause| match trouble {
                Trouble::Status {
                    after: Some(seconds), ..
                } => pause.map(|pause| pause.max(Duration::from_secs(*seconds)).min(LONGEST_PAUSE)),
                _ => pause,
            });
        stoppable(progress, tried).await?
    }

    /// Sends one GET and waits for the beginning of a successful answer of the wanted kind.
    pub async fn get(&self, url: &Url, want: Want, progress: &Progress) -> Result<Body<'_>, Trouble> {
        let turn = self.turns.acquire().await.map_err(|_| Trouble::Cancelled)?;
        let mut request = self.client.get(url.clone());
        request = match want {
            Want::Json | Want::Replayed => request.header(ACCEPT, HeaderValue::from_static("application/json")),
            // A zip does not shrink any more.
            Want::File => request.header(ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        };
        for (name, value) in &self.sent.headers {
            request = request.header(name, value.clone());
        }
        let patience = if want == Want::Replayed {
            self.patience.replay
        } else {
            self.patience.idle
        };
        let response = match stoppable(progress, tokio::time::timeout(patience, request.send())).await? {
            Err(_) => return Err(Trouble::Silent(format!("no answer within {} s", patience.as_secs()))),
            Ok(Err(error)) => {
                return Err(match Trouble::of(&error) {
                    Trouble::Broken(why) if url.scheme() == "http" => {
                        Trouble::Broken(format!("{why} before an answer came: does it want https?"))
                    }
                    Trouble::Connect(why) => self.through_proxy(why),
                    trouble => trouble,
                });
            }
            Ok(Ok(response)) => response,
        };
        let mut body = Body {
            response,
            idle: self.patience.idle,
            read: 0,
            _turn: turn,
        };
        self.check(&mut body, want, progress).await?;
        Ok(body)
    }

    async fn check(&self, body: &mut Body<'_>, want: Want, progress: &Progress) -> Result<(), Trouble> {
        let status = body.response.status();
        let kind = content_type(body.response.headers());
        if status.is_redirection()
            && let Some(to) = self.foreign_target(&body.response)
        {
            return Err(Trouble::Redirect(to));
        }
        if status == StatusCode::PROXY_AUTHENTICATION_REQUIRED {
            return Err(self.through_proxy(PROXY_LOGIN.to_owned()));
        }
        if status != StatusCode::OK {
            let text = if kind.as_deref() == Some("text/plain") {
                body.beginning(progress).await
            } else {
                None
            };
            let after = body.response.headers().get(RETRY_AFTER);
            return Err(Trouble::Status {
                status,
                text,
                sent: self.sent.credential.clone(),
                after: after.and_then(|seconds| seconds.to_str().ok()?.trim().parse().ok()),
            });
        }
        match (want, kind.as_deref()) {
            (Want::Json | Want::Replayed, Some(kind)) if !kind.contains("json") => Err(Trouble::Unexpected(format!(
                "got {}, expected JSON: a gateway login?",
                clean_line(kind)
            ))),
            (Want::File, Some(kind @ ("text/html" | "application/json"))) => {
                Err(Trouble::Unexpected(format!("got {kind}, expected a zip file")))
            }
            _ => Ok(()),
        }
    }

    /// Why there is no connection, with the proxy named if one stands between.
    fn through_proxy(&self, why: String) -> Trouble {
        let wants_login = why == PROXY_LOGIN;
        let why = match &self.proxy {
            Some(proxy) => format!("through the proxy {proxy}: {why}"),
            None => why,
        };
        match wants_login {
            true => Trouble::Unexpected(why),
            false => Trouble::Connect(why),
        }
    }

    /// Where a redirect that was not followed leads, if that is another server: scheme, host and port, nothing more.
    fn foreign_target(&self, response: &Response) -> Option<String> {
        let location = response.headers().get(LOCATION)?.to_str().ok()?;
        let Ok(target) = response.url().join(location) else {
            return Some("an address that is none".to_owned());
        };
        (target.origin() != self.base.origin()).then(|| clean_line(&target.origin().ascii_serialization()))
    }
}

/// An answer's body, on its way.
pub struct Body<'a> {
    response: Response,
    idle: Duration,
    read: u64,
    _turn: tokio::sync::SemaphorePermit<'a>,
}

impl Body<'_> {
    /// The next bytes; `None` at the end.
    pub async fn next(&mut self, progress: &Progress) -> Result<Option<Bytes>, Trouble> {
        match stoppable(progress, tokio::time::timeout(self.idle, self.response.chunk())).await? {
            Err(_) => Err(Trouble::Silent(format!(
                "the answer stopped after {} bytes: nothing for {} s",
                self.read,
                self.idle.as_secs()
            ))),
            Ok(Err(error)) => match Trouble::of(&error) {
                Trouble::Broken(why) => Err(Trouble::Broken(format!("{why} after {} bytes", self.read))),
                other => Err(other),
            },
            Ok(Ok(chunk)) => {
                let bytes = chunk.as_ref().map_or(0, Bytes::len) as u64;
                self.read += bytes;
                progress.add_bytes(bytes);
                Ok(chunk)
            }
        }
    }

    /// The length that the server announced.
    pub fn announced(&self) -> Option<u64> {
        self.response.content_length()
    }

    /// The first line of a short text, for an error message.
    async fn beginning(&mut self, progress: &Progress) -> Option<String> {
        let first = self.next(progress).await.ok()??;
        let text = String::from_utf8_lossy(&first[..first.len().min(2_000)]).into_owned();
        let line: String = clean_line(text.lines().next()?.trim()).chars().take(300).collect();
        (!line.is_empty()).then_some(line)
    }
}

/// A future that ends early when the user stops the load.
pub async fn stoppable<T>(progress: &Progress, work: impl Future<Output = T>) -> Result<T, Trouble> {
    let stopped = async {
        while !progress.is_cancelled() {
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    };
    tokio::select! {
        biased;
        () = stopped => Err(Trouble::Cancelled),
        done = work => Ok(done),
    }
}

/// Host and port of the proxy that the environment names for a server.
fn proxy(server: &Url) -> Option<String> {
    let proxy = Matcher::from_env().intercept(&server.as_str().parse().ok()?)?;
    let port = proxy.uri().port().map(|port| format!(":{port}"));
    Some(clean_line(proxy.uri().host()?) + &port.unwrap_or_default())
}

fn content_type(headers: &HeaderMap) -> Option<String> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    Some(kind.split(';').next().unwrap_or(kind).trim().to_ascii_lowercase())
}

/// What is wrong with a JSON document, and at which byte.
pub fn json_words(error: &serde_json::Error, bytes: &[u8]) -> String {
    let before: usize = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .take(error.line().saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    let at = (before + error.column()).min(bytes.len());
    if error.is_eof() {
        format!("the JSON breaks off at byte {at}")
    } else {
        format!("what it answers is no JSON at byte {at}")
    }
}
