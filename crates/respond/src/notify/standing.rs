//! How each way to a receiver does: when something last arrived, since when nothing does. Kept in rows, so that it is
//! known after a restart and for longer than messages are looked through.
//!
//! Not the circuit breaker, which decides about the next attempt and forgets: `destination` has that.

use std::collections::{BTreeSet, HashMap};

use sqlx::{Row as _, SqliteExecutor, SqlitePool};
use watchkeeper_config::Config;
use watchkeeper_config::model::Receiver;
use watchkeeper_config::model::oncall::Target;
use watchkeeper_config::model::person::receiver_of;
use watchkeeper_domain::{Integration, Timestamp};
use watchkeeper_state::{StateError, Tx};

use super::destination::{Destination, OPENS_AFTER};

/// How one receiver's integration is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// When it was first seen in the configuration.
    pub known_since: Option<Timestamp>,
    /// When something last arrived.
    pub last_delivered_at: Option<Timestamp>,
    /// When an attempt last failed.
    pub last_failed_at: Option<Timestamp>,
    /// The first failure after the last success.
    pub failing_since: Option<Timestamp>,
    /// Attempts that failed since the last success.
    pub failures: u32,
    /// Messages that were given up since the last success.
    pub given_up: u32,
    /// What failed then. Hostile text.
    pub last_error: Option<String>,
    /// How many notifications wait.
    pub queued: u32,
}

impl Standing {
    /// Whether the last attempt failed; none when there was no attempt.
    #[must_use]
    pub fn failing(&self) -> Option<bool> {
        match (self.last_delivered_at, self.last_failed_at) {
            (None, None) => None,
            _ => Some(self.failing_since.is_some()),
        }
    }

    /// Since when it is out of order: as many attempts failed as open the circuit breaker, or a message was given up.
    #[must_use]
    pub fn broken_since(&self) -> Option<Timestamp> {
        self.failing_since.filter(|_| self.failures >= OPENS_AFTER || self.given_up > 0)
    }
}

/// All standings, by receiver and integration.
pub type Standings = HashMap<(String, String), Standing>;

/// The standing of every integration that is known.
pub async fn standings(pool: &SqlitePool) -> Result<Standings, StateError> {
    let mut found = known(pool).await?;
    let waiting: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT receiver, integration, count(*) FROM notification WHERE state IN ('pending', 'sending') \
         GROUP BY receiver, integration",
    )
    .fetch_all(pool)
    .await
    .map_err(StateError::statement("count what waits for receivers"))?;
    for (receiver, integration, count) in waiting {
        found.entry((receiver, integration)).or_default().queued = u32::try_from(count).unwrap_or(u32::MAX);
    }
    Ok(found)
}

/// The same without what waits.
pub(super) async fn known(db: impl SqliteExecutor<'_>) -> Result<Standings, StateError> {
    let rows = sqlx::query("SELECT * FROM receiver_standing")
        .fetch_all(db)
        .await
        .map_err(StateError::statement("read how receivers do"))?;
    let count = |row: &sqlx::sqlite::SqliteRow, column: &str| u32::try_from(row.get::<i64, _>(column)).unwrap_or(0);
    let moment =
        |row: &sqlx::sqlite::SqliteRow, column: &str| row.get::<Option<i64>, _>(column).map(Timestamp::from_micros);
    let standing = |row: &sqlx::sqlite::SqliteRow| {
        let standing = Standing {
            known_since: moment(row, "known_since"),
            last_delivered_at: moment(row, "last_delivered_at"),
            last_failed_at: moment(row, "last_failed_at"),
            failing_since: moment(row, "failing_since"),
            failures: count(row, "failures"),
            given_up: count(row, "given_up"),
            last_error: row.get("last_error"),
            queued: 0,
        };
        ((row.get("receiver"), row.get("integration")), standing)
    };
    Ok(rows.iter().map(standing).collect())
}

