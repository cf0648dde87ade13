//! HDFS over its REST interface (WebHDFS): the namenode tells what lies where, a datanode sends the bytes. Kerberos is not spoken.

use std::io::{self, BufRead, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::LOCATION;
use reqwest::{Client, Response, StatusCode, redirect};
use serde::Deserialize;
use url::Url;

use super::waiting::within;
use super::{Entry, Kind, Store};
use crate::source::Progress;
use crate::source::rest::connection_words;
use crate::text::clean_line;

/// Files read at once for a list: a namenode serves a whole cluster.
const AT_ONCE: usize = 8;

/// How long an answer, or the next piece of one, is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// The namenode's port for HTTP since Hadoop 3, and for HTTPS.
const PORT: u16 = 9870;
const TLS_PORT: u16 = 9871;

/// A folder's answer is at most this long, bytes: some million files.
const MAX_ANSWER: usize = 512 << 20;

/// One HDFS, by its namenode's web address.
pub struct WebHdfs {
    client: Client,
    /// `http://namenode:9870/webhdfs/v1`.
    base: Url,
    /// The address up to the path, as the user wrote it: `webhdfs://namenode:9870`.
    root: String,
    /// Whom to be, where nobody asks for a proof.
    user: Option<String>,
}

impl WebHdfs {
    /// The store of an address, if it is of HDFS; does not connect yet. The error is a sentence for the user.
    ///
    /// # Errors
    /// When the address names no namenode.
    pub fn of(scheme: &str, rest: &str) -> Option<Result<WebHdfs, String>> {
        let (web, port) = match scheme {
            // The port in an hdfs:// address is that of another protocol.
            "hdfs" | "webhdfs" => ("http", PORT),
            "swebhdfs" => ("https", TLS_PORT),
            _ => return None,
        };
        let authority = rest.split('/').next().unwrap_or_default();
        let (host, given) = match authority.rsplit_once(':') {
            Some((host, port)) if scheme != "hdfs" => (host, Some(port)),
            Some((host, _)) => (host, None),
            None => (authority, None),
        };
        Some(WebHdfs::new(
            web,
            host,
            given.unwrap_or(&port.to_string()),
            format!("{scheme}://{authority}"),
        ))
    }

    fn new(web: &str, host: &str, port: &str, root: String) -> Result<WebHdfs, String> {
        let words = "write webhdfs://namenode:9870/path, or swebhdfs:// for https";
        // Credentials do not belong there: the address is shown.
        if host.is_empty() || root.contains('@') {
            return Err(words.to_owned());
        }
        let base = Url::parse(&format!("{web}://{host}:{port}/webhdfs/v1")).map_err(|_| words.to_owned())?;
        // The process may have a provider already: any is good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .connect_timeout(Duration::from_secs(5))
            // Which redirects are followed is decided here, for each.
            .redirect(redirect::Policy::none())
            .referer(false)
            .user_agent(concat!("skewer/", env!("CARGO_PKG_VERSION")));
        if matches!(base.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")) {
            builder = builder.no_proxy();
        }
        if web == "http" {
            // No certificate is needed: a machine without any must not fail.
            builder = builder.tls_certs_only([]);
        }
        Ok(WebHdfs {
            client: builder.build().map_err(|error| connection_words(&error))?,
            base,
            root,
            user: std::env::var("HADOOP_USER_NAME").ok().filter(|user| !user.is_empty()),
        })
    }

    fn url(&self, path: &Path, operation: &str, more: &[(&str, String)]) -> Url {
        let path = path.to_string_lossy();
        let below = path.strip_prefix(&self.root).unwrap_or_default();
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(below.split('/').filter(|segment| !segment.is_empty()));
        }
        let mut query = url.query_pairs_mut();
        query.append_pair("op", operation);
        query.extend_pairs(self.user.iter().map(|user| ("user.name", user)));
        query.extend_pairs(more);
        drop(query);
        url
    }

    fn get(&self, url: Url, progress: &Progress) -> io::Result<Response> {
        match within(progress, PATIENCE, self.client.get(url).send())? {
            Some(answer) => answer.map_err(|error| io::Error::other(connection_words(&error))),
            None => Err(silent()),
        }
    }

    /// A JSON answer of the namenode.
    fn ask<T: for<'de> Deserialize<'de>>(&self, path: &Path, operation: &str, progress: &Progress) -> io::Result<T> {
        let answer = self.get(self.url(path, operation, &[]), progress)?;
        let status = answer.status();
        let json = answer
            .headers()
            .get("content-type")
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        let body = whole(answer, progress)?;
        if status != StatusCode::OK {
            return Err(refusal(status, &body));
        }
        if !json {
            return Err(io::Error::other(
                "what answers there is no WebHDFS: give the namenode's web port (9870)",
            ));
        }
        serde_json::from_slice(&body).map_err(|_| io::Error::other("what answers there is no WebHDFS"))
    }

    fn entry(&self, folder: &Path, status: Status) -> Entry {
        // The answer for a file itself leaves its name out.
        let path = match status.path_suffix.as_str() {
            "" => folder.to_owned(),
            name => PathBuf::from(format!("{}/{name}", folder.to_string_lossy().trim_end_matches('/'))),
        };
        Entry {
            name: path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            path,
            kind: match status.kind.as_str() {
                "FILE" => Kind::File,
                "DIRECTORY" => Kind::Folder,
                _ => Kind::Other,
            },
            size: status.length,
            modified_ns: status.modification_time.checked_mul(1_000_000),
            inside: None,
        }
    }
}

