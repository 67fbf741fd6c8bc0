//! The query engine as the rule met it: instant queries at moments of the past, answered from range queries made once.
//!
//! Not another meaning: whoever asks (`findings`) is the scheduler's own code and does not know that time is virtual.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use parking_lot::Mutex;
use watchkeeper_domain::Timestamp;
use watchkeeper_domain::query::{Instant, Query, QueryError, SeriesData};
use watchkeeper_promql::Expr;

use super::grid::Grid;
use super::table::{Condition, Table};

/// A query engine in a part of the past.
pub(super) struct Replay<'a> {
    query: &'a dyn Query,
    grid: Grid,
    /// By expression; none where each moment is asked for by itself.
    tables: Mutex<HashMap<String, Option<Arc<Table>>>>,
    /// What was asked at the present moment.
    consulted: Mutex<Vec<Option<Arc<Table>>>>,
}

impl<'a> Replay<'a> {
    pub(super) fn new(query: &'a dyn Query, grid: Grid, expr: &str, table: Option<Arc<Table>>) -> Self {
        let tables = Mutex::new(HashMap::from([(expr.to_owned(), table)]));
        Self { query, grid, tables, consulted: Mutex::default() }
    }

    /// Begins a look, forgetting what the last one asked.
    pub(super) fn begin(&self) {
        self.consulted.lock().clear();
    }

    /// The first step after this one at which something that was asked since [`begin`](Self::begin) has another answer.
    pub(super) fn next_change(&self, step: usize) -> Option<usize> {
        let next = |table: &Option<Arc<Table>>| match table {
            Some(table) => table.next_change(step),
            None => Some(step + 1),
        };
        self.consulted.lock().iter().filter_map(next).min()
    }

    async fn answer(&self, expr: &str, at: Timestamp) -> Result<Instant, QueryError> {
        let known = self.tables.lock().get(expr).cloned();
        let table = match known {
            Some(table) => table,
            None => {
                let table = fetch(self.query, expr, self.grid, None).await?;
                self.tables.lock().insert(expr.to_owned(), table.clone());
                table
            }
        };
        self.consulted.lock().push(table.clone());
        match table {
            Some(table) => table.elements(self.grid.step(at.as_millis())).map(Instant::Vector),
            None => self.query.instant(expr, at).await,
        }
    }
}

/// The table of an expression, unless its answer depends on the range that is asked for, or fails too often.
pub(super) async fn fetch(
    query: &dyn Query,
    expr: &str,
    grid: Grid,
    condition: Option<Condition>,
) -> Result<Option<Arc<Table>>, QueryError> {
    if Expr::parse(expr).is_ok_and(|e| e.depends_on_range()) {
        return Ok(None);
    }
    Ok(Table::fetch(query, expr, grid, condition).await?.map(Arc::new))
}

impl Query for Replay<'_> {
    fn instant(
        &self,
        expr: &str,
        at: Timestamp,
    ) -> Pin<Box<dyn Future<Output = Result<Instant, QueryError>> + Send + '_>> {
        let expr = expr.to_owned();
        Box::pin(async move { self.answer(&expr, at).await })
    }

    fn range(
        &self,
        expr: &str,
        start: Timestamp,
        end: Timestamp,
        step_ms: i64,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<SeriesData>, QueryError>> + Send + '_>> {
        self.query.range(expr, start, end, step_ms)
    }
}
