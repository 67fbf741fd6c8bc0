//! Typed identifiers: a UUID v7 (RFC 9562) that knows what it names and shows it (`inc_0193…`).
//!
//! Not a sequence: ids sort by creation time, but nothing may rely on that for order; the ledger has one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::clock::Env;

/// What all typed ids can do.
pub trait Id: Sized {
    /// The prefix shown before the underscore, for example `alr`.
    const PREFIX: &'static str;
    /// Wraps a UUID that is known to name such a thing.
    fn from_uuid(uuid: Uuid) -> Self;
    /// Makes a new id from the environment's clock and randomness, so that a test can repeat it.
    fn new(env: &Env) -> Self {
        Self::from_uuid(env.uuid_v7())
    }
}

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of the form `{prefix}_…` (32 hexadecimal digits after the underscore)")]
pub struct InvalidId {
    /// What was given, cut to 80 characters.
    pub text: String,
    /// The prefix that was expected.
    pub prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl Id for $name {
            const PREFIX: &'static str = $prefix;
            fn from_uuid(uuid: Uuid) -> Self { Self(uuid) }
        }
        impl $name {
            /// The bare UUID, for protocols that know no prefixes.
            #[must_use]
            pub fn uuid(self) -> Uuid { self.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, f) }
        }
        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(|rest| Uuid::try_parse(rest).ok())
                    .map(Self)
                    .ok_or_else(|| InvalidId { text: text.chars().take(80).collect(), prefix: $prefix })
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.collect_str(self) }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A fire drill.
    DrillId = "drl";
    /// One alert: one firing of one rule for one set of labels, until it resolves.
    AlertId = "alr";
    /// One incident: the response of people and workflows to one or more alerts.
    IncidentId = "inc";
    /// One thing to say to one receiver, however many attempts it takes.
    NotificationId = "ntf";
    /// One silence.
    SilenceId = "sil";
    /// One alert group: alerts that share a receiver and the labels of `group_by`.
    GroupId = "grp";
    /// One run of one workflow.
    RunId = "run";
    /// One entry of an incident's timeline.
    EntryId = "ent";
    /// One action item of a post-mortem.
    ActionItemId = "act";
    /// One escalation: people being called until somebody answers.
    EscalationId = "esc";
    /// One override of an on-call schedule.
    OverrideId = "ovr";
    /// One hand-off note of an on-call schedule.
    HandoffNoteId = "hon";
    /// One change that somebody made: a deploy, a new configuration.
    ChangeId = "chg";
    /// One public update on the status page.
    UpdateId = "upd";
    /// One backtest of a rule; kept in memory for a while.
    BacktestId = "bkt";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_a_round_trip_and_another_kind_is_refused() {
        let id = AlertId::from_uuid(Uuid::from_u128(0x0193_4a5b_0000_7000_8000_0000_0000_0001));
        let text = id.to_string();
        assert_eq!(text, "alr_01934a5b000070008000000000000001");
        assert_eq!(text.parse::<AlertId>(), Ok(id));
        assert!(text.parse::<IncidentId>().is_err());
    }
}
