//! The demo's processes: started, watched, stopped by the handle that was kept.
//!
//! Not supervision: the bank's own supervisor and Watchkeeper's workflows restart what fails.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use futures::FutureExt as _;
use futures::future::select_all;
use tokio::process::{Child, ChildStdin, Command};

use super::Failure;
use super::folder::Places;
use crate::clock::system_env;

/// How long a process may take until it answers.
const PATIENCE: watchkeeper_domain::Span = watchkeeper_domain::Span::from_secs(30);

pub(super) struct Children {
    all: Vec<(&'static str, Child)>,
    /// The other ends of their standard inputs. Apart from the children, because waiting for a child closes its own.
    leashes: Vec<ChildStdin>,
    /// Whether Slack is the real one.
    pub(super) real_slack: bool,
}

/// Starts the stand-in for Slack (unless a real webhook is configured), the server, and the bank.
pub(super) async fn start(bank: &Path, data: &Path, config: &Path, places: &Places) -> Result<Children, Failure> {
    let webhook = std::env::var("SLACK_WEBHOOK_URL").ok().filter(|url| !url.is_empty());
    let signing_secret = std::env::var("SLACK_SIGNING_SECRET").unwrap_or_else(|_| token());
    let (admin, control) = (variable("BANK_ADMIN_TOKEN"), variable("BANK_CONTROL_TOKEN"));
    let server = std::env::current_exe().context("the path of this program is not known")?;
    let mut children = Children { all: Vec::new(), leashes: Vec::new(), real_slack: webhook.is_some() };

    if webhook.is_none() {
        let mut command = Command::new(bank);
        command
            .args(["slack", "--leashed", "--listen", &places.address(7455), "--interactivity-url"])
            .arg(format!("{}/slack/interactions", places.server_url()));
        command.env("SLACK_SIGNING_SECRET", &signing_secret);
        children.spawn("slack-stand-in", command, data)?;
        children.wait_for(&format!("{}/messages", places.slack_url())).await?;
    }

    let mut command = Command::new(server);
    command.arg("serve").arg("--config").arg(config).arg("--data").arg(data.join("telemetry")).arg("--leashed");
    command.env(
        "SLACK_WEBHOOK_URL",
        webhook.unwrap_or_else(|| format!("{}/services/T0BANK/B0DEMO/standin", places.slack_url())),
    );
    command
        .env("SLACK_SIGNING_SECRET", &signing_secret)
        .env("BANK_ADMIN_TOKEN", &admin)
        .env("BANK_CONTROL_TOKEN", &control);
    children.spawn("server", command, data)?;
    children.wait_for(&format!("{}/-/ready", places.server_url())).await?;

    let mut command = Command::new(bank);
    command
        .args(["up", "--leashed", "--data"])
        .arg(data.join("bank"))
        .args(["--otlp", &format!("http://{}", places.address(4318))]);
    let ports = [
        ("--control-port", 7450),
        ("--front-port", 7451),
        ("--accounts-port", 7452),
        ("--payments-port", 7453),
        ("--secrets-port", 7454),
    ];
    for (option, port) in ports {
        command.args([option, &places.moved(port).to_string()]);
    }
    command.env("BANK_ADMIN_TOKEN", &admin).env("BANK_CONTROL_TOKEN", &control);
    children.spawn("bank", command, data)?;
    for port in [7451, 7452, 7453, 7454] {
        children.wait_for(&format!("http://{}/healthz", places.address(port))).await?;
    }
    Ok(children)
}

fn variable(name: &str) -> String {
    std::env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(token)
}

fn token() -> String {
    let mut bytes = [0_u8; 16];
    system_env().entropy.fill(&mut bytes);
    hex::encode(bytes)
}

impl Children {
    fn spawn(&mut self, name: &'static str, mut command: Command, data: &Path) -> Result<(), Failure> {
        std::fs::create_dir_all(data).with_context(|| format!("the folder {} cannot be made", data.display()))?;
        let log = data.join(format!("{name}.log"));
        let out = std::fs::File::create(&log).with_context(|| format!("{} cannot be written", log.display()))?;
        let err = out.try_clone().context("a log cannot be shared")?;
        // Each ends when this pipe does, so that none outlives the narrator, however he ends.
        command.stdin(Stdio::piped()).stdout(out).stderr(err).kill_on_drop(true);
        let mut child = command
            .spawn()
            .with_context(|| format!("{name} ({:?}) cannot be started", command.as_std().get_program()))?;
        self.leashes.extend(child.stdin.take());
        self.all.push((name, child));
        Ok(())
    }

    /// Asks until it answers, or until a process ended or patience did.
    async fn wait_for(&mut self, url: &str) -> Result<(), Failure> {
        let env = system_env();
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(1))
            .build()
            .context("the HTTP client cannot start")?;
        let deadline = env.now() + PATIENCE;
        loop {
            if client.get(url).send().await.is_ok_and(|r| r.status().is_success()) {
                return Ok(());
            }
            let mut ended = self
                .all
                .iter_mut()
                .filter_map(|(name, child)| (!matches!(child.try_wait(), Ok(None))).then_some(*name));
            if let Some(name) = ended.next() {
                return Err(Failure::Finding(format!(
                    "{name} ended while it started; its log is in the demo's data folder. Is another demo running?"
                )));
            }
            if env.now() > deadline {
                return Err(Failure::Finding(format!("{url} did not answer within {PATIENCE}")));
            }
            env.clock.sleep_until(env.now() + watchkeeper_domain::Span::from_millis(50)).await;
        }
    }

    /// Waits until one of them ends. Gives its name.
    pub(super) async fn one_ended(&mut self) -> &'static str {
        let waits = self.all.iter_mut().map(|(name, child)| async move { (child.wait().await, *name).1 }.boxed());
        select_all(waits).await.0
    }

    /// Asks each to end, in reverse order, and ends those that do not.
    pub(super) async fn stop(mut self) {
        for (_, mut child) in self.all.drain(..).rev() {
            if let Some(pid) =
                child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw)
            {
                // It may have ended by itself in between.
                let _ended_before = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            }
            if tokio::time::timeout(Duration::from_secs(10), child.wait()).await.is_err() {
                drop(child.kill().await);
            }
        }
    }
}
