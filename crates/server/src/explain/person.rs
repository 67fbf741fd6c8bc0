//! Why somebody was, or was not, called: their turns around a moment, and what each alert of that time meant for them.
//!
//! Not a reconstruction either: whom a step called, and why a call did not happen, are entries that were written then.
//! Only where no entry names the person, the escalation policy as it was at that time says why it led to others.

use sqlx::Row;
use watchkeeper_alert::alert::Alert;
use watchkeeper_config::model::EscalationPolicy;
use watchkeeper_config::model::oncall::Target;
use watchkeeper_config::model::person::receiver_of;
use watchkeeper_incident::oncall::restriction::Window;
use watchkeeper_state::StateError;
use watchkeeper_state::ledger::{self, About, LedgerRow};

use super::{MOST, words};
use crate::app::Shared;
use crate::http::access::Caller;
use crate::http::alerts::visible;
use crate::http::dto::oncall::{PersonAlert, PersonDuty, PersonExplanation};
use crate::http::incidents::refused;
use crate::http::oncall::shift;
use crate::http::problem::ApiResult;

/// Most alerts that one explanation goes through.
const MOST_ALERTS: i64 = 100;

/// Explains a stretch of time for somebody.
pub async fn person(shared: &Shared, caller: &Caller, name: &str, range: Window) -> ApiResult<PersonExplanation> {
    let turns = shared.on_call.shifts(range, None, Some(name)).await.map_err(refused)?;
    let on_call: Vec<PersonDuty> =
        turns.iter().map(|(schedule, turn)| PersonDuty { schedule: schedule.clone(), shift: shift(turn) }).collect();
    let mut alerts = Vec::new();
    for alert in active(shared, range).await?.iter().filter(|alert| visible(caller, alert)) {
        alerts.push(meant(shared, name, &on_call, alert).await?);
    }
    let reached = alerts.iter().filter(|alert| alert.reached).count();
    let where_to = match on_call.as_slice() {
        [] => format!("{name} was not on call in this time"),
        duties => {
            let mut names: Vec<&str> = duties.iter().map(|duty| duty.schedule.as_str()).collect();
            names.dedup();
            format!("{name} was on call in {}", names.join(", "))
        }
    };
    let verdict = match (alerts.len(), reached) {
        (0, _) => format!("{where_to}; no alert fired."),
        (all, 0) => format!("{where_to}; {all} fired and none reached them; each says why."),
        (all, some) => format!("{where_to}; {some} of {all} that fired reached them."),
    };
    let (from, until) = (range.from.into(), range.until.into());
    Ok(PersonExplanation { person: name.to_owned(), from, until, verdict, on_call, alerts })
}

/// The alerts that fired in a time, newest first.
async fn active(shared: &Shared, range: Window) -> Result<Vec<Alert>, StateError> {
    let rows = sqlx::query(
        "SELECT * FROM alert WHERE fired_at < $2 AND (resolved_at IS NULL OR resolved_at >= $1) \
         ORDER BY fired_at DESC, id DESC LIMIT $3",
    )
    .bind(range.from.as_micros())
    .bind(range.until.as_micros())
    .bind(MOST_ALERTS)
    .fetch_all(shared.state.read())
    .await
    .map_err(StateError::statement("find the alerts of a time"))?;
    rows.iter().map(Alert::from_row).collect()
}

async fn meant(shared: &Shared, name: &str, duties: &[PersonDuty], alert: &Alert) -> Result<PersonAlert, StateError> {
    let pool = shared.state.read();
    let rows = ledger::entries(pool, About::Alert(alert.id), MOST).await?;
    let receiver = receiver_of(name);
    let theirs: Vec<&LedgerRow> = rows.iter().filter(|row| row.data["receiver"] == receiver.as_str()).collect();
    let (reached, verdict) = match of_their_own(&theirs) {
        Some(said) => said,
        None => (false, of_others(shared, name, duties, alert, &rows).await?),
    };
    let concerns = |row: &&LedgerRow| {
        let kind = row.kind.as_str();
        row.data["receiver"] == receiver.as_str()
            || kind.starts_with("escalation.")
            || matches!(
                kind,
                "alert.firing"
                    | "alert.acknowledged"
                    | "alert.silenced"
                    | "alert.inhibited"
                    | "alert.not_told"
                    | "alert.routed"
                    | "alert.resolved"
            )
    };
    Ok(PersonAlert {
        alert_id: alert.id.to_string(),
        name: alert.name.clone(),
        title: alert.headline().to_owned(),
        priority: alert.priority.into(),
        fired_at: alert.fired_at.into(),
        reached,
        verdict,
        steps: rows.iter().filter(concerns).map(words::step).collect(),
    })
}

