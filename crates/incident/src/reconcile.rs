//! The reconciler: untriaged transitions become incidents, incidents that nobody has are handed over, and what an
//! incident cost is asked for.
//!
//! Not the commands of people: see [`crate::command`].

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use sqlx::Row;
use watchkeeper_alert::Alert;
use watchkeeper_domain::Timestamp;
use watchkeeper_domain::query::Query;
use watchkeeper_state::{ReconcileError, Reconciler, Report, StateError, Tx};

use crate::command::Incidents;
use crate::open::{self, Watched};
use crate::{review, row};

/// Most transitions that one pass takes.
pub const MAX_TRANSITIONS: i64 = 200;

/// Triages alerts and watches over open incidents.
pub struct IncidentReconciler {
    incidents: Incidents,
    query: Arc<dyn Query>,
}

impl IncidentReconciler {
    /// `query` answers what an incident cost.
    #[must_use]
    pub fn new(incidents: Incidents, query: Arc<dyn Query>) -> Self {
        Self { incidents, query }
    }

    async fn pass(&self) -> Result<Report, StateError> {
        let mut tx = self.incidents.state.write().await?;
        let report = self.pass_in(&mut tx).await?;
        // Nobody is woken for nothing: this reconciler may be among those that a commit wakes.
        if report.processed == 0 {
            drop(tx);
        } else {
            self.incidents.commit(tx).await?;
        }
        self.ask_for_impact(report).await
    }

    /// Does in somebody else's transaction what a pass would do after its commit.
    pub async fn pass_in(&self, tx: &mut Tx) -> Result<Report, StateError> {
        let policy = self.incidents.policy.load_full();
        // What a silence holds back waits: it would call people and start repairs in spite of it. When the silence ends,
        // the stage before this one takes the mark away.
        let rows = sqlx::query(
            "SELECT t.seq, t.from_state, t.to_state, t.reason, a.* FROM alert_transition t \
             JOIN alert a ON a.id = t.alert_id WHERE t.triaged = 0 \
             AND NOT (t.from_state = 'inactive' AND a.state = 'firing' AND EXISTS (SELECT 1 FROM alert_group_member m \
               WHERE m.alert_id = a.id AND m.muted LIKE 'silence:%')) ORDER BY t.seq LIMIT $1",
        )
        .bind(MAX_TRANSITIONS)
        .fetch_all(&mut **tx)
        .await
        .map_err(StateError::statement("read untriaged transitions"))?;
        let is_new = |row: &&sqlx::sqlite::SqliteRow| row.get::<&str, _>("from_state") == "inactive";
        // What fires joins before what ended may end an incident: it would only be reopened.
        for row in rows.iter().filter(is_new) {
            open::on_fired(&self.incidents, tx, &policy, &Alert::from_row(row)?).await?;
        }
        for row in rows.iter().filter(|row| !is_new(row)) {
            let (to, reason): (&str, &str) = (row.get("to_state"), row.get("reason"));
            open::on_changed(&self.incidents, tx, &Alert::from_row(row)?, to, reason).await?;
        }
        if !rows.is_empty() {
            let seqs: Vec<i64> = rows.iter().map(|row| row.get("seq")).collect();
            sqlx::query("UPDATE alert_transition SET triaged = 1 WHERE seq IN (SELECT value FROM json_each($1))")
                .bind(serde_json::json!(seqs).to_string())
                .execute(&mut **tx)
                .await
                .map_err(StateError::statement("mark transitions triaged"))?;
        }
        let unowned = sqlx::query("SELECT * FROM incident WHERE state = 'triggered' AND handed_over_at IS NULL")
            .fetch_all(&mut **tx)
            .await
            .map_err(StateError::statement("find incidents that nobody has"))?;
        let mut report = Report { processed: rows.len(), next_due: None };
        for row in &unowned {
            let incident = row::from_row(row)?;
            match open::ensure_somebody(&self.incidents, tx, &policy, &incident).await? {
                Watched::Held => {}
                Watched::Until(at) => report = report.due(Some(at)),
                Watched::HandedOver => report.processed += 1,
            }
        }
        Ok(report)
    }

    /// After the transaction, because a query may be slow and the transaction holds the only writer.
    async fn ask_for_impact(&self, report: Report) -> Result<Report, StateError> {
        let asked = review::ask_for_impact(&self.incidents, self.query.as_ref()).await?;
        let due: Option<i64> = sqlx::query_scalar("SELECT min(impact_due_at) FROM post_mortem")
            .fetch_one(self.incidents.state.read())
            .await
            .map_err(StateError::statement("find when to ask for an impact"))?;
        let report = Report { processed: report.processed + asked, ..report };
        Ok(report.due(due.map(Timestamp::from_micros)))
    }
}

impl Reconciler for IncidentReconciler {
    fn name(&self) -> &'static str {
        "incident"
    }

    fn reconcile(&self) -> Pin<Box<dyn Future<Output = Result<Report, ReconcileError>> + Send + '_>> {
        Box::pin(async { Ok(self.pass().await?) })
    }
}
