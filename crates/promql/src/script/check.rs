//! Comparing answers with what a script expects.
//!
//! Values agree within a millionth, as in Prometheus's runner.

use watchkeeper_domain::labels::Labels;
use watchkeeper_domain::query::{Instant, SeriesData};

use super::command::{Evaluation, Wanted};
use super::points::Point;
use crate::annotation::{Annotations, Severity};
use crate::ast::{At, Kind, Node};

const EPSILON: f64 = 1e-6;

#[expect(clippy::float_cmp, reason = "equal infinities have no difference to measure")]
fn same(expected: f64, got: f64) -> bool {
    if expected.is_nan() || got.is_nan() {
        return expected.is_nan() && got.is_nan();
    }
    let (sum, difference) = (expected.abs() + got.abs(), (expected - got).abs());
    if expected == got {
        return true;
    }
    if expected == 0.0 || got == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < EPSILON * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < EPSILON
}

/// An evaluation that failed.
pub(super) fn failure(evaluation: &Evaluation, error: &str) -> Result<(), String> {
    match &evaluation.fail {
        None => Err(error.to_owned()),
        Some(wanted) if matches(wanted, error) => Ok(()),
        Some(wanted) => Err(format!("fails with another message: {error}; expected {wanted:?}")),
    }
}

fn matches(wanted: &Wanted, message: &str) -> bool {
    match wanted {
        Wanted::Any => true,
        Wanted::Text(text) => message.contains(text.as_str()),
        Wanted::Regex(regex) => regex.is_match(message),
    }
}

fn no_failure(evaluation: &Evaluation) -> Result<(), String> {
    if evaluation.fail.is_some() { Err("expected to fail, but there is an answer".to_owned()) } else { Ok(()) }
}

/// An answer to an instant query.
pub(super) fn instant(evaluation: &Evaluation, answer: &Instant) -> Result<(), String> {
    no_failure(evaluation)?;
    match answer {
        Instant::Text(text) => match &evaluation.text {
            Some(expected) if expected == text => Ok(()),
            other => Err(format!("the answer is the text {text:?}, expected {other:?}")),
        },
        Instant::Scalar(v) => match evaluation.scalar {
            Some(expected) if same(expected, *v) => Ok(()),
            other => Err(format!("the answer is {v}, expected {other:?}")),
        },
        Instant::Vector(elements) => {
            let got: Vec<(Labels, f64)> = elements.iter().map(|e| (e.labels.clone(), e.value)).collect();
            vector(evaluation, &got, evaluation.ordered)
        }
        Instant::Matrix(series) => {
            let Some((start, step)) = evaluation.range_vector else {
                return Err("the answer is a range vector, which is not expected".to_owned());
            };
            matrix(evaluation, series, start, step)
        }
    }
}

fn vector(evaluation: &Evaluation, got: &[(Labels, f64)], ordered: bool) -> Result<(), String> {
    if evaluation.scalar.is_some() {
        return Err("expected a scalar, the answer is a vector".to_owned());
    }
    let mut expected = Vec::new();
    for (labels, points) in &evaluation.series {
        match points.first() {
            Some(Point::Float(v)) => expected.push((labels, *v)),
            Some(Point::Histogram) => return Err(format!("expected a native histogram for {labels}")),
            Some(Point::Missing) | None => {}
        }
    }
    if expected.len() != got.len() {
        return Err(format!("expected {} elements, got {}: {got:?}", expected.len(), got.len()));
    }
    for (at, (labels, value)) in expected.iter().enumerate() {
        let found =
            if ordered { got.get(at).filter(|g| g.0 == **labels) } else { got.iter().find(|g| g.0 == **labels) };
        let Some((_, v)) = found else { return Err(format!("expected {labels} at {at}, got {got:?}")) };
        if !same(*value, *v) {
            return Err(format!("expected {value} for {labels}, got {v}"));
        }
    }
    Ok(())
}

/// Whether an instant query must give the same as one step of a range query: where its answer has an order, or depends
/// on the window of the query, it need not.
pub(super) fn also_as_range(evaluation: &Evaluation, node: &Node) -> bool {
    let of_query = |n: &Node| {
        let timing = match n {
            Node::Selector(s) | Node::Matrix { selector: s, .. } => s.timing,
            Node::Subquery { timing, .. } => *timing,
            Node::Call { function, .. } => return matches!(function.name, "start" | "end" | "step" | "range"),
            _ => return false,
        };
        matches!(timing.at, Some(At::Start | At::End))
    };
    !evaluation.ordered && matches!(node.kind(), Kind::Vector | Kind::Scalar) && !node.any(&of_query)
}

