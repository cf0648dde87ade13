//! Follows an application without a screen and writes a line of JSON for every state that a screen would be shown, until it has ended. The
//! checks against real Spark run it beside an application that runs: `cargo run --example follow -- TARGET [SECONDS_BETWEEN_LOOKS]`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its output is what it is for")]

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Value, json};
use skewer::diagnosis::{Thresholds, diagnose};
use skewer::model::{Application, Stage};
use skewer::source::{Choice, Progress, Shown, Source, SourceError};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let target = arguments.next().unwrap_or_default();
    let seconds = arguments.next().and_then(|text| text.parse().ok());
    match follow(&target, seconds) {
        Ok(last) => {
            println!("{}", state("ended", &last));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn follow(target: &str, seconds: Option<f64>) -> Result<Application, SourceError> {
    let source = Source::parse(target)?;
    let progress = Progress::default();
    if let Some(seconds) = seconds {
        progress.refresh_every(Duration::from_secs_f64(seconds));
    }
    progress.watch(|shown| match shown {
        Shown::Partial(application) => println!("{}", state("partial", &application)),
        Shown::Current(application) => println!("{}", state("current", &application)),
        Shown::Listing(_) => {}
    });
    let choice = source.choice().cloned().unwrap_or_default();
    let choice = match choice.app {
        // A driver lists itself alone.
        None if target.starts_with("http") => Choice {
            app: source
                .list(&Progress::default())?
                .applications
                .first()
                .map(|entry| entry.id.clone()),
            attempt: None,
        },
        _ => choice,
    };
    source.open(&choice, &progress)
}

fn state(what: &str, application: &Application) -> Value {
    let stage = |stage: &Stage| {
        json!({ "stage": stage.key.to_string(), "status": stage.status.name(), "complete": stage.complete_tasks,
            "failed": stage.failed_tasks, "rows": stage.tasks.len() })
    };
    let samples: usize = application
        .executors
        .iter()
        .map(|executor| executor.memory.samples().len())
        .sum();
    let losses: Vec<&str> = application.losses.iter().map(|loss| loss.detail.as_str()).collect();
    json!({
        "shown": what,
        "status": application.status.name(),
        "jobs": application.jobs.iter().map(|job| json!({ "job": job.id, "status": job.status.name() })).collect::<Vec<_>>(),
        "stages": application.stages.iter().map(|one| stage(one)).collect::<Vec<_>>(),
        "executors": application.executors.len(),
        "memorySamples": samples,
        "findings": diagnose(application, &Thresholds::default()).findings.iter().map(|finding| finding.rule).collect::<Vec<_>>(),
        "losses": losses,
    })
}
