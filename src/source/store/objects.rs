//! Object stores: S3 and what speaks its language, Google Cloud Storage, Azure's storage. Keys are taken as paths with slashes in them.
//! Credentials and endpoints come from the environment variables that the `object_store` crate reads, and are never shown.

mod trouble;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::path::Path as Key;
use object_store::{
    ClientConfigKey, CredentialProvider, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt,
    Result as StoreResult, RetryConfig,
};

use super::waiting::within;
use super::{Entry, Kind, Store};
use crate::source::Progress;

/// Files read at once for a list: a request waits for the network most of its time.
const AT_ONCE: usize = 16;

/// How long an answer, or the next piece of one, is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long credentials are waited for: a machine outside the cloud has none to ask for, and nobody there says so.
const CREDENTIALS: Duration = Duration::from_secs(5);

/// Keys of one answer that say whether anything lies under a prefix: the prefix itself may be one of them.
const A_FEW: usize = 2;

/// A kind of object store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cloud {
    Amazon,
    Google,
    Azure,
}

trait Client: ObjectStore + PaginatedListStore {}

impl<T: ObjectStore + PaginatedListStore> Client for T {}

/// One bucket of an object store.
pub struct Objects {
    cloud: Cloud,
    /// The address up to the key: `s3://bucket`.
    root: String,
    client: Box<dyn Client>,
    /// Asks for credentials; `None` where none are wanted.
    login: Option<Login>,
    logged_in: AtomicBool,
}

impl Objects {
    /// The store of an address, if it is of an object store; does not connect yet. The error is a sentence for the user.
    ///
    /// # Errors
    /// When the address names no bucket, or the environment's settings do not fit together.
    pub fn of(scheme: &str, rest: &str) -> Option<Result<Objects, String>> {
        let cloud = match scheme {
            "s3" | "s3a" => Cloud::Amazon,
            "gs" => Cloud::Google,
            "abfs" | "abfss" => Cloud::Azure,
            _ => return None,
        };
        Some(Objects::new(cloud, scheme, rest))
    }

    fn new(cloud: Cloud, scheme: &str, rest: &str) -> Result<Objects, String> {
        let bucket = rest.split('/').next().unwrap_or_default();
        let whole = match (cloud, bucket.split_once('@')) {
            (Cloud::Azure, Some((container, account))) => !container.is_empty() && !account.is_empty(),
            (_, None) => !bucket.is_empty(),
            (_, Some(_)) => false,
        };
        if !whole || bucket.contains(':') {
            return Err(match cloud {
                Cloud::Azure => format!("write {scheme}://container@account.dfs.core.windows.net/path"),
                _ => format!("write {scheme}://bucket/path; credentials are read from the environment"),
            });
        }
        // The process may have a provider already: any is good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let root = format!("{scheme}://{bucket}");
        cloud
            .connect(bucket, &root)
            .map(|(client, login)| Objects {
                cloud,
                root,
                client,
                login,
                logged_in: AtomicBool::new(false),
            })
            .map_err(|error| trouble::settings(cloud, &error))
    }

    /// The key of a path in this bucket.
    fn key(&self, path: &Path) -> io::Result<Key> {
        let path = path.to_string_lossy();
        let key = path.strip_prefix(&self.root).unwrap_or_default();
        Key::parse(key.trim_start_matches('/'))
            .map_err(|_| io::Error::new(io::ErrorKind::NotFound, "this is no key: an empty segment stands in it"))
    }

    fn path(&self, key: &str) -> PathBuf {
        PathBuf::from(format!("{}/{key}", self.root))
    }

    fn entry(&self, object: &ObjectMeta) -> Entry {
        let key = object.location.as_ref();
        Entry {
            name: last(key),
            path: self.path(key),
            kind: Kind::File,
            size: object.size,
            modified_ns: object.last_modified.timestamp_nanos_opt(),
            inside: None,
        }
    }

    fn prefix(&self, key: &str, inside: Option<Vec<Entry>>) -> Entry {
        let name = if key.is_empty() { &self.root } else { key };
        Entry {
            name: last(name),
            path: self.path(key),
            kind: Kind::Folder,
            size: 0,
            modified_ns: None,
            inside,
        }
    }

