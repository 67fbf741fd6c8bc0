//! Handlers: what is wrong now, who is asking, what runs.
//!
//! Not a store of its own: each answer is read from the tables and the running parts.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use watchkeeper_alert::read::{self as alerts, Filter as AlertFilter, Shown};
use watchkeeper_config::model::Role;
use watchkeeper_incident::IncidentState;
use watchkeeper_incident::read::{self as incidents, Filter, Listed};
use watchkeeper_respond::workflow;

use super::access::Caller;
use super::alerts::{Owners, summary, visible};
use super::dto::overview::{OpenIncident, Overview, PriorityCounts, ProbeCounts};
use super::dto::session::{Me, Settings};
use super::dto::words::{PersonRole, Priority, ProbeState, ReceiverHealth, RuleState};
use super::problem::{ApiProblem, ApiResult};
use super::{deliveries, incidents as incident_api, oncall, rules, workflows};
use crate::app::Shared;

/// `GET /overview`.
pub async fn overview(State(shared): State<Arc<Shared>>, caller: Caller) -> ApiResult<Json<Overview>> {
    let pool = shared.state.read();
    let now = shared.env.now();
    let states = vec![IncidentState::Triggered, IncidentState::Acknowledged, IncidentState::Mitigated];
    let filter = Filter { states, limit: 200, ..Filter::default() };
    let page = incidents::list(pool, incident_api::viewer(&caller), &filter).await.map_err(incident_api::refused)?;
    let mut open = Vec::with_capacity(page.items.len());
    for listed in &page.items {
        open.push(open_incident(&shared, listed).await?);
    }
    open.sort_by_key(|i| (rank(i.priority), i.since));

    let filter = AlertFilter { states: vec![Shown::Firing, Shown::Unknown], limit: 1_000, ..AlertFilter::default() };
    let firing = alerts::list(pool, shared.silences.cache(), now, &filter).await;
    let firing = firing.map_err(|error| ApiProblem::from(watchkeeper_domain::Problem::from(&error)))?.items;
    let firing: Vec<_> = firing.into_iter().filter(|l| visible(&caller, &l.alert)).collect();
    let mut counts = PriorityCounts::default();
    for listed in &firing {
        match listed.alert.priority.into() {
            Priority::Critical => counts.critical += 1,
            Priority::High => counts.high += 1,
            Priority::Medium => counts.medium += 1,
            Priority::Low => counts.low += 1,
        }
    }
    let nobody = Owners::new();
    let all_rules = rules::all(&shared, &caller);
    let mut probes = ProbeCounts::default();
    for probe in rules::all_probes(&shared) {
        match probe.state {
            ProbeState::Up => probes.up += 1,
            ProbeState::Down => probes.down += 1,
            ProbeState::Unknown => probes.unknown += 1,
        }
    }
    Ok(Json(Overview {
        at: now.into(),
        incidents: open,
        on_call: oncall::answers(&shared, now, None).await?,
        alerts: firing.iter().filter(|l| l.alert.incident_id.is_none()).map(|l| summary(l, &nobody)).collect(),
        rules_total: u32::try_from(all_rules.len()).unwrap_or(u32::MAX),
        unknown_rules: all_rules.into_iter().filter(|r| r.state == RuleState::Unknown).collect(),
        failing_receivers: deliveries::all(&shared)
            .await?
            .into_iter()
            .filter(|r| r.health == ReceiverHealth::Failing)
            .collect(),
        probes,
        counts,
        last_telemetry_at: shared.last_telemetry_at().map(Into::into),
    }))
}

fn rank(priority: Priority) -> u8 {
    match priority {
        Priority::Critical => 0,
        Priority::High => 1,
        Priority::Medium => 2,
        Priority::Low => 3,
    }
}

async fn open_incident(shared: &Shared, listed: &Listed) -> ApiResult<OpenIncident> {
    let pool = shared.state.read();
    let i = &listed.incident;
    let runs =
        workflow::list(pool, &workflow::Filter { incident: Some(i.id), limit: Some(1), ..workflow::Filter::default() })
            .await?;
    let impact: Option<String> = sqlx::query_scalar(
        "SELECT json_extract(annotations, '$.impact') FROM alert WHERE incident_id = $1 ORDER BY CASE priority \
         WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END, fired_at LIMIT 1",
    )
    .bind(i.id.to_string())
    .fetch_optional(pool)
    .await
    .map_err(watchkeeper_state::StateError::statement("read the impact of an incident"))?
    .flatten();
    let shown = incident_api::shown(listed);
    Ok(OpenIncident {
        id: shown.id,
        number: shown.number,
        title: shown.title,
        priority: shown.priority,
        category: shown.category,
        state: shown.state,
        kind: shown.kind,
        since: shown.started_at,
        owner: shown.owner,
        tried: runs.first().map(workflows::tried),
        active_alerts: shown.active_alerts,
        impact,
    })
}

/// `GET /me`.
pub async fn me(State(shared): State<Arc<Shared>>, caller: Caller) -> Json<Me> {
    Json(Me {
        name: caller.name.clone(),
        role: match caller.role {
            Role::Ingest | Role::Viewer => PersonRole::Viewer,
            Role::Responder => PersonRole::Responder,
            Role::Admin => PersonRole::Admin,
        },
        demo: shared.config.load().demo.is_some(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        time_zone: "UTC".to_owned(),
    })
}

/// `GET /settings`.
pub async fn settings(State(shared): State<Arc<Shared>>) -> Json<Settings> {
    let config = shared.config.load();
    let count = |n: usize| n as u64;
    let rules = shared.rules().running.groups.iter().map(|g| g.rules.len()).sum();
    let counts = [
        ("rules", rules),
        ("probes", config.probes.len()),
        ("receivers", config.receivers.len()),
        ("workflows", config.workflows.len()),
        ("people", config.people.len()),
        ("schedules", config.schedules.len()),
        ("escalation policies", config.escalation_policies.len()),
        ("status page components", config.status_page.components.len()),
    ];
    let mut files: Vec<String> = config.rule_groups.iter().map(|g| g.file.clone()).collect();
    files.dedup();
    files.splice(0..0, shared.config_file.iter().map(|f| f.display().to_string()));
    let any = |has: fn(&watchkeeper_config::model::Receiver) -> bool| config.receivers.values().any(has);
    let integrations = [
        ("slack", any(|r| !r.slack.is_empty())),
        ("slack buttons", config.slack_signing_secret.is_some()),
        ("email", any(|r| !r.email.is_empty())),
        ("webhook", any(|r| !r.webhook.is_empty())),
    ];
    let listen = [Some(config.server.listen), config.server.otlp_http, config.server.otlp_grpc];
    Json(Settings {
        listen: listen.into_iter().flatten().map(|a| a.to_string()).collect(),
        data_dir: config.storage.path.display().to_string(),
        files,
        counts: counts.into_iter().map(|(name, n)| (name.to_owned(), count(n))).collect(),
        retention: BTreeMap::from([("telemetry".to_owned(), config.storage.retention.to_string())]),
        integrations: integrations.into_iter().filter(|(_, on)| *on).map(|(name, _)| name.to_owned()).collect(),
    })
}
