//! A server's address out of what a person pasted from a browser: where its REST API is, and what the link pointed at.
//! Credentials in it move into a header and are never shown.

use base64::Engine;
use percent_encoding::percent_decode_str;
use reqwest::header::HeaderValue;
use url::Url;

use crate::model::StageKey;

/// Pages of Spark's web interface: where one begins, the server's own path ends.
const PAGES: [&str; 13] = [
    "jobs",
    "stages",
    "storage",
    "environment",
    "executors",
    "SQL",
    "streaming",
    "StreamingQuery",
    "jdbc",
    "sqlserver",
    "connect",
    "home",
    "logPage",
];

/// Who asks, out of the address.
#[derive(Clone)]
pub struct Login {
    /// The user's name, to say whose credentials were refused.
    pub user: String,
    /// The value of the Authorization header.
    pub header: HeaderValue,
}

/// The page of Spark's web interface that a link showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Landing {
    /// A job.
    Job(u32),
    /// A stage attempt.
    Stage(StageKey),
    /// A SQL execution.
    Sql(u64),
    /// A cached RDD or table.
    Rdd(u32),
    /// A run of a streaming query, by its run id.
    Query(String),
    /// All jobs.
    Jobs,
    /// All stages.
    Stages,
    /// All SQL executions.
    Sqls,
    /// All cached RDDs.
    Storage,
    /// The executors.
    Executors,
    /// The settings.
    Environment,
    /// All streaming queries.
    Streaming,
}

/// A server, and what of it the pasted link meant.
#[derive(Clone)]
pub struct Address {
    /// Root of the web interface, ending in `/`; no credentials, query or fragment.
    pub base: Url,
    /// Credentials that stood in the address.
    pub login: Option<Login>,
    /// Application of the link.
    pub app: Option<String>,
    /// Attempt of the link.
    pub attempt: Option<String>,
    /// Page of the link.
    pub landing: Option<Landing>,
}

impl Address {
    /// Takes an `http` or `https` URL apart; `Err` says what is wrong with it.
    pub fn parse(text: &str) -> Result<Address, String> {
        let mut url = Url::parse(text).map_err(|error| format!("is no URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err("is no http or https URL".to_owned());
        }
        let login = login(&url);
        // Both can only fail on URLs without a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let landing = landing(&url);
        let path: Vec<String> = url.path_segments().into_iter().flatten().map(str::to_owned).collect();
        let mut link = split(&path);
        url.set_query(None);
        url.set_fragment(None);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear();
            for segment in path.iter().take(link.prefix).filter(|segment| !segment.is_empty()) {
                segments.push(&decode(segment));
            }
            segments.push("");
        }
        Ok(Address {
            base: url,
            login,
            app: link.app.take(),
            attempt: link.attempt.take(),
            landing,
        })
    }

    /// `host:port` and the path prefix, for titles and messages.
    pub fn label(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        let port = self.base.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{host}{port}{}", self.base.path().trim_end_matches('/'))
    }

    /// Whether the server is this machine: no proxy stands between.
    pub fn is_loopback(&self) -> bool {
        match self.base.host() {
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        }
    }
}

/// An address as it may be printed: without user and password.
pub fn without_login(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let host_ends = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    // A password with an unencoded `/` or `?` would end the host too early: then the last `@` of all counts.
    let cut = match rest[..host_ends].rfind('@') {
        Some(at) => Some(at),
        None if rest[..host_ends].contains(':') => rest.rfind('@'),
        None => None,
    };
    format!("{scheme}://{}", cut.map_or(rest, |at| &rest[at + 1..]))
}

/// How much of a path is the server's own, and which application the rest names.
#[derive(Default)]
struct Link {
    prefix: usize,
    app: Option<String>,
    attempt: Option<String>,
}

