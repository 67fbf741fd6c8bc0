//! The stages in the middle: what is held back, by other alerts, by people, and by the time of day.
//!
//! Not changing any alert: a mute only keeps quiet about it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use watchkeeper_domain::Labels;
use watchkeeper_domain::ids::AlertId;
use watchkeeper_state::StateError;

use super::{Membership, Mute, Pass};
use crate::alert::AlertState;
use crate::group::Held;
use crate::inhibit::Sources;

fn firing(pass: &mut Pass) -> impl Iterator<Item = &mut Membership> {
    let members = pass.groups.iter_mut().flat_map(|group| group.members.iter_mut());
    members.filter(|member| member.alert.state == AlertState::Firing)
}

pub(super) async fn inhibit(pass: &mut Pass) -> Result<(), StateError> {
    if pass.routing.inhibit_rules.is_empty() || firing(pass).next().is_none() {
        return Ok(());
    }
    let rows: Vec<(String, String)> = sqlx::query_as("SELECT id, labels FROM alert WHERE state = 'firing'")
        .fetch_all(&mut *pass.tx)
        .await
        .map_err(StateError::statement("read the firing alerts"))?;
    let mut sources: Vec<(AlertId, Labels)> = Vec::with_capacity(rows.len());
    for (id, labels) in rows {
        let id = id.parse().map_err(|_| StateError::corrupt("alert", "id", &id))?;
        let labels = serde_json::from_str(&labels).map_err(|_| StateError::corrupt("alert", "labels", &labels))?;
        sources.push((id, labels));
    }
    let routing = Arc::clone(&pass.routing);
    let sources = Sources::new(&routing.inhibit_rules, &sources);
    for member in firing(pass) {
        if let Some(source) = sources.inhibitor(&member.alert.labels) {
            let facts = BTreeMap::from([("by", json!(source))]);
            member.mute = Some(Mute { by: format!("inhibit:{source}"), held: Held { until: None }, facts });
        }
    }
    Ok(())
}

pub(super) async fn silence(pass: &mut Pass) -> Result<(), StateError> {
    if firing(pass).next().is_none() {
        return Ok(());
    }
    let silences = pass.silences.clone().active(&mut *pass.tx, pass.now).await?;
    if silences.is_empty() {
        return Ok(());
    }
    let now = pass.now;
    for member in firing(pass).filter(|member| member.mute.is_none()) {
        let matching: Vec<_> = silences.iter().filter(|silence| silence.matches(&member.alert.labels)).collect();
        // It is held back until the last of them ends.
        let Some(last) = matching.iter().max_by_key(|silence| silence.holds_until(now)) else { continue };
        let until = last.holds_until(now);
        let ids: Vec<Value> = matching.iter().map(|silence| json!(silence.id)).collect();
        let facts = BTreeMap::from([("silences", json!(ids)), ("until", json!(until))]);
        let held = Held { until: Some(until) };
        member.mute = Some(Mute { by: format!("silence:{}", last.id), held, facts });
    }
    Ok(())
}

/// Outside of its times a route says nothing, also not that something is over: that is told when it speaks again, to those
/// who know that it fired.
pub(super) async fn time(pass: &mut Pass) -> Result<(), StateError> {
    for group in &mut pass.groups {
        let Some(quiet) = &group.quiet else { continue };
        let facts = BTreeMap::from([("intervals", json!(quiet.by)), ("until", json!(quiet.until))]);
        for member in group.members.iter_mut().filter(|member| member.mute.is_none()) {
            member.mute = Some(Mute {
                by: format!("time:{}", quiet.by.join(",")),
                held: Held { until: quiet.until },
                facts: facts.clone(),
            });
        }
    }
    Ok(())
}
