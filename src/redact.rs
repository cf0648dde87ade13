//! Hides secrets in properties, command lines and messages before they are printed, exported or shown. Everything that
//! leaves the program as text goes through here; it knows nothing of where the text comes from.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What Spark puts in the place of a secret (`Utils.REDACTION_REPLACEMENT_TEXT`).
pub const REDACTED: &str = "*********(redacted)";

/// Names whose values are secret: Spark's default `spark.redaction.regex` and what it misses.
static SECRET_NAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)secret|passw(or)?d|passphrase|token|credential|(access|account|api|private|encryption)[._-]?key|azure\.sas\..+\.(blob|dfs)\.",
    )
});

/// `name=value` and `--name value` where the name is secret: in command lines, JDBC strings, query strings.
static ASSIGNMENT: LazyLock<Regex> = LazyLock::new(|| {
    const NAME: &str = r"[\w.-]*(?:secret|passw(?:or)?d|passphrase|\bpwd|token|credential|(?:access|account|api|private)[._-]?key)[\w.-]*";
    pattern(&format!(
        r#"(?i)(?P<before>{NAME}["']?\s*[=:]\s*["']?|--{NAME}\s+["']?)(?P<secret>[^\s"'&;,]+)"#
    ))
});

/// Signatures and authorisations that announce themselves.
static SIGNATURE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?P<before>\b(?:sig|x-amz-signature|signature)=|\b(?:bearer|basic|negotiate)\s+)(?P<secret>[\w%+/=.~-]{8,})",
    )
});

/// Key ids of AWS: long-lived and temporary.
static AWS_KEY: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?P<before>\b)(?P<secret>(?:AKIA|ASIA)[0-9A-Z]{16})\b"));

/// User and password before the host of a URL, and before the `@` of a JDBC string (`jdbc:oracle:thin:user/password@host`).
static USERINFO: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?P<before>[A-Za-z][\w+.-]*://|jdbc:[\w:]+:)(?P<secret>[^\s/@:]+[:/][^\s@/]+)@"));

#[expect(
    clippy::expect_used,
    reason = "the patterns are constants, and a test runs each of them"
)]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern")
}

/// The value of a property as it may be shown: hidden whole when the name says that it is secret, else without the secrets
/// inside it.
pub fn value<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if SECRET_NAME.is_match(name) && !value.is_empty() {
        Cow::Borrowed(REDACTED)
    } else {
        text(value)
    }
}

/// A text as it may be shown: the secrets inside it replaced.
pub fn text(text: &str) -> Cow<'_, str> {
    let mut shown = Cow::Borrowed(text);
    for found in [&*USERINFO, &*ASSIGNMENT, &*SIGNATURE, &*AWS_KEY] {
        // `replace_all` borrows when nothing was found: ordinary text is not copied.
        if let Cow::Owned(replaced) = found.replace_all(&shown, |parts: &Captures<'_>| hide(parts)) {
            shown = Cow::Owned(replaced);
        }
    }
    shown
}

/// The match with its secret replaced and everything around it kept.
fn hide(parts: &Captures<'_>) -> String {
    let (Some(whole), Some(secret)) = (parts.get(0), parts.name("secret")) else {
        return REDACTED.to_owned();
    };
    if REDACTED.starts_with(secret.as_str()) {
        return whole.as_str().to_owned();
    }
    let (start, end) = (secret.start() - whole.start(), secret.end() - whole.start());
    format!("{}{REDACTED}{}", &whole.as_str()[..start], &whole.as_str()[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_names_hide_their_values() {
        for name in [
            "spark.hadoop.fs.s3a.access.key",
            "spark.hadoop.fs.s3a.secret.key",
            "spark.ssl.keyPassword",
            "spark.hadoop.fs.azure.account.key.x.dfs.core.windows.net",
            "MY_API_KEY",
            "DB_PASSWD",
            "spark.hadoop.fs.azure.sas.container.account.blob.core.windows.net",
        ] {
            assert_eq!(value(name, "hunter2"), REDACTED, "{name}");
        }
        assert_eq!(value("spark.sql.shuffle.partitions", "200"), "200");
        assert_eq!(value("fs.azure.sas.expiry.period", "90d"), "90d");
        assert_eq!(value("spark.app.name", "keyboard sales"), "keyboard sales");
        assert_eq!(value("spark.password", ""), "");
    }

    #[test]
    fn secrets_inside_a_text_are_hidden_and_the_rest_is_kept() {
        for (given, shown) in [
            (
                "java -Ddb.password=hunter2 -Xmx1g",
                "java -Ddb.password=*********(redacted) -Xmx1g",
            ),
            (
                "job.py --db-password hunter2 --day 1",
                "job.py --db-password *********(redacted) --day 1",
            ),
            (
                "jdbc:postgresql://h/db?user=u&password=hunter2&ssl=true",
                "jdbc:postgresql://h/db?user=u&password=*********(redacted)&ssl=true",
            ),
            (
                "jdbc:sqlserver://h;user=u;pwd=hunter2;x=1",
                "jdbc:sqlserver://h;user=u;pwd=*********(redacted);x=1",
            ),
            (
                "jdbc:oracle:thin:scott/tiger@//h:1521/x",
                "jdbc:oracle:thin:*********(redacted)@//h:1521/x",
            ),
            ("https://user:hunter2@host/x", "https://*********(redacted)@host/x"),
            (
                "wasbs://c@a/x?sv=1&sig=abcdefgh%2Bijk",
                "wasbs://c@a/x?sv=1&sig=*********(redacted)",
            ),
            ("key AKIAIOSFODNN7EXAMPLE used", "key *********(redacted) used"),
            (
                "Authorization: Bearer eyJhbGciOi.J9",
                "Authorization: Bearer *********(redacted)",
            ),
            (
                r#"{"client_secret": "hunter2"}"#,
                r#"{"client_secret": "*********(redacted)"}"#,
            ),
        ] {
            assert_eq!(text(given), shown);
        }
    }

    #[test]
    fn ordinary_text_is_untouched_and_hiding_twice_changes_nothing() {
        for plain in [
            "collect at etl.py:88",
            "hdfs://namenode:8020/user/a@b/x",
            "spark.yarn.tokens are renewed",
            "basic tasks: 12",
            "s3a://bucket/key=2024/part-0",
            "12:30:01 user@host",
        ] {
            assert!(
                matches!(text(plain), Cow::Borrowed(_)),
                "{plain} became {}",
                text(plain)
            );
        }
        let once = text("password=hunter2 https://u:p@h/").into_owned();
        assert_eq!(text(&once), once);
    }
}