fn split(path: &[String]) -> Link {
    let at = |index: usize| {
        path.get(index)
            .map(String::as_str)
            .filter(|segment| !segment.is_empty())
    };
    for (place, segment) in path.iter().enumerate() {
        let named = |first: usize| Link {
            prefix: place,
            app: at(first).map(decode),
            // An attempt id is YARN's attempt number; anything else here is a page.
            attempt: at(first + 1)
                .filter(|word| word.bytes().all(|b| b.is_ascii_digit()))
                .map(decode),
        };
        match segment.as_str() {
            "history" => return named(place + 1),
            "api" if at(place + 1) == Some("v1") => {
                return match at(place + 2) {
                    Some("applications") => named(place + 3),
                    _ => Link {
                        prefix: place,
                        ..Link::default()
                    },
                };
            }
            // YARN's proxy stands before one application's own web interface.
            "proxy" if at(place + 1).is_some() => {
                return Link {
                    prefix: place + 2,
                    app: at(place + 1).map(decode),
                    attempt: None,
                };
            }
            page if PAGES.contains(&page) => {
                return Link {
                    prefix: place,
                    ..Link::default()
                };
            }
            _ => {}
        }
    }
    Link {
        prefix: path.len(),
        ..Link::default()
    }
}

/// The page that a link shows, such as `…/stages/stage/?id=3&attempt=0`.
fn landing(url: &Url) -> Option<Landing> {
    let path: Vec<&str> = url.path_segments()?.filter(|segment| !segment.is_empty()).collect();
    let value = |name: &str| {
        let (_, value) = url.query_pairs().find(|(key, _)| key == name)?;
        Some(value.into_owned())
    };
    let number = |name: &str| value(name)?.parse::<u32>().ok();
    // An application may be called like a page: what stands last is the page.
    let (last, before) = path.split_last()?;
    let of_one = match (before.last().copied(), *last) {
        (Some("jobs"), "job") => number("id").map(Landing::Job),
        (Some("stages"), "stage") => number("id").map(|id| {
            Landing::Stage(StageKey {
                id,
                attempt: number("attempt").unwrap_or(0),
            })
        }),
        (Some("SQL"), "execution") => value("id")?.parse().ok().map(Landing::Sql),
        (Some("storage"), "rdd") => number("id").map(Landing::Rdd),
        (Some("StreamingQuery"), "statistics") => value("id").map(Landing::Query),
        _ => None,
    };
    of_one.or_else(|| match *path.iter().rfind(|segment| PAGES.contains(segment))? {
        "jobs" => Some(Landing::Jobs),
        "stages" => Some(Landing::Stages),
        "SQL" => Some(Landing::Sqls),
        "storage" => Some(Landing::Storage),
        "executors" => Some(Landing::Executors),
        "environment" => Some(Landing::Environment),
        "streaming" | "StreamingQuery" => Some(Landing::Streaming),
        _ => None,
    })
}

fn login(url: &Url) -> Option<Login> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let user = decode(url.username());
    let pair = format!("{user}:{}", decode(url.password().unwrap_or_default()));
    let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
    let mut header = HeaderValue::from_str(&format!("Basic {encoded}")).ok()?;
    header.set_sensitive(true);
    Some(Login { user, header })
}

