//! Prometheus's `humanize…` functions.
//!
//! Not their dispatch: `function` has the table.

use super::format::general;
use super::moment;

fn four(value: f64) -> String {
    general(value, Some(4))
}

/// SI prefixes: `1.235M`, `120m`.
pub(super) fn si(mut v: f64) -> String {
    if v == 0.0 || !v.is_finite() {
        return four(v);
    }
    let mut prefix = "";
    if v.abs() >= 1.0 {
        for p in ["k", "M", "G", "T", "P", "E", "Z", "Y"] {
            if v.abs() < 1000.0 {
                break;
            }
            prefix = p;
            v /= 1000.0;
        }
    } else {
        for p in ["m", "u", "n", "p", "f", "a", "z", "y"] {
            if v.abs() >= 1.0 {
                break;
            }
            prefix = p;
            v *= 1000.0;
        }
    }
    format!("{}{prefix}", four(v))
}

/// Binary prefixes: `1.177Mi`.
pub(super) fn binary(mut v: f64) -> String {
    if v.abs() <= 1.0 || !v.is_finite() {
        return four(v);
    }
    let mut prefix = "";
    for p in ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"] {
        if v.abs() < 1024.0 {
            break;
        }
        prefix = p;
        v /= 1024.0;
    }
    format!("{}{prefix}", four(v))
}

/// Seconds as `1d 2h 3m 4s`, `123.5ms`.
pub(super) fn duration(mut v: f64) -> String {
    if !v.is_finite() {
        return four(v);
    }
    if v == 0.0 {
        return "0s".to_owned();
    }
    if v.abs() >= 1.0 {
        let sign = if v < 0.0 { "-" } else { "" };
        let v = v.abs();
        #[expect(clippy::cast_possible_truncation, reason = "saturates; Go truncates here, too")]
        let whole = v as i64;
        let (s, m, h, d) = (whole % 60, whole / 60 % 60, whole / 3600 % 24, whole / 86_400);
        return if d != 0 {
            format!("{sign}{d}d {h}h {m}m {s}s")
        } else if h != 0 {
            format!("{sign}{h}h {m}m {s}s")
        } else if m != 0 {
            format!("{sign}{m}m {s}s")
        } else {
            format!("{sign}{}s", four(v))
        };
    }
    let mut prefix = "";
    for p in ["m", "u", "n", "p", "f", "a", "z", "y"] {
        if v.abs() >= 1.0 {
            break;
        }
        prefix = p;
        v *= 1000.0;
    }
    format!("{}{prefix}s", four(v))
}

/// A ratio as per cent: `12.35%`.
pub(super) fn percentage(v: f64) -> String {
    format!("{}%", four(v * 100.0))
}

/// Unix seconds as Go prints a time in UTC: `1970-01-01 00:00:01 +0000 UTC`.
pub(super) fn timestamp(v: f64) -> Result<String, String> {
    if v.is_finite() { moment::from_seconds(v).map(moment::shown) } else { Ok(four(v)) }
}
