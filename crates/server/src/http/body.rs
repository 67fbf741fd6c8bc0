//! Reading request bodies within limits, and JSON bodies with errors that say where.
//!
//! Not decompression: `ingest` caps that itself, because only it knows what a body may become.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::header;
use bytes::BytesMut;
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use watchkeeper_domain::Code;

use super::problem::ApiProblem;

/// The largest JSON body of the API, in bytes.
pub const JSON_LIMIT: usize = 1 << 20;
/// How much memory a declared length gets before its bytes have come.
const FIRST: usize = 64 << 10;

/// The most bytes of a refused body that are read and thrown away, and the longest pause between them.
const DISCARDED: usize = 32 << 20;
const PAUSE: Duration = Duration::from_millis(200);

/// Reads a body of at most `limit` bytes. One that declares more is refused without keeping any of it.
pub async fn read(mut body: Body, declared: Option<u64>, limit: usize) -> Result<Bytes, ApiProblem> {
    let declared = usize::try_from(declared.unwrap_or(0)).unwrap_or(usize::MAX);
    if declared <= limit {
        let mut bytes = BytesMut::with_capacity(declared.min(FIRST));
        loop {
            match body.frame().await {
                None => return Ok(bytes.freeze()),
                Some(Err(_)) => {
                    return Err(ApiProblem::new(Code::MalformedBody, "The body ended before its declared length."));
                }
                Some(Ok(frame)) => {
                    let data = frame.into_data().unwrap_or_default();
                    if data.len() > limit - bytes.len() {
                        break;
                    }
                    bytes.extend_from_slice(&data);
                }
            }
        }
    }
    discard(body).await;
    Err(ApiProblem::new(Code::BodyTooLarge, format!("The body is over {limit} bytes; send it in smaller parts.")))
}

/// Reads on for a while. A sender that is answered while it still sends sees a reset connection instead of the refusal,
/// and would send all of it again.
async fn discard(mut body: Body) {
    let mut left = DISCARDED;
    while let Ok(Some(Ok(frame))) = tokio::time::timeout(PAUSE, body.frame()).await {
        left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        if left == 0 {
            return;
        }
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
        let content_type =
            request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
        let bytes = read(request.into_body(), declared, JSON_LIMIT).await?;
        // Requiring the JSON type makes a plain form on another site unable to send commands (CSRF).
        if !bytes.is_empty() && !content_type.starts_with("application/json") {
            return Err(ApiProblem::new(Code::UnsupportedMediaType, "Send `Content-Type: application/json`."));
        }
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(text).map(Self).map_err(|e| {
            ApiProblem::new(
                Code::MalformedBody,
                format!("The JSON is not usable at line {}, column {}: {e}", e.line(), e.column()),
            )
        })
    }
}
