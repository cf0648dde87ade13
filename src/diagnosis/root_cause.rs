//! The line that matters out of a failed task's message: the innermost exception, and where in the user's code it was thrown.

use super::call_site::{frame_of_user, is_foreign};

/// Characters of an exception's message that are told.
const TOLD: usize = 160;

/// What threw, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootCause {
    /// `ValueError: invalid literal for int() with base 10: 'n/a'`.
    pub exception: String,
    /// `/apps/failed_job.py:10`; absent when no frame is the user's.
    pub line: Option<String>,
}

impl RootCause {
    /// Reads Spark's message for a failed task (`TaskFailedReason.toErrorString`).
    pub fn of(message: &str) -> RootCause {
        of_python(message).unwrap_or_else(|| of_jvm(message))
    }

    /// The exception without numbers and quoted values: failures alike share it.
    pub fn shape(&self) -> String {
        let mut shape = String::new();
        let mut quoted = None;
        for c in self.exception.chars() {
            match (quoted, c) {
                (Some(quote), c) if c == quote => quoted = None,
                (Some(_), _) => {}
                (None, '\'' | '"' | '`') => {
                    quoted = Some(c);
                    shape.push('…');
                }
                (None, c) if c.is_ascii_digit() => {
                    if !shape.ends_with('#') {
                        shape.push('#');
                    }
                }
                (None, c) => shape.push(c),
            }
        }
        shape
    }

    /// The exception's class alone.
    pub fn class(&self) -> &str {
        self.exception.split(':').next().unwrap_or(&self.exception)
    }
}

fn told(text: &str) -> String {
    let mut told: String = text.trim().chars().take(TOLD).collect();
    if told.len() < text.trim().len() {
        told.push('…');
    }
    told
}

/// A Python worker's traceback: the innermost of the user's frames, and the line after the last frame.
fn of_python(message: &str) -> Option<RootCause> {
    let start = message.find("Traceback (most recent call last):")?;
    let is_jvm_frame = |line: &&str| line.trim_start().starts_with("at ") && line.contains('(');
    let block = message[start..].lines().skip(1).take_while(|line| !is_jvm_frame(line));
    let (mut line, mut exception) = (None, None);
    for text in block {
        if let Some((file, at)) = python_frame(text) {
            exception = None;
            if !is_pyspark(file) {
                line = Some(format!("{file}:{at}"));
            }
        } else if exception.is_none() && !text.starts_with(' ') && !text.trim().is_empty() && !is_between(text) {
            exception = Some(told(text));
        }
    }
    Some(RootCause {
        exception: exception?,
        line,
    })
}

/// `  File "/apps/job.py", line 10, in parse` gives file and line.
fn python_frame(text: &str) -> Option<(&str, u32)> {
    let (file, rest) = text.trim_start().strip_prefix("File \"")?.split_once("\", line ")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((file, digits.parse().ok()?))
}

fn is_pyspark(file: &str) -> bool {
    [
        "/pyspark",
        "pyspark.zip",
        "py4j",
        "site-packages",
        "/lib/python",
        "<frozen",
    ]
    .iter()
    .any(|part| file.contains(part))
}

/// Lines that Python puts between chained tracebacks.
fn is_between(text: &str) -> bool {
    text.starts_with("Traceback") || text.starts_with("During handling of") || text.starts_with("The above exception")
}

/// A JVM's stack trace: the last `Caused by`, else the first line.
fn of_jvm(message: &str) -> RootCause {
    let caused = "Caused by: ";
    let start = message.rfind(caused).map_or(0, |at| at + caused.len());
    let inner = &message[start..];
    let first = inner.lines().next().unwrap_or_default();
    let frames = |text: &str| {
        let frame = |line: &str| line.trim().strip_prefix("at ").map(str::to_owned);
        let frames: Vec<String> = text
            .lines()
            .filter_map(frame)
            .filter(|frame| !is_foreign(frame))
            .collect();
        frame_of_user(&frames.join("\n"))
    };
    RootCause {
        exception: told(first),
        line: frames(inner).or_else(|| frames(message)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn python_s_last_frame_and_exception_are_found() {
        let cause = RootCause::of(
            "org.apache.spark.api.python.PythonException: Traceback (most recent call last):\n  \
             File \"/opt/spark/python/lib/pyspark.zip/pyspark/worker.py\", line 1247, in main\n    process()\n  \
             File \"/apps/failed_job.py\", line 10, in <genexpr>\n    return sum(int(text))\n               ^^^^^^^^^\n\
             ValueError: invalid literal for int() with base 10: 'n/a'\n\n    \
             at org.apache.spark.api.python.BasePythonRunner.x(PythonRunner.scala:1)\nsomething else",
        );
        assert_eq!(
            cause.exception,
            "ValueError: invalid literal for int() with base 10: 'n/a'"
        );
        assert_eq!(cause.line.as_deref(), Some("/apps/failed_job.py:10"));
        assert_eq!(cause.shape(), "ValueError: invalid literal for int() with base #: …");
        assert_eq!(cause.class(), "ValueError");
    }

    #[test]
    fn the_innermost_cause_of_a_jvm_s_trace_is_found() {
        let cause = RootCause::of(
            "org.apache.spark.SparkException: Task failed while writing rows.\n    at org.apache.spark.X.y(X.scala:1)\n    \
             at java.base/java.lang.Thread.run(Thread.java:840)\nCaused by: java.lang.NumberFormatException: For input string: \"x\"\n    \
             at java.lang.Integer.parseInt(Integer.java:1)\n    at com.example.Etl$.parse(Etl.scala:42)\n    ... 12 more",
        );
        assert_eq!(
            cause.exception,
            "java.lang.NumberFormatException: For input string: \"x\""
        );
        assert_eq!(cause.line.as_deref(), Some("Etl.scala:42"));
    }

    #[test]
    fn odd_messages_do_no_harm() {
        assert_eq!(RootCause::of("").exception, "");
        assert_eq!(
            RootCause::of("Traceback (most recent call last):").exception,
            "Traceback (most recent call last):"
        );
        assert_eq!(RootCause::of("é: \"").shape(), "é: …");
    }
}
