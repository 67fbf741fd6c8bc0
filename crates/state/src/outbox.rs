//! Writing a notification into the outbox, within the transaction that makes it true.
//!
//! Not the delivery: `respond::notify` claims the rows, sends, and records each attempt. This lives here because both
//! `alert` and `incident` have something to say and neither knows a channel.

use std::sync::LazyLock;

use serde_json::Value;
use watchkeeper_domain::ids::{AlertId, GroupId, Id, IncidentId, NotificationId};
use watchkeeper_domain::{Actor, Env, Integration, Span, Timestamp};

use crate::database::{StateError, Tx};
use crate::ledger::{self, Entry};
use crate::transaction::placeholders;

/// How long delivery is tried before people are told that it failed.
const TOTAL_TIME: Span = Span::from_secs(24 * 3_600);

/// Most alerts that a ledger entry about a message names.
const MOST_NAMED: usize = 20;

/// Most rows that one statement writes; a receiver with more integrations takes another.
const ROWS: usize = 8;

/// The statement that writes so many rows, less one.
static INSERTS: LazyLock<[String; ROWS]> = LazyLock::new(|| {
    std::array::from_fn(|less_one| {
        format!(
            "INSERT INTO notification (id, kind, status, receiver, integration, thread, group_id, incident_id, \
             alert_ids, content, reason, created_at, state, next_attempt_at, deadline_at) VALUES {}",
            placeholders(less_one + 1, 15)
        )
    })
});

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
    let wanted: Vec<&Integration> =
        integrations.iter().filter(|i| message.status != "resolved" || i.send_resolved).collect();
    let ids: Vec<NotificationId> = wanted.iter().map(|_| NotificationId::new(env)).collect();
    let alert_ids: Vec<String> = message.alerts.iter().map(ToString::to_string).collect();
    let (alerts, content) = (serde_json::json!(alert_ids).to_string(), message.content.to_string());
    let rows: Vec<(NotificationId, &Integration)> = ids.iter().copied().zip(wanted).collect();
    for some in rows.chunks(ROWS) {
        let Some(statement) = some.len().checked_sub(1).and_then(|less_one| INSERTS.get(less_one)) else { continue };
        let mut query = sqlx::query(statement.as_str());
        for (id, integration) in some {
            query = query
                .bind(id.to_string())
                .bind(message.kind)
                .bind(message.status)
                .bind(message.receiver)
                .bind(&integration.key)
                .bind(message.thread)
                .bind(message.group.map(|id| id.to_string()))
                .bind(message.incident.map(|id| id.to_string()))
                .bind(&alerts)
                .bind(&content)
                .bind(&message.reason)
                .bind(now.as_micros())
                // No channel takes what calls people by an escalation policy.
                .bind(if integration.key == Integration::ON_CALL { "escalating" } else { "pending" })
                .bind(now.as_micros())
                .bind((now + TOTAL_TIME).as_micros());
        }
        query.execute(&mut **tx).await.map_err(StateError::statement("put notifications into the outbox"))?;
    }
    for (id, integration) in rows {
        let mut data = serde_json::json!({
            "kind": message.kind, "status": message.status, "receiver": message.receiver,
            "integration": integration.key, "reason": message.reason,
        });
        // There is an entry for each of them: all of them in all of these would grow with the square of a storm.
        if alert_ids.len() <= MOST_NAMED {
            data["alerts"] = serde_json::json!(alert_ids);
        } else {
            data["alert_count"] = serde_json::json!(alert_ids.len());
        }
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
        tx.enqueued.push(id);
    }
    Ok(ids)
}
