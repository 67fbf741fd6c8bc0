//! The last stage: the plan of each group becomes rows of the outbox, and what was told is remembered beside them.
//!
//! Not the delivery, and no knowledge of channels: `respond` takes the rows from there.

use std::collections::BTreeSet;

use serde_json::json;
use watchkeeper_domain::ids::{AlertId, IncidentId};
use watchkeeper_domain::{Actor, Integration, Timestamp};
use watchkeeper_state::outbox::{self, Message};
use watchkeeper_state::{Entry, StateError, ledger};

use super::assign::not_told;
use super::{Group, Membership, Pass};
use crate::alert::{Alert, AlertState};
use crate::group::{self, Member, Plan, Told, Why};
use crate::notice::{MAX_CONTEXT, Notice};

pub(super) async fn outbox(pass: &mut Pass) -> Result<(), StateError> {
    for group in std::mem::take(&mut pass.groups) {
        settle(pass, &group).await?;
    }
    Ok(())
}

async fn settle(pass: &mut Pass, group: &Group) -> Result<(), StateError> {
    let members: Vec<Member> = group.members.iter().map(member).collect();
    let plan = group::plan(group.timing, group.created_at, group.last_flush_at, &members, pass.now);
    for member in &group.members {
        remember_mute(pass, group, member).await?;
    }
    if group.glance {
        return say_who_waits(pass, group, &Plan { next_at: group.next_flush_at, ..plan }).await;
    }
    if let Some(why) = plan.tell {
        tell(pass, group, &plan, why).await?;
    } else {
        say_who_waits(pass, group, &plan).await?;
    }
    forget(pass, group, &plan).await?;
    settled(pass, group, &plan).await?;
    let gone = plan.forget.len() + if plan.tell.is_some() { plan.over.len() } else { 0 };
    finish(pass, group, &plan, gone == group.members.len() + group.unread).await
}

fn member(of: &Membership) -> Member {
    Member {
        firing: of.alert.state == AlertState::Firing,
        told: if of.told_firing { Told::Firing } else { Told::Nothing },
        pages: of.alert.priority.pages(),
        acknowledged: of.alert.acknowledged_at.is_some(),
        held: of.mute.as_ref().map(|mute| mute.held),
        routed: of.routed,
        changed_at: of.alert.resolved_at.unwrap_or(of.joined_at),
    }
}

fn pick<'a>(group: &'a Group, places: &[usize]) -> Vec<&'a Alert> {
    places.iter().filter_map(|at| group.members.get(*at)).map(|member| member.alert.as_ref()).collect()
}

async fn tell(pass: &mut Pass, group: &Group, plan: &Plan, why: Why) -> Result<(), StateError> {
    let (fresh, over) = (pick(group, &plan.fresh), pick(group, &plan.over));
    let mut standing = pick(group, &plan.standing);
    // What is told anyway is context enough for one another: in a storm each alert is told once.
    let context = MAX_CONTEXT.saturating_sub(fresh.len() + over.len());
    let truncated = group.unread + standing.len().saturating_sub(context);
    standing.truncate(context);
    let firing: Vec<&Alert> = fresh.iter().chain(&standing).copied().collect();
    let all: Vec<&Alert> = firing.iter().chain(&over).copied().collect();
    let reason = reason(why, &fresh, &over, group);
    let known = pass.routing.receivers.get(&group.receiver).cloned().unwrap_or_default();
    if known.is_empty() {
        let why = format!("the receiver `{}` has no integration; add one, or change the route", group.receiver);
        for alert in fresh.iter().chain(&over) {
            not_told(pass, alert, &why).await?;
        }
    }
    // Whoever does not want to hear of resolved alerts gets them in no message, and no message for their sake alone.
    let (with, without): (Vec<Integration>, Vec<Integration>) = known.into_iter().partition(|i| i.send_resolved);
    write(pass, group, &with, &all, truncated, &reason).await?;
    if why != Why::Resolved {
        write(pass, group, &without, &firing, truncated, &reason).await?;
    }
    if !fresh.is_empty() {
        let told = "UPDATE alert_group_member SET sent_state = 'firing', settled = 1 \
                    WHERE group_id = $1 AND alert_id IN (SELECT value FROM json_each($2))";
        of_group(pass, group, told, &fresh, "remember what was told").await?;
    }
    leave(pass, group, &over).await?;
    pass.told += 1;
    Ok(())
}

async fn write(
    pass: &mut Pass,
    group: &Group,
    integrations: &[Integration],
    alerts: &[&Alert],
    truncated: usize,
    reason: &str,
) -> Result<(), StateError> {
    if integrations.is_empty() || alerts.is_empty() {
        return Ok(());
    }
    let key = group.shown_key();
    let notice = Notice { group_key: &key, group_labels: &group.labels, receiver: &group.receiver, alerts, truncated };
    let ids: Vec<AlertId> = alerts.iter().map(|alert| alert.id).collect();
    let thread = group.id.to_string();
    let message = Message {
        kind: "alert",
        status: notice.status(),
        receiver: &group.receiver,
        thread: &thread,
        group: Some(group.id),
        incident: shared_incident(alerts),
        alerts: &ids,
        content: notice.content(),
        reason: reason.to_owned(),
    };
    outbox::enqueue(&mut pass.tx, &pass.env, pass.now, integrations, &message).await?;
    Ok(())
}

/// The incident, when all alerts belong to one.
fn shared_incident(alerts: &[&Alert]) -> Option<IncidentId> {
    let incidents: BTreeSet<_> = alerts.iter().map(|alert| alert.incident_id).collect();
    if incidents.len() == 1 { incidents.into_iter().next().flatten() } else { None }
}

