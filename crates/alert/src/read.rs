//! Reading alerts: the list with filters and pages, how many there are of each kind, one alert, its transitions.
//!
//! Not `pending`: an alert begins when it fires; what is pending is a rule's state.

mod cursor;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::{QueryBuilder, Row, Sqlite, SqlitePool};
use watchkeeper_domain::ids::{AlertId, IncidentId, SilenceId};
use watchkeeper_domain::{Category, Matcher, Priority, Span, Timestamp};
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

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    /// Most urgent first, then the longest-lasting first.
    #[default]
    Urgency,
    /// The newest first.
    Newest,
    /// The longest-lasting first.
    Oldest,
    /// By name.
    Name,
}

/// Whose alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owned {
    /// Those that nobody has. The incidents are those that somebody has.
    ByNobody(Vec<IncidentId>),
    /// Those that this person has: given, acknowledged, or of an incident of theirs.
    By {
        /// The name.
        person: String,
        /// The incidents that they have.
        theirs: Vec<IncidentId>,
        /// The incidents that somebody else has.
        others: Vec<IncidentId>,
    },
}

/// Which alerts. Empty lists mean all.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// States.
    pub states: Vec<Shown>,
    /// Categories.
    pub categories: Vec<Category>,
    /// Categories that the reader may not see.
    pub hidden: Vec<Category>,
    /// Priorities.
    pub priorities: Vec<Priority>,
    /// Services, as [`Alert::service`] names them.
    pub services: Vec<String>,
    /// Whose.
    pub owner: Option<Owned>,
    /// Text that must occur in the name, a label or an annotation; letter case does not matter.
    pub text: Option<String>,
    /// Those of one incident.
    pub incident: Option<IncidentId>,
    /// Those without an incident only.
    pub without_incident: bool,
    /// In which order.
    pub sort: Sort,
    /// At most this many, 1 to 1,000; 0 means 100.
    pub limit: u32,
    /// `next_cursor` of the page before, in the same order.
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
    /// In the order that was asked for.
    pub items: Vec<Listed>,
    /// How many there are on all pages.
    pub total: u64,
    /// Where to go on; none: that was all.
    pub next_cursor: Option<String>,
}

/// How many alerts there are of each kind. Each number counts what the rest of the filter leaves, so that it says what
/// choosing that word would show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// By state; resolved ones only when they were asked for.
    pub states: BTreeMap<&'static str, u64>,
    /// By priority.
    pub priorities: BTreeMap<String, u64>,
    /// By category.
    pub categories: BTreeMap<String, u64>,
    /// By service.
    pub services: BTreeMap<String, u64>,
}

/// What a set of matchers is about.
#[derive(Debug, Clone)]
pub struct Matching {
    /// The first of those that fire, most urgent first.
    pub firing: Vec<Listed>,
    /// How many fire.
    pub total: u32,
    /// How many of those are silenced already.
    pub silenced: u32,
    /// How many began to fire within the last day, whether they still fire or not.
    pub last_day: u32,
}

/// How urgent a row is, as a number that sorts.
const RANK: &str = "CASE a.priority WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END";

/// Lists alerts.
pub async fn list(pool: &SqlitePool, cache: &Cache, now: Timestamp, filter: &Filter) -> Result<Page, Error> {
    let limit = if filter.limit == 0 { 100 } else { filter.limit.min(1_000) };
    let mut counting = QueryBuilder::<Sqlite>::new("SELECT count(*) FROM alert a WHERE ");
    narrow(&mut counting, filter, Facets::Narrowed);
    let total: i64 =
        counting.build_query_scalar().fetch_one(pool).await.map_err(StateError::statement("count alerts"))?;
    let mut query = QueryBuilder::<Sqlite>::new("SELECT a.* FROM alert a WHERE ");
    narrow(&mut query, filter, Facets::Narrowed);
    cursor::after(&mut query, filter.sort, filter.cursor.as_deref())?;
    cursor::order(&mut query, filter.sort);
    query.push(" LIMIT ").push_bind(i64::from(limit) + 1);
    let rows = query.build().fetch_all(pool).await.map_err(StateError::statement("list alerts"))?;
    let mut alerts: Vec<Alert> = rows.iter().map(Alert::from_row).collect::<Result<_, _>>()?;
    let more = alerts.len() > limit as usize;
    alerts.truncate(limit as usize);
    let next_cursor = alerts.last().filter(|_| more).map(|last| cursor::of(filter.sort, last));
    Ok(Page { items: with_mutes(pool, cache, now, alerts).await?, total: total.unsigned_abs(), next_cursor })
}

