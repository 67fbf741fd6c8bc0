//! How bad and of what kind: the four priorities and seven alert categories, with their aliases.
//!
//! Not routing: `severity` stays a plain label that routes match on; these types are what an alert row holds.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that names none of the accepted values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}; accepted: {accepted}")]
pub struct UnknownWord {
    /// What was given.
    pub text: String,
    /// What was wanted, for example `priority`.
    pub what: &'static str,
    /// The accepted words, comma-separated.
    pub accepted: &'static str,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal, $accepted:literal { $($(#[$vdoc:meta])* $variant:ident = $word:literal $(| $alias:literal)*;)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$vdoc])* $variant),* }

        impl $name {
            /// All values, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// The word used in files, rows and the API.
            #[must_use]
            pub fn as_str(self) -> &'static str { match self { $(Self::$variant => $word),* } }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
        impl FromStr for $name {
            type Err = UnknownWord;
            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text.to_ascii_lowercase().as_str() {
                    $($word $(| $alias)* => Ok(Self::$variant),)*
                    _ => Err(UnknownWord { text: text.chars().take(80).collect(), what: $what, accepted: $accepted }),
                }
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> { s.serialize_str(self.as_str()) }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

words! {
    /// How urgent an alert or incident is. `Critical` is the smallest value, so sorting puts it first.
    Priority, "priority", "critical, high, medium, low" {
        /// Page now (Sev0, P1).
        Critical = "critical" | "sev0" | "p1";
        /// Page (Sev1, P2).
        High = "high" | "sev1" | "p2" | "error";
        /// A ticket or a chat message (Sev2, P3).
        Medium = "medium" | "sev2" | "p3" | "warning";
        /// For the record (Sev3, Sev4, P4).
        Low = "low" | "sev3" | "sev4" | "p4" | "info";
    }
}

words! {
    /// What an alert is about: the seven categories of the bank's design.
    Category, "category", "resource, database, registry, keyvault, application, security, business" {
        /// Infrastructure: processor, memory, disk, network, nodes.
        Resource = "resource" | "infrastructure";
        /// Databases: slow queries, exhausted pools, replication.
        Database = "database";
        /// Container registries: pulls, pushes, availability.
        Registry = "registry" | "container_registry";
        /// Key vaults and secret stores: latency, refused access, quota.
        Keyvault = "keyvault" | "key_vault";
        /// Applications: down, errors, latency.
        Application = "application";
        /// Security: failed logins, unusual access. Opens a restricted incident.
        Security = "security";
        /// Business logic: the figures that the owner of the service is measured by.
        Business = "business";
    }
}

impl Priority {
    /// Whether an alert of this priority wakes somebody, and so skips `group_wait`.
    #[must_use]
    pub fn pages(self) -> bool {
        matches!(self, Self::Critical | Self::High)
    }
}
