//! Reading incidents, for those who may see them.
//!
//! Not the post-mortem (see [`crate::review`]). A restricted incident does not exist for those without the right.

use sqlx::{Row, SqlitePool};
use watchkeeper_alert::Alert;
use watchkeeper_domain::Labels;
use watchkeeper_domain::ids::{AlertId, IncidentId};
use watchkeeper_state::StateError;

use crate::error::Error;
use crate::incident::{Incident, IncidentState};
use crate::row;
use crate::timeline::{self, TimelineEntry};

/// Who looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer {
    /// Whether restricted incidents exist for them.
    pub sees_restricted: bool,
}

impl Viewer {
    /// Those who see everything: Watchkeeper itself, administrators.
    pub const ALL: Self = Self { sees_restricted: true };
    /// Those who do not see restricted incidents.
    pub const PUBLIC: Self = Self { sees_restricted: false };

    /// Whether this incident exists for them.
    #[must_use]
    pub fn may_see(self, incident: &Incident) -> bool {
        self.sees_restricted || !incident.restricted
    }
}

/// Which incidents. An empty list means all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// States.
    pub states: Vec<IncidentState>,
    /// Text that must occur in the title or the number; letter case does not matter.
    pub text: Option<String>,
    /// At most this many, 1 to 1,000; 0 means 100.
    pub limit: u32,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// An incident with the numbers of its alerts.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The incident.
    pub incident: Incident,
    /// How many alerts it has.
    pub alerts: i64,
    /// How many of them fire.
    pub firing: i64,
}

/// A page of incidents.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Open ones first, then the newest first.
    pub items: Vec<Listed>,
    /// Where to go on; none: that was all.
    pub next_cursor: Option<String>,
}

/// An incident in full.
#[derive(Debug, Clone)]
pub struct Detail {
    /// What the list shows.
    pub listed: Listed,
    /// Its alerts, firing ones first.
    pub alerts: Vec<Alert>,
    /// What happened, oldest first.
    pub timeline: Vec<TimelineEntry>,
}

/// Lists incidents.
pub async fn list(pool: &SqlitePool, viewer: Viewer, filter: &Filter) -> Result<Page, Error> {
    let limit = if filter.limit == 0 { 100 } else { filter.limit.min(1_000) };
    let (after_rank, after_number) = match &filter.cursor {
        Some(cursor) => parse_cursor(cursor)?,
        None => (-1, i64::MAX),
    };
    let states = filter.states.iter().map(|state| state.as_str()).collect::<Vec<_>>().join(",");
    let states = if states.is_empty() { states } else { format!(",{states},") };
    let text = filter.text.as_deref().map(|text| {
        let escaped = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        format!("%{escaped}%")
    });
    let rows = sqlx::query(
        "SELECT i.*, (SELECT count(*) FROM alert a WHERE a.incident_id = i.id) AS alerts, \
         (SELECT count(*) FROM alert a WHERE a.incident_id = i.id AND a.state = 'firing') AS firing FROM \
         (SELECT incident.*, CASE WHEN state IN ('resolved', 'closed') THEN 1 ELSE 0 END AS rank FROM incident) AS i \
         WHERE ($1 = 1 OR i.restricted = 0) AND ($2 = '' OR $2 LIKE '%,' || i.state || ',%') \
         AND ($3 IS NULL OR lower(i.title) LIKE $3 ESCAPE '\\' OR 'inc-' || i.number LIKE $3 ESCAPE '\\') \
         AND (i.rank > $4 OR (i.rank = $4 AND i.number < $5)) ORDER BY i.rank, i.number DESC LIMIT $6",
    )
    .bind(i64::from(viewer.sees_restricted))
    .bind(states)
    .bind(text)
    .bind(after_rank)
    .bind(after_number)
    .bind(i64::from(limit) + 1)
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("list incidents"))?;
    let mut items: Vec<Listed> = rows.iter().map(listed).collect::<Result<_, _>>()?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let cursor = |last: &Listed| format!("{}.{}", i64::from(!last.incident.state.is_open()), last.incident.number);
    let next_cursor = items.last().filter(|_| more).map(cursor);
    Ok(Page { items, next_cursor })
}

