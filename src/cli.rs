//! The command line: what can be asked for, in which words. Decides nothing.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

const TARGETS: &str = "\
TARGET is any of:
  http://history:18080           a history server, also with /history/<app>/… as the browser has it
  http://driver:4040             the web interface of a running driver
  /logs/app-20240101-0001.zstd   an event log, also compressed or still being written
  /logs/eventlog_v2_app-…/       a rolling event log
  /logs/                         a folder of event logs
  s3://bucket/logs/app-…         any of these in an object store: s3, s3a, gs, abfs, abfss
  webhdfs://namenode:9870/logs   any of these in HDFS, over its web interface
  -                              an event log on standard input (report, export and compare)
  NAME                           a server of the config file
Without TARGET the default server of the config file is opened.";

/// What is of use with servers alone.
const SERVERS: &str = "Servers";

const EXAMPLES: &str = "\
Examples:
  skewer demo                                    look around in a recorded application
  skewer http://history:18080                    choose an application and triage it
  skewer report /logs/app-20240101-0001.zstd     the triage as text, without a terminal
  skewer report http://history:18080 --app application_1699_0042 --format markdown
  skewer export /logs/app-20240101-0001.zstd --table tasks --format csv > tasks.csv

Exit status: 0 done, 1 a finding at or above --fail-on, 2 bad usage, 3 target not reachable or not readable.";

/// Pins down what makes an Apache Spark application slow, or what killed it.
///
/// Opens a history server, a running driver or an event log, shows where the time went and what to fix first, and leads from the
/// application to the stage, the task, the host or the setting at fault.
#[derive(Debug, Parser)]
#[command(name = "skewer", version, max_term_width = 100, after_help = TARGETS, after_long_help = format!("{TARGETS}\n\n{EXAMPLES}"))]
pub struct Cli {
    /// What to open; see below
    #[arg(value_hint = ValueHint::AnyPath)]
    pub target: Option<String>,

    #[command(flatten)]
    pub pick: Pick,

    #[command(flatten)]
    pub global: Global,

    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Which application of a target.
#[derive(Clone, Debug, Default, Args)]
pub struct Pick {
    /// The application to open
    #[arg(long, value_name = "ID")]
    pub app: Option<String>,

    /// The attempt of it, where there are several
    #[arg(long, value_name = "N", requires = "app")]
    pub attempt: Option<String>,
}

/// What every command takes.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Config file instead of $XDG_CONFIG_HOME/skewer/config.toml
    #[arg(long, global = true, value_name = "FILE", env = "SKEWER_CONFIG", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,

    /// Where an application of a history server is read from
    #[arg(long, global = true, value_enum, default_value_t = ReadFrom::Auto)]
    pub source: ReadFrom,

    /// Largest event log to download from a server, such as 512m; REST is used beyond it [default: 2g]
    #[arg(long, global = true, value_name = "SIZE", value_parser = size)]
    pub max_log: Option<u64>,

    /// Look into every log of a folder anew, and keep nothing of it in $XDG_CACHE_HOME/skewer
    #[arg(long, global = true)]
    pub no_cache: bool,

    /// Seconds between two looks at an application that is followed [default: 3 for a driver, 1 for a log]
    #[arg(long, global = true, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub refresh: Option<u64>,

    /// Requests to a server at once [default: 6]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=64), help_heading = SERVERS)]
    pub requests: Option<u16>,

    /// Send this header along with every request; may be given several times
    #[arg(long, global = true, value_name = "NAME: VALUE", help_heading = SERVERS)]
    pub header: Vec<String>,

