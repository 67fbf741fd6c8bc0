//! Runs the whole bank: starts its processes, keeps their logs, switches faults, and answers the control API.
//! It does not bring a dead process back: that is for who watches the bank, and this only says that it is dead.

mod api;
mod child;
mod plan;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::fault::{Fault, FaultSet};
use crate::leash::Leash;
use crate::options::UpOptions;
use crate::serve::{StartError, serve};
use crate::token::Token;
use child::{Child, Handle, Order};
pub use child::{ExitView, OrderError, ProcessState, ProcessView};
use plan::Ports;

/// Why the bank did not come up.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// See [`StartError`].
    #[error(transparent)]
    Start(#[from] StartError),
    /// The data folder is in use.
    #[error("{}: another bank is running on this data folder; stop it, or give another --data", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// There is no home folder to put the data in.
    #[error("there is no place for the data: give --data DIR")]
    NoHome,
    /// A child process could not be started.
    #[error(transparent)]
    Order(#[from] OrderError),
}

/// A fault, as the control API shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FaultView {
    /// The name in URLs.
    pub name: String,
    /// For people.
    pub title: String,
    /// One line.
    pub description: String,
    /// The alert category that it stands for.
    pub category: String,
    /// Whether it is on.
    pub on: bool,
    /// When it was last switched (RFC 3339); nothing when it never was.
    pub since: Option<String>,
}

/// When a fault was last switched, and which way.
#[derive(Debug, Clone, Copy)]
struct Switch {
    on: bool,
    since: Timestamp,
}

/// The children and the faults.
struct Supervisor {
    children: Vec<Handle>,
    // Held over the orders that follow from a switch, so that two switches reach the children in one order.
    switches: Mutex<BTreeMap<Fault, Switch>>,
}

/// Runs the bank until SIGTERM or SIGINT.
///
/// # Errors
/// When a port or the data folder cannot be had, or a process cannot be started.
pub async fn run(options: UpOptions) -> Result<(), UpError> {
    let data = data_folder(options.data.as_deref())?;
    let logs = data.join("logs");
    fs::create_dir_all(&logs).map_err(file_error(&logs))?;
    // Kept until the end; the kernel lets go of it whatever way this process ends.
    let _lock = lock(&data)?;
    let ports = Ports::reserve(&options)?;
    let children = plan::processes(&options, &ports, &data)
        .into_iter()
        .map(|plan| Child::supervise(plan, &logs))
        .collect::<Result<Vec<_>, _>>()?;
    let supervisor = Arc::new(Supervisor { children, switches: Mutex::default() });
    for child in &supervisor.children {
        child.order(Order::Start).await?;
    }
    let router = api::router(supervisor.clone(), Token::new(&options.control_token));
    let path = data.join("addresses.json");
    write_beside(&path, &ports.document(&supervisor.views())).map_err(file_error(&path))?;
    announce(&ports, &data);
    let leash = Leash::hold(options.leashed, FaultSet::new());
    let served = serve("control", ports.control(), router, leash.released()).await;
    futures::future::join_all(supervisor.children.iter().map(|child| child.order(Order::Stop))).await;
    // Whoever reads it later must not take the addresses for those of a running bank.
    fs::remove_file(&path).map_err(file_error(&path))?;
    Ok(served?)
}

impl Supervisor {
    fn views(&self) -> Vec<ProcessView> {
        self.children.iter().map(Handle::view).collect()
    }

    fn child(&self, name: &str) -> Option<&Handle> {
        self.children.iter().find(|child| child.name() == name)
    }

