//! Triage: is it operational or security, and which incident does it belong to. Pure.
//!
//! Not severity: the priority comes from the rule.

use watchkeeper_alert::Alert;
use watchkeeper_domain::{Category, Labels};

use crate::incident::IncidentKind;

/// The gate: security alerts open restricted incidents that automation may only contain.
#[must_use]
pub fn kind(category: Category) -> IncidentKind {
    if category == Category::Security { IncidentKind::Security } else { IncidentKind::Operational }
}

/// What alerts join by: the kind and the values of the `group_by` labels, `operational service="payments"`.
///
/// A security incident is also one per alert name, because two attacks on one service are two cases. And an alert that
/// has none of the labels is known by its name: what is unlabelled has nothing in common.
#[must_use]
pub fn key(alert: &Alert, group_by: &[String]) -> String {
    let kind = kind(alert.category);
    let mut labels: Labels = alert.labels.only(|name| group_by.iter().any(|wanted| wanted == name));
    if kind == IncidentKind::Security || labels.is_empty() {
        labels = labels.with("alertname", &alert.name);
    }
    format!("{kind} {labels}")
}
