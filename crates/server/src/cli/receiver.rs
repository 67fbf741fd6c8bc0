//! `watchkeeper notify …`: receivers, a test through the real path, deliveries with their receipts.
//!
//! Not routing: `watchkeeper explain` says why a receiver was chosen.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use watchkeeper_domain::Timestamp;

use super::ask::Server;
use super::output::{self, Format, or_dash, time, word};
use super::{Failure, Outcome};
use crate::http::dto::deliveries::{MessagePreview, MessageTemplates, MessageTrial, NotificationList, ReceiverList};
use crate::http::dto::routing::{RouteAnswer, RouteTrial};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List receivers with their health.
    Receivers,
    /// Send a test message through the real path.
    Test {
        /// The receiver's name.
        receiver: String,
    },
    /// Say which way an alert with these labels would go now or at a moment: silences, inhibition, times and whoever is on
    /// call included. `watchkeeper test route` asks a file instead of a server.
    #[command(
        after_help = "Example:\n  watchkeeper notify route severity=critical service=payments --at 2026-12-24T20:00:00Z"
    )]
    Route {
        /// The alert's labels.
        #[arg(required = true, value_name = "LABEL=VALUE")]
        labels: Vec<String>,
        /// The moment, RFC 3339 or Unix seconds; now when absent.
        #[arg(long)]
        at: Option<Timestamp>,
    },
    /// Show what a receiver would be told of a past alert. Sends nothing. Exit status 1 when a template fails.
    #[command(after_help = "Example:\n  watchkeeper receiver preview team --alert alr_0193… --template team.yaml\n\n\
                      The file holds `title`, `body`, `subject` and `fields`, as `templates` of the receiver does.")]
    Preview {
        /// The receiver's name.
        receiver: String,
        /// The alert, `alr_…`.
        #[arg(long)]
        alert: String,
        /// A YAML file with templates to try; the receiver's own when absent.
        #[arg(long)]
        template: Option<PathBuf>,
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
                            time(r.last_failed_at),
                            r.queued.to_string(),
                            error,
                        ]
                    })
                    .collect();
                let header =
                    ["RECEIVER", "HEALTH", "CHANNELS", "LAST DELIVERED", "LAST FAILED", "QUEUED", "LAST ERROR"];
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
        Command::Route { labels, at } => {
            let trial = RouteTrial { labels: pairs(&labels)?, at: at.map(Into::into) };
            let answer: RouteAnswer = server.post("/routing/which", &trial).await?;
            output::show(format, &answer, way)
        }
        Command::Preview { receiver, alert, template } => {
            let templates = template.map(|file| read(&file)).transpose()?;
            let trial = MessageTrial { alert_id: alert, templates };
            let made: MessagePreview = server.post(&format!("/receivers/{receiver}/preview"), &trial).await?;
            output::show(format, &made, |made| {
                for channel in &made.channels {
                    output::line(&format!("── {}", channel.channel));
                    output::text(channel.body.as_deref().or(channel.error.as_deref()).unwrap_or_default());
                }
                if made.channels.is_empty() {
                    output::line("The receiver has no channel: nobody is told.");
                }
            })?;
            match made.errors.as_slice() {
                [] => Ok(()),
                errors => Err(Failure::Finding(errors.join("\n       "))),
            }
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
                            n.id.clone(),
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
                let header =
                    ["ID", "AT", "RECEIVER", "CHANNEL", "SAYS", "STATE", "ATTEMPTS", "TITLE", "RECEIPT OR ERROR"];
                output::table(&header, rows, "Nothing was sent yet.");
            })
        }
    }
}

/// Templates as a file holds them.
fn read(file: &Path) -> Result<MessageTemplates, Failure> {
    let cannot = |why: String| Failure::Usage(format!("{} cannot be used: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| cannot(error.to_string()))?;
    output::from_yaml(&text).map_err(cannot)
}

fn pairs(texts: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let pair = |text: &String| {
        let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty())?;
        Some((name.to_owned(), value.trim_matches('"').to_owned()))
    };
    let wrong = |text: &String| Failure::Usage(format!("`{text}` is no label: write name=value"));
    texts.iter().map(|text| pair(text).ok_or_else(|| wrong(text))).collect()
}

fn way(answer: &RouteAnswer) {
    for tried in &answer.tried {
        let verdict = if tried.matched { "matches" } else { "does not match" };
        output::line(&format!("{verdict:14}  {}", tried.path));
    }
    for stop in &answer.stops {
        let quiet = if stop.quiet_by.is_empty() {
            String::new()
        } else {
            format!("; quiet until {} ({})", time(stop.quiet_until), stop.quiet_by.join(", "))
        };
        output::line(&format!("=> {} ({}{quiet})", stop.receiver, stop.channels.join(", ")));
        for step in &stop.steps {
            for call in &step.calls {
                let ways = if call.ways.is_empty() { "not for this priority".to_owned() } else { call.ways.join(", ") };
                output::line(&format!("   after {:<6} {} ({}): {ways}", step.after, call.name, call.why));
            }
            for missed in &step.missed {
                output::line(&format!("   after {:<6} nobody: {missed}", step.after));
            }
        }
    }
    output::line(&answer.verdict);
}
