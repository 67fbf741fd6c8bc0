//! OTLP over gRPC, served by the same HTTP stack as everything else (ADR 0010).
//!
//! Not decoding: the generated service hands over decoded messages, and `ingest` maps them.

use std::sync::Arc;

use axum::Router;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tonic::codec::CompressionEncoding;
use tonic::{Request, Response, Status};
use watchkeeper_ingest::otlp::Decoded;
use watchkeeper_ingest::{DecodeError, otlp};

use super::ingest::append;
use super::problem::ApiProblem;
use crate::app::Shared;

/// The services as a router.
pub fn router(shared: &Arc<Shared>) -> Router {
    let limit = shared.limits.decompressed_bytes;
    let receiver = Receiver(Arc::clone(shared));
    tonic::service::Routes::new(
        MetricsServiceServer::new(receiver.clone())
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(limit),
    )
    .add_service(
        LogsServiceServer::new(receiver.clone())
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(limit),
    )
    .add_service(
        TraceServiceServer::new(receiver).accept_compressed(CompressionEncoding::Gzip).max_decoding_message_size(limit),
    )
    .into_axum_router()
}

#[derive(Clone)]
struct Receiver(Arc<Shared>);

impl Receiver {
    async fn keep(&self, decoded: Result<Decoded, DecodeError>) -> Result<Rejected, Status> {
        let decoded = decoded.map_err(|error| Status::invalid_argument(error.to_string()))?;
        append(&self.0, decoded.batch).await.map_err(|problem| status(&problem))?;
        Ok(Rejected { count: i64::try_from(decoded.rejected).unwrap_or(i64::MAX), message: decoded.message })
    }
}

/// What of a request could not be used.
struct Rejected {
    count: i64,
    message: String,
}

/// OTLP has clients repeat what was answered with UNAVAILABLE or RESOURCE_EXHAUSTED, and drop what was answered otherwise.
fn status(problem: &ApiProblem) -> Status {
    match problem.code() {
        "WK1005" => Status::resource_exhausted("too much at once; try again later"),
        _ => Status::unavailable("the telemetry log cannot be written; try again later"),
    }
}

#[tonic::async_trait]
impl MetricsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let rejected = self.keep(otlp::metrics::from_request(request.into_inner(), &self.0.limits)).await?;
        let partial =
            ExportMetricsPartialSuccess { rejected_data_points: rejected.count, error_message: rejected.message };
        Ok(Response::new(ExportMetricsServiceResponse {
            partial_success: (partial != ExportMetricsPartialSuccess::default()).then_some(partial),
        }))
    }
}

#[tonic::async_trait]
impl LogsService for Receiver {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let rejected = self.keep(otlp::logs::from_request(request.into_inner(), &self.0.limits)).await?;
        let partial =
            ExportLogsPartialSuccess { rejected_log_records: rejected.count, error_message: rejected.message };
        Ok(Response::new(ExportLogsServiceResponse {
            partial_success: (partial != ExportLogsPartialSuccess::default()).then_some(partial),
        }))
    }
}

#[tonic::async_trait]
impl TraceService for Receiver {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let rejected = self.keep(otlp::traces::from_request(request.into_inner(), &self.0.limits)).await?;
        let partial = ExportTracePartialSuccess { rejected_spans: rejected.count, error_message: rejected.message };
        Ok(Response::new(ExportTraceServiceResponse {
            partial_success: (partial != ExportTracePartialSuccess::default()).then_some(partial),
        }))
    }
}
