//! Live Metrics (QuickPulse): once a second a process says how it goes; gauges here.
//!
//! Not its documents: the samples of requests and traces that it carries come to `/v2.1/track` as well, whole. And not the
//! headers by which the two sides agree to begin and to stop.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use watchkeeper_domain::labels::NAME as METRIC;
use watchkeeper_domain::telemetry::{Batch, MetricMeta, Sample, SeriesSamples};

use super::field::{Fields, NAME};
use crate::error::DecodeError;
use crate::label;
use crate::limits::Limits;
use crate::otlp::plain_metric_name;

/// The most points of one post, and metrics of one point: a process sends one point of a dozen metrics.
const POINTS: usize = 100;
const METRICS: usize = 100;
/// The most bytes of a post; its documents are most of it.
const BYTES: usize = 4 << 20;

/// What Azure calls a figure, what it is called here, and by what it is multiplied to be in base units.
const FIGURES: [(&str, &str, f64); 13] = [
    (r"\ApplicationInsights\Requests/Sec", "requests_per_second", 1.0),
    (r"\ApplicationInsights\Request Duration", "request_duration_seconds", 1e-3),
    (r"\ApplicationInsights\Requests Failed/Sec", "requests_failed_per_second", 1.0),
    (r"\ApplicationInsights\Requests Succeeded/Sec", "requests_succeeded_per_second", 1.0),
    (r"\ApplicationInsights\Dependency Calls/Sec", "dependencies_per_second", 1.0),
    (r"\ApplicationInsights\Dependency Call Duration", "dependency_duration_seconds", 1e-3),
    (r"\ApplicationInsights\Dependency Calls Failed/Sec", "dependencies_failed_per_second", 1.0),
    (r"\ApplicationInsights\Dependency Calls Succeeded/Sec", "dependencies_succeeded_per_second", 1.0),
    (r"\ApplicationInsights\Exceptions/Sec", "exceptions_per_second", 1.0),
    (r"\Memory\Committed Bytes", "memory_committed_bytes", 1.0),
    (r"\Process\Physical Bytes", "process_physical_bytes", 1.0),
    (r"\Processor(_Total)\% Processor Time", "processor_time_percent", 1.0),
    (r"\% Process\Processor Time Normalized", "process_processor_time_percent", 1.0),
];

/// Decodes a post: a list of points, each with the figures of one second. `sender` names whose process it is where that
/// says no role; `now_ms` is when a point counts that says no time.
pub fn decode(body: &[u8], limits: &Limits, sender: &str, now_ms: i64) -> Result<Batch, DecodeError> {
    const WHAT: &str = "the Live Metrics body";
    if body.len() > BYTES {
        return Err(DecodeError::TooLarge { what: WHAT.to_owned(), limit: format!("{BYTES} bytes") });
    }
    let malformed = |reason: String| DecodeError::Malformed { what: WHAT, reason };
    let parsed: Value = serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))?;
    let points = match &parsed {
        Value::Array(points) => points.as_slice(),
        point @ Value::Object(_) => std::slice::from_ref(point),
        _ => return Err(malformed("it is no list of points".to_owned())),
    };
    let (mut batch, mut names) = (Batch::default(), BTreeMap::new());
    let mut series: BTreeMap<watchkeeper_domain::Labels, BTreeMap<i64, f64>> = BTreeMap::new();
    for point in points.iter().take(POINTS).map(|point| Fields::of(Some(point))) {
        let service = point.text("RoleName", 256).unwrap_or_else(|| sender.to_owned());
        let instance = point.text("Instance", 256);
        let python = point.text("Version", NAME).is_some_and(|version| is_python(&version));
        let t = point.text("Timestamp", NAME).and_then(|text| moment_ms(&text)).unwrap_or(now_ms);
        for metric in point.list("Metrics").iter().take(METRICS).map(|metric| Fields::of(Some(metric))) {
            let (Some(name), Some(value)) = (metric.text("Name", NAME), metric.number("Value")) else { continue };
            let known = FIGURES.iter().find(|(azure, ..)| *azure == name).map(|(_, own, by)| ((*own).to_owned(), *by));
            let Some((name, by)) = known.or_else(|| Some((plain_metric_name(&name)?.to_ascii_lowercase(), 1.0))) else {
                continue;
            };
            let name = format!("app_insights_live_{name}");
            let pairs = [
                (METRIC, Some(name.as_str())),
                ("job", Some(&service)),
                ("service", Some(&service)),
                ("instance", instance.as_deref()),
            ];
            let pairs = pairs.into_iter().filter_map(|(n, v)| Some((Arc::from(n), Arc::from(v?))));
            let Ok(labels) = label::build(pairs.collect(), limits) else { continue };
            series.entry(labels).or_default().insert(t, if python && by != 1.0 { value } else { value * by });
            names.insert(name, ());
        }
    }
    batch.series.extend(series.into_iter().map(|(labels, samples)| SeriesSamples {
        labels,
        samples: samples.into_iter().map(|(t, v)| Sample { t, v }).collect(),
        start: None,
    }));
    batch.meta.extend(names.into_keys().map(|name| MetricMeta {
        name: name.into(),
        kind: "gauge".into(),
        unit: "".into(),
        help: "Application Insights Live Metrics, once a second.".into(),
    }));
    Ok(batch)
}

/// Whether a point comes from the exporter for Python, whose durations are seconds where all others send milliseconds
/// (1.0.0b58, `_quickpulse/_manager.py`: nanoseconds divided by 1e9, under the name `duration_ms`).
fn is_python(version: &str) -> bool {
    version.rsplit('_').next().is_some_and(|sdk| sdk.starts_with("py"))
}

/// RFC 3339, or `/Date(1795334400000)/` as older SDKs write it.
fn moment_ms(text: &str) -> Option<i64> {
    if let Some(millis) = text.strip_prefix("/Date(").and_then(|rest| rest.strip_suffix(")/")) {
        return millis.parse().ok();
    }
    let time: jiff::Timestamp = text.trim().parse().ok()?;
    Some(time.as_millisecond())
}
