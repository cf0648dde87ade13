//! How a server is spoken to: flags over environment over the config file's section for it.

use std::path::{Path, PathBuf};

use color_eyre::eyre;
use etcetera::BaseStrategy;
use skewer::config::Server;
use skewer::source::{Connection, Header, token_of_file};

use super::progress::warn;
use super::{Context, UsageError};

/// The environment variable that may hold a bearer token.
const TOKEN: &str = "SKEWER_TOKEN";

impl Context {
    /// The connection to the server at `address`. `named` is what the command line said, to warn of secrets there.
    pub fn connection(&self, address: &str, named: Option<&str>) -> eyre::Result<Connection> {
        let bad = |why: String| UsageError(why);
        let nothing = Server::default();
        let of_name = named.and_then(|named| self.config.server_of(named));
        let server = of_name.or_else(|| self.config.server_of(address)).unwrap_or(&nothing);
        let flags = &self.global;
        let mut headers = Vec::new();
        for (name, value) in &server.headers {
            headers.push(Header::new(name, value).map_err(bad)?);
        }
        let token = |path: &PathBuf| token_of_file(&at_home(path));
        let of_environment = std::env::var(TOKEN).ok().filter(|token| !token.is_empty());
        headers.extend(match (&flags.token_file, &of_environment, &server.token_file) {
            (Some(path), _, _) => Some(token(path)?),
            (None, Some(held), _) => {
                let held: &String = held;
                Some(Header::bearer(held, &format!("the token of {TOKEN}")).map_err(bad)?)
            }
            (None, None, Some(path)) => Some(token(path)?),
            (None, None, None) => None,
        });
        let mut told = named.is_some_and(has_password);
        for header in &flags.header {
            let header = Header::parse(header).map_err(bad)?;
            told |= header.is_credential();
            headers.push(header);
        }
        if told {
            warn(
                "a secret on the command line is seen by other users of this machine and kept by the shell; --token-file and the config file are not",
            );
        }
        let path = |flag: &Option<PathBuf>, setting: &Option<PathBuf>| {
            let given = flag.clone();
            given.or_else(|| setting.as_deref().map(at_home))
        };
        let default = Connection::default();
        Ok(Connection {
            requests: flags.requests.or(server.requests).map_or(default.requests, usize::from),
            cacert: path(&flags.cacert, &server.cacert),
            cert: path(&flags.cert, &server.cert),
            insecure: flags.insecure || server.insecure.unwrap_or(false),
            headers,
        })
    }
}

/// Whether a target is an address with a password in it.
fn has_password(target: &str) -> bool {
    let Some((_, rest)) = target.split_once("://") else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'))
}

/// A path with `~/` in front as the shell reads it.
fn at_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), etcetera::choose_base_strategy()) {
        (Ok(below), Ok(base)) => base.home_dir().join(below),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_address_is_noticed() {
        assert!(has_password("https://me:hunter2@host/x"));
        for plain in ["https://me@host", "https://host/a:b@c", "/logs/a:b@c", "prod"] {
            assert!(!has_password(plain), "{plain}");
        }
        assert!(at_home(Path::new("~/token")).is_absolute());
        assert_eq!(at_home(Path::new("/a/~/b")), Path::new("/a/~/b"));
    }
}
