//! One child process and the task that owns it. All that happens to the process goes through that task, so a signal is only
//! ever sent to a process that is still ours: its pid cannot have been given to somebody else in between.

use std::fs::{self, File, OpenOptions};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::sync::{mpsc, oneshot, watch};

use super::plan::Plan;
use crate::fault::FaultSet;
use crate::leash::Word;
use crate::serve::StartError;

/// How long a child may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(4);
/// How long a child may take to answer to its faults; a child that hangs must not hang the supervisor.
const WORD_DEADLINE: Duration = Duration::from_secs(2);

/// What a process is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProcessState {
    /// It runs.
    Running,
    /// Somebody stopped it by an order, or it was never started.
    Stopped,
    /// It ended otherwise: killed, crashed, or by itself.
    Exited,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitView {
    /// The exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// The same for people.
    pub text: String,
}

/// A process, as the control API shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProcessView {
    /// Its name.
    pub name: String,
    /// What it is doing.
    pub state: ProcessState,
    /// Its process id while it runs.
    pub pid: Option<u32>,
    /// Where it listens, as `127.0.0.1:port`.
    pub address: Option<String>,
    /// Since when it is in this state (RFC 3339).
    pub since: String,
    /// How often it was started.
    pub starts: u32,
    /// How it ended last.
    pub exit: Option<ExitView>,
}

/// What can be ordered.
#[derive(Debug)]
pub(super) enum Order {
    Start,
    Stop,
    Kill,
    Restart,
    Faults(FaultSet),
}

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// There is nothing to kill.
    #[error("{name} is not running")]
    NotRunning {
        /// Which process.
        name: &'static str,
    },
    /// The system did not start it.
    #[error("{name} could not be started")]
    Spawn {
        /// Which process.
        name: &'static str,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// The bank is closing.
    #[error("{name} takes no orders any more, the bank is closing")]
    Closing {
        /// Which process.
        name: &'static str,
    },
}

type Answer = oneshot::Sender<Result<(), OrderError>>;

/// The way to a child's task.
pub(super) struct Handle {
    name: &'static str,
    orders: mpsc::Sender<(Order, Answer)>,
    view: watch::Receiver<ProcessView>,
}

impl Handle {
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn view(&self) -> ProcessView {
        self.view.borrow().clone()
    }

    /// Returns when the order is carried out, with what the process is doing then.
    pub(super) async fn order(&self, order: Order) -> Result<ProcessView, OrderError> {
        let closing = || OrderError::Closing { name: self.name };
        let (answer, answered) = oneshot::channel();
        self.orders.send((order, answer)).await.map_err(|_| closing())?;
        answered.await.map_err(|_| closing())??;
        Ok(self.view())
    }
}

/// Our end of the child's [`crate::leash`].
struct Leash {
    // Not left in `process`: its `wait` closes standard input, and the child would take that for our end.
    words: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    last: u64,
}

impl Leash {
    fn of(process: &mut tokio::process::Child) -> Option<Self> {
        let (words, answers) = (process.stdin.take()?, process.stdout.take()?);
        Some(Self { words, answers: BufReader::new(answers).lines(), last: 0 })
    }

    /// Returns when the child says that the faults are in force; with an error when it is ending.
    async fn tell(&mut self, faults: &FaultSet) -> std::io::Result<()> {
        self.last += 1;
        let mut line = serde_json::to_vec(&Word { number: self.last, faults: faults.clone() })?;
        line.push(b'\n');
        self.words.write_all(&line).await?;
        let wanted = self.last.to_string();
        // Answers to earlier words, which we did not wait for long enough, may come first.
        while let Some(answer) = self.answers.next_line().await? {
            if answer == wanted {
                return Ok(());
            }
        }
        Err(std::io::ErrorKind::BrokenPipe.into())
    }
}

/// The task's state.
pub(super) struct Child {
    plan: Plan,
    program: PathBuf,
    log: PathBuf,
    faults: FaultSet,
    process: Option<tokio::process::Child>,
    leash: Option<Leash>,
    view: watch::Sender<ProcessView>,
}

impl Child {
    /// Starts the task; the process itself waits for [`Order::Start`]. The log of an earlier run is kept as `NAME.log.old`.
    pub(super) fn supervise(plan: Plan, logs: &Path) -> Result<Handle, StartError> {
        let program = std::env::current_exe()
            .map_err(|source| StartError::File { path: "the bank's own program".to_owned(), source })?;
        let log = logs.join(format!("{}.log", plan.name));
        if log.exists() {
            let old = log.with_extension("log.old");
            fs::rename(&log, &old).map_err(|source| StartError::File { path: old.display().to_string(), source })?;
        }
        let (view, seen) = watch::channel(ProcessView {
            name: plan.name.to_owned(),
            state: ProcessState::Stopped,
            pid: None,
            address: plan.address.map(|address| address.to_string()),
            since: Timestamp::now().to_string(),
            starts: 0,
            exit: None,
        });
        let (orders, received) = mpsc::channel(8);
        let name = plan.name;
        let child = Self { plan, program, log, faults: FaultSet::new(), process: None, leash: None, view };
        tokio::spawn(child.run(received));
        Ok(Handle { name, orders, view: seen })
    }

