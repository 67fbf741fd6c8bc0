//! What a message may say beyond its row, looked up from the other parts when it is sent.
//!
//! Not needed for delivery: every answer may be empty.

use std::sync::{Arc, OnceLock, Weak};

use futures::future::BoxFuture;
use watchkeeper_domain::Matcher;
use watchkeeper_domain::ids::AlertId;
use watchkeeper_respond::chart::Chart;
use watchkeeper_respond::notify::context::{About, Context, IncidentLink, WorkflowOffer};

use super::Shared;
use crate::http::chart;

/// Looks through the parts once they exist. Weak, because the parts hold it.
#[derive(Default)]
pub(super) struct MessageContext(OnceLock<Weak<Shared>>);

impl MessageContext {
    pub(super) fn attach(&self, shared: &Arc<Shared>) {
        // It is empty: nothing else sets it.
        drop(self.0.set(Arc::downgrade(shared)));
    }

    fn shared(&self) -> Option<Arc<Shared>> {
        self.0.get()?.upgrade()
    }

    async fn about_first(&self, alerts: &[AlertId]) -> Option<About> {
        let shared = self.shared()?;
        let of = watchkeeper_incident::read::of_alert(shared.state.read(), *alerts.first()?).await.ok()??;
        let config = shared.config.load();
        let fits = |entry: &Vec<String>| {
            !entry.is_empty() && entry.iter().all(|m| Matcher::parse(m).is_ok_and(|m| m.matches(&of.labels)))
        };
        let offers = config.workflows.values().filter(|w| w.on_alert.iter().any(fits));
        let workflows = offers.map(|w| WorkflowOffer { name: w.name.clone() }).collect();
        let incident = of.incident.map(|(id, number, title)| IncidentLink { id, number, title });
        Some(About { incident, workflows })
    }
}

impl Context for MessageContext {
    fn about<'a>(&'a self, alerts: &'a [AlertId]) -> BoxFuture<'a, About> {
        Box::pin(async { self.about_first(alerts).await.unwrap_or_default() })
    }

    fn chart_path(&self, alert: AlertId) -> Option<String> {
        Some(chart::path(self.shared()?.as_ref(), alert))
    }

    fn chart_for(&self, alert: AlertId) -> BoxFuture<'_, Option<Chart>> {
        Box::pin(async move { chart::for_message(self.shared()?.as_ref(), alert).await })
    }
}
