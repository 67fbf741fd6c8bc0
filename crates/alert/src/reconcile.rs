//! The reconciler: one pass takes what is unrouted and what is due through the pipeline, in one transaction.
//!
//! Not the stages themselves: see [`crate::pipeline::STAGES`].

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use watchkeeper_domain::{Env, Timestamp};
use watchkeeper_state::{ReconcileError, Reconciler, Report, State, StateError, Tx};

use crate::pipeline::{Pass, STAGES};
use crate::routing::Routing;
use crate::silence::Cache;

/// Routes alerts and tells of them.
pub struct AlertReconciler {
    state: State,
    env: Env,
    routing: ArcSwap<Routing>,
    silences: Cache,
    /// Where to go on with routing all firing alerts anew: from the beginning after a start and after a reload. Only in
    /// memory, because starting over is harmless.
    reroute_after: Mutex<Option<String>>,
}

impl AlertReconciler {
    /// A reconciler with the routes of a configuration.
    #[must_use]
    pub fn new(state: State, env: Env, routing: Routing) -> Self {
        Self {
            state,
            env,
            routing: ArcSwap::from_pointee(routing),
            silences: Cache::default(),
            reroute_after: Mutex::new(Some(String::new())),
        }
    }

    /// Takes another configuration. Firing alerts join the groups that they now belong to at the next pass; wake it.
    pub fn reload(&self, routing: Routing) {
        self.routing.store(Arc::new(routing));
        *self.reroute_after.lock() = Some(String::new());
    }

    /// The routes as they are now.
    #[must_use]
    pub fn routing(&self) -> Arc<Routing> {
        self.routing.load_full()
    }

    /// Does in somebody else's transaction what a pass would do after its commit, but for routing everything anew and for
    /// what is only due: others' digests are no business of whoever found something. An error takes the transaction with it.
    pub async fn pass_in(&self, tx: Tx) -> Result<(Tx, Report), StateError> {
        let mut pass = self.begin(tx);
        pass.takes_due = false;
        run(&mut pass).await?;
        let report = Report { processed: pass.taken + pass.told, next_due: None };
        Ok((pass.tx, report))
    }

    fn begin(&self, tx: Tx) -> Pass {
        Pass::new(tx, self.env.clone(), self.routing.load_full(), self.silences.clone())
    }

    async fn pass(&self) -> Result<Report, StateError> {
        let mut pass = self.begin(self.state.write().await?);
        let reroute_from = self.reroute_after.lock().clone();
        pass.reroute_after.clone_from(&reroute_from);
        run(&mut pass).await?;
        let next: Option<i64> = sqlx::query_scalar("SELECT min(next_flush_at) FROM alert_group")
            .fetch_one(&mut *pass.tx)
            .await
            .map_err(StateError::statement("find when the next group is due"))?;
        let Pass { tx, reroute_after, taken, told, .. } = pass;
        State::commit(tx).await?;
        let rerouting = reroute_after.is_some();
        {
            let mut after = self.reroute_after.lock();
            // A reload during this pass has set it back to the beginning, and that must stand.
            if *after == reroute_from {
                *after = reroute_after;
            }
        }
        let processed = taken + told + usize::from(rerouting);
        Ok(Report { processed, next_due: next.map(Timestamp::from_micros) })
    }
}

async fn run(pass: &mut Pass) -> Result<(), StateError> {
    for stage in &STAGES {
        (stage.run)(pass).await?;
    }
    Ok(())
}

impl Reconciler for AlertReconciler {
    fn name(&self) -> &'static str {
        "alert"
    }

    fn reconcile(&self) -> Pin<Box<dyn Future<Output = Result<Report, ReconcileError>> + Send + '_>> {
        Box::pin(async { Ok(self.pass().await?) })
    }
}
