//! A backtest as people read it in a terminal.
//!
//! Not its figures: the server counted them.

use crate::cli::output::{self, time};
use crate::http::dto::backtests::{
    Backtest, BacktestExploration, BacktestHour, BacktestIncident, BacktestVerdict, Replayed,
};

/// The most rows of a list of alerts.
const MOST_ROWS: usize = 15;
/// The most thresholds of the table of settings.
const MOST_THRESHOLDS: usize = 12;

pub(super) fn table(backtest: &Backtest) {
    let Some(report) = &backtest.report else { return };
    let rule = &report.candidate;
    output::line(&format!("{}: {}", rule.name, rule.expr.split_whitespace().collect::<Vec<_>>().join(" ")));
    output::line(&format!(
        "  {} to {}, every {}, {} series, in {:.2} s",
        time(Some(rule.start)),
        time(Some(rule.end)),
        length(rule.step_seconds),
        rule.series,
        report.took_seconds
    ));
    output::line("");
    let current = report.current.as_ref();
    let row = |what: &str, figure: &dyn Fn(&Replayed) -> String| {
        let mut row = vec![what.to_owned(), figure(rule)];
        row.extend(current.map(figure));
        row
    };
    let rows = vec![
        row("for", &|r| r.hold.clone()),
        row("expected pages per week", &|r| r.pages_per_week.map_or_else(|| "too little is known".into(), number)),
        row("pages", &|r| format!("{} ({} between 22:00 and 07:00)", r.pages, r.pages_at_night)),
        row("pages without a known incident", &|r| r.pages_without_incident.to_string()),
        row("incidents caught", &|r| caught(&r.incidents)),
        row("alerts", &|r| r.fired.to_string()),
        row("did not last for long enough", &|r| r.not_held.to_string()),
        row("on for", &|r| format!("{} (longest {})", length(r.firing_seconds), length(r.longest_seconds))),
        row("unknown for", &|r| length(r.unknown_seconds)),
    ];
    let header: &[&str] = if current.is_some() { &["", "THIS RULE", "THE RULE THAT RUNS"] } else { &["", "THIS RULE"] };
    output::table(header, rows, "");
    for unknown in rule.unknown.iter().take(3) {
        let end = unknown.end.map_or_else(|| "the end".to_owned(), |end| time(Some(end)));
        output::line(&format!("  unknown from {} to {end}: {}", time(Some(unknown.start)), unknown.reason));
    }
    if rule.pages > 0 {
        output::line("");
        output::line(&format!("pages by hour   {}", strip(&rule.hours)));
        output::line("                00    06    12    18");
    }
    incidents(&rule.incidents);
    firings(rule);
    if let Some(exploration) = &rule.exploration {
        settings(rule, exploration);
    }
}

fn caught(incidents: &[BacktestIncident]) -> String {
    let caught = incidents.iter().filter(|i| i.verdict == BacktestVerdict::Caught).count();
    let unknown = incidents.iter().filter(|i| i.verdict == BacktestVerdict::Unknown).count();
    match (incidents.len(), unknown) {
        (0, _) => "no incident is known".to_owned(),
        (all, 0) => format!("{caught} of {all}"),
        (all, unknown) => format!("{caught} of {all} ({unknown} cannot be judged)"),
    }
}

fn incidents(incidents: &[BacktestIncident]) {
    if incidents.is_empty() {
        return;
    }
    let row = |incident: &BacktestIncident| {
        let verdict = match incident.verdict {
            BacktestVerdict::Caught => "caught",
            BacktestVerdict::AlreadyFiring => "was firing already",
            BacktestVerdict::Missed => "missed",
            BacktestVerdict::Unknown => "unknown: no data",
        };
        let earlier = incident.earlier_seconds.map_or_else(String::new, |s| {
            if s >= 0.0 { format!("{} earlier", length(s)) } else { format!("{} later", length(-s)) }
        });
        vec![
            format!("INC-{}", incident.number),
            incident.title.clone(),
            time(Some(incident.opened_at)),
            verdict.to_owned(),
            earlier,
        ]
    };
    output::line("");
    output::table(
        &["INCIDENT", "TITLE", "DETECTED", "THIS RULE", ""],
        incidents.iter().rev().take(MOST_ROWS).map(row).collect(),
        "",
    );
}

