//! How servers are spoken to: certificates, credentials, headers, how many requests at once. Made by the command line, used by the client.
//! Secrets in it are sent and printed nowhere; what they are called is said where a server refuses them.

use std::fmt;
use std::path::{Path, PathBuf};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, ClientBuilder, Identity};

use super::address::Login;
use crate::source::SourceError;
use crate::text::clean_line;

/// Bytes of a file of certificates or of a token at most.
const LONGEST: u64 = 4 << 20;

/// How servers are spoken to.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Requests out at once: a history server has few threads, and others use it too.
    pub requests: usize,
    /// File of certificates (PEM) that are trusted beside the system's.
    pub cacert: Option<PathBuf>,
    /// File of the client's certificate and key (PEM).
    pub cert: Option<PathBuf>,
    /// Take any certificate.
    pub insecure: bool,
    /// Sent along with every request, to this server alone; a later one replaces an earlier one of its name.
    pub headers: Vec<Header>,
}

impl Default for Connection {
    /// Six requests at once (what the first screen of an application needs comes in one turn), the system's certificates, no credentials.
    fn default() -> Self {
        Connection {
            requests: 6,
            cacert: None,
            cert: None,
            insecure: false,
            headers: Vec::new(),
        }
    }
}

/// A header whose value is taken for a secret.
#[derive(Clone)]
pub struct Header {
    name: HeaderName,
    value: HeaderValue,
    /// What it is called in messages.
    called: String,
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.called)
    }
}

impl Header {
    /// `Name: value`. The error says what is wrong and holds nothing of the value.
    ///
    /// # Errors
    /// Without a colon, and with characters that a header cannot hold.
    pub fn parse(text: &str) -> Result<Header, String> {
        let (name, value) = text.split_once(':').ok_or("a header is written 'Name: value'")?;
        Header::new(name.trim(), value.trim())
    }

    /// A header by its name and value.
    ///
    /// # Errors
    /// As [`Header::parse`].
    pub fn new(name: &str, value: &str) -> Result<Header, String> {
        let shown = clean_line(name);
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{shown:?} is no name of a header"))?;
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| format!("the value of header {shown} has characters that no header can hold"))?;
        value.set_sensitive(true);
        Ok(Header {
            called: format!("the header {shown}"),
            name,
            value,
        })
    }

    /// The header for a bearer token; `origin` is what it is called: the token of which file.
    ///
    /// # Errors
    /// Where the token is empty or has characters that no header can hold.
    pub fn bearer(token: &str, origin: &str) -> Result<Header, String> {
        let token = token.trim();
        if token.is_empty() {
            return Err(format!("{origin} is empty"));
        }
        let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| format!("{origin} has characters that no token can hold; is it the right file?"))?;
        value.set_sensitive(true);
        Ok(Header {
            name: AUTHORIZATION,
            value,
            called: origin.to_owned(),
        })
    }

    /// Whether it proves who asks, by its name.
    pub fn is_credential(&self) -> bool {
        let name = self.name.as_str();
        let words = [
            "authorization",
            "cookie",
            "token",
            "secret",
            "password",
            "api-key",
            "apikey",
            "auth",
        ];
        words.iter().any(|word| name.contains(word))
    }
}

/// What is sent along, and what to call it when it is refused.
pub(super) struct Sent {
    /// The headers.
    pub headers: HeaderMap,
    /// `the password of user me`, `the token of /run/token`.
    pub credential: Option<String>,
}

impl Connection {
    /// The headers of a request to a server in whose address `login` stood.
    pub(super) fn sent(&self, login: Option<&Login>) -> Sent {
        let mut headers = HeaderMap::new();
        let mut credential = None;
        if let Some(login) = login {
            headers.insert(AUTHORIZATION, login.header.clone());
            credential = Some(format!("the password of user {}", clean_line(&login.user)));
        }
        for header in &self.headers {
            headers.insert(header.name.clone(), header.value.clone());
            if header.is_credential() {
                credential = Some(header.called.clone());
            }
        }
        Sent { headers, credential }
    }

