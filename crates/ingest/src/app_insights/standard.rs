//! The standard metrics: how many requests, dependencies, exceptions and page views there were, how many failed, how long
//! they took. Sampled items count for those that were left out.
//!
//! Not at the items' own times: see `Track::count_at`. The names are an interface: rules are written over them
//! (`docs/guide/application-insights.md`).

use std::collections::BTreeMap;
use std::sync::Arc;

use watchkeeper_domain::labels::NAME as METRIC;
use watchkeeper_domain::telemetry::{Batch, MetricMeta, Sample, SeriesSamples};

use super::envelope::Envelope;
use super::field::head;
use crate::label;
use crate::limits::Limits;

/// Upper bounds in seconds: OpenTelemetry's for `http.server.request.duration`, and some for what takes longer.
const BOUNDS: [(f64, &str); 18] = [
    (0.005, "0.005"),
    (0.01, "0.01"),
    (0.025, "0.025"),
    (0.05, "0.05"),
    (0.075, "0.075"),
    (0.1, "0.1"),
    (0.25, "0.25"),
    (0.5, "0.5"),
    (0.75, "0.75"),
    (1.0, "1"),
    (2.0, "2"),
    (2.5, "2.5"),
    (5.0, "5"),
    (7.5, "7.5"),
    (10.0, "10"),
    (30.0, "30"),
    (60.0, "60"),
    (f64::INFINITY, "+Inf"),
];

/// A request, as it is counted.
pub(super) struct Request<'a> {
    pub(super) code: &'a str,
    pub(super) failed: bool,
    pub(super) seconds: f64,
}

/// A dependency call, as it is counted.
pub(super) struct Dependency<'a> {
    pub(super) kind: &'a str,
    pub(super) target: Option<&'a str>,
    pub(super) code: &'a str,
    pub(super) failed: bool,
    pub(super) seconds: f64,
}

/// An availability result, as it becomes a probe's series.
pub(super) struct Availability<'a> {
    pub(super) name: &'a str,
    pub(super) location: Option<&'a str>,
    pub(super) success: bool,
    pub(super) seconds: f64,
}

type Key = (&'static str, Vec<(&'static str, Arc<str>)>);

/// What a batch adds to the standard metrics.
#[derive(Default)]
pub(super) struct Counts {
    counters: BTreeMap<Key, f64>,
    histograms: BTreeMap<Key, Histogram>,
}

#[derive(Default)]
struct Histogram {
    sum: f64,
    /// Not cumulative.
    buckets: [f64; BOUNDS.len()],
}

impl Counts {
    pub(super) fn request(&mut self, envelope: &Envelope, request: &Request<'_>) {
        let outcome = [("result_code", short(request.code)), ("success", truth(!request.failed))];
        self.add("app_insights_requests_total", envelope, &outcome, envelope.weight);
        // A count of nothing is a count: an alert on failures needs the series before the first one.
        self.add(
            "app_insights_requests_failed_total",
            envelope,
            &[],
            if request.failed { envelope.weight } else { 0.0 },
        );
        self.observe("app_insights_request_duration_seconds", envelope, &[], request.seconds);
    }

    pub(super) fn dependency(&mut self, envelope: &Envelope, call: &Dependency<'_>) {
        let kind = ("type", short(call.kind.split(" | ").next().unwrap_or_default()));
        let target = ("target", short(host(call.target.unwrap_or_default())));
        let outcome =
            [kind.clone(), target.clone(), ("result_code", short(call.code)), ("success", truth(!call.failed))];
        self.add("app_insights_dependencies_total", envelope, &outcome, envelope.weight);
        let failed = if call.failed { envelope.weight } else { 0.0 };
        self.add("app_insights_dependencies_failed_total", envelope, &[kind.clone(), target.clone()], failed);
        self.observe("app_insights_dependency_duration_seconds", envelope, &[kind, target], call.seconds);
    }

    pub(super) fn exception(&mut self, envelope: &Envelope, kind: &str) {
        self.add("app_insights_exceptions_total", envelope, &[("type", short(kind))], envelope.weight);
    }

