//! Watchkeeper's own metrics: for `/metrics`, and into its own store, so that its own rules watch it.
//!
//! Not counters spread over the code: each part keeps its numbers, and they are read here when asked.

use std::fmt::Write as _;

use parking_lot::Mutex;
use watchkeeper_domain::telemetry::{Batch, MetricMeta, Sample, SeriesSamples};
use watchkeeper_domain::{Labels, Timestamp, labels::NAME};

use super::Shared;

/// One figure of a part.
struct Figure {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    labels: Vec<(&'static str, String)>,
    value: f64,
}

/// Figures that are counted here because no part has them.
#[derive(Default)]
pub struct Metrics {
    outbox: Mutex<Vec<(String, i64)>>,
}

impl Metrics {
    /// Keeps the numbers of notifications by state, read from the database by a background pass.
    pub fn set_outbox(&self, by_state: Vec<(String, i64)>) {
        *self.outbox.lock() = by_state;
    }

    /// The OpenMetrics text.
    #[must_use]
    pub fn encode(&self, shared: &Shared) -> String {
        let mut text = String::new();
        let mut last = "";
        for figure in self.figures(shared) {
            if figure.name != last {
                let family = figure.name.strip_suffix("_total").unwrap_or(figure.name);
                // Writing into a String cannot fail.
                let _ = writeln!(text, "# TYPE {family} {}\n# HELP {family} {}", figure.kind, figure.help);
                last = figure.name;
            }
            let labels: Vec<String> = figure.labels.iter().map(|(n, v)| format!("{n}={v:?}")).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(text, "{}{labels} {}", figure.name, figure.value);
        }
        text.push_str("# EOF\n");
        text
    }

