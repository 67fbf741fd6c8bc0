//! The OpenAPI document of the HTTP API, from which `openapi.json` and the console's typed client are made.
//!
//! Not the router: a path listed here is served by a handler elsewhere, and a test compares the two.

#![expect(dead_code, reason = "a path description is a function that only its attribute macro reads")]

use utoipa::OpenApi;

use super::dto;

mod alerts;
mod changes;
mod detection;
mod explore;
mod heartbeats;
mod incidents;
mod incoming;
mod ledger;
mod now;
mod oncall;
mod prometheus;
mod response;
mod routing;
mod rules;
mod self_watch;
mod telemetry;

/// The whole document.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Watchkeeper",
        description = "Watchkeeper's own resources live under /api/watchkeeper/v1; /api/v1 is left to the Prometheus read API. \
                       Problems are RFC 9457 with a `code`. Times are RFC 3339 in UTC.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    paths(
        now::overview,
        now::me,
        now::settings,
        now::events,
        now::demo,
        now::switch_fault_on,
        now::switch_fault_off,
        alerts::list_alerts,
        alerts::count_alerts,
        alerts::acknowledge_alerts,
        alerts::assign_alerts,
        alerts::get_alert,
        alerts::get_alert_chart,
        alerts::explain_alert,
        alerts::acknowledge_alert,
        alerts::list_silences,
        alerts::create_silence,
        alerts::preview_silence,
        alerts::expire_silence,
        incoming::receive_alerts,
        incoming::preview_alerts,
        incidents::list_incidents,
        incidents::declare_incident,
        incidents::get_incident,
        incidents::acknowledge_incident,
        incidents::mitigate_incident,
        incidents::resolve_incident,
        incidents::close_incident,
        incidents::assign_role,
        incidents::add_note,
        incidents::get_post_mortem,
        incidents::edit_post_mortem,
        incidents::save_action_item,
        incidents::export_post_mortem,
        changes::list_changes,
        changes::record_change,
        detection::list_rules,
        rules::get_rule,
        rules::get_rule_history,
        rules::check_expression,
        rules::list_rule_groups,
        rules::check_rule_group,
        rules::get_rule_group,
        rules::put_rule_group,
        rules::delete_rule_group,
        rules::list_rule_group_versions,
        rules::enable_rule_group,
        rules::disable_rule_group,
        rules::roll_back_rule_group,
        detection::start_backtest,
        detection::get_backtest,
        detection::cancel_backtest,
        detection::list_probes,
        detection::list_targets,
        heartbeats::list_heartbeats,
        heartbeats::get_heartbeat,
        response::list_workflows,
        response::start_run,
        response::list_runs,
        response::get_run,
        response::cancel_run,
        response::list_receivers,
        response::test_receiver,
        response::list_notifications,
        response::get_notification,
        response::explain_notification,
        response::preview_message,
        self_watch::get_self_watch,
        self_watch::list_drills,
        self_watch::run_drill,
        self_watch::confirm_drill,
        telemetry::list_metrics,
        telemetry::list_logs,
        explore::list_log_patterns,
        explore::tail_logs,
        explore::get_service_map,
        telemetry::list_traces,
        telemetry::get_trace,
        telemetry::list_services,
        routing::get_routing,
        routing::which_way,
        oncall::on_call,
        oncall::list_schedules,
        oncall::get_schedule,
        oncall::add_handoff_note,
        oncall::list_gaps,
        oncall::list_overrides,
        oncall::create_override,
        oncall::remove_override,
        oncall::list_people,
        oncall::explain_person,
        oncall::list_escalations,
        ledger::list_ledger,
        ledger::verify_ledger,
        prometheus::query,
        prometheus::query_range,
        prometheus::series,
        prometheus::labels,
        prometheus::label_values,
        prometheus::metadata,
    ),
    components(schemas(
        dto::session::Change,
        dto::words::Role,
        dto::alerts::AlertSort,
        dto::incidents::IncidentSort,
        dto::rules::RuleSort,
    )),
    tags(
        (name = "now", description = "What is wrong now; who is asking; live changes"),
        (name = "alerts", description = "Alerts and silences"),
        (name = "incidents", description = "Incidents and post-mortems"),
        (name = "detection", description = "Rules, probes and scraped targets"),
        (name = "response", description = "Workflows, runs, receivers, notifications"),
        (name = "on-call", description = "Who answers when, overrides, hand-off notes, escalations"),
        (name = "telemetry", description = "Stored metrics, logs and traces"),
        (name = "ledger", description = "What happened, hash-chained"),
        (name = "prometheus", description = "The Prometheus read API"),
    ),
)]
pub struct Document;

/// The document as it is committed: pretty JSON with a newline at the end.
#[must_use]
pub fn document() -> String {
    let mut json = Document::openapi().to_pretty_json().expect("the document holds no value that JSON lacks");
    json.push('\n');
    json
}

#[cfg(test)]
mod tests {
    /// Run with `WATCHKEEPER_BLESS=1` to write the file anew, then `npm run generate` in `ui/`.
    #[test]
    fn the_committed_openapi_document_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi.json");
        let made = super::document();
        if std::env::var_os("WATCHKEEPER_BLESS").is_some() {
            std::fs::write(path, &made).expect("writes openapi.json");
        }
        let committed = std::fs::read_to_string(path).expect("openapi.json is committed");
        assert!(made == committed, "openapi.json is stale: run `make bless`");
    }
}
