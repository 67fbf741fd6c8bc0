//! What a notification about alerts says, as data.
//!
//! Not how it looks: each channel in `respond` renders it its own way.

use serde_json::{Value, json};
use watchkeeper_domain::Labels;

use crate::alert::Alert;

/// Most alerts listed for context (told before, still firing); the rest is counted in `truncated_alerts`.
pub const MAX_CONTEXT: usize = 50;

/// One notification.
pub struct Notice<'a> {
    /// The route's path and the group's labels.
    pub group_key: &'a str,
    /// The labels that all its alerts share.
    pub group_labels: &'a Labels,
    /// To whom.
    pub receiver: &'a str,
    /// What it is about now, then what it was about before.
    pub alerts: &'a [&'a Alert],
    /// How many alerts are not listed.
    pub truncated: usize,
}

impl Notice<'_> {
    /// `firing` as long as one of its alerts does.
    #[must_use]
    pub fn status(&self) -> &'static str {
        if self.alerts.iter().any(|alert| alert.resolved_at.is_none()) { "firing" } else { "resolved" }
    }

    /// The content of the outbox row.
    #[must_use]
    pub fn content(&self) -> Value {
        json!({
            "group_key": self.group_key,
            "group_labels": self.group_labels,
            "receiver": self.receiver,
            "status": self.status(),
            "truncated_alerts": self.truncated,
            "alerts": self.alerts.iter().map(|alert| said(alert)).collect::<Vec<_>>(),
        })
    }
}

/// One alert, as notifications say it.
#[must_use]
pub fn said(alert: &Alert) -> Value {
    json!({
        "id": alert.id, "status": alert.state, "name": alert.name, "labels": alert.labels,
        "annotations": alert.annotations, "category": alert.category, "priority": alert.priority,
        "value": alert.value, "expr": alert.expr, "threshold": alert.threshold, "comparison": alert.comparison,
        "started_at": alert.started_at, "fired_at": alert.fired_at, "resolved_at": alert.resolved_at,
        "fingerprint": alert.fingerprint, "incident_id": alert.incident_id,
        "acknowledged_by": alert.acknowledged_by, "unknown_reason": alert.unknown_reason,
    })
}
