//! Durations that the parser gets wrong: it panics on some that are too large, and takes others for nothing.
//!
//! Not the reading of durations: what is in range goes on to the parser.

use super::locate::tokens;
use crate::error::ParseError;

/// Go's longest duration, which is Prometheus's, in seconds: 2^63 nanoseconds.
const MAX_SECONDS: f64 = 9_223_372_036.0;

/// Refuses ranges, steps and offsets out of range.
pub(super) fn check(text: &str) -> Result<(), ParseError> {
    let mut depth = 0_usize;
    let mut after_offset = false;
    for (start, end) in tokens(text) {
        let Some(token) = text.get(start..end) else { continue };
        match token {
            "[" => depth += 1,
            "]" => depth = depth.saturating_sub(1),
            // The sign of an offset stands before its number.
            "-" | "+" if after_offset => continue,
            _ if depth > 0 || after_offset => {
                // `1e+300` is three tokens; what follows the word is looked at as far as it may belong to the number.
                let rest = text.get(start..).unwrap_or(token);
                let long = rest.split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '+' | '-'))).next();
                if token.split(':').chain(long).any(|duration| !in_range(duration)) {
                    return Err(ParseError::Refused {
                        expr: token.chars().take(200).collect(),
                        reason:
                            "the duration is out of range; the longest is 292 years, in parts of at most 4294967295"
                                .to_owned(),
                    });
                }
            }
            _ => {}
        }
        after_offset = token.eq_ignore_ascii_case("offset");
    }
    Ok(())
}

fn in_range(duration: &str) -> bool {
    if let Ok(seconds) = duration.parse::<f64>() {
        // `inf` and `nan` may also be label names, in brackets of other kinds; as durations they are wrong.
        return seconds.is_finite() && seconds <= MAX_SECONDS;
    }
    let runs = duration.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty());
    runs.into_iter().all(|run| run.parse::<u32>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_out_of_range_are_refused_and_others_left_alone() {
        for text in [
            "a[1e300]",
            "a[1e20]",
            "a offset 1e300",
            "a offset -1e300",
            "a offset inf",
            "a OFFSET nan",
            "a offset 1e+300",
            "a[5m99999999999s]",
            "a[5m:99999999999s]",
            "a[1m:1e19]",
            "a[9.5e10]",
        ] {
            assert!(check(text).is_err(), "{text}");
        }
        for text in ["a[5m]", "a[1h:5m] offset -1w", "a offset 90 + 1e300", "a{b=\"[1e300]\"}", "a @ 1e18", "a[0.5]"] {
            assert!(check(text).is_ok(), "{text}");
        }
    }
}
