//! Comparing answers with what a script expects.
//!
//! Values agree within a millionth, as in Prometheus's runner.

use std::sync::Arc;

use watchkeeper_domain::histogram::{BucketCount, Histogram};
use watchkeeper_domain::labels::Labels;
use watchkeeper_domain::query::SeriesPoints;

use super::command::{Evaluation, Wanted};
use super::points::Point;
use crate::annotation::{Annotations, Severity};
use crate::answer::{self, Answer};
use crate::ast::{At, Kind, Node, NodeKind};

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

/// Whether a value is the expected one.
fn agrees(expected: &Point, got: &answer::Point) -> bool {
    match (expected, got) {
        (Point::Float(expected), answer::Point::Float(got)) => same(*expected, *got),
        (Point::Histogram(expected, told), answer::Point::Histogram(got)) => {
            (!told || expected.reset == got.reset) && same_histogram(expected, got)
        }
        _ => false,
    }
}

fn same_histogram(expected: &Histogram, got: &Histogram) -> bool {
    let filled =
        |buckets: &[BucketCount]| -> Vec<BucketCount> { buckets.iter().filter(|b| b.count != 0.0).copied().collect() };
    let buckets = |a: &[BucketCount], b: &[BucketCount]| {
        let (a, b) = (filled(a), filled(b));
        a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.index == b.index && same(a.count, b.count))
    };
    expected.schema == got.schema
        && expected.bounds == got.bounds
        && expected.zero_threshold.total_cmp(&got.zero_threshold).is_eq()
        && same(expected.count, got.count)
        && same(expected.sum, got.sum)
        && same(expected.zero_count, got.zero_count)
        && buckets(&expected.positive, &got.positive)
        && buckets(&expected.negative, &got.negative)
}

fn shown(point: &answer::Point) -> String {
    match point {
        answer::Point::Float(v) => v.to_string(),
        answer::Point::Histogram(h) => format!("{h} (schema {}, reset {:?})", h.schema, h.reset),
    }
}

fn wanted_point(point: &Point) -> String {
    match point {
        Point::Missing => "nothing".to_owned(),
        Point::Float(v) => v.to_string(),
        Point::Histogram(h, _) => shown(&answer::Point::Histogram(Arc::clone(h))),
    }
}

/// An evaluation that failed. The message that is expected is the whole error, or one of the shorter wordings: without
/// the sub-expression that ours have.
pub(super) fn failure(evaluation: &Evaluation, error: &str, shorter: &[&str]) -> Result<(), String> {
    match &evaluation.fail {
        None => Err(error.to_owned()),
        Some(wanted) if matches(wanted, error) || shorter.iter().any(|s| matches(wanted, s)) => Ok(()),
        Some(wanted) => Err(format!("fails with another message: {error}; expected {wanted:?}")),
    }
}

fn matches(wanted: &Wanted, message: &str) -> bool {
    match wanted {
        Wanted::Any => true,
        Wanted::Text(text) => message == text,
        Wanted::Regex(regex) => regex.is_match(message),
    }
}

fn no_failure(evaluation: &Evaluation) -> Result<(), String> {
    if evaluation.fail.is_some() { Err("expected to fail, but there is an answer".to_owned()) } else { Ok(()) }
}

/// An answer to an instant query.
pub(super) fn instant(evaluation: &Evaluation, answer: &Answer) -> Result<(), String> {
    no_failure(evaluation)?;
    match answer {
        Answer::Text(text) => match &evaluation.text {
            Some(expected) if expected == text => Ok(()),
            other => Err(format!("the answer is the text {text:?}, expected {other:?}")),
        },
        Answer::Scalar(v) => match evaluation.scalar {
            Some(expected) if same(expected, *v) => Ok(()),
            other => Err(format!("the answer is {v}, expected {other:?}")),
        },
        Answer::Vector(entries) => {
            let got: Vec<_> = entries.iter().map(|e| (&e.labels, e.value.clone())).collect();
            vector(evaluation, &got, evaluation.ordered)
        }
        Answer::Matrix(series) => {
            let Some((start, step)) = evaluation.range_vector else {
                return Err("the answer is a range vector, which is not expected".to_owned());
            };
            matrix(evaluation, series, start, step)
        }
    }
}

fn vector(evaluation: &Evaluation, got: &[(&Labels, answer::Point)], ordered: bool) -> Result<(), String> {
    if evaluation.scalar.is_some() {
        return Err("expected a scalar, the answer is a vector".to_owned());
    }
    let first = |(labels, points): &'_ (Labels, Vec<Point>)| {
        let point = points.first().filter(|point| **point != Point::Missing)?;
        Some((labels.clone(), point.clone()))
    };
    let expected: Vec<(Labels, Point)> = evaluation.series.iter().filter_map(first).collect();
    let all = || {
        let shown: Vec<_> = got.iter().map(|(labels, point)| format!("{labels} {}", shown(point))).collect();
        shown.join(", ")
    };
    if expected.len() != got.len() {
        return Err(format!("expected {} elements, got {}: {}", expected.len(), got.len(), all()));
    }
    for (at, (labels, point)) in expected.iter().enumerate() {
        let found = if ordered { got.get(at).filter(|g| g.0 == labels) } else { got.iter().find(|g| g.0 == labels) };
        let Some((_, v)) = found else { return Err(format!("expected {labels} at {at}, got {}", all())) };
        if !agrees(point, v) {
            return Err(format!("expected {} for {labels}, got {}", wanted_point(point), shown(v)));
        }
    }
    Ok(())
}

