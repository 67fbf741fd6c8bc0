//! What an alert rests on: the compared value's recent course, and the samples that crossed the threshold.
//!
//! Not the alert: this is the JSON that goes with its signal. Shape:
//! `{"promql", "lhs", "series": {…}, "comparison", "threshold", "points": [[t_ms, v], …],
//!   "crossed": {"at": t_ms, "points": [[t_ms, v], …]}, "learnt": ["band of …", …]}`; `points` is empty when the query for them failed (`"error"`).

use serde_json::{Value, json};
use watchkeeper_domain::query::{Query, SeriesData};
use watchkeeper_domain::telemetry::Sample;
use watchkeeper_domain::{Labels, Span, Timestamp};

use crate::plan::Plan;

/// The most points of one course.
const MOST_POINTS: i64 = 200;
/// The shortest course.
const LEAST_WINDOW: Span = Span::from_secs(15 * 60);
/// The longest one: a rule that learns from a month of history is not shown with all of it.
const MOST_WINDOW: Span = Span::from_secs(24 * 3_600);
/// The most points of the crossing that are told.
const MOST_CROSSED: usize = 20;

/// The compared side's course of all instances of a rule up to `at`. Fetched once for all that fire in one pass.
///
/// `cost` is what one evaluation took: an expensive expression gets fewer points, since an alert must not wait for its chart.
pub(crate) async fn fetch(
    query: &dyn Query,
    plan: &Plan,
    at: Timestamp,
    cost: Span,
) -> Result<Vec<SeriesData>, String> {
    let affordable = Span::from_millis(100).as_micros() / cost.as_micros().max(1);
    let points = affordable.clamp(20, MOST_POINTS);
    let window = Span::from_millis(plan.lookback_ms.saturating_mul(3)).clamp(LEAST_WINDOW, MOST_WINDOW);
    let step_ms = (window.as_millis() / (points - 1)).max(1);
    // The last point is the moment of the verdict itself.
    let start = at - Span::from_millis(step_ms * (points - 1));
    query.range(plan.lhs(), start, at, step_ms).await.map_err(|e| e.to_string())
}

/// The evidence for one instance.
pub(crate) fn of(
    plan: &Plan,
    course: &Result<Vec<SeriesData>, String>,
    instance: &Labels,
    identity: impl Fn(&Labels) -> Labels,
) -> Value {
    let mut evidence = json!({ "promql": plan.expr, "lhs": plan.lhs(), "series": instance, "points": [] });
    if !plan.learnt.is_empty() {
        evidence["learnt"] = plan.learnt.iter().map(ToString::to_string).collect();
    }
    if let Some(c) = &plan.comparison {
        evidence["comparison"] = c.op.sign().into();
        evidence["threshold"] = c.threshold.into();
    }
    let series = match course {
        Ok(series) => series.iter().find(|s| identity(&s.labels) == *instance),
        Err(reason) => {
            evidence["error"] = reason.as_str().into();
            return evidence;
        }
    };
    let Some(series) = series else { return evidence };
    evidence["points"] = points(&series.samples);
    if let Some(c) = &plan.comparison {
        let crossed = crossed(&series.samples, |v| c.op.holds(v, c.threshold));
        if let Some(first) = crossed.first() {
            evidence["crossed"] =
                json!({ "at": first.t, "points": points(crossed.get(..MOST_CROSSED).unwrap_or(crossed)) });
        }
    }
    evidence
}

/// The last run of samples for which the condition holds.
fn crossed(samples: &[Sample], holds: impl Fn(f64) -> bool) -> &[Sample] {
    let start = samples.iter().rposition(|s| !holds(s.v)).map_or(0, |last_false| last_false + 1);
    samples.get(start..).unwrap_or(&[])
}

/// JSON has no NaN and no infinity: such a point is a gap.
fn points(samples: &[Sample]) -> Value {
    samples.iter().map(|s| json!([s.t, s.v])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_samples_that_crossed_are_the_last_run_above_the_threshold() {
        let labels = Labels::from_pairs([("service", "payments")]);
        let values = [0.01, 0.9, 0.02, 0.06, 0.07];
        let samples = (0_i64..).zip(values).map(|(i, v)| Sample { t: i * 1_000, v }).collect();
        let course = Ok(vec![SeriesData { labels: labels.clone(), samples }]);
        let plan = Plan::new("ratio > 0.05").unwrap();
        let evidence = of(&plan, &course, &labels, Labels::clone);
        assert_eq!(evidence["crossed"], json!({ "at": 3_000, "points": [[3_000, 0.06], [4_000, 0.07]] }));
        assert_eq!(evidence["points"].as_array().map(Vec::len), Some(5));
        assert_eq!((&evidence["comparison"], &evidence["threshold"]), (&json!(">"), &json!(0.05)));
    }

    #[test]
    fn a_failed_query_for_the_course_is_told_and_does_not_hold_the_alert_back() {
        let plan = Plan::new("up == 0").unwrap();
        let evidence = of(&plan, &Err("timed out".into()), &Labels::empty(), Labels::clone);
        assert_eq!((&evidence["error"], &evidence["points"]), (&json!("timed out"), &json!([])));
    }
}
