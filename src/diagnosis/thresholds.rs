//! Every number that decides whether a pattern is present, in one place. The configuration file may override them by name.

macro_rules! thresholds {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ty = $default:expr;)*) => {
        /// Thresholds of all rules. Shares are of 1; ratios are times.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Thresholds {
            $($(#[doc = $doc])+ pub $name: $kind,)*
        }

        impl Default for Thresholds {
            fn default() -> Self {
                Thresholds { $($name: $default,)* }
            }
        }

        impl Thresholds {
            /// Every threshold's name.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// Every threshold with its value and what it decides.
            pub fn explained(&self) -> Vec<(&'static str, f64, &'static str)> {
                vec![$((stringify!($name), self.$name as f64, concat!($($doc),+).trim_ascii())),*]
            }

            /// Sets a threshold by its name.
            ///
            /// # Errors
            /// A sentence for the reader when there is no such threshold, or when the value is nothing that it can be: negative, no number,
            /// not whole for what is counted, or beyond what such a number holds.
            pub fn set(&mut self, name: &str, value: f64) -> Result<(), String> {
                if !value.is_finite() || value < 0.0 {
                    return Err(format!("threshold {name}: {value} is not a number from 0 up"));
                }
                match name {
                    $(stringify!($name) => self.$name = <$kind as Value>::of(value).map_err(|why| format!("threshold {name}: {value} {why}"))?,)*
                    _ => return Err(format!("no threshold is named {name}; there are {}", Self::NAMES.join(", "))),
                }
                Ok(())
            }
        }
    };
}

/// What a threshold's number may be.
trait Value: Sized {
    fn of(value: f64) -> Result<Self, &'static str>;
}

impl Value for f64 {
    fn of(value: f64) -> Result<f64, &'static str> {
        // Nothing that is measured is so many times as large as anything else.
        (value <= 1e9).then_some(value).ok_or("is too large; shares are of 1")
    }
}

macro_rules! whole {
    ($($kind:ty)*) => {$(
        impl Value for $kind {
            fn of(value: f64) -> Result<$kind, &'static str> {
                // As a number of 64 bits it could not be told from its neighbours beyond 2⁵³.
                if value.fract() != 0.0 {
                    Err("is not a whole number")
                } else if value > (1_u64 << 53) as f64 || value > <$kind>::MAX as f64 {
                    Err("is too large")
                } else {
                    Ok(value as $kind)
                }
            }
        }
    )*};
}

whole!(u32 u64 usize);

