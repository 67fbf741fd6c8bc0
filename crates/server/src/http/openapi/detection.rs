//! Path descriptions: rules, backtests, probes and scraped targets.
//!
//! Not handlers: an annotation moves onto its handler when that exists; the document must stay equal.

use crate::http::dto::{Problem, backtests, probes, rules, targets};

/// Rules as they run.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/rules", operation_id = "list_rules", tag = "detection",
    params(rules::RuleQuery),
    responses(
        (status = 200, body = rules::RuleList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_rules() {}

/// Starts a backtest: what a rule would have done over stored history. It runs beside everything else and is kept in
/// memory for 15 minutes, for whoever started it; at most four run at once.
#[utoipa::path(
    post, path = "/api/watchkeeper/v1/backtests", operation_id = "start_backtest", tag = "detection",
    request_body = backtests::NewBacktest,
    responses(
        (status = 202, body = backtests::Backtest, description = "Started; finished already where `wait_ms` was enough"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn start_backtest() {}

/// How a backtest is doing, with its result once there is one.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/backtests/{id}", operation_id = "get_backtest", tag = "detection",
    params(("id" = String, Path, description = "`bkt_…`"), backtests::BacktestQuery),
    responses(
        (status = 200, body = backtests::Backtest, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn get_backtest() {}

/// Stops a backtest. One that has ended stays as it is.
#[utoipa::path(
    delete, path = "/api/watchkeeper/v1/backtests/{id}", operation_id = "cancel_backtest", tag = "detection",
    params(("id" = String, Path, description = "`bkt_…`")),
    responses(
        (status = 200, body = backtests::Backtest, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn cancel_backtest() {}

/// All probes, down first.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/probes", operation_id = "list_probes", tag = "detection",
    responses(
        (status = 200, body = probes::ProbeList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_probes() {}

/// All targets that are scraped, down first, and what was found and is not scraped.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/targets", operation_id = "list_targets", tag = "detection",
    responses(
        (status = 200, body = targets::TargetList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_targets() {}
