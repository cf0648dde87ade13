//! The line of the user's code behind a stage, out of its name and stack frames. Spark's own frames say nothing to the reader.

use std::iter;

use crate::model::{Application, Job, Stage};

/// Where in the user's code a stage comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallSite {
    /// The operation: `join`, `collect`, `count`.
    pub operation: String,
    /// `file:line`; absent when Spark recorded none of the user's.
    pub line: Option<String>,
}

/// Frames of Spark, Scala, Java and the bridge to Python.
const NOT_THE_USERS: [&str; 12] = [
    "org.apache.spark.",
    "java.",
    "javax.",
    "jdk.",
    "sun.",
    "scala.",
    "py4j.",
    "org.apache.hadoop.",
    "org.apache.hive.",
    "NativeMethodAccessorImpl",
    "DirectMethodHandleAccessor",
    "<unknown>",
];

impl CallSite {
    /// Looks at the stage's name, then its frames, then its SQL execution's and its jobs' words. A stage that Spark started from a
    /// thread pool of its own (adaptive execution, broadcasts) is named after that pool: those words name it instead.
    pub fn of(application: &Application, stage: &Stage) -> CallSite {
        let jobs = stage.jobs.iter().filter_map(|id| application.job(*id));
        let words = described(application, stage.sql, jobs);
        CallSite::among(&stage.name, &stage.details, words)
    }

    /// Of a job, in the same way.
    pub fn of_job(application: &Application, job: &Job) -> CallSite {
        CallSite::among(&job.name, "", described(application, job.sql, iter::once(job)))
    }

    fn among<'a>(name: &str, frames: &str, words: impl Iterator<Item = &'a str>) -> CallSite {
        let named = CallSite::parse(name);
        if named.line.is_some() {
            return named;
        }
        let mut words = words.filter(|words| !words.trim().is_empty() && !names_pool(words));
        if names_pool(name) {
            let sites: Vec<CallSite> = words.map(CallSite::parse).collect();
            let with_line = sites.iter().position(|site| site.line.is_some()).unwrap_or(0);
            return sites.into_iter().nth(with_line).unwrap_or(CallSite {
                line: frame_of_user(frames),
                ..named
            });
        }
        let line = frame_of_user(frames).or_else(|| words.find_map(|words| CallSite::parse(words).line));
        CallSite { line, ..named }
    }

    /// `join at etl.py:88`, or the operation alone.
    pub fn short(&self) -> String {
        match &self.line {
            Some(line) => format!("{} at {}", self.operation, base_name(line)),
            None => self.operation.clone(),
        }
    }

    /// `/apps/etl.py:88`, or words that say that it is not known.
    pub fn line_or_unknown(&self) -> &str {
        self.line.as_deref().unwrap_or("(line not recorded)")
    }

    /// Out of a name alone.
    pub fn parse(text: &str) -> CallSite {
        let first = text.lines().next().unwrap_or(text).trim();
        let (operation, line) = match first.rsplit_once(" at ") {
            Some((operation, line)) => (operation, is_line(line).then(|| line.to_owned())),
            None => (first, None),
        };
        let operation = operation.trim();
        let operation = if operation.is_empty() { "unnamed" } else { operation };
        CallSite {
            operation: operation.chars().take(60).collect(),
            line: line.filter(|line| !is_foreign(line) && !is_of_pool(line)),
        }
    }
}

/// What a SQL execution and jobs are called.
fn described<'a>(
    application: &'a Application,
    sql: Option<u64>,
    jobs: impl Iterator<Item = &'a Job>,
) -> impl Iterator<Item = &'a str> {
    let sql = sql.and_then(|id| application.sql.iter().find(|sql| sql.id == id));
    let jobs = jobs.flat_map(|job| [Some(job.name.as_str()), job.description.as_deref()]);
    iter::once(sql.map(|sql| sql.description.as_str()))
        .chain(jobs)
        .flatten()
}

/// Whether a name is that of a thread pool's insides: `$anonfun$withThreadLocalCaptured$1 at CompletableFuture.java:1768`,
/// `run at ThreadPoolExecutor.java:1149`. It says nothing of what is done.
fn names_pool(name: &str) -> bool {
    name.rsplit_once(" at ").is_some_and(|(_, line)| is_of_pool(line))
}

