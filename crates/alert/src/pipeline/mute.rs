//! The third and fourth stage: what is held back, by other alerts and by people.
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
    for member in firing(pass).filter(|member| member.mute.is_none()) {
        let matching: Vec<_> = silences.iter().filter(|silence| silence.matches(&member.alert.labels)).collect();
        // It is held back until the last of them ends.
        let Some(last) = matching.iter().max_by_key(|silence| silence.ends_at) else { continue };
        let ids: Vec<Value> = matching.iter().map(|silence| json!(silence.id)).collect();
        let facts = BTreeMap::from([("silences", json!(ids)), ("until", json!(last.ends_at))]);
        let held = Held { until: Some(last.ends_at) };
        member.mute = Some(Mute { by: format!("silence:{}", last.id), held, facts });
    }
    Ok(())
}
