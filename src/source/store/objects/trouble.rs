//! What went wrong with an object store, in our own words: the library's messages hold whole URLs with their signatures, and whole XML
//! documents. What it was is read out of them, as the library does not let one ask.

use std::error::Error;
use std::io::{self, ErrorKind};

use super::Cloud;
use crate::text::clean_line;

/// Settings of the environment that do not fit together.
pub(super) fn settings(cloud: Cloud, error: &object_store::Error) -> String {
    let all = chain(error);
    if all.contains("ccount") && (all.contains("Missing") || all.contains("must be specified")) {
        return "name the storage account: abfss://container@account.dfs.core.windows.net/path, or AZURE_STORAGE_ACCOUNT_NAME".into();
    }
    format!(
        "its settings do not fit together ({}): {}",
        innermost(error),
        cloud.credentials()
    )
}

/// That there are no credentials, or none that are of use.
pub(super) fn of_login(cloud: Cloud, error: Option<&object_store::Error>) -> io::Error {
    let asked = error.map(chain).unwrap_or_default();
    // The machine's own service is asked last: outside the cloud there is none.
    let none = error.is_none()
        || ["169.254.", "metadata.google.internal", "metadata/identity"]
            .iter()
            .any(|host| asked.contains(host));
    let what = match error {
        Some(error) if !none => format!("no credentials could be had ({})", innermost(error)),
        _ => "no credentials found".to_owned(),
    };
    io::Error::other(format!("{what}: {}", cloud.credentials()))
}

/// What a refused or broken request means.
pub(super) fn of(cloud: Cloud, error: &object_store::Error) -> io::Error {
    let all = chain(error);
    let code = between(&all, "<Code>", "</Code>").or_else(|| between(&all, "\"code\": \"", "\""));
    let status = between(&all, "status code: ", " ").and_then(|status| status.parse::<u16>().ok());
    let other = |why: String| io::Error::other(why);
    if let Some(why) = code.and_then(|code| cloud.of_code(code, &all)) {
        return other(why);
    }
    match status {
        Some(301 | 307 | 308) => return other(wrong_region(&all)),
        Some(404) => {
            return io::Error::new(
                ErrorKind::NotFound,
                "no such object, and nothing lies under this prefix",
            );
        }
        Some(401) => return other(format!("401: it asks for other credentials: {}", cloud.credentials())),
        Some(403) => return other(cloud.forbidden()),
        Some(416) => return other("it is shorter than it was a moment ago: read it again".into()),
        Some(status) => {
            let what = code.map_or(String::new(), |code| format!(", {}", short(code)));
            return other(format!("the store answered {status}{what}"));
        }
        None => {}
    }
    other(if all.contains("incorrectly configured region") {
        wrong_region(&all)
    } else if all.contains("URL scheme is not allowed") {
        format!(
            "its endpoint is http, not https: set {}=true if that is meant",
            cloud.allow_http()
        )
    } else if all.contains("Connection refused") {
        "connection refused: is the endpoint right?".into()
    } else if all.contains("dns error") || all.contains("failed to lookup") {
        "the host name of its endpoint is not known here: is the bucket or account spelled right, does it need a VPN?"
            .into()
    } else if all.contains("certificate") {
        format!("its certificate is not trusted ({})", innermost(error))
    } else if all.contains("timed out") || all.contains("timeout") {
        "no answer in time: does a firewall or VPN stand between?".into()
    } else {
        format!("the store cannot be read ({})", innermost(error))
    })
}

impl Cloud {
    /// What to set, by what the library reads.
    fn credentials(self) -> &'static str {
        match self {
            Cloud::Amazon => {
                "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (profile files are not read; of a profile: \
                 eval \"$(aws configure export-credentials --format env)\"), or AWS_SKIP_SIGNATURE=true for a public bucket"
            }
            Cloud::Google => {
                "set GOOGLE_SERVICE_ACCOUNT to a key file, or run gcloud auth application-default login, or set \
                 GOOGLE_SKIP_SIGNATURE=true for a public bucket"
            }
            Cloud::Azure => {
                "set AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_KEY or AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and \
                 AZURE_TENANT_ID, or AZURE_USE_AZURE_CLI=true after az login, or AZURE_SKIP_SIGNATURE=true for a public container"
            }
        }
    }

    fn allow_http(self) -> &'static str {
        match self {
            Cloud::Amazon => "AWS_ALLOW_HTTP",
            Cloud::Google => "GOOGLE_ALLOW_HTTP",
            Cloud::Azure => "AZURE_ALLOW_HTTP",
        }
    }

    fn forbidden(self) -> String {
        let needs = match self {
            Cloud::Amazon => "it takes s3:GetObject, and s3:ListBucket for a list",
            Cloud::Google => "it takes storage.objects.get, and storage.objects.list for a list",
            Cloud::Azure => "it takes the role Storage Blob Data Reader, or a SAS that may read and list",
        };
        format!("403: these credentials may not read it ({needs})")
    }

    /// What the store's own name for an error means; `None`: its status says it.
    fn of_code(self, code: &str, all: &str) -> Option<String> {
        Some(match code {
            "NoSuchBucket" | "ContainerNotFound" => {
                "no such bucket: is its name spelled right, and is it at this endpoint?".into()
            }
            "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
                wrong_region(all)
            }
            "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "AuthenticationFailed" | "InvalidToken" => {
                format!(
                    "the store does not know these credentials ({code}): {}",
                    self.credentials()
                )
            }
            "ExpiredToken" | "ExpiredAuthenticationToken" => {
                format!("the credentials have expired: {}", self.credentials())
            }
            "RequestTimeTooSkewed" => {
                "this machine's clock is wrong: the store refuses what is signed at another time".into()
            }
            "AccessDenied"
            | "AuthorizationFailure"
            | "AuthorizationPermissionMismatch"
            | "PublicAccessNotPermitted" => self.forbidden(),
            "SlowDown" | "ServerBusy" | "TooManyRequests" => "the store is asked too often: try again later".into(),
            "InvalidObjectState" => "the object is archived: restore it first".into(),
            _ => return None,
        })
    }
}