fn firings(rule: &Replayed) {
    if rule.firings.is_empty() {
        return;
    }
    output::line("");
    let rows = rule.firings.iter().rev().take(MOST_ROWS).map(|firing| {
        let labels: Vec<String> =
            firing.labels.iter().filter(|(n, _)| *n != "alertname").map(|(n, v)| format!("{n}={v:?}")).collect();
        let lasted = match firing.resolved_at {
            Some(end) => length(end.0.since(firing.fired_at.0).as_secs_f64()),
            None => "on at the end".to_owned(),
        };
        vec![time(Some(firing.fired_at)), lasted, firing.value.map_or_else(|| "-".into(), number), labels.join(" ")]
    });
    output::table(&["FIRED", "FOR", "VALUE", "LABELS"], rows.collect(), "");
    let told = rule.firings.len().min(MOST_ROWS) as u64;
    if rule.fired > told {
        output::line(&format!("  the last {told} of {}; -o json has more", rule.fired));
    }
}

/// Pages per week by threshold and `for`.
fn settings(rule: &Replayed, explored: &BacktestExploration) {
    let own = rule.threshold;
    let rows: Vec<(f64, Vec<String>)> = explored
        .thresholds
        .iter()
        .zip(&explored.cells)
        .map(|(threshold, cells)| {
            let mark = if Some(*threshold) == own { " *" } else { "" };
            let sign = rule.comparison.as_deref().unwrap_or("");
            let figures = cells.iter().map(|cell| cell.pages_per_week.unwrap_or(cell.pages as f64)).map(number);
            (*threshold, std::iter::once(format!("{sign} {}{mark}", number(*threshold))).chain(figures).collect())
        })
        .collect();
    let every = rows.len().div_ceil(MOST_THRESHOLDS).max(1);
    let rows = rows.into_iter().enumerate().filter(|(at, (t, _))| at % every == 0 || Some(*t) == own);
    let what = if rule.pages_per_week.is_some() { "PAGES PER WEEK" } else { "PAGES" };
    let holds: Vec<String> = explored.holds_seconds.iter().map(|s| format!("for {}", length(*s))).collect();
    let mut header = vec![what];
    header.extend(holds.iter().map(String::as_str));
    output::line("");
    output::table(&header, rows.map(|(_, (_, row))| row).collect(), "");
}

/// One block a hour, as high as it has pages.
fn strip(hours: &[BacktestHour]) -> String {
    const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = hours.iter().map(|hour| hour.pages).max().unwrap_or(0).max(1);
    let block = |pages: u64| match pages {
        0 => '·',
        pages => BLOCKS.get(((pages * 8).div_ceil(most) as usize).saturating_sub(1)).copied().unwrap_or('█'),
    };
    hours.iter().map(|hour| block(hour.pages)).collect()
}

/// A length of time in at most two units.
fn length(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut left = whole;
    let mut parts = Vec::new();
    for (unit, name) in units {
        if left >= unit && parts.len() < 2 {
            parts.push(format!("{}{name}", left / unit));
            left %= unit;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.concat() }
}

fn number(v: f64) -> String {
    if v == 0.0 || (v.abs() >= 100.0 && v.abs() < 1e9) {
        return format!("{v:.0}");
    }
    if (0.01..100.0).contains(&v.abs()) {
        let text = format!("{v:.2}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    format!("{v:.3e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!([length(0.0), length(59.6), length(90_061.0)], ["0s", "1m", "1d1h"]);
        assert_eq!([number(0.05), number(12.0), number(1234.5), number(1e-7)], ["0.05", "12", "1234", "1.000e-7"]);
        let hours: Vec<BacktestHour> = [0, 1, 8].map(|pages| BacktestHour { pages, firing_seconds: 0.0 }).into();
        assert_eq!(strip(&hours), "·▁█");
    }
}
