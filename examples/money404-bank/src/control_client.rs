//! The command line's way to the supervisor: `process …` and `fault …`. It decides nothing; the control API does.

use std::time::Duration;

use clap::Subcommand;
use reqwest::{Client, Method, StatusCode};
use serde::de::DeserializeOwned;

use crate::options::ControlOptions;
use crate::peer::local_client;
use crate::problem::ProblemDocument;
use crate::serve::StartError;
use crate::supervisor::{FaultView, ProcessState, ProcessView};

/// Longer than the longest order: a stop with its grace.
const DEADLINE: Duration = Duration::from_secs(10);

/// `process …`
#[derive(Debug, Subcommand)]
pub enum ProcessCommand {
    /// Show all processes
    List,
    /// Start a process that does not run
    Start {
        /// Its name.
        name: String,
    },
    /// Stop a process (SIGTERM)
    Stop {
        /// Its name.
        name: String,
    },
    /// Kill a process (SIGKILL)
    Kill {
        /// Its name.
        name: String,
    },
    /// Stop a process and start it again
    Restart {
        /// Its name.
        name: String,
    },
}

/// `fault …`
#[derive(Debug, Subcommand)]
pub enum FaultCommand {
    /// Show all faults
    List,
    /// Switch a fault on
    On {
        /// Its name.
        name: String,
    },
    /// Switch a fault off
    Off {
        /// Its name.
        name: String,
    },
}

/// Why the supervisor did not do it.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The HTTP client could not be built.
    #[error(transparent)]
    Client(#[from] StartError),
    /// Nobody answers.
    #[error("no bank answers at {control}; start it with `money404-bank up`, or give --control")]
    Unreachable {
        /// Where we asked.
        control: String,
        /// The client's words.
        #[source]
        source: reqwest::Error,
    },
    /// It answered no.
    #[error("{detail}")]
    Refused {
        /// Its status.
        status: StatusCode,
        /// Its sentence.
        detail: String,
    },
}

/// Runs a `process` command and prints what came of it.
///
/// # Errors
/// See [`ControlError`].
pub async fn process(command: ProcessCommand, control: &ControlOptions) -> Result<(), ControlError> {
    let (name, action) = match command {
        ProcessCommand::List => {
            print_processes(&call::<Vec<ProcessView>>(control, Method::GET, &["processes"]).await?);
            return Ok(());
        }
        ProcessCommand::Start { name } => (name, "start"),
        ProcessCommand::Stop { name } => (name, "stop"),
        ProcessCommand::Kill { name } => (name, "kill"),
        ProcessCommand::Restart { name } => (name, "restart"),
    };
    print_processes(&[call(control, Method::POST, &["processes", &name, action]).await?]);
    Ok(())
}

/// Runs a `fault` command and prints what came of it.
///
/// # Errors
/// See [`ControlError`].
pub async fn fault(command: FaultCommand, control: &ControlOptions) -> Result<(), ControlError> {
    let (name, state) = match command {
        FaultCommand::List => {
            print_faults(&call::<Vec<FaultView>>(control, Method::GET, &["faults"]).await?);
            return Ok(());
        }
        FaultCommand::On { name } => (name, "on"),
        FaultCommand::Off { name } => (name, "off"),
    };
    print_faults(&[call(control, Method::POST, &["faults", &name, state]).await?]);
    Ok(())
}

async fn call<T: DeserializeOwned>(control: &ControlOptions, method: Method, path: &[&str]) -> Result<T, ControlError> {
    let unreachable = |source| ControlError::Unreachable { control: control.control.clone(), source };
    let client = local_client(Client::builder().timeout(DEADLINE))?;
    let mut url = reqwest::Url::parse(&control.control).map_err(|error| ControlError::Refused {
        status: StatusCode::BAD_REQUEST,
        detail: format!("--control {}: {error}", control.control),
    })?;
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    let mut request = client.request(method, url);
    if !control.control_token.is_empty() {
        request = request.bearer_auth(&control.control_token);
    }
    let response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    if status.is_success() {
        return response.json().await.map_err(unreachable);
    }
    let detail = response
        .json::<ProblemDocument>()
        .await
        .map_or_else(|_| format!("the supervisor answered {status}"), |document| document.detail);
    Err(ControlError::Refused { status, detail })
}

#[expect(clippy::print_stdout, reason = "the answer to a command")]
fn print_processes(processes: &[ProcessView]) {
    println!("{:<10} {:<8} {:>8} {:<16} {:<31} EXIT", "NAME", "STATE", "PID", "ADDRESS", "SINCE");
    for process in processes {
        let state = match process.state {
            ProcessState::Running => "running",
            ProcessState::Stopped => "stopped",
            ProcessState::Exited => "exited",
        };
        let pid = process.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
        let address = process.address.as_deref().unwrap_or("-");
        let exit = process.exit.as_ref().map_or("-", |exit| exit.text.as_str());
        println!("{:<10} {state:<8} {pid:>8} {address:<16} {:<31} {exit}", process.name, process.since);
    }
}

#[expect(clippy::print_stdout, reason = "the answer to a command")]
fn print_faults(faults: &[FaultView]) {
    println!("{:<17} {:<5} {:<12} DESCRIPTION", "NAME", "STATE", "CATEGORY");
    for fault in faults {
        let state = if fault.on { "on" } else { "off" };
        println!("{:<17} {state:<5} {:<12} {}", fault.name, fault.category, fault.description);
    }
}
