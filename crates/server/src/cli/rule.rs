//! `watchkeeper rule …`: rules, probes and scraped targets as they run.
//!
//! Not checking files: see `check`.

use super::Outcome;
use super::ask::Server;
use super::output::{self, Format, or_dash, time, word};
use crate::http::dto::probes::ProbeList;
use crate::http::dto::rules::RuleList;
use crate::http::dto::targets::{Target, TargetList};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List rules with their state, last evaluation and cost.
    List,
    /// List probes with their last result.
    Probes,
    /// List scraped targets with their last scrape.
    Targets,
}

pub(super) async fn run(server: &Server, format: Format, command: Command) -> Outcome {
    match command {
        Command::List => {
            let mut list: RuleList = server.get("/rules", &[]).await?;
            while let Some(cursor) = list.next_cursor.take() {
                let next: RuleList = server.get("/rules", &[("cursor", Some(cursor))]).await?;
                list.items.extend(next.items);
                list.next_cursor = next.next_cursor;
            }
            output::show(format, &list, |list| {
                let rows = list
                    .items
                    .iter()
                    .map(|r| {
                        let cost = r.last_duration_us.map_or_else(|| "-".to_owned(), |us| format!("{us} us"));
                        let why = or_dash(r.unknown_reason.as_deref());
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
                let header = ["RULE", "PRIORITY", "CATEGORY", "STATE", "EVALUATED", "COST", "WHY UNKNOWN"];
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
