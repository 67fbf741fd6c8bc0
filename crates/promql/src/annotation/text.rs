//! The wording of all remarks, which is Prometheus's, so that what knows one knows the other.
//!
//! Not when they are made.

use super::Repairs;
use crate::order;

fn of_metric(message: &str, metric: &str) -> String {
    if metric.is_empty() { message.to_owned() } else { format!("{message} for metric name {metric:?}") }
}

pub(crate) fn invalid_quantile(phi: f64) -> String {
    format!("quantile value should be between 0 and 1, got {}", order::short(phi))
}

pub(crate) fn invalid_ratio(ratio: f64, capped: f64) -> String {
    let (ratio, capped) = (order::short(ratio), order::short(capped));
    format!("ratio value should be between -1 and 1, got {ratio}, capping to {capped}")
}

pub(crate) fn bad_bucket_label(metric: &str, label: &str) -> String {
    of_metric(&format!("bucket label \"le\" is missing or has a malformed value of {label:?}"), metric)
}

pub(crate) fn mixed_floats_histograms(metric: &str) -> String {
    format!("encountered a mix of histograms and floats for metric name {metric:?}")
}

pub(crate) fn mixed_in_aggregation() -> String {
    "encountered a mix of histograms and floats for aggregation".to_owned()
}

pub(crate) fn mixed_classic_native(metric: &str) -> String {
    of_metric("vector contains a mix of classic and native histograms", metric)
}

pub(crate) fn not_counter_histogram(metric: &str) -> String {
    format!("this native histogram metric is not a counter: {metric:?}")
}

pub(crate) fn not_gauge_histogram(metric: &str) -> String {
    format!("this native histogram metric is not a gauge: {metric:?}")
}

pub(crate) fn mixed_schemas(metric: &str) -> String {
    format!(
        "vector contains a mix of histograms with exponential and custom buckets schemas for metric name {metric:?}"
    )
}

pub(crate) fn incompatible_layout(sign: &str) -> String {
    format!("incompatible bucket layout encountered for binary operator {sign}")
}

pub(crate) fn no_counter_name(metric: &str) -> String {
    format!("metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {metric:?}")
}

pub(crate) fn no_counter_type(metric: &str, kind: &str) -> String {
    format!(
        "metric might not be a counter, __type__ label is not set to \"counter\" or \"histogram\", got {kind:?}: {metric:?}"
    )
}

pub(crate) fn repaired_buckets(metric: &str) -> String {
    let message = "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/\
                   prometheus/latest/querying/functions/#histogram_quantile)";
    of_metric(message, metric)
}

/// What follows the message of [`repaired_buckets`].
pub(super) fn repairs(r: &Repairs) -> String {
    format!(
        ", from buckets {} to {}, with a max diff of {}, over {} samples from {} to {}",
        order::short(r.least_bound),
        order::short(r.greatest_bound),
        order::significant_digits(r.greatest_difference, 2),
        r.count,
        crate::function::calendar::rfc3339(r.first_ms),
        crate::function::calendar::rfc3339(r.last_ms),
    )
}

pub(crate) fn incompatible_types(left: &str, sign: &str, right: &str) -> String {
    format!("incompatible sample types encountered for binary operator {sign:?}: {left} {sign} {right}")
}

pub(crate) fn histogram_ignored_in_aggregation(aggregation: &str) -> String {
    format!("ignored histogram in {aggregation} aggregation")
}

pub(crate) fn histograms_ignored_in_range(metric: &str) -> String {
    format!("ignored histograms in a range containing both floats and histograms for metric name {metric:?}")
}

pub(crate) fn quantile_is_nan(metric: &str) -> String {
    of_metric("input to histogram_quantile has NaN observations, result is NaN", metric)
}

pub(crate) fn quantile_is_skewed(metric: &str) -> String {
    of_metric("input to histogram_quantile has NaN observations, result is skewed higher", metric)
}

pub(crate) fn fraction_without_nan(metric: &str) -> String {
    of_metric("input to histogram_fraction has NaN observations, which are excluded from all fractions", metric)
}

/// What was done with histograms that do not agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Addition,
    Subtraction,
    Aggregation,
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Self::Addition => "addition",
            Self::Subtraction => "subtraction",
            Self::Aggregation => "aggregation",
        }
    }
}

pub(crate) fn conflicting_resets(operation: Operation) -> String {
    format!("conflicting counter resets during histogram {}", operation.name())
}

pub(crate) fn reconciled_bounds(operation: Operation) -> String {
    format!("mismatched custom buckets were reconciled during {}", operation.name())
}

pub(crate) fn overlapping_starts(metric: &str) -> String {
    format!("start timestamp overlaps with a previous sample for metric name {metric:?}")
}

pub(crate) fn sort_without_effect() -> String {
    "sort is ineffective for range queries since results are always ordered by labels".to_owned()
}
