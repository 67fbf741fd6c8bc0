//! The second stage: groups are made, alerts join them, and the groups to look at are read, as far as needed.
//!
//! Not deciding what is told: see [`super::tell`].
//!
//! How much of a group is read: only who has just joined while its time has not come; all of a small one; of a large one
//! those to whom something happened and some of the others; all of it when it is repeated.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use watchkeeper_domain::ids::{GroupId, Id};
use watchkeeper_domain::{Actor, Labels, Timestamp};
use watchkeeper_state::{Entry, StateError, ledger};

use super::assign::group_labels;
use super::{Assignment, Group, MAX_DUE, MAX_READ, MAX_WHOLE, Membership, Pass};
use crate::alert::Alert;
use crate::group::{self, Timing};
use crate::notice::MAX_CONTEXT;
use crate::route;
use crate::routing::Routing;

/// A group that alerts of this pass joined.
struct Joined {
    row: Head,
    /// Those who were no members before, with the times of the route that led them here.
    new: Vec<Arc<Alert>>,
    timing: Timing,
}

/// A group's row.
#[derive(Clone)]
struct Head {
    id: GroupId,
    path: String,
    receiver: String,
    labels: Labels,
    created_at: Timestamp,
    last_flush_at: Option<Timestamp>,
    next_flush_at: Option<Timestamp>,
}

pub(super) async fn group(pass: &mut Pass) -> Result<(), StateError> {
    let mut joined: BTreeMap<String, Joined> = BTreeMap::new();
    for assignment in std::mem::take(&mut pass.assignments) {
        join(pass, &mut joined, assignment).await?;
    }
    if pass.something_ended && !pass.routing.inhibit_rules.is_empty() {
        let waiting: Vec<String> = sqlx::query_scalar(
            "SELECT DISTINCT group_id FROM alert_group_member WHERE muted <> '' AND muted LIKE 'inhibit:%'",
        )
        .fetch_all(&mut *pass.tx)
        .await
        .map_err(StateError::statement("find what was inhibited"))?;
        pass.touched.extend(waiting);
    }
    for it in joined.into_values() {
        if pass.touched.contains(&it.row.id.to_string()) || !its_time_stays(pass, &it) {
            pass.touched.insert(it.row.id.to_string());
        } else if !it.new.is_empty() {
            let group = glance(pass, it);
            pass.groups.push(group);
        }
    }
    let mut read_so_far = 0;
    for id in std::mem::take(&mut pass.touched) {
        read_so_far += take(pass, &id).await?;
    }
    if !pass.takes_due {
        return Ok(());
    }
    let due: Vec<String> = sqlx::query_scalar(
        "SELECT id FROM alert_group WHERE next_flush_at IS NOT NULL AND next_flush_at <= $1 ORDER BY next_flush_at LIMIT $2",
    )
    .bind(pass.now.as_micros())
    .bind(MAX_DUE)
    .fetch_all(&mut *pass.tx)
    .await
    .map_err(StateError::statement("find the groups that are due"))?;
    let known: BTreeSet<String> =
        pass.groups.iter().filter(|group| !group.glance).map(|group| group.id.to_string()).collect();
    for id in due.iter().filter(|id| !known.contains(*id)) {
        if read_so_far >= MAX_READ {
            // The others are due at the next pass as well, which comes at once.
            break;
        }
        read_so_far += take(pass, id).await?;
    }
    Ok(())
}

/// Reads a group to look at; gives how many members that were.
async fn take(pass: &mut Pass, id: &str) -> Result<usize, StateError> {
    let Some(group) = read(pass, id).await? else { return Ok(0) };
    let members = group.members.len();
    pass.groups.push(group);
    Ok(members)
}

/// Whether the time at which a group is looked at next stays what it is, whoever has just joined it.
fn its_time_stays(pass: &Pass, it: &Joined) -> bool {
    let Some(next) = it.row.next_flush_at.filter(|next| *next > pass.now) else { return false };
    let due = |alert: &Arc<Alert>| {
        group::due_when_joined(it.timing, it.row.created_at, it.row.last_flush_at, alert.priority.pages(), pass.now)
    };
    it.new.iter().all(|alert| next <= due(alert))
}

