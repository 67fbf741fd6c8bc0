//! What people do to incidents: the same commands for the API, the command line and chat.
//!
//! Not reading (see [`crate::read`]). Each command is one transaction with its timeline and ledger entries, and is
//! idempotent where that makes sense; the actor is recorded.

use std::sync::Arc;

use arc_swap::ArcSwap;
use serde_json::{Value, json};
use watchkeeper_domain::ids::{AlertId, Id, IncidentId};
use watchkeeper_domain::{Actor, Category, Env, Priority};
use watchkeeper_state::{Entry, State, StateError, Tx, Wake, ledger};

use crate::error::Error;
use crate::handover::{Cause, hand_over};
use crate::incident::{Incident, IncidentKind, IncidentState, Role};
use crate::lifecycle::{Event, step};
use crate::open::{self, DECLARED, MAX_TITLE};
use crate::policy::Policy;
use crate::read::Viewer;
use crate::review;
use crate::row;
use crate::timeline::{self, TimelineEntry};
use crate::workflows::{RunEnd, Workflows};

/// Most characters of a note or a description.
pub const MAX_NOTE: usize = 4_000;
/// Most characters of a person's name.
const MAX_PERSON: usize = 120;
/// Most alerts that a declared incident takes in.
const MAX_ALERTS: usize = 500;

/// The incidents, for commands. Cloning copies handles.
#[derive(Clone)]
pub struct Incidents {
    pub(crate) state: State,
    pub(crate) env: Env,
    pub(crate) policy: Arc<ArcSwap<Policy>>,
    pub(crate) workflows: Arc<dyn Workflows>,
    wakes: Vec<Wake>,
}

/// An incident that a person declares.
#[derive(Debug, Clone)]
pub struct Declaration {
    /// What is wrong, in one line.
    pub title: String,
    /// How urgent.
    pub priority: Priority,
    /// What it is about.
    pub category: Category,
    /// Operational or security; a security category makes it security anyway.
    pub kind: IncidentKind,
    /// What is known.
    pub description: String,
    /// Alerts to take in.
    pub alerts: Vec<AlertId>,
}

/// What is said beside a change.
pub(crate) struct Note<'a> {
    pub(crate) text: Option<&'a str>,
    pub(crate) data: Value,
}

impl Incidents {
    /// `wakes` are those who must look after a change: delivery, the status page, and the incident reconciler.
    #[must_use]
    pub fn new(state: State, env: Env, policy: Policy, workflows: Arc<dyn Workflows>, wakes: Vec<Wake>) -> Self {
        Self { state, env, policy: Arc::new(ArcSwap::from_pointee(policy)), workflows, wakes }
    }

    /// Takes another configuration. Open incidents keep what they were opened with.
    pub fn reload(&self, policy: Policy) {
        self.policy.store(Arc::new(policy));
    }

    /// Declares an incident. People are called for it by the next pass.
    pub async fn declare(&self, new: Declaration, actor: Actor) -> Result<Incident, Error> {
        let title = checked(&new.title, "title", MAX_TITLE)?;
        if new.description.chars().count() > MAX_NOTE || new.alerts.len() > MAX_ALERTS {
            return Err(Error::Invalid(
                "a description has at most 4,000 characters, and 500 alerts are the most".into(),
            ));
        }
        let now = self.env.now();
        let kind = if new.category == Category::Security { IncidentKind::Security } else { new.kind };
        let mut tx = self.state.write().await?;
        let id = IncidentId::new(&self.env);
        let mut incident = Incident {
            id,
            number: row::next_number(&mut tx).await?,
            key: format!("{DECLARED}{id}"),
            title,
            kind,
            restricted: kind == IncidentKind::Security,
            state: IncidentState::Triggered,
            priority: new.priority,
            category: new.category,
            component: None,
            summary: new.description.trim().to_owned(),
            roles: self.policy.load().default_roles.clone(),
            started_at: now,
            opened_at: now,
            acknowledged_at: None,
            acknowledged_by: None,
            mitigated_at: None,
            resolved_at: None,
            resolved_by: None,
            closed_at: None,
            handed_over_at: None,
            updated_at: now,
        };
        let mut alerts = Vec::with_capacity(new.alerts.len());
        for alert in &new.alerts {
            alerts.push(self.free_alert(&mut tx, *alert).await?);
        }
        let policy = self.policy.load_full();
        incident.component = alerts.iter().find_map(|a| policy.component(&a.labels)).map(ToOwned::to_owned);
        if let Some(began) = alerts.iter().map(|alert| alert.started_at).min() {
            incident.started_at = began.min(now);
        }
        open::opened(self, &mut tx, &incident, &actor).await?;
        for alert in &alerts {
            row::link(&mut tx, id, alert.id, now).await?;
            let text = format!("{} was taken in", alert.name);
            timeline::write(&mut tx, &self.env, id, "alert", &actor, &text, json!({"alert": alert.id})).await?;
        }
        self.commit(tx).await?;
        Ok(incident)
    }

