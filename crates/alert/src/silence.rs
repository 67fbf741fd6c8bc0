//! Silences: notifications held back on purpose, for a time, by a person.
//!
//! Not inhibition, which alerts do to each other. A silence changes no alert: it only keeps quiet about it.

mod put;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;
use serde_json::json;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteExecutor};
use watchkeeper_domain::ids::{Id, SilenceId};
use watchkeeper_domain::time_interval::next_change;
use watchkeeper_domain::{Actor, Env, Labels, Matcher, Span, TimeInterval, Timestamp};
use watchkeeper_state::{Entry, State, StateError, Tx, Wake, ledger};

use crate::error::Error;
pub use put::Put;

/// The longest silence.
pub const MAX_DURATION: Span = Span::from_secs(90 * 86_400);
/// The longest silence that recurs: a window of maintenance is agreed on for a year.
pub const MAX_RECURRING: Span = Span::from_secs(366 * 86_400);
/// Most matchers of one silence.
pub const MAX_MATCHERS: usize = 32;
/// Most characters of a comment.
pub const MAX_COMMENT: usize = 4_000;
/// Most annotations of one silence.
pub const MAX_ANNOTATIONS: usize = 32;
/// The annotation that says whom to ask.
pub const OWNER: &str = "owner";
/// The annotation that says where the work is tracked.
pub const TICKET: &str = "ticket";

/// A silence as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Silence {
    /// Its id.
    pub id: SilenceId,
    /// All must match.
    pub matchers: Arc<[Matcher]>,
    /// From.
    pub starts_at: Timestamp,
    /// To.
    pub ends_at: Timestamp,
    /// Who made it.
    pub created_by: Actor,
    /// Why. Hostile text.
    pub comment: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When somebody ended it early.
    pub expired_at: Option<Timestamp>,
    /// Notes: [`OWNER`], [`TICKET`] and whatever else. Hostile text.
    pub annotations: BTreeMap<String, String>,
    /// Between its start and its end it holds back in these times only; none: always.
    pub recurrence: Option<TimeInterval>,
}

/// A silence's state at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SilenceState {
    /// It holds back now.
    Active,
    /// It has not begun, or it recurs and waits for its next time.
    Pending,
    /// It is over.
    Expired,
}

impl Silence {
    /// Its state.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> SilenceState {
        if self.expired_at.is_some() || self.ends_at <= now {
            SilenceState::Expired
        } else if self.starts_at > now || self.recurrence.as_ref().is_some_and(|times| !times.contains(now)) {
            SilenceState::Pending
        } else {
            SilenceState::Active
        }
    }

    /// When it ceases to hold back, if it does so at `now`; for one that recurs, the end of this time.
    #[must_use]
    pub fn holds_until(&self, now: Timestamp) -> Timestamp {
        let this_time = self.recurrence.as_ref().and_then(|times| next_change(&[times], now, |at| times.contains(at)));
        this_time.map_or(self.ends_at, |end| end.min(self.ends_at))
    }

    /// When it begins or ceases to hold back next; none when that is within a year only its end, or nothing.
    #[must_use]
    pub fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let times = self.recurrence.as_ref()?;
        let from = now.max(self.starts_at);
        let next = next_change(&[times], from, |at| times.contains(at))?;
        (next < self.ends_at && self.expired_at.is_none()).then_some(next)
    }

    /// Whether it is about an alert with these labels.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches(labels))
    }
}

/// A silence to make.
#[derive(Debug, Clone, Default)]
pub struct NewSilence {
    /// All must match; at least one must not match the empty text.
    pub matchers: Vec<Matcher>,
    /// When it starts; now when absent or past.
    pub starts_at: Option<Timestamp>,
    /// How long, from its start.
    pub duration: Span,
    /// Why; not empty.
    pub comment: String,
    /// Notes: [`OWNER`], [`TICKET`] and whatever else.
    pub annotations: BTreeMap<String, String>,
    /// It holds back in these times only.
    pub recurrence: Option<TimeInterval>,
}

/// Which silences. Absent fields mean all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// In one of these states.
    pub states: Vec<SilenceState>,
    /// With this text in matchers, comment, author or annotations; letter case does not matter.
    pub text: Option<String>,
    /// Those that recur, or those that do not.
    pub recurring: Option<bool>,
}

/// The silences, for commands and for reading.
#[derive(Clone)]
pub struct Silences {
    state: State,
    env: Env,
    wake: Wake,
    cache: Cache,
}

