//! What a key costs on a stage of many tasks: our own work from the action to the drawn buffer, its median, 99th percentile and worst.
//! What is worked out beside the loop is not in it; taking its result and drawing it is, as a key may have to wait for that.
//! `cargo bench --bench screens` (or with a number of tasks behind `--`). No framework: none tells a 99th percentile.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark may end so, and prints"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use ratatui::{buffer::Buffer, layout::Rect};
use skewer::diagnosis::Diagnosis;
use skewer::model::{
    Application, Listing, Locality, MetricValues, Stage, StageKey, StageStatus, Task, TaskMetric, TaskStatus,
    TaskTable, TasksRead,
};
use skewer::source::Choice;
use skewer::tui::action::Action::{self, *};
use skewer::tui::effect::{Answer, Request};
use skewer::tui::keymap::Keymap;
use skewer::tui::screen::Opened;
use skewer::tui::state::{Tui, World};
use skewer::tui::theme::{ColorLevel, Theme};
use skewer::tui::widgets::Glyphs;

const SIZE: (u16, u16) = (120, 40);
const EXECUTORS: u64 = 64;
const SLOTS: u64 = 4;

fn main() {
    let asked: Vec<u64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let sizes = if asked.is_empty() {
        vec![100_000, 1_000_000]
    } else {
        asked
    };
    println!(
        "{:<34}{:>10}{:>12}{:>12}{:>12}",
        "key, at 120x40", "tasks", "median", "p99", "worst"
    );
    for tasks in sizes {
        measure(tasks);
    }
}

fn measure(tasks: u64) {
    let mut tui = open(tasks);
    let row = |what: &str, taken: Vec<Duration>| tell(what, tasks, taken);
    press(&mut tui, Tab(4));
    row(
        "Enter: a stage is opened",
        (0..5)
            .map(|_| {
                let taken = press(&mut tui, Enter);
                press(&mut tui, Back);
                taken
            })
            .collect(),
    );
    press(&mut tui, Enter);
    let mut drilled: [Vec<Duration>; 2] = Default::default();
    for _ in 0..100 {
        drilled[0].push(press(&mut tui, Enter));
        drilled[1].push(press(&mut tui, Back));
        press(&mut tui, Down);
    }
    let [opened, left] = drilled;
    row("Enter: a task is opened", opened);
    row("Esc: back to the list", left);
    row("move down", (0..1_000).map(|_| press(&mut tui, Down)).collect());
    row(
        "a screenful down",
        (0..1_000).map(|_| press(&mut tui, PageDown)).collect(),
    );
    row(
        "last, first",
        (0..1_000)
            .map(|at| press(&mut tui, if at % 2 == 0 { Last } else { First }))
            .collect(),
    );
    row(
        "sort by numbers, turned round",
        (0..20).map(|_| press(&mut tui, Reverse)).collect(),
    );
    let to = |tui: &mut Tui, columns: usize| {
        for _ in 0..20 {
            press(tui, Left);
        }
        for _ in 0..columns {
            press(tui, Right);
        }
    };
    to(&mut tui, 8);
    row("sort by texts (host)", (0..10).map(|_| press(&mut tui, Sort)).collect());
    to(&mut tui, 2);
    press(&mut tui, Sort);
    for (what, text) in [("filter: first letter", "h"), ("filter: five letters at once", "host-")] {
        row(
            what,
            (0..10)
                .map(|_| {
                    press(&mut tui, Filter);
                    let taken = text.chars().map(|c| press(&mut tui, Type(c))).max().unwrap_or_default();
                    press(&mut tui, Back);
                    taken
                })
                .collect(),
        );
    }
    for what in [
        "distributions or dots",
        "next look",
        "next look",
        "next look",
        "next look",
    ] {
        row(&format!("look: {what}"), vec![press(&mut tui, NextLook)]);
        row("  move down in it", (0..200).map(|_| press(&mut tui, Down)).collect());
    }
}

/// An action and the drawing after it, or the longest of that and what follows from what is worked out beside the loop.
fn press(tui: &mut Tui, action: Action) -> Duration {
    let begin = Instant::now();
    let mut asked = tui.act(action);
    draw(tui);
    let mut taken = begin.elapsed();
    // On a thread of its own in the program: nothing waits for it.
    while let Some(Request::Work(work)) = asked.pop() {
        let Some(done) = work.done() else { continue };
        let begin = Instant::now();
        asked = tui.answer(0, Answer::Worked(done));
        draw(tui);
        taken = taken.max(begin.elapsed());
    }
    taken
}

