//! Reading the outbox: what was said to whom, each attempt, and how receivers are doing.
//!
//! Not changing it: `claim` and `record` do.

use std::collections::HashMap;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqlitePool};
use watchkeeper_domain::ids::{AlertId, IncidentId};
use watchkeeper_domain::{Span, Timestamp};
use watchkeeper_state::StateError;

use super::content::Content;

/// One notification with its attempts.
#[derive(Debug, Clone)]
pub struct Notification {
    /// `ntf_…`.
    pub id: String,
    /// `alert`, `handover`, `incident`, `approval` or `test`.
    pub kind: String,
    /// `firing`, `resolved` or `info`.
    pub status: String,
    /// The receiver.
    pub receiver: String,
    /// The integration: `slack`, `email`, `webhook`, with an index when there are several.
    pub integration: String,
    /// What it says in one line. Hostile text.
    pub title: String,
    /// Why it is said.
    pub reason: String,
    /// `pending`, `sending`, `delivered`, `failed` or `superseded`.
    pub state: String,
    /// When it was intended.
    pub created_at: Timestamp,
    /// When it is tried next.
    pub next_attempt_at: Timestamp,
    /// When it was delivered or given up.
    pub finished_at: Option<Timestamp>,
    /// The incident.
    pub incident_id: Option<String>,
    /// The alerts that it tells of.
    pub alert_ids: Vec<String>,
    /// Its attempts, oldest first.
    pub attempts: Vec<Attempt>,
}

/// One attempt.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// From 1.
    pub n: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// `started`, `delivered`, `retry`, `failed` or `unknown`.
    pub outcome: String,
    /// The peer's status, HTTP or SMTP.
    pub status: Option<i64>,
    /// What went wrong, in words. Hostile text.
    pub detail: String,
    /// What the peer gave as proof. Hostile text.
    pub receipt: Option<String>,
}

impl Attempt {
    /// How long it took.
    #[must_use]
    pub fn duration(&self) -> Option<Span> {
        self.finished_at.map(|end| end.since(self.started_at))
    }
}

/// Which notifications. Absent fields mean all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// To this receiver.
    pub receiver: Option<String>,
    /// About this incident.
    pub incident: Option<IncidentId>,
    /// About this alert.
    pub alert: Option<AlertId>,
    /// In these states.
    pub states: Vec<String>,
}

/// Lists notifications, newest first.
pub async fn list(
    pool: &SqlitePool,
    filter: &Filter,
    limit: u32,
    offset: u32,
) -> Result<Vec<Notification>, StateError> {
    let states = if filter.states.is_empty() { String::new() } else { format!(",{},", filter.states.join(",")) };
    let rows = sqlx::query(
        "SELECT * FROM notification WHERE ($1 IS NULL OR receiver = $1) AND ($2 IS NULL OR incident_id = $2 \
         OR EXISTS (SELECT 1 FROM incident_alert WHERE incident_alert.incident_id = $2 \
         AND notification.alert_ids LIKE '%' || incident_alert.alert_id || '%')) \
         AND ($3 IS NULL OR alert_ids LIKE '%' || $3 || '%') AND ($4 = '' OR $4 LIKE '%,' || state || ',%') \
         ORDER BY created_at DESC, id DESC LIMIT $5 OFFSET $6",
    )
    .bind(filter.receiver.as_deref())
    .bind(filter.incident.map(|id| id.to_string()))
    .bind(filter.alert.map(|id| id.to_string()))
    .bind(states)
    .bind(i64::from(limit))
    .bind(i64::from(offset))
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("list notifications"))?;
    let mut found: Vec<Notification> = rows.iter().map(notification).collect::<Result<_, _>>()?;
    attach_attempts(pool, &mut found).await?;
    Ok(found)
}

fn notification(row: &SqliteRow) -> Result<Notification, StateError> {
    let (kind, status, content): (String, String, String) = (row.get("kind"), row.get("status"), row.get("content"));
    let alert_ids: String = row.get("alert_ids");
    let title = Content::read(&kind, &content)
        .map(|c| c.title(&status))
        .map_err(|_| StateError::corrupt("notification", "content", &content))?;
    Ok(Notification {
        id: row.get("id"),
        title,
        kind,
        status,
        receiver: row.get("receiver"),
        integration: row.get("integration"),
        reason: row.get("reason"),
        state: row.get("state"),
        created_at: Timestamp::from_micros(row.get("created_at")),
        next_attempt_at: Timestamp::from_micros(row.get("next_attempt_at")),
        finished_at: row.get::<Option<i64>, _>("finished_at").map(Timestamp::from_micros),
        incident_id: row.get("incident_id"),
        alert_ids: serde_json::from_str(&alert_ids)
            .map_err(|_| StateError::corrupt("notification", "alert_ids", &alert_ids))?,
        attempts: Vec::new(),
    })
}