    async fn run(mut self, mut orders: mpsc::Receiver<(Order, Answer)>) {
        loop {
            tokio::select! {
                biased;
                status = ended(&mut self.process) => self.note_end(status, ProcessState::Exited),
                order = orders.recv() => match order {
                    None => return,
                    Some((order, answer)) => {
                        let result = self.carry_out(order).await;
                        // Whoever gave the order may have gone away; it is carried out all the same.
                        let _ = answer.send(result);
                    }
                },
            }
        }
    }

    async fn carry_out(&mut self, order: Order) -> Result<(), OrderError> {
        match order {
            Order::Start => self.start().await,
            Order::Stop => {
                self.stop().await;
                Ok(())
            }
            Order::Restart => {
                self.stop().await;
                self.start().await
            }
            Order::Kill => self.kill().await,
            Order::Faults(faults) => {
                self.faults = faults;
                self.tell_faults().await;
                Ok(())
            }
        }
    }

    /// Starts the process, unless it runs.
    async fn start(&mut self) -> Result<(), OrderError> {
        if self.process.is_some() {
            return Ok(());
        }
        let name = self.plan.name;
        let mut process = self.spawn().map_err(|source| OrderError::Spawn { name, source })?;
        let pid = process.id();
        self.leash = Leash::of(&mut process);
        self.process = Some(process);
        self.view.send_modify(|view| {
            view.state = ProcessState::Running;
            view.pid = pid;
            view.since = Timestamp::now().to_string();
            view.starts += 1;
        });
        tracing::info!(process = name, pid, "started");
        self.tell_faults().await;
        Ok(())
    }

    fn spawn(&self) -> std::io::Result<tokio::process::Child> {
        let log: File = OpenOptions::new().create(true).append(true).open(&self.log)?;
        Command::new(&self.program)
            .args(&self.plan.arguments)
            // Each process knows its own secrets only.
            .env_remove("BANK_CONTROL_TOKEN")
            .env_remove("BANK_ADMIN_TOKEN")
            .envs(self.plan.environment.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            // A group of its own: Ctrl-C is for the supervisor, which then stops its children.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
    }

    /// SIGTERM, and SIGKILL after [`GRACE`].
    async fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            if let Some(pid) = process.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw) {
                // Fails only when it has ended by itself, and then the wait returns at once.
                let _ = kill_process(pid, Signal::TERM);
            }
            let status = match tokio::time::timeout(GRACE, process.wait()).await {
                Ok(status) => status,
                Err(_) => {
                    tracing::warn!(process = self.plan.name, "did not end after SIGTERM, killing it");
                    let _ = process.start_kill();
                    process.wait().await
                }
            };
            self.note_end(status, ProcessState::Stopped);
        } else if self.view.borrow().state == ProcessState::Exited {
            // It was dead already; now it is meant to be.
            self.view.send_modify(|view| {
                view.state = ProcessState::Stopped;
                view.since = Timestamp::now().to_string();
            });
        }
    }

    /// SIGKILL, as the out-of-memory killer would.
    async fn kill(&mut self) -> Result<(), OrderError> {
        let mut process = self.process.take().ok_or(OrderError::NotRunning { name: self.plan.name })?;
        // Fails only when it has ended by itself, and then the wait returns at once.
        let _ = process.start_kill();
        let status = process.wait().await;
        self.note_end(status, ProcessState::Exited);
        Ok(())
    }

    /// Puts the faults in force in the child.
    async fn tell_faults(&mut self) {
        let Some(leash) = &mut self.leash else { return };
        match tokio::time::timeout(WORD_DEADLINE, leash.tell(&self.faults)).await {
            Ok(Ok(())) => {}
            // It is ending; the next start tells it again.
            Ok(Err(error)) => tracing::warn!(process = self.plan.name, %error, "could not be told its faults"),
            Err(_) => tracing::warn!(process = self.plan.name, "does not answer to its faults"),
        }
    }

    fn note_end(&mut self, status: std::io::Result<ExitStatus>, state: ProcessState) {
        self.process = None;
        self.leash = None;
        let exit = match status {
            Ok(status) => ExitView { code: status.code(), signal: status.signal(), text: status.to_string() },
            Err(error) => ExitView { code: None, signal: None, text: format!("its end could not be learnt: {error}") },
        };
        tracing::warn!(process = self.plan.name, ?state, exit = exit.text, "ended");
        self.view.send_modify(|view| {
            view.state = state;
            view.pid = None;
            view.since = Timestamp::now().to_string();
            view.exit = Some(exit);
        });
    }
}

/// Returns when the process has ended; never, while there is none.
async fn ended(process: &mut Option<tokio::process::Child>) -> std::io::Result<ExitStatus> {
    match process {
        Some(process) => process.wait().await,
        None => std::future::pending().await,
    }
}
