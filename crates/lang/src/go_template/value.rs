//! Values that templates compute with, and their truth and text as Go has them.
//!
//! Not Go's type system: only what labels, numbers, query results and the functions need.

use std::collections::BTreeMap;
use std::sync::Arc;

use watchkeeper_domain::Labels;

use super::{MAX_OUTPUT, Sample, format, moment};

/// A value. Copies are cheap: whatever can be large is shared.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Labels(Labels),
    /// What `query` gives.
    List(Arc<[Value]>),
    Sample(Arc<Sample>),
    /// What `args` gives.
    Map(Arc<BTreeMap<String, Value>>),
    /// Nanoseconds since the Unix epoch, in UTC.
    Time(i128),
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
            Self::Labels(labels) => !labels.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Sample(_) | Self::Time(_) | Self::Root => true,
        }
    }

    /// As Go's `fmt` prints it.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    /// Writes the text, and stops soon after it has grown over the limit of a rendering: values may share their parts, so
    /// that a text can be much longer than what it is made of.
    fn write(&self, out: &mut String) {
        if out.len() > MAX_OUTPUT {
            return;
        }
        let entries = |out: &mut String, entries: &mut dyn Iterator<Item = (&str, Value)>| {
            out.push_str("map[");
            for (i, (name, value)) in entries.enumerate() {
                out.push_str(if i > 0 { " " } else { "" });
                out.push_str(name);
                out.push(':');
                value.write(out);
            }
            out.push(']');
        };
        match self {
            Self::Nil => out.push_str("<no value>"),
            Self::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
            Self::Int(i) => out.push_str(&i.to_string()),
            Self::Float(f) => out.push_str(&format::general(*f, None)),
            Self::Text(t) => out.push_str(t),
            Self::Labels(labels) => entries(out, &mut labels.iter().map(|(n, v)| (n, Self::Text(v.to_owned())))),
            Self::Map(map) => entries(out, &mut map.iter().map(|(n, v)| (n.as_str(), v.clone()))),
            Self::List(list) => {
                out.push('[');
                for (i, value) in list.iter().enumerate() {
                    out.push_str(if i > 0 { " " } else { "" });
                    value.write(out);
                }
                out.push(']');
            }
            Self::Sample(sample) => {
                out.push_str("&{");
                Self::Labels(sample.labels.clone()).write(out);
                out.push(' ');
                out.push_str(&format::general(sample.value, None));
                out.push('}');
            }
            Self::Time(nanos) => out.push_str(&moment::shown(*nanos)),
            Self::Root => out.push_str("<template data>"),
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
            Self::List(_) => "a query's result",
            Self::Sample(_) => "a sample",
            Self::Map(_) => "a map",
            Self::Time(_) => "a time",
            Self::Root => "the dot",
        }
    }
}