async fn attach_attempts(pool: &SqlitePool, notifications: &mut [Notification]) -> Result<(), StateError> {
    // The ids travel as one JSON list, so that the statement's text is the same for any number of them.
    let ids = serde_json::json!(notifications.iter().map(|n| &n.id).collect::<Vec<_>>()).to_string();
    let rows = sqlx::query(
        "SELECT notification_id, n, started_at, finished_at, outcome, status, detail, receipt FROM notification_attempt \
         WHERE $1 LIKE '%' || notification_id || '%' ORDER BY notification_id, n",
    )
    .bind(ids)
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("read delivery attempts"))?;
    let mut by_id: HashMap<String, Vec<Attempt>> = HashMap::new();
    for row in rows {
        by_id.entry(row.get("notification_id")).or_default().push(Attempt {
            n: row.get("n"),
            started_at: Timestamp::from_micros(row.get("started_at")),
            finished_at: row.get::<Option<i64>, _>("finished_at").map(Timestamp::from_micros),
            outcome: row.get("outcome"),
            status: row.get("status"),
            detail: row.get("detail"),
            receipt: row.get("receipt"),
        });
    }
    for notification in notifications {
        notification.attempts = by_id.remove(&notification.id).unwrap_or_default();
    }
    Ok(())
}

/// How one receiver's integration is doing.
#[derive(Debug, Clone, Default)]
pub struct Standing {
    /// When something last arrived.
    pub last_delivered_at: Option<Timestamp>,
    /// When an attempt last failed.
    pub last_failed_at: Option<Timestamp>,
    /// What failed then. Hostile text.
    pub last_error: Option<String>,
    /// How many notifications wait.
    pub queued: u32,
}

impl Standing {
    /// Whether the last attempt failed; none when there was no attempt.
    #[must_use]
    pub fn failing(&self) -> Option<bool> {
        match (self.last_delivered_at, self.last_failed_at) {
            (None, None) => None,
            (delivered, failed) => Some(failed > delivered),
        }
    }
}

/// The standing of every integration that something was ever sent to, by receiver and integration.
pub async fn standings(pool: &SqlitePool) -> Result<HashMap<(String, String), Standing>, StateError> {
    let rows = sqlx::query(
        "SELECT n.receiver, n.integration, max(CASE WHEN a.outcome = 'delivered' THEN a.finished_at END) AS delivered, \
         max(CASE WHEN a.outcome IN ('retry', 'failed', 'unknown') THEN a.finished_at END) AS failed \
         FROM notification n JOIN notification_attempt a ON a.notification_id = n.id GROUP BY n.receiver, n.integration",
    )
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("read how receivers do"))?;
    let mut found: HashMap<(String, String), Standing> = HashMap::new();
    for row in rows {
        let standing = found.entry((row.get("receiver"), row.get("integration"))).or_default();
        standing.last_delivered_at = row.get::<Option<i64>, _>("delivered").map(Timestamp::from_micros);
        standing.last_failed_at = row.get::<Option<i64>, _>("failed").map(Timestamp::from_micros);
    }
    let waiting: Vec<(String, String, i64, Option<String>)> = sqlx::query_as(
        "SELECT receiver, integration, count(*), max(last_error) FROM notification WHERE state IN ('pending', 'sending') \
         GROUP BY receiver, integration",
    )
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("count what waits for receivers"))?;
    for (receiver, integration, count, error) in waiting {
        let standing = found.entry((receiver, integration)).or_default();
        standing.queued = u32::try_from(count).unwrap_or(u32::MAX);
        standing.last_error = error;
    }
    let failed: Vec<(String, String, Option<String>)> = sqlx::query_as(
        "SELECT receiver, integration, last_error FROM notification WHERE state = 'failed' ORDER BY finished_at",
    )
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("read the last failures of receivers"))?;
    for (receiver, integration, error) in failed {
        let standing = found.entry((receiver, integration)).or_default();
        standing.last_error = error.or(standing.last_error.take());
    }
    Ok(found)
}
