//! The config file: servers by name, theme, keys, thresholds. A broken file is an error that names its line; a name that skewer does
//! not know is a warning.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use serde::Deserialize;

/// What the file says; all of it may be left out.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The target when none is given: a name out of `servers`, or anything that the command line takes.
    pub server: Option<String>,
    /// Servers by name.
    pub servers: BTreeMap<String, Server>,
    /// Colour theme.
    pub theme: Option<String>,
    /// Draw with ASCII alone.
    pub ascii: Option<bool>,
    /// Seconds between two looks at an application that is followed.
    pub refresh: Option<u64>,
    /// Take the mouse.
    pub mouse: Option<bool>,
    /// Keys by action: `quit = "q"` or `quit = ["q", "ctrl-c"]`.
    pub keys: BTreeMap<String, Keys>,
    /// Thresholds of the rules by name.
    pub thresholds: BTreeMap<String, f64>,
}

/// A server that a name stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Server {
    /// Address of a history server or a live driver, or any other target.
    pub url: String,
    /// File of a bearer token.
    pub token_file: Option<PathBuf>,
    /// File of certificates that are trusted beside the system's.
    pub cacert: Option<PathBuf>,
    /// File of the client's certificate and key.
    pub cert: Option<PathBuf>,
    /// Take any certificate.
    pub insecure: Option<bool>,
    /// Headers to send along.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Requests at once.
    pub requests: Option<u16>,
}

/// The settings of a server.
const SERVER_SETTINGS: [&str; 7] = ["url", "token_file", "cacert", "cert", "insecure", "headers", "requests"];

/// One key or several.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Keys {
    /// `"q"`
    One(String),
    /// `["q", "ctrl-c"]`
    Several(Vec<String>),
}

impl Keys {
    /// The keys as a list.
    pub fn list(&self) -> Vec<String> {
        match self {
            Keys::One(key) => vec![key.clone()],
            Keys::Several(keys) => keys.clone(),
        }
    }
}

/// A config file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It could not be read.
    #[error("{}: cannot read the config file: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is not what a config file looks like.
    #[error("{}, line {line}: {why}; correct the line or remove it", path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
}

impl Config {
    /// Reads `path`, or the default file if there is one, and gives with it a warning for each name that is not known.
    ///
    /// # Errors
    /// A given file that does not exist, and any file that cannot be read or understood.
    pub fn load(path: Option<&Path>) -> Result<(Config, Vec<String>), ConfigError> {
        let Some(file) = path.map(Path::to_owned).or_else(default_file) else {
            return Ok(Default::default());
        };
        match fs::read_to_string(&file) {
            Ok(text) => Config::parse(&text, &file),
            Err(error) if path.is_none() && error.kind() == io::ErrorKind::NotFound => Ok(Default::default()),
            Err(error) => Err(ConfigError::Unreadable { path: file, error }),
        }
    }

    fn parse(text: &str, file: &Path) -> Result<(Config, Vec<String>), ConfigError> {
        let broken = |error: toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start);
            let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
            ConfigError::Broken {
                path: file.to_owned(),
                line,
                why: one_line(error.message()),
            }
        };
        let config: Config = toml::from_str(text).map_err(broken)?;
        let table: toml::Table = toml::from_str(text).map_err(broken)?;
        let warnings = unknown_names(&table)
            .into_iter()
            .map(|name| format!("{}: `{name}` is not a setting of skewer and is ignored", file.display()))
            .collect();
        Ok((config, warnings))
    }

    /// What a target's name stands for: a server's address, or the name itself.
    pub fn resolve<'a>(&'a self, target: &'a str) -> &'a str {
        self.servers.get(target).map_or(target, |server| &server.url)
    }

    /// The server whose settings hold for a target: the one of this name, or whose address the target begins with.
    pub fn server_of(&self, target: &str) -> Option<&Server> {
        let begins = |server: &&Server| {
            let url = server.url.trim_end_matches('/');
            let rest = target.strip_prefix(url).filter(|_| url.contains("://"));
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
        };
        let by_address = || self.servers.values().find(begins);
        self.servers.get(target).or_else(by_address)
    }

    /// The target when none is given.
    pub fn default_target(&self) -> Option<&str> {
        self.server.as_deref().map(|server| self.resolve(server))
    }
}

