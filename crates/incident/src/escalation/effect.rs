//! Carrying out what an escalation decided: page rows, messages in the outbox, the ledger, the incident's timeline.
//!
//! Not deciding: see [`super::step`]. Everything here runs in the reconciler's transaction.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sqlx::Row;
use watchkeeper_alert::silence::Cache;
use watchkeeper_config::model::person::receiver_of;
use watchkeeper_domain::{Actor, Env, Integration, Priority, Timestamp};
use watchkeeper_state::outbox::{self, Message};
use watchkeeper_state::{StateError, Tx};

use super::call::{Called, Reach, reach, ways};
use super::row::{self, Escalation};
use super::step::Effect;
use crate::oncall::Override;
use crate::oncall::settings::Settings;
use crate::timeline;

/// What carrying out needs.
pub(super) struct Scene<'a> {
    pub(super) env: &'a Env,
    pub(super) now: Timestamp,
    pub(super) settings: &'a Settings,
    /// Those of now, by schedule.
    pub(super) overrides: &'a BTreeMap<String, Vec<Override>>,
    /// Their compiled matchers.
    pub(super) silences: &'a Cache,
}

impl Scene<'_> {
    /// Whom a step would call now.
    pub(super) fn reach(&self, it: &Escalation, step: usize) -> Reach {
        it.policy.steps.get(step).map(|step| reach(self.settings, self.overrides, step, self.now)).unwrap_or_default()
    }
}

/// Carries out effects in order. `why_off` says why what waits is called off.
pub(super) async fn carry_out(
    tx: &mut Tx,
    scene: &Scene<'_>,
    it: &Escalation,
    effects: &[Effect],
    why_off: &str,
) -> Result<(), StateError> {
    for effect in effects {
        match effect {
            Effect::Call { step, round } => call(tx, scene, it, *step, *round).await?,
            Effect::PassOver { step } => pass_over(tx, scene, it, *step).await?,
            Effect::CallOff => call_off(tx, scene.now, it, None, why_off).await?,
            Effect::Remind => remind(tx, scene, it).await?,
            Effect::GiveUp => give_up(tx, scene, it).await?,
            Effect::End => end(tx, scene, it).await?,
        }
    }
    Ok(())
}

fn missed(reach: &Reach) -> Value {
    reach.missed.iter().map(|(target, reason)| json!({"target": target, "reason": reason})).collect()
}

async fn call(tx: &mut Tx, scene: &Scene<'_>, it: &Escalation, step: usize, round: u32) -> Result<(), StateError> {
    let reach = scene.reach(it, step);
    let named: Vec<String> =
        reach.called.iter().map(|c| format!("{} ({})", c.person.as_ref().unwrap_or(&c.receiver), c.why)).collect();
    let data = json!({
        "step": step + 1, "round": round + 1, "called": named, "missed": missed(&reach),
        "next_at": it.progress.due_at, "title": it.title,
    });
    row::note(tx, scene.now, "escalation.called", it, data.clone()).await?;
    if let Some(incident) = it.incident {
        let text = format!("Calling {} (step {} of {})", named.join(", "), step + 1, it.policy.name);
        timeline::write(tx, scene.env, incident, "notification", &Actor::System, &text, data).await?;
    }
    for called in &reach.called {
        call_off(tx, scene.now, it, Some(&called.receiver), "they are called anew").await?;
        let ways = ways(scene.settings, called, it.priority);
        if ways.is_empty() {
            let reason = format!("their own rules have none for the priority {}", it.priority);
            not_sent(tx, scene.now, it, &called.receiver, "", &reason).await?;
        }
        for way in ways {
            let due = scene.now + way.after;
            let id: i64 = sqlx::query_scalar(
                "INSERT INTO page (escalation_id, round, step, receiver, via, why, due_at, state) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting') RETURNING id",
            )
            .bind(it.id.to_string())
            .bind(i64::from(round))
            .bind(i64::try_from(step).unwrap_or(i64::MAX))
            .bind(&called.receiver)
            .bind(&way.via)
            .bind(&called.why)
            .bind(due.as_micros())
            .fetch_one(&mut **tx)
            .await
            .map_err(StateError::statement("write a page"))?;
            if due <= scene.now {
                send(tx, scene, it, &Page::new(id, step, called, &way.via)).await?;
            }
        }
    }
    Ok(())
}

/// One waiting call.
pub(super) struct Page {
    pub(super) id: i64,
    pub(super) step: i64,
    pub(super) receiver: String,
    pub(super) via: String,
    pub(super) why: String,
}

impl Page {
    fn new(id: i64, step: usize, called: &Called, via: &str) -> Self {
        Self {
            id,
            step: i64::try_from(step).unwrap_or(i64::MAX),
            receiver: called.receiver.clone(),
            via: via.to_owned(),
            why: called.why.clone(),
        }
    }

