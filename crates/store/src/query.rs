//! PromQL over the head.
//!
//! Not the language (that is `watchkeeper_promql`), and not SQL: history blocks and DataFusion find their place beside this.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;
use watchkeeper_domain::Timestamp;
use watchkeeper_domain::query::{Instant, Query, QueryError, SeriesData};
use watchkeeper_promql::{EvalError, Expr, Limits};

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
                move |head: &Head| watchkeeper_promql::instant(&expr, head, at.as_millis(), &Limits::default());
            self.evaluate(evaluate).await
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
            self.evaluate(move |head: &Head| {
                watchkeeper_promql::range(&expr, head, start, end, step_ms, &Limits::default())
            })
            .await
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
