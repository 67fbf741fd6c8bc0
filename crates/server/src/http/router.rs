//! Which path is answered by what, and what role it takes.
//!
//! Not the handlers. Every route goes through [`Routes::route`] with its access, so that the table is complete by
//! construction; tests walk it with each role and hold it against the OpenAPI document.

mod detection;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse as _;
use axum::routing::{MethodRouter, delete, get, options, post, put};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use watchkeeper_config::model::Role;
use watchkeeper_domain::Code;

use super::problem::ApiProblem;
use super::{
    access, alertmanager, alerts, app_insights, backtests, calendar, changes, chart, console, deliveries, demo, drills,
    events, explore, heartbeats, incidents, incoming, ingest, ledger, now, oncall, page, phone, post_mortem,
    prometheus, routing, rules, silences, slack, status_page, targets, telemetry, workflows,
};
use crate::app::Shared;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody: health, the status page, the login page, signed callbacks.
    Public,
    /// Callers with at least this role.
    AtLeast(Role),
}

/// A router with the table of its routes.
#[derive(Default)]
pub struct Routes {
    router: Router<Arc<Shared>>,
    table: Vec<(Method, &'static str, Access)>,
}

impl Routes {
    fn route(mut self, method: Method, path: &'static str, access: Access, handler: MethodRouter<Arc<Shared>>) -> Self {
        let handler = match access {
            Access::Public => handler,
            Access::AtLeast(role) => handler.layer(from_fn(move |request, next| access::require(role, request, next))),
        };
        self.router = self.router.route(path, handler);
        self.table.push((method, path, access));
        self
    }

