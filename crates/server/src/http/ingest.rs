//! Telemetry in over HTTP: OTLP (protobuf and JSON) and Prometheus remote write 1.0 and 2.0.
//!
//! Not decoding (that is `ingest`) and not keeping (that is `store`): a handler reads, decodes off the async threads,
//! appends, and answers only when the batch is on disk.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use watchkeeper_domain::telemetry::{AppendError, Appended, Batch, TelemetrySink};
use watchkeeper_domain::{Code, Problem};
use watchkeeper_ingest::compression::decompress;
use watchkeeper_ingest::otlp::{Answer, Decoded, Encoding};
use watchkeeper_ingest::{ContentEncoding, DecodeError, Limits, otlp, remote_write as write};

use super::body::{declared_length, read};
use super::problem::ApiProblem;
use crate::app::Shared;

/// Bodies of more bytes than this are decoded on a thread of their own, because they would hold up an async thread.
const INLINE_BYTES: usize = 64 << 10;

/// What decodes one signal.
pub(super) type Decode = fn(&[u8], Encoding, &Limits) -> Result<Decoded, DecodeError>;

/// `POST /v1/metrics`.
pub async fn otlp_metrics(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    otlp_signal(&shared, request, otlp::metrics::decode).await
}

/// `POST /v1/logs`.
pub async fn otlp_logs(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    otlp_signal(&shared, request, otlp::logs::decode).await
}

/// `POST /v1/traces`.
pub async fn otlp_traces(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    otlp_signal(&shared, request, otlp::traces::decode).await
}

/// Decodes, keeps, and says what of it could not be used.
pub(super) async fn receive(
    shared: &Shared,
    body: Bytes,
    coding: ContentEncoding,
    encoding: Encoding,
    decode: Decode,
) -> Result<Answer, ApiProblem> {
    let limits = shared.limits.clone();
    let Decoded { batch, mut answer } = off_thread(shared, body, move |body| {
        let plain = decompress(body, coding, &limits)?;
        decode(&plain, encoding, &limits)
    })
    .await?;
    let ahead = shared.senders.see(&batch, shared.env.now());
    let appended = append(shared, batch).await?;
    answer.refuse(&appended);
    if let Some(ahead) = ahead {
        answer.warn(&format!("the clock of {ahead}"));
    }
    Ok(answer)
}

