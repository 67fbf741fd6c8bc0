//! What the rules and the console ask of telemetry, whoever keeps it: the embedded store or another engine.
//!
//! Not a language: expressions are text here; `promql` gives them meaning over a [`SeriesSource`].

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::histogram::Histogram;
use crate::labels::Labels;
use crate::matcher::Matcher;
use crate::telemetry::Sample;
use crate::time::Timestamp;

/// Why a query has no answer. Never read as "nothing found".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The expression is wrong.
    #[error("{0}")]
    Invalid(String),
    /// The query ran past a limit.
    #[error("the query is over its limit of {limit}: {what}")]
    Limit {
        /// What there was too much of.
        what: String,
        /// The limit, with its unit.
        limit: String,
    },
    /// No series has enough history for a dynamic threshold. Not a fault of the query, and not an answer.
    #[error("{reason}")]
    TooLittleHistory {
        /// How much there is, and how much is needed.
        reason: String,
        /// From which moment of the range on, in milliseconds.
        from_ms: i64,
        /// Until which moment; none: to the end of the range.
        until_ms: Option<i64>,
    },
    /// The engine cannot answer now.
    #[error("the query engine cannot answer: {0}")]
    Unavailable(String),
}

impl QueryError {
    /// An expression gives a text or a range vector where an instant vector is needed.
    #[must_use]
    pub fn no_vector() -> Self {
        Self::Invalid("the expression must give a number or an instant vector".to_owned())
    }
}

/// A series with its samples in a window, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesData {
    /// The series.
    pub labels: Labels,
    /// Its samples, stale markers included.
    pub samples: Vec<Sample>,
}

/// One native histogram of one series.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramSample {
    /// Milliseconds since the Unix epoch.
    pub t: i64,
    /// The histogram; its sum is the stale marker where the series ends.
    pub histogram: Arc<Histogram>,
    /// From when it counts, in milliseconds; 0 where that is not known.
    pub start: i64,
}

/// All that a store knows of a series in a window, oldest first. A moment has a number or a histogram, never both.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SeriesPoints {
    /// The series.
    pub labels: Labels,
    /// Its numbers, stale markers included.
    pub samples: Vec<Sample>,
    /// From when each of `samples` counts, in milliseconds, 0 where that is not known; empty where none is known.
    pub starts: Vec<i64>,
    /// Its native histograms.
    pub histograms: Vec<HistogramSample>,
}

impl From<SeriesData> for SeriesPoints {
    fn from(series: SeriesData) -> Self {
        Self { labels: series.labels, samples: series.samples, starts: Vec::new(), histograms: Vec::new() }
    }
}

/// Raw series, as the PromQL evaluator reads them. Synchronous: implementations answer from memory or a local file.
pub trait SeriesSource: Send + Sync {
    /// The series that match all of `matchers`, with their samples in `(start_ms, end_ms]`… both ends inclusive here:
    /// `start_ms <= t <= end_ms`; the evaluator applies left-open windows itself. Series without samples in the window
    /// are left out. The order is by labels.
    fn select(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Result<Vec<SeriesData>, QueryError>;

    /// As [`select`](Self::select), with native histograms and start times. A source that keeps neither has only the
    /// numbers.
    fn points(&self, matchers: &[Matcher], start_ms: i64, end_ms: i64) -> Result<Vec<SeriesPoints>, QueryError> {
        Ok(self.select(matchers, start_ms, end_ms)?.into_iter().map(SeriesPoints::from).collect())
    }
}

/// One element of an instant vector.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    /// The labels, without the metric name where the expression drops it.
    pub labels: Labels,
    /// The value.
    pub value: f64,
}

/// An instant query's answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Instant {
    /// A number.
    Scalar(f64),
    /// A text.
    Text(String),
    /// One value per series.
    Vector(Vec<Element>),
    /// A window per series.
    Matrix(Vec<SeriesData>),
}

/// The value of a [`NativeElement`].
#[derive(Debug, Clone, PartialEq)]
pub enum NativeValue {
    /// A number.
    Float(f64),
    /// A native histogram.
    Histogram(Arc<Histogram>),
}

/// One element of an instant vector that may hold native histograms.
#[derive(Debug, Clone, PartialEq)]
pub struct NativeElement {
    /// The labels, without the metric name where the expression drops it.
    pub labels: Labels,
    /// The value.
    pub value: NativeValue,
}

/// What a rule or a chart needs of an engine. Answers are numbers: an element that is a native histogram is left out,
/// as a comparison with a number leaves it out; [`native`](Query::native) has them.
pub trait Query: Send + Sync {
    /// Evaluates a PromQL expression at one moment.
    fn instant(
        &self,
        expr: &str,
        at: Timestamp,
    ) -> Pin<Box<dyn Future<Output = Result<Instant, QueryError>> + Send + '_>>;
    /// Evaluates a PromQL expression at one moment to an instant vector, native histograms included; a scalar counts as one
    /// element without labels. An engine that has none answers as [`instant`](Query::instant) does.
    fn native(
        &self,
        expr: &str,
        at: Timestamp,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<NativeElement>, QueryError>> + Send + '_>> {
        let answer = self.instant(expr, at);
        Box::pin(async move {
            let float = |labels, value| NativeElement { labels, value: NativeValue::Float(value) };
            match answer.await? {
                Instant::Scalar(value) => Ok(vec![float(Labels::empty(), value)]),
                Instant::Vector(elements) => Ok(elements.into_iter().map(|e| float(e.labels, e.value)).collect()),
                Instant::Text(_) | Instant::Matrix(_) => Err(QueryError::no_vector()),
            }
        })
    }
    /// Evaluates a PromQL expression at each step from `start` to `end`, both included.
    fn range(
        &self,
        expr: &str,
        start: Timestamp,
        end: Timestamp,
        step_ms: i64,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<SeriesData>, QueryError>> + Send + '_>>;
}
