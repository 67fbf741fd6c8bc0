//! `watchkeeper alert …`, `watchkeeper explain alert …` and `watchkeeper explain notification …`.
//!
//! Not rules: see `rule`.

use watchkeeper_domain::{Span, Timestamp};

use super::ask::Server;
use super::output::{self, Format, or_dash, time, word};
use super::{Failure, Outcome};
use crate::http::dto::alerts::{
    AcknowledgeAlerts, Alert, AlertDetail, AlertList, AlertsChanged, AssignAlerts, ExplainStep, Explanation,
};
use crate::http::dto::deliveries::NotificationExplanation;
use crate::http::dto::words;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List alerts, most urgent first. When more match than are shown, the last line says so.
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
        /// Services, comma-separated.
        #[arg(long)]
        service: Option<String>,
        /// Who has it, by name; `nobody`: those that nobody has.
        #[arg(long)]
        owner: Option<String>,
        /// In which order: urgency, newest, oldest, name.
        #[arg(long)]
        sort: Option<String>,
        /// Go on after the page that ended with this cursor.
        #[arg(long)]
        cursor: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
    /// Show one alert in full.
    Show {
        /// `alr_…`.
        id: String,
    },
    /// Say that you have seen it, or several.
    Ack {
        /// `alr_…`.
        #[arg(required = true)]
        ids: Vec<String>,
        /// A note for the timeline.
        #[arg(long)]
        note: Option<String>,
    },
    /// Give alerts to a person; for one in an open incident, the incident gets its commander.
    Assign {
        /// `alr_…`.
        #[arg(required = true)]
        ids: Vec<String>,
        /// The person's name; nobody when absent.
        #[arg(long)]
        to: Option<String>,
    },
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum Explain {
    /// Explain an alert.
    Alert {
        /// `alr_…`.
        id: String,
    },
    /// Explain what became of a notification.
    Notification {
        /// `ntf_…`, as `watchkeeper notify list` shows it.
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
        Command::List { state, category, priority, service, owner, sort, cursor, limit } => {
            let query = [
                ("state", state),
                ("category", category),
                ("priority", priority),
                ("service", service),
                ("owner", owner),
                ("sort", sort),
                ("cursor", cursor),
                ("limit", Some(limit.to_string())),
            ];
            let list: AlertList = server.get("/alerts", &query).await?;
            output::show(format, &list, |list| {
                let rows = list.items.iter().map(row).collect();
                output::table(&["ID", "PRIORITY", "STATE", "ALERT", "SINCE", "OWNER"], rows, "No alerts.");
                if let Some(cursor) = &list.next_cursor {
                    output::line(&format!(
                        "{} of {} shown; go on with --cursor {cursor}",
                        list.items.len(),
                        list.total
                    ));
                }
            })
        }
        Command::Show { id } => {
            let alert: AlertDetail = server.get(&format!("/alerts/{id}"), &[]).await?;
            output::show(format, &alert, detail)
        }
        Command::Ack { ids, note } => {
            let body = AcknowledgeAlerts { alert_ids: ids, note };
            let done: AlertsChanged = server.post("/alerts/acknowledge", &body).await?;
            changed(format, &done, |a| format!("{} acknowledged by {}.", a.name, or_dash(a.acknowledged_by.as_deref())))
        }
        Command::Assign { ids, to } => {
            let body = AssignAlerts { alert_ids: ids, person: to };
            let done: AlertsChanged = server.post("/alerts/assign", &body).await?;
            changed(format, &done, |a| format!("{} is {}'s now.", a.name, a.owner.as_deref().unwrap_or("nobody")))
        }
    }
}

/// Says what became of each; what was refused is a finding.
fn changed(format: Format, done: &AlertsChanged, said: impl Fn(&Alert) -> String) -> Outcome {
    output::show(format, done, |done| done.items.iter().for_each(|alert| output::line(&said(alert))))?;
    if done.refused.is_empty() {
        return Ok(());
    }
    let refused: Vec<String> = done.refused.iter().map(|r| format!("{}: {}", r.id, r.detail)).collect();
    Err(Failure::Finding(refused.join("\n       ")))
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
        Explain::Notification { id } => {
            let explanation: NotificationExplanation = server.get(&format!("/notifications/{id}/explain"), &[]).await?;
            return output::show(format, &explanation, |e| {
                output::line(&e.verdict);
                e.steps.iter().for_each(step);
            });
        }
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
