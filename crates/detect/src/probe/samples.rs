//! A probe's result as samples, under blackbox_exporter's names.
//!
//! Not their meaning: rules read them.

use watchkeeper_config::model::{Probe, ProbeKind};
use watchkeeper_domain::Labels;
use watchkeeper_domain::labels::NAME;
use watchkeeper_domain::telemetry::{Batch, Sample, SeriesSamples};

use super::{ProbeResult, target};

/// One sample per fact. `probe` and `target` cannot be overwritten by configured labels.
pub(super) fn batch(probe: &Probe, result: &ProbeResult) -> Batch {
    let finding = &result.finding;
    // The moment at which the answer was known: a sample must not lie in the future of the rule that it wakes.
    let t = (result.at + result.duration).as_millis();
    let base: Labels = probe
        .labels
        .iter()
        .map(|(n, v)| (n.clone(), v.clone()))
        .chain([("probe".to_owned(), probe.name.clone()), ("target".to_owned(), target(probe))])
        .collect();
    let mut series = Vec::new();
    let mut add = |name: &str, phase: &str, v: f64| {
        let labels = base.with(NAME, name).with("phase", phase);
        series.push(SeriesSamples { labels, samples: vec![Sample { t, v }], start: None });
    };
    add("probe_success", "", f64::from(u8::from(result.success())));
    add("probe_duration_seconds", "", result.duration.as_secs_f64());
    if let Some(lookup) = finding.phases.resolve {
        add("probe_dns_lookup_time_seconds", "", lookup.as_secs_f64());
    }
    if let ProbeKind::Http { expect_body, .. } = &probe.kind {
        for (phase, took) in finding.phases.named() {
            add("probe_http_duration_seconds", phase, took.unwrap_or_default().as_secs_f64());
        }
        add("probe_http_status_code", "", f64::from(finding.status.unwrap_or(0)));
        if expect_body.is_some() {
            add("probe_failed_due_to_regex", "", f64::from(u8::from(finding.failed_by_regex)));
        }
        if let Some(expires_at) = finding.certificate_expires_at {
            add("probe_ssl_earliest_cert_expiry", "", expires_at.as_secs_f64());
        }
    }
    Batch { series, ..Batch::default() }
}