/// Whether an instant query must give the same as one step of a range query: where its answer has an order, or depends
/// on the window of the query, it need not.
pub(super) fn also_as_range(evaluation: &Evaluation, node: &Node) -> bool {
    let of_query = |n: &Node| {
        let timing = match &n.kind {
            NodeKind::Selector(s) | NodeKind::Matrix { selector: s, .. } => &s.timing,
            NodeKind::Subquery { timing, .. } => timing,
            NodeKind::Call { function, .. } => return matches!(function.name, "start" | "end" | "step" | "range"),
            _ => return false,
        };
        matches!(timing.at, Some(At::Start | At::End))
    };
    let depends = node.any(&of_query) || node.has_reckoned_lengths();
    !evaluation.ordered && matches!(node.kind(), Kind::Vector | Kind::Scalar) && !depends
}

/// The moment of an instant query within the answer of a range query around it.
pub(super) fn instant_of_range(evaluation: &Evaluation, series: &[SeriesPoints]) -> Result<(), String> {
    let at = |s: &'_ SeriesPoints| points(s).into_iter().find(|(t, _)| *t == evaluation.at_ms).map(|(_, point)| point);
    let got: Vec<(&Labels, answer::Point)> = series.iter().filter_map(|s| Some((&s.labels, at(s)?))).collect();
    match (evaluation.scalar, got.as_slice()) {
        (Some(expected), [(_, answer::Point::Float(v))]) if same(expected, *v) => Ok(()),
        (Some(expected), other) => Err(format!("expected {expected}, got {other:?}")),
        (None, got) => vector(evaluation, got, false),
    }
}

/// All points of a series by time.
fn points(series: &SeriesPoints) -> Vec<(i64, answer::Point)> {
    let floats = series.samples.iter().map(|s| (s.t, answer::Point::Float(s.v)));
    let histograms = series.histograms.iter().map(|h| (h.t, answer::Point::Histogram(Arc::clone(&h.histogram))));
    let mut all: Vec<_> = floats.chain(histograms).collect();
    all.sort_by_key(|(t, _)| *t);
    all
}

/// An answer to a range query.
pub(super) fn range(evaluation: &Evaluation, series: &[SeriesPoints]) -> Result<(), String> {
    no_failure(evaluation)?;
    let step = evaluation.range.map_or(1, |(_, step)| step);
    matrix(evaluation, series, evaluation.at_ms, step)
}

fn matrix(evaluation: &Evaluation, series: &[SeriesPoints], start_ms: i64, step_ms: i64) -> Result<(), String> {
    let mut expected: Vec<(Labels, Vec<Point>)> = evaluation.series.clone();
    if let Some(v) = evaluation.scalar {
        let steps = evaluation.range.map_or(0, |(end, _)| (end - start_ms) / step_ms + 1);
        expected.push((Labels::empty(), vec![Point::Float(v); usize::try_from(steps).unwrap_or(0)]));
    }
    expected.retain(|(_, points)| points.iter().any(|p| *p != Point::Missing));
    let all = |points: &[(i64, answer::Point)]| {
        let shown: Vec<_> = points.iter().map(|(t, point)| format!("{} at {t} ms", shown(point))).collect();
        shown.join(", ")
    };
    for s in series {
        if !expected.iter().any(|(labels, _)| *labels == s.labels) {
            return Err(format!("unexpected series {}: {}", s.labels, all(&points(s))));
        }
    }
    for (labels, row) in &expected {
        let Some(got) = series.iter().find(|s| s.labels == *labels) else {
            return Err(format!("expected the series {labels}"));
        };
        let got = points(got);
        let at = row.iter().zip(0_i64..).map(|(point, at)| (start_ms + at * step_ms, point));
        let expected: Vec<(i64, &Point)> = at.filter(|(_, point)| **point != Point::Missing).collect();
        let fits = |(e, g): (&(i64, &Point), &(i64, answer::Point))| e.0 == g.0 && agrees(e.1, &g.1);
        if expected.len() != got.len() || !expected.iter().zip(&got).all(fits) {
            let shown: Vec<_> =
                expected.iter().map(|(t, point)| format!("{} at {t} ms", wanted_point(point))).collect();
            return Err(format!("expected {} for {labels}, got {}", shown.join(", "), all(&got)));
        }
    }
    Ok(())
}

/// The remarks on an answer.
pub(super) fn annotations(evaluation: &Evaluation, notes: &Annotations) -> Result<(), String> {
    for (severity, forbidden) in [(Severity::Info, evaluation.no_info), (Severity::Warning, evaluation.no_warn)] {
        let mut got = notes.iter().filter(|a| a.severity == severity).map(ToString::to_string);
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
            Wanted::Text(text) => text == note || text == without_position(note),
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
