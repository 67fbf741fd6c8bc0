//! The bank's one binary: reads the command line, sets up telemetry and the runtime, and runs what was asked for.

use std::future::Future;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use money404_bank::fault::FaultSet;
use money404_bank::leash::Leash;
use money404_bank::options::{Cli, Command, CommonOptions, SlackOptions};
use money404_bank::telemetry::{Identity, Telemetry};
use money404_bank::{accounts, control_client, driver, front, payments, secrets, supervisor};
use watchkeeper_testkit::slack as slack_stand_in;

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Front(options) => {
            let (common, at) = (options.common.clone(), options.listen.to_string());
            service("front", at, &common, |leash| front::run(options, leash))
        }
        Command::Accounts(options) => {
            let (common, at) = (options.common.clone(), options.listen.to_string());
            service("accounts", at, &common, |leash| accounts::run(options, leash))
        }
        Command::Payments(options) => {
            let (common, at) = (options.common.clone(), options.listen.to_string());
            service("payments", at, &common, |leash| payments::run(options, leash))
        }
        Command::Secrets(options) => {
            let (common, at) = (options.common.clone(), options.listen.to_string());
            service("secrets", at, &common, |leash| secrets::run(options, leash))
        }
        Command::Driver(options) => {
            let common = options.common.clone();
            service("driver", "driver".to_owned(), &common, |leash| driver::run(options, leash))
        }
        Command::Up(options) => {
            // The supervisor speaks to the terminal alone; the bank's telemetry comes from the bank's processes.
            let identity = Identity { service: "control", instance: String::new() };
            let _telemetry = Telemetry::install(&identity, None)?;
            run(supervisor::run(options))
        }
        Command::Slack(options) => {
            let _telemetry = Telemetry::install(&Identity { service: "slack", instance: String::new() }, None)?;
            run(slack(options))
        }
        Command::Process { command, control } => run(control_client::process(command, &control)),
        Command::Fault { command, control } => run(control_client::fault(command, &control)),
    }
}

/// Runs one of the bank's services on a thread of its own making: telemetry before the runtime, and after it.
fn service<F, E>(
    name: &'static str,
    instance: String,
    common: &CommonOptions,
    start: impl FnOnce(Leash) -> F,
) -> anyhow::Result<()>
where
    F: Future<Output = Result<(), E>>,
    E: std::error::Error + Send + Sync + 'static,
{
    let telemetry = Telemetry::install(&Identity { service: name, instance }, common.endpoint())?;
    let leash = Leash::hold(common.supervised, common.faults.iter().copied().collect());
    let ended = run(start(leash));
    if let Err(error) = &ended {
        tracing::error!("{error:#}");
    }
    telemetry.shutdown();
    ended
}

/// The stand-in for Slack until a signal comes. It is the test kit's, and the same that Watchkeeper's own tests talk to.
async fn slack(options: SlackOptions) -> Result<(), slack_stand_in::Error> {
    let announce = |address| tracing::info!("the stand-in for Slack is at http://{address}");
    let secret = options.signing_secret.reveal().to_owned();
    tokio::select! {
        ended = slack_stand_in::run(options.listen, options.interactivity_url, secret, announce) => ended,
        () = Leash::hold(options.leashed, FaultSet::new()).released() => Ok(()),
    }
}

/// One thread is plenty for a service of this bank, and the machine has others to serve.
fn run<E>(work: impl Future<Output = Result<(), E>>) -> anyhow::Result<()>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the async runtime did not start")?;
    let ended = runtime.block_on(work);
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(ended?)
}
