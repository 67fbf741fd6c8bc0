//! What of a heartbeat's standing becomes an alert.
//!
//! Not the alert's life: that is `alert`'s.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use watchkeeper_config::model::Heartbeat;
use watchkeeper_domain::{Category, Labels, Priority, Signal, Timestamp, Verdict};

use super::record::{Record, Standing};

/// The alert about a job that does not report.
pub(super) const LATE: &str = "HeartbeatLate";
/// The alert about a job that reports that it failed.
pub(super) const FAILED: &str = "HeartbeatFailed";
/// Where these alerts come from.
pub(super) const SOURCE: &str = "heartbeat";

/// An alert that fires about a heartbeat, as it was raised: its end must name the same one, whatever is configured then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Raised {
    name: String,
    labels: Labels,
    priority: Priority,
    category: Category,
    since: Timestamp,
}

/// The signals that bring what fires in line with how the heartbeat stands; `raised` is then what fires.
/// Without a configured heartbeat nothing is to fire.
pub(super) fn between(
    heartbeat: Option<&Heartbeat>,
    raised: &mut Option<Raised>,
    record: &Record,
    now: Timestamp,
) -> Vec<Signal> {
    let wanted = heartbeat.and_then(|heartbeat| wanted(heartbeat, record));
    let same = |a: &Raised, b: &Raised| a.labels == b.labels;
    let mut signals = Vec::new();
    match (raised.take(), wanted) {
        (Some(before), Some(wanted)) if same(&before, &wanted) => *raised = Some(before),
        (before, wanted) => {
            if let Some(before) = before {
                let reason = match heartbeat {
                    None => "the heartbeat is not configured any more",
                    Some(_) if record.standing == Standing::Up => "the job reported again",
                    Some(_) => "it stands otherwise now",
                };
                signals.push(signal(&before, Verdict::Resolved, BTreeMap::new(), record, reason.to_owned(), now));
            }
            if let (Some(heartbeat), Some(wanted)) = (heartbeat, &wanted) {
                let annotations = annotations(heartbeat, record);
                signals.push(signal(wanted, Verdict::Firing, annotations, record, record.reason.clone(), now));
            }
            *raised = wanted;
        }
    }
    signals
}

fn wanted(heartbeat: &Heartbeat, record: &Record) -> Option<Raised> {
    let name = match record.standing {
        Standing::Late => LATE,
        Standing::Failed => FAILED,
        Standing::New | Standing::Up | Standing::Unknown => return None,
    };
    let mut labels: BTreeMap<String, String> = heartbeat.labels.clone();
    // Routes match on labels; one that is configured wins.
    labels.entry("priority".to_owned()).or_insert_with(|| heartbeat.priority.as_str().to_owned());
    labels.entry("category".to_owned()).or_insert_with(|| heartbeat.category.as_str().to_owned());
    labels.insert("alertname".to_owned(), name.to_owned());
    labels.insert("heartbeat".to_owned(), heartbeat.name.clone());
    Some(Raised {
        name: name.to_owned(),
        labels: Labels::from_pairs(labels),
        priority: heartbeat.priority,
        category: heartbeat.category,
        since: record.since,
    })
}

fn annotations(heartbeat: &Heartbeat, record: &Record) -> BTreeMap<String, String> {
    let mut annotations = heartbeat.annotations.clone();
    let summary = match record.standing {
        Standing::Failed => format!("The job {} failed", heartbeat.name),
        _ => format!("The job {} has not reported", heartbeat.name),
    };
    annotations.entry("summary".to_owned()).or_insert(summary);
    let description =
        format!("{}. It reports {}, with a grace of {}.", record.reason, heartbeat.expected, heartbeat.grace);
    annotations.entry("description".to_owned()).or_insert(description);
    annotations
}

fn signal(
    raised: &Raised,
    verdict: Verdict,
    annotations: BTreeMap<String, String>,
    record: &Record,
    reason: String,
    now: Timestamp,
) -> Signal {
    Signal {
        source: SOURCE.to_owned(),
        rule_id: None,
        name: raised.name.clone(),
        labels: raised.labels.clone(),
        annotations,
        category: raised.category,
        priority: raised.priority,
        verdict,
        value: None,
        expr: None,
        threshold: None,
        comparison: None,
        started_at: raised.since,
        at: now,
        evidence: json!({
            "last_success_at": record.last_success, "last_failure_at": record.last_failure,
            "exit_code": record.exit_code,
        }),
        reason,
    }
}
