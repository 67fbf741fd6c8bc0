//! Path descriptions: the ledger.
//!
//! Not handlers: an annotation moves onto its handler when that exists; the document must stay equal.

use crate::http::dto::{Problem, ledger};

/// Entries, newest first.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/ledger", operation_id = "list_ledger", tag = "ledger",
    params(ledger::LedgerQuery),
    responses(
        (status = 200, body = ledger::LedgerList, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn list_ledger() {}

/// Checks the hash chain from the first entry to the last.
#[utoipa::path(
    get, path = "/api/watchkeeper/v1/ledger/verify", operation_id = "verify_ledger", tag = "ledger",
    responses(
        (status = 200, body = ledger::LedgerVerification, description = "Done"),
        (status = "default", body = Problem, content_type = "application/problem+json", description = "A problem"),
    ),
)]
pub(super) fn verify_ledger() {}
