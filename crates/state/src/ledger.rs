//! The ledger: what happened, in order, append-only, each entry sealed with the hash of the one before.
//!
//! Not a log for debugging and not an event bus: entries are facts that people are told about (an alert fired, a
//! notification was attempted, somebody acknowledged), and nothing waits on the ledger to learn what to do next.
//!
//! The chain: `hash = SHA-256(prev_hash | seq | at | kind | actor | subject | data)`, fields separated by a line feed,
//! hexadecimal. Changing, removing or reordering a row breaks every hash after it; [`verify`] says where.

use std::sync::LazyLock;

use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{QueryBuilder, Row, Sqlite, SqlitePool};
use watchkeeper_domain::ids::{AlertId, IncidentId, NotificationId, RunId};
use watchkeeper_domain::{Actor, Timestamp};

use crate::database::{StateError, Tx};
use crate::transaction::placeholders;

/// The hash before the first entry.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A fact to be written down.
#[derive(Debug, Clone)]
pub struct Entry {
    /// When it happened.
    pub at: Timestamp,
    /// What happened, as `noun.past`: `alert.firing`, `notification.attempted`, `incident.acknowledged`.
    pub kind: &'static str,
    /// Who caused it.
    pub actor: Actor,
    /// What it is about, usually an id.
    pub subject: String,
    /// The alert concerned, for `explain`.
    pub alert: Option<AlertId>,
    /// The incident concerned, for its timeline.
    pub incident: Option<IncidentId>,
    /// The workflow run concerned.
    pub run: Option<RunId>,
    /// The notification concerned.
    pub notification: Option<NotificationId>,
    /// Details as JSON. Never a secret: URLs of receivers are named, not shown.
    pub data: Value,
}

impl Entry {
    /// An entry about `subject`; the links are added with the methods below.
    pub fn new(at: Timestamp, kind: &'static str, actor: Actor, subject: impl ToString) -> Self {
        Self {
            at,
            kind,
            actor,
            subject: subject.to_string(),
            alert: None,
            incident: None,
            run: None,
            notification: None,
            data: Value::Object(serde_json::Map::new()),
        }
    }
    /// Links an alert.
    #[must_use]
    pub fn alert(mut self, id: AlertId) -> Self {
        self.alert = Some(id);
        self
    }
    /// Links an incident, if there is one.
    #[must_use]
    pub fn incident(mut self, id: impl Into<Option<IncidentId>>) -> Self {
        self.incident = id.into();
        self
    }
    /// Links a run.
    #[must_use]
    pub fn run(mut self, id: RunId) -> Self {
        self.run = Some(id);
        self
    }
    /// Links a notification.
    #[must_use]
    pub fn notification(mut self, id: NotificationId) -> Self {
        self.notification = Some(id);
        self
    }
    /// Sets the details.
    #[must_use]
    pub fn data(mut self, data: Value) -> Self {
        self.data = data;
        self
    }
}

/// An entry as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct LedgerRow {
    /// Its place; starts at 1, without gaps.
    pub seq: i64,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: String,
    /// Who caused it.
    pub actor: Actor,
    /// What it is about.
    pub subject: String,
    /// Details.
    pub data: Value,
    /// The hash of the entry before.
    pub prev_hash: String,
    /// This entry's hash.
    pub hash: String,
}

/// Entries that wait in a transaction, and the end of the chain as the transaction knows it.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    entries: Vec<Entry>,
    head: Option<(i64, String)>,
}

/// Most entries that one statement writes.
const ROWS: usize = 16;
/// How many columns an entry has.
const COLUMNS: usize = 12;

/// The statement that writes so many entries, less one.
static INSERTS: LazyLock<[String; ROWS]> = LazyLock::new(|| {
    std::array::from_fn(|less_one| {
        format!(
            "INSERT INTO ledger (seq, at, kind, actor, subject, alert_id, incident_id, run_id, notification_id, data, \
             prev_hash, hash) VALUES {}",
            placeholders(less_one + 1, COLUMNS)
        )
    })
});

