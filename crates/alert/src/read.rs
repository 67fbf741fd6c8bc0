//! Reading alerts: the list with filters and pages, one alert, its transitions.
//!
//! Not `pending`: an alert begins when it fires; what is pending is a rule's state.

use std::collections::{BTreeSet, HashMap};

use sqlx::{Row, SqlitePool};
use watchkeeper_domain::ids::{AlertId, IncidentId, SilenceId};
use watchkeeper_domain::{Category, Priority, Timestamp};
use watchkeeper_state::StateError;

use crate::alert::{Alert, Transition};
use crate::error::Error;
use crate::silence::Cache;

/// A state as lists show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Firing, and somebody can tell.
    Firing,
    /// Firing as far as anybody knows.
    Unknown,
    /// Over.
    Resolved,
}

/// Which alerts. Empty lists mean all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// States.
    pub states: Vec<Shown>,
    /// Categories.
    pub categories: Vec<Category>,
    /// Priorities.
    pub priorities: Vec<Priority>,
    /// Text that must occur in the name, a label or an annotation; letter case does not matter.
    pub text: Option<String>,
    /// Those of one incident.
    pub incident: Option<IncidentId>,
    /// Those without an incident only.
    pub without_incident: bool,
    /// At most this many, 1 to 1,000; 0 means 100.
    pub limit: u32,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// An alert with what holds its notifications back now.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The alert.
    pub alert: Alert,
    /// Active silences that match it, if it fires.
    pub silenced_by: Vec<SilenceId>,
    /// The alerts that inhibit it, as of the last time somebody was to be told.
    pub inhibited_by: Vec<AlertId>,
}

/// A page of alerts.
#[derive(Debug, Clone)]
pub struct Page {
    /// Most urgent first, then the longest-lasting first.
    pub items: Vec<Listed>,
    /// Where to go on; none: that was all.
    pub next_cursor: Option<String>,
}

const RANK: [Priority; 4] = [Priority::Critical, Priority::High, Priority::Medium, Priority::Low];

/// Lists alerts.
pub async fn list(pool: &SqlitePool, cache: &Cache, now: Timestamp, filter: &Filter) -> Result<Page, Error> {
    let limit = if filter.limit == 0 { 100 } else { filter.limit.min(1_000) };
    let shown = |state| i64::from(filter.states.is_empty() || filter.states.contains(&state));
    let words = |words: Vec<&'static str>| {
        if words.is_empty() { String::new() } else { format!(",{},", words.join(",")) }
    };
    let (after_rank, after_fired, after_id) = match &filter.cursor {
        Some(cursor) => parse_cursor(cursor)?,
        None => (-1, 0, String::new()),
    };
    let text = filter.text.as_deref().map(|text| {
        let escaped = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        format!("%{escaped}%")
    });
    let rows = sqlx::query(
        "SELECT * FROM (SELECT a.*, CASE priority WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 \
         ELSE 3 END AS rank FROM alert a) AS ranked WHERE ((state = 'firing' AND unknown_reason IS NULL AND $1 = 1) \
         OR (state = 'firing' AND unknown_reason IS NOT NULL AND $2 = 1) OR (state = 'resolved' AND $3 = 1)) \
         AND ($4 = '' OR $4 LIKE '%,' || category || ',%') AND ($5 = '' OR $5 LIKE '%,' || priority || ',%') \
         AND ($6 IS NULL OR lower(name) LIKE $6 ESCAPE '\\' OR lower(labels) LIKE $6 ESCAPE '\\' \
         OR lower(annotations) LIKE $6 ESCAPE '\\') AND ($7 IS NULL OR incident_id = $7) \
         AND ($8 = 0 OR incident_id IS NULL) \
         AND (rank > $9 OR (rank = $9 AND (fired_at > $10 OR (fired_at = $10 AND id > $11)))) \
         ORDER BY rank, fired_at, id LIMIT $12",
    )
    .bind(shown(Shown::Firing))
    .bind(shown(Shown::Unknown))
    .bind(shown(Shown::Resolved))
    .bind(words(filter.categories.iter().map(|c| c.as_str()).collect()))
    .bind(words(filter.priorities.iter().map(|p| p.as_str()).collect()))
    .bind(text)
    .bind(filter.incident.map(|id| id.to_string()))
    .bind(i64::from(filter.without_incident))
    .bind(after_rank)
    .bind(after_fired)
    .bind(after_id)
    .bind(i64::from(limit) + 1)
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("list alerts"))?;
    let mut alerts: Vec<Alert> = rows.iter().map(Alert::from_row).collect::<Result<_, _>>()?;
    let more = alerts.len() > limit as usize;
    alerts.truncate(limit as usize);
    let next_cursor = alerts.last().filter(|_| more).map(cursor);
    Ok(Page { items: with_mutes(pool, cache, now, alerts).await?, next_cursor })
}

