//! Orders of numbers and texts, and Go's spelling of numbers, where answers depend on them.
//!
//! Not comparison operators: those follow IEEE 754.

use std::cmp::Ordering;

/// Ascending, NaN before everything.
pub(crate) fn nan_first(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

/// Ascending, NaN after everything.
pub(crate) fn nan_last(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// The smaller one; NaN if either is NaN, unlike `f64::min`.
pub(crate) fn smaller(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
}

/// The greater one; NaN if either is NaN, unlike `f64::max`.
pub(crate) fn greater(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

/// A number without exponent, as label values and messages have it.
pub(crate) fn shown(v: f64) -> String {
    if v.is_infinite() { if v > 0.0 { "+Inf" } else { "-Inf" }.to_owned() } else { v.to_string() }
}

/// A number as Go's `%g` writes it: the shortest digits, with an exponent below -4 and from seven digits before the point on.
pub(crate) fn short(v: f64) -> String {
    if v.is_nan() || v.is_infinite() {
        return shown(v);
    }
    with_digits(&format!("{v:e}"))
}

/// A number with so many significant digits, as Go's `%.2g` writes it.
pub(crate) fn significant_digits(v: f64, digits: usize) -> String {
    if v.is_nan() || v.is_infinite() {
        return shown(v);
    }
    let rounded = format!("{v:.*e}", digits.saturating_sub(1));
    let (mantissa, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < -4 || exponent >= i32::try_from(digits).unwrap_or(i32::MAX) {
        return go_exponent(mantissa, exponent);
    }
    format!("{mantissa}e{exponent}").parse::<f64>().unwrap_or(v).to_string()
}

/// From Rust's spelling with an exponent to the one that Go's `%g` chooses.
fn with_digits(text: &str) -> String {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return text.parse::<f64>().unwrap_or(f64::NAN).to_string();
    }
    go_exponent(mantissa, exponent)
}

/// Go writes at least two digits of the exponent, and its sign.
fn go_exponent(mantissa: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

/// A number as OpenMetrics writes it in labels such as `quantile`: whole numbers with `.0`.
pub(crate) fn open_metrics(v: f64) -> String {
    let text = shown(v);
    if text.contains(|c: char| !c.is_ascii_digit() && c != '-') { text } else { text + ".0" }
}

/// Natural order: runs of digits compare as numbers, so `host2` stands before `host10`.
pub(crate) fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while !a.is_empty() && !b.is_empty() {
        let (left, right) = (run(a), run(b));
        let digits = |text: &[u8]| text.first().is_some_and(u8::is_ascii_digit);
        let order = if digits(left) && digits(right) {
            let (l, r) = (significant(left), significant(right));
            l.len().cmp(&r.len()).then_with(|| l.cmp(r)).then_with(|| left.len().cmp(&right.len()))
        } else {
            left.cmp(right)
        };
        if order != Ordering::Equal {
            return order;
        }
        (a, b) = (a.get(left.len()..).unwrap_or(&[]), b.get(right.len()..).unwrap_or(&[]));
    }
    a.len().cmp(&b.len())
}

/// The longest start of digits only, or of no digits.
fn run(text: &[u8]) -> &[u8] {
    let digits = text.first().is_some_and(u8::is_ascii_digit);
    let end = text.iter().position(|c| c.is_ascii_digit() != digits).unwrap_or(text.len());
    text.get(..end).unwrap_or(text)
}

fn significant(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|c| **c == b'0').count();
    digits.get(zeros..).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_inside_texts_compare_as_numbers() {
        assert_eq!(natural("host2", "host10"), Ordering::Less);
        assert_eq!(natural("host10a", "host10b"), Ordering::Less);
        assert_eq!(natural("a", "a1"), Ordering::Less);
        assert_eq!(natural("x", "x"), Ordering::Equal);
    }

    #[test]
    fn nan_goes_where_it_is_told() {
        let mut v = [1.0, f64::NAN, 0.0];
        v.sort_by(|a, b| nan_first(*a, *b));
        assert!(v[0].is_nan());
        v.sort_by(|a, b| nan_last(*a, *b));
        assert!(v[2].is_nan());
    }
}
