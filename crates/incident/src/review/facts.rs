//! The facts of an incident: durations, alerts, what was tried, who was told. Read from rows, nothing guessed.
//!
//! Not what it cost: see [`super::impact`].

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::Row;
use watchkeeper_domain::{Span, Timestamp};
use watchkeeper_state::{StateError, Tx, ledger};

use super::impact::{Impact, ImpactState};
use crate::handover::{self, Tried};
use crate::incident::{Incident, IncidentState};
use crate::policy::Policy;

/// What is known of an incident when it is resolved. Times in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// From the moment that the condition became true until the incident was opened.
    pub mttd_s: f64,
    /// From there until somebody took it; none: nobody had to.
    pub mtta_s: Option<f64>,
    /// From the moment that the condition became true until it was resolved.
    pub mttr_s: f64,
    /// How long it was in each open state, over all its openings.
    pub states: Vec<StateTime>,
    /// What it cost.
    pub impact: Impact,
    /// What was tried, oldest first.
    pub tried: Vec<Tried>,
    /// Its alerts, oldest first.
    pub alerts: Vec<AlertFact>,
    /// Who was told.
    pub notifications: Notifications,
}

/// Time in a state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateTime {
    /// The state.
    pub state: String,
    /// How long.
    pub seconds: f64,
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertFact {
    /// Its id.
    pub id: String,
    /// Its name. Hostile text.
    pub name: String,
    /// Its priority.
    pub priority: String,
    /// When its condition became true.
    pub started_at: Timestamp,
    /// When it fired.
    pub fired_at: Timestamp,
    /// When it resolved.
    pub resolved_at: Option<Timestamp>,
}

/// Notifications in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notifications {
    /// Put into the outbox.
    pub intended: i64,
    /// Delivered by the time that the facts were gathered.
    pub delivered: i64,
    /// Given up.
    pub failed: i64,
}

pub(super) async fn gather(tx: &mut Tx, policy: &Policy, incident: &Incident) -> Result<Facts, StateError> {
    let resolved_at = incident.resolved_at.unwrap_or(incident.updated_at);
    Ok(Facts {
        mttd_s: incident.opened_at.since(incident.started_at).as_secs_f64(),
        mtta_s: incident.acknowledged_at.map(|at| at.since(incident.opened_at).as_secs_f64()),
        mttr_s: resolved_at.since(incident.started_at).as_secs_f64(),
        states: states(tx, incident).await?,
        impact: Impact::to_ask(policy, incident.started_at, resolved_at),
        tried: handover::tried(tx, incident.id).await?,
        alerts: alerts(tx, incident).await?,
        notifications: notifications(tx, incident).await?,
    })
}

async fn states(tx: &mut Tx, incident: &Incident) -> Result<Vec<StateTime>, StateError> {
    let rows =
        sqlx::query("SELECT at, data FROM timeline_entry WHERE incident_id = $1 AND kind = 'state' ORDER BY at, id")
            .bind(incident.id.to_string())
            .fetch_all(&mut **tx)
            .await
            .map_err(StateError::statement("read an incident's states"))?;
    let mut sums: Vec<(IncidentState, Span)> = Vec::new();
    let mut present: Option<(IncidentState, Timestamp)> = None;
    for row in &rows {
        let at = Timestamp::from_micros(row.get("at"));
        let data: Value = serde_json::from_str(row.get("data")).unwrap_or_default();
        let Some(to) = data["to"].as_str().and_then(IncidentState::from_word) else { continue };
        if let Some((state, since)) = present.filter(|(state, _)| state.is_open()) {
            let length = at.since(since);
            match sums.iter_mut().find(|(known, _)| *known == state) {
                Some((_, sum)) => *sum = Span::from_micros(sum.as_micros() + length.as_micros()),
                None => sums.push((state, length)),
            }
        }
        present = Some((to, at));
    }
    let shown =
        |(state, sum): (IncidentState, Span)| StateTime { state: state.to_string(), seconds: sum.as_secs_f64() };
    Ok(sums.into_iter().map(shown).collect())
}

async fn alerts(tx: &mut Tx, incident: &Incident) -> Result<Vec<AlertFact>, StateError> {
    let rows = sqlx::query(
        "SELECT id, name, priority, started_at, fired_at, resolved_at FROM alert WHERE incident_id = $1 \
         ORDER BY fired_at, id LIMIT 200",
    )
    .bind(incident.id.to_string())
    .fetch_all(&mut **tx)
    .await
    .map_err(StateError::statement("read the alerts of an incident"))?;
    let fact = |row: &sqlx::sqlite::SqliteRow| AlertFact {
        id: row.get("id"),
        name: row.get("name"),
        priority: row.get("priority"),
        started_at: Timestamp::from_micros(row.get("started_at")),
        fired_at: Timestamp::from_micros(row.get("fired_at")),
        resolved_at: row.get::<Option<i64>, _>("resolved_at").map(Timestamp::from_micros),
    };
    Ok(rows.iter().map(fact).collect())
}

async fn notifications(tx: &mut Tx, incident: &Incident) -> Result<Notifications, StateError> {
    ledger::settle(tx).await?;
    let row = sqlx::query(
        "SELECT count(*) AS intended, COALESCE(sum(CASE WHEN state = 'delivered' THEN 1 ELSE 0 END), 0) AS delivered, \
         COALESCE(sum(CASE WHEN state = 'failed' THEN 1 ELSE 0 END), 0) AS failed FROM notification n \
         WHERE n.incident_id = $1 OR n.id IN (SELECT l.notification_id FROM ledger l \
         JOIN incident_alert ia ON ia.alert_id = l.alert_id \
         WHERE ia.incident_id = $1 AND l.kind = 'notification.intended')",
    )
    .bind(incident.id.to_string())
    .fetch_one(&mut **tx)
    .await
    .map_err(StateError::statement("count the notifications of an incident"))?;
    Ok(Notifications { intended: row.get("intended"), delivered: row.get("delivered"), failed: row.get("failed") })
}

impl Facts {
    /// A few sentences from the facts alone.
    pub(super) fn summary(&self, incident: &Incident) -> String {
        let span = |secs: f64| Span::from(std::time::Duration::from_secs_f64(secs.max(0.0)));
        let mut text = format!(
            "INC-{} \"{}\" ({}, {}, {}) began at {} and lasted {}. It was detected {} after it began.",
            incident.number,
            incident.title,
            incident.kind,
            incident.category,
            incident.priority,
            incident.started_at,
            span(self.mttr_s),
            span(self.mttd_s),
        );
        match (&incident.acknowledged_by, self.mtta_s) {
            (Some(by), Some(secs)) => text.push_str(&format!(" {by} took it {} later.", span(secs))),
            _ => text.push_str(" Nobody had to take it."),
        }
        if incident.handed_over_at.is_some() {
            text.push_str(" It was handed over to people.");
        }
        for tried in &self.tried {
            text.push_str(&format!(" The workflow {} was tried: {}.", tried.workflow, tried.outcome));
        }
        if let Some(by) = &incident.resolved_by {
            match by.as_str() {
                "system" => text.push_str(" It ended when its alerts did."),
                person => text.push_str(&format!(" {person} resolved it.")),
            }
        }
        text.push_str(&format!(" {} alerts, {} notifications.", self.alerts.len(), self.notifications.intended));
        match (self.impact.state, self.impact.failed_requests) {
            (ImpactState::Known, Some(failed)) => text.push_str(&format!(" {} requests failed.", failed.round())),
            (ImpactState::NotConfigured, _) => {}
            _ => text.push_str(" How many requests failed is not known."),
        }
        text
    }
}
