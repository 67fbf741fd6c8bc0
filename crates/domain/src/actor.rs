//! Who did something: a rule, a person, a workflow, a peer, or Watchkeeper itself. Shown as `user:alice`.
//!
//! Not authentication: this only names who the authenticated party was.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Who caused an entry of the ledger or the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// Watchkeeper itself, for example a timer.
    System,
    /// A rule, by its id `group/name`.
    Rule(String),
    /// A person, by name; the way in is part of the name where it matters (`alice`, `slack/U024BE7LH`).
    User(String),
    /// A workflow run, by the workflow's name.
    Workflow(String),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Rule(name) => write!(f, "rule:{name}"),
            Self::User(name) => write!(f, "user:{name}"),
            Self::Workflow(name) => write!(f, "workflow:{name}"),
        }
    }
}

impl FromStr for Actor {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.split_once(':') {
            Some(("rule", name)) => Self::Rule(name.to_owned()),
            Some(("workflow", name)) => Self::Workflow(name.to_owned()),
            Some(("user", name)) => Self::User(name.to_owned()),
            _ if text == "system" => Self::System,
            _ => Self::User(text.to_owned()),
        })
    }
}

impl Serialize for Actor {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match String::deserialize(d)?.parse() {
            Ok(actor) => Ok(actor),
            Err(never) => match never {},
        }
    }
}