thresholds! {
    /// Share of the application's wall time that makes a finding critical.
    critical_saving_share: f64 = 0.20;
    /// Share of the application's wall time that makes a finding a warning.
    warning_saving_share: f64 = 0.05;
    /// Findings that give back less are not told, ms…
    least_saving_ms: u64 = 1_000;
    /// …nor those that give back less than this share of wall time.
    least_saving_share: f64 = 0.01;
    /// A simulation that is off by more than this share leaves low confidence.
    calibration_low: f64 = 0.25;
    /// A simulation that is off by less than this share leaves high confidence.
    calibration_high: f64 = 0.10;
    /// A skewed task takes so many times the median duration…
    skew_duration_ratio: f64 = 3.0;
    /// …and has so many times the median bytes or records.
    skew_size_ratio: f64 = 3.0;
    /// Stages of fewer tasks have no median to speak of.
    skew_least_tasks: usize = 3;
    /// Bytes that a partition should hold: Spark's `spark.sql.files.maxPartitionBytes`, the size of an HDFS block.
    partition_bytes: u64 = 128 << 20;
    /// A stage longer than this is worth two waves of tasks, ms.
    two_waves_ms: u64 = 3_000;
    /// A stage with fewer tasks than slots must take this share of wall time.
    too_few_stage_share: f64 = 0.05;
    /// Partitions this large are too large when slots are idle, bytes.
    large_partition_bytes: u64 = 512 << 20;
    /// A single task shorter than this is no missing parallelism: it may be class loading, or a listing, ms.
    too_few_least_ms: u64 = 5_000;
    /// Slots idle for this share of such a stage.
    large_partition_idle_share: f64 = 0.25;
    /// What the first task on a slot pays for class loading and the JIT, at most, ms. Seen: 5.3 s against 1.9 s.
    warm_up_ms: u64 = 3_400;
    /// Tasks of a shorter median are tiny, ms: starting one costs 10 to 100 ms.
    tiny_median_ms: u64 = 100;
    /// So are tasks that spend this share of their time on scheduling and deserialization.
    tiny_starting_share: f64 = 0.30;
    /// Fewer tasks are not worth merging: what they cost to start is soon over.
    tiny_least_tasks: u64 = 100;
    /// So many tasks a slot make tiny tasks worth merging.
    tiny_tasks_a_slot: f64 = 4.0;
    /// A straggler takes so many times the median duration…
    straggler_duration_ratio: f64 = 3.0;
    /// …with at most so many times the median size.
    straggler_size_ratio: f64 = 1.5;
    /// A straggler takes this long, ms: shorter ones are a busy host's or the JIT's noise.
    straggler_least_ms: u64 = 5_000;
    /// A stage or wave of fewer tasks has no usual duration to compare with.
    straggler_least_tasks: usize = 8;
    /// Spilling tasks take this share of the stage's task time.
    spill_time_share: f64 = 0.10;
    /// Spill whose cost cannot be estimated is told from here on, bytes. On the recorded pair 667 MiB cost 1.1 s of CPU time, 10.1 s
    /// instead of 9.0 s; what disks add depends on the disks.
    spill_bytes: u64 = 256 << 20;
    /// Garbage collection takes this share of executor run time: what Spark's Executors page marks.
    gc_share: f64 = 0.10;
    /// What garbage collection usually takes of run time at most.
    gc_healthy_share: f64 = 0.05;
    /// A stage must take this share of wall time for its garbage collection to matter.
    gc_stage_share: f64 = 0.05;
    /// Share of wall time between jobs that makes an application driver-bound.
    driver_share: f64 = 0.20;
    /// Results this large are worth a look, bytes.
    collect_bytes: u64 = 64 << 20;
    /// So are results of this share of `spark.driver.maxResultSize`.
    collect_share_of_limit: f64 = 0.10;
    /// A collect of this share of the limit is a hazard even when it costs no time: a little more data fails the job.
    collect_hazard_share: f64 = 0.5;
    /// The driver takes over collected rows at least this fast, bytes a second: what it does longer is not the collect's. A
    /// third of what unpickling reached in measured runs.
    collect_bytes_per_second: u64 = 10 << 20;
    /// A stage that calls Python functions waits for them for this share of its run time.
    python_wait_share: f64 = 0.10;
    /// Text input this large is worth converting, bytes…
    row_format_bytes: u64 = 1 << 30;
    /// …and so is what takes this share of wall time to read.
    row_format_share: f64 = 0.10;
    /// A core parses CSV or JSON at least this fast, bytes a second: the recorded pair parsed 51 MiB/s, and 27 MiB/s to infer a schema.
    row_format_bytes_per_second: u64 = 20 << 20;
    /// A scan of so many files…
    small_files_least: u64 = 1_000;
    /// …of less than this on average, bytes, has too many; so has a write.
    small_file_bytes: u64 = 16 << 20;
    /// A write of more files than this, if they are small.
    written_files_least: u64 = 100;
    /// What a file too many costs the task that writes it, ms: 18 ms on the recorded pair (1,200 files for 50, a local disk); object
    /// stores take more.
    file_write_ms: u64 = 20;
    /// A core reads, decodes and filters files at least this fast, bytes a second: recorded pairs read 28 MiB/s of Parquet with all
    /// its columns, and 86 MiB/s where half of them were left out.
    file_bytes_per_second: u64 = 20 << 20;
    /// So fast a core writes or reads rows of a shuffle, uncompressed bytes a second at either end: measured on a recorded pair.
    shuffle_bytes_per_second: u64 = 100 << 20;
    /// A filter behind a scan of all partitions keeps this share of the rows at most.
    full_scan_kept_share: f64 = 0.25;
    /// One side of a join this small may be broadcast, bytes.
    missed_broadcast_bytes: u64 = 100 << 20;
    /// A broadcast this large is a hazard, bytes.
    large_broadcast_bytes: u64 = 128 << 20;
    /// So is one that takes the driver this share of wall time.
    large_broadcast_share: f64 = 0.05;
    /// A join that compares so many pairs of rows…
    cartesian_pairs: u64 = 10_000_000;
    /// …and so many times as many as both sides have rows lacks an equality.
    cartesian_ratio: f64 = 100.0;
    /// A core reads, hashes and joins at least so many rows a second where a join has an equality: measured on the recorded pair,
    /// class loading and compilation included.
    cartesian_hashed_rows_per_second: u64 = 200_000;
    /// Streaming batches that tell a trend.
    lag_least_batches: u64 = 3;
    /// Batches of a query that falls behind grow so many times from the first to the last third.
    lag_growth: f64 = 1.5;
    /// A slow host's or executor's tasks take so many times as long as the others'…
    slow_host_ratio: f64 = 1.5;
    /// …in so many stages…
    slow_host_stages: usize = 2;
    /// …or over so many of its tasks.
    slow_host_tasks: usize = 20;
    /// Fewer tasks of a stage on a host, or elsewhere, have no median to speak of.
    slow_host_least_tasks: usize = 3;
    /// Executors are idle for this share of their core time.
    idle_share: f64 = 0.50;
    /// Fewer executors are as good when the application takes at most this share longer on them.
    idle_longer_share: f64 = 0.05;
    /// Less idle core time is not worth a setting, ms.
    idle_least_core_ms: u64 = 300_000;
    /// A slow start lasts this long, ms: a container or pod usually comes within half of it…
    slow_start_ms: u64 = 30_000;
    /// …and takes this share of wall time.
    slow_start_share: f64 = 0.05;
    /// What coming up takes anyway, and is no saving, ms.
    slow_start_usual_ms: u64 = 5_000;
    /// Tasks far from their data are this share of a stage's…
    locality_far_share: f64 = 0.20;
    /// …and take so many times as long as the near ones.
    locality_far_ratio: f64 = 1.5;
    /// Tasks waited for their data where one executor ran so many times its even share of them, and others were idle.
    locality_uneven_ratio: f64 = 1.3;
    /// The driver's heap is filled to this share of its limit…
    driver_memory_share: f64 = 0.50;
    /// …and so many times as full as the fullest executor's.
    driver_memory_ratio: f64 = 2.0;
    /// A heap filled to this share of its limit has no room left.
    headroom_least_share: f64 = 0.95;
    /// Heaps that never pass this share of their limit are too large…
    headroom_waste_share: f64 = 0.30;
    /// …and larger than this, bytes: below, Spark's own needs decide.
    headroom_waste_bytes: u64 = 2 << 30;
    /// Cores of an executor at most: beyond, its tasks contend for one heap and one HDFS client (S. Ryza 2015).
    sizing_cores: u32 = 5;
    /// Heap of an executor at most, bytes: beyond, garbage collection pauses grow too long (S. Ryza 2015).
    sizing_heap_bytes: u64 = 64 << 30;
    /// So many executors of one core each hold as many copies of what is broadcast.
    sizing_single_core_executors: usize = 8;
    /// Cores of a node, for advice on executors; 0 when it is to be inferred.
    node_cores: u32 = 0;
    /// Memory of a node, GiB, for advice on executors; 0 when it is to be inferred.
    node_memory_gib: u32 = 0;
    /// Waiting for shuffle blocks takes this share of executor run time.
    shuffle_wait_share: f64 = 0.20;
    /// Shuffle blocks smaller than this on average are small, bytes: each costs a request whatever its size.
    shuffle_small_block_bytes: u64 = 64 << 10;
    /// Killed speculative copies take this share of the time of all tasks.
    speculation_waste_share: f64 = 0.10;
    /// Stages that shuffle objects by Java's serialization take this share of wall time…
    serializer_share: f64 = 0.10;
    /// …and shuffle this much, bytes.
    serializer_bytes: u64 = 64 << 20;
}