/// A group of which only those who have just joined are looked at.
fn glance(pass: &Pass, it: Joined) -> Group {
    let routing = Arc::clone(&pass.routing);
    let mut group = empty(&it.row, it.timing);
    group.glance = true;
    for alert in it.new {
        let here = place(&routing, &mut group, &alert, pass.now);
        group.members.push(Membership {
            alert,
            joined_at: pass.now,
            told_firing: false,
            was_muted: String::new(),
            was_settled: false,
            mute: None,
            routed: here,
        });
    }
    group
}

fn empty(head: &Head, timing: Timing) -> Group {
    Group {
        id: head.id,
        path: head.path.clone(),
        receiver: head.receiver.clone(),
        labels: head.labels.clone(),
        created_at: head.created_at,
        last_flush_at: head.last_flush_at,
        next_flush_at: head.next_flush_at,
        timing,
        quiet: None,
        members: Vec::new(),
        unread: 0,
        glance: false,
    }
}

/// Whether an alert's route leads into a group; takes the route's times for it.
fn place(routing: &Routing, group: &mut Group, alert: &Alert, now: Timestamp) -> bool {
    let walk = route::walk(&routing.route, &alert.routing_labels());
    let here = walk.stops.iter().find(|stop| {
        stop.path == group.path
            && stop.route.receiver == group.receiver
            && group_labels(&stop.route.group_by, &alert.labels) == group.labels
    });
    let Some(stop) = here else { return false };
    group.timing = Timing::from(stop.route);
    if group.quiet.is_none() {
        group.quiet = routing.quiet(stop.route, now);
    }
    true
}

async fn join(pass: &mut Pass, joined: &mut BTreeMap<String, Joined>, to: Assignment) -> Result<(), StateError> {
    let shown_key = format!("{}:{}", to.path, to.labels);
    // The receiver is part of what makes a group: whoever was told that it fires is told that it is over.
    let key = format!("{} {shown_key}", to.receiver);
    if !joined.contains_key(&key) {
        let row = head(pass, &key, &to).await?;
        joined.insert(key.clone(), Joined { row, new: Vec::new(), timing: to.timing });
    }
    let Some(group) = joined.get_mut(&key) else { return Ok(()) };
    let id = group.row.id;
    let added = sqlx::query(
        "INSERT INTO alert_group_member (group_id, alert_id, joined_at) VALUES ($1, $2, $3) \
         ON CONFLICT (group_id, alert_id) DO NOTHING",
    )
    .bind(id.to_string())
    .bind(to.alert.id.to_string())
    .bind(pass.now.as_micros())
    .execute(&mut *pass.tx)
    .await
    .map_err(StateError::statement("add an alert to its group"))?;
    if added.rows_affected() == 0 {
        return Ok(());
    }
    group.new.push(Arc::clone(&to.alert));
    pass.joined.insert((id, to.alert.id));
    let data = json!({
        "route": to.path, "tried": *to.tried, "receiver": to.receiver, "group_key": shown_key, "group_id": id,
    });
    let entry = Entry::new(pass.now, "alert.routed", Actor::System, to.alert.id).alert(to.alert.id).data(data);
    ledger::append(&mut pass.tx, entry).await
}

