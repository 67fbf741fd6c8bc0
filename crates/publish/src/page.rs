//! What the public sees, read from rows: one value that HTML, JSON and the feed are made from.
//!
//! Not how it looks. Nothing of an incident is read but its id, times, priority and component.

use std::collections::BTreeMap;

use sqlx::{Row, SqlitePool};
use watchkeeper_config::model::StatusPage;
use watchkeeper_domain::{Priority, Timestamp};
use watchkeeper_state::StateError;

use crate::component::Impact;
use crate::update::PublicState;

/// How many days the bars go back.
pub const BAR_DAYS: i64 = 90;
/// How many days the history goes back.
pub const HISTORY_DAYS: i64 = 14;
/// Most incidents that are read.
const MAX_INCIDENTS: i64 = 1_000;
const DAY_MICROS: i64 = 86_400_000_000;

/// The page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Whose it is.
    pub title: String,
    /// When it was read.
    pub at: Timestamp,
    /// The components, in the order of the configuration.
    pub components: Vec<ComponentState>,
    /// Incidents that are not over, newest first.
    pub current: Vec<PublicIncident>,
    /// Incidents that were over within the last 14 days, newest first.
    pub history: Vec<PublicIncident>,
}

/// A component now and in the last 90 days.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentState {
    /// Its id.
    pub name: String,
    /// What customers call it.
    pub title: String,
    /// How well it works now.
    pub impact: Impact,
    /// One per day, oldest first, UTC; none: before Watchkeeper kept watch.
    pub days: Vec<Option<Impact>>,
}

/// An incident as the public sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct PublicIncident {
    /// Its id.
    pub id: String,
    /// `Payments: Major outage`.
    pub name: String,
    /// The component's id.
    pub component: String,
    /// The worst that it ever was.
    pub impact: Impact,
    /// Its state.
    pub state: PublicState,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// What was said, newest first.
    pub updates: Vec<Update>,
}

/// One update.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    /// Its id.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// At which state.
    pub state: PublicState,
    /// What the component was like.
    pub impact: Impact,
    /// What was said.
    pub text: String,
}

struct Found {
    id: String,
    component: String,
    impact: Impact,
    opened_at: Timestamp,
    resolved_at: Option<Timestamp>,
}

impl Page {
    /// Reads the page.
    pub async fn load(pool: &SqlitePool, config: &StatusPage, now: Timestamp) -> Result<Self, StateError> {
        let found = incidents(pool, now).await?;
        let updates = updates(pool, now).await?;
        let since: Option<i64> = sqlx::query_scalar("SELECT min(at) FROM ledger")
            .fetch_one(pool)
            .await
            .map_err(StateError::statement("find since when watch is kept"))?;
        let since = since.map(Timestamp::from_micros).unwrap_or(now);
        let mut components = Vec::with_capacity(config.components.len());
        for component in &config.components {
            let own: Vec<&Found> = found.iter().filter(|incident| incident.component == component.name).collect();
            let open = own.iter().filter(|incident| incident.resolved_at.is_none()).map(|incident| incident.impact);
            components.push(ComponentState {
                name: component.name.clone(),
                title: component.title.clone(),
                impact: open.max().unwrap_or(Impact::Operational),
                days: days(&own, since, now),
            });
        }
        let horizon = Timestamp::from_micros(now.as_micros() - HISTORY_DAYS * DAY_MICROS);
        let (mut current, mut history) = (Vec::new(), Vec::new());
        for incident in &found {
            let component = config.components.iter().find(|component| component.name == incident.component);
            // Told is what has an update; an incident that was over before that stays inside.
            let (Some(component), Some(told)) = (component, updates.get(&incident.id)) else { continue };
            let public = PublicIncident {
                id: incident.id.clone(),
                name: format!("{}: {}", component.title, incident.impact.title()),
                component: component.name.clone(),
                impact: incident.impact,
                state: told.first().map_or(PublicState::Investigating, |update| update.state),
                opened_at: incident.opened_at,
                resolved_at: incident.resolved_at,
                updates: told.clone(),
            };
            match incident.resolved_at {
                None => current.push(public),
                Some(at) if at >= horizon => history.push(public),
                Some(_) => {}
            }
        }
        Ok(Self { title: config.title.clone(), at: now, components, current, history })
    }

