//! Heartbeats as series, for rules and charts of one's own.
//!
//! Not what raises their alerts.

use watchkeeper_domain::labels::NAME;
use watchkeeper_domain::telemetry::{Batch, Sample, SeriesSamples};
use watchkeeper_domain::{Labels, Timestamp};

use super::Status;
use super::record::Standing;

/// One sample per fact that is known; `heartbeat_up` is absent while nobody can tell.
pub(super) fn batch(statuses: &[Status], now: Timestamp) -> Batch {
    let mut series = Vec::new();
    for Status { heartbeat, record, .. } in statuses {
        let labels: Labels = heartbeat
            .labels
            .iter()
            .map(|(n, v)| (n.clone(), v.clone()))
            .chain([("heartbeat".to_owned(), heartbeat.name.clone())])
            .collect();
        let mut add = |name: &str, value: Option<f64>| {
            let Some(v) = value else { return };
            let samples = vec![Sample { t: now.as_millis(), v }];
            series.push(SeriesSamples { labels: labels.with(NAME, name), samples, start: None });
        };
        let up = match record.standing {
            Standing::Up => Some(1.0),
            Standing::Late | Standing::Failed => Some(0.0),
            Standing::New | Standing::Unknown => None,
        };
        add("heartbeat_up", up);
        add("heartbeat_last_success_timestamp_seconds", record.last_success.map(Timestamp::as_secs_f64));
        add("heartbeat_duration_seconds", record.took.map(|took| took.as_secs_f64()));
        add("heartbeat_exit_code", record.exit_code.map(f64::from));
        let heard = record.last_beat.is_some();
        #[expect(clippy::cast_precision_loss, reason = "nobody starts so many runs")]
        add("heartbeat_overlapping_runs_total", heard.then_some(record.overlaps as f64));
        #[expect(clippy::cast_precision_loss, reason = "at most 50")]
        add("heartbeat_runs_in_progress", heard.then_some(record.runs.len() as f64));
    }
    Batch { series, ..Batch::default() }
}