fn wrong_region(all: &str) -> String {
    let region = between(all, "<Region>", "</Region>").or_else(|| between(all, "expecting '", "'"));
    match region.map(short) {
        Some(region) => format!("the bucket is in region {region}: set AWS_REGION={region}"),
        None => "the bucket is in another region: set AWS_REGION to it, or AWS_ENDPOINT to its endpoint".into(),
    }
}

fn short(text: &str) -> String {
    clean_line(text).chars().take(60).collect()
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(between, _)| between)
}

/// The texts of an error and of all its causes. For looking things up in alone: there are URLs with signatures in it.
fn chain(error: &object_store::Error) -> String {
    let mut all = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        all.push_str("; ");
        all.push_str(&error.to_string());
        cause = error.source();
    }
    all
}

/// The last cause, which names no URL; where it does, or is long, it is left out.
fn innermost(error: &object_store::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let text = clean_line(&cause.to_string());
    if text.contains("://") || text.contains('<') || text.chars().count() > 200 {
        "no reason given".to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(text: &str) -> object_store::Error {
        object_store::Error::Generic {
            store: "S3",
            source: text.to_owned().into(),
        }
    }

    /// A signed URL, as the library puts into its messages.
    const URL: &str = "Error performing GET https://b.s3.amazonaws.com/k?X-Amz-Signature=5ec2e7&sig=5ec2e7 in 1s - ";

    #[test]
    fn each_trouble_has_its_own_words_and_no_secret() {
        let status = |code: u16, body: &str| format!("{URL}Server returned non-2xx status code: {code} Some: {body}");
        let cases = [
            (
                status(404, "<Error><Code>NoSuchBucket</Code></Error>"),
                "no such bucket",
            ),
            (status(404, ""), "no such object"),
            (status(403, "<Error><Code>AccessDenied</Code></Error>"), "s3:ListBucket"),
            (status(403, ""), "403: these credentials may not"),
            (
                status(403, "<Code>InvalidAccessKeyId</Code>"),
                "does not know these credentials",
            ),
            (status(400, "<Code>ExpiredToken</Code>"), "have expired"),
            (
                status(
                    400,
                    "<Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region>",
                ),
                "set AWS_REGION=eu-west-1",
            ),
            (
                format!(
                    "{URL}Received redirect without LOCATION, this normally indicates an incorrectly configured region"
                ),
                "another region",
            ),
            (format!("{URL}HTTP error: URL scheme is not allowed"), "AWS_ALLOW_HTTP"),
            (
                format!("{URL}HTTP error: tcp connect error: Connection refused"),
                "connection refused",
            ),
            (status(500, "<Code>Odd\u{1b}[2J</Code>"), "answered 500, Odd^[[2J"),
            (format!("{URL}something"), "no reason given"),
        ];
        for (text, words) in cases {
            let told = of(Cloud::Amazon, &failed(&text)).to_string();
            assert!(told.contains(words), "{text}: {told}");
            assert!(!told.contains("5ec2e7") && !told.contains('\u{1b}'), "{told}");
        }
        assert_eq!(of(Cloud::Google, &failed(&status(404, ""))).kind(), ErrorKind::NotFound);
    }

    #[test]
    fn what_to_set_is_said_where_there_are_no_credentials() {
        let asked = failed("Error performing PUT http://169.254.169.254/latest/api/token in 1s - HTTP error");
        for error in [None, Some(&asked)] {
            let told = of_login(Cloud::Amazon, error).to_string();
            assert!(
                told.starts_with("no credentials found: set AWS_ACCESS_KEY_ID"),
                "{told}"
            );
        }
        let told = of_login(Cloud::Google, Some(&failed("the key is broken"))).to_string();
        assert!(
            told.contains("(the key is broken)") && told.contains("GOOGLE_SERVICE_ACCOUNT"),
            "{told}"
        );
    }
}
