//! `app_insights`: SDKs of Application Insights as senders.
//!
//! Not the path that they take to get here: their connection string names this server.

use url::Url;
use watchkeeper_domain::Code;

use super::names::Names;
use super::server::or;
use crate::Secret;
use crate::decode::record::record;
use crate::decode::secret::SecretAt;
use crate::decode::{At, Context, List, items};
use crate::diagnostic::Diagnostic;
use crate::model::app_insights::{AppInsights, AppInsightsKey};

record! {
    /// Who may send as an SDK of Application Insights.
    AppInsightsFile, "`app_insights`" {
        /// Instrumentation keys that are taken.
        keys: Option<List<AppInsightsKeyFile>> = "keys";
        /// Origins of pages whose browsers may send: `https://shop.bank.example`; `*` for every one.
        allowed_origins: Option<List<At<String>>> = "allowed_origins";
        /// Whether processes that offer Live Metrics are asked for them. Default `true`.
        live_metrics: Option<At<bool>> = "live_metrics";
    }
}

record! {
    /// An instrumentation key.
    AppInsightsKeyFile, "an instrumentation key" {
        /// Whose it is: the service of what names no cloud role.
        name: At<String> = "name";
        /// The key, a UUID, as a reference.
        key: SecretAt = "key";
    }
}

impl AppInsightsFile {
    pub(crate) fn build(file: Option<&Self>, cx: &mut Context<'_>) -> AppInsights {
        let Some(file) = file else { return AppInsights::default() };
        let mut names = Names::new("instrumentation key");
        let keys = items(&file.keys).iter().filter_map(|key| key.build(&mut names, cx)).collect();
        let origins = items(&file.allowed_origins).iter();
        let allowed_origins = origins.filter_map(|at| origin(at, cx)).collect();
        AppInsights { keys, allowed_origins, live_metrics: or(file.live_metrics.as_ref(), true) }
    }
}

impl AppInsightsKeyFile {
    fn build(&self, names: &mut Names, cx: &mut Context<'_>) -> Option<AppInsightsKey> {
        if !names.define(&self.name, cx) {
            return None;
        }
        let (name, reference) = (self.name.value.clone(), &self.key.reference);
        let Some(secret) = &self.key.secret else {
            let message = format!("the key `{name}` is left out because `{reference}` is not set");
            cx.warn(Diagnostic::at(Code::ConfigMissingSecret, &self.key.place, message));
            return None;
        };
        let key = secret.expose().trim().to_ascii_lowercase();
        if !is_uuid(&key) {
            let message = format!("the value of `{reference}` is no instrumentation key; SDKs take only a UUID");
            let help = "make one with `uuidgen`, and give it to the SDK in `InstrumentationKey=…`";
            cx.invalid(&self.key.place, message, Some(help.to_owned()));
            return None;
        }
        Some(AppInsightsKey { name, key: Secret::new(reference.clone(), key) })
    }
}

/// `8-4-4-4-12` hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

/// An origin as browsers write it, or `*`.
fn origin(at: &At<String>, cx: &mut Context<'_>) -> Option<String> {
    let given = at.value.trim_end_matches('/');
    if given == "*" {
        return Some(given.to_owned());
    }
    let parsed = Url::parse(given).ok().map(|url| url.origin());
    match parsed.filter(url::Origin::is_tuple).map(|origin| origin.ascii_serialization()) {
        Some(origin) if origin == given.to_ascii_lowercase() => Some(origin),
        _ => {
            let help = "write scheme, host and port as the browser does: `https://shop.bank.example`";
            cx.invalid(&at.place, format!("`{}` is not an origin", at.value), Some(help.to_owned()));
            None
        }
    }
}
