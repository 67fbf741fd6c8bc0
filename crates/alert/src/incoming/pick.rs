//! Reading other people's JSON: numbers where texts are meant, texts where numbers are, nothing where something should be.
//!
//! Not a schema.

use serde_json::Value;
use watchkeeper_domain::{Priority, Timestamp};

/// The text at a JSON pointer; numbers and truth values count as texts. None when it is absent or blank.
pub(super) fn text(value: &Value, pointer: &str) -> Option<String> {
    as_text(value.pointer(pointer)?)
}

pub(super) fn as_text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// The first of these pointers that leads to a text.
pub(super) fn first(value: &Value, pointers: &[&str]) -> Option<String> {
    pointers.iter().find_map(|pointer| text(value, pointer))
}

/// A list, or nothing.
pub(super) fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A time: RFC 3339, or seconds or milliseconds since 1970. Go's year 1 is none.
pub(super) fn time(value: &Value, pointer: &str) -> Option<Timestamp> {
    let at = match value.pointer(pointer)? {
        Value::String(text) => match text.trim().parse() {
            Ok(number) => since_1970(number),
            Err(_) => text.trim().parse().ok()?,
        },
        Value::Number(number) => since_1970(number.as_f64()?),
        _ => return None,
    };
    Some(at).filter(|at: &Timestamp| at.as_micros() > 0)
}

/// To milliseconds: more than that is lost in a float.
#[expect(clippy::cast_possible_truncation, reason = "clamped to what fits")]
fn since_1970(number: f64) -> Timestamp {
    // Seconds reach 100 billion in the year 5138.
    let millis = if number.abs() < 1e11 { number * 1_000.0 } else { number };
    Timestamp::from_micros(millis.clamp(-1e14, 1e14).round() as i64 * 1_000)
}

/// A priority by the words that tools use beside ours.
pub(super) fn priority(word: &str) -> Option<Priority> {
    let word = word.trim().to_ascii_lowercase();
    word.parse().ok().or(match word.as_str() {
        "fatal" | "emergency" | "disaster" | "page" | "blocker" | "sev-0" | "sev-1" => Some(Priority::Critical),
        "major" | "err" | "alert" | "urgent" => Some(Priority::High),
        "warn" | "minor" | "moderate" | "average" => Some(Priority::Medium),
        "ok" | "success" | "information" | "informational" | "notice" | "debug" | "none" | "note" | "p5" => {
            Some(Priority::Low)
        }
        _ => None,
    })
}

/// At most so many letters.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The text without the tags of HTML, on one line: for texts that other tools write for web pages.
pub(super) fn without_tags(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut inside = false;
    for letter in html.chars() {
        match letter {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                out.push(' ');
            }
            _ if inside => {}
            _ => out.push(letter),
        }
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_texts_and_words_are_read_as_they_come() {
        let value = json!({"a": "2025-04-15T18:17:12.8511234Z", "b": 1_705_312_800, "c": "1564479419939", "d": "0001-01-01T00:00:00Z", "e": 5, "f": " "});
        assert_eq!(time(&value, "/a").unwrap().as_micros() % 1_000_000, 851_123);
        assert_eq!(time(&value, "/b").unwrap(), Timestamp::from_secs(1_705_312_800));
        assert_eq!(time(&value, "/c").unwrap().as_micros(), 1_564_479_419_939_000);
        assert_eq!((time(&value, "/d"), time(&value, "/g")), (None, None));
        assert_eq!((text(&value, "/e"), text(&value, "/f")), (Some("5".to_owned()), None));
        assert_eq!(
            (priority("Sev1"), priority("FATAL"), priority("x")),
            (Some(Priority::High), Some(Priority::Critical), None)
        );
        assert_eq!(without_tags("<p>a <b>b</b></p>c"), "a b c");
        assert_eq!(cut("añb", 2), "añ…");
    }
}
