//! The canonical text of an expression: one spelling for equal trees, and it parses back.
//!
//! Not a pretty printer: everything is on one line.

use std::fmt;

use watchkeeper_domain::labels::NAME;
use watchkeeper_domain::matcher::{MatchOp, Matcher};

use super::{At, Grouping, Node, SeriesSelector, Timing};
use crate::operator::{Cardinality, MatchLabels, Matching};

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(n) => number(f, *n),
            Self::Text(t) => quoted(f, t),
            Self::Selector(s) => {
                series(f, s)?;
                timing(f, &s.timing)
            }
            Self::Matrix { selector, range_ms } => {
                series(f, selector)?;
                f.write_str("[")?;
                duration(f, *range_ms)?;
                f.write_str("]")?;
                timing(f, &selector.timing)
            }
            Self::Subquery { expr, range_ms, step_ms, timing: when } => {
                write!(f, "{expr}[")?;
                duration(f, *range_ms)?;
                f.write_str(":")?;
                if let Some(step) = step_ms {
                    duration(f, *step)?;
                }
                f.write_str("]")?;
                timing(f, when)
            }
            Self::Call { function, args, .. } => {
                write!(f, "{}(", function.name)?;
                list(f, args, |f, arg| write!(f, "{arg}"))?;
                f.write_str(")")
            }
            Self::Aggregate { aggregator, grouping, param, expr } => {
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
            Self::Binary { op, lhs, rhs, matching, return_bool } => {
                write!(f, "{lhs} {}", op.sign())?;
                if *return_bool {
                    f.write_str(" bool")?;
                }
                modifiers(f, matching)?;
                write!(f, " {rhs}")
            }
            Self::Negate(inner) => write!(f, "-{inner}"),
            Self::Paren(inner) => write!(f, "({inner})"),
        }
    }
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
    let named: Vec<&Matcher> = selector.matchers.iter().filter(is_name).collect();
    let name = if named.len() == 1 { named.first().copied() } else { None };
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
    if timing.offset_ms != 0 {
        f.write_str(" offset ")?;
        duration(f, timing.offset_ms)?;
    }
    Ok(())
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
