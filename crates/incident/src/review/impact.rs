//! What an incident cost its users: a query over its whole length, asked after it ended and again when it failed.
//!
//! Not an estimate: a query without an answer is said to be unknown, never zero.

use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::Row;
use watchkeeper_domain::ids::IncidentId;
use watchkeeper_domain::query::{Instant, Query};
use watchkeeper_domain::{Actor, Span, Timestamp};
use watchkeeper_state::{Entry, StateError, ledger};

use super::facts::Facts;
use crate::command::Incidents;
use crate::policy::Policy;
use crate::row;

/// How often it is asked before it stays unknown.
const ATTEMPTS: u32 = 5;
/// How long after a failure it is asked again.
const RETRY_AFTER: Span = Span::from_secs(60);
/// How many incidents one pass asks for.
const MAX_ASKED: i64 = 10;

/// Whether the cost is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImpactState {
    /// No `impact_query` is configured.
    NotConfigured,
    /// It is about to be asked.
    Pending,
    /// The query answered.
    Known,
    /// It did not; why is said.
    Unknown,
}

/// What it cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Impact {
    /// Whether it is known.
    pub state: ImpactState,
    /// Failed requests over the window.
    pub failed_requests: Option<f64>,
    /// The query as it was asked, so that anybody can repeat it.
    pub query: Option<String>,
    /// The window, for example `7m12s`.
    pub window: Span,
    /// The window's end.
    pub at: Timestamp,
    /// Why it is not known.
    pub why: Option<String>,
    /// How often it was asked.
    pub attempts: u32,
}

impl Impact {
    pub(super) fn to_ask(policy: &Policy, started_at: Timestamp, resolved_at: Timestamp) -> Self {
        // Whole seconds, rounded up: the text stands in an expression, and a window of 0s is not one.
        let micros = resolved_at.since(started_at).as_micros();
        let window = Span::from_secs((micros / 1_000_000 + i64::from(micros % 1_000_000 > 0)).max(1));
        let fill = |query: &String| {
            query.replace("{{ window }}", &window.to_string()).replace("{{window}}", &window.to_string())
        };
        let query = policy.impact_query.as_ref().map(fill);
        let state = if query.is_some() { ImpactState::Pending } else { ImpactState::NotConfigured };
        Self { state, failed_requests: None, query, window, at: resolved_at, why: None, attempts: 0 }
    }

    async fn ask(&mut self, query: &dyn Query) {
        let Some(text) = &self.query else { return };
        let answer = match query.instant(text, self.at).await {
            Ok(answer) => number(&answer),
            Err(error) => Err(error.to_string()),
        };
        self.attempts += 1;
        match answer {
            Ok(failed) => {
                (self.state, self.failed_requests, self.why) = (ImpactState::Known, Some(failed), None);
            }
            Err(why) => {
                (self.state, self.failed_requests) = (ImpactState::Unknown, None);
                self.why = Some(why.chars().take(500).collect());
            }
        }
    }
}

fn number(answer: &Instant) -> Result<f64, String> {
    let value = match answer {
        Instant::Scalar(value) => *value,
        Instant::Vector(elements) if !elements.is_empty() => elements.iter().map(|element| element.value).sum(),
        Instant::Vector(_) => return Err("the query found no series".to_owned()),
        Instant::Text(_) | Instant::Matrix(_) => return Err("the query gives neither a number nor a vector".to_owned()),
    };
    if value.is_finite() { Ok(value.max(0.0)) } else { Err("the query's answer is not a finite number".to_owned()) }
}

/// Asks for what is due. Gives how many were asked.
pub(crate) async fn ask_for_impact(of: &Incidents, query: &dyn Query) -> Result<usize, StateError> {
    let rows =
        sqlx::query("SELECT incident_id, facts, generated_at FROM post_mortem WHERE impact_due_at <= $1 LIMIT $2")
            .bind(of.env.now().as_micros())
            .bind(MAX_ASKED)
            .fetch_all(of.state.read())
            .await
            .map_err(StateError::statement("find the impacts to ask for"))?;
    for row in &rows {
        let (id, facts): (&str, &str) = (row.get("incident_id"), row.get("facts"));
        let id: IncidentId = id.parse().map_err(|_| StateError::corrupt("post_mortem", "incident_id", id))?;
        let mut facts: Facts =
            serde_json::from_str(facts).map_err(|_| StateError::corrupt("post_mortem", "facts", facts))?;
        facts.impact.ask(query).await;
        record(of, id, facts, row.get("generated_at")).await?;
    }
    Ok(rows.len())
}

async fn record(of: &Incidents, id: IncidentId, facts: Facts, generated_at: i64) -> Result<(), StateError> {
    let now = of.env.now();
    let mut tx = of.state.write().await?;
    let Some(incident) = row::load(&mut *tx, id).await? else { return Ok(()) };
    let again = facts.impact.state == ImpactState::Unknown && facts.impact.attempts < ATTEMPTS;
    let due = again.then_some((now + RETRY_AFTER).as_micros());
    // A reopened incident has newer facts by the time of the answer: then the answer is about the past, and is dropped.
    let written = sqlx::query(
        "UPDATE post_mortem SET facts = $2, impact_due_at = $3, \
         summary = CASE WHEN updated_by = 'system' THEN $4 ELSE summary END \
         WHERE incident_id = $1 AND generated_at = $5",
    )
    .bind(id.to_string())
    .bind(json!(facts).to_string())
    .bind(due)
    .bind(facts.summary(&incident))
    .bind(generated_at)
    .execute(&mut *tx)
    .await
    .map_err(StateError::statement("write down an impact"))?;
    if written.rows_affected() > 0 {
        let entry = Entry::new(now, "review.impact", Actor::System, id).incident(id);
        ledger::append(&mut tx, entry.data(json!(facts.impact))).await?;
    }
    of.commit(tx).await
}
