//! What calls itself RFC 3164: `Mmm dd hh:mm:ss host tag[pid]: message`, each part of which may be missing.
//!
//! Not a guess at contents: what does not look like a part is message.

use jiff::ToSpan as _;
use jiff::civil::DateTime;

use super::{Context, Parts, nanoseconds};

const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/// The longest tag: RFC 3164 allows 32, programs do not care.
const MOST_TAG: usize = 128;

pub(super) fn parse<'a>(text: &'a str, context: &Context) -> Parts<'a> {
    let text = text.trim_start();
    let Some((at_ns, rest)) = classic(text, context).or_else(|| modern(text)) else {
        let (app, process, body) = tag(text);
        return Parts { app, process, body, ..Parts::default() };
    };
    // A local socket's message has no host: then the next word is the tag, which ends with a colon.
    let (host, rest) = match rest.split_once(' ') {
        Some((word, behind)) if !word.ends_with(':') && !word.contains('[') => (word, behind),
        _ => ("", rest),
    };
    let (app, process, body) = tag(rest);
    Parts { at_ns: Some(at_ns), host, app, process, body, ..Parts::default() }
}

/// `Nov 26 17:40:05`, in the year that makes it nearest to now.
fn classic<'a>(text: &'a str, context: &Context) -> Option<(u64, &'a str)> {
    let (month, rest) = text.split_at_checked(3)?;
    let month = i8::try_from(MONTHS.iter().position(|name| *name == month)? + 1).ok()?;
    let (day, rest) = rest.trim_start().split_once(' ')?;
    let (time, rest) = rest.trim_start().split_at_checked(8)?;
    let time: jiff::civil::Time = time.parse().ok()?;
    let now = jiff::Timestamp::from_microsecond(context.now.as_micros()).ok()?.to_zoned(context.time_zone.clone());
    let of = |year: i16| {
        let date = jiff::civil::Date::new(year, month, day.parse().ok()?).ok()?;
        DateTime::from_parts(date, time).to_zoned(context.time_zone.clone()).ok()
    };
    // A clock may be a little ahead; a message of December that comes in January is not of next December.
    let latest = now.checked_add(1.day()).ok()?;
    let years = [now.year() + 1, now.year(), now.year() - 1];
    let at = years.into_iter().filter_map(of).find(|at| *at <= latest)?;
    Some((u64::try_from(at.timestamp().as_nanosecond()).ok()?, rest.trim_start()))
}

/// RFC 3339, as rsyslog's forwarding format has it.
fn modern(text: &str) -> Option<(u64, &str)> {
    let (time, rest) = text.split_once(' ')?;
    Some((nanoseconds(time)?, rest))
}

/// `tag[pid]: message`.
fn tag(text: &str) -> (&str, &str, &str) {
    let nothing = ("", "", text);
    let Some((head, body)) = text.split_once(':') else { return nothing };
    let (name, process) = match head.strip_suffix(']').and_then(|head| head.split_once('[')) {
        Some((name, process)) => (name, process),
        None => (head, ""),
    };
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '@' | '+' | '#');
    if name.is_empty() || name.len() > MOST_TAG || !name.chars().all(fits) {
        return nothing;
    }
    (name, process, body.strip_prefix(' ').unwrap_or(body))
}
