//! Which settings exist in which version of Spark: advice must not name one that the application's Spark does not know.
//! Every finding passes through [`fit`] on its way out; rules name settings by their newest names.

use super::finding::{Advice, Finding};
use crate::model::Application;

/// Major and minor version of Spark.
type Version = (u32, u32);

/// A setting that rules may name.
struct Setting {
    name: &'static str,
    /// The first version that has it.
    since: Version,
    /// What did its work before, and since when.
    before: Option<(&'static str, Version)>,
    /// A vendor's own: the word in the version that tells the vendor's Spark.
    vendor: Option<&'static str>,
}

const fn since(name: &'static str, major: u32, minor: u32) -> Setting {
    Setting {
        name,
        since: (major, minor),
        before: None,
        vendor: None,
    }
}

const fn renamed(name: &'static str, major: u32, minor: u32, before: &'static str, from: Version) -> Setting {
    Setting {
        before: Some((before, from)),
        ..since(name, major, minor)
    }
}

const fn emr(name: &'static str) -> Setting {
    Setting {
        vendor: Some("amzn"),
        ..since(name, 2, 0)
    }
}

/// Versions as Spark's configuration page gives them ("Since Version"), and `SparkConf.configsWithAlternatives` for the names
/// before. Adaptive execution as advised here came with 3.0, although two of its settings are older.
const SETTINGS: &[Setting] = &[
    since("spark.cores.max", 0, 6),
    since("spark.decommission.enabled", 3, 1),
    since("spark.default.parallelism", 0, 5),
    since("spark.driver.extraJavaOptions", 1, 0),
    since("spark.driver.maxResultSize", 1, 2),
    since("spark.driver.memory", 1, 1),
    renamed(
        "spark.driver.memoryOverhead",
        2,
        3,
        "spark.yarn.driver.memoryOverhead",
        (1, 2),
    ),
    since("spark.dynamicAllocation.cachedExecutorIdleTimeout", 1, 4),
    since("spark.dynamicAllocation.enabled", 1, 2),
    since("spark.dynamicAllocation.executorIdleTimeout", 1, 2),
    since("spark.dynamicAllocation.initialExecutors", 1, 3),
    since("spark.dynamicAllocation.maxExecutors", 1, 2),
    since("spark.dynamicAllocation.minExecutors", 1, 2),
    since("spark.dynamicAllocation.shuffleTracking.enabled", 3, 0),
    renamed(
        "spark.excludeOnFailure.enabled",
        3,
        1,
        "spark.blacklist.enabled",
        (2, 1),
    ),
    since("spark.executor.cores", 1, 0),
    since("spark.executor.extraJavaOptions", 1, 0),
    since("spark.executor.heartbeatInterval", 1, 1),
    since("spark.executor.instances", 1, 0),
    since("spark.executor.memory", 0, 7),
    renamed(
        "spark.executor.memoryOverhead",
        2,
        3,
        "spark.yarn.executor.memoryOverhead",
        (1, 2),
    ),
    since("spark.executor.memoryOverheadFactor", 3, 3),
    since("spark.executor.processTreeMetrics.enabled", 3, 0),
    since("spark.executor.pyspark.memory", 2, 4),
    since("spark.io.compression.codec", 0, 8),
    since("spark.kryo.classesToRegister", 1, 2),
    since("spark.kryo.registrationRequired", 1, 1),
    since("spark.kryoserializer.buffer.max", 1, 4),
    since("spark.locality.wait", 0, 5),
    since("spark.locality.wait.node", 0, 8),
    since("spark.locality.wait.process", 0, 8),
    since("spark.locality.wait.rack", 0, 8),
    since("spark.memory.fraction", 1, 6),
    since("spark.memory.storageFraction", 1, 6),
    since("spark.network.timeout", 1, 3),
    since("spark.rdd.compress", 0, 6),
    since("spark.reducer.maxBlocksInFlightPerAddress", 2, 2),
    since("spark.reducer.maxReqsInFlight", 2, 0),
    since("spark.reducer.maxSizeInFlight", 1, 4),
    since("spark.scheduler.listenerbus.eventqueue.capacity", 2, 3),
    since("spark.scheduler.maxRegisteredResourcesWaitingTime", 1, 1),
    since("spark.scheduler.minRegisteredResourcesRatio", 1, 1),
    since("spark.scheduler.mode", 0, 8),
    since("spark.serializer", 0, 5),
    since("spark.shuffle.io.maxRetries", 1, 2),
    since("spark.shuffle.io.retryWait", 1, 2),
    since("spark.shuffle.io.serverThreads", 1, 2),
    since("spark.shuffle.push.enabled", 3, 2),
    since("spark.shuffle.service.enabled", 1, 2),
    since("spark.speculation", 0, 6),
    since("spark.speculation.minTaskRuntime", 3, 2),
    since("spark.speculation.multiplier", 0, 6),
    since("spark.speculation.quantile", 0, 6),
    since("spark.sql.adaptive.advisoryPartitionSizeInBytes", 3, 0),
    since("spark.sql.adaptive.autoBroadcastJoinThreshold", 3, 2),
    since("spark.sql.adaptive.coalescePartitions.enabled", 3, 0),
    since("spark.sql.adaptive.coalescePartitions.initialPartitionNum", 3, 0),
    since("spark.sql.adaptive.coalescePartitions.minPartitionNum", 3, 0),
    since("spark.sql.adaptive.coalescePartitions.minPartitionSize", 3, 2),
    since("spark.sql.adaptive.coalescePartitions.parallelismFirst", 3, 2),
    since("spark.sql.adaptive.enabled", 3, 0),
    since("spark.sql.adaptive.forceOptimizeSkewedJoin", 3, 3),
    since("spark.sql.adaptive.localShuffleReader.enabled", 3, 0),
    since("spark.sql.adaptive.skewJoin.enabled", 3, 0),
    since("spark.sql.adaptive.skewJoin.skewedPartitionFactor", 3, 0),
    since("spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes", 3, 0),
    since("spark.sql.autoBroadcastJoinThreshold", 1, 1),
    since("spark.sql.broadcastTimeout", 1, 3),
    renamed(
        "spark.sql.execution.arrow.pyspark.enabled",
        3,
        0,
        "spark.sql.execution.arrow.enabled",
        (2, 3),
    ),
    since("spark.sql.execution.pythonUDF.arrow.enabled", 3, 5),
    since("spark.sql.files.maxPartitionBytes", 2, 0),
    since("spark.sql.files.maxRecordsPerFile", 2, 2),
    since("spark.sql.files.openCostInBytes", 2, 0),
    since("spark.sql.optimizer.dynamicPartitionPruning.enabled", 3, 0),
    since("spark.sql.parquet.filterPushdown", 1, 2),
    since("spark.sql.shuffle.partitions", 1, 1),
    since("spark.sql.sources.parallelPartitionDiscovery.threshold", 1, 5),
    since("spark.sql.streaming.stateStore.providerClass", 2, 3),
    since("spark.stage.ignoreDecommissionFetchFailure", 3, 4),
    since("spark.stage.maxConsecutiveAttempts", 2, 2),
    since("spark.storage.decommission.enabled", 3, 1),
    since("spark.storage.decommission.fallbackStorage.path", 3, 1),
    since("spark.storage.decommission.rddBlocks.enabled", 3, 1),
    since("spark.storage.decommission.shuffleBlocks.enabled", 3, 1),
    since("spark.task.cpus", 0, 5),
    since("spark.task.maxFailures", 0, 8),
    since("spark.ui.retainedDeadExecutors", 2, 0),
    since("spark.ui.retainedJobs", 1, 2),
    since("spark.ui.retainedStages", 0, 9),
    since("spark.ui.retainedTasks", 2, 0),
    since("spark.yarn.exclude.nodes", 3, 0),
    emr("spark.blacklist.decommissioning.enabled"),
    emr("spark.blacklist.decommissioning.timeout"),
    emr("spark.resourceManager.cleanupExpiredHost"),
    emr("spark.stage.attempt.ignoreOnDecommissionFetchFailure"),
];

/// A Spark as far as its settings go.
#[derive(Clone, Debug)]
pub struct Release {
    version: Version,
    text: String,
}

impl Release {
    /// An application's; the newest where none is recorded.
    pub fn of(application: &Application) -> Release {
        let text = application.spark_version.clone().unwrap_or_default();
        let mut numbers = text
            .split(|c: char| !c.is_ascii_digit())
            .map_while(|part| part.parse().ok());
        let version = match (numbers.next(), numbers.next()) {
            (Some(major), Some(minor)) => (major, minor),
            _ => (u32::MAX, 0),
        };
        Release { version, text }
    }

