//! What is empty or odd: every tab, what it opens and its looks, at two sizes, in Unicode and ASCII, over logs that hold little, much or
//! strange names.

use std::fs;

use ratatui::buffer::Buffer;
use serde_json::{Value, json};
use skewer::source::Source;
use skewer::tui::line::width;
use skewer::tui::theme::{ColorLevel, Theme};
use skewer::tui::widgets::Glyphs;

use crate::shown::{Shown, rows};

const START_MS: u64 = 1_795_600_000_000;

/// A log in the making.
struct Log(Vec<Value>);

impl Log {
    fn begun(name: &str) -> Log {
        Log(vec![
            json!({"Event": "SparkListenerLogStart", "Spark Version": "4.0.1"}),
            json!({"Event": "SparkListenerApplicationStart", "App Name": name, "App ID": "app-1", "Timestamp": START_MS, "User": "u"}),
        ])
    }

    fn executors(mut self, count: u64) -> Log {
        self.0.extend((0..count).map(|id| {
            json!({"Event": "SparkListenerExecutorAdded", "Timestamp": START_MS + 10 + id, "Executor ID": id.to_string(),
                "Executor Info": {"Host": format!("host-{}", id / 8), "Total Cores": 4, "Log Urls": {}}})
        }));
        self
    }

    /// A job with stages of so many tasks each.
    fn job(mut self, name: &str, stages: &[u64]) -> Log {
        let info = |(id, tasks): (usize, &u64)| {
            json!({"Stage ID": id, "Stage Attempt ID": 0, "Stage Name": name, "Number of Tasks": tasks, "RDD Info": [],
                "Parent IDs": [], "Details": "", "Submission Time": START_MS + 100})
        };
        let infos: Vec<Value> = stages.iter().enumerate().map(info).collect();
        self.0.push(json!({"Event": "SparkListenerJobStart", "Job ID": 0, "Submission Time": START_MS + 90, "Stage Infos": infos,
            "Stage IDs": (0..stages.len()).collect::<Vec<_>>(), "Properties": {"spark.job.description": name}}));
        self
    }

    /// A stage that ran; `metrics` says whether its tasks tell any, and each is on an executor of its own.
    fn ran(mut self, name: &str, stage: u64, tasks: u64, metrics: bool) -> Log {
        let info = |extra: &[(&str, u64)]| {
            let mut info = json!({"Stage ID": stage, "Stage Attempt ID": 0, "Stage Name": name, "Number of Tasks": tasks,
                "RDD Info": [], "Submission Time": START_MS + 100});
            extra.iter().for_each(|(key, value)| info[*key] = json!(value));
            info
        };
        self.0
            .push(json!({"Event": "SparkListenerStageSubmitted", "Stage Info": info(&[])}));
        for id in 0..tasks {
            let task = |finish: u64| {
                json!({"Task ID": stage * 10_000 + id, "Index": id, "Attempt": 0, "Launch Time": START_MS + 110 + id,
                    "Executor ID": id.to_string(), "Host": format!("host-{}", id / 8), "Locality": "ANY", "Speculative": false,
                    "Finish Time": finish, "Failed": false, "Killed": false})
            };
            self.0.push(json!({"Event": "SparkListenerTaskStart", "Stage ID": stage, "Stage Attempt ID": 0, "Task Info": task(0)}));
            let mut end = json!({"Event": "SparkListenerTaskEnd", "Stage ID": stage, "Stage Attempt ID": 0,
                "Task Info": task(START_MS + 400 + id * 3), "Task End Reason": {"Reason": "Success"}});
            if metrics {
                end["Task Metrics"] = json!({"Executor Run Time": 200 + id, "Input Metrics": {"Bytes Read": id << 20}});
            }
            self.0.push(end);
        }
        let ended = info(&[("Completion Time", START_MS + 5_000)]);
        self.0
            .push(json!({"Event": "SparkListenerStageCompleted", "Stage Info": ended}));
        self
    }

    fn job_ended(mut self) -> Log {
        self.0.push(
            json!({"Event": "SparkListenerJobEnd", "Job ID": 0, "Completion Time": START_MS + 5_100,
            "Job Result": {"Result": "JobSucceeded"}}),
        );
        self
    }

    fn ended(mut self) -> Log {
        self.0
            .push(json!({"Event": "SparkListenerApplicationEnd", "Timestamp": START_MS + 6_000}));
        self
    }
}

