//! Handlers: `/api/v1/status/…`, `/api/v1/format_query` and `/api/v1/query_exemplars`, as Prometheus answers them.
//!
//! Not health: that is `/-/healthy` and `/-/ready`. What only Go's runtime has is left out.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use watchkeeper_domain::Timestamp;
use watchkeeper_promql::Annotations;

use super::{Answer, Failure, Form, Params, evaluate_blocking, number, parse, success, window};
use crate::app::Shared;

/// The Prometheus whose API this is: clients choose by it what they ask for.
const SPEAKS: &str = "3.5.0";
/// How many entries the lists of `status/tsdb` have when nobody says.
const TOP: usize = 10;

fn plain(data: Value) -> Response {
    success(data, &Annotations::default()).into_response()
}

/// `GET /api/v1/status/buildinfo`.
pub async fn buildinfo() -> Response {
    plain(json!({
        "version": SPEAKS, "application": concat!("watchkeeper ", env!("CARGO_PKG_VERSION")),
        "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": "",
    }))
}

/// `GET /api/v1/status/runtimeinfo`.
pub async fn runtimeinfo(State(shared): State<Arc<Shared>>) -> Response {
    let config = shared.config.load();
    plain(json!({
        "startTime": shared.started_at.to_string(),
        "reloadConfigSuccess": shared.last_reload().succeeded,
        "lastConfigTime": shared.last_reload().in_force_since.to_string(),
        "corruptionCount": 0,
        "storageRetention": config.storage.retention.to_string(),
    }))
}

/// `GET /api/v1/status/flags`: what Prometheus has as flags and we as configuration.
pub async fn flags(State(shared): State<Arc<Shared>>) -> Response {
    let config = shared.config.load();
    let limits = watchkeeper_promql::Limits::default();
    plain(json!({
        "query.lookback-delta": "5m",
        "query.max-samples": limits.max_samples.to_string(),
        "storage.tsdb.retention.time": config.storage.retention.to_string(),
        "storage.tsdb.retention.size": config.storage.max_bytes.to_string(),
        "web.listen-address": config.server.listen.to_string(),
        "web.enable-remote-write-receiver": "true",
    }))
}

/// `GET /api/v1/status/config`: what Prometheus's clients look for in it. Nothing secret is in these parts.
pub async fn config(State(shared): State<Arc<Shared>>) -> Response {
    let config = shared.config.load();
    let mut files: Vec<&str> = config.rule_groups.iter().map(|g| g.file.as_str()).collect();
    files.dedup();
    let mut yaml = format!("global:\n  evaluation_interval: {}\n", config.evaluation.interval);
    if !files.is_empty() {
        // A JSON string is a YAML string too.
        let list: Vec<String> = files.iter().map(|file| format!("- {}\n", json!(file))).collect();
        yaml = format!("{yaml}rule_files:\n{}", list.concat());
    }
    plain(json!({ "yaml": yaml }))
}

/// `GET /api/v1/status/walreplay`. Who can ask gets an answer only after the log was read.
pub async fn walreplay() -> Response {
    plain(json!({"min": 0, "max": 0, "current": 0, "state": "done"}))
}

/// `GET /api/v1/status/tsdb`: what the series in memory are made of.
pub async fn tsdb(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    let params = Params::parse(query.as_deref().unwrap_or(""));
    let answer = async {
        let top = if params.get("limit").is_none() { TOP } else { params.limit()? };
        evaluate_blocking(move || cardinality(&shared, top)).await
    };
    match answer.await {
        Ok(data) => plain(data),
        Err(failure) => failure.into_response(),
    }
}

fn cardinality(shared: &Shared, top: usize) -> Value {
    let now = shared.env.now().as_millis();
    let series = shared.store.series(&[], i64::MIN / 2, now);
    let mut by_name: HashMap<&str, usize> = HashMap::new();
    let mut pairs: HashMap<(&str, &str), usize> = HashMap::new();
    for labels in &series {
        for (name, value) in labels.iter() {
            *pairs.entry((name, value)).or_default() += 1;
            if name == "__name__" {
                *by_name.entry(value).or_default() += 1;
            }
        }
    }
    let mut values: HashMap<&str, usize> = HashMap::new();
    let mut bytes: HashMap<&str, usize> = HashMap::new();
    for ((name, value), count) in &pairs {
        *values.entry(name).or_default() += 1;
        *bytes.entry(name).or_default() += count * (name.len() + value.len());
    }
    let spelled = pairs.iter().map(|((name, value), count)| (format!("{name}={value}"), *count)).collect();
    let owned = |map: HashMap<&str, usize>| map.into_iter().map(|(name, n)| (name.to_owned(), n)).collect();
    let stats = shared.store.stats();
    json!({
        "headStats": {"numSeries": stats.series, "numLabelPairs": pairs.len(), "chunkCount": 0, "minTime": 0, "maxTime": now},
        "seriesCountByMetricName": largest(owned(by_name), top),
        "labelValueCountByLabelName": largest(owned(values), top),
        "memoryInBytesByLabelName": largest(owned(bytes), top),
        "seriesCountByLabelValuePair": largest(spelled, top),
    })
}

fn largest(mut counts: Vec<(String, usize)>, top: usize) -> Vec<Value> {
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.into_iter().take(top).map(|(name, value)| json!({"name": name, "value": value})).collect()
}

/// `GET /api/v1/format_query`.
pub async fn format_query(RawQuery(query): RawQuery) -> Response {
    format(&Params::parse(query.as_deref().unwrap_or(""))).into_response()
}

/// `POST /api/v1/format_query`.
pub async fn format_query_form(form: Form) -> Response {
    format(&form.0).into_response()
}

fn format(params: &Params) -> Answer {
    let expr = parse(params.need("query")?)?;
    Ok(success(json!(expr.to_string()), &Annotations::default()))
}

/// `GET /api/v1/query_exemplars`.
pub async fn query_exemplars(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    exemplars(&shared, &Params::parse(query.as_deref().unwrap_or(""))).into_response()
}

/// `POST /api/v1/query_exemplars`.
pub async fn query_exemplars_form(State(shared): State<Arc<Shared>>, form: Form) -> Response {
    exemplars(&shared, &form.0).into_response()
}

fn exemplars(shared: &Shared, params: &Params) -> Answer {
    let expr = parse(params.need("query")?)?;
    let (start, end) = window(shared, params)?;
    if end < start {
        return Err(Failure::bad_data(
            "invalid parameter \"end\": end timestamp must not be before start time".to_owned(),
        ));
    }
    let mut series: BTreeMap<_, Vec<Value>> = BTreeMap::new();
    for selector in expr.selectors() {
        for exemplar in shared.store.exemplars(&selector.matchers, start, end) {
            let ids = [("trace_id", exemplar.trace_id.as_str()), ("span_id", exemplar.span_id.as_str())];
            let labels: BTreeMap<_, _> =
                exemplar.attributes.iter().chain(ids).filter(|(_, value)| !value.is_empty()).collect();
            let at = Timestamp::from_millis(exemplar.t).as_secs_f64();
            let shown = json!({"labels": labels, "value": number(exemplar.v), "timestamp": at});
            let list = series.entry(exemplar.labels).or_default();
            // Two selectors of one expression may find the same.
            if !list.contains(&shown) {
                list.push(shown);
            }
        }
    }
    let one = |(labels, exemplars)| json!({"seriesLabels": labels, "exemplars": exemplars});
    let found: Vec<Value> = series.into_iter().map(one).collect();
    Ok(success(json!(found), &Annotations::default()))
}