    /// Carries out an order for one process. A payments process that was started again, by whomever, is no longer killed,
    /// and connections that an accounts process leaked are free once it is restarted.
    async fn order(&self, child: &Handle, order: Order) -> Result<ProcessView, OrderError> {
        let cured = match (&order, child.name()) {
            (Order::Start | Order::Restart, "payments") => Some(Fault::KillPayments),
            (Order::Restart, "accounts") => Some(Fault::PoolExhausted),
            _ => None,
        };
        let mut switches = self.switches.lock().await;
        if let Some(switch) = cured.and_then(|fault| switches.get_mut(&fault))
            && switch.on
        {
            *switch = Switch { on: false, since: Timestamp::now() };
            // The new process must not be told to hold them again.
            child.order(Order::Faults(in_force(&switches))).await?;
        }
        child.order(order).await
    }

    async fn faults(&self) -> Vec<FaultView> {
        let switches = self.switches.lock().await;
        Fault::ALL.into_iter().map(|fault| view(fault, switches.get(&fault))).collect()
    }

    /// Switches a fault on or off. Idempotent: a fault that is on already keeps its `since`, and a killed process is killed again.
    async fn switch(&self, fault: Fault, on: bool) -> Result<FaultView, OrderError> {
        let mut switches = self.switches.lock().await;
        let known = switches.get(&fault).copied();
        if known.is_some_and(|switch| switch.on) != on {
            switches.insert(fault, Switch { on, since: Timestamp::now() });
            tracing::warn!(fault = fault.name(), on, "fault switched");
        }
        let set = in_force(&switches);
        for child in &self.children {
            child.order(Order::Faults(set.clone())).await?;
        }
        if fault == Fault::KillPayments
            && let Some(payments) = self.child("payments")
        {
            match payments.order(if on { Order::Kill } else { Order::Start }).await {
                // Somebody else was faster.
                Ok(_) | Err(OrderError::NotRunning { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(view(fault, switches.get(&fault)))
    }
}

fn in_force(switches: &BTreeMap<Fault, Switch>) -> FaultSet {
    switches.iter().filter(|(_, switch)| switch.on).map(|(fault, _)| *fault).collect()
}

fn view(fault: Fault, switch: Option<&Switch>) -> FaultView {
    FaultView {
        name: fault.name().to_owned(),
        title: fault.title().to_owned(),
        description: fault.description().to_owned(),
        category: fault.category().to_owned(),
        on: switch.is_some_and(|switch| switch.on),
        since: switch.map(|switch| switch.since.to_string()),
    }
}

/// The folder as given, or the place where programs keep their state (XDG base directory specification).
fn data_folder(given: Option<&Path>) -> Result<PathBuf, UpError> {
    let folder = |variable: &str| std::env::var_os(variable).filter(|text| !text.is_empty()).map(PathBuf::from);
    let path = match given {
        Some(path) => path.to_owned(),
        None => folder("XDG_STATE_HOME")
            .or_else(|| folder("HOME").map(|home| home.join(".local/state")))
            .ok_or(UpError::NoHome)?
            .join("money404-bank"),
    };
    fs::create_dir_all(&path).map_err(file_error(&path))?;
    Ok(path.canonicalize().map_err(file_error(&path))?)
}

fn lock(data: &Path) -> Result<File, UpError> {
    let path = data.join("lock");
    let file = OpenOptions::new().create(true).append(true).open(&path).map_err(file_error(&path))?;
    file.try_lock().map_err(|_| UpError::InUse { folder: data.to_owned() })?;
    Ok(file)
}

fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> StartError {
    let path = path.display().to_string();
    move |source| StartError::File { path, source }
}

/// Writes beside and renames, so that a reader sees the whole file or none.
fn write_beside(path: &Path, document: &serde_json::Value) -> std::io::Result<()> {
    let beside = path.with_extension("json.new");
    fs::write(&beside, format!("{document:#}\n"))?;
    fs::rename(beside, path)
}

#[expect(clippy::print_stdout, reason = "the one word to whoever started the bank by hand")]
fn announce(ports: &Ports, data: &Path) {
    println!("Money404 Bank is open: http://{}  (control http://{})", ports.front(), ports.control());
    println!("Log in as `anna` with `anna-404`. Logs: {}", data.join("logs").display());
}