impl Silences {
    /// `wake` is the alert reconciler's.
    #[must_use]
    pub fn new(state: State, env: Env, wake: Wake) -> Self {
        Self { state, env, wake, cache: Cache::default() }
    }

    /// Compiled matchers of silences, for those who read alerts.
    #[must_use]
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// Makes a silence. When this returns it survives a power cut.
    pub async fn create(&self, new: NewSilence, actor: Actor) -> Result<Silence, Error> {
        validate(&new)?;
        let now = self.env.now();
        let starts_at = new.starts_at.unwrap_or(now).max(now);
        let silence = Silence {
            id: SilenceId::new(&self.env),
            matchers: new.matchers.into(),
            starts_at,
            ends_at: starts_at + new.duration,
            created_by: actor.clone(),
            comment: new.comment.trim().to_owned(),
            created_at: now,
            updated_at: now,
            expired_at: None,
            annotations: new.annotations,
            recurrence: new.recurrence,
        };
        let mut tx = self.state.write().await?;
        insert(&mut tx, &silence, actor).await?;
        State::commit(tx).await?;
        self.wake.wake();
        Ok(silence)
    }

    /// Ends a silence now. Idempotent: one that is over stays as it ended.
    pub async fn expire(&self, id: SilenceId, actor: Actor) -> Result<Silence, Error> {
        let now = self.env.now();
        let mut tx = self.state.write().await?;
        let Some(mut silence) = self.cache.load(&mut *tx, id).await? else {
            return Err(Error::NotFound { what: "silence", id: id.to_string() });
        };
        if silence.state(now) == SilenceState::Expired {
            return Ok(silence);
        }
        expire_in(&mut tx, id, now, actor).await?;
        State::commit(tx).await?;
        self.wake.wake();
        (silence.expired_at, silence.updated_at) = (Some(now), now);
        Ok(silence)
    }

    /// One silence.
    pub async fn get(&self, id: SilenceId) -> Result<Silence, Error> {
        let found = self.cache.load(self.state.read(), id).await?;
        found.ok_or_else(|| Error::NotFound { what: "silence", id: id.to_string() })
    }

    /// Silences, active first, then pending, then expired; each by end, the soonest first, expired ones newest first.
    /// `states` empty: all. At most `limit`, after skipping `offset`. One that recurs is listed with the active and with
    /// the pending ones, because it changes between them.
    pub async fn list(&self, states: &[SilenceState], limit: u32, offset: u32) -> Result<Vec<Silence>, Error> {
        let all = Filter { states: states.to_vec(), ..Filter::default() };
        self.search(&all, limit, offset).await
    }

    /// The same, of those that a filter lets through.
    pub async fn search(&self, filter: &Filter, limit: u32, offset: u32) -> Result<Vec<Silence>, Error> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT *");
        self.narrow(&mut query, filter);
        query.push(" ORDER BY rank, CASE WHEN rank = 2 THEN -ends_at ELSE ends_at END, id LIMIT ");
        query.push_bind(i64::from(limit.clamp(1, 1_000))).push(" OFFSET ").push_bind(i64::from(offset));
        let rows = query.build().fetch_all(self.state.read()).await.map_err(StateError::statement("list silences"))?;
        Ok(rows.iter().map(|row| self.cache.silence(row)).collect::<Result<_, _>>()?)
    }

    /// How many silences a filter lets through.
    pub async fn count(&self, filter: &Filter) -> Result<u64, Error> {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT count(*)");
        self.narrow(&mut query, filter);
        let many: i64 = query
            .build_query_scalar()
            .fetch_one(self.state.read())
            .await
            .map_err(StateError::statement("count silences"))?;
        Ok(many.unsigned_abs())
    }

    fn narrow(&self, query: &mut QueryBuilder<Sqlite>, filter: &Filter) {
        let now = self.env.now().as_micros();
        query.push(" FROM (SELECT s.*, CASE WHEN expired_at IS NOT NULL OR ends_at <= ").push_bind(now);
        query.push(" THEN 2 WHEN starts_at > ").push_bind(now);
        query.push(" THEN 1 ELSE 0 END AS rank FROM silence s) AS ranked WHERE 1 = 1");
        if !filter.states.is_empty() {
            let wanted = |state| if filter.states.contains(&state) { "1" } else { "0" };
            let (active, pending) = (wanted(SilenceState::Active), wanted(SilenceState::Pending));
            query.push(" AND ((rank = 0 AND (").push(active).push(" = 1 OR (").push(pending);
            query.push(" = 1 AND recurrence IS NOT NULL))) OR (rank = 1 AND ").push(pending);
            query.push(" = 1) OR (rank = 2 AND ").push(wanted(SilenceState::Expired)).push(" = 1))");
        }
        if let Some(recurring) = filter.recurring {
            query.push(if recurring { " AND recurrence IS NOT NULL" } else { " AND recurrence IS NULL" });
        }
        if let Some(text) = &filter.text {
            // Matchers stand as JSON, whose quotes nobody writes so.
            let text = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
            query.push(" AND lower(replace(matchers, '\\\"', '\"') || ' ' || comment || ' ' || created_by || ' ' || annotations) LIKE ");
            query.push_bind(format!("%{text}%")).push(" ESCAPE '\\'");
        }
    }

    /// How many firing alerts each of these silences is about.
    pub async fn matching_alerts(&self, silences: &[Silence]) -> Result<Vec<u32>, Error> {
        let mut counts = vec![0_u32; silences.len()];
        let rows = sqlx::query("SELECT labels FROM alert WHERE state = 'firing'")
            .fetch_all(self.state.read())
            .await
            .map_err(StateError::statement("count the alerts of a silence"))?;
        for row in rows {
            let text: &str = row.get("labels");
            let labels: Labels =
                serde_json::from_str(text).map_err(|_| StateError::corrupt("alert", "labels", text))?;
            for (count, silence) in counts.iter_mut().zip(silences) {
                *count += u32::from(silence.matches(&labels));
            }
        }
        Ok(counts)
    }
}

