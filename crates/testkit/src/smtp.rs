//! A real mail server for tests: aiosmtpd (the asyncio SMTP server that grew out of Python's own `smtpd`).
//!
//! Not a mock: it speaks SMTP by itself, so that our client is judged by somebody else's reading of RFC 5321.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::python;

/// Prints one JSON object a line: first `{"port": …}`, then each message with its envelope and its headers as
/// Python's `email` package reads them. The local part of the first recipient chooses a fault: `refuse` 550,
/// `busy` 451, `drop` closes the connection after the message was read.
const SCRIPT: &str = include_str!("smtp/server.py");

/// How a mail server wants to be spoken to.
#[derive(Debug, Clone, Copy)]
pub enum Manners<'a> {
    /// Plain text, and it does not ask who is there.
    Plain,
    /// Nothing before STARTTLS (RFC 3207), and nothing without the user's password (RFC 4954).
    StartTls(Keys<'a>),
    /// TLS from the first byte (RFC 8314), and nothing without the user's password.
    Tls(Keys<'a>),
}

/// What a mail server that encrypts has, as PEM files, and whom it knows.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'a> {
    /// The certificate's file.
    pub certificate: &'a Path,
    /// The private key's file.
    pub key: &'a Path,
    /// The only user.
    pub user: &'a str,
    /// That user's password.
    pub password: &'a str,
}

/// A running mail server. Dropping it ends the process.
#[derive(Debug)]
pub struct MailServer {
    address: SocketAddr,
    lines: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl MailServer {
    /// Starts one that speaks plain text, or says why there is none (no Python, no package index).
    pub async fn start() -> Result<Self, String> {
        Self::start_with(Manners::Plain).await
    }

    /// Starts one, or says why there is none (no Python, no package index).
    pub async fn start_with(manners: Manners<'_>) -> Result<Self, String> {
        let python = python::with_packages("aiosmtpd", &["aiosmtpd==1.4.6"]).await?;
        let (kind, keys) = match manners {
            Manners::Plain => ("plain", None),
            Manners::StartTls(keys) => ("starttls", Some(keys)),
            Manners::Tls(keys) => ("tls", Some(keys)),
        };
        let mut command = Command::new(python);
        command.args(["-u", "-c", SCRIPT, kind]);
        if let Some(keys) = keys {
            command.args([keys.certificate, keys.key]).args([keys.user, keys.password]);
        }
        let mut process = command
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
