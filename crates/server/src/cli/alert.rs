//! `watchkeeper alert …` and `watchkeeper explain alert …`.
//!
//! Not rules: see `rule`.

use watchkeeper_domain::{Span, Timestamp};

use super::ask::Server;
use super::output::{self, Format, or_dash, time, word};
use super::{Failure, Outcome};
use crate::http::dto::alerts::{AcknowledgeAlert, Alert, AlertDetail, AlertList, ExplainStep, Explanation};
use crate::http::dto::words;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List alerts, most urgent first.
    List {
        /// States, comma-separated: pending, firing, unknown, resolved.
        #[arg(long)]
        state: Option<String>,
        /// Categories, comma-separated.
        #[arg(long)]
        category: Option<String>,
        /// Priorities, comma-separated.
        #[arg(long)]
        priority: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Show one alert in full.
    Show {
        /// `alr_…`.
        id: String,
    },
    /// Say that you have seen it.
    Ack {
        /// `alr_…`.
        id: String,
        /// A note for the timeline.
        #[arg(long)]
        note: Option<String>,
    },
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Explain {
    /// Explain an alert.
    Alert {
        /// `alr_…`.
        id: String,
    },
    /// Explain why somebody was, or was not, called.
    Person {
        /// Their name.
        name: String,
        /// The moment, RFC 3339 or Unix seconds; now when absent.
        #[arg(long)]
        at: Option<Timestamp>,
        /// How far before and after it, for example 30m; 1 hour when absent.
        #[arg(long)]
        around: Option<Span>,
    },
}

pub(super) async fn run(server: &Server, format: Format, command: Command) -> Outcome {
    match command {
        Command::List { state, category, priority, limit } => {
            let query =
                [("state", state), ("category", category), ("priority", priority), ("limit", Some(limit.to_string()))];
            let list: AlertList = server.get("/alerts", &query).await?;
            output::show(format, &list, |list| {
                let rows = list.items.iter().map(row).collect();
                output::table(&["ID", "PRIORITY", "STATE", "ALERT", "SINCE", "OWNER"], rows, "No alerts.");
            })
        }
        Command::Show { id } => {
            let alert: AlertDetail = server.get(&format!("/alerts/{id}"), &[]).await?;
            output::show(format, &alert, detail)
        }
        Command::Ack { id, note } => {
            let alert: Alert = server.post(&format!("/alerts/{id}/acknowledge"), &AcknowledgeAlert { note }).await?;
            output::show(format, &alert, |alert| {
                output::line(&format!("{} acknowledged by {}.", alert.name, or_dash(alert.acknowledged_by.as_deref())));
            })
        }
    }
}

fn row(alert: &Alert) -> Vec<String> {
    vec![
        alert.id.clone(),
        word(&alert.priority),
        word(&alert.state),
        alert.title.clone(),
        time(Some(alert.since)),
        or_dash(alert.owner.as_deref()),
    ]
}

fn detail(alert: &AlertDetail) {
    let a = &alert.alert;
    output::line(&format!("{} — {}", a.name, a.title));
    output::line(&format!("  state     {} since {}", word(&a.state), time(Some(a.since))));
    if let Some(reason) = &a.unknown_reason {
        output::line(&format!("  unknown   {reason}"));
    }
    output::line(&format!("  priority  {}, category {}", word(&a.priority), word(&a.category)));
    output::line(&format!("  rule      {}: {}", alert.rule_id, alert.expr));
    if let (Some(value), Some(threshold)) = (a.value, a.threshold) {
        output::line(&format!("  value     {value} (threshold {threshold})"));
    }
    for (name, value) in &a.labels {
        output::line(&format!("  label     {name}={value:?}"));
    }
    for (name, value) in &alert.annotations {
        output::line(&format!("  {name:<9} {value}"));
    }
    output::line(&format!("  incident  {}", or_dash(a.incident_id.as_deref())));
    output::line(&format!("  owner     {}", or_dash(a.owner.as_deref())));
}

pub(super) async fn explain(server: &Server, format: Format, command: Explain) -> Outcome {
    let id = match command {
        Explain::Alert { id } => id,
        Explain::Person { name, at, around } => return super::oncall::explain(server, format, &name, at, around).await,
    };
    let explanation: Explanation = server.get(&format!("/alerts/{id}/explain"), &[]).await?;
    if explanation.steps.is_empty() {
        return Err(Failure::Finding(format!("nothing is known about `{id}`")));
    }
    output::show(format, &explanation, |e| {
        output::line(&e.verdict);
        e.steps.iter().for_each(step);
    })
}

/// Prints one step.
pub(super) fn step(step: &ExplainStep) {
    let mark = match step.outcome {
        words::Outcome::Ok => "✓",
        words::Outcome::Waiting => "…",
        words::Outcome::Stopped => "■",
        words::Outcome::Failed => "✗",
        words::Outcome::Info => "·",
    };
    let good = match step.outcome {
        words::Outcome::Ok => Some(true),
        words::Outcome::Failed => Some(false),
        _ => None,
    };
    output::coloured(&format!("{} {mark} {:<12} {}", time(step.at), word(&step.stage), step.title), good);
    for line in step.detail.iter().flat_map(|d| d.lines()) {
        output::line(&format!("{:26}{:13}{line}", "", ""));
    }
}
