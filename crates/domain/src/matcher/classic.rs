//! The classic notation: names of letters, digits, `_` and `:`; values that need no quotes and forgive much.
//!
//! Not for names beyond ASCII; [`super::utf8`] has those. What it forgives is part of it, because files rely on it: braces
//! that do not pair, a backslash before a letter that needs none, a value that is not there.
//! Source: Alertmanager's documentation of matchers, and its tests, which the corpus holds.

use super::{MatchOp, Matcher, MatcherError};

/// Longest first: `=~` begins like `=`.
const OPERATORS: [(&str, MatchOp); 4] =
    [("=~", MatchOp::Match), ("!~", MatchOp::NotMatch), ("!=", MatchOp::NotEqual), ("=", MatchOp::Equal)];

pub(super) fn all(text: &str) -> Result<Vec<Matcher>, MatcherError> {
    let inner = text.strip_prefix('{').unwrap_or(text);
    let inner = inner.strip_suffix('}').unwrap_or(inner);
    split(inner).into_iter().map(one).collect()
}

/// Splits at commas that stand outside quotes. A last part of nothing but blanks is none.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut quoted, mut escaped, mut from) = (Vec::new(), false, false, 0);
    for (at, c) in text.char_indices() {
        match c {
            ',' if !quoted => {
                parts.push(text.get(from..at).unwrap_or(""));
                from = at + 1;
            }
            '"' if escaped => escaped = false,
            '"' => quoted = !quoted,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    let last = text.get(from..).unwrap_or("");
    if !last.trim().is_empty() {
        parts.push(last);
    }
    parts
}

pub(super) fn one(text: &str) -> Result<Matcher, MatcherError> {
    let trimmed = text.trim();
    let length = trimmed.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':')).count();
    let (name, rest) = trimmed.split_at(length);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(MatcherError::syntax(text, 0, "a label's name is expected"));
    }
    let rest = rest.trim_start();
    let found = OPERATORS.into_iter().find_map(|(sign, op)| rest.strip_prefix(sign).map(|value| (op, value)));
    let Some((op, value)) = found else {
        return Err(MatcherError::syntax(text, length, "an operator is expected after the name"));
    };
    Matcher::of_alerts(name, op, unescape(text, value.trim())?)
}

/// Takes quotes off and resolves `\"`, `\\` and `\n`; any other backslash stands for itself.
fn unescape(whole: &str, value: &str) -> Result<String, MatcherError> {
    let stray = || MatcherError::syntax(whole, 0, "a double quote in the value is not escaped");
    let (value, quoted) = value.strip_prefix('"').map_or((value, false), |inner| (inner, true));
    let mut out = String::with_capacity(value.len());
    let mut closed = false;
    let mut chars = value.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('n')) => {
                out.push('\n');
                chars.next();
            }
            ('\\', Some(escaped @ ('"' | '\\'))) => {
                out.push(*escaped);
                chars.next();
            }
            ('"', next) => {
                if !quoted || next.is_some() {
                    return Err(stray());
                }
                closed = true;
            }
            (c, _) => out.push(c),
        }
    }
    if quoted && !closed { Err(stray()) } else { Ok(out) }
}
