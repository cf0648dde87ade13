//! The line of the user's code behind a stage, out of its name and stack frames. Spark's own frames say nothing to the reader.

use crate::model::{Application, Stage};

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
    /// Looks at the stage's name, then its frames, then its SQL execution's and its jobs' words.
    pub fn of(application: &Application, stage: &Stage) -> CallSite {
        let named = CallSite::parse(&stage.name);
        if named.line.is_some() {
            return named;
        }
        let sql = stage.sql.and_then(|id| application.sql.iter().find(|sql| sql.id == id));
        let jobs = stage.jobs.iter().filter_map(|id| application.job(*id));
        let descriptions = sql
            .map(|sql| sql.description.as_str())
            .into_iter()
            .chain(jobs.flat_map(|job| {
                [Some(job.name.as_str()), job.description.as_deref()]
                    .into_iter()
                    .flatten()
            }));
        let described = descriptions.map(CallSite::parse).find_map(|site| site.line);
        let line = frame_of_user(&stage.details).or(described);
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
            line: line.filter(|line| !is_foreign(line)),
        }
    }
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
        assert_eq!(
            of("$anonfun$run at ThreadPoolExecutor.java:1149", "").operation,
            "$anonfun$run"
        );
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
