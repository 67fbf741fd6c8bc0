//! Handlers: the ledger.
//!
//! Not writing it: every crate does that in its own transactions.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use watchkeeper_state::ledger::{self, LedgerRow, Links, Search};

use super::dto::ledger::{LedgerEntry, LedgerList, LedgerQuery, LedgerVerification};
use super::extract::Query;
use super::page::{Paging, moment};
use super::problem::{ApiProblem, ApiResult};
use crate::app::Shared;

/// The most kinds of one question.
const MOST_KINDS: usize = 32;

/// `GET /ledger`.
pub async fn list(State(shared): State<Arc<Shared>>, Query(query): Query<LedgerQuery>) -> ApiResult<Json<LedgerList>> {
    let paging = Paging::new(query.limit, None)?;
    let before: Option<i64> = match query.cursor.as_deref() {
        None => None,
        Some(cursor) => {
            Some(cursor.parse().map_err(|_| ApiProblem::invalid("cursor", "it is not one that a list gave"))?)
        }
    };
    let text = |text: Option<String>| text.filter(|text| !text.is_empty());
    let kinds = query.kind.iter().flat_map(|kinds| kinds.split(',')).map(str::trim).filter(|kind| !kind.is_empty());
    let wanted = Search {
        kinds: kinds.take(MOST_KINDS).map(str::to_owned).collect(),
        actor: text(query.actor),
        object: text(query.subject),
        since: moment("since", query.since.as_deref())?,
        until: moment("until", query.until.as_deref())?,
        before,
    };
    // One more than asked for says that there is more.
    let mut rows = ledger::search(shared.state.read(), &wanted, i64::from(paging.limit) + 1).await?;
    let more = rows.len() > paging.limit as usize;
    rows.truncate(paging.limit as usize);
    let next_cursor = rows.last().filter(|_| more).map(|(row, _)| row.seq.to_string());
    let entry = |(row, links): (LedgerRow, Links)| LedgerEntry {
        seq: row.seq,
        at: row.at.into(),
        actor: row.actor.to_string(),
        links: [links.alert, links.incident, links.run, links.notification]
            .into_iter()
            .flatten()
            .filter(|id| *id != row.subject)
            .collect(),
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
        first_broken_seq: verdict.broken.as_ref().map(|(seq, _)| *seq),
        reason: verdict.broken.map(|(_, reason)| reason),
        head_hash: Some(verdict.head),
    }))
}
