//! Label matchers with Prometheus's and Alertmanager's meaning: `=`, `!=`, `=~`, `!~`, regexes anchored on both ends.
//!
//! Not the parser of PromQL selectors (that is `promql`); the parser here reads one matcher as Alertmanager writes it.

use std::fmt;

use regex::Regex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::labels::Labels;

/// The largest compiled regex that is accepted, in bytes: user regexes must not cost unbounded memory.
const REGEX_SIZE_LIMIT: usize = 1 << 20;

/// How a matcher compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Match,
    /// `!~`
    NotMatch,
}

/// One condition on one label. An absent label has the empty value.
#[derive(Clone)]
pub struct Matcher {
    /// The label's name.
    pub name: String,
    /// How it is compared.
    pub op: MatchOp,
    /// What it is compared with.
    pub value: String,
    regex: Option<Regex>,
}

/// Why a matcher was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatcherError {
    /// The text is not `name op value`.
    #[error("`{0}` is not a matcher; write `name=\"value\"`, with one of `=`, `!=`, `=~`, `!~`")]
    Syntax(String),
    /// The regular expression does not compile or is too large.
    #[error("the regular expression `{pattern}` of matcher `{name}` is refused: {reason}")]
    Regex {
        /// The label.
        name: String,
        /// The pattern as written.
        pattern: String,
        /// What the regex engine says.
        reason: String,
    },
}

impl Matcher {
    /// Builds a matcher, compiling its regex once.
    pub fn new(name: impl Into<String>, op: MatchOp, value: impl Into<String>) -> Result<Self, MatcherError> {
        let (name, value) = (name.into(), value.into());
        let regex = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Match | MatchOp::NotMatch => Some(
                regex::RegexBuilder::new(&format!("^(?s:{value})$")).size_limit(REGEX_SIZE_LIMIT).build().map_err(
                    |e| MatcherError::Regex { name: name.clone(), pattern: value.clone(), reason: e.to_string() },
                )?,
            ),
        };
        Ok(Self { name, op, value, regex })
    }

    /// An equality matcher, which cannot fail.
    pub fn equal(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), op: MatchOp::Equal, value: value.into(), regex: None }
    }

    /// Whether a value satisfies the condition.
    #[must_use]
    pub fn matches_value(&self, value: &str) -> bool {
        let by_regex = || self.regex.as_ref().is_some_and(|r| r.is_match(value));
        match self.op {
            MatchOp::Equal => self.value == value,
            MatchOp::NotEqual => self.value != value,
            MatchOp::Match => by_regex(),
            MatchOp::NotMatch => !by_regex(),
        }
    }

    /// Whether a label set satisfies the condition.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        self.matches_value(labels.get(&self.name).unwrap_or(""))
    }

    /// Reads `name="value"`, `name=value`, `name=~"regex"` and so on, as Alertmanager writes one matcher.
    pub fn parse(text: &str) -> Result<Self, MatcherError> {
        let syntax = || MatcherError::Syntax(text.chars().take(200).collect());
        let trimmed = text.trim();
        let at = trimmed.find(['=', '!']).ok_or_else(syntax)?;
        let (name, rest) = trimmed.split_at(at);
        let (op, value) =
            [("=~", MatchOp::Match), ("!~", MatchOp::NotMatch), ("!=", MatchOp::NotEqual), ("=", MatchOp::Equal)]
                .into_iter()
                .find_map(|(sign, op)| rest.strip_prefix(sign).map(|value| (op, value)))
                .ok_or_else(syntax)?;
        let name = unquote(name.trim()).ok_or_else(syntax)?;
        let value = unquote(value.trim()).ok_or_else(syntax)?;
        if name.is_empty() {
            return Err(syntax());
        }
        Self::new(name, op, value)
    }
}

/// Takes the quotes off a quoted text and resolves `\"`, `\\` and `\n`; a text without quotes stays as it is.
fn unquote(text: &str) -> Option<String> {
    let Some(inner) = text.strip_prefix('"') else {
        return (!text.contains('"')).then(|| text.to_owned());
    };
    let inner = inner.strip_suffix('"')?;
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return None,
            '\\' => match chars.next()? {
                'n' => out.push('\n'),
                c @ ('"' | '\\') => out.push(c),
                c => out.extend(['\\', c]),
            },
            c => out.push(c),
        }
    }
    Some(out)
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.op, &self.value) == (&other.name, other.op, &other.value)
    }
}

impl Eq for Matcher {}

impl fmt::Display for MatchOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Match => "=~",
            Self::NotMatch => "!~",
        })
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        write!(f, "{}{}\"{value}\"", self.name, self.op)
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Matcher {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Matcher {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regexes_are_anchored_and_an_absent_label_is_empty() {
        let m = Matcher::parse(r#"severity=~"crit.*|high""#).expect("valid");
        assert!(m.matches_value("critical"));
        assert!(!m.matches_value("not critical"));
        assert!(Matcher::parse("team!=\"\"").expect("valid").matches(&Labels::from_pairs([("team", "core")])));
        assert!(!Matcher::parse("team!=\"\"").expect("valid").matches(&Labels::empty()));
    }

    #[test]
    fn what_is_shown_parses_back() {
        for text in [r#"a="b""#, r#"a!="b\"c""#, r#"a=~"x\\.y""#, r#"a!~"n\n""#] {
            let m = Matcher::parse(text).expect(text);
            assert_eq!(Matcher::parse(&m.to_string()).as_ref(), Ok(&m));
        }
        assert!(Matcher::parse("nonsense").is_err());
        assert!(Matcher::parse("a=~\"(\"").is_err());
    }
}
