//! The second stage: groups are made, alerts join them, and the groups to look at are read with all their members.
//!
//! Not deciding what is told: see [`super::tell`].

use std::sync::Arc;

use serde_json::json;
use sqlx::Row;
use watchkeeper_domain::ids::{GroupId, Id};
use watchkeeper_domain::{Actor, Labels, Timestamp};
use watchkeeper_state::{Entry, StateError, ledger};

use super::assign::group_labels;
use super::{Assignment, Group, MAX_DUE, Membership, Pass};
use crate::alert::Alert;
use crate::group::Timing;
use crate::route;

pub(super) async fn group(pass: &mut Pass) -> Result<(), StateError> {
    for assignment in std::mem::take(&mut pass.assignments) {
        join(pass, &assignment).await?;
    }
    let due: Vec<String> = sqlx::query_scalar(
        "SELECT id FROM alert_group WHERE next_flush_at IS NOT NULL AND next_flush_at <= $1 ORDER BY next_flush_at LIMIT $2",
    )
    .bind(pass.now.as_micros())
    .bind(MAX_DUE)
    .fetch_all(&mut *pass.tx)
    .await
    .map_err(StateError::statement("find the groups that are due"))?;
    pass.touched.extend(due);
    if pass.something_ended && !pass.routing.inhibit_rules.is_empty() {
        let waiting: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT group_id FROM alert_group_member WHERE muted <> '' AND muted LIKE 'inhibit:%'",
        )
        .fetch_all(&mut *pass.tx)
        .await
        .map_err(StateError::statement("find what was inhibited"))?;
        pass.touched.extend(waiting);
    }
    for id in std::mem::take(&mut pass.touched) {
        if let Some(group) = read(pass, &id).await? {
            pass.groups.push(group);
        }
    }
    Ok(())
}

async fn join(pass: &mut Pass, to: &Assignment) -> Result<(), StateError> {
    let shown_key = format!("{}:{}", to.path, to.labels);
    // The receiver is part of what makes a group: whoever was told that it fires is told that it is over.
    let key = format!("{} {shown_key}", to.receiver);
    let known: Option<String> = sqlx::query_scalar("SELECT id FROM alert_group WHERE key = $1")
        .bind(&key)
        .fetch_optional(&mut *pass.tx)
        .await
        .map_err(StateError::statement("find an alert group"))?;
    let id = match known {
        Some(text) => text.parse().map_err(|_| StateError::corrupt("alert_group", "id", &text))?,
        None => {
            let id = GroupId::new(&pass.env);
            sqlx::query(
                "INSERT INTO alert_group (id, key, route, receiver, labels, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
            )
            .bind(id.to_string())
            .bind(&key)
            .bind(&to.path)
            .bind(&to.receiver)
            .bind(json!(to.labels).to_string())
            .bind(pass.now.as_micros())
            .execute(&mut *pass.tx)
            .await
            .map_err(StateError::statement("make an alert group"))?;
            id
        }
    };
    pass.touched.insert(id.to_string());
    let added = sqlx::query(
        "INSERT INTO alert_group_member (group_id, alert_id, joined_at) VALUES ($1, $2, $3) \
         ON CONFLICT (group_id, alert_id) DO NOTHING",
    )
    .bind(id.to_string())
    .bind(to.alert.to_string())
    .bind(pass.now.as_micros())
    .execute(&mut *pass.tx)
    .await
    .map_err(StateError::statement("add an alert to its group"))?;
    if added.rows_affected() == 0 {
        return Ok(());
    }
    pass.joined.insert((id, to.alert));
    let data = json!({
        "route": to.path, "tried": *to.tried, "receiver": to.receiver, "group_key": shown_key, "group_id": id,
    });
    let entry = Entry::new(pass.now, "alert.routed", Actor::System, to.alert).alert(to.alert).data(data);
    ledger::append(&mut pass.tx, entry).await?;
    Ok(())
}

async fn read(pass: &mut Pass, id: &str) -> Result<Option<Group>, StateError> {
    let row = sqlx::query("SELECT * FROM alert_group WHERE id = $1")
        .bind(id)
        .fetch_optional(&mut *pass.tx)
        .await
        .map_err(StateError::statement("read an alert group"))?;
    let Some(row) = row else { return Ok(None) };
    let labels: &str = row.get("labels");
    let labels: Labels =
        serde_json::from_str(labels).map_err(|_| StateError::corrupt("alert_group", "labels", labels))?;
    let members = sqlx::query(
        "SELECT m.sent_state, m.muted, m.joined_at, a.* FROM alert_group_member m JOIN alert a ON a.id = m.alert_id \
         WHERE m.group_id = $1 ORDER BY m.joined_at, a.id",
    )
    .bind(id)
    .fetch_all(&mut *pass.tx)
    .await
    .map_err(StateError::statement("read the members of an alert group"))?;
    let routing = Arc::clone(&pass.routing);
    let mut group = Group {
        id: id.parse().map_err(|_| StateError::corrupt("alert_group", "id", id))?,
        path: row.get("route"),
        receiver: row.get("receiver"),
        labels,
        created_at: Timestamp::from_micros(row.get("created_at")),
        last_flush_at: row.get::<Option<i64>, _>("last_flush_at").map(Timestamp::from_micros),
        timing: Timing::from(&routing.route),
        quiet: None,
        members: Vec::with_capacity(members.len()),
    };
    for row in &members {
        let alert = Alert::from_row(row)?;
        let walk = route::walk(&routing.route, &alert.routing_labels());
        let here = walk.stops.iter().find(|stop| {
            stop.path == group.path
                && stop.route.receiver == group.receiver
                && group_labels(&stop.route.group_by, &alert.labels) == group.labels
        });
        if let Some(stop) = here {
            group.timing = Timing::from(stop.route);
            if group.quiet.is_none() {
                group.quiet = routing.quiet(stop.route, pass.now);
            }
        }
        group.members.push(Membership {
            joined_at: Timestamp::from_micros(row.get("joined_at")),
            told_firing: row.get::<Option<&str>, _>("sent_state") == Some("firing"),
            was_muted: row.get("muted"),
            mute: None,
            routed: here.is_some(),
            alert,
        });
    }
    Ok(Some(group))
}
