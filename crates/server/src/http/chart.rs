//! Handlers: an alert's chart, as points for the console and as a PNG for messages.
//!
//! Not drawing: uPlot draws in the console, `respond::chart` draws the PNG.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use watchkeeper_alert::alert::{Alert, AlertState as StoredState};
use watchkeeper_alert::read;
use watchkeeper_domain::ids::AlertId;
use watchkeeper_domain::query::{Query, SeriesData};
use watchkeeper_domain::{Span, Timestamp};
use watchkeeper_promql::Expr;
use watchkeeper_respond::chart::{Chart, Line};

use super::access::Caller;
use super::alerts::{comparison, find, state};
use super::dto::alerts::{AlertChart, ChartSeries, StateSpan};
use super::dto::words::AlertState;
use super::extract::Path;
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;

/// How many points a line has at most.
const POINTS: i64 = 240;
/// The most lines.
const MOST_SERIES: usize = 20;

/// `GET /alerts/{id}/chart`.
pub async fn data(
    State(shared): State<Arc<Shared>>,
    caller: Caller,
    Path(id): Path<String>,
) -> ApiResult<Json<AlertChart>> {
    let alert = find(&shared, &caller, &id).await?.alert;
    let drawn = draw(&shared, &alert).await;
    let point = |s: &watchkeeper_domain::telemetry::Sample| (s.t, s.v.is_finite().then_some(s.v));
    let series = |s: &SeriesData| ChartSeries {
        labels: s.labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect(),
        points: s.samples.iter().map(point).collect(),
    };
    Ok(Json(AlertChart {
        start: drawn.start.into(),
        end: drawn.end.into(),
        unit: unit(&drawn.query),
        query: drawn.query,
        threshold: alert.threshold,
        comparison: alert.comparison.as_deref().and_then(comparison),
        series: drawn.series.iter().map(series).collect(),
        spans: spans(&alert),
    }))
}

/// `GET /charts/{alert}.{seal}.png`: without logging in, because Slack fetches it, and so under a name that nobody guesses.
pub async fn png(State(shared): State<Arc<Shared>>, Path(file): Path<String>) -> ApiResult<Response> {
    let unknown = || ApiProblem::not_found("chart", &file);
    let (id, seal) = file.strip_suffix(".png").and_then(|name| name.split_once('.')).ok_or_else(unknown)?;
    let id: AlertId = id.parse().map_err(|_| unknown())?;
    let given = hex::decode(seal).map_err(|_| unknown())?;
    sealed(&shared, id).verify_truncated_left(&given).map_err(|_| unknown())?;
    if given.len() < 16 {
        return Err(unknown());
    }
    let chart = for_message(&shared, id).await.ok_or_else(unknown)?;
    let png = tokio::task::spawn_blocking(move || chart.png())
        .await
        .map_err(|e| ApiProblem::internal("draw the chart", &e))?;
    let cache = HeaderValue::from_static("public, max-age=60");
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("image/png")), (header::CACHE_CONTROL, cache)], png)
        .into_response())
}

/// The path of an alert's PNG.
pub fn path(shared: &Shared, id: AlertId) -> String {
    let seal = sealed(shared, id).finalize().into_bytes();
    format!("/charts/{id}.{}.png", hex::encode(&seal[..16]))
}

fn sealed(shared: &Shared, id: AlertId) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&shared.instance_key).expect("HMAC takes a key of any length");
    mac.update(id.to_string().as_bytes());
    mac
}

/// The chart of an alert, as a message shows it.
pub async fn for_message(shared: &Shared, id: AlertId) -> Option<Chart> {
    let alert = read::get(shared.state.read(), shared.silences.cache(), shared.env.now(), id).await.ok()?.alert;
    let drawn = draw(shared, &alert).await;
    let line = |s: &SeriesData| Line {
        name: s.labels.to_string(),
        points: s.samples.iter().map(|p| (Timestamp::from_millis(p.t), p.v)).collect(),
    };
    let lines: Vec<Line> = drawn.series.iter().map(line).collect();
    if lines.is_empty() {
        return None;
    }
    Some(Chart {
        title: alert.headline().to_owned(),
        from: drawn.start,
        to: drawn.end,
        lines,
        threshold: alert.threshold,
        firing: vec![(alert.fired_at, alert.resolved_at.unwrap_or(drawn.end))],
    })
}

struct Drawn {
    start: Timestamp,
    end: Timestamp,
    query: String,
    series: Vec<SeriesData>,
}

/// Evaluates the compared side of the alert's expression around its time, for the alert's own series.
async fn draw(shared: &Shared, alert: &Alert) -> Drawn {
    let now = shared.env.now();
    let end = alert.resolved_at.map_or(now, |end| (end + Span::from_secs(300)).min(now));
    let start = alert.started_at - Span::from_secs(900);
    let text = alert.expr.clone().unwrap_or_default();
    let compared = Expr::parse(&text).ok().and_then(|e| e.comparison()).map(|c| c.lhs.to_string());
    let query = compared.unwrap_or(text);
    let step_ms = (end.since(start).as_millis() / POINTS).max(1_000);
    let all = shared.store.range(&query, start, end, step_ms).await.unwrap_or_default();
    // Another instance of the rule has a chart of its own.
    let own =
        |s: &SeriesData| s.labels.without_name().iter().all(|(n, v)| alert.labels.get(n).is_none_or(|have| have == v));
    let series = all.into_iter().filter(own).take(MOST_SERIES).collect();
    Drawn { start, end, query, series }
}

/// The unit, as far as the query tells.
fn unit(query: &str) -> Option<String> {
    let ratio = query.contains('/') || query.contains("_ratio");
    let named = [("_seconds", "seconds"), ("_bytes", "bytes")]
        .into_iter()
        .find(|(part, _)| query.contains(part))
        .map(|(_, unit)| unit);
    match (ratio, named) {
        (true, _) => Some("ratio".to_owned()),
        (false, Some(unit)) if !query.contains("_count") && !query.contains("_bucket{") => Some(unit.to_owned()),
        _ => None,
    }
}

fn spans(alert: &Alert) -> Vec<StateSpan> {
    let mut spans = Vec::new();
    if alert.started_at < alert.fired_at {
        spans.push(StateSpan {
            state: AlertState::Pending,
            start: alert.started_at.into(),
            end: Some(alert.fired_at.into()),
        });
    }
    let shown = if alert.state == StoredState::Resolved { AlertState::Firing } else { state(alert) };
    spans.push(StateSpan { state: shown, start: alert.fired_at.into(), end: alert.resolved_at.map(Into::into) });
    spans
}