    /// Whether it is at least this version.
    pub fn is(&self, major: u32, minor: u32) -> bool {
        self.version >= (major, minor)
    }

    /// Amazon EMR's own build.
    pub fn is_emr(&self) -> bool {
        self.text.contains("amzn")
    }

    /// What a setting is called in this Spark; `None` where it has none such.
    pub fn name(&self, setting: &str) -> Option<&'static str> {
        let known = SETTINGS.iter().find(|known| known.name == setting)?;
        if known.vendor.is_some_and(|vendor| !self.text.contains(vendor)) {
            return None;
        }
        if self.version >= known.since {
            return Some(known.name);
        }
        known
            .before
            .filter(|(_, from)| self.version >= *from)
            .map(|(name, _)| name)
    }

    /// Whether a name is one that this Spark knows.
    fn knows(&self, name: &str) -> bool {
        let old = |known: &&Setting| known.before.is_some_and(|(before, _)| before == name);
        match SETTINGS.iter().find(old) {
            // An old name still works beside the new one, but is not advised.
            Some(known) => self.name(known.name) == Some(name),
            None => self.name(name) == Some(name),
        }
    }

    /// A text with settings by their names in this Spark; `None` when it names one that there is not.
    fn text(&self, text: &str) -> Option<String> {
        let mut fitted = text.to_owned();
        for name in named(text) {
            let here = self.name(name)?;
            if here != name {
                fitted = fitted.replace(name, here);
            }
        }
        Some(fitted)
    }
}