/// Appends an entry within the transaction that makes it true.
///
/// It is sealed and written with the transaction's other entries, before the commit: an alert's life is half a dozen
/// entries, and two statements for each would be most of what the transaction does.
pub async fn append(tx: &mut Tx, entry: Entry) -> Result<(), StateError> {
    tx.ledger.entries.push(entry);
    if tx.ledger.entries.len() >= ROWS { settle(tx).await } else { Ok(()) }
}

/// Writes the entries that wait. Needed before a statement that reads the ledger in the same transaction.
pub async fn settle(tx: &mut Tx) -> Result<(), StateError> {
    let entries = std::mem::take(&mut tx.ledger.entries);
    let Some(statement) = entries.len().checked_sub(1).and_then(|less_one| INSERTS.get(less_one)) else {
        return Ok(());
    };
    let act = "append to the ledger";
    let (mut seq, mut prev) = match tx.ledger.head.take() {
        Some(head) => head,
        None => sqlx::query_as("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1")
            .fetch_optional(&mut **tx)
            .await
            .map_err(StateError::statement(act))?
            .unwrap_or_else(|| (0, GENESIS.to_owned())),
    };
    let mut query = sqlx::query(statement.as_str());
    for entry in entries {
        seq += 1;
        let (actor, data) = (entry.actor.to_string(), entry.data.to_string());
        let hash = seal(&prev, seq, entry.at.as_micros(), entry.kind, &actor, &entry.subject, &data);
        query = query
            .bind(seq)
            .bind(entry.at.as_micros())
            .bind(entry.kind)
            .bind(actor)
            .bind(entry.subject)
            .bind(entry.alert.map(|id| id.to_string()))
            .bind(entry.incident.map(|id| id.to_string()))
            .bind(entry.run.map(|id| id.to_string()))
            .bind(entry.notification.map(|id| id.to_string()))
            .bind(data)
            .bind(std::mem::replace(&mut prev, hash.clone()))
            .bind(hash);
    }
    query.execute(&mut **tx).await.map_err(StateError::statement(act))?;
    tx.ledger.head = Some((seq, prev));
    Ok(())
}

/// Which entries to read.
#[derive(Debug, Clone, Copy)]
pub enum About<'a> {
    /// All of them.
    Everything,
    /// Those that link this alert.
    Alert(AlertId),
    /// Those that link this incident.
    Incident(IncidentId),
    /// Those with this subject.
    Subject(&'a str),
    /// Those whose subject is this text and a fingerprint after it.
    Under(&'a str),
}

/// Reads at most `limit` of the newest entries, oldest first.
pub async fn entries(pool: &SqlitePool, about: About<'_>, limit: i64) -> Result<Vec<LedgerRow>, StateError> {
    entries_before(pool, about, None, limit).await
}

/// Reads at most `limit` entries whose place is before `before`, the newest of them, oldest first.
async fn entries_before(
    pool: &SqlitePool,
    about: About<'_>,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<LedgerRow>, StateError> {
    let (sql, key) = match about {
        About::Everything => (
            "SELECT seq, at, kind, actor, subject, data, prev_hash, hash FROM ledger \
             WHERE $1 = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3",
            String::new(),
        ),
        About::Alert(id) => (
            "SELECT seq, at, kind, actor, subject, data, prev_hash, hash FROM ledger \
             WHERE alert_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3",
            id.to_string(),
        ),
        About::Incident(id) => (
            "SELECT seq, at, kind, actor, subject, data, prev_hash, hash FROM ledger \
             WHERE incident_id = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3",
            id.to_string(),
        ),
        About::Subject(text) => (
            "SELECT seq, at, kind, actor, subject, data, prev_hash, hash FROM ledger \
             WHERE subject = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3",
            text.to_owned(),
        ),
        // Fingerprints are hexadecimal, and `g` comes after them.
        About::Under(text) => (
            "SELECT seq, at, kind, actor, subject, data, prev_hash, hash FROM ledger \
             WHERE subject > $1 AND subject < ($1 || 'g') AND seq < $2 ORDER BY seq DESC LIMIT $3",
            text.to_owned(),
        ),
    };
    let rows = sqlx::query(sql)
        .bind(key)
        .bind(before.unwrap_or(i64::MAX))
        .bind(limit)
        .fetch_all(pool)
        .await
        .map_err(StateError::statement("read the ledger"))?;
    rows.iter().rev().map(row).collect()
}

fn row(row: &sqlx::sqlite::SqliteRow) -> Result<LedgerRow, StateError> {
    let data: String = row.get("data");
    let Ok(actor) = row.get::<String, _>("actor").parse::<Actor>();
    Ok(LedgerRow {
        seq: row.get("seq"),
        at: Timestamp::from_micros(row.get("at")),
        kind: row.get("kind"),
        actor,
        subject: row.get("subject"),
        data: serde_json::from_str(&data).map_err(|_| StateError::corrupt("ledger", "data", &data))?,
        prev_hash: row.get("prev_hash"),
        hash: row.get("hash"),
    })
}

/// Which entries people look for. Absent fields mean all.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// What happened: a whole kind, `alert.firing`, or its noun, `alert`.
    pub kinds: Vec<String>,
    /// Who: an actor as it stands in rows.
    pub actor: Option<String>,
    /// Which object: an id that an entry is about or links.
    pub object: Option<String>,
    /// From this moment on.
    pub since: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
    /// Whose place is before this one: the next page.
    pub before: Option<i64>,
}

