//! From findings to observations: for each instance whether its condition holds, does not hold, or nobody can tell.
//!
//! Sans-IO. Not the state machine (`rule`), and not the naming of alerts (`alert_labels`).

use std::collections::BTreeMap;

use watchkeeper_config::model::OnNoData;
use watchkeeper_domain::Labels;
use watchkeeper_domain::query::QueryError;

use crate::findings::Findings;
use crate::rule::{Cause, Observation};

/// One instance and what was seen of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    /// What identifies it among the rule's instances.
    pub(crate) identity: Labels,
    /// The result's labels, for templates; the identity where nothing was found.
    pub(crate) labels: Labels,
    pub(crate) observation: Observation,
}

/// What an evaluation means.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Judgement {
    pub(crate) seen: Vec<Seen>,
    /// Why nothing can be told about the rule as a whole.
    pub(crate) unknown: Option<(Cause, String)>,
    /// Elements that the evaluation looked at.
    pub(crate) series_seen: usize,
}

/// Judges an evaluation. `known` are the identities of the instances that are not inactive.
pub(crate) fn judge(
    found: Result<Findings, QueryError>,
    known: &[Labels],
    identity: &(dyn Fn(&Labels) -> Labels + Send + Sync),
    on_no_data: OnNoData,
    no_data: impl FnOnce() -> String,
) -> Judgement {
    match found {
        Ok(found) => judge_findings(found, known, identity, on_no_data, no_data),
        Err(QueryError::TooLittleHistory { reason, .. }) => cannot_tell(known, Cause::TooLittleHistory, reason, 0),
        Err(error) => cannot_tell(known, Cause::QueryFailed, format!("the query failed: {error}"), 0),
    }
}

/// Nothing can be told about any of the instances.
pub(crate) fn cannot_tell(known: &[Labels], cause: Cause, reason: String, series_seen: usize) -> Judgement {
    let seen = known
        .iter()
        .map(|id| Seen {
            identity: id.clone(),
            labels: id.clone(),
            observation: Observation::Unknown { cause, reason: reason.clone() },
        })
        .collect();
    Judgement { seen, unknown: Some((cause, reason)), series_seen }
}

fn judge_findings(
    found: Findings,
    known: &[Labels],
    identity: &(dyn Fn(&Labels) -> Labels + Send + Sync),
    on_no_data: OnNoData,
    no_data: impl FnOnce() -> String,
) -> Judgement {
    let series_seen = found.holds.len().max(found.compared.len());
    let mut seen: BTreeMap<Labels, Seen> = BTreeMap::new();
    for element in &found.holds {
        let id = identity(&element.labels);
        let observation = Observation::True { value: Some(element.value) };
        let before =
            seen.insert(id.clone(), Seen { identity: id.clone(), labels: element.labels.clone(), observation });
        if before.is_some() {
            let reason = format!(
                "two results become the same alert {id} once the rule's labels are applied; keep a label apart"
            );
            return cannot_tell(known, Cause::QueryFailed, reason, series_seen);
        }
    }
    let compared: BTreeMap<Labels, f64> = match known {
        [] => BTreeMap::new(),
        _ => found.compared.iter().map(|e| (identity(&e.labels), e.value)).collect(),
    };
    let silent = found.present.as_ref().is_some_and(|p| p.groups.is_empty()) && series_seen == 0;
    let reason = if silent { no_data() } else { String::new() };
    for id in known {
        if seen.contains_key(id) {
            continue;
        }
        let observation = if let Some(value) = compared.get(id) {
            Observation::False { value: Some(*value) }
        } else if found.present.as_ref().is_none_or(|p| p.covers(id)) {
            Observation::False { value: None }
        } else {
            missing(on_no_data, found.present.as_ref().is_some_and(|p| p.metric), &reason)
        };
        seen.insert(id.clone(), Seen { identity: id.clone(), labels: id.clone(), observation });
    }
    if silent && on_no_data == OnNoData::Firing && seen.is_empty() {
        let observation = Observation::True { value: None };
        seen.insert(Labels::empty(), Seen { identity: Labels::empty(), labels: Labels::empty(), observation });
    }
    let unknown = (silent && on_no_data == OnNoData::Unknown).then_some((Cause::NoData, reason));
    Judgement { seen: seen.into_values().collect(), unknown, series_seen }
}

fn missing(on_no_data: OnNoData, metric_reported: bool, no_data: &str) -> Observation {
    match on_no_data {
        OnNoData::Ok => Observation::False { value: None },
        OnNoData::Firing => Observation::True { value: None },
        OnNoData::Unknown if metric_reported => Observation::Unknown {
            cause: Cause::SeriesGone,
            reason: "its series are no longer reported, while others of the metric are".into(),
        },
        OnNoData::Unknown => Observation::Unknown {
            cause: Cause::NoData,
            reason: if no_data.is_empty() {
                "nothing that the rule selects is being reported".into()
            } else {
                no_data.into()
            },
        },
    }
}

#[cfg(test)]
mod tests;