    /// Send the bearer token in this file, which nobody else may read; $SKEWER_TOKEN may hold one too
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = SERVERS)]
    pub token_file: Option<PathBuf>,

    /// Trust the certificates in this PEM file beside the system's
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = SERVERS)]
    pub cacert: Option<PathBuf>,

    /// Show the server the client certificate and key in this PEM file
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = SERVERS)]
    pub cert: Option<PathBuf>,

    /// Take any certificate of a server, also a forged one
    #[arg(long, global = true, help_heading = SERVERS)]
    pub insecure: bool,

    /// Colour theme: a name that `skewer themes` lists, or a file
    #[arg(long, global = true, value_name = "NAME|FILE", value_hint = ValueHint::FilePath)]
    pub theme: Option<String>,

    /// Use ASCII characters alone
    #[arg(long, global = true)]
    pub ascii: bool,

    /// Whether to use colour; NO_COLOR is honoured
    #[arg(long, global = true, value_enum, default_value_t = ColorWhen::Auto)]
    pub color: ColorWhen,

    /// Take the mouse: a click selects or opens, the wheel scrolls; text is then selected with Shift held
    #[arg(long, global = true)]
    pub mouse: bool,

    /// Folder for exported screens instead of the current one
    #[arg(long, global = true, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub snapshot_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Open a recorded application that is built in: no network, no files
    Demo {
        /// Which one; without it the first. An unknown name lists them
        case: Option<String>,
    },
    /// List the applications of a target
    Apps {
        /// What to list
        #[arg(value_hint = ValueHint::AnyPath)]
        target: Option<String>,
        /// How to print them
        #[arg(long, value_enum, default_value_t = ListFormat::Text)]
        format: ListFormat,
    },
    /// Print the whole triage of an application
    Report {
        /// What to read
        #[arg(value_hint = ValueHint::AnyPath)]
        target: Option<String>,
        #[command(flatten)]
        pick: Pick,
        /// How to print it
        #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
        format: ReportFormat,
        /// Exit with status 1 when there is a finding this severe
        #[arg(long, value_enum, value_name = "SEVERITY")]
        fail_on: Option<FailOn>,
        /// Print what a rule looks for and how it counts, instead of a report
        #[arg(long, value_name = "RULE", conflicts_with_all = ["target", "app", "format", "fail_on"])]
        explain: Option<String>,
    },
    /// Print what changed between two runs: where the time went, stages, findings, settings
    Compare {
        /// The first run
        #[arg(value_hint = ValueHint::AnyPath)]
        a: String,
        /// The second run, held against the first
        #[arg(value_hint = ValueHint::AnyPath)]
        b: String,
        /// How to print it
        #[arg(long, value_enum, default_value_t = ListFormat::Text)]
        format: ListFormat,
    },
    /// Print a table under Spark's REST names and units
    Export {
        /// What to read
        #[arg(value_hint = ValueHint::AnyPath)]
        target: Option<String>,
        #[command(flatten)]
        pick: Pick,
        /// Which table
        #[arg(long, value_enum)]
        table: Table,
        /// How to print it
        #[arg(long, value_enum, default_value_t = TableFormat::Csv)]
        format: TableFormat,
    },
    /// List the colour themes: those built in, and your own in the config folder
    Themes,
    /// Print a config file with every setting, key and threshold at its default
    Config,
    /// Print the completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page
    Man,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReadFrom {
    /// The event log, or REST where the log is refused or too large
    Auto,
    /// The event log alone
    Log,
    /// REST alone
    Rest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    Text,
    Markdown,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    Warning,
    Critical,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    Csv,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Table {
    Applications,
    Jobs,
    Stages,
    Tasks,
    TaskSummary,
    Executors,
    Processes,
    Sql,
    Storage,
    Streaming,
    Environment,
}

/// A size as Spark writes it, bytes.
fn size(text: &str) -> Result<u64, String> {
    skewer::model::parse_bytes(text, 1).ok_or_else(|| "write a size such as 512m or 2g".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_target_and_a_command_are_told_apart() {
        let cli = Cli::parse_from(["skewer", "/logs", "--app", "a", "--ascii"]);
        assert_eq!(
            (cli.target.as_deref(), cli.pick.app.as_deref(), cli.global.ascii),
            (Some("/logs"), Some("a"), true)
        );
        let cli = Cli::parse_from(["skewer", "report", "/logs", "--max-log", "2g", "--fail-on", "warning"]);
        assert_eq!((cli.target, cli.global.max_log), (None, Some(2 << 30)));
        assert!(matches!(
            cli.command,
            Some(Command::Report {
                fail_on: Some(FailOn::Warning),
                ..
            })
        ));
        let cli = Cli::parse_from(["skewer", "--color", "never", "demo"]);
        assert!(matches!(cli.command, Some(Command::Demo { case: None })));
    }
}
