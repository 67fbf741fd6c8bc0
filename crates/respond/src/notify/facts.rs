//! How deliveries stand in the ledger: one entry per alert, so that `explain` finds each from its alert.
//!
//! Not the rows themselves; and never a secret: destinations are named, not shown.

use serde_json::{Value, json};
use watchkeeper_domain::ids::{AlertId, IncidentId, NotificationId};
use watchkeeper_domain::{Actor, Timestamp};
use watchkeeper_state::{Entry, StateError, Tx, ledger};

/// What a ledger entry about a notification needs to know of it.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) id: NotificationId,
    pub(super) receiver: String,
    pub(super) integration: String,
    pub(super) alerts: Vec<AlertId>,
    pub(super) incident: Option<IncidentId>,
}

/// Writes it down, with what `more` adds.
pub(super) async fn note(
    tx: &mut Tx,
    at: Timestamp,
    kind: &'static str,
    of: &Subject,
    more: Value,
) -> Result<(), StateError> {
    let mut data = json!({"receiver": of.receiver, "integration": of.integration});
    if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
        data.extend(more);
    }
    let entry = Entry::new(at, kind, Actor::System, of.id).notification(of.id).incident(of.incident).data(data);
    let Some((last, others)) = of.alerts.split_last() else {
        return ledger::append(tx, entry).await;
    };
    for alert in others {
        ledger::append(tx, entry.clone().alert(*alert)).await?;
    }
    ledger::append(tx, entry.alert(*last)).await
}
