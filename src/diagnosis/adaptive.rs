//! Adaptive query execution: whether it would have mended a stage, and which setting stops it.

use super::finding::Advice;
use crate::model::{Application, Stage};
use crate::units;

/// Settings of AQE's skew join, with Spark's defaults (`SQLConf`).
const FACTOR: &str = "spark.sql.adaptive.skewJoin.skewedPartitionFactor";
const THRESHOLD: &str = "spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes";
const ADVISORY: &str = "spark.sql.adaptive.advisoryPartitionSizeInBytes";
const DEFAULT_ADVISORY: u64 = 64 << 20;
const DEFAULT_FACTOR: f64 = 5.0;
const DEFAULT_THRESHOLD: u64 = 256 << 20;

/// Major and minor version of Spark.
pub fn version(application: &Application) -> Option<(u32, u32)> {
    let mut parts = application.spark_version.as_deref()?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Whether AQE is on: by its setting, else on from Spark 3.2 (SPARK-33679).
pub fn is_on(application: &Application) -> bool {
    let by_default = version(application).is_none_or(|version| version >= (3, 2));
    application
        .environment
        .spark_bool("spark.sql.adaptive.enabled")
        .unwrap_or(by_default)
}

/// Sizes of shuffle partitions, bytes.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// The skewed one.
    pub largest: u64,
    /// The usual one.
    pub median: u64,
    /// What a part of the skewed one is to have.
    pub part: u64,
}

/// Why AQE left a skewed shuffle partition of a SQL stage whole, with the settings that let it split. `None` for stages that
/// AQE does not touch. `is_join`: the plan says that the stage joins.
pub fn split_skew(application: &Application, stage: &Stage, sizes: Sizes, is_join: bool) -> Option<Advice> {
    let Sizes { largest, median, part } = sizes;
    stage.sql?;
    if version(application).is_some_and(|version| version < (3, 0)) {
        return None;
    }
    let environment = &application.environment;
    let factor = environment.spark_number(FACTOR).unwrap_or(DEFAULT_FACTOR);
    let threshold = environment.spark_bytes(THRESHOLD, 1).unwrap_or(DEFAULT_THRESHOLD);
    let mut config: Vec<(String, String)> = Vec::new();
    let mut why = Vec::new();
    let mut set = |key: &str, value: String| config.push((key.to_owned(), value));
    if !is_on(application) {
        set("spark.sql.adaptive.enabled", "true".into());
        why.push("spark.sql.adaptive.enabled is off".to_owned());
    }
    if environment.spark_bool("spark.sql.adaptive.skewJoin.enabled") == Some(false) {
        set("spark.sql.adaptive.skewJoin.enabled", "true".into());
        why.push("spark.sql.adaptive.skewJoin.enabled is off".to_owned());
    }
    if largest <= threshold {
        // Halfway between the usual and the skewed partition, so that AQE tells them apart.
        let between = (median.saturating_add(largest) / 2).max(1);
        set(THRESHOLD, byte_setting(between));
        why.push(format!(
            "the partition ({}) is under the {} from which AQE calls one skewed",
            units::bytes(largest),
            units::bytes(threshold)
        ));
    }
    if largest as f64 <= factor * median as f64 {
        let ratio = (largest as f64 / median.max(1) as f64 * 0.8).max(1.5);
        set(FACTOR, format!("{ratio:.1}"));
        why.push(format!("it is not {} the median", units::times(factor)));
    }
    // AQE cuts a skewed partition into pieces of this size.
    if part < environment.spark_bytes(ADVISORY, 1).unwrap_or(DEFAULT_ADVISORY) {
        set(ADVISORY, byte_setting(part.max(median).max(1)));
    }
    let start = if is_join { "Let" } else { "If this is a join, let" };
    let text = if why.is_empty() {
        if version(application).is_some_and(|version| version >= (3, 3)) {
            set("spark.sql.adaptive.forceOptimizeSkewedJoin", "true".into());
        }
        format!(
            "{start} AQE split the partition: it is on and the partition is over its thresholds, so it was left whole because \
             splitting needs one more shuffle, or this side of an outer join cannot be split."
        )
    } else {
        format!(
            "{start} AQE split the partition. It did not, because {}.",
            why.join(", and ")
        )
    };
    Some(Advice {
        text,
        config,
        ..Advice::default()
    })
}

/// A size as a Spark setting, in whole MiB where it has any.
fn byte_setting(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{}k", (bytes >> 10).max(1)),
        mib => format!("{mib}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(largest: u64, median: u64) -> Sizes {
        Sizes {
            largest,
            median,
            part: largest / 4,
        }
    }

    fn advice(properties: &[(&str, &str)], version: &str, largest: u64, median: u64) -> Option<Advice> {
        let mut application = Application {
            spark_version: Some(version.into()),
            ..Application::default()
        };
        application.environment.spark = properties.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let stage = Stage {
            sql: Some(0),
            ..Stage::default()
        };
        split_skew(&application, &stage, sizes(largest, median), true)
    }

    #[test]
    fn the_setting_that_stops_aqe_is_named() {
        let off = advice(&[("spark.sql.adaptive.enabled", "false")], "3.5.1", 8 << 30, 128 << 20).unwrap();
        assert_eq!(
            off.config,
            [("spark.sql.adaptive.enabled".to_owned(), "true".to_owned())]
        );
        let small = advice(&[], "4.0.1", 100 << 20, 2 << 20).unwrap();
        assert!(small.text.contains("256 MiB"), "{}", small.text);
        let set = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(small.config, [set(THRESHOLD, "51m"), set(ADVISORY, "25m")]);
        let mild = advice(&[], "4.0.1", 400 << 20, 100 << 20).unwrap();
        assert_eq!(mild.config, [(FACTOR.to_owned(), "3.2".to_owned())]);
        let forced = advice(&[], "4.0.1", 8 << 30, 128 << 20).unwrap();
        assert_eq!(forced.config[0].0, "spark.sql.adaptive.forceOptimizeSkewedJoin");
    }

    #[test]
    fn aqe_is_no_advice_where_there_is_none() {
        assert_eq!(advice(&[], "2.4.8", 8 << 30, 1), None);
        assert_eq!(
            split_skew(&Application::default(), &Stage::default(), sizes(8 << 30, 1), true),
            None
        );
    }

    #[test]
    fn aqe_is_on_by_default_since_3_2() {
        let of = |version: &str| Application {
            spark_version: Some(version.into()),
            ..Application::default()
        };
        assert!(is_on(&of("3.2.0")));
        assert!(!is_on(&of("3.1.3")));
    }
}
