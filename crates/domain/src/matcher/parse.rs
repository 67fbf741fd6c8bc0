//! Which notation a text is in: both are tried, as Alertmanager does.
//!
//! Not the notations themselves. Where both read a text and differ, the classic one wins, so that a file that was written
//! years ago keeps its meaning; where only one of them reads it, that one has it.

use super::{Matcher, MatcherError, classic, utf8};

/// Any number of matchers.
pub(super) fn all(text: &str) -> Result<Vec<Matcher>, MatcherError> {
    choose(text, classic::all(text), utf8::all(text))
}

/// Exactly one matcher.
pub(super) fn one(text: &str) -> Result<Matcher, MatcherError> {
    choose(text, classic::one(text), utf8::one(text))
}

fn choose<T>(text: &str, classic: Result<T, MatcherError>, utf8: Result<T, MatcherError>) -> Result<T, MatcherError> {
    match (classic, utf8) {
        (Ok(classic), _) => Ok(classic),
        (Err(_), Ok(utf8)) => Ok(utf8),
        // A regex that does not compile says more than that the other notation does not fit either.
        (Err(classic @ MatcherError::Regex { .. }), Err(_)) => Err(classic),
        (Err(_), Err(utf8 @ MatcherError::Regex { .. })) => Err(utf8),
        // Whoever writes `=` without quotes thinks in the classic notation; its reason is the one that helps.
        (Err(classic), Err(_)) if !text.trim_start().starts_with(['{', '"']) => Err(classic),
        (Err(_), Err(utf8)) => Err(utf8),
    }
}