async fn otlp_signal(shared: &Shared, request: Request, decode: Decode) -> Response {
    let outcome = async {
        let encoding = Encoding::from_content_type(text(request.headers(), &header::CONTENT_TYPE)).map_err(refused)?;
        let coding =
            ContentEncoding::from_header(text(request.headers(), &header::CONTENT_ENCODING)).map_err(refused)?;
        let body = body(shared, request).await?;
        let answer = receive(shared, body, coding, encoding, decode).await?;
        Ok::<_, ApiProblem>((encoding, answer.body()))
    };
    match outcome.await {
        Ok((encoding, response)) => {
            (StatusCode::OK, [(header::CONTENT_TYPE, HeaderValue::from_static(encoding.content_type()))], response)
                .into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

/// What a sender of remote write 2.0 is told of a request, in this order.
const WRITTEN: [HeaderName; 3] = [
    HeaderName::from_static("x-prometheus-remote-write-samples-written"),
    HeaderName::from_static("x-prometheus-remote-write-histograms-written"),
    HeaderName::from_static("x-prometheus-remote-write-exemplars-written"),
];

/// `POST /api/v1/write`: Prometheus remote write 1.0 and 2.0. Answers 204 when everything was kept, 400 when part of it was
/// not: the sender drops what 4xx names and would repeat for ever what 5xx names.
pub async fn remote_write(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let headers = request.headers();
    let checked = write::check_headers(text(headers, &header::CONTENT_TYPE), text(headers, &header::CONTENT_ENCODING));
    let version = match checked {
        Ok(version) => version,
        Err(error) => return refused(error).into_response(),
    };
    let (written, mut response) = match write_batch(&shared, version, request).await {
        Ok((written, None)) => (written, StatusCode::NO_CONTENT.into_response()),
        Ok((written, Some(refusal))) => (written, refusal.into_response()),
        Err(problem) => ([0; 3], problem.into_response()),
    };
    if version == write::Version::V2 {
        let counts = WRITTEN.into_iter().zip(written.map(HeaderValue::from));
        response.headers_mut().extend(counts);
    }
    response
}

/// Samples, histograms and exemplars that are on disk, and what was refused beside them.
async fn write_batch(
    shared: &Shared,
    version: write::Version,
    request: Request,
) -> Result<([usize; 3], Option<ApiProblem>), ApiProblem> {
    let body = body(shared, request).await?;
    let limits = shared.limits.clone();
    let write::Written { batch, rejected, message } =
        off_thread(shared, body, move |body| write::decode(body, version, &limits)).await?;
    shared.senders.see(&batch, shared.env.now());
    let samples: usize = batch.samples().map(|series| series.samples.len()).sum();
    let histograms: usize = batch.native().map(|series| series.samples.len()).sum();
    let (exemplars, first_native) = (batch.exemplars.len(), batch.samples().count());
    let appended = append(shared, batch).await?;
    // A sample that is there already with the same value counts as written: a repeated request is told what the first was.
    let unwanted = |native: bool| -> usize {
        let of_kind = appended.refusals.iter().filter(|refusal| (refusal.place >= first_native) == native);
        of_kind.map(|refusal| refusal.samples).sum()
    };
    let written = [samples.saturating_sub(unwanted(false)), histograms.saturating_sub(unwanted(true)), exemplars];
    let unwanted = unwanted(false) + unwanted(true);

    let mut detail = String::new();
    if let Some(first) = appended.refusals.first() {
        let labels: String = first.labels.to_string().chars().take(200).collect();
        detail = format!("{unwanted} samples were not kept; of {labels}: {}. ", first.why);
    }
    if rejected > 0 {
        detail += &format!("{rejected} samples, histograms, exemplars or descriptions were refused: {message}. ");
    }
    let refusal = (!detail.is_empty()).then(|| ApiProblem::new(Code::MalformedBody, detail + "The rest was kept."));
    Ok((written, refusal))
}

/// Makes a batch durable. An empty one is fine.
pub(super) async fn append(shared: &Shared, batch: Batch) -> Result<Appended, ApiProblem> {
    if batch.is_empty() {
        return Ok(Appended::default());
    }
    shared.received(&batch);
    shared.store.append(batch).await.map_err(|error| match error {
        AppendError::Overloaded { retry_after_s } => {
            ApiProblem::new(Code::Overloaded, error.to_string()).retry_after(retry_after_s)
        }
        AppendError::Storage(_) => ApiProblem::new(Code::StorageUnavailable, error.to_string()).retry_after(5),
        AppendError::ShuttingDown => ApiProblem::new(Code::StorageUnavailable, error.to_string()).retry_after(1),
    })
}

pub(super) async fn body(shared: &Shared, request: Request) -> Result<Bytes, ApiProblem> {
    let declared = declared_length(request.headers());
    read(request.into_body(), declared, shared.limits.compressed_bytes).await
}

/// Decodes when it is this body's turn: each may take as much memory as the limits allow, so not all may at once.
pub(super) async fn off_thread<T: Send + 'static>(
    shared: &Shared,
    body: Bytes,
    decode: impl FnOnce(&[u8]) -> Result<T, DecodeError> + Send + 'static,
) -> Result<T, ApiProblem> {
    let _turn =
        shared.decoding.acquire().await.map_err(|error| ApiProblem::internal("wait to decode the body", &error))?;
    if body.len() <= INLINE_BYTES {
        return decode(&body).map_err(refused);
    }
    match tokio::task::spawn_blocking(move || decode(&body)).await {
        Ok(decoded) => decoded.map_err(refused),
        Err(error) => Err(ApiProblem::internal("decode the body", &error)),
    }
}

pub(super) fn refused(error: DecodeError) -> ApiProblem {
    ApiProblem::from(Problem::from(error))
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("(not text)"))
}
