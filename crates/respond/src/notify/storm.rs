//! A storm: more waits for a receiver than it wants to hear. What waits goes along with the last message that it takes for
//! now, so that people hear of everything at once instead of late.
//!
//! Not for machines: what another program reads by key (webhooks, PagerDuty, Opsgenie, programs) is told piece by piece.

use serde_json::{Value, json};
use sqlx::Row as _;
use watchkeeper_domain::Timestamp;
use watchkeeper_domain::ids::{AlertId, NotificationId};
use watchkeeper_state::{StateError, Tx};

use super::claim::Claimed;
use super::facts::{self, Subject};

/// Most notifications that one message takes along, and most alerts that it then holds.
const MOST_ROWS: i64 = 500;
const MOST_ALERTS: usize = 1_000;
/// Channels that people read.
const FOR_PEOPLE: [&str; 8] = ["slack", "email", "teams", "discord", "telegram", "ntfy", "sms", "voice"];

/// Takes what waits for the same destination into this message, in the transaction that claims it. Only alerts of the same
/// status, and only the next of each thread, so that nobody hears of an end before its beginning.
pub(super) async fn gather(tx: &mut Tx, claimed: &mut Claimed, now: Timestamp) -> Result<(), StateError> {
    let kind = claimed.subject.integration.split(':').next().unwrap_or_default();
    if claimed.kind != "alert" || !FOR_PEOPLE.contains(&kind) {
        return Ok(());
    }
    let act = "gather what waits for a receiver";
    let rows = sqlx::query(
        "SELECT id, alert_ids, content FROM notification n WHERE receiver = $1 AND integration = $2 AND state = 'pending' \
         AND kind = 'alert' AND status = $3 AND thread <> $4 AND next_attempt_at <= $5 AND attempts = 0 \
         AND NOT EXISTS (SELECT 1 FROM notification o WHERE o.thread = n.thread AND o.receiver = n.receiver \
         AND o.integration = n.integration AND o.state IN ('pending', 'sending') \
         AND o.rowid < n.rowid) \
         ORDER BY rowid LIMIT $6",
    )
    .bind(&claimed.subject.receiver)
    .bind(&claimed.subject.integration)
    .bind(&claimed.status)
    .bind(&claimed.thread)
    .bind(now.as_micros())
    .bind(MOST_ROWS)
    .fetch_all(&mut **tx)
    .await
    .map_err(StateError::statement(act))?;
    let corrupt = |id: &str| StateError::corrupt("notification", "content", id);
    let own = claimed.subject.id.to_string();
    let mut content: Value = serde_json::from_str(&claimed.content).map_err(|_| corrupt(&own))?;
    let mut gathered: Vec<String> = Vec::new();
    for row in &rows {
        let (id, text): (&str, &str) = (row.get("id"), row.get("content"));
        let other: Value = serde_json::from_str(text).map_err(|_| corrupt(id))?;
        let ids: Vec<AlertId> = serde_json::from_str(row.get("alert_ids")).map_err(|_| corrupt(id))?;
        let theirs = other.get("alerts").and_then(Value::as_array).cloned().unwrap_or_default();
        let Some(alerts) = content.get_mut("alerts").and_then(Value::as_array_mut) else { return Ok(()) };
        if alerts.len() + theirs.len() > MOST_ALERTS {
            break;
        }
        alerts.extend(theirs);
        let subject = Subject {
            id: id.parse::<NotificationId>().map_err(|_| StateError::corrupt("notification", "id", id))?,
            receiver: claimed.subject.receiver.clone(),
            integration: claimed.subject.integration.clone(),
            alerts: ids.clone(),
            incident: None,
        };
        let why = json!({"by": own, "reason": "more waited than the receiver takes: told together in one message"});
        facts::note(tx, now, "notification.gathered", &subject, why).await?;
        claimed.subject.alerts.extend(ids);
        gathered.push(id.to_owned());
    }
    if gathered.is_empty() {
        return Ok(());
    }
    content["group_labels"] = json!({});
    claimed.content = content.to_string();
    let list = json!(gathered).to_string();
    sqlx::query(
        "UPDATE notification SET state = 'superseded', finished_at = $2 WHERE id IN (SELECT value FROM json_each($1))",
    )
    .bind(&list)
    .bind(now.as_micros())
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement(act))?;
    sqlx::query("UPDATE notification SET content = $2, alert_ids = $3, reason = $4 WHERE id = $1")
        .bind(&own)
        .bind(&claimed.content)
        .bind(json!(claimed.subject.alerts).to_string())
        .bind(format!("{}; with {} more that waited", claimed.reason, gathered.len()))
        .execute(&mut **tx)
        .await
        .map_err(StateError::statement(act))?;
    Ok(())
}
