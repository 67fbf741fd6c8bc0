//! The end of posted alerts that nobody posts any more.
//!
//! Not the resolve timeout itself: that is written into the row as its end when the alert is posted.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::json;
use sqlx::Row;
use watchkeeper_domain::{Env, Signal, Span, Timestamp, Verdict};
use watchkeeper_state::{ReconcileError, Reconciler, Report, SignalSink, State, StateError};

use crate::alert::Alert;

/// Most alerts that one pass ends.
const MAX_ENDED: i64 = 500;
/// While the server was down nobody could post again. What would have ended then waits so long for its sender: twice
/// Prometheus's default of a minute between two postings.
pub(super) const GRACE: Span = Span::from_secs(120);

/// Resolves posted alerts whose end has come.
pub struct Expiry {
    state: State,
    env: Env,
    sink: Arc<dyn SignalSink>,
    started_at: Timestamp,
}

impl Expiry {
    /// One that begins now: what should have ended before gets [`GRACE`].
    #[must_use]
    pub fn new(state: State, env: Env, sink: Arc<dyn SignalSink>) -> Self {
        let started_at = env.now();
        Self { state, env, sink, started_at }
    }

    async fn pass(&self) -> Result<Report, StateError> {
        let now = self.env.now();
        let report = Report { processed: 0, next_due: self.next_due().await? };
        if report.next_due.is_none_or(|due| due > now) {
            return Ok(report);
        }
        let mut tx = self.state.write().await?;
        let rows = sqlx::query(
            "SELECT * FROM alert WHERE state = 'firing' AND rule_id IS NULL AND ends_at <= $1 AND (ends_at > $2 OR $3 = 1) \
             ORDER BY ends_at LIMIT $4",
        )
        .bind(now.as_micros())
        .bind(self.started_at.as_micros())
        .bind(i64::from(now >= self.started_at + GRACE))
        .bind(MAX_ENDED)
        .fetch_all(&mut *tx)
        .await
        .map_err(StateError::statement("find the posted alerts that end"))?;
        let mut signals = Vec::with_capacity(rows.len());
        for row in &rows {
            let ends_at = Timestamp::from_micros(row.get("ends_at"));
            let assumed = row.get::<i64, _>("ends_by_timeout") != 0;
            signals.push(ended(Alert::from_row(row)?, ends_at, assumed));
        }
        self.sink.record(&mut tx, &signals).await?;
        State::commit(tx).await?;
        self.sink.committed();
        Ok(Report { processed: signals.len(), ..report })
    }

    /// When the first one ends, with the grace for those that would have ended while nobody was there.
    async fn next_due(&self) -> Result<Option<Timestamp>, StateError> {
        let after_start: (Option<i64>, Option<i64>) = sqlx::query_as(
            "SELECT (SELECT min(ends_at) FROM alert WHERE state = 'firing' AND rule_id IS NULL AND ends_at > $1), \
             (SELECT min(ends_at) FROM alert WHERE state = 'firing' AND rule_id IS NULL AND ends_at <= $1)",
        )
        .bind(self.started_at.as_micros())
        .fetch_one(self.state.read())
        .await
        .map_err(StateError::statement("find when the next posted alert ends"))?;
        let (later, before) = after_start;
        let later = later.map(Timestamp::from_micros);
        Ok(later.into_iter().chain(before.map(|_| self.started_at + GRACE)).min())
    }
}

fn ended(alert: Alert, ends_at: Timestamp, assumed: bool) -> Signal {
    let reason = if assumed {
        "nobody posted it again within the resolve timeout"
    } else {
        "the end that its sender named has come, and nobody posted it again"
    };
    Signal {
        source: alert.source,
        rule_id: None,
        name: alert.name,
        labels: alert.labels,
        annotations: alert.annotations,
        category: alert.category,
        priority: alert.priority,
        verdict: Verdict::Resolved,
        value: None,
        expr: None,
        threshold: None,
        comparison: None,
        started_at: alert.started_at,
        at: ends_at.max(alert.fired_at),
        evidence: json!({}),
        reason: reason.to_owned(),
    }
}

impl Reconciler for Expiry {
    fn name(&self) -> &'static str {
        "expiry"
    }

    fn reconcile(&self) -> Pin<Box<dyn Future<Output = Result<Report, ReconcileError>> + Send + '_>> {
        Box::pin(async { Ok(self.pass().await?) })
    }
}
