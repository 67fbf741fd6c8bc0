//! What the context of each kind adds: the measured value, the query, the dimensions, what is over without being called
//! resolved.
//!
//! Not the essentials.

use serde_json::Value;
use watchkeeper_domain::Category;

use crate::incoming::pick::{as_text, first, list, text, without_tags};
use crate::incoming::{Act, Incoming};

pub(super) fn read(service: &str, context: &Value, incoming: &mut Incoming) {
    match service {
        "ServiceHealth" => service_health(context, incoming),
        "Resource Health" | "ResourceHealth" => resource_health(context, incoming),
        "CostAlerts" => budget(context, incoming),
        "SmartDetector" => smart_detector(context, incoming),
        "Prometheus" => prometheus(context, incoming),
        "Log Analytics" | "Application Insights" if context.get("SearchQuery").is_some() => log_v1(context, incoming),
        _ if service.starts_with("Activity Log") => activity_log(context, incoming),
        // Platform metrics, availability tests, log alerts of the second version, simple log alerts, VM Insights.
        _ => condition(context, incoming),
    }
}

/// `Percentage CPU (Average) is 7.727, GreaterThan 25`.
fn condition(context: &Value, incoming: &mut Incoming) {
    let mut lines = Vec::new();
    for found in list(context, "/condition/allOf").iter().take(8) {
        let what = first(found, &["/webTestName", "/metricName", "/metricMeasureColumn"])
            .or_else(|| text(found, "/searchQuery").map(|_| "the query's result".to_owned()));
        let how = text(found, "/timeAggregation").map(|how| format!(" ({how})")).unwrap_or_default();
        if let (Some(what), Some(value)) = (what, text(found, "/metricValue")) {
            let limit = match (text(found, "/operator"), text(found, "/threshold")) {
                (Some(operator), Some(threshold)) => format!(", {operator} {threshold}"),
                _ => String::new(),
            };
            lines.push(format!("{what}{how} is {value}{limit}"));
        }
        for dimension in list(found, "/dimensions") {
            if let Some(name) = text(dimension, "/name").filter(|name| !incoming.labels.contains_key(name)) {
                incoming.label(&name, text(dimension, "/value"));
            }
        }
        incoming.note("query", text(found, "/searchQuery"));
        incoming.note("results", first(found, &["/linkToFilteredSearchResultsUI", "/linkToSearchResultsUI"]));
        for event in list(found, "/event").iter().take(1) {
            let pairs = event
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|pair| Some(format!("{}: {}", text(pair, "/name")?, text(pair, "/value")?)));
            incoming.note("event", Some(pairs.collect::<Vec<_>>().join("\n")));
        }
        if incoming.service.is_none() {
            incoming.service = text(found, "/webTestName");
        }
        if found.get("webTestName").is_some_and(Value::is_string) {
            incoming.category = Some(Category::Application);
        }
    }
    incoming.note("summary", Some(lines.join("; ")));
    if incoming.url.is_empty() {
        incoming.url =
            incoming.annotations.get("results").filter(|url| url.contains("://")).cloned().unwrap_or_default();
    }
}

/// The first log alerts: they never say that they are over.
fn log_v1(context: &Value, incoming: &mut Incoming) {
    incoming.stateless = true;
    incoming.note("query", text(context, "/SearchQuery"));
    incoming.note("results", first(context, &["/LinkToFilteredSearchResultsUI", "/LinkToSearchResults"]));
    let found = text(context, "/ResultCount").map(|count| format!("{count} results"));
    let limit = match (text(context, "/Operator"), text(context, "/Threshold")) {
        (Some(operator), Some(threshold)) => format!(", {operator} {threshold}"),
        _ => String::new(),
    };
    incoming.note("summary", found.map(|found| format!("{found}{limit}")));
    for dimension in list(context, "/Dimensions") {
        if let Some(name) = text(dimension, "/name") {
            incoming.label(&name, text(dimension, "/value"));
        }
    }
    if incoming.service.is_none() {
        incoming.service = list(context, "/AffectedConfigurationItems").first().and_then(as_text);
    }
}

