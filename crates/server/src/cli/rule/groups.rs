//! `watchkeeper rule groups|show|put|history|rollback|enable|disable|delete`: rule groups that the server stores.
//!
//! Not rule files on this machine: `check` and `test rules` read those.

use std::path::PathBuf;

use watchkeeper_config::{FileSystem, load_rules, render};

use crate::app::check_expr;
use crate::cli::ask::Server;
use crate::cli::output::{self, Format, or_dash, time, word};
use crate::cli::{Failure, Outcome};
use crate::http::dto::rule_groups::{
    ChangeRuleGroup, PutRuleGroup, RollBackRuleGroup, RuleGroup, RuleGroupList, RuleGroupVersion, RuleGroupVersionList,
};

#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Command {
    /// List rule groups: those of files, and stored ones.
    Groups,
    /// Print a stored group's text.
    Show {
        /// The group.
        group: String,
    },
    /// Store a group, new or changed; it is evaluated at once.
    #[command(after_help = "Example:\n  watchkeeper rule put payments.yaml --reason 'catch slow refunds'")]
    Put {
        /// A rule file with one group.
        file: PathBuf,
        /// Why.
        #[arg(long, short)]
        reason: String,
        /// The newest version that you have seen, 0 for none; refused when there is another by now.
        #[arg(long)]
        seen: Option<i64>,
    },
    /// List a stored group's versions: who, when, why.
    History {
        /// The group.
        group: String,
    },
    /// Take the text of a version before; brings back a deleted group, too.
    Rollback {
        /// The group.
        group: String,
        /// The version, from `history`.
        version: i64,
        /// Why.
        #[arg(long, short)]
        reason: String,
    },
    /// Evaluate a stored group again.
    Enable {
        /// The group.
        group: String,
        /// Why.
        #[arg(long, short)]
        reason: String,
    },
    /// Evaluate a stored group no longer; its alerts end.
    Disable {
        /// The group.
        group: String,
        /// Why.
        #[arg(long, short)]
        reason: String,
    },
    /// End a stored group and its alerts; its versions stay.
    Delete {
        /// The group.
        group: String,
        /// Why.
        #[arg(long, short)]
        reason: String,
    },
}

pub(super) async fn run(server: &Server, format: Format, command: Command) -> Outcome {
    match command {
        Command::Groups => list(server, format).await,
        Command::Show { group } => {
            let shown: RuleGroup = server.get(&path(&group), &[]).await?;
            if shown.source.is_none() {
                let file = or_dash(shown.file.as_deref());
                return Err(Failure::Finding(format!("`{group}` stands in the file {file}; look there")));
            }
            output::show(format, &shown, |g| output::text(g.source.as_deref().unwrap_or_default().trim_end()))
        }
        Command::Put { file, reason, seen } => put(server, format, file, reason, seen).await,
        Command::History { group } => history(server, format, &group).await,
        Command::Rollback { group, version, reason } => {
            let body = RollBackRuleGroup { version, reason };
            told(format, &server.post(&format!("{}/rollback", path(&group)), &body).await?)
        }
        Command::Enable { group, reason } => {
            told(format, &server.post(&format!("{}/enable", path(&group)), &ChangeRuleGroup { reason }).await?)
        }
        Command::Disable { group, reason } => {
            told(format, &server.post(&format!("{}/disable", path(&group)), &ChangeRuleGroup { reason }).await?)
        }
        Command::Delete { group, reason } => {
            let reason: String = url::form_urlencoded::byte_serialize(reason.as_bytes()).collect();
            let ended: RuleGroupVersion = server.delete(&format!("{}?reason={reason}", path(&group))).await?;
            output::show(format, &ended, |v| {
                output::line(&format!(
                    "{group} is deleted; `watchkeeper rule rollback {group} {}` brings it back",
                    v.version - 1
                ));
            })
        }
    }
}

/// The group's address; a name may hold anything.
fn path(group: &str) -> String {
    let name: String = url::form_urlencoded::byte_serialize(group.as_bytes()).collect();
    format!("/rule-groups/{}", name.replace('+', "%20"))
}

fn told(format: Format, group: &RuleGroup) -> Outcome {
    output::show(format, group, |g| {
        let state = if g.enabled { "evaluated" } else { "not evaluated" };
        let version = g.version.unwrap_or_default();
        output::coloured(&format!("{}: version {version}, {} rules, {state}", g.name, g.rules), Some(g.enabled));
    })
}

async fn put(server: &Server, format: Format, file: PathBuf, reason: String, seen: Option<i64>) -> Outcome {
    // Read here first: what is wrong is told with the file's own name and the lines around it.
    let (groups, warnings) = load_rules(std::slice::from_ref(&file), &FileSystem, &check_expr).map_err(|problems| {
        output::diagnostics(&render(&problems, output::colours()));
        Failure::Finding(format!("{} problems in {}", problems.len(), file.display()))
    })?;
    if !warnings.is_empty() {
        output::aside(&render(&warnings, output::colours()));
    }
    let [group] = groups.as_slice() else {
        return Err(Failure::Usage(format!(
            "{} has {} groups; a stored text has one, so write each into a file of its own",
            file.display(),
            groups.len()
        )));
    };
    let source = std::fs::read_to_string(&file)
        .map_err(|error| Failure::Usage(format!("{} cannot be read: {error}", file.display())))?;
    let body = PutRuleGroup { source, reason, version: seen, enabled: None };
    told(format, &server.put(&path(&group.name), &body).await?)
}

async fn list(server: &Server, format: Format) -> Outcome {
    let list: RuleGroupList = server.get("/rule-groups", &[]).await?;
    output::show(format, &list, |list| {
        let row = |g: &RuleGroup| {
            vec![
                g.name.clone(),
                g.file.clone().unwrap_or_else(|| word(&g.origin)),
                g.rules.to_string(),
                g.version.map_or_else(|| "-".to_owned(), |v| v.to_string()),
                if g.enabled { "yes" } else { "no" }.to_owned(),
                time(g.changed_at),
                or_dash(g.changed_by.as_deref()),
                or_dash(g.problems.first().map(|p| p.message.as_str()).or(g.reason.as_deref())),
            ]
        };
        output::table(
            &["GROUP", "FROM", "RULES", "VERSION", "EVALUATED", "CHANGED", "BY", "WHY"],
            list.items.iter().map(row).collect(),
            "There are no rule groups. Add `rule_files` to the configuration, or store one: watchkeeper rule put FILE.",
        );
    })
}

async fn history(server: &Server, format: Format, group: &str) -> Outcome {
    let list: RuleGroupVersionList = server.get(&format!("{}/versions", path(group)), &[]).await?;
    output::show(format, &list, |list| {
        let row = |v: &RuleGroupVersion| {
            vec![
                v.version.to_string(),
                v.change.clone(),
                if v.enabled { "yes" } else { "no" }.to_owned(),
                time(Some(v.at)),
                v.by.clone(),
                v.reason.clone(),
            ]
        };
        let rows = list.items.iter().map(row).collect();
        output::table(&["VERSION", "CHANGE", "EVALUATED", "AT", "BY", "WHY"], rows, "It has no versions.");
    })
}
