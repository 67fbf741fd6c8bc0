//! What a transition of an alert means for incidents: one opens, is joined, is reopened, or ends.
//!
//! Not the decision of kind and key: see [`crate::triage`]. Everything here runs in the reconciler's transaction.

use serde_json::json;
use sqlx::Row;
use watchkeeper_alert::{Alert, AlertState};
use watchkeeper_domain::ids::{Id, IncidentId};
use watchkeeper_domain::{Actor, Span, Timestamp};
use watchkeeper_state::{Entry, StateError, Tx, ledger};

use crate::command::{Incidents, Note};
use crate::handover::{Cause, hand_over};
use crate::incident::{Incident, IncidentKind, IncidentState};
use crate::lifecycle::{Event, may_reopen, step};
use crate::policy::Policy;
use crate::workflows::{QueueOutcome, Trigger};
use crate::{row, timeline, triage};

/// How long the alerts of an incident may go on firing after a workflow succeeded, before people are called: a rule
/// over five minutes needs as long to see that all is well.
pub const AFTERCARE: Span = Span::from_secs(300);
/// Most characters of a title.
pub const MAX_TITLE: usize = 200;
/// The key of incidents that people declared begins with this.
pub(crate) const DECLARED: &str = "declared ";

/// An alert fired.
pub(crate) async fn on_fired(of: &Incidents, tx: &mut Tx, policy: &Policy, alert: &Alert) -> Result<(), StateError> {
    let over = alert.state == AlertState::Resolved;
    // A drill is about whoever is called, not about a service.
    let drill = alert.source == crate::drill::SOURCE && alert.name == crate::drill::DRILL;
    if over || drill || alert.incident_id.is_some() || alert.priority > policy.open_from {
        return Ok(());
    }
    let now = of.env.now();
    let key = triage::key(alert, &policy.group_by);
    let latest = sqlx::query("SELECT * FROM incident WHERE key = $1 ORDER BY number DESC LIMIT 1")
        .bind(&key)
        .fetch_optional(&mut **tx)
        .await
        .map_err(StateError::statement("find an incident to join"))?;
    let latest = latest.as_ref().map(row::from_row).transpose()?;
    let incident = match latest {
        Some(incident) if incident.state.is_open() => incident,
        Some(incident) if may_reopen(&incident, now) => reopen(of, tx, &incident).await?,
        _ => open(of, tx, policy, alert, key).await?,
    };
    let incident = join(of, tx, &incident, alert).await?;
    // Also when people have the incident already: this alert is news to them, and its repair is guarded like any other.
    if incident.state.is_open() {
        start_workflows(of, tx, policy, &incident, alert).await?;
    }
    Ok(())
}

