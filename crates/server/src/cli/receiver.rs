//! `watchkeeper notify …`: receivers, a test through the real path, deliveries with their receipts.
//!
//! Not routing: `watchkeeper explain` says why a receiver was chosen.

use super::Outcome;
use super::ask::Server;
use super::output::{self, Format, or_dash, time, word};
use crate::http::dto::deliveries::{NotificationList, ReceiverList};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List receivers with their health.
    Receivers,
    /// Send a test message through the real path.
    Test {
        /// The receiver's name.
        receiver: String,
    },
    /// List deliveries with every attempt, newest first.
    List {
        /// To this receiver only.
        #[arg(long)]
        receiver: Option<String>,
        /// About this alert only, `alr_…`.
        #[arg(long)]
        alert: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
}

pub(super) async fn run(server: &Server, format: Format, command: Command) -> Outcome {
    match command {
        Command::Receivers => {
            let list: ReceiverList = server.get("/receivers", &[]).await?;
            output::show(format, &list, |list| {
                let rows = list
                    .items
                    .iter()
                    .map(|r| {
                        let channels: Vec<String> =
                            r.channels.iter().map(|c| format!("{} {}", c.kind, c.target)).collect();
                        let error = or_dash(r.last_error.as_deref());
                        vec![
                            r.name.clone(),
                            word(&r.health),
                            channels.join(", "),
                            time(r.last_delivered_at),
                            r.queued.to_string(),
                            error,
                        ]
                    })
                    .collect();
                let header = ["RECEIVER", "HEALTH", "CHANNELS", "LAST DELIVERED", "QUEUED", "LAST ERROR"];
                output::table(&header, rows, "No receivers are configured: nobody is told.");
            })
        }
        Command::Test { receiver } => {
            let sent: NotificationList =
                server.post(&format!("/receivers/{receiver}/test"), &serde_json::json!({})).await?;
            output::show(format, &sent, |sent| {
                for n in &sent.items {
                    output::line(&format!("{} to {} over {} is {}.", n.id, n.receiver, n.channel, word(&n.state)));
                }
                output::line("Follow it with `watchkeeper notify list`.");
            })
        }
        Command::List { receiver, alert, limit } => {
            let query = [("receiver", receiver), ("alert_id", alert), ("limit", Some(limit.to_string()))];
            let list: NotificationList = server.get("/notifications", &query).await?;
            output::show(format, &list, |list| {
                let rows = list
                    .items
                    .iter()
                    .map(|n| {
                        let last = n.attempts.last();
                        let said = last.and_then(|a| a.error.as_deref().or(a.receipt.as_deref()));
                        vec![
                            time(Some(n.created_at)),
                            n.receiver.clone(),
                            n.channel.clone(),
                            n.reason.clone(),
                            word(&n.state),
                            n.attempts.len().to_string(),
                            n.title.clone(),
                            or_dash(said),
                        ]
                    })
                    .collect();
                let header = ["AT", "RECEIVER", "CHANNEL", "SAYS", "STATE", "ATTEMPTS", "TITLE", "RECEIPT OR ERROR"];
                output::table(&header, rows, "Nothing was sent yet.");
            })
        }
    }
}
