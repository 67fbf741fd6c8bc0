//! Action items: what is to be done so that it does not happen again, by whom and by when.
//!
//! Not a ticket system: an item has an owner, a due day and whether it is done.

use serde::Serialize;
use serde_json::json;
use sqlx::{Row, SqlitePool};
use watchkeeper_domain::ids::{ActionItemId, Id, IncidentId};
use watchkeeper_domain::{Actor, Timestamp};
use watchkeeper_state::{Entry, StateError, ledger};

use crate::command::{Incidents, checked};
use crate::error::Error;
use crate::read::Viewer;

/// Most action items of one incident.
const MAX_ITEMS: i64 = 200;

/// One thing to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionItem {
    /// Its id.
    pub id: ActionItemId,
    /// What. Hostile text.
    pub text: String,
    /// Who; empty: nobody yet.
    pub owner: String,
    /// By which day, `YYYY-MM-DD`; empty: not said.
    pub due: String,
    /// When it was done.
    pub done_at: Option<Timestamp>,
    /// When it was written down.
    pub created_at: Timestamp,
}

/// An item to add, or to change when `id` is given.
#[derive(Debug, Clone, Default)]
pub struct NewActionItem {
    /// The item to change.
    pub id: Option<ActionItemId>,
    /// What.
    pub text: String,
    /// Who.
    pub owner: Option<String>,
    /// By which day, `YYYY-MM-DD`.
    pub due: Option<String>,
    /// Whether it is done.
    pub done: bool,
}

pub(super) async fn list(pool: &SqlitePool, incident: IncidentId) -> Result<Vec<ActionItem>, StateError> {
    let rows = sqlx::query("SELECT * FROM action_item WHERE incident_id = $1 ORDER BY created_at, id LIMIT $2")
        .bind(incident.to_string())
        .bind(MAX_ITEMS)
        .fetch_all(pool)
        .await
        .map_err(StateError::statement("read action items"))?;
    rows.iter().map(from_row).collect()
}

fn from_row(row: &sqlx::sqlite::SqliteRow) -> Result<ActionItem, StateError> {
    let id: &str = row.get("id");
    Ok(ActionItem {
        id: id.parse().map_err(|_| StateError::corrupt("action_item", "id", id))?,
        text: row.get("text"),
        owner: row.get("owner"),
        due: row.get("due"),
        done_at: row.get::<Option<i64>, _>("done_at").map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(row.get("created_at")),
    })
}

impl Incidents {
    /// Adds an action item, or changes the one whose id is given.
    pub async fn save_action_item(
        &self,
        viewer: Viewer,
        incident: IncidentId,
        new: NewActionItem,
        actor: Actor,
    ) -> Result<ActionItem, Error> {
        let text = checked(&new.text, "action item", 500)?;
        let owner = new.owner.as_deref().map(|name| checked(name, "person's name", 120)).transpose()?;
        if let Some(day) = &new.due {
            day.parse::<jiff::civil::Date>().map_err(|_| {
                Error::Invalid(format!("`{}` is not a day; write YYYY-MM-DD", day.chars().take(40).collect::<String>()))
            })?;
        }
        let now = self.env.now();
        let mut tx = self.state.write().await?;
        self.visible(&mut tx, viewer, incident).await?;
        let known = match new.id {
            Some(id) => {
                let row = sqlx::query("SELECT * FROM action_item WHERE id = $1 AND incident_id = $2")
                    .bind(id.to_string())
                    .bind(incident.to_string())
                    .fetch_optional(&mut *tx)
                    .await
                    .map_err(StateError::statement("read an action item"))?;
                let row = row.ok_or_else(|| Error::NotFound { what: "action item", id: id.to_string() })?;
                Some(from_row(&row)?)
            }
            None => None,
        };
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM action_item WHERE incident_id = $1")
            .bind(incident.to_string())
            .fetch_one(&mut *tx)
            .await
            .map_err(StateError::statement("count action items"))?;
        if known.is_none() && count >= MAX_ITEMS {
            return Err(Error::Invalid(format!("an incident has at most {MAX_ITEMS} action items")));
        }
        let done_before = known.as_ref().and_then(|item| item.done_at);
        let item = ActionItem {
            id: known.as_ref().map_or_else(|| ActionItemId::new(&self.env), |item| item.id),
            text,
            owner: owner.unwrap_or_default(),
            due: new.due.unwrap_or_default(),
            done_at: new.done.then(|| done_before.unwrap_or(now)),
            created_at: known.map_or(now, |item| item.created_at),
        };
        sqlx::query(
            "INSERT INTO action_item (id, incident_id, text, owner, due, done_at, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET text = excluded.text, \
             owner = excluded.owner, due = excluded.due, done_at = excluded.done_at",
        )
        .bind(item.id.to_string())
        .bind(incident.to_string())
        .bind(&item.text)
        .bind(&item.owner)
        .bind(&item.due)
        .bind(item.done_at.map(Timestamp::as_micros))
        .bind(item.created_at.as_micros())
        .execute(&mut *tx)
        .await
        .map_err(StateError::statement("save an action item"))?;
        let entry = Entry::new(now, "review.action_item_saved", actor, item.id).incident(incident);
        ledger::append(&mut tx, entry.data(json!(item))).await?;
        self.commit(tx).await?;
        Ok(item)
    }

    /// Removes an action item. Idempotent.
    pub async fn remove_action_item(
        &self,
        viewer: Viewer,
        incident: IncidentId,
        id: ActionItemId,
        actor: Actor,
    ) -> Result<(), Error> {
        let mut tx = self.state.write().await?;
        self.visible(&mut tx, viewer, incident).await?;
        let removed = sqlx::query("DELETE FROM action_item WHERE id = $1 AND incident_id = $2")
            .bind(id.to_string())
            .bind(incident.to_string())
            .execute(&mut *tx)
            .await
            .map_err(StateError::statement("remove an action item"))?;
        if removed.rows_affected() > 0 {
            let entry = Entry::new(self.env.now(), "review.action_item_removed", actor, id).incident(incident);
            ledger::append(&mut tx, entry).await?;
            self.commit(tx).await?;
        }
        Ok(())
    }
}
