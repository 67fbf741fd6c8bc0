//! What became of one notification: what led to it, each attempt with the receipt, who took what it told; and for each
//! call beside it that did not happen, the rule that stopped it.
//!
//! Not a reconstruction either: every step is an entry that was written then.

use std::collections::BTreeSet;

use watchkeeper_domain::Integration;
use watchkeeper_domain::ids::AlertId;
use watchkeeper_respond::notify::read::Notification;
use watchkeeper_state::StateError;
use watchkeeper_state::ledger::{self, About, LedgerRow};

use super::{MOST, words};
use crate::app::Shared;
use crate::http::dto::alerts::ExplainStep;
use crate::http::dto::deliveries::NotificationExplanation;

/// What of an alert's life leads to a message about it.
const LEADS: [&str; 8] = [
    "alert.firing",
    "alert.routed",
    "alert.waiting",
    "alert.silenced",
    "alert.inhibited",
    "alert.unmuted",
    "alert.not_told",
    "alert.resolved",
];
/// What people do about what they were told.
const ANSWERS: [&str; 4] = ["alert.acknowledged", "incident.acknowledged", "alert.assigned", "incident.assigned"];

/// Explains a notification.
pub async fn notification(shared: &Shared, it: &Notification) -> Result<NotificationExplanation, StateError> {
    let pool = shared.state.read();
    let mut rows = ledger::entries(pool, About::Subject(&it.id), MOST).await?;
    // The first alert stands for all: they came the same way, or they would not be in one message.
    let first: Option<AlertId> = it.alert_ids.first().and_then(|id| id.parse().ok());
    if let Some(alert) = first {
        let of_alert = ledger::entries(pool, About::Alert(alert), MOST).await?;
        rows.extend(of_alert.into_iter().filter(|row| {
            let leads = LEADS.contains(&row.kind.as_str()) && row.at <= it.created_at;
            leads || ANSWERS.contains(&row.kind.as_str()) && row.at >= it.created_at
        }));
    }
    if let Some(incident) = it.incident_id.as_ref().and_then(|id| id.parse().ok()) {
        let of_incident = ledger::entries(pool, About::Incident(incident), MOST).await?;
        let answer = |row: &LedgerRow| ANSWERS.contains(&row.kind.as_str()) && row.at >= it.created_at;
        rows.extend(of_incident.into_iter().filter(answer));
    }
    // A call of an escalation has its escalation as its thread: whom the steps called, and whom they did not.
    if it.thread.starts_with("esc_") {
        rows.extend(ledger::entries(pool, About::Subject(&it.thread), MOST).await?);
    }
    rows.sort_by_key(|row| row.seq);
    // A fact about several alerts stands once for each of them.
    let mut seen = BTreeSet::new();
    rows.retain(|row| seen.insert((row.at, row.kind.clone(), row.subject.clone(), row.data.to_string())));
    let steps: Vec<ExplainStep> = rows.iter().map(words::step).collect();
    Ok(NotificationExplanation { notification_id: it.id.clone(), verdict: verdict(it, &rows), steps })
}

/// The answer in one sentence.
fn verdict(it: &Notification, rows: &[LedgerRow]) -> String {
    let to = format!("{} over {}", words::whom(&it.receiver), it.integration);
    let last = it.attempts.last();
    let said = last.map(|attempt| attempt.detail.as_str()).filter(|detail| !detail.is_empty());
    let own = |kind: &str| rows.iter().rev().find(|row| row.kind == kind && row.subject == it.id);
    if it.integration == Integration::ON_CALL {
        return match it.state.as_str() {
            "failed" => format!("The escalation policy of {} could not call anybody.", it.receiver),
            "delivered" => {
                format!("The escalation policy of {} has it; its calls are notifications of their own.", it.receiver)
            }
            _ => format!("The escalation policy of {} will take it.", it.receiver),
        };
    }
    match it.state.as_str() {
        "delivered" => {
            let at = it.finished_at.map(|at| format!(" at {at}, {} after it was intended", at.since(it.created_at)));
            let answer =
                rows.iter().find(|row| ANSWERS.contains(&row.kind.as_str()) && row.kind.ends_with("acknowledged"));
            let taken = answer.map(|row| format!("; {} acknowledged at {}", row.actor, row.at)).unwrap_or_default();
            format!("It was delivered to {to}{}{taken}.", at.unwrap_or_default())
        }
        "failed" => format!("It could NOT be delivered to {to}: {}.", said.unwrap_or("it was given up; see the steps")),
        "superseded" => match own("notification.gathered").and_then(|row| row.data["by"].as_str()) {
            Some(by) => {
                format!("It was not sent by itself: more waited for {to} than it takes, and {by} told all together.")
            }
            None => format!("It was not sent to {to}: a newer message said more."),
        },
        "sending" => format!("It is on its way to {to}; there is no receipt yet."),
        _ => match said {
            Some(error) => format!("It waits for {to}, next attempt at {}: {error}.", it.next_attempt_at),
            None => format!("It waits for {to}; next attempt at {}.", it.next_attempt_at),
        },
    }
}
