//! The ledger: the append-only, hash-chained record of what happened.
//!
//! Not a timeline for people: an incident's timeline is.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::Time;

list! {
    /// Entries, newest first.
    LedgerList of LedgerEntry;
}

/// One entry.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LedgerEntry {
    /// Its number, ascending without gaps.
    pub seq: i64,
    /// When.
    pub at: Time,
    /// Who: `system`, `rule:…`, `user:…`, `workflow:…`.
    pub actor: String,
    /// What happened, for example `alert.fired`.
    pub kind: String,
    /// What it is about: an id such as `alr_…`.
    pub subject: String,
    /// The objects that it links, as ids: alert, incident, run, notification; without the subject.
    pub links: Vec<String>,
    /// The particulars. Hostile text.
    #[schema(value_type = BTreeMap<String, Value>)]
    pub data: Value,
    /// The entry's hash, hexadecimal; it covers the one before.
    pub hash: String,
}

/// Whether the chain holds.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LedgerVerification {
    /// Whether every hash matches.
    pub intact: bool,
    /// How many entries were checked.
    pub entries: u64,
    /// The first entry that does not match.
    pub first_broken_seq: Option<i64>,
    /// What is wrong with that entry.
    pub reason: Option<String>,
    /// The last hash: keep it elsewhere to prove later that nothing was cut off.
    pub head_hash: Option<String>,
}

/// Which entries.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LedgerQuery {
    /// The object that entries are about or link, for example `alr_…`.
    pub subject: Option<String>,
    /// Kinds, comma-separated: whole ones, `alert.firing`, or their noun, `alert`.
    pub kind: Option<String>,
    /// Who, as entries name them: `user:ana`, `system`, `rule:…`.
    pub actor: Option<String>,
    /// From then on: RFC 3339 or Unix seconds.
    pub since: Option<String>,
    /// Before then: RFC 3339 or Unix seconds.
    pub until: Option<String>,
    /// At most this many, 1 to 1,000; 100 when absent.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}
