//! `watchkeeper test route LABEL=VALUE…`: whom an alert with these labels would reach, and the way there. Needs no server.
//!
//! Not silences, inhibition or time: only the route tree of a file, as `amtool config routes test` walks it.

use std::path::PathBuf;

use serde_json::json;
use watchkeeper_alert::route::{Stop, Walk, walk};
use watchkeeper_config::model::route::GroupBy;
use watchkeeper_config::{FileSystem, load, render};
use watchkeeper_domain::Labels;

use crate::app::check_expr;
use crate::cli::output::{self, Format};
use crate::cli::{Failure, Outcome, default_config};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  watchkeeper test route severity=critical service=payments\n  \
                  watchkeeper test route --expect pager,team severity=critical\n\n\
                  Exit status: 0 fine, 1 another receiver than expected, 2 wrong usage.")]
pub(in crate::cli) struct Args {
    /// The alert's labels.
    #[arg(required = true, value_name = "LABEL=VALUE")]
    labels: Vec<String>,
    /// The main file; `watchkeeper.yaml` when there is one.
    #[arg(long)]
    config: Option<PathBuf>,
    /// The receivers that it must reach, in order, comma-separated; another answer is a finding.
    #[arg(long, value_name = "RECEIVERS", value_delimiter = ',')]
    expect: Vec<String>,
}

pub(in crate::cli) fn run(args: &Args, format: Format) -> Outcome {
    let Some(file) = args.config.clone().or_else(default_config) else {
        return Err(Failure::Usage(
            "there is no `watchkeeper.yaml` here; name the file: `watchkeeper test route --config FILE …`".to_owned(),
        ));
    };
    let loaded = load(&file, &FileSystem, &check_expr).map_err(|problems| {
        output::diagnostics(&render(&problems, output::colours()));
        Failure::Usage(format!("{} problems in {}", problems.len(), file.display()))
    })?;
    let labels = labels(&args.labels)?;
    let walk = walk(&loaded.config.route, &labels);
    let receivers: Vec<&str> = walk.stops.iter().map(|stop| stop.route.receiver.as_str()).collect();
    let stop = |stop: &Stop<'_>| json!({"receiver": stop.route.receiver, "route": stop.path});
    let stops: Vec<_> = walk.stops.iter().map(stop).collect();
    let answer = json!({"receivers": receivers, "stops": stops, "tried": walk.tried});
    output::show(format, &answer, |_| table(&walk))?;
    if args.expect.is_empty() || args.expect == receivers {
        return Ok(());
    }
    Err(Failure::Finding(format!("it goes to {}, not to {}", receivers.join(","), args.expect.join(","))))
}

fn table(walk: &Walk<'_>) {
    for tried in &walk.tried {
        let verdict = if tried.matched { "matches" } else { "does not match" };
        output::line(&format!("{verdict:14}  {}", tried.route));
    }
    for stop in &walk.stops {
        let by = match &stop.route.group_by {
            GroupBy::All => "all labels".to_owned(),
            GroupBy::Labels(names) if names.is_empty() => "nothing: one group".to_owned(),
            GroupBy::Labels(names) => names.join(", "),
        };
        let times = [
            ("not told during", &stop.route.mute_time_intervals),
            ("told only during", &stop.route.active_time_intervals),
        ];
        let times = times.iter().filter(|(_, names)| !names.is_empty());
        let times: String = times.map(|(word, names)| format!("; {word} {}", names.join(", "))).collect();
        output::line(&format!("=> {} (grouped by {by}{times})", stop.route.receiver));
    }
}

fn labels(texts: &[String]) -> Result<Labels, Failure> {
    let mut pairs = Vec::with_capacity(texts.len());
    for text in texts {
        let (name, value) = text
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| Failure::Usage(format!("`{text}` is no label: write name=value")))?;
        pairs.push((name.to_owned(), value.trim_matches('"').to_owned()));
    }
    Ok(Labels::from_pairs(pairs))
}
