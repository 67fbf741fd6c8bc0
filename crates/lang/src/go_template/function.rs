//! The functions that templates may call, in one table.
//!
//! Not those of Prometheus that run queries or build links into its console: they are refused by name.

use std::cmp::Ordering;

use super::value::Value;
use super::{format, humanize};

/// One function.
pub(super) struct Function {
    pub(super) name: &'static str,
    /// Least and most arguments.
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) call: fn(&[Value]) -> Result<Value, String>,
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const fn function(
    name: &'static str,
    least: usize,
    most: usize,
    call: fn(&[Value]) -> Result<Value, String>,
) -> Function {
    Function { name, least, most, call }
}

const ANY: usize = usize::MAX;

static FUNCTIONS: &[Function] = &[
    function("and", 1, ANY, |a| Ok(a.iter().find(|v| !v.truth()).or(a.last()).cloned().unwrap_or(Value::Nil))),
    function("eq", 2, ANY, |a| {
        for other in &a[1..] {
            if compare("eq", &a[0], other)? == Some(Ordering::Equal) {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    }),
    function("ge", 2, 2, |a| ordered("ge", a, |o| o.is_ge())),
    function("gt", 2, 2, |a| ordered("gt", a, |o| o.is_gt())),
    function("humanize", 1, 1, |a| a[0].number().map(|v| Value::Text(humanize::si(v)))),
    function("humanize1024", 1, 1, |a| a[0].number().map(|v| Value::Text(humanize::binary(v)))),
    function("humanizeDuration", 1, 1, |a| a[0].number().map(|v| Value::Text(humanize::duration(v)))),
    function("humanizePercentage", 1, 1, |a| a[0].number().map(|v| Value::Text(humanize::percentage(v)))),
    function("humanizeTimestamp", 1, 1, |a| humanize::timestamp(a[0].number()?).map(Value::Text)),
    function("index", 2, 2, |a| match a {
        [Value::Labels(labels), Value::Text(name)] => Ok(Value::Text(labels.get(name).unwrap_or("").to_owned())),
        _ => Err("takes a label set and a label's name".to_owned()),
    }),
    function("le", 2, 2, |a| ordered("le", a, |o| o.is_le())),
    function("len", 1, 1, |a| match &a[0] {
        Value::Text(t) => Ok(Value::Int(i64::try_from(t.len()).unwrap_or(i64::MAX))),
        Value::Labels(l) => Ok(Value::Int(i64::try_from(l.len()).unwrap_or(i64::MAX))),
        other => Err(format!("{} has no length", other.kind())),
    }),
    function("lt", 2, 2, |a| ordered("lt", a, |o| o.is_lt())),
    function("match", 2, 2, |a| Ok(Value::Bool(regex(text(&a[0])?)?.is_match(text(&a[1])?)))),
    function("ne", 2, 2, |a| Ok(Value::Bool(compare("ne", &a[0], &a[1])? != Some(Ordering::Equal)))),
    function("not", 1, 1, |a| Ok(Value::Bool(!a[0].truth()))),
    function("or", 1, ANY, |a| Ok(a.iter().find(|v| v.truth()).or(a.last()).cloned().unwrap_or(Value::Nil))),
    function("parseDuration", 1, 1, |a| {
        let given = text(&a[0])?;
        let (sign, span) = given.strip_prefix('-').map_or((1.0, given), |rest| (-1.0, rest));
        let span: watchkeeper_domain::Span =
            span.parse().map_err(|e: watchkeeper_domain::duration::InvalidDuration| e.to_string())?;
        Ok(Value::Float(sign * span.as_secs_f64()))
    }),
    function("print", 0, ANY, |a| Ok(Value::Text(a.iter().map(Value::text).collect()))),
    function("printf", 1, ANY, |a| format::printf(text(&a[0])?, &a[1..]).map(Value::Text)),
    function("reReplaceAll", 3, 3, |a| {
        // Go writes `$1x` for the group named `1x`, as this engine does.
        Ok(Value::Text(regex(text(&a[0])?)?.replace_all(text(&a[2])?, text(&a[1])?).into_owned()))
    }),
    function("safeHtml", 1, 1, |a| Ok(a[0].clone())),
    function("stripDomain", 1, 1, |a| text(&a[0]).map(|host| Value::Text(strip_domain(host)))),
    function("stripPort", 1, 1, |a| text(&a[0]).map(|host| Value::Text(strip_port(host).to_owned()))),
    function("title", 1, 1, |a| text(&a[0]).map(|t| Value::Text(title(t)))),
    function("toLower", 1, 1, |a| text(&a[0]).map(|t| Value::Text(t.to_lowercase()))),
    function("toUpper", 1, 1, |a| text(&a[0]).map(|t| Value::Text(t.to_uppercase()))),
];

/// Finds a function, or says what there is.
pub(super) fn find(name: &str) -> Result<&'static Function, String> {
    FUNCTIONS.iter().find(|f| f.name == name).ok_or_else(|| {
        let accepted: Vec<&str> = FUNCTIONS.iter().map(|f| f.name).collect();
        let name: String = name.chars().take(80).collect();
        format!("the function `{name}` is not supported in templates; accepted: {}", accepted.join(", "))
    })
}

fn text(value: &Value) -> Result<&str, String> {
    match value {
        Value::Text(t) => Ok(t),
        other => Err(format!("takes a text, not {}", other.kind())),
    }
}

fn regex(pattern: &str) -> Result<regex::Regex, String> {
    regex::RegexBuilder::new(pattern).size_limit(1 << 20).build().map_err(|_| {
        format!("`{}` is not a regular expression, or is too large", pattern.chars().take(80).collect::<String>())
    })
}

/// The order of two values of one kind; `None` when a NaN is among them.
fn compare(name: &str, a: &Value, b: &Value) -> Result<Option<Ordering>, String> {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => Ok(Some(a.cmp(b))),
        (Value::Bool(a), Value::Bool(b)) if matches!(name, "eq" | "ne") => Ok(Some(a.cmp(b))),
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => Ok(a.number()?.partial_cmp(&b.number()?)),
        _ => Err(format!("{} and {} cannot be compared", a.kind(), b.kind())),
    }
}

fn ordered(name: &str, args: &[Value], holds: fn(Ordering) -> bool) -> Result<Value, String> {
    Ok(Value::Bool(compare(name, &args[0], &args[1])?.is_some_and(holds)))
}

fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut start = true;
    for c in text.chars() {
        if start {
            out.extend(c.to_uppercase())
        } else {
            out.push(c)
        }
        start = !(c.is_alphanumeric() || c == '_' || c == '\'');
    }
    out
}

/// Host and port of `host:port` and `[v6]:port`, as Go's `net.SplitHostPort`.
fn split_host_port(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        return port.strip_prefix(':').filter(|p| !p.contains(':')).map(|p| (host, p));
    }
    text.split_once(':').filter(|(_, port)| !port.contains(':'))
}

fn strip_port(text: &str) -> &str {
    split_host_port(text).map_or(text, |(host, _)| host)
}

fn strip_domain(text: &str) -> String {
    let (host, port) = split_host_port(text).map_or((text, None), |(host, port)| (host, Some(port)));
    if host.parse::<std::net::IpAddr>().is_ok() {
        return text.to_owned();
    }
    let short = host.split('.').next().unwrap_or(host);
    match port {
        Some(port) => format!("{short}:{port}"),
        None => short.to_owned(),
    }
}
