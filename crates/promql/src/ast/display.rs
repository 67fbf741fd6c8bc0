//! The canonical text of an expression: one spelling for equal trees, and it parses back.
//!
//! Not a pretty printer: everything is on one line.

use std::fmt;

use watchkeeper_domain::labels::NAME;
use watchkeeper_domain::matcher::{MatchOp, Matcher};

use super::{At, Ends, Grouping, Length, LengthExpr, Node, NodeKind, SeriesSelector, Timing};
use crate::operator::{Cardinality, MatchLabels, Matching};

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            NodeKind::Broken => f.write_str("?"),
            NodeKind::Number(n, false) => number(f, *n),
            NodeKind::Number(n, true) => seconds(f, *n),
            NodeKind::Text(t) => quoted(f, t),
            NodeKind::Selector(s) => {
                series(f, s)?;
                modifiers_of(f, s)
            }
            NodeKind::Matrix { selector, range } => {
                series(f, selector)?;
                write!(f, "[{range}]")?;
                modifiers_of(f, selector)
            }
            NodeKind::Subquery { expr, range, step, timing: when } => {
                write!(f, "{expr}[{range}:")?;
                if let Some(step) = step {
                    write!(f, "{step}")?;
                }
                f.write_str("]")?;
                timing(f, when)
            }
            NodeKind::Call { function, args, .. } => {
                write!(f, "{}(", function.name)?;
                list(f, args, |f, arg| write!(f, "{arg}"))?;
                f.write_str(")")
            }
            NodeKind::Aggregate { aggregator, grouping, param, expr } => {
                f.write_str(aggregator.name)?;
                match grouping {
                    Grouping::By(labels) if labels.is_empty() => {}
                    Grouping::By(labels) => label_list(f, " by ", labels, " ")?,
                    Grouping::Without(labels) => label_list(f, " without ", labels, " ")?,
                }
                f.write_str("(")?;
                if let Some(param) = param {
                    write!(f, "{param}, ")?;
                }
                write!(f, "{expr})")
            }
            NodeKind::Binary { op, lhs, rhs, matching, return_bool } => {
                write!(f, "{lhs} {}", op.sign())?;
                if *return_bool {
                    f.write_str(" bool")?;
                }
                modifiers(f, matching)?;
                write!(f, " {rhs}")
            }
            NodeKind::Unary { negative, expr } => write!(f, "{}{expr}", if *negative { "-" } else { "+" }),
            NodeKind::Paren(inner) => write!(f, "({inner})"),
        }
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.written {
            Some(written) => written.fmt(f),
            None => duration(f, self.ms),
        }
    }
}

impl fmt::Display for LengthExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(n, false) => number(f, *n),
            Self::Number(n, true) => seconds(f, *n),
            Self::Step => f.write_str("step()"),
            Self::Range => f.write_str("range()"),
            Self::Negate(inner) => write!(f, "-{inner}"),
            Self::Binary(op, lhs, rhs) => write!(f, "{lhs} {} {rhs}", op.sign()),
            Self::Extremum(least, a, b) => write!(f, "{}({a}, {b})", if *least { "min_of" } else { "max_of" }),
            Self::Paren(inner) => write!(f, "({inner})"),
        }
    }
}

/// Seconds that were written as a duration.
fn seconds(f: &mut fmt::Formatter<'_>, seconds: f64) -> fmt::Result {
    duration(f, (seconds * 1000.0).round() as i64)
}

fn modifiers_of(f: &mut fmt::Formatter<'_>, selector: &SeriesSelector) -> fmt::Result {
    match selector.ends {
        Ends::Inside => {}
        Ends::Anchored => f.write_str(" anchored")?,
        Ends::Smoothed => f.write_str(" smoothed")?,
    }
    timing(f, &selector.timing)
}

fn list<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    mut show: impl FnMut(&mut fmt::Formatter<'_>, &T) -> fmt::Result,
) -> fmt::Result {
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            f.write_str(", ")?;
        }
        show(f, item)?;
    }
    Ok(())
}

/// A number as PromQL reads it.
pub(super) fn number(f: &mut fmt::Formatter<'_>, n: f64) -> fmt::Result {
    if n.is_infinite() {
        return f.write_str(if n > 0.0 { "+Inf" } else { "-Inf" });
    }
    if n != 0.0 && !(1e-5..1e21).contains(&n.abs()) { write!(f, "{n:e}") } else { write!(f, "{n}") }
}

fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\t' => f.write_str("\\t")?,
            '\r' => f.write_str("\\r")?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}

fn is_plain(name: &str, more: &[char]) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || more.contains(&c);
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(fits)
}

fn label_name(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    if is_plain(name, &[]) { f.write_str(name) } else { quoted(f, name) }
}

fn label_list(f: &mut fmt::Formatter<'_>, before: &str, labels: &[String], after: &str) -> fmt::Result {
    write!(f, "{before}(")?;
    list(f, labels, |f, label| label_name(f, label))?;
    write!(f, "){after}")
}

fn series(f: &mut fmt::Formatter<'_>, selector: &SeriesSelector) -> fmt::Result {
    let is_name = |m: &&Matcher| m.name == NAME && m.op == MatchOp::Equal && is_plain(&m.value, &[':']);
    let name = if selector.named { selector.matchers.iter().find(is_name) } else { None };
    let rest: Vec<&Matcher> =
        selector.matchers.iter().filter(|m| name.is_none_or(|name| !std::ptr::eq(name, *m))).collect();
    if let Some(name) = name {
        f.write_str(&name.value)?;
        if rest.is_empty() {
            return Ok(());
        }
    }
    f.write_str("{")?;
    for (i, m) in rest.iter().enumerate() {
        if i > 0 {
            f.write_str(",")?;
        }
        label_name(f, &m.name)?;
        write!(f, "{}", m.op)?;
        quoted(f, &m.value)?;
    }
    f.write_str("}")
}

fn timing(f: &mut fmt::Formatter<'_>, timing: &Timing) -> fmt::Result {
    match timing.at {
        Some(At::Time(ms)) => {
            let sign = if ms < 0 { "-" } else { "" };
            write!(f, " @ {sign}{}.{:03}", ms.unsigned_abs() / 1000, ms.unsigned_abs() % 1000)?;
        }
        Some(At::Start) => f.write_str(" @ start()")?,
        Some(At::End) => f.write_str(" @ end()")?,
        None => {}
    }
    if timing.offset != Length::default() { write!(f, " offset {}", timing.offset) } else { Ok(()) }
}

/// A duration in milliseconds, in Prometheus's units.
fn duration(f: &mut fmt::Formatter<'_>, ms: i64) -> fmt::Result {
    const UNITS: [(&str, u64, bool); 7] = [
        ("y", 31_536_000_000, true),
        ("w", 604_800_000, true),
        ("d", 86_400_000, false),
        ("h", 3_600_000, false),
        ("m", 60_000, false),
        ("s", 1_000, false),
        ("ms", 1, false),
    ];
    if ms < 0 {
        f.write_str("-")?;
    }
    let mut left = ms.unsigned_abs();
    if left == 0 {
        return f.write_str("0s");
    }
    for (unit, size, only_exact) in UNITS {
        // As Prometheus prints them: years and weeks only where nothing is left over.
        if only_exact && !left.is_multiple_of(size) {
            continue;
        }
        if left >= size {
            write!(f, "{}{unit}", left / size)?;
            left %= size;
        }
    }
    Ok(())
}

fn is_grouped(matching: &Matching) -> bool {
    matches!(matching.cardinality, Cardinality::ManyToOne | Cardinality::OneToMany)
}

fn modifiers(f: &mut fmt::Formatter<'_>, matching: &Matching) -> fmt::Result {
    match &matching.labels {
        MatchLabels::On(labels) => label_list(f, " on ", labels, "")?,
        MatchLabels::Ignoring(labels) if labels.is_empty() && !is_grouped(matching) => {}
        MatchLabels::Ignoring(labels) => label_list(f, " ignoring ", labels, "")?,
    }
    match matching.cardinality {
        Cardinality::OneToOne | Cardinality::ManyToMany => {}
        Cardinality::ManyToOne => label_list(f, " group_left ", &matching.include, "")?,
        Cardinality::OneToMany => label_list(f, " group_right ", &matching.include, "")?,
    }
    let fill = |f: &mut fmt::Formatter<'_>, name: &str, value: f64| {
        write!(f, " {name} (")?;
        number(f, value)?;
        f.write_str(")")
    };
    match (matching.fill_left, matching.fill_right) {
        (Some(left), Some(right)) if left.to_bits() == right.to_bits() => fill(f, "fill", left),
        (left, right) => {
            left.map_or(Ok(()), |v| fill(f, "fill_left", v))?;
            right.map_or(Ok(()), |v| fill(f, "fill_right", v))
        }
    }
}
