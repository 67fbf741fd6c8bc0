//! Making and editing silences as Alertmanager's API does it: one command for both.
//!
//! Not the rules of our own commands: what Alertmanager takes is taken here, a silence of ten years and one without a
//! comment too, so that the programs of its users go on working.

use std::collections::BTreeMap;

use serde_json::json;
use watchkeeper_domain::ids::{Id, SilenceId};
use watchkeeper_domain::{Actor, Matcher, TimeInterval, Timestamp};
use watchkeeper_state::{Entry, State, StateError, Tx, ledger};

use super::{
    MAX_COMMENT, Silence, SilenceState, Silences, check_annotations, check_matchers, expire_in, facts, insert,
    look_again,
};
use crate::error::Error;

/// A silence as it shall be.
#[derive(Debug, Clone)]
pub struct Put {
    /// The one to edit; none: a new one.
    pub id: Option<SilenceId>,
    /// All must match; at least one must not match the empty text.
    pub matchers: Vec<Matcher>,
    /// When it starts; one that is past means now, for a new silence.
    pub starts_at: Timestamp,
    /// When it ends; not past.
    pub ends_at: Timestamp,
    /// Who made it, as the caller names them.
    pub created_by: String,
    /// Why.
    pub comment: String,
    /// Notes.
    pub annotations: BTreeMap<String, String>,
    /// It holds back in these times only.
    pub recurrence: Option<TimeInterval>,
}

impl Silences {
    /// Makes a silence or edits one. Gives it with its id: what cannot be edited in place (other matchers, another start
    /// of one that holds back, one that is over) is replaced, the old one ends now and the new one has a new id.
    pub async fn put(&self, put: Put, actor: Actor) -> Result<Silence, Error> {
        check_matchers(&put.matchers)?;
        check_annotations(&put.annotations)?;
        if put.comment.chars().count() > MAX_COMMENT {
            return Err(Error::Invalid("the comment of a silence has at most 4,000 characters".to_owned()));
        }
        let now = self.env.now();
        if put.starts_at >= put.ends_at {
            return Err(Error::Invalid("the silence's start must be before its end".to_owned()));
        }
        if put.ends_at < now {
            return Err(Error::Invalid("the silence's end cannot be in the past".to_owned()));
        }
        let created_by = if put.created_by.trim().is_empty() {
            actor.clone()
        } else {
            Actor::User(put.created_by.trim().chars().take(200).collect())
        };
        let mut tx = self.state.write().await?;
        let before = match put.id {
            None => None,
            Some(id) => Some(
                self.cache
                    .load(&mut *tx, id)
                    .await?
                    .ok_or_else(|| Error::NotFound { what: "silence", id: id.to_string() })?,
            ),
        };
        let mut silence = Silence {
            id: SilenceId::new(&self.env),
            matchers: put.matchers.into(),
            starts_at: put.starts_at,
            ends_at: put.ends_at,
            created_by,
            comment: put.comment,
            created_at: now,
            updated_at: now,
            expired_at: None,
            annotations: put.annotations,
            recurrence: put.recurrence,
        };
        match before {
            Some(before) if can_edit(&before, &silence, now) => {
                (silence.id, silence.created_at) = (before.id, before.created_at);
                if silence.starts_at.as_millis() == before.starts_at.as_millis() {
                    silence.starts_at = before.starts_at;
                }
                update(&mut tx, &silence, actor).await?;
            }
            before => {
                if let Some(before) = before.filter(|before| before.state(now) != SilenceState::Expired) {
                    expire_in(&mut tx, before.id, now, actor.clone()).await?;
                }
                silence.starts_at = silence.starts_at.max(now);
                insert(&mut tx, &silence, actor).await?;
            }
        }
        State::commit(tx).await?;
        self.wake.wake();
        Ok(silence)
    }
}

/// Whether a silence may become the other one and keep its id: what it held back until now must not change in hindsight.
#[must_use]
pub(super) fn can_edit(before: &Silence, after: &Silence, now: Timestamp) -> bool {
    if before.matchers != after.matchers {
        return false;
    }
    let begun = before.starts_at <= now;
    match before.state(now) {
        SilenceState::Expired => false,
        _ if begun => {
            // Programs send back what they were shown, which has milliseconds.
            before.starts_at.as_millis() == after.starts_at.as_millis() && after.ends_at >= now
        }
        _ => after.starts_at >= now,
    }
}

async fn update(tx: &mut Tx, silence: &Silence, actor: Actor) -> Result<(), StateError> {
    sqlx::query(
        "UPDATE silence SET starts_at = $2, ends_at = $3, created_by = $4, comment = $5, updated_at = $6, \
         annotations = $7, recurrence = $8 WHERE id = $1",
    )
    .bind(silence.id.to_string())
    .bind(silence.starts_at.as_micros())
    .bind(silence.ends_at.as_micros())
    .bind(silence.created_by.to_string())
    .bind(&silence.comment)
    .bind(silence.updated_at.as_micros())
    .bind(json!(silence.annotations).to_string())
    .bind(silence.recurrence.as_ref().map(|times| json!(times).to_string()))
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("change a silence"))?;
    // It may end sooner than those who were held back by it were told.
    look_again(tx, silence.updated_at).await?;
    let entry = Entry::new(silence.updated_at, "silence.changed", actor, silence.id).data(facts(silence));
    ledger::append(tx, entry).await?;
    Ok(())
}
