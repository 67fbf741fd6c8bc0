//! What people do to on-call: they take a time over, give it back, and leave notes. The same for the API, the command
//! line and the console.
//!
//! Not reading (see [`super::read`]) and not schedules: those are configured.

use std::sync::Arc;

use arc_swap::ArcSwap;
use serde_json::json;
use watchkeeper_domain::ids::{HandoffNoteId, Id, OverrideId};
use watchkeeper_domain::{Actor, Env, Span, Timestamp};
use watchkeeper_state::{Entry, State, StateError, Tx, Wake, ledger};

use super::settings::Settings;
use super::store::{self, Note, OverrideRow};
use crate::command::{MAX_NOTE, checked};
use crate::error::Error;

/// The longest override.
const LONGEST: Span = Span::from_secs(366 * 86_400);
/// Most characters of a reason.
const MAX_REASON: usize = 500;

/// On-call, for commands and questions. Cloning copies handles.
#[derive(Clone)]
pub struct OnCall {
    pub(crate) state: State,
    pub(crate) env: Env,
    settings: Arc<ArcSwap<Settings>>,
    wakes: Vec<Wake>,
}

/// A time that somebody takes over.
#[derive(Debug, Clone)]
pub struct NewOverride {
    /// The schedule.
    pub schedule: String,
    /// Who takes over.
    pub person: String,
    /// Only where this person would be on call; none: whoever it would be.
    pub instead_of: Option<String>,
    /// Beginning; none: now.
    pub from: Option<Timestamp>,
    /// End, excluded.
    pub until: Timestamp,
    /// Why, for those who see it.
    pub reason: String,
}

impl OnCall {
    /// `wakes` are those who must look after a change.
    #[must_use]
    pub fn new(state: State, env: Env, settings: Settings, wakes: Vec<Wake>) -> Self {
        Self { state, env, settings: Arc::new(ArcSwap::from_pointee(settings)), wakes }
    }

    /// Takes another configuration. Escalations under way keep the policy that they began with.
    pub fn reload(&self, settings: Settings) {
        self.settings.store(Arc::new(settings));
        self.wake();
    }

    /// On-call as it is configured now.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.load_full()
    }

    /// Somebody takes a time over.
    pub async fn create_override(&self, new: NewOverride, actor: Actor) -> Result<OverrideRow, Error> {
        let now = self.env.now();
        let settings = self.settings();
        let from = new.from.unwrap_or(now);
        known_schedule(&settings, &new.schedule)?;
        for person in std::iter::once(&new.person).chain(&new.instead_of) {
            if !settings.people.contains_key(person) {
                let known: Vec<&str> = settings.people.keys().map(String::as_str).take(20).collect();
                let shown: String = person.chars().take(80).collect();
                return Err(Error::Invalid(format!("there is no person `{shown}`; known: {}", known.join(", "))));
            }
        }
        if !settings.reachable(&new.person) {
            return Err(Error::Invalid(format!(
                "`{}` cannot be called: the configuration has no contact method of theirs",
                new.person
            )));
        }
        if new.until <= from || new.until <= now {
            return Err(Error::Invalid("an override ends after it begins, and not in the past".into()));
        }
        if new.until.since(from) > LONGEST {
            return Err(Error::Invalid("an override lasts a year at most; change the schedule instead".into()));
        }
        if new.instead_of.as_ref() == Some(&new.person) {
            return Err(Error::Invalid("nobody stands in for themselves".into()));
        }
        let reason = new.reason.trim();
        if reason.chars().count() > MAX_REASON {
            return Err(Error::Invalid(format!("a reason has at most {MAX_REASON} characters")));
        }
        let row = OverrideRow {
            id: OverrideId::new(&self.env).to_string(),
            schedule: new.schedule,
            person: new.person,
            instead_of: new.instead_of,
            from,
            until: new.until,
            reason: reason.to_owned(),
            created_by: actor.to_string(),
            created_at: now,
        };
        let mut tx = self.state.write().await?;
        sqlx::query(
            "INSERT INTO oncall_override (id, schedule, person, instead_of, starts_at, ends_at, reason, created_by, \
             created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&row.id)
        .bind(&row.schedule)
        .bind(&row.person)
        .bind(&row.instead_of)
        .bind(row.from.as_micros())
        .bind(row.until.as_micros())
        .bind(&row.reason)
        .bind(&row.created_by)
        .bind(now.as_micros())
        .execute(&mut *tx)
        .await
        .map_err(StateError::statement("write an on-call override"))?;
        ledger::append(&mut tx, Entry::new(now, "oncall.override_created", actor, &row.id).data(json!(row))).await?;
        self.commit(tx).await?;
        Ok(row)
    }

    /// Takes an override back and gives it as it was. One that has begun ends now, so that who was on call before stays
    /// true.
    pub async fn remove_override(&self, id: &str, actor: Actor) -> Result<OverrideRow, Error> {
        let now = self.env.now();
        let mut tx = self.state.write().await?;
        let not_found = || Error::NotFound { what: "override", id: id.chars().take(80).collect() };
        let row = store::find_override(&mut *tx, id).await?.ok_or_else(not_found)?;
        if row.until <= now {
            return Err(Error::Invalid("this override is over; who was on call stays as it was".into()));
        }
        let (column, what) = if row.from >= now { ("removed_at", "taken back") } else { ("ends_at", "cut short") };
        let sql = match column {
            "removed_at" => "UPDATE oncall_override SET removed_at = $2 WHERE id = $1",
            _ => "UPDATE oncall_override SET ends_at = $2 WHERE id = $1",
        };
        sqlx::query(sql)
            .bind(id)
            .bind(now.as_micros())
            .execute(&mut *tx)
            .await
            .map_err(StateError::statement("take an on-call override back"))?;
        let data = json!({"override": row, "what": what});
        ledger::append(&mut tx, Entry::new(now, "oncall.override_removed", actor, id).data(data)).await?;
        self.commit(tx).await?;
        Ok(row)
    }

    /// Leaves a note for whoever takes over next.
    pub async fn add_note(&self, schedule: &str, text: &str, actor: Actor) -> Result<Note, Error> {
        known_schedule(&self.settings(), schedule)?;
        let note = Note {
            id: HandoffNoteId::new(&self.env).to_string(),
            schedule: schedule.to_owned(),
            at: self.env.now(),
            author: actor.to_string(),
            text: checked(text, "note", MAX_NOTE)?,
        };
        let mut tx = self.state.write().await?;
        sqlx::query("INSERT INTO oncall_note (id, schedule, at, author, text) VALUES ($1, $2, $3, $4, $5)")
            .bind(&note.id)
            .bind(&note.schedule)
            .bind(note.at.as_micros())
            .bind(&note.author)
            .bind(&note.text)
            .execute(&mut *tx)
            .await
            .map_err(StateError::statement("write a hand-off note"))?;
        ledger::append(&mut tx, Entry::new(note.at, "oncall.noted", actor, &note.id).data(json!(note))).await?;
        self.commit(tx).await?;
        Ok(note)
    }

    /// There may be something to do.
    pub fn wake(&self) {
        self.wakes.iter().for_each(Wake::wake);
    }

    async fn commit(&self, tx: Tx) -> Result<(), StateError> {
        State::commit(tx).await?;
        self.wake();
        Ok(())
    }
}

/// Refuses a schedule that does not exist.
pub(super) fn known_schedule(settings: &Settings, name: &str) -> Result<(), Error> {
    if settings.schedules.contains_key(name) {
        return Ok(());
    }
    Err(Error::NotFound { what: "schedule", id: name.chars().take(80).collect() })
}
