//! What the bank answers when it cannot do what was asked: RFC 9457 problem documents. Not for pages (`front::pages`).

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

/// An answer that is not the wanted one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// A stable word for programs, e.g. `pool_timeout`.
    pub code: String,
    /// A sentence for people; never a secret, never a query text.
    pub detail: String,
}

/// The document's fields, as they stand on the wire.
#[derive(Debug, Serialize, Deserialize)]
pub struct ProblemDocument {
    /// The HTTP status again.
    pub status: u16,
    /// See [`Problem::code`].
    pub code: String,
    /// See [`Problem::detail`].
    pub detail: String,
}

impl Problem {
    /// A problem from its three parts.
    #[must_use]
    pub fn new(status: StatusCode, code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { status, code: code.into(), detail: detail.into() }
    }

    /// 401: who are you?
    #[must_use]
    pub fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = ProblemDocument { status: self.status.as_u16(), code: self.code, detail: self.detail };
        let mut response = (self.status, Json(document)).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}
