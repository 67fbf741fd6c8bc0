//! One evaluation of one rule: what the query engine says about it, including what it says when it says nothing.
//!
//! Not a judgement: `judge` turns findings into observations of instances.
//!
//! A plain comparison costs one query, of its left side. Other questions are asked only when something is missing:
//! an instance that left the result, or a result without any element.

use std::collections::BTreeSet;

use watchkeeper_domain::query::{Element, Instant, Query, QueryError};
use watchkeeper_domain::{Labels, Timestamp};

use crate::plan::{Plan, is_plain_name};

/// What an evaluation found.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Findings {
    /// Where the condition holds.
    pub(crate) holds: Vec<Element>,
    /// The compared side, where that was asked for.
    pub(crate) compared: Vec<Element>,
    /// Series that still have data, by the labels that mattered; none: nothing was missing.
    pub(crate) present: Option<Presence>,
}

/// What is still being reported.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Presence {
    /// Label values among the selected series.
    pub(crate) groups: Vec<Labels>,
    /// Whether the metrics themselves are reported, under whatever labels.
    pub(crate) metric: bool,
}

impl Presence {
    /// Whether one of the selected series belongs to the instance: they agree in every label that both could have.
    pub(crate) fn covers(&self, identity: &Labels) -> bool {
        // An expression that makes its labels itself (`label_replace`) leaves nothing to compare.
        self.groups.iter().all(Labels::is_empty) && !self.groups.is_empty()
            || self
                .groups
                .iter()
                .any(|g| !g.is_empty() && g.iter().all(|(name, value)| identity.get(name) == Some(value)))
    }
}

/// Evaluates. `known` are the identities of the instances that are not inactive; `identity` takes from a result's
/// labels what does not identify an instance. Where silence does not matter, because it means that all is well, nothing is
/// asked about it.
pub(crate) async fn evaluate(
    query: &dyn Query,
    plan: &Plan,
    known: &[Labels],
    identity: &(dyn Fn(&Labels) -> Labels + Send + Sync),
    at: Timestamp,
    silence_matters: bool,
) -> Result<Findings, QueryError> {
    let (holds, mut compared) = match &plan.comparison {
        Some(c) if plan.direct => {
            let all = vector(query.instant(&c.lhs, at).await?)?;
            let holds = all.iter().filter(|e| c.op.holds(e.value, c.threshold)).cloned().collect();
            (holds, all)
        }
        _ => (vector(query.instant(&plan.expr, at).await?)?, Vec::new()),
    };
    let missing = |elements: &[&[Element]]| -> Vec<Labels> {
        if known.is_empty() {
            return Vec::new();
        }
        let seen: BTreeSet<Labels> = elements.iter().flat_map(|e| e.iter()).map(|e| identity(&e.labels)).collect();
        known.iter().filter(|k| !seen.contains(*k)).cloned().collect()
    };
    let mut gone = missing(&[&holds, &compared]);
    if plan.asks_for_absence || plan.selected.iter().all(|s| s.presence.is_none()) {
        let metric = true;
        return Ok(Findings { holds, compared, present: Some(Presence { groups: vec![Labels::empty()], metric }) });
    }
    if let (Some(c), false) = (&plan.comparison, plan.direct)
        && (silence_matters && holds.is_empty() || !gone.is_empty())
    {
        compared = vector(query.instant(&c.lhs, at).await?)?;
        gone = missing(&[&holds, &compared]);
    }
    let silent = holds.is_empty() && compared.is_empty();
    let ask = silence_matters && (silent || !gone.is_empty());
    let present = if ask { Some(presence(query, plan, &gone, at).await?) } else { None };
    Ok(Findings { holds, compared, present })
}

async fn presence(query: &dyn Query, plan: &Plan, gone: &[Labels], at: Timestamp) -> Result<Presence, QueryError> {
    let names: BTreeSet<&str> =
        gone.iter().flat_map(Labels::iter).map(|(name, _)| name).filter(|n| is_plain_name(n)).collect();
    let by = names.into_iter().collect::<Vec<_>>().join(", ");
    let mut found = Presence::default();
    for selected in &plan.selected {
        let Some(series) = &selected.presence else { continue };
        let groups = vector(query.instant(&format!("count by ({by}) ({series})"), at).await?)?;
        found.groups.extend(groups.into_iter().map(|e| e.labels));
    }
    found.metric = !found.groups.is_empty();
    if !found.metric {
        for series in plan.selected.iter().filter_map(|s| s.metric_presence.as_ref()) {
            found.metric |= !vector(query.instant(&format!("count({series})"), at).await?)?.is_empty();
        }
    }
    Ok(found)
}

/// A scalar counts as one element without labels, as it does in Prometheus's rules.
pub(crate) fn vector(answer: Instant) -> Result<Vec<Element>, QueryError> {
    match answer {
        Instant::Vector(elements) => Ok(elements),
        Instant::Scalar(value) => Ok(vec![Element { labels: Labels::empty(), value }]),
        Instant::Text(_) | Instant::Matrix(_) => {
            Err(QueryError::Invalid("a rule's expression must give a number or an instant vector".into()))
        }
    }
}
