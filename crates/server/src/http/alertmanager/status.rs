//! Handlers: who we are, and which receivers there are.
//!
//! Not our own settings: those are under `/api/watchkeeper/v1/settings`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use watchkeeper_config::alertmanager;
use watchkeeper_domain::{Labels, Matcher};

use super::shape::{Name, Receiver};
use super::{Params, Refusal, all_match};
use crate::app::Shared;

/// The release of Alertmanager whose API this is: its programs look at it before they use what that release has.
const SPOKEN: &str = "0.33.0";

/// `GET /api/v2/status`. The configuration is the routing part in Alertmanager's notation, without anything secret.
pub async fn status(State(shared): State<Arc<Shared>>) -> Response {
    let config = shared.config.load();
    Json(json!({
        "cluster": {"status": "disabled", "peers": []},
        "versionInfo": {
            "version": SPOKEN,
            "revision": env!("CARGO_PKG_VERSION"),
            "branch": "watchkeeper",
            "buildUser": "",
            "buildDate": "",
            "goVersion": "",
        },
        "config": {"original": alertmanager::shown(&config)},
        "uptime": shared.started_at,
    }))
    .into_response()
}

/// `GET /api/v2/receivers`.
pub async fn receivers(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Result<Response, Refusal> {
    let matchers = Params::parse(query.as_deref()).matchers("receiver_matchers")?;
    let config = shared.config.load();
    let written = config.receivers.values().filter(|receiver| !receiver.is_person());
    let wanted = written.filter(|receiver| all_match(&matchers, &labels_of(receiver)));
    let shown = wanted.map(|receiver| Receiver { name: receiver.name.clone(), labels: receiver.labels.clone() });
    Ok(Json(shown.collect::<Vec<_>>()).into_response())
}

/// A receiver's labels, and its name as one.
fn labels_of(receiver: &watchkeeper_config::model::Receiver) -> Labels {
    let own = receiver.labels.iter().map(|(name, value)| (name.clone(), value.clone()));
    Labels::from_pairs(own.chain(std::iter::once(("name".to_owned(), receiver.name.clone()))))
}

/// Whether one of these receivers satisfies all matchers.
pub(super) fn matches_a_receiver(shared: &Shared, matchers: &[Matcher], names: &[Name]) -> bool {
    let config = shared.config.load();
    let known = |name: &Name| config.receivers.get(&name.name);
    matchers.is_empty() || names.iter().filter_map(known).any(|receiver| all_match(matchers, &labels_of(receiver)))
}