    /// Reads a row.
    pub(super) fn from_row(row: &sqlx::sqlite::SqliteRow) -> Self {
        Self {
            id: row.get("id"),
            step: row.get("step"),
            receiver: row.get("receiver"),
            via: row.get("via"),
            why: row.get("why"),
        }
    }
}

/// The integrations of one way; none of another escalation policy, which would call in circles.
pub(super) fn integrations(settings: &Settings, receiver: &str, via: &str) -> Vec<Integration> {
    let known = settings.integrations.get(receiver).map_or(&[][..], Vec::as_slice);
    let fits = |i: &&Integration| {
        let kind = i.key.split(':').next().unwrap_or_default();
        kind != Integration::ON_CALL && (via.is_empty() || kind == via)
    };
    known.iter().filter(fits).cloned().collect()
}

/// Puts one call into the outbox.
pub(super) async fn send(tx: &mut Tx, scene: &Scene<'_>, it: &Escalation, page: &Page) -> Result<(), StateError> {
    let ways = integrations(scene.settings, &page.receiver, &page.via);
    if ways.is_empty() {
        let reason = "the configuration has no such contact method any more";
        finish(tx, scene.now, page.id, "cancelled", reason).await?;
        return not_sent(tx, scene.now, it, &page.receiver, &page.via, reason).await;
    }
    let reason = format!("{}: step {} of the escalation policy {}", page.why, page.step + 1, it.policy.name);
    tell(tx, scene, it, &page.receiver, &ways, "firing", &it.message_kind, &it.content, &reason).await?;
    finish(tx, scene.now, page.id, "sent", "").await
}

async fn finish(tx: &mut Tx, now: Timestamp, id: i64, state: &str, detail: &str) -> Result<(), StateError> {
    sqlx::query("UPDATE page SET state = $2, detail = $3, finished_at = $4 WHERE id = $1")
        .bind(id)
        .bind(state)
        .bind(detail)
        .bind(now.as_micros())
        .execute(&mut **tx)
        .await
        .map_err(StateError::statement("settle a page"))?;
    Ok(())
}

/// The fact that a call did not happen, and why.
pub(super) async fn not_sent(
    tx: &mut Tx,
    now: Timestamp,
    it: &Escalation,
    receiver: &str,
    via: &str,
    reason: &str,
) -> Result<(), StateError> {
    row::note(tx, now, "page.not_sent", it, json!({"receiver": receiver, "via": via, "reason": reason})).await
}

#[expect(clippy::too_many_arguments, reason = "it is the one door to the outbox, and each is a part of a message")]
async fn tell(
    tx: &mut Tx,
    scene: &Scene<'_>,
    it: &Escalation,
    receiver: &str,
    ways: &[Integration],
    status: &'static str,
    kind: &str,
    content: &str,
    reason: &str,
) -> Result<(), StateError> {
    let alerts = row::alerts(tx, it.id).await?;
    let content: Value =
        serde_json::from_str(content).map_err(|_| StateError::corrupt("escalation", "content", content))?;
    let message = Message {
        kind: if kind == "handover" { "handover" } else { "alert" },
        status,
        receiver,
        thread: &it.id.to_string(),
        group: None,
        incident: it.incident,
        alerts: &alerts,
        content,
        reason: reason.to_owned(),
    };
    outbox::enqueue(tx, scene.env, scene.now, ways, &message).await?;
    Ok(())
}

/// Calls off what waits, of one receiver or of all, and says why.
pub(super) async fn call_off(
    tx: &mut Tx,
    now: Timestamp,
    it: &Escalation,
    receiver: Option<&str>,
    reason: &str,
) -> Result<(), StateError> {
    let rows = sqlx::query(
        "SELECT id, step, receiver, via, why FROM page WHERE escalation_id = $1 AND state = 'waiting' \
         AND ($2 IS NULL OR receiver = $2) ORDER BY id",
    )
    .bind(it.id.to_string())
    .bind(receiver)
    .fetch_all(&mut **tx)
    .await
    .map_err(StateError::statement("find the pages that wait"))?;
    for page in rows.iter().map(Page::from_row) {
        finish(tx, now, page.id, "cancelled", reason).await?;
        not_sent(tx, now, it, &page.receiver, &page.via, reason).await?;
    }
    Ok(())
}

async fn pass_over(tx: &mut Tx, scene: &Scene<'_>, it: &Escalation, step: usize) -> Result<(), StateError> {
    let reach = scene.reach(it, step);
    let data = json!({"step": step + 1, "missed": missed(&reach), "reason": "the step reaches nobody"});
    row::note(tx, scene.now, "escalation.passed_over", it, data).await
}