/// One incident in full.
pub async fn get(pool: &SqlitePool, viewer: Viewer, id: IncidentId) -> Result<Detail, Error> {
    let not_found = || Error::NotFound { what: "incident", id: id.to_string() };
    let incident = row::load(pool, id).await?.filter(|incident| viewer.may_see(incident)).ok_or_else(not_found)?;
    let rows = sqlx::query("SELECT * FROM alert WHERE incident_id = $1 ORDER BY state, fired_at, id LIMIT 1000")
        .bind(id.to_string())
        .fetch_all(pool)
        .await
        .map_err(StateError::statement("read the alerts of an incident"))?;
    let alerts: Vec<Alert> = rows.iter().map(Alert::from_row).collect::<Result<_, _>>()?;
    let firing = alerts.iter().filter(|alert| alert.resolved_at.is_none()).count();
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let listed = Listed { incident, alerts: count(alerts.len()), firing: count(firing) };
    Ok(Detail { listed, alerts, timeline: timeline::read(pool, id).await? })
}

/// Finds an incident by the number that people say.
pub async fn by_number(pool: &SqlitePool, viewer: Viewer, number: i64) -> Result<Incident, Error> {
    let row = sqlx::query("SELECT * FROM incident WHERE number = $1")
        .bind(number)
        .fetch_optional(pool)
        .await
        .map_err(StateError::statement("find an incident by its number"))?;
    let incident = row.as_ref().map(row::from_row).transpose()?.filter(|incident| viewer.may_see(incident));
    incident.ok_or_else(|| Error::NotFound { what: "incident", id: format!("INC-{number}") })
}

/// What a message about an alert refers to.
#[derive(Debug, Clone)]
pub struct OfAlert {
    /// The alert's labels. Hostile text.
    pub labels: Labels,
    /// Its incident's id, number and title, when it has one.
    pub incident: Option<(IncidentId, i64, String)>,
}

/// The incident of an alert, in one statement: it stands between an alert and whoever is told. Asks for no right: what
/// is told of a restricted alert goes to its own receivers.
pub async fn of_alert(pool: &SqlitePool, alert: AlertId) -> Result<Option<OfAlert>, StateError> {
    let row = sqlx::query(
        "SELECT a.labels, i.id, i.number, i.title FROM alert a LEFT JOIN incident i ON i.id = a.incident_id \
         WHERE a.id = $1",
    )
    .bind(alert.to_string())
    .fetch_optional(pool)
    .await
    .map_err(StateError::statement("find the incident of an alert"))?;
    let Some(row) = row else { return Ok(None) };
    let labels: &str = row.get("labels");
    let labels = serde_json::from_str(labels).map_err(|_| StateError::corrupt("alert", "labels", labels))?;
    let incident = match row.get::<Option<&str>, _>("id") {
        Some(id) => {
            let parsed = id.parse().map_err(|_| StateError::corrupt("incident", "id", id))?;
            Some((parsed, row.get("number"), row.get("title")))
        }
        None => None,
    };
    Ok(Some(OfAlert { labels, incident }))
}

fn listed(row: &sqlx::sqlite::SqliteRow) -> Result<Listed, StateError> {
    Ok(Listed { incident: row::from_row(row)?, alerts: row.get("alerts"), firing: row.get("firing") })
}

fn parse_cursor(text: &str) -> Result<(i64, i64), Error> {
    let parsed = text.split_once('.').and_then(|(rank, number)| Some((rank.parse().ok()?, number.parse().ok()?)));
    parsed.ok_or_else(|| Error::Invalid("the cursor is not one that a list gave; leave it out to start over".into()))
}