/// Puts a finding's settings into the words of the application's Spark, and leaves out advice that it cannot follow.
pub fn fit(finding: &mut Finding, release: &Release) {
    let texts = [&mut finding.title, &mut finding.cause, &mut finding.saving_note];
    let notes = finding.evidence.iter_mut().map(|evidence| &mut evidence.note);
    for text in texts.into_iter().chain(notes) {
        if let Some(fitted) = release.text(text) {
            *text = fitted;
        }
    }
    finding.advice.retain_mut(|advice| {
        let (had, bare) = (!advice.config.is_empty(), advice.code == Default::default());
        advice.config.retain_mut(|(name, _)| match release.name(name) {
            Some(here) => {
                *name = here.to_owned();
                true
            }
            None => false,
        });
        match release.text(&advice.text) {
            Some(fitted) => advice.text = fitted,
            None => return false,
        }
        !(had && bare && advice.config.is_empty())
    });
    #[cfg(test)]
    assert_eq!(
        unknown_settings(finding, release),
        Vec::<String>::new(),
        "{}",
        finding.title
    );
}

/// Settings that a finding names and its Spark does not know.
pub fn unknown_settings(finding: &Finding, release: &Release) -> Vec<String> {
    let of_advice = |advice: &Advice| {
        let texts = [&advice.text, &advice.code.python, &advice.code.scala, &advice.code.sql];
        let in_texts = texts.into_iter().flat_map(|text| named(text)).map(str::to_owned);
        let names: Vec<String> = in_texts
            .chain(advice.config.iter().map(|(name, _)| name.clone()))
            .collect();
        names
    };
    let notes = finding.evidence.iter().map(|evidence| &evidence.note);
    let told = [&finding.title, &finding.cause, &finding.saving_note]
        .into_iter()
        .chain(notes);
    let told = told.flat_map(|text| named(text)).map(str::to_owned);
    let mut unknown: Vec<String> = told.chain(finding.advice.iter().flat_map(of_advice)).collect();
    unknown.retain(|name| !release.knows(name));
    unknown
}

