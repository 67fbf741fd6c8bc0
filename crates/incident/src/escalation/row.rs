//! The tables `escalation`, `escalation_alert` and `page`: reading and writing whole rows, and what alerts and incidents
//! say about an escalation.
//!
//! Not deciding anything: see [`super::step`].

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};
use watchkeeper_alert::silence::Cache;
use watchkeeper_config::model::EscalationPolicy;
use watchkeeper_domain::ids::{AlertId, EscalationId, IncidentId};
use watchkeeper_domain::{Actor, Labels, Priority, Span, Timestamp};
use watchkeeper_state::{Entry, StateError, Tx, ledger};

use super::step::{Condition, Phase, Progress};

/// Most alerts that one fact is linked to in the ledger.
const MAX_LINKS: usize = 100;

/// One escalation.
#[derive(Debug, Clone)]
pub(super) struct Escalation {
    pub(super) id: EscalationId,
    pub(super) policy: EscalationPolicy,
    /// Whether the incident's state ends it; else its alerts' states do.
    pub(super) about_incident: bool,
    pub(super) thread: String,
    pub(super) incident: Option<IncidentId>,
    pub(super) priority: Priority,
    pub(super) title: String,
    pub(super) progress: Progress,
    pub(super) message_kind: String,
    pub(super) content: String,
    pub(super) started_at: Timestamp,
    pub(super) acknowledged_at: Option<Timestamp>,
    pub(super) acknowledged_by: Option<String>,
    pub(super) ended_at: Option<Timestamp>,
}

pub(super) fn from_row(row: &SqliteRow) -> Result<Escalation, StateError> {
    let text = |column: &'static str| -> &str { row.get(column) };
    let bad = |column: &'static str| StateError::corrupt("escalation", column, text(column));
    let moment = |column: &str| row.get::<Option<i64>, _>(column).map(Timestamp::from_micros);
    let incident: Option<&str> = row.get("incident_id");
    let phase = Phase::ALL.into_iter().find(|phase| phase.as_str() == text("phase"));
    Ok(Escalation {
        id: text("id").parse().map_err(|_| bad("id"))?,
        policy: serde_json::from_str(text("definition")).map_err(|_| bad("definition"))?,
        about_incident: text("about") == "incident",
        thread: row.get("thread"),
        incident: incident.map(|id| id.parse().map_err(|_| bad("id"))).transpose()?,
        priority: text("priority").parse().map_err(|_| bad("priority"))?,
        title: row.get("title"),
        progress: Progress {
            phase: phase.ok_or_else(|| bad("phase"))?,
            step: usize::try_from(row.get::<i64, _>("step")).unwrap_or(0),
            round: u32::try_from(row.get::<i64, _>("round")).unwrap_or(0),
            due_at: moment("due_at"),
            remind_at: moment("remind_at"),
        },
        message_kind: row.get("message_kind"),
        content: row.get("content"),
        started_at: Timestamp::from_micros(row.get("started_at")),
        acknowledged_at: moment("acknowledged_at"),
        acknowledged_by: row.get("acknowledged_by"),
        ended_at: moment("ended_at"),
    })
}

pub(super) async fn load(tx: &mut Tx, id: &str) -> Result<Option<Escalation>, StateError> {
    let row = sqlx::query("SELECT * FROM escalation WHERE id = $1")
        .bind(id)
        .fetch_optional(&mut **tx)
        .await
        .map_err(StateError::statement("read an escalation"))?;
    row.as_ref().map(from_row).transpose()
}

/// Inserts or replaces the row.
pub(super) async fn save(tx: &mut Tx, it: &Escalation, now: Timestamp) -> Result<(), StateError> {
    let micros = |at: Option<Timestamp>| at.map(Timestamp::as_micros);
    sqlx::query(
        "INSERT INTO escalation (id, policy, definition, about, thread, incident_id, priority, title, phase, step, round, \
         due_at, remind_at, message_kind, content, started_at, acknowledged_at, acknowledged_by, ended_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20) \
         ON CONFLICT (id) DO UPDATE SET about = excluded.about, incident_id = excluded.incident_id, \
         priority = excluded.priority, title = excluded.title, phase = excluded.phase, step = excluded.step, \
         round = excluded.round, due_at = excluded.due_at, remind_at = excluded.remind_at, \
         message_kind = excluded.message_kind, content = excluded.content, acknowledged_at = excluded.acknowledged_at, \
         acknowledged_by = excluded.acknowledged_by, ended_at = excluded.ended_at, updated_at = excluded.updated_at",
    )
    .bind(it.id.to_string())
    .bind(&it.policy.name)
    .bind(json!(it.policy).to_string())
    .bind(if it.about_incident { "incident" } else { "alert" })
    .bind(&it.thread)
    .bind(it.incident.map(|id| id.to_string()))
    .bind(it.priority.as_str())
    .bind(&it.title)
    .bind(it.progress.phase.as_str())
    .bind(i64::try_from(it.progress.step).unwrap_or(i64::MAX))
    .bind(i64::from(it.progress.round))
    .bind(micros(it.progress.due_at))
    .bind(micros(it.progress.remind_at))
    .bind(&it.message_kind)
    .bind(&it.content)
    .bind(it.started_at.as_micros())
    .bind(micros(it.acknowledged_at))
    .bind(&it.acknowledged_by)
    .bind(micros(it.ended_at))
    .bind(now.as_micros())
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("write an escalation"))?;
    Ok(())
}

