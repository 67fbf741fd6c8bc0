//! The real program as a child process: started, waited for, stopped, killed.
//!
//! Not what it does.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use watchkeeper_domain::{Clock as _, Span};
use watchkeeper_server::clock::SystemClock;

/// A running program.
pub(crate) struct Program {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
    http: reqwest::Client,
    /// How long it took from the start to the first answer that it is ready.
    pub(crate) took: Duration,
}

/// An address of loopback that nobody listens on. Somebody might in the moment after; then the program says so.
pub(crate) fn free_address() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Program {
    /// Starts it on `watchkeeper.yaml` of a folder, and returns when it is ready.
    pub(crate) async fn start(folder: &Path, address: SocketAddr) -> Self {
        Self::start_with(folder, address, &[]).await
    }

    /// The same with more in its environment.
    pub(crate) async fn start_with(folder: &Path, address: SocketAddr, environment: &[(&str, &str)]) -> Self {
        let log = folder.join("log");
        let errors = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let clock = SystemClock::new();
        let mut command = Command::new(env!("CARGO_BIN_EXE_watchkeeper"));
        command.args(["serve", "--no-otlp-ports", "--config", "watchkeeper.yaml", "--data", "data", "--listen"]);
        command
            .arg(address.to_string())
            .current_dir(folder)
            .env("WATCHKEEPER_LOG", "warn")
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(errors);
        let child = command.spawn().unwrap();
        let mut program = Self { child, address, log, http: reqwest::Client::new(), took: Duration::ZERO };
        let what = "the program to be ready";
        eventually(what, async || {
            if let Some(status) = program.child.try_wait().unwrap() {
                panic!("it ended by itself, {status}:\n{}", program.log());
            }
            program.http.get(program.url("/-/ready")).send().await.is_ok_and(|answer| answer.status() == StatusCode::OK)
        })
        .await;
        program.took = clock.monotonic();
        program
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What it and those before it had to complain about.
    fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, and waits until the process is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and waits until the process has ended by itself.
    pub(crate) fn terminate(&mut self) {
        let id = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success(), "{}", self.log());
    }

    /// The answer to a question that has one.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.http.get(self.url(path)).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{path}: {text}\n{}", self.log());
        serde_json::from_str(&text).unwrap()
    }

    /// All objects of a list.
    pub(crate) async fn all(&self, path: &str) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        loop {
            let separator = if path.contains('?') { '&' } else { '?' };
            let mut page = self.get(&format!("/api/watchkeeper/v1/{path}{separator}limit=1000{cursor}")).await;
            if let Value::Array(found) = page["items"].take() {
                items.extend(found);
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Gone already, in the good case.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Looks again and again until it is so, for at most a minute.
pub(crate) async fn eventually(what: &str, mut so: impl AsyncFnMut() -> bool) {
    let clock = SystemClock::new();
    while !so().await {
        assert!(clock.monotonic() < Duration::from_secs(60), "waited a minute for {what}");
        clock.sleep_until(clock.now() + Span::from_millis(5)).await;
    }
}
