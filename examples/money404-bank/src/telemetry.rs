//! The OpenTelemetry SDK, set up once for each process: metrics, logs and traces leave as OTLP/HTTP protobuf.
//! Not the instruments themselves: each service makes its own where it uses them, from [`meter`].
//!
//! The SDK exports from threads of its own with a blocking client and a deadline, so that a collector that is away, slow or
//! broken costs the bank nothing but the lost telemetry.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry::metrics::Meter;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{KeyValue, global};
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_http::HttpClient;
use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{BatchLogProcessor, SdkLoggerProvider};
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SdkTracerProvider};
use tracing_subscriber::filter::{EnvFilter, FilterExt, LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// How often metrics, spans and logs leave, unless the SDK's own variables say otherwise.
const EXPORT_INTERVAL: Duration = Duration::from_secs(1);
/// How long one export may take.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(3);

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The HTTP client of the exporters could not be made.
    #[error("the OTLP client could not be built")]
    BuildClient(#[source] reqwest::Error),
    /// An exporter refused its settings.
    #[error("OTLP export to {endpoint} could not be set up; check --otlp")]
    BuildExporter {
        /// The address as given.
        endpoint: String,
        /// The SDK's words.
        #[source]
        source: opentelemetry_otlp::ExporterBuildError,
    },
}

/// Who speaks, in OpenTelemetry's resource attributes.
#[derive(Debug, Clone)]
pub struct Identity {
    /// `service.name`.
    pub service: &'static str,
    /// `service.instance.id`: stays the same over a restart, so that a restarted process continues its series.
    pub instance: String,
}

/// The providers of this process; [`Telemetry::shutdown`] sends what is left.
#[derive(Debug)]
pub struct Telemetry {
    providers: Option<(SdkMeterProvider, SdkTracerProvider, SdkLoggerProvider)>,
}

/// The meter that all instruments of the bank come from.
#[must_use]
pub fn meter() -> Meter {
    global::meter("money404-bank")
}

impl Telemetry {
    /// Sets up logging to standard error, and OTLP to `endpoint` (e.g. `http://127.0.0.1:4318`) when there is one.
    /// Call it before the async runtime starts: the blocking client must be neither made nor dropped inside it.
    ///
    /// # Errors
    /// When the exporters cannot be built. That the collector does not answer is no error, here or later.
    pub fn install(identity: &Identity, endpoint: Option<&str>) -> Result<Self, TelemetryError> {
        global::set_text_map_propagator(TraceContextPropagator::new());
        let providers = endpoint.map(|endpoint| providers(identity, endpoint)).transpose()?;
        let wanted = EnvFilter::try_from_env("BANK_LOG").unwrap_or_else(|_| {
            // The SDK complains once a second while nobody listens; `BANK_LOG=info,opentelemetry=debug` shows it.
            EnvFilter::new("info,opentelemetry=off,opentelemetry_sdk=off,opentelemetry-otlp=off,sqlx=warn")
        });
        // Events alone: the spans around them go out as traces, and would make each line here five times as long.
        let to_file = fmt::layer()
            .with_ansi(false)
            .with_writer(std::io::stderr)
            .with_filter(wanted.and(filter_fn(|metadata| metadata.is_event())));
        let export = providers.as_ref().map(|(_, traces, logs)| {
            // Only the bank's own spans and events: the exporter's client must not describe its own exports.
            let own = Targets::new().with_target("money404_bank", LevelFilter::INFO);
            let spans = tracing_opentelemetry::layer()
                .with_tracer(traces.tracer("money404-bank"))
                .with_location(false)
                .with_threads(false)
                .with_filter(own.clone());
            spans.and_then(OpenTelemetryTracingBridge::new(logs).with_filter(own))
        });
        tracing_subscriber::registry().with(export).with(to_file).init();
        if let Some((metrics, _, _)) = &providers {
            global::set_meter_provider(metrics.clone());
        }
        Ok(Self { providers })
    }

    /// Sends what is left and ends the export threads. Call it after the runtime has ended.
    pub fn shutdown(self) {
        if let Some((metrics, traces, logs)) = self.providers {
            // An unreachable collector is no reason to fail: the process ends anyway.
            let _ = (metrics.shutdown(), traces.shutdown(), logs.shutdown());
        }
    }
}

fn providers(
    identity: &Identity,
    endpoint: &str,
) -> Result<(SdkMeterProvider, SdkTracerProvider, SdkLoggerProvider), TelemetryError> {
    let base = endpoint.trim_end_matches('/');
    let failed = |source| TelemetryError::BuildExporter { endpoint: endpoint.to_owned(), source };
    let client = reqwest::blocking::Client::builder()
        .no_proxy()
        .timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(TelemetryError::BuildClient)?;
    let client: Arc<dyn HttpClient> = Arc::new(client);
    let resource = Resource::builder()
        .with_attributes([
            KeyValue::new("service.namespace", "money404"),
            KeyValue::new("service.name", identity.service),
            KeyValue::new("service.instance.id", identity.instance.clone()),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ])
        .build();

    let exporter = MetricExporter::builder()
        .with_http()
        .with_shared_http_client(client.clone())
        .with_endpoint(format!("{base}/v1/metrics"))
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(failed)?;
    let reader = PeriodicReader::builder(exporter).with_interval(interval("OTEL_METRIC_EXPORT_INTERVAL")).build();
    let metrics = SdkMeterProvider::builder().with_reader(reader).with_resource(resource.clone()).build();

    let exporter = SpanExporter::builder()
        .with_http()
        .with_shared_http_client(client.clone())
        .with_endpoint(format!("{base}/v1/traces"))
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(failed)?;
    let batch = opentelemetry_sdk::trace::BatchConfigBuilder::default()
        .with_scheduled_delay(interval("OTEL_BSP_SCHEDULE_DELAY"))
        .build();
    let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batch).build();
    let traces = SdkTracerProvider::builder().with_span_processor(processor).with_resource(resource.clone()).build();

    let exporter = LogExporter::builder()
        .with_http()
        .with_shared_http_client(client)
        .with_endpoint(format!("{base}/v1/logs"))
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(failed)?;
    let batch = opentelemetry_sdk::logs::BatchConfigBuilder::default()
        .with_scheduled_delay(interval("OTEL_BLRP_SCHEDULE_DELAY"))
        .build();
    let processor = BatchLogProcessor::builder(exporter).with_batch_config(batch).build();
    let logs = SdkLoggerProvider::builder().with_log_processor(processor).with_resource(resource).build();
    Ok((metrics, traces, logs))
}

/// The interval in milliseconds from one of the SDK's variables, or a second (the SDK's own defaults are 60, 5 and 1 s).
fn interval(variable: &str) -> Duration {
    std::env::var(variable)
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .filter(|milliseconds| *milliseconds > 0)
        .map_or(EXPORT_INTERVAL, Duration::from_millis)
}
