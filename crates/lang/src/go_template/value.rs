//! Values that templates compute with, and their truth and text as Go has them.
//!
//! Not Go's type system: only what labels, numbers and the functions need.

use watchkeeper_domain::Labels;

use super::format;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Labels(Labels),
    /// The dot at the top: `.Labels`, `.Value`.
    Root,
}

impl Value {
    /// Go's truth: the zero value of each type is false.
    pub(super) fn truth(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(b) => *b,
            Self::Int(i) => *i != 0,
            Self::Float(f) => *f != 0.0,
            Self::Text(t) => !t.is_empty(),
            Self::Labels(l) => !l.is_empty(),
            Self::Root => true,
        }
    }

    /// The text that `{{ … }}` prints (Go's `%v`).
    pub(super) fn text(&self) -> String {
        match self {
            Self::Nil => "<no value>".to_owned(),
            Self::Bool(b) => b.to_string(),
            Self::Int(i) => i.to_string(),
            Self::Float(f) => format::general(*f, None),
            Self::Text(t) => t.clone(),
            Self::Labels(labels) => {
                let pairs: Vec<String> = labels.iter().map(|(n, v)| format!("{n}:{v}")).collect();
                format!("map[{}]", pairs.join(" "))
            }
            Self::Root => "<template data>".to_owned(),
        }
    }

    /// The number that Prometheus's functions make of a value: texts are parsed.
    pub(super) fn number(&self) -> Result<f64, String> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "Go converts int64 to float64 here, too")]
            Self::Int(i) => Ok(*i as f64),
            Self::Float(f) => Ok(*f),
            Self::Text(t) => format::parse_float(t)
                .ok_or_else(|| format!("`{}` is not a number", t.chars().take(80).collect::<String>())),
            other => Err(format!("{} is not a number", other.kind())),
        }
    }

    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "nothing",
            Self::Bool(_) => "a truth value",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::Text(_) => "a text",
            Self::Labels(_) => "a label set",
            Self::Root => "the dot",
        }
    }
}
