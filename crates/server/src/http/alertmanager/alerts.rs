//! Handlers: alerts in, alerts and their groups out.
//!
//! Not their life: `alert::posted` takes them, and from there on they are alerts like any other.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use regex::Regex;
use watchkeeper_alert::active::{self, Active};
use watchkeeper_alert::{Posted, Routing, route};
use watchkeeper_domain::Matcher;

use super::shape::{AlertGroup, GettableAlert, Name, PostableAlert, gettable};
use super::status::matches_a_receiver;
use super::{Answer, Params, Refusal, all_match};
use crate::app::Shared;
use crate::http::access::Caller;
use crate::http::alerts::visible;
use crate::http::body::{declared_length, read};

/// The largest body of posted alerts, in bytes.
const MOST_BYTES: usize = 16 << 20;
/// The most alerts of one body.
const MOST_ALERTS: usize = 100_000;
/// Bodies of more bytes than this are decoded on a thread of their own.
const INLINE_BYTES: usize = 64 << 10;

/// `POST /api/v2/alerts`. The answer comes when the alerts are on disk. Alerts that cannot be taken do not keep the others
/// out: those are taken, and the answer is 400 with the reasons.
pub async fn post(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let declared = declared_length(request.headers());
    let body = match read(request.into_body(), declared, MOST_BYTES).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    match take(&shared, body).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(refusal) => refusal.into_response(),
    }
}

async fn take(shared: &Shared, body: bytes::Bytes) -> Answer<()> {
    let _turn = shared.decoding.acquire().await.map_err(|_| Refusal::bad("the server is stopping"))?;
    let decoded = if body.len() <= INLINE_BYTES {
        decode(&body)
    } else {
        let decoding = tokio::task::spawn_blocking(move || decode(&body)).await;
        decoding.unwrap_or_else(|error| {
            tracing::error!(%error, "posted alerts could not be decoded");
            Err(Refusal(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the alerts could not be decoded; the log has the reason".into(),
            ))
        })
    };
    drop(_turn);
    let (good, refused) = decoded?;
    let resolve_timeout = shared.config.load().resolve_timeout;
    shared.intake.receive(good, resolve_timeout).await.map_err(|error| {
        tracing::error!(error = %crate::supervisor::chain(&error), "posted alerts could not be written");
        Refusal(StatusCode::SERVICE_UNAVAILABLE, "the alerts could not be written; send them again".into())
    })?;
    if refused.is_empty() { Ok(()) } else { Err(Refusal::bad(refused.join("; "))) }
}

/// The alerts that can be taken, and why others cannot.
fn decode(body: &[u8]) -> Answer<(Vec<Posted>, Vec<String>)> {
    let posted: Vec<PostableAlert> = serde_json::from_slice(body).map_err(|e| {
        Refusal::bad(format!("the JSON is not usable at line {}, column {}: {e}", e.line(), e.column()))
    })?;
    if posted.len() > MOST_ALERTS {
        return Err(Refusal::bad(format!(
            "at most {MOST_ALERTS} alerts are taken at once; send them in smaller parts"
        )));
    }
    let (mut good, mut refused) = (Vec::with_capacity(posted.len()), Vec::new());
    for (at, alert) in posted.into_iter().enumerate() {
        let alert = Posted::from(alert);
        match alert.check() {
            Ok(()) => good.push(alert),
            Err(reason) if refused.len() < 10 => refused.push(format!("alert {}: {reason}", at + 1)),
            Err(_) => {}
        }
    }
    Ok((good, refused))
}

/// What a reader wants to see.
struct Wanted {
    active: bool,
    silenced: bool,
    inhibited: bool,
    filter: Vec<Matcher>,
    receiver: Option<Regex>,
    receiver_matchers: Vec<Matcher>,
}

impl Wanted {
    fn read(params: &Params) -> Answer<Self> {
        // Read and without effect, as in Alertmanager, although amtool gives it: what mutes an alert is worked out for each
        // answer, so one that was posted a moment ago is hidden from nobody.
        params.on("unprocessed")?;
        Ok(Self {
            active: params.on("active")?,
            silenced: params.on("silenced")?,
            inhibited: params.on("inhibited")?,
            filter: params.matchers("filter")?,
            receiver: params.receiver()?,
            receiver_matchers: params.matchers("receiver_matchers")?,
        })
    }