    #[expect(clippy::cast_precision_loss, reason = "a duration for a histogram")]
    pub(super) fn page_view(&mut self, envelope: &Envelope, took_ns: Option<u64>) {
        self.add("app_insights_page_views_total", envelope, &[], envelope.weight);
        if let Some(nanos) = took_ns {
            self.observe("app_insights_page_view_duration_seconds", envelope, &[], nanos as f64 / 1e9);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a duration for a histogram")]
    pub(super) fn browser_timing(&mut self, envelope: &Envelope, total_ns: u64) {
        self.observe("app_insights_browser_timing_seconds", envelope, &[], total_ns as f64 / 1e9);
    }

    fn add(&mut self, name: &'static str, envelope: &Envelope, own: &[(&'static str, Arc<str>)], by: f64) {
        *self.counters.entry(key(name, envelope, own)).or_default() += by;
    }

    fn observe(&mut self, name: &'static str, envelope: &Envelope, own: &[(&'static str, Arc<str>)], seconds: f64) {
        let histogram = self.histograms.entry(key(name, envelope, own)).or_default();
        histogram.sum += seconds * envelope.weight;
        let at = BOUNDS.iter().position(|(bound, _)| seconds <= *bound).unwrap_or(BOUNDS.len() - 1);
        histogram.buckets[at] += envelope.weight;
    }

    /// Moves everything into the batch's increments.
    pub(super) fn finish(self, batch: &mut Batch, limits: &Limits) {
        let mut kinds: BTreeMap<&'static str, &'static str> = BTreeMap::new();
        for ((name, own), v) in self.counters {
            kinds.insert(name.strip_suffix("_total").unwrap_or(name), "counter");
            push(batch, name.to_owned(), &own, None, v, limits);
        }
        for ((name, own), histogram) in self.histograms {
            kinds.insert(name, "histogram");
            let mut count = 0.0;
            for ((_, bound), bucket) in BOUNDS.iter().zip(histogram.buckets) {
                count += bucket;
                push(batch, format!("{name}_bucket"), &own, Some(bound), count, limits);
            }
            push(batch, format!("{name}_sum"), &own, None, histogram.sum, limits);
            push(batch, format!("{name}_count"), &own, None, count, limits);
        }
        let unit = |name: &str| if name.ends_with("_seconds") { "seconds" } else { "" };
        batch.meta.extend(kinds.into_iter().map(|(name, kind)| MetricMeta {
            name: name.into(),
            kind: kind.into(),
            unit: unit(name).into(),
            help: "Counted from Application Insights items as they arrive.".into(),
        }));
    }
}

fn key(name: &'static str, envelope: &Envelope, own: &[(&'static str, Arc<str>)]) -> Key {
    let service = short(&envelope.service());
    let identity = [("job", Arc::clone(&service)), ("service", service)];
    let instance = envelope.instance().map(|instance| ("instance", short(&instance)));
    (name, identity.into_iter().chain(instance).chain(own.iter().cloned()).collect())
}

fn push(batch: &mut Batch, name: String, own: &[(&'static str, Arc<str>)], le: Option<&str>, v: f64, limits: &Limits) {
    let own = own.iter().filter(|(_, value)| !value.is_empty()).map(|(n, v)| (Arc::from(*n), Arc::clone(v)));
    let more = [(METRIC, Some(name.as_str())), ("le", le)];
    let more = more.into_iter().filter_map(|(n, v)| Some((Arc::from(n), Arc::from(v?))));
    // Every value is short by construction, so that no cap is broken.
    let Ok(labels) = label::build(own.chain(more).collect::<Vec<_>>(), limits) else { return };
    batch.deltas.push(SeriesSamples { labels, samples: vec![Sample { t: 0, v }], start: None });
}

/// The machine of a target: not its path, which may be different each time, and not what correlates it.
fn host(target: &str) -> &str {
    let target = target.split(" | ").next().unwrap_or_default();
    let target = target.split_once("://").map_or(target, |(_, rest)| rest);
    target.split(['/', '?', '#']).next().unwrap_or_default()
}

fn short(text: &str) -> Arc<str> {
    Arc::from(head(text, 256))
}

fn truth(value: bool) -> Arc<str> {
    Arc::from(if value { "true" } else { "false" })
}
