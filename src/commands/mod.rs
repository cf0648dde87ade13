//! The commands: each turns what the command line asks for into calls of the library, and writes to stdout what comes back.

mod connection;
mod progress;
mod target;
mod template;

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::CommandFactory;
use color_eyre::eyre::Result;
use skewer::config::{self, Config};
use skewer::diagnosis::{Diagnosis, RULES, Severity, Thresholds, diagnose};
use skewer::report::{self, Comparison, Run, export};
use skewer::settings::{Color, Settings, locale_is_utf8};
use skewer::tui::theme::{self, ColorLevel};
use skewer::tui::{self, TuiError};

use crate::cli::{Cli, ColorWhen, Command, FailOn, Global, ListFormat, Pick, ReportFormat, Table, TableFormat};
use progress::{warn, watched};
use target::Target;

/// The command line asks for something that cannot be done as it stands.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// What every command needs: the options that all share and the config file.
struct Context {
    global: Global,
    config: Config,
}

/// Runs one command and gives the exit status.
pub fn run(cli: Cli) -> Result<u8> {
    let (config, warnings) = Config::load(cli.global.config.as_deref())?;
    warnings.iter().for_each(|warning| warn(warning));
    let before = cli
        .target
        .as_ref()
        .or(cli.pick.app.as_ref())
        .or(cli.pick.attempt.as_ref());
    if let (Some(early), Some(_)) = (before, &cli.command) {
        return Err(UsageError(format!(
            "`{early}` stands before the command; write it behind: `skewer report {early}`"
        ))
        .into());
    }
    let context = Context {
        global: cli.global,
        config,
    };
    match cli.command {
        None => inspect(&context, &context.target(cli.target.as_deref(), &cli.pick)?),
        Some(Command::Demo { case }) => inspect(&context, &Target::demo(case.as_deref())?),
        Some(Command::Apps { target, format }) => {
            apps(&context, &context.target(target.as_deref(), &Pick::default())?, format)
        }
        Some(Command::Report {
            explain: Some(rule), ..
        }) => explain(&context, &rule),
        Some(Command::Report {
            target,
            pick,
            format,
            fail_on,
            explain: None,
        }) => print_report(&context, &context.target(target.as_deref(), &pick)?, format, fail_on),
        Some(Command::Compare { a, b, format }) => {
            let [a, b] = [a, b].map(|target| context.target(Some(&target), &Pick::default()));
            compare(&context, &a?, &b?, format)
        }
        Some(Command::Export {
            target,
            pick,
            table,
            format,
        }) => export(&context.target(target.as_deref(), &pick)?, table, format),
        Some(Command::Themes) => themes(&context),
        Some(Command::Config) => {
            let text = template::written()?;
            print(|out| out.write_all(context.shown(text).as_bytes()))
        }
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "skewer", &mut script);
            print(|out| out.write_all(&script))
        }
        Some(Command::Man) => print(|out| clap_mangen::Man::new(Cli::command()).render(&mut &mut *out)),
    }
}

/// Opens the screen; where there is no terminal for it, prints the report instead.
fn inspect(context: &Context, target: &Target) -> Result<u8> {
    if !io::stdout().is_terminal() || std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb") {
        return print_report(context, target, ReportFormat::Text, None);
    }
    if !io::stdin().is_terminal() {
        let why = "standard input is not a terminal, so no key could be read; `skewer report TARGET` needs none";
        return Err(UsageError(why.to_owned()).into());
    }
    let settings = context.settings();
    // The screen says it as well, but briefly; this stays in the terminal.
    if let Ok((_, Some(trouble))) = tui::theme(&settings) {
        warn(&format!("{trouble}; the default theme is used"));
    }
    let shown = tui::run(
        target.source.clone(),
        target.at_once(),
        &settings,
        context.thresholds()?,
    );
    shown.map_err(|error| match error {
        TuiError::Source(error) => error.into(),
        TuiError::Keymap(error) => UsageError(format!("{}: {error}", context.config_file().display())).into(),
        TuiError::Theme(_) => UsageError(error.to_string()).into(),
        TuiError::Terminal(_) => error.into(),
    })
}

fn apps(context: &Context, target: &Target, format: ListFormat) -> Result<u8> {
    let listing = watched(|progress| target.source.list(progress))?;
    listing.losses.iter().for_each(|loss| warn(&loss.detail));
    print(|out| match format {
        ListFormat::Text => out.write_all(context.shown(report::listing(&listing)).as_bytes()),
        ListFormat::Json => export::write_applications(&listing, export::Format::Json, out),
    })
}

fn print_report(context: &Context, target: &Target, format: ReportFormat, fail_on: Option<FailOn>) -> Result<u8> {
    let thresholds = context.thresholds()?;
    let application = watched(|progress| target.open_with_tasks(progress))?;
    let diagnosis = diagnose(&application, &thresholds);
    let ascii = context.ascii();
    print(|out| match format {
        ReportFormat::Text => out.write_all(report::text(&application, &diagnosis, ascii).as_bytes()),
        ReportFormat::Markdown => out.write_all(report::markdown(&application, &diagnosis).as_bytes()),
        ReportFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, &report::json(&application, &diagnosis))?;
            out.write_all(b"\n")
        }
    })?;
    Ok(u8::from(fail_on.is_some_and(|limit| fails(&diagnosis, limit))))
}