/// What the advised number of partitions goes by (`partition_count`).
const COUNT: [&str; 2] = ["partition_bytes", "two_waves_ms"];

/// Where a threshold's name does not begin with its rule's: the beginnings of the names.
const BEGINNINGS: &[(&str, &[&str])] = &[
    ("skewed-partition", &["skew_"]),
    (
        "too-few-tasks",
        &["too_few_", "large_partition_", COUNT[0], COUNT[1], "warm_up_"],
    ),
    ("tiny-tasks", &["tiny_", COUNT[0], COUNT[1]]),
    ("gc-pressure", &["gc_", COUNT[0], COUNT[1]]),
    ("driver-bound", &["driver_share", "collect_bytes_per_second"]),
    ("collect-to-driver", &["collect_"]),
    ("spill", &["spill_", COUNT[0], COUNT[1]]),
    ("idle-executors", &["idle_"]),
    ("memory-headroom", &["headroom_"]),
    ("executor-sizing", &["sizing_", "node_"]),
    ("aqe-off", &["skew_", "tiny_"]),
    ("jdbc-single-partition", &[COUNT[0], COUNT[1]]),
    ("python-udf", &["python_"]),
    ("row-format", &["row_format_"]),
    (
        "many-small-files",
        &[
            "small_files_least",
            "small_file_bytes",
            "file_bytes_per_second",
            COUNT[0],
        ],
    ),
    (
        "small-files-written",
        &[
            "written_files_",
            "small_file_bytes",
            "file_write_ms",
            "shuffle_bytes_per_second",
            COUNT[0],
        ],
    ),
    ("missed-broadcast", &["shuffle_bytes_per_second"]),
    ("large-broadcast", &["shuffle_bytes_per_second"]),
    ("locality", &["slow_host_least_tasks"]),
    ("shuffle-wait", &["shuffle_small_", COUNT[0], COUNT[1]]),
    ("streaming-lag", &["lag_"]),
];