impl Store for WebHdfs {
    fn look(&self, path: &Path, progress: &Progress) -> io::Result<Entry> {
        let found: FileStatus = self.ask(path, "GETFILESTATUS", progress)?;
        Ok(self.entry(path, found.status))
    }

    fn folder(&self, path: &Path, _: &str, progress: &Progress) -> io::Result<Vec<Entry>> {
        let found: FileStatuses = self.ask(path, "LISTSTATUS", progress)?;
        Ok(found
            .statuses
            .list
            .into_iter()
            .map(|status| self.entry(path, status))
            .collect())
    }

    fn read<'a>(
        &'a self,
        path: &Path,
        from: u64,
        length: Option<u64>,
        progress: &'a Progress,
    ) -> io::Result<Box<dyn BufRead + Send + 'a>> {
        let mut range = vec![("offset", from.to_string())];
        range.extend(length.map(|length| ("length", length.to_string())));
        let asked = self.url(path, "OPEN", &range);
        let mut answer = self.get(asked.clone(), progress)?;
        // The namenode points to the datanode that has the bytes, and puts into that address whatever it asks for: one hop, which
        // carries nothing of ours, and none from https to http.
        if answer.status() == StatusCode::TEMPORARY_REDIRECT {
            let to = answer.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let to = to.and_then(|to| asked.join(to).ok());
            let to = to.filter(|to| to.scheme() == asked.scheme() || to.scheme() == "https");
            let to = to.ok_or_else(|| io::Error::other("the namenode points to no datanode"))?;
            answer = self.get(to.clone(), progress).map_err(|error| {
                let host = clean_line(to.host_str().unwrap_or_default());
                io::Error::other(format!("datanode {host}: {error}"))
            })?;
        }
        if answer.status() != StatusCode::OK {
            let status = answer.status();
            return Err(refusal(status, &whole(answer, progress)?));
        }
        Ok(Box::new(Pieces {
            answer,
            piece: Bytes::new(),
            progress,
        }))
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }
}

/// A file's bytes on their way.
struct Pieces<'a> {
    answer: Response,
    piece: Bytes,
    progress: &'a Progress,
}

impl BufRead for Pieces<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.piece.is_empty() {
            match next(&mut self.answer, self.progress)? {
                Some(piece) => self.piece = piece,
                None => break,
            }
        }
        Ok(&self.piece)
    }

    fn consume(&mut self, n: usize) {
        drop(self.piece.split_to(n.min(self.piece.len())));
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let mut piece = self.fill_buf()?;
        let read = piece.read(buf)?;
        self.consume(read);
        Ok(read)
    }
}

fn next(answer: &mut Response, progress: &Progress) -> io::Result<Option<Bytes>> {
    match within(progress, PATIENCE, answer.chunk())? {
        Some(piece) => piece.map_err(|error| io::Error::other(connection_words(&error))),
        None => Err(silent()),
    }
}

fn whole(mut answer: Response, progress: &Progress) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(piece) = next(&mut answer, progress)? {
        body.extend_from_slice(&piece);
        if body.len() > MAX_ANSWER {
            return Err(io::Error::other("an answer of more than 512 MiB: refused"));
        }
    }
    Ok(body)
}

fn silent() -> io::Error {
    io::Error::other(format!("no answer for {} s", PATIENCE.as_secs()))
}

/// What a refusal means: its JSON names an exception of Hadoop's.
fn refusal(status: StatusCode, body: &[u8]) -> io::Error {
    let refused: Option<Refused> = serde_json::from_slice(body).ok();
    let exception = refused.map(|refused| refused.remote).unwrap_or_default();
    let message: String = clean_line(exception.message.lines().next().unwrap_or_default())
        .chars()
        .take(300)
        .collect();
    match (exception.exception.as_str(), status.as_u16()) {
        ("FileNotFoundException", _) => io::Error::new(ErrorKind::NotFound, "no such file or directory in HDFS"),
        ("StandbyException", _) => io::Error::other("this namenode is on standby: give the active one"),
        ("AccessControlException", _) => io::Error::other(format!("403: {message} (HADOOP_USER_NAME says whom to be)")),
        (_, 401) => io::Error::other(
            "401: it asks for Kerberos, which skewer does not speak: copy the log with hdfs dfs -get, or pipe it in",
        ),
        ("", 404) => io::Error::other("what answers there is no WebHDFS: give the namenode's web port (9870)"),
        ("", code) => io::Error::other(format!("it answered {code}")),
        (name, code) => io::Error::other(format!("{code}: {} ({message})", clean_line(name))),
    }
}

#[derive(Deserialize)]
struct FileStatus {
    #[serde(rename = "FileStatus")]
    status: Status,
}

#[derive(Deserialize)]
struct FileStatuses {
    #[serde(rename = "FileStatuses")]
    statuses: Statuses,
}

#[derive(Deserialize)]
struct Statuses {
    #[serde(rename = "FileStatus")]
    list: Vec<Status>,
}

#[derive(Deserialize)]
struct Status {
    #[serde(rename = "pathSuffix")]
    path_suffix: String,
    #[serde(rename = "type")]
    kind: String,
    length: u64,
    /// Epoch ms.
    #[serde(rename = "modificationTime")]
    modification_time: i64,
}

#[derive(Deserialize)]
struct Refused {
    #[serde(rename = "RemoteException")]
    remote: Remote,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Remote {
    exception: String,
    message: String,
}

#[cfg(test)]
mod tests;
