//! The control API: processes and faults. On loopback alone; changing something takes the token when one is set.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{Method, StatusCode, header};

use super::child::{Order, OrderError, ProcessView};
use super::{FaultView, Supervisor};
use crate::fault::Fault;
use crate::problem::Problem;
use crate::token::Token;

pub(super) fn router(supervisor: Arc<Supervisor>, token: Option<Token>) -> Router {
    Router::new()
        .route("/processes", get(processes))
        .route("/processes/{name}/{action}", post(act))
        .route("/faults", get(faults))
        .route("/faults/{name}/{state}", post(switch))
        .layer(middleware::from_fn_with_state(token, guard))
        .route("/healthz", get(async || "ok\n"))
        .with_state(supervisor)
}

async fn guard(State(token): State<Option<Token>>, request: Request, next: Next) -> Response {
    if request.method() == Method::GET {
        return next.run(request).await;
    }
    // A browser sends this header with every POST from a page; no page has any business here.
    if request.headers().contains_key(header::ORIGIN) {
        return Problem::new(StatusCode::FORBIDDEN, "no_browsers", "the control API takes no orders from web pages")
            .into_response();
    }
    match token {
        Some(token) if !token.is_shown_in(request.headers()) => {
            Problem::unauthorized("the control API needs its bearer token (BANK_CONTROL_TOKEN)").into_response()
        }
        _ => next.run(request).await,
    }
}

async fn processes(State(supervisor): State<Arc<Supervisor>>) -> Json<Vec<ProcessView>> {
    Json(supervisor.views())
}

async fn act(
    State(supervisor): State<Arc<Supervisor>>,
    Path((name, action)): Path<(String, String)>,
) -> Result<Json<ProcessView>, Problem> {
    let child = supervisor.child(&name).ok_or_else(|| {
        let names: Vec<_> = supervisor.children.iter().map(super::Handle::name).collect();
        not_found(format!("no process is called `{name}`; there are {}", names.join(", ")))
    })?;
    let order = match action.as_str() {
        "start" => Order::Start,
        "stop" => Order::Stop,
        "kill" => Order::Kill,
        "restart" => Order::Restart,
        _ => return Err(not_found(format!("`{action}` is none of start, stop, kill, restart"))),
    };
    Ok(Json(supervisor.order(child, order).await?))
}

async fn faults(State(supervisor): State<Arc<Supervisor>>) -> Json<Vec<FaultView>> {
    Json(supervisor.faults().await)
}

async fn switch(
    State(supervisor): State<Arc<Supervisor>>,
    Path((name, state)): Path<(String, String)>,
) -> Result<Json<FaultView>, Problem> {
    let fault = Fault::from_name(&name).ok_or_else(|| {
        not_found(format!("no fault is called `{name}`; there are {}", Fault::ALL.map(Fault::name).join(", ")))
    })?;
    let on = match state.as_str() {
        "on" => true,
        "off" => false,
        _ => return Err(not_found(format!("`{state}` is neither on nor off"))),
    };
    Ok(Json(supervisor.switch(fault, on).await?))
}

fn not_found(detail: String) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", detail)
}

impl From<OrderError> for Problem {
    fn from(error: OrderError) -> Self {
        let status = match &error {
            OrderError::NotRunning { .. } => StatusCode::CONFLICT,
            OrderError::Closing { .. } => StatusCode::SERVICE_UNAVAILABLE,
            OrderError::Spawn { source, .. } => {
                tracing::error!(%error, cause = %source, "a process could not be started");
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        Self::new(status, "order", error.to_string())
    }
}