/// One alert.
pub async fn get(pool: &SqlitePool, cache: &Cache, now: Timestamp, id: AlertId) -> Result<Listed, Error> {
    let row = sqlx::query("SELECT * FROM alert WHERE id = $1")
        .bind(id.to_string())
        .fetch_optional(pool)
        .await
        .map_err(StateError::statement("read an alert"))?;
    let not_found = || Error::NotFound { what: "alert", id: id.to_string() };
    let alert = Alert::from_row(&row.ok_or_else(not_found)?)?;
    with_mutes(pool, cache, now, vec![alert]).await?.pop().ok_or_else(not_found)
}

/// Its transitions, oldest first, at most the newest 1,000.
pub async fn transitions(pool: &SqlitePool, id: AlertId) -> Result<Vec<Transition>, Error> {
    let rows = sqlx::query(
        "SELECT seq, at, from_state, to_state, value, reason FROM alert_transition WHERE alert_id = $1 \
         ORDER BY seq DESC LIMIT 1000",
    )
    .bind(id.to_string())
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("read an alert's transitions"))?;
    let transition = |row: &sqlx::sqlite::SqliteRow| Transition {
        seq: row.get("seq"),
        at: Timestamp::from_micros(row.get("at")),
        from: row.get("from_state"),
        to: row.get("to_state"),
        value: row.get("value"),
        reason: row.get("reason"),
    };
    Ok(rows.iter().rev().map(transition).collect())
}

async fn with_mutes(
    pool: &SqlitePool,
    cache: &Cache,
    now: Timestamp,
    alerts: Vec<Alert>,
) -> Result<Vec<Listed>, StateError> {
    let silences = cache.active(pool, now).await?;
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT alert_id, muted FROM alert_group_member WHERE muted <> '' AND muted LIKE 'inhibit:%'")
            .fetch_all(pool)
            .await
            .map_err(StateError::statement("read what inhibits alerts"))?;
    let mut inhibitors: HashMap<String, BTreeSet<AlertId>> = HashMap::new();
    for (member, muted) in rows {
        let by: Option<AlertId> = muted.strip_prefix("inhibit:").and_then(|id| id.parse().ok());
        inhibitors.entry(member).or_default().extend(by);
    }
    let list_one = |alert: Alert| {
        let fires = alert.resolved_at.is_none();
        let silenced = silences.iter().filter(|silence| fires && silence.matches(&alert.labels));
        let silenced_by = silenced.map(|silence| silence.id).collect();
        let inhibited = inhibitors.remove(&alert.id.to_string()).filter(|_| fires);
        Listed { alert, silenced_by, inhibited_by: inhibited.unwrap_or_default().into_iter().collect() }
    };
    Ok(alerts.into_iter().map(list_one).collect())
}

fn cursor(alert: &Alert) -> String {
    let rank = RANK.iter().position(|priority| *priority == alert.priority).unwrap_or(RANK.len());
    format!("{rank}.{}.{}", alert.fired_at.as_micros(), alert.id)
}

fn parse_cursor(text: &str) -> Result<(i64, i64, String), Error> {
    let parsed = || {
        let (rank, rest) = text.split_once('.')?;
        let (fired, id) = rest.split_once('.')?;
        let id: AlertId = id.parse().ok()?;
        Some((rank.parse().ok()?, fired.parse().ok()?, id.to_string()))
    };
    parsed().ok_or_else(|| Error::Invalid("the cursor is not one that a list gave; leave it out to start over".into()))
}
