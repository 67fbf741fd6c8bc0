//! `watchkeeper query EXPR`: a PromQL expression, now or over a range.
//!
//! Not the evaluator: the server evaluates.

use watchkeeper_domain::Span;

use super::ask::Server;
use super::output::{self, Format};
use super::{Failure, Outcome};

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  watchkeeper query 'sum by (service) (rate(http_server_request_duration_seconds_count[1m]))'\n  watchkeeper query probe_success --since 10m --step 30s"
)]
pub(super) struct Args {
    /// The expression.
    expr: String,
    /// At this moment instead of now: RFC 3339 or Unix seconds.
    #[arg(long, conflicts_with = "since")]
    at: Option<String>,
    /// Over the time since so long ago instead of one moment.
    #[arg(long)]
    since: Option<Span>,
    /// The step of a range.
    #[arg(long, default_value = "15s", requires = "since")]
    step: Span,
}

pub(super) async fn run(server: &Server, format: Format, args: Args) -> Outcome {
    let answer = match args.since {
        None => {
            let mut query = vec![("query", args.expr)];
            query.extend(args.at.map(|at| ("time", at)));
            server.prometheus("/query", &query).await?
        }
        Some(since) => {
            let env = crate::clock::system_env();
            let (end, step) = (env.now(), args.step.as_secs_f64().to_string());
            let query =
                [("query", args.expr), ("start", (end - since).to_string()), ("end", end.to_string()), ("step", step)];
            server.prometheus("/query_range", &query).await?
        }
    };
    if answer["status"] != "success" {
        let why = answer["error"].as_str().unwrap_or("the server does not say why");
        return Err(Failure::Finding(format!("the query has no answer: {why}")));
    }
    output::show(format, &answer["data"], |data| {
        match data["resultType"].as_str() {
            Some("scalar" | "string") => output::line(data["result"][1].as_str().unwrap_or("-")),
            _ => {
                let rows = data["result"].as_array().into_iter().flatten().map(|series| {
                    let last = series["values"].as_array().and_then(|v| v.last()).unwrap_or(&series["value"]);
                    let points = series["values"].as_array().map_or(1, Vec::len);
                    vec![series["metric"].to_string(), last[1].as_str().unwrap_or("-").to_owned(), points.to_string()]
                });
                output::table(&["SERIES", "LAST VALUE", "POINTS"], rows.collect(), "No series match.");
            }
        }
        for warning in answer["warnings"].as_array().into_iter().chain(answer["infos"].as_array()).flatten() {
            output::line(&format!("note: {}", warning.as_str().unwrap_or("")));
        }
    })
}
