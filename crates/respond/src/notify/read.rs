//! Reading the outbox: what was said to whom, and each attempt.
//!
//! Not changing it: `claim` and `record` do. Not how receivers do: `standing` knows.

use std::collections::HashMap;

use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqlitePool};
use watchkeeper_domain::ids::{AlertId, IncidentId, NotificationId};
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
    /// What it belongs to: a group's key, an escalation, a test. Messages of one thread leave in order.
    pub thread: String,
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

/// One notification.
pub async fn find(pool: &SqlitePool, id: NotificationId) -> Result<Option<Notification>, StateError> {
    let row = sqlx::query("SELECT * FROM notification WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(pool)
        .await
        .map_err(StateError::statement("read a notification"))?;
    let Some(row) = row else { return Ok(None) };
    let mut found = vec![notification(&row)?];
    attach_attempts(pool, &mut found).await?;
    Ok(found.pop())
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
        thread: row.get("thread"),
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