    /// The worst of all components.
    #[must_use]
    pub fn impact(&self) -> Impact {
        self.components.iter().map(|component| component.impact).max().unwrap_or(Impact::Operational)
    }

    /// The page in one sentence.
    #[must_use]
    pub fn headline(&self) -> &'static str {
        match self.impact() {
            Impact::Operational => "All systems operational",
            Impact::DegradedPerformance => "Some systems work worse than usual",
            Impact::PartialOutage => "Partial outage",
            Impact::MajorOutage => "Major outage",
        }
    }
}

async fn incidents(pool: &SqlitePool, now: Timestamp) -> Result<Vec<Found>, StateError> {
    let rows = sqlx::query(
        "SELECT id, component, priority, opened_at, resolved_at FROM incident WHERE restricted = 0 \
         AND kind = 'operational' AND component IS NOT NULL AND (resolved_at IS NULL OR resolved_at >= $1) \
         ORDER BY opened_at DESC LIMIT $2",
    )
    .bind(now.as_micros() - BAR_DAYS * DAY_MICROS)
    .bind(MAX_INCIDENTS)
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("read public incidents"))?;
    let found = |row: &sqlx::sqlite::SqliteRow| {
        let priority: &str = row.get("priority");
        let known: Priority = priority.parse().map_err(|_| StateError::corrupt("incident", "priority", priority))?;
        Ok(Found {
            id: row.get("id"),
            component: row.get("component"),
            impact: Impact::of(known),
            opened_at: Timestamp::from_micros(row.get("opened_at")),
            resolved_at: row.get::<Option<i64>, _>("resolved_at").map(Timestamp::from_micros),
        })
    };
    rows.iter().map(found).collect()
}

async fn updates(pool: &SqlitePool, now: Timestamp) -> Result<BTreeMap<String, Vec<Update>>, StateError> {
    let rows = sqlx::query(
        "SELECT u.id, u.incident_id, u.at, u.state, u.impact, u.text FROM status_update u \
         JOIN incident i ON i.id = u.incident_id WHERE i.restricted = 0 AND i.kind = 'operational' \
         AND (i.resolved_at IS NULL OR i.resolved_at >= $1) ORDER BY u.at DESC, u.id DESC LIMIT 5000",
    )
    .bind(now.as_micros() - HISTORY_DAYS * DAY_MICROS)
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("read public updates"))?;
    let mut updates: BTreeMap<String, Vec<Update>> = BTreeMap::new();
    for row in &rows {
        let (state, impact): (&str, &str) = (row.get("state"), row.get("impact"));
        updates.entry(row.get("incident_id")).or_default().push(Update {
            id: row.get("id"),
            at: Timestamp::from_micros(row.get("at")),
            state: PublicState::from_word(state).ok_or_else(|| StateError::corrupt("status_update", "state", state))?,
            impact: Impact::from_word(impact).ok_or_else(|| StateError::corrupt("status_update", "impact", impact))?,
            text: row.get("text"),
        });
    }
    Ok(updates)
}

fn days(incidents: &[&Found], since: Timestamp, now: Timestamp) -> Vec<Option<Impact>> {
    let day_of = |at: Timestamp| at.as_micros().div_euclid(DAY_MICROS);
    let today = day_of(now);
    let worst = |day: i64| {
        let on_that_day = |incident: &&&Found| {
            day_of(incident.opened_at) <= day && day <= day_of(incident.resolved_at.unwrap_or(now))
        };
        let worst = incidents.iter().filter(on_that_day).map(|incident| incident.impact).max();
        worst.or((day >= day_of(since)).then_some(Impact::Operational))
    };
    (today - BAR_DAYS + 1..=today).map(worst).collect()
}
