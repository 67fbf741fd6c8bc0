//! `watchkeeper test mapping FILE BODY`: what an integration would make of a body. Needs no server.
//!
//! Not a delivery: tokens and signatures are not looked at.

use std::path::PathBuf;

use watchkeeper_alert::incoming;
use watchkeeper_config::{FileSystem, load, render};

use crate::app::check_expr;
use crate::cli::output::{self, Format, or_dash};
use crate::cli::{Failure, Outcome};
use crate::http::dto::incoming::Preview;
use crate::http::incoming::previewed;

#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  watchkeeper test mapping watchkeeper.yaml body.json --name ticketing\n\n\
                  Exit status: 0 it would be taken, 1 it would be refused, 2 wrong usage.")]
pub(in crate::cli) struct Args {
    /// The main file, with `integrations`.
    file: PathBuf,
    /// The body, as the tool sends it.
    body: PathBuf,
    /// The integration; not needed when there is one only.
    #[arg(long)]
    name: Option<String>,
    /// The kind of event, which GitHub and Sentry say in a header.
    #[arg(long)]
    event: Option<String>,
}

pub(in crate::cli) fn run(args: &Args, format: Format) -> Outcome {
    let loaded = load(&args.file, &FileSystem, &check_expr).map_err(|problems| {
        output::diagnostics(&render(&problems, output::colours()));
        Failure::Usage(format!("{} problems in {}", problems.len(), args.file.display()))
    })?;
    let all = &loaded.config.integrations;
    let known = || all.keys().cloned().collect::<Vec<_>>().join(", ");
    let integration = match &args.name {
        Some(name) => all.get(name),
        None if all.len() == 1 => all.values().next(),
        None => None,
    };
    let integration =
        integration.ok_or_else(|| Failure::Usage(format!("name one of the integrations with --name: {}", known())))?;
    let body = std::fs::read(&args.body)
        .map_err(|error| Failure::Usage(format!("{} cannot be read: {error}", args.body.display())))?;
    let decoded = incoming::decode(integration, args.event.as_deref(), &body)
        .map_err(|refused| Failure::Finding(format!("`{}` refuses it: {refused}", integration.name)))?;
    let now = crate::clock::system_env().now();
    let preview = previewed(integration, decoded, now);
    output::show(format, &preview, table)?;
    match preview.alerts.iter().find_map(|alert| alert.refused.as_deref()) {
        Some(reason) => Err(Failure::Finding(format!("`{}` refuses it: {reason}", integration.name))),
        None => Ok(()),
    }
}

fn table(preview: &Preview) {
    if let Some(why) = &preview.ignored {
        output::line(&format!("Nothing to take: {why}."));
    }
    for alert in &preview.alerts {
        output::line(&format!("{} {}", alert.act, or_dash(alert.key.as_deref())));
        for (name, value) in &alert.labels {
            output::line(&format!("  {name}={value}"));
        }
        for (name, text) in &alert.annotations {
            output::line(&format!("  {name}: {text}"));
        }
        if !alert.url.is_empty() {
            output::line(&format!("  at {}", alert.url));
        }
    }
}