pub(super) async fn add_alerts(tx: &mut Tx, id: EscalationId, alerts: &[AlertId]) -> Result<(), StateError> {
    for alert in alerts {
        sqlx::query(
            "INSERT INTO escalation_alert (escalation_id, alert_id) VALUES ($1, $2) \
             ON CONFLICT (escalation_id, alert_id) DO NOTHING",
        )
        .bind(id.to_string())
        .bind(alert.to_string())
        .execute(&mut **tx)
        .await
        .map_err(StateError::statement("add an alert to an escalation"))?;
    }
    Ok(())
}

pub(super) async fn alerts(tx: &mut Tx, id: EscalationId) -> Result<Vec<AlertId>, StateError> {
    let ids: Vec<String> = sqlx::query_scalar(
        "SELECT alert_id FROM escalation_alert WHERE escalation_id = $1 ORDER BY alert_id DESC LIMIT $2",
    )
    .bind(id.to_string())
    .bind(i64::try_from(MAX_LINKS).unwrap_or(i64::MAX))
    .fetch_all(&mut **tx)
    .await
    .map_err(StateError::statement("read the alerts of an escalation"))?;
    ids.iter().map(|id| id.parse().map_err(|_| StateError::corrupt("escalation_alert", "alert_id", id))).collect()
}

/// What alerts and incidents say about open escalations: id, phase, condition, who has it.
pub(super) struct Situation {
    pub(super) id: String,
    pub(super) phase: String,
    pub(super) condition: Condition,
    pub(super) owner: Option<String>,
}

/// All open ones, or the one of this id. One statement unless something is silenced, because it is asked in every pass.
///
/// Silences are looked at here: a group that was told long ago is not looked at again when one begins.
pub(super) async fn situations(
    db: &mut SqliteConnection,
    silences: &Cache,
    now: Timestamp,
    id: Option<&str>,
) -> Result<Vec<Situation>, StateError> {
    let mut found = by_rows(db, id).await?;
    if found.iter().all(|it| it.condition != Condition::Unowned) {
        return Ok(found);
    }
    let active = silences.active(&mut *db, now).await?;
    if active.is_empty() {
        return Ok(found);
    }
    let rows = sqlx::query(
        "SELECT ea.escalation_id, a.labels FROM escalation_alert ea JOIN escalation e ON e.id = ea.escalation_id \
         JOIN alert a ON a.id = ea.alert_id LEFT JOIN incident i ON i.id = a.incident_id \
         WHERE e.phase <> 'resolved' AND e.about = 'alert' AND ($1 IS NULL OR e.id = $1) AND a.state = 'firing' \
         AND a.acknowledged_at IS NULL AND (i.id IS NULL OR i.state = 'triggered')",
    )
    .bind(id)
    .fetch_all(&mut *db)
    .await
    .map_err(StateError::statement("see whether silences cover what people are called for"))?;
    let (mut silenced, mut heard) = (BTreeSet::new(), BTreeSet::new());
    for row in &rows {
        let labels: &str = row.get("labels");
        let known: Labels = serde_json::from_str(labels).map_err(|_| StateError::corrupt("alert", "labels", labels))?;
        let covered = active.iter().any(|silence| silence.matches(&known));
        if covered { &mut silenced } else { &mut heard }.insert(row.get::<String, _>("escalation_id"));
    }
    for it in &mut found {
        if it.condition == Condition::Unowned && silenced.contains(&it.id) && !heard.contains(&it.id) {
            it.condition = Condition::Muted;
        }
    }
    Ok(found)
}

