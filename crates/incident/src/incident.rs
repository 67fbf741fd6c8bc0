//! The incident: its states, its kinds, its roles.
//!
//! Not how it moves: see [`crate::lifecycle`]; not its table: see `row`.

use std::collections::BTreeMap;

use serde::Serialize;
use watchkeeper_domain::ids::IncidentId;
use watchkeeper_domain::{Category, Priority, Timestamp};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant),* }
        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// The word in rows and answers.
            #[must_use]
            pub fn as_str(self) -> &'static str { match self { $(Self::$variant => $word),* } }
            /// Reads the word.
            #[must_use]
            pub fn from_word(text: &str) -> Option<Self> {
                match text { $($word => Some(Self::$variant),)* _ => None }
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }
    };
}

words! {
    /// Where an incident stands, in the order in which it goes through the states.
    IncidentState {
        /// Nobody has it yet.
        Triggered = "triggered",
        /// Somebody has it.
        Acknowledged = "acknowledged",
        /// Users no longer feel it.
        Mitigated = "mitigated",
        /// The cause is gone.
        Resolved = "resolved",
        /// Nothing more is to be done.
        Closed = "closed",
    }
}

words! {
    /// The outcome of triage.
    IncidentKind {
        /// Something broke: automation may repair.
        Operational = "operational",
        /// Somebody attacks, or may: restricted, and automation may only contain.
        Security = "security",
    }
}

words! {
    /// A role in an incident.
    Role {
        /// Decides.
        IncidentCommander = "incident_commander",
        /// Speaks to customers and management.
        CommunicationsLead = "communications_lead",
        /// Works on the systems.
        OperationsLead = "operations_lead",
        /// Writes down.
        Scribe = "scribe",
    }
}

impl IncidentState {
    /// Whether it still asks for work.
    #[must_use]
    pub fn is_open(self) -> bool {
        self < Self::Resolved
    }
}

/// One incident.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// The short number that people say: `INC-12`.
    pub number: i64,
    /// What alerts join by while it is open.
    pub key: String,
    /// One line. Hostile text.
    pub title: String,
    /// Operational or security.
    pub kind: IncidentKind,
    /// Whether only those with the right see it.
    pub restricted: bool,
    /// Where it stands.
    pub state: IncidentState,
    /// The most urgent priority that its alerts ever had.
    pub priority: Priority,
    /// What it is about.
    pub category: Category,
    /// The component of the status page, by name.
    pub component: Option<String>,
    /// What is known, as people wrote it. Hostile text.
    pub summary: String,
    /// Who has which role.
    pub roles: BTreeMap<String, String>,
    /// When the first condition became true, or when it was declared.
    pub started_at: Timestamp,
    /// When it was opened: detected.
    pub opened_at: Timestamp,
    /// When somebody took it.
    pub acknowledged_at: Option<Timestamp>,
    /// Who, as an actor.
    pub acknowledged_by: Option<String>,
    /// When users stopped feeling it.
    pub mitigated_at: Option<Timestamp>,
    /// When it was resolved.
    pub resolved_at: Option<Timestamp>,
    /// Who resolved it, as an actor; `system` when its alerts ended.
    pub resolved_by: Option<String>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// When it was handed over to people.
    pub handed_over_at: Option<Timestamp>,
    /// When the row last changed.
    pub updated_at: Timestamp,
}

impl Incident {
    /// Who has it: the incident commander, else who acknowledged it.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.roles.get(Role::IncidentCommander.as_str()).or(self.acknowledged_by.as_ref()).map(String::as_str)
    }
}