fn decode(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (String, Option<String>, Option<String>, Option<Landing>) {
        let address = Address::parse(text).unwrap();
        (address.base.to_string(), address.app, address.attempt, address.landing)
    }

    #[test]
    fn a_server_s_own_path_is_kept() {
        let plain = |text| parse(text).0;
        assert_eq!(plain("http://history:18080"), "http://history:18080/");
        assert_eq!(
            plain("https://gate/spark/history-server"),
            "https://gate/spark/history-server/"
        );
        assert_eq!(plain("http://h:1/?showIncomplete=true"), "http://h:1/");
        assert_eq!(plain("http://h:1/p/api/v1/applications?limit=3"), "http://h:1/p/");
        assert_eq!(plain("http://driver:4040/jobs/job/?id=3"), "http://driver:4040/");
    }

    #[test]
    fn links_from_a_browser_name_application_attempt_and_stage() {
        let stage = Some(Landing::Stage(StageKey { id: 3, attempt: 1 }));
        assert_eq!(
            parse("http://h:18080/p/history/application_1_2/2/stages/stage/?id=3&attempt=1"),
            (
                "http://h:18080/p/".into(),
                Some("application_1_2".into()),
                Some("2".into()),
                stage.clone()
            )
        );
        assert_eq!(
            parse("http://h/history/app-1/jobs/"),
            ("http://h/".into(), Some("app-1".into()), None, Some(Landing::Jobs))
        );
        assert_eq!(
            parse("http://h/api/v1/applications/app-1/1/stages"),
            (
                "http://h/".into(),
                Some("app-1".into()),
                Some("1".into()),
                Some(Landing::Stages)
            )
        );
        assert_eq!(
            parse("http://rm:8088/proxy/application_1_2/stages/stage/?id=3&attempt=1"),
            (
                "http://rm:8088/proxy/application_1_2/".into(),
                Some("application_1_2".into()),
                None,
                stage
            )
        );
        assert_eq!(parse("http://h/history/a%2Fb%25").1, Some("a/b%".into()));
    }

    #[test]
    fn every_page_of_the_web_interface_is_one_here() {
        let app = "http://h:18080/history/application_1_2/1";
        let stage = |id, attempt| Landing::Stage(StageKey { id, attempt });
        for (page, landing) in [
            ("/jobs/", Some(Landing::Jobs)),
            ("/jobs/job/?id=7", Some(Landing::Job(7))),
            ("/stages/stage/?id=3&attempt=2", Some(stage(3, 2))),
            ("/stages/stage/?id=3", Some(stage(3, 0))),
            ("/stages/stage/?id=3&attempt=0#tasksTitle", Some(stage(3, 0))),
            ("/stages/?completedStage.page=2", Some(Landing::Stages)),
            ("/stages/pool/?poolname=default", Some(Landing::Stages)),
            ("/SQL/", Some(Landing::Sqls)),
            ("/SQL/execution/?id=3", Some(Landing::Sql(3))),
            ("/storage/", Some(Landing::Storage)),
            ("/storage/rdd/?id=12", Some(Landing::Rdd(12))),
            ("/executors/", Some(Landing::Executors)),
            ("/executors/threadDump/?executorId=1", Some(Landing::Executors)),
            ("/environment/", Some(Landing::Environment)),
            ("/StreamingQuery/", Some(Landing::Streaming)),
            ("/StreamingQuery/statistics/?id=a-b", Some(Landing::Query("a-b".into()))),
            ("/jobs/job/?id=x", Some(Landing::Jobs)),
            ("/jobs/job/", Some(Landing::Jobs)),
            ("/", None),
            ("", None),
        ] {
            let read = parse(&format!("{app}{page}"));
            let named = (Some("application_1_2".to_owned()), Some("1".to_owned()));
            assert_eq!((read.1, read.2), named, "{page}");
            assert_eq!(read.3, landing, "{page}");
            let proxy = parse(&format!("http://rm:8088/proxy/application_1_2{page}"));
            assert_eq!(
                (proxy.0.as_str(), proxy.3),
                ("http://rm:8088/proxy/application_1_2/", landing),
                "{page}"
            );
        }
        assert_eq!(parse("http://driver:4040/SQL/execution/?id=1").3, Some(Landing::Sql(1)));
    }

    #[test]
    fn credentials_move_to_a_header_and_are_not_shown() {
        let address = Address::parse("https://me:s%40cret@host:18080/x").unwrap();
        assert_eq!(address.base.as_str(), "https://host:18080/x/");
        assert_eq!(address.label(), "host:18080/x");
        let login = address.login.unwrap();
        assert_eq!(login.user, "me");
        assert_eq!(login.header.to_str().unwrap(), "Basic bWU6c0BjcmV0");
        assert!(login.header.is_sensitive());
        assert_eq!(without_login("https://me:s@cret@host/x@y"), "https://host/x@y");
        assert_eq!(without_login("http://me:a/b?c@host/x"), "http://host/x");
        assert_eq!(without_login("http://host:1/x@y"), "http://y");
        assert_eq!(without_login("/tmp/a@b"), "/tmp/a@b");
    }

    #[test]
    fn other_things_are_refused() {
        for text in ["ftp://h/", "http://", "http:// /", "nonsense"] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
    }
}