/// The settings named in a text: `spark.` and at least one more word, unless it is a call (`spark.range(`), a class or a
/// value in a message of Spark's own.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_' || c == '-';
    text.match_indices("spark.").filter_map(move |(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        if before.is_some_and(|c| is_name(c) || c == '/') {
            return None;
        }
        let rest = text.get(at..)?;
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let call = rest.get(end..).is_some_and(|after| after.starts_with('('));
        let name = rest.get(..end)?.trim_end_matches('.');
        // The session's own members and packages.
        let member = ["spark.read", "spark.sql.functions"]
            .iter()
            .any(|start| name.starts_with(start));
        (!call && !member && name.contains('.')).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::Code;

    fn release(version: &str) -> Release {
        Release::of(&Application {
            spark_version: Some(version.into()),
            ..Application::default()
        })
    }

    #[test]
    fn settings_go_by_the_name_of_their_time() {
        let overhead = "spark.executor.memoryOverhead";
        assert_eq!(release("4.0.1").name(overhead), Some(overhead));
        assert_eq!(
            release("2.2.0").name(overhead),
            Some("spark.yarn.executor.memoryOverhead")
        );
        assert_eq!(
            release("3.0.3").name("spark.excludeOnFailure.enabled"),
            Some("spark.blacklist.enabled")
        );
        assert_eq!(release("3.0.3").name("spark.decommission.enabled"), None);
        assert_eq!(release("2.4.8").name("spark.sql.adaptive.enabled"), None);
        assert_eq!(release("").name(overhead), Some(overhead));
        let emr = "spark.resourceManager.cleanupExpiredHost";
        assert_eq!(release("3.4.1").name(emr), None);
        assert_eq!(release("3.4.1-amzn-0").name(emr), Some(emr));
    }

    #[test]
    fn a_setting_stands_once_in_the_table() {
        for (at, known) in SETTINGS.iter().enumerate() {
            assert!(
                SETTINGS.iter().skip(at + 1).all(|other| other.name != known.name),
                "{}",
                known.name
            );
        }
    }

    #[test]
    fn settings_are_told_from_calls() {
        let text = "Set spark.task.cpus, not spark.range(3).count() nor org.apache.spark.sql.Row nor spark.read; spark.locality.wait.";
        assert_eq!(
            named(text).collect::<Vec<_>>(),
            ["spark.task.cpus", "spark.locality.wait"]
        );
    }

    #[test]
    fn advice_that_this_spark_cannot_follow_is_left_out() {
        let advice = |text: &str, setting: &str| Advice {
            text: text.into(),
            config: vec![(setting.into(), "1".into())],
            code: Code::default(),
        };
        let mut finding = crate::diagnosis::tests::draft("x", crate::diagnosis::Matter::Saving, None).finding;
        finding.advice = vec![
            advice("Hand on.", "spark.decommission.enabled"),
            advice(
                "More room (spark.executor.memoryOverhead).",
                "spark.executor.memoryOverhead",
            ),
        ];
        fit(&mut finding, &release("2.2.1"));
        let [only] = finding.advice.as_slice() else {
            panic!("{finding:?}")
        };
        assert_eq!(only.text, "More room (spark.yarn.executor.memoryOverhead).");
        assert_eq!(only.config[0].0, "spark.yarn.executor.memoryOverhead");
    }
}
