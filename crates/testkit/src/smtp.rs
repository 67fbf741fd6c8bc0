//! A real mail server for tests: aiosmtpd (the asyncio SMTP server that grew out of Python's own `smtpd`).
//!
//! Not a mock: it speaks SMTP by itself, so that our client is judged by somebody else's reading of RFC 5321.

use std::net::SocketAddr;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::python;

/// Prints one JSON object a line: first `{"port": …}`, then each message with its envelope and its headers as
/// Python's `email` package reads them. The local part of the first recipient chooses a fault: `refuse` 550,
/// `busy` 451, `drop` closes the connection after the message was read.
const SCRIPT: &str = include_str!("smtp/server.py");

/// A running mail server. Dropping it ends the process.
#[derive(Debug)]
pub struct MailServer {
    address: SocketAddr,
    lines: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl MailServer {
    /// Starts one, or says why there is none (no Python, no package index).
    pub async fn start() -> Result<Self, String> {
        let python = python::with_packages("aiosmtpd", &["aiosmtpd==1.4.6"]).await?;
        let mut process = Command::new(python)
            .args(["-u", "-c", SCRIPT])
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| format!("cannot start aiosmtpd: {e}"))?;
        let stdout = process.stdout.take().ok_or("aiosmtpd has no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let first = next(&mut lines).await?;
        let port = first["port"].as_u64().and_then(|p| u16::try_from(p).ok()).ok_or("aiosmtpd told no port")?;
        Ok(Self { address: SocketAddr::from(([127, 0, 0, 1], port)), lines, _process: process })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the next message: `{"from", "to", "headers": [[name, value], …], "parts": [{"type", "id", "text"|"bytes"}]}`.
    pub async fn message(&mut self) -> Result<Value, String> {
        next(&mut self.lines).await
    }
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> Result<Value, String> {
    let line = lines.next_line().await.map_err(|e| format!("aiosmtpd: {e}"))?.ok_or("aiosmtpd has ended")?;
    serde_json::from_str(&line).map_err(|e| format!("aiosmtpd printed `{line}`: {e}"))
}