/// What the entries say that name the person.
fn of_their_own(theirs: &[&LedgerRow]) -> Option<(bool, String)> {
    let text = |row: &LedgerRow, key: &str| row.data[key].as_str().unwrap_or_default().to_owned();
    let calls: Vec<&&LedgerRow> =
        theirs.iter().filter(|row| row.kind == "notification.intended" && row.data["status"] == "firing").collect();
    let became =
        |kind: &str| theirs.iter().find(|row| row.kind == kind && calls.iter().any(|call| call.subject == row.subject));
    if let Some(row) = became("notification.delivered") {
        return Some((true, format!("they were called over {}, at {}", text(row, "integration"), row.at)));
    }
    if let Some(row) = became("notification.failed").or_else(|| became("notification.unknown")) {
        let error = text(row, "error");
        return Some((false, format!("calling them over {} failed: {error}", text(row, "integration"))));
    }
    if let Some(row) = calls.first() {
        return Some((false, format!("a call over {} was begun and has no receipt yet", text(row, "integration"))));
    }
    let stopped = theirs.iter().rev().find(|row| row.kind == "page.not_sent")?;
    Some((false, text(stopped, "reason")))
}

/// Why it led to others, or to nobody.
async fn of_others(
    shared: &Shared,
    name: &str,
    duties: &[PersonDuty],
    alert: &Alert,
    rows: &[LedgerRow],
) -> Result<String, StateError> {
    let last = |kinds: &[&str]| rows.iter().rev().find(|row| kinds.contains(&row.kind.as_str()));
    let reason = |row: &LedgerRow| row.data["reason"].as_str().unwrap_or("see the steps").to_owned();
    let policies = policies(shared, alert).await?;
    let Some((policy, phase)) = policies.first() else {
        if let Some(row) = last(&["page.not_sent"]) {
            return Ok(reason(row));
        }
        return Ok(match last(&["alert.silenced", "alert.inhibited", "alert.unmuted", "alert.not_told"]) {
            Some(row) if row.kind == "alert.silenced" => "a silence held it back".to_owned(),
            Some(row) if row.kind == "alert.inhibited" => "another alert inhibited it".to_owned(),
            Some(row) if row.kind == "alert.not_told" => reason(row),
            _ => match rows
                .iter()
                .rev()
                .find(|row| row.kind == "alert.routed")
                .and_then(|row| row.data["receiver"].as_str())
            {
                Some(receiver) => format!("its route leads to {receiver}, which has no escalation policy"),
                None => "it has not been routed yet".to_owned(),
            },
        });
    };
    let leads_to = |target: &Target| match target {
        Target::Person(person) => person == name,
        Target::Schedule(schedule) => duties.iter().any(|duty| duty.schedule == *schedule),
        Target::Receiver(_) => false,
    };
    let Some(step) = policy.steps.iter().position(|step| step.targets.iter().any(leads_to)) else {
        let targets: Vec<String> = policy.steps.iter().flat_map(|step| &step.targets).map(target).collect();
        return Ok(format!(
            "the escalation policy {} does not lead to them: it calls {}",
            policy.name,
            targets.join(", ")
        ));
    };
    let taken = rows.iter().rev().find(|row| row.kind == "escalation.called" && row.data["step"] == step + 1);
    if let Some(row) = taken {
        let names: Vec<&str> = row.data["called"].as_array().into_iter().flatten().filter_map(|n| n.as_str()).collect();
        return Ok(format!(
            "step {} of {} came when it was not their turn: it called {}",
            step + 1,
            policy.name,
            names.join(", ")
        ));
    }
    let what = match (phase.as_str(), last(&["escalation.acknowledged", "escalation.held", "page.not_sent"])) {
        ("acknowledged" | "held", Some(row)) => reason(row),
        ("resolved", _) => "it was over before".to_owned(),
        (_, Some(row)) if row.kind == "escalation.acknowledged" => reason(row),
        _ => "it is not due yet".to_owned(),
    };
    Ok(format!("step {} of {} leads to them, and was not taken: {what}", step + 1, policy.name))
}

/// The policies by which people were called for an alert, as they were then, and how that stands; the newest first.
async fn policies(shared: &Shared, alert: &Alert) -> Result<Vec<(EscalationPolicy, String)>, StateError> {
    let rows = sqlx::query(
        "SELECT e.definition, e.phase FROM escalation_alert ea JOIN escalation e ON e.id = ea.escalation_id \
         WHERE ea.alert_id = $1 ORDER BY e.started_at DESC, e.id DESC LIMIT 10",
    )
    .bind(alert.id.to_string())
    .fetch_all(shared.state.read())
    .await
    .map_err(StateError::statement("find by which policies people were called"))?;
    let read = |row: &sqlx::sqlite::SqliteRow| {
        let definition: &str = row.get("definition");
        let policy = serde_json::from_str(definition);
        Ok((policy.map_err(|_| StateError::corrupt("escalation", "definition", definition))?, row.get("phase")))
    };
    rows.iter().map(read).collect()
}

fn target(target: &Target) -> String {
    match target {
        Target::Person(name) => name.clone(),
        Target::Schedule(name) => format!("whoever is on call in {name}"),
        Target::Receiver(name) => format!("the receiver {name}"),
    }
}
