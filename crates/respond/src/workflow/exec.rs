//! Running a program: no shell, nothing inherited but `PATH`, output capped, the whole process group killed when dropped.
//!
//! Not a sandbox: it runs as the server's user.

use std::collections::BTreeMap;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt as _};
use tokio::process::Command;

use super::runner::{StepError, StepOutcome};

/// The most bytes of each output that are kept; the rest is read and dropped, so that the program does not block.
const KEPT: usize = 16 << 10;

/// How a program ended. Hostile text.
pub struct Ended {
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// The beginning of its standard output.
    pub out: String,
    /// The beginning of its standard error.
    pub err: String,
}

/// Runs a program to its end; `input` goes to its standard input.
pub async fn start(
    command: &[String],
    env: &BTreeMap<String, String>,
    input: Option<Vec<u8>>,
) -> Result<Ended, StepError> {
    let (program, arguments) = command.split_first().ok_or_else(|| StepError("there is no program".to_owned()))?;
    let mut builder = Command::new(program);
    builder
        .args(arguments)
        .env_clear()
        .envs(env)
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(path) = std::env::var_os("PATH") {
        builder.env("PATH", path);
    }
    // A group of its own, so that its children die with it.
    builder.process_group(0).kill_on_drop(true);
    let mut child = builder.spawn().map_err(|e| StepError(format!("`{program}` cannot be started: {e}")))?;
    let mut group = Group(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)));
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let stdin = child.stdin.take();
    let feed = async {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            // A program that does not read its input has no use for it.
            drop(stdin.write_all(&input).await);
        }
    };
    let (status, out, err, ()) = futures::join!(child.wait(), capped(out), capped(err), feed);
    // It has ended and was waited for: its number may belong to somebody else from now on.
    group.0 = None;
    let status = status.map_err(|e| StepError(format!("`{program}` cannot be waited for: {e}")))?;
    Ok(Ended { code: status.code(), out, err })
}

/// Runs a program to its end, as a step of a workflow.
pub async fn run(command: &[String], env: &BTreeMap<String, String>) -> Result<StepOutcome, StepError> {
    let Ended { code, out, err } = start(command, env, None).await?;
    let data = json!({"code": code, "stdout": out, "stderr": err});
    if code == Some(0) {
        return Ok(StepOutcome { summary: "exit code 0".to_owned(), data });
    }
    let how = code.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}"));
    Err(StepError(format!("{how}: {}", crate::client::excerpt(if err.trim().is_empty() { &out } else { &err }))))
}

/// Kills the group when it is dropped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may be gone already; there is nothing else to do about it.
            let _gone = kill_process_group(group, Signal::KILL);
        }
    }
}

async fn capped(pipe: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut pipe) = pipe else { return String::new() };
    let (mut kept, mut buffer) = (Vec::new(), vec![0_u8; 8 << 10]);
    while let Ok(read @ 1..) = pipe.read(&mut buffer).await {
        let room = KEPT.saturating_sub(kept.len()).min(read);
        kept.extend_from_slice(&buffer[..room]);
    }
    String::from_utf8_lossy(&kept).into_owned()
}
