//! The JSON API for customers. Sessions are the same cookies as the pages'; errors are RFC 9457 problems.

use std::net::SocketAddr;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::response::{AppendHeaders, IntoResponse};
use http::{HeaderMap, StatusCode, header};

use super::{Front, session};
use crate::problem::Problem;
use crate::wire::{Balance, Credentials, Customer, PaymentRequest, Receipt};

pub(super) async fn login(
    State(front): State<Front>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Json(credentials): Json<Credentials>,
) -> Result<impl IntoResponse, Problem> {
    let (name, customer) = front.log_in(peer.ip(), credentials).await?;
    Ok((AppendHeaders([(header::SET_COOKIE, session::set_cookie(&name))]), Json(customer)))
}

pub(super) async fn logout(State(front): State<Front>, headers: HeaderMap) -> impl IntoResponse {
    front.sessions.close(&headers);
    (StatusCode::NO_CONTENT, AppendHeaders([(header::SET_COOKIE, session::clear_cookie())]))
}

pub(super) async fn balance(State(front): State<Front>, headers: HeaderMap) -> Result<Json<Balance>, Problem> {
    let session = front.session(&headers)?;
    front.balance_of(&session.customer).await.map(Json)
}

pub(super) async fn payees(State(front): State<Front>, headers: HeaderMap) -> Result<Json<Vec<Customer>>, Problem> {
    let session = front.session(&headers)?;
    front.payees_of(&session.customer).await.map(Json)
}

pub(super) async fn pay(
    State(front): State<Front>,
    headers: HeaderMap,
    Json(request): Json<PaymentRequest>,
) -> Result<Json<Receipt>, Problem> {
    let session = front.session(&headers)?;
    front.order(&session.customer, request).await.map(Json)
}
