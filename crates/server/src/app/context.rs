//! What a message may say beyond its row, looked up from the other parts when it is sent.
//!
//! Not needed for delivery: every answer may be empty.

use std::sync::{Arc, OnceLock, Weak};

use futures::future::BoxFuture;
use watchkeeper_alert::read;
use watchkeeper_domain::Matcher;
use watchkeeper_domain::ids::{AlertId, IncidentId};
use watchkeeper_incident::Viewer;
use watchkeeper_respond::chart::Chart;
use watchkeeper_respond::notify::context::{Context, IncidentLink, WorkflowOffer};

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

    async fn incident(&self, alerts: &[AlertId]) -> Option<IncidentLink> {
        let shared = self.shared()?;
        let alert = find(&shared, *alerts.first()?).await?;
        let id: IncidentId = alert.incident_id?;
        let found = watchkeeper_incident::read::get(shared.state.read(), Viewer::ALL, id).await.ok()?.listed.incident;
        Some(IncidentLink { id, number: found.number, title: found.title })
    }

    async fn workflows(&self, alerts: &[AlertId]) -> Option<Vec<WorkflowOffer>> {
        let shared = self.shared()?;
        let alert = find(&shared, *alerts.first()?).await?;
        let config = shared.config.load();
        let fits = |entry: &Vec<String>| {
            !entry.is_empty() && entry.iter().all(|m| Matcher::parse(m).is_ok_and(|m| m.matches(&alert.labels)))
        };
        let offers = config.workflows.values().filter(|w| w.on_alert.iter().any(fits));
        Some(offers.map(|w| WorkflowOffer { name: w.name.clone() }).collect())
    }
}

async fn find(shared: &Shared, id: AlertId) -> Option<watchkeeper_alert::Alert> {
    read::get(shared.state.read(), shared.silences.cache(), shared.env.now(), id).await.ok().map(|listed| listed.alert)
}

impl Context for MessageContext {
    fn incident_for<'a>(&'a self, alerts: &'a [AlertId]) -> BoxFuture<'a, Option<IncidentLink>> {
        Box::pin(self.incident(alerts))
    }

    fn workflows_for<'a>(&'a self, alerts: &'a [AlertId]) -> BoxFuture<'a, Vec<WorkflowOffer>> {
        Box::pin(async { self.workflows(alerts).await.unwrap_or_default() })
    }

    fn chart_path(&self, alert: AlertId) -> Option<String> {
        Some(chart::path(self.shared()?.as_ref(), alert))
    }

    fn chart_for(&self, alert: AlertId) -> BoxFuture<'_, Option<Chart>> {
        Box::pin(async move { chart::for_message(self.shared()?.as_ref(), alert).await })
    }
}
