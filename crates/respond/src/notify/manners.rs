//! How a receiver wants to be treated: how much at a time, for how long it is tried, and who is told when it cannot be.
//!
//! Not what is known of a destination's health: that is `destination`'s.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::Row as _;
use watchkeeper_config::model::Receiver;
use watchkeeper_config::model::receiver::{Rate, Templates};
use watchkeeper_domain::{Env, Integration, Span, Timestamp};
use watchkeeper_state::outbox::{self, Message};
use watchkeeper_state::{StateError, Tx};

use super::claim::Claimed;

/// Who is told instead.
#[derive(Debug, Clone)]
pub(super) struct Fallback {
    receiver: String,
    integrations: Vec<Integration>,
}

/// The wishes of one receiver.
#[derive(Debug, Clone, Default)]
pub(super) struct Manners {
    /// How many messages each integration takes in which time.
    pub(super) rate: Option<Rate>,
    /// For how long a message is tried; the outbox has its own end, which is not moved outwards.
    pub(super) total_time: Option<Span>,
    /// How messages about alerts are worded.
    pub(super) templates: Templates,
    /// Who is told when a message cannot be delivered.
    pub(super) fallback: Option<Fallback>,
}

/// All of them by the receiver's name.
pub(super) fn of(receivers: &BTreeMap<String, Receiver>) -> BTreeMap<String, Manners> {
    let fallback = |receiver: &Receiver| {
        let other = receivers.get(receiver.fallback.as_ref()?)?;
        Some(Fallback { receiver: other.name.clone(), integrations: other.integrations() })
    };
    let manners = |receiver: &Receiver| Manners {
        rate: receiver.rate,
        total_time: receiver.total_time,
        templates: receiver.templates.clone(),
        fallback: fallback(receiver),
    };
    receivers.iter().map(|(name, receiver)| (name.clone(), manners(receiver))).collect()
}

/// Lets the fallback know of what could not be delivered, with why. Whoever heard from the fallback that something fires
/// hears from it, too, that it is over, also when the receiver works again by then.
pub(super) async fn tell(
    tx: &mut Tx,
    env: &Env,
    now: Timestamp,
    claimed: &Claimed,
    fallback: &Fallback,
    failed: Option<&str>,
) -> Result<(), StateError> {
    let from = &claimed.subject.receiver;
    let reason = match failed {
        Some(error) => format!("{from} could not be told: {error}"),
        None if claimed.status == "resolved" && was_told(tx, claimed, fallback).await? => {
            format!("{from} could not be told of the beginning")
        }
        None => return Ok(()),
    };
    let content: Value = serde_json::from_str(&claimed.content)
        .map_err(|_| StateError::corrupt("notification", "content", &claimed.subject.id.to_string()))?;
    let known = |word: &str, all: &[&'static str]| all.iter().find(|w| **w == word).copied().unwrap_or("info");
    let message = Message {
        kind: known(&claimed.kind, &["alert", "handover", "incident", "approval", "test"]),
        status: known(&claimed.status, &["firing", "resolved", "info"]),
        receiver: &fallback.receiver,
        thread: &claimed.thread,
        group: None,
        incident: claimed.subject.incident,
        alerts: &claimed.subject.alerts,
        content,
        reason,
    };
    outbox::enqueue(tx, env, now, &fallback.integrations, &message).await?;
    Ok(())
}

async fn was_told(tx: &mut Tx, claimed: &Claimed, fallback: &Fallback) -> Result<bool, StateError> {
    let row = sqlx::query(
        "SELECT count(*) AS told FROM notification WHERE receiver = $1 AND thread = $2 AND status = 'firing'",
    )
    .bind(&fallback.receiver)
    .bind(&claimed.thread)
    .fetch_one(&mut **tx)
    .await
    .map_err(StateError::statement("look whether a fallback was told"))?;
    Ok(row.get::<i64, _>("told") > 0)
}
