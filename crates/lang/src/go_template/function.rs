//! The functions that templates may call, in one table.
//!
//! Not those that need more than their arguments, such as `query`: they are named here, and `eval` carries them out.

use std::cmp::Ordering;
use std::sync::Arc;

use super::value::Value;
use super::{MAX_OUTPUT, format, humanize, moment};

/// One function.
pub(super) struct Function {
    pub(super) name: &'static str,
    /// Least and most arguments.
    pub(super) least: usize,
    pub(super) most: usize,
    pub(super) act: Act,
}

/// What a function does.
#[derive(Clone, Copy)]
pub(super) enum Act {
    /// Its arguments are all that it needs.
    Pure(fn(&[Value]) -> Result<Value, String>),
    /// The first argument that is false, else the last; the others are not looked at.
    And,
    /// The first argument that is true, else the last.
    Or,
    /// The answer to a query at the moment of the evaluation.
    Query,
    /// That moment, in seconds.
    Now,
    /// The server's address.
    ExternalUrl,
    /// The path of it.
    PathPrefix,
    /// The text of a template that is named by a value.
    Template,
}

impl Function {
    /// Whether its answer has to be fetched.
    pub(super) fn asks(&self) -> bool {
        matches!(self.act, Act::Query)
    }
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
    Function { name, least, most, act: Act::Pure(call) }
}

const fn special(name: &'static str, least: usize, most: usize, act: Act) -> Function {
    Function { name, least, most, act }
}

const ANY: usize = usize::MAX;

