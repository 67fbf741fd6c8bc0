//! OTLP over gRPC, served by the same HTTP stack as everything else (ADR 0010).
//!
//! Not a gRPC library: three unary methods. A message is read under our own caps, compressed or not, and decoded as one that
//! came over HTTP is, so that both ways in take and refuse the same. Sources: "gRPC over HTTP2", OTLP 1.x.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http_body_util::StreamBody;
use hyper::body::Frame;
use watchkeeper_ingest::otlp::{self, Encoding};
use watchkeeper_ingest::{ContentEncoding, Limits};

use super::body::read;
use super::ingest::{Decode, receive};
use super::problem::ApiProblem;
use crate::app::Shared;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// Bytes before a message: whether it is compressed, and its length.
const PREFIX: usize = 5;

/// The status codes that are used here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Code {
    InvalidArgument = 3,
    ResourceExhausted = 8,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
}

/// A call that failed.
struct Failure(Code, String);

/// The services as a router.
pub fn router(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", post(metrics))
        .route("/opentelemetry.proto.collector.logs.v1.LogsService/Export", post(logs))
        .route("/opentelemetry.proto.collector.trace.v1.TraceService/Export", post(traces))
        .fallback(async || {
            Failure(Code::Unimplemented, "this port takes OTLP: the metrics, logs and trace services".to_owned())
                .into_response()
        })
        .with_state(Arc::clone(shared))
}

async fn metrics(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    answer(export(&shared, request, otlp::metrics::decode).await)
}

async fn logs(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    answer(export(&shared, request, otlp::logs::decode).await)
}

async fn traces(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    answer(export(&shared, request, otlp::traces::decode).await)
}

async fn export(shared: &Shared, request: Request, decode: Decode) -> Result<Vec<u8>, Failure> {
    let headers = request.headers();
    let coding = match text(headers, "grpc-encoding") {
        None | Some("identity") => ContentEncoding::Identity,
        Some("gzip") => ContentEncoding::Gzip,
        Some("zstd") => ContentEncoding::Zstd,
        Some(other) => {
            let other: String = other.chars().take(100).collect();
            return Err(Failure(
                Code::Unimplemented,
                format!("`{other}` is not understood; send gzip, zstd or identity"),
            ));
        }
    };
    if !text(headers, header::CONTENT_TYPE.as_str()).is_some_and(|t| t.starts_with("application/grpc")) {
        return Err(Failure(Code::Internal, "the content type is not application/grpc".to_owned()));
    }
    let limit = message_limit(&shared.limits);
    let body = read(request.into_body(), None, limit + PREFIX).await?;
    let (compressed, message) = unframe(&body)?;
    let coding = match (compressed, coding) {
        (false, _) => ContentEncoding::Identity,
        (true, ContentEncoding::Identity) => {
            return Err(Failure(Code::Internal, "the message is compressed and `grpc-encoding` is missing".to_owned()));
        }
        (true, coding) => coding,
    };
    Ok(receive(shared, body.slice_ref(message), coding, Encoding::Protobuf, decode).await?.body())
}

/// What a message may have on the wire: an uncompressed one may be as large as a compressed one may become.
fn message_limit(limits: &Limits) -> usize {
    limits.compressed_bytes
}

/// The one message of a unary call.
fn unframe(body: &[u8]) -> Result<(bool, &[u8]), Failure> {
    let broken = |what: &str| Failure(Code::InvalidArgument, format!("the message is broken: {what}"));
    let (prefix, message) = body.split_at_checked(PREFIX).ok_or_else(|| broken("it has no prefix"))?;
    let declared = prefix[1..].iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
    if declared != message.len() {
        return Err(broken("its length is not the one that it declares"));
    }
    match prefix[0] {
        0 => Ok((false, message)),
        1 => Ok((true, message)),
        _ => Err(broken("its compression flag is neither 0 nor 1")),
    }
}

fn answer(outcome: Result<Vec<u8>, Failure>) -> Response {
    match outcome {
        Err(failure) => failure.into_response(),
        Ok(message) => {
            let mut framed = vec![0];
            // A response is a short text: its length fits.
            framed.extend_from_slice(&u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
            framed.extend_from_slice(&message);
            let mut trailers = HeaderMap::new();
            trailers.insert(STATUS, HeaderValue::from_static("0"));
            let frames = [Frame::data(Bytes::from(framed)), Frame::trailers(trailers)];
            let body = StreamBody::new(futures::stream::iter(frames.map(Ok::<_, std::convert::Infallible>)));
            (StatusCode::OK, [(header::CONTENT_TYPE, "application/grpc")], Body::new(body)).into_response()
        }
    }
}

/// OTLP has clients repeat what was answered with UNAVAILABLE or RESOURCE_EXHAUSTED, and drop what was answered otherwise.
impl From<ApiProblem> for Failure {
    fn from(problem: ApiProblem) -> Self {
        let code = match problem.code() {
            "WK1005" => return Self(Code::ResourceExhausted, "too much at once; try again later".to_owned()),
            "WK1001" | "WK1002" | "WK1003" | "WK1004" => Code::InvalidArgument,
            _ => {
                let text = "the telemetry log cannot be written; try again later".to_owned();
                return Self(Code::Unavailable, text);
            }
        };
        Self(code, problem.detail().to_owned())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self(code, text) = self;
        let mut response = (StatusCode::OK, [(header::CONTENT_TYPE, "application/grpc")]).into_response();
        let headers = response.headers_mut();
        headers.insert(STATUS, HeaderValue::from(code as u16));
        if let Ok(text) = HeaderValue::from_str(&percent_encoded(&text)) {
            headers.insert(MESSAGE, text);
        }
        response
    }
}

/// A status message as its header has it: printable ASCII apart from `%`, everything else in percent.
fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if (b' '..=b'~').contains(&byte) && byte != b'%' {
            out.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _infallible = write!(out, "%{byte:02X}");
        }
        out
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("(not text)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_whole_frame() {
        assert!(matches!(unframe(&[0, 0, 0, 0, 2, 7, 8]), Ok((false, [7, 8]))));
        assert!(matches!(unframe(&[1, 0, 0, 0, 0]), Ok((true, []))));
        for broken in [
            &[][..],
            &[0, 0, 0],
            &[0, 0, 0, 0, 3, 7, 8],
            &[0, 0, 0, 0, 1, 7, 8],
            &[2, 0, 0, 0, 0],
            &[0, 255, 255, 255, 255],
        ] {
            assert!(unframe(broken).is_err_and(|Failure(code, _)| code == Code::InvalidArgument), "{broken:?}");
        }
    }

    #[test]
    fn a_status_message_keeps_to_ascii() {
        assert_eq!(percent_encoded("100 % »ü«\n"), "100 %25 %C2%BB%C3%BC%C2%AB%0A");
    }
}
