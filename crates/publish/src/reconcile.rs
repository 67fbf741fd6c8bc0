//! The reconciler: incidents whose public state is not what was last published get an update.
//!
//! Not a subscriber service: readers come for the page and the feed.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwap;
use sqlx::Row;
use watchkeeper_config::model::StatusPage;
use watchkeeper_domain::ids::IncidentId;
use watchkeeper_domain::{Actor, Env};
use watchkeeper_state::{ReconcileError, Reconciler, Report, State, StateError};

use crate::component::Impact;
use crate::post;
use crate::update::{PublicState, Told, sentence};

/// Most incidents that one pass looks at.
const MAX_INCIDENTS: i64 = 500;

/// Publishes.
pub struct StatusReconciler {
    state: State,
    env: Env,
    page: ArcSwap<StatusPage>,
}

impl StatusReconciler {
    /// A reconciler for the components of a configuration.
    #[must_use]
    pub fn new(state: State, env: Env, page: StatusPage) -> Self {
        Self { state, env, page: ArcSwap::from_pointee(page) }
    }

    /// Takes another configuration; wake it.
    pub fn reload(&self, page: StatusPage) {
        self.page.store(Arc::new(page));
    }

    async fn pass(&self) -> Result<Report, StateError> {
        let page = self.page.load_full();
        let mut tx = self.state.write().await?;
        // Restricted incidents are left out here and again when the page is read.
        let rows = sqlx::query(
            "SELECT * FROM (SELECT i.id, i.number, i.state, i.priority, i.component, \
             (SELECT u.state FROM status_update u WHERE u.incident_id = i.id ORDER BY u.at DESC, u.id DESC LIMIT 1) AS told, \
             (SELECT u.impact FROM status_update u WHERE u.incident_id = i.id ORDER BY u.at DESC, u.id DESC LIMIT 1) AS told_impact \
             FROM incident i WHERE i.restricted = 0 AND i.kind = 'operational' AND i.component IS NOT NULL) AS candidate \
             WHERE state IN ('triggered', 'acknowledged', 'mitigated') OR told <> 'resolved' ORDER BY number LIMIT $1",
        )
        .bind(MAX_INCIDENTS)
        .fetch_all(&mut *tx)
        .await
        .map_err(StateError::statement("find what to publish"))?;
        let mut published = 0;
        for row in &rows {
            let name: &str = row.get("component");
            let Some(component) = page.components.iter().find(|component| component.name == name) else { continue };
            let now = post::present(row)?;
            let before = told(row)?;
            let Some(text) = sentence(&component.title, before, now) else { continue };
            let id: &str = row.get("id");
            let id: IncidentId = id.parse().map_err(|_| StateError::corrupt("incident", "id", id))?;
            post::write(&mut tx, &self.env, id, name, now, &text, &Actor::System).await?;
            published += 1;
        }
        if published > 0 {
            State::commit(tx).await?;
        }
        Ok(Report { processed: published, next_due: None })
    }
}

fn told(row: &sqlx::sqlite::SqliteRow) -> Result<Option<Told>, StateError> {
    let (Some(state), Some(impact)) = (row.get::<Option<&str>, _>("told"), row.get::<Option<&str>, _>("told_impact"))
    else {
        return Ok(None);
    };
    Ok(Some(Told {
        state: PublicState::from_word(state).ok_or_else(|| StateError::corrupt("status_update", "state", state))?,
        impact: Impact::from_word(impact).ok_or_else(|| StateError::corrupt("status_update", "impact", impact))?,
    }))
}

impl Reconciler for StatusReconciler {
    fn name(&self) -> &'static str {
        "publish"
    }

    fn reconcile(&self) -> Pin<Box<dyn Future<Output = Result<Report, ReconcileError>> + Send + '_>> {
        Box::pin(async { Ok(self.pass().await?) })
    }
}