/// The objects that an entry links, as ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// `alr_…`.
    pub alert: Option<String>,
    /// `inc_…`.
    pub incident: Option<String>,
    /// `run_…`.
    pub run: Option<String>,
    /// `ntf_…`.
    pub notification: Option<String>,
}

/// Looks for entries, the newest first, at most `limit`.
pub async fn search(pool: &SqlitePool, wanted: &Search, limit: i64) -> Result<Vec<(LedgerRow, Links)>, StateError> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM ledger WHERE seq < ");
    query.push_bind(wanted.before.unwrap_or(i64::MAX));
    for (at, kind) in wanted.kinds.iter().enumerate() {
        query.push(if at == 0 { " AND (" } else { " OR " }).push("kind = ").push_bind(kind.clone());
        // A noun stands for all that can happen to it: what lies between `alert.` and `alert/`, the character after.
        query.push(" OR (kind >= ").push_bind(format!("{kind}."));
        query.push(" AND kind < ").push_bind(format!("{kind}/")).push(")");
    }
    if !wanted.kinds.is_empty() {
        query.push(")");
    }
    if let Some(actor) = &wanted.actor {
        query.push(" AND actor = ").push_bind(actor.clone());
    }
    if let Some(object) = &wanted.object {
        for (at, column) in ["subject", "alert_id", "incident_id", "run_id", "notification_id"].iter().enumerate() {
            query.push(if at == 0 { " AND (" } else { " OR " }).push(*column).push(" = ").push_bind(object.clone());
        }
        query.push(")");
    }
    if let Some(since) = wanted.since {
        query.push(" AND at >= ").push_bind(since.as_micros());
    }
    if let Some(until) = wanted.until {
        query.push(" AND at < ").push_bind(until.as_micros());
    }
    query.push(" ORDER BY seq DESC LIMIT ").push_bind(limit);
    let rows = query.build().fetch_all(pool).await.map_err(StateError::statement("search the ledger"))?;
    let linked = |found: &sqlx::sqlite::SqliteRow| {
        let links = Links {
            alert: found.get("alert_id"),
            incident: found.get("incident_id"),
            run: found.get("run_id"),
            notification: found.get("notification_id"),
        };
        Ok((row(found)?, links))
    };
    rows.iter().map(linked).collect()
}

