//! `ALERTS` and `ALERTS_FOR_STATE`: the series in which Prometheus writes down which alerts are active, for rules and
//! dashboards that ask for them.
//!
//! Not the alerts themselves, and nothing is restored from these: the state database is the truth.

use std::collections::BTreeMap;

use watchkeeper_domain::Labels;
use watchkeeper_domain::labels::NAME;

use crate::compiled::ALERT_NAME;
use crate::rule::InstanceState;

const ALERTS: &str = "ALERTS";
const SINCE: &str = "ALERTS_FOR_STATE";

/// Whether a metric is one of these.
pub(crate) fn is_metric(name: &str) -> bool {
    name == ALERTS || name == SINCE
}

/// The two series of an instance that is not inactive, with their values. `labels` are the alert's.
pub(crate) fn series(rule: &str, labels: &Labels, state: &InstanceState) -> Option<[(Labels, f64); 2]> {
    let since = state.active_at()?;
    let word = if state.is_firing() { "firing" } else { "pending" };
    let named = |name, more: Option<(&'static str, &'static str)>| -> Labels {
        labels.iter().chain([(NAME, name), (ALERT_NAME, rule)]).chain(more).collect()
    };
    Some([(named(ALERTS, Some(("alertstate", word))), 1.0), (named(SINCE, None), since.as_secs_f64())])
}

/// The series of all instances.
pub(crate) fn all<'a>(
    rule: &str,
    instances: impl Iterator<Item = (&'a Labels, &'a InstanceState)>,
) -> BTreeMap<Labels, f64> {
    instances.filter_map(|(labels, state)| series(rule, labels, state)).flatten().collect()
}
