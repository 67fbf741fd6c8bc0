//! Handlers: what is scraped.
//!
//! Not Prometheus's answer about the same (`prometheus::targets`).

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use watchkeeper_domain::Labels;
use watchkeeper_scrape::{Health, TargetStatus};

use super::dto::targets::{DroppedTarget, JobProblem, Target, TargetList};
use super::dto::words::ProbeState;
use crate::app::Shared;

/// `GET /targets`.
pub async fn list(State(shared): State<Arc<Shared>>) -> Json<TargetList> {
    let mut items: Vec<Target> = shared.scrapes.statuses().into_iter().map(target).collect();
    items.sort_by_key(|t| match t.state {
        ProbeState::Down => 0,
        ProbeState::Unknown => 1,
        ProbeState::Up => 2,
    });
    let dropped = shared.scrapes.dropped().into_iter();
    let dropped = dropped.map(|d| DroppedTarget { job: d.job, discovered: map(&d.discovered), detail: d.why });
    let problems = shared.scrapes.problems().into_iter().map(|(job, detail)| JobProblem { job, detail });
    Json(TargetList { items, dropped: dropped.collect(), problems: problems.collect() })
}

fn target(status: TargetStatus) -> Target {
    Target {
        url: status.target.shown_url(),
        labels: map(&status.target.labels),
        state: match status.health {
            Health::Unknown => ProbeState::Unknown,
            Health::Up => ProbeState::Up,
            Health::Down => ProbeState::Down,
        },
        since: status.since.map(Into::into),
        last_scrape_at: status.last.map(Into::into),
        last_duration_ms: status.last.map(|_| status.duration.as_secs_f64() * 1_000.0),
        samples: status.samples as u64,
        detail: status.error,
        interval: status.target.interval.to_string(),
        next_due_at: status.next.into(),
        job: status.job,
    }
}

fn map(labels: &Labels) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
