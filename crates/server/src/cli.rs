//! The command line: one program for the server, for those who operate it, and for scripts.
//!
//! Not the work itself: `serve` and `demo` start the application, `check` reads files, and everything else asks a
//! running server over its HTTP API, like any other client.
//!
//! Exit status: 0 fine, 1 a finding (a failed check, an object that is not there), 2 wrong usage.

mod alert;
mod ask;
mod backtest;
mod ca;
mod change;
mod check;
mod demo;
mod drill;
mod heartbeat;
mod import;
mod incident;
mod ledger;
mod logs;
mod oncall;
mod output;
mod query;
mod receiver;
mod rule;
mod serve;
mod silence;
mod test;
mod traces;
mod workflow;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use output::Format;

/// Keeps watch over a service and answers for it.
#[derive(Debug, Parser)]
#[command(name = "watchkeeper", version, max_term_width = 110, arg_required_else_help = true)]
#[command(
    after_help = "Examples:\n  watchkeeper serve --config watchkeeper.yaml\n  watchkeeper check watchkeeper.yaml\n  \
                        watchkeeper alert list\n  watchkeeper explain alert alr_0193…\n\nExit status: 0 fine, 1 a finding, 2 wrong usage."
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, clap::Args)]
struct Global {
    /// The server to ask.
    #[arg(
        long,
        global = true,
        env = "WATCHKEEPER_SERVER",
        default_value = "http://127.0.0.1:7404",
        value_name = "URL"
    )]
    server: String,
    /// The token to ask with; not needed on loopback without tokens.
    #[arg(long, global = true, env = "WATCHKEEPER_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
    /// A PEM file with the authority that vouches for the server, for `https://` under a certificate of one's own.
    #[arg(long, global = true, env = "WATCHKEEPER_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// How answers are shown.
    #[arg(long, short, global = true, value_enum, default_value_t = Format::Table)]
    output: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server.
    Serve(serve::Args),
    /// Run the demo: a bank that fails, watched, healed and explained.
    Demo(demo::Args),
    /// Check configuration files without a server.
    Check(check::Args),
    /// Run test files, and say which way an alert would go.
    #[command(subcommand)]
    Test(test::Command),
    /// Write other tools' configuration as Watchkeeper's.
    #[command(subcommand)]
    Import(import::Command),
    /// Evaluate a PromQL expression.
    Query(query::Args),
    /// Find log records, follow them live, or see their patterns.
    Logs(logs::Args),
    /// Find traces, show one with its critical path, or draw who calls whom.
    Traces(traces::Args),
    /// Say step by step why somebody was, or was not, told.
    #[command(subcommand)]
    Explain(alert::Explain),
    /// List, show and acknowledge alerts.
    #[command(subcommand)]
    Alert(alert::Command),
    /// Add, list and end silences.
    #[command(subcommand)]
    Silence(silence::Command),
    /// List, declare and lead incidents; export post-mortems.
    #[command(subcommand)]
    Incident(incident::Command),
    /// Say who is on call; take a time over; find gaps; follow escalations.
    #[command(subcommand, name = "oncall", alias = "on-call")]
    OnCall(oncall::Command),
    /// List rules and probes with their state; store, change and take back rule groups.
    #[command(subcommand)]
    Rule(rule::Command),
    /// Say what a rule would have done over stored history, before it wakes anybody.
    Backtest(backtest::Args),
    /// Tell of deploys and other changes, and list them.
    #[command(subcommand)]
    Change(change::Command),
    /// List jobs that report when they ran.
    #[command(subcommand)]
    Heartbeat(heartbeat::Command),
    /// List and run workflows, follow their runs.
    #[command(subcommand)]
    Workflow(workflow::Command),
    /// List receivers, send a test, preview a message, follow deliveries.
    #[command(subcommand, visible_alias = "receiver")]
    Notify(receiver::Command),
    /// Hold fire drills; say how Watchkeeper itself does.
    #[command(subcommand)]
    Drill(drill::Command),
    /// Read and verify the ledger.
    #[command(subcommand)]
    Ledger(ledger::Command),
    /// Switch the demo's faults.
    #[command(subcommand)]
    Fault(demo::Fault),
    /// Make a certificate authority of one's own, and certificates for TLS.
    #[command(subcommand)]
    Ca(ca::Command),
    /// Print shell completion.
    Completion {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Why a command ended with another status than 0.
#[derive(Debug)]
enum Failure {
    /// Something was found or is not there: exit status 1.
    Finding(String),
    /// The command cannot be carried out as given: exit status 2.
    Usage(String),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Finding(format!("{error:#}"))
    }
}

type Outcome = Result<(), Failure>;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    match dispatch(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Finding(text)) => {
            if !text.is_empty() {
                output::error(&text);
            }
            ExitCode::from(1)
        }
        Err(Failure::Usage(text)) => {
            output::error(&text);
            ExitCode::from(2)
        }
    }
}

fn dispatch(cli: Cli) -> Outcome {
    let Cli { global, command } = cli;
    match command {
        Command::Serve(args) => serve::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Check(args) => check::run(&args),
        Command::Test(command) => test::run(command, global.output),
        Command::Import(command) => import::run(command, global.output),
        Command::Ca(command) => ca::run(command, global.output),
        Command::Completion { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "watchkeeper", &mut script);
            output::put(&String::from_utf8_lossy(&script));
            Ok(())
        }
        command => client(&global, command),
    }
}

/// The commands that ask a running server.
fn client(global: &Global, command: Command) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Finding(format!("the async runtime cannot start: {error}")))?;
    let server = ask::Server::new(&global.server, global.token.as_deref(), global.ca.as_deref())?;
    let format = global.output;
    runtime.block_on(async {
        match command {
            Command::Query(args) => query::run(&server, format, args).await,
            Command::Logs(args) => logs::run(&server, format, args).await,
            Command::Traces(args) => traces::run(&server, format, args).await,
            Command::Explain(command) => alert::explain(&server, format, command).await,
            Command::Alert(command) => alert::run(&server, format, command).await,
            Command::Silence(command) => silence::run(&server, format, command).await,
            Command::Incident(command) => incident::run(&server, format, command).await,
            Command::OnCall(command) => oncall::run(&server, format, command).await,
            Command::Rule(command) => rule::run(&server, format, command).await,
            Command::Backtest(args) => backtest::run(&server, format, args).await,
            Command::Change(command) => change::run(&server, format, command).await,
            Command::Heartbeat(command) => heartbeat::run(&server, format, command).await,
            Command::Workflow(command) => workflow::run(&server, format, command).await,
            Command::Notify(command) => receiver::run(&server, format, command).await,
            Command::Drill(command) => drill::run(&server, format, command).await,
            Command::Ledger(command) => ledger::run(&server, format, command).await,
            Command::Fault(command) => demo::fault(&server, format, command).await,
            Command::Serve(_)
            | Command::Demo(_)
            | Command::Check(_)
            | Command::Test(_)
            | Command::Import(_)
            | Command::Ca(_)
            | Command::Completion { .. } => Ok(()),
        }
    })
}

/// Where the configuration is when nobody says: `watchkeeper.yaml` here, if there is one.
fn default_config() -> Option<PathBuf> {
    let path = PathBuf::from("watchkeeper.yaml");
    path.exists().then_some(path)
}
