//! How a verdict changes an alert. Pure: no row, no clock, no effect.
//!
//! Not the rule's own state machine (pending, `for`, `keep_firing_for`): that is `detect`'s, and is over when a verdict
//! comes here.

use watchkeeper_domain::Verdict;

/// What is known of the open alert of a label set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Open<'a> {
    /// It fires, and somebody can tell.
    Known,
    /// It fires as far as anybody knows; why nobody can tell.
    Unknown(&'a str),
}

/// What a verdict does to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A new alert.
    Fired,
    /// Still firing: value and texts are brought up to date, nobody is told.
    Refreshed,
    /// It goes on firing, but nobody can tell any more.
    BecameUnknown,
    /// Somebody can tell again, and it still fires.
    KnownAgain,
    /// It is over.
    Resolved,
}

/// The step. `None`: there is nothing to change.
///
/// `Unknown` never opens and never resolves: a rule that cannot be evaluated is a fact about the rule, not about the
/// service.
#[must_use]
pub fn step(open: Option<Open<'_>>, verdict: &Verdict) -> Option<Change> {
    match (open, verdict) {
        (None, Verdict::Firing) => Some(Change::Fired),
        (None, Verdict::Resolved | Verdict::Unknown { .. }) => None,
        (Some(Open::Known), Verdict::Firing) => Some(Change::Refreshed),
        (Some(Open::Unknown(_)), Verdict::Firing) => Some(Change::KnownAgain),
        (Some(_), Verdict::Resolved) => Some(Change::Resolved),
        (Some(Open::Unknown(before)), Verdict::Unknown { reason }) if before == reason => None,
        (Some(_), Verdict::Unknown { .. }) => Some(Change::BecameUnknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_on_every_state_does_what_the_table_says() {
        let unknown = |reason: &str| Verdict::Unknown { reason: reason.into() };
        let table = [
            (None, Verdict::Firing, Some(Change::Fired)),
            (None, Verdict::Resolved, None),
            (None, unknown("no data"), None),
            (Some(Open::Known), Verdict::Firing, Some(Change::Refreshed)),
            (Some(Open::Known), Verdict::Resolved, Some(Change::Resolved)),
            (Some(Open::Known), unknown("no data"), Some(Change::BecameUnknown)),
            (Some(Open::Unknown("no data")), Verdict::Firing, Some(Change::KnownAgain)),
            (Some(Open::Unknown("no data")), Verdict::Resolved, Some(Change::Resolved)),
            (Some(Open::Unknown("no data")), unknown("no data"), None),
            (Some(Open::Unknown("no data")), unknown("timeout"), Some(Change::BecameUnknown)),
        ];
        for (open, verdict, expected) in table {
            assert_eq!(step(open, &verdict), expected, "{open:?} + {verdict:?}");
        }
    }
}