/// Compiled matchers by silence: they never change, and compiling a regular expression costs more than all the rest of
/// a pass.
#[derive(Clone, Default)]
pub struct Cache(Arc<Mutex<HashMap<SilenceId, Arc<[Matcher]>>>>);

impl Cache {
    /// The silences that hold back now.
    pub async fn active(&self, db: impl SqliteExecutor<'_>, now: Timestamp) -> Result<Vec<Silence>, StateError> {
        let rows = sqlx::query("SELECT * FROM silence WHERE ends_at > $1 AND starts_at <= $1 AND expired_at IS NULL")
            .bind(now.as_micros())
            .fetch_all(db)
            .await
            .map_err(StateError::statement("read the active silences"))?;
        let mut silences: Vec<Silence> = rows.iter().map(|row| self.silence(row)).collect::<Result<_, _>>()?;
        let mut known = self.0.lock();
        if known.len() > 2 * silences.len() + 64 {
            known.retain(|id, _| silences.iter().any(|silence| silence.id == *id));
        }
        drop(known);
        silences.retain(|silence| silence.state(now) == SilenceState::Active);
        Ok(silences)
    }

    async fn load(&self, db: impl SqliteExecutor<'_>, id: SilenceId) -> Result<Option<Silence>, StateError> {
        let row = sqlx::query("SELECT * FROM silence WHERE id = $1")
            .bind(id.to_string())
            .fetch_optional(db)
            .await
            .map_err(StateError::statement("read a silence"))?;
        row.as_ref().map(|row| self.silence(row)).transpose()
    }

    fn silence(&self, row: &SqliteRow) -> Result<Silence, StateError> {
        let id: &str = row.get("id");
        let id: SilenceId = id.parse().map_err(|_| StateError::corrupt("silence", "id", id))?;
        let known = self.0.lock().get(&id).cloned();
        let matchers = match known {
            Some(matchers) => matchers,
            None => {
                let text: &str = row.get("matchers");
                let parsed: Vec<Matcher> =
                    serde_json::from_str(text).map_err(|_| StateError::corrupt("silence", "matchers", text))?;
                let matchers: Arc<[Matcher]> = parsed.into();
                self.0.lock().insert(id, Arc::clone(&matchers));
                matchers
            }
        };
        let Ok(created_by) = row.get::<&str, _>("created_by").parse::<Actor>();
        let annotations: &str = row.get("annotations");
        let recurrence: Option<&str> = row.get("recurrence");
        let corrupt = |column, text: &str| StateError::corrupt("silence", column, text);
        let created_at = row.get("created_at");
        Ok(Silence {
            annotations: serde_json::from_str(annotations).map_err(|_| corrupt("annotations", annotations))?,
            recurrence: match recurrence {
                Some(text) => Some(serde_json::from_str(text).map_err(|_| corrupt("recurrence", text))?),
                None => None,
            },
            updated_at: Timestamp::from_micros(row.get::<Option<i64>, _>("updated_at").unwrap_or(created_at)),
            id,
            matchers,
            starts_at: Timestamp::from_micros(row.get("starts_at")),
            ends_at: Timestamp::from_micros(row.get("ends_at")),
            created_by,
            comment: row.get("comment"),
            created_at: Timestamp::from_micros(created_at),
            expired_at: row.get::<Option<i64>, _>("expired_at").map(Timestamp::from_micros),
        })
    }
}

