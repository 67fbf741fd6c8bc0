//! Metric names: OpenTelemetry's name and unit turned into Prometheus's.
//!
//! Not label names (`crate::label`). Source: "OTLP Metric points to Prometheus" of the compatibility specification.

/// What decides a metric's suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A monotonic cumulative sum: `_total`.
    Counter,
    /// A gauge or a sum that also falls: `_ratio` when its unit is `1` and it is a real gauge.
    Gauge,
    /// A sum that also falls.
    UpDown,
    /// Histograms and summaries.
    Distribution,
}

/// UCUM units and the words that Prometheus uses.
const UNITS: &[(&str, &str)] = &[
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("1", ""),
    ("%", "percent"),
];

/// Units after a slash: `By/s` is `bytes_per_second`.
const PER_UNITS: &[(&str, &str)] = &[
    ("s", "second"),
    ("m", "minute"),
    ("min", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

/// The Prometheus name: invalid characters become single underscores, unit and kind become suffixes unless the name has them.
/// `None` when nothing of the name is left.
pub(super) fn metric_name(name: &str, unit: &str, kind: Kind) -> Option<String> {
    let mut tokens: Vec<String> = name
        .split(|c: char| !c.is_ascii_alphanumeric() && c != ':')
        .filter(|t| !t.is_empty())
        .map(str::to_owned)
        .collect();
    if tokens.is_empty() {
        return None;
    }
    let (main, per) = unit_words(unit);
    if !main.is_empty() && !tokens.contains(&main) {
        tokens.push(main);
    }
    if !per.is_empty() {
        if !tokens.contains(&"per".to_owned()) {
            tokens.push("per".to_owned());
        }
        if !tokens.contains(&per) {
            tokens.push(per);
        }
    }
    let suffix = match kind {
        Kind::Counter => "total",
        Kind::Gauge if unit.trim() == "1" => "ratio",
        _ => "",
    };
    if !suffix.is_empty() {
        tokens.retain(|t| t != suffix);
        tokens.push(suffix.to_owned());
    }
    let mut out = tokens.join("_");
    if out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert(0, '_');
    }
    Some(out)
}

/// The unit as OpenMetrics' `UNIT` line has it: `seconds`, `bytes_per_second`.
pub(super) fn unit_name(unit: &str) -> String {
    match unit_words(unit) {
        (main, per) if per.is_empty() => main,
        (main, per) if main.is_empty() => format!("per_{per}"),
        (main, per) => format!("{main}_per_{per}"),
    }
}

fn unit_words(unit: &str) -> (String, String) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    (word(main, UNITS), word(per, PER_UNITS))
}

/// A unit's word. What stands in braces is a remark and not a unit.
fn word(unit: &str, table: &[(&str, &str)]) -> String {
    let unit = unit.trim();
    if unit.contains(['{', '}']) {
        return String::new();
    }
    if let Some((_, word)) = table.iter().find(|(ucum, _)| *ucum == unit) {
        return (*word).to_owned();
    }
    unit.split(|c: char| !c.is_ascii_alphanumeric()).filter(|t| !t.is_empty()).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_compatibility_specification() {
        for (name, unit, kind, wanted) in [
            ("http.server.requests", "1", Kind::Counter, "http_server_requests_total"),
            ("http.server.request.duration", "s", Kind::Distribution, "http_server_request_duration_seconds"),
            ("system.memory.usage", "By", Kind::UpDown, "system_memory_usage_bytes"),
            ("system.memory.utilization", "1", Kind::Gauge, "system_memory_utilization_ratio"),
            ("queue.size", "1", Kind::UpDown, "queue_size"),
            ("queue.size", "{item}", Kind::Gauge, "queue_size"),
            ("net.io", "By/s", Kind::Gauge, "net_io_bytes_per_second"),
            ("net.packets", "{packet}/s", Kind::Gauge, "net_packets_per_second"),
            ("request_duration_seconds", "s", Kind::Gauge, "request_duration_seconds"),
            ("total.jobs", "", Kind::Counter, "jobs_total"),
            ("2xx.responses", "", Kind::Gauge, "_2xx_responses"),
            ("a..b--c", "", Kind::Gauge, "a_b_c"),
            ("level:metric", "", Kind::Gauge, "level:metric"),
            ("disk.used", "%", Kind::Gauge, "disk_used_percent"),
            ("coffee", "cup", Kind::Gauge, "coffee_cup"),
        ] {
            assert_eq!(metric_name(name, unit, kind).as_deref(), Some(wanted), "{name} in {unit}");
        }
        assert_eq!(metric_name("<>", "", Kind::Gauge), None);
        assert_eq!(unit_name("By/s"), "bytes_per_second");
    }
}
