//! How much one query may cost.
//!
//! Not a rate limit between queries: the callers see to that.

/// Bounds on one evaluation. A query that passes one of them fails with [`EvalError::Limit`](crate::EvalError::Limit).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Samples read from the source, over all selectors together.
    pub max_samples: usize,
    /// Points (rows times steps) that one node of the expression may answer with.
    pub max_points: usize,
    /// Steps of a range query. A subquery's steps count as points.
    pub max_steps: usize,
    /// Samples visited by functions over time, counted once for each window that holds them: what bounds the time.
    pub max_visits: usize,
}

impl Default for Limits {
    /// 50 million samples as in Prometheus, 20 million points a node, 11,000 steps as in Prometheus's API,
    /// a thousand million visits.
    fn default() -> Self {
        Self { max_samples: 50_000_000, max_points: 20_000_000, max_steps: 11_000, max_visits: 1_000_000_000 }
    }
}

/// What an evaluation follows besides the limits. Servers use the default; test runners differ as Prometheus's do.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// What it may cost.
    pub limits: Limits,
    /// How old a sample may be for an instant selector, in milliseconds.
    pub lookback_ms: i64,
    /// The resolution of a subquery that states none, in milliseconds.
    pub subquery_step_ms: i64,
    /// What becomes of moments at which no series has enough history for a dynamic threshold.
    pub unknown_history: UnknownHistory,
    /// Whether the metric name is dropped only at the end (Prometheus's feature `promql-delayed-name-removal`).
    pub delayed_name_removal: bool,
}

/// What becomes of a moment at which no series has enough history for a dynamic threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownHistory {
    /// It has no value, and the answer a remark: what a chart shows.
    IsAGap,
    /// The evaluation fails with the reason: what a rule needs, for which no value means that all is well.
    Fails,
}

/// Prometheus's default for `--query.lookback-delta`.
pub(crate) const LOOKBACK_MS: i64 = 5 * 60_000;

impl Settings {
    /// Prometheus's defaults: five minutes back, a step of one minute.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            limits: *limits,
            lookback_ms: LOOKBACK_MS,
            subquery_step_ms: 60_000,
            unknown_history: UnknownHistory::IsAGap,
            delayed_name_removal: false,
        }
    }

    /// The same for rules, which must know what is not known.
    #[must_use]
    pub fn of_rules(limits: &Limits) -> Self {
        Self { unknown_history: UnknownHistory::Fails, ..Self::new(limits) }
    }
}
