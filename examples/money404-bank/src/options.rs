//! The command line of the bank's one binary. Defaults are the ports that the README names.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::control_client::{FaultCommand, ProcessCommand};
use crate::fault::Fault;
use crate::token::{self, Token};

/// Money404 Bank: a small bank to watch.
#[derive(Debug, Parser)]
#[command(name = "money404-bank", version)]
pub struct Cli {
    /// What to run.
    #[command(subcommand)]
    pub command: Command,
}

/// The bank's processes, and the clients of its supervisor.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the whole bank: all processes, logs, and the control API
    Up(UpOptions),
    /// The web pages and the JSON API for customers
    Front(FrontOptions),
    /// Balances and credentials
    Accounts(AccountsOptions),
    /// Transfers between accounts
    Payments(PaymentsOptions),
    /// Stands in for the key vault
    Secrets(SecretsOptions),
    /// Plays the customers
    Driver(DriverOptions),
    /// Stands in for Slack: takes webhooks, shows the messages, and has working buttons
    Slack(SlackOptions),
    /// List, start, stop, kill or restart the bank's processes
    Process {
        /// What to do.
        #[command(subcommand)]
        command: ProcessCommand,
        /// Where the supervisor is.
        #[command(flatten)]
        control: ControlOptions,
    },
    /// List faults, switch one on or off
    Fault {
        /// What to do.
        #[command(subcommand)]
        command: FaultCommand,
        /// Where the supervisor is.
        #[command(flatten)]
        control: ControlOptions,
    },
}

/// What all child processes take.
#[derive(Debug, Clone, Args)]
pub struct CommonOptions {
    /// Where telemetry goes (OTLP/HTTP), or `off`
    #[arg(long, env = "BANK_OTLP", default_value = "http://127.0.0.1:4318")]
    pub otlp: String,
    /// A fault to start with (repeatable); a supervised process hears of faults from its supervisor
    #[arg(long = "fault", value_name = "NAME")]
    pub faults: Vec<Fault>,
    /// Follow the supervisor on standard input, and end with it
    #[arg(long, hide = true)]
    pub supervised: bool,
}

impl CommonOptions {
    /// The collector's address, unless telemetry is off.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        endpoint(&self.otlp)
    }
}

/// `off` and the empty text mean no export.
#[must_use]
pub fn endpoint(otlp: &str) -> Option<&str> {
    (!otlp.is_empty() && otlp != "off").then_some(otlp)
}

/// Options of `up`.
#[derive(Debug, Clone, Args)]
pub struct UpOptions {
    /// End when standard input ends: for those who start this as a child
    #[arg(long, hide = true)]
    pub leashed: bool,
    /// Folder for the database, the vault, the logs and `addresses.json`
    #[arg(long, env = "BANK_DATA")]
    pub data: Option<PathBuf>,
    /// Where telemetry goes (OTLP/HTTP), or `off`
    #[arg(long, env = "BANK_OTLP", default_value = "http://127.0.0.1:4318")]
    pub otlp: String,
    /// Port of the control API (0: any free one)
    #[arg(long, env = "BANK_CONTROL_PORT", default_value_t = 7450)]
    pub control_port: u16,
    /// Port of `front` (0: any free one)
    #[arg(long, env = "BANK_FRONT_PORT", default_value_t = 7451)]
    pub front_port: u16,
    /// Port of `accounts` (0: any free one)
    #[arg(long, env = "BANK_ACCOUNTS_PORT", default_value_t = 7452)]
    pub accounts_port: u16,
    /// Port of `payments` (0: any free one)
    #[arg(long, env = "BANK_PAYMENTS_PORT", default_value_t = 7453)]
    pub payments_port: u16,
    /// Port of `secrets` (0: any free one)
    #[arg(long, env = "BANK_SECRETS_PORT", default_value_t = 7454)]
    pub secrets_port: u16,
    /// How many customers the driver plays
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u8).range(0..=24))]
    pub customers: u8,
    /// Bearer token for the POST requests of the control API
    #[arg(long, env = "BANK_CONTROL_TOKEN", hide_env_values = true, default_value = "")]
    pub control_token: String,
    /// Bearer token for the admin API of `front`; without one that API is off
    #[arg(long, env = "BANK_ADMIN_TOKEN", hide_env_values = true, default_value = "")]
    pub admin_token: String,
}