/// Thresholds of every rule that is told for the time it costs, and of the severity.
const GENERAL: [&str; 4] = [
    "critical_saving_share",
    "warning_saving_share",
    "least_saving_ms",
    "least_saving_share",
];

impl Thresholds {
    /// The thresholds that a rule goes by: name, what it is, value.
    pub fn of_rule(&self, rule: &str) -> Vec<(&'static str, &'static str, f64)> {
        let own = [format!("{}_", rule.replace('-', "_"))];
        let listed = BEGINNINGS.iter().find(|(known, _)| *known == rule);
        let beginnings = own
            .iter()
            .map(String::as_str)
            .chain(listed.into_iter().flat_map(|(_, of)| of.iter().copied()));
        let beginnings: Vec<&str> = beginnings.collect();
        let explained = self.explained().into_iter();
        let mut told: Vec<_> = explained.map(|(name, value, about)| (name, about, value)).collect();
        told.retain(|(name, _, _)| GENERAL.contains(name) || beginnings.iter().any(|start| name.starts_with(start)));
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_set_by_name() {
        let mut thresholds = Thresholds::default();
        thresholds.set("skew_size_ratio", 4.5).unwrap();
        thresholds.set("collect_bytes", 1e6).unwrap();
        assert_eq!((thresholds.skew_size_ratio, thresholds.collect_bytes), (4.5, 1_000_000));
        assert!(
            thresholds
                .set("skew_ratio", 4.0)
                .unwrap_err()
                .contains("skew_size_ratio")
        );
        for (name, value, why) in [
            ("skew_size_ratio", f64::NAN, "not a number"),
            ("skew_size_ratio", 1e30, "too large"),
            ("skew_size_ratio", -1.0, "from 0 up"),
            (
                "skew_least_tasks",
                2.5,
                "threshold skew_least_tasks: 2.5 is not a whole number",
            ),
            ("sizing_cores", 1e10, "too large"),
            ("collect_bytes", 1e30, "too large"),
        ] {
            let said = thresholds.set(name, value).unwrap_err();
            assert!(said.contains(why) && said.contains(name), "{said}");
        }
        assert_eq!(thresholds.skew_least_tasks, Thresholds::default().skew_least_tasks);
        for name in Thresholds::NAMES {
            thresholds.set(name, 1.0).unwrap();
        }
    }

    #[test]
    fn a_rule_s_thresholds_are_found_by_its_name() {
        let mut thresholds = Thresholds::default();
        thresholds.set("slow_host_ratio", 2.5).unwrap();
        let told = thresholds.of_rule("slow-host");
        let ratio = told.iter().find(|(name, _, _)| *name == "slow_host_ratio").unwrap();
        assert!(ratio.1.contains("times as long") && ratio.2 == 2.5, "{ratio:?}");
        assert!(
            told.iter()
                .all(|(name, _, _)| name.starts_with("slow_host_") || GENERAL.contains(name))
        );
        for (rule, _) in BEGINNINGS {
            assert!(thresholds.of_rule(rule).len() > GENERAL.len(), "{rule}");
            assert!(crate::diagnosis::explain(rule).is_some(), "{rule}");
        }
    }

    #[test]
    fn every_threshold_that_a_rule_s_file_names_is_explained_with_it() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/diagnosis");
        for rule in crate::diagnosis::RULES {
            let file = folder.join(format!("{}.rs", rule.name.replace('-', "_")));
            let text = std::fs::read_to_string(file).unwrap();
            let code: String = text.split("#[cfg(test)]").next().unwrap().split_whitespace().collect();
            let explained = Thresholds::default().of_rule(rule.name);
            for name in Thresholds::NAMES {
                let is_used = code.match_indices(&format!("thresholds.{name}")).any(|(at, found)| {
                    // `…as f64` follows without its space.
                    let rest = &code[at + found.len()..];
                    rest.starts_with("as") || !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                });
                assert!(
                    !is_used || explained.iter().any(|(known, _, _)| known == name),
                    "{}: {name}",
                    rule.name
                );
            }
        }
    }
}
