//! Changes that people and pipelines make: deploys, new configurations. What changed just before it broke is the first
//! question of an incident.
//!
//! Not proof: a change stands beside an incident by its service and its time, and people judge. `github` and `pagerduty`
//! read the forms of others; `rows` is the database.

pub mod github;
pub mod pagerduty;
mod rows;

use serde_json::Value;
use watchkeeper_domain::ids::{ChangeId, Id as _};
use watchkeeper_domain::{Actor, Env, Span, Timestamp};
use watchkeeper_state::{Entry, State, StateError, ledger};

pub use rows::{Filter, around, list};

/// How long before an incident a change is worth a look.
pub const BEFORE: Span = Span::from_secs(2 * 3_600);
/// The longest of the short texts, and of the summary, in bytes.
const MOST_NAME: usize = 300;
const MOST_SUMMARY: usize = 4_000;
/// The most bytes of details that are kept.
const MOST_DETAILS: usize = 16_000;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($(#[$vdoc])* $variant),* }
        impl $name {
            /// The word in rows and answers.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
            fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

words! {
    /// What was changed.
    Kind {
        /// Another version runs.
        Deploy = "deploy",
        /// Another configuration holds.
        Config = "config",
        /// Something else.
        Other = "other",
    }
}

words! {
    /// How far a change is.
    Status {
        /// Under way.
        Started = "started",
        /// Made.
        Succeeded = "succeeded",
        /// Not made, or not wholly.
        Failed = "failed",
    }
}

/// A change as it is reported. Hostile text throughout.
#[derive(Debug, Clone, PartialEq)]
pub struct NewChange {
    /// `api`, or the integration that it came through.
    pub source: String,
    /// The source's own name for it: what comes with the same key is the same change.
    pub key: Option<String>,
    /// What was changed.
    pub kind: Kind,
    /// How far it is.
    pub status: Status,
    /// When it was made, if the source says so.
    pub at: Option<Timestamp>,
    /// When that ended.
    pub ended_at: Option<Timestamp>,
    /// Of what; empty: nobody said, and it may concern anything.
    pub service: String,
    /// Where.
    pub environment: String,
    /// To which version.
    pub version: String,
    /// In one line.
    pub summary: String,
    /// By whom.
    pub author: String,
    /// Where the source shows it.
    pub url: String,
    /// What else it says.
    pub details: Value,
}

impl NewChange {
    /// A change of which nothing is known yet.
    #[must_use]
    pub fn new(source: &str, kind: Kind, status: Status) -> Self {
        Self {
            source: source.to_owned(),
            key: None,
            kind,
            status,
            at: None,
            ended_at: None,
            service: String::new(),
            environment: String::new(),
            version: String::new(),
            summary: String::new(),
            author: String::new(),
            url: String::new(),
            details: Value::Null,
        }
    }

    /// Why it cannot be taken, if it cannot.
    ///
    /// # Errors
    /// In words, without the text that is too long.
    pub fn check(&self) -> Result<(), String> {
        if self.summary.trim().is_empty() && self.version.trim().is_empty() {
            return Err("a change needs a `summary` or a `version`".to_owned());
        }
        let names = [
            ("service", &self.service),
            ("environment", &self.environment),
            ("version", &self.version),
            ("author", &self.author),
            ("key", self.key.as_ref().unwrap_or(&self.source)),
        ];
        if let Some((name, _)) = names.iter().find(|(_, text)| text.len() > MOST_NAME) {
            return Err(format!("`{name}` has at most {MOST_NAME} bytes"));
        }
        if self.summary.len() > MOST_SUMMARY || self.url.len() > MOST_SUMMARY {
            return Err(format!("`summary` and `url` have at most {MOST_SUMMARY} bytes"));
        }
        if !self.details.is_null() && self.details.to_string().len() > MOST_DETAILS {
            return Err(format!("`details` have at most {MOST_DETAILS} bytes"));
        }
        match (self.at, self.ended_at) {
            (Some(at), Some(ended)) if ended < at => Err("it ended before it began".to_owned()),
            _ => Ok(()),
        }
    }
}

/// A change as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// `chg_…`.
    pub id: ChangeId,
    /// When it was made.
    pub at: Timestamp,
    /// When it was heard of.
    pub received_at: Timestamp,
    /// What it is.
    pub said: NewChange,
}

impl Change {
    /// It in one line.
    #[must_use]
    pub fn line(&self) -> String {
        let said = &self.said;
        let what = match said.kind {
            Kind::Deploy => "Deploy",
            Kind::Config => "Configuration change",
            Kind::Other => "Change",
        };
        let mut line = what.to_owned();
        let mut add = |word: &str, text: &str| {
            if !text.is_empty() {
                line.push_str(&format!(" {word}{text}"));
            }
        };
        add("of ", &said.service);
        add("", &said.version);
        add("to ", &said.environment);
        add("by ", &said.author);
        match said.status {
            Status::Started => line.push_str(", under way"),
            Status::Failed => line.push_str(", failed"),
            Status::Succeeded => {}
        }
        if !said.summary.is_empty() {
            line.push_str(&format!(": {}", said.summary));
        }
        line
    }
}

/// Takes a change that [`NewChange::check`] found good; with its ledger entry it is on disk when this returns. One with a
/// key that is known brings that one up to date; a repetition changes nothing.
pub async fn record(state: &State, env: &Env, said: NewChange, actor: Actor) -> Result<Change, StateError> {
    let now = env.now();
    let mut tx = state.write().await?;
    let known = match &said.key {
        Some(key) => rows::by_key(&mut tx, &said.source, key).await?,
        None => None,
    };
    let (change, kind) = match known {
        Some(known) => {
            let next = follow(&known, said);
            if next == known {
                return Ok(known);
            }
            rows::update(&mut tx, &next).await?;
            (next, "change.updated")
        }
        None => {
            let at = said.at.unwrap_or(now);
            let change = Change { id: ChangeId::new(env), at, received_at: now, said };
            rows::insert(&mut tx, &change).await?;
            (change, "change.recorded")
        }
    };
    let said = &change.said;
    let data = serde_json::json!({
        "kind": said.kind.as_str(), "status": said.status.as_str(), "at": change.at, "source": said.source,
        "service": said.service, "environment": said.environment, "version": said.version,
        "summary": said.summary, "author": said.author, "url": said.url,
    });
    ledger::append(&mut tx, Entry::new(now, kind, actor, change.id).data(data)).await?;
    State::commit(tx).await?;
    Ok(change)
}

/// What a later report makes of a change. What it leaves out stays; one that was made or failed does not begin again,
/// since reports overtake each other.
fn follow(known: &Change, said: NewChange) -> Change {
    let mut next = known.clone();
    let keep = |old: &mut String, new: String| {
        if !new.is_empty() {
            *old = new;
        }
    };
    if said.status != Status::Started {
        next.said.status = said.status;
        // When it began was said before; now it ends.
        next.said.ended_at = said.ended_at.or(said.at).or(next.said.ended_at);
    }
    keep(&mut next.said.service, said.service);
    keep(&mut next.said.environment, said.environment);
    keep(&mut next.said.version, said.version);
    keep(&mut next.said.summary, said.summary);
    keep(&mut next.said.author, said.author);
    keep(&mut next.said.url, said.url);
    if !said.details.is_null() {
        next.said.details = said.details;
    }
    next
}

#[cfg(test)]
mod tests;
