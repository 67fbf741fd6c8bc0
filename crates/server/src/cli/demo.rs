//! `watchkeeper demo`: the bank, the stand-in for Slack and the server as processes, and a narrator who says what happens.
//!
//! Not a simulation: the narrator is an ordinary client of the server's API, and everything that he tells of really ran.

mod children;
mod folder;
mod narrate;
mod tour;

use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};
use watchkeeper_domain::Span;

use super::ask::Server;
use super::output::{self, Format};
use super::{Failure, Outcome};
use crate::http::dto::session::{Demo, Fault as FaultState};

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The bank's program.
    #[arg(long, value_name = "FILE", default_value = "money404-bank")]
    bank: PathBuf,
    /// Where the demo keeps its configuration and data. Kept between runs; delete it to begin anew.
    #[arg(long, value_name = "DIR", default_value = "out/demo")]
    data: PathBuf,
    /// Moves all ports by this much, so that two demos run side by side.
    #[arg(long, default_value_t = 0, value_name = "N")]
    port_offset: u16,
    /// What is shown by itself: payments (kill the payments service), all (each fault), none.
    #[arg(long, value_enum, default_value_t = tour::Tour::Payments)]
    tour: tour::Tour,
    /// End after the tour: exit status 1 when a loop did not close. Without it the demo goes on until Ctrl-C.
    #[arg(long)]
    exit: bool,
    /// Send e-mail too, to this mail server, for example 127.0.0.1:2525.
    #[arg(long, value_name = "HOST:PORT")]
    smtp: Option<String>,
    /// Post alerts to this webhook too.
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// How long the tour waits for one step before it says that it did not happen.
    #[arg(long, default_value = "8m")]
    patience: Span,
}

/// Switches of the running demo's bank.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Fault {
    /// List the faults.
    List,
    /// Switch one on.
    On {
        /// Its name.
        name: String,
    },
    /// Switch one off.
    Off {
        /// Its name.
        name: String,
    },
}

pub(super) fn run(args: Args) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Finding(format!("the async runtime cannot start: {error}")))?;
    runtime.block_on(async {
        let places = folder::Places::new(args.port_offset)?;
        let config = folder::prepare(&args.data, &places, args.smtp.as_deref(), args.webhook.as_deref())?;
        let mut children = children::start(&args.bank, &args.data, &config, &places).await?;
        let server = Server::new(&places.server_url(), None, None)?;
        narrate::welcome(&places, &children);
        let told = tokio::select! {
            told = tour::run(args.tour, &server, args.patience) => told,
            name = children.one_ended() => Err(Failure::Finding(format!(
                "{name} ended; its log is {}", args.data.join(format!("{name}.log")).display()
            ))),
            () = asked_to_stop() => Ok(()),
        };
        if told.is_ok() && !args.exit {
            narrate::farewell(&places);
            tokio::select! {
                () = asked_to_stop() => {}
                name = children.one_ended() => output::error(&format!("{name} ended")),
            }
        }
        narrate::stopping();
        children.stop().await;
        told
    })
}

/// Waits for SIGINT or SIGTERM.
async fn asked_to_stop() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => terminate.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
}

pub(super) async fn fault(server: &Server, format: Format, command: Fault) -> Outcome {
    match command {
        Fault::List => {
            let demo: Demo = server.get("/demo", &[]).await?;
            output::show(format, &demo, |demo| {
                let rows = demo
                    .faults
                    .iter()
                    .map(|f| vec![f.name.clone(), if f.on { "ON" } else { "off" }.to_owned(), f.effect.clone()])
                    .collect();
                output::table(&["FAULT", "NOW", "WHAT IT DOES"], rows, "The bank offers no faults.");
            })
        }
        Fault::On { name } => switch(server, format, &name, "on").await,
        Fault::Off { name } => switch(server, format, &name, "off").await,
    }
}

async fn switch(server: &Server, format: Format, name: &str, to: &str) -> Outcome {
    let fault: FaultState = server.post(&format!("/demo/faults/{name}/{to}"), &serde_json::json!({})).await?;
    output::show(format, &fault, |f| {
        output::line(&format!("{} is {}: {}", f.name, if f.on { "ON" } else { "off" }, f.effect))
    })
}