async fn open(
    of: &Incidents,
    tx: &mut Tx,
    policy: &Policy,
    alert: &Alert,
    key: String,
) -> Result<Incident, StateError> {
    let now = of.env.now();
    let kind = triage::kind(alert.category);
    let incident = Incident {
        id: IncidentId::new(&of.env),
        number: row::next_number(tx).await?,
        key,
        title: title(alert),
        kind,
        restricted: kind == IncidentKind::Security,
        state: IncidentState::Triggered,
        priority: alert.priority,
        category: alert.category,
        component: policy.component(&alert.labels).map(ToOwned::to_owned),
        summary: String::new(),
        roles: policy.default_roles.clone(),
        started_at: alert.started_at.min(now),
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
    opened(of, tx, &incident, &Actor::System).await?;
    Ok(incident)
}

/// Writes a new incident with its first entries.
pub(crate) async fn opened(of: &Incidents, tx: &mut Tx, incident: &Incident, by: &Actor) -> Result<(), StateError> {
    row::save(tx, incident).await?;
    let data = json!({
        "number": incident.number, "title": incident.title, "kind": incident.kind, "priority": incident.priority,
        "category": incident.category, "key": incident.key, "component": incident.component, "roles": incident.roles,
    });
    let text = format!("Opened as {} incident of priority {}", incident.kind, incident.priority);
    timeline::write(tx, &of.env, incident.id, "state", by, &text, json!({"to": incident.state})).await?;
    let entry = Entry::new(of.env.now(), "incident.opened", by.clone(), incident.id);
    ledger::append(tx, entry.incident(incident.id).data(data)).await?;
    Ok(())
}

async fn reopen(of: &Incidents, tx: &mut Tx, incident: &Incident) -> Result<Incident, StateError> {
    let note = Note { text: Some("it fires again soon after it was over"), data: json!({}) };
    let reopened = of.apply(tx, incident, &Event::Refired, &Actor::System, note).await;
    // `may_reopen` was asked before, so the step cannot refuse.
    Ok(reopened.ok().flatten().unwrap_or_else(|| incident.clone()))
}

async fn join(of: &Incidents, tx: &mut Tx, incident: &Incident, alert: &Alert) -> Result<Incident, StateError> {
    let now = of.env.now();
    let name = (!incident.key.starts_with(DECLARED)).then(|| (title(alert), alert.category));
    let event = Event::Joined { priority: alert.priority, started_at: alert.started_at, name };
    let next = step(incident, &event, now).ok().flatten().unwrap_or_else(|| incident.clone());
    row::save(tx, &next).await?;
    row::link(tx, next.id, alert.id, now).await?;
    let by = alert.rule_id.clone().map_or(Actor::System, Actor::Rule);
    let text = format!("{} fires: {}", alert.name, alert.headline());
    let data = json!({"alert": alert.id, "name": alert.name, "priority": alert.priority, "value": alert.value});
    timeline::write(tx, &of.env, next.id, "alert", &by, &text, data.clone()).await?;
    let entry = Entry::new(now, "incident.joined", Actor::System, next.id).incident(next.id).alert(alert.id);
    ledger::append(tx, entry.data(data)).await?;
    if next.priority != incident.priority {
        let mut text = format!("Priority rises from {} to {}", incident.priority, next.priority);
        if next.title != incident.title {
            text = format!(
                "{text}, and it is called \u{201c}{}\u{201d} from here; it was \u{201c}{}\u{201d}",
                next.title, incident.title
            );
        }
        timeline::write(tx, &of.env, next.id, "state", &Actor::System, &text, json!({})).await?;
    }
    Ok(next)
}

fn title(alert: &Alert) -> String {
    alert.headline().chars().take(MAX_TITLE).collect()
}

async fn start_workflows(
    of: &Incidents,
    tx: &mut Tx,
    policy: &Policy,
    incident: &Incident,
    alert: &Alert,
) -> Result<(), StateError> {
    let starts: Vec<&str> = policy.starts(incident.kind, &alert.labels).collect();
    if starts.is_empty() {
        return Ok(());
    }
    let running = runs(tx, incident.id).await?;
    let mut refused: Vec<String> = Vec::new();
    let mut somebody = running.iter().any(Run::is_live);
    for workflow in starts {
        if running.iter().any(|run| run.is_live() && run.workflow == workflow) {
            continue;
        }
        let trigger = Trigger {
            labels: alert.labels.clone(),
            annotations: alert.annotations.clone(),
            incident: incident.id,
            alert: alert.id,
        };
        match of.workflows.queue(tx, workflow, trigger).await? {
            QueueOutcome::Queued(run) => {
                somebody = true;
                let entry = Entry::new(of.env.now(), "workflow.requested", Actor::System, run);
                let entry = entry.run(run).incident(incident.id).alert(alert.id);
                ledger::append(tx, entry.data(json!({"workflow": workflow}))).await?;
            }
            QueueOutcome::Refused(why) => {
                let text = format!("{workflow} may not run: {why}");
                let data = json!({"workflow": workflow, "refused": why});
                timeline::write(tx, &of.env, incident.id, "workflow", &Actor::System, &text, data.clone()).await?;
                let entry = Entry::new(of.env.now(), "workflow.refused", Actor::System, workflow);
                ledger::append(tx, entry.incident(incident.id).alert(alert.id).data(data)).await?;
                refused.push(text);
            }
        }
    }
    if !somebody && !refused.is_empty() && incident.state == IncidentState::Triggered {
        hand_over(tx, &of.env, policy, incident, &refused.join("; "), Cause::Nobody).await?;
    }
    Ok(())
}

/// An alert resolved, became unknown or known again.
pub(crate) async fn on_changed(
    of: &Incidents,
    tx: &mut Tx,
    alert: &Alert,
    to: &str,
    reason: &str,
) -> Result<(), StateError> {
    let incident: Option<String> = sqlx::query_scalar("SELECT incident_id FROM alert WHERE id = $1")
        .bind(alert.id.to_string())
        .fetch_one(&mut **tx)
        .await
        .map_err(StateError::statement("find the incident of an alert"))?;
    let Some(id) = incident else { return Ok(()) };
    let id: IncidentId = id.parse().map_err(|_| StateError::corrupt("alert", "incident_id", &id))?;
    let Some(incident) = row::load(&mut **tx, id).await? else { return Ok(()) };
    let by = alert.rule_id.clone().map_or(Actor::System, Actor::Rule);
    let text = match to {
        "resolved" => format!("{} resolved: {reason}", alert.name),
        "unknown" => format!("{}: nobody can tell whether it still holds: {reason}", alert.name),
        _ => format!("{}: known again, and it still fires", alert.name),
    };
    let data = json!({"alert": alert.id, "to": to, "value": alert.value});
    timeline::write(tx, &of.env, id, "alert", &by, &text, data).await?;
    let ended = to == "resolved" && incident.state.is_open() && row::firing_alerts(tx, id).await?.is_empty();
    if !ended {
        return Ok(());
    }
    // What a person declared, a person ends; and so it is with a security incident.
    if incident.kind == IncidentKind::Security || incident.key.starts_with(DECLARED) {
        let text = "All its alerts have ended; a person decides when it is over";
        timeline::write(tx, &of.env, id, "alert", &Actor::System, text, json!({})).await?;
        return Ok(());
    }
    let note = Note { text: Some("all its alerts have ended"), data: json!({}) };
    match of.apply(tx, &incident, &Event::AlertsEnded, &Actor::System, note).await {
        Err(crate::Error::State(error)) => Err(error),
        _ => Ok(()),
    }
}

/// What became of an incident that nobody has.
pub(crate) enum Watched {
    /// A workflow runs for it, or somebody has it after all.
    Held,
    /// A workflow succeeded; look again then.
    Until(Timestamp),
    /// People were called just now.
    HandedOver,
}

/// Calls people for an incident that nobody has and nothing works on.
pub(crate) async fn ensure_somebody(
    of: &Incidents,
    tx: &mut Tx,
    policy: &Policy,
    incident: &Incident,
) -> Result<Watched, StateError> {
    if incident.state != IncidentState::Triggered || incident.handed_over_at.is_some() {
        return Ok(Watched::Held);
    }
    let now = of.env.now();
    let runs = runs(tx, incident.id).await?;
    if runs.iter().any(Run::is_live) {
        return Ok(Watched::Held);
    }
    // A success speaks for the alerts that it was about, not for one that fired afterwards.
    let newest: Option<i64> =
        sqlx::query_scalar("SELECT max(fired_at) FROM alert WHERE incident_id = $1 AND state = 'firing'")
            .bind(incident.id.to_string())
            .fetch_one(&mut **tx)
            .await
            .map_err(StateError::statement("find the newest alert of an incident"))?;
    let helped_at = runs.iter().filter_map(Run::helped_at).max();
    let covered = helped_at.filter(|at| newest.is_none_or(|newest| newest <= at.as_micros()));
    let quiet_until = covered.map(|at| at + AFTERCARE);
    if let Some(until) = quiet_until.filter(|until| *until > now) {
        return Ok(Watched::Until(until));
    }
    let headline = match runs.last() {
        None if incident.key.starts_with(DECLARED) => "declared by a person".to_owned(),
        None => "no workflow is there for it".to_owned(),
        Some(run) if run.state == "succeeded" && covered.is_none() => {
            "no workflow is there for its newest alert".to_owned()
        }
        Some(run) if run.state == "succeeded" => {
            format!("{} succeeded, but its alerts still fire {AFTERCARE} later", run.workflow)
        }
        Some(run) => format!("{} did not help ({})", run.workflow, run.state.replace('_', " ")),
    };
    hand_over(tx, &of.env, policy, incident, &headline, Cause::Nobody).await?;
    Ok(Watched::HandedOver)
}

struct Run {
    workflow: String,
    state: String,
    finished_at: Option<Timestamp>,
}

impl Run {
    fn is_live(&self) -> bool {
        matches!(self.state.as_str(), "queued" | "running" | "waiting")
    }
    fn helped_at(&self) -> Option<Timestamp> {
        self.finished_at.filter(|_| self.state == "succeeded")
    }
}

async fn runs(tx: &mut Tx, incident: IncidentId) -> Result<Vec<Run>, StateError> {
    let rows =
        sqlx::query("SELECT workflow, state, finished_at FROM run WHERE incident_id = $1 ORDER BY created_at, id")
            .bind(incident.to_string())
            .fetch_all(&mut **tx)
            .await
            .map_err(StateError::statement("read the runs of an incident"))?;
    let run = |row: &sqlx::sqlite::SqliteRow| Run {
        workflow: row.get("workflow"),
        state: row.get("state"),
        finished_at: row.get::<Option<i64>, _>("finished_at").map(Timestamp::from_micros),
    };
    Ok(rows.iter().map(run).collect())
}
