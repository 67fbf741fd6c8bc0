//! Taking a message of the outbox that calls people: it begins an escalation, joins one, or tells those who were called.
//!
//! Not routing: that was decided when the row was written.

use serde_json::{Value, json};
use sqlx::Row;
use watchkeeper_config::model::EscalationPolicy;
use watchkeeper_domain::ids::{AlertId, EscalationId, Id, IncidentId, NotificationId};
use watchkeeper_domain::{Actor, Priority, Timestamp};
use watchkeeper_state::outbox::{self, Message};
use watchkeeper_state::{Entry, StateError, Tx, ledger};

use super::call::reach;
use super::effect::{Scene, carry_out, integrations, not_sent, tell_the_called};
use super::row::{self, Escalation};
use super::step::{Condition, Event, Phase, Progress, step};
use crate::oncall::watch::is_quiet;

/// A message as the outbox has it.
pub(super) struct Taken {
    id: String,
    kind: String,
    resolved: bool,
    receiver: String,
    thread: String,
    incident: Option<IncidentId>,
    alerts: Vec<AlertId>,
    content: String,
}

impl Taken {
    pub(super) fn from_row(row: &sqlx::sqlite::SqliteRow) -> Result<Self, StateError> {
        let alerts: &str = row.get("alert_ids");
        let incident: Option<&str> = row.get("incident_id");
        let bad = |column: &'static str, value: &str| StateError::corrupt("notification", column, value);
        Ok(Self {
            id: row.get("id"),
            kind: row.get("kind"),
            resolved: row.get::<&str, _>("status") == "resolved",
            receiver: row.get("receiver"),
            thread: row.get("thread"),
            incident: incident.map(|id| id.parse().map_err(|_| bad("incident_id", id))).transpose()?,
            alerts: serde_json::from_str(alerts).map_err(|_| bad("alert_ids", alerts))?,
            content: row.get("content"),
        })
    }

    fn handover(&self) -> bool {
        self.kind == "handover"
    }

    /// Whether it says that something was tried and did not help.
    fn tried_something(&self) -> bool {
        let content: Value = serde_json::from_str(&self.content).unwrap_or_default();
        self.handover() && content["tried"].as_array().is_some_and(|tried| !tried.is_empty())
    }

    /// One line, and the most urgent priority, of what is told.
    fn facts(&self) -> (String, Priority) {
        let content: Value = serde_json::from_str(&self.content).unwrap_or_default();
        let priority = |value: &Value| value["priority"].as_str().and_then(|word| word.parse().ok());
        if self.handover() {
            let incident = &content["incident"];
            let title = format!("INC-{} {}", incident["number"], incident["title"].as_str().unwrap_or_default());
            return (title, priority(incident).unwrap_or(Priority::High));
        }
        let alerts = content["alerts"].as_array().map_or(&[][..], Vec::as_slice);
        let name = |alert: &Value| {
            let told = alert["annotations"]["summary"].as_str().or(alert["name"].as_str());
            told.unwrap_or_default().to_owned()
        };
        let title = match alerts {
            [] => String::new(),
            [one] => name(one),
            [first, rest @ ..] => format!("{} and {} more", name(first), rest.len()),
        };
        (title.chars().take(200).collect(), alerts.iter().filter_map(priority).min().unwrap_or(Priority::High))
    }
}

/// Takes one message and settles its row.
pub(super) async fn take(tx: &mut Tx, scene: &Scene<'_>, message: &Taken) -> Result<(), StateError> {
    let policy = scene.settings.paging.get(&message.receiver).and_then(|name| scene.settings.policies.get(name));
    let incident = match message.incident {
        Some(incident) => Some(incident),
        None => shared_incident(tx, &message.alerts).await?,
    };
    let name = policy.map(|policy| policy.name.as_str());
    let known = find(tx, name, message, incident).await?;
    if !matches!(message.kind.as_str(), "alert" | "handover") {
        return announce(tx, scene, message, policy).await;
    }
    match (known, policy) {
        (Some(it), _) if message.resolved => over(tx, scene, message, &it).await,
        (None, _) if message.resolved => {
            settle(tx, scene.now, message, "delivered", "nobody had been called for it").await
        }
        (Some(it), _) if it.progress.phase != Phase::Resolved => join(tx, scene, message, it, incident).await,
        (_, None) => {
            let why = "the configuration has no escalation policy for this receiver any more; route to another one";
            settle(tx, scene.now, message, "failed", why).await
        }
        (_, Some(policy)) => {
            let (title, priority) = message.facts();
            let it = Escalation {
                id: EscalationId::new(scene.env),
                policy: policy.clone(),
                about_incident: message.handover(),
                thread: message.thread.clone(),
                incident,
                priority,
                title,
                progress: Progress::new(),
                message_kind: message.kind.clone(),
                content: message.content.clone(),
                started_at: scene.now,
                acknowledged_at: None,
                acknowledged_by: None,
                ended_at: None,
            };
            row::save(tx, &it, scene.now).await?;
            row::add_alerts(tx, it.id, &message.alerts).await?;
            row::note(
                tx,
                scene.now,
                "escalation.started",
                &it,
                json!({"receiver": message.receiver, "title": it.title}),
            )
            .await?;
            settle(tx, scene.now, message, "delivered", &format!("{} began", it.id)).await?;
            look(tx, scene, it, false).await
        }
    }
}

