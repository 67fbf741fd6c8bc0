//! Rule groups that people write in the console or over the API: their versions in the state database.
//!
//! Not their meaning: a version holds the text of a rule file with one group, which `config` reads like any other, and the
//! scheduler runs like any other. Versions are never changed and never removed.

use sha2::{Digest as _, Sha256};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use watchkeeper_domain::{Actor, Timestamp};
use watchkeeper_state::{Entry, State, StateError, Tx, ledger};

macro_rules! changes {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $kind:literal;)*) => {
        /// What a version did.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Change { $($(#[$doc])* $name),* }

        impl Change {
            /// The word used in rows and the API.
            #[must_use]
            pub fn as_str(self) -> &'static str { match self { $(Self::$name => $word),* } }
            /// The kind of its entry in the ledger.
            fn kind(self) -> &'static str { match self { $(Self::$name => $kind),* } }
            fn parse(word: &str) -> Option<Self> { match word { $($word => Some(Self::$name),)* _ => None } }
        }
    };
}
changes! {
    /// The group is new, or was deleted before.
    Created = "created", "rule_group.created";
    /// Its text is another one.
    Edited = "edited", "rule_group.edited";
    /// It is evaluated again.
    Enabled = "enabled", "rule_group.enabled";
    /// It is not evaluated; its alerts ended.
    Disabled = "disabled", "rule_group.disabled";
    /// Its text is that of a version before.
    RolledBack = "rolled_back", "rule_group.rolled_back";
    /// It is no more.
    Deleted = "deleted", "rule_group.deleted";
}

/// One version of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The group's name.
    pub name: String,
    /// From 1, without gaps.
    pub version: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// Why, in their words.
    pub reason: String,
    /// What it did.
    pub change: Change,
    /// Whether the group is evaluated.
    pub enabled: bool,
    /// The text of a rule file with the group.
    pub source: String,
}

/// A version to be.
#[derive(Debug, Clone)]
pub struct NewVersion {
    /// The group's name.
    pub name: String,
    /// Who.
    pub actor: Actor,
    /// Why.
    pub reason: String,
    /// What it does.
    pub change: Change,
    /// Whether the group is evaluated.
    pub enabled: bool,
    /// The text of a rule file with the group.
    pub source: String,
}

/// The newest version of every group that was not deleted, by name.
pub async fn current(state: &State) -> Result<Vec<Version>, StateError> {
    let sql = "SELECT v.* FROM rule_group_version v JOIN (SELECT name, max(version) AS version FROM rule_group_version \
               GROUP BY name) n ON n.name = v.name AND n.version = v.version WHERE v.change <> 'deleted' ORDER BY v.name";
    let rows = sqlx::query(sql).fetch_all(state.read()).await.map_err(StateError::statement("read the rule groups"))?;
    rows.iter().map(version).collect()
}

/// The versions of a group, the newest first, at most `limit`.
pub async fn history(state: &State, name: &str, limit: i64) -> Result<Vec<Version>, StateError> {
    let rows = sqlx::query("SELECT * FROM rule_group_version WHERE name = $1 ORDER BY version DESC LIMIT $2")
        .bind(name)
        .bind(limit)
        .fetch_all(state.read())
        .await
        .map_err(StateError::statement("read a rule group's versions"))?;
    rows.iter().map(version).collect()
}

/// One version of a group.
pub async fn find(state: &State, name: &str, number: i64) -> Result<Option<Version>, StateError> {
    let row = sqlx::query("SELECT * FROM rule_group_version WHERE name = $1 AND version = $2")
        .bind(name)
        .bind(number)
        .fetch_optional(state.read())
        .await
        .map_err(StateError::statement("read a rule group's version"))?;
    row.as_ref().map(version).transpose()
}

/// The number of a group's newest version, deleted or not; 0 when there never was one.
pub async fn newest(tx: &mut Tx, name: &str) -> Result<i64, StateError> {
    sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM rule_group_version WHERE name = $1")
        .bind(name)
        .fetch_one(&mut **tx)
        .await
        .map_err(StateError::statement("read a rule group's newest version"))
}

/// Writes a version with its entry in the ledger, which seals the text by its SHA-256.
pub async fn append(tx: &mut Tx, new: NewVersion, now: Timestamp) -> Result<Version, StateError> {
    let version = newest(tx, &new.name).await? + 1;
    let NewVersion { name, actor, reason, change, enabled, source } = new;
    sqlx::query(
        "INSERT INTO rule_group_version (name, version, at, actor, reason, change, enabled, source) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(&name)
    .bind(version)
    .bind(now.as_micros())
    .bind(actor.to_string())
    .bind(&reason)
    .bind(change.as_str())
    .bind(enabled)
    .bind(&source)
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("keep a rule group's version"))?;
    let data = serde_json::json!({
        "version": version, "enabled": enabled, "reason": reason, "source_sha256": hex::encode(Sha256::digest(&source)),
    });
    ledger::append(tx, Entry::new(now, change.kind(), actor.clone(), &name).data(data)).await?;
    Ok(Version { name, version, at: now, actor, reason, change, enabled, source })
}

fn version(row: &SqliteRow) -> Result<Version, StateError> {
    let word: String = row.get("change");
    let Ok(actor) = row.get::<String, _>("actor").parse::<Actor>();
    Ok(Version {
        name: row.get("name"),
        version: row.get("version"),
        at: Timestamp::from_micros(row.get("at")),
        actor,
        reason: row.get("reason"),
        change: Change::parse(&word).ok_or_else(|| StateError::corrupt("rule_group_version", "change", &word))?,
        enabled: row.get("enabled"),
        source: row.get("source"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(change: Change, enabled: bool, source: &str) -> NewVersion {
        NewVersion {
            name: "payments".to_owned(),
            actor: Actor::User("alice".to_owned()),
            reason: "too noisy".to_owned(),
            change,
            enabled,
            source: source.to_owned(),
        }
    }

    #[tokio::test]
    async fn versions_follow_one_another_and_the_ledger_has_each() {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(&dir.path().join("state.db")).await.unwrap();
        let at = Timestamp::from_secs(100);
        for (change, enabled, source) in
            [(Change::Created, true, "a"), (Change::Edited, true, "b"), (Change::Disabled, false, "b")]
        {
            let mut tx = state.write().await.unwrap();
            append(&mut tx, new(change, enabled, source), at).await.unwrap();
            State::commit(tx).await.unwrap();
        }
        let now = current(&state).await.unwrap();
        assert_eq!((now.len(), now[0].version, now[0].enabled, now[0].source.as_str()), (1, 3, false, "b"));
        assert_eq!(find(&state, "payments", 1).await.unwrap().unwrap().source, "a");
        let mut tx = state.write().await.unwrap();
        append(&mut tx, new(Change::Deleted, false, ""), at).await.unwrap();
        State::commit(tx).await.unwrap();
        assert_eq!(current(&state).await.unwrap(), []);
        assert_eq!(history(&state, "payments", 10).await.unwrap().len(), 4);
        let entries = ledger::entries(state.read(), ledger::About::Subject("payments"), 10).await.unwrap();
        let kinds: Vec<&str> = entries.iter().map(|e| e.kind.as_str()).collect();
        let expected = ["rule_group.created", "rule_group.edited", "rule_group.disabled", "rule_group.deleted"];
        assert_eq!(kinds, expected);
        assert_eq!(entries[0].data["source_sha256"], hex::encode(Sha256::digest("a")));
    }
}
