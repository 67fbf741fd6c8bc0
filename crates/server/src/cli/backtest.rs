//! `watchkeeper backtest RULE|FILE|--expr EXPR`: what a rule would have done over stored history.
//!
//! Not the replay: the server has the history, runs the job, and says how far it is.

mod shown;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use watchkeeper_config::model::{OnNoData, Rule, RuleKind};
use watchkeeper_config::{FileSystem, load_rules, render};
use watchkeeper_domain::{Span, Timestamp};

use super::ask::Server;
use super::output::{self, Format};
use super::{Failure, Outcome};
use crate::http::dto::backtests::{Backtest, BacktestState, NewBacktest};

/// How long the server may wait before it says how far it is, in milliseconds.
const TURN_MS: u32 = 400;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  watchkeeper backtest HighErrorRate --since 30d\n  watchkeeper backtest HighErrorRate --for 10m\n  \
                  watchkeeper backtest rules/payments.yaml --since 7d --time-zone Europe/Zurich\n  \
                  watchkeeper backtest --expr 'rate(errors_total[5m]) > 0.5' --for 5m -o json\n\n\
                  A rule of a file is held against the rule of its name that runs. Exit status: 0 fine, 1 the server refused, 2 wrong usage."
)]
pub(super) struct Args {
    /// A rule that runs, by name or id, or a rule file.
    #[arg(value_name = "RULE|FILE", required_unless_present = "expr")]
    what: Option<String>,
    /// An expression; with a rule that runs, instead of its own.
    #[arg(long)]
    expr: Option<String>,
    /// Of a file, only the rule of this name; with `--expr`, the rule that it is held against.
    #[arg(long)]
    name: Option<String>,
    /// How long the condition must hold, instead of what the rule says.
    #[arg(long = "for", value_name = "TIME")]
    hold: Option<Span>,
    /// How long it goes on firing, instead of what the rule says.
    #[arg(long, value_name = "TIME")]
    keep_firing_for: Option<Span>,
    /// How far back.
    #[arg(long, default_value = "30d", conflicts_with = "start")]
    since: Span,
    /// The first moment instead of `--since`: RFC 3339 or Unix seconds.
    #[arg(long)]
    start: Option<Timestamp>,
    /// The last moment instead of now: RFC 3339 or Unix seconds.
    #[arg(long)]
    end: Option<Timestamp>,
    /// Time between two looks at the rule; 15 s up to 31 days, longer beyond.
    #[arg(long)]
    step: Option<Span>,
    /// The time zone of those who would be woken.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    time_zone: String,
}

pub(super) async fn run(server: &Server, format: Format, args: Args) -> Outcome {
    let mut done = Vec::new();
    for request in requests(&args)? {
        done.push(follow(server, request).await?);
    }
    output::show(format, &serde_json::json!({ "items": done }), |_| {
        for (at, backtest) in done.iter().enumerate() {
            if at > 0 {
                output::line("");
            }
            shown::table(backtest);
        }
    })
}

/// One request for each rule that is asked about.
fn requests(args: &Args) -> Result<Vec<NewBacktest>, Failure> {
    let common = NewBacktest {
        hold: args.hold.map(|span| span.to_string()),
        keep_firing_for: args.keep_firing_for.map(|span| span.to_string()),
        since: args.start.is_none().then(|| args.since.to_string()),
        start: args.start.map(Into::into),
        end: args.end.map(Into::into),
        step: args.step.map(|span| span.to_string()),
        time_zone: Some(args.time_zone.clone()),
        wait_ms: Some(TURN_MS),
        ..NewBacktest::default()
    };
    match &args.what {
        Some(what) if Path::new(what).is_file() => {
            if args.expr.is_some() {
                return Err(Failure::Usage("a rule file has its expressions: leave `--expr` away".to_owned()));
            }
            let rules = rules_of(what.into())?;
            let wanted = rules.iter().filter(|rule| args.name.as_ref().is_none_or(|name| *name == rule.name));
            let requests: Vec<NewBacktest> = wanted.filter_map(|rule| of_rule(rule, &common)).collect();
            if requests.is_empty() {
                let named = args.name.as_ref().map(|name| format!(" named `{name}`")).unwrap_or_default();
                return Err(Failure::Usage(format!("{what} has no alerting rule{named}")));
            }
            Ok(requests)
        }
        Some(what) if looks_like_a_file(what) => Err(Failure::Usage(format!("there is no file {what}"))),
        what => {
            Ok(vec![NewBacktest { rule: what.clone(), name: args.name.clone(), expr: args.expr.clone(), ..common }])
        }
    }
}

fn looks_like_a_file(what: &str) -> bool {
    let extension = Path::new(what).extension().and_then(|e| e.to_str());
    matches!(extension, Some("yaml" | "yml"))
}

fn rules_of(file: PathBuf) -> Result<Vec<Rule>, Failure> {
    let colours = output::colours();
    match load_rules(&[file], &FileSystem, &crate::app::check_expr) {
        Ok((groups, _)) => Ok(groups.into_iter().flat_map(|group| group.rules).collect()),
        Err(problems) => {
            output::diagnostics(&render(&problems, colours));
            Err(Failure::Finding(String::new()))
        }
    }
}

/// None for a recording rule, which raises no alert.
fn of_rule(rule: &Rule, common: &NewBacktest) -> Option<NewBacktest> {
    let RuleKind::Alerting { hold, keep_firing_for, on_no_data, .. } = &rule.kind else { return None };
    let on_no_data = match on_no_data {
        OnNoData::Unknown => "unknown",
        OnNoData::Ok => "ok",
        OnNoData::Firing => "firing",
    };
    Some(NewBacktest {
        name: Some(rule.name.clone()),
        expr: Some(rule.expr.clone()),
        hold: common.hold.clone().or_else(|| Some(hold.to_string())),
        keep_firing_for: common.keep_firing_for.clone().or_else(|| Some(keep_firing_for.to_string())),
        on_no_data: Some(on_no_data.to_owned()),
        labels: Some(rule.labels.clone()),
        ..common.clone()
    })
}

/// Starts a backtest and shows how far it is until it ends. Control-C stops it on the server too.
async fn follow(server: &Server, request: NewBacktest) -> Result<Backtest, Failure> {
    let name = request.name.clone().or_else(|| request.rule.clone()).unwrap_or_else(|| "backtest".to_owned());
    let bar = bar(&name);
    let mut backtest: Backtest = server.post("/backtests", &request).await?;
    while backtest.state == BacktestState::Running {
        bar.set_position((backtest.progress * 1_000.0) as u64);
        let path = format!("/backtests/{}", backtest.id);
        let wait = [("wait_ms", Some(TURN_MS.to_string()))];
        tokio::select! {
            answer = server.get(&path, &wait) => backtest = answer?,
            _ = tokio::signal::ctrl_c() => {
                bar.finish_and_clear();
                backtest = server.delete(&path).await?;
            }
        }
    }
    bar.finish_and_clear();
    match backtest.state {
        BacktestState::Done | BacktestState::Running => Ok(backtest),
        BacktestState::Cancelled => Err(Failure::Finding(format!("the backtest of {name} was stopped"))),
        BacktestState::Failed => {
            let why = backtest.error.unwrap_or_else(|| "the server does not say why".to_owned());
            Err(Failure::Finding(format!("{name} cannot be replayed: {why}")))
        }
    }
}

/// A bar on the standard error, for people only.
fn bar(name: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(1_000), ProgressDrawTarget::stderr());
    if !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {percent:>3} %") {
        bar.set_style(style);
    }
    bar.set_message(name.chars().filter(|c| !c.is_control()).take(60).collect::<String>());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