/// Something arrived.
pub(super) async fn delivered(tx: &mut Tx, to: &Destination, now: Timestamp) -> Result<(), StateError> {
    sqlx::query(
        "INSERT INTO receiver_standing (receiver, integration, known_since, last_delivered_at) VALUES ($1, $2, $3, $3) \
         ON CONFLICT (receiver, integration) DO UPDATE SET last_delivered_at = $3, failing_since = NULL, failures = 0, \
         given_up = 0, last_error = NULL",
    )
    .bind(&to.receiver)
    .bind(&to.integration)
    .bind(now.as_micros())
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("write down that a receiver works"))?;
    Ok(())
}

/// An attempt failed, or (`given_up`) a message was given up.
pub(super) async fn failed(
    tx: &mut Tx,
    to: &Destination,
    now: Timestamp,
    given_up: bool,
    error: &str,
) -> Result<(), StateError> {
    sqlx::query(
        "INSERT INTO receiver_standing (receiver, integration, known_since, last_failed_at, failing_since, failures, \
         given_up, last_error) VALUES ($1, $2, $3, $3, $3, 1, $4, $5) \
         ON CONFLICT (receiver, integration) DO UPDATE SET last_failed_at = $3, \
         failing_since = coalesce(receiver_standing.failing_since, $3), failures = receiver_standing.failures + 1, \
         given_up = receiver_standing.given_up + $4, last_error = $5",
    )
    .bind(&to.receiver)
    .bind(&to.integration)
    .bind(now.as_micros())
    .bind(i64::from(given_up))
    .bind(error)
    .execute(&mut **tx)
    .await
    .map_err(StateError::statement("write down that a receiver does not work"))?;
    Ok(())
}

/// The receivers that a receiver's escalation policy leads to: people, whoever can be on call, and action groups.
#[must_use]
pub fn led_to(config: &Config, receiver: &Receiver) -> BTreeSet<String> {
    let policy = receiver.escalation_policy.as_ref().and_then(|name| config.escalation_policies.get(name));
    let targets = policy.into_iter().flat_map(|policy| &policy.steps).flat_map(|step| &step.targets);
    let mut found = BTreeSet::new();
    for target in targets {
        match target {
            Target::Person(person) => drop(found.insert(receiver_of(person))),
            Target::Receiver(name) => drop(found.insert(name.clone())),
            Target::Schedule(name) => {
                let layers = config.schedules.get(name).into_iter().flat_map(|schedule| &schedule.layers);
                found.extend(layers.flat_map(|layer| &layer.people).map(|person| receiver_of(person)));
            }
        }
    }
    found.retain(|name| config.receivers.contains_key(name));
    found
}

/// How a way does. An escalation policy has no attempts of its own: it does as well as the best of those whom it leads to.
#[must_use]
pub fn of(config: &Config, standings: &Standings, receiver: &Receiver, integration: &str) -> Option<Standing> {
    let own = standings.get(&(receiver.name.clone(), integration.to_owned())).cloned();
    if integration != Integration::ON_CALL {
        return own;
    }
    let ways: Vec<&Standing> = led_to(config, receiver)
        .iter()
        .filter_map(|name| config.receivers.get(name))
        .flat_map(|other| other.integrations().into_iter().map(|i| (other.name.clone(), i.key)))
        .filter_map(|way| standings.get(&way))
        .collect();
    let all_fail = !ways.is_empty() && ways.iter().all(|way| way.failing_since.is_some());
    let all_broken = !ways.is_empty() && ways.iter().all(|way| way.broken_since().is_some());
    let newest = ways.iter().max_by_key(|way| way.last_failed_at);
    Some(Standing {
        known_since: own.and_then(|own| own.known_since),
        last_delivered_at: ways.iter().filter_map(|way| way.last_delivered_at).max(),
        last_failed_at: ways.iter().filter_map(|way| way.last_failed_at).max(),
        failing_since: ways.iter().filter_map(|way| way.failing_since).max().filter(|_| all_fail),
        failures: ways.iter().map(|way| way.failures).min().filter(|_| all_fail).unwrap_or(0),
        given_up: u32::from(all_broken),
        last_error: newest.filter(|_| all_fail).and_then(|way| way.last_error.clone()),
        queued: 0,
    })
}