/// `$XDG_CONFIG_HOME/skewer/config.toml`.
pub fn default_file() -> Option<PathBuf> {
    let base = etcetera::choose_base_strategy().ok()?;
    Some(base.config_dir().join("skewer").join("config.toml"))
}

fn unknown_names(table: &toml::Table) -> Vec<String> {
    const KNOWN: [&str; 8] = [
        "server",
        "servers",
        "theme",
        "ascii",
        "refresh",
        "mouse",
        "keys",
        "thresholds",
    ];
    let mut unknown: Vec<String> = table
        .keys()
        .filter(|name| !KNOWN.contains(&name.as_str()))
        .cloned()
        .collect();
    let servers = table
        .get("servers")
        .and_then(toml::Value::as_table)
        .into_iter()
        .flatten();
    for (name, server) in servers {
        let fields = server
            .as_table()
            .into_iter()
            .flat_map(toml::Table::keys)
            .filter(|field| !SERVER_SETTINGS.contains(&field.as_str()));
        unknown.extend(fields.map(|field| format!("servers.{name}.{field}")));
    }
    unknown
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(Config, Vec<String>), ConfigError> {
        Config::parse(text, Path::new("config.toml"))
    }

    #[test]
    fn names_stand_for_servers() {
        let (config, warnings) = parse(
            "server = 'prod'\nascii = true\n[servers.prod]\nurl = 'http://history:18080'\n\
             [keys]\nquit = ['q', 'ctrl-c']\nhelp = '?'\n[thresholds]\nskew_ratio = 4\n",
        )
        .unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        assert_eq!(config.default_target(), Some("http://history:18080"));
        assert_eq!(config.resolve("other"), "other");
        assert_eq!(config.keys["quit"].list(), ["q", "ctrl-c"]);
        assert_eq!(config.keys["help"].list(), ["?"]);
        assert_eq!(config.thresholds["skew_ratio"], 4.0);
    }

    #[test]
    fn a_server_s_settings_hold_for_its_name_and_for_links_to_it() {
        let (config, warnings) = parse(
            "[servers.prod]\nurl = 'https://history:18080/spark/'\ntoken_file = '~/token'\ninsecure = true\nrequests = 2\n\
             headers = { X-Team = 'data' }\n",
        )
        .unwrap();
        assert!(warnings.is_empty(), "{warnings:?}");
        let prod = config.server_of("prod").unwrap();
        assert_eq!((prod.insecure, prod.requests), (Some(true), Some(2)));
        assert_eq!(prod.headers["X-Team"], "data");
        let link = "https://history:18080/spark/history/app-1/jobs/";
        assert_eq!(config.server_of(link), Some(prod));
        for stranger in [
            "https://history:18080/spark2/",
            "https://history:180801/spark",
            "http://history:18080/spark",
            "/logs",
        ] {
            assert_eq!(config.server_of(stranger), None, "{stranger}");
        }
    }

    #[test]
    fn a_broken_file_names_its_line() {
        for (text, line) in [
            ("theme = 'a'\nascii = 'yes'\n", 2),
            ("\n\nserver =\n", 3),
            ("[servers.x]\n", 1),
        ] {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.starts_with(&format!("config.toml, line {line}: ")), "{message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }

    #[test]
    fn unknown_names_warn() {
        let (_, warnings) = parse("them = 'x'\n[servers.prod]\nurl = 'u'\ntoken = 't'\ncacert = '/ca.pem'\n").unwrap();
        assert_eq!(warnings.len(), 2);
        assert!(
            warnings[0].contains("`them`") && warnings[1].contains("`servers.prod.token`"),
            "{warnings:?}"
        );
    }

    #[test]
    fn a_file_that_was_named_has_to_be_there() {
        let error = Config::load(Some(Path::new("/no/such/config.toml"))).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("/no/such/config.toml: cannot read the config file"),
            "{error}"
        );
    }
}