static FUNCTIONS: &[Function] = &[
    special("and", 1, ANY, Act::And),
    function("args", 0, ANY, |a| {
        let named = a.iter().enumerate().map(|(i, v)| (format!("arg{i}"), v.clone()));
        Ok(Value::Map(Arc::new(named.collect())))
    }),
    function("eq", 2, ANY, |a| {
        for other in &a[1..] {
            if compare("eq", &a[0], other)? == Some(Ordering::Equal) {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    }),
    special("externalURL", 0, 0, Act::ExternalUrl),
    function("first", 1, 1, |a| match &a[0] {
        Value::List(list) => list.first().cloned().ok_or_else(|| "called on a result without elements".to_owned()),
        other => Err(format!("takes a query's result, not {}", other.kind())),
    }),
    function("ge", 2, 2, |a| ordered("ge", a, |o| o.is_ge())),
    function("gt", 2, 2, |a| ordered("gt", a, |o| o.is_gt())),
    function("graphLink", 1, 1, |a| link(&a[0], 0)),
    function("html", 1, ANY, |a| print(a).map(|t| Value::Text(escaped(&t)))),
    function("humanize", 1, 1, |a| a[0].number().map(|v| Value::Text(humanize::si(v)))),
    function("humanize1024", 1, 1, |a| a[0].number().map(|v| Value::Text(humanize::binary(v)))),
    function("humanizeDuration", 1, 1, |a| a[0].number().map(|v| Value::Text(humanize::duration(v)))),
    function("humanizePercentage", 1, 1, |a| a[0].number().map(|v| Value::Text(humanize::percentage(v)))),
    function("humanizeTimestamp", 1, 1, |a| humanize::timestamp(a[0].number()?).map(Value::Text)),
    function("index", 2, 2, |a| match a {
        [Value::Labels(labels), Value::Text(name)] => Ok(Value::Text(labels.get(name).unwrap_or("").to_owned())),
        [Value::Map(map), Value::Text(name)] => Ok(map.get(name).cloned().unwrap_or(Value::Nil)),
        [Value::List(list), Value::Int(place)] => {
            let element = usize::try_from(*place).ok().and_then(|place| list.get(place));
            element.cloned().ok_or_else(|| format!("there is no element {place}; there are {}", list.len()))
        }
        _ => Err("takes a label set and a label's name, or a query's result and a place".to_owned()),
    }),
    function("label", 2, 2, |a| match a {
        [Value::Text(name), Value::Sample(sample)] => Ok(Value::Text(sample.labels.get(name).unwrap_or("").to_owned())),
        _ => Err("takes a label's name and a sample".to_owned()),
    }),
    function("le", 2, 2, |a| ordered("le", a, |o| o.is_le())),
    function("len", 1, 1, |a| match &a[0] {
        Value::Text(t) => Ok(Value::Int(i64::try_from(t.len()).unwrap_or(i64::MAX))),
        Value::Labels(l) => Ok(Value::Int(i64::try_from(l.len()).unwrap_or(i64::MAX))),
        Value::List(l) => Ok(Value::Int(i64::try_from(l.len()).unwrap_or(i64::MAX))),
        Value::Map(m) => Ok(Value::Int(i64::try_from(m.len()).unwrap_or(i64::MAX))),
        other => Err(format!("{} has no length", other.kind())),
    }),
    function("lt", 2, 2, |a| ordered("lt", a, |o| o.is_lt())),
    function("match", 2, 2, |a| Ok(Value::Bool(regex(text(&a[0])?)?.is_match(text(&a[1])?)))),
    function("ne", 2, 2, |a| Ok(Value::Bool(compare("ne", &a[0], &a[1])? != Some(Ordering::Equal)))),
    function("not", 1, 1, |a| Ok(Value::Bool(!a[0].truth()))),
    special("now", 0, 0, Act::Now),
    special("or", 1, ANY, Act::Or),
    function("parseDuration", 1, 1, |a| {
        let given = text(&a[0])?;
        let (sign, span) = given.strip_prefix('-').map_or((1.0, given), |rest| (-1.0, rest));
        let span: watchkeeper_domain::Span =
            span.parse().map_err(|e: watchkeeper_domain::duration::InvalidDuration| e.to_string())?;
        Ok(Value::Float(sign * span.as_secs_f64()))
    }),
    special("pathPrefix", 0, 0, Act::PathPrefix),
    function("print", 0, ANY, |a| print(a).map(Value::Text)),
    function("printf", 1, ANY, |a| format::printf(text(&a[0])?, &a[1..]).map(Value::Text)),
    function("println", 0, ANY, |a| {
        let texts: Vec<String> = a.iter().map(Value::text).collect();
        Ok(Value::Text(texts.join(" ") + "\n"))
    }),
    special("query", 1, 1, Act::Query),
    function("reReplaceAll", 3, 3, |a| replace_all(text(&a[0])?, text(&a[1])?, text(&a[2])?).map(Value::Text)),
    function("safeHtml", 1, 1, |a| Ok(a[0].clone())),
    function("sortByLabel", 2, 2, |a| match a {
        [Value::Text(name), Value::List(list)] => {
            let key = |value: &Value| match value {
                Value::Sample(sample) => sample.labels.get(name).unwrap_or("").to_owned(),
                _ => String::new(),
            };
            let mut sorted = list.to_vec();
            sorted.sort_by_cached_key(key);
            Ok(Value::List(sorted.into()))
        }
        _ => Err("takes a label's name and a query's result".to_owned()),
    }),
    function("stripDomain", 1, 1, |a| text(&a[0]).map(|host| Value::Text(strip_domain(host)))),
    function("stripPort", 1, 1, |a| text(&a[0]).map(|host| Value::Text(strip_port(host).to_owned()))),
    function("strvalue", 1, 1, |a| match &a[0] {
        Value::Sample(sample) => Ok(Value::Text(sample.labels.get("__value__").unwrap_or("").to_owned())),
        other => Err(format!("takes a sample, not {}", other.kind())),
    }),
    function("tableLink", 1, 1, |a| link(&a[0], 1)),
    function("title", 1, 1, |a| text(&a[0]).map(|t| Value::Text(title(t)))),
    function("toLower", 1, 1, |a| text(&a[0]).map(|t| Value::Text(t.to_lowercase()))),
    special("tmpl", 2, 2, Act::Template),
    function("toTime", 1, 1, |a| moment::from_seconds(a[0].number()?).map(Value::Time)),
    function("toUpper", 1, 1, |a| text(&a[0]).map(|t| Value::Text(t.to_uppercase()))),
    function("urlQueryEscape", 1, 1, |a| text(&a[0]).map(|t| Value::Text(query_escape(t)))),
    function("urlquery", 1, ANY, |a| print(a).map(|t| Value::Text(query_escape(&t)))),
    function("value", 1, 1, |a| match &a[0] {
        Value::Sample(sample) => Ok(Value::Float(sample.value)),
        other => Err(format!("takes a sample, not {}", other.kind())),
    }),
];

/// Finds a function, or says what there is.
pub(super) fn find(name: &str) -> Result<&'static Function, String> {
    FUNCTIONS.iter().find(|f| f.name == name).ok_or_else(|| {
        let accepted: Vec<&str> = FUNCTIONS.iter().map(|f| f.name).collect();
        let name: String = name.chars().take(80).collect();
        format!("the function `{name}` is not supported in templates; accepted: {}", accepted.join(", "))
    })
}

pub(super) fn text(value: &Value) -> Result<&str, String> {
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

/// Go's `Sprint`, which puts no spaces between texts; cut where it could not be rendered any more.
fn print(values: &[Value]) -> Result<String, String> {
    let mut out = String::new();
    for value in values {
        out.push_str(&value.text());
        within(&out)?;
    }
    Ok(out)
}

/// A text that is longer than a whole rendering may be is not made longer.
pub(super) fn within(text: &str) -> Result<(), String> {
    if text.len() > MAX_OUTPUT { Err(format!("the text is over the limit of {MAX_OUTPUT} bytes")) } else { Ok(()) }
}

fn replace_all(pattern: &str, with: &str, text: &str) -> Result<String, String> {
    let regex = regex(pattern)?;
    let (mut out, mut last) = (String::new(), 0);
    for captures in regex.captures_iter(text) {
        let Some(whole) = captures.get(0) else { continue };
        out.push_str(text.get(last..whole.start()).unwrap_or(""));
        // Go writes `$1x` for the group named `1x`, as this engine does.
        captures.expand(with, &mut out);
        within(&out)?;
        last = whole.end();
    }
    out.push_str(text.get(last..).unwrap_or(""));
    Ok(out)
}

/// A link to Prometheus's expression browser, whose addresses the console understands.
fn link(expr: &Value, tab: u8) -> Result<Value, String> {
    Ok(Value::Text(format!("/graph?g0.expr={}&g0.tab={tab}", query_escape(text(expr)?))))
}

/// Go's `url.QueryEscape`.
fn query_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte.into()),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Go's `template.HTMLEscapeString`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\0' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
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