/// What a check of the chain found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Verdict {
    /// How many entries were checked.
    pub entries: i64,
    /// The hash of the last one: keep it elsewhere, and a rewritten ledger shows.
    pub head: String,
    /// The first entry that does not fit, with the reason.
    pub broken: Option<(i64, String)>,
}

/// Recomputes the whole chain, in pages, so that memory stays bounded.
pub async fn verify(pool: &SqlitePool) -> Result<Verdict, StateError> {
    const PAGE: i64 = 2_000;
    let (mut entries, mut head, mut last_seq) = (0_i64, GENESIS.to_owned(), 0_i64);
    loop {
        let rows = sqlx::query(
            "SELECT seq, at, kind, actor, subject, data, prev_hash, hash FROM ledger WHERE seq > $1 ORDER BY seq LIMIT $2",
        )
        .bind(last_seq)
        .bind(PAGE)
        .fetch_all(pool)
        .await
        .map_err(StateError::statement("verify the ledger"))?;
        if rows.is_empty() {
            return Ok(Verdict { entries, head, broken: None });
        }
        for row in &rows {
            let seq: i64 = row.get("seq");
            let (prev, hash): (String, String) = (row.get("prev_hash"), row.get("hash"));
            let sealed = seal(
                &head,
                seq,
                row.get("at"),
                row.get::<&str, _>("kind"),
                row.get::<&str, _>("actor"),
                row.get::<&str, _>("subject"),
                row.get::<&str, _>("data"),
            );
            let reason = if seq != last_seq + 1 {
                Some(format!("entries {} to {} are missing", last_seq + 1, seq - 1))
            } else if prev != head {
                Some("it does not follow the entry before it".to_owned())
            } else if hash != sealed {
                Some("its content was changed after it was written".to_owned())
            } else {
                None
            };
            if let Some(reason) = reason {
                return Ok(Verdict { entries, head, broken: Some((seq, reason)) });
            }
            (entries, head, last_seq) = (entries + 1, hash, seq);
        }
    }
}

