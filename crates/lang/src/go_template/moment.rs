//! Times as Go shows them, and Go's layouts, for `toTime` and `humanizeTimestamp`.
//!
//! Not time zones: Prometheus's templates know UTC only.
#![expect(
    clippy::string_slice,
    reason = "offsets come from a match at the same place, or from a character's own length"
)]

use super::format::general;

/// The furthest second of either sign whose nanoseconds Go can hold.
const FURTHEST: f64 = 9_223_372_036.9;

/// Unix seconds as nanoseconds; finite ones that Go's `time.Time` takes.
pub(super) fn from_seconds(v: f64) -> Result<i128, String> {
    if v.is_nan() || v.abs() > FURTHEST {
        return Err(format!("{} is outside of the times that can be shown", general(v, Some(4))));
    }
    #[expect(clippy::cast_possible_truncation, reason = "bounded by the line above")]
    Ok((v * 1e9).round() as i128)
}

fn utc(nanos: i128) -> jiff::Zoned {
    jiff::Timestamp::from_nanosecond(nanos).unwrap_or_default().to_zoned(jiff::tz::TimeZone::UTC)
}

/// Go's `Time.String`: `1970-01-01 00:00:01 +0000 UTC`.
pub(super) fn shown(nanos: i128) -> String {
    let time = utc(nanos);
    let fraction = format!("{:09}", time.subsec_nanosecond());
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    format!("{}{dot}{fraction} +0000 UTC", time.strftime("%Y-%m-%d %H:%M:%S"))
}

/// The parts of Go's reference time, longest first where one begins another, and what each means for `strftime`.
const LAYOUT: [(&str, &str); 25] = [
    ("January", "%B"),
    ("Jan", "%b"),
    ("Monday", "%A"),
    ("Mon", "%a"),
    ("MST", "UTC"),
    ("2006", "%Y"),
    ("-07:00", "+00:00"),
    ("-0700", "+0000"),
    ("-07", "+00"),
    ("Z07:00", "Z"),
    ("Z0700", "Z"),
    ("002", "%j"),
    ("01", "%m"),
    ("02", "%d"),
    ("03", "%I"),
    ("04", "%M"),
    ("05", "%S"),
    ("06", "%y"),
    ("15", "%H"),
    ("PM", "%p"),
    ("pm", "%P"),
    ("_2", "%e"),
    ("1", "%-m"),
    ("2", "%-d"),
    ("3", "%-I"),
];

/// Go's `Time.Format` with a layout that spells the reference time, `Mon Jan 2 15:04:05 2006`.
pub(super) fn formatted(nanos: i128, layout: &str) -> Result<String, String> {
    if layout.len() > 256 {
        return Err("the layout is longer than 256 bytes".to_owned());
    }
    let time = utc(nanos);
    let (mut out, mut rest) = (String::new(), layout);
    while let Some(first) = rest.chars().next() {
        if let Some(digits) = fraction(rest) {
            let nanosecond = format!("{:09}", time.subsec_nanosecond());
            out.push_str(&rest[..1]);
            out.push_str(&nanosecond[..digits]);
            rest = &rest[digits + 1..];
        } else if let Some((part, meaning)) = LAYOUT.iter().find(|(part, _)| rest.starts_with(part)) {
            out.push_str(&time.strftime(meaning).to_string());
            rest = &rest[part.len()..];
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    Ok(out)
}

/// `.000`: how many digits of the fraction of a second.
fn fraction(rest: &str) -> Option<usize> {
    let digits = rest.strip_prefix(['.', ','])?;
    let zeros = digits.len() - digits.trim_start_matches('0').len();
    let ends = !digits[zeros..].starts_with(|c: char| c.is_ascii_digit());
    ((1..=9).contains(&zeros) && ends).then_some(zeros)
}

/// A method or field of Go's `time.Time` without arguments.
pub(super) fn part(nanos: i128, name: &str) -> Option<super::value::Value> {
    use super::value::Value;
    let time = utc(nanos);
    Some(match name {
        "Unix" => Value::Int(i64::try_from(nanos.div_euclid(1_000_000_000)).unwrap_or_default()),
        "Year" => Value::Int(time.year().into()),
        "Month" => Value::Text(time.strftime("%B").to_string()),
        "Day" => Value::Int(time.day().into()),
        "Hour" => Value::Int(time.hour().into()),
        "Minute" => Value::Int(time.minute().into()),
        "Second" => Value::Int(time.second().into()),
        "Weekday" => Value::Text(time.strftime("%A").to_string()),
        "UTC" => Value::Time(nanos),
        "String" => Value::Text(shown(nanos)),
        _ => return None,
    })
}