/// When a silence begins or ends next, as far as open escalations have to know.
pub(super) async fn next_change_of_silences(
    db: &mut SqliteConnection,
    silences: &Cache,
    now: Timestamp,
) -> Result<Option<Timestamp>, StateError> {
    let waiting: (i64, Option<i64>, i64) = sqlx::query_as(
        "SELECT EXISTS (SELECT 1 FROM escalation WHERE phase IN ('paging', 'held', 'exhausted')), \
         (SELECT min(starts_at) FROM silence WHERE starts_at > $1 AND expired_at IS NULL), \
         EXISTS (SELECT 1 FROM silence WHERE ends_at > $1 AND recurrence IS NOT NULL AND expired_at IS NULL)",
    )
    .bind(now.as_micros())
    .fetch_one(&mut *db)
    .await
    .map_err(StateError::statement("see when a silence begins"))?;
    let (open, begins, recurs) = waiting;
    if open == 0 {
        return Ok(None);
    }
    let ends = silences.active(db, now).await?.iter().map(|silence| silence.holds_until(now)).min();
    // One that recurs is asked every minute: intervals are made of whole minutes.
    let recurring = (recurs != 0).then(|| now + Span::from_secs(60));
    Ok([begins.map(Timestamp::from_micros), ends, recurring].into_iter().flatten().min())
}

async fn by_rows(db: &mut SqliteConnection, id: Option<&str>) -> Result<Vec<Situation>, StateError> {
    let rows = sqlx::query(
        "WITH member AS (SELECT ea.escalation_id AS esc, a.acknowledged_by AS ack, i.acknowledged_by AS incident_ack, \
           CASE WHEN a.acknowledged_at IS NULL AND (i.id IS NULL OR i.state = 'triggered') THEN 1 ELSE 0 END AS unowned, \
           CASE WHEN EXISTS (SELECT 1 FROM alert_group_member m WHERE m.alert_id = a.id AND m.muted <> '') \
             THEN 1 ELSE 0 END AS muted \
           FROM escalation_alert ea JOIN escalation e ON e.id = ea.escalation_id JOIN alert a ON a.id = ea.alert_id \
           LEFT JOIN incident i ON i.id = a.incident_id WHERE e.phase <> 'resolved' AND a.state = 'firing') \
         SELECT e.id, e.phase, e.about, i.state AS incident_state, \
           (SELECT count(*) FROM member WHERE esc = e.id) AS firing, \
           (SELECT count(*) FROM member WHERE esc = e.id AND unowned = 1) AS unowned, \
           (SELECT count(*) FROM member WHERE esc = e.id AND unowned = 1 AND muted = 0) AS heard, \
           coalesce(i.acknowledged_by, (SELECT max(coalesce(ack, incident_ack)) FROM member WHERE esc = e.id)) AS owner \
         FROM escalation e LEFT JOIN incident i ON i.id = e.incident_id \
         WHERE e.phase <> 'resolved' AND ($1 IS NULL OR e.id = $1) ORDER BY e.started_at, e.id",
    )
    .bind(id)
    .fetch_all(&mut *db)
    .await
    .map_err(StateError::statement("see what became of what people are called for"))?;
    let count = |row: &SqliteRow, column: &str| row.get::<i64, _>(column) > 0;
    let situation = |row: &SqliteRow| {
        let incident: Option<&str> = row.get("incident_state");
        let condition = match (row.get::<&str, _>("about"), incident) {
            // Whoever took all of its alerts has it, though nobody said so of the incident.
            ("incident", Some("triggered")) if count(row, "firing") && !count(row, "unowned") => Condition::Owned,
            ("incident", Some("triggered")) => Condition::Unowned,
            ("incident", Some("acknowledged" | "mitigated")) => Condition::Owned,
            ("incident", _) => Condition::Over,
            _ if !count(row, "firing") => Condition::Over,
            _ if !count(row, "unowned") => Condition::Owned,
            _ if !count(row, "heard") => Condition::Muted,
            _ => Condition::Unowned,
        };
        Situation { id: row.get("id"), phase: row.get("phase"), condition, owner: row.get("owner") }
    };
    Ok(rows.iter().map(situation).collect())
}

/// Writes a fact about an escalation into the ledger, once for each of its alerts, so that `explain` finds it from each.
pub(super) async fn note(
    tx: &mut Tx,
    now: Timestamp,
    kind: &'static str,
    it: &Escalation,
    mut data: Value,
) -> Result<(), StateError> {
    if let Some(object) = data.as_object_mut() {
        object.insert("policy".to_owned(), json!(it.policy.name));
    }
    let entry = Entry::new(now, kind, Actor::System, it.id).incident(it.incident).data(data);
    let alerts = alerts(tx, it.id).await?;
    if alerts.is_empty() {
        ledger::append(tx, entry).await?;
        return Ok(());
    }
    for alert in alerts {
        ledger::append(tx, entry.clone().alert(alert)).await?;
    }
    Ok(())
}
