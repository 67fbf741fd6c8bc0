//! All rule groups that run: those of files, and those that people wrote in the console or over the API.
//!
//! Not their versions (`detect::stored`) and not their evaluation (`detect::scheduler`): here a change is checked by the code
//! that reads files, written with its ledger entry, and handed to the scheduler together with the rules of files.

use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::Mutex;
use watchkeeper_config::model::{RuleGroup, RuleKind};
use watchkeeper_config::{Config, Diagnostic, load_rule_text};
use watchkeeper_detect::RuleSet;
use watchkeeper_detect::stored::{self, Change, NewVersion, Version};
use watchkeeper_domain::{Actor, Category};
use watchkeeper_state::{State, StateError};

use super::{Shared, check_expr};

/// The longest text of a group, in bytes.
pub const MAX_SOURCE: usize = 256 << 10;
/// The most groups that are kept so.
pub const MAX_GROUPS: usize = 1_000;

/// A stored group as it is now.
#[derive(Debug, Clone)]
pub struct StoredGroup {
    /// Its newest version.
    pub version: Version,
    /// What it holds, or why it cannot be read (which a newer Watchkeeper may find in an older text).
    pub group: Result<RuleGroup, Vec<Diagnostic>>,
}

/// What runs, and where it comes from.
#[derive(Debug)]
pub struct Rules {
    /// What the scheduler was given.
    pub running: RuleSet,
    /// The stored groups, disabled ones too, by name.
    pub stored: Vec<StoredGroup>,
}

/// The rules as they are now; changed by one at a time.
#[derive(Debug)]
pub struct RuleGroups {
    now: ArcSwap<Rules>,
    changing: Mutex<()>,
}

/// A change that somebody asks for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The group's name.
    pub name: String,
    /// Who.
    pub actor: Actor,
    /// Why.
    pub reason: String,
    /// The newest version that they have seen, where they want nothing overwritten that they have not.
    pub seen: Option<i64>,
    /// Whether they may touch rules of the category `security`.
    pub security: bool,
}

