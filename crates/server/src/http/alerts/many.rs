//! Handlers: one command for many alerts at once.
//!
//! Not silencing them: one silence with matchers for all of them is made like any other.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use watchkeeper_alert::{Error, command};
use watchkeeper_domain::ids::{AlertId, IncidentId};
use watchkeeper_incident::Role;
use watchkeeper_state::State as StateDatabase;

use super::super::access::Caller;
use super::super::body::JsonBody;
use super::super::dto::alerts::{AcknowledgeAlerts, AlertRefused, AlertsChanged, AssignAlerts};
use super::super::dto::session::ChangeKind;
use super::super::incidents;
use super::super::problem::{ApiProblem, ApiResult};
use super::{find, refused, summary};
use crate::app::Shared;

/// The most alerts of one command.
const MOST: usize = 1_000;

/// `POST /alerts/acknowledge`.
pub async fn acknowledge(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    JsonBody(body): JsonBody<AcknowledgeAlerts>,
) -> ApiResult<Json<AlertsChanged>> {
    let (wanted, mut outcome) = visible(&shared, &caller, &body.alert_ids).await?;
    let now = shared.env.now();
    let mut tx = shared.state.write().await?;
    for (id, _) in &wanted {
        let done = command::acknowledge_in(&mut tx, now, *id, caller.actor(), body.note.as_deref()).await;
        outcome.note(*id, done.err())?;
    }
    StateDatabase::commit(tx).await?;
    changed(&shared);
    outcome.answer(&shared, &caller).await
}

/// `POST /alerts/assign`.
pub async fn assign(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    JsonBody(body): JsonBody<AssignAlerts>,
) -> ApiResult<Json<AlertsChanged>> {
    let person = body.person.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let (wanted, mut outcome) = visible(&shared, &caller, &body.alert_ids).await?;
    let open = watchkeeper_incident::read::open(shared.state.read()).await?;
    let now = shared.env.now();
    let mut theirs: BTreeSet<IncidentId> = BTreeSet::new();
    let mut tx = shared.state.write().await?;
    for (id, incident) in &wanted {
        match incident.filter(|incident| open.contains(incident)) {
            Some(incident) => {
                theirs.insert(incident);
                outcome.note(*id, None)?;
            }
            None => {
                let done = command::assign_in(&mut tx, now, *id, person, caller.actor()).await;
                outcome.note(*id, done.err())?;
            }
        }
    }
    StateDatabase::commit(tx).await?;
    let viewer = incidents::viewer(&caller);
    for incident in theirs {
        let given = shared.incidents.assign(viewer, incident, Role::IncidentCommander, person, caller.actor());
        given.await.map_err(incidents::refused)?;
    }
    changed(&shared);
    outcome.answer(&shared, &caller).await
}

/// What became of each so far.
#[derive(Default)]
struct Outcome {
    done: Vec<AlertId>,
    refused: Vec<AlertRefused>,
}

impl Outcome {
    /// Notes what became of one. What is wrong with the state database is wrong for all.
    fn note(&mut self, id: AlertId, error: Option<Error>) -> ApiResult<()> {
        match error {
            None => self.done.push(id),
            Some(error @ Error::State(_)) => return Err(refused(error)),
            Some(error) => self.refused.push(AlertRefused { id: id.to_string(), detail: error.to_string() }),
        }
        Ok(())
    }

    async fn answer(self, shared: &Shared, caller: &Caller) -> ApiResult<Json<AlertsChanged>> {
        let owners = incidents::owners(shared).await?;
        let mut items = Vec::with_capacity(self.done.len());
        for id in self.done {
            items.push(summary(&find(shared, caller, &id.to_string()).await?, &owners));
        }
        Ok(Json(AlertsChanged { items, refused: self.refused }))
    }
}

/// The alerts that exist for the caller, each once, with their incidents.
async fn visible(
    shared: &Shared,
    caller: &Caller,
    ids: &[String],
) -> ApiResult<(Vec<(AlertId, Option<IncidentId>)>, Outcome)> {
    if ids.is_empty() || ids.len() > MOST {
        return Err(ApiProblem::invalid("alert_ids", "name 1 to 1,000 alerts"));
    }
    let (mut found, mut outcome, mut seen) = (Vec::with_capacity(ids.len()), Outcome::default(), BTreeSet::new());
    for id in ids.iter().filter(|id| seen.insert(id.as_str())) {
        match find(shared, caller, id).await {
            Ok(listed) => found.push((listed.alert.id, listed.alert.incident_id)),
            Err(_) => outcome.refused.push(AlertRefused {
                id: id.chars().take(100).collect(),
                detail: "there is no such alert; list them to see what there is".to_owned(),
            }),
        }
    }
    Ok((found, outcome))
}

fn changed(shared: &Shared) {
    shared.pipeline.wake();
    shared.changes.changed(&[ChangeKind::Alert, ChangeKind::Incident]);
}