fn activity_log(context: &Value, incoming: &mut Incoming) {
    incoming.stateless = true;
    let operation = text(context, "/operationName");
    let who = text(context, "/caller").map(|who| format!(" by {who}")).unwrap_or_default();
    let status = text(context, "/status").map(|status| format!(": {status}")).unwrap_or_default();
    incoming.note("summary", operation.as_ref().map(|operation| format!("{operation}{who}{status}")));
    incoming.label("operation", operation);
    incoming.note("caller", text(context, "/caller"));
    incoming.note("correlation_id", text(context, "/correlationId"));
    if incoming.service.is_none() {
        let scope = first(context, &["/properties/entity", "/authorization/scope"]);
        incoming.service = scope.as_deref().and_then(|id| id.rsplit('/').next()).map(str::to_owned);
    }
}

/// The monitor condition stays `Fired`; the stage says when it is over, and the tracking id which event it is.
fn service_health(context: &Value, incoming: &mut Incoming) {
    incoming.stateless = true;
    let of = |name: &str| text(context, &format!("/properties/{name}"));
    if let Some(tracking) = of("trackingId") {
        incoming.label("tracking_id", Some(tracking.clone()));
        incoming.key = Some(format!("service-health/{tracking}"));
    }
    let over = |word: String| matches!(word.as_str(), "Resolved" | "Complete" | "Completed" | "Canceled");
    if of("stage").or_else(|| text(context, "/status")).is_some_and(over) {
        incoming.act = Act::Resolve;
    }
    incoming.service = of("service").or(incoming.service.take());
    incoming.label("region", of("region"));
    incoming.label("incident_type", of("incidentType"));
    if of("incidentType").as_deref() == Some("Security") {
        incoming.category = Some(Category::Security);
    }
    incoming.note("summary", of("title"));
    incoming.note("communication", of("communication").map(|html| without_tags(&html)));
}

/// Each event is an alert of its own for Azure; for people it is the health of one resource.
fn resource_health(context: &Value, incoming: &mut Incoming) {
    incoming.stateless = true;
    let of = |name: &str| text(context, &format!("/properties/{name}"));
    if let Some(resource) = incoming.labels.get("resource").or(incoming.service.as_ref()) {
        incoming.key = Some(format!("resource-health/{}/{resource}", incoming.name));
    }
    let healthy = of("currentHealthStatus").as_deref() == Some("Available");
    if healthy || text(context, "/status").as_deref() == Some("Resolved") {
        incoming.act = Act::Resolve;
    }
    let change = match (of("previousHealthStatus"), of("currentHealthStatus")) {
        (Some(before), Some(now)) => format!(" ({before} → {now})"),
        _ => String::new(),
    };
    incoming.note("summary", of("title").map(|title| format!("{title}{change}")));
    incoming.note("cause", of("cause"));
}

fn budget(context: &Value, incoming: &mut Incoming) {
    incoming.stateless = true;
    let of = |name: &str| text(context, &format!("/AlertData/{name}"));
    if let (Some(spent), Some(limit)) = (of("SpentAmount"), of("BudgetThreshold")) {
        let forecast = of("ForecastedTotalForPeriod").map(|sum| format!(", {sum} forecast")).unwrap_or_default();
        incoming.note("summary", Some(format!("{spent} spent{forecast}, budget {limit}")));
    }
    incoming.label("threshold_type", of("ThresholdType"));
    incoming.service = of("Scope");
}

fn smart_detector(context: &Value, incoming: &mut Incoming) {
    incoming.stateless = true;
    incoming.note("summary", text(context, "/DetectionSummary"));
    let values = match (text(context, "/DetectedValue"), text(context, "/NormalValue")) {
        (Some(detected), Some(normal)) => Some(format!("{detected}, normally {normal}")),
        (detected, _) => detected,
    };
    incoming.note("value", values);
    incoming.label("detector", text(context, "/SmartDetectorName"));
}

fn prometheus(context: &Value, incoming: &mut Incoming) {
    let labels = crate::incoming::grafana::texts(context.get("labels"));
    if let Some(name) = labels.get("alertname") {
        incoming.name.clone_from(name);
    }
    incoming.service = labels.get("service").or_else(|| labels.get("job")).cloned().or(incoming.service.take());
    for (name, value) in labels {
        incoming.labels.entry(name).or_insert(value);
    }
    incoming.annotations.extend(crate::incoming::grafana::texts(context.get("annotations")));
    incoming.note("query", text(context, "/expression"));
    incoming.note("value", text(context, "/expressionValue"));
}
