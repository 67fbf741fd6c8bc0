//! Reading the outbox: what was said to whom, each attempt, and how receivers are doing.
//!
//! Not changing it: `claim` and `record` do.

use std::collections::HashMap;

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqlitePool};
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
    /// Over this channel: `slack`, `email`, `webhook`.
    pub channel: Option<String>,
    /// How they stand, in the words of [`STANDS`].
    pub states: Vec<String>,
    /// Text that must occur in what is said; letter case does not matter.
    pub text: Option<String>,
    /// Intended from this moment on.
    pub since: Option<Timestamp>,
    /// Intended before this moment.
    pub until: Option<Timestamp>,
    /// Without those about security alerts and restricted incidents.
    pub public_only: bool,
    /// Those after this one, as the page before ended: when it was intended, and its id.
    pub after: Option<(Timestamp, String)>,
}

/// How a row stands, in one word: `pending`, `sending`, `retrying`, `uncertain`, `delivered`, `failed`, `suppressed`.
const STANDS: &str = "CASE WHEN n.state = 'superseded' THEN 'suppressed' WHEN n.state <> 'pending' THEN n.state \
    ELSE coalesce((SELECT CASE WHEN a.outcome = 'unknown' THEN 'uncertain' ELSE 'retrying' END \
    FROM notification_attempt a WHERE a.notification_id = n.id ORDER BY a.n DESC LIMIT 1), 'pending') END";

/// Lists notifications, newest first.
pub async fn list(
    pool: &SqlitePool,
    filter: &Filter,
    limit: u32,
    offset: u32,
) -> Result<Vec<Notification>, StateError> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT n.* FROM notification n WHERE 1 = 1");
    narrow(&mut query, filter);
    if let Some((at, id)) = &filter.after {
        query.push(" AND (n.created_at, n.id) < (").push_bind(at.as_micros());
        query.push(", ").push_bind(id.clone()).push(")");
    }
    query.push(" ORDER BY n.created_at DESC, n.id DESC LIMIT ").push_bind(i64::from(limit));
    query.push(" OFFSET ").push_bind(i64::from(offset));
    let rows = query.build().fetch_all(pool).await.map_err(StateError::statement("list notifications"))?;
    let mut found: Vec<Notification> = rows.iter().map(notification).collect::<Result<_, _>>()?;
    attach_attempts(pool, &mut found).await?;
    Ok(found)
}

/// How many notifications there are on all pages together.
pub async fn count(pool: &SqlitePool, filter: &Filter) -> Result<u64, StateError> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT count(*) FROM notification n WHERE 1 = 1");
    narrow(&mut query, filter);
    let many: i64 =
        query.build_query_scalar().fetch_one(pool).await.map_err(StateError::statement("count notifications"))?;
    Ok(many.unsigned_abs())
}

fn narrow(query: &mut QueryBuilder<Sqlite>, filter: &Filter) {
    if let Some(receiver) = &filter.receiver {
        query.push(" AND n.receiver = ").push_bind(receiver.clone());
    }
    if let Some(channel) = &filter.channel {
        query.push(" AND (n.integration = ").push_bind(channel.clone());
        query.push(" OR n.integration LIKE ").push_bind(format!("{}:%", escaped(channel))).push(" ESCAPE '\\')");
    }
    if let Some(incident) = filter.incident.map(|id| id.to_string()) {
        query.push(" AND (n.incident_id = ").push_bind(incident.clone());
        query.push(" OR EXISTS (SELECT 1 FROM incident_alert l WHERE l.incident_id = ").push_bind(incident);
        query.push(" AND n.alert_ids LIKE '%' || l.alert_id || '%'))");
    }
    if let Some(alert) = filter.alert {
        query.push(" AND n.alert_ids LIKE ").push_bind(format!("%{alert}%"));
    }
    if let Some(text) = &filter.text {
        query.push(" AND lower(n.content) LIKE ").push_bind(format!("%{}%", escaped(&text.to_lowercase())));
        query.push(" ESCAPE '\\'");
    }
    if let Some(since) = filter.since {
        query.push(" AND n.created_at >= ").push_bind(since.as_micros());
    }
    if let Some(until) = filter.until {
        query.push(" AND n.created_at < ").push_bind(until.as_micros());
    }
    if !filter.states.is_empty() {
        query.push(" AND ").push(STANDS).push(" IN (");
        let mut list = query.separated(", ");
        for state in &filter.states {
            list.push_bind(state.clone());
        }
        list.push_unseparated(")");
    }
    if filter.public_only {
        query.push(
            " AND NOT EXISTS (SELECT 1 FROM incident i WHERE i.id = n.incident_id AND i.restricted = 1) \
             AND NOT EXISTS (SELECT 1 FROM alert a WHERE a.category = 'security' \
             AND n.alert_ids LIKE '%' || a.id || '%')",
        );
    }
}

/// A text that stands for itself in a pattern.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
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
    if notifications.is_empty() {
        return Ok(());
    }
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT notification_id, n, started_at, finished_at, outcome, status, detail, receipt FROM notification_attempt \
         WHERE notification_id IN (",
    );
    let mut list = query.separated(", ");
    for notification in notifications.iter() {
        list.push_bind(notification.id.clone());
    }
    list.push_unseparated(") ORDER BY notification_id, n");
    let rows = query.build().fetch_all(pool).await.map_err(StateError::statement("read delivery attempts"))?;
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
