//! Path descriptions: the Prometheus read API as far as the console uses it.
//!
//! Not handlers: an annotation moves onto its handler when that exists; the document must stay equal.

use crate::http::dto::prometheus;

/// An instant query. Form-encoded POST is accepted too.
#[utoipa::path(
    get, path = "/api/v1/query", operation_id = "query", tag = "prometheus",
    params(prometheus::InstantQuery),
    responses(
        (status = 200, body = prometheus::PrometheusResponse, description = "Done"),
        (status = "default", body = prometheus::PrometheusResponse, description = "An error in Prometheus's own form"),
    ),
)]
pub(super) fn query() {}

/// A range query. Form-encoded POST is accepted too.
#[utoipa::path(
    get, path = "/api/v1/query_range", operation_id = "query_range", tag = "prometheus",
    params(prometheus::RangeQuery),
    responses(
        (status = 200, body = prometheus::PrometheusResponse, description = "Done"),
        (status = "default", body = prometheus::PrometheusResponse, description = "An error in Prometheus's own form"),
    ),
)]
pub(super) fn query_range() {}

/// Series by selector.
#[utoipa::path(
    get, path = "/api/v1/series", operation_id = "series", tag = "prometheus",
    params(prometheus::SeriesQuery),
    responses(
        (status = 200, body = prometheus::PrometheusResponse, description = "Done"),
        (status = "default", body = prometheus::PrometheusResponse, description = "An error in Prometheus's own form"),
    ),
)]
pub(super) fn series() {}

/// Label names.
#[utoipa::path(
    get, path = "/api/v1/labels", operation_id = "labels", tag = "prometheus",
    params(prometheus::SeriesQuery),
    responses(
        (status = 200, body = prometheus::PrometheusResponse, description = "Done"),
        (status = "default", body = prometheus::PrometheusResponse, description = "An error in Prometheus's own form"),
    ),
)]
pub(super) fn labels() {}

/// Values of one label.
#[utoipa::path(
    get, path = "/api/v1/label/{name}/values", operation_id = "label_values", tag = "prometheus",
    params(("name" = String, Path, description = "The name."), prometheus::SeriesQuery),
    responses(
        (status = 200, body = prometheus::PrometheusResponse, description = "Done"),
        (status = "default", body = prometheus::PrometheusResponse, description = "An error in Prometheus's own form"),
    ),
)]
pub(super) fn label_values() {}

/// Metadata of metrics.
#[utoipa::path(
    get, path = "/api/v1/metadata", operation_id = "metadata", tag = "prometheus",
    responses(
        (status = 200, body = prometheus::PrometheusResponse, description = "Done"),
        (status = "default", body = prometheus::PrometheusResponse, description = "An error in Prometheus's own form"),
    ),
)]
pub(super) fn metadata() {}
