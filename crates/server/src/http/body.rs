//! Reading request bodies within limits, and JSON bodies with errors that say where.
//!
//! Not decompression: `ingest` caps that itself, because only it knows what a body may become.

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use watchkeeper_domain::Code;

use super::problem::ApiProblem;

/// The largest JSON body of the API, in bytes.
pub const JSON_LIMIT: usize = 1 << 20;

/// Reads a body of at most `limit` bytes. A declared length over the limit is refused before anything is read.
pub async fn read(body: Body, declared: Option<u64>, limit: usize) -> Result<Bytes, ApiProblem> {
    let too_large = || {
        ApiProblem::new(Code::BodyTooLarge, format!("The body is over {limit} bytes; send it in smaller parts."))
    };
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => Err(too_large()),
        Err(_) => Err(ApiProblem::new(Code::MalformedBody, "The body ended before its declared length.")),
    }
}

/// The declared length of a request's body.
#[must_use]
pub fn declared_length(headers: &axum::http::HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A JSON body of the API. An empty body counts as `{}`, so that a command without options needs none.
pub struct JsonBody<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiProblem;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiProblem> {
        let declared = declared_length(request.headers());
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
        let bytes = read(request.into_body(), declared, JSON_LIMIT).await?;
        // Requiring the JSON type makes a plain form on another site unable to send commands (CSRF).
        if !bytes.is_empty() && !content_type.starts_with("application/json") {
            return Err(ApiProblem::new(Code::UnsupportedMediaType, "Send `Content-Type: application/json`."));
        }
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(text).map(Self).map_err(|e| {
            ApiProblem::new(Code::MalformedBody, format!("The JSON is not usable at line {}, column {}: {e}", e.line(), e.column()))
        })
    }
}
