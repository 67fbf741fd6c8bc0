//! The post-mortem: drafted from facts in the transaction that resolves the incident, finished by people.
//!
//! Not blame and not guessing: what nobody measured is said to be unknown, and the root cause stays empty until a person
//! writes it.

use serde::Serialize;
use serde_json::json;
use sqlx::{Row, SqlitePool};
use watchkeeper_domain::ids::IncidentId;
use watchkeeper_domain::{Actor, Timestamp};
use watchkeeper_state::{Entry, StateError, Tx, ledger};

use crate::command::{Incidents, MAX_NOTE};
use crate::error::Error;
use crate::incident::Incident;
use crate::policy::Policy;
use crate::read::Viewer;
use crate::row;

mod action;
mod facts;
mod impact;
mod markdown;

pub use action::{ActionItem, NewActionItem};
pub use facts::{AlertFact, Facts, Notifications, StateTime};
pub(crate) use impact::ask_for_impact;
pub use impact::{Impact, ImpactState};
pub use markdown::markdown;

/// A post-mortem.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PostMortem {
    /// Its incident.
    pub incident_id: IncidentId,
    /// When the facts were put together.
    pub generated_at: Timestamp,
    /// The facts.
    pub facts: Facts,
    /// What happened. Drafted, then edited. Hostile text.
    pub summary: String,
    /// Why; empty until people say. Hostile text.
    pub root_cause: String,
    /// What was learnt; empty until people say. Hostile text.
    pub lessons: String,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Who edited it last; the system until somebody does.
    pub updated_by: Actor,
    /// What is to be done.
    pub action_items: Vec<ActionItem>,
}

/// The parts that people write; an absent part stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// What happened.
    pub summary: Option<String>,
    /// Why.
    pub root_cause: Option<String>,
    /// What was learnt.
    pub lessons: Option<String>,
}

/// Most characters of one part.
const MAX_PART: usize = 5 * MAX_NOTE;

/// Drafts it, or brings the facts of an earlier draft up to date. What a person has edited stays.
pub(crate) async fn draft(tx: &mut Tx, policy: &Policy, incident: &Incident, now: Timestamp) -> Result<(), StateError> {
    let facts = facts::gather(tx, policy, incident).await?;
    let due = (facts.impact.state == ImpactState::Pending).then_some(now.as_micros());
    let summary = facts.summary(incident);
    sqlx::query(
        "INSERT INTO post_mortem (incident_id, generated_at, facts, summary, updated_at, updated_by, impact_due_at) \
         VALUES ($1, $2, $3, $4, $2, 'system', $5) ON CONFLICT (incident_id) DO UPDATE SET \
         generated_at = excluded.generated_at, facts = excluded.facts, impact_due_at = excluded.impact_due_at, \
         summary = CASE WHEN post_mortem.updated_by = 'system' THEN excluded.summary ELSE post_mortem.summary END",
    )
    .bind(incident.id.to_string())
    .bind(now.as_micros())
    .bind(json!(facts).to_string())
    .bind(summary)
    .bind(due)
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("draft a post-mortem"))?;
    let data = json!({"mttd_s": facts.mttd_s, "mtta_s": facts.mtta_s, "mttr_s": facts.mttr_s});
    let entry = Entry::new(now, "review.drafted", Actor::System, incident.id).incident(incident.id);
    ledger::append(tx, entry.data(data)).await?;
    Ok(())
}

/// The post-mortem of an incident; there is one from its first resolution on.
pub async fn get(pool: &SqlitePool, viewer: Viewer, id: IncidentId) -> Result<PostMortem, Error> {
    let not_found = || Error::NotFound { what: "post-mortem", id: id.to_string() };
    row::load(pool, id).await?.filter(|incident| viewer.may_see(incident)).ok_or_else(not_found)?;
    let row = sqlx::query("SELECT * FROM post_mortem WHERE incident_id = $1")
        .bind(id.to_string())
        .fetch_optional(pool)
        .await
        .map_err(StateError::statement("read a post-mortem"))?
        .ok_or_else(not_found)?;
    let facts: &str = row.get("facts");
    let Ok(updated_by) = row.get::<&str, _>("updated_by").parse::<Actor>();
    Ok(PostMortem {
        incident_id: id,
        generated_at: Timestamp::from_micros(row.get("generated_at")),
        facts: serde_json::from_str(facts).map_err(|_| StateError::corrupt("post_mortem", "facts", facts))?,
        summary: row.get("summary"),
        root_cause: row.get("root_cause"),
        lessons: row.get("lessons"),
        updated_at: Timestamp::from_micros(row.get("updated_at")),
        updated_by,
        action_items: action::list(pool, id).await?,
    })
}

impl Incidents {
    /// Changes the parts that people write.
    pub async fn edit_review(
        &self,
        viewer: Viewer,
        id: IncidentId,
        edit: Edit,
        actor: Actor,
    ) -> Result<PostMortem, Error> {
        let parts = [&edit.summary, &edit.root_cause, &edit.lessons];
        if parts.into_iter().flatten().any(|part| part.chars().count() > MAX_PART) {
            return Err(Error::Invalid(format!("a part of a post-mortem has at most {MAX_PART} characters")));
        }
        let now = self.env.now();
        let mut tx = self.state.write().await?;
        self.visible(&mut tx, viewer, id).await?;
        let changed = sqlx::query(
            "UPDATE post_mortem SET summary = COALESCE($2, summary), root_cause = COALESCE($3, root_cause), \
             lessons = COALESCE($4, lessons), updated_at = $5, updated_by = $6 WHERE incident_id = $1",
        )
        .bind(id.to_string())
        .bind(&edit.summary)
        .bind(&edit.root_cause)
        .bind(&edit.lessons)
        .bind(now.as_micros())
        .bind(actor.to_string())
        .execute(&mut *tx)
        .await
        .map_err(StateError::statement("edit a post-mortem"))?;
        if changed.rows_affected() == 0 {
            return Err(Error::NotFound { what: "post-mortem", id: id.to_string() });
        }
        let data = json!({"summary": edit.summary, "root_cause": edit.root_cause, "lessons": edit.lessons});
        ledger::append(&mut tx, Entry::new(now, "review.edited", actor, id).incident(id).data(data)).await?;
        self.commit(tx).await?;
        get(self.state.read(), viewer, id).await
    }
}
