//! `watchkeeper ledger …`: what happened, and the proof that nobody changed it.
//!
//! Not a timeline for people: `watchkeeper incident show` is.

use super::ask::Server;
use super::output::{self, Format, time};
use super::{Failure, Outcome};
use crate::http::dto::ledger::{LedgerList, LedgerVerification};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Show entries, newest first.
    Show {
        /// About this object only, for example `alr_…`.
        #[arg(long)]
        subject: Option<String>,
        /// Of these kinds only, comma-separated: `alert.firing`, or `alert` for all about alerts.
        #[arg(long)]
        kind: Option<String>,
        /// By this person or part only: `user:ana`, `system`.
        #[arg(long)]
        actor: Option<String>,
        /// From then on: RFC 3339 or Unix seconds.
        #[arg(long)]
        since: Option<String>,
        /// Before then.
        #[arg(long)]
        until: Option<String>,
        /// At most this many.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Recompute the hash chain. Exit status 1 when it is broken.
    Verify,
}

pub(super) async fn run(server: &Server, format: Format, command: Command) -> Outcome {
    match command {
        Command::Show { subject, kind, actor, since, until, limit } => {
            let query = [
                ("subject", subject),
                ("kind", kind),
                ("actor", actor),
                ("since", since),
                ("until", until),
                ("limit", Some(limit.to_string())),
            ];
            let list: LedgerList = server.get("/ledger", &query).await?;
            output::show(format, &list, |list| {
                let rows = list
                    .items
                    .iter()
                    .map(|e| {
                        vec![
                            e.seq.to_string(),
                            time(Some(e.at)),
                            e.kind.clone(),
                            e.actor.clone(),
                            e.subject.clone(),
                            e.data.to_string(),
                        ]
                    })
                    .collect();
                output::table(&["SEQ", "AT", "WHAT", "WHO", "SUBJECT", "DATA"], rows, "The ledger is empty.");
            })
        }
        Command::Verify => {
            let verdict: LedgerVerification = server.get("/ledger/verify", &[]).await?;
            output::show(format, &verdict, |v| {
                output::line(&match v.first_broken_seq {
                    None => format!("The chain of {} entries is intact.", v.entries),
                    Some(seq) => {
                        let why = v.reason.as_deref().unwrap_or("it does not match its hash");
                        format!(
                            "The chain is BROKEN at entry {seq}: {why}. {} entries before it are intact.",
                            v.entries
                        )
                    }
                });
                if let Some(head) = &v.head_hash {
                    output::line(&format!(
                        "Last hash {head}: keep it elsewhere to prove later that nothing was cut off."
                    ));
                }
            })?;
            if verdict.intact { Ok(()) } else { Err(Failure::Finding(String::new())) }
        }
    }
}
