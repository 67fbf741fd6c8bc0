//! The course of what a rule compares, as far as a chart can show it.
//!
//! Not the replay: these points are far apart.

use std::collections::BTreeMap;
use watchkeeper_domain::{Labels, Span, Timestamp};

use watchkeeper_detect::backtest::course;
use watchkeeper_domain::query::{Query, SeriesData};
use watchkeeper_domain::telemetry::Sample;
use watchkeeper_promql::{ComparisonOp, Expr};

use crate::http::dto::alerts::ChartSeries;
use crate::http::dto::backtests::{BacktestBand, BacktestChart};

/// How many points a line has at most.
const POINTS: i64 = 720;
/// The most lines.
const MOST_SERIES: usize = 20;
/// The most series with a band.
const MOST_BANDS: usize = 5;

/// A chart that cannot be drawn is empty: the figures are there all the same.
pub(super) async fn of(query: &dyn Query, expr: &str, start: Timestamp, end: Timestamp) -> BacktestChart {
    let parsed = Expr::parse(expr).ok();
    let comparison = parsed.as_ref().and_then(Expr::comparison);
    let text = comparison.as_ref().map_or_else(|| expr.to_owned(), |c| c.lhs.to_string());
    let step_ms = step_ms(start, end);
    let mut series = course(query, &text, start, end, Span::from_millis(step_ms)).await;
    let total = series.len();
    let downwards = comparison
        .as_ref()
        .is_some_and(|c| matches!(c.op, ComparisonOp::Less | ComparisonOp::LessOrEqual | ComparisonOp::Equal));
    let reach = |s: &SeriesData| {
        let values = s.samples.iter().map(|p| if downwards { -p.v } else { p.v }).filter(|v| v.is_finite());
        values.fold(f64::NEG_INFINITY, f64::max)
    };
    if total > MOST_SERIES {
        series.sort_by(|a, b| reach(b).total_cmp(&reach(a)));
        series.truncate(MOST_SERIES);
    }
    BacktestChart { query: text, series: series.iter().map(|s| line(s, step_ms)).collect(), series_total: total }
}

/// The band of the rule's first dynamic threshold.
pub(super) async fn band(query: &dyn Query, expr: &str, start: Timestamp, end: Timestamp) -> Option<BacktestBand> {
    let learnt = Expr::parse(expr).ok()?.learnt().into_iter().next()?;
    let step_ms = step_ms(start, end);
    let span = Span::from_millis(step_ms);
    let mut series = course(query, &learnt.measured, start, end, span).await;
    series.truncate(MOST_BANDS);
    let upper = course(query, &learnt.upper(), start, end, span).await;
    let lower = course(query, &learnt.lower(), start, end, span).await;
    // An edge has its series' labels without the metric's name.
    let of = |edges: &[SeriesData]| {
        let edge = |s: &SeriesData| {
            let own = s.labels.without_name();
            edges
                .iter()
                .find(|e| e.labels == own)
                .map_or_else(|| ChartSeries { labels: pairs(&own), points: Vec::new() }, |edge| line(edge, step_ms))
        };
        series.iter().map(edge).collect()
    };
    Some(BacktestBand {
        upper: of(&upper),
        lower: of(&lower),
        series: series.iter().map(|s| line(s, step_ms)).collect(),
        parameters: learnt.to_string(),
        query: learnt.measured,
    })
}

fn step_ms(start: Timestamp, end: Timestamp) -> i64 {
    (end.since(start).as_millis() / POINTS).max(1_000)
}

fn pairs(labels: &Labels) -> BTreeMap<String, String> {
    labels.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
}

/// A line whose gaps are gaps.
fn line(series: &SeriesData, step_ms: i64) -> ChartSeries {
    let mut points: Vec<(i64, Option<f64>)> = Vec::with_capacity(series.samples.len());
    let mut before: Option<&Sample> = None;
    for sample in &series.samples {
        if before.is_some_and(|b| sample.t - b.t > step_ms) {
            points.push((sample.t - step_ms, None));
        }
        points.push((sample.t, sample.v.is_finite().then_some(sample.v)));
        before = Some(sample);
    }
    ChartSeries { labels: pairs(&series.labels), points }
}
