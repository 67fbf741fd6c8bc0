//! Durations as .NET writes a `TimeSpan`, and the other ways in which SDKs write one.
//!
//! Not ISO 8601 dates: envelopes' times are RFC 3339 and read elsewhere.

/// Reads `[-][d.]hh:mm:ss[.fffffff]`, ISO 8601's `PT1.5S` with days at most, or a number of milliseconds. Gives nanoseconds.
pub(super) fn nanos(text: &str) -> Option<u64> {
    let text = text.trim();
    let seconds = if text.contains(':') {
        clock(text)?
    } else if let Some(rest) = text.strip_prefix(['P', 'p']) {
        iso(rest)?
    } else {
        text.parse::<f64>().ok()? / 1e3
    };
    // Of a thousand days and more the specification knows nothing; it is no duration of a request.
    if !(0.0..86_400_000.0).contains(&seconds) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded by the check above")]
    let nanos = (seconds * 1e9).round() as u64;
    Some(nanos)
}

/// `[d.]hh:mm:ss[.f]`.
fn clock(text: &str) -> Option<f64> {
    let mut parts = text.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (days, hours) = hours.split_once('.').unwrap_or(("0", hours));
    let whole = |text: &str| (text.len() <= 4).then(|| text.parse::<u16>().ok()).flatten().map(f64::from);
    let plain = seconds.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let seconds: f64 = plain.then(|| seconds.parse().ok()).flatten()?;
    Some(whole(days)? * 86_400.0 + whole(hours)? * 3_600.0 + whole(minutes)? * 60.0 + seconds)
}

/// What follows `P`: `1DT2H3M4.5S`. Years and months must be zero: nobody knows how long they are.
fn iso(rest: &str) -> Option<f64> {
    let (mut total, mut number, mut in_time) = (0.0, String::new(), false);
    for c in rest.chars() {
        match c.to_ascii_uppercase() {
            'T' => in_time = true,
            c if c.is_ascii_digit() || c == '.' => number.push(c),
            unit => {
                let value: f64 = std::mem::take(&mut number).parse().ok()?;
                let seconds = match (unit, in_time) {
                    ('Y', false) | ('M', false) if value == 0.0 => 0.0,
                    ('D', false) => 86_400.0,
                    ('H', true) => 3_600.0,
                    ('M', true) => 60.0,
                    ('S', true) => 1.0,
                    _ => return None,
                };
                total += value * seconds;
            }
        }
    }
    number.is_empty().then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_that_sdks_send_is_read() {
        for (text, expected) in [
            ("0.00:00:00.001", 1_000_000),
            ("00:00:00.120", 120_000_000),
            ("00:00:00.0013686", 1_368_600),
            ("00:00:01", 1_000_000_000),
            ("1.02:03:04.5", 93_784_500_000_000),
            ("999.23:59:59.9999999", 86_399_999_999_999_900),
            ("12.5", 12_500_000),
            ("0", 0),
            ("PT1.5S", 1_500_000_000),
            ("P0Y0M1DT2H3M4S", 93_784_000_000_000),
        ] {
            assert_eq!(nanos(text).map(|n| n / 1_000), Some(expected / 1_000), "{text}");
        }
        for text in
            ["", "x", "1:2", "-00:00:01", "00:00:-1", "1000.00:00:00", "1:2:3:4", "P1Y", "NaN", "inf", "00:00:1e9"]
        {
            assert_eq!(nanos(text), None, "{text}");
        }
    }
}