/// Writes a new silence with its ledger entry; `actor` is who asked for it, which may be a program of whoever made it.
async fn insert(tx: &mut Tx, silence: &Silence, actor: Actor) -> Result<(), StateError> {
    sqlx::query(
        "INSERT INTO silence (id, matchers, starts_at, ends_at, created_by, comment, created_at, annotations, recurrence) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(silence.id.to_string())
    .bind(json!(silence.matchers).to_string())
    .bind(silence.starts_at.as_micros())
    .bind(silence.ends_at.as_micros())
    .bind(silence.created_by.to_string())
    .bind(&silence.comment)
    .bind(silence.created_at.as_micros())
    .bind(json!(silence.annotations).to_string())
    .bind(silence.recurrence.as_ref().map(|times| json!(times).to_string()))
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("create a silence"))?;
    ledger::append(tx, Entry::new(silence.created_at, "silence.created", actor, silence.id).data(facts(silence)))
        .await?;
    Ok(())
}

/// What the ledger says of a silence.
fn facts(silence: &Silence) -> serde_json::Value {
    json!({
        "matchers": silence.matchers, "starts_at": silence.starts_at, "ends_at": silence.ends_at,
        "created_by": silence.created_by, "comment": silence.comment, "annotations": silence.annotations,
        "recurrence": silence.recurrence,
    })
}

async fn expire_in(tx: &mut Tx, id: SilenceId, now: Timestamp, actor: Actor) -> Result<(), StateError> {
    sqlx::query("UPDATE silence SET expired_at = $2, updated_at = $2 WHERE id = $1")
        .bind(id.to_string())
        .bind(now.as_micros())
        .execute(&mut **tx)
        .await
        .map_err(StateError::statement("expire a silence"))?;
    look_again(tx, now).await?;
    ledger::append(tx, Entry::new(now, "silence.expired", actor, id)).await?;
    Ok(())
}

/// Whoever was held back by a silence is looked at again, in the transaction that ends it.
async fn look_again(tx: &mut Tx, now: Timestamp) -> Result<(), StateError> {
    sqlx::query(
        "UPDATE alert_group SET next_flush_at = $1 \
         WHERE id IN (SELECT group_id FROM alert_group_member WHERE muted <> '' AND muted LIKE 'silence:%')",
    )
    .bind(now.as_micros())
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("look again at what a silence held back"))?;
    Ok(())
}

fn validate(new: &NewSilence) -> Result<(), Error> {
    let invalid = |text: &str| Err(Error::Invalid(text.to_owned()));
    check_matchers(&new.matchers)?;
    check_annotations(&new.annotations)?;
    let most = if new.recurrence.is_some() { MAX_RECURRING } else { MAX_DURATION };
    if new.duration.is_zero() || new.duration > most {
        return invalid("a silence lasts longer than 0s and at most 90d, or 366d when it recurs");
    }
    let comment = new.comment.trim();
    if comment.is_empty() || comment.chars().count() > MAX_COMMENT {
        return invalid("a silence needs a comment of 1 to 4,000 characters that says why");
    }
    Ok(())
}

fn check_matchers(matchers: &[Matcher]) -> Result<(), Error> {
    let invalid = |text: &str| Err(Error::Invalid(text.to_owned()));
    if matchers.is_empty() || matchers.len() > MAX_MATCHERS {
        return invalid("a silence needs 1 to 32 matchers, for example `service=\"payments\"`");
    }
    if matchers.iter().all(|matcher| matcher.matches_value("")) {
        return invalid(
            "at least one matcher of a silence must not match the empty text, or it would silence everything",
        );
    }
    Ok(())
}

fn check_annotations(annotations: &BTreeMap<String, String>) -> Result<(), Error> {
    let long = |text: &String| text.chars().count() > MAX_COMMENT;
    if annotations.len() > MAX_ANNOTATIONS || annotations.iter().any(|(k, v)| k.is_empty() || long(k) || long(v)) {
        return Err(Error::Invalid("a silence has at most 32 annotations of at most 4,000 characters".to_owned()));
    }
    Ok(())
}
