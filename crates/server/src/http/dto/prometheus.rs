//! The Prometheus read API's envelope, as far as a typed client needs it.
//!
//! Not the encoder: answers are written in Prometheus's own form (numbers as text) by the query handlers.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// What every path under `/api/v1` answers.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PrometheusResponse {
    /// `success` or `error`.
    pub status: String,
    /// The answer; its form depends on the path (for queries: `{resultType, result}`).
    #[schema(value_type = Option<Value>)]
    pub data: Option<Value>,
    /// For errors: `bad_data`, `execution`, `timeout`, `unavailable`, `internal`.
    #[serde(rename = "errorType")]
    pub error_type: Option<String>,
    /// For errors: what is wrong. Hostile text.
    pub error: Option<String>,
    /// What is doubtful about the answer.
    #[serde(default)]
    pub warnings: Option<Vec<String>>,
    /// What could be written better.
    #[serde(default)]
    pub infos: Option<Vec<String>>,
}

/// An instant query.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InstantQuery {
    /// The PromQL expression.
    pub query: String,
    /// When: RFC 3339 or Unix seconds; now when absent.
    pub time: Option<String>,
    /// How long it may take, for example `10s`.
    pub timeout: Option<String>,
}

/// A range query.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RangeQuery {
    /// The PromQL expression.
    pub query: String,
    /// From: RFC 3339 or Unix seconds.
    pub start: String,
    /// To: RFC 3339 or Unix seconds.
    pub end: String,
    /// The step: seconds, or a duration such as `15s`.
    pub step: String,
    /// How long it may take, for example `10s`.
    pub timeout: Option<String>,
}

/// Which series.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SeriesQuery {
    /// Selectors; at least one for `/series`.
    #[serde(rename = "match[]")]
    pub matches: Vec<String>,
    /// From.
    pub start: Option<String>,
    /// To.
    pub end: Option<String>,
    /// At most this many, 1 to 1,000; 100 when absent.
    pub limit: Option<u32>,
}
