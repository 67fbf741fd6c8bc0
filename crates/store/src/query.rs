//! PromQL over the head.
//!
//! Not the language (that is `watchkeeper_promql`), and not SQL: history blocks and DataFusion find their place beside this.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;
use watchkeeper_domain::query::{Instant, NativeElement, NativeValue, Query, QueryError, SeriesData};
use watchkeeper_domain::{Labels, Timestamp};
use watchkeeper_promql::{Answer, EvalError, Expr, Limits, Point};

use crate::head::Head;
use crate::store::Store;

/// Expressions that are kept parsed: rules ask the same ones again and again.
const PARSED_LIMIT: usize = 4_096;

/// Parsed expressions by their text.
#[derive(Default)]
pub(crate) struct Parsed(Mutex<HashMap<String, Arc<Expr>>>);

impl Parsed {
    fn get(&self, text: &str) -> Result<Arc<Expr>, QueryError> {
        if let Some(expr) = self.0.lock().get(text) {
            return Ok(Arc::clone(expr));
        }
        let expr = Arc::new(Expr::parse(text).map_err(|e| QueryError::Invalid(e.to_string()))?);
        let mut parsed = self.0.lock();
        if parsed.len() >= PARSED_LIMIT {
            parsed.clear();
        }
        parsed.insert(text.to_owned(), Arc::clone(&expr));
        Ok(expr)
    }
}

impl Query for Store {
    fn instant(
        &self,
        expr: &str,
        at: Timestamp,
    ) -> Pin<Box<dyn Future<Output = Result<Instant, QueryError>> + Send + '_>> {
        let expr = self.parsed.get(expr);
        Box::pin(async move {
            let expr = expr?;
            let evaluate =
                move |head: &Head| watchkeeper_promql::instant_answer(&expr, head, at.as_millis(), &Limits::default());
            Ok(self.evaluate(evaluate).await?.without_histograms())
        })
    }

    fn native(
        &self,
        expr: &str,
        at: Timestamp,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<NativeElement>, QueryError>> + Send + '_>> {
        let expr = self.parsed.get(expr);
        Box::pin(async move {
            let expr = expr?;
            let evaluate =
                move |head: &Head| watchkeeper_promql::instant_answer(&expr, head, at.as_millis(), &Limits::default());
            let element = |labels, value| NativeElement { labels, value };
            match self.evaluate(evaluate).await? {
                Answer::Scalar(v) => Ok(vec![element(Labels::empty(), NativeValue::Float(v))]),
                Answer::Vector(entries) => {
                    let value = |point| match point {
                        Point::Float(v) => NativeValue::Float(v),
                        Point::Histogram(h) => NativeValue::Histogram(h),
                    };
                    Ok(entries.into_iter().map(|e| element(e.labels, value(e.value))).collect())
                }
                Answer::Text(_) | Answer::Matrix(_) => Err(QueryError::no_vector()),
            }
        })
    }

    fn range(
        &self,
        expr: &str,
        start: Timestamp,
        end: Timestamp,
        step_ms: i64,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<SeriesData>, QueryError>> + Send + '_>> {
        let expr = self.parsed.get(expr);
        Box::pin(async move {
            let expr = expr?;
            let (start, end) = (start.as_millis(), end.as_millis());
            let evaluate = move |head: &Head| {
                watchkeeper_promql::range_answer(&expr, head, start, end, step_ms, &Limits::default())
            };
            let series = self.evaluate(evaluate).await?.into_iter().filter(|s| !s.samples.is_empty());
            Ok(series.map(|s| SeriesData { labels: s.labels, samples: s.samples }).collect())
        })
    }
}

impl Store {
    /// Runs an evaluation where blocking is allowed: one selector may decode millions of samples.
    async fn evaluate<T, A>(
        &self,
        evaluate: impl FnOnce(&Head) -> Result<(T, A), EvalError> + Send + 'static,
    ) -> Result<T, QueryError>
    where
        T: Send + 'static,
        A: Send + 'static,
    {
        let head = Arc::clone(&self.head);
        let answer = tokio::task::spawn_blocking(move || evaluate(&head).map(|(answer, _annotations)| answer))
            .await
            .map_err(|e| QueryError::Unavailable(e.to_string()))?;
        answer.map_err(|error| match error {
            EvalError::Source { source, .. } => source,
            EvalError::Limit { what, limit, .. } => QueryError::Limit { what, limit },
            other => QueryError::Invalid(other.to_string()),
        })
    }
}
