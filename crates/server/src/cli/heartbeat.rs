//! `watchkeeper heartbeat …`: jobs that report when they ran.
//!
//! Not reporting: that is one request of any HTTP client to the address that is shown here.

use super::Outcome;
use super::ask::Server;
use super::output::{self, Format, or_dash, time, word};
use crate::http::dto::heartbeats::{Heartbeat, HeartbeatBeat, HeartbeatDetail, HeartbeatList};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List heartbeats with their state, late ones first.
    List,
    /// Show one heartbeat with its address and its newest beats.
    Show {
        /// Its name.
        name: String,
    },
}

pub(super) async fn run(server: &Server, format: Format, command: Command) -> Outcome {
    match command {
        Command::List => {
            let list: HeartbeatList = server.get("/heartbeats", &[]).await?;
            output::show(format, &list, |list| {
                let row = |h: &Heartbeat| {
                    vec![
                        h.name.clone(),
                        word(&h.state),
                        h.schedule.clone(),
                        time(h.last_success_at),
                        took(h.last_duration_ms),
                        time(h.expected_at),
                        or_dash(h.detail.as_deref()),
                    ]
                };
                let header = ["HEARTBEAT", "STATE", "SCHEDULE", "LAST SUCCESS", "TOOK", "EXPECTED", "DETAIL"];
                let none = "No heartbeat is configured. Add `heartbeats` to the configuration.";
                output::table(&header, list.items.iter().map(row).collect(), none);
            })
        }
        Command::Show { name } => {
            let path: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
            let detail: HeartbeatDetail = server.get(&format!("/heartbeats/{}", path.replace('+', "%20")), &[]).await?;
            output::show(format, &detail, |detail| {
                let h = &detail.heartbeat;
                output::line(&format!("{}: {}, {}, grace {}", h.name, word(&h.state), h.schedule, h.grace));
                if let Some(detail) = &h.detail {
                    output::line(detail);
                }
                output::line(&format!("address: {}", h.url.as_deref().unwrap_or("shown to responders")));
                let row = |b: &HeartbeatBeat| {
                    let status = b.exit_code.map_or_else(|| "-".to_owned(), |code| code.to_string());
                    let said = b.body.as_deref().and_then(|body| body.lines().next());
                    vec![time(Some(b.at)), b.kind.clone(), status, took(b.duration_ms), or_dash(said)]
                };
                let header = ["AT", "KIND", "EXIT STATUS", "TOOK", "SAID"];
                output::table(&header, detail.beats.iter().map(row).collect(), "It has not reported yet.");
            })
        }
    }
}

fn took(milliseconds: Option<f64>) -> String {
    milliseconds.map_or_else(|| "-".to_owned(), |ms| format!("{:.1} s", ms / 1_000.0))
}
