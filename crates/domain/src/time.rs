//! A moment: microseconds since the Unix epoch, UTC.
//!
//! Not a calendar: time zones and rotations use `jiff` where they are needed.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::duration::Span;

/// Microseconds since 1970-01-01T00:00:00Z. Serialised as RFC 3339 text; stored in rows as the integer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }
    /// From milliseconds, saturating.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000))
    }
    /// From seconds, saturating.
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }
    /// Microseconds, as rows hold it.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }
    /// Milliseconds, rounded down, as samples hold it.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }
    /// Seconds with fraction, as Prometheus's HTTP API shows it.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "an f64 holds microseconds exactly until the year 2255")]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
    /// The time since `earlier`, zero when it is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Span {
        Span::from_micros(self.0.saturating_sub(earlier.0).max(0))
    }
}

impl Add<Span> for Timestamp {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.as_micros()))
    }
}

impl Sub<Span> for Timestamp {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.as_micros()))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds: `2026-11-22T19:40:58.123Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.as_millis()) {
            Ok(t) => write!(f, "{t:.3}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is neither RFC 3339 nor Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time; write RFC 3339 (`2026-11-22T19:40:00Z`) or Unix seconds")]
pub struct InvalidTime(pub String);

impl FromStr for Timestamp {
    type Err = InvalidTime;
    fn from_str(text: &str) -> Result<Self, InvalidTime> {
        let invalid = || InvalidTime(text.chars().take(80).collect());
        if let Ok(secs) = text.parse::<f64>() {
            // The guard keeps the conversion exact enough and away from saturation.
            if secs.is_finite() && secs.abs() < 9e12 {
                #[expect(clippy::cast_possible_truncation, reason = "bounded by the line above")]
                return Ok(Self((secs * 1e6).round() as i64));
            }
            return Err(invalid());
        }
        text.parse::<jiff::Timestamp>().map(|t| Self(t.as_microsecond())).map_err(|_| invalid())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_notations_are_read_and_the_shown_one_reads_back() {
        let t: Timestamp = "2026-11-22T19:40:58.123Z".parse().expect("valid");
        assert_eq!(t.to_string(), "2026-11-22T19:40:58.123Z");
        assert_eq!("1795376458.123".parse::<Timestamp>().expect("valid").as_millis(), 1_795_376_458_123);
        assert!("tomorrow".parse::<Timestamp>().is_err());
        assert!("1e300".parse::<Timestamp>().is_err());
    }
}
