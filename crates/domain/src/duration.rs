//! A length of time in Prometheus's notation: `1h30m`, `500ms`, `7d`.
//!
//! Not `std::time::Duration`, which has no such notation; converts both ways.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A non-negative length of time with microsecond resolution.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(i64);

/// Unit, its length in microseconds; in the order in which they may appear.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000_000),
    ("w", 7 * 86_400_000_000),
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
];

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// From microseconds; negative counts as zero.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(if micros < 0 { 0 } else { micros })
    }
    /// From milliseconds.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self::from_micros(millis.saturating_mul(1_000))
    }
    /// From seconds.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self::from_micros(secs.saturating_mul(1_000_000))
    }
    /// Microseconds.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }
    /// Milliseconds, rounded down.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0 / 1_000
    }
    /// Seconds with fraction.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "exact for 285 years")]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
    /// The same length for the standard library.
    #[must_use]
    pub fn to_std(self) -> std::time::Duration {
        std::time::Duration::from_micros(self.0.unsigned_abs())
    }
    /// Whether it is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl From<std::time::Duration> for Span {
    fn from(d: std::time::Duration) -> Self {
        Self(i64::try_from(d.as_micros()).unwrap_or(i64::MAX))
    }
}

/// A text that is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a duration; write for example `30s`, `5m`, `1h30m`, `7d` (units: y, w, d, h, m, s, ms, largest first)"
)]
pub struct InvalidDuration(pub String);

impl FromStr for Span {
    type Err = InvalidDuration;
    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        let invalid = || InvalidDuration(text.chars().take(80).collect());
        if text == "0" {
            return Ok(Self::ZERO);
        }
        let (mut rest, mut total, mut next_unit) = (text, 0_i64, 0_usize);
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at(digits);
            let number: i64 = number.parse().map_err(|_| invalid())?;
            let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, tail) = tail.split_at(letters);
            let at =
                UNITS.iter().position(|(name, _)| *name == unit).filter(|at| *at >= next_unit).ok_or_else(invalid)?;
            total = number.checked_mul(UNITS[at].1).and_then(|part| total.checked_add(part)).ok_or_else(invalid)?;
            next_unit = at + 1;
            rest = tail;
        }
        if text.is_empty() { Err(invalid()) } else { Ok(Self(total)) }
    }
}

impl std::ops::Add for Span {
    type Output = Self;
    fn add(self, more: Self) -> Self {
        Self(self.0.saturating_add(more.0))
    }
}

impl fmt::Display for Span {
    /// The shortest exact notation, as Prometheus prints it: years and weeks only when they divide evenly.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < 1_000 {
            return f.write_str("0s");
        }
        let mut rest = self.0;
        for (unit, micros) in UNITS {
            if matches!(unit, "y" | "w") && rest % micros != 0 {
                continue;
            }
            let count = rest / micros;
            if count > 0 {
                write!(f, "{count}{unit}")?;
                rest %= micros;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn prometheus_notation_is_read_and_nonsense_refused() {
        assert_eq!("1h30m".parse::<Span>(), Ok(Span::from_secs(5_400)));
        assert_eq!("500ms".parse::<Span>(), Ok(Span::from_millis(500)));
        assert_eq!("0".parse::<Span>(), Ok(Span::ZERO));
        for bad in ["", "5", "m", "30m1h", "1h1h", "-5m", "1.5h", "99999999999999999y", "5 m"] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
        assert_eq!(Span::from_secs(90).to_string(), "1m30s");
        assert_eq!(Span::from_secs(7 * 86_400).to_string(), "1w");
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(millis in 0_i64..10_000_000_000_000) {
            let span = Span::from_millis(millis);
            prop_assert_eq!(span.to_string().parse::<Span>(), Ok(span));
        }
    }
}
