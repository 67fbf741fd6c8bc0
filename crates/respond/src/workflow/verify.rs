//! Whether the expressions of `verify` hold now.
//!
//! Not for how long: the core counts that.

use watchkeeper_domain::Timestamp;
use watchkeeper_domain::query::{Instant, Query};

/// Whether all hold, and what was seen. An expression without an answer is an error, never a yes.
pub(super) async fn judge(query: &dyn Query, expressions: &[String], now: Timestamp) -> (Result<bool, String>, String) {
    let (mut all, mut seen) = (true, Vec::new());
    for expression in expressions {
        match query.instant(expression, now).await {
            Ok(answer) => {
                let (holds, what) = truth(&answer);
                all &= holds;
                seen.push(format!("`{expression}` {what}"));
            }
            Err(e) => {
                let reason = format!("`{expression}` has no answer: {e}");
                return (Err(reason.clone()), reason);
            }
        }
    }
    (Ok(all), seen.join("; "))
}

fn truth(answer: &Instant) -> (bool, String) {
    let holds = |v: f64| v != 0.0 && !v.is_nan();
    match answer {
        Instant::Scalar(v) => (holds(*v), format!("is {v}")),
        Instant::Vector(elements) if elements.is_empty() => (false, "is empty".to_owned()),
        Instant::Vector(elements) => {
            let failing = elements.iter().find(|e| !holds(e.value));
            match failing.or(elements.first()) {
                Some(e) => (failing.is_none(), format!("is {} for {}", e.value, e.labels)),
                None => (false, "is empty".to_owned()),
            }
        }
        Instant::Text(_) | Instant::Matrix(_) => (false, "is neither a number nor an instant vector".to_owned()),
    }
}