/// What nobody has to answer (a test, a text of a workflow) is told to those whom the first step would call, once.
async fn announce(
    tx: &mut Tx,
    scene: &Scene<'_>,
    message: &Taken,
    policy: Option<&EscalationPolicy>,
) -> Result<(), StateError> {
    let first = policy.and_then(|policy| policy.steps.first());
    let reach = first.map(|step| reach(scene.settings, scene.overrides, step, scene.now)).unwrap_or_default();
    if reach.called.is_empty() {
        let why = "the first step of its escalation policy reaches nobody now";
        return settle(tx, scene.now, message, "failed", why).await;
    }
    let kind = match message.kind.as_str() {
        "test" => "test",
        "approval" => "approval",
        "incident" => "incident",
        _ => "info",
    };
    let content: Value = serde_json::from_str(&message.content)
        .map_err(|_| StateError::corrupt("notification", "content", &message.content))?;
    for called in &reach.called {
        let told = Message {
            kind,
            status: "info",
            receiver: &called.receiver,
            thread: &message.thread,
            group: None,
            incident: message.incident,
            alerts: &message.alerts,
            content: content.clone(),
            reason: format!("{}: told to {}", called.why, message.receiver),
        };
        let mut ways = integrations(scene.settings, &called.receiver, "");
        // A test is to show that every way works; any other text rings on no telephone if there is another way.
        if kind != "test" && ways.iter().any(|way| is_quiet(&way.key)) {
            ways.retain(|way| is_quiet(&way.key));
        }
        outbox::enqueue(tx, scene.env, scene.now, &ways, &told).await?;
    }
    settle(tx, scene.now, message, "delivered", &format!("told to {} of the first step", reach.called.len())).await
}

/// The incident, when all alerts belong to one.
async fn shared_incident(tx: &mut Tx, alerts: &[AlertId]) -> Result<Option<IncidentId>, StateError> {
    let mut shared: Option<IncidentId> = None;
    for alert in alerts {
        let id: Option<Option<String>> = sqlx::query_scalar("SELECT incident_id FROM alert WHERE id = $1")
            .bind(alert.to_string())
            .fetch_optional(&mut **tx)
            .await
            .map_err(StateError::statement("find the incident of an alert"))?;
        let Some(id) = id.flatten() else { return Ok(None) };
        let id: IncidentId = id.parse().map_err(|_| StateError::corrupt("alert", "incident_id", &id))?;
        if shared.is_some_and(|known| known != id) {
            return Ok(None);
        }
        shared = Some(id);
    }
    Ok(shared)
}

/// The newest escalation of this policy for the same incident or the same conversation; an open one before one that is
/// over.
async fn find(
    tx: &mut Tx,
    policy: Option<&str>,
    message: &Taken,
    incident: Option<IncidentId>,
) -> Result<Option<Escalation>, StateError> {
    let row = sqlx::query(
        "SELECT * FROM escalation WHERE (thread = $1 OR (incident_id IS NOT NULL AND incident_id = $2)) \
         AND ($3 IS NULL OR policy = $3) \
         ORDER BY CASE WHEN phase = 'resolved' THEN 1 ELSE 0 END, started_at DESC, id DESC LIMIT 1",
    )
    .bind(&message.thread)
    .bind(incident.map(|id| id.to_string()))
    .bind(policy)
    .fetch_optional(&mut **tx)
    .await
    .map_err(StateError::statement("find an escalation to join"))?;
    row.as_ref().map(row::from_row).transpose()
}

/// More of the same matter: nobody is called twice for it, unless it is nobody's any more.
async fn join(
    tx: &mut Tx,
    scene: &Scene<'_>,
    message: &Taken,
    mut it: Escalation,
    incident: Option<IncidentId>,
) -> Result<(), StateError> {
    let (title, priority) = message.facts();
    it.priority = it.priority.min(priority);
    it.incident = it.incident.or(incident);
    if message.handover() {
        // From here on it is over when the incident is.
        it.about_incident = true;
    }
    (it.title, it.message_kind, it.content) = (title, message.kind.clone(), message.content.clone());
    row::add_alerts(tx, it.id, &message.alerts).await?;
    row::save(tx, &it, scene.now).await?;
    settle(tx, scene.now, message, "delivered", &format!("{} has it", it.id)).await?;
    // That no workflow is there is no news to those who are called; that one did not help is.
    if message.tried_something() {
        let news = ("firing", message.kind.as_str(), message.content.as_str());
        tell_the_called(tx, scene, &it, news, "news of what they were called for").await?;
    }
    let before = it.progress.phase;
    if matches!(before, Phase::Paging | Phase::Acknowledged) {
        let why = match before {
            Phase::Paging => "people are being called for it already".to_owned(),
            _ => format!("{} has it", it.acknowledged_by.as_deref().unwrap_or("somebody")),
        };
        not_sent(tx, scene.now, &it, &message.receiver, "", &why).await?;
    }
    look(tx, scene, it, true).await
}