    /// All pages of what lies under a prefix, or one page of at most `limit`.
    fn listed(
        &self,
        prefix: &str,
        delimited: bool,
        limit: Option<usize>,
        progress: &Progress,
    ) -> io::Result<(Vec<ObjectMeta>, Vec<Key>)> {
        let (mut objects, mut prefixes, mut page_token) = (Vec::new(), Vec::new(), None);
        loop {
            let options = PaginatedListOptions {
                delimiter: delimited.then_some("/".into()),
                max_keys: limit,
                page_token: page_token.take(),
                ..PaginatedListOptions::default()
            };
            let prefix = (!prefix.is_empty()).then_some(prefix);
            let page = self.wait(progress, self.client.list_paginated(prefix, options))?;
            objects.extend(page.result.objects);
            prefixes.extend(page.result.common_prefixes);
            page_token = page.page_token;
            if page_token.is_none() || limit.is_some() {
                return Ok((objects, prefixes));
            }
        }
    }

    fn is_logged_in(&self) -> bool {
        self.login.is_none() || self.logged_in.load(Ordering::Relaxed)
    }

    /// Waits for an answer, for a bounded time, and for credentials before the first one.
    fn wait<T>(&self, progress: &Progress, work: impl Future<Output = StoreResult<T>>) -> io::Result<T> {
        if let Some(login) = self.login.as_ref().filter(|_| !self.is_logged_in()) {
            let found = within(progress, CREDENTIALS, login())?;
            match found {
                Some(Ok(())) => self.logged_in.store(true, Ordering::Relaxed),
                Some(Err(error)) => return Err(trouble::of_login(self.cloud, Some(&error))),
                None => return Err(trouble::of_login(self.cloud, None)),
            }
        }
        match within(progress, PATIENCE, work)? {
            Some(done) => done.map_err(|error| trouble::of(self.cloud, &error)),
            None => Err(io::Error::other(format!("no answer for {} s", PATIENCE.as_secs()))),
        }
    }
}

impl Store for Objects {
    fn look(&self, path: &Path, progress: &Progress) -> io::Result<Entry> {
        let key = self.key(path)?;
        if key.as_ref().is_empty() || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            return Ok(self.prefix(key.as_ref(), None));
        }
        let refused = match self.wait(progress, self.client.head(&key)) {
            Ok(object) => return Ok(self.entry(&object)),
            Err(error) => error,
        };
        // Without credentials, the next question would wait for them again.
        if !self.is_logged_in() {
            return Err(refused);
        }
        // A prefix is no object. And the answer to a HEAD has no body that would say what is wrong.
        let (under, _) = self.listed(&format!("{key}/"), false, Some(A_FEW), progress)?;
        if under.is_empty() {
            Err(refused)
        } else {
            Ok(self.prefix(key.as_ref(), None))
        }
    }

    fn folder(&self, path: &Path, deep: &str, progress: &Progress) -> io::Result<Vec<Entry>> {
        let key = self.key(path)?;
        let start = if key.as_ref().is_empty() {
            String::new()
        } else {
            format!("{key}/")
        };
        let (objects, prefixes) = self.listed(&start, true, None, progress)?;
        if objects.is_empty() && prefixes.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "no object lies under this address",
            ));
        }
        // The sub-folders meant are asked for all at once, not one by one.
        let mut inside: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        if prefixes.iter().any(|prefix| last(prefix.as_ref()).starts_with(deep)) {
            for object in self.listed(&format!("{start}{deep}"), false, None, progress)?.0 {
                let below = object.location.as_ref().strip_prefix(&start).unwrap_or_default();
                if let Some((folder, file)) = below.split_once('/')
                    && !file.contains('/')
                {
                    inside.entry(folder.to_owned()).or_default().push(self.entry(&object));
                }
            }
        }
        let folders = prefixes.iter().map(|prefix| {
            let inside = inside.remove(&last(prefix.as_ref()));
            self.prefix(prefix.as_ref(), inside)
        });
        // A folder's own mark is an object with its name and a slash.
        let files = objects.iter().filter(|object| object.location != key);
        Ok(files
            .map(|object| self.entry(object))
            .chain(folders.collect::<Vec<_>>())
            .collect())
    }

    fn read<'a>(
        &'a self,
        path: &Path,
        from: u64,
        length: Option<u64>,
        progress: &'a Progress,
    ) -> io::Result<Box<dyn BufRead + Send + 'a>> {
        let range = match length {
            Some(length) => Some(GetRange::Bounded(from..from.saturating_add(length))),
            None if from > 0 => Some(GetRange::Offset(from)),
            None => None,
        };
        let options = GetOptions {
            range,
            ..GetOptions::default()
        };
        let key = self.key(path)?;
        let pieces = self.wait(progress, self.client.get_opts(&key, options))?.into_stream();
        Ok(Box::new(Pieces {
            store: self,
            progress,
            pieces,
            piece: Bytes::new(),
        }))
    }

    fn at_once(&self) -> usize {
        AT_ONCE
    }
}