/// The moment of an instant query within the answer of a range query around it.
pub(super) fn instant_of_range(evaluation: &Evaluation, series: &[SeriesData]) -> Result<(), String> {
    let at = |s: &SeriesData| s.samples.iter().find(|p| p.t == evaluation.at_ms).map(|p| (s.labels.clone(), p.v));
    let got: Vec<(Labels, f64)> = series.iter().filter_map(at).collect();
    match (evaluation.scalar, got.as_slice()) {
        (Some(expected), [(_, v)]) if same(expected, *v) => Ok(()),
        (Some(expected), other) => Err(format!("expected {expected}, got {other:?}")),
        (None, got) => vector(evaluation, got, false),
    }
}

/// An answer to a range query.
pub(super) fn range(evaluation: &Evaluation, series: &[SeriesData]) -> Result<(), String> {
    no_failure(evaluation)?;
    let step = evaluation.range.map_or(1, |(_, step)| step);
    matrix(evaluation, series, evaluation.at_ms, step)
}

fn matrix(evaluation: &Evaluation, series: &[SeriesData], start_ms: i64, step_ms: i64) -> Result<(), String> {
    let mut expected: Vec<(Labels, Vec<Point>)> = evaluation.series.clone();
    if let Some(v) = evaluation.scalar {
        let steps = evaluation.range.map_or(0, |(end, _)| (end - start_ms) / step_ms + 1);
        let points = vec![Point::Float(v); usize::try_from(steps).unwrap_or(0)];
        expected.push((Labels::empty(), points));
    }
    expected.retain(|(_, points)| points.iter().any(|p| *p != Point::Missing));
    for s in series {
        if !expected.iter().any(|(labels, _)| *labels == s.labels) {
            return Err(format!("unexpected series {}: {:?}", s.labels, s.samples));
        }
    }
    for (labels, points) in &expected {
        let Some(got) = series.iter().find(|s| s.labels == *labels) else {
            return Err(format!("expected the series {labels}"));
        };
        let mut wanted = Vec::new();
        for (point, at) in points.iter().zip(0_i64..) {
            match point {
                Point::Missing => {}
                Point::Float(v) => wanted.push((start_ms + at * step_ms, *v)),
                Point::Histogram => return Err(format!("expected native histograms for {labels}")),
            }
        }
        let agrees = |(w, g): (&(i64, f64), &watchkeeper_domain::telemetry::Sample)| w.0 == g.t && same(w.1, g.v);
        if wanted.len() != got.samples.len() || !wanted.iter().zip(&got.samples).all(agrees) {
            return Err(format!("expected {wanted:?} for {labels}, got {:?}", got.samples));
        }
    }
    Ok(())
}

/// The remarks on an answer.
pub(super) fn annotations(evaluation: &Evaluation, notes: &Annotations) -> Result<(), String> {
    for (severity, forbidden) in [(Severity::Info, evaluation.no_info), (Severity::Warning, evaluation.no_warn)] {
        let mut got = notes.iter().filter(|a| a.severity == severity).map(|a| {
            let kind = if severity == Severity::Info { "info" } else { "warning" };
            format!("PromQL {kind}: {}", a.message)
        });
        if forbidden {
            if let Some(note) = got.next() {
                return Err(format!("an annotation that must not be: {note}"));
            }
            continue;
        }
        let got: Vec<String> = got.collect();
        let wanted: Vec<&Wanted> = evaluation.annotations.iter().filter(|w| w.0 == severity).map(|w| &w.1).collect();
        let fits = |w: &Wanted, note: &str| match w {
            Wanted::Any => true,
            Wanted::Text(text) => without_position(text) == note,
            Wanted::Regex(regex) => regex.is_match(note),
        };
        if let Some(w) = wanted.iter().find(|w| !got.iter().any(|note| fits(w, note))) {
            return Err(format!("expected the annotation {w:?}, got {got:?}"));
        }
        if let Some(note) = got.iter().find(|note| !wanted.is_empty() && !wanted.iter().any(|w| fits(w, note))) {
            return Err(format!("an annotation that is not expected: {note}"));
        }
    }
    Ok(())
}

/// A message without the `(1:7)` at its end.
fn without_position(text: &str) -> &str {
    text.rsplit_once(" (").filter(|(_, position)| position.ends_with(')')).map_or(text, |(message, _)| message)
}
