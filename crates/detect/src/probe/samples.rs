//! A probe's result as samples, under blackbox_exporter's names.
//!
//! Not their meaning: rules read them.

use watchkeeper_config::model::{Probe, ProbeKind};
use watchkeeper_domain::Labels;
use watchkeeper_domain::labels::NAME;
use watchkeeper_domain::telemetry::{Batch, STALE_NAN_BITS, Sample, SeriesSamples};

use super::verdict::Verdict;
use super::{ProbeResult, target};

/// One sample per fact. `probe` and `target` cannot be overwritten by configured labels.
///
/// A probe that did not run ends its series: a rule must see that nobody can tell, not the result before.
pub(super) fn batch(probe: &Probe, result: &ProbeResult, verdict: Verdict) -> Batch {
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
    let nobody_knows = f64::from_bits(STALE_NAN_BITS);
    let success = result.success().map(|success| f64::from(u8::from(success)));
    add("probe_success", "", success.unwrap_or(nobody_knows));
    add(
        "probe_up",
        "",
        match verdict {
            Verdict::Up => 1.0,
            Verdict::Down => 0.0,
            Verdict::Unknown => nobody_knows,
        },
    );
    if success.is_none() {
        return Batch { series, ..Batch::default() };
    }
    add("probe_duration_seconds", "", result.duration.as_secs_f64());
    if let Some(lookup) = finding.phases.resolve {
        add("probe_dns_lookup_time_seconds", "", lookup.as_secs_f64());
    }
    if let Some(expires_at) = finding.certificate_expires_at {
        add("probe_ssl_earliest_cert_expiry", "", expires_at.as_secs_f64());
    }
    if let ProbeKind::Http(http) = &probe.kind {
        for (phase, took) in finding.phases.named() {
            add("probe_http_duration_seconds", phase, took.unwrap_or_default().as_secs_f64());
        }
        add("probe_http_status_code", "", f64::from(finding.status.unwrap_or(0)));
        if http.expect_body.is_some() {
            add("probe_failed_due_to_regex", "", f64::from(u8::from(finding.failed_by_regex)));
        }
    } else {
        let name = format!("probe_{}_duration_seconds", probe.kind.as_str());
        for (phase, took) in finding.phases.named() {
            if let Some(took) = took {
                add(&name, phase, took.as_secs_f64());
            }
        }
    }
    Batch { series, ..Batch::default() }
}