/// Every view of a log: what stands on it in Unicode at 80×24, after all were drawn in every way.
fn walked(log: &Log) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app-1");
    let lines: Vec<String> = log.0.iter().map(Value::to_string).collect();
    fs::write(&path, lines.join("\n") + "\n").unwrap();
    let mut text = String::new();
    for (size, glyphs) in [
        ((80, 24), Glyphs::Unicode),
        ((120, 40), Glyphs::Unicode),
        ((80, 24), Glyphs::Ascii),
        ((41, 11), Glyphs::Unicode),
    ] {
        let dark = Theme::built_in("dark", ColorLevel::True).unwrap();
        let source = Source::parse(&path.display().to_string()).unwrap();
        let mut shown = Shown::of(source, None, (&dark, glyphs), size, "");
        for tab in 1..=9 {
            shown.typed(&tab.to_string());
            // The tab itself, what it opens, what that opens, each look of that, filtered to nothing, and back.
            for step in [
                "", "\r", "v", "v", "v", "v", "v", "v", "v", "\r", "jG", "/zzzz\r", "\u{1b}", "s", "\u{1b}", "\u{1b}",
            ] {
                shown.typed(step);
                let buf = shown.drawn(size);
                is_whole(&buf);
                let drawn = rows(&buf, |cell| cell.symbol().to_owned());
                assert!(glyphs == Glyphs::Unicode || drawn.is_ascii(), "{drawn}");
                if size == (80, 24) && glyphs == Glyphs::Unicode {
                    text.push_str(&drawn);
                    text.push('\n');
                }
            }
        }
    }
    text
}

/// No cell holds what a terminal would take for a command or draw elsewhere, and no wide character sticks out of the screen.
fn is_whole(buf: &Buffer) {
    for (at, cell) in buf.content.iter().enumerate() {
        let symbol = cell.symbol();
        let steers = |c: char| {
            c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c) || ('\u{2066}'..='\u{2069}').contains(&c)
        };
        assert!(!symbol.chars().any(steers), "{symbol:?}");
        let column = at % usize::from(buf.area.width);
        assert!(
            column + width(symbol) <= usize::from(buf.area.width),
            "{symbol:?} at {column}"
        );
    }
}

#[test]
fn no_stage_yet() {
    let text = walked(&Log::begun("young"));
    assert!(text.contains("no stage ran") && text.contains("nothing here"), "{text}");
    let text = walked(&Log::begun("young").executors(2).job("count", &[4]));
    assert!(text.contains("pending") && text.contains("Stages (1)"), "{text}");
}

#[test]
fn all_stages_skipped() {
    let text = walked(
        &Log::begun("lazy")
            .executors(1)
            .job("count at a.py:1", &[4, 4, 9])
            .job_ended()
            .ended(),
    );
    assert!(text.contains("skipped: its output was there already"), "{text}");
}

#[test]
fn one_task_with_and_without_metrics() {
    for metrics in [true, false] {
        let log = Log::begun("small")
            .executors(1)
            .job("count", &[1])
            .ran("count", 0, 1, metrics);
        let text = walked(&log.job_ended().ended());
        assert!(text.contains("Tasks (1)") && text.contains("0.0"), "{text}");
        assert_eq!(
            text.contains("not recorded: "),
            !metrics || text.contains("not recorded: ")
        );
    }
}

#[test]
fn tasks_without_metrics_say_so_and_not_zero() {
    let log = Log::begun("dumb")
        .executors(8)
        .job("count", &[8])
        .ran("count", 0, 8, false);
    let text = walked(&log.job_ended().ended());
    let task = text
        .lines()
        .find(|line| line.contains("7.0") && line.contains("done"))
        .unwrap();
    assert!(task.contains("n/a") && !task.contains("0 B"), "{task}");
}

#[test]
fn names_that_are_long_wide_or_strange() {
    let long = format!("save at {}.py:88", "very_".repeat(800));
    let names = [
        long.as_str(),
        "写入 数据 分析 作业 写入 数据 分析 作业 写入 数据 分析 作业 at 作业.py:1",
        "👨‍👩‍👧‍👦 family 🇩🇪 flag 👍🏽 at 🚀.py:2",
        "حفظ البيانات at كتابة.py:3 שמור נתונים",
        "a\u{1b}]0;title\u{7}b\u{1b}[2Jc\u{9b}31md\re\u{8}f\u{202e}g\th\u{0}i",
        "e\u{301}\u{302}\u{303}".repeat(40).as_str(),
        "",
    ]
    .map(str::to_owned);
    for name in names {
        let log = Log::begun(&name).executors(2).job(&name, &[2]).ran(&name, 0, 2, true);
        let text = walked(&log.job_ended().ended());
        assert!(text.contains("Tasks (2)"), "{name:?}\n{text}");
        if name.contains('\u{1b}') {
            assert!(text.contains("^[") || text.contains('·'), "{text}");
        }
    }
}

#[test]
fn three_thousand_executors() {
    let log = Log::begun("large")
        .executors(3_000)
        .job("count", &[3_000])
        .ran("count", 0, 3_000, true);
    let text = walked(&log.job_ended().ended());
    assert!(
        text.contains("Executors (3,000)") || text.contains("Executors (3,001)"),
        "{text}"
    );
    assert!(text.contains("3,000 added, 0 removed"), "{text}");
}