/// An object's bytes on their way; a connection that breaks is taken up again behind this where the store allows it.
struct Pieces<'a> {
    store: &'a Objects,
    progress: &'a Progress,
    pieces: BoxStream<'static, StoreResult<Bytes>>,
    piece: Bytes,
}

impl BufRead for Pieces<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.piece.is_empty() {
            let next = self.pieces.next().map(Option::transpose);
            match self.store.wait(self.progress, next)? {
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

type Login = Box<dyn Fn() -> BoxFuture<'static, StoreResult<()>> + Send + Sync>;

impl Cloud {
    /// A client with what the environment sets for it, and what asks for its credentials.
    fn connect(self, bucket: &str, root: &str) -> StoreResult<(Box<dyn Client>, Option<Login>)> {
        let retry = RetryConfig {
            max_retries: 3,
            retry_timeout: Duration::from_secs(30),
            ..RetryConfig::default()
        };
        // A log may take longer than any limit for the whole of an answer; what counts is that something comes.
        let client = [
            (ClientConfigKey::Timeout, "7 days"),
            (ClientConfigKey::ReadTimeout, "30 seconds"),
            (
                ClientConfigKey::UserAgent,
                concat!("skewer/", env!("CARGO_PKG_VERSION")),
            ),
        ];
        match self {
            Cloud::Amazon => {
                let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket).with_retry(retry);
                for (key, value) in client {
                    builder = builder.with_config(AmazonS3ConfigKey::Client(key), value);
                }
                let unsigned = truthy(builder.get_config_value(&AmazonS3ConfigKey::SkipSignature));
                let store = builder.build()?;
                let login = login(store.credentials(), unsigned);
                Ok((Box::new(store), login))
            }
            Cloud::Google => {
                let mut builder = GoogleCloudStorageBuilder::from_env()
                    .with_bucket_name(bucket)
                    .with_retry(retry);
                for (key, value) in client {
                    builder = builder.with_config(GoogleConfigKey::Client(key), value);
                }
                let unsigned = truthy(builder.get_config_value(&GoogleConfigKey::SkipSignature));
                let store = builder.build()?;
                let login = login(store.credentials(), unsigned);
                Ok((Box::new(store), login))
            }
            Cloud::Azure => {
                let mut builder = MicrosoftAzureBuilder::from_env().with_url(root).with_retry(retry);
                for (key, value) in client {
                    builder = builder.with_config(AzureConfigKey::Client(key), value);
                }
                let unsigned = truthy(builder.get_config_value(&AzureConfigKey::SkipSignature));
                let store = builder.build()?;
                let login = login(store.credentials(), unsigned);
                Ok((Box::new(store), login))
            }
        }
    }
}

/// What asks for credentials, unless requests go unsigned.
fn login<T: Debug + Send + Sync + 'static>(
    provider: &Arc<dyn CredentialProvider<Credential = T>>,
    unsigned: bool,
) -> Option<Login> {
    let provider = Arc::clone(provider);
    let ask = move || {
        let provider = Arc::clone(&provider);
        async move { provider.get_credential().await.map(drop) }.boxed()
    };
    (!unsigned).then(|| Box::new(ask) as Login)
}

fn truthy(value: Option<String>) -> bool {
    value.is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "on" | "yes" | "y"))
}

fn last(key: &str) -> String {
    key.rsplit('/').next().unwrap_or(key).to_owned()
}