    /// The same as a batch of samples.
    #[must_use]
    pub fn batch(&self, shared: &Shared) -> Batch {
        let t = shared.env.now().as_millis();
        let figures = self.figures(shared);
        let series = |f: &Figure| {
            let own =
                [(NAME, f.name.to_owned()), ("job", "watchkeeper".to_owned()), ("service", "watchkeeper".to_owned())];
            SeriesSamples {
                labels: Labels::from_pairs(own.into_iter().chain(f.labels.iter().map(|(n, v)| (*n, v.clone())))),
                samples: vec![Sample { t, v: f.value }],
                start: None,
            }
        };
        let meta =
            |f: &Figure| MetricMeta { name: f.name.into(), kind: f.kind.into(), unit: "".into(), help: f.help.into() };
        Batch {
            series: figures.iter().map(series).collect(),
            meta: figures.iter().map(meta).collect(),
            ..Batch::default()
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "figures for people and rules")]
    fn figures(&self, shared: &Shared) -> Vec<Figure> {
        let stats = shared.store.stats();
        let plain = |name, kind, help, value: f64| Figure { name, kind, help, labels: Vec::new(), value };
        let mut figures = vec![
            plain("watchkeeper_store_series", "gauge", "Series in memory.", stats.series as f64),
            plain("watchkeeper_store_samples", "gauge", "Samples in memory.", stats.samples as f64),
            plain(
                "watchkeeper_store_log_bytes",
                "gauge",
                "Bytes of the telemetry log on disk.",
                stats.log_bytes as f64,
            ),
            plain("watchkeeper_store_segments", "gauge", "Segments of the telemetry log.", stats.segments as f64),
            plain("watchkeeper_store_queued_batches", "gauge", "Batches that wait for the disk.", stats.queued as f64),
            plain("watchkeeper_store_appends_total", "counter", "Batches made durable.", stats.appends as f64),
            plain("watchkeeper_store_syncs_total", "counter", "Syncs that made them durable.", stats.syncs as f64),
            plain(
                "watchkeeper_store_errors_total",
                "counter",
                "Batches that the disk refused.",
                stats.storage_errors as f64,
            ),
            plain("watchkeeper_store_samples_total", "counter", "Samples kept.", stats.samples_kept as f64),
            plain(
                "watchkeeper_store_samples_refused_total",
                "counter",
                "Samples too old, contradicting, counted already, too far ahead, or of a series too many.",
                stats.samples_refused as f64,
            ),
            plain(
                "watchkeeper_notifications_in_flight",
                "gauge",
                "Sends under way.",
                shared.deliverer.in_flight() as f64,
            ),
        ];
        for (state, count) in self.outbox.lock().iter() {
            figures.push(Figure {
                name: "watchkeeper_notifications",
                kind: "gauge",
                help: "Notifications by state.",
                labels: vec![("state", state.clone())],
                value: *count as f64,
            });
        }
        let statuses = shared.scheduler.statuses();
        for state in ["ok", "pending", "firing", "unknown"] {
            let count = statuses.iter().filter(|s| s.state.as_str() == state).count();
            figures.push(Figure {
                name: "watchkeeper_rules",
                kind: "gauge",
                help: "Rules by state.",
                labels: vec![("state", state.to_owned())],
                value: count as f64,
            });
        }
        let evaluations: u64 = statuses.iter().map(|s| s.evaluations).sum();
        let failures: u64 = statuses.iter().map(|s| s.failures).sum();
        figures.push(plain(
            "watchkeeper_rule_evaluations_total",
            "counter",
            "Evaluations of rules.",
            evaluations as f64,
        ));
        figures.push(plain("watchkeeper_rule_failures_total", "counter", "Evaluations that failed.", failures as f64));
        for (sender, ahead) in shared.senders.ahead(shared.env.now()) {
            figures.push(Figure {
                name: "watchkeeper_sender_clock_ahead_seconds",
                kind: "gauge",
                help: "How far the clocks of senders were ahead of this server's in the last ten minutes.",
                labels: vec![("sender", sender)],
                value: ahead.as_secs_f64(),
            });
        }
        if let Some(loaded) = shared.certificates.now() {
            figures.push(plain(
                "watchkeeper_tls_certificate_expiry_timestamp_seconds",
                "gauge",
                "When the certificate that the listeners show ends.",
                loaded.not_after.as_secs_f64(),
            ));
        }
        for (task, status) in shared.supervisor.statuses() {
            figures.push(Figure {
                name: "watchkeeper_task_errors_total",
                kind: "counter",
                help: "Background passes that failed or panicked.",
                labels: vec![("task", task.to_owned())],
                value: (status.errors + status.panics) as f64,
            });
        }
        figures.extend(self_watch(shared));
        figures
    }
}

/// How Watchkeeper itself does.
#[expect(clippy::cast_precision_loss, reason = "figures for people and rules")]
fn self_watch(shared: &Shared) -> Vec<Figure> {
    let status = shared.watchman.status();
    let seconds = |at: Timestamp| at.as_millis() as f64 / 1e3;
    let plain = |name, kind, help, value: f64| Figure { name, kind, help, labels: Vec::new(), value };
    let stalled = f64::from(u8::from(status.stalled_since.is_some()));
    let help = "1 while the way of an alert is stalled.";
    let mut figures = vec![plain("watchkeeper_pipeline_stalled", "gauge", help, stalled)];
    let beats = [("delivered", status.beats), ("failed", status.beats_failed), ("withheld", status.beats_withheld)];
    figures.extend(beats.map(|(outcome, count)| Figure {
        name: "watchkeeper_heartbeats_total",
        kind: "counter",
        help: "Heartbeats by what became of them.",
        labels: vec![("outcome", outcome.to_owned())],
        value: count as f64,
    }));
    figures.extend(status.last_beat_at.map(|at| {
        let help = "When a heartbeat last arrived, Unix seconds.";
        plain("watchkeeper_heartbeat_last_delivered_timestamp_seconds", "gauge", help, seconds(at))
    }));
    figures.extend(shared.progress.all().into_iter().map(|(stage, at)| Figure {
        name: "watchkeeper_stage_last_completed_timestamp_seconds",
        kind: "gauge",
        help: "When a stage of the background work last came to an end of a look, Unix seconds.",
        labels: vec![("stage", stage.to_owned())],
        value: seconds(at),
    }));
    figures
}