async fn give_up(tx: &mut Tx, scene: &Scene<'_>, it: &Escalation) -> Result<(), StateError> {
    let rounds = it.policy.repeat + 1;
    let text = format!("Nobody answered: everybody of {} was called, {rounds} times over", it.policy.name);
    let data = json!({"rounds": rounds, "reason": text});
    row::note(tx, scene.now, "escalation.exhausted", it, data.clone()).await?;
    if let Some(incident) = it.incident {
        timeline::write(tx, scene.env, incident, "notification", &Actor::System, &text, data).await?;
    }
    Ok(())
}

/// Who was called so far, over what; each once.
async fn called_so_far(tx: &mut Tx, it: &Escalation) -> Result<Vec<(String, String)>, StateError> {
    sqlx::query_as("SELECT DISTINCT receiver, via FROM page WHERE escalation_id = $1 AND state = 'sent' ORDER BY 1, 2")
        .bind(it.id.to_string())
        .fetch_all(&mut **tx)
        .await
        .map_err(StateError::statement("find who was called"))
}

/// Tells those who were called something more about the same matter, over the same ways; gives how many that are.
pub(super) async fn tell_the_called(
    tx: &mut Tx,
    scene: &Scene<'_>,
    it: &Escalation,
    (status, kind, content): (&'static str, &str, &str),
    reason: &str,
) -> Result<usize, StateError> {
    let called = called_so_far(tx, it).await?;
    let mut told: Vec<(String, String)> = Vec::new();
    for (receiver, via) in called {
        let mut ways = integrations(scene.settings, &receiver, &via);
        ways.retain(|way| told.iter().all(|(r, key)| *r != receiver || *key != way.key));
        told.extend(ways.iter().map(|way| (receiver.clone(), way.key.clone())));
        tell(tx, scene, it, &receiver, &ways, status, kind, content, reason).await?;
    }
    Ok(told.len())
}

/// Over what somebody is reminded: over what they want to hear first, so that whoever is on it already is not called.
fn reminders(settings: &Settings, owner: &Called, priority: Priority) -> Vec<Integration> {
    let ways = ways(settings, owner, priority);
    let first = ways.iter().map(|way| way.after).min();
    let mut over: Vec<Integration> = Vec::new();
    for way in ways.iter().filter(|way| Some(way.after) == first) {
        for way in integrations(settings, &owner.receiver, &way.via) {
            if over.iter().all(|known| known.key != way.key) {
                over.push(way);
            }
        }
    }
    over
}

async fn remind(tx: &mut Tx, scene: &Scene<'_>, it: &Escalation) -> Result<(), StateError> {
    let since = it.acknowledged_at.map(|at| scene.now.since(at)).unwrap_or_default();
    let by = it.acknowledged_by.as_deref().unwrap_or("somebody");
    let reason = format!("reminder: acknowledged by {by} {since} ago, and not resolved");
    // The one who has it, when they are a person that can be reached; else all who were called.
    let owner = by.strip_prefix("user:").unwrap_or(by);
    let receiver = receiver_of(owner);
    let told = if integrations(scene.settings, &receiver, "").is_empty() {
        let message = ("firing", it.message_kind.as_str(), it.content.as_str());
        tell_the_called(tx, scene, it, message, &reason).await?
    } else {
        let owner = Called { receiver, person: Some(owner.to_owned()), why: String::new() };
        let ways = reminders(scene.settings, &owner, it.priority);
        if ways.is_empty() {
            let reason = format!("no reminder: their own rules have none for the priority {}", it.priority);
            return not_sent(tx, scene.now, it, &owner.receiver, "", &reason).await;
        }
        tell(tx, scene, it, &owner.receiver, &ways, "firing", &it.message_kind, &it.content, &reason).await?;
        ways.len()
    };
    row::note(tx, scene.now, "escalation.reminded", it, json!({"reason": reason, "messages": told})).await
}

/// What is about alerts is told to be over by the message of its group; what is about an incident, here.
async fn end(tx: &mut Tx, scene: &Scene<'_>, it: &Escalation) -> Result<(), StateError> {
    let mut told = 0;
    if let (true, Some(id)) = (it.about_incident, it.incident)
        && let Some(incident) = crate::row::load(&mut **tx, id).await?
    {
        let by = incident.resolved_by.as_deref().unwrap_or("system");
        let headline =
            if by == "system" { "all its alerts have ended".to_owned() } else { format!("resolved by {by}") };
        let content = json!({
            "incident": {
                "id": incident.id, "number": incident.number, "title": incident.title, "kind": incident.kind,
                "state": incident.state, "priority": incident.priority, "category": incident.category,
                "opened_at": incident.opened_at, "roles": incident.roles,
            },
            "headline": format!("Over: {headline}"),
            "text": format!("INC-{} {}: {headline}.", incident.number, incident.title),
        });
        let message = ("resolved", "handover", content.to_string());
        let message = (message.0, message.1, message.2.as_str());
        told = tell_the_called(tx, scene, it, message, "it is over, and they were called").await?;
    }
    row::note(tx, scene.now, "escalation.ended", it, json!({"messages": told})).await
}
