//! `watchkeeper traces`: traces that match, one trace with its critical path, the map of services.
//!
//! Not the search: the server searches.

use std::collections::HashMap;

use watchkeeper_domain::Span as Length;

use super::Outcome;
use super::ask::Server;
use super::output::{self, Format, table, word};
use crate::http::dto::explore::{MapEdge, MapTiming, ServiceMap};
use crate::http::dto::telemetry::{Span, Trace, TraceList, TraceSummary};
use crate::http::dto::words::SpanStatus;

/// Columns of a bar.
const BAR: usize = 40;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  watchkeeper traces --service payments --status error --since 15m\n  watchkeeper traces 4bf92f3577b34da6a3ce929d0e0e4736\n  watchkeeper traces --map --since 1h"
)]
pub(super) struct Args {
    /// One trace: 32 hexadecimal digits.
    #[arg(conflicts_with_all = ["service", "operation", "status", "slower_than", "map"])]
    id: Option<String>,
    /// A service that took part.
    #[arg(long)]
    service: Option<String>,
    /// The operation of one of its spans.
    #[arg(long)]
    operation: Option<String>,
    /// `error`, `ok` or `unset`.
    #[arg(long)]
    status: Option<String>,
    /// At least this long.
    #[arg(long, value_name = "DURATION")]
    slower_than: Option<Length>,
    /// Since so long ago.
    #[arg(long, default_value = "1h")]
    since: Length,
    /// The newest so many, up to 1,000.
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Show who calls whom, how often and how fast.
    #[arg(long, conflicts_with_all = ["service", "operation", "status", "slower_than"])]
    map: bool,
}

pub(super) async fn run(server: &Server, format: Format, args: Args) -> Outcome {
    if let Some(id) = args.id {
        let trace: Trace = server.get(&format!("/telemetry/traces/{id}"), &[]).await?;
        return output::show(format, &trace, show);
    }
    let now = crate::clock::system_env().now();
    let mut query = vec![("since", Some((now - args.since).to_string())), ("until", Some(now.to_string()))];
    if args.map {
        let map: ServiceMap = server.get("/telemetry/map", &query).await?;
        return output::show(format, &map, draw);
    }
    query.extend([
        ("service", args.service),
        ("operation", args.operation),
        ("status", args.status),
        ("min_duration_ms", args.slower_than.map(|d| (d.as_secs_f64() * 1_000.0).to_string())),
        ("limit", Some(args.limit.to_string())),
    ]);
    let list: TraceList = server.get("/telemetry/traces", &query).await?;
    output::show(format, &list, |list| {
        let row = |t: &TraceSummary| {
            vec![
                t.trace_id.clone(),
                word(&t.status),
                format!("{:.1} ms", t.duration_ms),
                t.span_count.to_string(),
                t.service.clone(),
                t.operation.clone(),
                t.started_at.0.to_string(),
            ]
        };
        table(
            &["TRACE", "STATUS", "TOOK", "SPANS", "SERVICE", "OPERATION", "BEGAN"],
            list.items.iter().map(row).collect(),
            "No trace matches. Widen --since, or take a condition away.",
        );
    })
}

/// The spans as a tree with bars; `#` where the whole trace waited for the span, `-` where it ran beside.
fn show(trace: &Trace) {
    let total = trace.spans.iter().map(|s| s.offset_us + s.duration_us).max().unwrap_or(0).max(1);
    let here: HashMap<&str, &Span> = trace.spans.iter().map(|s| (s.span_id.as_str(), s)).collect();
    let mut children: HashMap<&str, Vec<&Span>> = HashMap::new();
    for span in &trace.spans {
        let parent = span.parent_span_id.as_deref().filter(|id| here.contains_key(id) && *id != span.span_id);
        children.entry(parent.unwrap_or("")).or_default().push(span);
    }
    let mut open: Vec<(&Span, usize)> = children.get("").into_iter().flatten().rev().map(|s| (*s, 0)).collect();
    let mut shown = std::collections::HashSet::new();
    while let Some((span, depth)) = open.pop() {
        if !shown.insert(&span.span_id) {
            continue;
        }
        open.extend(children.get(span.span_id.as_str()).into_iter().flatten().rev().map(|s| (*s, depth + 1)));
        let own: i64 = span.critical.iter().map(|part| part.duration_us).sum();
        let text = format!(
            "|{}| {:>10} {:>10}  {}{} {}{}",
            bar(span, total),
            millis(span.duration_us),
            if own > 0 { millis(own) } else { "-".to_owned() },
            "  ".repeat(depth.min(20)),
            span.service,
            span.name,
            span.status_message.as_deref().map(|m| format!(": {m}")).unwrap_or_default(),
        );
        output::coloured(&text, (span.status == SpanStatus::Error).then_some(false));
    }
    output::aside(
        "# the trace waited for this span, - it ran beside; then: how long it took, how long it was waited for",
    );
    if trace.truncated {
        output::aside("The trace has more spans than are shown.");
    }
}

fn bar(span: &Span, total: i64) -> String {
    let width = i64::try_from(BAR).unwrap_or(1);
    let place = |us: i64| usize::try_from(us.clamp(0, total) * width / total).unwrap_or(0);
    let mut bar = vec![' '; BAR];
    let mut fill = |from: i64, length: i64, with: char| {
        let (from, to) = (place(from).min(BAR - 1), place(from + length));
        bar[from..to.max(from + 1)].fill(with);
    };
    fill(span.offset_us, span.duration_us, '-');
    for part in &span.critical {
        fill(part.offset_us, part.duration_us, '#');
    }
    bar.into_iter().collect()
}

#[expect(clippy::cast_precision_loss, reason = "shown, not summed")]
fn millis(us: i64) -> String {
    format!("{:.1} ms", us as f64 / 1_000.0)
}

/// Calls per second, minute or hour, whichever reads best.
fn rate(per_second: f64) -> String {
    match per_second {
        10.0.. => format!("{per_second:.0}/s"),
        0.1.. => format!("{per_second:.1}/s"),
        _ if per_second * 60.0 >= 1.0 => format!("{:.0}/min", per_second * 60.0),
        _ => format!("{:.0}/h", per_second * 3_600.0),
    }
}

fn draw(map: &ServiceMap) {
    let timing = |t: &MapTiming| {
        let errors = if t.errors > 0 { t.errors.to_string() } else { "-".to_owned() };
        vec![rate(t.rate), errors, format!("{:.1} ms", t.p50_ms), format!("{:.1} ms", t.p95_ms)]
    };
    let node =
        |n: &crate::http::dto::explore::MapNode| [vec![n.name.clone(), word(&n.kind)], timing(&n.timing)].concat();
    table(
        &["NODE", "KIND", "RATE", "ERRORS", "P50", "P95"],
        map.nodes.iter().map(node).collect(),
        "No span begins within the window.",
    );
    if !map.edges.is_empty() {
        output::line("");
        let edge = |e: &MapEdge| [vec![e.from.clone(), e.to.clone()], timing(&e.timing)].concat();
        table(&["FROM", "TO", "RATE", "ERRORS", "P50", "P95"], map.edges.iter().map(edge).collect(), "");
    }
    if let Some(missing) = &map.incomplete {
        output::aside(missing);
    }
}