/// What was told is over: those who were called hear so, unless the incident that they were called for goes on.
async fn over(tx: &mut Tx, scene: &Scene<'_>, message: &Taken, it: &Escalation) -> Result<(), StateError> {
    if it.about_incident {
        let why = "these alerts have ended; who was called hears when the incident is over";
        return settle(tx, scene.now, message, "delivered", why).await;
    }
    let news = ("resolved", message.kind.as_str(), message.content.as_str());
    let told = tell_the_called(tx, scene, it, news, "it is over, and they were called").await?;
    settle(tx, scene.now, message, "delivered", &format!("told over {told} ways")).await
}

/// Looks at how things are and goes on from there.
pub(super) async fn look(tx: &mut Tx, scene: &Scene<'_>, it: Escalation, news: bool) -> Result<(), StateError> {
    let found = row::situations(tx, scene.silences, scene.now, Some(&it.id.to_string())).await?;
    let Some(situation) = found.into_iter().next() else { return Ok(()) };
    let it = turn(tx, scene, it, Event::Is(situation.condition), situation.owner).await?;
    if news && situation.condition == Condition::Unowned {
        turn(tx, scene, it, Event::News, None).await?;
    }
    Ok(())
}

/// One step with everything that goes with it.
pub(super) async fn turn(
    tx: &mut Tx,
    scene: &Scene<'_>,
    mut it: Escalation,
    event: Event,
    owner: Option<String>,
) -> Result<Escalation, StateError> {
    let reaches = |step: usize| !scene.reach(&it, step).called.is_empty();
    let (next, effects) = step(&it.policy, it.progress, event, scene.now, &reaches);
    if next == it.progress && effects.is_empty() {
        return Ok(it);
    }
    let before = std::mem::replace(&mut it.progress, next);
    let mut why_off = "it is over";
    let mut by = String::new();
    if next.phase != before.phase {
        match next.phase {
            Phase::Acknowledged => {
                (it.acknowledged_at, it.acknowledged_by) = (Some(scene.now), owner);
                by = format!("{} has it", it.acknowledged_by.as_deref().unwrap_or("somebody"));
            }
            Phase::Held => why_off = "a silence or an inhibition holds it back",
            Phase::Resolved => it.ended_at = Some(scene.now),
            Phase::Paging | Phase::Exhausted => (it.acknowledged_at, it.acknowledged_by) = (None, None),
        }
        if matches!(next.phase, Phase::Acknowledged | Phase::Held) {
            let kind = if next.phase == Phase::Held { "escalation.held" } else { "escalation.acknowledged" };
            let reason = if by.is_empty() { why_off } else { &by };
            row::note(tx, scene.now, kind, &it, json!({"reason": reason})).await?;
        }
    }
    row::save(tx, &it, scene.now).await?;
    let why_off = if by.is_empty() { why_off } else { &by };
    carry_out(tx, scene, &it, &effects, why_off).await?;
    Ok(it)
}

/// The message has been taken; nobody else does.
async fn settle(tx: &mut Tx, now: Timestamp, of: &Taken, state: &'static str, what: &str) -> Result<(), StateError> {
    sqlx::query("UPDATE notification SET state = $2, receipt = $3, last_error = $4, finished_at = $5 WHERE id = $1")
        .bind(&of.id)
        .bind(state)
        .bind((state == "delivered").then_some(what))
        .bind((state == "failed").then_some(what))
        .bind(now.as_micros())
        .execute(&mut **tx)
        .await
        .map_err(StateError::statement("settle a message that calls people"))?;
    let kind = if state == "failed" { "notification.failed" } else { "notification.delivered" };
    let id: NotificationId = of.id.parse().map_err(|_| StateError::corrupt("notification", "id", &of.id))?;
    let mut data = json!({
        "receiver": of.receiver, "integration": watchkeeper_domain::Integration::ON_CALL,
    });
    data[if state == "failed" { "error" } else { "receipt" }] = json!(what);
    let entry = Entry::new(now, kind, Actor::System, id).notification(id).incident(of.incident).data(data);
    match of.alerts.as_slice() {
        [] => drop(ledger::append(tx, entry).await?),
        alerts => {
            for alert in alerts {
                ledger::append(tx, entry.clone().alert(*alert)).await?;
            }
        }
    }
    Ok(())
}
