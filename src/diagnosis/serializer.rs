//! `serializer`: RDDs of objects go through shuffles by Java's own serialization.

use super::context::Context;
use super::finding::{Advice, Code, Confidence, Evidence, Finding, Severity};
use super::{Draft, Matter, Rule, statistics};
use crate::model::{Application, Stage, TaskMetric, Unit};
use crate::units;

pub const RULE: Rule = Rule {
    name: "serializer",
    about: "spark.serializer is Java's (Spark's own choice unless set), and stages that shuffle RDDs of objects take at least 10% of wall \
            time and shuffle 64 MiB. DataFrames and PySpark, which bring their own serialization, are left out. No saving: Spark does \
            not record how long serialization takes.",
    check,
};

fn check(context: &Context<'_>) -> Vec<Draft> {
    let set = context.application.environment.spark("spark.serializer");
    let is_java = set.is_none_or(|name| name.ends_with("JavaSerializer"));
    if !is_java || is_python(context.application) {
        return Vec::new();
    }
    examine(context).into_iter().collect()
}

/// Whether the driver is a Python program: its RDDs hold pickled bytes.
fn is_python(application: &Application) -> bool {
    let command = application
        .environment
        .system
        .iter()
        .find(|(key, _)| key == "sun.java.command");
    let command = command.map_or("", |(_, command)| command.as_str());
    let python = command
        .split_whitespace()
        .any(|word| word.ends_with(".py") || word == "pyspark-shell");
    python || application.stages.iter().any(|stage| stage.name.contains(".py:"))
}

fn shuffled(stage: &Stage) -> u64 {
    let parts = [
        TaskMetric::ShuffleWriteBytes,
        TaskMetric::ShuffleLocalBytesRead,
        TaskMetric::ShuffleRemoteBytesRead,
    ];
    statistics::total(parts.into_iter().filter_map(|metric| stage.totals.get(metric)))
}

fn examine(context: &Context<'_>) -> Option<Draft> {
    let thresholds = context.thresholds;
    let stages: Vec<&Stage> = context
        .application
        .ran_stages()
        .map(|stage| &**stage)
        .filter(|stage| stage.sql.is_none() && shuffled(stage) > 0)
        // Without a call site nobody knows whose code it is.
        .filter(|stage| stage.name.contains(" at "))
        .collect();
    let bytes = statistics::total(stages.iter().map(|stage| shuffled(stage)));
    let time = statistics::total(stages.iter().map(|stage| context.stage_ms(stage)));
    let worst = *stages.iter().max_by_key(|stage| shuffled(stage))?;
    let share = time as f64 / context.wall_ms.max(1) as f64;
    if bytes < thresholds.serializer_bytes || share < thresholds.serializer_share {
        return None;
    }
    let setting = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    Some(Draft {
        finding: Finding {
            rule: RULE.name,
            severity: Severity::Info,
            title: format!(
                "Java serialization of {} through shuffles, most in {}",
                units::bytes(bytes),
                context.name(worst)
            ),
            place: context.place(worst),
            evidence: vec![
                Evidence {
                    metric: "shuffled by stages of RDDs, written and read".into(),
                    value: bytes as f64,
                    unit: Unit::Bytes,
                    baseline: Some(thresholds.serializer_bytes as f64),
                    note: "as Java's serialization made it".into(),
                },
                Evidence {
                    metric: "time of those stages".into(),
                    value: time as f64,
                    unit: Unit::Millis,
                    baseline: Some(context.wall_ms as f64),
                    note: "wall time of the application".into(),
                },
            ],
            cause: "Java's serialization writes class names and every field by reflection: it is slow, and larger than Kryo's, for every \
                    object that passes a shuffle or is cached serialized."
                .into(),
            advice: vec![
                Advice {
                    text: "Serialize by Kryo, with the classes of your records registered (in code, or by their full names in \
                           spark.kryo.classesToRegister): without that their names are written with every object."
                        .into(),
                    config: vec![setting("spark.serializer", "org.apache.spark.serializer.KryoSerializer")],
                    code: Code {
                        scala: "conf.registerKryoClasses(Array(classOf[YourRecord]))".into(),
                        ..Code::default()
                    },
                },
                Advice {
                    text: "Or use DataFrames or Datasets, which hold rows in Spark's own binary form.".into(),
                    ..Advice::default()
                },
            ],
            saving_ms: None,
            saving_note: "Spark does not record how long serialization takes.".into(),
            confidence: Confidence::Low,
        },
        matter: Matter::Hazard,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::{Thresholds, findings};
    use crate::schedule::sample::Sample;

    fn shuffling(name: &str) -> Sample {
        Sample::cluster(2, 2).stage_with(name, &[10_000; 8], |_, task| {
            task.metrics.set(TaskMetric::ShuffleWriteBytes, Some(20 << 20));
        })
    }

    #[test]
    fn objects_by_java_s_serialization_are_told() {
        let found = findings(&shuffling("map at Etl.scala:8").application(), &Thresholds::default());
        assert_eq!(
            found[0].title,
            "Java serialization of 160 MiB through shuffles, most in stage 0 (map at Etl.scala:8)"
        );
    }

    #[test]
    fn kryo_python_and_small_shuffles_are_not() {
        let kryo =
            shuffling("map at Etl.scala:8").set("spark.serializer", "org.apache.spark.serializer.KryoSerializer");
        for sample in [kryo, shuffling("map at /apps/etl.py:8")] {
            assert!(findings(&sample.application(), &Thresholds::default()).is_empty());
        }
    }
}