fn reason(why: Why, fresh: &[&Alert], over: &[&Alert], group: &Group) -> String {
    let names = |alerts: &[&Alert]| {
        let names: BTreeSet<&str> = alerts.iter().map(|alert| alert.name.as_str()).collect();
        names.into_iter().take(5).collect::<Vec<_>>().join(", ")
    };
    match why {
        Why::New if over.is_empty() => format!("{} new: {}", fresh.len(), names(fresh)),
        Why::New => format!("{} new: {}; {} resolved", fresh.len(), names(fresh), over.len()),
        Why::Resolved => format!("{} resolved: {}", over.len(), names(over)),
        Why::Repeat => format!("still firing after {}", group.timing.repeat_interval),
    }
}

async fn remember_mute(pass: &mut Pass, group: &Group, member: &Membership) -> Result<(), StateError> {
    let now_by = member.mute.as_ref().map_or("", |mute| mute.by.as_str());
    if now_by == member.was_muted {
        return Ok(());
    }
    let id = member.alert.id;
    sqlx::query("UPDATE alert_group_member SET muted = $3, settled = 0 WHERE group_id = $1 AND alert_id = $2")
        .bind(group.id.to_string())
        .bind(id.to_string())
        .bind(now_by)
        .execute(&mut *pass.tx)
        .await
        .map_err(StateError::statement("remember what holds an alert back"))?;
    let (kind, data) = match &member.mute {
        Some(mute) if mute.by.starts_with("inhibit:") => ("alert.inhibited", json!(mute.facts)),
        Some(mute) if mute.by.starts_with("time:") => ("alert.muted", json!(mute.facts)),
        Some(mute) => ("alert.silenced", json!(mute.facts)),
        None => ("alert.unmuted", json!({"was": member.was_muted})),
    };
    ledger::append(&mut pass.tx, Entry::new(pass.now, kind, Actor::System, id).alert(id).data(data)).await?;
    Ok(())
}

/// For `explain`: a new alert that is not told at once says until when it waits, and for what.
async fn say_who_waits(pass: &mut Pass, group: &Group, plan: &Plan) -> Result<(), StateError> {
    let (what, wait) = if group.last_flush_at.is_none() {
        ("group_wait", group.timing.group_wait.unwrap_or(group::DEFAULT_GROUP_WAIT))
    } else {
        ("group_interval", group.timing.group_interval)
    };
    for alert in pick(group, &plan.fresh) {
        if pass.joined.contains(&(group.id, alert.id)) {
            let data = json!({"until": plan.next_at, "for": what, "length": wait, "group_id": group.id});
            let entry = Entry::new(pass.now, "alert.waiting", Actor::System, alert.id).alert(alert.id).data(data);
            ledger::append(&mut pass.tx, entry).await?;
        }
    }
    Ok(())
}

async fn forget(pass: &mut Pass, group: &Group, plan: &Plan) -> Result<(), StateError> {
    let forgotten = pick(group, &plan.forget);
    for alert in &forgotten {
        not_told(pass, alert, "it resolved before its group was due, and nobody can act on what is over").await?;
    }
    leave(pass, group, &forgotten).await
}

async fn leave(pass: &mut Pass, group: &Group, alerts: &[&Alert]) -> Result<(), StateError> {
    if alerts.is_empty() {
        return Ok(());
    }
    let gone = "DELETE FROM alert_group_member WHERE group_id = $1 AND alert_id IN (SELECT value FROM json_each($2))";
    of_group(pass, group, gone, alerts, "take alerts out of their group").await
}

/// Who fires, was told and is held back by nothing is not looked at again before something happens. (Those told just now
/// are marked when that is remembered.)
async fn settled(pass: &mut Pass, group: &Group, plan: &Plan) -> Result<(), StateError> {
    let standing = plan.standing.iter().filter_map(|at| group.members.get(*at));
    let now: Vec<&Alert> = standing.filter(|member| !member.was_settled).map(|member| member.alert.as_ref()).collect();
    if now.is_empty() {
        return Ok(());
    }
    let mark = "UPDATE alert_group_member SET settled = 1 \
                WHERE group_id = $1 AND alert_id IN (SELECT value FROM json_each($2))";
    of_group(pass, group, mark, &now, "mark members of a group as settled").await
}

/// One statement for some members of a group.
async fn of_group(
    pass: &mut Pass,
    group: &Group,
    statement: &'static str,
    alerts: &[&Alert],
    act: &'static str,
) -> Result<(), StateError> {
    let ids: Vec<AlertId> = alerts.iter().map(|alert| alert.id).collect();
    sqlx::query(statement)
        .bind(group.id.to_string())
        .bind(json!(ids).to_string())
        .execute(&mut *pass.tx)
        .await
        .map_err(StateError::statement(act))?;
    Ok(())
}

/// Sets the group's next time; a group that nothing is left of goes, so that the next firing is a new conversation.
async fn finish(pass: &mut Pass, group: &Group, plan: &Plan, empty: bool) -> Result<(), StateError> {
    let query = if empty {
        sqlx::query("DELETE FROM alert_group WHERE id = $1").bind(group.id.to_string())
    } else {
        let flushed = if plan.tell.is_some() { Some(pass.now) } else { group.last_flush_at };
        sqlx::query("UPDATE alert_group SET next_flush_at = $2, last_flush_at = $3 WHERE id = $1")
            .bind(group.id.to_string())
            .bind(plan.next_at.map(Timestamp::as_micros))
            .bind(flushed.map(Timestamp::as_micros))
    };
    query.execute(&mut *pass.tx).await.map_err(StateError::statement("set when a group is due"))?;
    Ok(())
}
