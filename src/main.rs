//! The command line program: reads the command line, runs one command, and turns its end into an exit status.

mod cli;
mod commands;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use color_eyre::eyre::Report;
use skewer::config::ConfigError;
use skewer::source::SourceError;

use cli::Cli;
use commands::UsageError;

/// Bad usage.
const USAGE: u8 = 2;
/// The target could not be reached or read, or the answer not written.
const UNREADABLE: u8 = 3;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let status = color_eyre::install()
        .and_then(|()| commands::run(cli))
        .unwrap_or_else(|error| failed(&error));
    ExitCode::from(status)
}

/// Says on one line of stderr what went wrong, and gives the exit status for it.
fn failed(error: &Report) -> u8 {
    let written = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>());
    if written.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        // Whoever read has enough (`| head`).
        return 0;
    }
    // With stderr gone too there is nobody left to tell.
    let _ = writeln!(io::stderr(), "skewer: {error:#}");
    match error.downcast_ref::<SourceError>() {
        Some(error) => error.exit_status(),
        None if error.is::<UsageError>() || error.is::<ConfigError>() => USAGE,
        None => UNREADABLE,
    }
}
