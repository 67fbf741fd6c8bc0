//! How an incident moves. Pure: no row, no effect but the next value.
//!
//! triggered → acknowledged → mitigated → resolved → closed. People may skip forward (a resolve of a triggered incident
//! is also an acknowledgement), never back; the one way back is [`Event::Refired`].

use watchkeeper_domain::{Actor, Category, Priority, Span, Timestamp};

use crate::incident::{Incident, IncidentKind, IncidentState, Role};

/// A new firing within this time of a resolution by the system reopens the incident instead of opening another: what
/// flaps is one incident with one review, and those who have it keep it in view.
pub const REOPEN_WITHIN: Span = Span::from_secs(600);

/// What happens to an incident.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Somebody takes it.
    Acknowledge(Actor),
    /// Users no longer feel it.
    Mitigate(Actor),
    /// The cause is gone.
    Resolve(Actor),
    /// Nothing more is to be done.
    Close(Actor),
    /// A role is given, or freed.
    Assign(Role, Option<String>),
    /// An alert joined.
    Joined {
        /// Its priority; the incident's rises to it.
        priority: Priority,
        /// When its condition became true.
        started_at: Timestamp,
        /// What it says, and what it is about: the incident is called after its most urgent alert. None where a person
        /// gave the name.
        name: Option<(String, Category)>,
    },
    /// All its alerts have ended.
    AlertsEnded,
    /// One of its alerts' kind fires again.
    Refired,
    /// People were called.
    HandedOver,
}

/// A move that does not fit the state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("INC-{number} is {state}: it cannot be {wanted}{hint}")]
pub struct Conflict {
    number: i64,
    state: IncidentState,
    wanted: &'static str,
    hint: &'static str,
}

/// The step. `Ok(None)`: nothing changes, as when somebody acknowledges what is acknowledged.
pub fn step(incident: &Incident, event: &Event, now: Timestamp) -> Result<Option<Incident>, Conflict> {
    use IncidentState as S;
    let conflict = |wanted, hint| Err(Conflict { number: incident.number, state: incident.state, wanted, hint });
    let mut next = incident.clone();
    next.updated_at = now;
    let acknowledged = |next: &mut Incident, by: &Actor| {
        if next.acknowledged_at.is_none() {
            next.acknowledged_at = Some(now);
            next.acknowledged_by = Some(by.to_string());
        }
    };
    match (event, incident.state) {
        (Event::Acknowledge(by), S::Triggered) => {
            acknowledged(&mut next, by);
            next.state = S::Acknowledged;
        }
        (Event::Acknowledge(_), S::Acknowledged | S::Mitigated) => return Ok(None),
        (Event::Acknowledge(_), S::Resolved | S::Closed) => return conflict("acknowledged", " any more"),
        (Event::Mitigate(by), S::Triggered | S::Acknowledged) => {
            acknowledged(&mut next, by);
            next.mitigated_at = Some(now);
            next.state = S::Mitigated;
        }
        (Event::Mitigate(_), S::Mitigated) => return Ok(None),
        (Event::Mitigate(_), S::Resolved | S::Closed) => return conflict("mitigated", " any more"),
        (Event::Resolve(by), S::Triggered | S::Acknowledged | S::Mitigated) => {
            acknowledged(&mut next, by);
            next.resolved_at = Some(now);
            next.resolved_by = Some(by.to_string());
            next.state = S::Resolved;
        }
        (Event::Resolve(_), S::Resolved) | (Event::Close(_), S::Closed) => return Ok(None),
        (Event::Resolve(_), S::Closed) => return conflict("resolved", " any more"),
        (Event::Close(_), S::Resolved) => {
            next.closed_at = Some(now);
            next.state = S::Closed;
        }
        (Event::Close(_), _) => return conflict("closed", "; resolve it first"),
        (Event::Assign(..), S::Closed) => return conflict("assigned", " any more"),
        (Event::Assign(role, person), _) => {
            match person {
                Some(person) => next.roles.insert(role.as_str().to_owned(), person.clone()),
                None => next.roles.remove(role.as_str()),
            };
            if next.roles == incident.roles {
                return Ok(None);
            }
        }
        (Event::Joined { priority, started_at, name }, _) => {
            if let Some((title, category)) = name
                && *priority < incident.priority
            {
                (next.title, next.category) = (title.clone(), *category);
            }
            next.priority = next.priority.min(*priority);
            next.started_at = next.started_at.min(*started_at);
        }
        (Event::AlertsEnded, state) => {
            // The end of an attack's traffic is not the end of a security incident: a person decides that.
            if !state.is_open() || incident.kind == IncidentKind::Security {
                return Ok(None);
            }
            next.resolved_at = Some(now);
            next.resolved_by = Some(Actor::System.to_string());
            next.state = S::Resolved;
        }
        (Event::Refired, _) => {
            if !may_reopen(incident, now) {
                return conflict("reopened", "");
            }
            next.state = S::Triggered;
            (next.acknowledged_at, next.acknowledged_by, next.mitigated_at) = (None, None, None);
            (next.resolved_at, next.resolved_by, next.handed_over_at) = (None, None, None);
        }
        (Event::HandedOver, _) => {
            if incident.handed_over_at.is_some() {
                return Ok(None);
            }
            next.handed_over_at = Some(now);
        }
    }
    Ok(Some(next))
}

/// Whether a new firing reopens it: it was resolved by the system, and not long ago.
#[must_use]
pub fn may_reopen(incident: &Incident, now: Timestamp) -> bool {
    incident.state == IncidentState::Resolved
        && incident.resolved_by.as_deref() == Some("system")
        && incident.resolved_at.is_some_and(|at| now.since(at) <= REOPEN_WITHIN)
}

#[cfg(test)]
mod tests;
