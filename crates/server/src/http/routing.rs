//! Handlers: the route tree, and which way an alert would go.
//!
//! Not the walk: it is the pipeline's own, and so are the silences, the inhibition and the times that are asked here.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use watchkeeper_alert::Routing as Routes;
use watchkeeper_alert::inhibit::Sources;
use watchkeeper_alert::route::{self, Stop};
use watchkeeper_alert::silence::SilenceState;
use watchkeeper_config::model::route::GroupBy;
use watchkeeper_domain::ids::AlertId;
use watchkeeper_domain::{Labels, Priority, Timestamp};
use watchkeeper_incident::escalation::preview::{self, StepCalls};
use watchkeeper_state::StateError;

use super::access::Caller;
use super::alerts::refused;
use super::body::JsonBody;
use super::dto::routing::{RouteAnswer, RouteCall, RouteNode, RouteStep, RouteStop, RouteTrial, Routing, TriedRoute};
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;

/// Most labels of an alert that is tried, as of one that is posted.
const MOST_LABELS: usize = 64;
/// Most bytes of a name or a value.
const MOST_BYTES: usize = 4_096;

/// `GET /routing`.
pub async fn tree(State(shared): State<Arc<Shared>>) -> Json<Routing> {
    let config = shared.config.load();
    let node = |placed: route::Placed<'_>| {
        let route = placed.route;
        RouteNode {
            path: placed.path,
            depth: u32::try_from(placed.depth).unwrap_or(u32::MAX),
            matchers: route.matchers.iter().map(ToString::to_string).collect(),
            receiver: route.receiver.clone(),
            goes_on: route.continue_,
            group_by: match &route.group_by {
                GroupBy::All => vec!["...".to_owned()],
                GroupBy::Labels(names) => names.clone(),
            },
            group_wait: route.group_wait.map(|span| span.to_string()),
            group_interval: route.group_interval.to_string(),
            repeat_interval: route.repeat_interval.to_string(),
            mute_time_intervals: route.mute_time_intervals.clone(),
            active_time_intervals: route.active_time_intervals.clone(),
        }
    };
    Json(Routing { routes: route::places(&config.route).into_iter().map(node).collect() })
}

/// `POST /routing/which`.
pub async fn which(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    JsonBody(trial): JsonBody<RouteTrial>,
) -> ApiResult<Json<RouteAnswer>> {
    let long =
        |(name, value): (&String, &String)| name.is_empty() || name.len() > MOST_BYTES || value.len() > MOST_BYTES;
    if trial.labels.is_empty() || trial.labels.len() > MOST_LABELS || trial.labels.iter().any(long) {
        let why = format!("write 1 to {MOST_LABELS} labels with a name, each of at most {MOST_BYTES} bytes");
        return Err(ApiProblem::invalid("labels", why));
    }
    let at = trial.at.map_or_else(|| shared.env.now(), |at| at.0);
    let labels = Labels::from_pairs(trial.labels);
    let priority = labels.get("priority").and_then(|word| word.parse().ok()).unwrap_or(Priority::Medium);
    let routing = Routes::from(shared.config.load().as_ref());
    let walk = route::walk(&routing.route, &labels);
    let silences = silenced_by(&shared, &labels, at).await?;
    let inhibited_by = inhibited_by(&shared, &caller, &routing, &labels).await?;
    let mut stops = Vec::with_capacity(walk.stops.len());
    for found in &walk.stops {
        stops.push(stop(&shared, &routing, found, &labels, priority, at).await?);
    }
    let tried = walk.tried.into_iter().map(|tried| TriedRoute { path: tried.route, matched: tried.matched }).collect();
    let verdict = verdict(&stops, &silences, inhibited_by.as_deref());
    Ok(Json(RouteAnswer { at: at.into(), verdict, tried, stops, silences, inhibited_by }))
}

async fn silenced_by(shared: &Shared, labels: &Labels, at: Timestamp) -> ApiResult<Vec<String>> {
    let all = shared.silences.list(&[SilenceState::Active, SilenceState::Pending], 1_000, 0).await.map_err(refused)?;
    let holds = |silence: &&watchkeeper_alert::silence::Silence| {
        silence.state(at) == SilenceState::Active && silence.matches(labels)
    };
    Ok(all.iter().filter(holds).map(|silence| silence.id.to_string()).collect())
}

