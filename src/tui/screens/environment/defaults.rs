//! What Spark's documented settings are where nobody set them, out of two Sparks' own registries (`tests/spark/defaults.py`), and
//! whether a value says the same in other words.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::model::{parse_bytes, parse_millis};

/// Name, then the default in the Spark of each column.
const TABLE: &str = include_str!("defaults.tsv");

/// The table's columns.
struct Columns {
    versions: Vec<&'static str>,
    rows: HashMap<&'static str, Vec<&'static str>>,
}

static COLUMNS: LazyLock<Columns> = LazyLock::new(|| {
    let mut lines = TABLE.lines().map(|line| line.split('\t'));
    let versions = lines.next().map_or_else(Vec::new, |head| head.skip(1).collect());
    let row = |mut line: std::str::Split<'static, char>| Some((line.next()?, line.collect()));
    Columns {
        versions,
        rows: lines.filter_map(row).collect(),
    }
});

/// The defaults of one Spark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    column: usize,
    /// Its version.
    pub version: &'static str,
}

impl Defaults {
    /// Those of the Spark nearest to an application's: of the same major version. `None`: that is not known.
    pub fn of(version: &str) -> Option<Defaults> {
        let major = |version: &str| version.split('.').next().map(str::to_owned);
        let found = COLUMNS.versions.iter().enumerate();
        let mut found = found.filter(|(_, known)| major(known) == major(version));
        found.next().map(|(column, version)| Defaults { column, version })
    }

    /// A setting's default; `None` where there is none, or where it is not one of Spark's own.
    pub fn get(self, name: &str) -> Option<&'static str> {
        let row = COLUMNS.rows.get(name)?;
        row.get(self.column).copied().filter(|value| !value.is_empty())
    }
}

/// Whether a value means what the default means: `1024m` is `1g`, `3000ms` is `3s`, `TRUE` is `true`.
pub fn same(name: &str, value: &str, default: &str) -> bool {
    let (value, default) = (value.trim(), default.trim());
    if value.eq_ignore_ascii_case(default) {
        return true;
    }
    // What a number without a suffix counts is known of SQL's sizes and of memory alone.
    let bare = match name {
        name if name.starts_with("spark.sql.") => Some(1),
        name if name.to_ascii_lowercase().contains("memory") => Some(1 << 20),
        _ => None,
    };
    let suffixed = |text: &str| text.ends_with(|c: char| c.is_ascii_alphabetic());
    let bytes = |text: &str| match bare {
        Some(bare) => parse_bytes(text, bare),
        None => suffixed(text).then(|| parse_bytes(text, 1)).flatten(),
    };
    let millis = |text: &str| suffixed(text).then(|| parse_millis(text, 1)).flatten();
    let number = |text: &str| text.parse::<f64>().ok();
    let alike = |a: Option<u64>, b: Option<u64>| a.is_some() && a == b;
    let sizes = suffixed(default) && alike(bytes(value), bytes(default));
    sizes || alike(millis(value), millis(default)) || number(value).is_some() && number(value) == number(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spark_has_its_own_defaults() {
        let (three, four) = (Defaults::of("3.2.1").unwrap(), Defaults::of("4.0.1").unwrap());
        assert_eq!((three.version, four.version), ("3.5.9", "4.3.0"));
        assert_eq!(three.get("spark.sql.ansi.enabled"), Some("false"));
        assert_eq!(four.get("spark.sql.ansi.enabled"), Some("true"));
        assert_eq!(three.get("spark.sql.shuffle.partitions"), Some("200"));
        assert_eq!(three.get("spark.app.name"), None);
        assert_eq!((Defaults::of("2.4.8"), Defaults::of("")), (None, None));
        assert!(COLUMNS.rows.values().all(|row| row.len() == COLUMNS.versions.len()));
    }

    #[test]
    fn the_same_in_other_words_is_no_change() {
        for (name, value, default) in [
            ("spark.executor.memory", "1024m", "1g"),
            ("spark.executor.memory", "1024", "1g"),
            ("spark.sql.autoBroadcastJoinThreshold", "10485760", "10MB"),
            ("spark.locality.wait", "3000ms", "3s"),
            ("spark.network.timeout", "2min", "120s"),
            ("spark.shuffle.compress", " TRUE", "true"),
            ("spark.memory.fraction", "0.60", "0.6"),
        ] {
            assert!(same(name, value, default), "{name}={value}");
        }
        for (name, value, default) in [
            ("spark.executor.memory", "2g", "1g"),
            ("spark.sql.autoBroadcastJoinThreshold", "-1", "10MB"),
            ("spark.sql.autoBroadcastJoinThreshold", "10", "10MB"),
            ("spark.locality.wait", "3", "3s"),
            ("spark.sql.shuffle.partitions", "8", "200"),
            (
                "spark.serializer",
                "org.apache.spark.serializer.KryoSerializer",
                "org.apache.spark.serializer.JavaSerializer",
            ),
        ] {
            assert!(!same(name, value, default), "{name}={value}");
        }
    }
}
