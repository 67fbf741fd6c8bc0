//! `watchkeeper change …`: tell of a deploy or another change, and list what was changed.
//!
//! Not making it: a pipeline does, and says so here.

use watchkeeper_domain::{Clock as _, Span};

use super::ask::Server;
use super::output::{self, Format, or_dash, time, word};
use super::{Failure, Outcome};
use crate::clock::SystemClock;
use crate::http::dto::changes::{Change, ChangeKind, ChangeList, ChangeStatus, NewChange};

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Tell of a change; it stands beside incidents of its service.
    #[command(
        after_help = "Example:\n  watchkeeper change record --service payments --version 1.4.2 --environment production"
    )]
    Record(Record),
    /// List changes, the newest first.
    List {
        /// Of this service only.
        #[arg(long)]
        service: Option<String>,
        /// How far back.
        #[arg(long, default_value = "1d")]
        since: Span,
        /// At most this many.
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Record {
    /// In one line what was changed.
    summary: Option<String>,
    /// Of what.
    #[arg(long)]
    service: Option<String>,
    /// To which version.
    #[arg(long)]
    version: Option<String>,
    /// Where.
    #[arg(long)]
    environment: Option<String>,
    /// deploy, config or other.
    #[arg(long, default_value = "deploy", value_parser = parsed::<ChangeKind>)]
    kind: ChangeKind,
    /// started, succeeded or failed.
    #[arg(long, default_value = "succeeded", value_parser = parsed::<ChangeStatus>)]
    status: ChangeStatus,
    /// Your own name for it; the same again brings it up to date.
    #[arg(long)]
    key: Option<String>,
    /// By whom; the token's name when absent.
    #[arg(long)]
    author: Option<String>,
    /// Where it can be read about.
    #[arg(long)]
    url: Option<String>,
}

fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|error| error.to_string())
}

pub(super) async fn run(server: &Server, format: Format, command: Command) -> Outcome {
    match command {
        Command::Record(args) => {
            if args.summary.is_none() && args.version.is_none() {
                return Err(Failure::Usage("say what was changed: a summary, or `--version`".to_owned()));
            }
            let body = NewChange {
                key: args.key,
                kind: Some(args.kind),
                status: Some(args.status),
                service: args.service,
                environment: args.environment,
                version: args.version,
                summary: args.summary,
                author: args.author,
                url: args.url,
                ..NewChange::default()
            };
            let change: Change = server.post("/changes", &body).await?;
            output::show(format, &change, |change| output::line(&format!("{}: {}", change.id, change.title)))
        }
        Command::List { service, since, limit } => {
            let since = SystemClock::new().now() - since;
            let query = [("service", service), ("since", Some(since.to_string())), ("limit", Some(limit.to_string()))];
            let list: ChangeList = server.get("/changes", &query).await?;
            output::show(format, &list, |list| {
                let row = |c: &Change| {
                    let dash = |text: &str| or_dash(Some(text).filter(|text| !text.is_empty()));
                    vec![
                        time(Some(c.at)),
                        word(&c.kind),
                        word(&c.status),
                        dash(&c.service),
                        dash(&c.version),
                        dash(&c.environment),
                        dash(&c.author),
                        dash(&c.summary),
                    ]
                };
                let header = ["AT", "KIND", "STATUS", "SERVICE", "VERSION", "ENVIRONMENT", "BY", "SUMMARY"];
                output::table(&header, list.items.iter().map(row).collect(), "Nothing was changed in that time.");
            })
        }
    }
}
