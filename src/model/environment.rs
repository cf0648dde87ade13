//! The environment that an application ran in: properties as Spark lists them, and the few settings that rules ask for.

/// Properties by group, each a list of (key, value) in Spark's order. Values are as recorded: redact before showing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// Java and Scala versions.
    pub runtime: Vec<(String, String)>,
    /// Spark's properties.
    pub spark: Vec<(String, String)>,
    /// Hadoop's properties.
    pub hadoop: Vec<(String, String)>,
    /// The JVM's system properties.
    pub system: Vec<(String, String)>,
    /// Other properties (metrics).
    pub other: Vec<(String, String)>,
    /// Class path entries.
    pub classpath: Vec<(String, String)>,
}

impl Environment {
    /// A Spark property.
    pub fn spark(&self, key: &str) -> Option<&str> {
        self.spark
            .iter()
            .find(|(known, _)| known == key)
            .map(|(_, value)| value.as_str())
    }

    /// A Spark property that is true or false.
    pub fn spark_bool(&self, key: &str) -> Option<bool> {
        match self.spark(key)?.trim().to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// A Spark property that is a number.
    pub fn spark_number(&self, key: &str) -> Option<f64> {
        self.spark(key)?
            .trim()
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
    }

    /// A Spark property that is a size, bytes. `bare` is what a number without a suffix counts: 1 for bytes, 2²⁰ for the
    /// memory settings.
    pub fn spark_bytes(&self, key: &str, bare: u64) -> Option<u64> {
        parse_bytes(self.spark(key)?, bare)
    }
}

/// A size as Spark reads it (`JavaUtils.byteStringAs`): `64m`, `1g`, `512KiB`; a bare number counts `bare` bytes.
pub fn parse_bytes(text: &str, bare: u64) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text.get(..digits)?.parse().ok()?;
    let scale = match text.get(digits..)?.trim() {
        "" => bare,
        "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        "t" | "tb" | "tib" => 1 << 40,
        "p" | "pb" | "pib" => 1 << 50,
        _ => return None,
    };
    number.checked_mul(scale)
}

/// A time as Spark reads it (`JavaUtils.timeStringAs`), ms: `3s`, `500ms`, `2min`; a bare number counts `bare` ms.
pub fn parse_millis(text: &str, bare: u64) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text.get(..digits)?.parse().ok()?;
    let scale = match text.get(digits..)?.trim() {
        "" => bare,
        "us" => return Some(number / 1_000),
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_spark_reads_them() {
        assert_eq!(parse_bytes("64m", 1), Some(64 << 20));
        assert_eq!(parse_bytes("1024", 1 << 20), Some(1 << 30));
        assert_eq!(parse_bytes(" 2 GiB ", 1), Some(2 << 30));
        assert_eq!(parse_bytes("-1", 1), None);
        assert_eq!(parse_bytes("99999999999p", 1), None);
        assert_eq!(parse_bytes("è", 1), None);
    }

    #[test]
    fn times_read_as_spark_reads_them() {
        assert_eq!(parse_millis("3s", 1), Some(3_000));
        assert_eq!(parse_millis("120", 1_000), Some(120_000));
        assert_eq!(parse_millis("soon", 1), None);
    }
}
