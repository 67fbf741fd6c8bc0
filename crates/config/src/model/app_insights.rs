//! Application Insights' SDKs as senders: which instrumentation keys are known, which pages may send.
//!
//! Not their envelopes: `ingest::app_insights` reads those.

use crate::secret::Secret;

/// Who may send as an SDK of Application Insights.
#[derive(Debug, Clone)]
pub struct AppInsights {
    /// Known keys. Empty: without `server.tokens` every key is taken, with tokens none is.
    pub keys: Vec<AppInsightsKey>,
    /// Origins of pages whose browsers may send: `https://shop.bank.example`, or `*` for every one.
    pub allowed_origins: Vec<String>,
    /// Whether processes that offer Live Metrics are asked to send them, once a second. Default true.
    pub live_metrics: bool,
}

impl Default for AppInsights {
    fn default() -> Self {
        Self { keys: Vec::new(), allowed_origins: Vec::new(), live_metrics: true }
    }
}

/// An instrumentation key: the one credential that the SDKs show.
#[derive(Debug, Clone)]
pub struct AppInsightsKey {
    /// Whose it is: the service of what comes with it and names no cloud role.
    pub name: String,
    /// A UUID in lower case.
    pub key: Secret,
}
