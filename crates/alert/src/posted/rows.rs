//! The rows of posted alerts, read and written many at a time.
//!
//! Not their opening and resolving: the sink does that, for all alerts alike.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;
use sqlx::{QueryBuilder, Row, Sqlite};
use watchkeeper_domain::ids::AlertId;
use watchkeeper_domain::{Actor, Labels, Timestamp};
use watchkeeper_state::{Entry, StateError, Tx, ledger};

use super::{Life, Posted};

/// Rows of one statement: few enough for the database's limit of parameters, and few different texts to prepare.
const CHUNK: usize = 256;

/// An alert that fires.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) id: AlertId,
    pub(super) of_a_rule: bool,
    pub(super) fired_at: Timestamp,
    pub(super) life: Life,
}

/// An alert that ended, of whose end nobody was told yet.
#[derive(Debug, Clone)]
pub(super) struct Closed {
    pub(super) id: AlertId,
    pub(super) life: Life,
    pub(super) annotations: BTreeMap<String, String>,
}

/// An alert that goes on.
pub(super) struct Refresh<'a> {
    pub(super) id: AlertId,
    pub(super) life: Life,
    pub(super) posted: &'a Posted,
}

fn id(row: &sqlx::sqlite::SqliteRow) -> Result<AlertId, StateError> {
    let text: &str = row.get("id");
    text.parse().map_err(|_| StateError::corrupt("alert", "id", text))
}

/// The alerts that fire with these fingerprints, by their labels as JSON.
pub(super) async fn open(tx: &mut Tx, fingerprints: &[&str]) -> Result<HashMap<String, Open>, StateError> {
    let mut found = HashMap::new();
    for chunk in fingerprints.chunks(CHUNK) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT id, labels, rule_id, started_at, fired_at, ends_at, ends_by_timeout FROM alert \
             WHERE state = 'firing' AND fingerprint IN ",
        );
        query.push_tuples_of_one(chunk);
        let rows =
            query.build().fetch_all(&mut **tx).await.map_err(StateError::statement("find the alerts that fire"))?;
        for row in &rows {
            // One without an end was opened by a rule that is no more; the first posting gives it one.
            let ends_at = row.get::<Option<i64>, _>("ends_at").unwrap_or(i64::MAX);
            let open = Open {
                id: id(row)?,
                of_a_rule: row.get::<Option<&str>, _>("rule_id").is_some(),
                fired_at: Timestamp::from_micros(row.get("fired_at")),
                life: Life {
                    starts_at: Timestamp::from_micros(row.get("started_at")),
                    ends_at: Timestamp::from_micros(ends_at),
                    by_timeout: row.get::<i64, _>("ends_by_timeout") != 0 || ends_at == i64::MAX,
                },
            };
            found.insert(row.get("labels"), open);
        }
    }
    Ok(found)
}

/// The alerts that ended with these fingerprints while people still believe that they fire, by their labels as JSON.
pub(super) async fn closed(tx: &mut Tx, fingerprints: &[&str]) -> Result<HashMap<String, Closed>, StateError> {
    let mut found = HashMap::new();
    for chunk in fingerprints.chunks(CHUNK) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT id, labels, annotations, started_at, resolved_at FROM alert a WHERE state = 'resolved' \
             AND rule_id IS NULL AND resolved_at IS NOT NULL \
             AND EXISTS (SELECT 1 FROM alert_group_member m WHERE m.alert_id = a.id) AND fingerprint IN ",
        );
        query.push_tuples_of_one(chunk);
        query.push(" ORDER BY fired_at");
        let rows = query.build().fetch_all(&mut **tx).await.map_err(StateError::statement("find what just ended"))?;
        for row in &rows {
            let annotations: &str = row.get("annotations");
            let closed = Closed {
                id: id(row)?,
                life: Life {
                    starts_at: Timestamp::from_micros(row.get("started_at")),
                    ends_at: Timestamp::from_micros(row.get("resolved_at")),
                    by_timeout: false,
                },
                annotations: serde_json::from_str(annotations)
                    .map_err(|_| StateError::corrupt("alert", "annotations", annotations))?,
            };
            // In the order of firing, so that the last one stays.
            found.insert(row.get("labels"), closed);
        }
    }
    Ok(found)
}