    async fn free_alert(&self, tx: &mut Tx, id: AlertId) -> Result<watchkeeper_alert::Alert, Error> {
        let row = sqlx::query("SELECT * FROM alert WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(&mut **tx)
            .await
            .map_err(StateError::statement("read an alert"))?;
        let row = row.ok_or_else(|| Error::NotFound { what: "alert", id: id.to_string() })?;
        let alert = watchkeeper_alert::Alert::from_row(&row)?;
        match alert.incident_id {
            Some(incident) => Err(Error::AlertTaken { alert: id.to_string(), incident: incident.to_string() }),
            None => Ok(alert),
        }
    }

    /// Somebody takes it; its firing alerts are acknowledged too. Idempotent: the first one stays.
    pub async fn acknowledge(
        &self,
        viewer: Viewer,
        id: IncidentId,
        actor: Actor,
        note: Option<&str>,
    ) -> Result<Incident, Error> {
        self.advance(viewer, id, Event::Acknowledge(actor.clone()), actor, note).await
    }

    /// Users no longer feel it. Idempotent.
    pub async fn mitigate(
        &self,
        viewer: Viewer,
        id: IncidentId,
        actor: Actor,
        note: Option<&str>,
    ) -> Result<Incident, Error> {
        self.advance(viewer, id, Event::Mitigate(actor.clone()), actor, note).await
    }

    /// The cause is gone. The post-mortem is drafted in the same transaction. Idempotent.
    pub async fn resolve(
        &self,
        viewer: Viewer,
        id: IncidentId,
        actor: Actor,
        note: Option<&str>,
    ) -> Result<Incident, Error> {
        self.advance(viewer, id, Event::Resolve(actor.clone()), actor, note).await
    }

    /// Nothing more is to be done. Only a resolved incident can be closed. Idempotent.
    pub async fn close(
        &self,
        viewer: Viewer,
        id: IncidentId,
        actor: Actor,
        note: Option<&str>,
    ) -> Result<Incident, Error> {
        self.advance(viewer, id, Event::Close(actor.clone()), actor, note).await
    }

    /// Gives a role to a person, or frees it. Idempotent.
    pub async fn assign(
        &self,
        viewer: Viewer,
        id: IncidentId,
        role: Role,
        person: Option<&str>,
        actor: Actor,
    ) -> Result<Incident, Error> {
        let person = person.map(|name| checked(name, "person's name", MAX_PERSON)).transpose()?;
        self.advance(viewer, id, Event::Assign(role, person), actor, None).await
    }

    /// Writes a note into the timeline.
    pub async fn note(&self, viewer: Viewer, id: IncidentId, text: &str, actor: Actor) -> Result<TimelineEntry, Error> {
        let text = checked(text, "note", MAX_NOTE)?;
        let mut tx = self.state.write().await?;
        self.visible(&mut tx, viewer, id).await?;
        let entry = self.write_note(&mut tx, id, &text, &actor).await?;
        self.commit(tx).await?;
        Ok(entry)
    }

    /// A run ended without having helped: people are called. In the transaction of whoever found out.
    pub async fn run_handed_over(&self, tx: &mut Tx, run: &RunEnd) -> Result<(), StateError> {
        let Some(incident) = row::load(&mut **tx, run.incident).await? else { return Ok(()) };
        if incident.state.is_open() {
            // How it went stands in what was tried; a headline is read at a glance.
            let headline = format!("{} did not help", run.workflow);
            hand_over(tx, &self.env, &self.policy.load_full(), &incident, &headline, Cause::Run(run.run)).await?;
        }
        Ok(())
    }

    async fn advance(
        &self,
        viewer: Viewer,
        id: IncidentId,
        event: Event,
        actor: Actor,
        note: Option<&str>,
    ) -> Result<Incident, Error> {
        let note = note.map(str::trim).filter(|text| !text.is_empty());
        let note = note.map(|text| checked(text, "note", MAX_NOTE)).transpose()?;
        let mut tx = self.state.write().await?;
        let incident = self.visible(&mut tx, viewer, id).await?;
        let beside = Note { text: None, data: json!({}) };
        let next = self.apply(&mut tx, &incident, &event, &actor, beside).await?;
        if let Some(text) = &note {
            self.write_note(&mut tx, id, text, &actor).await?;
        }
        if next.is_none() && note.is_none() {
            return Ok(incident);
        }
        self.commit(tx).await?;
        Ok(next.unwrap_or(incident))
    }

    /// One step with everything that goes with it. `Ok(None)`: nothing changed.
    pub(crate) async fn apply(
        &self,
        tx: &mut Tx,
        incident: &Incident,
        event: &Event,
        actor: &Actor,
        note: Note<'_>,
    ) -> Result<Option<Incident>, Error> {
        let now = self.env.now();
        let Some(next) = step(incident, event, now)? else { return Ok(None) };
        row::save(tx, &next).await?;
        let (ledger_kind, timeline_kind, mut text) = match event {
            Event::Acknowledge(_) => ("incident.acknowledged", "state", "Acknowledged".to_owned()),
            Event::Mitigate(_) => ("incident.mitigated", "state", "Mitigated".to_owned()),
            Event::Resolve(_) | Event::AlertsEnded => ("incident.resolved", "state", "Resolved".to_owned()),
            Event::Close(_) => ("incident.closed", "state", "Closed".to_owned()),
            Event::Refired => ("incident.reopened", "state", "Reopened".to_owned()),
            Event::Assign(role, Some(person)) => ("incident.assigned", "role", format!("{person} is now {role}")),
            Event::Assign(role, None) => ("incident.assigned", "role", format!("Nobody is {role} any more")),
            Event::Joined { .. } | Event::HandedOver => return Ok(Some(next)),
        };
        if let Some(why) = note.text {
            text = format!("{text}: {why}");
        }
        let data = json!({"from": incident.state, "to": next.state, "text": text, "more": note.data});
        timeline::write(tx, &self.env, next.id, timeline_kind, actor, &text, data.clone()).await?;
        let entry = Entry::new(now, ledger_kind, actor.clone(), next.id).incident(next.id);
        ledger::append(tx, entry.data(data)).await?;
        if matches!(event, Event::Acknowledge(_) | Event::Mitigate(_) | Event::Resolve(_)) {
            for alert in row::firing_alerts(tx, next.id).await? {
                watchkeeper_alert::command::acknowledge_in(tx, now, alert, actor.clone(), None).await?;
            }
        }
        if next.state == IncidentState::Resolved && incident.state != IncidentState::Resolved {
            review::draft(tx, &self.policy.load_full(), &next, now).await?;
        }
        Ok(Some(next))
    }

    async fn write_note(
        &self,
        tx: &mut Tx,
        id: IncidentId,
        text: &str,
        actor: &Actor,
    ) -> Result<TimelineEntry, StateError> {
        let entry = timeline::write(tx, &self.env, id, "note", actor, text, json!({})).await?;
        let fact = Entry::new(self.env.now(), "incident.noted", actor.clone(), id).incident(id);
        ledger::append(tx, fact.data(json!({"text": text}))).await?;
        Ok(entry)
    }

    pub(crate) async fn visible(&self, tx: &mut Tx, viewer: Viewer, id: IncidentId) -> Result<Incident, Error> {
        let incident = row::load(&mut **tx, id).await?;
        incident
            .filter(|incident| viewer.may_see(incident))
            .ok_or_else(|| Error::NotFound { what: "incident", id: id.to_string() })
    }

    pub(crate) async fn commit(&self, tx: Tx) -> Result<(), StateError> {
        State::commit(tx).await?;
        self.wakes.iter().for_each(Wake::wake);
        Ok(())
    }
}

/// Trims and refuses what is empty or too long.
pub(crate) fn checked(text: &str, what: &str, most: usize) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > most {
        return Err(Error::Invalid(format!("a {what} has 1 to {most} characters")));
    }
    Ok(text.to_owned())
}
