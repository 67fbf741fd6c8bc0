//! Writing a notification into the outbox, within the transaction that makes it true.
//!
//! Not the delivery: `respond::notify` claims the rows, sends, and records each attempt. This lives here because both
//! `alert` and `incident` have something to say and neither knows a channel.

use serde_json::Value;
use watchkeeper_domain::ids::{AlertId, GroupId, Id, IncidentId, NotificationId};
use watchkeeper_domain::{Actor, Env, Integration, Span, Timestamp};

use crate::database::{StateError, Tx};
use crate::ledger::{self, Entry};

/// How long delivery is tried before people are told that it failed.
const TOTAL_TIME: Span = Span::from_secs(24 * 3_600);

/// Something to say.
#[derive(Debug, Clone)]
pub struct Message<'a> {
    /// `alert`, `handover`, `incident`, `approval` or `test`.
    pub kind: &'static str,
    /// `firing`, `resolved` or `info`.
    pub status: &'static str,
    /// To whom.
    pub receiver: &'a str,
    /// Messages of one thread leave in order, one after the other.
    pub thread: &'a str,
    /// The alert group, if it is about one.
    pub group: Option<GroupId>,
    /// The incident, if it is about one.
    pub incident: Option<IncidentId>,
    /// The alerts that it tells of.
    pub alerts: &'a [AlertId],
    /// What is said, as data; each channel renders it its own way.
    pub content: Value,
    /// Why now, in words.
    pub reason: String,
}

/// Writes one row per integration, with its ledger entry. Integrations that do not want `resolved` are left out.
pub async fn enqueue(
    tx: &mut Tx,
    env: &Env,
    now: Timestamp,
    integrations: &[Integration],
    message: &Message<'_>,
) -> Result<Vec<NotificationId>, StateError> {
    let mut ids = Vec::new();
    for integration in integrations.iter().filter(|i| message.status != "resolved" || i.send_resolved) {
        let id = NotificationId::new(env);
        let alert_ids: Vec<String> = message.alerts.iter().map(ToString::to_string).collect();
        sqlx::query(
            "INSERT INTO notification (id, kind, status, receiver, integration, thread, group_id, incident_id, alert_ids, \
             content, reason, created_at, state, next_attempt_at, deadline_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $14, $12, $13)",
        )
        .bind(id.to_string())
        .bind(message.kind)
        .bind(message.status)
        .bind(message.receiver)
        .bind(&integration.key)
        .bind(message.thread)
        .bind(message.group.map(|id| id.to_string()))
        .bind(message.incident.map(|id| id.to_string()))
        .bind(serde_json::json!(alert_ids).to_string())
        .bind(message.content.to_string())
        .bind(&message.reason)
        .bind(now.as_micros())
        .bind((now + TOTAL_TIME).as_micros())
        // No channel takes what calls people by an escalation policy.
        .bind(if integration.key == Integration::ON_CALL { "escalating" } else { "pending" })
        .execute(&mut **tx)
        .await
        .map_err(StateError::statement("put a notification into the outbox"))?;
        let data = serde_json::json!({
            "kind": message.kind, "status": message.status, "receiver": message.receiver,
            "integration": integration.key, "reason": message.reason, "alerts": alert_ids,
        });
        let entry =
            Entry::new(now, "notification.intended", Actor::System, id).notification(id).incident(message.incident);
        match message.alerts {
            // One entry per alert, so that `explain` finds it from each of them.
            [] => {
                ledger::append(tx, entry.data(data)).await?;
            }
            alerts => {
                for alert in alerts {
                    ledger::append(tx, entry.clone().alert(*alert).data(data.clone())).await?;
                }
            }
        }
        ids.push(id);
    }
    Ok(ids)
}