    /// All routes with their access.
    #[must_use]
    pub fn table(&self) -> &[(Method, &'static str, Access)] {
        &self.table
    }
}

/// All routes of the main listener.
#[must_use]
pub fn routes() -> Routes {
    const VIEW: Access = Access::AtLeast(Role::Viewer);
    const ACT: Access = Access::AtLeast(Role::Responder);
    const ADMIN: Access = Access::AtLeast(Role::Admin);
    const PUBLIC: Access = Access::Public;
    let api = |routes: Routes| {
        routes
            .route(Method::GET, "/api/watchkeeper/v1/overview", VIEW, get(now::overview))
            .route(Method::GET, "/api/watchkeeper/v1/me", VIEW, get(now::me))
            .route(Method::GET, "/api/watchkeeper/v1/settings", VIEW, get(now::settings))
            .route(Method::GET, "/api/watchkeeper/v1/events", VIEW, get(events::events))
            .route(Method::GET, "/api/watchkeeper/v1/demo", VIEW, get(demo::show))
            .route(Method::POST, "/api/watchkeeper/v1/demo/faults/{name}/on", ADMIN, post(demo::switch_on))
            .route(Method::POST, "/api/watchkeeper/v1/demo/faults/{name}/off", ADMIN, post(demo::switch_off))
            .route(Method::GET, "/api/watchkeeper/v1/alerts", VIEW, get(alerts::list))
            .route(Method::GET, "/api/watchkeeper/v1/alerts/counts", VIEW, get(alerts::counts))
            .route(Method::POST, "/api/watchkeeper/v1/alerts/acknowledge", ACT, post(alerts::many::acknowledge))
            .route(Method::POST, "/api/watchkeeper/v1/alerts/assign", ACT, post(alerts::many::assign))
            .route(Method::GET, "/api/watchkeeper/v1/alerts/{id}", VIEW, get(alerts::show))
            .route(Method::GET, "/api/watchkeeper/v1/alerts/{id}/chart", VIEW, get(chart::data))
            .route(Method::GET, "/api/watchkeeper/v1/alerts/{id}/explain", VIEW, get(alerts::explain))
            .route(Method::POST, "/api/watchkeeper/v1/alerts/{id}/acknowledge", ACT, post(alerts::acknowledge))
            .route(Method::POST, "/api/watchkeeper/v1/in/{name}", PUBLIC, post(incoming::receive))
            .route(Method::POST, "/api/watchkeeper/v1/in/{name}/preview", VIEW, post(incoming::preview))
            .route(Method::GET, "/api/watchkeeper/v1/silences", VIEW, get(silences::list))
            .route(Method::POST, "/api/watchkeeper/v1/silences", ACT, post(silences::create))
            .route(Method::POST, "/api/watchkeeper/v1/silences/preview", VIEW, post(silences::preview))
            .route(Method::DELETE, "/api/watchkeeper/v1/silences/{id}", ACT, delete(silences::expire))
            .route(Method::GET, "/api/watchkeeper/v1/incidents", VIEW, get(incidents::list))
            .route(Method::POST, "/api/watchkeeper/v1/incidents", ACT, post(incidents::declare))
            .route(Method::GET, "/api/watchkeeper/v1/incidents/{id}", VIEW, get(incidents::show))
            .route(Method::POST, "/api/watchkeeper/v1/incidents/{id}/acknowledge", ACT, post(incidents::acknowledge))
            .route(Method::POST, "/api/watchkeeper/v1/incidents/{id}/mitigate", ACT, post(incidents::mitigate))
            .route(Method::POST, "/api/watchkeeper/v1/incidents/{id}/resolve", ACT, post(incidents::resolve))
            .route(Method::POST, "/api/watchkeeper/v1/incidents/{id}/close", ACT, post(incidents::close))
            .route(Method::POST, "/api/watchkeeper/v1/incidents/{id}/assign", ACT, post(incidents::assign))
            .route(Method::POST, "/api/watchkeeper/v1/incidents/{id}/notes", ACT, post(incidents::note))
            .route(Method::GET, "/api/watchkeeper/v1/incidents/{id}/post-mortem", VIEW, get(post_mortem::show))
            .route(Method::PUT, "/api/watchkeeper/v1/incidents/{id}/post-mortem", ACT, put(post_mortem::edit))
            .route(Method::GET, "/api/watchkeeper/v1/incidents/{id}/post-mortem.md", VIEW, get(post_mortem::markdown))
            .route(Method::POST, "/api/watchkeeper/v1/incidents/{id}/action-items", ACT, post(post_mortem::action_item))
            .route(Method::POST, "/api/watchkeeper/v1/backtests", VIEW, post(backtests::start))
            .route(Method::GET, "/api/watchkeeper/v1/backtests/{id}", VIEW, get(backtests::show))
            .route(Method::DELETE, "/api/watchkeeper/v1/backtests/{id}", VIEW, delete(backtests::cancel))
            .route(Method::GET, "/api/watchkeeper/v1/changes", VIEW, get(changes::list))
            .route(Method::POST, "/api/watchkeeper/v1/changes", Access::AtLeast(Role::Ingest), post(changes::create))
            .route(Method::GET, "/api/watchkeeper/v1/probes", VIEW, get(rules::probes))
            .route(Method::GET, "/api/watchkeeper/v1/heartbeats", VIEW, get(heartbeats::list))
            .route(Method::GET, "/api/watchkeeper/v1/heartbeats/{name}", VIEW, get(heartbeats::show))
            .route(Method::GET, "/api/watchkeeper/v1/targets", VIEW, get(targets::list))
            .route(Method::GET, "/api/watchkeeper/v1/workflows", VIEW, get(workflows::list))
            .route(Method::POST, "/api/watchkeeper/v1/workflows/{name}/run", ACT, post(workflows::run_by_hand))
            .route(Method::GET, "/api/watchkeeper/v1/runs", VIEW, get(workflows::runs))
            .route(Method::GET, "/api/watchkeeper/v1/runs/{id}", VIEW, get(workflows::show))
            .route(Method::POST, "/api/watchkeeper/v1/runs/{id}/cancel", ACT, post(workflows::cancel))
            .route(Method::GET, "/api/watchkeeper/v1/receivers", VIEW, get(deliveries::receivers))
            .route(Method::POST, "/api/watchkeeper/v1/receivers/{name}/test", ADMIN, post(deliveries::test))
            .route(Method::GET, "/api/watchkeeper/v1/notifications", VIEW, get(deliveries::list))
            .route(Method::GET, "/api/watchkeeper/v1/notifications/{id}", VIEW, get(deliveries::show))
            .route(Method::GET, "/api/watchkeeper/v1/notifications/{id}/explain", VIEW, get(deliveries::explain))
            .route(Method::GET, "/api/watchkeeper/v1/routing", VIEW, get(routing::tree))
            .route(Method::POST, "/api/watchkeeper/v1/routing/which", VIEW, post(routing::which))
            .route(Method::POST, "/api/watchkeeper/v1/receivers/{name}/preview", ACT, post(deliveries::preview))
            .route(Method::GET, "/api/watchkeeper/v1/self-watch", VIEW, get(drills::self_watch))
            .route(Method::GET, "/api/watchkeeper/v1/drills", VIEW, get(drills::list))
            .route(Method::POST, "/api/watchkeeper/v1/drills", ACT, post(drills::run))
            .route(Method::POST, "/api/watchkeeper/v1/drills/{id}/confirm", ACT, post(drills::confirm))
            .route(Method::GET, "/api/watchkeeper/v1/oncall", VIEW, get(oncall::now))
            .route(Method::GET, "/api/watchkeeper/v1/oncall/schedules", VIEW, get(oncall::schedules))
            .route(Method::GET, "/api/watchkeeper/v1/oncall/schedules/{name}", VIEW, get(oncall::schedule))
            .route(Method::POST, "/api/watchkeeper/v1/oncall/schedules/{name}/notes", ACT, post(oncall::note))
            .route(Method::GET, "/api/watchkeeper/v1/oncall/gaps", VIEW, get(oncall::gaps))
            .route(Method::GET, "/api/watchkeeper/v1/oncall/overrides", VIEW, get(oncall::overrides))
            .route(Method::POST, "/api/watchkeeper/v1/oncall/overrides", ACT, post(oncall::create_override))
            .route(Method::DELETE, "/api/watchkeeper/v1/oncall/overrides/{id}", ACT, delete(oncall::remove_override))
            .route(Method::GET, "/api/watchkeeper/v1/oncall/people", VIEW, get(oncall::people))
            .route(Method::GET, "/api/watchkeeper/v1/oncall/people/{name}/explain", VIEW, get(oncall::explain_person))
            .route(Method::GET, "/api/watchkeeper/v1/oncall/escalations", VIEW, get(oncall::escalations))
            .route(Method::GET, "/api/watchkeeper/v1/telemetry/metrics", VIEW, get(telemetry::metrics))
            .route(Method::GET, "/api/watchkeeper/v1/telemetry/logs", VIEW, get(telemetry::logs))
            .route(Method::GET, "/api/watchkeeper/v1/telemetry/logs/patterns", VIEW, get(explore::patterns))
            .route(Method::GET, "/api/watchkeeper/v1/telemetry/logs/tail", VIEW, get(explore::tail))
            .route(Method::GET, "/api/watchkeeper/v1/telemetry/map", VIEW, get(explore::map))
            .route(Method::GET, "/api/watchkeeper/v1/telemetry/traces", VIEW, get(telemetry::traces))
            .route(Method::GET, "/api/watchkeeper/v1/telemetry/traces/{trace_id}", VIEW, get(telemetry::trace))
            .route(Method::GET, "/api/watchkeeper/v1/telemetry/services", VIEW, get(telemetry::services))
            .route(Method::GET, "/api/watchkeeper/v1/ledger", ADMIN, get(ledger::list))
            .route(Method::GET, "/api/watchkeeper/v1/ledger/verify", ADMIN, get(ledger::verify))
    };
    let prometheus = |routes: Routes| {
        routes
            .route(Method::GET, "/api/v1/query", VIEW, get(prometheus::query))
            .route(Method::POST, "/api/v1/query", VIEW, post(prometheus::query_form))
            .route(Method::GET, "/api/v1/query_range", VIEW, get(prometheus::query_range))
            .route(Method::POST, "/api/v1/query_range", VIEW, post(prometheus::query_range_form))
            .route(Method::GET, "/api/v1/series", VIEW, get(prometheus::series))
            .route(Method::POST, "/api/v1/series", VIEW, post(prometheus::series_form))
            .route(Method::GET, "/api/v1/labels", VIEW, get(prometheus::labels))
            .route(Method::POST, "/api/v1/labels", VIEW, post(prometheus::labels_form))
            .route(Method::GET, "/api/v1/label/{name}/values", VIEW, get(prometheus::label_values))
            .route(Method::GET, "/api/v1/metadata", VIEW, get(prometheus::metadata))
            .route(Method::GET, "/api/v1/rules", VIEW, get(prometheus::rules::rules))
            .route(Method::GET, "/api/v1/alerts", VIEW, get(prometheus::rules::alerts))
            .route(Method::GET, "/api/v1/targets", VIEW, get(prometheus::targets::targets))
            .route(Method::GET, "/api/v1/targets/metadata", VIEW, get(prometheus::targets::metadata))
            .route(Method::GET, "/api/v1/scrape_pools", VIEW, get(prometheus::targets::scrape_pools))
            .route(Method::GET, "/api/v1/query_exemplars", VIEW, get(prometheus::status::query_exemplars))
            .route(Method::POST, "/api/v1/query_exemplars", VIEW, post(prometheus::status::query_exemplars_form))
            .route(Method::GET, "/api/v1/format_query", VIEW, get(prometheus::status::format_query))
            .route(Method::POST, "/api/v1/format_query", VIEW, post(prometheus::status::format_query_form))
            .route(Method::GET, "/api/v1/status/buildinfo", VIEW, get(prometheus::status::buildinfo))
            .route(Method::GET, "/api/v1/status/runtimeinfo", VIEW, get(prometheus::status::runtimeinfo))
            .route(Method::GET, "/api/v1/status/flags", VIEW, get(prometheus::status::flags))
            .route(Method::GET, "/api/v1/status/config", VIEW, get(prometheus::status::config))
            .route(Method::GET, "/api/v1/status/walreplay", VIEW, get(prometheus::status::walreplay))
            .route(Method::GET, "/api/v1/status/tsdb", VIEW, get(prometheus::status::tsdb))
    };
    let alertmanager_api = |routes: Routes| {
        const SEND: Access = Access::AtLeast(Role::Ingest);
        routes
            .route(Method::GET, "/api/v2/status", VIEW, get(alertmanager::status::status))
            .route(Method::GET, "/api/v2/receivers", VIEW, get(alertmanager::status::receivers))
            .route(Method::GET, "/api/v2/alerts", VIEW, get(alertmanager::alerts::list))
            .route(Method::POST, "/api/v2/alerts", SEND, post(alertmanager::alerts::post))
            .route(Method::GET, "/api/v2/alerts/groups", VIEW, get(alertmanager::alerts::groups))
            .route(Method::GET, "/api/v2/silences", VIEW, get(alertmanager::silences::list))
            .route(Method::POST, "/api/v2/silences", ACT, post(alertmanager::silences::post))
            .route(Method::GET, "/api/v2/silence/{id}", VIEW, get(alertmanager::silences::show))
            .route(Method::DELETE, "/api/v2/silence/{id}", ACT, delete(alertmanager::silences::expire))
    };
    let pages = |routes: Routes| {
        routes
            .route(Method::GET, "/-/healthy", PUBLIC, get(page::healthy))
            .route(Method::GET, "/-/ready", PUBLIC, get(page::ready))
            .route(Method::POST, "/-/reload", ADMIN, post(page::reload))
            .route(Method::GET, "/metrics", VIEW, get(page::metrics))
            .route(Method::GET, "/openapi.json", PUBLIC, get(page::openapi))
            .route(Method::GET, "/docs/errors/{code}", PUBLIC, get(page::error_page))
            .route(Method::GET, "/docs/runbooks/{pack}", PUBLIC, get(page::runbook))
            .route(Method::GET, "/login", PUBLIC, get(page::login))
            .route(Method::POST, "/login", PUBLIC, post(page::log_in))
            .route(Method::POST, "/logout", PUBLIC, post(page::log_out))
            .route(Method::GET, "/status", PUBLIC, get(status_page::html))
            .route(Method::GET, "/status.css", PUBLIC, get(status_page::css))
            .route(Method::GET, "/summary.json", PUBLIC, get(status_page::summary))
            .route(Method::GET, "/api/v2/summary.json", PUBLIC, get(status_page::summary))
            .route(Method::GET, "/feed.atom", PUBLIC, get(status_page::feed))
            .route(Method::GET, "/calendars/schedules/{name}/{seal}", PUBLIC, get(calendar::schedule))
            .route(Method::GET, "/calendars/people/{name}/{seal}", PUBLIC, get(calendar::person))
            .route(Method::GET, "/drills/{id}/{seal}", PUBLIC, get(drills::page))
            .route(Method::POST, "/drills/{id}/{seal}", PUBLIC, post(drills::confirm_by_link))
            .route(Method::GET, "/charts/{file}", PUBLIC, get(chart::png))
            .route(Method::GET, "/heartbeat/{id}", PUBLIC, get(heartbeats::beat))
            .route(Method::POST, "/heartbeat/{id}", PUBLIC, post(heartbeats::beat))
            .route(Method::GET, "/heartbeat/{id}/{act}", PUBLIC, get(heartbeats::act))
            .route(Method::POST, "/heartbeat/{id}/{act}", PUBLIC, post(heartbeats::act))
            .route(Method::POST, "/v2/enqueue", PUBLIC, post(incoming::pagerduty::enqueue))
            .route(Method::POST, "/v2/change/enqueue", PUBLIC, post(changes::enqueue))
            .route(Method::POST, "/twilio/sms", PUBLIC, post(phone::sms))
            .route(Method::POST, "/twilio/voice", PUBLIC, post(phone::voice))
            .route(Method::POST, "/slack/interactions", PUBLIC, post(slack::interactions))
    };
    app_insights_routes(ingest_routes(pages(alertmanager_api(prometheus(detection::add(api(Routes::default())))))))
}

/// The ways in for telemetry, on the main listener and on the OTLP one.
fn ingest_routes(routes: Routes) -> Routes {
    const SEND: Access = Access::AtLeast(Role::Ingest);
    routes
        .route(Method::POST, "/v1/metrics", SEND, post(ingest::otlp_metrics))
        .route(Method::POST, "/v1/logs", SEND, post(ingest::otlp_logs))
        .route(Method::POST, "/v1/traces", SEND, post(ingest::otlp_traces))
        .route(Method::POST, "/api/v1/write", SEND, post(ingest::remote_write))
}

/// Application Insights' paths. The instrumentation key that is sent is the credential. An endpoint in a connection string
/// ends with a slash, and some SDKs put their path with its own behind it.
fn app_insights_routes(routes: Routes) -> Routes {
    const TRACK: [&str; 4] = ["/v2/track", "/v2.1/track", "//v2/track", "//v2.1/track"];
    const PUBLIC: Access = Access::Public;
    let routes = TRACK.into_iter().fold(routes, |routes, path| {
        routes.route(Method::POST, path, PUBLIC, post(app_insights::track)).route(
            Method::OPTIONS,
            path,
            PUBLIC,
            options(app_insights::origin::preflight),
        )
    });
    routes
        .route(Method::POST, "/QuickPulseService.svc/ping", PUBLIC, post(app_insights::live::ping))
        .route(Method::POST, "/QuickPulseService.svc/post", PUBLIC, post(app_insights::live::post))
        .route(Method::POST, "//QuickPulseService.svc/ping", PUBLIC, post(app_insights::live::ping))
        .route(Method::POST, "//QuickPulseService.svc/post", PUBLIC, post(app_insights::live::post))
}

/// The main listener: everything, the console for whatever is left.
pub fn main(shared: &Arc<Shared>) -> Router {
    let router = routes()
        .router
        .method_not_allowed_fallback(async || {
            ApiProblem::new(Code::MethodNotAllowed, "Another method is offered at this path.").into_response()
        })
        .fallback(console::serve);
    edge(router, shared)
}

/// The OTLP/HTTP listener: telemetry only.
pub fn otlp_http(shared: &Arc<Shared>) -> Router {
    let router = ingest_routes(Routes::default()).router.fallback(async || {
        ApiProblem::new(Code::NotFound, "This port takes OTLP over HTTP: POST /v1/metrics, /v1/logs, /v1/traces.")
            .into_response()
    });
    edge(router, shared)
}

/// The OTLP/gRPC listener.
pub fn otlp_grpc(shared: &Arc<Shared>) -> Router {
    super::grpc::router(shared)
        .layer(from_fn(|request, next| access::require(Role::Ingest, request, next)))
        .layer(from_fn_with_state(Arc::clone(shared), access::identify))
        .layer(CatchPanicLayer::new())
}

fn edge(router: Router<Arc<Shared>>, shared: &Arc<Shared>) -> Router {
    let header = |name: &'static str, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    router
        .layer(from_fn_with_state(Arc::clone(shared), access::identify))
        .layer(TimeoutLayer::with_status_code(axum::http::StatusCode::SERVICE_UNAVAILABLE, Duration::from_secs(60)))
        .layer(CatchPanicLayer::custom(panicked))
        // Pages say more about themselves; nothing else is meant to be rendered at all.
        .layer(header("content-security-policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'"))
        .layer(header("x-content-type-options", "nosniff"))
        .layer(header("x-frame-options", "DENY"))
        .layer(header("referrer-policy", "same-origin"))
        .with_state(Arc::clone(shared))
}

/// A handler panicked: the process goes on, and the caller gets what every failed request gets.
fn panicked(_: Box<dyn std::any::Any + Send>) -> axum::response::Response {
    ApiProblem::new(Code::Internal, "Watchkeeper panicked over this request; this is a defect. The log has the reason.")
        .into_response()
}
