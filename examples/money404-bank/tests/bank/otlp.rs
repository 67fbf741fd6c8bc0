//! A little OTLP/HTTP receiver: decodes what the bank exports and lets a test wait for what it wants to see.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::metrics::v1::{metric::Data, number_data_point};
use prost::Message;
use tokio::sync::watch;

/// Longer than anything here takes; only a failing test waits for so long.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) type Attributes = BTreeMap<String, String>;

#[derive(Debug, Clone)]
pub(crate) struct Span {
    pub(crate) service: String,
    pub(crate) name: String,
    pub(crate) trace: Vec<u8>,
    pub(crate) id: Vec<u8>,
    pub(crate) parent: Vec<u8>,
}

#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) service: String,
    pub(crate) body: String,
    pub(crate) trace: Vec<u8>,
}

/// The latest point of a series.
#[derive(Debug, Clone)]
pub(crate) enum Point {
    Number(f64),
    Histogram { bounds: Vec<f64>, counts: Vec<u64> },
}

/// All that came so far.
#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) points: BTreeMap<(String, String, Attributes), Point>,
    pub(crate) spans: Vec<Span>,
    pub(crate) logs: Vec<Log>,
    pub(crate) resources: BTreeMap<String, Attributes>,
}

impl Received {
    /// The sum over all series of `service` called `name` whose attributes include `wanted`; nothing when there is none.
    pub(crate) fn sum(&self, service: &str, name: &str, wanted: &[(&str, &str)]) -> Option<f64> {
        let mut found = self.matching(service, name, wanted).peekable();
        found.peek()?;
        Some(
            found
                .map(|point| match point {
                    Point::Number(number) => *number,
                    Point::Histogram { counts, .. } => counts.iter().sum::<u64>() as f64,
                })
                .sum(),
        )
    }

    /// How many measurements were above `bound`, which must be a boundary of the histogram.
    pub(crate) fn above(&self, service: &str, name: &str, wanted: &[(&str, &str)], bound: f64) -> u64 {
        self.matching(service, name, wanted)
            .map(|point| match point {
                Point::Number(_) => panic!("{name} is no histogram"),
                Point::Histogram { bounds, counts } => {
                    let first = bounds.iter().position(|known| *known == bound).expect("a boundary exactly there") + 1;
                    counts[first..].iter().sum::<u64>()
                }
            })
            .sum()
    }

    fn matching(&self, service: &str, name: &str, wanted: &[(&str, &str)]) -> impl Iterator<Item = &Point> {
        self.points
            .iter()
            .filter(move |((at, called, attributes), _)| {
                at == service
                    && called == name
                    && wanted.iter().all(|(key, value)| attributes.get(*key).is_some_and(|known| known == value))
            })
            .map(|(_, point)| point)
    }
}

/// The receiver; it serves for as long as the test's runtime lives.
pub(crate) struct Collector {
    pub(crate) url: String,
    received: watch::Receiver<Received>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let (sender, received) = watch::channel(Received::default());
        let router = Router::new()
            .route("/v1/metrics", post(metrics))
            .route("/v1/traces", post(traces))
            .route("/v1/logs", post(logs))
            .with_state(sender);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, received }
    }

    /// Returns as soon as `wanted` holds for all that came.
    pub(crate) async fn until(&self, what: &str, mut wanted: impl FnMut(&Received) -> bool) {
        let mut received = self.received.clone();
        let result = tokio::time::timeout(PATIENCE, received.wait_for(|all| wanted(all))).await;
        if result.is_err() {
            let names: std::collections::BTreeSet<_> =
                self.received.borrow().points.keys().map(|(service, name, _)| format!("{service}/{name}")).collect();
            panic!("not seen in time: {what}; there are {names:?}");
        }
    }

    /// Looks at what has come.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Received) -> T) -> T {
        look(&self.received.borrow())
    }
}

fn text(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}

fn attributes(list: &[KeyValue]) -> Attributes {
    list.iter().map(|pair| (pair.key.clone(), text(pair.value.as_ref()))).collect()
}

async fn metrics(State(state): State<watch::Sender<Received>>, body: Bytes) {
    let request = ExportMetricsServiceRequest::decode(body).expect("OTLP metrics");
    state.send_modify(|all| {
        for resource in request.resource_metrics {
            let own = attributes(&resource.resource.unwrap_or_default().attributes);
            let service = own["service.name"].clone();
            all.resources.insert(service.clone(), own);
            for metric in resource.scope_metrics.into_iter().flat_map(|scope| scope.metrics) {
                let points: Vec<(Attributes, Point)> = match metric.data {
                    Some(Data::Sum(sum)) => sum.data_points.into_iter().map(number).collect(),
                    Some(Data::Gauge(gauge)) => gauge.data_points.into_iter().map(number).collect(),
                    Some(Data::Histogram(histogram)) => histogram
                        .data_points
                        .into_iter()
                        .map(|point| {
                            let histogram =
                                Point::Histogram { bounds: point.explicit_bounds, counts: point.bucket_counts };
                            (attributes(&point.attributes), histogram)
                        })
                        .collect(),
                    _ => Vec::new(),
                };
                for (attributes, point) in points {
                    all.points.insert((service.clone(), metric.name.clone(), attributes), point);
                }
            }
        }
    });
}

fn number(point: opentelemetry_proto::tonic::metrics::v1::NumberDataPoint) -> (Attributes, Point) {
    let number = match point.value {
        Some(number_data_point::Value::AsDouble(number)) => number,
        Some(number_data_point::Value::AsInt(number)) => number as f64,
        None => f64::NAN,
    };
    (attributes(&point.attributes), Point::Number(number))
}

async fn traces(State(state): State<watch::Sender<Received>>, body: Bytes) {
    let request = ExportTraceServiceRequest::decode(body).expect("OTLP traces");
    state.send_modify(|all| {
        for resource in request.resource_spans {
            let service = attributes(&resource.resource.unwrap_or_default().attributes)["service.name"].clone();
            all.spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans).map(|span| Span {
                service: service.clone(),
                name: span.name,
                trace: span.trace_id,
                id: span.span_id,
                parent: span.parent_span_id,
            }));
        }
    });
}

async fn logs(State(state): State<watch::Sender<Received>>, body: Bytes) {
    let request = ExportLogsServiceRequest::decode(body).expect("OTLP logs");
    state.send_modify(|all| {
        for resource in request.resource_logs {
            let service = attributes(&resource.resource.unwrap_or_default().attributes)["service.name"].clone();
            all.logs.extend(resource.scope_logs.into_iter().flat_map(|scope| scope.log_records).map(|record| Log {
                service: service.clone(),
                body: text(record.body.as_ref()),
                trace: record.trace_id,
            }));
        }
    });
}