fn compare(context: &Context, a: &Target, b: &Target, format: ListFormat) -> Result<u8> {
    let thresholds = context.thresholds()?;
    let read = |target: &Target| -> Result<_> {
        let application = watched(|progress| target.open_with_tasks(progress))?;
        let diagnosis = diagnose(&application, &thresholds);
        Ok((application, diagnosis))
    };
    let (a, b) = (read(a)?, read(b)?);
    let run = |(application, diagnosis)| Run { application, diagnosis };
    let comparison = Comparison::of(run((&a.0, &a.1)), run((&b.0, &b.1)));
    print(|out| match format {
        ListFormat::Text => out.write_all(comparison.text(context.ascii()).as_bytes()),
        ListFormat::Json => {
            serde_json::to_writer_pretty(&mut *out, &comparison.json())?;
            out.write_all(b"\n")
        }
    })
}

/// Prints what a rule looks for.
fn explain(context: &Context, name: &str) -> Result<u8> {
    let Some(text) = report::rule(name, &context.thresholds()?) else {
        let known: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
        return Err(UsageError(format!("no rule is named {name}; there are {}", known.join(", "))).into());
    };
    print(|out| out.write_all(context.shown(text).as_bytes()))
}

/// Lists the themes that `--theme` and the config file can name.
fn themes(context: &Context) -> Result<u8> {
    let listed = theme::list(theme::folder().as_deref(), ColorLevel::True);
    let folder = theme::folder()
        .map(|folder| folder.display().to_string())
        .unwrap_or_default();
    let mut text: String = listed
        .iter()
        .map(|listed| {
            let from = if listed.file.is_some() { "your own" } else { "built in" };
            let about = match &listed.theme {
                Ok(_) => listed.about.clone(),
                Err(error) => format!("cannot be used: {error}"),
            };
            format!("{:<18}{from:<10}{about}\n", listed.name)
        })
        .collect();
    text.push_str(&format!("\nYour own: {folder}/NAME.toml\n"));
    print(|out| out.write_all(context.shown(text).as_bytes()))
}

/// Whether a finding is as severe as `limit`.
fn fails(diagnosis: &Diagnosis, limit: FailOn) -> bool {
    let limit = match limit {
        FailOn::Warning => Severity::Warning,
        FailOn::Critical => Severity::Critical,
    };
    diagnosis.findings.iter().any(|finding| finding.severity >= limit)
}

fn export(target: &Target, table: Table, format: TableFormat) -> Result<u8> {
    let format = match format {
        TableFormat::Csv => export::Format::Csv,
        TableFormat::Json => export::Format::Json,
    };
    let table = match table {
        Table::Applications => {
            let listing = watched(|progress| target.source.list(progress))?;
            listing.losses.iter().for_each(|loss| warn(&loss.detail));
            return print(|out| export::write_applications(&listing, format, out));
        }
        Table::Jobs => export::Table::Jobs,
        Table::Stages => export::Table::Stages,
        Table::Tasks => export::Table::Tasks,
        Table::TaskSummary => export::Table::TaskSummary,
        Table::Executors => export::Table::Executors,
        Table::Processes => export::Table::Processes,
        Table::Sql => export::Table::Sql,
        Table::Storage => export::Table::Storage,
        Table::Streaming => export::Table::Streaming,
        Table::Environment => export::Table::Environment,
    };
    let application = watched(|progress| match table {
        table if table.needs_tasks() => target.open_with_tasks(progress),
        table if table.needs_plans() => target.open_with_plans(progress),
        _ => target.open(progress),
    })?;
    application.losses.iter().for_each(|loss| warn(&loss.detail));
    print(|out| export::write(table, &application, format, out))
}

/// Lets `write` fill stdout, through one buffer.
fn print(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<u8> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    write(&mut out)?;
    out.flush()?;
    Ok(0)
}

impl Context {
    /// The rules' thresholds with those of the config file; a name that is none is a warning, as all unknown names there.
    ///
    /// # Errors
    /// A value that the threshold cannot have.
    fn thresholds(&self) -> Result<Thresholds, UsageError> {
        let mut thresholds = Thresholds::default();
        for (name, value) in &self.config.thresholds {
            match thresholds.set(name, *value) {
                Err(why) if Thresholds::NAMES.contains(&name.as_str()) => {
                    return Err(UsageError(format!("{}: {why}", self.config_file().display())));
                }
                Err(why) => warn(&why),
                Ok(()) => {}
            }
        }
        Ok(thresholds)
    }

    /// The config file that was read.
    fn config_file(&self) -> PathBuf {
        let given = self.global.config.clone();
        given.or_else(config::default_file).unwrap_or_default()
    }

    /// What the screen is run with.
    fn settings(&self) -> Settings {
        let keys = self
            .config
            .keys
            .iter()
            .map(|(action, keys)| (action.clone(), keys.list()));
        Settings {
            theme: self.global.theme.clone().or_else(|| self.config.theme.clone()),
            theme_folder: theme::folder(),
            ascii: self.ascii(),
            color: match self.global.color {
                ColorWhen::Auto => Color::Auto,
                ColorWhen::Always => Color::Always,
                ColorWhen::Never => Color::Never,
            },
            mouse: self.global.mouse || self.config.mouse.unwrap_or(false),
            keys: keys.collect(),
            refresh: self
                .global
                .refresh
                .or(self.config.refresh)
                .map(|seconds| Duration::from_secs(seconds.max(1))),
            snapshot_dir: self.global.snapshot_dir.clone().unwrap_or_else(|| ".".into()),
        }
    }

    fn ascii(&self) -> bool {
        self.global.ascii || self.config.ascii.unwrap_or(false) || !locale_is_utf8(|name| std::env::var(name).ok())
    }

    fn shown(&self, text: String) -> String {
        if self.ascii() { report::to_ascii(&text) } else { text }
    }
}
