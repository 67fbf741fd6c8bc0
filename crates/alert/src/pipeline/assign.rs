//! The first stage: which groups the alerts of new transitions belong to.
//!
//! Not making the groups: see [`super::gather`].

use std::sync::Arc;

use sqlx::Row;
use watchkeeper_config::model::route::GroupBy;
use watchkeeper_domain::{Labels, Timestamp};
use watchkeeper_state::{StateError, ledger};

use super::{Assignment, MAX_TRANSITIONS, Pass};
use crate::alert::{Alert, AlertState};
use crate::group::Timing;
use crate::{route, routing::Routing};

pub(super) async fn route(pass: &mut Pass) -> Result<(), StateError> {
    take_transitions(pass).await?;
    reroute(pass).await
}

async fn take_transitions(pass: &mut Pass) -> Result<(), StateError> {
    let rows = sqlx::query(
        "SELECT t.seq, t.from_state, t.to_state, a.* FROM alert_transition t JOIN alert a ON a.id = t.alert_id \
         WHERE t.routed = 0 ORDER BY t.seq LIMIT $1",
    )
    .bind(MAX_TRANSITIONS)
    .fetch_all(&mut *pass.tx)
    .await
    .map_err(StateError::statement("read unrouted transitions"))?;
    pass.taken = rows.len();
    let Some(last) = rows.last().map(|row| row.get::<i64, _>("seq")) else { return Ok(()) };
    let routing = Arc::clone(&pass.routing);
    for row in &rows {
        let alert = Arc::new(Alert::from_row(row)?);
        let (from, to): (&str, &str) = (row.get("from_state"), row.get("to_state"));
        match (from, to) {
            ("inactive", "firing") if alert.state == AlertState::Resolved => {
                let why = "it resolved before its group was due, and nobody can act on what is over";
                not_told(pass, &alert, why).await?;
            }
            ("inactive", "firing") => assign(pass, &routing, &alert),
            (_, "resolved") => {
                pass.something_ended = true;
                unsettle(pass, &alert).await?;
                touch_groups_of(pass, &alert).await?;
            }
            // Unknown and known again change what is shown, not who is told.
            _ => {}
        }
    }
    sqlx::query("UPDATE alert_transition SET routed = 1 WHERE routed = 0 AND seq <= $1")
        .bind(last)
        .execute(&mut *pass.tx)
        .await
        .map_err(StateError::statement("mark transitions routed"))?;
    Ok(())
}

/// After a start or a reload the tree may be another one: firing alerts join the groups that they now belong to.
/// Those they belong to already are left alone, so that an unchanged tree tells nobody anything twice.
async fn reroute(pass: &mut Pass) -> Result<(), StateError> {
    let Some(after) = pass.reroute_after.clone() else { return Ok(()) };
    let rows = sqlx::query("SELECT * FROM alert WHERE state = 'firing' AND id > $1 ORDER BY id LIMIT $2")
        .bind(after)
        .bind(MAX_TRANSITIONS)
        .fetch_all(&mut *pass.tx)
        .await
        .map_err(StateError::statement("route firing alerts anew"))?;
    let routing = Arc::clone(&pass.routing);
    let alerts: Vec<Arc<Alert>> =
        rows.iter().map(|row| Alert::from_row(row).map(Arc::new)).collect::<Result<_, _>>()?;
    for alert in &alerts {
        assign(pass, &routing, alert);
        // Its route may be another one.
        unsettle(pass, alert).await?;
        touch_groups_of(pass, alert).await?;
    }
    let all_seen = i64::try_from(alerts.len()).unwrap_or(i64::MAX) < MAX_TRANSITIONS;
    pass.reroute_after = alerts.last().filter(|_| !all_seen).map(|alert| alert.id.to_string());
    Ok(())
}

fn assign(pass: &mut Pass, routing: &Routing, alert: &Arc<Alert>) {
    let walk = route::walk(&routing.route, &alert.routing_labels());
    let tried = Arc::new(walk.tried);
    for stop in walk.stops {
        pass.assignments.push(Assignment {
            alert: Arc::clone(alert),
            timing: Timing::from(stop.route),
            labels: group_labels(&stop.route.group_by, &alert.labels),
            receiver: stop.route.receiver.clone(),
            path: stop.path,
            tried: Arc::clone(&tried),
        });
    }
}

/// The labels that an alert shares with its group.
pub(super) fn group_labels(by: &GroupBy, labels: &Labels) -> Labels {
    match by {
        GroupBy::All => labels.clone(),
        GroupBy::Labels(names) => labels.only(|name| names.iter().any(|wanted| wanted == name)),
    }
}

/// Something happened to an alert: it is looked at again wherever it is a member.
async fn unsettle(pass: &mut Pass, alert: &Alert) -> Result<(), StateError> {
    sqlx::query("UPDATE alert_group_member SET settled = 0 WHERE alert_id = $1 AND settled = 1")
        .bind(alert.id.to_string())
        .execute(&mut *pass.tx)
        .await
        .map_err(StateError::statement("look again at an alert in its groups"))?;
    Ok(())
}

async fn touch_groups_of(pass: &mut Pass, alert: &Alert) -> Result<(), StateError> {
    let groups: Vec<String> = sqlx::query_scalar("SELECT group_id FROM alert_group_member WHERE alert_id = $1")
        .bind(alert.id.to_string())
        .fetch_all(&mut *pass.tx)
        .await
        .map_err(StateError::statement("find the groups of an alert"))?;
    pass.touched.extend(groups);
    Ok(())
}

/// Writes down that nobody will be told of an alert, and why.
pub(super) async fn not_told(pass: &mut Pass, alert: &Alert, why: &str) -> Result<(), StateError> {
    let now: Timestamp = pass.now;
    let entry = ledger::Entry::new(now, "alert.not_told", watchkeeper_domain::Actor::System, alert.id);
    let entry = entry.alert(alert.id).data(serde_json::json!({"reason": why}));
    ledger::append(&mut pass.tx, entry).await?;
    Ok(())
}
