//! `watchkeeper logs`: records that match, as they come in, or as patterns.
//!
//! Not the search: the server searches.

use watchkeeper_domain::Span;

use super::ask::Server;
use super::output::{self, Format, table};
use super::{Failure, Outcome};
use crate::http::dto::explore::{LogPattern, LogPatternList, LogTail};
use crate::http::dto::telemetry::{LogList, LogRecord};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  watchkeeper logs --service payments --severity ERROR --since 15m\n  watchkeeper logs 'connection refused' --follow\n  watchkeeper logs --patterns --since 1h --severity WARN"
)]
pub(super) struct Args {
    /// Text that must occur in the message; letter case does not matter.
    text: Option<String>,
    /// Only of this service.
    #[arg(long)]
    service: Option<String>,
    /// Only of this severity and above: TRACE, DEBUG, INFO, WARN, ERROR, FATAL.
    #[arg(long)]
    severity: Option<String>,
    /// Only of this trace.
    #[arg(long, value_name = "ID")]
    trace: Option<String>,
    /// Since so long ago.
    #[arg(long, default_value = "1h")]
    since: Span,
    /// The newest so many, up to 1,000.
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Go on with what comes in, until Ctrl-C.
    #[arg(long, short, conflicts_with_all = ["since", "limit", "patterns"])]
    follow: bool,
    /// Show the patterns of the messages, with what is new against the time before.
    #[arg(long)]
    patterns: bool,
}

pub(super) async fn run(server: &Server, format: Format, args: Args) -> Outcome {
    let mut query =
        vec![("q", args.text), ("service", args.service), ("severity", args.severity), ("trace_id", args.trace)];
    if args.follow {
        return follow(server, format, &query).await;
    }
    let now = crate::clock::system_env().now();
    query.push(("since", Some((now - args.since).to_string())));
    query.push(("until", Some(now.to_string())));
    query.push(("limit", Some(args.limit.to_string())));
    if args.patterns {
        let list: LogPatternList = server.get("/telemetry/logs/patterns", &query).await?;
        return output::show(format, &list, patterns);
    }
    let list: LogList = server.get("/telemetry/logs", &query).await?;
    output::show(format, &list, |list| {
        if list.items.is_empty() {
            output::line("No record matches. Widen --since, or take a condition away.");
        }
        // The newest last: it stands where the eye is.
        list.items.iter().rev().for_each(line);
        if list.truncated {
            output::aside("More match; narrow the search, or see --patterns.");
        }
        if let Some(missing) = &list.incomplete {
            output::aside(missing);
        }
    })
}

fn line(record: &LogRecord) {
    let good = match record.severity_number {
        17.. => Some(false),
        13..=16 => None,
        _ => Some(true),
    };
    output::coloured(
        &format!("{} {:<5} {} {}", record.at.0, record.severity, record.service, record.body),
        good.filter(|good| !good),
    );
}

async fn follow(server: &Server, format: Format, query: &[(&str, Option<String>)]) -> Outcome {
    output::aside("Following; Ctrl-C ends it.");
    server
        .follow("/telemetry/logs/tail", query, |data| {
            let tail: LogTail = serde_json::from_str(data)
                .map_err(|error| Failure::Finding(format!("the server's answer cannot be read: {error}")))?;
            match format {
                Format::Table => tail.items.iter().for_each(line),
                // A record a line: what reads a stream wants no end of a list.
                Format::Json | Format::Yaml => {
                    for record in &tail.items {
                        let record = serde_json::to_string(record)
                            .map_err(|error| Failure::Finding(format!("a record cannot be shown: {error}")))?;
                        output::put(&record);
                    }
                }
            }
            if tail.missed > 0 {
                output::aside(&format!("({} more came in at once than can be shown)", tail.missed));
            }
            Ok(())
        })
        .await
}

fn patterns(list: &LogPatternList) {
    let row = |p: &LogPattern| {
        let change = match p.before {
            Some(0) => "new".to_owned(),
            Some(before) => before.to_string(),
            None => "?".to_owned(),
        };
        vec![p.count.to_string(), change, p.severity.clone(), p.services.join(" "), p.pattern.clone()]
    };
    let rows = list.items.iter().map(row).collect();
    table(&["COUNT", "BEFORE", "SEVERITY", "SERVICES", "PATTERN"], rows, "No record matches.");
    if list.total > list.items.len() as u64 {
        output::aside(&format!("{} of {} patterns; see --limit.", list.items.len(), list.total));
    }
    if let Some(missing) = &list.incomplete {
        output::aside(missing);
    }
}