/// Counts alerts by state, priority, category and service.
pub async fn counts(pool: &SqlitePool, filter: &Filter) -> Result<Counts, StateError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT a.state, CASE WHEN a.unknown_reason IS NULL THEN 0 ELSE 1 END AS unknown, a.priority, a.category, \
         a.service, count(*) AS many FROM alert a WHERE ",
    );
    narrow(&mut query, filter, Facets::Open);
    query.push(" GROUP BY 1, 2, 3, 4, 5");
    let rows = query.build().fetch_all(pool).await.map_err(StateError::statement("count alerts by kind"))?;
    let mut counts = Counts::default();
    for row in &rows {
        let (priority, category, service): (&str, &str, &str) =
            (row.get("priority"), row.get("category"), row.get("service"));
        let (shown, word) = match (row.get::<&str, _>("state"), row.get::<i64, _>("unknown")) {
            ("resolved", _) => (Shown::Resolved, "resolved"),
            (_, 0) => (Shown::Firing, "firing"),
            _ => (Shown::Unknown, "unknown"),
        };
        let fits = [
            filter.states.is_empty() || filter.states.contains(&shown),
            filter.priorities.is_empty() || filter.priorities.iter().any(|p| p.as_str() == priority),
            filter.categories.is_empty() || filter.categories.iter().any(|c| c.as_str() == category),
            filter.services.is_empty() || filter.services.iter().any(|s| s == service),
        ];
        // What a word of one kind would leave does not depend on the words of that kind that are chosen now.
        let others = |own: usize| fits.iter().enumerate().all(|(at, fits)| at == own || *fits);
        let many = row.get::<i64, _>("many").unsigned_abs();
        if others(0) {
            *counts.states.entry(word).or_default() += many;
        }
        if others(1) {
            *counts.priorities.entry(priority.to_owned()).or_default() += many;
        }
        if others(2) {
            *counts.categories.entry(category.to_owned()).or_default() += many;
        }
        if others(3) && !service.is_empty() {
            *counts.services.entry(service.to_owned()).or_default() += many;
        }
    }
    Ok(counts)
}

/// What matchers are about: those that fire and match, at most `limit` of them in full.
pub async fn matching(
    pool: &SqlitePool,
    cache: &Cache,
    now: Timestamp,
    matchers: &[Matcher],
    hidden: &[Category],
    limit: usize,
) -> Result<Matching, Error> {
    let day_ago = now - Span::from_secs(86_400);
    let mut query = QueryBuilder::<Sqlite>::new("SELECT a.* FROM alert a WHERE (a.state = 'firing' OR a.fired_at > ");
    query.push_bind(day_ago.as_micros()).push(")");
    categories(&mut query, "NOT IN", hidden);
    cursor::order(&mut query, Sort::Urgency);
    let rows = query.build().fetch_all(pool).await.map_err(StateError::statement("find what matchers are about"))?;
    let silences = cache.active(pool, now).await?;
    let mut found = Matching { firing: Vec::new(), total: 0, silenced: 0, last_day: 0 };
    let mut first = Vec::new();
    for row in &rows {
        let alert = Alert::from_row(row)?;
        if !matchers.iter().all(|matcher| matcher.matches(&alert.labels)) {
            continue;
        }
        found.last_day += u32::from(alert.fired_at > day_ago);
        if alert.resolved_at.is_none() {
            found.total += 1;
            found.silenced += u32::from(silences.iter().any(|silence| silence.matches(&alert.labels)));
            if first.len() < limit {
                first.push(alert);
            }
        }
    }
    found.firing = with_mutes(pool, cache, now, first).await?;
    Ok(found)
}