/// The labels of the alerts that fire with these keys.
pub(super) async fn labels_by_key(tx: &mut Tx, keys: &[&str]) -> Result<HashMap<String, Labels>, StateError> {
    let mut found = HashMap::new();
    for chunk in keys.chunks(CHUNK) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "SELECT dedup_key, labels FROM alert WHERE state = 'firing' AND rule_id IS NULL AND dedup_key IN ",
        );
        query.push_tuples_of_one(chunk);
        let rows =
            query.build().fetch_all(&mut **tx).await.map_err(StateError::statement("find alerts by their keys"))?;
        for row in &rows {
            let labels: &str = row.get("labels");
            let labels = serde_json::from_str(labels).map_err(|_| StateError::corrupt("alert", "labels", labels))?;
            found.insert(row.get("dedup_key"), labels);
        }
    }
    Ok(found)
}

/// The alert that fires with this key.
pub async fn open_by_key(pool: &sqlx::SqlitePool, key: &str) -> Result<Option<AlertId>, StateError> {
    let row = sqlx::query("SELECT id FROM alert WHERE state = 'firing' AND rule_id IS NULL AND dedup_key = $1")
        .bind(key)
        .fetch_optional(pool)
        .await
        .map_err(StateError::statement("find an alert by its key"))?;
    row.as_ref().map(id).transpose()
}

trait PushTuplesOfOne {
    fn push_tuples_of_one(&mut self, texts: &[&str]);
}

impl PushTuplesOfOne for QueryBuilder<Sqlite> {
    /// `($1, $2, …)`
    fn push_tuples_of_one(&mut self, texts: &[&str]) {
        self.push("(");
        let mut list = self.separated(", ");
        for text in texts {
            list.push_bind((*text).to_owned());
        }
        self.push(")");
    }
}

/// Brings alerts that go on up to date. No transition and no ledger entry: nothing happened.
pub(super) async fn refresh(tx: &mut Tx, now: Timestamp, refreshes: &[Refresh<'_>]) -> Result<(), StateError> {
    for chunk in refreshes.chunks(CHUNK) {
        let mut query =
            QueryBuilder::<Sqlite>::new("WITH posted (id, starts_at, ends_at, by_timeout, url, notes, key) AS (");
        query.push_values(chunk, |mut row, refresh| {
            row.push_bind(refresh.id.to_string())
                .push_bind(refresh.life.starts_at.as_micros())
                .push_bind(refresh.life.ends_at.as_micros())
                .push_bind(i64::from(refresh.life.by_timeout))
                .push_bind(refresh.posted.generator_url.clone())
                .push_bind(json!(refresh.posted.annotations).to_string())
                .push_bind(refresh.posted.key().map(str::to_owned));
        });
        query.push(
            ") UPDATE alert SET started_at = posted.starts_at, ends_at = posted.ends_at, \
             ends_by_timeout = posted.by_timeout, generator_url = posted.url, annotations = posted.notes, \
             dedup_key = COALESCE(posted.key, alert.dedup_key), updated_at = ",
        );
        query.push_bind(now.as_micros());
        query.push(" FROM posted WHERE alert.id = posted.id");
        query.build().execute(&mut **tx).await.map_err(StateError::statement("refresh posted alerts"))?;
    }
    Ok(())
}

/// Corrects the end of alerts that ended otherwise than it was said.
pub(super) async fn amend(tx: &mut Tx, now: Timestamp, amended: &[Closed]) -> Result<(), StateError> {
    for closed in amended {
        sqlx::query(
            "UPDATE alert SET started_at = $2, resolved_at = $3, annotations = $4, updated_at = $5 WHERE id = $1",
        )
        .bind(closed.id.to_string())
        .bind(closed.life.starts_at.as_micros())
        .bind(closed.life.ends_at.as_micros())
        .bind(json!(closed.annotations).to_string())
        .bind(now.as_micros())
        .execute(&mut **tx)
        .await
        .map_err(StateError::statement("correct the end of an alert"))?;
        let data = json!({"started_at": closed.life.starts_at, "resolved_at": closed.life.ends_at});
        let actor = Actor::User(super::SOURCE.to_owned());
        let entry = Entry::new(now, "alert.corrected", actor, closed.id).alert(closed.id).data(data);
        ledger::append(tx, entry).await?;
    }
    Ok(())
}
