//! Trying a receiver out: a message through the real path, with its own row, attempts and ledger entries.
//!
//! Not a shortcut: what this shows to work is what will work at night.

use serde_json::json;
use watchkeeper_config::model::Receiver;
use watchkeeper_domain::ids::{Id, NotificationId};
use watchkeeper_domain::{Actor, Env};
use watchkeeper_state::outbox::{self, Message};
use watchkeeper_state::{State, StateError};

/// Puts a test message for each integration of a receiver into the outbox; wake the deliverer afterwards.
///
/// The answer names the notifications; what became of them is in their rows. It never holds a peer's answer.
pub async fn test(
    state: &State,
    env: &Env,
    receiver: &Receiver,
    by: &Actor,
) -> Result<Vec<NotificationId>, StateError> {
    let thread = format!("test/{}", NotificationId::new(env));
    let message = Message {
        kind: "test",
        status: "info",
        receiver: &receiver.name,
        thread: &thread,
        group: None,
        incident: None,
        alerts: &[],
        content: json!({"text": format!("Test message from Watchkeeper to the receiver {}, asked for by {by}.", receiver.name)}),
        reason: format!("test asked for by {by}"),
    };
    let mut tx = state.write().await?;
    let ids = outbox::enqueue(&mut tx, env, env.now(), &receiver.integrations(), &message).await?;
    State::commit(tx).await?;
    Ok(ids)
}