fn is_of_pool(line: &str) -> bool {
    const POOLS: [&str; 5] = [
        "CompletableFuture.java:",
        "ThreadPoolExecutor.java:",
        "FutureTask.java:",
        "ForkJoinTask.java:",
        "Thread.java:",
    ];
    POOLS.iter().any(|pool| line.starts_with(pool))
}

/// `file:line` without its folders.
pub fn base_name(line: &str) -> &str {
    line.rsplit(['/', '\\']).next().unwrap_or(line)
}

fn is_line(text: &str) -> bool {
    let after_colon = text.rsplit_once(':').map(|(_, line)| line);
    after_colon.is_some_and(|line| !line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit()))
}

pub fn is_foreign(frame: &str) -> bool {
    NOT_THE_USERS
        .iter()
        .any(|foreign| frame.trim_start_matches("java.base/").starts_with(foreign))
}

/// The first stack frame that is the user's: `com.example.Etl$.main(Etl.scala:88)` gives `Etl.scala:88`.
pub fn frame_of_user(details: &str) -> Option<String> {
    let frame = details
        .lines()
        .map(str::trim)
        .find(|frame| !frame.is_empty() && !is_foreign(frame) && frame.contains('('))?;
    let inside = frame.rsplit_once('(')?.1.trim_end_matches(')');
    is_line(inside).then(|| inside.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SqlExecution;

    fn of(name: &str, details: &str) -> CallSite {
        let stage = Stage {
            name: name.into(),
            details: details.into(),
            ..Stage::default()
        };
        CallSite::of(&Application::default(), &stage)
    }

    #[test]
    fn a_python_line_in_the_name_is_taken() {
        let site = of(
            "collect at /apps/skewed_join.py:26",
            "org.apache.spark.sql.Dataset.collectToPython(Dataset.scala:4146)",
        );
        assert_eq!(site.short(), "collect at skewed_join.py:26");
        assert_eq!(site.line_or_unknown(), "/apps/skewed_join.py:26");
    }

    #[test]
    fn the_user_s_frame_is_found_behind_spark_s() {
        let details = "org.apache.spark.sql.Dataset.count(Dataset.scala:3)\njava.base/jdk.internal.reflect.X.invoke(X.java:1)\n\
                       com.example.Etl$.main(Etl.scala:88)\ncom.example.Main.main(Main.scala:3)";
        assert_eq!(
            of("count at NativeMethodAccessorImpl.java:0", details).short(),
            "count at Etl.scala:88"
        );
    }

    #[test]
    fn a_thread_pool_s_stage_is_called_what_its_query_is_called() {
        let mut application = Application::default();
        let describe = |application: &mut Application, description: &str| {
            application.sql = vec![SqlExecution {
                id: 3,
                description: description.into(),
                ..SqlExecution::default()
            }];
        };
        let pool = "$anonfun$withThreadLocalCaptured$1 at CompletableFuture.java:1768";
        let stage = Stage {
            name: pool.into(),
            sql: Some(3),
            jobs: vec![8],
            ..Stage::default()
        };
        let job = Job {
            id: 8,
            name: pool.into(),
            sql: Some(3),
            ..Job::default()
        };
        application.jobs = vec![job.clone()];
        let short = |application: &Application| {
            let site = CallSite::of(application, &stage);
            assert_eq!(site, CallSite::of_job(application, &job));
            site.short()
        };
        for (description, name) in [
            ("count at /apps/etl.py:88", "count at etl.py:88"),
            ("count at NativeMethodAccessorImpl.java:0", "count"),
            ("Load the sales\nbatch 7", "Load the sales"),
            (
                "run at ThreadPoolExecutor.java:1149",
                "$anonfun$withThreadLocalCaptured$1",
            ),
        ] {
            describe(&mut application, description);
            assert_eq!(short(&application), name);
        }
    }

    #[test]
    fn nothing_known_is_said_so() {
        let site = of("count at NativeMethodAccessorImpl.java:0", "");
        assert_eq!(
            (site.short().as_str(), site.line_or_unknown()),
            ("count", "(line not recorded)")
        );
        assert_eq!(of("", "").short(), "unnamed");
        assert_eq!(of("look at me", "").short(), "look");
    }
}
