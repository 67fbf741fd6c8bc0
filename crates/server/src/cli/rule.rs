//! `watchkeeper rule …`: rules, probes and scraped targets as they run, and the rule groups that the server stores.
//!
//! Not checking files: see `check`.

mod groups;

use super::ask::Server;
use super::output::{self, Format, or_dash, time, word};
use super::{Failure, Outcome};
use crate::http::dto::probes::ProbeList;
use crate::http::dto::rules::{Rule, RuleList};
use crate::http::dto::targets::{Target, TargetList};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List rules with their state, last evaluation and cost.
    List {
        /// Only those that can never fire, with why.
        #[arg(long)]
        never: bool,
    },
    /// Find rules that can never fire: a metric, a label or a value that does not exist, with the nearest that does.
    #[command(after_help = "Exit status: 0 every rule can fire, 1 some cannot, 2 wrong usage.")]
    Check,
    #[command(flatten)]
    Groups(groups::Command),
    /// List probes with their last result.
    Probes,
    /// List scraped targets with their last scrape.
    Targets,
}

pub(super) async fn run(server: &Server, format: Format, command: Command) -> Outcome {
    match command {
        Command::Groups(command) => groups::run(server, format, command).await,
        Command::Check => {
            let list = rules(server, true).await?;
            output::show(format, &list, |list| {
                let row = |r: &Rule| {
                    r.never.iter().map(|m| vec![r.id.clone(), m.selector.clone(), m.reason.clone()]).collect::<Vec<_>>()
                };
                let rows = list.items.iter().flat_map(row).collect();
                output::table(&["RULE", "SELECTOR", "WHY IT CANNOT FIRE"], rows, "Every rule can fire.");
            })?;
            match list.items.len() {
                0 => Ok(()),
                count => Err(Failure::Finding(format!("{count} rules can never fire as things are"))),
            }
        }
        Command::List { never } => {
            let list = rules(server, never).await?;
            output::show(format, &list, |list| {
                let rows = list
                    .items
                    .iter()
                    .map(|r| {
                        let cost = r.last_duration_us.map_or_else(|| "-".to_owned(), |us| format!("{us} us"));
                        let never = r.never.first().map(|m| format!("can never fire: {}", m.reason));
                        let why = or_dash(never.as_deref().or(r.unknown_reason.as_deref()));
                        vec![
                            r.id.clone(),
                            word(&r.priority),
                            word(&r.category),
                            word(&r.state),
                            time(r.last_evaluated_at),
                            cost,
                            why,
                        ]
                    })
                    .collect();
                let header = ["RULE", "PRIORITY", "CATEGORY", "STATE", "EVALUATED", "COST", "WHY"];
                output::table(
                    &header,
                    rows,
                    "No rules are loaded: nothing is watched. Add `rule_files` to the configuration.",
                );
            })
        }
        Command::Probes => {
            let list: ProbeList = server.get("/probes", &[]).await?;
            output::show(format, &list, |list| {
                let rows = list
                    .items
                    .iter()
                    .map(|p| {
                        let took = p.last_duration_ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1} ms"));
                        vec![
                            p.name.clone(),
                            word(&p.state),
                            p.target.clone(),
                            took,
                            time(p.last_run_at),
                            or_dash(p.detail.as_deref()),
                        ]
                    })
                    .collect();
                output::table(
                    &["PROBE", "STATE", "TARGET", "TOOK", "LAST RUN", "DETAIL"],
                    rows,
                    "No probes are configured.",
                );
            })
        }
        Command::Targets => targets(server, format).await,
    }
}

/// All rules, page by page.
async fn rules(server: &Server, never: bool) -> Result<RuleList, Failure> {
    let never = never.then(|| "true".to_owned());
    let mut list: RuleList = server.get("/rules", &[("never", never.clone())]).await?;
    while let Some(cursor) = list.next_cursor.take() {
        let next: RuleList = server.get("/rules", &[("never", never.clone()), ("cursor", Some(cursor))]).await?;
        list.items.extend(next.items);
        list.next_cursor = next.next_cursor;
    }
    Ok(list)
}

async fn targets(server: &Server, format: Format) -> Outcome {
    let list: TargetList = server.get("/targets", &[]).await?;
    output::show(format, &list, |list| {
        let row = |t: &Target| {
            vec![
                t.job.clone(),
                word(&t.state),
                t.url.clone(),
                t.last_duration_ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1} ms")),
                t.samples.to_string(),
                time(t.last_scrape_at),
                or_dash(t.detail.as_deref()),
            ]
        };
        output::table(
            &["JOB", "STATE", "TARGET", "TOOK", "SAMPLES", "LAST SCRAPE", "DETAIL"],
            list.items.iter().map(row).collect(),
            "Nothing is scraped. Add `scrape_configs` to the configuration.",
        );
        for problem in &list.problems {
            output::error(&format!("{}: {}", problem.job, problem.detail));
        }
    })
}