/// By what fires now: nobody knows what will fire then. Who may not see the alert that inhibits learns that there is one.
async fn inhibited_by(
    shared: &Shared,
    caller: &Caller,
    routing: &Routes,
    labels: &Labels,
) -> ApiResult<Option<String>> {
    if routing.inhibit_rules.is_empty() {
        return Ok(None);
    }
    let rows: Vec<(String, String, String)> =
        sqlx::query_as("SELECT id, labels, category FROM alert WHERE state = 'firing'")
            .fetch_all(shared.state.read())
            .await
            .map_err(StateError::statement("read the firing alerts"))?;
    let mut sources: Vec<(AlertId, Labels)> = Vec::with_capacity(rows.len());
    for (id, labels, _) in &rows {
        let parsed = id.parse().map_err(|_| StateError::corrupt("alert", "id", id))?;
        sources
            .push((parsed, serde_json::from_str(labels).map_err(|_| StateError::corrupt("alert", "labels", labels))?));
    }
    let Some(by) = Sources::new(&routing.inhibit_rules, &sources).inhibitor(labels) else { return Ok(None) };
    let by = by.to_string();
    let security = rows.iter().any(|(id, _, category)| *id == by && category == "security");
    Ok(Some(if security && !caller.sees_restricted() {
        "an alert that only administrators see".to_owned()
    } else {
        by
    }))
}

async fn stop(
    shared: &Shared,
    routing: &Routes,
    stop: &Stop<'_>,
    labels: &Labels,
    priority: Priority,
    at: Timestamp,
) -> ApiResult<RouteStop> {
    let route = stop.route;
    let quiet = routing.quiet(route, at);
    let group = match &route.group_by {
        GroupBy::All => labels.clone(),
        GroupBy::Labels(names) => labels.only(|name| names.iter().any(|wanted| wanted == name)),
    };
    let pages = matches!(priority, Priority::Critical | Priority::High);
    let waits = route.group_wait.or_else(|| (!pages).then_some(watchkeeper_alert::group::DEFAULT_GROUP_WAIT));
    let keys = routing.receivers.get(&route.receiver).map_or(&[][..], Vec::as_slice);
    let mut channels: Vec<String> = keys.iter().filter_map(|i| i.key.split(':').next().map(str::to_owned)).collect();
    channels.dedup();
    let called = preview::calls(&shared.on_call, &route.receiver, priority, at).await?;
    let (escalation_policy, steps) = called.map_or((None, Vec::new()), |(name, steps)| (Some(name), steps));
    Ok(RouteStop {
        path: stop.path.clone(),
        receiver: route.receiver.clone(),
        group: group.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        waits: waits.filter(|span| !span.is_zero()).map(|span| span.to_string()),
        quiet_by: quiet.as_ref().map(|quiet| quiet.by.clone()).unwrap_or_default(),
        quiet_until: quiet.and_then(|quiet| quiet.until).map(Into::into),
        channels,
        escalation_policy,
        steps: steps.iter().map(|step| shown(step, priority)).collect(),
    })
}

fn shown(step: &StepCalls, priority: Priority) -> RouteStep {
    let way = |(via, after): &(String, watchkeeper_domain::Span)| {
        let over = if via.is_empty() { "everything" } else { via.as_str() };
        if after.is_zero() { format!("{over} at once") } else { format!("{over} after {after}") }
    };
    let call = |call: &preview::Call| RouteCall {
        name: call.receiver.strip_prefix("person:").unwrap_or(&call.receiver).to_owned(),
        why: call.why.clone(),
        ways: call.ways.iter().map(way).collect(),
        priority: priority.into(),
    };
    RouteStep {
        after: step.after.to_string(),
        calls: step.calls.iter().map(call).collect(),
        missed: step.missed.iter().map(|(target, why)| format!("{target}: {why}")).collect(),
    }
}

fn verdict(stops: &[RouteStop], silences: &[String], inhibited_by: Option<&str>) -> String {
    let names: Vec<&str> = stops.iter().map(|stop| stop.receiver.as_str()).collect();
    let to = names.join(", ");
    if let Some(by) = inhibited_by {
        return format!("It goes to {to}, and nobody is told: {by} inhibits it.");
    }
    if !silences.is_empty() {
        return format!("It goes to {to}, and nobody is told: {} holds it back.", silences.join(", "));
    }
    let quiet: Vec<&str> =
        stops.iter().filter(|stop| !stop.quiet_by.is_empty()).map(|stop| stop.receiver.as_str()).collect();
    if quiet.is_empty() {
        return format!("It goes to {to}.");
    }
    if quiet.len() == stops.len() {
        return format!("It goes to {to}, and nobody is told at that time of the day or week.");
    }
    format!("It goes to {to}; {} is not told at that time of the day or week.", quiet.join(", "))
}