/// The group with a key; made when there is none.
async fn head(pass: &mut Pass, key: &str, to: &Assignment) -> Result<Head, StateError> {
    let known = sqlx::query("SELECT * FROM alert_group WHERE key = $1")
        .bind(key)
        .fetch_optional(&mut *pass.tx)
        .await
        .map_err(StateError::statement("find an alert group"))?;
    if let Some(row) = known {
        return head_of(&row);
    }
    let head = Head {
        id: GroupId::new(&pass.env),
        path: to.path.clone(),
        receiver: to.receiver.clone(),
        labels: to.labels.clone(),
        created_at: pass.now,
        last_flush_at: None,
        next_flush_at: None,
    };
    sqlx::query(
        "INSERT INTO alert_group (id, key, route, receiver, labels, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(head.id.to_string())
    .bind(key)
    .bind(&head.path)
    .bind(&head.receiver)
    .bind(json!(head.labels).to_string())
    .bind(pass.now.as_micros())
    .execute(&mut *pass.tx)
    .await
    .map_err(StateError::statement("make an alert group"))?;
    Ok(head)
}

fn head_of(row: &SqliteRow) -> Result<Head, StateError> {
    let (id, labels): (&str, &str) = (row.get("id"), row.get("labels"));
    let moment = |column| row.get::<Option<i64>, _>(column).map(Timestamp::from_micros);
    Ok(Head {
        id: id.parse().map_err(|_| StateError::corrupt("alert_group", "id", id))?,
        path: row.get("route"),
        receiver: row.get("receiver"),
        labels: serde_json::from_str(labels).map_err(|_| StateError::corrupt("alert_group", "labels", labels))?,
        created_at: Timestamp::from_micros(row.get("created_at")),
        last_flush_at: moment("last_flush_at"),
        next_flush_at: moment("next_flush_at"),
    })
}

async fn read(pass: &mut Pass, id: &str) -> Result<Option<Group>, StateError> {
    let row = sqlx::query("SELECT * FROM alert_group WHERE id = $1")
        .bind(id)
        .fetch_optional(&mut *pass.tx)
        .await
        .map_err(StateError::statement("read an alert group"))?;
    let Some(row) = row else { return Ok(None) };
    let routing = Arc::clone(&pass.routing);
    let head = head_of(&row)?;
    let mut group = empty(&head, Timing::from(&routing.route));
    let (rows, unread) = members(pass, &head).await?;
    group.unread = unread;
    for row in &rows {
        let alert = Alert::from_row(row)?;
        let routed = place(&routing, &mut group, &alert, pass.now);
        group.members.push(Membership {
            joined_at: Timestamp::from_micros(row.get("joined_at")),
            told_firing: row.get::<Option<&str>, _>("sent_state") == Some("firing"),
            was_muted: row.get("muted"),
            was_settled: row.get::<i64, _>("settled") != 0,
            mute: None,
            routed,
            alert: Arc::new(alert),
        });
    }
    Ok(Some(group))
}

/// The members to look at, and how many others there are.
async fn members(pass: &mut Pass, head: &Head) -> Result<(Vec<SqliteRow>, usize), StateError> {
    let act = "read the members of an alert group";
    let id = head.id.to_string();
    let settled: i64 =
        sqlx::query_scalar("SELECT count(*) FROM alert_group_member WHERE group_id = $1 AND settled = 1")
            .bind(&id)
            .fetch_one(&mut *pass.tx)
            .await
            .map_err(StateError::statement(act))?;
    if settled <= MAX_WHOLE {
        let rows = sqlx::query(
            "SELECT m.sent_state, m.muted, m.joined_at, m.settled, a.* FROM alert_group_member m \
             JOIN alert a ON a.id = m.alert_id WHERE m.group_id = $1 ORDER BY m.joined_at, a.id",
        )
        .bind(&id)
        .fetch_all(&mut *pass.tx)
        .await
        .map_err(StateError::statement(act))?;
        return Ok((rows, 0));
    }
    let mut rows = sqlx::query(
        "SELECT m.sent_state, m.muted, m.joined_at, m.settled, a.* FROM alert_group_member m \
         JOIN alert a ON a.id = m.alert_id WHERE m.group_id = $1 AND m.settled = 0 ORDER BY m.joined_at, a.id",
    )
    .bind(&id)
    .fetch_all(&mut *pass.tx)
    .await
    .map_err(StateError::statement(act))?;
    // Those that nobody has come first, because it is for them that a group is repeated.
    let some = sqlx::query(
        "SELECT m.sent_state, m.muted, m.joined_at, m.settled, a.* FROM alert_group_member m \
         JOIN alert a ON a.id = m.alert_id WHERE m.group_id = $1 AND m.settled = 1 \
         ORDER BY a.acknowledged_at IS NOT NULL LIMIT $2",
    )
    .bind(&id)
    .bind(i64::try_from(MAX_CONTEXT).unwrap_or(i64::MAX))
    .fetch_all(&mut *pass.tx)
    .await
    .map_err(StateError::statement(act))?;
    let unread = usize::try_from(settled).unwrap_or(0).saturating_sub(some.len());
    rows.extend(some);
    Ok((rows, unread))
}