fn draw(tui: &mut Tui) {
    tui.fit();
    let mut buf = Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1));
    tui.render(&mut buf);
    assert!(buf.cell((0, 0)).is_some());
}

fn tell(what: &str, tasks: u64, mut taken: Vec<Duration>) {
    taken.sort_unstable();
    let at = |share: f64| taken[((taken.len() - 1) as f64 * share).round() as usize];
    let ms = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1_000.0);
    println!(
        "{what:<34}{tasks:>10}{:>12}{:>12}{:>12}",
        ms(at(0.5)),
        ms(at(0.99)),
        ms(at(1.0))
    );
}

fn open(tasks: u64) -> Tui {
    let key = StageKey { id: 0, attempt: 0 };
    let count = u32::try_from(tasks).unwrap();
    let stage = Stage {
        key,
        name: "join at etl.py:88".to_owned(),
        status: StageStatus::Complete,
        num_tasks: count,
        complete_tasks: count,
        submission_ms: Some(0),
        first_task_launched_ms: Some(0),
        completion_ms: Some(i64::try_from(tasks * 40 / (EXECUTORS * SLOTS)).unwrap() + 2_000),
        tasks_read: TasksRead::Yes,
        tasks: Arc::new(table(tasks)),
        ..Stage::default()
    };
    let application = Application {
        start_ms: Some(0),
        end_ms: stage.completion_ms,
        ..Application::default()
    };
    let opened = Opened {
        application: Arc::new(application.with_stage(stage)),
        diagnosis: Arc::new(Diagnosis::default()),
    };
    let world = World {
        opened: Opened::default(),
        listing: Listing::default(),
        theme: Theme::built_in("dark", ColorLevel::True).unwrap(),
        glyphs: Glyphs::Unicode,
        now_ms: 0,
        zone: TimeZone::UTC,
        reading: None,
        partial: false,
    };
    let mut tui = Tui::new(world, Keymap::new(&BTreeMap::new()).unwrap(), "bench".to_owned(), None);
    tui.resize(SIZE.0, SIZE.1);
    if let Request::Open { ticket, .. } = tui.start(Some(Choice::default())) {
        tui.answer(ticket, Answer::Opened(Ok(opened)));
    }
    tui
}

/// Tasks whose sizes and durations vary, on 64 executors of 4 slots.
fn table(tasks: u64) -> TaskTable {
    let executors: Vec<Arc<str>> = (0..EXECUTORS).map(|id| Arc::from(id.to_string())).collect();
    let hosts: Vec<Arc<str>> = (0..EXECUTORS)
        .map(|id| Arc::from(format!("host-{id}.example.org")))
        .collect();
    let mut table = TaskTable::default();
    let mut random = 88_172_645_463_325_252_u64;
    let mut metrics = MetricValues::default();
    for id in 0..tasks {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let duration = 20 + random % 40 + if random.is_multiple_of(9_973) { 1_500 } else { 0 };
        let at = usize::try_from(id % EXECUTORS).unwrap();
        let values = [
            (TaskMetric::ExecutorRunTime, duration - 5),
            (TaskMetric::ExecutorCpuTime, duration * 900_000),
            (TaskMetric::JvmGcTime, random % 7),
            (TaskMetric::ShuffleRemoteBytesRead, duration * 40_000 + random % 100_000),
            (TaskMetric::ShuffleLocalBytesRead, random % 50_000),
            (TaskMetric::ShuffleReadRecords, duration * 300),
            (TaskMetric::ShuffleWriteBytes, random % 1_000_000),
            (TaskMetric::PeakExecutionMemory, (random % 64) << 20),
            (TaskMetric::ResultSize, 1_000 + random % 500),
            (TaskMetric::DiskBytesSpilled, 0),
            (TaskMetric::ExecutorDeserializeTime, random % 3),
        ];
        values
            .into_iter()
            .for_each(|(metric, value)| metrics.set(metric, Some(value)));
        table.push(&Task {
            id,
            index: u32::try_from(id).unwrap(),
            attempt: 0,
            partition: Some(id),
            launch_ms: i64::try_from(id / (EXECUTORS * SLOTS) * 40).unwrap(),
            duration_ms: Some(duration),
            result_fetch_ms: None,
            executor: executors[at].clone(),
            host: hosts[at].clone(),
            locality: Locality::NodeLocal,
            status: TaskStatus::Success,
            speculative: false,
            failure: None,
            metrics,
        });
    }
    table
}
