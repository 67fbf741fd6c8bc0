//! `watchkeeper serve`: the server in the foreground, until SIGINT or SIGTERM. SIGHUP reloads the configuration.
//!
//! Not the application: see `app`.

use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::output;
use super::{Failure, Outcome, default_config};
use crate::app::{App, Options};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The main configuration file; `watchkeeper.yaml` when there is one, else the defaults.
    #[arg(long, short, env = "WATCHKEEPER_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Overrides `server.listen`.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<std::net::SocketAddr>,
    /// Overrides `storage.path`.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Do not listen for OTLP on ports of its own; the main port takes OTLP over HTTP all the same.
    #[arg(long)]
    no_otlp_ports: bool,
    /// Stop when standard input ends: for those who start this as a child.
    #[arg(long, hide = true)]
    leashed: bool,
    /// Log as JSON.
    #[arg(long)]
    log_json: bool,
}

pub(super) fn run(args: Args) -> Outcome {
    let filter = EnvFilter::try_from_env("WATCHKEEPER_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(terminal);
    if args.log_json {
        log.json().init()
    } else {
        log.compact().init()
    }

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Finding(format!("the async runtime cannot start: {error}")))?;
    runtime.block_on(serve(args))
}

async fn serve(args: Args) -> Outcome {
    let options = Options {
        config_file: args.config.or_else(default_config),
        listen: args.listen,
        data: args.data,
        otlp_ports: !args.no_otlp_ports,
        env: crate::clock::system_env(),
    };
    let app = App::start(options).await.map_err(|error| {
        if let Some(diagnostics) = error.diagnostics() {
            output::error(&format!("the configuration is refused\n{diagnostics}"));
            return Failure::Finding(String::new());
        }
        Failure::Finding(crate::supervisor::chain(&error))
    })?;
    let handler = |kind| signal(kind).map_err(|error| Failure::Finding(format!("signals cannot be handled: {error}")));
    let (mut interrupt, mut terminate, mut hangup) =
        (handler(SignalKind::interrupt())?, handler(SignalKind::terminate())?, handler(SignalKind::hangup())?);
    let leash = leash(args.leashed);
    tokio::pin!(leash);
    loop {
        tokio::select! {
            () = &mut leash => break,
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
            _ = hangup.recv() => match app.shared().reload().await {
                Ok(summary) => tracing::info!("{}", summary.trim_end()),
                Err(diagnostics) => tracing::error!("the new configuration is refused, the old one stays:\n{diagnostics}"),
            },
        }
    }
    tracing::info!("stopping");
    app.stop().await;
    Ok(())
}

/// Completes when standard input ends, or never.
async fn leash(held: bool) {
    if !held {
        return std::future::pending().await;
    }
    // A thread of its own that nobody joins: a read that blocks would hold up the runtime's end.
    let (ended, wait) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        let mut nothing = [0_u8; 64];
        while std::io::Read::read(&mut std::io::stdin().lock(), &mut nothing).is_ok_and(|n| n > 0) {}
        drop(ended);
    });
    // The sender is dropped, never used: the error is the message.
    drop(wait.await);
}