fn seal(prev: &str, seq: i64, at: i64, kind: &str, actor: &str, subject: &str, data: &str) -> String {
    let mut hasher = Sha256::new();
    for part in [prev, &seq.to_string(), &at.to_string(), kind, actor, subject, data] {
        // The length makes the encoding injective: no two different entries hash the same text.
        hasher.update(part.len().to_string());
        hasher.update(b"\n");
        hasher.update(part);
        hasher.update(b"\n");
    }
    hex::encode(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::State;

    async fn three_entries() -> (tempfile::TempDir, State) {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(&dir.path().join("state.db")).await.unwrap();
        for n in 0..3 {
            let mut tx = state.write().await.unwrap();
            let entry =
                Entry::new(Timestamp::from_secs(n), "silence.created", Actor::User("ana".into()), format!("s{n}"));
            append(&mut tx, entry.data(serde_json::json!({"n": n}))).await.unwrap();
            State::commit(tx).await.unwrap();
        }
        (dir, state)
    }

    #[tokio::test]
    async fn an_untouched_ledger_verifies() {
        let (_dir, state) = three_entries().await;
        let verdict = verify(state.read()).await.unwrap();
        assert_eq!((verdict.entries, verdict.broken), (3, None));
        let rows = entries(state.read(), About::Subject("s1"), 10).await.unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].data["n"], 1);
    }

    #[tokio::test]
    async fn entries_of_one_transaction_follow_each_other_and_those_before_however_many_they_are() {
        let (_dir, state) = three_entries().await;
        let many = i64::try_from(2 * ROWS + 3).unwrap();
        let mut tx = state.write().await.unwrap();
        for n in 0..many {
            append(&mut tx, Entry::new(Timestamp::from_secs(n), "alert.firing", Actor::System, n)).await.unwrap();
        }
        State::commit(tx).await.unwrap();
        let verdict = verify(state.read()).await.unwrap();
        assert_eq!((verdict.entries, verdict.broken), (3 + many, None));
        let last = entries(state.read(), About::Everything, 1).await.unwrap();
        assert_eq!((last[0].seq, last[0].subject.clone()), (3 + many, (many - 1).to_string()));
    }

    #[tokio::test]
    async fn a_transaction_reads_its_own_entries_when_they_are_settled() {
        let (_dir, state) = three_entries().await;
        let mut tx = state.write().await.unwrap();
        append(&mut tx, Entry::new(Timestamp::from_secs(9), "alert.firing", Actor::System, "x")).await.unwrap();
        settle(&mut tx).await.unwrap();
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM ledger").fetch_one(&mut *tx).await.unwrap();
        assert_eq!(count, 4);
    }

    #[tokio::test]
    async fn entries_are_found_by_kind_noun_person_object_and_time_newest_first() {
        let (_dir, state) = three_entries().await;
        let env_alert: AlertId = "alr_01930000000070008000000000000001".parse().unwrap();
        let mut tx = state.write().await.unwrap();
        let entry = Entry::new(Timestamp::from_secs(5), "alert.firing", Actor::System, env_alert).alert(env_alert);
        append(&mut tx, entry).await.unwrap();
        let entry = Entry::new(Timestamp::from_secs(6), "notification.intended", Actor::System, "x").alert(env_alert);
        append(&mut tx, entry).await.unwrap();
        append(&mut tx, Entry::new(Timestamp::from_secs(7), "alerts.x", Actor::System, "y")).await.unwrap();
        State::commit(tx).await.unwrap();
        let seqs = async |wanted: Search| -> Vec<i64> {
            search(state.read(), &wanted, 10).await.unwrap().into_iter().map(|(row, _)| row.seq).collect()
        };
        assert_eq!(seqs(Search::default()).await, [6, 5, 4, 3, 2, 1]);
        assert_eq!(seqs(Search { kinds: vec!["alert".into()], ..Search::default() }).await, [4]);
        let kinds = vec!["silence.created".into(), "notification".into()];
        assert_eq!(seqs(Search { kinds, ..Search::default() }).await, [5, 3, 2, 1]);
        assert_eq!(seqs(Search { actor: Some("user:ana".into()), ..Search::default() }).await, [3, 2, 1]);
        assert_eq!(seqs(Search { object: Some(env_alert.to_string()), ..Search::default() }).await, [5, 4]);
        let (since, until) = (Some(Timestamp::from_secs(1)), Some(Timestamp::from_secs(5)));
        assert_eq!(seqs(Search { since, until, ..Search::default() }).await, [3, 2]);
        assert_eq!(seqs(Search { before: Some(3), ..Search::default() }).await, [2, 1]);
        let found = search(state.read(), &Search { before: Some(6), ..Search::default() }, 1).await.unwrap();
        assert_eq!(found[0].1.alert, Some(env_alert.to_string()));
    }

    #[tokio::test]
    async fn a_changed_a_removed_and_a_reordered_entry_show() {
        for (tamper, seq) in [
            ("UPDATE ledger SET data = '{\"n\":9}' WHERE seq = 2", 2),
            ("DELETE FROM ledger WHERE seq = 2", 3),
            ("UPDATE ledger SET subject = 's9' WHERE seq = 1", 1),
        ] {
            let (_dir, state) = three_entries().await;
            let mut tx = state.write().await.unwrap();
            sqlx::query(tamper).execute(&mut *tx).await.unwrap();
            State::commit(tx).await.unwrap();
            let broken = verify(state.read()).await.unwrap().broken.unwrap();
            assert_eq!(broken.0, seq, "{tamper}");
        }
    }

    #[tokio::test]
    async fn an_entry_of_a_transaction_that_was_rolled_back_does_not_exist() {
        let (_dir, state) = three_entries().await;
        let mut tx = state.write().await.unwrap();
        append(&mut tx, Entry::new(Timestamp::from_secs(9), "alert.firing", Actor::System, "x")).await.unwrap();
        drop(tx);
        assert_eq!(verify(state.read()).await.unwrap().entries, 3);
    }
}