/// Why a change is refused.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The text is not one of a rule group.
    #[error("the text is refused")]
    Source(Vec<Diagnostic>),
    /// A parameter is not usable: its name, and why.
    #[error("{0}: {1}")]
    Parameter(&'static str, String),
    /// There is no such group.
    #[error("there is no such group")]
    Unknown,
    /// Somebody else was faster, or the name belongs to a file.
    #[error("{0}")]
    Conflict(String),
    /// Rules of the category `security` are the administrators'.
    #[error("the group has rules of the category `security`, which administrators change")]
    Security,
    /// The state database.
    #[error(transparent)]
    State(#[from] StateError),
}

/// How a stored group's text is called in messages.
fn shown(name: &str) -> String {
    format!("stored:{name}")
}

/// Reads a group's text as a file would be read.
pub fn read(name: &str, source: &str, before: &[RuleGroup]) -> Result<(RuleGroup, Vec<Diagnostic>), Vec<Diagnostic>> {
    load_rule_text(&shown(name), source, before, &check_expr)
}

impl RuleGroups {
    /// Reads the stored groups and puts them behind those of the files.
    pub(super) async fn load(state: &State, config: &Config) -> Result<Self, StateError> {
        let rules = gather(config, stored::current(state).await?);
        Ok(Self { now: ArcSwap::from_pointee(rules), changing: Mutex::new(()) })
    }

    /// The rules as they are now.
    #[must_use]
    pub fn now(&self) -> Arc<Rules> {
        self.now.load_full()
    }
}

fn gather(config: &Config, versions: Vec<Version>) -> Rules {
    let mut groups = config.rule_groups.clone();
    let mut stored = Vec::with_capacity(versions.len());
    for version in versions {
        let group = read(&version.name, &version.source, &groups).map(|(group, _)| group);
        match &group {
            Ok(group) if version.enabled => groups.push(group.clone()),
            Ok(_) => {}
            Err(problems) => {
                let first = problems.first().map(ToString::to_string).unwrap_or_default();
                tracing::error!(group = version.name, "a stored rule group is not evaluated: {first}");
            }
        }
        stored.push(StoredGroup { version, group });
    }
    let external_url = config.server.external_url.clone();
    Rules { running: RuleSet { groups, evaluation: config.evaluation, external_url }, stored }
}

fn is_security(group: &RuleGroup) -> bool {
    group.rules.iter().any(|r| matches!(r.kind, RuleKind::Alerting { category: Category::Security, .. }))
}

impl Shared {
    /// The rules as they are now.
    #[must_use]
    pub fn rules(&self) -> Arc<Rules> {
        self.rule_groups.now()
    }

    /// Hands the scheduler the rules of a configuration and the stored ones.
    pub(super) async fn apply_rules(&self, config: &Config) -> Result<(), StateError> {
        let _one_at_a_time = self.rule_groups.changing.lock().await;
        self.run_rules(config).await
    }

    async fn run_rules(&self, config: &Config) -> Result<(), StateError> {
        let rules = gather(config, stored::current(&self.state).await?);
        self.scheduler.apply(&rules.running).await;
        self.rule_groups.now.store(Arc::new(rules));
        Ok(())
    }

    /// Makes a group, or changes its text; `enabled` says whether it is evaluated from now on, nothing leaves that as it is.
    pub async fn put_rule_group(
        &self,
        wanted: Wanted,
        source: String,
        enabled: Option<bool>,
    ) -> Result<Version, Refused> {
        let _one_at_a_time = self.rule_groups.changing.lock().await;
        if source.len() > MAX_SOURCE {
            return Err(Refused::Parameter("source", format!("it is over {MAX_SOURCE} bytes")));
        }
        let config = self.config.load_full();
        if config.rule_groups.iter().any(|group| group.name == wanted.name) {
            let said = format!("the group `{}` stands in a file; change it there, or take another name", wanted.name);
            return Err(Refused::Conflict(said));
        }
        let rules = self.rules();
        let before = rules.stored.iter().find(|stored| stored.version.name == wanted.name);
        if before.is_none() && rules.stored.len() >= MAX_GROUPS {
            return Err(Refused::Conflict(format!("there are {MAX_GROUPS} stored groups, which is the limit")));
        }
        let (group, _) = read(&wanted.name, &source, &config.rule_groups).map_err(Refused::Source)?;
        if group.name != wanted.name {
            let said = format!("the group in the text is called `{}`, not `{}`", group.name, wanted.name);
            return Err(Refused::Parameter("source", said));
        }
        if is_security(&group) && !wanted.security {
            return Err(Refused::Security);
        }
        may_change(before, &wanted)?;
        let change = if before.is_some() { Change::Edited } else { Change::Created };
        let enabled = enabled.unwrap_or(before.is_none_or(|stored| stored.version.enabled));
        self.change(wanted, change, enabled, source, &config).await
    }

    /// Evaluates a group, or no longer does; its alerts end then.
    pub async fn enable_rule_group(&self, wanted: Wanted, enabled: bool) -> Result<Version, Refused> {
        let _one_at_a_time = self.rule_groups.changing.lock().await;
        let rules = self.rules();
        let before = rules.stored.iter().find(|stored| stored.version.name == wanted.name).ok_or(Refused::Unknown)?;
        may_change(Some(before), &wanted)?;
        let change = if enabled { Change::Enabled } else { Change::Disabled };
        let config = self.config.load_full();
        self.change(wanted, change, enabled, before.version.source.clone(), &config).await
    }

    /// Takes the text of a version before; brings back a deleted group, too.
    pub async fn roll_back_rule_group(&self, wanted: Wanted, to: i64) -> Result<Version, Refused> {
        let _one_at_a_time = self.rule_groups.changing.lock().await;
        let version = stored::find(&self.state, &wanted.name, to).await?.ok_or(Refused::Unknown)?;
        if version.change == Change::Deleted {
            return Err(Refused::Parameter("version", "there the group was deleted; name one before it".to_owned()));
        }
        let rules = self.rules();
        let config = self.config.load_full();
        if config.rule_groups.iter().any(|group| group.name == wanted.name) {
            return Err(Refused::Conflict(format!("a file has a group `{}` by now", wanted.name)));
        }
        let (group, _) = read(&wanted.name, &version.source, &config.rule_groups).map_err(Refused::Source)?;
        if is_security(&group) && !wanted.security {
            return Err(Refused::Security);
        }
        may_change(rules.stored.iter().find(|stored| stored.version.name == wanted.name), &wanted)?;
        self.change(wanted, Change::RolledBack, version.enabled, version.source, &config).await
    }

    /// Ends a group; its versions stay.
    pub async fn delete_rule_group(&self, wanted: Wanted) -> Result<Version, Refused> {
        let _one_at_a_time = self.rule_groups.changing.lock().await;
        let rules = self.rules();
        let before = rules.stored.iter().find(|stored| stored.version.name == wanted.name).ok_or(Refused::Unknown)?;
        may_change(Some(before), &wanted)?;
        let config = self.config.load_full();
        self.change(wanted, Change::Deleted, false, String::new(), &config).await
    }

    async fn change(
        &self,
        wanted: Wanted,
        change: Change,
        enabled: bool,
        source: String,
        config: &Config,
    ) -> Result<Version, Refused> {
        let Wanted { name, actor, reason, seen, .. } = wanted;
        if reason.trim().is_empty() || reason.len() > 2_000 {
            return Err(Refused::Parameter("reason", "say why, in at most 2,000 bytes".to_owned()));
        }
        let mut tx = self.state.write().await?;
        let newest = stored::newest(&mut tx, &name).await?;
        if seen.is_some_and(|seen| seen != newest) {
            let said = format!("the newest version is {newest} by now; look at it and try again");
            return Err(Refused::Conflict(said));
        }
        let new = NewVersion { name, actor, reason, change, enabled, source };
        let version = stored::append(&mut tx, new, self.env.now()).await?;
        State::commit(tx).await?;
        self.run_rules(config).await?;
        self.changes.changed(&[crate::http::dto::session::ChangeKind::Rule]);
        Ok(version)
    }
}

/// Whether a group may be changed by whoever wants to.
fn may_change(before: Option<&StoredGroup>, wanted: &Wanted) -> Result<(), Refused> {
    let security = before.and_then(|stored| stored.group.as_ref().ok()).is_some_and(is_security);
    if security && !wanted.security { Err(Refused::Security) } else { Ok(()) }
}
