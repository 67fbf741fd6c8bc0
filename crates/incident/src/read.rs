//! Reading incidents, for those who may see them.
//!
//! Not the post-mortem (see [`crate::review`]). A restricted incident does not exist for those without the right.

use std::collections::BTreeSet;

use sqlx::{QueryBuilder, Row, Sqlite, SqlitePool};
use watchkeeper_alert::Alert;
use watchkeeper_domain::ids::{AlertId, IncidentId};
use watchkeeper_domain::{Actor, Category, Labels, Priority};
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

/// In which order. Open ones come first in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
    /// The most urgent first, then the newest first.
    Urgency,
}

/// Which incidents. An empty list means all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// States.
    pub states: Vec<IncidentState>,
    /// Priorities.
    pub priorities: Vec<Priority>,
    /// Categories.
    pub categories: Vec<Category>,
    /// Who has it, by name; an empty name: nobody.
    pub owner: Option<String>,
    /// In which order.
    pub sort: Sort,
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
    /// Open ones first, then in the order that was asked for.
    pub items: Vec<Listed>,
    /// How many there are on all pages.
    pub total: u64,
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

/// How urgent a row is, as a number that sorts.
const URGENCY: &str = "CASE i.priority WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END";
/// Open ones before those that are over.
const OVER: &str = "CASE WHEN i.state IN ('resolved', 'closed') THEN 1 ELSE 0 END";

/// Lists incidents.
pub async fn list(pool: &SqlitePool, viewer: Viewer, filter: &Filter) -> Result<Page, Error> {
    let limit = if filter.limit == 0 { 100 } else { filter.limit.min(1_000) };
    let mut counting = QueryBuilder::<Sqlite>::new("SELECT count(*) FROM incident i WHERE ");
    narrow(&mut counting, viewer, filter);
    let total: i64 =
        counting.build_query_scalar().fetch_one(pool).await.map_err(StateError::statement("count incidents"))?;
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT i.*, (SELECT count(*) FROM alert a WHERE a.incident_id = i.id) AS alerts, \
         (SELECT count(*) FROM alert a WHERE a.incident_id = i.id AND a.state = 'firing') AS firing \
         FROM incident i WHERE ",
    );
    narrow(&mut query, viewer, filter);
    // The number ascends with time; turned over it lets one comparison serve the newest first.
    let number = if filter.sort == Sort::Oldest { "i.number" } else { "-i.number" };
    let urgency = if filter.sort == Sort::Urgency { URGENCY } else { "0" };
    if let Some(cursor) = &filter.cursor {
        let (over, rank, place) = parse_cursor(filter.sort, cursor)?;
        query.push(" AND (").push(OVER).push(", ").push(urgency).push(", ").push(number).push(") > (");
        query.push_bind(over).push(", ").push_bind(rank).push(", ").push_bind(place).push(")");
    }
    query.push(" ORDER BY ").push(OVER).push(", ");
    if filter.sort == Sort::Urgency {
        query.push(URGENCY).push(", ");
    }
    query.push(number).push(" LIMIT ").push_bind(i64::from(limit) + 1);
    let rows = query.build().fetch_all(pool).await.map_err(StateError::statement("list incidents"))?;
    let mut items: Vec<Listed> = rows.iter().map(listed).collect::<Result<_, _>>()?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next_cursor = items.last().filter(|_| more).map(|last| cursor(filter.sort, &last.incident));
    Ok(Page { items, total: total.unsigned_abs(), next_cursor })
}

fn narrow(query: &mut QueryBuilder<Sqlite>, viewer: Viewer, filter: &Filter) {
    query.push(if viewer.sees_restricted { "1 = 1" } else { "i.restricted = 0" });
    let words: [(&str, Vec<&str>); 3] = [
        ("state", filter.states.iter().map(|state| state.as_str()).collect()),
        ("priority", filter.priorities.iter().map(|priority| priority.as_str()).collect()),
        ("category", filter.categories.iter().map(|category| category.as_str()).collect()),
    ];
    for (column, words) in words.into_iter().filter(|(_, words)| !words.is_empty()) {
        query.push(" AND i.").push(column).push(" IN (");
        let mut list = query.separated(", ");
        for word in words {
            list.push_bind(word.to_owned());
        }
        list.push_unseparated(")");
    }
    match filter.owner.as_deref() {
        None => {}
        Some("") => {
            query.push(" AND i.owner IS NULL");
        }
        Some(name) => {
            query.push(" AND i.owner IN (").push_bind(name.to_owned()).push(", ");
            query.push_bind(Actor::User(name.to_owned()).to_string()).push(")");
        }
    }
    if let Some(text) = &filter.text {
        let escaped = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let pattern = format!("%{escaped}%");
        query
            .push(" AND (lower(i.title) LIKE ")
            .push_bind(pattern.clone())
            .push(" ESCAPE '\\' OR 'inc-' || i.number LIKE ");
        query.push_bind(pattern).push(" ESCAPE '\\')");
    }
}

/// Which incidents are open.
pub async fn open(pool: &SqlitePool) -> Result<BTreeSet<IncidentId>, StateError> {
    let rows: Vec<String> =
        sqlx::query_scalar("SELECT id FROM incident WHERE state IN ('triggered', 'acknowledged', 'mitigated')")
            .fetch_all(pool)
            .await
            .map_err(StateError::statement("find the open incidents"))?;
    rows.iter().map(|id| id.parse().map_err(|_| StateError::corrupt("incident", "id", id))).collect()
}

/// Who has which open incident: a name, or an actor as it stands in rows.
pub async fn owners(pool: &SqlitePool) -> Result<Vec<(IncidentId, String)>, StateError> {
    let rows: Vec<(String, String)> = sqlx::query_as(
        "SELECT id, owner FROM incident WHERE state IN ('triggered', 'acknowledged', 'mitigated') AND owner IS NOT NULL",
    )
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("read who has which incident"))?;
    let parse = |(id, owner): (String, String)| {
        Ok((id.parse().map_err(|_| StateError::corrupt("incident", "id", &id))?, owner))
    };
    rows.into_iter().map(parse).collect()
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

fn cursor(sort: Sort, last: &Incident) -> String {
    let over = i64::from(!last.state.is_open());
    let rank = match last.priority {
        Priority::Critical => 0,
        Priority::High => 1,
        Priority::Medium => 2,
        Priority::Low => 3,
    };
    let (word, rank, place) = match sort {
        Sort::Newest => ("newest", 0, -last.number),
        Sort::Oldest => ("oldest", 0, last.number),
        Sort::Urgency => ("urgency", rank, -last.number),
    };
    format!("{word}.{over}.{rank}.{place}")
}

fn parse_cursor(sort: Sort, text: &str) -> Result<(i64, i64, i64), Error> {
    let word = match sort {
        Sort::Newest => "newest",
        Sort::Oldest => "oldest",
        Sort::Urgency => "urgency",
    };
    let parsed = || {
        let mut parts = text.strip_prefix(word)?.strip_prefix('.')?.splitn(3, '.');
        let mut number = || parts.next()?.parse().ok();
        Some((number()?, number()?, number()?))
    };
    parsed().ok_or_else(|| {
        Error::Invalid("the cursor is not one that a list in this order gave; leave it out to start over".into())
    })
}
