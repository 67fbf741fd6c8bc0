//! Planted faults: what the product would do if it were broken, done behind its back, so that it shows whether the checks
//! would find it.
//!
//! Not in the product: each is a change of the wire or of the rows. A check that finds none of these is worth nothing.

use watchkeeper_domain::{Span, Timestamp};
use watchkeeper_state::State;

use super::network::{Arrival, Known};

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// That something is over never arrives, and counts as delivered.
    DropResolved,
    /// Some messages arrive twice.
    SendTwice,
    /// What was sent before is sent again after its successor.
    SendOldNews,
    /// A silence that was answered 2xx is gone.
    ForgetSilence,
    /// An alert that was answered 2xx is gone.
    ForgetAlert,
    /// An acknowledgement that was answered 2xx is gone.
    ForgetAcknowledgement,
    /// The next step of an escalation comes two minutes late.
    CallLate,
    /// Nobody looks again when a silence ends.
    SleepThroughSilence,
    /// A new message waits for half a minute, as if it stood behind a slow receiver.
    OneQueueForAll,
}

impl Mutant {
    pub(crate) const ALL: [Self; 9] = [
        Self::DropResolved,
        Self::SendTwice,
        Self::SendOldNews,
        Self::ForgetSilence,
        Self::ForgetAlert,
        Self::ForgetAcknowledgement,
        Self::CallLate,
        Self::SleepThroughSilence,
        Self::OneQueueForAll,
    ];

    /// What it does to a request that arrives; `before` is what arrived before. Gives what arrives as well.
    pub(crate) fn on_the_wire(self, arrival: &mut Arrival, before: &[Arrival]) -> Option<Arrival> {
        match self {
            Self::DropResolved if arrival.alerts.iter().all(|(_, firing)| !firing) => {
                arrival.taken = false;
                None
            }
            Self::SendTwice if arrival.taken && before.len() % 3 == 2 => {
                Some(Arrival { known: Known::Taken, ..arrival.clone() })
            }
            Self::SendOldNews => {
                let of_peer = before.iter().rev().filter(|old| old.peer == arrival.peer);
                let mut older = of_peer.filter(|old| old.key != arrival.key && old.alerts.iter().any(|(_, f)| *f));
                let old = older.find(|old| arrival.alerts.iter().any(|(id, f)| !f && old.alerts[0].0 == *id))?;
                let old = Arrival { at: arrival.at, known: Known::Taken, ..old.clone() };
                Some(std::mem::replace(arrival, old))
            }
            _ => None,
        }
    }

    /// What it does to the rows after each thing that happened.
    pub(crate) async fn on_the_rows(self, state: &State, now: Timestamp) {
        let statement = match self {
            Self::ForgetSilence => "DELETE FROM silence WHERE $1 > 0",
            Self::ForgetAlert => {
                "UPDATE alert SET state = 'resolved', resolved_at = fired_at WHERE state = 'firing' AND $1 % 3 = 0"
            }
            Self::ForgetAcknowledgement => {
                "UPDATE alert SET acknowledged_at = NULL, acknowledged_by = NULL WHERE acknowledged_at < $1"
            }
            Self::CallLate => {
                "UPDATE escalation SET due_at = due_at + 120000000, title = 'late' WHERE title <> 'late' AND $1 > 0"
            }
            Self::SleepThroughSilence => {
                "UPDATE alert_group SET next_flush_at = NULL WHERE $1 > 0 AND id IN \
                 (SELECT group_id FROM alert_group_member WHERE muted LIKE 'silence:%')"
            }
            Self::OneQueueForAll => {
                "UPDATE notification SET next_attempt_at = $1 WHERE state = 'pending' AND attempts = 0 AND next_attempt_at < $1"
            }
            Self::DropResolved | Self::SendTwice | Self::SendOldNews => return,
        };
        let at = match self {
            Self::OneQueueForAll => now + Span::from_secs(30),
            _ => now,
        };
        let mut tx = state.write().await.unwrap();
        sqlx::query(statement).bind(at.as_micros()).execute(&mut *tx).await.unwrap();
        // When the disk refuses it, the product is not broken this time.
        drop(State::commit(tx).await);
    }
}
