//! Label matchers with Prometheus's and Alertmanager's meaning: `=`, `!=`, `=~`, `!~`, regexes anchored on both ends.
//!
//! Not the parser of PromQL selectors (that is `promql`); the parsers here read what Alertmanager's files, its API and
//! amtool write, in the classic notation and in the one for UTF-8 names.

mod classic;
mod parse;
mod utf8;

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
    #[error("`{text}` is not a matcher: {reason}; write `name=\"value\"`, with one of `=`, `!=`, `=~`, `!~`")]
    Syntax {
        /// What was given, cut to 200 characters.
        text: String,
        /// Where in the text, in bytes.
        offset: usize,
        /// What is wrong there.
        reason: String,
    },
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

impl MatcherError {
    pub(crate) fn syntax(text: &str, offset: usize, reason: impl Into<String>) -> Self {
        Self::Syntax { text: text.chars().take(200).collect(), offset, reason: reason.into() }
    }
}

impl Matcher {
    /// Builds a matcher with PromQL's meaning: `.` of a regex matches a line feed, too.
    pub fn new(name: impl Into<String>, op: MatchOp, value: impl Into<String>) -> Result<Self, MatcherError> {
        Self::anchored(name.into(), op, value.into(), "s")
    }

    /// Builds a matcher with Alertmanager's meaning: `.` of a regex does not match a line feed.
    pub fn of_alerts(name: impl Into<String>, op: MatchOp, value: impl Into<String>) -> Result<Self, MatcherError> {
        Self::anchored(name.into(), op, value.into(), "")
    }

    fn anchored(name: String, op: MatchOp, value: String, flags: &str) -> Result<Self, MatcherError> {
        let regex = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Match | MatchOp::NotMatch => {
                let refused = |error: regex::Error| MatcherError::Regex {
                    name: name.clone(),
                    pattern: value.clone(),
                    reason: error.to_string(),
                };
                // By itself first: `a)|(b` must not close the group that anchors it.
                regex::RegexBuilder::new(&value).size_limit(REGEX_SIZE_LIMIT).build().map_err(refused)?;
                let anchored = format!("^(?{flags}:{value})$");
                Some(regex::RegexBuilder::new(&anchored).size_limit(REGEX_SIZE_LIMIT).build().map_err(refused)?)
            }
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

    /// Reads one matcher as Alertmanager writes it: `name="value"`, `name=~regex`, `"a name"!="value"`.
    pub fn parse(text: &str) -> Result<Self, MatcherError> {
        parse::one(text)
    }

    /// Reads any number of matchers, separated by commas, with or without braces around them.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, MatcherError> {
        parse::all(text)
    }
}

/// Whether a text can be a label's name without quotes in the classic notation.
#[must_use]
pub fn is_classic_name(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
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
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let value = escaped(&self.value);
        if self.name.is_empty() || self.name.contains(utf8::is_reserved) {
            write!(f, "\"{}\"{}\"{value}\"", escaped(&self.name), self.op)
        } else {
            write!(f, "{}{}\"{value}\"", self.name, self.op)
        }
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
mod tests;