    fn alert(&self, active: &Active) -> bool {
        (self.active || active.suppressed())
            && (self.silenced || active.silenced_by.is_empty())
            && (self.inhibited || active.inhibited_by.is_empty())
            && all_match(&self.filter, &active.alert.labels)
    }

    fn receivers(&self, shared: &Shared, names: &[Name]) -> bool {
        let by_name = self.receiver.as_ref().is_none_or(|regex| names.iter().any(|n| regex.is_match(&n.name)));
        by_name && matches_a_receiver(shared, &self.receiver_matchers, names)
    }
}

/// The receivers that an alert's routes lead to, each once.
fn receivers(routing: &Routing, active: &Active) -> Vec<Name> {
    let mut names: Vec<Name> = Vec::new();
    for stop in route::walk(&routing.route, &active.alert.routing_labels()).stops {
        let name = Name { name: stop.route.receiver.clone() };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

async fn visible_alerts(shared: &Shared, caller: &Caller, routing: &Routing) -> Answer<Vec<Active>> {
    let now = shared.env.now();
    let mut all = active::list(shared.state.read(), shared.silences.cache(), routing, now).await?;
    all.retain(|active| visible(caller, &active.alert));
    Ok(all)
}

fn shown(shared: &Shared, routing: &Routing, active: &Active) -> GettableAlert {
    let config = shared.config.load();
    let names = receivers(routing, active);
    gettable(active, names, shared.env.now(), config.resolve_timeout, &config.server.external_url)
}

/// `GET /api/v2/alerts`.
pub async fn list(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let wanted = Wanted::read(&Params::parse(query.as_deref()))?;
    let routing = shared.alert_reconciler.routing();
    let mut alerts: Vec<GettableAlert> = Vec::new();
    for active in visible_alerts(&shared, &caller, &routing).await?.iter().filter(|active| wanted.alert(active)) {
        let alert = shown(&shared, &routing, active);
        if wanted.receivers(&shared, &alert.receivers) {
            alerts.push(alert);
        }
    }
    alerts.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
    Ok(Json(alerts).into_response())
}

/// `GET /api/v2/alerts/groups`.
pub async fn groups(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let params = Params::parse(query.as_deref());
    let (wanted, muted) = (Wanted::read(&params)?, params.on("muted")?);
    let routing = shared.alert_reconciler.routing();
    let all = visible_alerts(&shared, &caller, &routing).await?;
    let now = shared.env.now();
    let mut answer: Vec<AlertGroup> = Vec::new();
    for group in active::groups(shared.state.read(), &all).await? {
        let receiver = Name { name: group.receiver.clone() };
        if !wanted.receivers(&shared, std::slice::from_ref(&receiver)) {
            continue;
        }
        let members: Vec<&Active> = group.alerts.iter().filter_map(|at| all.get(*at)).collect();
        let walk = members.first().map(|first| route::walk(&routing.route, &first.alert.routing_labels()));
        let stops = walk.iter().flat_map(|walk| &walk.stops);
        let route = stops.into_iter().find(|stop| stop.path == group.route).map(|stop| stop.route);
        let quiet = route.and_then(|route| routing.quiet(route, now));
        if !muted && (quiet.is_some() || members.iter().all(|active| active.suppressed())) {
            continue;
        }
        let alerts = members.into_iter().filter(|active| wanted.alert(active)).map(|active| {
            let mut alert = shown(&shared, &routing, active);
            if let Some(quiet) = &quiet {
                alert.status.state = "suppressed";
                alert.status.muted_by.clone_from(&quiet.by);
            }
            alert
        });
        let alerts: Vec<GettableAlert> = alerts.collect();
        if !alerts.is_empty() {
            let route_labels = route.map(|route| route.labels.clone()).unwrap_or_default();
            answer.push(AlertGroup { labels: group.labels, route_labels, receiver, alerts });
        }
    }
    Ok(Json(answer).into_response())
}