/// Options of `front`.
#[derive(Debug, Clone, Args)]
pub struct FrontOptions {
    /// Address to listen on
    #[arg(long, default_value_t = local(7451))]
    pub listen: SocketAddr,
    /// Folder where the block list is kept
    #[arg(long)]
    pub data: PathBuf,
    /// Base URL of `accounts`
    #[arg(long, default_value = "http://127.0.0.1:7452")]
    pub accounts: String,
    /// Base URL of `payments`
    #[arg(long, default_value = "http://127.0.0.1:7453")]
    pub payments: String,
    /// Token shown to `accounts` and `payments`
    #[arg(long, env = "BANK_SERVICE_TOKEN", hide_env_values = true, value_parser = token::parse)]
    pub service_token: Token,
    /// Bearer token for the admin API; without one that API is off
    #[arg(long, env = "BANK_ADMIN_TOKEN", hide_env_values = true, default_value = "")]
    pub admin_token: String,
    /// What all take.
    #[command(flatten)]
    pub common: CommonOptions,
}

/// Options of `accounts`.
#[derive(Debug, Clone, Args)]
pub struct AccountsOptions {
    /// Address to listen on
    #[arg(long, default_value_t = local(7452))]
    pub listen: SocketAddr,
    /// Folder of the database
    #[arg(long)]
    pub data: PathBuf,
    /// Token that callers must show
    #[arg(long, env = "BANK_SERVICE_TOKEN", hide_env_values = true, value_parser = token::parse)]
    pub service_token: Token,
    /// What all take.
    #[command(flatten)]
    pub common: CommonOptions,
}

/// Options of `payments`.
#[derive(Debug, Clone, Args)]
pub struct PaymentsOptions {
    /// Address to listen on
    #[arg(long, default_value_t = local(7453))]
    pub listen: SocketAddr,
    /// Folder of the database
    #[arg(long)]
    pub data: PathBuf,
    /// Base URL of `secrets`
    #[arg(long, default_value = "http://127.0.0.1:7454")]
    pub secrets: String,
    /// Token that callers must show
    #[arg(long, env = "BANK_SERVICE_TOKEN", hide_env_values = true, value_parser = token::parse)]
    pub service_token: Token,
    /// Token shown to the vault
    #[arg(long, env = "BANK_VAULT_TOKEN", hide_env_values = true, value_parser = token::parse)]
    pub vault_token: Token,
    /// What all take.
    #[command(flatten)]
    pub common: CommonOptions,
}

/// Options of `secrets`.
#[derive(Debug, Clone, Args)]
pub struct SecretsOptions {
    /// Address to listen on
    #[arg(long, default_value_t = local(7454))]
    pub listen: SocketAddr,
    /// Folder where the vault keeps its secrets
    #[arg(long)]
    pub data: PathBuf,
    /// Token that callers must show
    #[arg(long, env = "BANK_VAULT_TOKEN", hide_env_values = true, value_parser = token::parse)]
    pub vault_token: Token,
    /// What all take.
    #[command(flatten)]
    pub common: CommonOptions,
}

/// Options of `driver`.
#[derive(Debug, Clone, Args)]
pub struct DriverOptions {
    /// Base URL of `front`
    #[arg(long, default_value = "http://127.0.0.1:7451")]
    pub front: String,
    /// How many customers
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u8).range(0..=24))]
    pub customers: u8,
    /// What all take.
    #[command(flatten)]
    pub common: CommonOptions,
}

/// Options of `slack`.
#[derive(Debug, Clone, Args)]
pub struct SlackOptions {
    /// End when standard input ends: for those who start this as a child
    #[arg(long, hide = true)]
    pub leashed: bool,
    /// Address to listen on; loopback only
    #[arg(long, default_value_t = local(7455))]
    pub listen: SocketAddr,
    /// Where presses of buttons are sent: the app's interactivity request URL
    #[arg(long, env = "SLACK_INTERACTIVITY_URL")]
    pub interactivity_url: String,
    /// What presses are signed with, as the app expects it
    #[arg(long, env = "SLACK_SIGNING_SECRET", hide_env_values = true, value_parser = token::parse)]
    pub signing_secret: Token,
}

/// Where the supervisor is, and how to be let in.
#[derive(Debug, Clone, Args)]
pub struct ControlOptions {
    /// Base URL of the control API
    #[arg(long, env = "BANK_CONTROL_URL", default_value = "http://127.0.0.1:7450", global = true)]
    pub control: String,
    /// Bearer token of the control API
    #[arg(long, env = "BANK_CONTROL_TOKEN", hide_env_values = true, default_value = "", global = true)]
    pub control_token: String,
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