/// Whether the words that are counted narrow too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Facets {
    Narrowed,
    Open,
}

/// Writes the conditions of a filter.
fn narrow(query: &mut QueryBuilder<Sqlite>, filter: &Filter, facets: Facets) {
    states(query, &filter.states, facets);
    if facets == Facets::Narrowed {
        categories(query, "IN", &filter.categories);
        if !filter.priorities.is_empty() {
            query.push(" AND a.priority IN (");
            list_of(query, filter.priorities.iter().map(|priority| priority.as_str().to_owned()));
        }
        if !filter.services.is_empty() {
            query.push(" AND a.service IN (");
            list_of(query, filter.services.iter().cloned());
        }
    }
    categories(query, "NOT IN", &filter.hidden);
    if let Some(text) = &filter.text {
        let escaped = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let pattern = format!("%{escaped}%");
        for (column, joint) in [("name", " AND ("), ("labels", " OR "), ("annotations", " OR ")] {
            query.push(joint).push("lower(a.").push(column).push(") LIKE ").push_bind(pattern.clone());
            query.push(" ESCAPE '\\'");
        }
        query.push(")");
    }
    if let Some(incident) = filter.incident {
        query.push(" AND a.incident_id = ").push_bind(incident.to_string());
    }
    if filter.without_incident {
        query.push(" AND a.incident_id IS NULL");
    }
    match &filter.owner {
        None => {}
        Some(Owned::ByNobody(taken)) => {
            query.push(" AND a.owner IS NULL AND a.acknowledged_by IS NULL");
            outside(query, taken);
        }
        Some(Owned::By { person, theirs, others }) => {
            query.push(" AND (");
            if !theirs.is_empty() {
                query.push("a.incident_id IN (");
                list_of(query, theirs.iter().map(ToString::to_string));
                query.push(" OR ");
            }
            query.push("(coalesce(a.owner, a.acknowledged_by) IN (");
            list_of(query, [person.clone(), watchkeeper_domain::Actor::User(person.clone()).to_string()].into_iter());
            outside(query, others);
            query.push("))");
        }
    }
}

/// Unresolved ones first of all: the condition is written so that the index of those that fire serves it.
fn states(query: &mut QueryBuilder<Sqlite>, states: &[Shown], facets: Facets) {
    let wanted = |state| states.is_empty() || states.contains(&state);
    let (firing, unknown, resolved) = (wanted(Shown::Firing), wanted(Shown::Unknown), wanted(Shown::Resolved));
    let open = facets == Facets::Open;
    query.push(match (firing, unknown, resolved) {
        (_, _, true) if open => "1 = 1",
        (_, _, false) if open => "a.state = 'firing'",
        (true, true, false) => "a.state = 'firing'",
        (true, false, false) => "a.state = 'firing' AND a.unknown_reason IS NULL",
        (false, true, false) => "a.state = 'firing' AND a.unknown_reason IS NOT NULL",
        (false, false, _) => "a.state = 'resolved'",
        (true, true, true) => "1 = 1",
        (true, false, true) => "(a.state = 'resolved' OR a.unknown_reason IS NULL)",
        (false, true, true) => "(a.state = 'resolved' OR a.unknown_reason IS NOT NULL)",
    });
}

fn categories(query: &mut QueryBuilder<Sqlite>, how: &'static str, these: &[Category]) {
    if !these.is_empty() {
        query.push(" AND a.category ").push(how).push(" (");
        list_of(query, these.iter().map(|category| category.as_str().to_owned()));
    }
}

fn outside(query: &mut QueryBuilder<Sqlite>, incidents: &[IncidentId]) {
    if !incidents.is_empty() {
        query.push(" AND (a.incident_id IS NULL OR a.incident_id NOT IN (");
        list_of(query, incidents.iter().map(ToString::to_string));
        query.push(")");
    }
}

/// Writes the values and the closing bracket.
fn list_of(query: &mut QueryBuilder<Sqlite>, values: impl Iterator<Item = String>) {
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(value);
    }
    list.push_unseparated(")");
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
