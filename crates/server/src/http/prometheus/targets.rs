//! Handlers: `/api/v1/targets`, `/api/v1/targets/metadata` and `/api/v1/scrape_pools` in Prometheus's shapes.
//!
//! Not our own answer about targets (`http::targets`).

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use watchkeeper_domain::Matcher;
use watchkeeper_domain::labels::NAME;
use watchkeeper_promql::Annotations;
use watchkeeper_scrape::{Health, TargetStatus};

use super::{Failure, Params, selectors, success};
use crate::app::Shared;

/// The time of something that never was, as Go writes it.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// `GET /api/v1/targets`.
pub async fn targets(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    let params = Params::parse(query.as_deref().unwrap_or(""));
    let pool = params.get("scrapePool");
    let wanted = |job: &str| pool.is_none_or(|pool| pool == job);
    let state = params.get("state").unwrap_or("any").to_ascii_lowercase();
    let shows = |which: &str| state == "any" || state == which || !matches!(&*state, "active" | "dropped");
    let all_dropped = shared.scrapes.dropped();
    let (mut active, mut dropped) = (Vec::new(), Vec::new());
    if shows("active") {
        active.extend(shared.scrapes.statuses().iter().filter(|status| wanted(&status.job)).map(one));
    }
    if shows("dropped") {
        let found = all_dropped.iter().filter(|d| wanted(&d.job));
        dropped.extend(found.map(|d| json!({"discoveredLabels": d.discovered, "scrapePool": d.job})));
    }
    let mut counts = serde_json::Map::new();
    for found in &all_dropped {
        let count = counts.entry(found.job.as_str()).or_insert(json!(0));
        *count = json!(count.as_u64().unwrap_or(0) + 1);
    }
    let data = json!({"activeTargets": active, "droppedTargets": dropped, "droppedTargetCounts": counts});
    success(data, &Annotations::default()).into_response()
}

fn one(status: &TargetStatus) -> Value {
    let target = &status.target;
    json!({
        "discoveredLabels": target.discovered,
        "labels": target.labels,
        "scrapePool": status.job,
        "scrapeUrl": target.shown_url(),
        "globalUrl": target.shown_url(),
        "lastError": status.error.as_deref().unwrap_or(""),
        "lastScrape": status.last.map_or_else(|| NEVER.to_owned(), |at| at.to_string()),
        "lastScrapeDuration": status.duration.as_secs_f64(),
        "health": match status.health {
            Health::Unknown => "unknown",
            Health::Up => "up",
            Health::Down => "down",
        },
        "scrapeInterval": target.interval.to_string(),
        "scrapeTimeout": target.timeout.to_string(),
    })
}

/// `GET /api/v1/scrape_pools`.
pub async fn scrape_pools(State(shared): State<Arc<Shared>>) -> Response {
    success(json!({"scrapePools": shared.scrapes.jobs()}), &Annotations::default()).into_response()
}

/// `GET /api/v1/targets/metadata`.
pub async fn metadata(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    find_metadata(&shared, &Params::parse(query.as_deref().unwrap_or(""))).into_response()
}

fn find_metadata(shared: &Shared, params: &Params) -> Result<axum::Json<Value>, Failure> {
    let metric = params.get("metric");
    let wanted = params.get("match_target").map(one_selector).transpose()?.unwrap_or_default();
    let limit = params.limit()?;
    let found = shared.scrapes.metadata().into_iter().filter(|(labels, meta)| {
        metric.is_none_or(|metric| *meta.name == *metric) && wanted.iter().all(|matcher| matcher.matches(labels))
    });
    let shown = found.take(limit).map(|(labels, meta)| {
        let mut one = json!({"target": labels, "type": &*meta.kind, "help": &*meta.help, "unit": &*meta.unit});
        if metric.is_none() {
            one["metric"] = json!(&*meta.name);
        }
        one
    });
    Ok(success(Value::Array(shown.collect()), &Annotations::default()))
}

/// The matchers of one selector, given as text.
fn one_selector(text: &str) -> Result<Vec<Matcher>, Failure> {
    let found = selectors(&Params(vec![("match[]".to_owned(), text.to_owned())]))?;
    Ok(found.into_iter().flatten().filter(|matcher| &*matcher.name != NAME).collect())
}