    /// A client that trusts and shows the certificates it is to.
    ///
    /// # Errors
    /// [`SourceError::File`] for a file of certificates that is not one.
    pub(super) fn certificates(&self, mut client: ClientBuilder) -> Result<ClientBuilder, SourceError> {
        if let Some(path) = &self.cacert {
            let pem = read(path)?;
            let trusted = Certificate::from_pem_bundle(&pem)
                .ok()
                .filter(|trusted| !trusted.is_empty())
                .ok_or_else(|| refused(path, "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"))?;
            client = client.tls_certs_merge(trusted);
        }
        if let Some(path) = &self.cert {
            let pem = read(path)?;
            let identity = Identity::from_pem(&pem).map_err(|_| {
                refused(
                    path,
                    "holds no certificate and its private key in PEM, one behind the other",
                )
            })?;
            client = client.identity(identity);
        }
        if self.insecure {
            client = client.tls_danger_accept_invalid_certs(true);
        }
        Ok(client)
    }
}

fn refused(path: &Path, why: &str) -> SourceError {
    SourceError::File {
        path: path.to_owned(),
        why: why.to_owned(),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, SourceError> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LONGEST).read_to_end(&mut bytes))
        .map_err(|error| SourceError::of_path(path, &error))?;
    Ok(bytes)
}

/// A bearer token out of a file that nobody else can read.
///
/// # Errors
/// [`SourceError::File`] where it cannot be read, is readable by others, or holds none.
pub fn token_of_file(path: &Path) -> Result<Header, SourceError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let metadata = std::fs::metadata(path).map_err(|error| SourceError::of_path(path, &error))?;
        if metadata.is_file() && metadata.permissions().mode() & 0o077 != 0 {
            let shown = clean_line(&path.display().to_string());
            return Err(refused(path, &format!("others can read this token: chmod 600 {shown}")));
        }
    }
    let text = String::from_utf8_lossy(&read(path)?).into_owned();
    let origin = format!("the token of {}", clean_line(&path.display().to_string()));
    Header::bearer(&text, &origin).map_err(|why| refused(path, &why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_keep_their_values_to_themselves() {
        let header = Header::parse("X-Api-Key:  hunter2 ").unwrap();
        assert_eq!(format!("{header:?}"), "the header X-Api-Key");
        assert!(header.is_credential() && header.value.is_sensitive());
        assert!(!Header::parse("Accept-Language: de").unwrap().is_credential());
        for bad in ["hunter2", "a b: hunter2", "X: hunter2\u{7}", ": hunter2"] {
            let why = Header::parse(bad).unwrap_err();
            assert!(!why.contains("hunter2"), "{why}");
        }
        assert!(
            Header::bearer(" \n", "the token of t")
                .unwrap_err()
                .contains("is empty")
        );
        let connection = Connection {
            headers: vec![header, Header::bearer("hunter2\n", "the token of t").unwrap()],
            ..Connection::default()
        };
        assert!(!format!("{connection:?}").contains("hunter2"));
        let sent = connection.sent(None);
        assert_eq!(sent.headers[AUTHORIZATION], "Bearer hunter2");
        assert_eq!(sent.credential.as_deref(), Some("the token of t"));
    }

    #[cfg(unix)]
    #[test]
    fn a_token_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "hunter2\n").unwrap();
        for (mode, good) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            match token_of_file(&path) {
                Ok(header) => assert!(good && header.called.starts_with("the token of "), "{mode:o}"),
                Err(error) => {
                    let error = error.to_string();
                    assert!(
                        !good && error.contains("chmod 600") && !error.contains("hunter2"),
                        "{error}"
                    );
                }
            }
        }
    }

    #[test]
    fn files_that_hold_no_certificates_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, "no certificate").unwrap();
        let client = |connection: Connection| connection.certificates(ClientBuilder::new()).unwrap_err().to_string();
        let with = |cacert: Option<PathBuf>, cert: Option<PathBuf>| Connection {
            cacert,
            cert,
            ..Connection::default()
        };
        assert!(
            client(with(Some(path.clone()), None))
                .ends_with("ca.pem: holds no certificate in PEM (-----BEGIN CERTIFICATE-----)")
        );
        assert!(client(with(None, Some(path))).contains("its private key in PEM"));
        assert!(client(with(Some("/no/such.pem".into()), None)).contains("no such file"));
    }
}
