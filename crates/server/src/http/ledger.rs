//! Handlers: the ledger.
//!
//! Not writing it: every crate does that in its own transactions.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use watchkeeper_state::ledger::{self, About};

use super::dto::ledger::{LedgerEntry, LedgerList, LedgerQuery, LedgerVerification};
use super::extract::Query;
use super::page::Paging;
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;

/// `GET /ledger`.
pub async fn list(State(shared): State<Arc<Shared>>, Query(query): Query<LedgerQuery>) -> ApiResult<Json<LedgerList>> {
    let paging = Paging::new(query.limit, None)?;
    let before: Option<i64> = match query.cursor.as_deref() {
        None => None,
        Some(cursor) => {
            Some(cursor.parse().map_err(|_| ApiProblem::invalid("cursor", "it is not one that a list gave"))?)
        }
    };
    let alert = query.subject.as_deref().and_then(|s| s.parse().ok()).map(About::Alert);
    let incident = query.subject.as_deref().and_then(|s| s.parse().ok()).map(About::Incident);
    let subject = query.subject.as_deref().map(About::Subject);
    let about = alert.or(incident).or(subject).unwrap_or(About::Everything);
    let mut rows = ledger::entries_before(shared.state.read(), about, before, i64::from(paging.limit) + 1).await?;
    // Newest first for people; one more than asked for says that there is more.
    rows.reverse();
    let more = rows.len() > paging.limit as usize;
    rows.truncate(paging.limit as usize);
    let next_cursor = rows.last().filter(|_| more).map(|row| row.seq.to_string());
    let entry = |row: ledger::LedgerRow| LedgerEntry {
        seq: row.seq,
        at: row.at.into(),
        actor: row.actor.to_string(),
        kind: row.kind,
        subject: row.subject,
        data: row.data,
        hash: row.hash,
    };
    Ok(Json(LedgerList { items: rows.into_iter().map(entry).collect(), next_cursor }))
}

/// `GET /ledger/verify`.
pub async fn verify(State(shared): State<Arc<Shared>>) -> ApiResult<Json<LedgerVerification>> {
    let verdict = ledger::verify(shared.state.read()).await?;
    Ok(Json(LedgerVerification {
        intact: verdict.broken.is_none(),
        entries: verdict.entries.unsigned_abs(),
        first_broken_seq: verdict.broken.map(|(seq, _)| seq),
        head_hash: Some(verdict.head),
    }))
}
